//! Files that were changed behind the store's back.

use std::io::{Seek as _, SeekFrom, Write as _};

use std::collections::HashMap;
use std::time::{Duration, Instant};

use hl7_sender::{
    EnqueueErrorKind, OpenErrorKind, Sender, SqliteOptions, SqliteStore, State, Store as _, StoreErrorKind,
};

use crate::peer::{Folder, PATIENCE, Peer, control_id, ehr, message, nowhere, state};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_54_a_flipped_bit_in_a_body_is_never_sent() {
    let folder = Folder::new();
    let sender = folder.sender(ehr(nowhere())).await;
    let altered = sender.enqueue("ehr", &message("m-1", "a")).await.unwrap();
    let behind = sender.enqueue("ehr", &message("m-2", "a")).await.unwrap();
    let other = sender.enqueue("ehr", &message("m-3", "b")).await.unwrap();
    sender.shutdown(PATIENCE).await;

    let conn = rusqlite::Connection::open(folder.store_path()).unwrap();
    let mut body: Vec<u8> =
        conn.query_row("SELECT bytes FROM body ORDER BY request LIMIT 1", [], |row| row.get(0)).unwrap();
    let place = body.windows(3).position(|bytes| bytes == b"Doe").unwrap();
    body[place] ^= 1;
    conn.execute("UPDATE body SET bytes = ?1 WHERE request = (SELECT min(request) FROM body)", [&body])
        .unwrap();
    drop(conn);

    let peer = Peer::accepting().await;
    let sender = folder.sender(ehr(peer.address)).await;
    let held = state(&sender, &altered, State::Held).await;
    assert_eq!((held.last_failure(), held.attempts()), (Some("S201"), 0));
    state(&sender, &other, State::Delivered).await;
    assert_eq!(peer.control_ids(), ["m-3"]);

    sender.release(&altered.id()).await.unwrap();
    state(&sender, &altered, State::Held).await;
    sender.dead_letter(&altered.id()).await.unwrap();
    state(&sender, &behind, State::Delivered).await;
    assert_eq!(peer.control_ids(), ["m-3", "m-2"]);
}

