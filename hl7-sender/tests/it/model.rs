//! The store against a model in memory, over random calls, reopening included.

use std::collections::{BTreeSet, HashMap};
use std::time::SystemTime;

use hl7_sender::{
    Accepted, Answered, DeadLetterReason, Delivery, End, Enqueued, EntryId, LaneId, Received, Request,
    SqliteStore, State, Store,
};
use proptest::prelude::*;

use crate::peer::Folder;
use hl7_sender::contract::{at, finished, inbound, request};

/// Of the keys that are received, 50 and 150 have one name, and so on.
#[derive(Clone, Debug)]
enum Op {
    Enqueue { key: u8, fingerprint: u8, destination: u8, lanes: u8 },
    Receive { key: u8, destination: u8, lanes: u8, unrouted: bool },
    Begin { entry: usize },
    Finish { entry: usize, end: u8, go_on: bool },
    Release { entry: usize },
    DeadLetter { entry: usize },
    Replay { entry: usize },
    Hold { entry: usize },
    HoldLane { entry: usize },
    Cancel { entry: usize },
    Copy { entry: usize, key: u8, lanes: u8 },
    Park { destination: u8, lane: u8, parked: bool },
    Accept { entry: usize },
    Expire { destination: u8, age: u64 },
    Pass { seconds: u64 },
    Reopen,
}

fn op() -> impl Strategy<Value = Op> {
    let entry = 0..8usize;
    prop_oneof![
        4 => (0..10u8, 0..2u8, 0..2u8, lanes()).prop_map(|(key, other, destination, lanes)| {
            // The second fingerprint is rare enough that most calls keep something.
            let fingerprint = if other == 1 && key == 0 { 99 } else { key };
            Op::Enqueue { key, fingerprint, destination, lanes }
        }),
        2 => (50..53u8, 0..2u8, 0..2u8, lanes(), 0..4u8).prop_map(|(key, other, destination, lanes, unrouted)| {
            Op::Receive { key: key + 100 * other, destination, lanes, unrouted: unrouted == 0 }
        }),
        6 => entry.clone().prop_map(|entry| Op::Begin { entry }),
        6 => (entry.clone(), 0..4u8, any::<bool>()).prop_map(|(entry, end, go_on)| Op::Finish { entry, end, go_on }),
        1 => entry.clone().prop_map(|entry| Op::Release { entry }),
        1 => entry.clone().prop_map(|entry| Op::DeadLetter { entry }),
        1 => entry.clone().prop_map(|entry| Op::Replay { entry }),
        1 => entry.clone().prop_map(|entry| Op::Hold { entry }),
        1 => entry.clone().prop_map(|entry| Op::HoldLane { entry }),
        1 => entry.clone().prop_map(|entry| Op::Cancel { entry }),
        1 => (entry.clone(), 20..24u8, lanes()).prop_map(|(entry, key, lanes)| Op::Copy { entry, key, lanes }),
        1 => (0..2u8, 0..3u8, any::<bool>()).prop_map(|(destination, lane, parked)| Op::Park { destination, lane, parked }),
        1 => entry.prop_map(|entry| Op::Accept { entry }),
        1 => (0..2u8, 0..60u64).prop_map(|(destination, age)| Op::Expire { destination, age }),
        2 => (0..40u64).prop_map(|seconds| Op::Pass { seconds }),
        1 => Just(Op::Reopen),
    ]
}

/// The lanes that a message stands in, of three, each a bit: mostly one, sometimes two or all, and none for the common lane.
fn lanes() -> impl Strategy<Value = u8> {
    prop_oneof![6 => (0..3u8).prop_map(|lane| 1 << lane), 3 => 0..8u8]
}

/// The common lane's number.
const COMMON: u8 = 9;

fn numbers(lanes: u8) -> Vec<u8> {
    let numbers: Vec<u8> = (0..3u8).filter(|lane| lanes & (1 << lane) != 0).collect();
    if numbers.is_empty() { vec![COMMON] } else { numbers }
}

