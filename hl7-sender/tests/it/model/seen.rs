//! Everything that can be read of a store, as texts that are the same for all stores.

use std::time::SystemTime;

use hl7_sender::{LaneId, Record, Store};

use super::call::{Lane, later};

/// The lanes of a store by their names: each store has its own secret.
pub(super) struct Lanes {
    ids: Vec<(Lane, LaneId)>,
}

impl Lanes {
    pub(super) async fn of(store: &impl Store) -> Self {
        let mut ids = Vec::new();
        for lane in (0..2u8).flat_map(|destination| (0..4u8).map(move |key| (destination, key))) {
            let (destination, key) = (lane.0.to_string(), lane.1.to_string());
            let key = Some(key.as_str()).filter(|_| lane.1 < 3);
            ids.push((lane, store.lane_of(&destination, key).await.unwrap()));
        }
        Self { ids }
    }

    pub(super) fn id(&self, lane: Lane) -> LaneId {
        self.ids.iter().find(|(known, _)| *known == lane).expect("a lane").1
    }

    pub(super) fn name(&self, id: LaneId) -> Lane {
        self.ids.iter().find(|(_, known)| *known == id).expect("a lane").0
    }
}

pub(super) async fn look(store: &impl Store, now: SystemTime) -> Vec<String> {
    let lanes = Lanes::of(store).await;
    let mut seen = Vec::new();
    for record in store.recent(None, 99).await.unwrap() {
        let alone = store.record(record.id).await.unwrap();
        assert_eq!(alone.map(|record| shown(&record, &lanes)), Some(shown(&record, &lanes)));
        seen.push(shown(&record, &lanes));
        let body = store.message(record.id).await.unwrap();
        seen.push(format!("{:?}", body.map(|body| body.first().copied())));
    }
    let dead = store.dead_letters(99).await.unwrap();
    seen.push(format!("dead {:?}", dead.iter().map(|record| record.id).collect::<Vec<_>>()));
    let counts = store.counts().await.unwrap();
    let mut counts: Vec<_> = counts
        .iter()
        .map(|count| (count.destination().to_owned(), count.state(), count.messages()))
        .collect();
    counts.sort();
    seen.push(format!("{counts:?}, paused {:?}", store.paused().await.unwrap()));
    for destination in ["0", "1"] {
        for time in [now, later(now, 500)] {
            let due = store.due(destination, time, 99).await.unwrap();
            let mut homes: Vec<_> = due.lanes.iter().map(|lane| lanes.name(*lane)).collect();
            homes.sort_unstable();
            seen.push(format!("due {homes:?} and at {:?}", due.next));
        }
        seen.extend(shown_lanes(store, destination, &lanes).await);
    }
    for key in [50, 51, 52, 150, 151, 152, 1] {
        let answered = store.answered([key; 32]).await.unwrap();
        seen.push(format!("{:?}", answered.map(|answered| (answered.acknowledgment, answered.at))));
    }
    seen
}

async fn shown_lanes(store: &impl Store, destination: &str, lanes: &Lanes) -> Vec<String> {
    let listed = store.lanes(destination, 99).await.unwrap();
    let shown = listed.iter().map(|lane| {
        let name = lanes.name(lane.lane);
        format!("{:?}", (name, lane.open, lane.head, lane.state, lane.due, lane.is_parked))
    });
    let mut shown: Vec<_> = shown.collect();
    // Those that wait equally long stand in any order.
    shown.sort();
    shown
}

fn shown(record: &Record, lanes: &Lanes) -> String {
    let in_lanes: Vec<_> = record.lanes.iter().map(|lane| lanes.name(*lane)).collect();
    let times =
        (record.enqueued_at, record.sent_at, record.answered_at, record.settled_at, record.next_attempt_at);
    let what = (&record.origin, &record.destination, &record.control_id, &record.message_type, record.size);
    let state = (record.state, record.reason, record.attempts, &record.failure, record.answers);
    let rest = (&record.acknowledgment, record.copy_of, &record.copies);
    format!("{:?}", (record.id, in_lanes, what, state, times, rest))
}
