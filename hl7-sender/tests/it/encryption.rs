//! Messages that are encrypted in the store.

use std::path::Path;
use std::sync::{Arc, Mutex};

use hl7_core::{AckCode, path};
use hl7_mllp::{Reply, Server};
use hl7_sender::{
    EnqueueErrorKind, Intake, Key, KeyId, KeyRing, Keys, Outcome, Router, Sender, StartErrorKind, State,
    Status, StoreErrorKind,
};
use rusqlite::Connection;

use crate::blocks::{ask, code};
use crate::peer::{Folder, PATIENCE, Peer, answer, delivered, ehr, message, nowhere, outcome, state};

const CANARY: &str = "CANARYDOE";

fn id(name: &str) -> KeyId {
    name.parse().unwrap()
}

fn key(bits: u8) -> Key {
    Key::from_bytes([bits; Key::BYTES])
}

fn ring(name: &str) -> KeyRing {
    KeyRing::new(id(name), key(name.len() as u8))
}

async fn start(folder: &Folder, address: std::net::SocketAddr, keys: impl Keys) -> Sender {
    let builder = Sender::builder(folder.store().await).destination(ehr(address).lane_key(path!("PID-3.1")));
    builder.encrypt(keys).start().await.unwrap()
}

fn holds(path: &Path, text: &str) -> bool {
    let Ok(file) = std::fs::read(path) else { return false };
    file.windows(text.len()).any(|bytes| bytes == text.as_bytes())
}

/// Whether the store's file, or its log, holds the text.
fn on_disk(folder: &Folder, text: &str) -> bool {
    let log = folder.store_path().with_extension("db-wal");
    holds(&folder.store_path(), text) || holds(&log, text)
}

/// What one row of a table of the closed store holds.
fn column(folder: &Folder, sql: &str) -> Vec<u8> {
    Connection::open(folder.store_path()).unwrap().query_row(sql, [], |row| row.get(0)).unwrap()
}

