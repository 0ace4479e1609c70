//! A store in memory, for tests.

mod deciding;
mod giving;
mod keeping;
mod outbox;
mod reading;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use self::outbox::Outbox;
use crate::digest::Digest;
use crate::entry::{
    Accepted, Attempt, Count, Due, Enqueued, Finished, LaneRecord, Record, Request, State, Stored,
};
use crate::error::{StoreError, StoreErrorKind};
use crate::id::{EntryId, LaneId};
use crate::inbound::{Answered, Inbound, Received};
use crate::past::PastAttempt;
use crate::store::Store;

/// A store in memory: for tests of programs that embed the crate, and as the reference of what a store does. Nothing in it is durable.
///
/// It keeps the contract of [`Store`] as far as the process lives, needs no file and no thread, answers at once, and does the same in every run. Every call looks at all
/// that is there, so it is for thousands of entries, not for millions.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// use hl7_sender::{Destination, MemoryStore, Sender};
///
/// let store = MemoryStore::new();
/// let sender = Sender::builder(store.reopen()).destination(Destination::mllp("ehr", "127.0.0.1:1")).start().await?;
/// # let msg = hl7_core::Message::parse("MSH|^~\\&|LAB|NORTH|EHR|NORTH|20260102030405||ADT^A08|m-1|P|2.5.1\rPID|1||7\r").unwrap();
/// sender.enqueue("ehr", &msg).await.unwrap();
/// drop(sender);
/// // The next start finds what was kept.
/// let sender = Sender::builder(store.reopen()).start().await?;
/// assert_eq!(sender.recent(10).await.unwrap().len(), 1);
/// # Ok::<(), hl7_sender::StartError>(())
/// # }).unwrap();
/// ```
pub struct MemoryStore {
    shelf: Arc<Mutex<Shelf>>,
    opening: u64,
}

/// What all openings share.
#[derive(Clone, Default)]
struct Shelf {
    outbox: Outbox,
    opening: u64,
    /// Why this opening is out of use.
    ended: Option<StoreErrorKind>,
}

impl MemoryStore {
    /// An empty store.
    #[allow(clippy::new_without_default)] // a store is made on purpose
    pub fn new() -> Self {
        Self { shelf: Arc::default(), opening: 0 }
    }

    /// Opens what is there anew, as after a crash: calls of the earlier opening fail with [`StoreErrorKind::Ousted`] and change nothing any more.
    pub fn reopen(&self) -> Self {
        let mut shelf = lock(&self.shelf);
        shelf.opening += 1;
        shelf.ended = None;
        Self { shelf: Arc::clone(&self.shelf), opening: shelf.opening }
    }

    /// A store of its own with the same entries, which can be used also where this one was closed.
    pub fn fork(&self) -> Self {
        let shelf = Shelf { ended: None, ..lock(&self.shelf).clone() };
        Self { opening: shelf.opening, shelf: Arc::new(Mutex::new(shelf)) }
    }

    /// A call, unless the store is out of use. A fault puts it out of use.
    fn call<T>(&self, work: impl FnOnce(&mut Outbox) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let mut shelf = lock(&self.shelf);
        if shelf.opening != self.opening {
            return Err(StoreError::new(StoreErrorKind::Ousted));
        }
        if let Some(why) = shelf.ended {
            return Err(StoreError::new(why));
        }
        let done = work(&mut shelf.outbox);
        if done.as_ref().is_err_and(StoreError::is_fault) {
            shelf.ended = Some(StoreErrorKind::Poisoned);
        }
        done
    }
}

fn lock(shelf: &Mutex<Shelf>) -> MutexGuard<'_, Shelf> {
    shelf.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").field("opening", &self.opening).finish_non_exhaustive()
    }
}

impl Store for MemoryStore {
    async fn enqueue(&self, request: Request, now: SystemTime) -> Result<Enqueued, StoreError> {
        request.check()?;
        self.call(|outbox| Ok(outbox.enqueue(request, now)))
    }

    async fn receive(&self, inbound: Inbound, now: SystemTime) -> Result<Received, StoreError> {
        inbound.request.check()?;
        self.call(|outbox| Ok(outbox.receive(inbound, now)))
    }

    async fn answered(&self, key: Digest) -> Result<Option<Answered>, StoreError> {
        self.call(|outbox| Ok(outbox.answered(key)))
    }

    async fn is_known(&self, key: Digest) -> Result<bool, StoreError> {
        self.call(|outbox| Ok(outbox.known(key).is_some()))
    }

    async fn recover(&self, now: SystemTime) -> Result<u64, StoreError> {
        self.call(|outbox| Ok(outbox.recover(now)))
    }

    async fn due(&self, destination: &str, now: SystemTime, limit: usize) -> Result<Due, StoreError> {
        self.call(|outbox| Ok(outbox.due(destination, now, limit)))
    }

    async fn clamp(&self, destination: &str, latest: SystemTime) -> Result<(), StoreError> {
        self.call(|outbox| {
            outbox.clamp(destination, latest);
            Ok(())
        })
    }

