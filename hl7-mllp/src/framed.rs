//! The codec as tokio-util has codecs, for `Framed`, `FramedRead` and `FramedWrite`.

use std::fmt;
use std::io;

use bytes::{Bytes, BytesMut};

use crate::block::Block;
use crate::codec::{Decoder, DecoderOptions};
use crate::codec_error::{DecodeError, EncodeError};
use crate::commit::CommitBlock;
use crate::frame::Frame;

/// Blocks for [`tokio_util::codec::Framed`]: takes content ([`Bytes`], `&[u8]`, [`Block`], [`CommitBlock`]) and gives [`Block`]s.
///
/// After an error the stream gives `None` once, as tokio-util has it; asked again, it goes on behind the fault.
///
/// ```
/// use hl7_mllp::{BlockCodec, DecoderOptions};
/// use tokio_util::codec::Framed;
///
/// let (ours, theirs) = tokio::io::duplex(1024);
/// let blocks = Framed::new(ours, BlockCodec::new(DecoderOptions::new()));
/// # drop((blocks, theirs));
/// ```
#[derive(Debug)]
pub struct BlockCodec {
    decoder: Decoder,
    frame: Frame,
}

impl BlockCodec {
    /// A codec at the start of a stream, which writes with the frame that it reads.
    pub fn new(options: DecoderOptions) -> Self {
        Self { decoder: Decoder::new(options), frame: options.chosen_frame() }
    }

    /// The decoder, for what it counted and kept.
    pub fn decoder(&mut self) -> &mut Decoder {
        &mut self.decoder
    }
}

impl tokio_util::codec::Decoder for BlockCodec {
    type Item = Block;
    type Error = CodecError;

    fn decode(&mut self, buf: &mut BytesMut) -> Result<Option<Block>, CodecError> {
        Ok(self.decoder.decode(buf)?)
    }

    fn decode_eof(&mut self, buf: &mut BytesMut) -> Result<Option<Block>, CodecError> {
        if let Some(block) = self.decoder.decode(buf)? {
            return Ok(Some(block));
        }
        self.decoder.finish(buf)?;
        Ok(None)
    }
}

impl tokio_util::codec::Encoder<&[u8]> for BlockCodec {
    type Error = CodecError;

    fn encode(&mut self, content: &[u8], out: &mut BytesMut) -> Result<(), CodecError> {
        Ok(self.frame.encode(content, out)?)
    }
}

impl tokio_util::codec::Encoder<Bytes> for BlockCodec {
    type Error = CodecError;

    fn encode(&mut self, content: Bytes, out: &mut BytesMut) -> Result<(), CodecError> {
        Ok(self.frame.encode(&content, out)?)
    }
}

impl tokio_util::codec::Encoder<Block> for BlockCodec {
    type Error = CodecError;

    fn encode(&mut self, block: Block, out: &mut BytesMut) -> Result<(), CodecError> {
        Ok(self.frame.encode(block.content(), out)?)
    }
}

impl tokio_util::codec::Encoder<CommitBlock> for BlockCodec {
    type Error = CodecError;

    fn encode(&mut self, commit: CommitBlock, out: &mut BytesMut) -> Result<(), CodecError> {
        commit.encode(self.frame, out);
        Ok(())
    }
}

/// What ends a stream of blocks.
#[derive(Debug)]
#[non_exhaustive]
pub enum CodecError {
    /// The framing of what was read is broken.
    Decode(DecodeError),
    /// The content cannot stand in a block.
    Encode(EncodeError),
    /// The transport failed.
    Io(io::Error),
}

impl CodecError {
    /// The stable code of the fault; `N016` when the transport failed.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Decode(why) => why.code(),
            Self::Encode(why) => why.code(),
            Self::Io(_) => "N016",
        }
    }

    /// What to do about it.
    pub fn suggestion(&self) -> &'static str {
        match self {
            Self::Decode(why) => why.suggestion(),
            Self::Encode(why) => why.suggestion(),
            Self::Io(_) => "the system's own error says more",
        }
    }
}

impl fmt::Display for CodecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Decode(why) => why.fmt(f),
            Self::Encode(why) => why.fmt(f),
            Self::Io(_) => write!(f, "{}: the transport failed; {}", self.code(), self.suggestion()),
        }
    }
}

impl std::error::Error for CodecError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(why) => Some(why),
            _ => None,
        }
    }
}

impl From<io::Error> for CodecError {
    fn from(why: io::Error) -> Self {
        Self::Io(why)
    }
}

impl From<DecodeError> for CodecError {
    fn from(why: DecodeError) -> Self {
        Self::Decode(why)
    }
}

impl From<EncodeError> for CodecError {
    fn from(why: EncodeError) -> Self {
        Self::Encode(why)
    }
}
