//! Receivers that cannot be reached, and come back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use hl7_mllp::{Client, Reply};
use hl7_sender::{DeadLetterReason, Outcome, Sender, State};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Notify;

use crate::fickle::Fickle;
use crate::peer::{Folder, PATIENCE, Peer, delivered, ehr, message, nowhere, outcome, quick, until, vacant};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_that_comes_back_gets_everything_in_order() {
    let address = vacant();
    let folder = Folder::new();
    let sender = folder.sender(ehr(address).retry(quick().max_attempts(1))).await;
    let mut receipts = Vec::new();
    for n in 0..20 {
        receipts.push(sender.enqueue("ehr", &message(&format!("m-{n:02}"), "a")).await.unwrap());
    }
    let status = until(&sender, &receipts[0], |status| status.last_failure().is_some()).await;
    assert_eq!((status.state(), status.last_failure()), (State::Retrying, Some("N203")));
    assert!(status.next_attempt_at().is_some());

    let peer = Peer::start_at(address, |request, _| Reply::accept(request)).await;
    for receipt in &receipts {
        delivered(receipt).await;
        assert_eq!(receipt.status().await.unwrap().attempts(), 1, "an outage uses up no attempts");
    }
    let sent: Vec<String> = (0..20).map(|n| format!("m-{n:02}")).collect();
    assert_eq!(peer.control_ids(), sent);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_34_an_outage_ends_no_message() {
    let folder = Folder::new();
    let sender =
        folder.sender(ehr(nowhere()).connections(4).retry(quick().max_attempts(1).max_rejections(1))).await;
    let mut receipts = Vec::new();
    for n in 0..30 {
        receipts.push(sender.enqueue("ehr", &message(&format!("m{n}"), &format!("p{n}"))).await.unwrap());
    }
    until(&sender, &receipts[0], |status| status.last_failure().is_some()).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    for receipt in &receipts {
        let status = receipt.status().await.unwrap();
        assert!(matches!(status.state(), State::Queued | State::Retrying), "{status:?}");
        assert_eq!(status.attempts(), 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_35_many_lanes_do_not_storm_a_receiver_that_closes_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let connects = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&connects);
    let refusing = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            drop(stream);
        }
    });
    let folder = Folder::new();
    let slow = quick().first(Duration::from_secs(30)).max(Duration::from_secs(30));
    let sender = folder.sender(ehr(address).connections(4).retry(slow)).await;
    for n in 0..100 {
        sender.enqueue("ehr", &message(&format!("m{n}"), &format!("p{n}"))).await.unwrap();
    }
    tokio::time::sleep(Duration::from_millis(400)).await;
    let connects = connects.load(Ordering::SeqCst);
    assert!((1..=220).contains(&connects), "{connects} connections for 100 lanes");
    refusing.abort();
}

