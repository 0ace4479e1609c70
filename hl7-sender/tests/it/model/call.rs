//! A call of a store, made from numbers, and its answer as a text that is the same for all stores.

use std::fmt::Debug;
use std::time::SystemTime;

use hl7_sender::contract::{ACK, inbound, request};
use hl7_sender::{
    Accepted, Attempt, DeadLetterReason, Delivery, End, Enqueued, EntryId, Finished, Inbound, Received,
    Request, Store, StoreError, Stored,
};
use proptest::prelude::*;

use super::seen::Lanes;

/// The entries a call can be about.
#[derive(Clone, Debug)]
pub(super) struct Ids {
    pub(super) sending: Vec<EntryId>,
    pub(super) others: Vec<EntryId>,
}

/// A lane by its destination and its key, of three; the fourth is the common lane.
pub(super) type Lane = (u8, u8);

/// A destination, and its lanes as bits.
#[derive(Clone, Copy, Debug)]
pub(super) struct To {
    id: u128,
    destination: u8,
    lanes: u8,
}

#[derive(Clone, Debug)]
pub(super) enum Call {
    Enqueue {
        key: u8,
        fingerprint: u8,
        to: Vec<To>,
    },
    /// Keys that are alike but for 100 have one name.
    Receive {
        key: u8,
        to: To,
        unrouted: bool,
    },
    Copy {
        of: EntryId,
        key: u8,
        to: To,
    },
    Begin {
        lane: Lane,
    },
    Finish {
        id: EntryId,
        end: u8,
        go_on: bool,
        written: bool,
    },
    Accept {
        id: EntryId,
        acknowledged: bool,
    },
    Unreachable {
        lane: Lane,
        seconds: u64,
    },
    Clamp {
        destination: u8,
        seconds: u64,
    },
    Expire {
        destination: u8,
        age: u64,
    },
    Prune {
        delivered: u64,
        dead_letters: u64,
    },
    Release {
        id: EntryId,
    },
    DeadLetter {
        id: EntryId,
    },
    Replay {
        id: EntryId,
    },
    Hold {
        id: EntryId,
    },
    Cancel {
        id: EntryId,
    },
    HoldLane {
        lane: Lane,
    },
    Park {
        lane: Lane,
        parked: bool,
    },
    Pause {
        destination: u8,
        paused: bool,
    },
    Recover,
    Reopen,
    Pass {
        seconds: u64,
    },
}

/// One in ten messages is a merge.
fn to() -> impl Strategy<Value = To> {
    let lanes = prop_oneof![8 => (0..3u8).prop_map(|lane| 1 << lane), 1 => Just(0), 1 => 0..8u8];
    (any::<u128>(), 0..2u8, lanes).prop_map(|(id, destination, lanes)| To { id, destination, lanes })
}

fn lane() -> impl Strategy<Value = Lane> {
    (0..2u8, 0..4u8)
}