/// The delivery as a store is asked for it, in the lanes of these numbers.
fn delivery(destination: u8, lanes: u8) -> Delivery {
    let keys = numbers(lanes).into_iter().filter(|lane| *lane != COMMON);
    let lane_keys = keys.map(|lane| lane.to_string()).collect();
    Delivery { id: EntryId::random(), destination: destination.to_string(), lane_keys }
}

type Lane = (u8, u8);

#[derive(Clone, Debug)]
struct Entry {
    id: EntryId,
    key: u8,
    /// Its home lane first.
    lanes: Vec<Lane>,
    state: State,
    attempts: u32,
    /// When it is tried again.
    next: Option<u64>,
    /// When it was enqueued, released or replayed.
    since: u64,
    accepted: bool,
    copy_of: Option<EntryId>,
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
    parked: BTreeSet<Lane>,
}

impl Model {
    fn head(&self, lane: Lane) -> Option<usize> {
        self.lanes.get(&lane)?.first().copied()
    }

    /// Whether the entry can be given out, some time.
    fn leads(&self, place: usize) -> bool {
        let entry = &self.entries[place];
        let waits = matches!(entry.state, State::Queued | State::Retrying);
        waits && entry.lanes.iter().all(|lane| self.head(*lane) == Some(place) && !self.parked.contains(lane))
    }

    fn open(&mut self, place: usize) {
        for lane in self.entries[place].lanes.clone() {
            self.lanes.entry(lane).or_default().push(place);
        }
    }

    fn add(&mut self, entry: Entry) {
        self.entries.push(entry);
        let place = self.entries.len() - 1;
        if self.entries[place].state == State::Queued {
            self.open(place);
        }
    }

    fn close(&mut self, place: usize) {
        for lane in &self.entries[place].lanes {
            self.lanes.get_mut(lane).unwrap().retain(|open| *open != place);
        }
    }

    /// What `begin` on this lane gives.
    fn begin(&mut self, lane: Lane) -> Option<EntryId> {
        let place = self.head(lane)?;
        if self.entries[place].lanes[0] != lane || !self.leads(place) {
            return None;
        }
        let entry = &mut self.entries[place];
        entry.state = State::Sending;
        entry.attempts += 1;
        entry.next = None;
        Some(entry.id)
    }

