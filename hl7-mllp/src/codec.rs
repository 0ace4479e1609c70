//! The decoder: bytes in, blocks out. It does no input or output and keeps its place between calls.

use bytes::{Buf, Bytes, BytesMut};

use crate::block::{Block, CR};
use crate::codec_error::{DecodeError, DecodeErrorKind};
pub use crate::decoder_options::DecoderOptions;

/// How much of a broken block is kept, so that its sender can be told: an MSH segment is shorter.
const KEPT_OF_BROKEN: usize = 4096;

/// Finds the blocks in a stream of bytes, however it is cut into pieces.
///
/// It looks at every byte once, so that its work grows with the length of the stream and with nothing else. After an error it
/// goes on behind the fault:
///
/// | in the stream | strict | then |
/// | --- | --- | --- |
/// | bytes before a start block | passed over, up to the limit | the block |
/// | 0x0B inside a block | `Restarted`, the block begun before is dropped | the block that begins there |
/// | 0x1C without 0x0D inside a block | `BadEndBlock`, the block is dropped | the block at the next 0x0B |
/// | a block over the limit | `TooLong`, the block is dropped | the block at the next 0x0B |
/// | end of the stream inside a block | `Truncated`, from [`Decoder::finish`] | |
///
/// A block without content is a block; that it is no message is found when it is parsed.
///
/// ```
/// use bytes::BytesMut;
/// use hl7_mllp::{Decoder, DecoderOptions};
///
/// let mut decoder = Decoder::new(DecoderOptions::new());
/// let mut buf = BytesMut::from(&b"\x0BMSH|^~\\&|A\r\x1C"[..]);
/// assert_eq!(decoder.decode(&mut buf)?, None);
/// buf.extend_from_slice(b"\r\x0BMSH");
/// assert_eq!(decoder.decode(&mut buf)?.unwrap().content(), b"MSH|^~\\&|A\r");
/// assert_eq!(decoder.decode(&mut buf)?, None);
/// assert_eq!(decoder.finish(&mut buf).unwrap_err().code(), "N001");
/// # Ok::<(), hl7_mllp::DecodeError>(())
/// ```
#[derive(Debug)]
pub struct Decoder {
    options: DecoderOptions,
    state: State,
    /// Bytes of the stream taken out of the buffer so far.
    taken: u64,
    /// Bytes outside blocks, over the whole stream.
    passed_over: u64,
    broken: Option<Block>,
    #[cfg(test)]
    examined: usize,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// Before a start block. `after_end` holds while a 0x0D may still belong to the block before.
    Between { garbage: usize, after_end: bool },
    /// The buffer starts with the content, of which `scanned` bytes hold neither an end nor a new start.
    Inside { scanned: usize },
    /// In the rest of a block that was given up.
    Broken { skipped: usize },
}

const BETWEEN: State = State::Between { garbage: 0, after_end: false };

/// What one look at the buffer came to.
enum Look {
    Block(Block),
    Again,
    More,
}

impl Decoder {
    /// A decoder at the start of a stream.
    pub fn new(options: DecoderOptions) -> Self {
        Self {
            options,
            state: BETWEEN,
            taken: 0,
            passed_over: 0,
            broken: None,
            #[cfg(test)]
            examined: 0,
        }
    }

    /// Takes the next block out of `buf`, without copying it. `None` when more bytes are needed: append them to `buf` and call
    /// again. What is taken is taken for good; what stays in `buf` belongs to the decoder until it is taken.
    ///
    /// # Errors
    /// When the framing is broken. Each error takes at least one byte out of `buf`, and the next call goes on behind the fault.
    pub fn decode(&mut self, buf: &mut BytesMut) -> Result<Option<Block>, DecodeError> {
        loop {
            let look = match self.state {
                State::Between { garbage, after_end } => self.between(buf, garbage, after_end)?,
                State::Inside { scanned } => self.inside(buf, scanned)?,
                State::Broken { skipped } => self.broken_rest(buf, skipped)?,
            };
            match look {
                Look::Block(block) => return Ok(Some(block)),
                Look::Again => {}
                Look::More => return Ok(None),
            }
        }
    }

