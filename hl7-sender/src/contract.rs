//! What every [`Store`] promises, as checks that a store of any kind has to pass.
//!
//! They call the store by itself, without a sender, and panic where a promise is broken. What a disk does with a flush they cannot see.
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! use hl7_sender::{MemoryStore, contract};
//! contract::check(async || MemoryStore::new()).await;
//! # });
//! ```

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a broken promise panics

mod merges;

use std::pin::Pin;
use std::time::{Duration, SystemTime};

use self::merges::*;

use crate::{
    Answered, Attempt, Count, DeadLetterReason, Delivery, Due, End, Enqueued, EntryId, Finished, Inbound,
    LaneId, Received, Request, State, Store, StoreError, StoreErrorKind, Stored,
};

/// The acknowledgment with which [`finished`] delivers.
pub const ACK: &[u8] = b"MSH|^~\\&|A\rMSA|AA|m\r";

/// A time, so many seconds after a start that is the same for all.
pub fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000 + seconds)
}

/// A request whose key, fingerprint and body are made from numbers.
pub fn request(key: u8, fingerprint: u8, deliveries: &[(&str, Option<&str>)]) -> Request {
    Request {
        key: [key; 32],
        fingerprint: [fingerprint; 32],
        origin: "tests".to_owned(),
        control_id: format!("m-{key}"),
        message_type: Some("ADT^A08".to_owned()),
        body: vec![key; 100],
        digest: [key; 32],
        deliveries: deliveries
            .iter()
            .map(|(destination, lane_key)| Delivery {
                id: EntryId::random(),
                destination: (*destination).to_owned(),
                lane_keys: lane_key.map(str::to_owned).into_iter().collect(),
            })
            .collect(),
    }
}

/// The end of an attempt that was written at this time; with an acknowledgment when it delivers.
pub fn finished(id: EntryId, end: End, at: SystemTime) -> Finished {
    let acknowledgment = (end == End::Deliver).then(|| ACK.to_vec());
    Finished { id, end, acknowledgment, failure: None, rejected: false, sent_at: Some(at), at }
}

async fn enqueue(store: &impl Store, key: u8, lane: Option<&str>, now: SystemTime) -> Stored {
    let Enqueued::Stored(mut stored) = store.enqueue(request(key, key, &[("ehr", lane)]), now).await.unwrap()
    else {
        panic!("not stored");
    };
    stored.remove(0)
}

async fn lane(store: &impl Store, id: EntryId) -> LaneId {
    store.record(id).await.unwrap().unwrap().home()
}

async fn begin(store: &impl Store, id: EntryId) -> Option<Attempt> {
    store.begin(lane(store, id).await).await.unwrap()
}

async fn state(store: &impl Store, id: EntryId) -> State {
    store.record(id).await.unwrap().unwrap().state
}

/// One type for all checks, so that the runtime's code for tasks is compiled once.
fn boxed(check: impl Future<Output = ()> + Send + 'static) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    Box::pin(check)
}

macro_rules! checks {
    ($($name:ident)*) => {
        /// Checks each promise of the contract, all at once, each with a store of its own, which `fresh` gives, empty.
        ///
        /// # Panics
        /// When the store breaks a promise, with the promise's name.
        pub async fn check<S: Store>(mut fresh: impl AsyncFnMut() -> S) {
            let checks = [$((stringify!($name), tokio::spawn(boxed($name(fresh().await))))),*];
            for (name, check) in checks {
                assert!(check.await.is_ok(), "the store breaks its promise: {name}");
            }
        }
    };
}

