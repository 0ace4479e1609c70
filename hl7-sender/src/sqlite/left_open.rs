//! Files that turned out to be no stores. Where this program uses one as a database of its own, closing another handle to it would give up that
//! database's locks (POSIX record locks belong to the process), so the handles stay open as long as the process lives, one for each file.

use std::collections::BTreeMap;
use std::fs::File;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::file::Identity;

static LEFT: Mutex<BTreeMap<Identity, File>> = Mutex::new(BTreeMap::new());

/// Leaves it open.
pub(super) fn keep(identity: Identity, file: File) {
    let mut left = left();
    // What was removed meanwhile is nobody's database, and its room is wanted.
    left.retain(|_, file| !is_removed(file));
    left.insert(identity, file);
}

/// The handle of an earlier time.
pub(super) fn take(identity: Identity) -> Option<File> {
    let mut left = left();
    left.retain(|_, file| !is_removed(file));
    left.remove(&identity)
}

#[cfg(unix)]
fn is_removed(file: &File) -> bool {
    file.metadata().is_ok_and(|about| std::os::unix::fs::MetadataExt::nlink(&about) == 0)
}

#[cfg(not(unix))]
fn is_removed(_: &File) -> bool {
    false
}

fn left() -> MutexGuard<'static, BTreeMap<Identity, File>> {
    LEFT.lock().unwrap_or_else(PoisonError::into_inner)
}
