//! Order within a lane, independence between lanes.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use hl7_core::AckCode;
use hl7_mllp::{Reply, Server};
use hl7_sender::{Destination, Sender, State};

use crate::peer::{Folder, PATIENCE, Peer, answer, delivered, ehr, message, outcome, state};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_lane_keeps_its_order_on_many_connections() {
    let peer = Peer::accepting().await;
    let folder = Folder::new();
    let sender = folder.sender(ehr(peer.address).connections(4)).await;
    let mut receipts = Vec::new();
    for n in 0..200 {
        let msg = message(&format!("m-{n:03}"), &format!("p{}", n % 7));
        receipts.push(sender.enqueue("ehr", &msg).await.unwrap());
    }
    for receipt in &receipts {
        delivered(receipt).await;
    }
    let mut last = HashMap::new();
    for id in peer.control_ids() {
        let n: usize = id[2..].parse().unwrap();
        let before = last.insert(n % 7, n);
        assert!(before.is_none_or(|before| before < n), "{before:?} came before {n}");
    }
    assert_eq!(peer.control_ids().len(), 200, "no duplicates without faults");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_lane_key_all_is_one_lane() {
    let peer = Peer::accepting().await;
    let folder = Folder::new();
    let destination = Destination::mllp("ehr", peer.address.to_string()).connections(4);
    let sender = folder.sender(destination).await;
    let mut receipts = Vec::new();
    for n in 0..50 {
        receipts.push(sender.enqueue("ehr", &message(&format!("m-{n:02}"), &n.to_string())).await.unwrap());
    }
    for receipt in &receipts {
        delivered(receipt).await;
    }
    let sent: Vec<String> = (0..50).map(|n| format!("m-{n:02}")).collect();
    assert_eq!(peer.control_ids(), sent);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_held_lane_holds_only_itself() {
    let peer = Peer::start(|request, _| {
        let bad = request.message().header().control_id().unwrap().raw() == "bad";
        answer(request, if bad { AckCode::AE } else { AckCode::AA })
    })
    .await;
    let folder = Folder::new();
    let sender = folder.sender(ehr(peer.address)).await;
    let bad = sender.enqueue("ehr", &message("bad", "a")).await.unwrap();
    let behind = sender.enqueue("ehr", &message("behind", "a")).await.unwrap();
    let other = sender.enqueue("ehr", &message("other", "b")).await.unwrap();
    delivered(&other).await;
    state(&sender, &bad, State::Held).await;
    let waiting = sender.status(&behind.id()).await.unwrap().unwrap();
    assert_eq!((waiting.state(), waiting.attempts()), (State::Queued, 0));
    assert_eq!(waiting.lane(), bad.status().await.unwrap().lane());

    sender.dead_letter(&bad.id()).await.unwrap();
    delivered(&behind).await;
    assert!(matches!(
        outcome(&bad).await,
        hl7_sender::Outcome::DeadLettered(hl7_sender::DeadLetterReason::Chosen)
    ));
    assert_eq!(peer.control_ids().last().unwrap(), "behind");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replayed_dead_letter_goes_to_the_end_of_its_lane() {
    let peer =
        Peer::start(|request, before| answer(request, if before == 0 { AckCode::CR } else { AckCode::AA }))
            .await;
    let folder = Folder::new();
    let sender = folder.sender(ehr(peer.address)).await;
    let first = sender.enqueue("ehr", &message("first", "a")).await.unwrap();
    outcome(&first).await;
    assert_eq!(sender.dead_letters(10).await.unwrap().len(), 1);
    let second = sender.enqueue("ehr", &message("second", "a")).await.unwrap();
    delivered(&second).await;
    sender.replay(&first.id()).await.unwrap();
    delivered(&first).await;
    assert_eq!(peer.control_ids(), ["first", "second", "first"]);
    assert_eq!(peer.bodies()[0], peer.bodies()[2]);
    assert!(sender.dead_letters(10).await.unwrap().is_empty());
    assert_eq!(sender.replay(&first.id()).await.unwrap_err().code(), "S106");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_are_bounded_and_lanes_share_them() {
    let folder = Folder::new();
    let server = Server::bind("127.0.0.1:0").await.unwrap();
    let address = server.local_addr().unwrap();
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let handler = {
        let (now, most) = (Arc::clone(&now), Arc::clone(&most));
        move |request: hl7_mllp::Request| {
            let (now, most) = (Arc::clone(&now), Arc::clone(&most));
            async move {
                most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
                now.fetch_sub(1, Ordering::SeqCst);
                Reply::accept(&request)
            }
        }
    };
    let serving = tokio::spawn(server.serve(handler));
    let sender = folder.sender(ehr(address).connections(3)).await;
    let mut receipts = Vec::new();
    for n in 0..60 {
        receipts.push(sender.enqueue("ehr", &message(&format!("m{n}"), &format!("p{n}"))).await.unwrap());
    }
    for receipt in &receipts {
        delivered(receipt).await;
    }
    assert_eq!(most.load(Ordering::SeqCst), 3);
    serving.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lane_with_a_long_backlog_leaves_the_others_their_turn() {
    let peer = Peer::accepting().await;
    let folder = Folder::new();
    let sender = folder.sender(ehr(crate::peer::nowhere())).await;
    for n in 0..600 {
        sender.enqueue("ehr", &message(&format!("long-{n}"), "long")).await.unwrap();
    }
    sender.enqueue("ehr", &message("short", "short")).await.unwrap();
    sender.shutdown(PATIENCE).await;

    let sender = folder.sender(ehr(peer.address)).await;
    let last = sender.enqueue("ehr", &message("last", "long")).await.unwrap();
    delivered(&last).await;
    let at = peer.control_ids().iter().position(|id| id == "short").unwrap();
    assert!(at < 600, "came as number {at}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_commit_serves_several_destinations_each_in_its_own_way() {
    let (ehr_peer, lab_peer) =
        (Peer::accepting().await, Peer::start(|request, _| answer(request, AckCode::AE)).await);
    let folder = Folder::new();
    let sender = Sender::builder(folder.store().await)
        .destination(ehr(ehr_peer.address))
        .destination(Destination::mllp("lab", lab_peer.address.to_string()))
        .start()
        .await
        .unwrap();
    let msg = message("m-1", "a");
    let receipts = sender.entry(&msg).origin("orders").to(["ehr", "lab", "ehr"]).enqueue().await.unwrap();
    let names: Vec<_> = receipts.iter().map(|receipt| receipt.destination().to_owned()).collect();
    assert_eq!(names, ["ehr", "lab"]);
    delivered(&receipts[0]).await;
    state(&sender, &receipts[1], State::Held).await;

    let mut counts: Vec<_> = sender.counts().await.unwrap();
    counts.sort_by(|a, b| a.destination().cmp(b.destination()));
    let counts: Vec<_> =
        counts.iter().map(|c| (c.origin(), c.destination(), c.state(), c.messages())).collect();
    assert_eq!(
        counts,
        [(Some("orders"), "ehr", State::Delivered, 1), (Some("orders"), "lab", State::Held, 1)]
    );
    assert_eq!(sender.recent_of("orders", 10).await.unwrap().len(), 2);
    assert!(sender.recent_of("results", 10).await.unwrap().is_empty());
    assert_eq!(sender.message(&receipts[1].id()).await.unwrap().unwrap(), msg.to_wire().unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_is_used_again() {
    let connections = Arc::new(std::sync::Mutex::new(std::collections::HashSet::new()));
    let used = Arc::clone(&connections);
    let peer = Peer::start(move |request, _| {
        used.lock().unwrap().insert(request.peer());
        Reply::accept(request)
    })
    .await;
    let folder = Folder::new();
    let sender = folder.sender(ehr(peer.address)).await;
    for n in 0..10 {
        let receipt = sender.enqueue("ehr", &message(&format!("m{n}"), &format!("p{n}"))).await.unwrap();
        delivered(&receipt).await;
    }
    assert_eq!(connections.lock().unwrap().len(), 1);
}
