//! The files of a store: found, locked, and readable by their owner only.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use crate::error::{OpenError, OpenErrorKind};

/// The store's file, locked against a second opening, by this process or another. The lock ends when this is dropped or the process
/// ends, however it ends.
pub(super) struct LockedFile {
    path: PathBuf,
    _lock: File,
}

impl LockedFile {
    /// Locks the store at `path` and makes its file if there is none.
    ///
    /// The lock is a file of its own beside it, because closing any handle of SQLite's file would give up SQLite's locks in this process. So the
    /// store's file is not touched before the lock is held.
    pub(super) fn open(path: &Path) -> Result<Self, OpenError> {
        let path = resolved(path).map_err(io_error)?;
        let lock = private().open(beside(&path, ".lock")).map_err(io_error)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(OpenError::new(OpenErrorKind::Locked)),
            Err(TryLockError::Error(error)) => return Err(io_error(error)),
        }
        make_private(&path).map_err(io_error)?;
        Ok(Self { path, _lock: lock })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
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

/// One path for one file, whatever links lead to it.
fn resolved(path: &Path) -> io::Result<PathBuf> {
    if let Ok(path) = fs::canonicalize(path) {
        return Ok(path);
    }
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Ok(fs::canonicalize(folder)?.join(name))
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// Makes the file if it is missing. SQLite gives its other files the same mode.
fn make_private(path: &Path) -> io::Result<()> {
    let is_new = !path.exists();
    let file = private().open(path)?;
    restrict(&file)?;
    if is_new {
        file.sync_all()?;
        sync_folder(path)?;
    }
    Ok(())
}

pub(super) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

#[cfg(unix)]
fn restrict(file: &File) -> io::Result<()> {
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))
}

#[cfg(not(unix))]
fn restrict(_: &File) -> io::Result<()> {
    Ok(())
}

/// Makes the new name durable.
#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

pub(super) fn io_error(error: io::Error) -> OpenError {
    OpenError::new(OpenErrorKind::Io(error.kind()))
}
