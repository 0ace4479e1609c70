//! Keeping a request.

use std::time::SystemTime;

use rusqlite::{OptionalExtension as _, named_params, params};

use super::tables::{Id, Millis, Tables, fault};
use crate::digest::Digest;
use crate::entry::{Delivery, Enqueued, Request, Stored};
use crate::error::StoreError;
use crate::id::{EntryId, LaneId};

/// A request as it is on record.
pub(super) struct Known {
    pub(super) number: i64,
    control_id: String,
}

impl Tables {
    pub(super) fn enqueue(&mut self, request: &Request, now: SystemTime) -> Result<Enqueued, StoreError> {
        let known = match self.known(&request.key).map_err(fault)? {
            Some((_, fingerprint)) if fingerprint != request.fingerprint => return Ok(Enqueued::KeyReused),
            Some((known, _)) => Some(known),
            None => None,
        };
        let found = self.found(known.as_ref(), &request.deliveries).map_err(fault)?;
        if self.full && found.iter().any(Option::is_none) {
            return Ok(Enqueued::Full);
        }
        self.insert_missing(known, found, request, now).map(Enqueued::Stored).map_err(fault)
    }

    pub(super) fn known(&self, key: &Digest) -> rusqlite::Result<Option<(Known, Digest)>> {
        let mut select =
            self.conn.prepare_cached("SELECT number, control_id, fingerprint FROM request WHERE key = ?1")?;
        select
            .query_row([key], |row| Ok((Known { number: row.get(0)?, control_id: row.get(1)? }, row.get(2)?)))
            .optional()
    }

    /// For each delivery the entry that is there already, and its lane.
    fn found(
        &self,
        known: Option<&Known>,
        deliveries: &[Delivery],
    ) -> rusqlite::Result<Vec<Option<(EntryId, LaneId)>>> {
        let Some(known) = known else { return Ok(vec![None; deliveries.len()]) };
        let mut select =
            self.conn.prepare_cached("SELECT id, lane FROM entry WHERE request = ?1 AND destination = ?2")?;
        let mut find = |delivery: &Delivery| {
            select
                .query_row(params![known.number, delivery.destination], |row| {
                    let (id, lane): (Id, Id) = (row.get(0)?, row.get(1)?);
                    Ok((EntryId::from_bytes(id.0), LaneId::from_bytes(lane.0)))
                })
                .optional()
        };
        deliveries.iter().map(&mut find).collect()
    }

    pub(super) fn insert_missing(
        &mut self,
        known: Option<Known>,
        found: Vec<Option<(EntryId, LaneId)>>,
        request: &Request,
        now: SystemTime,
    ) -> rusqlite::Result<Vec<Stored>> {
        let known = match known {
            Some(known) => known,
            None => self.insert_request(request)?,
        };
        let mut stored = Vec::with_capacity(found.len());
        for (delivery, found) in request.deliveries.iter().zip(found) {
            let (id, lane) = match found {
                Some(found) => found,
                None => (delivery.id, self.insert_entry(known.number, request, delivery, now)?),
            };
            stored.push(Stored {
                id,
                lanes: vec![lane],
                destination: delivery.destination.clone(),
                control_id: known.control_id.clone(),
                repeat: found.is_some(),
            });
        }
        Ok(stored)
    }

    pub(super) fn insert_request(&mut self, request: &Request) -> rusqlite::Result<Known> {
        let mut insert = self.conn.prepare_cached(
            "INSERT INTO request (key, fingerprint, control_id, message_type, size, digest)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?;
        let number = insert.insert(params![
            request.key,
            request.fingerprint,
            request.control_id,
            request.message_type,
            request.body.len() as i64,
            request.digest,
        ])?;
        let mut insert = self.conn.prepare_cached("INSERT INTO body VALUES (?1, ?2)")?;
        insert.execute(params![number, request.body])?;
        Ok(Known { number, control_id: request.control_id.clone() })
    }

    fn insert_entry(
        &mut self,
        request: i64,
        content: &Request,
        delivery: &Delivery,
        now: SystemTime,
    ) -> rusqlite::Result<LaneId> {
        let lane = self.lane_of(&delivery.destination, delivery.lane_keys.first().map(String::as_str));
        let position = self.next_position();
        let mut insert = self.conn.prepare_cached(
            "INSERT INTO entry (id, request, origin, destination, lane, position, state, enqueued_at, since)
             VALUES (:id, :request, :origin, :destination, :lane, :position, 0, :now, :now)",
        )?;
        insert.execute(named_params! {
            ":id": Id::from(delivery.id), ":request": request, ":origin": content.origin,
            ":destination": delivery.destination, ":lane": Id::from(lane), ":position": position,
            ":now": Millis(now),
        })?;
        // The request may have been settled for its other destinations.
        self.conn
            .prepare_cached(
                "UPDATE request SET settled_at = NULL WHERE number = ?1 AND settled_at IS NOT NULL",
            )?
            .execute([request])?;
        self.open_lane(Id::from(lane), &delivery.destination, now)?;
        Ok(lane)
    }

    /// Makes the lane due, unless it is open already and has its own due time.
    pub(super) fn open_lane(&self, lane: Id, destination: &str, now: SystemTime) -> rusqlite::Result<()> {
        self.conn
            .prepare_cached("INSERT OR IGNORE INTO lane VALUES (?1, ?2, ?3)")?
            .execute(params![lane, destination, Millis(now)])
            .map(drop)
    }
}
