//! What time decides: what is too old, what was under way when the last owner ended, and removal.

use std::collections::BTreeSet;
use std::time::SystemTime;

use rusqlite::{OptionalExtension as _, Row, params};

use super::decide::Settling;
use super::numbers;
use super::tables::{Id, Millis, StateColumn, Tables};
use crate::entry::{ACCEPTED, DeadLetterReason, INTERRUPTED, State, TOO_OLD};
use crate::id::EntryId;

/// How many pages are given back to the disk in one commit: 4 MiB, because moving them takes time, and the log has to have room for them.
const PART: i64 = 1024;
/// How many such parts are given back after one removal at most.
pub(super) const MOST_PARTS: usize = 4;

/// The requests that are over, found by entries of this kind: of which each entry was settled before `?1`, and before `?2` where one is a dead letter.
macro_rules! over {
    ($kind:literal) => {
        concat!(
            "SELECT DISTINCT request FROM entry s WHERE ",
            $kind,
            " AND (SELECT count(*) = count(settled_at) AND max(settled_at) < ?1 AND (max(settled_at) < ?2 OR sum(state = 5) = 0)
                 FROM entry e WHERE e.number BETWEEN s.request * 4096 AND s.request * 4096 + 4095) LIMIT ?3"
        )
    };
}

/// Dead letters are kept for ever unless a time is set: so they are not looked at, however many there are.
const OVER: &str = over!("settled_at < ?1 AND state <> 5");
const OVER_WITH_DEAD_LETTERS: &str = over!("settled_at < ?2 AND state = 5");