/// Ten thousand lanes wait when the receiver comes back: no more connections than the destination has, and one after the other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_35_ten_thousand_lanes_do_not_storm_a_receiver_that_comes_back() {
    const LANES: usize = 10_000;
    const CONNECTIONS: usize = 8;
    let (folder, address) = (Folder::in_memory(), vacant());
    let sender = folder.sender(ehr(address).connections(CONNECTIONS)).await;
    let enqueue = |first: usize| {
        let sender = sender.clone();
        tokio::spawn(async move {
            for n in (first..LANES).step_by(100) {
                sender.enqueue("ehr", &message(&format!("m{n}"), &format!("p{n}"))).await.unwrap();
            }
        })
    };
    for task in (0..100).map(enqueue).collect::<Vec<_>>() {
        task.await.unwrap();
    }
    assert!(sender.destination("ehr").unwrap().unreachable().is_some());

    let listener = TcpListener::bind(address).await.unwrap();
    let (under_way, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let mut came = Vec::new();
    let back = async {
        while most.load(Ordering::SeqCst) < CONNECTIONS {
            tokio::select! {
                accepted = listener.accept() => {
                    came.push(std::time::Instant::now());
                    tokio::spawn(answer_slowly(accepted.unwrap().0, Arc::clone(&under_way), Arc::clone(&most)));
                }
                () = tokio::time::sleep(Duration::from_millis(5)) => {}
            }
        }
    };
    tokio::time::timeout(PATIENCE, back).await.expect("all connections in the end");
    assert_eq!(came.len(), CONNECTIONS, "each was made once");
    let took = came[CONNECTIONS - 1] - came[0];
    assert!(took > Duration::from_millis(400), "all at once, in {took:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_09_a_receiver_that_closes_after_each_message_costs_no_attempts() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let closed = Arc::new(AtomicUsize::new(0));
    let closing = Arc::clone(&closed);
    let serving = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut block = Vec::new();
            let mut buffer = [0; 4096];
            while !block.ends_with(&[0x1C, 0x0D]) {
                match stream.read(&mut buffer).await {
                    Ok(read) if read > 0 => block.extend_from_slice(&buffer[..read]),
                    _ => break,
                }
            }
            let Some(content) = block.get(1..block.len().saturating_sub(2)) else { continue };
            let id = crate::peer::control_id(content);
            let ack = format!("\x0BMSH|^~\\&|A\rMSA|AA|{id}\r\x1C\r");
            stream.write_all(ack.as_bytes()).await.unwrap();
            drop(stream);
            closing.fetch_add(1, Ordering::SeqCst);
        }
    });
    let folder = Folder::new();
    // With these delays a single one would be noticed.
    let slow = quick().first(Duration::from_secs(3600)).max(Duration::from_secs(3600));
    let sender = folder.sender(ehr(address).retry(slow)).await;
    for n in 0..10 {
        let receipt = sender.enqueue("ehr", &message(&format!("m{n}"), "a")).await.unwrap();
        delivered(&receipt).await;
        // The connection has to be at its end before the next message is written, or that one's outcome is unknown.
        while closed.load(Ordering::SeqCst) <= n {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert_eq!(receipt.status().await.unwrap().attempts(), 1);
    }
    serving.abort();
}

