//! What people decide.

use std::time::SystemTime;

use super::outbox::Outbox;
use crate::entry::{DeadLetterReason, State};
use crate::error::StoreError;
use crate::id::{EntryId, LaneId};

impl Outbox {
    pub(super) fn replay(&mut self, id: EntryId, now: SystemTime) -> Result<String, StoreError> {
        let number = self.find(id, &[State::DeadLettered])?;
        let end = self.next();
        let entry = self.entry(number);
        entry.begin_anew(now);
        entry.wait(State::Queued, None);
        (entry.position, entry.due) = (Some(end), now);
        (entry.record.reason, entry.record.settled_at) = (None, None);
        Ok(self.destination(number))
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
        Ok(self.destination(number))
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
        let waits = |number: &u64| self.entries[number].record.state != State::Sending;
        let in_lane = |number: &u64| self.entries[number].lanes().any(|of| of == lane);
        let first = self.open().into_iter().filter(in_lane).find(waits)?;
        self.entry(first).wait(State::Held, None);
        Some(self.entries[&first].record.id)
    }

    pub(super) fn cancel(&mut self, id: EntryId, now: SystemTime) -> Result<String, StoreError> {
        let number = self.find(id, &[State::Queued, State::Retrying, State::Held])?;
        self.settle(number, State::Cancelled, None, now);
        Ok(self.destination(number))
    }

    pub(super) fn park(&mut self, destination: &str, lane: LaneId, parked: bool, now: SystemTime) -> bool {
        self.change(now, |outbox| match parked {
            true => outbox.parked.insert(lane, destination.to_owned()).is_none(),
            false => outbox.parked.remove(&lane).is_some(),
        })
    }

    pub(super) fn pause(&mut self, destination: &str, paused: bool) {
        match paused {
            true => self.paused.insert(destination.to_owned()),
            false => self.paused.remove(destination),
        };
    }
}
