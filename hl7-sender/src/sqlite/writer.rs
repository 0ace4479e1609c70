//! The thread that writes: calls in groups that share a commit, and room for them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};

use super::file::LockedFile;
use super::mark::Mark;
use super::poison::Poison;
use super::reserve::Reserve;
use super::tables::Tables;
use super::worker::{Job, Order};
use crate::error::{StoreError, StoreErrorKind};
use crate::store_counters::StoreCounters;
use crate::tally::{Clocked, Tick};

/// How many calls share a commit. Beyond some hundreds a flush costs little of each.
const GROUP: usize = 256;
/// How many bytes they bring at most, so that a checkpoint of the log needs no more than the reserve. A larger call is a group by itself.
const GROUP_BYTES: u64 = 2 * 1024 * 1024;
/// The size beyond which the log is emptied in full. SQLite begins it anew at half of this; it grows beyond when a reader or the disk hinders that.
const LONG_LOG: u64 = 8 * 1024 * 1024;
/// How long the thread waits for as many calls as came lately, at most: the callers that the last commit has let go are about to make their next, and one
/// flush for all of them is less than one for the first and another for the rest. A quarter of a commit, where that is less.
const GATHER: Duration = Duration::from_micros(400);

/// What the thread owns.
pub(super) struct Writer {
    pub(super) tables: Tables,
    pub(super) reserve: Reserve,
    pub(super) file: Arc<LockedFile>,
    pub(super) poisoned: Arc<Poison>,
    pub(super) tally: Arc<WriterTally>,
    /// What the file `.lock` says.
    pub(super) mark: Mark,
    pub(super) pace: Pace,
}

/// How many calls come at a time, and how long a commit takes.
#[derive(Default)]
pub(super) struct Pace {
    calls: usize,
    commit: Duration,
}

impl Pace {
    fn note(&mut self, calls: usize, commit: Duration) {
        // One small group among large ones does not say much; some do.
        *self = Self { calls: calls.max(self.calls / 2), commit };
    }

    /// Whether it pays to wait for more calls, with so many that were gathered since.
    fn waits(&self, calls: usize, since: Instant) -> bool {
        calls < self.calls && since.elapsed() < GATHER.min(self.commit / 4)
    }
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

/// The calls that are next, with what the last of them brought.
#[derive(Default)]
pub(super) struct Next {
    jobs: Vec<Box<dyn Job>>,
    /// A call that did not fit into the group.
    behind: Option<Box<dyn Job>>,
    end: Option<oneshot::Sender<()>>,
}

impl Writer {
    /// Runs calls until it is told to end, and gives by whom, or until the store is dropped.
    pub(super) fn run(&mut self, orders: &mut mpsc::Receiver<Order>) -> Option<oneshot::Sender<()>> {
        let mut next = Next::default();
        while next.end.is_none() && next.gather(orders, &self.pace) {
            let (group, begun) = (std::mem::take(&mut next.jobs), Instant::now());
            let calls = group.len();
            self.run_group(group);
            self.pace.note(calls, begun.elapsed());
        }
        next.end
    }

    /// Commits the group; where that fails for want of room, each call on its own, so that one that needs none is not refused for another's sake.
    fn run_group(&mut self, mut group: Vec<Box<dyn Job>>) {
        if group.is_empty() {
            return;
        }
        if let Some(refusal) = self.poisoned.refusal() {
            return answer_all(group, Err(refusal));
        }
        let mut done = self.in_transaction(&mut group);
        if is_full(&done) {
            self.reserve.note_full(Instant::now());
            done = self.in_transaction(&mut group);
        }
        while is_full(&done) && self.reserve.give_up() {
            done = self.empty_log().and_then(|()| self.in_transaction(&mut group));
        }
        if is_full(&done) && group.len() > 1 {
            return group.into_iter().for_each(|job| self.run_group(vec![job]));
        }
        let done = done.inspect_err(|error| self.poisoned.note(error));
        answer_all(group, done);
        if done.is_ok()
            && let Err(error) = self.shorten_log()
        {
            self.poisoned.note(&error);
        }
    }

    fn in_transaction(&mut self, group: &mut [Box<dyn Job>]) -> Result<(), StoreError> {
        if self.file.is_replaced() {
            return Err(StoreError::new(StoreErrorKind::Ousted));
        }
        let bytes = group.iter().map(|job| job.bytes()).sum();
        let has_room = self.has_room(bytes)?;
        let began = Instant::now();
        // Also one that has begun for another's store is ended: that one could not write.
        let done = self
            .tables
            .begin(has_room, growth(group))
            .and_then(|()| group.iter_mut().try_for_each(|job| job.run(&mut self.tables)))
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
        if is_short || self.file.is_copied() {
            return Ok(());
        }
        let mut done = self.tables.empty_log();
        while is_full(&done) && self.reserve.give_up() {
            self.reserve.note_full(Instant::now());
            done = self.tables.empty_log();
        }
        pass(done)
    }

    /// Empties the log if there is room to do so.
    fn empty_log(&self) -> Result<(), StoreError> {
        pass(self.tables.empty_log())
    }
}

/// By how much calls make the store grow at most: what they bring takes whole pages, and rows in some tables and indexes.
fn growth(group: &[Box<dyn Job>]) -> u64 {
    const EACH: u64 = 16 * 1024;
    group.iter().map(|job| job.bytes()).filter(|bytes| *bytes > 0).map(|bytes| 2 * bytes + EACH).sum()
}

/// What is only put off is no error.
fn pass(done: Result<(), StoreError>) -> Result<(), StoreError> {
    match done {
        Err(error) if error.is_passing() => Ok(()),
        done => done,
    }
}

impl Next {
    /// Waits for a call and takes those behind it. Whether there was one.
    fn gather(&mut self, orders: &mut mpsc::Receiver<Order>, pace: &Pace) -> bool {
        let mut bytes = 0;
        let mut order = match self.behind.take() {
            Some(job) => Order::Run(job),
            None => match orders.blocking_recv() {
                Some(order) => order,
                None => return false,
            },
        };
        let since = Instant::now();
        loop {
            match order {
                Order::End(asked) => self.end = Some(asked),
                Order::Run(job) if bytes + job.bytes() > GROUP_BYTES && !self.jobs.is_empty() => {
                    self.behind = Some(job);
                }
                Order::Run(job) => {
                    bytes += job.bytes();
                    self.jobs.push(job);
                }
            }
            if self.end.is_some() || self.behind.is_some() || self.jobs.len() == GROUP {
                return true;
            }
            order = loop {
                match orders.try_recv() {
                    Ok(next) => break next,
                    Err(_) if pace.waits(self.jobs.len(), since) => std::thread::yield_now(),
                    Err(_) => return true,
                }
            };
        }
    }
}

fn is_full(done: &Result<(), StoreError>) -> bool {
    done.is_err_and(|error| error.kind() == StoreErrorKind::Full)
}

fn answer_all(group: Vec<Box<dyn Job>>, committed: Result<(), StoreError>) {
    for job in group {
        job.answer(committed);
    }
}
