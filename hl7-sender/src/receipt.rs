//! What the caller holds of an entry.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hl7_mllp::Acknowledgment;
use tokio::time::{Instant, timeout_at};

use crate::engine::Engine;
use crate::entry::{DeadLetterReason, Record, State, Stored};
use crate::error::{StoreError, StoreErrorKind};
use crate::id::EntryId;
use crate::status::Status;

/// The proof that a message is durable for one destination, and the way to learn what becomes of it. Dropping it changes nothing.
#[derive(Clone)]
pub struct Receipt {
    engine: Arc<Engine>,
    stored: Stored,
    /// Of all clones.
    known: Arc<Mutex<Known>>,
}

/// What the holder of a receipt was told.
struct Known {
    /// How many acknowledgments; of a repeat, nothing is known before the first look.
    answers: Option<u32>,
    status: Option<Status>,
}

/// How a wait ended, and where the entry stood.
enum Waited {
    Enough(Status),
    /// The sender ends.
    Ending(Status),
}

/// How an entry ended.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// Delivered: the positive acknowledgment is on record.
    Delivered(Acknowledgment),
    /// Delivered, as far as the receiver has said: it has the message in safe keeping (`CA`, or 0x06 of MLLP release 2), and its
    /// acknowledgment did not come or was not asked for. [`Status::last_failure`] has the code. It is not sent again.
    Taken,
    /// Given up.
    DeadLettered(DeadLetterReason),
    /// Sent, and not confirmed: [`State::Unconfirmed`]. With [`crate::SettleOn::Application`] the accept acknowledgment may be there, as
    /// [`Status::last_acknowledgment`].
    Unconfirmed,
    /// Passed over by the destination's table: [`crate::Action::Skip`].
    Skipped,
    /// Taken back: [`crate::Sender::cancel`].
    Cancelled,
}

impl Outcome {
    /// The outcome of an entry that is settled.
    pub(crate) fn of(status: &Status) -> Option<Self> {
        match status.state() {
            State::Delivered => {
                // An older one may be on record, of an attempt that was refused.
                let positive = status.last_acknowledgment().filter(|ack| ack.code().is_positive());
                Some(positive.map_or(Self::Taken, Self::Delivered))
            }
            State::DeadLettered => status.dead_letter_reason().map(Self::DeadLettered),
            State::Unconfirmed => Some(Self::Unconfirmed),
            State::Skipped => Some(Self::Skipped),
            State::Cancelled => Some(Self::Cancelled),
            _ => None,
        }
    }
}

impl Receipt {
    /// A receipt; with the record of an entry that was just made.
    pub(crate) fn new(engine: Arc<Engine>, stored: Stored, made: Option<Record>) -> Self {
        let known = Known { answers: made.as_ref().map(|_| 0), status: made.map(Status::new) };
        Self { engine, stored, known: Arc::new(Mutex::new(known)) }
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

    /// Waits for the end. It can take as long as an outage, or as a person's decision about a held lane.
    ///
    /// # Errors
    /// When the store fails, when the sender is shut down ([`StoreErrorKind::Closed`]), when the entry was removed because its time was over, and when its
    /// acknowledgment does not open ([`StoreErrorKind::Sealed`]). None of
    /// these changes what becomes of the message.
    pub async fn outcome(&self) -> Result<Outcome, StoreError> {
        let Waited::Enough(status) = self.wait_until(|status| status.state().is_settled()).await? else {
            return Err(StoreError::new(StoreErrorKind::Closed));
        };
        if status.has_shut_acknowledgment() {
            return Err(StoreError::new(StoreErrorKind::Sealed));
        }
        Outcome::of(&status).ok_or(StoreError::new(StoreErrorKind::Damaged))
    }

    /// Waits for an answer, at most this long: until the entry is settled or held, or an acknowledgment of any code came that the caller
    /// does not know. Then, or when the time is over, or when the sender ends, gives where it stands.
    ///
    /// The caller whose call made the entry knows of no acknowledgment. Each later call on the receipt or a clone waits for one that came after the last it gave. The
    /// receipt of a repeat waits for one that comes after its first call began, because an older one has been answered for; so has one from before
    /// a release or a replay.
    ///
    /// # Errors
    /// When the store fails, and when the entry was removed because its time was over. When the sender was shut down, the status last known is
    /// given, and [`StoreErrorKind::Closed`] only where none is: for a repeat whose receipt was asked nothing before.
    pub async fn answered(&self, within: Duration) -> Result<Status, StoreError> {
        let waited = match Instant::now().checked_add(within) {
            None => Ok(self.wait_for_answer().await),
            Some(deadline) => timeout_at(deadline, self.wait_for_answer()).await,
        };
        let status = match waited {
            Ok(Ok(Waited::Enough(status) | Waited::Ending(status))) => Ok(status),
            Ok(Err(error)) => Err(error),
            Err(_) => self.status().await,
        };
        let status = status.or_else(|error| self.last_known(error))?;
        let mut known = self.known();
        known.answers = Some(known.answers.map_or(status.answers(), |known| known.max(status.answers())));
        Ok(status)
    }

    /// Where it stands.
    ///
    /// # Errors
    /// As [`Receipt::outcome`].
    pub async fn status(&self) -> Result<Status, StoreError> {
        let record = self.engine.store.record(self.stored.id).await?;
        let status = record
            .map(|record| self.engine.vault.status(record))
            .ok_or(StoreError::new(StoreErrorKind::NotFound))?;
        self.known().status = Some(status.clone());
        Ok(status)
    }

    async fn wait_for_answer(&self) -> Result<Waited, StoreError> {
        let mut known = self.known().answers;
        self.wait_until(|status| status.is_answered(*known.get_or_insert(status.answers()))).await
    }

    async fn wait_until(&self, mut enough: impl FnMut(&Status) -> bool) -> Result<Waited, StoreError> {
        let watcher = self.engine.watch.on(self.stored.id);
        loop {
            let mut changed = std::pin::pin!(watcher.changed.notified());
            // Listening begins before looking, so that no change is missed between the two.
            changed.as_mut().enable();
            let status = self.status().await?;
            if enough(&status) {
                return Ok(Waited::Enough(status));
            }
            if self.engine.is_stopping() {
                return Ok(Waited::Ending(status));
            }
            tokio::select! {
                biased;
                () = changed => {}
                () = self.engine.stopped() => {}
                error = self.engine.failed() => return Err(error),
            }
        }
    }

    /// What was last known of an entry whose store is closed: it is durable all the same.
    fn last_known(&self, error: StoreError) -> Result<Status, StoreError> {
        match error.kind() {
            StoreErrorKind::Closed => self.known().status.clone().ok_or(error),
            _ => Err(error),
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receipt").field("stored", &self.stored).finish_non_exhaustive()
    }
}
