//! What every store promises of entries in several lanes, of lanes that are parked, of copies, and of what a receiver has accepted. Each check is given a
//! fresh store.

use super::{ACK, at, finished, request, state};
use crate::{
    Accepted, DeadLetterReason, Delivery, Due, End, Enqueued, EntryId, Finished, LaneId, Request, State,
    Store, StoreError, StoreErrorKind, Stored,
};

/// A request for one destination, with these lane keys.
fn keyed(key: u8, lane_keys: &[&str]) -> Request {
    let lane_keys = lane_keys.iter().map(|key| (*key).to_owned()).collect();
    let delivery = Delivery { id: EntryId::random(), destination: "ehr".to_owned(), lane_keys };
    Request { deliveries: vec![delivery], ..request(key, key, &[]) }
}

async fn enqueue(store: &impl Store, key: u8, lane_keys: &[&str]) -> Stored {
    match store.enqueue(keyed(key, lane_keys), at(0)).await.unwrap() {
        Enqueued::Stored(mut stored) => stored.remove(0),
        other => panic!("{other:?}"),
    }
}

/// Sends an entry whose turn it is, without going on.
async fn send(store: &impl Store, entry: &Stored, end: End) {
    let attempt = store.begin(entry.home()).await.unwrap().expect("its turn");
    assert_eq!(attempt.id, entry.id);
    assert!(store.finish(finished(entry.id, end, at(1)), false).await.unwrap().is_none());
}

async fn due(store: &impl Store) -> Vec<LaneId> {
    let mut lanes = store.due("ehr", at(9), 99).await.unwrap().lanes;
    lanes.sort();
    lanes
}

fn homes(entries: &[&Stored]) -> Vec<LaneId> {
    let mut homes: Vec<_> = entries.iter().map(|entry| entry.home()).collect();
    homes.sort();
    homes
}

pub(super) async fn a_merge_stands_in_the_lanes_of_both(store: impl Store) {
    let [a, b] = [enqueue(&store, 1, &["a"]).await, enqueue(&store, 2, &["b"]).await];
    let merge = enqueue(&store, 3, &["a", "b"]).await;
    assert_eq!(merge.lanes, [a.home(), b.home()]);
    assert_eq!(store.record(merge.id).await.unwrap().unwrap().lanes, merge.lanes);
    let again = enqueue(&store, 3, &["a", "b"]).await;
    assert_eq!((again.id, again.repeat, again.lanes), (merge.id, true, merge.lanes));
}

pub(super) async fn a_merge_waits_for_what_is_before_it_in_either_lane(store: impl Store) {
    let [a, b] = [enqueue(&store, 1, &["a"]).await, enqueue(&store, 2, &["b"]).await];
    let merge = enqueue(&store, 3, &["a", "b"]).await;
    assert_eq!(due(&store).await, homes(&[&a, &b]));
    let attempt = store.begin(a.home()).await.unwrap().unwrap();
    assert!(!attempt.is_merge);
    let next = store.finish(finished(a.id, End::Deliver, at(1)), true).await.unwrap();
    assert!(next.is_none(), "the merge is first in one lane only");
    assert_eq!(due(&store).await, homes(&[&b]));
    assert!(store.begin(merge.home()).await.unwrap().is_none());
    send(&store, &b, End::Deliver).await;
    assert_eq!(due(&store).await, homes(&[&merge]));
    assert!(store.begin(b.home()).await.unwrap().is_none(), "it is at home elsewhere");
    let attempt = store.begin(merge.home()).await.unwrap().unwrap();
    assert_eq!((attempt.id, attempt.lane, attempt.is_merge), (merge.id, a.home(), true));
    assert!(due(&store).await.is_empty() && store.begin(b.home()).await.unwrap().is_none());
}

pub(super) async fn what_is_behind_a_merge_waits_for_it_in_either_lane(store: impl Store) {
    let merge = enqueue(&store, 1, &["a", "b"]).await;
    let [a, b] = [enqueue(&store, 2, &["a"]).await, enqueue(&store, 3, &["b"]).await];
    assert_eq!(due(&store).await, homes(&[&merge]));
    assert!(store.begin(b.home()).await.unwrap().is_none());
    store.begin(merge.home()).await.unwrap().unwrap();
    let next = store.finish(finished(merge.id, End::Deliver, at(1)), true).await.unwrap();
    assert_eq!(next.unwrap().id, a.id, "its home lane goes on");
    assert_eq!(due(&store).await, homes(&[&b]), "and the other one is due");
    send(&store, &b, End::Deliver).await;
}

