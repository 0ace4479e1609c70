//! The tables, their version, and how a file is known to be a store.

use std::sync::mpsc;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OptionalExtension as _};

use super::migrate::{self, FIRST, VERSION};
use super::tables::Owner;
use crate::error::{OpenError, OpenErrorKind};
use crate::{digest, id};

/// `HL7s`, in the file's header.
pub(super) const APPLICATION_ID: i32 = 0x484C_3773;
/// How long SQLite waits for another program's transaction on the file.
pub(super) const BUSY: Duration = Duration::from_secs(5);
/// The length of the secret, in bytes.
const SECRET: usize = 32;

/// The tables of the first version. They stay as they are: what later versions change is told by the steps that lead to them.
const TABLES: &str = "
CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;

-- One message under one idempotency key.
CREATE TABLE request (
    number INTEGER PRIMARY KEY,
    key BLOB NOT NULL UNIQUE,
    fingerprint BLOB NOT NULL,
    control_id TEXT NOT NULL,
    message_type TEXT,
    size INTEGER NOT NULL,
    digest BLOB NOT NULL,
    settled_at INTEGER
) STRICT;
CREATE INDEX request_settled ON request (settled_at) WHERE settled_at IS NOT NULL;

CREATE TABLE body (request INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT;

-- That message for one destination. Times are milliseconds since 1970. The position orders a lane while the entry is open.
CREATE TABLE entry (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id BLOB NOT NULL UNIQUE,
    request INTEGER NOT NULL,
    origin TEXT NOT NULL,
    destination TEXT NOT NULL,
    lane BLOB NOT NULL,
    position INTEGER,
    state INTEGER NOT NULL,
    reason TEXT,
    attempts INTEGER NOT NULL DEFAULT 0,
    tries INTEGER NOT NULL DEFAULT 0,
    rejections INTEGER NOT NULL DEFAULT 0,
    failure TEXT,
    answers INTEGER NOT NULL DEFAULT 0,
    acknowledgment BLOB,
    enqueued_at INTEGER NOT NULL,
    since INTEGER NOT NULL,
    sent_at INTEGER,
    answered_at INTEGER,
    settled_at INTEGER,
    next_attempt_at INTEGER
) STRICT;
CREATE UNIQUE INDEX entry_request ON entry (request, destination);
CREATE UNIQUE INDEX entry_open ON entry (lane, position) WHERE position IS NOT NULL;
CREATE INDEX entry_origin ON entry (origin);
CREATE INDEX entry_sending ON entry (number) WHERE state = 1;
CREATE INDEX entry_dead ON entry (number) WHERE state = 5;

-- The lanes that have open entries; without a due time the lane is held.
CREATE TABLE lane (id BLOB PRIMARY KEY, destination TEXT NOT NULL, due_at INTEGER) STRICT, WITHOUT ROWID;
CREATE INDEX lane_due ON lane (destination, due_at) WHERE due_at IS NOT NULL;

-- How many entries are in which state, kept so that counting costs nothing.
CREATE TABLE tally (
    origin TEXT NOT NULL, destination TEXT NOT NULL, state INTEGER NOT NULL, entries INTEGER NOT NULL,
    PRIMARY KEY (origin, destination, state)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER tally_insert AFTER INSERT ON entry BEGIN
    INSERT INTO tally VALUES (new.origin, new.destination, new.state, 1)
        ON CONFLICT DO UPDATE SET entries = entries + 1;
END;
CREATE TRIGGER tally_update AFTER UPDATE OF state ON entry WHEN old.state <> new.state BEGIN
    UPDATE tally SET entries = entries - 1
        WHERE origin = old.origin AND destination = old.destination AND state = old.state;
    INSERT INTO tally VALUES (new.origin, new.destination, new.state, 1)
        ON CONFLICT DO UPDATE SET entries = entries + 1;
END;
CREATE TRIGGER tally_delete AFTER DELETE ON entry BEGIN
    UPDATE tally SET entries = entries - 1
        WHERE origin = old.origin AND destination = old.destination AND state = old.state;
END;
";

/// Makes the connection a store's: checks what the file is, makes the tables in an empty one, and turns durability on. A foreign file is
/// not changed, and one of an earlier version not yet.
pub(super) fn prepare(conn: &Connection) -> Result<(), OpenError> {
    conn.busy_timeout(BUSY).map_err(opening)?;
    // Until it is known whose file it is, its log is left to its owner.
    set_leaving_log(conn, true)?;
    let empty = is_empty(conn).map_err(opening)?;
    if !empty {
        check_version(conn)?;
    }
    set_leaving_log(conn, false)?;
    if empty {
        // Before anything is written, or it has no effect.
        conn.execute_batch("PRAGMA auto_vacuum = INCREMENTAL").map_err(opening)?;
    }
    conn.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cell_size_check = ON;")
        .map_err(opening)?;
    if empty { create(conn) } else { Ok(()) }
}

/// Whether the log stays as it is when the connection is closed.
fn set_leaving_log(conn: &Connection, leaving: bool) -> Result<(), OpenError> {
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, leaving).map(drop).map_err(opening)
}

/// Compares every table with its indexes and every page with what it should be, at most for this long.
pub(super) fn check(conn: &Connection, within: Duration) -> Result<(), OpenError> {
    let verdict = || {
        conn.query_row("PRAGMA integrity_check(1)", [], |row| row.get::<_, String>(0)).map_err(|error| {
            let interrupted = error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted);
            if interrupted { None } else { Some(opening(error)) }
        })
    };
    match interrupted_after(conn, within, verdict) {
        Ok(verdict) if verdict == "ok" => Ok(()),
        Ok(_) => Err(OpenError::new(OpenErrorKind::Damaged)),
        Err(Some(error)) => Err(error),
        Err(None) => {
            tracing::warn!("the store is too large to be checked in full when it is opened");
            Ok(())
        }
    }
}

