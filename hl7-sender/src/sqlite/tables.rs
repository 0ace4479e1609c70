//! A connection with what is kept beside it in memory.

use std::collections::HashSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, ErrorCode, OptionalExtension as _, Row};

use super::mark::Mark;
use super::schema;
use super::tally::Tally;
use crate::digest;
use crate::entry::{DeadLetterReason, Delivery, State};
use crate::error::{StoreError, StoreErrorKind};
use crate::id::{EntryId, LaneId};

/// What tells one opening of the store from the others. Each transaction looks whether it is still on record, so that who was taken over, by a way around
/// the locks, changes nothing any more.
pub(super) type Owner = [u8; 16];

/// How long a checkpoint waits for readers.
const MOMENT: Duration = Duration::from_millis(50);

pub(super) struct Tables {
    pub(super) conn: Connection,
    pub(super) tally: Tally,
    /// The lanes that are parked.
    pub(super) parked: HashSet<LaneId>,
    /// Whether an entry that stands in several lanes is, or was, open. Without one each lane is told by its own entries.
    pub(super) merges: bool,
    secret: Vec<u8>,
    owner: Owner,
    next_position: i64,
    /// The highest number that a request was ever given.
    last_request: i64,
    /// How far the store has come, as it is committed.
    committed: Mark,
    max_bytes: u64,
    /// How far below its limit the store is at least.
    room: u64,
    /// Whether the disk has room for new entries in this transaction.
    disk_has_room: bool,
    /// Whether the disk or the store's limit has no room for the call that runs: nothing new is accepted.
    pub(super) full: bool,
}

impl Tables {
    pub(super) fn new(
        conn: Connection,
        secret: Vec<u8>,
        owner: Owner,
        max_bytes: u64,
    ) -> rusqlite::Result<Self> {
        let last: Option<i64> =
            conn.query_row("SELECT max(position) FROM entry WHERE position IS NOT NULL", [], |row| {
                row.get(0)
            })?;
        let last_request = last_request(&conn)?;
        let committed = Mark::new(&secret, last_request);
        let mut tables = Self {
            conn,
            tally: Tally::default(),
            parked: HashSet::new(),
            merges: false,
            secret,
            owner,
            next_position: last.unwrap_or(0) + 1,
            last_request,
            committed,
            max_bytes,
            room: 0,
            disk_has_room: true,
            full: false,
        };
        tables.load()?;
        Ok(tables)
    }

    /// Takes into memory what is kept there of the tables.
    fn load(&mut self) -> rusqlite::Result<()> {
        self.tally.forget();
        self.merges = self.conn.prepare_cached("SELECT 1 FROM also LIMIT 1")?.exists([])?;
        let mut parked = self.conn.prepare_cached("SELECT lane FROM parked")?;
        let lane = |row: &Row<'_>| row.get::<_, Id>(0).map(|id| LaneId::from_bytes(id.0));
        self.parked = parked.query_map([], lane)?.collect::<Result<_, _>>()?;
        Ok(())
    }

    /// Begins a transaction; with `has_room`, new entries are accepted up to the store's limit.
    pub(super) fn begin(&mut self, has_room: bool) -> Result<(), StoreError> {
        self.run("BEGIN IMMEDIATE")?;
        if self.owner_on_record().map_err(fault)? != self.owner {
            return Err(StoreError::new(StoreErrorKind::Ousted));
        }
        (self.disk_has_room, self.full) = (has_room, !has_room);
        Ok(())
    }

    /// Looks whether there is room for a call that makes the store grow by so many bytes at most.
    pub(super) fn expect(&mut self, growth: u64) -> Result<(), StoreError> {
        self.full = !(self.disk_has_room && self.has_room_for(growth).map_err(fault)?);
        Ok(())
    }

    /// Whether the store is below its limit. It is measured only when what came since could have reached it, because SQLite reads the question anew each time.
    fn has_room_for(&mut self, growth: u64) -> rusqlite::Result<bool> {
        if growth > self.room {
            self.room = self.max_bytes.saturating_sub(self.used_bytes()?);
        }
        let has_room = growth == 0 || self.room > 0;
        self.room = self.room.saturating_sub(growth);
        Ok(has_room)
    }

    pub(super) fn commit(&mut self) -> Result<(), StoreError> {
        self.tally.write(&self.conn).map_err(fault)?;
        self.run("COMMIT")?;
        self.committed = self.committed.at(self.last_request);
        Ok(())
    }

    /// The number behind all others, those of removed requests included.
    pub(super) fn next_request(&self) -> i64 {
        self.last_request + 1
    }

