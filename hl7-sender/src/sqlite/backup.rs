//! Copies of a store that is in use.

use std::fmt;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};

use rusqlite::{Connection, OpenFlags};
use tokio::sync::oneshot;

use super::file::{self, LockedFile};
use super::poison::Poison;
use crate::error::{BackupError, BackupErrorKind};

/// Makes copies of a [`crate::SqliteStore`] while it is in use; [`crate::SqliteStore::backup`] gives one, before the store goes to its sender.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
/// # let folder = tempfile::tempdir()?;
/// use hl7_sender::{Sender, SqliteStore};
///
/// let store = SqliteStore::open(folder.path().join("outbox.db")).await?;
/// let backup = store.backup();
/// let sender = Sender::builder(store).start().await?;
/// backup.write_to(folder.path().join("outbox-monday.db")).await?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })
/// # }
/// ```
#[derive(Clone)]
pub struct SqliteBackup {
    file: Weak<LockedFile>,
    poisoned: Arc<Poison>,
}

impl SqliteBackup {
    pub(super) fn new(file: Weak<LockedFile>, poisoned: Arc<Poison>) -> Self {
        Self { file, poisoned }
    }

    /// Writes a copy: the store as it was at one moment after this call, in one file that its owner alone can read, checked and flushed before it gets
    /// this name. Sending and accepting go on meanwhile; what they write waits in the store's log, which gets so much longer.
    ///
    /// A caller who stops waiting has not stopped the copy, and a store that is closed meanwhile stays locked until it is made.
    ///
    /// What a copy is good for, and what not, says [`crate::guide::operations`].
    ///
    /// # Errors
    /// When the store is closed or out of use, when there is a file of this name, when the copy cannot be written or is not whole. Nothing is left then, but
    /// a process that ends on the way leaves a file with `.part` behind the name.
    pub async fn write_to(&self, path: impl AsRef<Path>) -> Result<(), BackupError> {
        let (this, path) = (self.clone(), path.as_ref().to_owned());
        let (reply, written) = oneshot::channel();
        let write = move || {
            let _ = reply.send(this.write_now(&path));
        };
        std::thread::Builder::new().name("hl7-sender-backup".to_owned()).spawn(write).map_err(io_error)?;
        // The thread does not panic.
        written.await.unwrap_or(Err(BackupError::new(BackupErrorKind::Unsound)))
    }

    fn write_now(&self, path: &Path) -> Result<(), BackupError> {
        let store = self.file.upgrade().filter(|_| !self.poisoned.is_set());
        let store = store.ok_or(BackupError::new(BackupErrorKind::Closed))?;
        if path.try_exists().map_err(io_error)? {
            return Err(BackupError::new(BackupErrorKind::Exists));
        }
        let part = Part::begin(path)?;
        let _long_log = store.copying();
        copy(store.path(), &part.path).map_err(sqlite_error)?;
        check(&part.path)?;
        part.finish(path).map_err(io_error)
    }
}

/// A copy that is not whole yet; it is removed unless it is finished.
struct Part {
    path: PathBuf,
    file: File,
}

impl Part {
    fn begin(path: &Path) -> Result<Self, BackupError> {
        let path = file::beside(path, ".part");
        // One that was left behind.
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(io_error(error)),
            _ => {}
        }
        let file = file::private().create_new(true).open(&path).map_err(io_error)?;
        Ok(Self { path, file })
    }

    fn finish(mut self, path: &Path) -> io::Result<()> {
        self.file.sync_all()?;
        fs::rename(&self.path, path)?;
        self.path = PathBuf::new();
        file::sync_folder(path)
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.path.as_os_str().is_empty() {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// All in one transaction that reads, so that the copy is of one moment.
fn copy(from: &Path, to: &Path) -> rusqlite::Result<()> {
    let to = to.to_str().ok_or_else(|| rusqlite::Error::InvalidPath(to.to_owned()))?;
    connect(from)?.execute("VACUUM INTO ?1", [to]).map(drop)
}

fn check(copy: &Path) -> Result<(), BackupError> {
    let verdict = connect(copy)
        .and_then(|conn| conn.query_row("PRAGMA integrity_check(1)", [], |row| row.get::<_, String>(0)));
    match verdict.as_deref() {
        Ok("ok") => Ok(()),
        _ => Err(BackupError::new(BackupErrorKind::Unsound)),
    }
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)
}

fn io_error(error: io::Error) -> BackupError {
    BackupError::new(BackupErrorKind::Io(error.kind()))
}

fn sqlite_error(error: rusqlite::Error) -> BackupError {
    let detail = error.sqlite_error().map(|error| error.extended_code);
    BackupError::new(BackupErrorKind::Sqlite).with_detail(detail)
}

impl fmt::Debug for SqliteBackup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteBackup").field("open", &(self.file.strong_count() > 0)).finish_non_exhaustive()
    }
}