checks! {
    keeps_what_it_is_given
    refuses_what_goes_nowhere
    says_of_an_entry_under_which_key_it_is_kept
    finds_the_oldest_that_leads_a_lane
    gives_a_lane_in_order
    a_lane_that_waits_gives_nothing_until_it_is_due
    settles_and_begins_in_one_call
    counts_attempts_before_the_end_is_known
    an_attempt_without_a_write_does_not_count
    keeps_the_attempts_that_failed
    ends_without_a_confirmation_let_the_lane_flow_on
    counts_the_answers_that_ask_for_a_retry
    an_end_without_an_attempt_is_a_fault
    held_lanes_wait_for_a_decision
    a_held_entry_stops_its_lane_where_it_stands
    holding_a_lane_spares_what_is_under_way
    a_cancelled_entry_is_not_given_out
    recovers_what_was_under_way
    clamps_what_is_too_far_off
    notes_an_outage_without_counting
    gives_up_what_is_too_old
    a_reused_key_changes_nothing
    lanes_are_told_apart_by_destination_and_key
    removes_what_is_settled_when_its_time_is_over
    after_close_every_call_fails
    keeps_what_came_in_with_its_acknowledgment
    what_came_in_before_changes_nothing
    calls_with_one_inbound_key_at_a_time_get_one_acknowledgment
    tells_of_a_name_that_stands_for_another_message
    what_came_in_without_a_route_is_a_dead_letter_from_the_start
    an_inbound_key_is_known_until_its_time_is_over
    a_merge_stands_in_the_lanes_of_both
    a_merge_waits_for_what_is_before_it_in_either_lane
    what_is_behind_a_merge_waits_for_it_in_either_lane
    a_merge_that_waits_or_is_held_stops_both_lanes
    merges_in_a_chain_go_out_one_behind_the_other
    merges_in_a_circle_do_not_wait_for_each_other
    a_cancelled_merge_frees_both_lanes
    a_replayed_merge_goes_to_the_end_of_both_lanes
    a_merge_that_was_under_way_is_recovered
    a_merge_that_is_too_old_frees_both_lanes
    holding_a_lane_holds_the_merge_in_it
    a_parked_lane_gives_nothing_out
    a_parked_lane_stops_a_merge_and_a_retry
    lanes_are_listed_as_a_person_asks_for_them
    destinations_are_paused_on_record
    a_copy_has_its_own_lanes_and_says_of_what_it_is_one
    what_was_accepted_is_not_sent_again_after_a_crash
    what_was_accepted_ends_as_the_last_answer_says
}

async fn keeps_what_it_is_given(store: impl Store) {
    let kept = enqueue(&store, 1, Some("a"), at(0)).await;
    let record = store.record(kept.id).await.unwrap().unwrap();
    assert_eq!((record.origin.as_str(), record.destination.as_str()), ("tests", "ehr"));
    assert_eq!((record.control_id.as_str(), record.message_type.as_deref()), ("m-1", Some("ADT^A08")));
    assert_eq!((record.size, record.state, record.attempts), (100, State::Queued, 0));
    assert_eq!((record.enqueued_at, record.settled_at), (at(0), None));
    assert_eq!(store.message(kept.id).await.unwrap().unwrap(), vec![1; 100]);
    assert!(store.record(EntryId::random()).await.unwrap().is_none());
    assert!(store.message(EntryId::random()).await.unwrap().is_none());
}

async fn refuses_what_goes_nowhere(store: impl Store) {
    let dead = enqueue(&store, 1, None, at(0)).await.id;
    begin(&store, dead).await.unwrap();
    let end = End::DeadLetter(DeadLetterReason::Refused);
    store.finish(finished(dead, end, at(1)), false).await.unwrap();
    for _ in 0..2 {
        let refused = [
            store.enqueue(request(2, 2, &[]), at(2)).await.unwrap_err(),
            store.receive(inbound(3, &[]), at(2)).await.unwrap_err(),
            store.copy(dead, request(4, 4, &[]), at(2)).await.unwrap_err(),
        ];
        assert_eq!(refused.map(|why| why.kind()), [StoreErrorKind::NoDelivery; 3]);
    }
    let keys = [2, 3, 4].map(|key| request(key, key, &[]).key);
    for key in keys {
        assert!(!store.is_known(key).await.unwrap());
    }
    assert_eq!(store.recent(None, 10).await.unwrap().len(), 1);
}

async fn says_of_an_entry_under_which_key_it_is_kept(store: impl Store) {
    let (first, second) =
        (enqueue(&store, 1, None, at(0)).await.id, enqueue(&store, 2, None, at(0)).await.id);
    for (key, id) in [(1, first), (2, second)] {
        assert_eq!(store.record(id).await.unwrap().unwrap().key, [key; 32]);
        assert!(store.is_known([key; 32]).await.unwrap());
    }
    assert!(!store.is_known([3; 32]).await.unwrap());
    assert_eq!(begin(&store, first).await.unwrap().key, [1; 32]);
    let next = store.finish(finished(first, End::Deliver, at(1)), true).await.unwrap().unwrap();
    assert_eq!(next.key, [2; 32]);
    assert!(store.is_known([1; 32]).await.unwrap(), "also when it is settled");
}

async fn finds_the_oldest_that_leads_a_lane(store: impl Store) {
    assert_eq!(store.oldest("ehr").await.unwrap(), None);
    let mut ids = Vec::new();
    for (key, lane) in [(1, "a"), (2, "b"), (3, "c"), (4, "d")] {
        ids.push(enqueue(&store, key, Some(lane), at(u64::from(key))).await.id);
    }
    enqueue(&store, 5, Some("a"), at(5)).await;
    // Under way, held, parked, and due.
    begin(&store, ids[0]).await.unwrap();
    store.hold(ids[1]).await.unwrap();
    store.park("ehr", lane(&store, ids[2]).await, true, at(6)).await.unwrap();
    for (n, id) in ids.iter().enumerate() {
        let enqueued = at(n as u64 + 1);
        assert_eq!(store.oldest("ehr").await.unwrap(), Some(enqueued));
        let lanes = store.lanes("ehr", 9).await.unwrap();
        let of = lanes.iter().find(|lane| lane.head == Some(*id)).unwrap();
        assert_eq!(of.enqueued_at, Some(enqueued));
        match n {
            0 => drop(store.finish(finished(*id, End::Deliver, at(7)), false).await.unwrap()),
            _ => drop(store.cancel(*id, at(7)).await.unwrap()),
        }
    }
    assert_eq!(store.oldest("ehr").await.unwrap(), Some(at(5)));
    assert_eq!(store.oldest("lab").await.unwrap(), None);
}