    fn finish(&mut self, place: usize, end: End) {
        let now = self.now;
        let entry = &mut self.entries[place];
        entry.accepted = false;
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
        let places = 0..self.entries.len();
        let homes = places.filter(|place| self.leads(*place)).map(|place| &self.entries[place]);
        let is_due = |entry: &&Entry| entry.next.is_none_or(|next| next <= self.now);
        homes.filter(is_due).map(|entry| entry.lanes[0]).filter(|lane| lane.0 == destination).collect()
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
            Op::Enqueue { key, fingerprint, destination, lanes } => {
                self.enqueue(key, fingerprint, destination, lanes).await;
            }
            Op::Receive { key, destination, lanes, unrouted } => {
                self.receive(key, destination, lanes, unrouted).await;
            }
            Op::Begin { entry } => self.begin(entry).await,
            Op::Finish { entry, end, go_on } => self.finish(entry, end, go_on).await,
            Op::Release { entry } | Op::DeadLetter { entry } | Op::Replay { entry } => {
                self.decide(entry, &op).await
            }
            Op::Hold { entry } => self.hold(entry).await,
            Op::HoldLane { entry } => self.hold_lane(entry).await,
            Op::Cancel { entry } => self.cancel(entry).await,
            Op::Copy { entry, key, lanes } => self.copy(entry, key, lanes).await,
            Op::Park { destination, lane, parked } => self.park((destination, lane), parked).await,
            Op::Accept { entry } => self.accept(entry).await,
            Op::Expire { destination, age } => self.expire(destination, age).await,
            Op::Pass { seconds } => self.model.now += seconds,
            Op::Reopen => self.reopen().await,
        }
    }

    fn entry(&self, id: EntryId, key: u8, destination: u8, lanes: u8) -> Entry {
        let lanes = numbers(lanes).into_iter().map(|lane| (destination, lane)).collect();
        let (since, state) = (self.model.now, State::Queued);
        Entry { id, key, lanes, state, attempts: 0, next: None, since, accepted: false, copy_of: None }
    }

    async fn enqueue(&mut self, key: u8, fingerprint: u8, destination: u8, lanes: u8) {
        let deliveries = vec![delivery(destination, lanes)];
        let asked = Request { deliveries, ..request(key, fingerprint, &[]) };
        let id = asked.deliveries[0].id;
        let answer = self.store.enqueue(asked, self.now()).await.unwrap();
        if self.model.fingerprints.get(&key).is_some_and(|known| *known != fingerprint) {
            assert_eq!(answer, Enqueued::KeyReused);
            return;
        }
        self.model.fingerprints.insert(key, fingerprint);
        let known =
            self.model.entries.iter().find(|entry| entry.key == key && entry.lanes[0].0 == destination);
        let Enqueued::Stored(stored) = answer else { panic!("not stored") };
        assert_eq!((stored[0].id, stored[0].repeat), (known.map_or(id, |known| known.id), known.is_some()));
        if known.is_none() {
            let made = self.entry(id, key, destination, lanes);
            self.model.add(made);
        }
    }

    async fn receive(&mut self, key: u8, destination: u8, lanes: u8, unrouted: bool) {
        let mut came = inbound(key, &[]);
        came.request.deliveries = vec![delivery(destination, lanes)];
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
        let mut made = self.entry(id, key, destination, lanes);
        made.state = if unrouted { State::DeadLettered } else { State::Queued };
        self.model.add(made);
    }

    async fn begin(&mut self, entry: usize) {
        let Some(found) = self.model.entries.get(entry) else { return };
        // Any of its lanes, due or not.
        let place = self.model.now as usize % found.lanes.len();
        let lane = found.lanes[place];
        let lane_id = self.store.record(found.id).await.unwrap().unwrap().lanes[place];
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
        let expected = if go_on && settled { self.model.begin(found.lanes[0]) } else { None };
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
        let changed = &mut self.model.entries[entry];
        match op {
            Op::Release { .. } => {
                (changed.state, changed.next, changed.since) = (State::Queued, None, model_now);
                if self.model.leads(entry) {
                    let changed = &mut self.model.entries[entry];
                    (changed.state, changed.next) = (State::Retrying, Some(model_now));
                }
            }
            Op::DeadLetter { .. } => {
                changed.state = State::DeadLettered;
                self.model.close(entry);
            }
            _ => {
                (changed.state, changed.since) = (State::Queued, model_now);
                self.model.open(entry);
            }
        }
    }

    async fn copy(&mut self, entry: usize, key: u8, lanes: u8) {
        let Some(found) = self.model.entries.get(entry).cloned() else { return };
        let destination = found.lanes[0].0;
        let asked = Request { deliveries: vec![delivery(destination, lanes)], ..request(key, key, &[]) };
        let id = asked.deliveries[0].id;
        let copied = self.store.copy(found.id, asked, self.now()).await;
        let is_known = self.model.fingerprints.contains_key(&key);
        assert_eq!(copied.is_ok(), found.state == State::DeadLettered && !is_known);
        if copied.is_ok() {
            self.model.fingerprints.insert(key, key);
            let made = Entry { copy_of: Some(found.id), ..self.entry(id, key, destination, lanes) };
            self.model.add(made);
        }
    }

    async fn park(&mut self, lane: Lane, parked: bool) {
        let (destination, key) = (lane.0.to_string(), lane.1.to_string());
        let id = self.store.lane_of(&destination, Some(&key)).await.unwrap();
        let changed = self.store.park(&destination, id, parked, self.now()).await.unwrap();
        let expected = if parked { self.model.parked.insert(lane) } else { self.model.parked.remove(&lane) };
        assert_eq!(changed, expected);
    }

    async fn accept(&mut self, entry: usize) {
        let Some(found) = self.model.entries.get(entry).cloned() else { return };
        if found.state == State::Sending {
            let (now, end) = (self.now(), End::Unconfirmed);
            let accepted = Accepted { id: found.id, end, acknowledgment: None, sent_at: now, at: now };
            self.store.accepted(accepted).await.unwrap();
            self.model.entries[entry].accepted = true;
        }
    }

    async fn expire(&mut self, destination: u8, age: u64) {
        let Some(oldest) = self.model.now.checked_sub(age) else { return };
        let places = 0..self.model.entries.len();
        let old: Vec<usize> = places
            .filter(|place| self.model.leads(*place) && self.model.entries[*place].lanes[0].0 == destination)
            .filter(|place| self.model.entries[*place].since <= oldest)
            .collect();
        let expired = self.store.expire(&destination.to_string(), at(oldest), self.now(), 99).await.unwrap();
        let expected: BTreeSet<EntryId> = old.iter().map(|place| self.model.entries[*place].id).collect();
        assert_eq!(expired.into_iter().collect::<BTreeSet<_>>(), expected);
        for place in old {
            (self.model.entries[place].state, self.model.entries[place].next) = (State::DeadLettered, None);
            self.model.close(place);
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
        let place = self.model.first_that_waits(found.lanes[0]);
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
        let again = |entry: &&Entry| entry.state == State::Sending && !entry.accepted;
        let under_way = self.model.entries.iter().filter(again).count();
        assert_eq!(self.store.recover(self.now()).await.unwrap(), under_way as u64);
        let now = self.model.now;
        for place in 0..self.model.entries.len() {
            let entry = &mut self.model.entries[place];
            match (entry.state, entry.accepted) {
                (State::Sending, false) => (entry.state, entry.next) = (State::Retrying, Some(now)),
                (State::Sending, true) => {
                    entry.state = State::Unconfirmed;
                    self.model.close(place);
                }
                _ => {}
            }
        }
    }

    /// Every lane with something in it is listed, and with what.
    async fn compare_lanes(&self, destination: u8, lane_ids: &HashMap<LaneId, Lane>) {
        let listed = self.store.lanes(&destination.to_string(), 100).await.unwrap();
        let filled = self.model.lanes.iter().filter(|(lane, open)| lane.0 == destination && !open.is_empty());
        for (lane, open) in filled {
            let (head, parked) = (&self.model.entries[open[0]], self.model.parked.contains(lane));
            let found = listed.iter().find(|found| lane_ids.get(&found.lane) == Some(lane)).expect("a lane");
            assert_eq!((found.open, found.is_parked), (open.len() as u64, parked));
            assert_eq!((found.head, found.state), (Some(head.id), Some(head.state)));
            assert_eq!(found.due.is_some(), self.model.leads(open[0]));
        }
    }

    async fn compare(&self) {
        let mut lane_ids = HashMap::new();
        for entry in &self.model.entries {
            let record = self.store.record(entry.id).await.unwrap().unwrap();
            assert_eq!((record.state, record.attempts), (entry.state, entry.attempts));
            assert_eq!(record.next_attempt_at, entry.next.map(at));
            assert_eq!((record.copy_of, record.lanes.len()), (entry.copy_of, entry.lanes.len()));
            lane_ids.extend(record.lanes.iter().copied().zip(entry.lanes.iter().copied()));
        }
        for destination in 0..2u8 {
            let due = self.store.due(&destination.to_string(), self.now(), 100).await.unwrap();
            let lanes: BTreeSet<Lane> = due.lanes.iter().map(|lane| lane_ids[lane]).collect();
            assert_eq!(lanes, self.model.due(destination));
            self.compare_lanes(destination, &lane_ids).await;
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
