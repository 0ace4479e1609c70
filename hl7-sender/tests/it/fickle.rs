//! A store that fails when it is told to.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::SystemTime;

use tokio::time::Instant;

use hl7_sender::{
    Accepted, Answered, Attempt, Count, Digest, Due, Enqueued, EntryId, Finished, Inbound, LaneId,
    LaneRecord, PastAttempt, Received, Record, Request, SqliteStore, Store, StoreError, StoreErrorKind,
    Stored,
};

use crate::steps::{At, reached};

/// What becomes of what comes in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Mood {
    Works,
    Fails(StoreErrorKind),
    IsFull,
    Hangs,
}

/// The real store, whose calls are steps at which a child can end; it has no room to begin an attempt while `full` is set, and receives by its mood.
pub(crate) struct Fickle {
    store: SqliteStore,
    full: Arc<AtomicBool>,
    mood: Mood,
    pruned: Pruned,
    /// How many calls hang.
    hanging: Arc<AtomicUsize>,
}

/// When something was removed first.
pub(crate) type Pruned = Arc<OnceLock<Instant>>;

impl Fickle {
    pub(crate) fn new(store: SqliteStore, full: &Arc<AtomicBool>) -> Self {
        Self {
            store,
            full: Arc::clone(full),
            mood: Mood::Works,
            pruned: Pruned::default(),
            hanging: Arc::default(),
        }
    }

    pub(crate) fn telling_of_removals(self, pruned: &Pruned) -> Self {
        Self { pruned: Arc::clone(pruned), ..self }
    }

    pub(crate) fn receiving(self, mood: Mood) -> Self {
        Self { mood, ..self }
    }

    /// Calls that hang are counted there.
    pub(crate) fn hanging(self, hanging: &Arc<AtomicUsize>) -> Self {
        Self { mood: Mood::Hangs, hanging: Arc::clone(hanging), ..self }
    }
}

macro_rules! as_it_is {
    ($($name:ident($($arg:ident: $kind:ty),*) -> $result:ty;)*) => {
        $(async fn $name(&self $(, $arg: $kind)*) -> $result { self.store.$name($($arg),*).await })*
    };
}

impl Store for Fickle {
    async fn begin(&self, lane: LaneId) -> Result<Option<Attempt>, StoreError> {
        if self.full.load(Ordering::SeqCst) {
            return Err(StoreError::new(StoreErrorKind::Full));
        }
        let begun = self.store.begin(lane).await?;
        if begun.is_some() {
            reached(At::Marked);
        }
        Ok(begun)
    }

    async fn enqueue(&self, request: Request, now: SystemTime) -> Result<Enqueued, StoreError> {
        reached(At::Keep);
        if self.mood == Mood::Hangs {
            self.hanging.fetch_add(1, Ordering::SeqCst);
            return std::future::pending().await;
        }
        let enqueued = self.store.enqueue(request, now).await;
        reached(At::Kept);
        enqueued
    }

    async fn finish(&self, finished: Finished, go_on: bool) -> Result<Option<Attempt>, StoreError> {
        reached(At::Settle);
        let next = self.store.finish(finished, go_on).await?;
        reached(At::Settled);
        if next.is_some() {
            reached(At::Marked);
        }
        Ok(next)
    }

    async fn prune(
        &self,
        delivered: SystemTime,
        dead_letters: SystemTime,
        limit: usize,
    ) -> Result<usize, StoreError> {
        let begun = Instant::now();
        let removed = self.store.prune(delivered, dead_letters, limit).await?;
        if removed > 0 {
            let _ = self.pruned.set(begun);
        }
        Ok(removed)
    }

    async fn receive(&self, inbound: Inbound, now: SystemTime) -> Result<Received, StoreError> {
        match self.mood {
            Mood::Works => {
                reached(At::Keep);
                let received = self.store.receive(inbound, now).await;
                reached(At::Kept);
                received
            }
            Mood::Fails(kind) => Err(StoreError::new(kind)),
            Mood::IsFull => Ok(Received::Full),
            Mood::Hangs => std::future::pending().await,
        }
    }

    as_it_is! {
        answered(key: Digest) -> Result<Option<Answered>, StoreError>;
        is_known(key: Digest) -> Result<bool, StoreError>;
        recover(now: SystemTime) -> Result<u64, StoreError>;
        due(destination: &str, now: SystemTime, limit: usize) -> Result<Due, StoreError>;
        clamp(destination: &str, latest: SystemTime) -> Result<(), StoreError>;
        unreachable(lane: LaneId, failure: &'static str, next: SystemTime) -> Result<Option<EntryId>, StoreError>;
        expire(destination: &str, oldest: SystemTime, now: SystemTime, limit: usize) -> Result<Vec<EntryId>, StoreError>;
        record(id: EntryId) -> Result<Option<Record>, StoreError>;
        recent(origin: Option<&str>, limit: usize) -> Result<Vec<Record>, StoreError>;
        dead_letters(limit: usize) -> Result<Vec<Record>, StoreError>;
        held(limit: usize) -> Result<Vec<Record>, StoreError>;
        counts() -> Result<Vec<Count>, StoreError>;
        attempts(id: EntryId) -> Result<Vec<PastAttempt>, StoreError>;
        message(id: EntryId) -> Result<Option<Vec<u8>>, StoreError>;
        replay(id: EntryId, now: SystemTime) -> Result<String, StoreError>;
        release(id: EntryId, now: SystemTime) -> Result<String, StoreError>;
        dead_letter(id: EntryId, now: SystemTime) -> Result<String, StoreError>;
        hold(id: EntryId) -> Result<String, StoreError>;
        hold_lane(lane: LaneId) -> Result<Option<EntryId>, StoreError>;
        copy(of: EntryId, request: Request, now: SystemTime) -> Result<Stored, StoreError>;
        accepted(accepted: Accepted) -> Result<(), StoreError>;
        lane_of(destination: &str, key: Option<&str>) -> Result<LaneId, StoreError>;
        park(destination: &str, lane: LaneId, parked: bool, now: SystemTime) -> Result<bool, StoreError>;
        lanes(destination: &str, limit: usize) -> Result<Vec<LaneRecord>, StoreError>;
        pause(destination: &str, paused: bool) -> Result<(), StoreError>;
        paused() -> Result<Vec<String>, StoreError>;
        cancel(id: EntryId, now: SystemTime) -> Result<String, StoreError>;
        close() -> ();
    }
}