/// Answers every message on this connection after a while, and counts the most that were under way at once.
async fn answer_slowly(mut stream: TcpStream, under_way: Arc<AtomicUsize>, most: Arc<AtomicUsize>) {
    let mut block = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        while !block.ends_with(&[0x1C, 0x0D]) {
            match stream.read(&mut buffer).await {
                Ok(read) if read > 0 => block.extend_from_slice(&buffer[..read]),
                _ => return,
            }
        }
        let id = crate::peer::control_id(&block[1..block.len() - 2]);
        block.clear();
        most.fetch_max(under_way.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(10)).await;
        under_way.fetch_sub(1, Ordering::SeqCst);
        let ack = format!("\x0BMSH|^~\\&|A\rMSA|AA|{id}\r\x1C\r");
        if stream.write_all(ack.as_bytes()).await.is_err() {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_03_after_an_outage_all_connections_come_back_although_some_outlived_it() {
    let (under_way, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (closed, open_again) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let serving = tokio::spawn({
        let (under_way, most) = (Arc::clone(&under_way), Arc::clone(&most));
        let (closed, open_again) = (Arc::clone(&closed), Arc::clone(&open_again));
        async move {
            // Two connections are made; they live on while the port is closed.
            for _ in 0..2 {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(answer_slowly(stream, Arc::clone(&under_way), Arc::clone(&most)));
            }
            drop(listener);
            closed.notify_one();
            open_again.notified().await;
            let socket = TcpSocket::new_v4().unwrap();
            socket.set_reuseaddr(true).unwrap();
            socket.bind(address).unwrap();
            let listener = socket.listen(64).unwrap();
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer_slowly(stream, Arc::clone(&under_way), Arc::clone(&most)));
            }
        }
    });
    let folder = Folder::new();
    let sender = folder.sender(ehr(address).connections(8)).await;
    let enqueue = async |round: usize| {
        let mut receipts = Vec::new();
        for n in 0..40 {
            let msg = message(&format!("m{round}-{n}"), &format!("p{}", n % 20));
            receipts.push(sender.enqueue("ehr", &msg).await.unwrap());
        }
        receipts
    };
    let mut open = enqueue(0).await;
    tokio::time::timeout(PATIENCE, closed.notified()).await.unwrap();
    open.extend(enqueue(1).await);
    for receipt in &open {
        delivered(receipt).await;
    }
    assert!(most.load(Ordering::SeqCst) <= 2, "only these two connections are there");

    open_again.notify_one();
    let all_at_once = async {
        let mut round = 2;
        while most.load(Ordering::SeqCst) < 8 {
            for receipt in &enqueue(round).await {
                delivered(receipt).await;
            }
            round += 1;
        }
    };
    tokio::time::timeout(PATIENCE, all_at_once).await.expect("all connections again");
    serving.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_53_while_the_store_has_no_room_connections_are_kept_and_not_made_anew() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let connects = Arc::new(AtomicUsize::new(0));
    let serving = tokio::spawn({
        let connects = Arc::clone(&connects);
        async move {
            while let Ok((stream, _)) = listener.accept().await {
                connects.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(answer_slowly(stream, Arc::default(), Arc::default()));
            }
        }
    });
    let folder = Folder::new();
    let full = Arc::new(AtomicBool::new(true));
    let store = Fickle::new(folder.store().await, &full);
    let sender = Sender::builder(store).destination(ehr(address).connections(4)).start().await.unwrap();
    let mut receipts = Vec::new();
    for n in 0..40 {
        receipts.push(sender.enqueue("ehr", &message(&format!("m{n}"), &format!("p{n}"))).await.unwrap());
    }
    tokio::time::sleep(Duration::from_millis(1300)).await;
    let made = connects.load(Ordering::SeqCst);
    assert!((1..=4).contains(&made), "{made} connections");
    full.store(false, Ordering::SeqCst);
    for receipt in &receipts {
        delivered(receipt).await;
    }
    assert!(connects.load(Ordering::SeqCst) <= 4, "the connections were used again");
    serving.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn max_age_dead_letters_what_is_too_old_while_the_receiver_is_away() {
    let address = vacant();
    let folder = Folder::new();
    let retry = quick().max_age(Duration::from_millis(100));
    let sender = folder.sender(ehr(address).connections(2).retry(retry)).await;
    let mut receipts = Vec::new();
    for n in 0..30 {
        let msg = message(&format!("m-{n}"), &format!("p{}", n % 10));
        receipts.push(sender.enqueue("ehr", &msg).await.unwrap());
    }
    for receipt in &receipts {
        assert!(matches!(outcome(receipt).await, Outcome::DeadLettered(DeadLetterReason::TooOld)));
        let status = receipt.status().await.unwrap();
        assert_eq!((status.last_failure(), status.attempts()), (Some("S202"), 0));
    }
    let peer = Peer::start_at(address, |request, _| Reply::accept(request)).await;
    let fresh = sender.enqueue("ehr", &message("fresh", "p1")).await.unwrap();
    assert!(matches!(outcome(&fresh).await, Outcome::Delivered(_)));
    assert_eq!(peer.control_ids(), ["fresh"], "what was too old is never written");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn max_age_dead_letters_what_got_too_old_while_the_sender_was_away() {
    let folder = Folder::new();
    let sender = folder.sender(ehr(nowhere())).await;
    let receipt = sender.enqueue("ehr", &message("m-1", "a")).await.unwrap();
    sender.shutdown(PATIENCE).await;
    tokio::time::sleep(Duration::from_millis(60)).await;
    let peer = Peer::accepting().await;
    let retry = quick().max_age(Duration::from_millis(50));
    let sender = folder.sender(ehr(peer.address).retry(retry)).await;
    let status = until(&sender, &receipt, |status| status.state() == State::DeadLettered).await;
    assert_eq!(status.last_failure(), Some("S202"));
    assert!(peer.bodies().is_empty(), "never written");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn entries_wait_for_a_destination_that_is_not_configured() {
    let peer = Peer::accepting().await;
    let folder = Folder::new();
    let sender = folder.sender(ehr(nowhere())).await;
    let receipt = sender.enqueue("ehr", &message("m-1", "a")).await.unwrap();
    sender.shutdown(PATIENCE).await;
    let other = hl7_sender::Destination::mllp("lab", peer.address.to_string());
    let sender = folder.sender(other).await;
    assert!(!sender.status(&receipt.id()).await.unwrap().unwrap().state().is_settled());
    sender.shutdown(PATIENCE).await;
    let sender = folder.sender(ehr(peer.address)).await;
    until(&sender, &receipt, |status| status.state() == State::Delivered).await;
}

#[test]
fn a_client_is_as_patient_as_the_destination_says_by_default() {
    // The destination takes over the client's own deadlines, so that both documentations stay true.
    let client = format!("{:?}", Client::builder());
    let destination = format!("{:?}", hl7_sender::Destination::mllp("ehr", "ehr.example:2575"));
    assert!(client.contains("ack_timeout: 30s") && destination.contains("ack_timeout: 30s"));
}
