//! The thread that writes: calls in groups that share a commit, and room for them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use super::file::LockedFile;
use super::mark::Mark;
use super::poison::Poison;
use super::reserve::{self, Reserve};
use super::tables::Tables;
use super::worker::{Job, Order};
use crate::error::{StoreError, StoreErrorKind};
use crate::store_counters::StoreCounters;
use crate::tally::{Clocked, Tick};

/// How many calls share a commit. Beyond some hundreds a flush costs little of each.
const GROUP: usize = 256;
/// How many bytes they bring at most, so that a checkpoint of the log needs no more than the reserve. A larger call is a group by itself, for which the
/// reserve is made larger.
const GROUP_BYTES: u64 = reserve::LARGE;
/// The size beyond which the log is emptied in full. SQLite begins it anew at half of this; it grows beyond when a reader or the disk hinders that.
const LONG_LOG: u64 = 8 * 1024 * 1024;

/// Gives a call that came while a group of so many ran, and fits into it.
type More<'m> = dyn FnMut(usize) -> Option<Box<dyn Job>> + 'm;

/// What the thread owns.
pub(super) struct Writer {
    pub(super) tables: Tables,
    pub(super) reserve: Reserve,
    pub(super) file: Arc<LockedFile>,
    pub(super) poisoned: Arc<Poison>,
    pub(super) tally: Arc<WriterTally>,
    pub(super) long_log: LongLog,
    /// What the file `.lock` says.
    pub(super) mark: Mark,
}

/// What is counted of commits.
#[derive(Default)]
pub(super) struct WriterTally {
    commits: Tick,
    calls: Tick,
    time: Clocked,
}

impl WriterTally {
    fn committed(&self, calls: usize, time: Duration) {
        self.commits.add();
        self.calls.add_many(calls);
        self.time.add(time);
    }

    pub(super) fn read(&self) -> StoreCounters {
        let (commits, calls, commit_time) = (self.commits.get(), self.calls.get(), self.time.get());
        StoreCounters { commits, calls, commit_time, ..StoreCounters::default() }
    }
}

/// What was taken from the queue and does not belong to the group that runs.
#[derive(Default)]
struct Next {
    /// How many bytes the group brings.
    bytes: u64,
    /// A call that did not fit into the group.
    behind: Option<Box<dyn Job>>,
    is_last: bool,
}

impl Writer {
    /// Runs calls until it is told to end, or until the store is dropped.
    pub(super) fn run(&mut self, orders: &mut mpsc::Receiver<Order>) {
        let mut next = Next::default();
        while let Some(first) = next.first(orders) {
            next.bytes = first.bytes();
            self.run_group(vec![first], &mut |calls| next.beside(calls, orders));
        }
    }

    /// Commits the group, with the calls that come while it runs; where that fails for want of room, each call on its own, so that one that needs none
    /// is not refused for another's sake.
    fn run_group(&mut self, mut group: Vec<Box<dyn Job>>, more: &mut More<'_>) {
        if let Some(refusal) = self.poisoned.refusal() {
            return answer_all(group, Err(refusal));
        }
        let mut done = self.in_transaction(&mut group, more);
        if is_full(&done) {
            self.reserve.note_full(Instant::now());
            done = self.in_transaction(&mut group, &mut none);
        }
        while is_full(&done) && self.reserve.give_up() {
            done = pass(self.tables.empty_log()).and_then(|()| self.in_transaction(&mut group, &mut none));
        }
        if is_full(&done) && group.len() > 1 {
            return group.into_iter().for_each(|job| self.run_group(vec![job], &mut none));
        }
        let done = done.inspect_err(|error| self.poisoned.note(error));
        answer_all(group, done);
        if done.is_ok()
            && let Err(error) = self.shorten_log()
        {
            self.poisoned.note(&error);
        }
    }

    fn in_transaction(
        &mut self,
        group: &mut Vec<Box<dyn Job>>,
        more: &mut More<'_>,
    ) -> Result<(), StoreError> {
        let bytes = group.iter().map(|job| job.bytes()).sum();
        let has_room = self.has_room(bytes)?;
        let began = Instant::now();
        // Also one that has begun for another's store is ended: that one could not write.
        let done = self
            .tables
            .begin(has_room)
            .and_then(|()| self.run_all(group, more))
            .and_then(|()| self.check_place())
            .and_then(|()| self.tables.commit());
        match done {
            Ok(()) => {
                self.tally.committed(group.len(), began.elapsed());
                self.set_mark();
                Ok(())
            }
            Err(error) => self.tables.roll_back().and(Err(error)),
        }
    }

