//! A store at its limit, and on a disk that is full.

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hl7_core::{AckCode, Message};
use hl7_mllp::Reply;
use hl7_sender::contract::{at, request};
use hl7_sender::{
    EnqueueErrorKind, Enqueued, Request, Sender, SqliteOptions, SqliteStore, State, Store as _,
};

use crate::crash::{Child, say};
use crate::fickle::Fickle;
use crate::peer::{Folder, PATIENCE, Peer, answer, ehr, message, nowhere, state, until, vacant};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_53_a_full_store_takes_nothing_more_and_still_delivers() {
    let folder = Folder::new();
    let open = async || SqliteOptions::new().max_bytes(400 * 1024).open(folder.store_path()).await.unwrap();
    let sender = Sender::builder(open().await).destination(ehr(nowhere())).start().await.unwrap();
    let mut receipts = Vec::new();
    let full = loop {
        match sender.enqueue("ehr", &message(&format!("m-{}", receipts.len()), "a")).await {
            Ok(receipt) => receipts.push(receipt),
            Err(error) => break error,
        }
        assert!(receipts.len() < 10_000, "the limit is not kept");
    };
    assert_eq!((full.kind(), full.is_indeterminate()), (&EnqueueErrorKind::StoreFull, false));
    assert!(receipts.len() > 100);
    let known = sender.enqueue("ehr", &message("m-0", "a")).await.unwrap();
    assert!(known.is_repeat(), "what is there is still known");
    sender.shutdown(PATIENCE).await;

    let peer = Peer::accepting().await;
    let sender = Sender::builder(open().await).destination(ehr(peer.address)).start().await.unwrap();
    let last = receipts.last().unwrap();
    until(&sender, last, |status| status.state() == hl7_sender::State::Delivered).await;
    assert_eq!(peer.bodies().len(), receipts.len());
}

#[tokio::test]
async fn fault_53_on_a_full_disk_everything_that_was_accepted_is_delivered() {
    let folder = Folder::new();
    let disk = folder.store_path().parent().unwrap().to_owned();
    let Some(child) = Child::start_on_small_disk("fill-disk", &disk, 24) else {
        writeln!(std::io::stderr(), "skipped: no file system of its own can be mounted here").unwrap();
        assert!(std::env::var_os("HL7_REQUIRE_SERVICES").is_none(), "a small disk is required");
        return;
    };
    let said = child.output();
    let said: Vec<&str> = said.iter().map(String::as_str).collect();
    assert_eq!(said, ["refused S006", "all delivered", "refused S006", "accepted again"]);
}

/// A delivery takes room too.
#[tokio::test]
async fn the_limit_counts_what_many_deliveries_take() {
    const LIMIT: u64 = 4 * 1024 * 1024;
    let lanes = |n: u32, of: usize| (0..of).map(|key| format!("{n}-{key}")).collect::<Vec<_>>();
    // So many destinations, in so many lanes each.
    for (destinations, of) in [(1000, 1), (4, 64)] {
        let folder = Folder::in_memory();
        let options = SqliteOptions::new().max_bytes(LIMIT).reserve_bytes(0);
        let store = options.open(folder.store_path()).await.unwrap();
        let names: Vec<String> = (0..destinations).map(|n| format!("destination-{n:04}")).collect();
        let deliveries: Vec<(&str, Option<&str>)> = names.iter().map(|name| (name.as_str(), None)).collect();
        for n in 0_u32.. {
            let mut request = request(0, 0, &deliveries);
            request.key[..4].copy_from_slice(&n.to_be_bytes());
            request.deliveries.iter_mut().for_each(|delivery| delivery.lane_keys = lanes(n, of));
            match store.enqueue(request, at(0)).await.unwrap() {
                Enqueued::Full => break,
                enqueued => assert!(matches!(enqueued, Enqueued::Stored(_)) && n < 10_000),
            }
        }
        store.close().await;
        let size = std::fs::metadata(folder.store_path()).unwrap().len();
        // The last one may go beyond it.
        assert!((LIMIT / 2..LIMIT + LIMIT / 8).contains(&size), "{destinations} destinations: {size}");
    }
}