/// Overwrites every page but the first, and gives back what was there.
fn overwrite(folder: &Folder) -> Vec<u8> {
    let before = std::fs::read(folder.store_path()).unwrap();
    let mut file = std::fs::OpenOptions::new().write(true).open(folder.store_path()).unwrap();
    file.seek(SeekFrom::Start(4096)).unwrap();
    file.write_all(&vec![0xA5; before.len() - 4096]).unwrap();
    before
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_52_after_a_fault_nothing_is_done_until_the_store_is_opened_again() {
    let folder = Folder::new();
    let sender = folder.sender(ehr(nowhere())).await;
    let kept = sender.enqueue("ehr", &message("m-1", "a")).await.unwrap();
    sender.shutdown(PATIENCE).await;

    let sender = hl7_sender::Sender::builder(folder.store().await)
        .destination(hl7_sender::Destination::mllp("lab", nowhere().to_string()))
        .start()
        .await
        .unwrap();
    let before = overwrite(&folder);
    // What else is asked for may be in memory. Nobody has read this message.
    assert!(sender.message(&kept.id()).await.unwrap_err().is_fault());
    std::fs::write(folder.store_path(), before).unwrap();
    let again = sender.enqueue("lab", &message("m-2", "a")).await.unwrap_err();
    assert!(again.is_indeterminate());
    let EnqueueErrorKind::Store(why) = again.kind() else { panic!("{again}") };
    assert_eq!(why.kind(), StoreErrorKind::Poisoned, "although the file is whole again");
    assert_eq!(sender.recent(1).await.unwrap_err().kind(), StoreErrorKind::Poisoned);
    sender.shutdown(PATIENCE).await;

    let store = folder.store().await;
    assert!(store.record(kept.id()).await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn waiting_callers_learn_that_the_store_failed() {
    let folder = Folder::new();
    let sender = folder.sender(ehr(nowhere())).await;
    for n in 0..100 {
        sender.enqueue("ehr", &message(&format!("m-{n}"), "a")).await.unwrap();
    }
    sender.shutdown(PATIENCE).await;

    let sender = folder.sender(ehr(nowhere())).await;
    let receipt = sender.enqueue("ehr", &message("m-0", "a")).await.unwrap();
    let waiting = tokio::spawn({
        let receipt = receipt.clone();
        async move { receipt.outcome().await }
    });
    let failed = tokio::spawn(sender.failed());
    assert!(!failed.is_finished());
    overwrite(&folder);
    // Who sends may find it first.
    assert!(sender.recent(1000).await.unwrap_err().is_fault());
    let fault = tokio::time::timeout(PATIENCE, failed).await.unwrap().unwrap();
    assert_eq!((fault.kind(), fault.code()), (StoreErrorKind::Damaged, "S108"));
    assert_eq!(sender.failed().await, fault, "also for who asks later");
    let error = tokio::time::timeout(PATIENCE, waiting).await.unwrap().unwrap().unwrap_err();
    assert!(matches!(error.kind(), StoreErrorKind::Damaged | StoreErrorKind::Poisoned));
}

/// A store with sixty messages in five lanes, some attempted before, as its file.
async fn stored() -> Vec<u8> {
    let folder = Folder::new();
    let sender = folder.sender(ehr(nowhere())).await;
    for n in 0..MESSAGES {
        sender.enqueue("ehr", &numbered(n)).await.unwrap();
    }
    sender.shutdown(PATIENCE).await;
    std::fs::read(folder.store_path()).unwrap()
}

const MESSAGES: usize = 60;

fn numbered(n: usize) -> hl7_core::Message<'static> {
    message(&format!("m-{n}"), &format!("p{}", n % 5))
}

/// What came of a file with one flipped bit.
#[derive(Default)]
struct Sweep {
    refused: usize,
    failed: usize,
    unharmed: usize,
}

impl Sweep {
    /// Opens the file, sends what can be sent, and compares what arrives with what was enqueued.
    async fn try_file(&mut self, bytes: &[u8], options: SqliteOptions, in_order: bool) {
        let folder = Folder::new();
        std::fs::write(folder.store_path(), bytes).unwrap();
        let Ok(store) = options.open(folder.store_path()).await else {
            self.refused += 1;
            return;
        };
        let peer = Peer::accepting().await;
        let destination = ehr(peer.address).connections(3);
        let Ok(sender) = Sender::builder(store).destination(destination).start().await else {
            self.failed += 1;
            return;
        };
        match settled(&sender).await {
            true => self.unharmed += 1,
            false => self.failed += 1,
        }
        sender.shutdown(PATIENCE).await;
        check_arrivals(&peer.bodies(), in_order);
    }
}

/// Whether everything was sent, before the store failed or nothing moved any more.
async fn settled(sender: &Sender) -> bool {
    let (mut moved, mut before) = (Instant::now(), u64::MAX);
    while moved.elapsed() < Duration::from_millis(700) {
        let Ok(counts) = sender.counts().await else { return false };
        let open = |count: &&hl7_sender::Count| !count.state().is_settled() && count.state() != State::Held;
        let left = counts.iter().filter(open).map(hl7_sender::Count::messages).sum();
        match left {
            0 => return true,
            left if left != before => (moved, before) = (Instant::now(), left),
            _ => tokio::time::sleep(Duration::from_millis(2)).await,
        }
    }
    false
}

/// Every message is one that was enqueued, byte for byte, and came once: the peer answers all at once, so there is no reason to repeat one.
fn check_arrivals(bodies: &[Vec<u8>], in_order: bool) {
    let mut last = HashMap::new();
    let mut seen = std::collections::HashSet::new();
    for body in bodies {
        let n: usize = control_id(body).strip_prefix("m-").unwrap().parse().unwrap();
        assert_eq!(body, numbered(n).as_er7().as_bytes());
        assert!(seen.insert(n), "m-{n} was sent twice");
        let before = last.insert(n % 5, n);
        assert!(!in_order || before.is_none_or(|before| before < n), "m-{n} came too late");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_54_with_any_bit_flipped_nothing_altered_is_sent_and_nothing_twice() {
    let whole = stored().await;
    let mut sweep = Sweep::default();
    sweep.try_file(&whole, SqliteOptions::new(), true).await;
    assert_eq!(sweep.unharmed, 1);
    let seeds = crate::steps::seeds();
    let (mut rng, rounds) = (fastrand::Rng::with_seed(seeds.start), 60 * (seeds.end - seeds.start));
    for round in 0..rounds {
        let mut bytes = whole.clone();
        let place = rng.usize(100..bytes.len());
        bytes[place] ^= 1 << rng.u8(0..8);
        // Every other one without the check at opening, so that what is checked later is seen too.
        let checked = round % 2 == 0;
        let options = SqliteOptions::new().reserve_bytes(0);
        let options = if checked { options } else { options.check_within(Duration::ZERO) };
        sweep.try_file(&bytes, options, checked).await;
    }
    let Sweep { refused, failed, unharmed } = sweep;
    crate::steps::tell(format_args!(
        "flipped bits: {rounds}, refused {refused}, found later {failed}, unharmed {unharmed}, altered or sent twice 0"
    ));
    assert!(
        sweep.refused + sweep.failed > 0 && sweep.unharmed > 0,
        "{} refused, {} failed",
        sweep.refused,
        sweep.failed
    );
}

#[tokio::test]
async fn fault_54_a_damaged_index_is_found_when_the_store_is_opened() {
    let folder = Folder::new();
    let whole = stored().await;
    std::fs::write(folder.store_path(), &whole).unwrap();
    let conn = rusqlite::Connection::open(folder.store_path()).unwrap();
    let sql = "SELECT rootpage FROM sqlite_schema WHERE name = 'sqlite_autoindex_entry_1'";
    let page: usize = conn.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap() as usize;
    drop(conn);
    let mut bytes = whole.clone();
    // The last byte of a page holds content.
    bytes[page * 4096 - 1] ^= 1;
    std::fs::write(folder.store_path(), &bytes).unwrap();
    let error = SqliteStore::open(folder.store_path()).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (OpenErrorKind::Damaged, "S117"));
    assert_eq!(std::fs::read(folder.store_path()).unwrap(), bytes, "it is left as it is");
}