async fn gives_a_lane_in_order(store: impl Store) {
    let mut ids = Vec::new();
    for key in 0..5 {
        ids.push(enqueue(&store, key, Some("a"), at(0)).await.id);
    }
    let due = store.due("ehr", at(0), 10).await.unwrap();
    assert_eq!(due.lanes, [lane(&store, ids[0]).await]);
    assert!(store.due("lab", at(0), 10).await.unwrap().lanes.is_empty());
    for id in ids {
        let attempt = begin(&store, id).await.unwrap();
        assert_eq!((attempt.id, attempt.tries), (id, 1));
        store.finish(finished(id, End::Deliver, at(1)), false).await.unwrap();
        assert_eq!(state(&store, id).await, State::Delivered);
    }
    assert_eq!(store.due("ehr", at(9), 10).await.unwrap(), Due::default());
}

async fn a_lane_that_waits_gives_nothing_until_it_is_due(store: impl Store) {
    let first = enqueue(&store, 1, None, at(0)).await.id;
    enqueue(&store, 2, None, at(0)).await;
    begin(&store, first).await.unwrap();
    let next = store.finish(finished(first, End::Retry(at(60)), at(1)), true).await.unwrap();
    assert!(next.is_none(), "the entry behind waits too");
    let due = store.due("ehr", at(59), 10).await.unwrap();
    assert_eq!((due.lanes.len(), due.next), (0, Some(at(60))));
    let record = store.record(first).await.unwrap().unwrap();
    assert_eq!((record.state, record.next_attempt_at), (State::Retrying, Some(at(60))));
    assert_eq!(store.due("ehr", at(60), 10).await.unwrap().lanes.len(), 1);
    assert_eq!(begin(&store, first).await.unwrap().id, first);
}

async fn settles_and_begins_in_one_call(store: impl Store) {
    let (first, second) =
        (enqueue(&store, 1, None, at(0)).await.id, enqueue(&store, 2, None, at(0)).await.id);
    begin(&store, first).await.unwrap();
    let next = store.finish(finished(first, End::Deliver, at(1)), true).await.unwrap().unwrap();
    assert_eq!((next.id, next.tries, next.body.as_slice()), (second, 1, [2; 100].as_slice()));
    assert_eq!(store.record(second).await.unwrap().unwrap().attempts, 1);
    assert!(store.finish(finished(second, End::Deliver, at(2)), true).await.unwrap().is_none());
    let record = store.record(first).await.unwrap().unwrap();
    assert_eq!(record.acknowledgment.as_deref(), Some(ACK));
    assert_eq!(
        (record.sent_at, record.answered_at, record.settled_at),
        (Some(at(1)), Some(at(1)), Some(at(1)))
    );
}

async fn counts_attempts_before_the_end_is_known(store: impl Store) {
    let id = enqueue(&store, 1, None, at(0)).await.id;
    begin(&store, id).await.unwrap();
    let record = store.record(id).await.unwrap().unwrap();
    assert_eq!((record.state, record.attempts), (State::Sending, 1));
}

async fn an_attempt_without_a_write_does_not_count(store: impl Store) {
    let id = enqueue(&store, 1, None, at(0)).await.id;
    begin(&store, id).await.unwrap();
    let unsent = Finished { sent_at: None, failure: Some("N203"), ..finished(id, End::Retry(at(5)), at(1)) };
    store.finish(unsent, true).await.unwrap();
    let record = store.record(id).await.unwrap().unwrap();
    assert_eq!((record.attempts, record.failure.as_deref(), record.sent_at), (0, Some("N203"), None));
    assert_eq!(begin(&store, id).await.unwrap().tries, 1);
}

