//! What the caller holds of an entry.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use hl7_mllp::Acknowledgment;
use tokio::time::{Instant, timeout_at};

use crate::engine::Engine;
use crate::entry::{DeadLetterReason, State, Stored};
use crate::error::{StoreError, StoreErrorKind};
use crate::id::EntryId;
use crate::status::Status;

/// The proof that a message is durable for one destination, and the way to learn what becomes of it. Dropping it changes nothing.
#[derive(Clone)]
pub struct Receipt {
    engine: Arc<Engine>,
    stored: Stored,
}

/// How an entry ended.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// Delivered: the positive acknowledgment is on record.
    Delivered(Acknowledgment),
    /// Given up.
    DeadLettered(DeadLetterReason),
}

impl Receipt {
    pub(crate) fn new(engine: Arc<Engine>, stored: Stored) -> Self {
        Self { engine, stored }
    }

    /// The entry.
    pub fn id(&self) -> EntryId {
        self.stored.id
    }

    /// Its destination.
    pub fn destination(&self) -> &str {
        &self.stored.destination
    }

    /// MSH-10 of the message that is kept. For a repeat it is that of the first one.
    pub fn control_id(&self) -> &str {
        &self.stored.control_id
    }

    /// Whether the entry was there before: the request had been made already.
    pub fn is_repeat(&self) -> bool {
        self.stored.repeat
    }

    /// Waits for the end: delivered or dead-lettered. It can take as long as an outage, or as a person's decision about a held lane.
    ///
    /// # Errors
    /// When the store fails or is closed, and when the entry was removed because its time was over. None of these changes what becomes of
    /// the message.
    pub async fn outcome(&self) -> Result<Outcome, StoreError> {
        let status = self.wait_until(|status| status.state().is_settled()).await?;
        let failed = || StoreError::new(StoreErrorKind::Io);
        if status.state() == State::Delivered {
            return status.last_acknowledgment().map(Outcome::Delivered).ok_or_else(failed);
        }
        status.dead_letter_reason().map(Outcome::DeadLettered).ok_or_else(failed)
    }

    /// Waits for an answer, at most this long: until an acknowledgment of any code is on record, or the entry is delivered, dead-lettered or held.
    /// Then, or when the time is over, gives where it stands.
    ///
    /// # Errors
    /// As [`Receipt::outcome`].
    pub async fn answered(&self, within: Duration) -> Result<Status, StoreError> {
        let Some(deadline) = Instant::now().checked_add(within) else {
            return self.wait_until(Status::is_answered).await;
        };
        match timeout_at(deadline, self.wait_until(Status::is_answered)).await {
            Ok(answered) => answered,
            Err(_) => self.status().await,
        }
    }

    /// Where it stands.
    ///
    /// # Errors
    /// As [`Receipt::outcome`].
    pub async fn status(&self) -> Result<Status, StoreError> {
        let record = self.engine.store.record(self.stored.id).await?;
        record.map(Status::new).ok_or(StoreError::new(StoreErrorKind::NotFound))
    }

    async fn wait_until(&self, enough: impl Fn(&Status) -> bool) -> Result<Status, StoreError> {
        let watcher = self.engine.watch.on(self.stored.id);
        loop {
            let mut changed = std::pin::pin!(watcher.changed.notified());
            // Listening begins before looking, so that no change is missed between the two.
            changed.as_mut().enable();
            let status = self.status().await?;
            if enough(&status) {
                return Ok(status);
            }
            if self.engine.is_stopping() {
                return Err(StoreError::new(StoreErrorKind::Closed));
            }
            tokio::select! {
                () = changed => {}
                () = self.engine.stopped() => {}
            }
        }
    }
}

impl fmt::Debug for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receipt").field("stored", &self.stored).finish_non_exhaustive()
    }
}
