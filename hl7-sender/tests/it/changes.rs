//! Destinations that are added, changed, paused and removed while the sender runs.

use std::future::Future as _;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use hl7_core::path;
use hl7_mllp::scripted::{Receiver, Script};
use hl7_sender::{Destination, EnqueueErrorKind, Outcome, Sender, State};

use crate::peer::{Folder, PATIENCE, Peer, delivered, ehr, message, nowhere, outcome, state, until};

const AT_ONCE: Duration = Duration::from_millis(20);

async fn started(folder: &Folder) -> Sender {
    Sender::builder(folder.store().await).start().await.unwrap()
}

async fn code(sender: &Sender, destination: Destination) -> &'static str {
    sender.add_destination(destination).await.unwrap_err().code()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_is_added_gets_what_waited_for_it() {
    let peer = Peer::accepting().await;
    let folder = Folder::new();
    let sender = folder.sender(ehr(nowhere())).await;
    let mut receipts = Vec::new();
    for n in 0..5 {
        receipts.push(sender.enqueue("ehr", &message(&format!("m-{n}"), "a")).await.unwrap());
    }
    sender.shutdown(PATIENCE).await;

    let sender = started(&folder).await;
    let msg = message("m-5", "a");
    let why = sender.enqueue("ehr", &msg).await.unwrap_err();
    assert_eq!(why.kind(), &EnqueueErrorKind::UnknownDestination);
    sender.add_destination(ehr(peer.address)).await.unwrap();
    let last = sender.enqueue("ehr", &msg).await.unwrap();
    delivered(&last).await;
    assert_eq!(peer.control_ids(), (0..6).map(|n| format!("m-{n}")).collect::<Vec<_>>());
    assert_eq!(code(&sender, ehr(peer.address)).await, "S122");
    assert_eq!(code(&sender, Destination::mllp("", "x:1")).await, "S121");
    assert_eq!(sender.destinations().iter().map(|one| one.name().to_owned()).collect::<Vec<_>>(), ["ehr"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_paused_one_finishes_what_is_under_way_and_begins_nothing() {
    let receiver = Receiver::start(Script::after(Duration::from_millis(100))).await.unwrap();
    let folder = Folder::new();
    let sender = folder.sender(ehr(receiver.address())).await;
    let first = sender.enqueue("ehr", &message("m-1", "a")).await.unwrap();
    let second = sender.enqueue("ehr", &message("m-2", "a")).await.unwrap();
    assert!(receiver.messages(1, PATIENCE).await);
    assert!(sender.pause_destination("ehr").await.unwrap() && sender.destination("ehr").unwrap().is_paused());
    delivered(&first).await;
    let third = sender.enqueue("ehr", &message("m-3", "b")).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    for waiting in [&second, &third] {
        assert_eq!(waiting.status().await.unwrap().state(), State::Queued);
    }
    assert!(
        sender.resume_destination("ehr").await.unwrap() && !sender.destination("ehr").unwrap().is_paused()
    );
    delivered(&second).await;
    delivered(&third).await;
    assert_eq!(receiver.control_ids().len(), 3);
    assert!(
        !sender.pause_destination("lab").await.unwrap() && !sender.resume_destination("lab").await.unwrap()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_is_removed_finishes_what_is_under_way_and_the_rest_waits() {
    let receiver = Receiver::start(Script::after(Duration::from_millis(100))).await.unwrap();
    let folder = Folder::new();
    let sender = folder.sender(ehr(receiver.address())).await;
    let mut receipts = Vec::new();
    for n in 0..3 {
        receipts.push(sender.enqueue("ehr", &message(&format!("m-{n}"), "a")).await.unwrap());
    }
    assert!(receiver.messages(1, PATIENCE).await);
    sender.remove_destination("ehr", PATIENCE).await.unwrap();
    assert_eq!(receipts[0].status().await.unwrap().state(), State::Delivered);
    assert_eq!(receipts[1].status().await.unwrap().state(), State::Queued);
    assert_eq!(sender.enqueue("ehr", &message("m-9", "a")).await.unwrap_err().code(), "S001");
    assert_eq!(sender.remove_destination("ehr", PATIENCE).await.unwrap_err().code(), "S130");
    assert_eq!(sender.change_destination(ehr(nowhere()), PATIENCE).await.unwrap_err().code(), "S130");
    tokio::time::sleep(AT_ONCE).await;
    assert_eq!(receiver.control_ids(), ["m-0"]);

    let other = Peer::accepting().await;
    sender.add_destination(ehr(other.address)).await.unwrap();
    for receipt in &receipts {
        delivered(receipt).await;
    }
    assert_eq!(other.control_ids(), ["m-1", "m-2"], "nothing lost, nothing twice");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_does_not_end_in_time_is_put_back_and_goes_to_the_one_in_its_place() {
    let silent = Receiver::start(Script::half_open()).await.unwrap();
    let peer = Peer::accepting().await;
    let folder = Folder::new();
    let sender = folder.sender(ehr(silent.address()).ack_timeout(PATIENCE)).await;
    let first = sender.enqueue("ehr", &message("m-1", "a")).await.unwrap();
    let second = sender.enqueue("ehr", &message("m-2", "a")).await.unwrap();
    assert!(silent.messages(1, PATIENCE).await);
    sender.remove_destination("ehr", AT_ONCE).await.unwrap();
    let status = first.status().await.unwrap();
    assert_eq!(
        (status.state(), status.last_failure(), status.attempts()),
        (State::Retrying, Some("S204"), 1)
    );
    sender.add_destination(ehr(silent.address()).ack_timeout(PATIENCE)).await.unwrap();
    assert!(silent.messages(2, PATIENCE).await);

    sender.change_destination(ehr(peer.address), AT_ONCE).await.unwrap();
    delivered(&first).await;
    delivered(&second).await;
    assert_eq!(first.status().await.unwrap().attempts(), 3, "each is on record");
    assert_eq!(peer.control_ids(), ["m-1", "m-2"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_connects_for_long_does_not_hold_up_its_removal() {
    // Its queue is full, so that a connection is never made.
    struct Never;
    impl hl7_sender::Transport for Never {
        fn connect(
            &self,
        ) -> hl7_sender::Pending<'_, Result<Box<dyn hl7_sender::Connection>, hl7_sender::ConnectFailure>>
        {
            Box::pin(std::future::pending())
        }
    }
    let folder = Folder::new();
    let sender = folder.sender(Destination::over("ehr", Never)).await;
    let receipt = sender.enqueue("ehr", &message("m-1", "a")).await.unwrap();
    tokio::time::sleep(AT_ONCE).await;
    let removed = sender.remove_destination("ehr", AT_ONCE);
    tokio::time::timeout(PATIENCE, removed).await.expect("in time").unwrap();
    let status = receipt.status().await.unwrap();
    assert_eq!((status.state(), status.attempts()), (State::Queued, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_load_a_change_loses_nothing_and_keeps_each_lanes_order() {
    let (old, new) = (Peer::accepting().await, Peer::accepting().await);
    let folder = Folder::new();
    let sender = folder.sender(ehr(old.address).connections(4)).await;
    let mut receipts = Vec::new();
    for n in 0..150 {
        receipts.push(
            sender.enqueue("ehr", &message(&format!("m-{n:03}"), &format!("p{}", n % 5))).await.unwrap(),
        );
        if n == 50 {
            let to_new = ehr(new.address).connections(2);
            sender.change_destination(to_new, PATIENCE).await.unwrap();
        }
        if n == 100 {
            sender.change_destination(ehr(old.address).connections(8), PATIENCE).await.unwrap();
        }
    }
    for receipt in &receipts {
        delivered(receipt).await;
        assert_eq!(receipt.status().await.unwrap().attempts(), 1);
    }
    assert_eq!(old.bodies().len() + new.bodies().len(), 150, "no duplicates");
    for ids in [old.control_ids(), new.control_ids()] {
        for lane in 0..5 {
            let numbers: Vec<usize> = ids.iter().map(|id| id[2..].parse().unwrap()).collect();
            let of_lane: Vec<usize> = numbers.into_iter().filter(|n| n % 5 == lane).collect();
            assert!(of_lane.is_sorted(), "{of_lane:?}");
        }
    }
    assert!(!new.bodies().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_is_carried_out_although_its_caller_has_gone() {
    let receiver = Receiver::start(Script::after(Duration::from_millis(100))).await.unwrap();
    let peer = Peer::accepting().await;
    let folder = Folder::new();
    let sender = folder.sender(ehr(receiver.address())).await;
    let first = sender.enqueue("ehr", &message("m-1", "a")).await.unwrap();
    assert!(receiver.messages(1, PATIENCE).await);
    {
        let mut change = std::pin::pin!(sender.change_destination(ehr(peer.address), PATIENCE));
        let polled = change.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(matches!(polled, Poll::Pending));
    }
    delivered(&first).await;
    let second = sender.enqueue("ehr", &message("m-2", "a")).await.unwrap();
    delivered(&second).await;
    assert_eq!(
        (receiver.control_ids(), peer.control_ids()),
        (vec!["m-1".to_owned()], vec!["m-2".to_owned()])
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shutdown_waits_for_no_change_longer_than_it_may() {
    let silent = Receiver::start(Script::half_open()).await.unwrap();
    let folder = Folder::new();
    let sender = folder.sender(ehr(silent.address()).ack_timeout(PATIENCE)).await;
    sender.enqueue("ehr", &message("m-1", "a")).await.unwrap();
    assert!(silent.messages(1, PATIENCE).await);
    let removing = tokio::spawn({
        let sender = sender.clone();
        async move { sender.remove_destination("ehr", PATIENCE).await }
    });
    while sender.destination("ehr").is_some() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let begun = Instant::now();
    sender.shutdown(Duration::from_millis(100)).await;
    assert!(begun.elapsed() < PATIENCE / 2);
    assert_eq!(code(&sender, ehr(nowhere())).await, "S132");
    removing.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lane_is_held_and_released_by_hand() {
    let peer = Peer::accepting().await;
    let folder = Folder::new();
    let sender = folder.sender(ehr(peer.address).lane_key(path!("PID-3.1"))).await;
    sender.pause_destination("ehr").await.unwrap();
    let mut receipts = Vec::new();
    for (id, patient) in [("a-1", "a"), ("a-2", "a"), ("a-3", "a"), ("b-1", "b")] {
        receipts.push(sender.enqueue("ehr", &message(id, patient)).await.unwrap());
    }
    sender.hold(&receipts[1].id()).await.unwrap();
    let lane = receipts[3].status().await.unwrap().lane();
    assert_eq!(sender.hold_lane(&lane).await.unwrap(), Some(receipts[3].id()));
    sender.resume_destination("ehr").await.unwrap();
    delivered(&receipts[0]).await;
    let held = receipts[1].answered(PATIENCE).await.unwrap();
    assert_eq!((held.state(), held.attempts()), (State::Held, 0));
    assert_eq!(peer.control_ids(), ["a-1"]);
    sender.release(&receipts[3].id()).await.unwrap();
    delivered(&receipts[3]).await;
    sender.release(&receipts[1].id()).await.unwrap();
    delivered(&receipts[2]).await;
    assert_eq!(peer.control_ids(), ["a-1", "b-1", "a-2", "a-3"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_entry_that_waits_can_be_cancelled_and_its_lane_flows_on() {
    let address = crate::peer::vacant();
    let folder = Folder::new();
    let sender = folder.sender(ehr(address)).await;
    let mut receipts = Vec::new();
    for n in 0..4 {
        receipts.push(sender.enqueue("ehr", &message(&format!("m-{n}"), "a")).await.unwrap());
    }
    until(&sender, &receipts[0], |status| status.state() == State::Retrying).await;
    let waiting = tokio::spawn({
        let receipt = receipts[2].clone();
        async move { receipt.outcome().await.unwrap() }
    });
    for n in [0, 2] {
        sender.cancel(&receipts[n].id()).await.unwrap();
    }
    assert!(matches!(waiting.await.unwrap(), Outcome::Cancelled));
    assert!(matches!(outcome(&receipts[0]).await, Outcome::Cancelled));
    let peer = Peer::start_at(address, |request, _| hl7_mllp::Reply::accept(request)).await;
    delivered(&receipts[3]).await;
    assert_eq!(peer.control_ids(), ["m-1", "m-3"]);
    assert_eq!(sender.cancel(&receipts[3].id()).await.unwrap_err().code(), "S106");
    state(&sender, &receipts[0], State::Cancelled).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pause_that_is_begun_and_kept_holds_up_nothing() {
    let (peer, folder) = (Peer::accepting().await, Folder::in_memory());
    let sender = folder.sender(ehr(peer.address)).await;
    let mut pause = Box::pin(sender.pause_destination("ehr"));
    assert!(pause.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    let others = async {
        while !sender.destination("ehr").unwrap().is_paused() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        sender.change_destination(ehr(peer.address), PATIENCE).await.unwrap();
        sender.add_destination(Destination::mllp("lab", "127.0.0.1:1")).await.unwrap();
        sender.resume_destination("ehr").await.unwrap();
        delivered(&sender.enqueue("ehr", &message("m-1", "a")).await.unwrap()).await;
        sender.shutdown(PATIENCE).await;
    };
    tokio::time::timeout(PATIENCE / 2, others).await.expect("none waits for it");
    drop(pause);
}
