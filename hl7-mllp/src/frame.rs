//! The characters around a block, and writing one.

use std::fmt;

use bytes::{BufMut, BytesMut};

use crate::block::CR;
use crate::codec_error::{EncodeError, EncodeErrorKind};

/// The start block character, SB.
pub(crate) const START: u8 = 0x0B;
/// The end block character, EB.
pub(crate) const END: u8 = 0x1C;

/// The two characters that frame a block: 0x0B and 0x1C unless a partner needs others. The carriage return behind the second stays.
///
/// ```
/// use bytes::BytesMut;
/// use hl7_mllp::{Decoder, DecoderOptions, Frame};
///
/// let frame = Frame::new(0x02, 0x03)?;
/// let mut buf = BytesMut::new();
/// frame.encode(b"MSH|^~\\&|A\r", &mut buf)?;
/// assert_eq!(&buf[..], b"\x02MSH|^~\\&|A\r\x03\r");
/// let block = Decoder::new(DecoderOptions::new().frame(frame)).decode(&mut buf)?;
/// assert_eq!(block.unwrap().content(), b"MSH|^~\\&|A\r");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Frame {
    start: u8,
    end: u8,
}

impl Default for Frame {
    /// 0x0B and 0x1C, as MLLP has them.
    fn default() -> Self {
        Self { start: START, end: END }
    }
}

impl Frame {
    /// A frame of these characters.
    ///
    /// # Errors
    /// When one is no control character, so that it could stand in any message; when one is CR or LF, which end segments, or 0x06 or 0x15,
    /// which are commit acknowledgments; when both are the same.
    pub fn new(start: u8, end: u8) -> Result<Self, FrameError> {
        for byte in [start, end] {
            if !byte.is_ascii_control() {
                return Err(FrameError { kind: FrameErrorKind::NoControlCharacter });
            }
            if matches!(byte, CR | b'\n' | 0x06 | 0x15) {
                return Err(FrameError { kind: FrameErrorKind::Reserved });
            }
        }
        if start == end {
            return Err(FrameError { kind: FrameErrorKind::Same });
        }
        Ok(Self { start, end })
    }

    /// The start block character.
    pub fn start(self) -> u8 {
        self.start
    }

    /// The end block character.
    pub fn end(self) -> u8 {
        self.end
    }

    /// Appends `content` to `out` as a block.
    ///
    /// # Errors
    /// When the content is empty, or holds one of the two characters, which would end the block before its end. `out` is then as it was.
    pub fn encode(self, content: &[u8], out: &mut BytesMut) -> Result<(), EncodeError> {
        if content.is_empty() {
            return Err(EncodeError::new(EncodeErrorKind::Empty, 0));
        }
        if let Some(at) = memchr::memchr2(self.start, self.end, content) {
            return Err(EncodeError::new(EncodeErrorKind::FrameByte, at));
        }
        self.put(content, out);
        Ok(())
    }

    /// Appends content that cannot break the frame.
    pub(crate) fn put(self, content: &[u8], out: &mut BytesMut) {
        out.reserve(content.len() + 3);
        out.put_u8(self.start);
        out.put_slice(content);
        out.put_u8(self.end);
        out.put_u8(CR);
    }
}

/// Appends `content` to `out` as a block of the usual [`Frame`].
///
/// # Errors
/// When the content is empty, or holds 0x0B or 0x1C, which would end the block before its end. `out` is then as it was.
///
/// ```
/// let mut out = bytes::BytesMut::new();
/// hl7_mllp::encode(b"MSH|^~\\&|A\r", &mut out)?;
/// assert_eq!(&out[..], b"\x0BMSH|^~\\&|A\r\x1C\r");
/// # Ok::<(), hl7_mllp::EncodeError>(())
/// ```
pub fn encode(content: &[u8], out: &mut BytesMut) -> Result<(), EncodeError> {
    Frame::default().encode(content, out)
}

/// Why two characters are no [`Frame`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FrameError {
    kind: FrameErrorKind,
}

/// The kinds of [`FrameError`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum FrameErrorKind {
    /// N013: a character is no control character.
    NoControlCharacter,
    /// N014: a character is CR, LF, 0x06 or 0x15.
    Reserved,
    /// N015: both characters are the same.
    Same,
}

impl FrameError {
    /// What is wrong.
    pub fn kind(&self) -> FrameErrorKind {
        self.kind
    }

    /// The stable code, `N013` to `N015`.
    pub fn code(&self) -> &'static str {
        self.parts().0
    }

    /// What to do about it.
    pub fn suggestion(&self) -> &'static str {
        self.parts().2
    }

    fn parts(&self) -> (&'static str, &'static str, &'static str) {
        match self.kind {
            FrameErrorKind::NoControlCharacter => (
                "N013",
                "a block character is no control character",
                "give one of 0x00 to 0x1F or 0x7F, which no message holds",
            ),
            FrameErrorKind::Reserved => (
                "N014",
                "a block character is CR, LF, 0x06 or 0x15",
                "these end segments or are commit acknowledgments; give another",
            ),
            FrameErrorKind::Same => (
                "N015",
                "the start block and the end block character are the same",
                "give two that differ, such as 0x0B and 0x1C",
            ),
        }
    }
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (code, what, suggestion) = self.parts();
        write!(f, "{code}: {what}; {suggestion}")
    }
}

impl std::error::Error for FrameError {}
