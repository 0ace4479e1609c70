//! The store against a model in memory, over random calls, reopening included.

use std::collections::{BTreeSet, HashMap};
use std::time::SystemTime;

use hl7_sender::{Answered, DeadLetterReason, End, Enqueued, EntryId, Received, SqliteStore, State, Store};
use proptest::prelude::*;

use crate::peer::Folder;
use hl7_sender::contract::{at, finished, inbound, request};

/// Of the keys that are received, 50 and 150 have one name, and so on.
#[derive(Clone, Debug)]
enum Op {
    Enqueue { key: u8, fingerprint: u8, destination: u8, lane: u8 },
    Receive { key: u8, destination: u8, lane: u8, unrouted: bool },
    Begin { entry: usize },
    Finish { entry: usize, end: u8, go_on: bool },
    Release { entry: usize },
    DeadLetter { entry: usize },
    Replay { entry: usize },
    Hold { entry: usize },
    HoldLane { entry: usize },
    Cancel { entry: usize },
    Pass { seconds: u64 },
    Reopen,
}

fn op() -> impl Strategy<Value = Op> {
    let entry = 0..8usize;
    prop_oneof![
        4 => (0..10u8, 0..2u8, 0..2u8, 0..2u8).prop_map(|(key, other, destination, lane)| {
            // The second fingerprint is rare enough that most calls keep something.
            let fingerprint = if other == 1 && key == 0 { 99 } else { key };
            Op::Enqueue { key, fingerprint, destination, lane }
        }),
        2 => (50..53u8, 0..2u8, 0..2u8, 0..2u8, 0..4u8).prop_map(|(key, other, destination, lane, unrouted)| {
            Op::Receive { key: key + 100 * other, destination, lane, unrouted: unrouted == 0 }
        }),
        6 => entry.clone().prop_map(|entry| Op::Begin { entry }),
        6 => (entry.clone(), 0..4u8, any::<bool>()).prop_map(|(entry, end, go_on)| Op::Finish { entry, end, go_on }),
        1 => entry.clone().prop_map(|entry| Op::Release { entry }),
        1 => entry.clone().prop_map(|entry| Op::DeadLetter { entry }),
        1 => entry.clone().prop_map(|entry| Op::Replay { entry }),
        1 => entry.clone().prop_map(|entry| Op::Hold { entry }),
        1 => entry.clone().prop_map(|entry| Op::HoldLane { entry }),
        1 => entry.prop_map(|entry| Op::Cancel { entry }),
        2 => (0..40u64).prop_map(|seconds| Op::Pass { seconds }),
        1 => Just(Op::Reopen),
    ]
}

type Lane = (u8, u8);

#[derive(Clone, Debug)]
struct Entry {
    id: EntryId,
    key: u8,
    lane: Lane,
    state: State,
    attempts: u32,
    /// When it is tried again.
    next: Option<u64>,
}

/// What a store is, in the plainest form.
#[derive(Default)]
struct Model {
    now: u64,
    fingerprints: HashMap<u8, u8>,
    /// What messages that came in were answered, and when.
    answers: HashMap<u8, (Vec<u8>, u64)>,
    entries: Vec<Entry>,
    /// The open entries of each lane, in order, as places in `entries`.
    lanes: HashMap<Lane, Vec<usize>>,
}

impl Model {
    fn head(&self, lane: Lane) -> Option<usize> {
        self.lanes.get(&lane)?.first().copied()
    }

    fn close(&mut self, place: usize) {
        let lane = self.entries[place].lane;
        self.lanes.get_mut(&lane).unwrap().retain(|open| *open != place);
    }

    /// What `begin` on the lane of this entry gives.
    fn begin(&mut self, lane: Lane) -> Option<EntryId> {
        let place = self.head(lane)?;
        let entry = &mut self.entries[place];
        if entry.state == State::Held {
            return None;
        }
        entry.state = State::Sending;
        entry.attempts += 1;
        entry.next = None;
        Some(entry.id)
    }

    fn finish(&mut self, place: usize, end: End) {
        let now = self.now;
        let entry = &mut self.entries[place];
        match end {
            End::Retry(_) => (entry.state, entry.next) = (State::Retrying, Some(now + 30)),
            End::Hold => entry.state = State::Held,
            End::Deliver => entry.state = State::Delivered,
            _ => entry.state = State::DeadLettered,
        }
        if entry.state.is_settled() {
            self.close(place);
        }
    }

    /// What holding an entry does, wherever it stands.
    fn hold(&mut self, place: usize) {
        (self.entries[place].state, self.entries[place].next) = (State::Held, None);
    }

    /// Where holding a lane stops it.
    fn first_that_waits(&self, lane: Lane) -> Option<usize> {
        let open = self.lanes.get(&lane)?;
        open.iter().copied().find(|place| self.entries[*place].state != State::Sending)
    }