pub(super) async fn a_merge_that_waits_or_is_held_stops_both_lanes(store: impl Store) {
    let merge = enqueue(&store, 1, &["a", "b"]).await;
    let [a, b] = [enqueue(&store, 2, &["a"]).await, enqueue(&store, 3, &["b"]).await];
    send(&store, &merge, End::Retry(at(60))).await;
    assert_eq!(store.due("ehr", at(9), 9).await.unwrap(), Due { lanes: Vec::new(), next: Some(at(60)) });
    assert!(store.begin(b.home()).await.unwrap().is_none());
    store.clamp("ehr", at(5)).await.unwrap();
    send(&store, &merge, End::Hold).await;
    assert_eq!(store.due("ehr", at(99), 9).await.unwrap(), Due::default());
    assert!(store.begin(a.home()).await.unwrap().is_none() && store.begin(b.home()).await.unwrap().is_none());
    store.release(merge.id, at(9)).await.unwrap();
    assert_eq!(due(&store).await, homes(&[&merge]));
    send(&store, &merge, End::Hold).await;
    store.dead_letter(merge.id, at(9)).await.unwrap();
    assert_eq!(due(&store).await, homes(&[&a, &b]));
}

pub(super) async fn merges_in_a_chain_go_out_one_behind_the_other(store: impl Store) {
    let keys = [["a", "b"], ["b", "c"], ["c", "d"], ["d", "e"]];
    let mut chain = Vec::new();
    for (n, keys) in (1..).zip(keys) {
        chain.push(enqueue(&store, n, &keys).await);
    }
    let last = enqueue(&store, 9, &["e"]).await;
    for merge in &chain {
        assert_eq!(due(&store).await, homes(&[merge]));
        send(&store, merge, End::Deliver).await;
    }
    assert_eq!(due(&store).await, homes(&[&last]));
}

pub(super) async fn merges_in_a_circle_do_not_wait_for_each_other(store: impl Store) {
    let keys = [["a", "b"], ["b", "c"], ["a", "c"], ["a", "b"]];
    let mut circle = Vec::new();
    for (n, keys) in (1..).zip(keys) {
        circle.push(enqueue(&store, n, &keys).await);
    }
    for merge in &circle {
        assert_eq!(due(&store).await, homes(&[merge]));
        send(&store, merge, End::Deliver).await;
    }
    assert_eq!(store.due("ehr", at(9), 9).await.unwrap(), Due::default());
}

pub(super) async fn a_cancelled_merge_frees_both_lanes(store: impl Store) {
    let first = enqueue(&store, 1, &["a"]).await;
    let merge = enqueue(&store, 2, &["a", "b"]).await;
    let [a, b] = [enqueue(&store, 3, &["a"]).await, enqueue(&store, 4, &["b"]).await];
    assert_eq!(due(&store).await, homes(&[&first]));
    store.cancel(merge.id, at(1)).await.unwrap();
    assert_eq!(due(&store).await, homes(&[&first, &b]), "it had kept the second lane from going on");
    send(&store, &first, End::Deliver).await;
    assert_eq!(due(&store).await, homes(&[&a, &b]));
}

pub(super) async fn a_replayed_merge_goes_to_the_end_of_both_lanes(store: impl Store) {
    let merge = enqueue(&store, 1, &["a", "b"]).await;
    send(&store, &merge, End::DeadLetter(DeadLetterReason::Refused)).await;
    let [a, b] = [enqueue(&store, 2, &["a"]).await, enqueue(&store, 3, &["b"]).await];
    store.replay(merge.id, at(2)).await.unwrap();
    let behind = enqueue(&store, 4, &["b"]).await;
    send(&store, &b, End::Deliver).await;
    assert_eq!(due(&store).await, homes(&[&a]));
    send(&store, &a, End::Deliver).await;
    send(&store, &merge, End::Deliver).await;
    assert_eq!(due(&store).await, homes(&[&behind]));
}

