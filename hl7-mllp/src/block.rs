//! A block's content, and the frame around it: start block 0x0B, content, end block 0x1C 0x0D.

use std::fmt;

use bytes::{BufMut, Bytes, BytesMut};

use crate::codec_error::{EncodeError, EncodeErrorKind};

/// The start block character, SB.
pub(crate) const START: u8 = 0x0B;
/// The end block character, EB.
pub(crate) const END: u8 = 0x1C;
/// The carriage return behind the end block character.
pub(crate) const CR: u8 = 0x0D;

/// The content of one block, without its frame. Cloning it copies nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Block {
    content: Bytes,
}

impl Block {
    /// A block with this content, which is not checked here: [`encode`] does that.
    pub fn new(content: impl Into<Bytes>) -> Self {
        Self { content: content.into() }
    }

    /// The bytes between the start block and the end block.
    pub fn content(&self) -> &[u8] {
        &self.content
    }

    /// The same, taken out.
    pub fn into_bytes(self) -> Bytes {
        self.content
    }
}

impl fmt::Debug for Block {
    /// Shows the size only: the content may be a patient's.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Block").field("bytes", &self.content.len()).finish_non_exhaustive()
    }
}

/// Appends `content` to `out` as a block.
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
    if content.is_empty() {
        return Err(EncodeError::new(EncodeErrorKind::Empty, 0));
    }
    if let Some(at) = memchr::memchr2(START, END, content) {
        return Err(EncodeError::new(EncodeErrorKind::FrameByte, at));
    }
    out.reserve(content.len() + 3);
    out.put_u8(START);
    out.put_slice(content);
    out.put_u8(END);
    out.put_u8(CR);
    Ok(())
}
