//! What a store holds and does, in the plainest form: two maps, and every question answered by looking at all that is there.

#![allow(clippy::expect_used)] // of numbers that these maps gave themselves

use std::collections::{BTreeMap, BTreeSet};
use std::time::SystemTime;

use crate::digest::{self, Digest};
use crate::entry::{
    Attempt, Count, DeadLetterReason, Delivery, Due, End, Enqueued, Finished, Record, Request, State, Stored,
};
use crate::error::{StoreError, StoreErrorKind};
use crate::id::{EntryId, LaneId};
use crate::inbound::{Answered, Inbound, Received};

/// Entries and the requests they came by, each under its number, in the order in which they were made.
#[derive(Clone, Default)]
pub(super) struct Outbox {
    requests: BTreeMap<u64, Kept>,
    entries: BTreeMap<u64, Entry>,
    last: u64,
}

/// A message under its key.
#[derive(Clone)]
struct Kept {
    request: Request,
    inbound: Option<CameIn>,
    settled_at: Option<SystemTime>,
}

/// What is kept of a message that came in.
#[derive(Clone)]
struct CameIn {
    name: Digest,
    acknowledgment: Vec<u8>,
}

#[derive(Clone)]
struct Entry {
    request: u64,
    record: Record,
    /// Its place in its lanes; none when it is settled.
    position: Option<u64>,
    tries: u32,
    rejections: u32,
    since: SystemTime,
    /// From when on it may be begun, once it is the head of its lanes.
    due: SystemTime,
}

impl Entry {
    fn lanes(&self) -> impl Iterator<Item = LaneId> {
        self.record.lanes.iter().copied()
    }

    fn waits(&self) -> bool {
        matches!(self.record.state, State::Queued | State::Retrying)
    }

    fn wait(&mut self, state: State, next: Option<SystemTime>) {
        (self.record.state, self.record.next_attempt_at) = (state, next);
        self.due = next.unwrap_or(self.due);
    }

    /// Its caps count anew, and what was answered before is forgotten.
    fn begin_anew(&mut self, now: SystemTime) {
        (self.tries, self.rejections, self.since) = (0, 0, now);
        (self.record.answered_at, self.record.acknowledgment) = (None, None);
    }
}

impl Outbox {
    pub(super) fn enqueue(&mut self, request: Request, now: SystemTime) -> Enqueued {
        match self.known(request.key) {
            Some((_, kept)) if kept.request.fingerprint != request.fingerprint => Enqueued::KeyReused,
            Some((number, _)) => Enqueued::Stored(self.insert_missing(number, &request, now)),
            None => {
                let number = self.insert_request(&request, None);
                Enqueued::Stored(self.insert_missing(number, &request, now))
            }
        }
    }

    pub(super) fn receive(&mut self, inbound: Inbound, now: SystemTime) -> Received {
        let Inbound { request, name, acknowledgment, dead_letter } = inbound;
        if let Some((number, kept)) = self.known(request.key) {
            let same = kept.request.fingerprint == request.fingerprint;
            let answered = self.answer_of(number, kept).filter(|_| same);
            return answered.map_or(Received::KeyReused, Received::Repeat);
        }
        let name_reused = self.inbound().any(|known| known.name == name);
        let number = self.insert_request(&request, Some(CameIn { name, acknowledgment }));
        let entries = self.insert_missing(number, &request, now);
        if let Some(reason) = dead_letter {
            for entry in &entries {
                self.settle(self.number(entry.id), State::DeadLettered, Some(reason), now);
            }
        }
        Received::Stored { entries, name_reused }
    }

    pub(super) fn answered(&self, key: Digest) -> Option<Answered> {
        let (number, kept) = self.known(key)?;
        self.answer_of(number, kept)
    }

