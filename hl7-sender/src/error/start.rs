//! Why a sender did not start, or a destination was not taken.

use super::{StoreError, display};

/// Why a sender did not start, or did not take a destination while it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartError {
    kind: StartErrorKind,
}

/// The kinds of [`StartError`].
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum StartErrorKind {
    /// S121: a destination's name is empty, longer than 64, or has more than `A-Z a-z 0-9 _ . -`.
    Name,
    /// S122: two destinations have one name.
    RepeatedName,
    /// S123: connections outside 1 to 1,000.
    Connections,
    /// S124: a lane key names a whole segment, or there are more than 16.
    LaneKey,
    /// S125: the retry's first delay is zero or longer than its longest, its rest is zero or longer than a day, a cap is zero, or what comes behind the caps is another retry.
    Retry,
    /// S126: a timeout is zero.
    Timeout,
    /// S127: the table names AA or CA, which always deliver.
    Table,
    /// S128: the store failed.
    Store(StoreError),
    /// S129: the template of a file's name has no `{entry}`, is too long, begins with a dot, or has more than `A-Z a-z 0-9 _ . -`.
    FileName,
    /// S130: no destination has this name.
    UnknownName,
    /// S132: the sender was shut down.
    ShutDown,
    /// S133: the current key is not there, or the system gives no randomness.
    NoKey,
}

impl StartError {
    pub(crate) fn new(kind: StartErrorKind) -> Self {
        Self { kind }
    }

    /// What is wrong.
    pub fn kind(&self) -> &StartErrorKind {
        &self.kind
    }

    /// The stable code, `S121` to `S130`, `S132` and `S133`.
    pub fn code(&self) -> &'static str {
        self.parts().0
    }

    /// What to do about it.
    pub fn suggestion(&self) -> &'static str {
        self.parts().2
    }

    fn parts(&self) -> (&'static str, &'static str, &'static str) {
        use StartErrorKind as K;
        match self.kind {
            K::Name => ("S121", "a destination's name is not usable", "one to 64 of A-Z a-z 0-9 _ . -"),
            K::RepeatedName => ("S122", "two destinations have one name", "give each its own"),
            K::Connections => ("S123", "a destination's connections are out of range", "1 to 1,000"),
            K::LaneKey => ("S124", "the lane keys are not usable", "name at most 16 fields, such as PID-3.1"),
            K::Retry => (
                "S125",
                "a retry's delays or caps are not usable",
                "0 < first <= max, 0 < rest, caps of at least 1",
            ),
            K::Timeout => ("S126", "a timeout is zero", "give it time"),
            K::Table => (
                "S127",
                "a destination's table names a positive acknowledgment code",
                "AA and CA always deliver; name only AE, AR, CE and CR",
            ),
            K::Store(_) => ("S128", "the store failed", "open it again"),
            K::FileName => (
                "S129",
                "the template of a file's name is not usable",
                "a short one with {entry}, and A-Z a-z 0-9 _ . - beside it",
            ),
            K::UnknownName => ("S130", "no destination has this name", "name one that the sender has"),
            K::NoKey => (
                "S133",
                "the current key of encryption is not there",
                "give it under the name that is current",
            ),
            K::ShutDown => ("S132", "the sender was shut down", "start one again"),
        }
    }
}

impl From<StoreError> for StartError {
    fn from(error: StoreError) -> Self {
        Self::new(StartErrorKind::Store(error))
    }
}

display!(StartError, error => match &error.kind {
    StartErrorKind::Store(why) => Some(why.to_string()),
    _ => None,
});

impl std::error::Error for StartError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.kind {
            StartErrorKind::Store(why) => Some(why),
            _ => None,
        }
    }
}
