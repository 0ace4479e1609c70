//! The files of a store: found, locked, and readable by their owner only.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::ground::{self, Ground};
use super::header;
use super::left_open;
use super::lock_file::LockFile;
use super::mark::Mark;
use crate::error::{OpenError, OpenErrorKind};

/// The store's file, locked against a second opening, by this process or another. The locks end when this is dropped or the process
/// ends, however it ends.
pub(super) struct LockedFile {
    path: PathBuf,
    identity: Option<Identity>,
    /// Closed before the place in the process's list is given up, as is the other one.
    file: Option<File>,
    lock: Option<LockFile>,
    /// It has our number: no other program's locks are on it.
    is_store: AtomicBool,
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
    ///
    /// Until it is known to be a store ([`LockedFile::settle`]) it is left as it was when this is dropped, and so is what is beside it.
    pub(super) fn open(path: &Path) -> Result<Self, OpenError> {
        let path = resolved(path).map_err(io_error)?;
        check_ground(&path)?;
        header::check_kind(&path)?;
        let lock = LockFile::take(beside(&path, ".lock"))?;
        check_presence(&path, &lock)?;
        if !path.exists() {
            make_private(&path).map_err(io_error)?;
        }
        let identity = identity(&path).map_err(io_error)?;
        // Where someone has it open, it is a store.
        let place = Place::take(identity).inspect_err(|_| lock.stay())?;
        let file = match identity.and_then(left_open::take) {
            Some(file) => file,
            None => make_private(&path).map_err(io_error)?,
        };
        let (file, lock) = (Some(file), Some(lock));
        let (is_store, copies) = Default::default();
        let locked = Self { path, identity, file, lock, is_store, place, copies };
        locked.check().map(|()| locked)
    }

    fn check(&self) -> Result<(), OpenError> {
        let Some(file) = &self.file else { return Ok(()) };
        if cfg!(target_os = "linux") {
            try_lock(file).inspect_err(|_| self.lock.iter().for_each(LockFile::stay))?;
        }
        if header::check(file, [self.log(), beside(&self.path, "-journal")])? {
            self.is_ours();
        }
        Ok(())
    }

    /// It is no other program's, whether or not it can be used.
    pub(super) fn is_ours(&self) {
        self.is_store.store(true, Ordering::Release);
    }

    /// It is a store.
    pub(super) fn settle(&self) {
        self.is_ours();
        self.lock.iter().for_each(LockFile::stay);
    }

    /// Makes the files of a store readable by their owner only. Not before it is known to be one.
    pub(super) fn restrict(&self) -> io::Result<()> {
        [self.path.clone(), self.log(), beside(&self.path, "-shm")].iter().try_for_each(|path| restrict(path))
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
        self.lock.as_ref()?.mark()
    }

    /// Notes how far it has come.
    pub(super) fn set_mark(&self, mark: Mark) {
        self.lock.iter().for_each(|lock| lock.set_mark(mark));
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

/// Where a store was, its file is not made anew: SQLite would empty the log that stands beside it, which may hold the newest entries.
fn check_presence(path: &Path, lock: &LockFile) -> Result<(), OpenError> {
    let is_gone = || fs::metadata(path).map_or(true, |file| file.len() == 0);
    let had_entries = lock.mark().is_some_and(|mark| mark.number() > 0);
    if had_entries && is_gone() { Err(OpenError::new(OpenErrorKind::WentBack)) } else { Ok(()) }
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
        let (file, lock) = (self.file.take(), self.lock.take());
        if let Some(file) = file {
            // Closing alone would leave it to a child process that was just forked and has not yet begun its program.
            let _ = file.unlock();
            match self.identity {
                Some(identity) if !*self.is_store.get_mut() => left_open::keep(identity, file),
                _ => drop(file),
            }
        }
        drop(lock);
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

pub(super) fn try_lock(file: &File) -> Result<(), OpenError> {
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
pub(super) type Identity = (u64, u64);

#[cfg(unix)]
fn identity(path: &Path) -> io::Result<Option<Identity>> {
    use std::os::unix::fs::MetadataExt as _;
    fs::metadata(path).map(|about| Some((about.dev(), about.ino())))
}

#[cfg(not(unix))]
fn identity(path: &Path) -> io::Result<Option<Identity>> {
    fs::metadata(path).map(|_| None)
}

/// Whether both are one file.
#[cfg(unix)]
pub(super) fn are_same(one: &File, other: &File) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let identity = |file: &File| file.metadata().map(|about| (about.dev(), about.ino()));
    matches!((identity(one), identity(other)), (Ok(one), Ok(other)) if one == other)
}

#[cfg(not(unix))]
pub(super) fn are_same(_: &File, _: &File) -> bool {
    true
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
