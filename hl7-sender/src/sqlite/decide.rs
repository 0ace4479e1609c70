//! What people decide of entries: replay, release, hold, give up, take back.

use std::time::SystemTime;

use rusqlite::{OptionalExtension as _, Row, params};

use super::places::Standing;
use super::tables::{Further, Id, Millis, StateColumn, Tables, fault, one};
use crate::entry::{DeadLetterReason, State};
use crate::error::{StoreError, StoreErrorKind};
use crate::id::{EntryId, LaneId};

/// An entry by its name.
pub(super) struct Found {
    pub(super) number: i64,
    pub(super) home: LaneId,
    further: Vec<LaneId>,
    position: Option<i64>,
    pub(super) origin: String,
    pub(super) destination: String,
    state: State,
}

const FOUND: &str =
    "SELECT number, lane, further, position, origin, destination, state FROM entry WHERE id = ?1";

fn found(row: &Row<'_>) -> rusqlite::Result<Found> {
    Ok(Found {
        number: row.get(0)?,
        home: LaneId::from_bytes(row.get::<_, Id>(1)?.0),
        further: row.get::<_, Further>(2)?.0,
        position: row.get(3)?,
        origin: row.get(4)?,
        destination: row.get(5)?,
        state: row.get::<_, StateColumn>(6)?.0,
    })
}

/// How an entry is settled by a decision.
#[derive(Clone, Copy)]
pub(super) struct Settling {
    pub(super) state: State,
    pub(super) reason: Option<DeadLetterReason>,
    /// What is put on record as the failure, when something is.
    pub(super) failure: Option<&'static str>,
    pub(super) at: SystemTime,
}

impl Settling {
    fn by_hand(state: State, reason: Option<DeadLetterReason>, at: SystemTime) -> Self {
        Self { state, reason, failure: None, at }
    }
}

impl Tables {
    pub(super) fn replay(&mut self, id: EntryId, now: SystemTime) -> Result<String, StoreError> {
        let found = self.find(id, &[State::DeadLettered])?;
        self.put_back(&found, now).map_err(fault)?;
        Ok(found.destination)
    }

    pub(super) fn release(&mut self, id: EntryId, now: SystemTime) -> Result<String, StoreError> {
        let found = self.find(id, &[State::Held])?;
        self.take_up(&found, now).map_err(fault)?;
        Ok(found.destination)
    }

    pub(super) fn dead_letter(&mut self, id: EntryId, now: SystemTime) -> Result<String, StoreError> {
        let found = self.find(id, &[State::Held])?;
        let settling = Settling::by_hand(State::DeadLettered, Some(DeadLetterReason::Chosen), now);
        self.settle(&found, settling).map_err(fault)?;
        Ok(found.destination)
    }

    pub(super) fn cancel(&mut self, id: EntryId, now: SystemTime) -> Result<String, StoreError> {
        let found = self.find(id, &[State::Queued, State::Retrying, State::Held])?;
        self.settle(&found, Settling::by_hand(State::Cancelled, None, now)).map_err(fault)?;
        Ok(found.destination)
    }

    pub(super) fn hold(&mut self, id: EntryId) -> Result<String, StoreError> {
        let found = self.find(id, &[State::Queued, State::Retrying])?;
        self.mark_held(&found).map_err(fault)?;
        Ok(found.destination)
    }

    /// Settles an entry that waits or is held. Its lanes flow on.
    pub(super) fn settle(&mut self, found: &Found, settling: Settling) -> rusqlite::Result<()> {
        let Settling { state, reason, failure, at } = settling;
        self.conn
            .prepare_cached(
                "UPDATE entry SET state = ?2, reason = ?3, failure = coalesce(?4, failure), settled_at = ?5,
                     taken = NULL, position = NULL, due_at = NULL, next_attempt_at = NULL
                 WHERE number = ?1 AND state IN (0, 1, 2, 3) AND position IS NOT NULL",
            )?
            .execute(params![
                found.number,
                StateColumn(state),
                reason.map(DeadLetterReason::code),
                failure,
                Millis(at)
            ])
            .and_then(one)?;
        self.tally.shift(&found.origin, &found.destination, found.state, state);
        self.leave(&found.further, found.position.unwrap_or_default())?;
        self.flow_on(found.home, &found.further, at)
    }

    /// Makes a held entry one that waits: it is due when it is its turn, and then counts as one that is tried again.
    fn take_up(&mut self, found: &Found, now: SystemTime) -> rusqlite::Result<()> {
        let is_head = self.head_of(found.home)?.filter(|head| head.number == found.number);
        let is_due = is_head.map_or(Ok(false), |head: Standing| self.leads(&head, found.home))?;
        let (state, next) = if is_due { (State::Retrying, Some(Millis(now))) } else { (State::Queued, None) };
        self.conn
            .prepare_cached(
                "UPDATE entry SET state = ?4, tries = 0, rejections = 0, since = ?2, next_attempt_at = ?3, due_at = ?3,
                     answered_at = NULL, acknowledgment = NULL
                 WHERE number = ?1 AND state = 3",
            )?
            .execute(params![found.number, Millis(now), next, StateColumn(state)])
            .and_then(one)?;
        self.tally.shift(&found.origin, &found.destination, State::Held, state);
        Ok(())
    }

    fn mark_held(&mut self, found: &Found) -> rusqlite::Result<()> {
        self.conn
            .prepare_cached(
                "UPDATE entry SET state = 3, next_attempt_at = NULL, due_at = NULL WHERE number = ?1 AND state IN (0, 2)",
            )?
            .execute([found.number])
            .and_then(one)?;
        self.tally.shift(&found.origin, &found.destination, found.state, State::Held);
        Ok(())
    }

    fn put_back(&mut self, found: &Found, now: SystemTime) -> rusqlite::Result<()> {
        let lanes: Vec<LaneId> = [found.home].iter().chain(&found.further).copied().collect();
        let due = self.are_free(&lanes)?.then_some(Millis(now));
        let position = self.next_position();
        self.conn
            .prepare_cached(
                "UPDATE entry SET state = 0, reason = NULL, position = ?2, due_at = ?4, tries = 0, rejections = 0, since = ?3,
                     settled_at = NULL, answered_at = NULL, acknowledgment = NULL
                 WHERE number = ?1 AND state = 5",
            )?
            .execute(params![found.number, position, Millis(now), due])
            .and_then(one)?;
        self.tally.shift(&found.origin, &found.destination, State::DeadLettered, State::Queued);
        self.stand_in(&found.further, position, found.number)
    }

    /// The entry, when it is in one of these states.
    pub(super) fn find(&self, id: EntryId, states: &[State]) -> Result<Found, StoreError> {
        match self.found_by(id).map_err(fault)? {
            None => Err(StoreError::new(StoreErrorKind::NotFound)),
            Some(found) if states.contains(&found.state) => Ok(found),
            Some(_) => Err(StoreError::new(StoreErrorKind::WrongState)),
        }
    }

    pub(super) fn found_by(&self, id: EntryId) -> rusqlite::Result<Option<Found>> {
        self.conn.prepare_cached(FOUND)?.query_row([Id::from(id)], found).optional()
    }
}
