//! Idempotency.

use hl7_core::Message;
use hl7_sender::{EnqueueErrorKind, Sender, State};

use crate::peer::{Folder, PATIENCE, Peer, delivered, ehr, message, nowhere};

async fn two_destinations(folder: &Folder) -> Sender {
    Sender::builder(folder.store().await)
        .destination(ehr(nowhere()))
        .destination(hl7_sender::Destination::mllp("lab", nowhere().to_string()))
        .start()
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_message_again_is_kept_once_and_sent_once() {
    let peer = Peer::accepting().await;
    let folder = Folder::new();
    let sender = folder.sender(ehr(peer.address)).await;
    let msg = message("m-1", "a");
    let first = sender.enqueue("ehr", &msg).await.unwrap();
    let second = sender.enqueue("ehr", &msg).await.unwrap();
    assert!(!first.is_repeat() && second.is_repeat());
    assert_eq!((first.id(), first.control_id()), (second.id(), second.control_id()));
    delivered(&second).await;
    sender.shutdown(PATIENCE).await;

    let sender = folder.sender(ehr(peer.address)).await;
    let third = sender.enqueue("ehr", &msg).await.unwrap();
    assert!(third.is_repeat(), "also after it was delivered, and after a restart");
    delivered(&third).await;
    assert_eq!(peer.bodies().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_47_the_same_control_id_with_another_body_is_another_message() {
    let peer = Peer::accepting().await;
    let folder = Folder::new();
    let sender = folder.sender(ehr(peer.address)).await;
    let first = sender.enqueue("ehr", &message("m-1", "a")).await.unwrap();
    let second = sender.enqueue("ehr", &message("m-1", "b")).await.unwrap();
    assert!(!second.is_repeat() && first.id() != second.id());
    delivered(&first).await;
    delivered(&second).await;
    assert_eq!(peer.bodies().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_with_another_body_is_refused() {
    let folder = Folder::new();
    let sender = two_destinations(&folder).await;
    let (first, other) = (message("m-1", "a"), message("m-2", "a"));
    sender.entry(&first).key("order-7").to(["ehr"]).enqueue().await.unwrap();
    let again = sender.entry(&first).key("order-7").to(["ehr"]).enqueue().await.unwrap();
    assert!(again[0].is_repeat());
    for destination in ["ehr", "lab"] {
        let refused = sender.entry(&other).key("order-7").to([destination]).enqueue().await.unwrap_err();
        assert_eq!((refused.kind(), refused.is_indeterminate()), (&EnqueueErrorKind::KeyReused, false));
    }
    assert_eq!(sender.recent(10).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fingerprint_says_what_the_same_request_is() {
    let folder = Folder::new();
    let sender = two_destinations(&folder).await;
    // The same order mapped twice: another control ID each time.
    let (first, again) = (message("m-1", "a"), message("m-2", "a"));
    let payload = br#"{"order":7}"#;
    let kept = sender.entry(&first).key("k").fingerprint(payload).to(["ehr"]).enqueue().await.unwrap();
    let found = sender.entry(&again).key("k").fingerprint(payload).to(["ehr"]).enqueue().await.unwrap();
    assert!(found[0].is_repeat());
    assert_eq!((found[0].id(), found[0].control_id()), (kept[0].id(), "m-1"));
    let other = sender.entry(&again).key("k").fingerprint(b"{}").to(["ehr"]).enqueue().await;
    assert_eq!(other.unwrap_err().code(), "S008");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_known_key_for_a_further_destination_sends_the_message_first_kept() {
    let folder = Folder::new();
    let sender = two_destinations(&folder).await;
    let (first, again) = (message("m-1", "a"), message("m-2", "a"));
    sender.entry(&first).key("k").fingerprint(b"7").to(["ehr"]).enqueue().await.unwrap();
    let both = sender.entry(&again).key("k").fingerprint(b"7").to(["lab", "ehr"]).enqueue().await.unwrap();
    assert_eq!(both.iter().map(|r| r.is_repeat()).collect::<Vec<_>>(), [false, true]);
    assert!(both.iter().all(|receipt| receipt.control_id() == "m-1"));
    let body = sender.message(&both[0].id()).await.unwrap().unwrap();
    assert_eq!(body, first.to_wire().unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_callers_with_one_key_make_one_entry() {
    let folder = Folder::new();
    let sender = folder.sender(ehr(nowhere())).await;
    let calls = (0..32).map(|_| {
        let sender = sender.clone();
        tokio::spawn(async move {
            let msg = message("m-1", "a");
            let receipt = sender.enqueue("ehr", &msg).await.unwrap();
            (receipt.id(), receipt.is_repeat())
        })
    });
    let mut made = 0;
    let mut ids = std::collections::HashSet::new();
    for call in calls.collect::<Vec<_>>() {
        let (id, repeat) = call.await.unwrap();
        ids.insert(id);
        made += usize::from(!repeat);
    }
    assert_eq!((ids.len(), made), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_sent_is_not_kept() {
    let folder = Folder::new();
    let sender = Sender::builder(folder.store().await)
        .destination(ehr(nowhere()))
        .max_message_bytes(1000)
        .start()
        .await
        .unwrap();
    let long = format!("MSH|^~\\&|A|||||||m-1\rOBX|1||||{}\r", "x".repeat(1000));
    let cases = [
        ("S003", "MSH|^~\\&|A|||||||\rPID|1\r"),
        ("S003", "MSH|^~\\&|A|||||||\"\"\rPID|1\r"),
        ("S004", "MSH|^~\\&|A||||||ADT^A08|m-1|P|2.5||||||ASCII\rPID|1||||Müller\r"),
        ("S005", &long),
        ("S010", "MSH|^~\\&|A||||||ADT^A08|m-1|P|2.5|||NE|NE\r"),
        ("S011", "MSH|^~\\&|A||||||ADT^A08|m-1|P|2.5\rNTE|1||a\u{1C}b\r"),
    ];
    for (code, text) in cases {
        let msg = Message::parse(text).unwrap();
        let error = sender.enqueue("ehr", &msg).await.unwrap_err();
        assert_eq!((error.code(), error.is_indeterminate()), (code, false));
        assert!(error.to_string().starts_with(code) && !error.suggestion().is_empty());
    }
    let msg = message("m-1", "a");
    assert_eq!(sender.enqueue("his", &msg).await.unwrap_err().code(), "S001");
    assert_eq!(sender.entry(&msg).enqueue().await.unwrap_err().code(), "S002");
    let origin = sender.entry(&msg).origin("x".repeat(129)).to(["ehr"]).enqueue().await;
    assert_eq!(origin.unwrap_err().code(), "S012");
    let partly = sender.entry(&msg).to(["ehr", "his"]).enqueue().await;
    assert_eq!(partly.unwrap_err().code(), "S001");
    assert!(sender.recent(10).await.unwrap().is_empty());
    assert!(sender.counts().await.unwrap().iter().all(|count| count.state() != State::Queued));
}
