//! Reading what is on record.

use rusqlite::{OptionalExtension as _, Row, params};

use super::tables::{Further, Id, Millis, ReasonColumn, StateColumn, Tables};
use crate::entry::{Count, Record};
use crate::id::{EntryId, LaneId};

macro_rules! records {
    ($rest:literal) => {
        concat!(
            "SELECT e.id, e.origin, e.destination, e.lane, r.control_id, r.message_type, r.size, e.state, e.reason, ",
            "e.attempts, e.failure, e.acknowledgment, e.enqueued_at, e.sent_at, e.answered_at, e.settled_at, ",
            "e.next_attempt_at, e.answers, e.further, e.copy_of, r.key FROM entry e JOIN request r ON r.number = e.number / 4096 ",
            $rest
        )
    };
}

impl Tables {
    pub(super) fn record(&self, id: EntryId) -> rusqlite::Result<Option<Record>> {
        let mut select = self.conn.prepare_cached(records!("WHERE e.id = ?1"))?;
        let Some(record) = select.query_row([Id::from(id)], record).optional()? else { return Ok(None) };
        self.with_copies(record).map(Some)
    }

    /// The same with the copies that were made of it.
    fn with_copies(&self, record: Record) -> rusqlite::Result<Record> {
        let mut select =
            self.conn.prepare_cached("SELECT id FROM entry WHERE copy_of = ?1 ORDER BY number")?;
        let id = |row: &Row<'_>| row.get::<_, Id>(0).map(|id| EntryId::from_bytes(id.0));
        let copies = select.query_map([Id::from(record.id)], id)?.collect::<Result<_, _>>()?;
        Ok(Record { copies, ..record })
    }

    fn all_with_copies(&self, records: Vec<Record>) -> rusqlite::Result<Vec<Record>> {
        records.into_iter().map(|record| self.with_copies(record)).collect()
    }

    pub(super) fn recent(&self, origin: Option<&str>, limit: usize) -> rusqlite::Result<Vec<Record>> {
        let limit = limit as i64;
        let records: Vec<Record> = match origin {
            None => {
                let mut select = self.conn.prepare_cached(records!("ORDER BY e.number DESC LIMIT ?1"))?;
                select.query_map([limit], record)?.collect::<Result<_, _>>()?
            }
            Some(origin) => {
                let mut select = self.conn.prepare_cached(records!(
                    "WHERE e.origin = ?1 AND e.origin <> '' ORDER BY e.number DESC LIMIT ?2"
                ))?;
                select.query_map(params![origin, limit], record)?.collect::<Result<_, _>>()?
            }
        };
        self.all_with_copies(records)
    }

    pub(super) fn dead_letters(&self, limit: usize) -> rusqlite::Result<Vec<Record>> {
        let mut select =
            self.conn.prepare_cached(records!("WHERE e.state = 5 ORDER BY e.number DESC LIMIT ?1"))?;
        let records = select.query_map([limit as i64], record)?.collect::<Result<_, _>>()?;
        self.all_with_copies(records)
    }

    pub(super) fn held(&self, limit: usize) -> rusqlite::Result<Vec<Record>> {
        let mut select =
            self.conn.prepare_cached(records!("WHERE e.state = 3 ORDER BY e.number DESC LIMIT ?1"))?;
        let records = select.query_map([limit as i64], record)?.collect::<Result<_, _>>()?;
        self.all_with_copies(records)
    }

    pub(super) fn counts(&self) -> rusqlite::Result<Vec<Count>> {
        let mut select = self
            .conn
            .prepare_cached("SELECT origin, destination, state, entries FROM tally WHERE entries > 0")?;
        let count = |row: &Row<'_>| {
            let entries = row.get::<_, i64>(3)?.unsigned_abs();
            Ok(Count::new(row.get(0)?, row.get(1)?, row.get::<_, StateColumn>(2)?.0, entries))
        };
        select.query_map([], count)?.collect()
    }

    pub(super) fn message(&self, id: EntryId) -> rusqlite::Result<Option<Vec<u8>>> {
        let mut select = self.conn.prepare_cached(
            "SELECT b.bytes FROM entry e JOIN body b ON b.request = e.number / 4096 WHERE e.id = ?1",
        )?;
        select.query_row([Id::from(id)], |row| row.get(0)).optional()
    }
}

fn record(row: &Row<'_>) -> rusqlite::Result<Record> {
    let mut lanes = vec![LaneId::from_bytes(row.get::<_, Id>(3)?.0)];
    lanes.extend(row.get::<_, Further>(18)?.0);
    let time = |column| row.get::<_, Option<Millis>>(column).map(|time| time.map(|time| time.0));
    Ok(Record {
        id: EntryId::from_bytes(row.get::<_, Id>(0)?.0),
        origin: row.get(1)?,
        destination: row.get(2)?,
        lanes,
        control_id: row.get(4)?,
        message_type: row.get(5)?,
        size: row.get::<_, i64>(6)?.unsigned_abs(),
        state: row.get::<_, StateColumn>(7)?.0,
        reason: row.get::<_, Option<ReasonColumn>>(8)?.map(|reason| reason.0),
        attempts: row.get(9)?,
        failure: row.get(10)?,
        acknowledgment: row.get(11)?,
        enqueued_at: row.get::<_, Millis>(12)?.0,
        sent_at: time(13)?,
        answered_at: time(14)?,
        settled_at: time(15)?,
        next_attempt_at: time(16)?,
        answers: row.get(17)?,
        copy_of: row.get::<_, Option<Id>>(19)?.map(|id| EntryId::from_bytes(id.0)),
        copies: Vec::new(),
        key: row.get(20)?,
    })
}