    /// Notes that a request has the number behind all others.
    pub(super) fn count_request(&mut self) {
        self.last_request += 1;
    }

    /// Keeps how far the numbers came, which the requests that are about to be removed may be the last to say.
    pub(super) fn keep_last_request(&self) -> rusqlite::Result<()> {
        self.conn
            .prepare_cached("INSERT OR REPLACE INTO meta VALUES ('last', ?1)")?
            .execute([self.last_request.to_be_bytes()])
            .map(drop)
    }

    /// How far the store has come, as it is committed.
    pub(super) fn mark(&self) -> Mark {
        self.committed
    }

    /// Ends the transaction without effect. SQLite may have done so itself, and then there is nothing to do.
    ///
    /// # Errors
    /// When the tables cannot be read, which is a fault of its own.
    pub(super) fn roll_back(&mut self) -> Result<(), StoreError> {
        self.last_request = self.committed.number();
        if !self.conn.is_autocommit() {
            let _ = self.run("ROLLBACK");
        }
        self.load().map_err(fault)
    }

    /// Moves everything from the log to the store's file and empties the log. Whether it is empty: not while someone reads an older state of the store, for
    /// whom is not waited longer than a moment, because everybody waits with the writer.
    pub(super) fn empty_log(&self) -> Result<bool, StoreError> {
        self.conn.busy_timeout(MOMENT).map_err(fault)?;
        let emptied = self
            .conn
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0))
            .map(|hindered| hindered == 0);
        self.conn.busy_timeout(schema::BUSY).map_err(fault)?;
        match emptied.map_err(fault) {
            Err(error) if error.kind() == StoreErrorKind::Busy => Ok(false),
            emptied => emptied,
        }
    }

    /// How many entries are not settled.
    pub(super) fn open_entries(&self) -> Result<u64, StoreError> {
        self.conn
            .prepare_cached("SELECT coalesce(sum(entries), 0) FROM tally WHERE state < 4")
            .and_then(|mut sum| sum.query_row([], |row| row.get::<_, i64>(0)))
            .map(i64::unsigned_abs)
            .map_err(fault)
    }

    /// The place behind all others.
    pub(super) fn next_position(&mut self) -> i64 {
        let position = self.next_position;
        self.next_position += 1;
        position
    }

    /// The lanes of a delivery, its home first.
    pub(super) fn lanes_of(&self, delivery: &Delivery) -> Vec<LaneId> {
        let destination = &delivery.destination;
        let mut lanes: Vec<LaneId> = Vec::with_capacity(delivery.lane_keys.len().max(1));
        for key in &delivery.lane_keys {
            let lane = self.lane_of(destination, Some(key));
            if !lanes.contains(&lane) {
                lanes.push(lane);
            }
        }
        if lanes.is_empty() {
            lanes.push(self.lane_of(destination, None));
        }
        lanes
    }

    /// The lane of a destination and a lane key's value.
    pub(super) fn lane_of(&self, destination: &str, key: Option<&str>) -> LaneId {
        let common: &[u8] = if key.is_some() { b"key" } else { b"common" };
        let parts = [self.secret.as_slice(), destination.as_bytes(), common, key.unwrap_or("").as_bytes()];
        let mut id = [0; 16];
        for (to, from) in id.iter_mut().zip(digest::of_parts("lane", &parts)) {
            *to = from;
        }
        LaneId::from_bytes(id)
    }

    fn owner_on_record(&self) -> rusqlite::Result<Owner> {
        self.conn
            .prepare_cached("SELECT value FROM meta WHERE name = 'owner'")?
            .query_row([], |row| row.get(0))
    }

    fn run(&self, sql: &str) -> Result<(), StoreError> {
        self.conn.prepare_cached(sql).and_then(|mut statement| statement.execute([])).map(drop).map_err(fault)
    }

    /// What the entries take; pages that pruning freed are used again and do not count.
    fn used_bytes(&self) -> rusqlite::Result<u64> {
        let number = |pragma| self.conn.prepare_cached(pragma)?.query_row([], |row| row.get::<_, i64>(0));
        let pages = number("PRAGMA page_count")? - number("PRAGMA freelist_count")?;
        Ok(pages.unsigned_abs() * number("PRAGMA page_size")?.unsigned_abs())
    }
}

