//! What can go wrong, with a stable code, and never with message content.

use std::fmt;

use hl7_core::EncodeError;

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
    /// S006: the store is at its limit.
    StoreFull,
    /// S007: the store failed. The only indeterminate kind.
    Store(StoreError),
    /// S008: the idempotency key stands for another request.
    KeyReused,
    /// S009: the sender was shut down.
    ShutDown,
    /// S010: MSH-15 and MSH-16 ask for no acknowledgment, so that nothing could confirm the delivery.
    NoAckAsked,
    /// S011: the message holds 0x0B or 0x1C, the frame characters of MLLP.
    FrameCharacter,
    /// S012: the origin is longer than 128 bytes.
    OriginTooLong,
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
        matches!(self.kind, EnqueueErrorKind::Store(_))
    }

    /// The stable code, `S001` to `S012`.
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
            K::StoreFull => ("S006", "the store is at its limit", "let it drain, or raise its limit"),
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
                "leave MSH-15 and MSH-16 empty, or ask for one",
            ),
            K::FrameCharacter => (
                "S011",
                "the message holds a frame character of MLLP (0x0B or 0x1C)",
                "take it out; a peer would see the block end there",
            ),
            K::OriginTooLong => ("S012", "the origin is longer than 128 bytes", "use a short name"),
        }
    }
}

impl From<StoreError> for EnqueueError {
    fn from(error: StoreError) -> Self {
        Self::new(match error.kind() {
            StoreErrorKind::Closed => EnqueueErrorKind::ShutDown,
            StoreErrorKind::Full => EnqueueErrorKind::StoreFull,
            _ => EnqueueErrorKind::Store(error),
        })
    }
}

/// Why a store did not do what it was asked.
#[derive(Clone, PartialEq, Eq)]
pub struct StoreError {
    kind: StoreErrorKind,
    detail: Option<i32>,
}

/// The kinds of [`StoreError`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// S101: no room on the disk or within the store's limit. What was asked for did not happen.
    Full,
    /// S102: reading or writing failed, or what was read is damaged. The store refuses everything from now on.
    Io,
    /// S103: an earlier call failed with [`StoreErrorKind::Io`]. Open the store again.
    Poisoned,
    /// S104: the store was closed.
    Closed,
    /// S105: there is no such entry.
    NotFound,
    /// S106: the entry is not in a state for this: only a held one can be released or given up, only a dead letter replayed.
    WrongState,
    /// S107: another program has locked the database. What was asked for did not happen.
    Busy,
}

impl StoreError {
    /// An error of this kind.
    pub fn new(kind: StoreErrorKind) -> Self {
        Self { kind, detail: None }
    }

    /// With the number under which the backend knows it.
    pub fn with_detail(mut self, number: i32) -> Self {
        self.detail = Some(number);
        self
    }

    /// What is wrong.
    pub fn kind(&self) -> StoreErrorKind {
        self.kind
    }

    /// Whether nothing was changed and the same call may work later: [`StoreErrorKind::Full`] and [`StoreErrorKind::Busy`].
    pub fn is_passing(&self) -> bool {
        matches!(self.kind, StoreErrorKind::Full | StoreErrorKind::Busy)
    }

    /// The backend's own number for it (SQLite: the extended result code).
    pub fn detail(&self) -> Option<i32> {
        self.detail
    }

    /// The stable code, `S101` to `S107`.
    pub fn code(&self) -> &'static str {
        self.parts().0
    }

    /// What to do about it.
    pub fn suggestion(&self) -> &'static str {
        self.parts().2
    }

    fn parts(&self) -> (&'static str, &'static str, &'static str) {
        use StoreErrorKind as K;
        match self.kind {
            K::Full => ("S101", "the store has no room", "free space on its disk, or raise its limit"),
            K::Io => {
                ("S102", "the store could not read or write", "look at the disk, then open the store again")
            }
            K::Poisoned => (
                "S103",
                "the store failed before and is out of use",
                "look at the disk, then open the store again",
            ),
            K::Closed => ("S104", "the store is closed", "open it again"),
            K::NotFound => {
                ("S105", "there is no such entry", "settled entries are removed when their time is over")
            }
            K::WrongState => (
                "S106",
                "the entry is in another state",
                "release and give up what is held; replay what is a dead letter",
            ),
            K::Busy => ("S107", "another program has locked the database", "end that program's transaction"),
        }
    }
}

/// Why a store was not opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenError {
    kind: OpenErrorKind,
    detail: Option<i32>,
}

