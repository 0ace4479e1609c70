//! Attempts that are over.

use std::time::SystemTime;

use rusqlite::params;

use super::tables::{Id, Millis, Tables};
use crate::entry::{End, Finished};
use crate::id::EntryId;
use crate::past::{MOST_PAST, PastAttempt};

impl Tables {
    /// Keeps an attempt that failed, with the number that the entry has counted for it. One that delivered at once costs nothing here, and a disk without room
    /// keeps its room for what must be kept.
    pub(super) fn remember(&self, entry: i64, finished: &Finished) -> rusqlite::Result<()> {
        match (finished.failure, finished.sent_at) {
            (Some(failure), Some(sent)) if !self.full => {
                let taken = matches!(finished.end, End::Deliver | End::Unconfirmed);
                let answered = finished.acknowledgment.is_some() || taken;
                self.insert_past(entry, Some(sent), finished.at, failure, answered)
            }
            _ => Ok(()),
        }
    }

    /// Keeps an attempt that the end of the process cut off.
    pub(super) fn remember_cut(&self, entry: i64, failure: &str, now: SystemTime) -> rusqlite::Result<()> {
        self.insert_past(entry, None, now, failure, false)
    }

    fn insert_past(
        &self,
        entry: i64,
        sent: Option<SystemTime>,
        ended: SystemTime,
        failure: &str,
        answered: bool,
    ) -> rusqlite::Result<()> {
        self.conn
            .prepare_cached(
                "INSERT OR REPLACE INTO past SELECT number, attempts, ?2, ?3, ?4, ?5 FROM entry WHERE number = ?1",
            )?
            .execute(params![entry, sent.map(Millis), Millis(ended), failure, answered])?;
        self.conn
            .prepare_cached(
                "DELETE FROM past WHERE entry = ?1
                 AND attempt <= (SELECT attempts FROM entry WHERE number = ?1) - ?2",
            )?
            .execute(params![entry, MOST_PAST as i64])
            .map(drop)
    }

    pub(super) fn attempts(&self, id: EntryId) -> rusqlite::Result<Vec<PastAttempt>> {
        let mut select = self.conn.prepare_cached(
            "SELECT attempt, p.sent_at, ended_at, p.failure, answered FROM past p JOIN entry e ON e.number = p.entry
             WHERE e.id = ?1 ORDER BY attempt",
        )?;
        let past = select.query_map([Id::from(id)], |row| {
            let sent = row.get::<_, Option<Millis>>(1)?.map(|time| time.0);
            let failed = PastAttempt::failed(row.get(0)?, sent, row.get::<_, Millis>(2)?.0, row.get(3)?);
            Ok(PastAttempt { answered: row.get(4)?, ..failed })
        })?;
        past.collect()
    }
}
