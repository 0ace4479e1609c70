//! Why a copy of a store was not made.

use std::io;

use super::display;

/// Why a copy of a store was not made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackupError {
    kind: BackupErrorKind,
    detail: Option<i32>,
}

/// The kinds of [`BackupError`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum BackupErrorKind {
    /// S151: the store is closed, or out of use after a fault.
    Closed,
    /// S152: there is a file of this name already.
    Exists,
    /// S153: the copy cannot be written.
    Io(io::ErrorKind),
    /// S154: SQLite could not copy the store; [`BackupError::detail`] is its result code.
    Sqlite,
    /// S155: the copy is not whole, and was removed.
    Unsound,
}

impl BackupError {
    #[cfg(feature = "sqlite")]
    pub(crate) fn new(kind: BackupErrorKind) -> Self {
        Self { kind, detail: None }
    }

    #[cfg(feature = "sqlite")]
    pub(crate) fn with_detail(self, code: Option<i32>) -> Self {
        Self { detail: code, ..self }
    }

    /// What is wrong.
    pub fn kind(&self) -> BackupErrorKind {
        self.kind
    }

    /// SQLite's extended result code, where there is one.
    pub fn detail(&self) -> Option<i32> {
        self.detail
    }

    /// The stable code, `S151` to `S155`.
    pub fn code(&self) -> &'static str {
        self.parts().0
    }

    /// What to do about it.
    pub fn suggestion(&self) -> &'static str {
        self.parts().2
    }

    fn parts(&self) -> (&'static str, &'static str, &'static str) {
        use BackupErrorKind as K;
        match self.kind {
            K::Closed => ("S151", "the store is not open any more", "open it, or copy its file"),
            K::Exists => ("S152", "the file is there already", "name another one"),
            K::Io(_) => ("S153", "the copy cannot be written", "check its folder, its rights and the disk"),
            K::Sqlite => ("S154", "SQLite could not copy the store", "check both disks and their room"),
            K::Unsound => {
                ("S155", "the copy is not whole", "check the disks, and the store by opening it anew")
            }
        }
    }
}

display!(BackupError, error => {
    match error.kind {
        BackupErrorKind::Io(why) => Some(why.to_string()),
        _ => error.detail.map(|number| format!("SQLite's code {number}")),
    }
});

impl std::error::Error for BackupError {}
