//! Giving out the heads of lanes, and ending attempts.

use std::time::SystemTime;

use rusqlite::{OptionalExtension as _, Row, named_params, params};

use super::places::{Standing, standing};
use super::tables::{Further, Id, Millis, StateColumn, Tables, fault, one};
use crate::entry::{Accepted, Attempt, Due, End, Finished, State};
use crate::error::{StoreError, StoreErrorKind};
use crate::id::{EntryId, LaneId};

/// An entry whose attempt is under way.
struct Open {
    number: i64,
    position: i64,
    home: LaneId,
    further: Vec<LaneId>,
}

/// What belongs to the entry is found by its number, which its place in the tree confirms: a `request` that was altered would give another's message.
const HEAD: &str = "SELECT e.number, e.position, e.lane, e.further, e.state, e.due_at, e.next_attempt_at,
    e.id, e.tries, e.rejections, e.since, r.digest, b.bytes, e.origin, e.destination, r.key
    FROM entry e LEFT JOIN request r ON r.number = e.number / 4096 LEFT JOIN body b ON b.request = e.number / 4096
    WHERE e.lane = ?1 AND e.position IS NOT NULL ORDER BY e.position LIMIT 1";

const END: &str = "UPDATE entry SET
    state = :state, reason = :reason, position = CASE WHEN :settled IS NULL THEN position END, due_at = :due,
    attempts = attempts - :undone, tries = tries - :undone, rejections = rejections + :rejected,
    failure = :failure, answers = answers + (:answered IS NOT NULL), acknowledgment = coalesce(:acknowledgment, acknowledgment),
    sent_at = coalesce(:sent, sent_at), answered_at = coalesce(:answered, answered_at),
    settled_at = :settled, next_attempt_at = :next, taken = NULL
    WHERE number = :number AND id = :id AND state = 1";

/// Which heads are given out.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Giving {
    /// Those that are on record as due, some time.
    Due,
    /// Those that nothing keeps.
    Free,
}

impl Tables {
    pub(super) fn due(&self, destination: &str, now: SystemTime, limit: usize) -> rusqlite::Result<Due> {
        let mut select = self.conn.prepare_cached(
            "SELECT lane FROM entry WHERE destination = ?1 AND due_at <= ?2 ORDER BY due_at LIMIT ?3",
        )?;
        let rows =
            select.query_map(params![destination, Millis(now), limit as i64], |row| row.get::<_, Id>(0))?;
        let lanes = rows.map(|id| id.map(|id| LaneId::from_bytes(id.0))).collect::<Result<_, _>>()?;
        let mut next = self.conn.prepare_cached(
            "SELECT due_at FROM entry WHERE destination = ?1 AND due_at > ?2 ORDER BY due_at LIMIT 1",
        )?;
        let next =
            next.query_row(params![destination, Millis(now)], |row| row.get::<_, Millis>(0)).optional()?;
        Ok(Due { lanes, next: next.map(|time| time.0) })
    }

    pub(super) fn clamp(&mut self, destination: &str, latest: SystemTime) -> rusqlite::Result<()> {
        self.conn
            .prepare_cached(
                "UPDATE entry SET due_at = ?2,
                     next_attempt_at = CASE WHEN next_attempt_at > ?2 THEN ?2 ELSE next_attempt_at END
                 WHERE destination = ?1 AND due_at > ?2",
            )?
            .execute(params![destination, Millis(latest)])
            .map(drop)
    }

    pub(super) fn begin_attempt(&mut self, lane: LaneId) -> rusqlite::Result<Option<Attempt>> {
        self.begin_head(lane, Giving::Due)
    }

    fn begin_head(&mut self, lane: LaneId, giving: Giving) -> rusqlite::Result<Option<Attempt>> {
        let guest = self.guest_of(lane)?;
        let mut select = self.conn.prepare_cached(HEAD)?;
        let mut rows = select.query([Id::from(lane)])?;
        let Some(row) = rows.next()? else { return Ok(None) };
        // At home here, or the row itself will say that it is not.
        let head = Standing { home: lane, ..standing(row)? };
        let is_due = giving == Giving::Free || head.due.is_some();
        let comes_first = guest.is_none_or(|(position, _)| head.position < position);
        if !(head.waits() && is_due && comes_first && self.leads(&head, lane)?) {
            return Ok(None);
        }
        let attempt = attempt(row, &head)?;
        let (origin, destination) = (row.get_ref(13)?.as_str()?, row.get_ref(14)?.as_str()?);
        self.tally.shift(origin, destination, head.state, State::Sending);
        // The row itself is asked whether it is what the index said.
        self.conn
            .prepare_cached(
                "UPDATE entry SET state = 1, attempts = attempts + 1, tries = tries + 1, next_attempt_at = NULL, due_at = NULL
                 WHERE number = ?1 AND lane = ?2 AND position IS NOT NULL AND state IN (0, 2)",
            )?
            .execute(params![head.number, Id::from(lane)])
            .and_then(one)?;
        Ok(Some(attempt))
    }

    pub(super) fn finish(&mut self, finished: &Finished, go_on: bool) -> Result<Option<Attempt>, StoreError> {
        let state = finished.end.state();
        // An attempt that is not on record would be made again and again.
        let open = self
            .sending(finished.id, state)
            .map_err(fault)?
            .ok_or(StoreError::new(StoreErrorKind::Damaged))?;
        self.end(&open, finished)
            .and_then(
                |()| if state.is_settled() { self.move_on(&open, finished.at, go_on) } else { Ok(None) },
            )
            .map_err(fault)
    }

