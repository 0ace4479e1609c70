//! Blocks over a connection: reading with room that grows with the block, writing with a deadline that asks for progress.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::time::{Instant, timeout_at};

use crate::block::Block;
use crate::codec::{Decoder, DecoderOptions};
use crate::codec_error::DecodeError;
use crate::silence::{self, Silence, is_line_ends};
use crate::stream::Stream;
use crate::tls_fault::TlsFault;

/// How many bytes have to move within one deadline. A block shorter than this has one deadline for the whole.
pub(crate) const PACE: usize = 64 * 1024;
const LEAST_READ: usize = 4 * 1024;
/// No more than this is read behind the end of a block.
const MOST_READ: usize = PACE;
/// How long a peer that goes on sending is listened to at the end, and how long one that is quiet.
const LINGER: Duration = Duration::from_secs(2);
const QUIET: Duration = Duration::from_millis(100);
const FAR: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);

/// A connection and what has been read from it.
pub(crate) struct Wire {
    stream: Stream,
    buf: BytesMut,
    decoder: Decoder,
    /// Whether the peer spoke before a block was out: it can only have refused that, and nothing more is sent.
    spent: bool,
}

/// What stopped a write.
pub(crate) struct WriteFault {
    /// Whether bytes of the block may have left.
    pub(crate) any_left: bool,
    /// `None` when the deadline passed.
    pub(crate) error: Option<io::Error>,
}

impl Wire {
    pub(crate) fn new(stream: Stream, options: DecoderOptions) -> Self {
        Self { stream, buf: BytesMut::new(), decoder: Decoder::new(options), spent: false }
    }

    /// The next block of what has been read so far. A long one does not share its memory with what was read behind it, which would
    /// else keep it from being freed.
    pub(crate) fn next_block(&mut self) -> Result<Option<Block>, DecodeError> {
        let block = self.decoder.decode(&mut self.buf)?;
        if block.as_ref().is_some_and(|block| block.content().len() > PACE) {
            self.buf = BytesMut::from(&self.buf[..]);
        }
        Ok(block)
    }

    /// How many bytes the next read can leave here.
    pub(crate) fn after_next_read(&self) -> usize {
        self.buf.len() + self.next_read()
    }

    fn next_read(&self) -> usize {
        self.buf.len().clamp(LEAST_READ, MOST_READ)
    }

    pub(crate) fn finish(&mut self) -> Result<(), DecodeError> {
        self.decoder.finish(&mut self.buf)
    }

    pub(crate) fn decoder(&mut self) -> &mut Decoder {
        &mut self.decoder
    }

    /// Reads what there is, up to [`Wire::after_next_read`]; 0 at the end of the stream. Nothing is lost when this is dropped.
    pub(crate) async fn read_some(&mut self) -> io::Result<usize> {
        if self.buf.is_empty() {
            // An idle connection keeps no buffer.
            self.buf = BytesMut::new();
            match &mut self.stream {
                Stream::Tcp(tcp) => tcp.readable().await?,
                other => return poll_fn(|cx| poll_first(other, cx, &mut self.buf)).await,
            }
        }
        let most = self.next_read();
        self.buf.reserve(most);
        (&mut self.stream).take(most as u64).read_buf(&mut self.buf).await
    }

    /// What an error of the connection says of its security.
    pub(crate) fn fault(&self, why: &io::Error) -> Option<TlsFault> {
        self.stream.fault(why)
    }

    /// Whether the connection can carry no further message.
    pub(crate) fn is_spent(&self) -> bool {
        self.spent
    }

    pub(crate) fn spend(&mut self) {
        self.spent = true;
    }

    /// Writes a block. Every [`PACE`] bytes, and the rest, have to be taken within `progress`.
    pub(crate) async fn write(&mut self, block: &[u8], progress: Duration) -> Result<(), WriteFault> {
        self.write_while(block, progress, false).await
    }

    /// As [`Wire::write`], and stops when the peer says something before the block is out; what it says is then there to be read, and the connection
    /// [spent](Wire::is_spent).
    pub(crate) async fn write_listening(
        &mut self,
        block: &[u8],
        progress: Duration,
    ) -> Result<(), WriteFault> {
        self.write_while(block, progress, true).await
    }

    async fn write_while(
        &mut self,
        block: &[u8],
        progress: Duration,
        listens: bool,
    ) -> Result<(), WriteFault> {
        let (mut written, mut counted) = (0, 0);
        let mut deadline = deadline_in(progress);
        while let Some(rest) = block.get(written..).filter(|rest| !rest.is_empty()) {
            let listens = listens && written > 0;
            let (stream, buf) = (&mut self.stream, &mut self.buf);
            match timeout_at(deadline, poll_fn(|cx| poll_move(stream, cx, rest, buf, listens))).await {
                Err(_) => return Err(self.write_timed_out(written)),
                Ok(Err(why)) => return Err(self.write_fault(written, why).await),
                Ok(Ok(Moved::Heard)) => {
                    self.spend();
                    return Ok(());
                }
                Ok(Ok(Moved::Taken(0))) => {
                    return Err(self.write_fault(written, io::ErrorKind::WriteZero.into()).await);
                }
                Ok(Ok(Moved::Taken(taken))) => written += taken,
            }
            if written - counted >= PACE {
                counted = written;
                deadline = deadline_in(progress);
            }
        }
        match timeout_at(deadline, self.stream.flush()).await {
            Err(_) => Err(WriteFault { any_left: true, error: None }),
            Ok(Err(why)) => Err(self.write_fault(written, why).await),
            Ok(Ok(())) => Ok(()),
        }
    }