async fn keeps_the_attempts_that_failed(store: impl Store) {
    let id = enqueue(&store, 1, None, at(0)).await.id;
    let past = async || {
        let past = store.attempts(id).await.unwrap();
        past.into_iter()
            .map(|past| (past.number, past.sent_at, past.failure, past.answered))
            .collect::<Vec<_>>()
    };
    assert_eq!(past().await, []);
    for (n, acknowledgment) in [(1, None), (2, Some(ACK.to_vec()))] {
        begin(&store, id).await.unwrap();
        let end = finished(id, End::Retry(at(n)), at(n));
        store.finish(Finished { acknowledgment, failure: Some("N203"), ..end }, false).await.unwrap();
    }
    // One that did not take place is none.
    begin(&store, id).await.unwrap();
    let unsent = Finished { sent_at: None, failure: Some("N203"), ..finished(id, End::Retry(at(3)), at(3)) };
    store.finish(unsent, false).await.unwrap();
    // One that the end of a process cut off, of which nobody knows when it was written.
    begin(&store, id).await.unwrap();
    store.recover(at(4)).await.unwrap();
    let failed = |n: u32, answered| (n, Some(at(n.into())), Some("N203".to_owned()), answered);
    let mut expected = vec![failed(1, false), failed(2, true), (3, None, Some("S203".to_owned()), false)];
    assert_eq!(past().await, expected);
    for n in 4..150 {
        begin(&store, id).await.unwrap();
        let end = finished(id, End::Retry(at(0)), at(n.into()));
        store.finish(Finished { failure: Some("N203"), ..end }, false).await.unwrap();
        expected.push(failed(n, false));
    }
    assert_eq!(past().await, expected[expected.len() - 100..], "the newest");
    begin(&store, id).await.unwrap();
    store.finish(finished(id, End::Deliver, at(200)), false).await.unwrap();
    assert_eq!(past().await.len(), 100, "one that delivered is told by the entry");
    assert_eq!(store.attempts(EntryId::random()).await.unwrap(), []);
}

async fn ends_without_a_confirmation_let_the_lane_flow_on(store: impl Store) {
    let mut ids = Vec::new();
    for key in 1..4 {
        ids.push(enqueue(&store, key, Some("a"), at(0)).await.id);
    }
    begin(&store, ids[0]).await.unwrap();
    let next = store.finish(finished(ids[0], End::Unconfirmed, at(1)), true).await.unwrap();
    assert_eq!(next.unwrap().id, ids[1]);
    let next = store.finish(finished(ids[1], End::Skip, at(2)), true).await.unwrap();
    assert_eq!(next.unwrap().id, ids[2]);
    assert_eq!(state(&store, ids[0]).await, State::Unconfirmed);
    assert_eq!(state(&store, ids[1]).await, State::Skipped);
    assert_eq!(store.record(ids[1]).await.unwrap().unwrap().settled_at, Some(at(2)));
    assert!(store.dead_letters(10).await.unwrap().is_empty());
    assert_eq!(store.prune(at(3), at(0), 10).await.unwrap(), 2, "they are kept as long as what is delivered");
}

async fn counts_the_answers_that_ask_for_a_retry(store: impl Store) {
    let id = enqueue(&store, 1, None, at(0)).await.id;
    for (rejected, before) in [(true, 0), (false, 1), (true, 1)] {
        assert_eq!(begin(&store, id).await.unwrap().rejections, before);
        let again = Finished { rejected, ..finished(id, End::Retry(at(0)), at(0)) };
        store.finish(again, false).await.unwrap();
    }
    assert_eq!(begin(&store, id).await.unwrap().rejections, 2);
}

async fn an_end_without_an_attempt_is_a_fault(store: impl Store) {
    let id = enqueue(&store, 1, None, at(0)).await.id;
    let untried = store.finish(finished(id, End::Deliver, at(1)), true).await.unwrap_err();
    assert_eq!((untried.kind(), untried.is_fault()), (StoreErrorKind::Damaged, true));
    assert_eq!(store.record(id).await.unwrap_err().kind(), StoreErrorKind::Poisoned);
}

