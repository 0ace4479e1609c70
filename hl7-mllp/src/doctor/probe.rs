//! What the doctor can try on a receiver.

use std::fmt;
use std::str::FromStr;

/// One thing that is tried. [`Probe::STANDARD`] send nothing but well-formed messages, those of [`Probe::ON_REQUEST`] do.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[non_exhaustive]
pub enum Probe {
    /// Resolves the name, connects, and sees whether the receiver is silent. Sends nothing. Always first.
    Reach,
    /// One plain message: answered, in time, in an exact frame, with the exact MSA-2. Always second.
    Message,
    /// Three messages on one connection, one after the other.
    Again,
    /// Three messages with odd control IDs: 20 characters, 199 characters, escape sequences.
    ControlIds,
    /// A name outside ASCII, in UTF-8, as MSH-18 says.
    Charset,
    /// A message in small pieces.
    Fragments,
    /// Two messages without waiting for the first acknowledgment.
    Pipelining,
    /// A message, a pause, a message.
    Idle,
    /// Three messages in enhanced mode: MSH-15 alone, MSH-16 alone, both.
    Enhanced,
    /// The same message twice, as after a lost acknowledgment.
    Duplicate,
    /// On request: a message whose lines end in LF.
    LineFeeds,
    /// On request: a message of a type that does not exist.
    UnknownType,
    /// On request: a block that is no HL7.
    NotHl7,
    /// On request: a block that is broken off, then a good one.
    BrokenBlock,
    /// On request: a message of 1 MiB.
    Large,
}

impl Probe {
    /// Those that are used where nothing else is said.
    pub const STANDARD: [Self; 10] = [
        Self::Reach,
        Self::Message,
        Self::Again,
        Self::ControlIds,
        Self::Charset,
        Self::Fragments,
        Self::Pipelining,
        Self::Idle,
        Self::Enhanced,
        Self::Duplicate,
    ];

    /// Those that send what a receiver can stumble over, and are used on request only.
    pub const ON_REQUEST: [Self; 5] =
        [Self::LineFeeds, Self::UnknownType, Self::NotHl7, Self::BrokenBlock, Self::Large];

    /// All, in the order in which they are used.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::STANDARD.into_iter().chain(Self::ON_REQUEST)
    }

    /// Its name, such as `control-ids`; read back by `FromStr`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reach => "reach",
            Self::Message => "message",
            Self::Again => "again",
            Self::ControlIds => "control-ids",
            Self::Charset => "charset",
            Self::Fragments => "fragments",
            Self::Pipelining => "pipelining",
            Self::Idle => "idle",
            Self::Enhanced => "enhanced",
            Self::Duplicate => "duplicate",
            Self::LineFeeds => "line-feeds",
            Self::UnknownType => "unknown-type",
            Self::NotHl7 => "not-hl7",
            Self::BrokenBlock => "broken-block",
            Self::Large => "large",
        }
    }
}

impl fmt::Display for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Probe {
    type Err = UnknownProbe;

    fn from_str(name: &str) -> Result<Self, UnknownProbe> {
        Self::all().find(|probe| probe.as_str() == name).ok_or(UnknownProbe(()))
    }
}

/// A name that is no probe's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct UnknownProbe(());

impl fmt::Display for UnknownProbe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no such probe; there are")?;
        Probe::all().try_for_each(|probe| write!(f, " {probe}"))
    }
}

impl std::error::Error for UnknownProbe {}