    /// Says what the end of the stream means. Call it when [`Decoder::decode`] gives `None` and no more bytes come.
    ///
    /// # Errors
    /// `Truncated` inside a block, `NoStartBlock` after bytes that belong to no block. The decoder is then at a start again.
    pub fn finish(&mut self, buf: &mut BytesMut) -> Result<(), DecodeError> {
        let end = self.taken + buf.len() as u64;
        let state = std::mem::replace(&mut self.state, BETWEEN);
        let left = buf.len();
        self.take(buf, left);
        let kind = match state {
            State::Inside { .. } => DecodeErrorKind::Truncated,
            State::Between { garbage, .. } if garbage + left > 0 => DecodeErrorKind::NoStartBlock,
            _ => return Ok(()),
        };
        Err(DecodeError::new(kind, end))
    }

    /// Whether the stream stands outside any block, a broken one included.
    pub fn is_between_blocks(&self) -> bool {
        matches!(self.state, State::Between { .. })
    }

    /// How many bytes outside blocks were passed over since the start of the stream.
    pub fn passed_over(&self) -> u64 {
        self.passed_over
    }

    /// The first bytes (at most 4 KiB) of the block that the last error dropped, so that its sender can be answered. Taken out once.
    pub fn take_broken(&mut self) -> Option<Block> {
        self.broken.take()
    }

    fn between(
        &mut self,
        buf: &mut BytesMut,
        mut garbage: usize,
        after_end: bool,
    ) -> Result<Look, DecodeError> {
        if after_end && !buf.is_empty() {
            self.state = BETWEEN;
            if buf.first() == Some(&CR) {
                self.take(buf, 1);
            }
            return Ok(Look::Again);
        }
        let start = self.options.frame.start();
        let room = self.options.max_garbage_bytes.saturating_sub(garbage).saturating_add(1);
        let window = buf.len().min(room);
        let found = self.find(buf, 0, window, |bytes| memchr::memchr(start, bytes));
        let skip = found.unwrap_or(window);
        garbage += skip;
        self.passed_over += skip as u64;
        self.take(buf, skip);
        if found.is_some() {
            self.take(buf, 1);
            self.state = State::Inside { scanned: 0 };
            return Ok(Look::Again);
        }
        if garbage > self.options.max_garbage_bytes {
            self.state = BETWEEN;
            return Err(DecodeError::new(DecodeErrorKind::TooMuchGarbage, self.taken - 1));
        }
        self.state = State::Between { garbage, after_end };
        Ok(Look::More)
    }

    fn inside(&mut self, buf: &mut BytesMut, scanned: usize) -> Result<Look, DecodeError> {
        let (start, end) = (self.options.frame.start(), self.options.frame.end());
        let max = self.options.max_block_bytes;
        let window = buf.len().min(max.saturating_add(1));
        let Some(at) = self.find(buf, scanned, window, |bytes| memchr::memchr2(start, end, bytes)) else {
            if window > max {
                return Err(self.give_up(buf, max, 0, DecodeErrorKind::TooLong));
            }
            self.state = State::Inside { scanned: window };
            return Ok(Look::More);
        };
        if buf.get(at) == Some(&start) {
            let error = self.give_up(buf, at, 1, DecodeErrorKind::Restarted);
            self.state = State::Inside { scanned: 0 };
            return Err(error);
        }
        match buf.get(at + 1) {
            _ if self.options.end_block_alone => {
                let block = self.block(buf, at, 1);
                self.state = State::Between { garbage: 0, after_end: true };
                Ok(Look::Block(block))
            }
            None => {
                self.state = State::Inside { scanned: at };
                Ok(Look::More)
            }
            Some(&CR) => {
                let block = self.block(buf, at, 2);
                self.state = BETWEEN;
                Ok(Look::Block(block))
            }
            Some(_) if self.options.end_block_inside => {
                self.state = State::Inside { scanned: at + 1 };
                Ok(Look::Again)
            }
            Some(_) => Err(self.give_up(buf, at, 1, DecodeErrorKind::BadEndBlock)),
        }
    }

    /// Passes over the rest of a broken block, which is no garbage but may be as long as a block.
    fn broken_rest(&mut self, buf: &mut BytesMut, skipped: usize) -> Result<Look, DecodeError> {
        let start = self.options.frame.start();
        let max = self.options.max_block_bytes;
        let window = buf.len().min(max.saturating_sub(skipped).saturating_add(1));
        let found = self.find(buf, 0, window, |bytes| memchr::memchr(start, bytes));
        self.take(buf, found.unwrap_or(window));
        if found.is_some() {
            self.take(buf, 1);
            self.state = State::Inside { scanned: 0 };
            return Ok(Look::Again);
        }
        if skipped + window > max {
            self.state = State::Broken { skipped: 0 };
            return Err(DecodeError::new(DecodeErrorKind::TooMuchGarbage, self.taken - 1));
        }
        self.state = State::Broken { skipped: skipped + window };
        Ok(Look::More)
    }

