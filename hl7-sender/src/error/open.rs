//! Why a store was not opened.

use std::path::{Path, PathBuf};

use super::display;

/// Why a store was not opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenError {
    kind: OpenErrorKind,
    detail: Option<i32>,
    path: PathBuf,
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
    /// S117: the file is damaged. It was not changed.
    Damaged,
    /// S118: the disk has no room, and no reserve is left.
    Full,
    /// S119: the file system is another machine's, or its locks hold nobody off.
    Unfit,
    /// S120: entries that the store at this place had accepted are not in it: its log or its file was removed or replaced, or an older copy restored.
    WentBack,
}

impl OpenError {
    #[cfg(feature = "sqlite")]
    pub(crate) fn new(kind: OpenErrorKind) -> Self {
        Self { kind, detail: None, path: PathBuf::new() }
    }

    #[cfg(feature = "sqlite")]
    pub(crate) fn with_detail(mut self, code: i32) -> Self {
        self.detail = Some(code);
        self
    }

    #[cfg(feature = "sqlite")]
    pub(crate) fn of(mut self, path: &Path) -> Self {
        self.path = path.to_owned();
        self
    }

    /// The file, as it was named.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is wrong.
    pub fn kind(&self) -> OpenErrorKind {
        self.kind
    }

    /// SQLite's extended result code, where there is one.
    pub fn detail(&self) -> Option<i32> {
        self.detail
    }

    /// The stable code, `S111` to `S120`.
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
            K::Sqlite => ("S115", "SQLite could not open the file", "check the disk"),
            K::NoRandomness => ("S116", "the operating system gave no randomness", "check its random source"),
            K::Full => ("S118", "the disk is full", "make room on it"),
            K::Unfit => (
                "S119",
                "the file system does not keep a store safely",
                "put it on a disk of this machine, whose locks work",
            ),
            K::WentBack => (
                "S120",
                "the store has lost entries that it had accepted",
                "bring its newest files back; to go on with what is there, remove the file .lock beside it",
            ),
            K::Damaged => (
                "S117",
                "the file is damaged",
                "keep it, check the disk and restore a backup; sqlite3's .recover reads what is left",
            ),
        }
    }
}

display!(OpenError, error => {
    let why = match error.kind {
        OpenErrorKind::Io(why) => Some(why.to_string()),
        _ => error.detail.map(|number| format!("SQLite's code {number}")),
    };
    let file = error.path.display();
    Some(why.map_or_else(|| file.to_string(), |why| format!("{file}: {why}")))
});

impl std::error::Error for OpenError {}
