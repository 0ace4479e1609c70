//! What the tasks of a sender share.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use hl7_core::Path;
use tokio::sync::{Notify, watch};

use crate::decision::Rules;
use crate::destination::Destination;
use crate::destination_tally::{DestinationTally, Tallies};
use crate::error::StoreError;
use crate::event::{DestinationChange, DestinationEvent, EntryChange, EntryEvent, Event, Teller};
use crate::gate::Gate;
use crate::id::EntryId;
use crate::store::AnyStore;
use crate::transport::Transport;
use crate::vault::Vault;
use crate::watch::Watch;

pub(crate) type Clock = Arc<dyn Fn() -> SystemTime + Send + Sync>;

pub(crate) struct Engine {
    pub(crate) store: Arc<dyn AnyStore>,
    /// The way to it of everything that holds messages or acknowledgments.
    pub(crate) vault: Vault,
    pub(crate) watch: Watch,
    pub(crate) teller: Teller,
    pub(crate) tallies: Arc<Tallies>,
    pub(crate) clock: Clock,
    /// Becomes true, or loses its sender, when the sender ends.
    pub(crate) stop: watch::Receiver<bool>,
}

impl Engine {
    pub(crate) fn now(&self) -> SystemTime {
        (self.clock)()
    }

    /// Tells those who wait for the entry, and those who listen, of something that became durable.
    pub(crate) fn tell(&self, entry: EntryId, event: impl FnOnce() -> Event) {
        self.watch.changed(entry);
        self.teller.tell(event);
    }

    /// The same, with nothing else to say of it.
    pub(crate) fn tell_change(&self, entry: EntryId, destination: &Arc<str>, change: EntryChange) {
        self.tell(entry, || EntryEvent::of(entry, Arc::clone(destination), change, None, self.now()));
    }

    /// Tells those who listen of something that happened to a destination.
    pub(crate) fn tell_of(&self, destination: &Arc<str>, change: DestinationChange) {
        let destination = || Arc::clone(destination);
        self.teller.tell(|| {
            Event::Destination(DestinationEvent { destination: destination(), change, at: self.now() })
        });
    }

    pub(crate) fn is_stopping(&self) -> bool {
        *self.stop.borrow() || self.stop.has_changed().is_err()
    }

    /// Ends when the store has failed, with why.
    pub(crate) async fn failed(&self) -> StoreError {
        failed(self.store.fault()).await
    }

    /// Ends when the sender does.
    pub(crate) async fn stopped(&self) {
        let mut stop = self.stop.clone();
        // An error says that the sender was dropped.
        let _ = stop.wait_for(|stop| *stop).await;
    }
}

/// Waits for a fault; for ever when its store is dropped without one.
pub(crate) async fn failed(mut fault: watch::Receiver<Option<StoreError>>) -> StoreError {
    let fault = fault.wait_for(Option::is_some).await.ok().and_then(|fault| *fault);
    match fault {
        Some(fault) => fault,
        None => std::future::pending().await,
    }
}

/// A destination as the tasks use it.
pub(crate) struct Target {
    pub(crate) name: String,
    pub(crate) lane_keys: Vec<Path>,
    /// Whether messages that ask for no acknowledgment are taken.
    pub(crate) unconfirmed: bool,
    pub(crate) rules: Rules,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) tally: Arc<DestinationTally>,
    gate: Mutex<Gate>,
    /// Something may be due, or a lane may start.
    pub(crate) wake: Notify,
    stage: watch::Sender<Stage>,
}

/// How far a destination is on its way out.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Stage {
    Running,
    /// No message is begun any more; those under way are waited for.
    Ending,
    /// What is under way is given up, and put back.
    Cut,
}

impl Target {
    pub(crate) fn new(destination: Destination, tallies: &Tallies) -> Self {
        let (policy, retry) = (destination.policy.clone(), destination.retry.clone());
        Self {
            transport: destination.transport(),
            tally: tallies.of(&destination.name),
            gate: Mutex::new(Gate::new(destination.connections)),
            rules: Rules { policy, retry, settle_on: destination.settle_on },
            name: destination.name,
            lane_keys: destination.lane_keys,
            unconfirmed: destination.unconfirmed,
            wake: Notify::new(),
            stage: watch::Sender::new(Stage::Running),
        }
    }

    pub(crate) fn gate(&self) -> MutexGuard<'_, Gate> {
        self.gate.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The longest that a lane may have to wait.
    pub(crate) fn longest(&self) -> Duration {
        let rests = self.gate().outage().is_some_and(|outage| outage.needs_help);
        let retry = &self.rules.retry;
        if rests { retry.longest().max(retry.rest_time()) } else { retry.longest() }
    }

    /// Whether no message may be begun.
    pub(crate) fn is_idle(&self) -> bool {
        self.is_ending() || self.gate().is_paused()
    }

    pub(crate) fn is_ending(&self) -> bool {
        *self.stage.borrow() > Stage::Running
    }

    /// Goes on to a later stage.
    pub(crate) fn end(&self, stage: Stage) {
        self.stage.send_if_modified(|now| std::mem::replace(now, stage.max(*now)) < stage);
    }

    /// Ends when this stage is reached.
    pub(crate) async fn reached(&self, stage: Stage) {
        let mut now = self.stage.subscribe();
        // The sender of the watch is this target.
        let _ = now.wait_for(|now| *now >= stage).await;
    }
}
