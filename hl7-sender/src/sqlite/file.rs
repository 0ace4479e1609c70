//! The files of a store: found, locked, and readable by their owner only.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::ground::{self, Ground};
use super::mark::Mark;
use crate::error::{OpenError, OpenErrorKind};

/// The store's file, locked against a second opening, by this process or another. The locks end when this is dropped or the process
/// ends, however it ends.
pub(super) struct LockedFile {
    path: PathBuf,
    identity: Option<Identity>,
    /// Closed before the place in the process's list is given up.
    locks: Option<[File; 2]>,
    /// Whether the file `.lock` was not there before.
    made_lock: bool,
    place: Place,
    copies: AtomicUsize,
}

/// A copy is being made.
pub(super) struct Copying<'f>(&'f LockedFile);

impl Drop for Copying<'_> {
    fn drop(&mut self) {
        self.0.copies.fetch_sub(1, Ordering::AcqRel);
    }
}

impl LockedFile {
    /// Locks the store at `path` and makes its file if there is none.
    ///
    /// There are three locks, because each alone has a gap. A file beside the store, with `.lock` behind its name, is locked first: when that fails the
    /// store's own file has not been touched. But that file can be removed by someone who tidies up. So this process keeps a list of the stores it
    /// has open: a second handle to such a file must not even be made, because closing it would give up SQLite's locks in the whole process. And
    /// on Linux, where that does not get into SQLite's way, the store's file itself is locked against other processes.
    pub(super) fn open(path: &Path) -> Result<Self, OpenError> {
        let path = resolved(path).map_err(io_error)?;
        check_ground(&path)?;
        let lock_path = beside(&path, ".lock");
        let made_lock = !lock_path.exists();
        let lock = private().open(&lock_path).map_err(io_error)?;
        try_lock(&lock)?;
        check_locks(&lock_path)?;
        check_presence(&path, &lock)?;
        if !path.exists() {
            make_private(&path).map_err(io_error)?;
        }
        let identity = identity(&path).map_err(io_error)?;
        let place = Place::take(identity)?;
        let file = make_private(&path).map_err(io_error)?;
        if cfg!(target_os = "linux") {
            try_lock(&file)?;
        }
        Ok(Self { path, identity, locks: Some([file, lock]), made_lock, place, copies: AtomicUsize::new(0) })
    }

    /// Makes the files of a store readable by their owner only. Not before it is known to be one.
    pub(super) fn restrict(&self) -> io::Result<()> {
        [self.path.clone(), self.log(), beside(&self.path, "-shm")].iter().try_for_each(|path| restrict(path))
    }

    /// Leaves nothing beside a file that turned out to be no store.
    pub(super) fn leave(&self) {
        if self.made_lock {
            let _ = fs::remove_file(beside(&self.path, ".lock"));
        }
    }

    /// Whether another file, or none, has come in the place of the store's while it was open. What is written then is lost with the last handle.
    pub(super) fn is_replaced(&self) -> bool {
        !identity(&self.path).is_ok_and(|now| now == self.identity)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Says that a copy is being made, as long as the result lives: the log cannot be emptied.
    pub(super) fn copying(&self) -> Copying<'_> {
        self.copies.fetch_add(1, Ordering::AcqRel);
        Copying(self)
    }

    pub(super) fn is_copied(&self) -> bool {
        self.copies.load(Ordering::Acquire) > 0
    }

    /// How far the store at this place had come, as the file `.lock` has it.
    pub(super) fn mark(&self) -> Option<Mark> {
        read_mark(self.lock()?)
    }

    /// Notes how far it has come. It is not flushed: after a loss of power it may tell of less, which alarms nobody.
    pub(super) fn set_mark(&self, mark: Mark) {
        let Some(mut lock) = self.lock() else { return };
        // Without it the store is as good; what it would find is found less surely.
        let _ = lock.seek(SeekFrom::Start(0)).and_then(|_| lock.write_all(&mark.text()));
    }

    fn lock(&self) -> Option<&File> {
        self.locks.as_ref().map(|[_, lock]| lock)
    }

    /// The file that keeps room on the disk.
    pub(super) fn reserve(&self) -> PathBuf {
        beside(&self.path, ".reserve")
    }

    /// SQLite's log.
    pub(super) fn log(&self) -> PathBuf {
        beside(&self.path, "-wal")
    }
}