async fn held_lanes_wait_for_a_decision(store: impl Store) {
    let (first, second) =
        (enqueue(&store, 1, None, at(0)).await.id, enqueue(&store, 2, None, at(0)).await.id);
    let kind = |result: Result<String, StoreError>| result.unwrap_err().kind();
    assert_eq!(kind(store.release(first, at(0)).await), StoreErrorKind::WrongState);
    assert_eq!(kind(store.dead_letter(first, at(0)).await), StoreErrorKind::WrongState);
    assert_eq!(kind(store.replay(first, at(0)).await), StoreErrorKind::WrongState);
    assert_eq!(kind(store.replay(EntryId::random(), at(0)).await), StoreErrorKind::NotFound);

    begin(&store, first).await.unwrap();
    store.finish(finished(first, End::Hold, at(1)), true).await.unwrap();
    enqueue(&store, 3, None, at(2)).await;
    assert_eq!(store.due("ehr", at(9), 10).await.unwrap(), Due::default());
    assert!(begin(&store, first).await.is_none());
    // One behind it is held too; the newest comes first.
    store.hold(second).await.unwrap();
    let held = async |limit| {
        let held = store.held(limit).await.unwrap();
        held.into_iter().map(|record| (record.id, record.state)).collect::<Vec<_>>()
    };
    assert_eq!(held(9).await, [(second, State::Held), (first, State::Held)]);
    assert_eq!(held(1).await, [(second, State::Held)]);
    store.release(second, at(2)).await.unwrap();
    assert_eq!(held(9).await, [(first, State::Held)]);

    assert_eq!(store.release(first, at(3)).await.unwrap(), "ehr");
    let again = begin(&store, first).await.unwrap();
    assert_eq!((again.id, again.tries, again.since), (first, 1, at(3)), "the caps count anew");
    store.finish(finished(first, End::Hold, at(4)), true).await.unwrap();

    store.dead_letter(first, at(5)).await.unwrap();
    let record = store.record(first).await.unwrap().unwrap();
    assert_eq!((record.state, record.reason), (State::DeadLettered, Some(DeadLetterReason::Chosen)));
    assert_eq!((record.attempts, store.dead_letters(9).await.unwrap().len()), (2, 1));
    store.replay(first, at(6)).await.unwrap();
    let mut order = Vec::new();
    let mut next = begin(&store, second).await;
    while let Some(attempt) = next {
        order.push(attempt.body[0]);
        next = store.finish(finished(attempt.id, End::Deliver, at(7)), true).await.unwrap();
    }
    assert_eq!(order, [2, 3, 1], "a replayed entry goes to the end");
}

async fn a_held_entry_stops_its_lane_where_it_stands(store: impl Store) {
    let mut ids = Vec::new();
    for key in 1..4 {
        ids.push(enqueue(&store, key, Some("a"), at(0)).await.id);
    }
    assert_eq!(store.hold(ids[1]).await.unwrap(), "ehr");
    assert_eq!(store.hold(ids[1]).await.unwrap_err().kind(), StoreErrorKind::WrongState);
    begin(&store, ids[0]).await.unwrap();
    assert_eq!(store.hold(ids[0]).await.unwrap_err().kind(), StoreErrorKind::WrongState);
    assert!(store.finish(finished(ids[0], End::Deliver, at(1)), true).await.unwrap().is_none());
    assert!(store.due("ehr", at(9), 10).await.unwrap().lanes.is_empty(), "the lane is held");
    assert!(begin(&store, ids[2]).await.is_none());
    store.release(ids[1], at(2)).await.unwrap();
    assert_eq!(begin(&store, ids[1]).await.unwrap().id, ids[1]);
    // Behind an entry that waits, a release changes nothing of when that one is due.
    store.finish(finished(ids[1], End::Retry(at(50)), at(3)), false).await.unwrap();
    store.hold(ids[2]).await.unwrap();
    store.release(ids[2], at(4)).await.unwrap();
    assert_eq!(
        (state(&store, ids[2]).await, store.due("ehr", at(9), 10).await.unwrap().lanes.len()),
        (State::Queued, 0)
    );
    assert_eq!(store.hold(EntryId::random()).await.unwrap_err().kind(), StoreErrorKind::NotFound);
}

async fn holding_a_lane_spares_what_is_under_way(store: impl Store) {
    let first = enqueue(&store, 1, Some("a"), at(0)).await;
    begin(&store, first.id).await.unwrap();
    assert_eq!(store.hold_lane(first.home()).await.unwrap(), None, "nothing waits");
    let second = enqueue(&store, 2, Some("a"), at(0)).await;
    for _ in 0..2 {
        assert_eq!(store.hold_lane(first.home()).await.unwrap(), Some(second.id));
    }
    assert!(store.finish(finished(first.id, End::Deliver, at(1)), true).await.unwrap().is_none());
    assert_eq!(state(&store, second.id).await, State::Held);
    assert_eq!(store.hold_lane(LaneId::from_bytes([9; 16])).await.unwrap(), None);
}

async fn a_cancelled_entry_is_not_given_out(store: impl Store) {
    let mut ids = Vec::new();
    for key in 1..6 {
        ids.push(enqueue(&store, key, Some("a"), at(0)).await.id);
    }
    begin(&store, ids[0]).await.unwrap();
    assert_eq!(store.cancel(ids[0], at(1)).await.unwrap_err().kind(), StoreErrorKind::WrongState);
    assert_eq!(store.cancel(ids[1], at(1)).await.unwrap(), "ehr");
    assert_eq!(state(&store, ids[1]).await, State::Cancelled);
    let next = store.finish(finished(ids[0], End::Deliver, at(1)), true).await.unwrap();
    assert_eq!(next.unwrap().id, ids[2]);
    store.finish(finished(ids[2], End::Retry(at(99)), at(1)), false).await.unwrap();
    store.cancel(ids[2], at(2)).await.unwrap();
    assert_eq!(store.due("ehr", at(2), 10).await.unwrap().lanes.len(), 1, "the lane flows on at once");
    store.hold(ids[3]).await.unwrap();
    store.cancel(ids[3], at(3)).await.unwrap();
    assert_eq!(begin(&store, ids[4]).await.unwrap().id, ids[4]);
    assert_eq!(store.cancel(ids[1], at(4)).await.unwrap_err().kind(), StoreErrorKind::WrongState);
    assert!(store.dead_letters(10).await.unwrap().is_empty());
    let again = enqueue(&store, 2, Some("a"), at(5)).await;
    assert!(again.repeat, "its key is known: a repeated request does not bring it back");
}

