//! From the tables of one version to those of the next.

use rusqlite::Connection;

use super::schema::opening;
use crate::error::OpenError;

/// The version that the first tables are.
pub(super) const FIRST: i32 = 1;
/// What each version changed, from the second on. A step that was released stays as it is: stores were made with it.
const STEPS: [&str; 3] = [INBOUND, SEVERAL_LANES, PAST];
/// The version that the steps lead to.
pub(super) const VERSION: i32 = FIRST + STEPS.len() as i32;

/// Messages that come in: the acknowledgment that was given, and a hash of MSH-3, MSH-4 and MSH-10.
/// Entries can have the states 6 and 7 since.
const INBOUND: &str = "
ALTER TABLE request ADD COLUMN acknowledgment BLOB;
ALTER TABLE request ADD COLUMN name BLOB;
CREATE INDEX request_name ON request (name) WHERE name IS NOT NULL;
";

/// Entries in several lanes, copies of entries, lanes that are parked and destinations that are paused; and fewer indexes.
///
/// * An entry's number is its request's times 4,096, and its place among those: so a request's entries are found, and no index is needed for it.
/// * `lane` is the home lane, `further` holds the IDs of the others, 16 bytes each. While the entry is open it has a row in `also` for each of those, at
///   the position that it has in its home lane: in each lane the entries of both tables together are ordered by position.
/// * `due_at` is there while the entry can be given out: it waits, is the head of all its lanes, and none of them is parked. So no table of lanes is needed.
/// * `taken` is the state in which an entry ends whose receiver has said that it has it, should nothing more be heard.
/// * `settled_at` of an entry tells when it can be removed. `tally` is written once for each transaction, without triggers.
const SEVERAL_LANES: &str = "
CREATE TABLE entry_3 (
    number INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,
    request INTEGER NOT NULL,
    origin TEXT NOT NULL,
    destination TEXT NOT NULL,
    lane BLOB NOT NULL,
    further BLOB,
    position INTEGER,
    due_at INTEGER,
    state INTEGER NOT NULL,
    reason TEXT,
    attempts INTEGER NOT NULL DEFAULT 0,
    tries INTEGER NOT NULL DEFAULT 0,
    rejections INTEGER NOT NULL DEFAULT 0,
    failure TEXT,
    answers INTEGER NOT NULL DEFAULT 0,
    taken INTEGER,
    copy_of BLOB,
    enqueued_at INTEGER NOT NULL,
    since INTEGER NOT NULL,
    sent_at INTEGER,
    answered_at INTEGER,
    settled_at INTEGER,
    next_attempt_at INTEGER,
    acknowledgment BLOB
) STRICT;
INSERT INTO entry_3 SELECT
    request * 4096 + (SELECT count(*) FROM entry o WHERE o.request = e.request AND o.number < e.number),
    id, request, origin, destination, lane, NULL, position,
    CASE WHEN state IN (0, 2) AND NOT EXISTS (SELECT 1 FROM entry o WHERE o.lane = e.lane AND o.position < e.position)
        THEN (SELECT due_at FROM lane l WHERE l.id = e.lane) END,
    state, reason, attempts, tries, rejections, failure, answers, NULL, NULL,
    enqueued_at, since, sent_at, answered_at, settled_at, next_attempt_at, acknowledgment
    FROM entry e ORDER BY request, number;
DROP TABLE entry;
DROP TABLE lane;
ALTER TABLE entry_3 RENAME TO entry;
CREATE UNIQUE INDEX entry_open ON entry (lane, position) WHERE position IS NOT NULL;
CREATE INDEX entry_due ON entry (destination, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX entry_origin ON entry (origin) WHERE origin <> '';
CREATE INDEX entry_sending ON entry (number) WHERE state = 1;
CREATE INDEX entry_held ON entry (number) WHERE state = 3;
CREATE INDEX entry_dead ON entry (number) WHERE state = 5;
CREATE INDEX entry_settled ON entry (settled_at) WHERE settled_at IS NOT NULL AND state <> 5;
CREATE INDEX entry_dead_since ON entry (settled_at) WHERE settled_at IS NOT NULL AND state = 5;
CREATE INDEX entry_copy ON entry (copy_of) WHERE copy_of IS NOT NULL;

CREATE TABLE also (
    lane BLOB NOT NULL, position INTEGER NOT NULL, entry INTEGER NOT NULL, PRIMARY KEY (lane, position)
) STRICT, WITHOUT ROWID;
CREATE TABLE parked (lane BLOB PRIMARY KEY, destination TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE paused (destination TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;

DROP INDEX request_settled;
ALTER TABLE request DROP COLUMN settled_at;
";

/// The attempts of each entry that failed.
const PAST: &str = "
CREATE TABLE past (
    entry INTEGER NOT NULL, attempt INTEGER NOT NULL, sent_at INTEGER, ended_at INTEGER NOT NULL, failure TEXT NOT NULL,
    answered INTEGER NOT NULL, PRIMARY KEY (entry, attempt)
) STRICT, WITHOUT ROWID;
";

/// Brings the tables of an earlier version to this one, in one transaction: a process that ends on the way leaves them as they were.
pub(super) fn migrate(conn: &Connection) -> Result<(), OpenError> {
    let found = version(conn).map_err(opening)?;
    if found >= VERSION {
        return Ok(());
    }
    conn.execute_batch("BEGIN IMMEDIATE")
        .and_then(|()| take_steps(conn, found))
        .and_then(|()| conn.execute_batch("COMMIT"))
        .map_err(opening)?;
    tracing::info!(from = found, to = VERSION, "the store was brought to the tables of this version");
    Ok(())
}

/// Changes the tables, inside a transaction, and puts the version on record.
pub(super) fn take_steps(conn: &Connection, found: i32) -> rusqlite::Result<()> {
    let taken = usize::try_from(found - FIRST).unwrap_or(0);
    for step in STEPS.iter().skip(taken) {
        conn.execute_batch(step)?;
    }
    conn.pragma_update(None, "user_version", VERSION)
}

pub(super) fn version(conn: &Connection) -> rusqlite::Result<i32> {
    conn.query_row("PRAGMA user_version", [], |row| row.get(0))
}
