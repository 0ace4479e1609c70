//! Keeping a request.

use std::time::SystemTime;

use rusqlite::{OptionalExtension as _, Row, params};

use super::numbers;
use super::tables::{Further, Id, Millis, StateColumn, Tables, fault};
use crate::digest::Digest;
use crate::entry::{DeadLetterReason, Delivery, Enqueued, Request, State, Stored};
use crate::error::{StoreError, StoreErrorKind};
use crate::id::{EntryId, LaneId};

/// A request as it is on record.
pub(super) struct Known {
    pub(super) number: i64,
    control_id: String,
}

/// An entry that is there already, and its lanes.
type There = (EntryId, Vec<LaneId>);

/// What a message that came in has beside its request.
pub(super) struct Came<'r> {
    pub(super) name: &'r Digest,
    pub(super) acknowledgment: &'r [u8],
}

/// What is said of new entries beside their request.
#[derive(Clone, Copy)]
pub(super) struct Making {
    pub(super) now: SystemTime,
    /// Why they are dead letters from the start, when they are.
    pub(super) aside: Option<DeadLetterReason>,
    pub(super) copy_of: Option<EntryId>,
}

impl Making {
    pub(super) fn at(now: SystemTime) -> Self {
        Self { now, aside: None, copy_of: None }
    }
}

impl Tables {
    pub(super) fn enqueue(&mut self, request: &Request, now: SystemTime) -> Result<Enqueued, StoreError> {
        let may_grow = !self.full && numbers::fit(request.deliveries.len());
        if may_grow && let Some(stored) = self.insert_all(request, None, Making::at(now)).map_err(fault)? {
            return Ok(Enqueued::Stored(stored));
        }
        let known = match self.known(&request.key).map_err(fault)? {
            Some((_, fingerprint)) if fingerprint != request.fingerprint => return Ok(Enqueued::KeyReused),
            Some((known, _)) => known,
            None => return Ok(Enqueued::Full),
        };
        let found = self.found(&known, &request.deliveries).map_err(fault)?;
        let missing = found.iter().filter(|found| found.is_none()).count();
        let next = self.next_number(known.number).map_err(fault)?;
        if missing > 0 && (self.full || !numbers::has_room(next, missing)) {
            return Ok(Enqueued::Full);
        }
        let stored = self.insert_missing(&known, found, next, request, Making::at(now));
        stored.map(Enqueued::Stored).map_err(fault)
    }

    /// Keeps an edited copy of a dead letter as an entry of its own; `None` when the store is at its limit, which is no fault of its disk.
    pub(super) fn copy(
        &mut self,
        of: EntryId,
        request: &Request,
        now: SystemTime,
    ) -> Result<Option<Stored>, StoreError> {
        self.find(of, &[State::DeadLettered])?;
        if self.full {
            return Ok(None);
        }
        let making = Making { copy_of: Some(of), ..Making::at(now) };
        let stored = self.insert_all(request, None, making).map_err(fault)?;
        let stored = stored.into_iter().flatten().next();
        stored.map(Some).ok_or(StoreError::new(StoreErrorKind::WrongState))
    }

    pub(super) fn known(&self, key: &Digest) -> rusqlite::Result<Option<(Known, Digest)>> {
        let mut select =
            self.conn.prepare_cached("SELECT number, control_id, fingerprint FROM request WHERE key = ?1")?;
        select
            .query_row([key], |row| Ok((Known { number: row.get(0)?, control_id: row.get(1)? }, row.get(2)?)))
            .optional()
    }

