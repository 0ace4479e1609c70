//! What is counted for metrics.

use std::collections::BTreeMap;
use std::time::Duration;

use hl7_core::AckCode;
use hl7_mllp::Reply;
use hl7_sender::{DestinationCounters, SenderMeter, State};

use crate::events::{next, of};
use crate::peer::{Folder, PATIENCE, Peer, answer, delivered, ehr, message, nowhere, quick, state, until};

fn read(meter: &SenderMeter) -> DestinationCounters {
    meter.read().destinations.remove("ehr").expect("the destination")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attempts_are_counted_by_how_they_ended() {
    let peer = Peer::start(|request, before| match before {
        0 => Reply::close(),
        1 => answer(request, AckCode::AR),
        2 => answer(request, AckCode::AE),
        3 => answer(request, AckCode::AA),
        _ => answer(request, AckCode::CR),
    })
    .await;
    let folder = Folder::new();
    let sender = folder.sender(ehr(peer.address)).await;
    let meter = sender.meter();
    let first = sender.enqueue("ehr", &message("m-1", "a")).await.unwrap();
    sender.enqueue("ehr", &message("m-1", "a")).await.unwrap();
    state(&sender, &first, State::Held).await;
    sender.release(&first.id()).await.unwrap();
    delivered(&first).await;
    let second = sender.enqueue("ehr", &message("m-2", "a")).await.unwrap();
    state(&sender, &second, State::DeadLettered).await;
    sender.shutdown(PATIENCE).await;

    let of = read(&meter);
    assert_eq!((of.enqueued, of.received, of.repeats), (2, 0, 1));
    assert_eq!((of.attempts, of.delivered, of.retries, of.held, of.released), (5, 1, 2, 1, 1));
    assert_eq!((of.rejected, of.unknown, of.dead_letters), (3, 1, 1));
    let failures = [("AE", 1), ("AR", 1), ("CR", 1), ("N112", 1)];
    assert_eq!(of.failures, BTreeMap::from(failures));
    // After the lost one a new connection, and none is open after the end.
    assert_eq!((of.connects, of.failed_connects, of.connections), (2, 0, 0));
    assert_eq!((of.acknowledgment_time.count, of.delivery_time.count), (4, 1));
    assert!(of.delivery_time.sum > Duration::ZERO);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_and_a_pause_are_seen() {
    let folder = Folder::new();
    let sender = folder.sender(ehr(nowhere()).retry(quick().max_age(Duration::from_millis(80)))).await;
    let (meter, mut events) = (sender.meter(), sender.events());
    assert_eq!((read(&meter).unreachable, read(&meter).paused), (None, false));
    let receipt = sender.enqueue("ehr", &message("m-1", "a")).await.unwrap();
    until(&sender, &receipt, |status| status.last_failure().is_some()).await;
    assert_eq!(read(&meter).unreachable, Some("N203"));
    // What is told has been counted.
    next(&mut events, |event| of(event, receipt.id()).filter(|event| event.code == Some("S202"))).await;
    sender.pause_destination("ehr").await.unwrap();
    let of = read(&meter);
    assert!(of.failed_connects >= 1 && of.paused);
    assert_eq!((of.attempts, of.dead_letters, of.connects), (0, 1, 0));
    assert_eq!(of.failures, BTreeMap::from([("S202", 1)]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_counters_of_a_destination_go_on_when_it_is_changed_and_go_with_it() {
    let peer = Peer::accepting().await;
    let folder = Folder::new();
    let sender = folder.sender(ehr(peer.address)).await;
    let meter = sender.meter();
    delivered(&sender.enqueue("ehr", &message("m-1", "a")).await.unwrap()).await;
    sender.change_destination(ehr(peer.address), PATIENCE).await.unwrap();
    delivered(&sender.enqueue("ehr", &message("m-2", "a")).await.unwrap()).await;
    assert_eq!(read(&meter).delivered, 2);
    sender.change_destination(crate::peer::ehr(peer.address), PATIENCE).await.unwrap();
    let other = hl7_sender::Destination::mllp("none", "127.0.0.1:1");
    sender.change_destination(other, PATIENCE).await.unwrap_err();
    assert_eq!(meter.read().destinations.len(), 1, "what is refused leaves nothing behind");
    sender.remove_destination("ehr", PATIENCE).await.unwrap();
    assert!(meter.read().destinations.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commits_are_counted_with_how_many_calls_share_them() {
    let folder = Folder::new();
    let sender = folder.sender(ehr(nowhere())).await;
    sender.pause_destination("ehr").await.unwrap();
    let meter = sender.meter();
    let before = meter.read().store;
    let messages: Vec<_> = (0..64).map(|n| message(&format!("m-{n}"), "a")).collect();
    let enqueue = messages.iter().map(|message| sender.enqueue("ehr", message));
    for receipt in futures_util::future::join_all(enqueue).await {
        receipt.unwrap();
    }
    let after = meter.read().store;
    let (commits, calls) = (after.commits - before.commits, after.calls - before.calls);
    assert!(calls >= 64 && commits >= 1 && commits < calls, "{commits} commits for {calls} calls");
    assert_eq!(after.commit_time.count, after.commits);
    assert!(after.errors.is_empty());

    std::fs::remove_file(folder.store_path()).unwrap();
    sender.enqueue("ehr", &message("m-x", "a")).await.unwrap_err();
    assert!(meter.read().store.errors["S109"] >= 1);
    drop(sender);
    assert_eq!(meter.read().destinations["ehr"].enqueued, 64, "it can be read after the end");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_is_told_by_destination_with_the_age_of_the_oldest() {
    let folder = Folder::new();
    let gone = folder.sender(hl7_sender::Destination::mllp("gone", nowhere().to_string())).await;
    gone.pause_destination("gone").await.unwrap();
    gone.enqueue("gone", &message("m-0", "a")).await.unwrap();
    gone.shutdown(PATIENCE).await;

    let sender = folder.sender(ehr(nowhere()).retry(quick().first(PATIENCE).max(PATIENCE))).await;
    let before = std::time::SystemTime::now();
    assert_eq!(sender.backlog().await.unwrap()["ehr"], hl7_sender::Backlog::default());
    sender.pause_destination("ehr").await.unwrap();
    let mut ids = Vec::new();
    for (n, patient) in ["a", "a", "b", "b", "c"].into_iter().enumerate() {
        ids.push(sender.enqueue("ehr", &message(&format!("m-{n}"), patient)).await.unwrap().id());
    }
    sender.hold(&ids[2]).await.unwrap();
    let all = sender.backlog().await.unwrap();
    let of = &all["ehr"];
    assert_eq!((of.queued, of.sending, of.retrying, of.held, of.open()), (4, 0, 0, 1, 5));
    assert_eq!(all["gone"].open(), 1);
    assert!(all["gone"].oldest < of.oldest && of.oldest.unwrap() + Duration::from_millis(1) > before);

    // The oldest is found wherever it stands: waiting, held, in a parked lane.
    let first = sender.status(&ids[0]).await.unwrap().unwrap();
    let (oldest, lane) = (first.enqueued_at(), first.lane());
    assert_eq!(of.oldest, Some(oldest));
    sender.park_lane("ehr", &lane).await.unwrap();
    assert_eq!(sender.backlog().await.unwrap()["ehr"].oldest, Some(oldest));
    sender.hold(&ids[0]).await.unwrap();
    assert_eq!(sender.backlog().await.unwrap()["ehr"].oldest, Some(oldest));
    let lanes = sender.lanes("ehr", 9).await.unwrap();
    assert_eq!((lanes[0].lane, lanes[0].head, lanes[0].open), (lane, Some(ids[0]), 2));
    assert_eq!((lanes[0].enqueued_at, lanes[0].is_parked), (Some(oldest), true));
    sender.cancel(&ids[0]).await.unwrap();
    sender.cancel(&ids[1]).await.unwrap();
    let next = sender.status(&ids[2]).await.unwrap().unwrap().enqueued_at();
    assert_eq!(sender.backlog().await.unwrap()["ehr"].oldest, Some(next));
}