pub(super) async fn a_merge_that_was_under_way_is_recovered(store: impl Store) {
    let merge = enqueue(&store, 1, &["a", "b"]).await;
    let b = enqueue(&store, 2, &["b"]).await;
    store.begin(merge.home()).await.unwrap().unwrap();
    assert_eq!(store.recover(at(3)).await.unwrap(), 1);
    assert_eq!(due(&store).await, homes(&[&merge]));
    send(&store, &merge, End::Deliver).await;
    assert_eq!(due(&store).await, homes(&[&b]));
}

pub(super) async fn a_merge_that_is_too_old_frees_both_lanes(store: impl Store) {
    let first = enqueue(&store, 1, &["b"]).await;
    let merge = enqueue(&store, 2, &["a", "b"]).await;
    assert_eq!(
        store.expire("ehr", at(5), at(6), 9).await.unwrap(),
        [first.id],
        "the merge is not its lanes' head"
    );
    let [a, b] = [enqueue(&store, 3, &["a"]).await, enqueue(&store, 4, &["b"]).await];
    assert_eq!(store.expire("ehr", at(5), at(6), 9).await.unwrap(), [merge.id]);
    assert_eq!(due(&store).await, homes(&[&a, &b]));
}

pub(super) async fn holding_a_lane_holds_the_merge_in_it(store: impl Store) {
    let merge = enqueue(&store, 1, &["a", "b"]).await;
    let b = enqueue(&store, 2, &["b"]).await;
    assert_eq!(store.hold_lane(b.home()).await.unwrap(), Some(merge.id));
    assert_eq!((state(&store, merge.id).await, due(&store).await), (State::Held, Vec::new()));
    store.release(merge.id, at(1)).await.unwrap();
    store.begin(merge.home()).await.unwrap().unwrap();
    assert_eq!(store.hold_lane(b.home()).await.unwrap(), Some(b.id), "what is under way is spared");
    assert!(store.finish(finished(merge.id, End::Deliver, at(1)), true).await.unwrap().is_none());
    assert!(due(&store).await.is_empty());
}

pub(super) async fn a_parked_lane_gives_nothing_out(store: impl Store) {
    let lane = store.lane_of("ehr", Some("a")).await.unwrap();
    assert!(store.park("ehr", lane, true, at(0)).await.unwrap());
    assert!(!store.park("ehr", lane, true, at(0)).await.unwrap(), "it was parked");
    let first = enqueue(&store, 1, &["a"]).await;
    let other = enqueue(&store, 2, &["b"]).await;
    assert_eq!((first.home(), state(&store, first.id).await), (lane, State::Queued));
    assert_eq!(due(&store).await, homes(&[&other]));
    assert!(store.begin(lane).await.unwrap().is_none());
    assert!(store.expire("ehr", at(5), at(6), 9).await.unwrap() == [other.id], "a person keeps it");
    assert!(store.park("ehr", lane, false, at(7)).await.unwrap());
    assert!(!store.park("ehr", lane, false, at(7)).await.unwrap());
    send(&store, &first, End::Deliver).await;
    // With an entry under way: that one is finished, and nothing begun.
    let [second, third] = [enqueue(&store, 3, &["a"]).await, enqueue(&store, 4, &["a"]).await];
    store.begin(lane).await.unwrap().unwrap();
    store.park("ehr", lane, true, at(7)).await.unwrap();
    assert!(store.finish(finished(second.id, End::Deliver, at(8)), true).await.unwrap().is_none());
    assert!(due(&store).await.is_empty());
    store.park("ehr", lane, false, at(7)).await.unwrap();
    assert_eq!(due(&store).await, homes(&[&third]));
}

