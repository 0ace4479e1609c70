//! Where open entries stand: in which lanes, which of them leads its lanes, and when it is due.
//!
//! An entry has one position in all its lanes, and positions come from one count of the store. So whoever waits, waits for a smaller position, and the
//! entry with the smallest waits for nobody: there is no circle of lanes that wait for each other.

use std::time::SystemTime;

use rusqlite::{OptionalExtension as _, Row, params};

use super::tables::{Further, Id, Millis, StateColumn, Tables, one};
use crate::entry::State;
use crate::id::LaneId;

/// An open entry as it stands in its lanes.
pub(super) struct Standing {
    pub(super) number: i64,
    pub(super) position: i64,
    pub(super) home: LaneId,
    pub(super) further: Vec<LaneId>,
    pub(super) state: State,
    pub(super) due: Option<SystemTime>,
    pub(super) next: Option<SystemTime>,
}

impl Standing {
    /// Whether it can be given out, once it leads its lanes.
    pub(super) fn waits(&self) -> bool {
        matches!(self.state, State::Queued | State::Retrying)
    }
}

macro_rules! standing {
    ($rest:literal) => {
        concat!(
            "SELECT number, position, lane, further, state, due_at, next_attempt_at FROM entry WHERE ",
            $rest
        )
    };
}

/// Of the first seven columns, as the query above and the one for attempts name them.
pub(super) fn standing(row: &Row<'_>) -> rusqlite::Result<Standing> {
    Ok(Standing {
        number: row.get(0)?,
        position: row.get(1)?,
        home: LaneId::from_bytes(row.get::<_, Id>(2)?.0),
        further: row.get::<_, Further>(3)?.0,
        state: row.get::<_, StateColumn>(4)?.0,
        due: row.get::<_, Option<Millis>>(5)?.map(|time| time.0),
        next: row.get::<_, Option<Millis>>(6)?.map(|time| time.0),
    })
}

impl Tables {
    /// The first open entry of the lane, wherever it is at home.
    pub(super) fn head_of(&self, lane: LaneId) -> rusqlite::Result<Option<Standing>> {
        let mut select = self
            .conn
            .prepare_cached(standing!("lane = ?1 AND position IS NOT NULL ORDER BY position LIMIT 1"))?;
        let own = select.query_row([Id::from(lane)], standing).optional()?;
        match self.guest_of(lane)? {
            Some((position, number)) if own.as_ref().is_none_or(|own| position < own.position) => {
                self.standing(number).map(Some)
            }
            _ => Ok(own),
        }
    }

    fn standing(&self, number: i64) -> rusqlite::Result<Standing> {
        let mut select = self.conn.prepare_cached(standing!("number = ?1 AND position IS NOT NULL"))?;
        select.query_row([number], standing)
    }

    /// The position and the number of the lane's first entry that is at home elsewhere.
    pub(super) fn guest_of(&self, lane: LaneId) -> rusqlite::Result<Option<(i64, i64)>> {
        if !self.merges {
            return Ok(None);
        }
        let mut select = self
            .conn
            .prepare_cached("SELECT position, entry FROM also WHERE lane = ?1 ORDER BY position LIMIT 1")?;
        select.query_row([Id::from(lane)], |row| Ok((row.get(0)?, row.get(1)?))).optional()
    }

    /// The position of the lane's first entry.
    fn first_position(&self, lane: LaneId) -> rusqlite::Result<Option<i64>> {
        let mut select = self.conn.prepare_cached(
            "SELECT position FROM entry WHERE lane = ?1 AND position IS NOT NULL ORDER BY position LIMIT 1",
        )?;
        let own: Option<i64> = select.query_row([Id::from(lane)], |row| row.get(0)).optional()?;
        let guest = self.guest_of(lane)?.map(|(position, _)| position);
        Ok(own.into_iter().chain(guest).min())
    }

    /// Whether an entry that comes into these lanes now is the first of all of them, and none is parked.
    pub(super) fn are_free(&self, lanes: &[LaneId]) -> rusqlite::Result<bool> {
        for lane in lanes {
            if self.parked.contains(lane) || self.first_position(*lane)?.is_some() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether the head of this lane is the head of all its lanes, and none is parked.
    pub(super) fn leads(&self, head: &Standing, lane: LaneId) -> rusqlite::Result<bool> {
        for other in [head.home].iter().chain(&head.further) {
            if self.parked.contains(other) {
                return Ok(false);
            }
            if *other != lane && self.first_position(*other)? != Some(head.position) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Makes the head of the lane due when nothing keeps it, as it may be after any change in one of its lanes.
    pub(super) fn wake(&mut self, lane: LaneId, now: SystemTime) -> rusqlite::Result<()> {
        let Some(head) = self.head_of(lane)? else { return Ok(()) };
        if !head.waits() || head.due.is_some() || !self.leads(&head, lane)? {
            return Ok(());
        }
        let due = head.next.map_or(now, |next| next.max(now));
        self.set_due(head.number, Some(due))
    }

    pub(super) fn set_due(&self, number: i64, due: Option<SystemTime>) -> rusqlite::Result<()> {
        self.conn
            .prepare_cached("UPDATE entry SET due_at = ?2 WHERE number = ?1 AND position IS NOT NULL")?
            .execute(params![number, due.map(Millis)])
            .and_then(one)
    }

    /// Puts an entry into lanes other than its home.
    pub(super) fn stand_in(
        &mut self,
        further: &[LaneId],
        position: i64,
        number: i64,
    ) -> rusqlite::Result<()> {
        self.merges |= !further.is_empty();
        for lane in further {
            self.conn.prepare_cached("INSERT INTO also VALUES (?1, ?2, ?3)")?.execute(params![
                Id::from(*lane),
                position,
                number
            ])?;
        }
        Ok(())
    }

    /// Takes an entry out of the lanes other than its home, when it is settled.
    pub(super) fn leave(&mut self, further: &[LaneId], position: i64) -> rusqlite::Result<()> {
        for lane in further {
            self.conn
                .prepare_cached("DELETE FROM also WHERE lane = ?1 AND position = ?2")?
                .execute(params![Id::from(*lane), position])
                .and_then(one)?;
        }
        Ok(())
    }

    /// Wakes all lanes of an entry that was settled or moved.
    pub(super) fn flow_on(
        &mut self,
        home: LaneId,
        further: &[LaneId],
        now: SystemTime,
    ) -> rusqlite::Result<()> {
        self.wake(home, now)?;
        further.iter().try_for_each(|lane| self.wake(*lane, now))
    }
}
