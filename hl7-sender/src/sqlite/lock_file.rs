//! The file `.lock` beside a store: the lock that is tried first, and how far the store had come.

use std::fs::{self, File, TryLockError};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use super::file::{self, io_error};
use super::mark::Mark;
use crate::error::{OpenError, OpenErrorKind};

/// The file, locked.
pub(super) struct LockFile {
    path: PathBuf,
    file: File,
    /// Whether it goes when this is dropped: it was not there before, and what it stands beside is not known to be a store.
    goes: AtomicBool,
}

impl LockFile {
    /// Makes it where there is none, and locks it.
    pub(super) fn take(path: PathBuf) -> Result<Self, OpenError> {
        let was_there = path.exists();
        let file = file::private().open(&path).map_err(io_error)?;
        file::try_lock(&file)?;
        let lock = Self { path, file, goes: AtomicBool::new(!was_there) };
        lock.check().map(|()| lock)
    }

    /// A lock that is given twice is none.
    fn check(&self) -> Result<(), OpenError> {
        let second = file::private().open(&self.path).map_err(io_error)?;
        match second.try_lock() {
            Err(TryLockError::WouldBlock) => Ok(()),
            _ => Err(OpenError::new(OpenErrorKind::Unfit)),
        }
    }

    /// It stands beside a store: it stays.
    pub(super) fn stay(&self) {
        self.goes.store(false, Ordering::Release);
    }

    /// How far the store had come.
    pub(super) fn mark(&self) -> Option<Mark> {
        let (mut file, mut text) = (&self.file, [0; Mark::LENGTH]);
        file.seek(SeekFrom::Start(0)).and_then(|_| file.read_exact(&mut text)).ok()?;
        Mark::read(&text)
    }

    /// Notes how far it has come. It is not flushed: after a loss of power it may tell of less, which alarms nobody.
    pub(super) fn set_mark(&self, mark: Mark) {
        let mut file = &self.file;
        // Without it the store is as good; what it would find is found less surely.
        let _ = file.seek(SeekFrom::Start(0)).and_then(|_| file.write_all(&mark.text()));
    }
}

impl Drop for LockFile {
    fn drop(&mut self) {
        // One with a mark was a store's meanwhile.
        if *self.goes.get_mut() && self.file.metadata().is_ok_and(|about| about.len() == 0) {
            let _ = fs::remove_file(&self.path);
        }
        // Closing alone would leave it to a child process that was just forked and has not yet begun its program.
        let _ = self.file.unlock();
    }
}
