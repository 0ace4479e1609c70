//! Stores that earlier versions made.
//!
//! `fixtures/store-v1.db` was written by the first version through [`Store`]: entries in every state, some with acknowledgments, all made up. It
//! is never written anew. `fixtures/store-v2.db` was written by the second version in the same way, with messages that came in.

use std::path::Path;

use hl7_sender::{DeadLetterReason, Enqueued, EntryId, OpenErrorKind, Received, SqliteStore, State, Store};
use rusqlite::Connection;

use crate::crash::Child;
use crate::peer::Folder;
use hl7_sender::contract::{at, inbound, request};

const FIRST: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/store-v1.db");

/// The number of an entry's request in the fixture, its state, and the code of what failed.
const ENTRIES: [(u8, State, Option<&str>); 9] = [
    (1, State::Delivered, None),
    (17, State::Queued, None), // of the first request too, for another destination
    (2, State::DeadLettered, Some("CR")),
    (3, State::Held, Some("AE")),
    (4, State::Retrying, Some("N204")),
    (5, State::Sending, None),
    (6, State::Queued, None),
    (7, State::Queued, None),
    (8, State::Queued, None),
];

fn id(n: u8) -> EntryId {
    EntryId::from_bytes([n; 16])
}

fn copy_of_the_first() -> Folder {
    let folder = Folder::new();
    std::fs::copy(FIRST, folder.store_path()).unwrap();
    folder
}

/// Everything that the fixture's maker put in is there.
async fn check_entries(store: &SqliteStore) {
    for (n, state, failure) in ENTRIES {
        let record = store.record(id(n)).await.unwrap().unwrap();
        assert_eq!((record.state, record.failure.as_deref()), (state, failure), "{n}");
        assert_eq!(record.control_id, format!("v1-{}", n % 16));
        let message = String::from_utf8(store.message(id(n)).await.unwrap().unwrap()).unwrap();
        assert!(message.contains(&format!("|{}|P|2.5.1\rPID|1||", record.control_id)), "{n}");
        assert_eq!(record.size as usize, message.len());
        let answered = matches!(n, 1..=3);
        let code = failure.unwrap_or("AA");
        let answer = format!("MSH|^~\\&|EHR\rMSA|{code}|v1-{n}\r");
        assert_eq!(record.acknowledgment, answered.then(|| answer.into_bytes()));
    }
    let dead = store.record(id(2)).await.unwrap().unwrap();
    assert_eq!((dead.reason, dead.settled_at), (Some(DeadLetterReason::Refused), Some(at(3))));
    assert_eq!(store.record(id(4)).await.unwrap().unwrap().next_attempt_at, Some(at(60)));
    assert_eq!(store.recent(None, 99).await.unwrap().len(), ENTRIES.len());
    assert_eq!(store.recent(Some("orders"), 99).await.unwrap().len(), 4);
}

/// Keys stand for what they stood for, and lanes are the ones they were.
async fn check_use(store: &SqliteStore) {
    let mut again = request(6, 106, &[("ehr", Some("6"))]);
    let Enqueued::Stored(known) = store.enqueue(again.clone(), at(9)).await.unwrap() else {
        panic!("not stored");
    };
    assert_eq!((known[0].id, known[0].repeat, known[0].control_id.as_str()), (id(6), true, "v1-6"));
    again.fingerprint = [0; 32];
    assert_eq!(store.enqueue(again, at(9)).await.unwrap(), Enqueued::KeyReused);
    let Enqueued::Stored(new) = store.enqueue(request(200, 200, &[("ehr", Some("6"))]), at(9)).await.unwrap()
    else {
        panic!("not stored");
    };
    let lane = store.record(id(6)).await.unwrap().unwrap().home();
    assert_eq!(new[0].home(), lane);
    let mut order = Vec::new();
    let mut next = store.begin(lane).await.unwrap();
    while let Some(attempt) = next {
        order.push(attempt.id);
        let end = hl7_sender::contract::finished(attempt.id, hl7_sender::End::Deliver, at(9));
        next = store.finish(end, true).await.unwrap();
    }
    assert_eq!(order, [id(6), id(7), new[0].id]);
    assert_eq!(store.recover(at(9)).await.unwrap(), 1);
}

#[tokio::test]
async fn a_store_of_the_first_version_opens_with_all_its_entries() {
    assert!(Path::new(FIRST).exists());
    let folder = copy_of_the_first();
    let store = folder.store().await;
    check_entries(&store).await;
    store.close().await;
    let store = folder.store().await;
    check_entries(&store).await;
    check_use(&store).await;
}

const SECOND: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/store-v2.db");

#[tokio::test]
async fn a_store_of_the_second_version_opens_with_all_its_entries() {
    use State as S;
    let entries = [
        (1, S::Delivered, None),
        (17, S::Queued, None),
        (33, S::Queued, None),
        (2, S::DeadLettered, Some("CR")),
        (3, S::Held, Some("AE")),
        (4, S::Retrying, Some("N204")),
        (5, S::Sending, None),
        (6, S::Queued, None),
        (7, S::Held, None),
        (8, S::Queued, None),
        (9, S::Unconfirmed, None),
        (10, S::Skipped, Some("AE")),
        (11, S::Cancelled, None),
        (12, S::Queued, None),
        (44, S::Queued, None),
        (13, S::DeadLettered, None),
        (45, S::DeadLettered, None),
    ];
    let folder = Folder::new();
    std::fs::copy(SECOND, folder.store_path()).unwrap();
    assert_eq!(version(&folder.store_path()), 2);
    for _ in 0..2 {
        let store = folder.store().await;
        for (n, state, failure) in entries {
            let record = store.record(id(n)).await.unwrap().unwrap();
            assert_eq!((record.state, record.failure.as_deref()), (state, failure), "{n}");
            assert_eq!(record.control_id, format!("v2-{}", n % 16));
            assert_eq!((record.lanes.len(), record.copy_of), (1, None));
        }
        let newest: Vec<_> = store.recent(None, 99).await.unwrap().iter().map(|record| record.id).collect();
        assert_eq!((newest.len(), newest[0], newest[16]), (entries.len(), id(45), id(1)));
        store.close().await;
    }
    check_what_is_due(&folder.store().await).await;
}