    /// Runs the calls, and those that came meanwhile.
    fn run_all(&mut self, group: &mut Vec<Box<dyn Job>>, more: &mut More<'_>) -> Result<(), StoreError> {
        let mut ran = 0;
        loop {
            while let Some(job) = group.get_mut(ran) {
                self.tables.expect(growth(job.bytes()))?;
                job.run(&mut self.tables)?;
                ran += 1;
            }
            match more(group.len()) {
                Some(job) => group.push(job),
                None => return Ok(()),
            }
        }
    }

    /// No call is answered whose commit goes into a file that was away when the call came, also where it joined a group that had begun.
    fn check_place(&self) -> Result<(), StoreError> {
        if self.file.is_replaced() { Err(StoreError::new(StoreErrorKind::Ousted)) } else { Ok(()) }
    }

    fn set_mark(&mut self) {
        let mark = self.tables.mark();
        if self.mark != mark {
            self.file.set_mark(mark);
            self.mark = mark;
        }
    }

    /// Whether calls with so many bytes can be accepted, or only what settles what is there.
    fn has_room(&mut self, bytes: u64) -> Result<bool, StoreError> {
        let now = Instant::now();
        if !self.reserve.is_due(bytes, now) {
            return Ok(!self.reserve.is_lacking());
        }
        Ok(self.reserve.fit(self.tables.open_entries()?, bytes, now))
    }

    /// Empties the log when it is longer than it should be. SQLite is silent when it cannot do so itself, and the log would take the whole disk.
    fn shorten_log(&mut self) -> Result<(), StoreError> {
        let is_short = std::fs::metadata(self.file.log()).map_or(0, |log| log.len()) <= LONG_LOG;
        // Waiting for a copy to be made would hold up everybody.
        if is_short || self.file.is_copied() || !self.long_log.is_due(Instant::now()) {
            return Ok(());
        }
        let mut done = self.tables.empty_log();
        while is_full(&done) && self.reserve.give_up() {
            self.reserve.note_full(Instant::now());
            done = self.tables.empty_log();
        }
        if let Ok(emptied) = done {
            self.long_log.note(emptied, Instant::now());
        }
        pass(done)
    }
}

/// A log that could not be emptied, because someone reads an older state of the store: another program, or a list that takes long.
#[derive(Default)]
pub(super) struct LongLog {
    next_try: Option<Instant>,
    told: bool,
}

impl LongLog {
    /// How long to wait before it is tried again: each try holds everybody up for a moment.
    const PAUSE: Duration = Duration::from_secs(1);

    fn is_due(&self, now: Instant) -> bool {
        self.next_try.is_none_or(|at| at <= now)
    }

    fn note(&mut self, emptied: bool, now: Instant) {
        self.next_try = (!emptied).then(|| now + Self::PAUSE);
        if !emptied && !self.told {
            tracing::warn!(
                "the store's log grows: someone reads an older state of the store, perhaps another program"
            );
        }
        self.told = !emptied;
    }
}

/// By how much a call that brings so many bytes makes the store grow at most: they take whole pages, and rows in some tables and indexes.
fn growth(bytes: u64) -> u64 {
    const EACH: u64 = 16 * 1024;
    if bytes == 0 { 0 } else { 2 * bytes + EACH }
}

/// What is only put off is no error.
fn pass(done: Result<bool, StoreError>) -> Result<(), StoreError> {
    match done {
        Err(error) if !error.is_passing() => Err(error),
        _ => Ok(()),
    }
}

impl Next {
    /// The call that the next group begins with; `None` at the end.
    fn first(&mut self, orders: &mut mpsc::Receiver<Order>) -> Option<Box<dyn Job>> {
        if self.is_last {
            return None;
        }
        match self.behind.take() {
            Some(job) => Some(job),
            None => match orders.blocking_recv()? {
                Order::Run(job) => Some(job),
                Order::End => None,
            },
        }
    }

    /// A call that waits and fits into the group of so many.
    fn beside(&mut self, calls: usize, orders: &mut mpsc::Receiver<Order>) -> Option<Box<dyn Job>> {
        if self.is_last || self.behind.is_some() || calls >= GROUP {
            return None;
        }
        let Order::Run(job) = orders.try_recv().ok()? else {
            self.is_last = true;
            return None;
        };
        if self.bytes + job.bytes() > GROUP_BYTES {
            self.behind = Some(job);
            return None;
        }
        self.bytes += job.bytes();
        Some(job)
    }
}

/// No more calls.
fn none(_: usize) -> Option<Box<dyn Job>> {
    None
}

fn is_full<T>(done: &Result<T, StoreError>) -> bool {
    done.as_ref().is_err_and(|error| error.kind() == StoreErrorKind::Full)
}

fn answer_all(group: Vec<Box<dyn Job>>, committed: Result<(), StoreError>) {
    for job in group {
        job.answer(committed);
    }
}