/// The kinds of [`OpenError`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum OpenErrorKind {
    /// S111: another process, or this one, has it open.
    Locked,
    /// S112: the file is something else.
    Foreign,
    /// S113: a later version of this crate wrote it.
    TooNew,
    /// S114: the file or its folder cannot be read or written.
    Io(std::io::ErrorKind),
    /// S115: SQLite could not open it; [`OpenError::detail`] is its result code.
    Sqlite,
    /// S116: the operating system gave no randomness for the store's secret.
    NoRandomness,
}

impl OpenError {
    #[cfg(feature = "sqlite")]
    pub(crate) fn new(kind: OpenErrorKind) -> Self {
        Self { kind, detail: None }
    }

    #[cfg(feature = "sqlite")]
    pub(crate) fn sqlite(code: i32) -> Self {
        Self { kind: OpenErrorKind::Sqlite, detail: Some(code) }
    }

    /// What is wrong.
    pub fn kind(&self) -> OpenErrorKind {
        self.kind
    }

    /// SQLite's extended result code, where there is one.
    pub fn detail(&self) -> Option<i32> {
        self.detail
    }

    /// The stable code, `S111` to `S116`.
    pub fn code(&self) -> &'static str {
        self.parts().0
    }

    /// What to do about it.
    pub fn suggestion(&self) -> &'static str {
        self.parts().2
    }

    fn parts(&self) -> (&'static str, &'static str, &'static str) {
        use OpenErrorKind as K;
        match self.kind {
            K::Locked => {
                ("S111", "the store is open already", "one process opens a store, once; end the other one")
            }
            K::Foreign => ("S112", "the file is not a store of this crate", "name another file"),
            K::TooNew => ("S113", "a later version wrote the store", "use that version"),
            K::Io(_) => ("S114", "the file cannot be opened", "check the folder, its rights and the disk"),
            K::Sqlite => (
                "S115",
                "SQLite could not open the file",
                "check the disk; restore a backup if it is damaged",
            ),
            K::NoRandomness => ("S116", "the operating system gave no randomness", "check its random source"),
        }
    }
}

/// Why a sender did not start.
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
    /// S124: the lane key names a whole segment.
    LaneKey,
    /// S125: the retry's first delay is zero or longer than its longest, a cap is zero, or what comes behind the caps is another retry.
    Retry,
    /// S126: a timeout is zero.
    Timeout,
    /// S127: the table names AA or CA, which always deliver.
    Table,
    /// S128: the store failed.
    Store(StoreError),
}

impl StartError {
    pub(crate) fn new(kind: StartErrorKind) -> Self {
        Self { kind }
    }

    /// What is wrong.
    pub fn kind(&self) -> &StartErrorKind {
        &self.kind
    }

    /// The stable code, `S121` to `S128`.
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
            K::LaneKey => ("S124", "a lane key names a whole segment", "name a field, such as PID-3.1"),
            K::Retry => {
                ("S125", "a retry's delays or caps are not usable", "0 < first <= max, caps of at least 1")
            }
            K::Timeout => ("S126", "a timeout is zero", "give it time"),
            K::Table => (
                "S127",
                "a destination's table names a positive acknowledgment code",
                "AA and CA always deliver; name only AE, AR, CE and CR",
            ),
            K::Store(_) => ("S128", "the store failed", "open it again"),
        }
    }
}

impl From<StoreError> for StartError {
    fn from(error: StoreError) -> Self {
        Self::new(StartErrorKind::Store(error))
    }
}

macro_rules! display {
    ($error:ty, $self:ident => $why:expr) => {
        impl fmt::Display for $error {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let (code, what, suggestion) = self.parts();
                write!(f, "{code}: {what}; {suggestion}")?;
                let $self = self;
                match $why {
                    Some(why) => write!(f, " ({why})"),
                    None => Ok(()),
                }
            }
        }
    };
}

display!(EnqueueError, error => match &error.kind {
    EnqueueErrorKind::Encode(why) => Some(why.to_string()),
    EnqueueErrorKind::Store(why) => Some(why.to_string()),
    _ => None,
});
display!(StoreError, error => error.detail.map(|number| format!("backend's code {number}")));
display!(OpenError, error => match error.kind {
    OpenErrorKind::Io(why) => Some(why.to_string()),
    _ => error.detail.map(|number| format!("SQLite's code {number}")),
});
display!(StartError, error => match &error.kind {
    StartErrorKind::Store(why) => Some(why.to_string()),
    _ => None,
});

impl fmt::Debug for EnqueueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EnqueueError").field("kind", &self.kind).finish()
    }
}

impl fmt::Debug for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreError").field("kind", &self.kind).field("detail", &self.detail).finish()
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

impl std::error::Error for StoreError {}
impl std::error::Error for OpenError {}

impl std::error::Error for StartError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.kind {
            StartErrorKind::Store(why) => Some(why),
            _ => None,
        }
    }
}