pub(super) async fn a_parked_lane_stops_a_merge_and_a_retry(store: impl Store) {
    let b = store.lane_of("ehr", Some("b")).await.unwrap();
    let merge = enqueue(&store, 1, &["a", "b"]).await;
    let behind = enqueue(&store, 2, &["a"]).await;
    store.begin(merge.home()).await.unwrap().unwrap();
    store.park("ehr", b, true, at(0)).await.unwrap();
    store.finish(finished(merge.id, End::Retry(at(4)), at(1)), true).await.unwrap();
    assert_eq!(store.due("ehr", at(99), 9).await.unwrap(), Due::default());
    assert!(store.begin(merge.home()).await.unwrap().is_none());
    assert_eq!(store.oldest("ehr").await.unwrap(), Some(at(0)), "what is parked waits all the same");
    store.hold(merge.id).await.unwrap();
    store.release(merge.id, at(5)).await.unwrap();
    assert!(due(&store).await.is_empty(), "its release does not end the parking");
    store.park("ehr", b, false, at(5)).await.unwrap();
    send(&store, &merge, End::Deliver).await;
    assert_eq!(due(&store).await, homes(&[&behind]));
}

pub(super) async fn lanes_are_listed_as_a_person_asks_for_them(store: impl Store) {
    assert!(store.lanes("ehr", 9).await.unwrap().is_empty());
    let waiting = enqueue(&store, 1, &["a"]).await;
    enqueue(&store, 2, &["a"]).await;
    let held = enqueue(&store, 3, &["b"]).await;
    send(&store, &held, End::Hold).await;
    let sending = enqueue(&store, 4, &["c"]).await;
    store.begin(sending.home()).await.unwrap().unwrap();
    let parked = store.lane_of("ehr", Some("d")).await.unwrap();
    store.park("ehr", parked, true, at(0)).await.unwrap();
    store.park("lab", store.lane_of("lab", None).await.unwrap(), true, at(0)).await.unwrap();
    let merge = enqueue(&store, 5, &["a", "e"]).await;

    let lanes = store.lanes("ehr", 9).await.unwrap();
    let order: Vec<_> = lanes.iter().map(|lane| lane.lane).collect();
    assert_eq!(order, [parked, held.home(), sending.home(), waiting.home(), merge.lanes[1]]);
    let open: Vec<_> = lanes.iter().map(|lane| (lane.open, lane.is_parked, lane.state)).collect();
    let states = [State::Held, State::Sending, State::Queued, State::Queued].map(Some);
    assert_eq!(open[0], (0, true, None));
    assert_eq!(
        open[1..],
        [(1, false, states[0]), (1, false, states[1]), (3, false, states[2]), (1, false, states[3])]
    );
    assert_eq!((lanes[3].head, lanes[3].due), (Some(waiting.id), Some(at(0))));
    assert_eq!((lanes[4].head, lanes[4].due), (Some(merge.id), None), "it waits for its other lane");
    assert_eq!(store.lanes("ehr", 2).await.unwrap(), lanes[..2]);
    assert_eq!(store.lanes("lab", 9).await.unwrap().len(), 1);
}

pub(super) async fn destinations_are_paused_on_record(store: impl Store) {
    for (name, paused, all) in [
        ("lab", true, &["lab"][..]),
        ("ehr", true, &["ehr", "lab"]),
        ("lab", true, &["ehr", "lab"]),
        ("lab", false, &["ehr"]),
        ("lab", false, &["ehr"]),
    ] {
        store.pause(name, paused).await.unwrap();
        assert_eq!(store.paused().await.unwrap(), all);
    }
    let first = enqueue(&store, 1, &[]).await;
    assert_eq!(due(&store).await, homes(&[&first]), "the store gives out as before");
}

