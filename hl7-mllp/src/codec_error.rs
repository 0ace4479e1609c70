//! What can be wrong with a frame, with a stable code and a place, and never with content.

use std::fmt;

/// What is wrong with the framing of a stream.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DecodeError {
    kind: DecodeErrorKind,
    offset: u64,
}

/// The kinds of [`DecodeError`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum DecodeErrorKind {
    /// N001: the stream ended inside a block.
    Truncated,
    /// N002: an end block character (0x1C) inside a block with no carriage return (0x0D) behind it.
    BadEndBlock,
    /// N003: a start block character (0x0B) inside a block: the sender began anew, and the block before it is dropped.
    Restarted,
    /// N004: a block is longer than [`crate::DecoderOptions::max_block_bytes`].
    TooLong,
    /// N005: more bytes outside a block than [`crate::DecoderOptions::max_garbage_bytes`].
    TooMuchGarbage,
    /// N006: the stream ended after bytes that belong to no block.
    NoStartBlock,
}

impl DecodeError {
    pub(crate) fn new(kind: DecodeErrorKind, offset: u64) -> Self {
        Self { kind, offset }
    }

    /// What is wrong.
    pub fn kind(&self) -> DecodeErrorKind {
        self.kind
    }

    /// The byte of the stream, from 0, at which the fault shows.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The stable code, `N001` to `N006`.
    pub fn code(&self) -> &'static str {
        self.kind.parts().0
    }

    /// What to do about it.
    pub fn suggestion(&self) -> &'static str {
        self.kind.parts().2
    }
}

impl DecodeErrorKind {
    /// Code, text and suggestion.
    pub(crate) fn parts(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Truncated => {
                ("N001", "the stream ended inside a block", "the sender has to send the block again")
            }
            Self::BadEndBlock => (
                "N002",
                "an end block character inside a block with no carriage return behind it",
                "DecoderOptions::end_block_alone is for senders that end their blocks so, end_block_inside for content that holds it",
            ),
            Self::Restarted => (
                "N003",
                "a new start block character inside a block",
                "the sender broke off a block, or the character stands in its content and has to be escaped, such as \\X0B\\",
            ),
            Self::TooLong => (
                "N004",
                "the block is longer than the limit",
                "raise DecoderOptions::max_block_bytes if it is meant to be",
            ),
            Self::TooMuchGarbage => (
                "N005",
                "too many bytes outside a block",
                "is the peer speaking another protocol, such as HTTP or TLS?",
            ),
            Self::NoStartBlock => (
                "N006",
                "the stream ended after bytes that belong to no block",
                "does the sender frame its messages, and with the characters of DecoderOptions::frame?",
            ),
        }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (code, what, suggestion) = self.kind.parts();
        write!(f, "{code}: {what} (byte {} of the stream); {suggestion}", self.offset)
    }
}

impl std::error::Error for DecodeError {}

/// Why content cannot be sent as a block.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EncodeError {
    kind: EncodeErrorKind,
    offset: usize,
}

/// The kinds of [`EncodeError`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum EncodeErrorKind {
    /// N011: there is no content.
    Empty,
    /// N012: the content holds the start block (0x0B) or the end block character (0x1C).
    FrameByte,
}

impl EncodeError {
    pub(crate) fn new(kind: EncodeErrorKind, offset: usize) -> Self {
        Self { kind, offset }
    }

    /// What is wrong.
    pub fn kind(&self) -> EncodeErrorKind {
        self.kind
    }

    /// The byte of the content, from 0, at which the fault shows.
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// The stable code, `N011` or `N012`.
    pub fn code(&self) -> &'static str {
        self.parts().0
    }

    /// What to do about it.
    pub fn suggestion(&self) -> &'static str {
        self.parts().2
    }

    fn parts(&self) -> (&'static str, &'static str, &'static str) {
        match self.kind {
            EncodeErrorKind::Empty => ("N011", "there is no content", "give a message"),
            EncodeErrorKind::FrameByte => (
                "N012",
                "the content holds a block character (0x0B or 0x1C unless set otherwise), which would break its frame",
                "escape it, such as \\X0B\\ or \\X1C\\",
            ),
        }
    }
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (code, what, suggestion) = self.parts();
        write!(f, "{code}: {what} (byte {}); {suggestion}", self.offset)
    }
}

impl std::error::Error for EncodeError {}