    /// Reads what has come, without waiting; says whether there is anything.
    pub(crate) async fn hear(&mut self) -> bool {
        let (stream, buf) = (&mut self.stream, &mut self.buf);
        poll_fn(|cx| Poll::Ready(hear(stream, cx, buf))).await
    }

    /// Of a stream of the program's nothing is known: it may have kept what it did not say it took.
    fn write_timed_out(&self, written: usize) -> WriteFault {
        WriteFault { any_left: written > 0 || matches!(self.stream, Stream::Other(_)), error: None }
    }

    /// Only of plain TCP is it known that a write which fails took nothing. A peer that refuses says so before it closes, and what
    /// it said tells more than the failed write.
    async fn write_fault(&mut self, written: usize, why: io::Error) -> WriteFault {
        if matches!(self.stream, Stream::Tcp(_)) {
            return WriteFault { any_left: written > 0, error: Some(why) };
        }
        let error = match silence::of(&mut self.stream).await {
            Silence::Broken(said) => said,
            _ => why,
        };
        WriteFault { any_left: true, error: Some(error) }
    }

    /// Whether the peer is there and silent.
    pub(crate) async fn silence(&mut self) -> Silence {
        if !self.decoder.is_between_blocks() || !is_line_ends(&self.buf) {
            return Silence::Unsolicited;
        }
        self.buf.clear();
        silence::of(&mut self.stream).await
    }

    /// Ends the connection in order: what was written is delivered, then the end of the stream. What the peer still sends is read and
    /// dropped for a moment, because a system that closes over unread bytes resets the connection, and the last reply with it.
    pub(crate) async fn close(mut self) {
        let longest = deadline_in(LINGER);
        if !matches!(timeout_at(longest, self.stream.shutdown()).await, Ok(Ok(()))) {
            return;
        }
        loop {
            self.buf.clear();
            let quiet = deadline_in(QUIET).min(longest);
            match timeout_at(quiet, self.read_some()).await {
                Ok(Ok(bytes)) if bytes > 0 => {}
                _ => return,
            }
        }
    }
}

enum Moved {
    Taken(usize),
    Heard,
}

/// Writes some of `rest`, unless something is heard before.
fn poll_move(
    stream: &mut Stream,
    cx: &mut Context<'_>,
    rest: &[u8],
    buf: &mut BytesMut,
    listens: bool,
) -> Poll<io::Result<Moved>> {
    if listens && hear(stream, cx, buf) {
        return Poll::Ready(Ok(Moved::Heard));
    }
    Pin::new(stream).poll_write(cx, rest).map_ok(Moved::Taken)
}

/// Adds what has come to `buf`; says whether that is more than line ends. A fault or an end is left to the write.
fn hear(stream: &mut Stream, cx: &mut Context<'_>, buf: &mut BytesMut) -> bool {
    let _ = poll_first(stream, cx, buf);
    if is_line_ends(buf) {
        buf.clear();
    }
    !buf.is_empty()
}

/// Adds what has come to `buf`: the first bytes of a stream that cannot say that it has some without giving them. They come over the stack, so that waiting
/// for them takes no memory.
fn poll_first(stream: &mut Stream, cx: &mut Context<'_>, buf: &mut BytesMut) -> Poll<io::Result<usize>> {
    let mut bytes = [0; LEAST_READ];
    let mut read = ReadBuf::new(&mut bytes);
    ready!(Pin::new(stream).poll_read(cx, &mut read))?;
    buf.extend_from_slice(read.filled());
    Poll::Ready(Ok(read.filled().len()))
}

/// The time `from_now`, or one so far away that it does not matter.
pub(crate) fn deadline_in(from_now: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(from_now).unwrap_or_else(|| now + FAR)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpStream;

    #[tokio::test]
    async fn a_long_block_leaves_none_of_its_memory_behind() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut sender = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let accepted = Stream::Tcp(listener.accept().await.unwrap().0);
        let mut wire = Wire::new(accepted, DecoderOptions::new());
        let mut stream = BytesMut::new();
        crate::encode(&vec![b'x'; 4_000_000], &mut stream).unwrap();
        stream.extend_from_slice(b"\x0BMSH");
        let write = tokio::spawn(async move { sender.write_all(&stream).await.map(|()| sender) });
        let block = loop {
            let most = wire.after_next_read();
            let read = wire.read_some().await.unwrap();
            assert!(read > 0 && wire.buf.len() <= most && wire.buf.len() <= 4_000_000 + PACE);
            if let Some(block) = wire.next_block().unwrap() {
                break block;
            }
        };
        assert_eq!(block.content().len(), 4_000_000);
        assert!(wire.buf.capacity() <= 2 * PACE, "{} bytes", wire.buf.capacity());
        let _sender = write.await.unwrap().unwrap();
        while wire.next_block().unwrap().is_none() && wire.buf.len() < 3 {
            wire.read_some().await.unwrap();
        }
        assert_eq!(&wire.buf[..], b"MSH");
    }
}
