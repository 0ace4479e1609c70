//! What people decide of lanes and destinations: hold, park, pause.

use std::time::SystemTime;

use rusqlite::{OptionalExtension as _, Row, params};

use super::tables::{Id, Tables, fault};
use crate::error::StoreError;
use crate::id::{EntryId, LaneId};

impl Tables {
    pub(super) fn hold_lane(&mut self, lane: LaneId) -> Result<Option<EntryId>, StoreError> {
        let Some((id, is_held)) = self.first_that_waits(lane).map_err(fault)? else { return Ok(None) };
        if !is_held {
            self.hold(id)?;
        }
        Ok(Some(id))
    }

    /// The first of the lane that is not under way, and whether it is held.
    fn first_that_waits(&self, lane: LaneId) -> rusqlite::Result<Option<(EntryId, bool)>> {
        let first = |sql| {
            let row = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
            self.conn.prepare_cached(sql)?.query_row([Id::from(lane)], row).optional()
        };
        let own: Option<(i64, Id, bool)> = first(
            "SELECT position, id, state = 3 FROM entry WHERE lane = ?1 AND position IS NOT NULL AND state <> 1
             ORDER BY position LIMIT 1",
        )?;
        let guest = first(
            "SELECT a.position, e.id, e.state = 3 FROM also a JOIN entry e ON e.number = a.entry
             WHERE a.lane = ?1 AND e.state <> 1 ORDER BY a.position LIMIT 1",
        )?;
        let first = own.into_iter().chain(guest).min_by_key(|(position, ..)| *position);
        Ok(first.map(|(_, id, is_held)| (EntryId::from_bytes(id.0), is_held)))
    }

    /// Parks the lane or lets it go. Whether that changes anything.
    pub(super) fn park(
        &mut self,
        destination: &str,
        lane: LaneId,
        parked: bool,
        now: SystemTime,
    ) -> rusqlite::Result<bool> {
        if self.parked.contains(&lane) == parked {
            return Ok(false);
        }
        if parked {
            self.conn
                .prepare_cached("INSERT INTO parked VALUES (?1, ?2)")?
                .execute(params![Id::from(lane), destination])?;
            self.parked.insert(lane);
            if let Some(head) = self.head_of(lane)? {
                self.set_due(head.number, None)?;
            }
        } else {
            self.conn.prepare_cached("DELETE FROM parked WHERE lane = ?1")?.execute([Id::from(lane)])?;
            self.parked.remove(&lane);
            self.wake(lane, now)?;
        }
        Ok(true)
    }

    pub(super) fn pause(&mut self, destination: &str, paused: bool) -> rusqlite::Result<()> {
        let sql = match paused {
            true => "INSERT OR IGNORE INTO paused VALUES (?1)",
            false => "DELETE FROM paused WHERE destination = ?1",
        };
        self.conn.prepare_cached(sql)?.execute([destination]).map(drop)
    }

    pub(super) fn paused(&self) -> rusqlite::Result<Vec<String>> {
        let mut select = self.conn.prepare_cached("SELECT destination FROM paused ORDER BY destination")?;
        select.query_map([], |row| row.get(0))?.collect()
    }
}