    pub(super) fn recover(&mut self, now: SystemTime) -> u64 {
        let sending = self.entries.values_mut().filter(|entry| entry.record.state == State::Sending);
        let again = |entry: &mut Entry| {
            entry.wait(State::Retrying, Some(now));
            entry.record.failure = Some("S203".to_owned());
        };
        sending.map(again).count() as u64
    }

    pub(super) fn due(&self, destination: &str, now: SystemTime, limit: usize) -> Due {
        let mut heads: Vec<_> = self.heads().into_iter().map(|number| &self.entries[&number]).collect();
        heads.retain(|head| head.record.destination == destination && head.waits());
        heads.sort_by_key(|head| head.due);
        let next = heads.iter().map(|head| head.due).find(|due| *due > now);
        let due = heads.into_iter().filter(|head| head.due <= now).map(|head| head.record.home());
        Due { lanes: due.take(limit).collect(), next }
    }

    pub(super) fn clamp(&mut self, destination: &str, latest: SystemTime) {
        for head in self.heads() {
            let head = self.entry(head);
            if head.record.destination == destination && head.waits() && head.due > latest {
                head.due = latest;
                head.record.next_attempt_at = head.record.next_attempt_at.map(|next| next.min(latest));
            }
        }
    }

    pub(super) fn begin(&mut self, lane: LaneId) -> Option<Attempt> {
        let number = self.head(lane).filter(|number| self.entries[number].waits())?;
        let request = self.requests[&self.entries[&number].request].request.clone();
        let entry = self.entry(number);
        entry.wait(State::Sending, None);
        entry.record.attempts += 1;
        entry.tries += 1;
        Some(Attempt {
            id: entry.record.id,
            lane,
            is_merge: entry.record.lanes.len() > 1,
            body: request.body,
            digest: request.digest,
            tries: entry.tries,
            rejections: entry.rejections,
            since: entry.since,
        })
    }

    pub(super) fn finish(&mut self, finished: Finished, go_on: bool) -> Result<Option<Attempt>, StoreError> {
        let number = self.find(finished.id, &[State::Sending]).map_err(|_| damaged())?;
        let end = finished.end;
        let entry = self.entry(number);
        let lane = entry.record.home();
        note_attempt(entry, finished.clone());
        match end {
            End::Retry(at) => entry.wait(State::Retrying, Some(at)),
            End::Hold => entry.wait(State::Held, None),
            End::Deliver => self.settle(number, State::Delivered, None, finished.at),
            End::Unconfirmed => self.settle(number, State::Unconfirmed, None, finished.at),
            End::Skip => self.settle(number, State::Skipped, None, finished.at),
            End::DeadLetter(reason) => {
                self.settle(number, State::DeadLettered, Some(reason), finished.at);
            }
        }
        let goes_on = go_on && !matches!(end, End::Retry(_) | End::Hold);
        Ok(if goes_on { self.begin(lane) } else { None })
    }

    pub(super) fn unreachable(&mut self, lane: LaneId, failure: &str, next: SystemTime) -> Option<EntryId> {
        let number = self.head(lane)?;
        let head = Some(self.entry(number)).filter(|head| head.waits())?;
        // For people: when the lane is due is not changed.
        (head.record.state, head.record.next_attempt_at) = (State::Retrying, Some(next));
        head.record.failure = Some(failure.to_owned());
        Some(head.record.id)
    }

    pub(super) fn expire(
        &mut self,
        destination: &str,
        oldest: SystemTime,
        now: SystemTime,
        limit: usize,
    ) -> Vec<EntryId> {
        let mut too_old = self.heads();
        too_old.retain(|number| {
            let head = &self.entries[number];
            head.record.destination == destination && head.waits() && head.since <= oldest
        });
        too_old.truncate(limit);
        let give_up = |number| {
            self.settle(number, State::DeadLettered, Some(DeadLetterReason::TooOld), now);
            let record = &mut self.entry(number).record;
            record.failure = Some("S202".to_owned());
            record.id
        };
        too_old.into_iter().map(give_up).collect()
    }

