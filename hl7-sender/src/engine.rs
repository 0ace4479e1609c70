//! What the tasks of a sender share.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use hl7_core::Path;
use tokio::sync::{Notify, watch};

use crate::destination::Destination;
use crate::error::StoreError;
use crate::gate::Gate;
use crate::policy::Policy;
use crate::retry::Retry;
use crate::store::AnyStore;
use crate::transport::{Mllp, Transport};
use crate::watch::Watch;

pub(crate) type Clock = Arc<dyn Fn() -> SystemTime + Send + Sync>;

pub(crate) struct Engine {
    pub(crate) store: Arc<dyn AnyStore>,
    pub(crate) watch: Watch,
    pub(crate) clock: Clock,
    /// Becomes true, or loses its sender, when the sender ends.
    pub(crate) stop: watch::Receiver<bool>,
}

impl Engine {
    pub(crate) fn now(&self) -> SystemTime {
        (self.clock)()
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
    pub(crate) lane_key: Option<Path>,
    pub(crate) retry: Retry,
    pub(crate) policy: Policy,
    pub(crate) transport: Box<dyn Transport>,
    gate: Mutex<Gate>,
    /// Something may be due, or a lane may start.
    pub(crate) wake: Notify,
}

impl Target {
    pub(crate) fn new(destination: Destination) -> Self {
        let transport = Box::new(Mllp::of(&destination));
        Self::with_transport(destination, transport)
    }

    pub(crate) fn with_transport(destination: Destination, transport: Box<dyn Transport>) -> Self {
        Self {
            transport,
            gate: Mutex::new(Gate::new(destination.connections)),
            name: destination.name,
            lane_key: destination.lane_key,
            retry: destination.retry,
            policy: destination.policy,
            wake: Notify::new(),
        }
    }

    pub(crate) fn gate(&self) -> MutexGuard<'_, Gate> {
        self.gate.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