    /// Takes `content` bytes as a block and `frame` bytes behind them.
    fn block(&mut self, buf: &mut BytesMut, content: usize, frame: usize) -> Block {
        let block = Block::new(buf.split_to(content).freeze());
        self.taken += content as u64;
        self.take(buf, frame);
        block
    }

    /// Drops a block after `content` bytes of it and `frame` bytes behind them, keeping its first bytes.
    fn give_up(
        &mut self,
        buf: &mut BytesMut,
        content: usize,
        frame: usize,
        kind: DecodeErrorKind,
    ) -> DecodeError {
        let kept = buf.get(..content.min(KEPT_OF_BROKEN)).unwrap_or_default();
        self.broken = Some(Block::new(Bytes::copy_from_slice(kept)));
        let error = DecodeError::new(kind, self.taken + content as u64);
        self.take(buf, content + frame);
        self.state = State::Broken { skipped: 0 };
        error
    }

    fn take(&mut self, buf: &mut BytesMut, bytes: usize) {
        buf.advance(bytes.min(buf.len()));
        self.taken += bytes as u64;
    }

    /// Searches `buf[from..to]`; the place found counts from the start of `buf`.
    fn find(
        &mut self,
        buf: &BytesMut,
        from: usize,
        to: usize,
        search: impl Fn(&[u8]) -> Option<usize>,
    ) -> Option<usize> {
        let found = search(buf.get(from..to)?).map(|at| from + at);
        #[cfg(test)]
        {
            self.examined += found.map_or(to, |at| at + 1) - from;
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{END, START};

    /// Feeds `stream` in pieces of `size` and gives the blocks, the errors and the bytes looked at.
    fn run(options: DecoderOptions, stream: &[u8], size: usize) -> (usize, usize, usize) {
        let mut decoder = Decoder::new(options);
        let (mut buf, mut blocks, mut errors) = (BytesMut::new(), 0, 0);
        for piece in stream.chunks(size) {
            buf.extend_from_slice(piece);
            loop {
                match decoder.decode(&mut buf) {
                    Ok(Some(_)) => blocks += 1,
                    Ok(None) => break,
                    Err(_) => errors += 1,
                }
            }
        }
        (blocks, errors, decoder.examined)
    }

    #[test]
    fn each_byte_is_looked_at_once() {
        let mut long = BytesMut::new();
        crate::encode(&vec![b'x'; 2 * 1024 * 1024], &mut long).unwrap();
        let mut nearly_ended = vec![START];
        nearly_ended.resize(500_000, END);
        let restarted = vec![START; 500_000];
        let pairs = [START, END].repeat(250_000);
        for (stream, size, blocks) in [
            (&long[..], 1460, 1),
            (&long[..], long.len(), 1),
            (&nearly_ended, 1460, 0),
            (&restarted, 1460, 0),
            (&pairs, 1460, 0),
            (&pairs, 1, 0),
        ] {
            let (found, _, examined) = run(DecoderOptions::new(), stream, size);
            assert_eq!(found, blocks);
            assert!(examined <= 2 * stream.len(), "{examined} looks at {} bytes", stream.len());
            for tolerant in [
                DecoderOptions::new().end_block_inside(true),
                DecoderOptions::new().end_block_alone(true),
                DecoderOptions::new().max_garbage_bytes(0),
            ] {
                let (_, _, examined) = run(tolerant, stream, size);
                assert!(examined <= 2 * stream.len(), "{examined} looks at {} bytes", stream.len());
            }
        }
    }

    #[test]
    fn a_byte_at_a_time_costs_no_more() {
        let mut stream = BytesMut::new();
        crate::encode(&vec![b'x'; 100_000], &mut stream).unwrap();
        let (found, errors, examined) = run(DecoderOptions::new(), &stream, 1);
        assert_eq!((found, errors), (1, 0));
        assert!(examined <= stream.len() + 1);
    }
}
