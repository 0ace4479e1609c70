//! What people decide of entries that wait: hold and cancel.

use std::time::SystemTime;

use rusqlite::{OptionalExtension as _, Row, params};

use super::decide::Found;
use super::tables::{Id, StateColumn, Tables, fault, one};
use crate::entry::State;
use crate::error::StoreError;
use crate::id::{EntryId, LaneId};

impl Tables {
    pub(super) fn hold(&mut self, id: EntryId) -> Result<String, StoreError> {
        let found = self.find(id, &[State::Queued, State::Retrying])?;
        self.stop_before(&found).map_err(fault)?;
        Ok(found.destination)
    }

    pub(super) fn hold_lane(&mut self, lane: LaneId) -> rusqlite::Result<Option<EntryId>> {
        // The head may be under way: the one behind it is held then.
        let first = self
            .conn
            .prepare_cached(
                "SELECT number, id, state FROM entry WHERE lane = ?1 AND position IS NOT NULL AND state <> 1
                 ORDER BY position LIMIT 1",
            )?
            .query_row([Id::from(lane)], |row: &Row<'_>| {
                Ok((row.get::<_, i64>(0)?, row.get::<_, Id>(1)?, row.get::<_, StateColumn>(2)?.0))
            })
            .optional()?;
        let Some((number, id, state)) = first else { return Ok(None) };
        if state != State::Held {
            let is_head = self.head_of(lane)?.is_some_and(|(head, _)| head == number);
            self.mark_held(number, lane, is_head)?;
        }
        Ok(Some(EntryId::from_bytes(id.0)))
    }

    pub(super) fn cancel(&mut self, id: EntryId, now: SystemTime) -> Result<String, StoreError> {
        let found = self.find(id, &[State::Queued, State::Retrying, State::Held])?;
        self.end_by_hand(&found, State::Cancelled, None, now).map_err(fault)?;
        Ok(found.destination)
    }

    fn stop_before(&mut self, found: &Found) -> rusqlite::Result<()> {
        let is_head = self.is_head(found)?;
        self.mark_held(found.number, found.lane, is_head)
    }

    fn mark_held(&mut self, number: i64, lane: LaneId, is_head: bool) -> rusqlite::Result<()> {
        self.conn
            .prepare_cached(
                "UPDATE entry SET state = 3, next_attempt_at = NULL WHERE number = ?1 AND state IN (0, 2)",
            )?
            .execute(params![number])
            .and_then(one)?;
        if is_head { self.wait(lane, None) } else { Ok(()) }
    }
}
