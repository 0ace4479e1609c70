//! Giving out the heads of lanes, and ending attempts.

use std::time::SystemTime;

use rusqlite::{OptionalExtension as _, Row, named_params, params};

use super::tables::{Id, Millis, StateColumn, Tables, fault, one};
use crate::entry::{Attempt, Due, End, Finished, State};
use crate::error::{StoreError, StoreErrorKind};
use crate::id::{EntryId, LaneId};

/// An entry whose attempt is under way.
struct Open {
    number: i64,
    request: i64,
    lane: LaneId,
}

const HEAD: &str = "SELECT e.number, e.id, b.bytes, r.digest, e.tries, e.rejections, e.since, e.state
    FROM entry e LEFT JOIN request r ON r.number = e.request LEFT JOIN body b ON b.request = e.request
    WHERE e.lane = ?1 AND e.position IS NOT NULL ORDER BY e.position LIMIT 1";

const END: &str = "UPDATE entry SET
    state = :state, reason = :reason, position = CASE WHEN :settled IS NULL THEN position END,
    attempts = attempts - :undone, tries = tries - :undone, rejections = rejections + :rejected,
    failure = :failure, answers = answers + (:answered IS NOT NULL), acknowledgment = coalesce(:acknowledgment, acknowledgment),
    sent_at = coalesce(:sent, sent_at), answered_at = coalesce(:answered, answered_at),
    settled_at = :settled, next_attempt_at = :next
    WHERE number = :number AND id = :id AND state = 1";

impl Tables {
    pub(super) fn due(&self, destination: &str, now: SystemTime, limit: usize) -> rusqlite::Result<Due> {
        let mut select = self.conn.prepare_cached(
            "SELECT id FROM lane WHERE destination = ?1 AND due_at <= ?2 ORDER BY due_at LIMIT ?3",
        )?;
        let rows =
            select.query_map(params![destination, Millis(now), limit as i64], |row| row.get::<_, Id>(0))?;
        let lanes = rows.map(|id| id.map(|id| LaneId::from_bytes(id.0))).collect::<Result<_, _>>()?;
        let mut next = self.conn.prepare_cached(
            "SELECT due_at FROM lane WHERE destination = ?1 AND due_at > ?2 ORDER BY due_at LIMIT 1",
        )?;
        let next =
            next.query_row(params![destination, Millis(now)], |row| row.get::<_, Millis>(0)).optional()?;
        Ok(Due { lanes, next: next.map(|time| time.0) })
    }

