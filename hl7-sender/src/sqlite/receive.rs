//! Keeping a message that came in, with the acknowledgment it is given.

use std::time::SystemTime;

use rusqlite::OptionalExtension as _;

use super::enqueue::{Came, Making};
use super::numbers;
use super::tables::{Millis, Tables, fault};
use crate::digest::Digest;
use crate::error::StoreError;
use crate::inbound::{Answered, Inbound, Received};

impl Tables {
    pub(super) fn receive(&mut self, inbound: &Inbound, now: SystemTime) -> Result<Received, StoreError> {
        let request = &inbound.request;
        match self.known(&request.key).map_err(fault)? {
            Some((_, fingerprint)) if fingerprint != request.fingerprint => Ok(Received::KeyReused),
            Some(_) => {
                let answered = self.answered(&request.key).map_err(fault)?;
                Ok(answered.map_or(Received::KeyReused, Received::Repeat))
            }
            None if self.full || !numbers::fit(request.deliveries.len()) => Ok(Received::Full),
            None => self.insert_inbound(inbound, now).map_err(fault),
        }
    }

    /// What a message with this key was answered; `None` when none came.
    pub(super) fn answered(&self, key: &Digest) -> rusqlite::Result<Option<Answered>> {
        let mut select = self.conn.prepare_cached(
            "SELECT number, acknowledgment FROM request WHERE key = ?1 AND acknowledgment IS NOT NULL",
        )?;
        let Some((number, acknowledgment)) =
            select.query_row([key], |row| Ok((row.get(0)?, row.get(1)?))).optional()?
        else {
            return Ok(None);
        };
        let (first, last) = numbers::of(number);
        let mut select =
            self.conn.prepare_cached("SELECT min(enqueued_at) FROM entry WHERE number BETWEEN ?1 AND ?2")?;
        let at = select.query_row([first, last], |row| row.get::<_, Millis>(0))?.0;
        Ok(Some(Answered { acknowledgment, at }))
    }

    fn insert_inbound(&mut self, inbound: &Inbound, now: SystemTime) -> rusqlite::Result<Received> {
        let name_reused = self.is_named(&inbound.name)?;
        let came = Came { name: &inbound.name, acknowledgment: &inbound.acknowledgment };
        let making = Making { aside: inbound.dead_letter, ..Making::at(now) };
        let entries = self.insert_all(&inbound.request, Some(came), making)?;
        Ok(entries.map_or(Received::KeyReused, |entries| Received::Stored { entries, name_reused }))
    }

    fn is_named(&self, name: &Digest) -> rusqlite::Result<bool> {
        self.conn.prepare_cached("SELECT 1 FROM request WHERE name = ?1 LIMIT 1")?.exists([name])
    }
}
