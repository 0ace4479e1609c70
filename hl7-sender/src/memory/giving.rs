//! Giving out the heads of lanes, ending attempts, and what time decides.

use std::collections::BTreeSet;
use std::time::SystemTime;

use super::outbox::{Entry, Kept, Outbox};
use crate::entry::{
    ACCEPTED, Accepted, Attempt, DeadLetterReason, Due, End, Finished, INTERRUPTED, State, TOO_OLD,
};
use crate::error::{StoreError, StoreErrorKind};
use crate::id::{EntryId, LaneId};
use crate::past::PastAttempt;

impl Outbox {
    pub(super) fn recover(&mut self, now: SystemTime) -> u64 {
        let mut again = 0;
        let sending = |number: &u64| self.entries[number].record.state == State::Sending;
        let numbers: Vec<u64> = self.open().into_iter().filter(sending).collect();
        for number in numbers {
            match self.entries[&number].accepted {
                Some(state) => self.end_as_accepted(number, state, now),
                None => {
                    again += 1;
                    let entry = self.entry(number);
                    entry.wait(State::Retrying, Some(now));
                    entry.record.failure = Some(INTERRUPTED.to_owned());
                    let cut = PastAttempt::failed(entry.record.attempts, None, now, INTERRUPTED.to_owned());
                    entry.remember(cut);
                }
            }
        }
        again
    }

    fn end_as_accepted(&mut self, number: u64, state: State, now: SystemTime) {
        self.settle(number, state, None, now);
        let record = &mut self.entry(number).record;
        let answered = record.acknowledgment.is_some() && record.answered_at >= record.sent_at;
        record.answers += u32::from(answered);
        record.failure = Some(ACCEPTED.to_owned());
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
        let number = self.next_of(lane)?;
        let request = self.requests[&self.entries[&number].request].request.clone();
        let entry = self.entry(number);
        entry.wait(State::Sending, None);
        entry.record.attempts += 1;
        entry.tries += 1;
        Some(Attempt {
            id: entry.record.id,
            lane,
            is_merge: entry.record.lanes.len() > 1,
            key: request.key,
            body: request.body,
            digest: request.digest,
            tries: entry.tries,
            rejections: entry.rejections,
            since: entry.since,
        })
    }

    pub(super) fn accepted(&mut self, accepted: Accepted) -> Result<(), StoreError> {
        let state = accepted.end.state();
        if !state.is_settled() {
            return Err(StoreError::new(StoreErrorKind::WrongState));
        }
        let number = self.sending(accepted.id)?;
        let entry = self.entry(number);
        entry.accepted = Some(state);
        entry.record.sent_at = Some(accepted.sent_at);
        if let Some(acknowledgment) = accepted.acknowledgment {
            entry.record.answered_at = Some(accepted.at);
            entry.record.acknowledgment = Some(acknowledgment);
        }
        Ok(())
    }

    pub(super) fn finish(&mut self, finished: Finished, go_on: bool) -> Result<Option<Attempt>, StoreError> {
        let number = self.sending(finished.id)?;
        let (end, at) = (finished.end, finished.at);
        let entry = self.entry(number);
        let home = entry.record.home();
        note_attempt(entry, finished);
        match end {
            End::Retry(next) => entry.wait(State::Retrying, Some(next)),
            End::Hold => entry.wait(State::Held, None),
            End::DeadLetter(reason) => self.settle(number, State::DeadLettered, Some(reason), at),
            end => self.settle(number, end.state(), None, at),
        }
        Ok(if go_on && end.state().is_settled() { self.begin(home) } else { None })
    }

    /// The entry, which is being sent, or the store contradicts itself.
    fn sending(&self, id: EntryId) -> Result<u64, StoreError> {
        self.find(id, &[State::Sending]).map_err(|_| StoreError::new(StoreErrorKind::Damaged))
    }

    pub(super) fn unreachable(&mut self, lane: LaneId, failure: &str, next: SystemTime) -> Option<EntryId> {
        let number = self.next_of(lane)?;
        let record = &mut self.entry(number).record;
        // For people: when the lane is due is not changed.
        (record.state, record.next_attempt_at) = (State::Retrying, Some(next));
        record.failure = Some(failure.to_owned());
        Some(record.id)
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
            record.failure = Some(TOO_OLD.to_owned());
            record.id
        };
        too_old.into_iter().map(give_up).collect()
    }

    pub(super) fn prune(&mut self, delivered: SystemTime, dead_letters: SystemTime, limit: usize) -> usize {
        let is_over = |(number, _): &(&u64, &Kept)| {
            let entries: Vec<_> = self.of_request(**number).map(|entry| &entry.record).collect();
            let last = entries.iter().map(|record| record.settled_at).max().flatten();
            let dead = entries.iter().any(|record| record.state == State::DeadLettered);
            let settled = entries.iter().all(|record| record.settled_at.is_some());
            settled && last.is_some_and(|last| last < delivered && (last < dead_letters || !dead))
        };
        let over = self.requests.iter().filter(is_over).take(limit).map(|(number, _)| *number);
        let over: BTreeSet<u64> = over.collect();
        self.requests.retain(|number, _| !over.contains(number));
        self.entries.retain(|_, entry| !over.contains(&entry.request));
        let left: BTreeSet<EntryId> = self.entries.values().map(|entry| entry.record.id).collect();
        self.entries.values_mut().for_each(|entry| entry.record.copies.retain(|copy| left.contains(copy)));
        over.len()
    }
}

/// Puts on record what came of an attempt. One without a write did not take place.
fn note_attempt(entry: &mut Entry, finished: Finished) {
    entry.accepted = None;
    let record = &mut entry.record;
    if finished.sent_at.is_none() {
        record.attempts -= 1;
        entry.tries -= 1;
    }
    if let (Some(failure), Some(sent)) = (finished.failure, finished.sent_at) {
        let taken = matches!(finished.end, End::Deliver | End::Unconfirmed);
        let answered = finished.acknowledgment.is_some() || taken;
        let failed = PastAttempt::failed(entry.record.attempts, Some(sent), finished.at, failure.to_owned());
        entry.remember(PastAttempt { answered, ..failed });
    }
    let record = &mut entry.record;
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