pub(super) fn next(ids: Ids) -> BoxedStrategy<Call> {
    let mut all = [ids.sending.clone(), ids.others].concat();
    all.push(EntryId::from_bytes([7; 16])); // of which no store knows
    let entry = prop::sample::select(all);
    let made = prop_oneof![
        4 => (0..10u8, 0..20u8, prop::collection::vec(to(), 1..3)).prop_map(|(key, other, mut to)| {
            to.dedup_by_key(|to| to.destination);
            // The second fingerprint is rare enough that most calls keep something.
            Call::Enqueue { key, fingerprint: if other == 0 { 99 } else { key }, to }
        }),
        1 => (50..53u8, any::<bool>(), to(), 0..4u8).prop_map(|(key, other, to, unrouted)| {
            Call::Receive { key: key + 100 * u8::from(other), to, unrouted: unrouted == 0 }
        }),
        1 => (entry.clone(), 20..30u8, to()).prop_map(|(of, key, to)| Call::Copy { of, key, to }),
    ];
    let decided = prop_oneof![
        2 => entry.clone().prop_map(|id| Call::Release { id }),
        1 => entry.clone().prop_map(|id| Call::DeadLetter { id }),
        2 => entry.clone().prop_map(|id| Call::Replay { id }),
        2 => entry.clone().prop_map(|id| Call::Hold { id }),
        1 => entry.prop_map(|id| Call::Cancel { id }),
        1 => lane().prop_map(|lane| Call::HoldLane { lane }),
        2 => (lane(), any::<bool>()).prop_map(|(lane, parked)| Call::Park { lane, parked }),
        1 => (0..2u8, any::<bool>()).prop_map(|(destination, paused)| Call::Pause { destination, paused }),
    ];
    let timed = prop_oneof![
        2 => (0..40u64).prop_map(|seconds| Call::Pass { seconds }),
        1 => (0..2u8, 0..40u64).prop_map(|(destination, seconds)| Call::Clamp { destination, seconds }),
        1 => (0..2u8, 0..200u64).prop_map(|(destination, age)| Call::Expire { destination, age }),
        1 => (0..200u64, 0..200u64).prop_map(|(delivered, dead_letters)| Call::Prune { delivered, dead_letters }),
        1 => (lane(), 0..40u64).prop_map(|(lane, seconds)| Call::Unreachable { lane, seconds }),
        1 => Just(Call::Recover),
        1 => Just(Call::Reopen),
    ];
    let begun = lane().prop_map(|lane| Call::Begin { lane });
    if ids.sending.is_empty() {
        return prop_oneof![4 => made, 6 => begun, 3 => decided, 2 => timed].boxed();
    }
    let sending = prop::sample::select(ids.sending);
    let ended = prop_oneof![
        6 => (sending.clone(), 0..8u8, any::<bool>(), 0..5u8).prop_map(|(id, end, go_on, unwritten)| {
            Call::Finish { id, end, go_on, written: unwritten > 0 }
        }),
        1 => (sending, any::<bool>()).prop_map(|(id, acknowledged)| Call::Accept { id, acknowledged }),
    ];
    prop_oneof![4 => made, 4 => begun, 5 => ended, 3 => decided, 2 => timed].boxed()
}

impl Call {
    /// How much later it is made than the one before it.
    pub(super) fn seconds(&self) -> u64 {
        if let Self::Pass { seconds } = self { *seconds } else { 0 }
    }

    /// The entry of which it says how its attempt goes.
    pub(super) fn ends(&self) -> Option<EntryId> {
        match self {
            Self::Finish { id, .. } | Self::Accept { id, .. } => Some(*id),
            _ => None,
        }
    }

    /// Makes it, and gives the answer.
    pub(super) async fn of(&self, store: &impl Store, lanes: &Lanes, now: SystemTime) -> String {
        match self.clone() {
            Self::Enqueue { key, fingerprint, to } => {
                let request = Request { deliveries: deliveries(&to), ..request(key, fingerprint, &[]) };
                match store.enqueue(request, now).await {
                    Ok(Enqueued::Stored(entries)) => {
                        entries.iter().map(|entry| stored(entry, lanes)).collect()
                    }
                    other => text(other),
                }
            }
            Self::Receive { key, to, unrouted } => match store.receive(came(key, to, unrouted), now).await {
                Ok(Received::Stored { entries, name_reused }) => {
                    entries.iter().map(|entry| stored(entry, lanes)).collect::<String>() + &text(name_reused)
                }
                Ok(Received::Repeat(answered)) => text((answered.acknowledgment, answered.at)),
                other => text(other),
            },
            Self::Copy { of, key, to } => {
                let request = Request { deliveries: deliveries(&[to]), ..request(key, key, &[]) };
                let copied = store.copy(of, request, now).await;
                copied.map_or_else(|error| text(error.kind()), |copy| stored(&copy, lanes))
            }
            Self::Begin { lane } => attempt(store.begin(lanes.id(lane)).await, lanes),
            Self::Finish { id, end, go_on, written } => {
                attempt(store.finish(finished(id, end, written, now), go_on).await, lanes)
            }
            Self::Accept { id, acknowledged } => {
                let acknowledgment = acknowledged.then(|| ACK.to_vec());
                let end = if acknowledged { End::Deliver } else { End::Unconfirmed };
                text(store.accepted(Accepted { id, end, acknowledgment, sent_at: now, at: now }).await)
            }
            Self::Unreachable { lane, seconds } => {
                text(store.unreachable(lanes.id(lane), "N203", later(now, seconds)).await)
            }
            Self::Clamp { destination, seconds } => {
                text(store.clamp(&destination.to_string(), later(now, seconds)).await)
            }
            Self::Expire { destination, age } => {
                let expired = store.expire(&destination.to_string(), earlier(now, age), now, 99).await;
                text(expired.map(sorted))
            }
            Self::Prune { delivered, dead_letters } => {
                text(store.prune(earlier(now, delivered), earlier(now, dead_letters), 99).await)
            }
            Self::Release { id } => text(store.release(id, now).await),
            Self::DeadLetter { id } => text(store.dead_letter(id, now).await),
            Self::Replay { id } => text(store.replay(id, now).await),
            Self::Hold { id } => text(store.hold(id).await),
            Self::Cancel { id } => text(store.cancel(id, now).await),
            Self::HoldLane { lane } => text(store.hold_lane(lanes.id(lane)).await),
            Self::Park { lane, parked } => {
                text(store.park(&lane.0.to_string(), lanes.id(lane), parked, now).await)
            }
            Self::Pause { destination, paused } => text(store.pause(&destination.to_string(), paused).await),
            Self::Recover | Self::Reopen => text(store.recover(now).await),
            Self::Pass { .. } => String::new(),
        }
    }
}