    fn due(&self, destination: u8) -> BTreeSet<Lane> {
        let is_due = |lane: &&Lane| {
            let head = self.head(**lane).map(|place| &self.entries[place]);
            head.is_some_and(|head| {
                head.state != State::Held && head.next.is_none_or(|next| next <= self.now)
            })
        };
        self.lanes.keys().filter(|lane| lane.0 == destination).filter(is_due).copied().collect()
    }
}

struct Run {
    folder: Folder,
    store: SqliteStore,
    model: Model,
}

impl Run {
    async fn new() -> Self {
        let folder = Folder::new();
        let store = folder.store().await;
        Self { folder, store, model: Model::default() }
    }

    fn now(&self) -> SystemTime {
        at(self.model.now)
    }

    async fn step(&mut self, op: Op) {
        match op {
            Op::Enqueue { key, fingerprint, destination, lane } => {
                self.enqueue(key, fingerprint, (destination, lane)).await;
            }
            Op::Receive { key, destination, lane, unrouted } => {
                self.receive(key, (destination, lane), unrouted).await;
            }
            Op::Begin { entry } => self.begin(entry).await,
            Op::Finish { entry, end, go_on } => self.finish(entry, end, go_on).await,
            Op::Release { entry } | Op::DeadLetter { entry } | Op::Replay { entry } => {
                self.decide(entry, &op).await
            }
            Op::Hold { entry } => self.hold(entry).await,
            Op::HoldLane { entry } => self.hold_lane(entry).await,
            Op::Cancel { entry } => self.cancel(entry).await,
            Op::Pass { seconds } => self.model.now += seconds,
            Op::Reopen => self.reopen().await,
        }
    }

    async fn enqueue(&mut self, key: u8, fingerprint: u8, lane: Lane) {
        let (destination, lane_key) = (lane.0.to_string(), lane.1.to_string());
        let asked = request(key, fingerprint, &[(&destination, Some(&lane_key))]);
        let id = asked.deliveries[0].id;
        let answer = self.store.enqueue(asked, self.now()).await.unwrap();
        if self.model.fingerprints.get(&key).is_some_and(|known| *known != fingerprint) {
            assert_eq!(answer, Enqueued::KeyReused);
            return;
        }
        self.model.fingerprints.insert(key, fingerprint);
        let known = self.model.entries.iter().find(|entry| entry.key == key && entry.lane.0 == lane.0);
        let Enqueued::Stored(stored) = answer else { panic!("not stored") };
        assert_eq!((stored[0].id, stored[0].repeat), (known.map_or(id, |known| known.id), known.is_some()));
        if known.is_none() {
            self.model.lanes.entry(lane).or_default().push(self.model.entries.len());
            self.model.entries.push(Entry { id, key, lane, state: State::Queued, attempts: 0, next: None });
        }
    }

    async fn receive(&mut self, key: u8, lane: Lane, unrouted: bool) {
        let (destination, lane_key) = (lane.0.to_string(), lane.1.to_string());
        let mut came = inbound(key, &[(&destination, Some(&lane_key))]);
        came.acknowledgment = format!("given at {}", self.model.now).into_bytes();
        came.dead_letter = unrouted.then_some(DeadLetterReason::Unrouted);
        let (id, given) = (came.request.deliveries[0].id, came.acknowledgment.clone());
        let answer = self.store.receive(came, self.now()).await.unwrap();
        if let Some((acknowledgment, first)) = self.model.answers.get(&key).cloned() {
            assert_eq!(answer, Received::Repeat(Answered { acknowledgment, at: at(first) }));
            return;
        }
        let named = self.model.answers.keys().any(|known| known % 100 == key % 100);
        let Received::Stored { entries, name_reused } = answer else { panic!("not stored") };
        assert_eq!((entries[0].id, name_reused), (id, named));
        self.model.answers.insert(key, (given, self.model.now));
        let mut state = State::DeadLettered;
        if !unrouted {
            state = State::Queued;
            self.model.lanes.entry(lane).or_default().push(self.model.entries.len());
        }
        self.model.entries.push(Entry { id, key, lane, state, attempts: 0, next: None });
    }

    /// A sender begins a lane only when it is due and not under way.
    async fn begin(&mut self, entry: usize) {
        let Some(lane) = self.model.entries.get(entry).map(|entry| entry.lane) else { return };
        let sending =
            self.model.head(lane).is_some_and(|head| self.model.entries[head].state == State::Sending);
        if sending || !(self.model.due(lane.0).contains(&lane) || self.model.head(lane).is_none()) {
            return;
        }
        let id = self.model.entries[entry].id;
        let lane_id = self.store.record(id).await.unwrap().unwrap().home();
        let given = self.store.begin(lane_id).await.unwrap();
        assert_eq!(given.map(|attempt| attempt.id), self.model.begin(lane));
    }

