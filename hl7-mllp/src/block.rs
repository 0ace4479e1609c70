//! A block's content.

use std::fmt;

use bytes::Bytes;

/// The carriage return behind the end block character.
pub(crate) const CR: u8 = 0x0D;

/// The content of one block, without its frame. Cloning it copies nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Block {
    content: Bytes,
}

impl Block {
    /// A block with this content, which is not checked here: [`crate::encode`] does that.
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