pub(super) fn later(time: SystemTime, seconds: u64) -> SystemTime {
    time + std::time::Duration::from_secs(seconds)
}

fn earlier(time: SystemTime, seconds: u64) -> SystemTime {
    time - std::time::Duration::from_secs(seconds)
}

fn deliveries(to: &[To]) -> Vec<Delivery> {
    let keys = |lanes: u8| (0..3u8).filter(move |lane| lanes & (1 << lane) != 0).map(|lane| lane.to_string());
    let delivery = |to: &To| Delivery {
        id: EntryId::from_bytes(to.id.to_be_bytes()),
        destination: to.destination.to_string(),
        lane_keys: keys(to.lanes).collect(),
    };
    to.iter().map(delivery).collect()
}

fn came(key: u8, to: To, unrouted: bool) -> Inbound {
    let mut came = inbound(key, &[]);
    came.request.deliveries = deliveries(&[to]);
    came.dead_letter = unrouted.then_some(DeadLetterReason::Unrouted);
    came
}

fn finished(id: EntryId, end: u8, written: bool, now: SystemTime) -> Finished {
    let (end, failure) = match end {
        0 | 1 => (End::Retry(later(now, 30)), Some("N301")),
        2 => (End::Hold, Some("AE")),
        3 | 4 => (End::Deliver, None),
        5 => (End::Skip, Some("AR")),
        6 => (End::Unconfirmed, None),
        _ => (End::DeadLetter(DeadLetterReason::Refused), Some("CR")),
    };
    let acknowledgment = failure.is_none_or(|code| code != "N301").then(|| ACK.to_vec());
    let sent_at = written.then_some(now);
    Finished { id, end, acknowledgment, failure, rejected: failure.is_some(), sent_at, at: now }
}

fn stored(entry: &Stored, lanes: &Lanes) -> String {
    let in_lanes: Vec<_> = entry.lanes.iter().map(|lane| lanes.name(*lane)).collect();
    text((entry.id, in_lanes, &entry.destination, &entry.control_id, entry.repeat))
}

fn attempt(given: Result<Option<Attempt>, StoreError>, lanes: &Lanes) -> String {
    text(given.map(|given| {
        given.map(|given| {
            let counted = (given.tries, given.rejections, given.since);
            (given.id, lanes.name(given.lane), given.is_merge, given.body, given.digest, counted)
        })
    }))
}

fn sorted<T: Ord>(mut all: Vec<T>) -> Vec<T> {
    all.sort();
    all
}

fn text(what: impl Debug) -> String {
    format!("{what:?}")
}
