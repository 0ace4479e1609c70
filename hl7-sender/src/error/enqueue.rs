//! Why a message was not enqueued.

use std::fmt;

use hl7_core::EncodeError;

use super::{StoreError, StoreErrorKind, display};

/// Why a message was not enqueued.
///
/// For all kinds but [`EnqueueErrorKind::Store`] nothing was kept. That one is *indeterminate*: the entry may be there. Repeat the call
/// with the same key; what is there is found and not stored twice.
#[derive(Clone, PartialEq, Eq)]
pub struct EnqueueError {
    kind: EnqueueErrorKind,
}

/// The kinds of [`EnqueueError`].
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum EnqueueErrorKind {
    /// S001: no destination has this name.
    UnknownDestination,
    /// S002: no destination was named.
    NoDestination,
    /// S003: MSH-10 is empty, so that no acknowledgment could be matched.
    NoControlId,
    /// S004: the message cannot be written in its character set.
    Encode(EncodeError),
    /// S005: longer than [`crate::Builder::max_message_bytes`].
    TooLarge,
    /// S006: the store is at its limit, or its disk is full.
    StoreFull,
    /// S007: the store failed, or the runtime ended during the call. The only indeterminate kind.
    Store(StoreError),
    /// S008: the idempotency key stands for another request.
    KeyReused,
    /// S009: the sender was shut down.
    ShutDown,
    /// S010: MSH-15 and MSH-16 ask for no acknowledgment, so that nothing could confirm the delivery, and a destination is not
    /// [`crate::Destination::unconfirmed`].
    NoAckAsked,
    /// S011: the message holds 0x0B or 0x1C, the frame characters of MLLP.
    FrameCharacter,
    /// S012: the origin is longer than 128 bytes.
    OriginTooLong,
    /// S013: the lane keys give more than [`crate::Destination::MAX_LANES`] values.
    TooManyLanes,
    /// S014: the current key of encryption is not there.
    NoKey,
}

impl EnqueueError {
    pub(crate) fn new(kind: EnqueueErrorKind) -> Self {
        Self { kind }
    }

    /// What is wrong.
    pub fn kind(&self) -> &EnqueueErrorKind {
        &self.kind
    }

    /// Whether the entry may have been stored all the same. Then repeat the call with the same key.
    pub fn is_indeterminate(&self) -> bool {
        let decided = [StoreErrorKind::NotFound, StoreErrorKind::WrongState, StoreErrorKind::NoDelivery];
        matches!(self.kind, EnqueueErrorKind::Store(why) if !decided.contains(&why.kind()))
    }

    /// The stable code, `S001` to `S014`.
    pub fn code(&self) -> &'static str {
        self.parts().0
    }

    /// What to do about it.
    pub fn suggestion(&self) -> &'static str {
        self.parts().2
    }

    fn parts(&self) -> (&'static str, &'static str, &'static str) {
        use EnqueueErrorKind as K;
        match &self.kind {
            K::UnknownDestination => {
                ("S001", "no destination has this name", "name one given to the builder")
            }
            K::NoDestination => ("S002", "no destination was named", "name at least one"),
            K::NoControlId => {
                ("S003", "MSH-10 is empty", "give the message a control ID; the acknowledgment repeats it")
            }
            K::Encode(_) => (
                "S004",
                "the message cannot be written in its character set",
                "set MSH-18 to a set that has its characters",
            ),
            K::TooLarge => (
                "S005",
                "the message is longer than the limit",
                "raise max_message_bytes if it is meant to be",
            ),
            K::StoreFull => (
                "S006",
                "the store is at its limit or its disk is full",
                "make room on the disk, let the store drain, or raise its limit",
            ),
            K::Store(_) => {
                ("S007", "the store failed", "repeat it with the same key; it may have been stored")
            }
            K::KeyReused => (
                "S008",
                "the key stands for another request",
                "use one key for one request and its repetitions",
            ),
            K::ShutDown => ("S009", "the sender was shut down", "start one again"),
            K::NoAckAsked => (
                "S010",
                "the message asks for no acknowledgment",
                "leave MSH-15 and MSH-16 empty or ask for one, or call the destination unconfirmed",
            ),
            K::FrameCharacter => (
                "S011",
                "the message holds a frame character of MLLP (0x0B or 0x1C)",
                "take it out; a peer would see the block end there",
            ),
            K::OriginTooLong => ("S012", "the origin is longer than 128 bytes", "use a short name"),
            K::NoKey => (
                "S014",
                "the current key of encryption is not there",
                "give it under the name that is current",
            ),
            K::TooManyLanes => (
                "S013",
                "the lane keys give more than 64 values",
                "name places that few values stand in, or split the message",
            ),
        }
    }
}

impl From<StoreError> for EnqueueError {
    fn from(error: StoreError) -> Self {
        Self::new(match error.kind() {
            StoreErrorKind::Closed => EnqueueErrorKind::ShutDown,
            StoreErrorKind::Full => EnqueueErrorKind::StoreFull,
            StoreErrorKind::Sealed => EnqueueErrorKind::NoKey,
            _ => EnqueueErrorKind::Store(error),
        })
    }
}

display!(EnqueueError, error => match &error.kind {
    EnqueueErrorKind::Encode(why) => Some(why.to_string()),
    EnqueueErrorKind::Store(why) => Some(why.to_string()),
    _ => None,
});

impl fmt::Debug for EnqueueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EnqueueError").field("kind", &self.kind).finish()
    }
}

impl std::error::Error for EnqueueError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.kind {
            EnqueueErrorKind::Encode(why) => Some(why),
            EnqueueErrorKind::Store(why) => Some(why),
            _ => None,
        }
    }
}