    pub(super) fn unreachable(
        &mut self,
        lane: LaneId,
        failure: &str,
        next: SystemTime,
    ) -> rusqlite::Result<Option<EntryId>> {
        let mut select = self.conn.prepare_cached(
            "SELECT number, id, state, origin, destination FROM entry WHERE lane = ?1 AND position IS NOT NULL
             ORDER BY position LIMIT 1",
        )?;
        let mut rows = select.query([Id::from(lane)])?;
        let Some(row) = rows.next()? else { return Ok(None) };
        let (number, id, state): (i64, Id, StateColumn) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let noted = self
            .conn
            .prepare_cached(
                "UPDATE entry SET state = 2, failure = ?2, next_attempt_at = ?3
                 WHERE number = ?1 AND due_at IS NOT NULL AND state IN (0, 2)",
            )?
            .execute(params![number, failure, Millis(next)])?;
        if noted == 0 {
            return Ok(None);
        }
        self.tally.shift(row.get_ref(3)?.as_str()?, row.get_ref(4)?.as_str()?, state.0, State::Retrying);
        Ok(Some(EntryId::from_bytes(id.0)))
    }

    pub(super) fn accepted(&mut self, accepted: &Accepted) -> Result<(), StoreError> {
        let state = accepted.end.state();
        if !state.is_settled() {
            return Err(StoreError::new(StoreErrorKind::WrongState));
        }
        let answered = accepted.acknowledgment.as_ref().map(|_| Millis(accepted.at));
        self.conn
            .prepare_cached(
                "UPDATE entry SET taken = ?2, acknowledgment = coalesce(?3, acknowledgment), sent_at = ?4,
                     answered_at = coalesce(?5, answered_at)
                 WHERE id = ?1 AND state = 1",
            )
            .and_then(|mut update| {
                update.execute(params![
                    Id::from(accepted.id),
                    StateColumn(state),
                    accepted.acknowledgment,
                    Millis(accepted.sent_at),
                    answered
                ])
            })
            .and_then(one)
            .map_err(fault)
    }

    /// The entry, which goes from being sent into this state.
    fn sending(&mut self, id: EntryId, to: State) -> rusqlite::Result<Option<Open>> {
        let mut select = self.conn.prepare_cached(
            "SELECT number, position, lane, further, origin, destination FROM entry WHERE id = ?1 AND state = 1",
        )?;
        let mut rows = select.query([Id::from(id)])?;
        let Some(row) = rows.next()? else { return Ok(None) };
        self.tally.shift(row.get_ref(4)?.as_str()?, row.get_ref(5)?.as_str()?, State::Sending, to);
        Ok(Some(Open {
            number: row.get(0)?,
            position: row.get(1)?,
            home: LaneId::from_bytes(row.get::<_, Id>(2)?.0),
            further: row.get::<_, Further>(3)?.0,
        }))
    }

    fn end(&mut self, open: &Open, finished: &Finished) -> rusqlite::Result<()> {
        let state = finished.end.state();
        let (reason, next) = match finished.end {
            End::DeadLetter(reason) => (Some(reason.code()), None),
            End::Retry(at) => (None, Some(at)),
            _ => (None, None),
        };
        let is_parked = [open.home].iter().chain(&open.further).any(|lane| self.parked.contains(lane));
        let answered = finished.acknowledgment.is_some();
        let settled = state.is_settled().then_some(Millis(finished.at));
        let changed = self.conn.prepare_cached(END)?.execute(named_params! {
            ":number": open.number, ":id": Id::from(finished.id), ":state": StateColumn(state), ":reason": reason,
            ":undone": i64::from(finished.sent_at.is_none()),
            ":rejected": i64::from(finished.rejected && state == State::Retrying),
            ":failure": finished.failure,
            ":acknowledgment": finished.acknowledgment,
            ":sent": finished.sent_at.map(Millis),
            ":answered": answered.then_some(Millis(finished.at)),
            ":settled": settled, ":next": next.map(Millis),
            ":due": next.filter(|_| !is_parked).map(Millis),
        })?;
        one(changed)?;
        self.remember(open.number, finished)
    }

    /// Lets the lanes of an entry that was settled flow on.
    fn move_on(&mut self, open: &Open, now: SystemTime, go_on: bool) -> rusqlite::Result<Option<Attempt>> {
        self.leave(&open.further, open.position)?;
        let next = if go_on { self.begin_head(open.home, Giving::Free)? } else { None };
        if next.is_none() {
            self.wake(open.home, now)?;
        }
        open.further.iter().try_for_each(|lane| self.wake(*lane, now)).map(|()| next)
    }
}

fn attempt(row: &Row<'_>, head: &Standing) -> rusqlite::Result<Attempt> {
    Ok(Attempt {
        id: EntryId::from_bytes(row.get::<_, Id>(7)?.0),
        lane: head.home,
        is_merge: !head.further.is_empty(),
        tries: row.get::<_, u32>(8)?.saturating_add(1),
        rejections: row.get(9)?,
        since: row.get::<_, Millis>(10)?.0,
        digest: row.get(11)?,
        body: row.get(12)?,
        key: row.get(15)?,
    })
}