/// So does it in memory, while the disk hangs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_hangs_holds_no_more_deliveries_than_it_may() {
    let (folder, hanging) = (Folder::new(), Arc::new(AtomicUsize::new(0)));
    let store = Fickle::new(folder.store().await, &Arc::default()).hanging(&hanging);
    let names: Vec<String> = (0..1000).map(|n| format!("{n:064}")).collect();
    let mut builder = Sender::builder(store);
    for name in &names {
        builder = builder.destination(hl7_sender::Destination::mllp(name, nowhere().to_string()));
    }
    let sender = builder.start().await.unwrap();
    let (msg, origin) = (message("m-1", "a"), "o".repeat(128));
    for _ in 0..620 {
        let enqueue = sender.entry(&msg).origin(&origin).to(&names).enqueue();
        assert!(tokio::time::timeout(Duration::from_millis(1), enqueue).await.is_err());
    }
    // 1,000 deliveries of 448 bytes are 7 parts of 64 KiB, of 4,096.
    assert_eq!(hanging.load(Ordering::SeqCst), 585);
}

/// It is what the full disk needs.
#[tokio::test]
async fn a_reserve_that_is_not_wanted_any_more_makes_room_on_a_full_disk() {
    let folder = Folder::new();
    let disk = folder.store_path().parent().unwrap().to_owned();
    let Some(child) = Child::start_on_small_disk("unwanted-reserve", &disk, 40) else {
        writeln!(std::io::stderr(), "skipped: no file system of its own can be mounted here").unwrap();
        assert!(std::env::var_os("HL7_REQUIRE_SERVICES").is_none(), "a small disk is required");
        return;
    };
    assert_eq!(child.output(), ["opened"]);
}

pub(crate) async fn unwanted_reserve(store: &Path) {
    let open = SqliteStore::open(store).await.unwrap();
    open.enqueue(request(1, 1, &[("ehr", None)]), at(0)).await.unwrap();
    open.close().await;
    fill(&store.with_file_name("filler"));
    match SqliteOptions::new().reserve_bytes(0).open(store).await {
        Ok(_) => say("opened"),
        Err(error) => say(error.code()),
    }
}

#[tokio::test]
async fn a_reserve_that_is_not_wanted_any_more_is_given_back() {
    let folder = Folder::new();
    let reserve = folder.store_path().with_file_name("outbox.db.reserve");
    let store = folder.store().await;
    store.enqueue(request(1, 1, &[("ehr", None)]), at(0)).await.unwrap();
    store.close().await;
    assert_eq!(std::fs::metadata(&reserve).unwrap().len(), SqliteOptions::RESERVE_BYTES);
    let store = SqliteOptions::new().reserve_bytes(0).open(folder.store_path()).await.unwrap();
    store.enqueue(request(2, 2, &[("ehr", None)]), at(0)).await.unwrap();
    assert!(!reserve.exists());
}

/// The limit is the store's own: its disk has room, and the reserve is left alone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edited_copy_that_a_full_store_refuses_costs_nobody_else() {
    let peer =
        Peer::start(|request, before| answer(request, if before == 0 { AckCode::CR } else { AckCode::AA }))
            .await;
    let folder = Folder::new();
    let open = SqliteOptions::new().max_bytes(400 * 1024).open(folder.store_path()).await.unwrap();
    let sender = Sender::builder(open).destination(ehr(peer.address)).start().await.unwrap();
    let dead = sender.enqueue("ehr", &message("dead", "a")).await.unwrap();
    state(&sender, &dead, State::DeadLettered).await;
    sender.pause_destination("ehr").await.unwrap();
    let mut n = 0;
    while sender.enqueue("ehr", &message(&format!("m-{n}"), "a")).await.is_ok() {
        n += 1;
    }
    let reserve =
        || std::fs::metadata(folder.store_path().with_file_name("outbox.db.reserve")).unwrap().len();
    let held = reserve();
    let edited = message("edited", "a");
    for _ in 0..3 {
        let refused = sender.replay_edited(&dead.id(), &edited).await.unwrap_err();
        assert_eq!((refused.kind(), refused.is_indeterminate()), (&EnqueueErrorKind::StoreFull, false));
    }
    assert_eq!(reserve(), held);
    sender.shutdown(PATIENCE).await;
}

