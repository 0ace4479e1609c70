//! Room on the disk that is given up when there is no other, so that what was accepted can still be sent and settled.

use std::fs::File;
use std::io::{self, ErrorKind, Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

use super::file;

/// The least reserve that is worth having: a checkpoint of the log and some thousands of settled entries.
const LEAST: u64 = 4 * MIB;
/// How much settling an open entry makes the file grow: an acknowledgment of some two hundred bytes, and the times.
const EACH_OPEN: u64 = 256;
/// Calls with more bytes than this have the same room reserved before they are made, because the log's checkpoint needs it once more.
pub(super) const LARGE: u64 = MIB;
/// How much is given up at once: room for some thousands of settled entries.
const PART: u64 = MIB;
/// How often the reserve is fitted to the number of open entries.
const FIT_EVERY: Duration = Duration::from_secs(1);
/// How long to wait before a disk that was full is tried again.
const MAKE_EVERY: Duration = Duration::from_secs(5);
const MIB: u64 = 1024 * 1024;

/// A file that holds nothing but room.
pub(super) struct Reserve {
    /// `None` where no such file can be had or none is wanted.
    file: Option<File>,
    base: u64,
    held: u64,
    /// The room of one that is not wanted any more was given back, and nobody has used that yet.
    freed: bool,
    lacking: bool,
    next_look: Option<Instant>,
}

impl Reserve {
    /// The reserve at `path`, of at least `base` bytes; without one when that is zero, and then that of an earlier opening is given back.
    pub(super) fn open(path: &Path, base: u64) -> io::Result<Self> {
        let freed = base == 0 && remove(path)?;
        let file = if base == 0 { None } else { Some(file::private().open(path)?) };
        let held = file.as_ref().map_or(Ok(0), |file| file.metadata().map(|about| about.len()))?;
        Ok(Self { file, base, held, freed, lacking: false, next_look: None })
    }

    /// Whether the disk was full when it was last tried: then nothing new is accepted.
    pub(super) fn is_lacking(&self) -> bool {
        self.lacking
    }

    /// Whether the reserve is to be fitted before a group of calls with so many bytes.
    pub(super) fn is_due(&self, bytes: u64, now: Instant) -> bool {
        let looks = self.next_look.is_none_or(|at| at <= now);
        self.file.is_some() && (looks || (bytes > LARGE && !self.lacking))
    }

    /// Makes the reserve as large as so many open entries and calls with so many bytes need. Gives whether those calls can be accepted.
    pub(super) fn fit(&mut self, open: u64, bytes: u64, now: Instant) -> bool {
        let large = if bytes > LARGE { bytes } else { 0 };
        let for_open = open.saturating_mul(EACH_OPEN) / MIB * MIB;
        let was_lacking = self.lacking;
        if let Err(error) = self.hold(self.base.saturating_add(for_open).saturating_add(large)) {
            tracing::warn!(error = %error.kind(), "the store goes without a reserve on its disk");
            self.file = None;
            self.lacking = false;
        }
        if was_lacking && !self.lacking {
            tracing::info!("the store's disk has room again");
        }
        self.next_look = Some(now + if self.lacking { MAKE_EVERY } else { FIT_EVERY });
        let enough = self.file.is_none() || self.held >= self.least().saturating_add(large);
        enough && !self.lacking
    }

    /// The disk is full: nothing new is accepted until it has room.
    pub(super) fn note_full(&mut self, now: Instant) {
        if !std::mem::replace(&mut self.lacking, true) {
            tracing::error!("the store's disk is full: nothing is accepted, what is there is still sent");
        }
        self.next_look = Some(now + MAKE_EVERY);
    }

    /// Gives a part of the room to those who need it now, and no more, because other programs take room too. Whether there was any.
    pub(super) fn give_up(&mut self) -> bool {
        if std::mem::take(&mut self.freed) {
            return true;
        }
        let Some(file) = self.file.as_ref().filter(|_| self.held > 0) else { return false };
        let left = self.held.saturating_sub(PART);
        let given = file.set_len(left).is_ok();
        if given {
            self.held = left;
        }
        given
    }

    fn least(&self) -> u64 {
        LEAST.min(self.base)
    }

    /// Brings the file to this length. Where the disk has no room for it, what there was before is left. Where there was none, half of the room
    /// is taken, if that is twice the least reserve. A disk that was full has room again when it has some beside the reserve.
    fn hold(&mut self, wanted: u64) -> io::Result<()> {
        let (least, before) = (self.least(), self.held);
        let Some(file) = &mut self.file else { return Ok(()) };
        let beside = before.saturating_add(LEAST);
        let aim = if self.lacking { wanted.max(beside) } else { wanted };
        let reached = if before < aim { extend(file, before, aim)? } else { before };
        (self.held, self.lacking) = match reached {
            reached if reached >= aim => (wanted.max(before.min(wanted.saturating_add(LEAST))), false),
            reached if before >= least => (before, self.lacking && reached < beside),
            reached if reached >= 2 * least => ((reached / 2).max(least), false),
            _ => (before, true),
        };
        if self.held < reached { file.set_len(self.held) } else { Ok(()) }
    }
}

/// Whether there was one.
fn remove(path: &Path) -> io::Result<bool> {
    match std::fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Writes to the file from this length on, until it has that one or the disk is full. Gives the length it got.
fn extend(file: &mut File, from: u64, to: u64) -> io::Result<u64> {
    // Not zeros: some file systems keep no room for those.
    let mut block = vec![0; MIB as usize];
    fastrand::Rng::with_seed(from).fill(&mut block);
    file.seek(SeekFrom::Start(from))?;
    let mut reached = from;
    while reached < to {
        let length = usize::try_from(to - reached).unwrap_or(block.len()).min(block.len());
        match file.write(block.get(..length).unwrap_or(&block)) {
            Ok(0) => break,
            Ok(written) => reached += written as u64,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded) => break,
            Err(error) => return Err(error),
        }
    }
    Ok(reached)
}
