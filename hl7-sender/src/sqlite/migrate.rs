//! From the tables of one version to those of the next.

use rusqlite::Connection;

use super::schema::opening;
use crate::error::OpenError;

/// The version that the first tables are.
pub(super) const FIRST: i32 = 1;
/// What each version changed, from the second on. A step that was released stays as it is: stores were made with it.
const STEPS: [&str; 1] = [INBOUND];
/// The version that the steps lead to.
pub(super) const VERSION: i32 = FIRST + STEPS.len() as i32;

/// Messages that come in: the acknowledgment that was given, and a hash of MSH-3, MSH-4 and MSH-10.
/// Entries can have the states 6 and 7 since.
const INBOUND: &str = "
ALTER TABLE request ADD COLUMN acknowledgment BLOB;
ALTER TABLE request ADD COLUMN name BLOB;
CREATE INDEX request_name ON request (name) WHERE name IS NOT NULL;
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