/// Callers give up and try again as long as a disk hangs, and what they gave is held.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_hangs_holds_no_more_of_what_is_enqueued_than_it_may() {
    let (folder, hanging) = (Folder::new(), Arc::new(AtomicUsize::new(0)));
    let store = Fickle::new(folder.store().await, &Arc::default()).hanging(&hanging);
    let sender = Sender::builder(store).destination(ehr(nowhere())).start().await.unwrap();
    let text = "a".repeat(1024 * 1024);
    let text = format!("MSH|^~\\&|A|B|C|D|2026||ADT^A08|m|P|2.5.1\rPID|1||p\rNTE|1||{text}\r");
    let large = Message::parse(&text).unwrap();
    for _ in 0..300 {
        let given_up = tokio::time::timeout(Duration::from_millis(1), sender.enqueue("ehr", &large)).await;
        assert!(given_up.is_err());
    }
    // A message of a mebibyte and its header are 17 parts of 64 KiB, of 4,096.
    assert_eq!(hanging.load(Ordering::SeqCst), 240);
}

/// What pruning frees goes back to the disk.
#[tokio::test]
async fn a_store_that_was_large_gets_small_again() {
    let folder = Folder::new();
    let store = folder.store().await;
    for n in 0..100 {
        let request = Request { body: vec![n; 100_000], ..request(n, n, &[("ehr", None)]) };
        let Enqueued::Stored(stored) = store.enqueue(request, at(0)).await.unwrap() else {
            panic!("not stored")
        };
        store.cancel(stored[0].id, at(0)).await.unwrap();
    }
    let size = || std::fs::metadata(folder.store_path()).unwrap().len();
    let month = Duration::from_secs(30 * 24 * 3600);
    assert_eq!(store.prune(at(0) + month, at(0) + month, 500).await.unwrap(), 100);
    store.close().await;
    assert!(size() < 1024 * 1024, "{}", size());
}

/// What a child does on its small disk.
pub(crate) async fn fill_disk(store: &Path) {
    let foreign = store.with_file_name("foreign");
    std::fs::write(&foreign, vec![1; 8 * 1024 * 1024]).unwrap();
    let address = vacant();
    let open = SqliteStore::open(store).await.unwrap();
    let sender = Sender::builder(open).destination(ehr(address).connections(4)).start().await.unwrap();
    let enqueue = async |n: usize| sender.enqueue("ehr", &note(n)).await;
    let mut receipts = Vec::new();
    loop {
        match enqueue(receipts.len()).await {
            Ok(receipt) => receipts.push(receipt),
            Err(error) => {
                say(format_args!("refused {}", error.code()));
                break;
            }
        }
    }
    assert!(receipts.len() > 1_000, "{}", receipts.len());
    let reserve = || std::fs::metadata(store.with_file_name("outbox.db.reserve")).unwrap().len();
    let held = reserve();
    assert!(held >= 4 * 1024 * 1024, "{held}");
    // Other programs take what is left, again when the store was closed and its log removed.
    fill(&store.with_file_name("filler"));
    sender.shutdown(PATIENCE).await;
    fill(&store.with_file_name("another filler"));
    let open = SqliteStore::open(store).await.unwrap();
    let sender = Sender::builder(open).destination(ehr(address).connections(4)).start().await.unwrap();
    let enqueue = async |n: usize| sender.enqueue("ehr", &note(n)).await;
    let peer = Peer::start_at(address, |request, _| Reply::accept(request)).await;
    for receipt in &receipts {
        until(&sender, receipt, |status| status.state() == State::Delivered).await;
    }
    assert_eq!(peer.bodies().len(), receipts.len());
    assert!(reserve() < held, "its room was needed");
    say("all delivered");
    say(format_args!("refused {}", enqueue(receipts.len()).await.unwrap_err().code()));
    std::fs::remove_file(foreign).unwrap();
    let accepted = async {
        while enqueue(receipts.len()).await.is_err() {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, accepted).await.unwrap();
    assert!(reserve() >= 4 * 1024 * 1024);
    say("accepted again");
}

/// A message of some 700 bytes, in one of fifty lanes.
fn note(n: usize) -> Message<'static> {
    let text = "a".repeat(600);
    let text = format!(
        "MSH|^~\\&|A|B|C|D|20260102030405||ADT^A08|m{n}|P|2.5.1\rPID|1||p{}\rNTE|1||{text}\r",
        n % 50
    );
    Message::parse(&text).unwrap().into_owned()
}

/// Takes all the room of the disk.
fn fill(path: &Path) {
    let mut file = std::fs::File::create(path).unwrap();
    let block = vec![1; 64 * 1024];
    for length in [block.len(), 4096, 1] {
        while file.write_all(&block[..length]).is_ok() {}
    }
}