    async fn begin(&self, lane: LaneId) -> Result<Option<Attempt>, StoreError> {
        self.call(|outbox| Ok(outbox.begin(lane)))
    }

    async fn finish(&self, finished: Finished, go_on: bool) -> Result<Option<Attempt>, StoreError> {
        self.call(|outbox| outbox.finish(finished, go_on))
    }

    async fn unreachable(
        &self,
        lane: LaneId,
        failure: &'static str,
        next: SystemTime,
    ) -> Result<Option<EntryId>, StoreError> {
        self.call(|outbox| Ok(outbox.unreachable(lane, failure, next)))
    }

    async fn expire(
        &self,
        destination: &str,
        oldest: SystemTime,
        now: SystemTime,
        limit: usize,
    ) -> Result<Vec<EntryId>, StoreError> {
        self.call(|outbox| Ok(outbox.expire(destination, oldest, now, limit)))
    }

    async fn record(&self, id: EntryId) -> Result<Option<Record>, StoreError> {
        self.call(|outbox| Ok(outbox.record(id)))
    }

    async fn recent(&self, origin: Option<&str>, limit: usize) -> Result<Vec<Record>, StoreError> {
        self.call(|outbox| Ok(outbox.recent(origin, limit)))
    }

    async fn dead_letters(&self, limit: usize) -> Result<Vec<Record>, StoreError> {
        self.call(|outbox| Ok(outbox.in_state(State::DeadLettered, limit)))
    }

    async fn held(&self, limit: usize) -> Result<Vec<Record>, StoreError> {
        self.call(|outbox| Ok(outbox.in_state(State::Held, limit)))
    }

    async fn counts(&self) -> Result<Vec<Count>, StoreError> {
        self.call(|outbox| Ok(outbox.counts()))
    }

    async fn attempts(&self, id: EntryId) -> Result<Vec<PastAttempt>, StoreError> {
        self.call(|outbox| Ok(outbox.attempts(id)))
    }

    async fn message(&self, id: EntryId) -> Result<Option<Vec<u8>>, StoreError> {
        self.call(|outbox| Ok(outbox.message(id)))
    }

    async fn replay(&self, id: EntryId, now: SystemTime) -> Result<String, StoreError> {
        self.call(|outbox| outbox.replay(id, now))
    }

    async fn accepted(&self, accepted: Accepted) -> Result<(), StoreError> {
        self.call(|outbox| outbox.accepted(accepted))
    }

    async fn copy(&self, of: EntryId, request: Request, now: SystemTime) -> Result<Stored, StoreError> {
        request.check()?;
        self.call(|outbox| outbox.copy(of, request, now))
    }

    async fn lane_of(&self, destination: &str, key: Option<&str>) -> Result<LaneId, StoreError> {
        self.call(|_| Ok(keeping::lane_of(destination, key)))
    }

    async fn park(
        &self,
        destination: &str,
        lane: LaneId,
        parked: bool,
        now: SystemTime,
    ) -> Result<bool, StoreError> {
        self.call(|outbox| Ok(outbox.park(destination, lane, parked, now)))
    }

    async fn lanes(&self, destination: &str, limit: usize) -> Result<Vec<LaneRecord>, StoreError> {
        self.call(|outbox| Ok(outbox.lanes(destination, limit)))
    }

    async fn pause(&self, destination: &str, paused: bool) -> Result<(), StoreError> {
        self.call(|outbox| {
            outbox.pause(destination, paused);
            Ok(())
        })
    }

    async fn paused(&self) -> Result<Vec<String>, StoreError> {
        self.call(|outbox| Ok(outbox.paused.iter().cloned().collect()))
    }

    async fn release(&self, id: EntryId, now: SystemTime) -> Result<String, StoreError> {
        self.call(|outbox| outbox.release(id, now))
    }

    async fn dead_letter(&self, id: EntryId, now: SystemTime) -> Result<String, StoreError> {
        self.call(|outbox| outbox.dead_letter(id, now))
    }

    async fn hold(&self, id: EntryId) -> Result<String, StoreError> {
        self.call(|outbox| outbox.hold(id))
    }

    async fn hold_lane(&self, lane: LaneId) -> Result<Option<EntryId>, StoreError> {
        self.call(|outbox| Ok(outbox.hold_lane(lane)))
    }

    async fn cancel(&self, id: EntryId, now: SystemTime) -> Result<String, StoreError> {
        self.call(|outbox| outbox.cancel(id, now))
    }

    async fn prune(
        &self,
        delivered: SystemTime,
        dead_letters: SystemTime,
        limit: usize,
    ) -> Result<usize, StoreError> {
        self.call(|outbox| Ok(outbox.prune(delivered, dead_letters, limit)))
    }

    async fn close(&self) {
        let mut shelf = lock(&self.shelf);
        if shelf.opening == self.opening {
            shelf.ended = shelf.ended.or(Some(StoreErrorKind::Closed));
        }
    }
}
