//! How many entries are in which state: counted in memory while a transaction runs, and written once before its end.

use rusqlite::{Connection, params};

use super::tables::StateColumn;
use crate::entry::State;

/// What the transaction that runs has changed.
#[derive(Default)]
pub(super) struct Tally {
    changes: Vec<Change>,
}

struct Change {
    origin: String,
    destination: String,
    state: State,
    by: i64,
}

impl Tally {
    /// Notes that so many more entries are in this state.
    pub(super) fn add(&mut self, origin: &str, destination: &str, state: State, by: i64) {
        // A transaction changes few kinds of entries.
        let known = self.changes.iter_mut().find(|change| {
            change.state == state && change.destination == destination && change.origin == origin
        });
        match known {
            Some(change) => change.by += by,
            None => {
                let (origin, destination) = (origin.to_owned(), destination.to_owned());
                self.changes.push(Change { origin, destination, state, by });
            }
        }
    }

    /// Notes that an entry went from one state to another.
    pub(super) fn shift(&mut self, origin: &str, destination: &str, from: State, to: State) {
        if from != to {
            self.add(origin, destination, from, -1);
            self.add(origin, destination, to, 1);
        }
    }

    /// Forgets what a transaction changed that was rolled back.
    pub(super) fn forget(&mut self) {
        self.changes.clear();
    }

    pub(super) fn write(&mut self, conn: &Connection) -> rusqlite::Result<()> {
        for change in self.changes.drain(..).filter(|change| change.by != 0) {
            conn.prepare_cached(
                "INSERT INTO tally VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE SET entries = entries + ?4",
            )?
            .execute(params![
                change.origin,
                change.destination,
                StateColumn(change.state),
                change.by
            ])?;
        }
        Ok(())
    }
}
