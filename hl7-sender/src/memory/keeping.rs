//! Keeping messages.

use std::time::SystemTime;

use super::outbox::{CameIn, Entry, Kept, Outbox};
use crate::digest;
use crate::entry::{DeadLetterReason, Delivery, Enqueued, Record, Request, State, Stored};
use crate::error::{StoreError, StoreErrorKind};
use crate::id::{EntryId, LaneId};
use crate::inbound::{Inbound, Received};

impl Outbox {
    pub(super) fn enqueue(&mut self, request: Request, now: SystemTime) -> Enqueued {
        let number = match self.known(request.key) {
            Some((_, kept)) if kept.request.fingerprint != request.fingerprint => return Enqueued::KeyReused,
            Some((number, _)) => number,
            None => self.insert_request(&request, None),
        };
        Enqueued::Stored(self.insert_missing(number, &request, now, None))
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
        let entries = self.insert_missing(number, &request, now, None);
        if let Some(reason) = dead_letter {
            self.put_aside(number, reason, now);
        }
        Received::Stored { entries, name_reused }
    }

    pub(super) fn copy(
        &mut self,
        of: EntryId,
        request: Request,
        now: SystemTime,
    ) -> Result<Stored, StoreError> {
        let wrong = StoreError::new(StoreErrorKind::WrongState);
        let original = self.find(of, &[State::DeadLettered])?;
        if self.known(request.key).is_some() {
            return Err(wrong);
        }
        let number = self.insert_request(&request, None);
        let copy = self.insert_missing(number, &request, now, Some(of)).pop().ok_or(wrong)?;
        self.entry(original).record.copies.push(copy.id);
        Ok(copy)
    }

    /// Makes dead letters of the entries of a request that was just made.
    fn put_aside(&mut self, request: u64, reason: DeadLetterReason, now: SystemTime) {
        let of_request = self.entries.iter().filter(|(_, entry)| entry.request == request);
        let numbers: Vec<u64> = of_request.map(|(number, _)| *number).collect();
        for number in numbers {
            self.settle(number, State::DeadLettered, Some(reason), now);
        }
    }

    fn insert_request(&mut self, request: &Request, inbound: Option<CameIn>) -> u64 {
        let number = self.next();
        let request = Request { deliveries: Vec::new(), ..request.clone() };
        self.requests.insert(number, Kept { request, inbound });
        number
    }

    /// For each delivery the entry that is there, or a new one.
    fn insert_missing(
        &mut self,
        number: u64,
        request: &Request,
        now: SystemTime,
        copy_of: Option<EntryId>,
    ) -> Vec<Stored> {
        let mut stored = Vec::new();
        for delivery in &request.deliveries {
            let there =
                self.of_request(number).find(|entry| entry.record.destination == delivery.destination);
            let there = there.map(|entry| entry.record.clone());
            let repeat = there.is_some();
            let record = there.unwrap_or_else(|| {
                let content = &self.requests[&number].request;
                let new = Record { copy_of, ..new_record(content, &request.origin, delivery, now) };
                self.insert_entry(number, new, now)
            });
            let Record { id, lanes, destination, control_id, .. } = record;
            stored.push(Stored { id, lanes, destination, control_id, repeat });
        }
        stored
    }

    fn insert_entry(&mut self, request: u64, record: Record, now: SystemTime) -> Record {
        let number = self.next();
        let entry = Entry {
            request,
            record: record.clone(),
            position: Some(number),
            tries: 0,
            rejections: 0,
            since: now,
            due: now,
            accepted: None,
            past: Vec::new(),
        };
        self.entries.insert(number, entry);
        record
    }
}

fn new_record(content: &Request, origin: &str, delivery: &Delivery, now: SystemTime) -> Record {
    Record {
        id: delivery.id,
        origin: origin.to_owned(),
        destination: delivery.destination.clone(),
        lanes: lanes_of(delivery),
        key: content.key,
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
        copy_of: None,
        copies: Vec::new(),
    }
}

fn lanes_of(delivery: &Delivery) -> Vec<LaneId> {
    let lane = |key| lane_of(&delivery.destination, key);
    match delivery.lane_keys.as_slice() {
        [] => vec![lane(None)],
        keys => keys.iter().map(|key| lane(Some(key))).collect(),
    }
}

/// The lane of a destination and a lane key's value. It is the same in every run, so that a run can be repeated.
pub(super) fn lane_of(destination: &str, key: Option<&str>) -> LaneId {
    let kind = if key.is_some() { "key" } else { "common" };
    let parts = [destination, kind, key.unwrap_or("")].map(str::as_bytes);
    let mut id = [0; 16];
    id.copy_from_slice(&digest::of_parts("lane in memory", &parts)[..16]);
    LaneId::from_bytes(id)
}
