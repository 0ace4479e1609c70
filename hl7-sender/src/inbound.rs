//! What a store keeps of a message that came in, in the words of [`crate::Store`].

use std::fmt;
use std::time::SystemTime;

use crate::digest::Digest;
use crate::entry::{DeadLetterReason, Request, Stored};

/// What is to be kept by one commit: a message that came in, where it goes, and the acknowledgment its sender is given then.
#[derive(Clone)]
pub struct Inbound {
    /// The message and its destinations, at least one. The key stands for MSH-3, MSH-4, MSH-10 and the bytes as they came.
    pub request: Request,
    /// A hash of MSH-3, MSH-4 and MSH-10: what should name one message only.
    pub name: Digest,
    /// The acknowledgment, byte for byte.
    pub acknowledgment: Vec<u8>,
    /// Why its entries are dead letters from the start, when they are: their lanes are not touched.
    pub dead_letter: Option<DeadLetterReason>,
}

/// What became of [`crate::Store::receive`].
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Received {
    /// Durable: one entry for each delivery, in their order.
    Stored {
        /// The entries.
        entries: Vec<Stored>,
        /// Whether another message of this name is on record.
        name_reused: bool,
    },
    /// It had come before. Nothing was changed.
    Repeat(Answered),
    /// The key stands for another request, or for one that did not come in. Nothing was kept.
    KeyReused,
    /// The store is at its limit. Nothing was kept.
    Full,
}

/// A message that came in before.
#[derive(Clone, PartialEq, Eq)]
pub struct Answered {
    /// The acknowledgment it was given, byte for byte.
    pub acknowledgment: Vec<u8>,
    /// When it came first.
    pub at: SystemTime,
}

impl fmt::Debug for Inbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbound")
            .field("request", &self.request)
            .field("dead_letter", &self.dead_letter)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Answered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answered").field("at", &self.at).finish_non_exhaustive()
    }
}
