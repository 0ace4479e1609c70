//! What is counted of a destination while it is served.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::entry::{Attempt, End, Finished};
use crate::event::EntryChange;
use crate::tally::{Clocked, Codes, Present, Tick};
use crate::transport::{Confirmation, Failure, FailureKind};

/// The tallies of all destinations.
#[derive(Default)]
pub(crate) struct Tallies(Mutex<BTreeMap<String, Arc<DestinationTally>>>);

/// A destination's, also when another is put in its place.
#[derive(Default)]
pub(crate) struct DestinationTally {
    /// The destination's name, for events.
    pub(crate) name: Arc<str>,
    pub(crate) enqueued: Tick,
    pub(crate) received: Tick,
    pub(crate) repeats: Tick,
    pub(crate) attempts: Tick,
    pub(crate) delivered: Tick,
    pub(crate) unconfirmed: Tick,
    pub(crate) skipped: Tick,
    pub(crate) retries: Tick,
    pub(crate) rejected: Tick,
    pub(crate) unknown: Tick,
    pub(crate) dead_letters: Tick,
    pub(crate) held: Tick,
    pub(crate) released: Tick,
    pub(crate) replayed: Tick,
    pub(crate) cancelled: Tick,
    pub(crate) failures: Codes,
    pub(crate) connects: Tick,
    pub(crate) failed_connects: Tick,
    pub(crate) connections: Present,
    pub(crate) acknowledgment_time: Clocked,
    pub(crate) delivery_time: Clocked,
}

impl Tallies {
    /// That of a destination, new or as it was.
    pub(crate) fn of(&self, name: &str) -> Arc<DestinationTally> {
        let mut all = self.lock();
        let tally = all.entry(name.to_owned()).or_insert_with(|| Arc::new(DestinationTally::new(name)));
        Arc::clone(tally)
    }

    pub(crate) fn remove(&self, name: &str) {
        self.lock().remove(name);
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Arc<DestinationTally>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl DestinationTally {
    fn new(name: &str) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// An entry was made.
    pub(crate) fn made(&self, change: EntryChange) {
        match change {
            EntryChange::Received => self.received.add(),
            _ => self.enqueued.add(),
        }
    }

    /// A person decided something of an entry.
    pub(crate) fn decided(&self, change: EntryChange) {
        match change {
            EntryChange::Held => self.held.add(),
            EntryChange::DeadLettered(_) => self.dead_letters.add(),
            EntryChange::Released => self.released.add(),
            EntryChange::Replayed => self.replayed.add(),
            EntryChange::Cancelled => self.cancelled.add(),
            _ => {}
        }
    }

    /// A message was handed to a connection, and this came of it after so long.
    pub(crate) fn answered(&self, sent: &Result<Confirmation, Failure>, after: Duration) {
        use FailureKind as K;
        match sent {
            Ok(Confirmation::Acknowledged(_)) => self.acknowledgment_time.add(after),
            Err(failure) if !matches!(failure.kind(), K::NotSent | K::Unsendable | K::NotTaken) => {
                self.unknown.add()
            }
            _ => {}
        }
    }

    /// An attempt ended, and that is durable.
    pub(crate) fn ended(&self, attempt: &Attempt, finished: &Finished) {
        match finished.end {
            End::Deliver => {
                self.delivered.add();
                self.delivery_time.add(finished.at.duration_since(attempt.since).unwrap_or_default());
            }
            End::Unconfirmed => self.unconfirmed.add(),
            End::Skip => self.skipped.add(),
            End::Retry(_) => self.retries.add(),
            End::Hold => self.held.add(),
            End::DeadLetter(_) => self.dead_letters.add(),
        }
        if let Some(code) = finished.failure {
            self.failures.add(code);
        }
        if finished.rejected {
            self.rejected.add();
        }
    }
}