    pub(super) fn clamp(&mut self, destination: &str, latest: SystemTime) -> rusqlite::Result<()> {
        // Only the head of a lane has a next attempt.
        self.conn
            .prepare_cached(
                "UPDATE entry SET next_attempt_at = ?2 WHERE state = 2 AND next_attempt_at > ?2 AND number IN (
                     SELECT (SELECT number FROM entry e WHERE e.lane = l.id AND e.position IS NOT NULL
                             ORDER BY e.position LIMIT 1)
                     FROM lane l WHERE l.destination = ?1 AND l.due_at > ?2)",
            )?
            .execute(params![destination, Millis(latest)])?;
        self.conn
            .prepare_cached("UPDATE lane SET due_at = ?2 WHERE destination = ?1 AND due_at > ?2")?
            .execute(params![destination, Millis(latest)])
            .map(drop)
    }

    pub(super) fn recover(&mut self, now: SystemTime) -> rusqlite::Result<u64> {
        self.conn.execute(
            "UPDATE lane SET due_at = ?1 WHERE id IN (SELECT lane FROM entry WHERE state = 1)",
            [Millis(now)],
        )?;
        let sent = self.conn.execute(
            "UPDATE entry SET state = 2, failure = 'S203', next_attempt_at = ?1 WHERE state = 1",
            [Millis(now)],
        )?;
        Ok(sent as u64)
    }

    pub(super) fn begin_attempt(&mut self, lane: LaneId) -> rusqlite::Result<Option<Attempt>> {
        match self.is_held(lane)? {
            None | Some(true) => Ok(None),
            // A lane is there as long as it has entries.
            Some(false) => self.begin_head(lane)?.ok_or(rusqlite::Error::QueryReturnedNoRows).map(Some),
        }
    }

    fn begin_head(&mut self, lane: LaneId) -> rusqlite::Result<Option<Attempt>> {
        let head =
            self.conn.prepare_cached(HEAD)?.query_row([Id::from(lane)], |row| head(row, lane)).optional()?;
        let Some((number, Some(attempt))) = head else { return Ok(None) };
        // The row itself is asked whether it is what the index said.
        self.conn
            .prepare_cached(
                "UPDATE entry SET state = 1, attempts = attempts + 1, tries = tries + 1, next_attempt_at = NULL
                 WHERE number = ?1 AND lane = ?2 AND position IS NOT NULL AND state IN (0, 2)",
            )?
            .execute(params![number, Id::from(lane)])
            .and_then(one)?;
        Ok(Some(attempt))
    }

    pub(super) fn finish(&mut self, finished: &Finished, go_on: bool) -> Result<Option<Attempt>, StoreError> {
        // An attempt that is not on record would be made again and again.
        let open =
            self.sending(finished.id).map_err(fault)?.ok_or(StoreError::new(StoreErrorKind::Damaged))?;
        self.end(&open, finished)
            .and_then(|()| match finished.end {
                End::Retry(at) => self.wait(open.lane, Some(at)).map(|()| None),
                End::Hold => self.wait(open.lane, None).map(|()| None),
                _ => self.move_on(&open, finished.at, go_on),
            })
            .map_err(fault)
    }

    pub(super) fn unreachable(
        &mut self,
        lane: LaneId,
        failure: &str,
        next: SystemTime,
    ) -> rusqlite::Result<Option<EntryId>> {
        let mut update = self.conn.prepare_cached(
            "UPDATE entry SET state = 2, failure = ?2, next_attempt_at = ?3 WHERE number = (
                 SELECT number FROM entry WHERE lane = ?1 AND position IS NOT NULL ORDER BY position LIMIT 1)
             AND state IN (0, 2) RETURNING id",
        )?;
        let id = update.query_row(params![Id::from(lane), failure, Millis(next)], |row| row.get::<_, Id>(0));
        Ok(id.optional()?.map(|id| EntryId::from_bytes(id.0)))
    }

    /// Goes on to the lane's next entry, stands before it when it is held, or closes the lane.
    pub(super) fn flow_on(&mut self, lane: LaneId, now: SystemTime) -> rusqlite::Result<()> {
        match self.head_of(lane)? {
            Some((_, State::Held)) => self.wait(lane, None),
            Some(_) => self.wait(lane, Some(now)),
            None => {
                let mut close = self.conn.prepare_cached("DELETE FROM lane WHERE id = ?1")?;
                close.execute([Id::from(lane)]).and_then(one)
            }
        }
    }

    /// The number and the state of the lane's head.
    pub(super) fn head_of(&self, lane: LaneId) -> rusqlite::Result<Option<(i64, State)>> {
        let mut select = self.conn.prepare_cached(
            "SELECT number, state FROM entry WHERE lane = ?1 AND position IS NOT NULL ORDER BY position LIMIT 1",
        )?;
        let head = |row: &Row<'_>| Ok((row.get(0)?, row.get::<_, StateColumn>(1)?.0));
        select.query_row([Id::from(lane)], head).optional()
    }

    /// Marks the request as settled when its last open entry was.
    pub(super) fn settle_request(&self, request: i64, now: SystemTime) -> rusqlite::Result<()> {
        self.conn
            .prepare_cached(
                "UPDATE request SET settled_at = ?2 WHERE number = ?1
                 AND NOT EXISTS (SELECT 1 FROM entry WHERE request = ?1 AND position IS NOT NULL)",
            )?
            .execute(params![request, Millis(now)])
            .map(drop)
    }

    /// Sets when the lane is due; `None` holds it.
    pub(super) fn wait(&self, lane: LaneId, due: Option<SystemTime>) -> rusqlite::Result<()> {
        self.conn
            .prepare_cached("UPDATE lane SET due_at = ?2 WHERE id = ?1")?
            .execute(params![Id::from(lane), due.map(Millis)])
            .and_then(one)
    }

    /// Whether the lane is held; `None` when it has no entries.
    fn is_held(&self, lane: LaneId) -> rusqlite::Result<Option<bool>> {
        let mut select = self.conn.prepare_cached("SELECT due_at IS NULL FROM lane WHERE id = ?1")?;
        select.query_row([Id::from(lane)], |row| row.get(0)).optional()
    }

    fn sending(&self, id: EntryId) -> rusqlite::Result<Option<Open>> {
        let mut select = self
            .conn
            .prepare_cached("SELECT number, request, lane FROM entry WHERE id = ?1 AND state = 1")?;
        let open = |row: &Row<'_>| {
            Ok(Open {
                number: row.get(0)?,
                request: row.get(1)?,
                lane: LaneId::from_bytes(row.get::<_, Id>(2)?.0),
            })
        };
        select.query_row([Id::from(id)], open).optional()
    }

    fn end(&mut self, open: &Open, finished: &Finished) -> rusqlite::Result<()> {
        let (state, next, reason) = match finished.end {
            End::Retry(at) => (2, Some(at), None),
            End::Hold => (3, None, None),
            End::Deliver => (4, None, None),
            End::DeadLetter(reason) => (5, None, Some(reason.code())),
            End::Unconfirmed => (6, None, None),
            End::Skip => (7, None, None),
        };
        let answered = finished.acknowledgment.is_some();
        let settled = (state >= 4).then_some(Millis(finished.at));
        let changed = self.conn.prepare_cached(END)?.execute(named_params! {
            ":number": open.number, ":id": Id::from(finished.id), ":state": state, ":reason": reason,
            ":undone": i64::from(finished.sent_at.is_none()),
            ":rejected": i64::from(finished.rejected && state == 2),
            ":failure": finished.failure,
            ":acknowledgment": finished.acknowledgment,
            ":sent": finished.sent_at.map(Millis),
            ":answered": answered.then_some(Millis(finished.at)),
            ":settled": settled, ":next": next.map(Millis),
        })?;
        one(changed)?;
        if settled.is_some() { self.settle_request(open.request, finished.at) } else { Ok(()) }
    }

    fn move_on(&mut self, open: &Open, now: SystemTime, go_on: bool) -> rusqlite::Result<Option<Attempt>> {
        if go_on && let Some(next) = self.begin_head(open.lane)? {
            return Ok(Some(next));
        }
        self.flow_on(open.lane, now).map(|()| None)
    }
}

/// The head of a lane, and its attempt unless it is held.
fn head(row: &Row<'_>, lane: LaneId) -> rusqlite::Result<(i64, Option<Attempt>)> {
    if row.get::<_, StateColumn>(7)?.0 == State::Held {
        return Ok((row.get(0)?, None));
    }
    let attempt = Attempt {
        id: EntryId::from_bytes(row.get::<_, Id>(1)?.0),
        lane,
        is_merge: false,
        body: row.get(2)?,
        digest: row.get(3)?,
        tries: row.get::<_, u32>(4)?.saturating_add(1),
        rejections: row.get(5)?,
        since: row.get::<_, Millis>(6)?.0,
    };
    Ok((row.get(0)?, Some(attempt)))
}
