//! Why a store did not do what it was asked.

use super::display;

/// Why a store did not do what it was asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StoreError {
    kind: StoreErrorKind,
    detail: Option<i32>,
    first: Option<StoreErrorKind>,
}

/// The kinds of [`StoreError`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// S100: the request has no delivery. Nothing was stored.
    NoDelivery,
    /// S101: no room on the disk or within the store's limit. What was asked for did not happen.
    Full,
    /// S102: reading or writing failed. The store refuses everything from now on.
    Io,
    /// S103: an earlier call failed in a way that is a fault ([`StoreError::is_fault`]). Open the store again.
    Poisoned,
    /// S104: the store was closed.
    Closed,
    /// S105: there is no such entry.
    NotFound,
    /// S106: the entry is not in a state for this: only a held one can be released or given up, only a dead letter replayed, only one that waits held,
    /// and only one that waits or is held cancelled.
    WrongState,
    /// S107: another program has locked the database. What was asked for did not happen.
    Busy,
    /// S108: what is stored contradicts itself. The store refuses everything from now on.
    Damaged,
    /// S109: another process has opened the store after its locks were taken away, or its file was removed or replaced. This one refuses everything
    /// from now on.
    Ousted,
    /// S110: what is stored was encrypted with a key that is not there, or is another one now; or the key for what is to be stored is not there, and then
    /// nothing was stored.
    Sealed,
}

impl StoreError {
    /// An error of this kind.
    pub fn new(kind: StoreErrorKind) -> Self {
        Self { kind, detail: None, first: None }
    }

    /// With the number under which the backend knows it.
    pub fn with_detail(mut self, number: i32) -> Self {
        self.detail = Some(number);
        self
    }

    /// What later calls get when this fault has put a store out of use: [`StoreErrorKind::Poisoned`], with why.
    pub fn after(fault: Self) -> Self {
        let first = fault.first.unwrap_or(fault.kind);
        Self { kind: StoreErrorKind::Poisoned, detail: fault.detail, first: Some(first) }
    }

    /// The fault that has put the store out of use: of one that was put out of use before, that first one where it is known.
    pub fn first(&self) -> Self {
        Self { kind: self.first.unwrap_or(self.kind), first: None, ..*self }
    }

    /// What is wrong.
    pub fn kind(&self) -> StoreErrorKind {
        self.kind
    }

    /// Whether nothing was changed and the same call may work later: [`StoreErrorKind::Full`] and [`StoreErrorKind::Busy`].
    pub fn is_passing(&self) -> bool {
        matches!(self.kind, StoreErrorKind::Full | StoreErrorKind::Busy)
    }

    /// Whether the store is out of use until it is opened again: [`StoreErrorKind::Io`], [`StoreErrorKind::Damaged`],
    /// [`StoreErrorKind::Ousted`] and [`StoreErrorKind::Poisoned`].
    pub fn is_fault(&self) -> bool {
        use StoreErrorKind as K;
        matches!(self.kind, K::Io | K::Damaged | K::Ousted | K::Poisoned)
    }

    /// The backend's own number for it (SQLite: the extended result code).
    pub fn detail(&self) -> Option<i32> {
        self.detail
    }

    /// The stable code, `S100` to `S110`.
    pub fn code(&self) -> &'static str {
        self.parts().0
    }

    /// What to do about it.
    pub fn suggestion(&self) -> &'static str {
        self.parts().2
    }

    fn why(&self) -> Option<String> {
        let first = self.first.map(|_| format!("first {}", self.first().code()));
        let detail = self.detail.map(|number| format!("backend's code {number}"));
        let why: Vec<String> = first.into_iter().chain(detail).collect();
        (!why.is_empty()).then(|| why.join(", "))
    }

    fn parts(&self) -> (&'static str, &'static str, &'static str) {
        use StoreErrorKind as K;
        match self.kind {
            K::NoDelivery => ("S100", "the request has no delivery", "name a destination"),
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
                "release and give up what is held; replay what is a dead letter; hold and cancel what waits",
            ),
            K::Busy => ("S107", "another program has locked the database", "end that program's transaction"),
            K::Ousted => (
                "S109",
                "the store was taken over by another process, or its file removed or replaced",
                "keep others away from its files, and open it in one process, once",
            ),
            K::Sealed => (
                "S110",
                "a key is not there, or is another one than it was",
                "give the sender the key under the name it had",
            ),
            K::Damaged => (
                "S108",
                "what is stored contradicts itself",
                "look at the disk, and restore a backup or open the store again, which checks it",
            ),
        }
    }
}

display!(StoreError, error => error.why());

impl std::error::Error for StoreError {}
