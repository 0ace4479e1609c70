//! A store in memory that takes time, fails, and ends with its process in the middle of a call. It tells the book what was committed.

use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use hl7_mllp::Acknowledgment;
use hl7_sender::{
    Accepted, Answered, Attempt, Count, Digest, Due, End, Enqueued, EntryId, Finished, Inbound, LaneId,
    LaneRecord, MemoryStore, PastAttempt, Received, Record, Request, State, Store, StoreError,
    StoreErrorKind, Stored,
};
use tokio::time::sleep;

use super::book::{Book, Name};
use super::dice::{Dice, hash};
use super::life::Life;
use super::people::PATIENTS;

/// Of so many calls that write, one ends with a fault of the disk.
const FAULTS: u64 = 400;
/// And one finds no room or the disk busy.
const PASSING: u64 = 60;

pub(super) struct Disk {
    store: MemoryStore,
    pub(super) book: Arc<Book>,
    dice: Arc<Dice>,
    life: Life,
    /// Whether it fails now and then.
    moody: Arc<AtomicBool>,
    broken: AtomicBool,
}

/// How one call goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mood {
    Works,
    Passing(StoreErrorKind),
    /// Nothing was written.
    FailsBefore,
    /// It was written, and nobody is told.
    FailsAfter,
}

impl Disk {
    pub(super) fn new(
        store: MemoryStore,
        book: Arc<Book>,
        dice: Arc<Dice>,
        life: Life,
        moody: Arc<AtomicBool>,
    ) -> Self {
        Self { store, book, dice, life, moody, broken: AtomicBool::new(false) }
    }

    async fn name(&self, id: EntryId) -> Option<Name> {
        let record = self.store.record(id).await.ok()??;
        Some(Name { to: record.destination, id: record.control_id })
    }

    /// A call that writes: it is committed somewhere between its beginning and its end, and each of the three may not be reached.
    async fn write<T>(
        &self,
        what: impl Hash,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let mut dice = self.dice.of(("write", what));
        let mood = self.mood(&mut dice);
        self.pause(dice.u64(0..8)).await?;
        match mood {
            Mood::Passing(kind) => return Err(StoreError::new(kind)),
            Mood::FailsBefore => return self.breaks(),
            Mood::Works | Mood::FailsAfter => {}
        }
        let done = work.await;
        self.pause(dice.u64(0..8)).await?;
        if mood == Mood::FailsAfter { self.breaks() } else { done }
    }

    async fn read<T>(&self, work: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        self.pause(1).await?;
        work.await
    }

    fn mood(&self, dice: &mut fastrand::Rng) -> Mood {
        if !self.moody.load(Ordering::Relaxed) {
            return Mood::Works;
        }
        match (dice.u64(0..FAULTS), dice.u64(0..PASSING)) {
            (0, _) => Mood::FailsBefore,
            (1, _) => Mood::FailsAfter,
            (_, 0) => Mood::Passing(StoreErrorKind::Full),
            (_, 1) => Mood::Passing(StoreErrorKind::Busy),
            _ => Mood::Works,
        }
    }

    fn breaks<T>(&self) -> Result<T, StoreError> {
        self.book.note("the disk fails");
        self.broken.store(true, Ordering::Relaxed);
        Err(StoreError::new(StoreErrorKind::Io))
    }

    async fn pause(&self, millis: u64) -> Result<(), StoreError> {
        sleep(Duration::from_millis(millis)).await;
        self.life.goes_on().await;
        let broken = self.broken.load(Ordering::Relaxed);
        if broken { Err(StoreError::new(StoreErrorKind::Poisoned)) } else { Ok(()) }
    }

    /// Names entries by what they are, so that a run can be repeated.
    fn rename(request: &mut Request) {
        for delivery in &mut request.deliveries {
            let name = (&delivery.destination, &request.control_id);
            let bits = u128::from(hash(name)) << 64 | u128::from(hash((name, "again")));
            delivery.id = EntryId::from_bytes(bits.to_be_bytes());
        }
    }

    fn stored(&self, entries: &[Stored]) {
        for entry in entries.iter().filter(|entry| !entry.repeat) {
            let name = Name { to: entry.destination.clone(), id: entry.control_id.clone() };
            self.book.count(|tally| tally.messages += 1);
            self.book.count(|tally| tally.merges += u64::from(entry.lanes.len() > 1));
            self.book.stored(&name);
        }
    }

    async fn under_way(&self) -> Vec<(EntryId, Name)> {
        let mut all = self.store.recent(None, usize::MAX).await.unwrap_or_default();
        all.retain(|record| record.state == State::Sending);
        all.into_iter()
            .map(|record| (record.id, Name { to: record.destination, id: record.control_id }))
            .collect()
    }