    /// For each delivery the entry that is there already.
    fn found(&self, known: &Known, deliveries: &[Delivery]) -> rusqlite::Result<Vec<Option<There>>> {
        let mut select = self.conn.prepare_cached(
            "SELECT id, lane, further FROM entry WHERE number BETWEEN ?1 AND ?2 AND destination = ?3",
        )?;
        let (first, last) = numbers::of(known.number);
        let there = |row: &Row<'_>| {
            let mut lanes = vec![LaneId::from_bytes(row.get::<_, Id>(1)?.0)];
            lanes.extend(row.get::<_, Further>(2)?.0);
            Ok((EntryId::from_bytes(row.get::<_, Id>(0)?.0), lanes))
        };
        let find = |delivery: &Delivery| {
            select.query_row(params![first, last, delivery.destination], there).optional()
        };
        deliveries.iter().map(find).collect()
    }

    fn next_number(&self, request: i64) -> rusqlite::Result<i64> {
        let (first, last) = numbers::of(request);
        let mut select =
            self.conn.prepare_cached("SELECT max(number) FROM entry WHERE number BETWEEN ?1 AND ?2")?;
        let newest: Option<i64> = select.query_row([first, last], |row| row.get(0))?;
        Ok(newest.map_or(first, |newest| newest + 1))
    }

    /// Keeps a request, unless its key is known.
    pub(super) fn insert_all(
        &mut self,
        request: &Request,
        came: Option<Came<'_>>,
        making: Making,
    ) -> rusqlite::Result<Option<Vec<Stored>>> {
        let Some(number) = self.insert_request(request, came)? else { return Ok(None) };
        let known = Known { number, control_id: request.control_id.clone() };
        let found = request.deliveries.iter().map(|_| None).collect();
        self.insert_missing(&known, found, numbers::of(number).0, request, making).map(Some)
    }

    fn insert_missing(
        &mut self,
        known: &Known,
        found: Vec<Option<There>>,
        mut next: i64,
        request: &Request,
        making: Making,
    ) -> rusqlite::Result<Vec<Stored>> {
        let mut stored = Vec::with_capacity(found.len());
        for (delivery, found) in request.deliveries.iter().zip(found) {
            let repeat = found.is_some();
            let (id, lanes) = match found {
                Some(found) => found,
                None => {
                    let lanes = self.insert_entry(next, known.number, request, delivery, making)?;
                    next += 1;
                    (delivery.id, lanes)
                }
            };
            let (destination, control_id) = (delivery.destination.clone(), known.control_id.clone());
            stored.push(Stored { id, lanes, destination, control_id, repeat });
        }
        Ok(stored)
    }

    /// Gives its number; `None` when the key is known.
    fn insert_request(&mut self, request: &Request, came: Option<Came<'_>>) -> rusqlite::Result<Option<i64>> {
        let number = self.next_request();
        let inserted = self.conn.prepare_cached(
            "INSERT INTO request (number, key, fingerprint, control_id, message_type, size, digest, acknowledgment, name)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (key) DO NOTHING",
        )?.execute(params![
            number,
            request.key,
            request.fingerprint,
            request.control_id,
            request.message_type,
            request.body.len() as i64,
            request.digest,
            came.as_ref().map(|came| came.acknowledgment),
            came.as_ref().map(|came| came.name),
        ])?;
        if inserted == 0 {
            return Ok(None);
        }
        self.conn
            .prepare_cached("INSERT INTO body VALUES (?1, ?2)")?
            .execute(params![number, request.body])?;
        self.count_request();
        Ok(Some(number))
    }

    /// Makes an entry at the end of its lanes. Gives them.
    fn insert_entry(
        &mut self,
        number: i64,
        request: i64,
        content: &Request,
        delivery: &Delivery,
        making: Making,
    ) -> rusqlite::Result<Vec<LaneId>> {
        let Making { now, aside, copy_of } = making;
        let lanes = self.lanes_of(delivery);
        let (home, further) = lanes.split_first().ok_or(rusqlite::Error::InvalidQuery)?;
        let is_open = aside.is_none();
        let position = is_open.then(|| self.next_position());
        let due = is_open && self.are_free(&lanes)?;
        let state = if is_open { State::Queued } else { State::DeadLettered };
        self.conn
            .prepare_cached(
                "INSERT INTO entry (number, id, request, origin, destination, lane, further, position, due_at, state,
                     reason, copy_of, enqueued_at, since, settled_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?13, ?14)",
            )?
            .execute(params![
                number,
                Id::from(delivery.id),
                request,
                content.origin,
                delivery.destination,
                Id::from(*home),
                Further::column(further),
                position,
                due.then_some(Millis(now)),
                StateColumn(state),
                aside.map(DeadLetterReason::code),
                copy_of.map(Id::from),
                Millis(now),
                (!is_open).then_some(Millis(now)),
            ])?;
        if let Some(position) = position {
            self.stand_in(further, position, number)?;
        }
        self.tally.add(&content.origin, &delivery.destination, state, 1);
        Ok(lanes)
    }
}
