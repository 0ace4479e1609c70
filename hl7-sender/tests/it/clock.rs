//! Clocks that jump.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use hl7_core::AckCode;
use hl7_sender::{DeadLetterReason, End, EntryId, Sender, State, Store as _};

use crate::fickle::{Fickle, Pruned};
use crate::peer::{Folder, PATIENCE, Peer, answer, delivered, ehr, message, quick, until};
use hl7_sender::contract::{finished, request};

const DAY: i64 = 24 * 3600;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_58_a_clock_set_back_delays_no_retry_beyond_the_longest() {
    jump(-DAY).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_58_a_clock_set_forward_loses_nothing() {
    jump(DAY).await;
}

async fn jump(seconds: i64) {
    let peer =
        Peer::start(|request, before| answer(request, if before == 0 { AckCode::AR } else { AckCode::AA }))
            .await;
    let folder = Folder::new();
    let offset = Arc::new(AtomicI64::new(0));
    let read = Arc::clone(&offset);
    let retry = quick().first(Duration::from_millis(200)).max(Duration::from_millis(200));
    let sender = Sender::builder(folder.store().await)
        .destination(ehr(peer.address).retry(retry))
        .clock(move || shifted(read.load(Ordering::SeqCst)))
        .start()
        .await
        .unwrap();
    let receipt = sender.enqueue("ehr", &message("m-1", "a")).await.unwrap();
    until(&sender, &receipt, |status| status.answered_at().is_some()).await;
    offset.store(seconds, Ordering::SeqCst);
    delivered(&receipt).await;
    let next = sender.enqueue("ehr", &message("m-2", "a")).await.unwrap();
    delivered(&next).await;
    assert_eq!(peer.control_ids(), ["m-1", "m-1", "m-2"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_58_a_clock_set_back_between_two_runs_delays_no_retry() {
    let peer =
        Peer::start(|request, before| answer(request, if before == 0 { AckCode::AR } else { AckCode::AA }))
            .await;
    let folder = Folder::new();
    let start = async |offset, retry| {
        let store = folder.store().await;
        let builder = Sender::builder(store).destination(ehr(peer.address).retry(retry));
        builder.clock(move || shifted(offset)).start().await.unwrap()
    };
    let hour = quick().first(Duration::from_secs(3600)).max(Duration::from_secs(3600));
    let sender = start(DAY, hour).await;
    let receipt = sender.enqueue("ehr", &message("m-1", "a")).await.unwrap();
    until(&sender, &receipt, |status| status.state() == State::Retrying).await;
    sender.shutdown(PATIENCE).await;

    let sender = start(0, quick()).await;
    until(&sender, &receipt, |status| status.state() == State::Delivered).await;
}

/// A store with a delivered entry and a dead letter, settled at this time, and their names.
async fn settled(folder: &Folder, at: SystemTime) -> [EntryId; 2] {
    let store = folder.store().await;
    let mut ids = Vec::new();
    for (key, end) in [(1, End::Deliver), (2, End::DeadLetter(DeadLetterReason::Refused))] {
        let asked = request(key, key, &[("ehr", None)]);
        ids.push(asked.deliveries[0].id);
        store.enqueue(asked, at).await.unwrap();
        let lane = store.record(ids[ids.len() - 1]).await.unwrap().unwrap().home();
        let attempt = store.begin(lane).await.unwrap().unwrap();
        store.finish(finished(attempt.id, end, at), false).await.unwrap();
    }
    store.close().await;
    ids.try_into().unwrap()
}

/// Starts a sender whose clock is this far ahead of the newest entry and runs evenly. Gives after what time the delivered entry was removed, in hours; the
/// dead letter is still there then.
async fn removed_after(ahead: Duration) -> u64 {
    let folder = Folder::new();
    let [delivered, dead] = settled(&folder, SystemTime::UNIX_EPOCH + 1000 * ONE_DAY).await;
    let start = tokio::time::Instant::now();
    let clock = move || SystemTime::UNIX_EPOCH + 1000 * ONE_DAY + ahead + start.elapsed();
    let pruned = Pruned::default();
    let store = Fickle::new(folder.store().await, &Arc::default()).telling_of_removals(&pruned);
    let sender = Sender::builder(store).clock(clock).start().await.unwrap();
    // It may be seen to be gone before the removal is at its end.
    while sender.status(&delivered).await.unwrap().is_some() || pruned.get().is_none() {
        // This time runs while nothing else does, the disk included: there is no saying how far.
        assert!(start.elapsed() < 10_000 * ONE_DAY, "it was not removed");
        tokio::time::sleep(Duration::from_secs(600)).await;
    }
    assert!(sender.status(&dead).await.unwrap().is_some(), "a dead letter waits for a person");
    pruned.get().unwrap().duration_since(start).as_secs() / 3600
}

#[tokio::test]
async fn what_is_counted_of_removed_entries_is_removed_too() {
    let folder = Folder::new();
    let at = SystemTime::UNIX_EPOCH + 1000 * ONE_DAY;
    settled(&folder, at).await;
    let rows = || {
        let conn = rusqlite::Connection::open(folder.store_path()).unwrap();
        conn.query_row("SELECT count(*) FROM tally", [], |row| row.get::<_, i64>(0)).unwrap()
    };
    assert!(rows() > 2, "queued, sending, delivered and dead letters");
    let store = folder.store().await;
    let later = at + ONE_DAY;
    assert_eq!(store.prune(later, later, 100).await.unwrap(), 2);
    store.prune(later, later, 100).await.unwrap();
    store.close().await;
    assert_eq!(rows(), 0);
}

const ONE_DAY: Duration = Duration::from_secs(24 * 3600);

#[tokio::test(start_paused = true)]
async fn delivered_entries_are_removed_after_a_week_and_dead_letters_never() {
    let hours = removed_after(Duration::from_secs(60)).await;
    assert!(hours >= 7 * 24 - 1, "{hours}");
}

#[tokio::test(start_paused = true)]
async fn fault_58_a_clock_far_ahead_removes_nothing_for_a_day() {
    let hours = removed_after(100 * ONE_DAY).await;
    assert!(hours >= 23, "{hours}");
}

fn shifted(seconds: i64) -> SystemTime {
    let by = Duration::from_secs(seconds.unsigned_abs());
    let now = SystemTime::now();
    if seconds < 0 { now - by } else { now + by }
}
