//! What a store holds, in the plainest form: maps, and every question answered by looking at all that is there.

use std::collections::{BTreeMap, BTreeSet};
use std::time::SystemTime;

use crate::digest::Digest;
use crate::entry::{DeadLetterReason, Record, Request, State};
use crate::error::{StoreError, StoreErrorKind};
use crate::id::{EntryId, LaneId};
use crate::past::{MOST_PAST, PastAttempt};

/// Entries and the requests they came by, each under its number, in the order in which they were made.
#[derive(Clone, Default)]
pub(super) struct Outbox {
    pub(super) requests: BTreeMap<u64, Kept>,
    pub(super) entries: BTreeMap<u64, Entry>,
    /// The parked lanes, and whose they are.
    pub(super) parked: BTreeMap<LaneId, String>,
    pub(super) paused: BTreeSet<String>,
    last: u64,
}

/// A message under its key.
#[derive(Clone)]
pub(super) struct Kept {
    pub(super) request: Request,
    pub(super) inbound: Option<CameIn>,
}

/// What is kept of a message that came in.
#[derive(Clone)]
pub(super) struct CameIn {
    pub(super) name: Digest,
    pub(super) acknowledgment: Vec<u8>,
}

#[derive(Clone)]
pub(super) struct Entry {
    pub(super) request: u64,
    pub(super) record: Record,
    /// Its place in its lanes; none when it is settled.
    pub(super) position: Option<u64>,
    pub(super) tries: u32,
    pub(super) rejections: u32,
    pub(super) since: SystemTime,
    /// From when on it may be begun, once it is the head of its lanes.
    pub(super) due: SystemTime,
    /// How it ends should nothing more be heard of the attempt that is under way.
    pub(super) accepted: Option<State>,
    /// The attempts that failed.
    pub(super) past: Vec<PastAttempt>,
}

impl Entry {
    pub(super) fn lanes(&self) -> impl Iterator<Item = LaneId> {
        self.record.lanes.iter().copied()
    }

    /// Whether it can be given out, once it is the head of its lanes.
    pub(super) fn waits(&self) -> bool {
        matches!(self.record.state, State::Queued | State::Retrying)
    }

    pub(super) fn wait(&mut self, state: State, next: Option<SystemTime>) {
        (self.record.state, self.record.next_attempt_at) = (state, next);
        self.due = next.unwrap_or(self.due);
    }

    /// It may be due from now on, because nothing stands before it any more.
    pub(super) fn wake(&mut self, now: SystemTime) {
        self.due = self.record.next_attempt_at.map_or(now, |next| next.max(now));
    }

    /// Keeps an attempt that failed; of many the newest.
    pub(super) fn remember(&mut self, attempt: PastAttempt) {
        self.past.retain(|past| past.number != attempt.number);
        self.past.push(attempt);
        let too_many = self.past.len().saturating_sub(MOST_PAST);
        self.past.drain(..too_many);
    }

    /// Its caps count anew, and what was answered before is forgotten.
    pub(super) fn begin_anew(&mut self, now: SystemTime) {
        (self.tries, self.rejections, self.since) = (0, 0, now);
        (self.record.answered_at, self.record.acknowledgment) = (None, None);
    }
}

impl Outbox {
    /// The open entries, in their order.
    pub(super) fn open(&self) -> Vec<u64> {
        let mut open: Vec<_> =
            self.entries.iter().filter_map(|(number, entry)| Some((entry.position?, *number))).collect();
        open.sort_unstable();
        open.into_iter().map(|(_, number)| number).collect()
    }

    /// The entries that are the first in each of their lanes, none of which is parked; in their order.
    pub(super) fn heads(&self) -> Vec<u64> {
        let mut taken: BTreeSet<LaneId> = self.parked.keys().copied().collect();
        let mut heads = self.open();
        heads.retain(|number| {
            let entry = &self.entries[number];
            let is_head = entry.lanes().all(|lane| !taken.contains(&lane));
            taken.extend(entry.lanes());
            is_head
        });
        heads
    }

    /// The head of this lane, when it is at home there, the head of all its lanes, and waits.
    pub(super) fn next_of(&self, lane: LaneId) -> Option<u64> {
        let heads = self.heads().into_iter();
        heads
            .map(|number| (number, &self.entries[&number]))
            .find_map(|(number, entry)| (entry.record.home() == lane && entry.waits()).then_some(number))
    }

    /// Changes something, after which other entries may be heads. Those are due from now on.
    pub(super) fn change<T>(&mut self, now: SystemTime, change: impl FnOnce(&mut Self) -> T) -> T {
        let before: BTreeSet<u64> = self.heads().into_iter().collect();
        let done = change(self);
        for head in self.heads().into_iter().filter(|head| !before.contains(head)) {
            self.entry(head).wake(now);
        }
        done
    }

    /// Ends an entry. Its lanes flow on.
    pub(super) fn settle(
        &mut self,
        number: u64,
        state: State,
        reason: Option<DeadLetterReason>,
        now: SystemTime,
    ) {
        self.change(now, |outbox| {
            let entry = outbox.entry(number);
            entry.wait(state, None);
            (entry.position, entry.accepted) = (None, None);
            (entry.record.reason, entry.record.settled_at) = (reason, Some(now));
        });
    }

    /// The entry, when it is in one of these states.
    pub(super) fn find(&self, id: EntryId, states: &[State]) -> Result<u64, StoreError> {
        match self.entries.iter().find(|(_, entry)| entry.record.id == id) {
            None => Err(StoreError::new(StoreErrorKind::NotFound)),
            Some((number, entry)) if states.contains(&entry.record.state) => Ok(*number),
            Some(_) => Err(StoreError::new(StoreErrorKind::WrongState)),
        }
    }

    pub(super) fn destination(&self, number: u64) -> String {
        self.entries[&number].record.destination.clone()
    }

    /// The entry with a number that these maps gave.
    #[allow(clippy::expect_used)]
    pub(super) fn entry(&mut self, number: u64) -> &mut Entry {
        self.entries.get_mut(&number).expect("an entry is there as long as its number is looked at")
    }

    /// The number behind all others, which is also the place behind all others.
    pub(super) fn next(&mut self) -> u64 {
        self.last += 1;
        self.last
    }
}