    pub(super) fn record(&self, id: EntryId) -> Option<Record> {
        self.records().find(|record| record.id == id).cloned()
    }

    pub(super) fn recent(&self, origin: Option<&str>, limit: usize) -> Vec<Record> {
        let of_origin = |record: &&Record| origin.is_none_or(|origin| record.origin == origin);
        self.records().rev().filter(of_origin).take(limit).cloned().collect()
    }

    pub(super) fn dead_letters(&self, limit: usize) -> Vec<Record> {
        let dead = self.records().rev().filter(|record| record.state == State::DeadLettered);
        dead.take(limit).cloned().collect()
    }

    pub(super) fn counts(&self) -> Vec<Count> {
        let mut counts = BTreeMap::new();
        for record in self.records() {
            *counts.entry((&record.origin, &record.destination, record.state)).or_default() += 1;
        }
        let count = |((origin, destination, state), count): ((&String, &String, State), u64)| {
            Count::new(origin.clone(), destination.clone(), state, count)
        };
        counts.into_iter().map(count).collect()
    }

    pub(super) fn message(&self, id: EntryId) -> Option<Vec<u8>> {
        let entry = self.entries.values().find(|entry| entry.record.id == id)?;
        Some(self.requests[&entry.request].request.body.clone())
    }

    pub(super) fn replay(&mut self, id: EntryId, now: SystemTime) -> Result<String, StoreError> {
        let number = self.find(id, &[State::DeadLettered])?;
        let end = self.next();
        let entry = self.entry(number);
        entry.begin_anew(now);
        entry.wait(State::Queued, None);
        (entry.position, entry.due) = (Some(end), now);
        (entry.record.reason, entry.record.settled_at) = (None, None);
        let (request, destination) = (entry.request, entry.record.destination.clone());
        self.reopen(request);
        Ok(destination)
    }

    pub(super) fn release(&mut self, id: EntryId, now: SystemTime) -> Result<String, StoreError> {
        let number = self.find(id, &[State::Held])?;
        let is_head = self.heads().contains(&number);
        let entry = self.entry(number);
        entry.begin_anew(now);
        match is_head {
            true => entry.wait(State::Retrying, Some(now)),
            false => entry.wait(State::Queued, None),
        }
        Ok(entry.record.destination.clone())
    }

    pub(super) fn dead_letter(&mut self, id: EntryId, now: SystemTime) -> Result<String, StoreError> {
        let number = self.find(id, &[State::Held])?;
        self.settle(number, State::DeadLettered, Some(DeadLetterReason::Chosen), now);
        Ok(self.destination(number))
    }

    pub(super) fn hold(&mut self, id: EntryId) -> Result<String, StoreError> {
        let number = self.find(id, &[State::Queued, State::Retrying])?;
        self.entry(number).wait(State::Held, None);
        Ok(self.destination(number))
    }

    pub(super) fn hold_lane(&mut self, lane: LaneId) -> Option<EntryId> {
        let open = self.open();
        let waits = |number: &u64| self.entries[number].record.state != State::Sending;
        let in_lane = |number: &u64| self.entries[number].lanes().any(|of| of == lane);
        let first = open.into_iter().filter(in_lane).find(waits)?;
        self.entry(first).wait(State::Held, None);
        Some(self.entries[&first].record.id)
    }

    pub(super) fn cancel(&mut self, id: EntryId, now: SystemTime) -> Result<String, StoreError> {
        let number = self.find(id, &[State::Queued, State::Retrying, State::Held])?;
        self.settle(number, State::Cancelled, None, now);
        Ok(self.destination(number))
    }