    async fn began(&self, attempt: Option<&Attempt>) {
        let Some(attempt) = attempt else { return };
        if let Some(name) = self.name(attempt.id).await {
            self.book.began(&name);
        }
    }

    /// What a person decides of an entry.
    async fn decide(
        &self,
        what: &'static str,
        id: EntryId,
        work: impl Future<Output = Result<String, StoreError>>,
        told: impl FnOnce(&Book, &Name),
    ) -> Result<String, StoreError> {
        let work = async {
            let done = work.await?;
            let name = self.name(id).await.expect("what was changed is there");
            told(&self.book, &name);
            Ok(done)
        };
        self.write((what, id), work).await
    }

    /// What is put on record as the acknowledgment is one of this very message.
    fn check_acknowledgment(&self, name: &Name, finished: &Finished) {
        let Some(bytes) = &finished.acknowledgment else { return };
        let acknowledgment = Acknowledgment::read(bytes).expect("an acknowledgment");
        let positive = acknowledgment.code().is_positive();
        if ![name.id.as_str(), ""].contains(&acknowledgment.control_id()) {
            self.book.wrong(format!("{name:?} has the acknowledgment of another"));
        }
        if positive != (finished.end == End::Deliver) {
            self.book.wrong(format!("{name:?} is not delivered as its acknowledgment says"));
        }
    }
}

impl Store for Disk {
    async fn enqueue(&self, mut request: Request, now: SystemTime) -> Result<Enqueued, StoreError> {
        Self::rename(&mut request);
        let what = ("enqueue", request.control_id.clone());
        let work = async {
            let done = self.store.enqueue(request, now).await?;
            if let Enqueued::Stored(entries) = &done {
                self.stored(entries);
            }
            Ok(done)
        };
        self.write(what, work).await
    }

    async fn receive(&self, mut inbound: Inbound, now: SystemTime) -> Result<Received, StoreError> {
        Self::rename(&mut inbound.request);
        let what = ("receive", inbound.request.control_id.clone());
        let work = async {
            let done = self.store.receive(inbound, now).await?;
            if let Received::Stored { entries, .. } = &done {
                self.stored(entries);
            }
            Ok(done)
        };
        self.write(what, work).await
    }

    async fn attempts(&self, id: EntryId) -> Result<Vec<PastAttempt>, StoreError> {
        self.read(self.store.attempts(id)).await
    }

    async fn answered(&self, key: Digest) -> Result<Option<Answered>, StoreError> {
        self.read(self.store.answered(key)).await
    }

    async fn is_known(&self, key: Digest) -> Result<bool, StoreError> {
        self.read(self.store.is_known(key)).await
    }

    async fn recover(&self, now: SystemTime) -> Result<u64, StoreError> {
        let work = async {
            let under_way = self.under_way().await;
            let done = self.store.recover(now).await?;
            for (id, name) in under_way {
                match self.store.record(id).await?.map(|record| record.state) {
                    Some(State::Delivered) => self.book.ended(&name, End::Deliver),
                    Some(State::Unconfirmed) => self.book.ended(&name, End::Unconfirmed),
                    _ => self.book.recovered(&name),
                }
            }
            Ok(done)
        };
        self.write("recover", work).await
    }

    async fn due(&self, destination: &str, now: SystemTime, limit: usize) -> Result<Due, StoreError> {
        self.read(self.store.due(destination, now, limit)).await
    }

    async fn clamp(&self, destination: &str, latest: SystemTime) -> Result<(), StoreError> {
        self.write(("clamp", destination), self.store.clamp(destination, latest)).await
    }

    async fn begin(&self, lane: LaneId) -> Result<Option<Attempt>, StoreError> {
        let work = async {
            let done = self.store.begin(lane).await?;
            self.began(done.as_ref()).await;
            Ok(done)
        };
        self.write(("begin", lane), work).await
    }

    async fn finish(&self, finished: Finished, go_on: bool) -> Result<Option<Attempt>, StoreError> {
        let (id, end) = (finished.id, finished.end);
        let work = async {
            let name = self.name(id).await.expect("what is ended is there");
            self.check_acknowledgment(&name, &finished);
            if finished.failure == Some("S204") {
                self.book.gave_up(&name);
            }
            let done = self.store.finish(finished, go_on).await?;
            self.book.ended(&name, end);
            self.began(done.as_ref()).await;
            Ok(done)
        };
        self.write(("finish", id), work).await
    }

    async fn unreachable(
        &self,
        lane: LaneId,
        failure: &'static str,
        next: SystemTime,
    ) -> Result<Option<EntryId>, StoreError> {
        self.write(("unreachable", lane), self.store.unreachable(lane, failure, next)).await
    }

