//! The lanes of a destination as a person looks at them.

use std::collections::HashSet;
use std::time::SystemTime;

use rusqlite::{Row, params};

use super::places::Standing;
use super::tables::{Id, Millis, Tables};
use crate::entry::LaneRecord;
use crate::id::{EntryId, LaneId};

/// How many entries of a lane are counted: beyond, the number says nothing more to a person.
const COUNTED: i64 = 10_000;

/// Where lanes are found, those first that need a person. Each gives lanes of one destination, at most so many.
const SOURCES: [&str; 5] = [
    "SELECT lane FROM parked WHERE destination = ?1 LIMIT ?2",
    "SELECT lane FROM entry WHERE state = 3 AND destination = ?1 ORDER BY number LIMIT ?2",
    "SELECT lane FROM entry WHERE state = 1 AND destination = ?1 ORDER BY number LIMIT ?2",
    "SELECT lane FROM entry WHERE destination = ?1 AND due_at IS NOT NULL ORDER BY due_at LIMIT ?2",
    // Lanes whose head stands in others too and waits for those.
    "SELECT a.lane FROM also a JOIN entry e ON e.number = a.entry WHERE e.destination = ?1
     UNION SELECT e.lane FROM also a JOIN entry e ON e.number = a.entry WHERE e.destination = ?1 LIMIT ?2",
];

/// Found by what leads the lanes, so that it costs nothing more for a longer backlog.
const OLDEST: &str = "SELECT min(at) FROM (
    SELECT min(enqueued_at) AS at FROM entry WHERE destination = ?1 AND due_at IS NOT NULL
    UNION ALL SELECT min(enqueued_at) FROM entry WHERE destination = ?1 AND state = 1
    UNION ALL SELECT min(enqueued_at) FROM entry WHERE destination = ?1 AND state = 3
    UNION ALL SELECT (SELECT enqueued_at FROM entry WHERE lane = p.lane AND position IS NOT NULL ORDER BY position LIMIT 1)
        FROM parked p WHERE p.destination = ?1
    UNION ALL SELECT (SELECT e.enqueued_at FROM also a JOIN entry e ON e.number = a.entry WHERE a.lane = p.lane ORDER BY a.position LIMIT 1)
        FROM parked p WHERE p.destination = ?1)";

impl Tables {
    pub(super) fn lanes(&self, destination: &str, limit: usize) -> rusqlite::Result<Vec<LaneRecord>> {
        let mut known = HashSet::new();
        let mut lanes = Vec::new();
        for source in SOURCES {
            for lane in self.lanes_in(source, destination, limit)? {
                if lanes.len() == limit {
                    return Ok(lanes);
                }
                if known.insert(lane) {
                    lanes.push(self.lane_record(lane)?);
                }
            }
        }
        Ok(lanes)
    }

    fn lanes_in(&self, source: &str, destination: &str, limit: usize) -> rusqlite::Result<Vec<LaneId>> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let lane = |row: &Row<'_>| row.get::<_, Id>(0).map(|id| LaneId::from_bytes(id.0));
        self.conn.prepare_cached(source)?.query_map(params![destination, limit], lane)?.collect()
    }

    fn lane_record(&self, lane: LaneId) -> rusqlite::Result<LaneRecord> {
        let head = self.head_of(lane)?;
        let is_parked =
            self.conn.prepare_cached("SELECT 1 FROM parked WHERE lane = ?1")?.exists([Id::from(lane)])?;
        let named = head.as_ref().map(|head| self.named(head)).transpose()?;
        Ok(LaneRecord {
            lane,
            open: self.open_in(lane)?,
            head: named.map(|(id, _)| id),
            enqueued_at: named.map(|(_, at)| at),
            state: head.as_ref().map(|head| head.state),
            due: head.and_then(|head| head.due),
            is_parked,
        })
    }

    /// The name of an entry, and when it was enqueued.
    fn named(&self, head: &Standing) -> rusqlite::Result<(EntryId, SystemTime)> {
        let mut select = self.conn.prepare_cached("SELECT id, enqueued_at FROM entry WHERE number = ?1")?;
        select.query_row([head.number], |row| {
            Ok((EntryId::from_bytes(row.get::<_, Id>(0)?.0), row.get::<_, Millis>(1)?.0))
        })
    }

    /// When the oldest entry that leads a lane of the destination was enqueued.
    pub(super) fn oldest(&self, destination: &str) -> rusqlite::Result<Option<SystemTime>> {
        let mut select = self.conn.prepare_cached(OLDEST)?;
        let oldest = select.query_row([destination], |row| row.get::<_, Option<Millis>>(0))?;
        Ok(oldest.map(|time| time.0))
    }

    fn open_in(&self, lane: LaneId) -> rusqlite::Result<u64> {
        let mut select = self.conn.prepare_cached(
            "SELECT (SELECT count(*) FROM (SELECT 1 FROM entry WHERE lane = ?1 AND position IS NOT NULL LIMIT ?2))
                  + (SELECT count(*) FROM (SELECT 1 FROM also WHERE lane = ?1 LIMIT ?2))",
        )?;
        let open: i64 = select.query_row(params![Id::from(lane), COUNTED], |row| row.get(0))?;
        Ok(open.min(COUNTED).unsigned_abs())
    }
}