    pub(super) fn prune(&mut self, delivered: SystemTime, dead_letters: SystemTime, limit: usize) -> usize {
        let dead =
            |number: u64| self.of_request(number).any(|entry| entry.record.state == State::DeadLettered);
        let over = |(number, kept): (&u64, &Kept)| {
            let settled = kept.settled_at.filter(|at| *at < delivered)?;
            (settled < dead_letters || !dead(*number)).then_some(*number)
        };
        let over: BTreeSet<u64> = self.requests.iter().filter_map(over).take(limit).collect();
        self.requests.retain(|number, _| !over.contains(number));
        self.entries.retain(|_, entry| !over.contains(&entry.request));
        over.len()
    }

    /// The open entries, in their order.
    fn open(&self) -> Vec<u64> {
        let mut open: Vec<_> =
            self.entries.iter().filter_map(|(number, entry)| Some((entry.position?, *number))).collect();
        open.sort_unstable();
        open.into_iter().map(|(_, number)| number).collect()
    }

    /// The entries that are the first in each of their lanes, in their order.
    fn heads(&self) -> Vec<u64> {
        let mut before = BTreeSet::new();
        let mut heads = self.open();
        heads.retain(|number| {
            let entry = &self.entries[number];
            let is_head = entry.lanes().all(|lane| !before.contains(&lane));
            before.extend(entry.lanes());
            is_head
        });
        heads
    }

    /// The head of this lane, when it is at home there and the head of all its lanes.
    fn head(&self, lane: LaneId) -> Option<u64> {
        self.heads().into_iter().find(|number| self.entries[number].record.home() == lane)
    }

    /// Ends an entry. Those that become heads by that are due from now on.
    fn settle(&mut self, number: u64, state: State, reason: Option<DeadLetterReason>, now: SystemTime) {
        let before: BTreeSet<u64> = self.heads().into_iter().collect();
        let entry = self.entry(number);
        entry.wait(state, None);
        (entry.position, entry.record.reason, entry.record.settled_at) = (None, reason, Some(now));
        let request = entry.request;
        for head in self.heads().into_iter().filter(|head| !before.contains(head)) {
            self.entry(head).due = now;
        }
        if self.of_request(request).all(|entry| entry.position.is_none()) {
            self.kept(request).settled_at = Some(now);
        }
    }

    fn insert_request(&mut self, request: &Request, inbound: Option<CameIn>) -> u64 {
        let number = self.next();
        let request = Request { deliveries: Vec::new(), ..request.clone() };
        self.requests.insert(number, Kept { request, inbound, settled_at: None });
        number
    }

    /// For each delivery the entry that is there, or a new one.
    fn insert_missing(&mut self, number: u64, request: &Request, now: SystemTime) -> Vec<Stored> {
        let mut stored = Vec::new();
        for delivery in &request.deliveries {
            let there =
                self.of_request(number).find(|entry| entry.record.destination == delivery.destination);
            let there = there.map(|entry| entry.record.clone());
            let repeat = there.is_some();
            let record = there.unwrap_or_else(|| self.insert_entry(number, &request.origin, delivery, now));
            stored.push(Stored {
                id: record.id,
                lanes: record.lanes,
                destination: record.destination,
                control_id: record.control_id,
                repeat,
            });
        }
        stored
    }

    fn insert_entry(&mut self, request: u64, origin: &str, delivery: &Delivery, now: SystemTime) -> Record {
        let content = &self.requests[&request].request;
        let record = Record {
            id: delivery.id,
            origin: origin.to_owned(),
            destination: delivery.destination.clone(),
            lanes: lanes_of(delivery),
            control_id: content.control_id.clone(),
            message_type: content.message_type.clone(),
            size: content.body.len() as u64,
            state: State::Queued,
            reason: None,
            attempts: 0,
            failure: None,
            answers: 0,
            acknowledgment: None,
            enqueued_at: now,
            sent_at: None,
            answered_at: None,
            settled_at: None,
            next_attempt_at: None,
        };
        let number = self.next();
        let entry = Entry {
            request,
            record: record.clone(),
            position: Some(number),
            tries: 0,
            rejections: 0,
            since: now,
            due: now,
        };
        self.entries.insert(number, entry);
        self.reopen(request);
        record
    }