    async fn expire(
        &self,
        destination: &str,
        oldest: SystemTime,
        now: SystemTime,
        limit: usize,
    ) -> Result<Vec<EntryId>, StoreError> {
        let work = async {
            let done = self.store.expire(destination, oldest, now, limit).await?;
            for id in &done {
                self.book.settled(&self.name(*id).await.expect("what expired is there"), "dead");
            }
            Ok(done)
        };
        self.write(("expire", destination), work).await
    }

    async fn record(&self, id: EntryId) -> Result<Option<Record>, StoreError> {
        self.read(self.store.record(id)).await
    }

    async fn recent(&self, origin: Option<&str>, limit: usize) -> Result<Vec<Record>, StoreError> {
        self.read(self.store.recent(origin, limit)).await
    }

    async fn held(&self, limit: usize) -> Result<Vec<Record>, StoreError> {
        self.read(self.store.held(limit)).await
    }

    async fn dead_letters(&self, limit: usize) -> Result<Vec<Record>, StoreError> {
        self.read(self.store.dead_letters(limit)).await
    }

    async fn counts(&self) -> Result<Vec<Count>, StoreError> {
        self.read(self.store.counts()).await
    }

    async fn message(&self, id: EntryId) -> Result<Option<Vec<u8>>, StoreError> {
        self.read(self.store.message(id)).await
    }

    async fn replay(&self, id: EntryId, now: SystemTime) -> Result<String, StoreError> {
        self.decide("replay", id, self.store.replay(id, now), Book::replayed).await
    }

    async fn release(&self, id: EntryId, now: SystemTime) -> Result<String, StoreError> {
        self.decide("release", id, self.store.release(id, now), Book::released).await
    }

    async fn dead_letter(&self, id: EntryId, now: SystemTime) -> Result<String, StoreError> {
        let told = |book: &Book, name: &Name| book.settled(name, "dead");
        self.decide("dead_letter", id, self.store.dead_letter(id, now), told).await
    }

    async fn hold(&self, id: EntryId) -> Result<String, StoreError> {
        self.decide("hold", id, self.store.hold(id), Book::held).await
    }

    async fn hold_lane(&self, lane: LaneId) -> Result<Option<EntryId>, StoreError> {
        let work = async {
            let done = self.store.hold_lane(lane).await?;
            if let Some(id) = done {
                self.book.held(&self.name(id).await.expect("what is held is there"));
            }
            Ok(done)
        };
        self.write(("hold_lane", lane), work).await
    }

    async fn cancel(&self, id: EntryId, now: SystemTime) -> Result<String, StoreError> {
        let told = |book: &Book, name: &Name| book.settled(name, "cancelled");
        self.decide("cancel", id, self.store.cancel(id, now), told).await
    }

    async fn accepted(&self, accepted: Accepted) -> Result<(), StoreError> {
        let id = accepted.id;
        let work = async {
            self.store.accepted(accepted).await?;
            self.book.safe(&self.name(id).await.expect("what is accepted is there"));
            Ok(())
        };
        self.write(("accepted", id), work).await
    }

    async fn copy(&self, of: EntryId, mut request: Request, now: SystemTime) -> Result<Stored, StoreError> {
        Self::rename(&mut request);
        let work = async {
            let done = self.store.copy(of, request, now).await?;
            self.book.count(|tally| tally.copies += 1);
            self.stored(std::slice::from_ref(&done));
            Ok(done)
        };
        self.write(("copy", of), work).await
    }

    async fn lane_of(&self, destination: &str, key: Option<&str>) -> Result<LaneId, StoreError> {
        self.read(self.store.lane_of(destination, key)).await
    }

    async fn park(
        &self,
        destination: &str,
        lane: LaneId,
        parked: bool,
        now: SystemTime,
    ) -> Result<bool, StoreError> {
        let work = async {
            let done = self.store.park(destination, lane, parked, now).await?;
            for patient in PATIENTS {
                if self.store.lane_of(destination, Some(patient)).await? == lane {
                    self.book.parked(destination, patient, parked);
                }
            }
            Ok(done)
        };
        self.write(("park", lane), work).await
    }

    async fn lanes(&self, destination: &str, limit: usize) -> Result<Vec<LaneRecord>, StoreError> {
        self.read(self.store.lanes(destination, limit)).await
    }

    async fn pause(&self, destination: &str, paused: bool) -> Result<(), StoreError> {
        self.write(("pause", destination), self.store.pause(destination, paused)).await
    }

    async fn paused(&self) -> Result<Vec<String>, StoreError> {
        self.read(self.store.paused()).await
    }

    async fn prune(
        &self,
        delivered: SystemTime,
        dead_letters: SystemTime,
        limit: usize,
    ) -> Result<usize, StoreError> {
        self.write("prune", self.store.prune(delivered, dead_letters, limit)).await
    }

    async fn close(&self) {
        self.life.goes_on().await;
        self.store.close().await;
    }
}
