//! The file `.lock` beside a store: the lock that is tried first, and how far the store had come.

use std::fs::{self, File, TryLockError};
use std::io::{ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

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

/// How often one is made that others remove.
const TRIES: usize = 100;

/// How long is waited between two tries to lock one that was just made.
const PAUSE: Duration = Duration::from_millis(1);

/// The file as it is there; `None` when it is not.
fn open_again(path: &Path) -> Result<Option<File>, OpenError> {
    match File::options().read(true).write(true).open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(io_error(error)),
    }
}

/// Locks a file that was just made. Another opening may have come first: it does not take away what it did not make, so that this one waits
/// until it has found no store and is gone.
fn lock_made(file: &File) -> Result<(), OpenError> {
    for _ in 1..TRIES {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => std::thread::sleep(PAUSE),
            _ => break,
        }
    }
    file::try_lock(file)
}

impl LockFile {
    /// Makes it where there is none, and locks it. One that is removed meanwhile, by another opening that found no store, is made again.
    pub(super) fn take(path: PathBuf) -> Result<Self, OpenError> {
        for _ in 0..TRIES {
            let (file, is_new) = match file::private().create_new(true).open(&path) {
                Ok(file) => (file, true),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => match open_again(&path)? {
                    Some(file) => (file, false),
                    None => continue,
                },
                Err(error) => return Err(io_error(error)),
            };
            if is_new { lock_made(&file) } else { file::try_lock(&file) }?;
            let lock = Self { path: path.clone(), file, goes: AtomicBool::new(is_new) };
            if lock.check()? {
                return Ok(lock);
            }
        }
        Err(OpenError::new(OpenErrorKind::Locked))
    }

    /// Whether it is still there. A lock that is given twice is none.
    fn check(&self) -> Result<bool, OpenError> {
        let second = open_again(&self.path)?.filter(|there| file::are_same(&self.file, there));
        let Some(second) = second else { return Ok(false) };
        match second.try_lock() {
            Err(TryLockError::WouldBlock) => Ok(true),
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
        // One with a mark was a store's meanwhile, and what is there now may be another's.
        let is_unused = || self.file.metadata().is_ok_and(|about| about.len() == 0);
        let is_there = || File::open(&self.path).is_ok_and(|there| file::are_same(&self.file, &there));
        if self.goes.load(Ordering::Acquire) && is_unused() && is_there() {
            let _ = fs::remove_file(&self.path);
        }
        // Closing alone would leave it to a child process that was just forked and has not yet begun its program.
        let _ = self.file.unlock();
    }
}