    fn known(&self, key: Digest) -> Option<(u64, &Kept)> {
        let known = self.requests.iter().find(|(_, kept)| kept.request.key == key);
        known.map(|(number, kept)| (*number, kept))
    }

    fn inbound(&self) -> impl Iterator<Item = &CameIn> {
        self.requests.values().filter_map(|kept| kept.inbound.as_ref())
    }

    fn answer_of(&self, number: u64, kept: &Kept) -> Option<Answered> {
        let acknowledgment = kept.inbound.as_ref()?.acknowledgment.clone();
        let at = self.of_request(number).map(|entry| entry.record.enqueued_at).min()?;
        Some(Answered { acknowledgment, at })
    }

    fn of_request(&self, request: u64) -> impl Iterator<Item = &Entry> {
        self.entries.values().filter(move |entry| entry.request == request)
    }

    fn records(&self) -> impl DoubleEndedIterator<Item = &Record> {
        self.entries.values().map(|entry| &entry.record)
    }

    /// The entry, when it is in one of these states.
    fn find(&self, id: EntryId, states: &[State]) -> Result<u64, StoreError> {
        match self.entries.iter().find(|(_, entry)| entry.record.id == id) {
            None => Err(StoreError::new(StoreErrorKind::NotFound)),
            Some((number, entry)) if states.contains(&entry.record.state) => Ok(*number),
            Some(_) => Err(StoreError::new(StoreErrorKind::WrongState)),
        }
    }

    fn number(&self, id: EntryId) -> u64 {
        let found = self.entries.iter().find(|(_, entry)| entry.record.id == id);
        *found.expect("an entry that was just made").0
    }

    fn destination(&self, number: u64) -> String {
        self.entries[&number].record.destination.clone()
    }

    fn entry(&mut self, number: u64) -> &mut Entry {
        self.entries.get_mut(&number).expect("entries are removed with all that names them")
    }

    fn kept(&mut self, number: u64) -> &mut Kept {
        self.requests.get_mut(&number).expect("a request is there as long as its entries")
    }

    /// Something of the request is open again.
    fn reopen(&mut self, request: u64) {
        self.kept(request).settled_at = None;
    }

    /// The number behind all others, which is also the place behind all others.
    fn next(&mut self) -> u64 {
        self.last += 1;
        self.last
    }
}

/// Puts on record what came of an attempt. One without a write did not take place.
fn note_attempt(entry: &mut Entry, finished: Finished) {
    let record = &mut entry.record;
    if finished.sent_at.is_none() {
        record.attempts -= 1;
        entry.tries -= 1;
    }
    if finished.rejected && matches!(finished.end, End::Retry(_)) {
        entry.rejections += 1;
    }
    record.failure = finished.failure.map(str::to_owned);
    record.sent_at = finished.sent_at.or(record.sent_at);
    if let Some(acknowledgment) = finished.acknowledgment {
        record.answers += 1;
        record.answered_at = Some(finished.at);
        record.acknowledgment = Some(acknowledgment);
    }
}

/// The lanes of a delivery. They are the same in every run, so that a run can be repeated.
fn lanes_of(delivery: &Delivery) -> Vec<LaneId> {
    let lane = |kind: &str, key: &str| {
        let parts = [delivery.destination.as_bytes(), kind.as_bytes(), key.as_bytes()];
        let mut id = [0; 16];
        id.copy_from_slice(&digest::of_parts("lane in memory", &parts)[..16]);
        LaneId::from_bytes(id)
    };
    match delivery.lane_keys.as_slice() {
        [] => vec![lane("common", "")],
        keys => keys.iter().map(|key| lane("key", key)).collect(),
    }
}

fn damaged() -> StoreError {
    StoreError::new(StoreErrorKind::Damaged)
}
