//! What a decoder accepts: strict unless stated, each deviation by its name.

use crate::frame::Frame;

/// What a [`crate::Decoder`] accepts. Each option is one deviation, off unless stated, and changes this and nothing else:
///
/// | option | unless stated | with it |
/// | --- | --- | --- |
/// | [`frame`](Self::frame) | blocks begin with 0x0B and end with 0x1C 0x0D | with these characters and 0x0D |
/// | [`end_block_alone`](Self::end_block_alone) | 0x1C without 0x0D is `BadEndBlock` | it ends the block |
/// | [`end_block_inside`](Self::end_block_inside) | 0x1C without 0x0D is `BadEndBlock` | it is content |
/// | [`max_garbage_bytes`](Self::max_garbage_bytes) | 1,024 bytes before a block are passed over | that many; with 0 any byte is an error |
/// | [`max_block_bytes`](Self::max_block_bytes) | a block may have 16 MiB of content | that much |
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DecoderOptions {
    pub(crate) frame: Frame,
    pub(crate) max_block_bytes: usize,
    pub(crate) max_garbage_bytes: usize,
    pub(crate) end_block_alone: bool,
    pub(crate) end_block_inside: bool,
}

impl Default for DecoderOptions {
    fn default() -> Self {
        Self {
            frame: Frame::default(),
            max_block_bytes: Self::MAX_BLOCK_BYTES,
            max_garbage_bytes: Self::MAX_GARBAGE_BYTES,
            end_block_alone: false,
            end_block_inside: false,
        }
    }
}

impl DecoderOptions {
    /// The default limit on a block's content: 16 MiB. Messages with an embedded document are mostly shorter. What the blocks of all
    /// connections of a listener take together has a limit of its own, [`crate::ServerBuilder::max_total_block_bytes`].
    pub const MAX_BLOCK_BYTES: usize = 16 * 1024 * 1024;
    /// The default limit on bytes outside a block: 1 KiB. Line ends and a telnet greeting are shorter; another protocol soon is not.
    pub const MAX_GARBAGE_BYTES: usize = 1024;

    /// The defaults: strict.
    pub fn new() -> Self {
        Self::default()
    }

    /// Blocks with more content than `bytes` are refused.
    pub fn max_block_bytes(mut self, bytes: usize) -> Self {
        self.max_block_bytes = bytes;
        self
    }

    pub(crate) fn longest_block(&self) -> usize {
        self.max_block_bytes
    }

    /// The characters around a block, in place of 0x0B and 0x1C. Clients and listeners write theirs with the same.
    pub fn frame(mut self, frame: Frame) -> Self {
        self.frame = frame;
        self
    }

    pub(crate) fn chosen_frame(&self) -> Frame {
        self.frame
    }

    /// Up to `bytes` in front of a start block are passed over and counted; more are an error. With 0, a stream has to be block
    /// after block.
    pub fn max_garbage_bytes(mut self, bytes: usize) -> Self {
        self.max_garbage_bytes = bytes;
        self
    }

    /// Whether 0x1C ends a block also without 0x0D behind it. Off unless stated: with it on, a 0x1C inside the content cuts
    /// the message there.
    pub fn end_block_alone(mut self, allowed: bool) -> Self {
        self.end_block_alone = allowed;
        self
    }

    /// Whether 0x1C without 0x0D behind it is content. Off unless stated: with it on, a sender that forgets the 0x0D is not heard before
    /// its next block, and both are lost. Without effect where [`DecoderOptions::end_block_alone`] is on, as every 0x1C is an end there.
    pub fn end_block_inside(mut self, allowed: bool) -> Self {
        self.end_block_inside = allowed;
        self
    }
}