async fn recovers_what_was_under_way(store: impl Store) {
    let id = enqueue(&store, 1, None, at(0)).await.id;
    begin(&store, id).await.unwrap();
    assert_eq!(store.recover(at(5)).await.unwrap(), 1);
    let record = store.record(id).await.unwrap().unwrap();
    assert_eq!(
        (record.state, record.failure.as_deref(), record.attempts),
        (State::Retrying, Some("S203"), 1)
    );
    assert_eq!(store.due("ehr", at(5), 10).await.unwrap().lanes.len(), 1);
    assert_eq!(begin(&store, id).await.unwrap().tries, 2);
}

async fn clamps_what_is_too_far_off(store: impl Store) {
    let id = enqueue(&store, 1, None, at(0)).await.id;
    begin(&store, id).await.unwrap();
    store.finish(finished(id, End::Retry(at(100_000)), at(1)), true).await.unwrap();
    store.clamp("lab", at(60)).await.unwrap();
    assert_eq!(store.due("ehr", at(1), 9).await.unwrap().next, Some(at(100_000)));
    store.clamp("ehr", at(60)).await.unwrap();
    assert_eq!(store.due("ehr", at(1), 9).await.unwrap().next, Some(at(60)));
    assert_eq!(store.record(id).await.unwrap().unwrap().next_attempt_at, Some(at(60)));
}

async fn notes_an_outage_without_counting(store: impl Store) {
    let (first, second) =
        (enqueue(&store, 1, None, at(0)).await.id, enqueue(&store, 2, None, at(0)).await.id);
    let lane = lane(&store, first).await;
    assert_eq!(store.unreachable(lane, "N203", at(9)).await.unwrap(), Some(first));
    let record = store.record(first).await.unwrap().unwrap();
    assert_eq!((record.attempts, record.failure.as_deref()), (0, Some("N203")));
    assert_eq!((record.state, record.next_attempt_at), (State::Retrying, Some(at(9))));
    assert_eq!(state(&store, second).await, State::Queued);
    assert_eq!(store.due("ehr", at(0), 9).await.unwrap().lanes, [lane]);
}

async fn gives_up_what_is_too_old(store: impl Store) {
    let old = enqueue(&store, 1, Some("a"), at(0)).await.id;
    let behind = enqueue(&store, 2, Some("a"), at(1)).await.id;
    let young = enqueue(&store, 3, Some("b"), at(50)).await.id;
    let sending = enqueue(&store, 4, Some("c"), at(0)).await.id;
    begin(&store, sending).await.unwrap();
    let held = enqueue(&store, 5, Some("d"), at(0)).await.id;
    begin(&store, held).await.unwrap();
    store.finish(finished(held, End::Hold, at(1)), false).await.unwrap();

    assert!(store.expire("lab", at(10), at(60), 9).await.unwrap().is_empty());
    assert_eq!(store.expire("ehr", at(10), at(60), 9).await.unwrap(), [old]);
    assert_eq!(store.expire("ehr", at(10), at(60), 9).await.unwrap(), [behind]);
    assert!(store.expire("ehr", at(10), at(60), 9).await.unwrap().is_empty());
    let record = store.record(old).await.unwrap().unwrap();
    assert_eq!((record.state, record.reason), (State::DeadLettered, Some(DeadLetterReason::TooOld)));
    assert_eq!((record.failure.as_deref(), record.settled_at), (Some("S202"), Some(at(60))));
    assert_eq!(state(&store, young).await, State::Queued);
    assert_eq!((state(&store, sending).await, state(&store, held).await), (State::Sending, State::Held));
    let due = store.due("ehr", at(99), 9).await.unwrap();
    let others = [lane(&store, sending).await, lane(&store, young).await];
    assert!(due.lanes.iter().all(|due| others.contains(due)), "the lane of what expired is empty");
}