/// Does this, and interrupts it after a time.
fn interrupted_after<T>(conn: &Connection, within: Duration, work: impl FnOnce() -> T) -> T {
    let handle = conn.get_interrupt_handle();
    let (done, waits) = mpsc::channel::<()>();
    let clock = std::thread::Builder::new().name("hl7-sender-clock".to_owned()).spawn(move || {
        if waits.recv_timeout(within) == Err(mpsc::RecvTimeoutError::Timeout) {
            handle.interrupt();
        }
    });
    let result = work();
    drop(done);
    if let Ok(clock) = clock {
        // It must not interrupt what comes after.
        let _ = clock.join();
    }
    result
}

/// The secret that keys the lane hashes. With another one, messages would come into other lanes than those before them, so it has a checksum.
pub(super) fn secret(conn: &Connection) -> Result<Vec<u8>, OpenError> {
    let stored: Option<Vec<u8>> = conn
        .query_row("SELECT value FROM meta WHERE name = 'secret'", [], |row| row.get(0))
        .optional()
        .map_err(opening)?;
    let stored = stored.ok_or(OpenError::new(OpenErrorKind::Foreign))?;
    match stored.split_at_checked(SECRET) {
        Some((secret, checksum)) if digest::of_bytes(secret) == checksum => Ok(secret.to_vec()),
        _ => Err(OpenError::new(OpenErrorKind::Damaged)),
    }
}

/// Puts a new owner on record.
pub(super) fn own(conn: &Connection) -> Result<Owner, OpenError> {
    let owner: Owner = id::random().ok_or(OpenError::new(OpenErrorKind::NoRandomness))?;
    conn.execute("INSERT OR REPLACE INTO meta VALUES ('owner', ?1)", [owner]).map_err(opening)?;
    Ok(owner)
}

/// Whether nothing was ever made in it.
fn is_empty(conn: &Connection) -> rusqlite::Result<bool> {
    let tables: i64 = conn.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let id: i32 = conn.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    Ok(tables == 0 && id == 0 && migrate::version(conn)? == 0)
}

fn check_version(conn: &Connection) -> Result<(), OpenError> {
    let id: i32 = conn.query_row("PRAGMA application_id", [], |row| row.get(0)).map_err(opening)?;
    if id != APPLICATION_ID {
        return Err(OpenError::new(OpenErrorKind::Foreign));
    }
    match migrate::version(conn).map_err(opening)? {
        FIRST..=VERSION => Ok(()),
        later if later > VERSION => Err(OpenError::new(OpenErrorKind::TooNew)),
        _ => Err(OpenError::new(OpenErrorKind::Foreign)),
    }
}

/// All in one transaction, so that a half-made store is an empty file.
fn create(conn: &Connection) -> Result<(), OpenError> {
    let secret: [u8; SECRET] = id::random().ok_or(OpenError::new(OpenErrorKind::NoRandomness))?;
    let secret = [secret, digest::of_bytes(&secret)].concat();
    let made = conn.execute_batch("BEGIN IMMEDIATE").and_then(|()| {
        conn.execute_batch(TABLES)?;
        conn.execute("INSERT INTO meta VALUES ('secret', ?1)", [secret])?;
        migrate::take_steps(conn, FIRST)?;
        conn.execute_batch(&format!("PRAGMA application_id = {APPLICATION_ID}; COMMIT"))
    });
    made.map_err(opening)
}

/// The error of opening that an error of SQLite is.
pub(super) fn opening(error: rusqlite::Error) -> OpenError {
    let Some(error) = error.sqlite_error() else { return OpenError::new(OpenErrorKind::Damaged) };
    let kind = match error.code {
        ErrorCode::NotADatabase => OpenErrorKind::Foreign,
        ErrorCode::DatabaseBusy => OpenErrorKind::Locked,
        ErrorCode::DatabaseCorrupt => OpenErrorKind::Damaged,
        ErrorCode::DiskFull => OpenErrorKind::Full,
        _ if error.extended_code == rusqlite::ffi::SQLITE_IOERR_SHMSIZE => OpenErrorKind::Full,
        _ => OpenErrorKind::Sqlite,
    };
    OpenError::new(kind).with_detail(error.extended_code)
}