impl Tables {
    /// Makes what was under way due again; what its receiver has said to have is settled instead.
    pub(super) fn recover(&mut self, now: SystemTime) -> rusqlite::Result<u64> {
        let ids: Vec<Id> = self
            .conn
            .prepare_cached("SELECT id FROM entry WHERE state = 1 ORDER BY number")?
            .query_map([], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        let mut again = 0;
        for id in &ids {
            again += u64::from(self.recover_one(EntryId::from_bytes(id.0), now)?);
        }
        Ok(again)
    }

    /// Whether it goes out again.
    fn recover_one(&mut self, id: EntryId, now: SystemTime) -> rusqlite::Result<bool> {
        let Some(found) = self.found_by(id)? else { return Ok(false) };
        if let Some(state) = self.taken(id)? {
            let settling = Settling { state, reason: None, failure: Some(ACCEPTED), at: now };
            return self.settle(&found, settling).map(|()| false);
        }
        self.conn
            .prepare_cached(
                "UPDATE entry SET state = 2, failure = ?3, next_attempt_at = ?2 WHERE id = ?1 AND state = 1",
            )?
            .execute(params![Id::from(id), Millis(now), INTERRUPTED])?;
        self.remember_cut(found.number, INTERRUPTED, now)?;
        self.tally.shift(&found.origin, &found.destination, State::Sending, State::Retrying);
        // It is the head of all its lanes.
        self.wake(found.home, now).map(|()| true)
    }

    /// The state that an entry ends in whose receiver has said that it has it.
    fn taken(&self, id: EntryId) -> rusqlite::Result<Option<State>> {
        let mut update = self.conn.prepare_cached(
            "UPDATE entry SET answers = answers + (acknowledgment IS NOT NULL AND answered_at >= sent_at)
             WHERE id = ?1 AND taken IS NOT NULL RETURNING taken",
        )?;
        let taken = update.query_row([Id::from(id)], |row| row.get::<_, StateColumn>(0)).optional()?;
        Ok(taken.map(|taken| taken.0))
    }

    /// The entries that could expire: reading does not keep others from writing.
    pub(super) fn too_old(
        &self,
        destination: &str,
        oldest: SystemTime,
        limit: usize,
    ) -> rusqlite::Result<Vec<EntryId>> {
        let mut select = self.conn.prepare_cached(
            "SELECT id FROM entry WHERE destination = ?1 AND due_at IS NOT NULL AND state IN (0, 2) AND since <= ?2 LIMIT ?3",
        )?;
        let id = |row: &Row<'_>| row.get::<_, Id>(0).map(|id| EntryId::from_bytes(id.0));
        select.query_map(params![destination, Millis(oldest), limit as i64], id)?.collect()
    }

    pub(super) fn expire(
        &mut self,
        ids: &[EntryId],
        oldest: SystemTime,
        now: SystemTime,
    ) -> rusqlite::Result<Vec<EntryId>> {
        let mut expired = Vec::with_capacity(ids.len());
        let reason = Some(DeadLetterReason::TooOld);
        let settling = Settling { state: State::DeadLettered, reason, failure: Some(TOO_OLD), at: now };
        for id in ids {
            // It may have gone out since it was found, or have been released.
            if self.is_too_old(*id, oldest)?
                && let Some(found) = self.found_by(*id)?
            {
                self.settle(&found, settling)?;
                expired.push(*id);
            }
        }
        Ok(expired)
    }

    fn is_too_old(&self, id: EntryId, oldest: SystemTime) -> rusqlite::Result<bool> {
        self.conn
            .prepare_cached(
                "SELECT 1 FROM entry WHERE id = ?1 AND due_at IS NOT NULL AND state IN (0, 2) AND since <= ?2",
            )?
            .exists(params![Id::from(id), Millis(oldest)])
    }

    pub(super) fn prune(
        &mut self,
        delivered: SystemTime,
        dead_letters: SystemTime,
        limit: usize,
    ) -> rusqlite::Result<usize> {
        let requests = self.whose_time_is_over(delivered, dead_letters, limit)?;
        if !requests.is_empty() {
            self.keep_last_request()?;
        }
        for request in &requests {
            self.remove(*request)?;
        }
        // What is counted in this transaction is not in the table yet; a row that it needs comes back.
        self.conn.prepare_cached("DELETE FROM tally WHERE entries = 0")?.execute([])?;
        Ok(requests.len())
    }

    /// Gives a part of the pages that are not used any more back to the disk, when there is one. Whether there may be another.
    pub(super) fn give_back(&self) -> rusqlite::Result<bool> {
        let free: i64 = self.conn.query_row("PRAGMA freelist_count", [], |row| row.get(0))?;
        let mut give_back = self.conn.prepare(&format!("PRAGMA incremental_vacuum({PART})"))?;
        let mut given_back = give_back.query([])?;
        // Each step gives one page.
        while given_back.next()?.is_some() {}
        Ok(free > PART)
    }

    fn whose_time_is_over(
        &self,
        delivered: SystemTime,
        dead_letters: SystemTime,
        limit: usize,
    ) -> rusqlite::Result<Vec<i64>> {
        let mut over = BTreeSet::new();
        for which in [OVER, OVER_WITH_DEAD_LETTERS] {
            let mut select = self.conn.prepare_cached(which)?;
            let left = limit.saturating_sub(over.len());
            let rows = params![Millis(delivered), Millis(dead_letters), left as i64];
            for request in select.query_map(rows, |row| row.get(0))? {
                over.insert(request?);
            }
        }
        Ok(over.into_iter().collect())
    }

    fn remove(&mut self, request: i64) -> rusqlite::Result<()> {
        let (first, last) = numbers::of(request);
        let mut select = self
            .conn
            .prepare_cached("SELECT origin, destination, state FROM entry WHERE number BETWEEN ?1 AND ?2")?;
        let mut rows = select.query([first, last])?;
        while let Some(row) = rows.next()? {
            let (origin, destination) = (row.get_ref(0)?.as_str()?, row.get_ref(1)?.as_str()?);
            self.tally.add(origin, destination, row.get::<_, StateColumn>(2)?.0, -1);
        }
        self.conn
            .prepare_cached("DELETE FROM entry WHERE number BETWEEN ?1 AND ?2")?
            .execute([first, last])?;
        self.conn.prepare_cached("DELETE FROM past WHERE entry BETWEEN ?1 AND ?2")?.execute([first, last])?;
        self.conn.prepare_cached("DELETE FROM body WHERE request = ?1")?.execute([request])?;
        self.conn.prepare_cached("DELETE FROM request WHERE number = ?1")?.execute([request]).map(drop)
    }
}