pub(super) async fn a_copy_has_its_own_lanes_and_says_of_what_it_is_one(store: impl Store) {
    let kind = |copied: Result<Stored, StoreError>| copied.unwrap_err().kind();
    let dead = enqueue(&store, 1, &["a"]).await;
    assert_eq!(kind(store.copy(dead.id, keyed(2, &["b"]), at(1)).await), StoreErrorKind::WrongState);
    assert_eq!(kind(store.copy(EntryId::random(), keyed(2, &["b"]), at(1)).await), StoreErrorKind::NotFound);
    send(&store, &dead, End::DeadLetter(DeadLetterReason::Refused)).await;
    assert_eq!(
        kind(store.copy(dead.id, keyed(1, &["b"]), at(1)).await),
        StoreErrorKind::WrongState,
        "a known key"
    );
    let before = enqueue(&store, 3, &["b"]).await;
    let copy = store.copy(dead.id, keyed(2, &["a", "b"]), at(1)).await.unwrap();
    let second = store.copy(dead.id, keyed(4, &["b"]), at(2)).await.unwrap();
    assert_eq!(copy.lanes, [dead.home(), before.home()]);
    let record = store.record(copy.id).await.unwrap().unwrap();
    assert_eq!((record.copy_of, record.state, record.attempts), (Some(dead.id), State::Queued, 0));
    let record = store.record(dead.id).await.unwrap().unwrap();
    assert_eq!(
        (record.state, record.copy_of, record.copies),
        (State::DeadLettered, None, vec![copy.id, second.id])
    );
    assert_eq!(store.dead_letters(9).await.unwrap()[0].copies.len(), 2);
    assert_eq!(store.message(copy.id).await.unwrap().unwrap(), vec![2; 100]);
    assert_eq!(due(&store).await, homes(&[&before]));
    send(&store, &before, End::Deliver).await;
    send(&store, &copy, End::Deliver).await;
    send(&store, &second, End::Deliver).await;
}

fn accepted(id: EntryId, end: End, acknowledgment: Option<&[u8]>) -> Accepted {
    Accepted { id, end, acknowledgment: acknowledgment.map(<[u8]>::to_vec), sent_at: at(1), at: at(2) }
}

pub(super) async fn what_was_accepted_is_not_sent_again_after_a_crash(store: impl Store) {
    let ends = [(End::Unconfirmed, State::Unconfirmed, Some(ACK)), (End::Deliver, State::Delivered, None)];
    for (key, (end, state, acknowledgment)) in (1..).zip(ends) {
        let entry = enqueue(&store, key, &["a"]).await;
        let behind = enqueue(&store, key + 10, &["a"]).await;
        store.begin(entry.home()).await.unwrap().unwrap();
        store.accepted(accepted(entry.id, end, acknowledgment)).await.unwrap();
        let record = store.record(entry.id).await.unwrap().unwrap();
        assert_eq!((record.state, record.answers), (State::Sending, 0), "nobody is told before the end");
        assert_eq!(store.recover(at(5)).await.unwrap(), 0);
        let record = store.record(entry.id).await.unwrap().unwrap();
        assert_eq!((record.state, record.failure.as_deref()), (state, Some("S206")));
        assert_eq!((record.sent_at, record.settled_at), (Some(at(1)), Some(at(5))));
        assert_eq!(record.acknowledgment.as_deref(), acknowledgment);
        assert_eq!(
            (record.answers, record.answered_at),
            match acknowledgment {
                Some(_) => (1, Some(at(2))),
                None => (0, None),
            }
        );
        send(&store, &behind, End::Deliver).await;
    }
}

pub(super) async fn what_was_accepted_ends_as_the_last_answer_says(store: impl Store) {
    let entry = enqueue(&store, 1, &["a"]).await;
    store.begin(entry.home()).await.unwrap().unwrap();
    store.accepted(accepted(entry.id, End::Unconfirmed, Some(b"first"))).await.unwrap();
    store.finish(finished(entry.id, End::Retry(at(3)), at(3)), false).await.unwrap();
    store.begin(entry.home()).await.unwrap().unwrap();
    assert_eq!(store.recover(at(4)).await.unwrap(), 1, "of another attempt nothing is known");
    store.begin(entry.home()).await.unwrap().unwrap();
    store.accepted(accepted(entry.id, End::Unconfirmed, None)).await.unwrap();
    let last = Finished { failure: None, ..finished(entry.id, End::Deliver, at(5)) };
    store.finish(last, false).await.unwrap();
    let record = store.record(entry.id).await.unwrap().unwrap();
    assert_eq!((record.state, record.acknowledgment.as_deref()), (State::Delivered, Some(ACK)));
    assert_eq!((record.answers, record.attempts), (1, 3));
    let untried = store.accepted(accepted(entry.id, End::Deliver, None)).await.unwrap_err();
    assert_eq!(untried.kind(), StoreErrorKind::Damaged);
}