/// Lanes go on where they stood.
async fn check_what_is_due(store: &SqliteStore) {
    let due = async |destination: &str, second| {
        let mut due = Vec::new();
        for lane in store.due(destination, at(second), 99).await.unwrap().lanes {
            due.push(store.begin(lane).await.unwrap().unwrap().id);
        }
        due.sort();
        due
    };
    assert_eq!(due("ehr", 59).await, [6, 8, 12].map(id));
    assert_eq!(due("ehr", 60).await, [4].map(id));
    assert_eq!((due("lab", 9).await, due("archive", 9).await), (vec![id(17)], vec![id(33)]));
    assert_eq!(store.recover(at(61)).await.unwrap(), 7);
    let finished = hl7_sender::contract::finished(id(6), hl7_sender::End::Deliver, at(62));
    let lane = store.record(id(6)).await.unwrap().unwrap().home();
    store.begin(lane).await.unwrap().unwrap();
    assert!(store.finish(finished, true).await.unwrap().is_none(), "a held one is behind it");
    store.release(id(7), at(63)).await.unwrap();
    assert_eq!(store.begin(lane).await.unwrap().unwrap().id, id(7));
    assert_eq!(store.prune(at(100), at(0), 99).await.unwrap(), 4, "what is settled for all its destinations");
    let counts = store.counts().await.unwrap();
    assert_eq!(counts.iter().map(hl7_sender::Count::messages).sum::<u64>(), 13);
    let came = inbound(12, &[]).request.key;
    assert!(store.answered(came).await.unwrap().is_some());
}

fn version(path: &Path) -> i32 {
    let conn = Connection::open(path).unwrap();
    conn.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap()
}

/// What tables, indexes and triggers there are, as SQLite wrote them down.
fn schema(path: &Path) -> Vec<(String, Option<String>)> {
    let conn = Connection::open(path).unwrap();
    let mut select = conn.prepare("SELECT name, sql FROM sqlite_schema ORDER BY name").unwrap();
    select.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect()
}

#[tokio::test]
async fn a_migrated_store_has_the_tables_of_a_new_one() {
    let (old, new) = (copy_of_the_first(), Folder::new());
    assert_eq!(version(&old.store_path()), 1);
    let store = old.store().await;
    let came = inbound(210, &[("ehr", Some("6"))]);
    assert!(matches!(store.receive(came.clone(), at(9)).await.unwrap(), Received::Stored { .. }));
    store.close().await;
    new.store().await.close().await;
    assert_eq!(version(&old.store_path()), version(&new.store_path()));
    assert_eq!(schema(&old.store_path()), schema(&new.store_path()));
    let store = old.store().await;
    assert!(matches!(store.receive(came, at(10)).await.unwrap(), Received::Repeat(_)));
    check_entries_and_one_more(&store).await;
}

async fn check_entries_and_one_more(store: &SqliteStore) {
    for (n, state, _) in ENTRIES {
        assert_eq!(store.record(id(n)).await.unwrap().unwrap().state, state);
    }
    assert_eq!(store.recent(None, 99).await.unwrap().len(), ENTRIES.len() + 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_50_a_migration_that_is_killed_begins_anew() {
    let mut begun = 0;
    for run in 0..12 {
        let folder = copy_of_the_first();
        let mut child = Child::start("open-slowly", &folder.store_path(), &[]);
        child.hear(1);
        std::thread::sleep(std::time::Duration::from_micros(run * 700));
        child.kill();
        begun += i32::from(version(&folder.store_path()) == 1);
        let store = folder.store().await;
        check_entries(&store).await;
    }
    assert!(begun > 0, "no kill came before the end of the migration");
}

/// A migration that was cut off in the middle, as the log would show it: the steps are done, and not committed.
#[tokio::test]
async fn a_migration_that_was_not_committed_leaves_no_trace() {
    let (folder, later) = (copy_of_the_first(), Folder::new());
    let conn = Connection::open(folder.store_path()).unwrap();
    conn.execute_batch(
        "PRAGMA cache_size = 1; BEGIN IMMEDIATE; ALTER TABLE request ADD COLUMN acknowledgment BLOB;",
    )
    .unwrap();
    conn.execute_batch("UPDATE request SET acknowledgment = zeroblob(50000); PRAGMA user_version = 2")
        .unwrap();
    for ending in ["", "-wal", "-journal"] {
        let name = |folder: &Folder| folder.store_path().with_file_name(format!("outbox.db{ending}"));
        if name(&folder).exists() {
            std::fs::copy(name(&folder), name(&later)).unwrap();
        }
    }
    drop(conn);
    let store = later.store().await;
    check_entries(&store).await;
    check_use(&store).await;
}

#[tokio::test]
async fn a_damaged_store_of_an_earlier_version_is_not_changed() {
    let folder = copy_of_the_first();
    let mut bytes = std::fs::read(folder.store_path()).unwrap();
    let middle = bytes.len() / 2 / 4096 * 4096;
    bytes[middle..middle + 2048].fill(0xA5);
    std::fs::write(folder.store_path(), &bytes).unwrap();
    let error = SqliteStore::open(folder.store_path()).await.unwrap_err();
    assert_eq!(error.kind(), OpenErrorKind::Damaged);
    assert_eq!(version(&folder.store_path()), 1);
}