/// What is not on this machine's disk is no store's place.
fn check_ground(path: &Path) -> Result<(), OpenError> {
    match path.parent().map_or(Ground::Fit, ground::of) {
        Ground::Fit => Ok(()),
        Ground::Remote => Err(OpenError::new(OpenErrorKind::Unfit)),
        Ground::Fleeting => {
            tracing::warn!("the store lies in memory: it does not survive a loss of power");
            Ok(())
        }
    }
}

fn read_mark(mut lock: &File) -> Option<Mark> {
    let mut text = [0; Mark::LENGTH];
    lock.seek(SeekFrom::Start(0)).and_then(|_| lock.read_exact(&mut text)).ok()?;
    Mark::read(&text)
}

/// Where a store was, its file is not made anew: SQLite would empty the log that stands beside it, which may hold the newest entries.
fn check_presence(path: &Path, lock: &File) -> Result<(), OpenError> {
    let is_gone = || fs::metadata(path).map_or(true, |file| file.len() == 0);
    let had_entries = read_mark(lock).is_some_and(|mark| mark.number() > 0);
    if had_entries && is_gone() { Err(OpenError::new(OpenErrorKind::WentBack)) } else { Ok(()) }
}

/// A lock that is given twice is none.
fn check_locks(path: &Path) -> Result<(), OpenError> {
    let second = private().open(path).map_err(io_error)?;
    match second.try_lock() {
        Err(TryLockError::WouldBlock) => Ok(()),
        _ => Err(OpenError::new(OpenErrorKind::Unfit)),
    }
}

/// One path for one file, whatever links lead to it.
fn resolved(path: &Path) -> io::Result<PathBuf> {
    if let Ok(path) = fs::canonicalize(path) {
        return Ok(path);
    }
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Ok(fs::canonicalize(folder)?.join(name))
}

pub(super) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

impl Drop for LockedFile {
    fn drop(&mut self) {
        // Nobody looks at the list meanwhile: a new file may get the number of one that was removed as soon as that is closed.
        let mut list = list();
        let locks = self.locks.take();
        for lock in locks.iter().flatten() {
            // Closing alone would leave it to a child process that was just forked and has not yet begun its program.
            let _ = lock.unlock();
        }
        drop(locks);
        if let Some(identity) = self.place.0.take() {
            list.remove(&identity);
        }
    }
}

/// The stores that this process has open: SQLite's locks belong to the process, and so does this list.
static OPEN: Mutex<BTreeSet<Identity>> = Mutex::new(BTreeSet::new());

/// A store's place in the list.
struct Place(Option<Identity>);

impl Place {
    fn take(identity: Option<Identity>) -> Result<Self, OpenError> {
        let is_new = identity.is_none_or(|identity| list().insert(identity));
        if is_new { Ok(Self(identity)) } else { Err(locked()) }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(identity) = &self.0 {
            list().remove(identity);
        }
    }
}

fn list() -> MutexGuard<'static, BTreeSet<Identity>> {
    OPEN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn try_lock(file: &File) -> Result<(), OpenError> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(locked()),
        Err(TryLockError::Error(error)) => Err(io_error(error)),
    }
}

fn locked() -> OpenError {
    OpenError::new(OpenErrorKind::Locked)
}

/// What tells one file from another, where the system has that.
type Identity = (u64, u64);

#[cfg(unix)]
fn identity(path: &Path) -> io::Result<Option<Identity>> {
    use std::os::unix::fs::MetadataExt as _;
    fs::metadata(path).map(|about| Some((about.dev(), about.ino())))
}

#[cfg(not(unix))]
fn identity(path: &Path) -> io::Result<Option<Identity>> {
    fs::metadata(path).map(|_| None)
}

/// Makes the file if it is missing, for its owner alone. SQLite gives its other files the same mode.
fn make_private(path: &Path) -> io::Result<File> {
    let is_new = !path.exists();
    let file = private().open(path)?;
    if is_new {
        file.sync_all()?;
        sync_folder(path)?;
    }
    Ok(file)
}

pub(super) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

#[cfg(unix)]
fn restrict(path: &Path) -> io::Result<()> {
    match fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

#[cfg(not(unix))]
fn restrict(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Makes the new name durable.
#[cfg(unix)]
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

#[cfg(not(unix))]
pub(super) fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

pub(super) fn io_error(error: io::Error) -> OpenError {
    OpenError::new(OpenErrorKind::Io(error.kind()))
}