fn change(folder: &Folder, sql: &str) {
    Connection::open(folder.store_path()).unwrap().execute_batch(sql).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_encrypted_is_delivered_as_it_was_and_is_not_on_the_disk() {
    let told = |request: &hl7_mllp::Request| {
        let msa2 = request.message().header().control_id().unwrap().raw().to_owned();
        Reply::bytes(format!("MSH|^~\\&|EHR\rMSA|AA|{msa2}|{CANARY}\r").into_bytes())
    };
    let peer = Peer::start(move |request, _| told(request)).await;
    let folder = Folder::new();
    let sender = start(&folder, peer.address, ring("k")).await;
    let msg = message("m-1", CANARY);
    let receipt = sender.enqueue("ehr", &msg).await.unwrap();
    let Outcome::Delivered(ack) = outcome(&receipt).await else { panic!("not delivered") };
    assert!(ack.bytes().windows(CANARY.len()).any(|bytes| bytes == CANARY.as_bytes()));
    assert_eq!(peer.bodies(), [msg.to_wire().unwrap()]);
    assert_eq!(sender.message(&receipt.id()).await.unwrap().unwrap(), *msg.to_wire().unwrap());
    let listed = sender.recent(1).await.unwrap().remove(0);
    assert_eq!(listed.last_acknowledgment().unwrap().bytes(), ack.bytes());

    let intake = Intake::new(&sender, Router::to(["ehr"])).unwrap();
    let server = Server::bind("127.0.0.1:0").await.unwrap();
    let node = server.local_addr().unwrap();
    let task = tokio::spawn(server.serve(intake.handler()));
    let text = msg.as_er7().replace("m-1", "m-2").replace("LAB", CANARY);
    let first = ask(node, &text).await;
    assert_eq!((code(&first), &first), ("AA".to_owned(), &ask(node, &text).await));
    assert_eq!((intake.meter().read().taken, intake.meter().read().repeats), (1, 1));
    task.abort();

    assert!(on_disk(&folder, "ehr"), "the log is looked at");
    assert!(!on_disk(&folder, CANARY), "while it is open");
    sender.shutdown(PATIENCE).await;
    assert!(!on_disk(&folder, CANARY), "after the end");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_encryption_the_same_text_is_found_on_the_disk() {
    let folder = Folder::new();
    let sender = folder.sender(ehr(nowhere())).await;
    sender.enqueue("ehr", &message("m-1", CANARY)).await.unwrap();
    assert!(on_disk(&folder, CANARY), "what the test above looks for can be found");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn repeats_are_known_by_the_plain_text_under_every_key_and_from_before() {
    let folder = Folder::new();
    let msg = message("m-1", "a");
    let plain = folder.sender(ehr(nowhere())).await;
    let first = plain.enqueue("ehr", &msg).await.unwrap();
    plain.shutdown(PATIENCE).await;

    let (second, third) = (message("m-2", "a"), message("m-3", "a"));
    let sender = start(&folder, nowhere(), ring("old")).await;
    let again = sender.enqueue("ehr", &msg).await.unwrap();
    assert_eq!((again.id(), again.is_repeat()), (first.id(), true));
    let old = sender.entry(&second).key("order 2").to(["ehr"]).enqueue().await.unwrap().remove(0);
    assert!(sender.enqueue("ehr", &third).await.unwrap().id() != old.id());
    sender.shutdown(PATIENCE).await;
    let rotated = ring("newer").with_former(id("old"), key(3));
    let sender = start(&folder, nowhere(), rotated).await;
    assert!(sender.enqueue("ehr", &msg).await.unwrap().is_repeat());
    assert!(sender.enqueue("ehr", &third).await.unwrap().is_repeat());
    let again = sender.entry(&second).key("order 2").to(["ehr"]).enqueue().await.unwrap().remove(0);
    assert_eq!((again.id(), again.is_repeat()), (old.id(), true));
    let other = sender.entry(&third).key("order 2").to(["ehr"]).enqueue().await.unwrap_err();
    assert_eq!(other.kind(), &EnqueueErrorKind::KeyReused);
    assert!(!sender.enqueue("ehr", &message("m-4", "a")).await.unwrap().is_repeat());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_guess_at_a_message_can_be_compared_with_what_is_kept() {
    let names = "SELECT cast(key || fingerprint || digest AS BLOB) FROM request";
    let mut kept = Vec::new();
    for keys in [None, Some(ring("k")), Some(ring("other"))] {
        let folder = Folder::new();
        let sender = match keys {
            None => folder.sender(ehr(nowhere())).await,
            Some(keys) => start(&folder, nowhere(), keys).await,
        };
        sender.enqueue("ehr", &message("m-1", "a")).await.unwrap();
        sender.shutdown(PATIENCE).await;
        kept.push(column(&folder, names));
    }
    for part in 0..3 {
        let of: Vec<_> = kept.iter().map(|names| &names[part * 32..][..32]).collect();
        assert!(of[0] != of[1] && of[1] != of[2] && of[0] != of[2], "{part}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_came_in_before_a_rotation_is_answered_as_it_was() {
    let folder = Folder::new();
    let text = message("m-1", "a").as_er7().to_owned();
    let mut answers = Vec::new();
    for (n, keys) in [ring("old"), ring("newer").with_former(id("old"), key(3))].into_iter().enumerate() {
        let sender = start(&folder, nowhere(), keys).await;
        let intake = Intake::new(&sender, Router::to(["ehr"])).unwrap();
        let server = Server::bind("127.0.0.1:0").await.unwrap();
        let node = server.local_addr().unwrap();
        let task = tokio::spawn(server.serve(intake.handler()));
        answers.push(ask(node, &text).await);
        assert_eq!(intake.meter().read().repeats, n as u64);
        task.abort();
        sender.shutdown(PATIENCE).await;
    }
    assert_eq!(code(&answers[0]), "AA");
    assert_eq!(answers[0], answers[1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn plain_and_old_entries_go_out_after_encryption_and_after_rotation() {
    let folder = Folder::new();
    let plain = folder.sender(ehr(nowhere())).await;
    let first = plain.enqueue("ehr", &message("m-1", "a")).await.unwrap();
    plain.shutdown(PATIENCE).await;
    let sender = start(&folder, nowhere(), ring("old")).await;
    let second = sender.enqueue("ehr", &message("m-2", "a")).await.unwrap();
    sender.shutdown(PATIENCE).await;
    let peer = Peer::accepting().await;
    let rotated = ring("newer").with_former(id("old"), key(3));
    let sender = start(&folder, peer.address, rotated).await;
    let third = sender.enqueue("ehr", &message("m-3", "a")).await.unwrap();
    for receipt in [first, second, third] {
        state(&sender, &receipt, State::Delivered).await;
    }
    assert_eq!(peer.control_ids(), ["m-1", "m-2", "m-3"]);
}

async fn held(sender: &Sender, receipt: &hl7_sender::Receipt) -> Status {
    state(sender, receipt, State::Held).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_its_key_or_with_a_wrong_one_an_entry_is_held_and_released_once_it_is_there() {
    let folder = Folder::new();
    let sender = start(&folder, nowhere(), ring("old")).await;
    let first = sender.enqueue("ehr", &message("m-1", "a")).await.unwrap();
    let behind = sender.enqueue("ehr", &message("m-2", "a")).await.unwrap();
    sender.shutdown(PATIENCE).await;
    let peer = Peer::accepting().await;
    let wrong = ring("newer").with_former(id("old"), key(9));
    for (keys, code) in [(ring("newer"), "S207"), (wrong, "S208")] {
        let sender = start(&folder, peer.address, keys).await;
        if code == "S208" {
            sender.release(&first.id()).await.unwrap();
        }
        let status = held(&sender, &first).await;
        assert_eq!((status.last_failure(), status.attempts()), (Some(code), 0));
        state(&sender, &behind, State::Queued).await;
        let error = sender.message(&first.id()).await.unwrap_err();
        assert_eq!((error.kind(), error.code()), (StoreErrorKind::Sealed, "S110"));
        let other = sender.enqueue("ehr", &message(&format!("x-{code}"), "b")).await.unwrap();
        delivered(&other).await;
        sender.shutdown(PATIENCE).await;
    }
    // Encryption that is turned off is a missing key.
    let plain = folder.sender(ehr(peer.address)).await;
    plain.release(&first.id()).await.unwrap();
    assert_eq!(held(&plain, &first).await.last_failure(), Some("S207"));
    plain.shutdown(PATIENCE).await;

    let sender = start(&folder, peer.address, ring("newer").with_former(id("old"), key(3))).await;
    sender.release(&first.id()).await.unwrap();
    state(&sender, &behind, State::Delivered).await;
    assert_eq!(peer.control_ids(), ["x-S207", "x-S208", "m-1", "m-2"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_54_sealed_messages_that_change_places_are_found() {
    let folder = Folder::new();
    let sender = start(&folder, nowhere(), ring("k")).await;
    let first = sender.enqueue("ehr", &message("m-1", "a")).await.unwrap();
    let second = sender.enqueue("ehr", &message("m-2", "b")).await.unwrap();
    sender.shutdown(PATIENCE).await;
    // With their checksums, so that these are right.
    change(
        &folder,
        "CREATE TEMP TABLE b AS SELECT * FROM body; CREATE TEMP TABLE r AS SELECT number, digest FROM request;
         UPDATE body SET bytes = (SELECT bytes FROM b WHERE b.request <> body.request);
         UPDATE request SET digest = (SELECT digest FROM r WHERE r.number <> request.number);",
    );
    let peer = Peer::accepting().await;
    let sender = start(&folder, peer.address, ring("k")).await;
    for receipt in [&first, &second] {
        assert_eq!(held(&sender, receipt).await.last_failure(), Some("S208"));
    }
    assert!(peer.bodies().is_empty());
    assert_eq!(sender.message(&first.id()).await.unwrap_err().kind(), StoreErrorKind::Sealed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledgments_that_change_places_or_whose_key_is_gone_are_not_shown() {
    let peer = Peer::start(|request, _| answer(request, AckCode::AA)).await;
    let folder = Folder::new();
    let sender = start(&folder, peer.address, ring("old")).await;
    let mut receipts = Vec::new();
    for n in 0..2 {
        let receipt = sender.enqueue("ehr", &message(&format!("m-{n}"), "a")).await.unwrap();
        delivered(&receipt).await;
        receipts.push(receipt);
    }
    sender.shutdown(PATIENCE).await;
    change(
        &folder,
        "CREATE TEMP TABLE a AS SELECT number, acknowledgment FROM entry;
         UPDATE entry SET acknowledgment = (SELECT acknowledgment FROM a WHERE a.number <> entry.number);",
    );
    for keys in [ring("old"), ring("newer")] {
        let sender = start(&folder, peer.address, keys).await;
        let status = sender.status(&receipts[0].id()).await.unwrap().unwrap();
        assert_eq!((status.state(), status.has_shut_acknowledgment()), (State::Delivered, true));
        assert!(status.last_acknowledgment().is_none());
        sender.shutdown(PATIENCE).await;
    }
}

/// Keys that can be taken away.
#[derive(Clone)]
struct Fickle(Arc<Mutex<bool>>);

impl Keys for Fickle {
    fn current(&self) -> KeyId {
        id("k")
    }

    fn key(&self, _: &KeyId) -> Option<Key> {
        self.0.lock().unwrap().then(|| key(1))
    }

    fn former(&self) -> Vec<KeyId> {
        Vec::new()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_current_key_nothing_is_kept_and_no_sender_starts() {
    let folder = Folder::new();
    let there = Arc::new(Mutex::new(true));
    let sender = start(&folder, nowhere(), Fickle(Arc::clone(&there))).await;
    *there.lock().unwrap() = false;
    let error = sender.enqueue("ehr", &message("m-1", "a")).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.code(), error.is_indeterminate()),
        (&EnqueueErrorKind::NoKey, "S014", false)
    );
    let intake = Intake::new(&sender, Router::to(["ehr"])).unwrap();
    let server = Server::bind("127.0.0.1:0").await.unwrap();
    let node = server.local_addr().unwrap();
    let task = tokio::spawn(server.serve(intake.handler()));
    assert_eq!(code(&ask(node, message("m-1", "a").as_er7()).await), "AR");
    task.abort();
    assert!(sender.recent(9).await.unwrap().is_empty());
    sender.shutdown(PATIENCE).await;
    drop((sender, intake));

    let builder = Sender::builder(folder.store().await).destination(ehr(nowhere()));
    let error = builder.encrypt(Fickle(there)).start().await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (&StartErrorKind::NoKey, "S133"));
}

#[test]
fn keys_show_nothing_of_themselves() {
    let ring = ring("now").with_former(id("before"), Key::from_bytes([0xAB; Key::BYTES]));
    let shown = format!("{ring:?} {ring:#?} {:?} {:?}", ring.key(&id("before")), key(0xAB));
    assert!(shown.contains("before") && shown.contains("Key(..)"), "{shown}");
    assert!(!shown.contains("171") && !shown.to_lowercase().contains("ab,"), "{shown}");
    for not in ["", "a b", "ä", "CANARY Doe", &"x".repeat(65)] {
        let error = not.parse::<KeyId>().unwrap_err();
        assert!(error.code() == "S134" && !error.to_string().contains("CANARY"));
    }
}
