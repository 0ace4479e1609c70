//! What people decide: replay, release, give up; and what time decides: removal.

use std::time::SystemTime;

use rusqlite::{OptionalExtension as _, params};

use super::tables::{Id, Millis, StateColumn, Tables, fault, one};
use crate::entry::{DeadLetterReason, State};
use crate::error::{StoreError, StoreErrorKind};
use crate::id::{EntryId, LaneId};

/// What one removal gives back to the disk of pages that are not used any more, 16 MiB at most: moving pages takes time.
const GIVE_BACK: &str = "PRAGMA incremental_vacuum(4096)";

pub(super) struct Found {
    pub(super) number: i64,
    request: i64,
    pub(super) lane: LaneId,
    pub(super) destination: String,
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
        let reason = Some(DeadLetterReason::Chosen);
        self.end_by_hand(&found, State::DeadLettered, reason, now).map_err(fault)?;
        Ok(found.destination)
    }

    /// Makes a held entry one that waits. Behind others of its lane it is not their turn that changes.
    fn take_up(&mut self, found: &Found, now: SystemTime) -> rusqlite::Result<()> {
        let is_head = self.is_head(found)?;
        let (state, next) = if is_head { (State::Retrying, Some(now)) } else { (State::Queued, None) };
        self.conn
            .prepare_cached(
                "UPDATE entry SET state = ?4, tries = 0, rejections = 0, since = ?2, next_attempt_at = ?3,
                     answered_at = NULL, acknowledgment = NULL
                 WHERE number = ?1 AND state = 3",
            )?
            .execute(params![found.number, Millis(now), next.map(Millis), StateColumn(state)])
            .and_then(one)?;
        if is_head { self.wait(found.lane, Some(now)) } else { Ok(()) }
    }

    /// Settles an entry that waits or is held. Behind others of its lane it is not their turn that changes.
    pub(super) fn end_by_hand(
        &mut self,
        found: &Found,
        state: State,
        reason: Option<DeadLetterReason>,
        now: SystemTime,
    ) -> rusqlite::Result<()> {
        let is_head = self.is_head(found)?;
        self.conn
            .prepare_cached(
                "UPDATE entry SET state = ?2, reason = ?3, position = NULL, settled_at = ?4, next_attempt_at = NULL
                 WHERE number = ?1 AND state IN (0, 2, 3)",
            )?
            .execute(params![
                found.number,
                StateColumn(state),
                reason.map(DeadLetterReason::code),
                Millis(now)
            ])
            .and_then(one)?;
        self.settle_request(found.request, now)?;
        if is_head { self.flow_on(found.lane, now) } else { Ok(()) }
    }

    pub(super) fn is_head(&self, found: &Found) -> rusqlite::Result<bool> {
        Ok(self.head_of(found.lane)?.is_some_and(|(head, _)| head == found.number))
    }

    /// The entries that could expire: reading does not keep others from writing.
    pub(super) fn too_old(
        &self,
        destination: &str,
        oldest: SystemTime,
        limit: usize,
    ) -> rusqlite::Result<Vec<i64>> {
        let mut select = self.conn.prepare_cached(
            "SELECT e.number FROM lane l JOIN entry e ON e.number = (
                 SELECT number FROM entry h WHERE h.lane = l.id AND h.position IS NOT NULL ORDER BY h.position LIMIT 1)
             WHERE l.destination = ?1 AND l.due_at IS NOT NULL AND e.state IN (0, 2) AND e.since <= ?2 LIMIT ?3",
        )?;
        select.query_map(params![destination, Millis(oldest), limit as i64], |row| row.get(0))?.collect()
    }

    pub(super) fn expire(&mut self, numbers: &[i64], now: SystemTime) -> rusqlite::Result<Vec<EntryId>> {
        let mut expired = Vec::with_capacity(numbers.len());
        for number in numbers {
            // It may have gone out since it was found.
            let found = self
                .conn
                .prepare_cached(
                    "UPDATE entry SET state = 5, reason = ?2, failure = 'S202', position = NULL, settled_at = ?3,
                         next_attempt_at = NULL
                     WHERE number = ?1 AND state IN (0, 2) AND position IS NOT NULL RETURNING id, request, lane",
                )?
                .query_row(params![number, DeadLetterReason::TooOld.code(), Millis(now)], |row| {
                    Ok((row.get::<_, Id>(0)?, row.get(1)?, row.get::<_, Id>(2)?))
                })
                .optional()?;
            if let Some((id, request, lane)) = found {
                self.settle_request(request, now)?;
                self.flow_on(LaneId::from_bytes(lane.0), now)?;
                expired.push(EntryId::from_bytes(id.0));
            }
        }
        Ok(expired)
    }

    pub(super) fn prune(
        &mut self,
        delivered: SystemTime,
        dead_letters: SystemTime,
        limit: usize,
    ) -> rusqlite::Result<usize> {
        let numbers: Vec<i64> = self
            .conn
            .prepare_cached(
                "SELECT number FROM request r WHERE settled_at < ?1 AND (settled_at < ?2 OR NOT EXISTS
                     (SELECT 1 FROM entry e WHERE e.request = r.number AND e.state = 5))
                 LIMIT ?3",
            )?
            .query_map(params![Millis(delivered), Millis(dead_letters), limit as i64], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        for number in &numbers {
            for sql in [
                "DELETE FROM entry WHERE request = ?1",
                "DELETE FROM body WHERE request = ?1",
                "DELETE FROM request WHERE number = ?1",
            ] {
                self.conn.prepare_cached(sql)?.execute([number])?;
            }
        }
        self.conn.execute_batch(GIVE_BACK)?;
        Ok(numbers.len())
    }

    /// The entry, when it is in one of these states.
    pub(super) fn find(&self, id: EntryId, states: &[State]) -> Result<Found, StoreError> {
        let row = self
            .conn
            .prepare_cached("SELECT number, request, lane, destination, state FROM entry WHERE id = ?1")
            .and_then(|mut select| {
                select
                    .query_row([Id::from(id)], |row| {
                        let lane = LaneId::from_bytes(row.get::<_, Id>(2)?.0);
                        let found = Found {
                            number: row.get(0)?,
                            request: row.get(1)?,
                            lane,
                            destination: row.get(3)?,
                        };
                        Ok((found, row.get::<_, StateColumn>(4)?.0))
                    })
                    .optional()
            })
            .map_err(fault)?;
        match row {
            None => Err(StoreError::new(StoreErrorKind::NotFound)),
            Some((found, is)) if states.contains(&is) => Ok(found),
            Some(_) => Err(StoreError::new(StoreErrorKind::WrongState)),
        }
    }

    fn put_back(&mut self, found: &Found, now: SystemTime) -> rusqlite::Result<()> {
        let position = self.next_position();
        self.conn
            .prepare_cached(
                "UPDATE entry SET state = 0, reason = NULL, position = ?2, tries = 0, rejections = 0, since = ?3,
                     settled_at = NULL, answered_at = NULL, acknowledgment = NULL
                 WHERE number = ?1 AND state = 5",
            )?
            .execute(params![found.number, position, Millis(now)])
            .and_then(one)?;
        self.conn
            .prepare_cached("UPDATE request SET settled_at = NULL WHERE number = ?1")?
            .execute([found.request])?;
        self.open_lane(Id::from(found.lane), &found.destination, now)
    }
}
