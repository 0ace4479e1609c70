//! A folder as a transport.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::file_drop::FileDrop;
use crate::transport::{
    Confirmation, ConnectFailure, Connection, Failure, FailureKind, Outgoing, Pending, Transport,
};

/// How long the file system may take: a network's can hang.
const WITHIN: Duration = Duration::from_secs(30);

/// S211: the folder is not there, or cannot be looked at.
const NO_FOLDER: &str = "S211";
/// S212: the file could not be written.
const NOT_WRITTEN: &str = "S212";
/// S213: the file may be there, but is not known to be durable.
const NOT_DURABLE: &str = "S213";
/// S214: the file system did not answer in time.
const TIMED_OUT: &str = "S214";

/// A folder. Its files are written one after the other: a write that hangs is not overtaken by its own repetition.
#[derive(Clone)]
pub(crate) struct Folder {
    files: Arc<FileDrop>,
    turn: Arc<Mutex<()>>,
}

/// Why a file is not there for certain.
enum Fault {
    Unwritten,
    Doubtful,
}

impl Folder {
    pub(crate) fn new(files: FileDrop) -> Self {
        Self { files: Arc::new(files), turn: Arc::default() }
    }

    fn put(&self, name: &str, bytes: &[u8]) -> Result<(), Fault> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = self.files.folder();
        let part = folder.join(format!(".{name}.part"));
        let written = write(&part, self.files.mode(), bytes);
        written.inspect_err(|_| forget(&part)).map_err(|_| Fault::Unwritten)?;
        fs::rename(&part, folder.join(name)).map_err(|_| Fault::Doubtful)?;
        sync(folder).map_err(|_| Fault::Doubtful)
    }
}

impl Transport for Folder {
    fn connect(&self) -> Pending<'_, Result<Box<dyn Connection>, ConnectFailure>> {
        Box::pin(async {
            let (folder, files) = (self.clone(), Arc::clone(&self.files));
            let is_there = spawn_blocking(move || files.folder().is_dir());
            match timeout(WITHIN, is_there).await {
                Ok(Ok(true)) => Ok(Box::new(folder) as Box<dyn Connection>),
                // A disk that is not mounted looks so too.
                Ok(_) => Err(ConnectFailure::doubtful(NO_FOLDER)),
                Err(_) => Err(ConnectFailure::passing(TIMED_OUT)),
            }
        })
    }
}

impl Connection for Folder {
    fn send<'a>(&'a mut self, message: Outgoing<'a>) -> Pending<'a, Result<Confirmation, Failure>> {
        Box::pin(async move {
            let folder = self.clone();
            let name = self.files.name(message.entry(), message.since());
            let bytes = message.bytes().to_vec();
            let put = spawn_blocking(move || folder.put(&name, &bytes));
            match timeout(WITHIN, put).await {
                Ok(Ok(Ok(()))) => Ok(Confirmation::Unconfirmed),
                Ok(Ok(Err(Fault::Unwritten))) => Err(Failure::not_sent(NOT_WRITTEN)),
                Ok(_) => Err(Failure::new(NOT_DURABLE, FailureKind::Lost)),
                Err(_) => Err(Failure::new(TIMED_OUT, FailureKind::NoAnswer)),
            }
        })
    }
}

fn write(path: &Path, mode: u32, bytes: &[u8]) -> io::Result<()> {
    let mut file = options(mode).open(path)?;
    restrict(&file, mode)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Half a file holds content, and nobody will finish it.
fn forget(part: &Path) {
    let _ = fs::remove_file(part);
}

fn options(mode: u32) -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    #[cfg(not(unix))]
    let _ = mode;
    options
}

/// The permissions, whatever the process masks.
#[cfg(unix)]
fn restrict(file: &File, mode: u32) -> io::Result<()> {
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(mode))
}

#[cfg(not(unix))]
fn restrict(_: &File, _: u32) -> io::Result<()> {
    Ok(())
}

/// Makes the new name durable.
#[cfg(unix)]
fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync(_: &Path) -> io::Result<()> {
    Ok(())
}
