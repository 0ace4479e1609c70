//! The commit acknowledgments of MLLP release 2: a block whose content is one byte.

use bytes::BytesMut;

use crate::block::Block;
use crate::frame::Frame;

/// A commit acknowledgment of MLLP release 2, with which a receiver answers each block before anything else.
///
/// ```
/// use bytes::BytesMut;
/// use hl7_mllp::{CommitBlock, Decoder, DecoderOptions, Frame};
///
/// let mut buf = BytesMut::new();
/// CommitBlock::Ack.encode(Frame::default(), &mut buf);
/// assert_eq!(&buf[..], b"\x0B\x06\x1C\r");
/// let block = Decoder::new(DecoderOptions::new()).decode(&mut buf)?.unwrap();
/// assert_eq!(CommitBlock::of(&block), Some(CommitBlock::Ack));
/// # Ok::<(), hl7_mllp::DecodeError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum CommitBlock {
    /// 0x06: the receiver has the content in safe storage and answers for it from now on.
    Ack,
    /// 0x15: the receiver has not taken the content. It may be sent again, on a new connection.
    Nak,
}

impl CommitBlock {
    /// The commit acknowledgment that a block is; `None` for one with other content. No message looks like one.
    pub fn of(block: &Block) -> Option<Self> {
        match block.content() {
            [0x06] => Some(Self::Ack),
            [0x15] => Some(Self::Nak),
            _ => None,
        }
    }

    /// Its one byte.
    pub fn byte(self) -> u8 {
        match self {
            Self::Ack => 0x06,
            Self::Nak => 0x15,
        }
    }

    /// Appends it to `out` as a block. This cannot fail: no [`Frame`] has one of these bytes.
    pub fn encode(self, frame: Frame, out: &mut BytesMut) {
        frame.put(&[self.byte()], out);
    }
}