async fn a_reused_key_changes_nothing(store: impl Store) {
    let kept = enqueue(&store, 1, None, at(0)).await;
    let again = enqueue(&store, 1, Some("elsewhere"), at(1)).await;
    assert_eq!((again.id, again.repeat), (kept.id, true));
    let other = store.enqueue(request(1, 9, &[("ehr", None), ("lab", None)]), at(2)).await.unwrap();
    assert_eq!(other, Enqueued::KeyReused);
    assert_eq!(store.recent(None, 9).await.unwrap().len(), 1);
    let both = store.enqueue(request(1, 1, &[("lab", None), ("ehr", None)]), at(3)).await.unwrap();
    let Enqueued::Stored(both) = both else { panic!("not stored") };
    assert_eq!((both[0].repeat, both[1].repeat, both[1].id), (false, true, kept.id));
}

async fn lanes_are_told_apart_by_destination_and_key(store: impl Store) {
    let ways = [("ehr", None), ("ehr", Some("")), ("ehr", Some("a")), ("lab", Some("a")), ("ehra", None)];
    let mut lanes = std::collections::HashSet::new();
    for (key, way) in (0..).zip(ways) {
        let Enqueued::Stored(stored) = store.enqueue(request(key, key, &[way]), at(0)).await.unwrap() else {
            panic!("not stored");
        };
        lanes.insert(lane(&store, stored[0].id).await);
    }
    assert_eq!(lanes.len(), ways.len());
}

async fn removes_what_is_settled_when_its_time_is_over(store: impl Store) {
    let deliver = async |key, end| {
        let id = enqueue(&store, key, None, at(0)).await.id;
        begin(&store, id).await.unwrap();
        store.finish(finished(id, end, at(u64::from(key))), false).await.unwrap();
        id
    };
    let old = deliver(10, End::Deliver).await;
    let dead = deliver(11, End::DeadLetter(DeadLetterReason::Refused)).await;
    let young = deliver(20, End::Deliver).await;
    let open = enqueue(&store, 30, None, at(0)).await.id;
    assert_eq!(store.prune(at(15), at(0), 100).await.unwrap(), 1);
    assert!(store.record(old).await.unwrap().is_none() && store.message(old).await.unwrap().is_none());
    for kept in [dead, young, open] {
        assert!(store.record(kept).await.unwrap().is_some());
    }
    assert!(!enqueue(&store, 10, None, at(40)).await.repeat, "its key is free again");
    assert_eq!(store.prune(at(99), at(99), 1).await.unwrap(), 1, "no more than asked");
    assert_eq!(store.prune(at(99), at(99), 100).await.unwrap(), 1);
    assert!(store.record(open).await.unwrap().is_some(), "what is open is never removed");
    let left: u64 = store.counts().await.unwrap().iter().map(Count::messages).sum();
    assert_eq!(left, 2);
}

async fn after_close_every_call_fails(store: impl Store) {
    let id = enqueue(&store, 1, None, at(0)).await.id;
    store.close().await;
    assert_eq!(store.record(id).await.unwrap_err().kind(), StoreErrorKind::Closed);
    let again = store.enqueue(request(2, 2, &[("ehr", None)]), at(0)).await;
    assert_eq!(again.unwrap_err().kind(), StoreErrorKind::Closed);
    store.close().await;
}

/// What came in under a key; keys that are alike but for 100 have one name.
pub fn inbound(key: u8, deliveries: &[(&str, Option<&str>)]) -> Inbound {
    Inbound {
        request: request(key, key, deliveries),
        name: [key % 100; 32],
        acknowledgment: format!("MSH|^~\\&|A\rMSA|AA|m-{key}\r").into_bytes(),
        dead_letter: None,
    }
}

async fn receive(store: &impl Store, inbound: Inbound, now: SystemTime) -> (Vec<Stored>, bool) {
    match store.receive(inbound, now).await.unwrap() {
        Received::Stored { entries, name_reused } => (entries, name_reused),
        other => panic!("{other:?}"),
    }
}

async fn keeps_what_came_in_with_its_acknowledgment(store: impl Store) {
    let came = inbound(1, &[("ehr", Some("a")), ("lab", None)]);
    assert_eq!(store.answered(came.request.key).await.unwrap(), None);
    let (entries, name_reused) = receive(&store, came.clone(), at(0)).await;
    assert_eq!((entries.len(), name_reused), (2, false));
    for (entry, destination) in entries.iter().zip(["ehr", "lab"]) {
        assert_eq!((entry.destination.as_str(), entry.repeat), (destination, false));
        assert_eq!(state(&store, entry.id).await, State::Queued);
        assert_eq!(store.message(entry.id).await.unwrap().unwrap(), came.request.body);
        let attempt = begin(&store, entry.id).await.unwrap();
        assert_eq!((attempt.id, attempt.body), (entry.id, came.request.body.clone()));
    }
    let answered = store.answered(came.request.key).await.unwrap().unwrap();
    assert_eq!(answered, Answered { acknowledgment: came.acknowledgment, at: at(0) });
}