/// The highest number that a request was ever given.
fn last_request(conn: &Connection) -> rusqlite::Result<i64> {
    let there: Option<i64> = conn.query_row("SELECT max(number) FROM request", [], |row| row.get(0))?;
    let kept = "SELECT value FROM meta WHERE name = 'last'";
    let kept: Option<[u8; 8]> = conn.query_row(kept, [], |row| row.get(0)).optional()?;
    Ok(there.unwrap_or(0).max(kept.map_or(0, i64::from_be_bytes)))
}

/// The error of the store that an error of SQLite is.
pub(super) fn fault(error: rusqlite::Error) -> StoreError {
    // Those of rusqlite itself: a row that is missing, or holds what it cannot hold.
    let Some(error) = error.sqlite_error() else { return StoreError::new(StoreErrorKind::Damaged) };
    let kind = match error.code {
        ErrorCode::DiskFull => StoreErrorKind::Full,
        // The log's index, which is no durable file, could not grow.
        _ if error.extended_code == rusqlite::ffi::SQLITE_IOERR_SHMSIZE => StoreErrorKind::Full,
        ErrorCode::DatabaseBusy => StoreErrorKind::Busy,
        ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => StoreErrorKind::Damaged,
        _ => StoreErrorKind::Io,
    };
    StoreError::new(kind).with_detail(error.extended_code)
}

/// A change that concerns one row did so; else the tables contradict each other.
pub(super) fn one(changed: usize) -> rusqlite::Result<()> {
    if changed == 1 { Ok(()) } else { Err(rusqlite::Error::StatementChangedRows(changed)) }
}

/// A time in whole milliseconds since 1970; before that counts as 1970.
#[derive(Clone, Copy)]
pub(super) struct Millis(pub(super) SystemTime);

impl ToSql for Millis {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let since = self.0.duration_since(UNIX_EPOCH).unwrap_or_default();
        Ok(i64::try_from(since.as_millis()).unwrap_or(i64::MAX).into())
    }
}

impl FromSql for Millis {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let millis = u64::try_from(value.as_i64()?).map_err(|_| FromSqlError::InvalidType)?;
        let time = UNIX_EPOCH.checked_add(Duration::from_millis(millis)).ok_or(FromSqlError::InvalidType)?;
        Ok(Self(time))
    }
}

/// An ID column.
pub(super) struct Id(pub(super) [u8; 16]);

impl ToSql for Id {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(ValueRef::Blob(&self.0)))
    }
}

impl FromSql for Id {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Ok(Self(<[u8; 16]>::column_result(value)?))
    }
}

impl From<EntryId> for Id {
    fn from(id: EntryId) -> Self {
        Self(id.to_bytes())
    }
}

impl From<LaneId> for Id {
    fn from(id: LaneId) -> Self {
        Self(id.to_bytes())
    }
}

/// The column `further`: no lanes at all are NULL.
pub(super) struct Further(pub(super) Vec<LaneId>);

impl Further {
    pub(super) fn column(lanes: &[LaneId]) -> Option<Vec<u8>> {
        (!lanes.is_empty()).then(|| lanes.iter().flat_map(|lane| lane.to_bytes()).collect())
    }
}

impl FromSql for Further {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let Some(bytes) = value.as_blob_or_null()? else { return Ok(Self(Vec::new())) };
        let (lanes, rest) = bytes.as_chunks::<16>();
        if !rest.is_empty() {
            return Err(FromSqlError::InvalidType);
        }
        Ok(Self(lanes.iter().copied().map(LaneId::from_bytes).collect()))
    }
}

/// The column `state`. The numbers are part of the file's format.
pub(super) const STATES: [(i64, State); 9] = [
    (0, State::Queued),
    (1, State::Sending),
    (2, State::Retrying),
    (3, State::Held),
    (4, State::Delivered),
    (5, State::DeadLettered),
    (6, State::Unconfirmed),
    (7, State::Skipped),
    (8, State::Cancelled),
];

pub(super) struct StateColumn(pub(super) State);

impl ToSql for StateColumn {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let known = STATES.into_iter().find(|(_, state)| *state == self.0);
        known.map(|(stored, _)| stored.into()).ok_or(rusqlite::Error::InvalidQuery)
    }
}

impl FromSql for StateColumn {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let number = value.as_i64()?;
        let known = STATES.into_iter().find(|(stored, _)| *stored == number);
        known.map(|(_, state)| Self(state)).ok_or(FromSqlError::OutOfRange(number))
    }
}

pub(super) struct ReasonColumn(pub(super) DeadLetterReason);

impl FromSql for ReasonColumn {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        DeadLetterReason::of_code(value.as_str()?).map(Self).ok_or(FromSqlError::InvalidType)
    }
}
