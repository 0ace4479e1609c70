//! Keeping a message that came in, with the acknowledgment it is given.

use std::time::SystemTime;

use rusqlite::{OptionalExtension as _, params};

use super::tables::{Id, Millis, Tables, fault};
use crate::digest::Digest;
use crate::entry::{DeadLetterReason, Stored};
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
            None if self.full => Ok(Received::Full),
            None => self.insert_inbound(inbound, now).map_err(fault),
        }
    }

    /// What a message with this key was answered; `None` when none came.
    pub(super) fn answered(&self, key: &Digest) -> rusqlite::Result<Option<Answered>> {
        let mut select = self.conn.prepare_cached(
            "SELECT acknowledgment, (SELECT min(enqueued_at) FROM entry WHERE request = r.number)
             FROM request r WHERE key = ?1 AND acknowledgment IS NOT NULL",
        )?;
        let answered =
            select.query_row([key], |row| Ok((row.get(0)?, row.get::<_, Millis>(1)?))).optional()?;
        Ok(answered.map(|(acknowledgment, at)| Answered { acknowledgment, at: at.0 }))
    }

    fn insert_inbound(&mut self, inbound: &Inbound, now: SystemTime) -> rusqlite::Result<Received> {
        let request = &inbound.request;
        let name_reused = self.is_named(&inbound.name)?;
        let known = self.insert_request(request)?;
        let number = known.number;
        self.conn
            .prepare_cached("UPDATE request SET acknowledgment = ?2, name = ?3 WHERE number = ?1")?
            .execute(params![number, inbound.acknowledgment, inbound.name])?;
        let found = vec![None; request.deliveries.len()];
        let entries = self.insert_missing(Some(known), found, request, now)?;
        if let Some(reason) = inbound.dead_letter {
            entries.iter().try_for_each(|entry| self.put_aside(entry, reason, now))?;
            self.settle_request(number, now)?;
        }
        Ok(Received::Stored { entries, name_reused })
    }

    fn is_named(&self, name: &Digest) -> rusqlite::Result<bool> {
        self.conn.prepare_cached("SELECT 1 FROM request WHERE name = ?1 LIMIT 1")?.exists([name])
    }

    /// Makes a dead letter of an entry that was just made. Its lane stays as it is, and goes if there is nothing else in it.
    fn put_aside(&self, entry: &Stored, reason: DeadLetterReason, now: SystemTime) -> rusqlite::Result<()> {
        self.conn
            .prepare_cached(
                "UPDATE entry SET state = 5, reason = ?2, position = NULL, settled_at = ?3 WHERE id = ?1",
            )?
            .execute(params![Id::from(entry.id), reason.code(), Millis(now)])?;
        self.conn
            .prepare_cached(
                "DELETE FROM lane WHERE id = ?1
                 AND NOT EXISTS (SELECT 1 FROM entry WHERE lane = ?1 AND position IS NOT NULL)",
            )?
            .execute([Id::from(entry.home())])
            .map(drop)
    }
}
