//! What is on record.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::outbox::{CameIn, Entry, Kept, Outbox};
use crate::digest::Digest;
use crate::entry::{Count, LaneRecord, Record, State};
use crate::id::{EntryId, LaneId};
use crate::inbound::Answered;
use crate::past::PastAttempt;

impl Outbox {
    pub(super) fn answered(&self, key: Digest) -> Option<Answered> {
        let (number, kept) = self.known(key)?;
        self.answer_of(number, kept)
    }

    pub(super) fn record(&self, id: EntryId) -> Option<Record> {
        self.records().find(|record| record.id == id).cloned()
    }

    pub(super) fn recent(&self, origin: Option<&str>, limit: usize) -> Vec<Record> {
        let of_origin = |record: &&Record| origin.is_none_or(|origin| record.origin == origin);
        self.newest().filter(of_origin).take(limit).cloned().collect()
    }

    pub(super) fn in_state(&self, state: State, limit: usize) -> Vec<Record> {
        self.newest().filter(|record| record.state == state).take(limit).cloned().collect()
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

    pub(super) fn attempts(&self, id: EntryId) -> Vec<PastAttempt> {
        let entry = self.entries.values().find(|entry| entry.record.id == id);
        entry.map_or_else(Vec::new, |entry| entry.past.clone())
    }

    pub(super) fn message(&self, id: EntryId) -> Option<Vec<u8>> {
        let entry = self.entries.values().find(|entry| entry.record.id == id)?;
        Some(self.requests[&entry.request].request.body.clone())
    }

    pub(super) fn lanes(&self, destination: &str, limit: usize) -> Vec<LaneRecord> {
        let open = self.open();
        let mut open: Vec<_> = open.iter().map(|number| &self.entries[number]).collect();
        open.retain(|entry| entry.record.destination == destination);
        let in_state = |state| open.iter().filter(move |entry| entry.record.state == state);
        let mut due: Vec<_> = self.heads().into_iter().map(|number| &self.entries[&number]).collect();
        due.retain(|head| head.record.destination == destination && head.waits());
        due.sort_by_key(|head| head.due);

        let parked = self.parked.iter().filter(|(_, of)| *of == destination).map(|(lane, _)| *lane);
        let mut lanes: Vec<LaneId> = parked.collect();
        let homes = in_state(State::Held).chain(in_state(State::Sending)).copied().chain(due);
        lanes.extend(homes.map(|entry| entry.record.home()));
        lanes.extend(open.iter().flat_map(|entry| entry.lanes()));
        let mut known = std::collections::BTreeSet::new();
        lanes.retain(|lane| known.insert(*lane));
        lanes.into_iter().take(limit).map(|lane| self.lane_record(lane)).collect()
    }

    fn lane_record(&self, lane: LaneId) -> LaneRecord {
        let mut open = self.open();
        open.retain(|number| self.entries[number].lanes().any(|of| of == lane));
        let head = open.first().map(|number| &self.entries[number]);
        let leads = open.first().is_some_and(|number| self.heads().contains(number));
        LaneRecord {
            lane,
            open: open.len().min(10_000) as u64,
            head: head.map(|head| head.record.id),
            enqueued_at: head.map(|head| head.record.enqueued_at),
            state: head.map(|head| head.record.state),
            due: head.filter(|head| leads && head.waits()).map(|head| head.due),
            is_parked: self.parked.contains_key(&lane),
        }
    }

    pub(super) fn known(&self, key: Digest) -> Option<(u64, &Kept)> {
        let known = self.requests.iter().find(|(_, kept)| kept.request.key == key);
        known.map(|(number, kept)| (*number, kept))
    }

    /// What was kept of messages that came in.
    pub(super) fn inbound(&self) -> impl Iterator<Item = &CameIn> {
        self.requests.values().filter_map(|kept| kept.inbound.as_ref())
    }

    pub(super) fn answer_of(&self, number: u64, kept: &Kept) -> Option<Answered> {
        let acknowledgment = kept.inbound.as_ref()?.acknowledgment.clone();
        let at = self.of_request(number).map(|entry| entry.record.enqueued_at).min()?;
        Some(Answered { acknowledgment, at })
    }

    pub(super) fn of_request(&self, request: u64) -> impl Iterator<Item = &Entry> {
        self.entries.values().filter(move |entry| entry.request == request)
    }

    fn records(&self) -> impl Iterator<Item = &Record> {
        self.entries.values().map(|entry| &entry.record)
    }

    /// The entries of the newest request first.
    fn newest(&self) -> impl Iterator<Item = &Record> {
        let mut entries: Vec<_> = self.entries.iter().collect();
        entries.sort_by_key(|(number, entry)| Reverse((entry.request, **number)));
        entries.into_iter().map(|(_, entry)| &entry.record)
    }
}
