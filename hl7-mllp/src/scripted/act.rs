//! What a scripted peer does, one act after the other, and how it reads.

use std::time::Duration;

use super::answer::Answer;

/// One act of a scripted peer.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Act {
    /// Sends this answer to the message that is under way.
    Send(Answer),
    /// Sends this answer once for each message of the connection so far.
    SendToAll(Answer),
    /// Does nothing for so long.
    Pause(Duration),
    /// Sends without end, until the other side has gone: a start block, then letters.
    SendForEver,
    /// Closes the connection in order.
    Close,
    /// Closes the connection below, without the end that TLS asks for. Without TLS as [`Act::Close`].
    Cut,
    /// Resets the connection, where it is TCP.
    Reset,
    /// Reads and says nothing more, until the other side has gone.
    Hold,
}

/// How a scripted receiver takes messages out of what it reads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Reading {
    /// As the standard says: blocks, however they are cut into pieces; a new start block drops the block before it.
    Blocks,
    /// Blocks; but a start block inside a block is content, so that a block that was broken off and the next become one.
    Merging,
    /// Blocks; but what came in one read behind a block is thrown away.
    FirstOfRead,
    /// What one read brings is one message, or nothing when it is no whole block.
    ReadIsBlock,
    /// So many bytes, whatever they are, count as a message without a control ID.
    Bytes(usize),
    /// Nothing is read, and the window is small, so that the sender soon cannot write.
    Nothing,
}

/// Which of the messages that came without waiting are answered, and in which order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Order {
    /// Each, in the order in which they came.
    AsSent,
    /// Each, the last one first.
    Reversed,
    /// The first alone.
    First,
    /// The last alone.
    Last,
}