    async fn finish(&mut self, entry: usize, end: u8, go_on: bool) {
        let Some(found) = self.model.entries.get(entry).cloned() else { return };
        if found.state != State::Sending {
            return;
        }
        let end = match end {
            0 => End::Retry(at(self.model.now + 30)),
            1 => End::Hold,
            2 => End::Deliver,
            _ => End::DeadLetter(DeadLetterReason::Refused),
        };
        let next = self.store.finish(finished(found.id, end, self.now()), go_on).await.unwrap();
        self.model.finish(entry, end);
        let settled = self.model.entries[entry].state.is_settled();
        let expected = if go_on && settled { self.model.begin(found.lane) } else { None };
        assert_eq!(next.map(|attempt| attempt.id), expected);
    }

    async fn decide(&mut self, entry: usize, op: &Op) {
        let Some(found) = self.model.entries.get(entry).cloned() else { return };
        let now = self.now();
        let (done, wanted) = match op {
            Op::Release { .. } => (self.store.release(found.id, now).await, State::Held),
            Op::DeadLetter { .. } => (self.store.dead_letter(found.id, now).await, State::Held),
            _ => (self.store.replay(found.id, now).await, State::DeadLettered),
        };
        assert_eq!(done.is_ok(), found.state == wanted);
        if done.is_err() {
            return;
        }
        let model_now = self.model.now;
        let is_head = self.model.head(found.lane) == Some(entry);
        let changed = &mut self.model.entries[entry];
        match op {
            Op::Release { .. } if !is_head => (changed.state, changed.next) = (State::Queued, None),
            Op::Release { .. } => (changed.state, changed.next) = (State::Retrying, Some(model_now)),
            Op::DeadLetter { .. } => {
                changed.state = State::DeadLettered;
                self.model.close(entry);
            }
            _ => {
                changed.state = State::Queued;
                self.model.lanes.entry(found.lane).or_default().push(entry);
            }
        }
    }

    async fn hold(&mut self, entry: usize) {
        let Some(found) = self.model.entries.get(entry).cloned() else { return };
        let done = self.store.hold(found.id).await;
        assert_eq!(done.is_ok(), matches!(found.state, State::Queued | State::Retrying));
        if done.is_ok() {
            self.model.hold(entry);
        }
    }

    async fn hold_lane(&mut self, entry: usize) {
        let Some(found) = self.model.entries.get(entry).cloned() else { return };
        let lane = self.store.record(found.id).await.unwrap().unwrap().home();
        let held = self.store.hold_lane(lane).await.unwrap();
        let place = self.model.first_that_waits(found.lane);
        assert_eq!(held, place.map(|place| self.model.entries[place].id));
        if let Some(place) = place {
            self.model.hold(place);
        }
    }

    async fn cancel(&mut self, entry: usize) {
        let Some(found) = self.model.entries.get(entry).cloned() else { return };
        let done = self.store.cancel(found.id, self.now()).await;
        assert_eq!(done.is_ok(), !found.state.is_settled() && found.state != State::Sending);
        if done.is_ok() {
            (self.model.entries[entry].state, self.model.entries[entry].next) = (State::Cancelled, None);
            self.model.close(entry);
        }
    }

    async fn reopen(&mut self) {
        self.store.close().await;
        self.store = self.folder.store().await;
        let under_way = self.model.entries.iter().filter(|entry| entry.state == State::Sending).count();
        assert_eq!(self.store.recover(self.now()).await.unwrap(), under_way as u64);
        let now = self.model.now;
        for entry in self.model.entries.iter_mut().filter(|entry| entry.state == State::Sending) {
            (entry.state, entry.next) = (State::Retrying, Some(now));
        }
    }

    async fn compare(&self) {
        let mut lane_ids = HashMap::new();
        for entry in &self.model.entries {
            let record = self.store.record(entry.id).await.unwrap().unwrap();
            assert_eq!((record.state, record.attempts), (entry.state, entry.attempts));
            assert_eq!(record.next_attempt_at, entry.next.map(at));
            lane_ids.insert(record.home(), entry.lane);
        }
        for destination in 0..2u8 {
            let due = self.store.due(&destination.to_string(), self.now(), 100).await.unwrap();
            let lanes: BTreeSet<Lane> = due.lanes.iter().map(|lane| lane_ids[lane]).collect();
            assert_eq!(lanes, self.model.due(destination));
        }
        for (key, (acknowledgment, first)) in &self.model.answers {
            let answered = self.store.answered([*key; 32]).await.unwrap().unwrap();
            assert_eq!((&answered.acknowledgment, answered.at), (acknowledgment, at(*first)));
        }
        let counted: u64 = self.store.counts().await.unwrap().iter().map(hl7_sender::Count::messages).sum();
        assert_eq!(counted, self.model.entries.len() as u64);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_store_does_what_the_model_does(ops in proptest::collection::vec(op(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut run = Run::new().await;
            for op in ops {
                run.step(op).await;
                run.compare().await;
            }
        });
    }
}