async fn what_came_in_before_changes_nothing(store: impl Store) {
    let first = inbound(1, &[("ehr", None)]);
    receive(&store, first.clone(), at(0)).await;
    let mut again = inbound(1, &[("lab", None), ("ehr", None)]);
    again.acknowledgment = b"another".to_vec();
    let answered = Answered { acknowledgment: first.acknowledgment, at: at(0) };
    assert_eq!(store.receive(again, at(9)).await.unwrap(), Received::Repeat(answered));
    let mut other = inbound(1, &[("ehr", None)]);
    other.request.fingerprint = [9; 32];
    assert_eq!(store.receive(other, at(9)).await.unwrap(), Received::KeyReused);
    enqueue(&store, 2, None, at(0)).await;
    assert_eq!(store.receive(inbound(2, &[("ehr", None)]), at(9)).await.unwrap(), Received::KeyReused);
    assert_eq!(store.answered([2; 32]).await.unwrap(), None);
    assert_eq!(store.recent(None, 9).await.unwrap().len(), 2);
}

async fn calls_with_one_inbound_key_at_a_time_get_one_acknowledgment(store: impl Store) {
    let store = std::sync::Arc::new(store);
    let calls = (0..16u8).map(|n| {
        let store = std::sync::Arc::clone(&store);
        let mut came = inbound(1, &[("ehr", None)]);
        came.acknowledgment = vec![n; 10];
        tokio::spawn(async move { (n, store.receive(came, at(0)).await.unwrap()) })
    });
    let (mut kept, mut given) = (Vec::new(), Vec::new());
    for call in calls.collect::<Vec<_>>() {
        match call.await.unwrap() {
            (n, Received::Stored { .. }) => kept.push(vec![n; 10]),
            (_, Received::Repeat(answered)) => given.push(answered.acknowledgment),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((kept.len(), given.len()), (1, 15));
    assert!(given.iter().all(|acknowledgment| *acknowledgment == kept[0]));
    assert_eq!(store.recent(None, 9).await.unwrap().len(), 1);
}

async fn tells_of_a_name_that_stands_for_another_message(store: impl Store) {
    assert!(!receive(&store, inbound(1, &[("ehr", None)]), at(0)).await.1);
    assert!(!receive(&store, inbound(2, &[("ehr", None)]), at(0)).await.1);
    assert!(receive(&store, inbound(101, &[("ehr", None)]), at(0)).await.1);
    assert!(receive(&store, inbound(201, &[("ehr", None)]), at(0)).await.1);
}

async fn what_came_in_without_a_route_is_a_dead_letter_from_the_start(store: impl Store) {
    let held = enqueue(&store, 1, None, at(0)).await.id;
    begin(&store, held).await.unwrap();
    store.finish(finished(held, End::Hold, at(0)), false).await.unwrap();
    let mut came = inbound(2, &[("ehr", None), ("lab", None)]);
    came.dead_letter = Some(DeadLetterReason::Unrouted);
    let (entries, _) = receive(&store, came.clone(), at(5)).await;
    for entry in &entries {
        let record = store.record(entry.id).await.unwrap().unwrap();
        assert_eq!((record.state, record.reason), (State::DeadLettered, Some(DeadLetterReason::Unrouted)));
        assert_eq!((record.settled_at, record.attempts), (Some(at(5)), 0));
    }
    assert_eq!(store.dead_letters(9).await.unwrap().len(), 2);
    for destination in ["ehr", "lab"] {
        assert_eq!(store.due(destination, at(9), 9).await.unwrap(), Due::default());
    }
    assert_eq!(state(&store, held).await, State::Held, "the lane waits as it did");
    store.replay(entries[1].id, at(6)).await.unwrap();
    assert_eq!(begin(&store, entries[1].id).await.unwrap().body, came.request.body);
    store.dead_letter(held, at(7)).await.unwrap();
    store.replay(entries[0].id, at(8)).await.unwrap();
    assert_eq!(begin(&store, entries[0].id).await.unwrap().id, entries[0].id);
}

async fn an_inbound_key_is_known_until_its_time_is_over(store: impl Store) {
    let id = receive(&store, inbound(1, &[("ehr", None)]), at(0)).await.0[0].id;
    assert_eq!(store.prune(at(99), at(99), 9).await.unwrap(), 0, "what is open is never removed");
    begin(&store, id).await.unwrap();
    store.finish(finished(id, End::Deliver, at(10)), false).await.unwrap();
    assert_eq!(store.prune(at(10), at(10), 9).await.unwrap(), 0);
    assert!(store.answered([1; 32]).await.unwrap().is_some());
    assert_eq!(store.prune(at(11), at(11), 9).await.unwrap(), 1);
    assert!(store.answered([1; 32]).await.unwrap().is_none());
    let (again, name_reused) = receive(&store, inbound(1, &[("ehr", None)]), at(20)).await;
    assert!(!again[0].repeat && !name_reused);
}
