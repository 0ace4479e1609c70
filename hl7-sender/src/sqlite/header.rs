//! What a file is by its first bytes, known without opening it as a database: that would leave traces in a foreign one's neighbourhood.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use super::file::io_error;
use super::schema::APPLICATION_ID;
use crate::error::{OpenError, OpenErrorKind};

/// SQLite's header (file format, section 1.3).
const LENGTH: usize = 100;
const MAGIC: &[u8] = b"SQLite format 3\0";
const SCHEMA_COOKIE: usize = 40;
const USER_VERSION: usize = 60;
const APPLICATION: usize = 68;

/// Refuses what is no store. Where a log stands beside the file it may hold the newest header, and this says nothing. Gives whether it has our number.
pub(super) fn check(file: &File, logs: [PathBuf; 2]) -> Result<bool, OpenError> {
    let header = read(file).map_err(io_error)?;
    let is_ours = header.starts_with(MAGIC) && number(&header, APPLICATION) == Some(APPLICATION_ID);
    let has_log = logs.iter().any(|log| fs::metadata(log).is_ok_and(|log| log.len() > 0));
    if is_ours || has_log || may_become_store(&header) {
        Ok(is_ours)
    } else {
        Err(OpenError::new(OpenErrorKind::Foreign))
    }
}

/// What is no file of bytes is not even opened.
pub(super) fn check_kind(path: &Path) -> Result<(), OpenError> {
    match fs::metadata(path) {
        Ok(about) if about.is_dir() => Err(OpenError::new(OpenErrorKind::Io(io::ErrorKind::IsADirectory))),
        Ok(about) if !about.is_file() => Err(OpenError::new(OpenErrorKind::Foreign)),
        _ => Ok(()),
    }
}

fn read(mut file: &File) -> io::Result<Vec<u8>> {
    let mut header = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.take(LENGTH as u64).read_to_end(&mut header)?;
    Ok(header)
}

/// An empty file, or a database in which nothing was ever made.
fn may_become_store(header: &[u8]) -> bool {
    let is_blank = |at: usize| number(header, at) == Some(0);
    let is_unused = || [APPLICATION, USER_VERSION, SCHEMA_COOKIE].into_iter().all(is_blank);
    header.is_empty() || (header.len() == LENGTH && header.starts_with(MAGIC) && is_unused())
}

fn number(header: &[u8], at: usize) -> Option<i32> {
    header.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map(i32::from_be_bytes)
}
