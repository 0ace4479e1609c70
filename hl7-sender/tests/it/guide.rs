//! The commands and the numbers of the operations guide.

use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::process::Command;

use hl7_core::Message;
use hl7_sender::{SqliteStore, Store as _};

use crate::crash::Child;
use crate::peer::{Folder, PATIENCE, Peer, ehr, message, nowhere};
use crate::steps::tell;
use crate::walk::until_all_settled;

const GUIDE: &str = include_str!("../../guide/operations.md");

/// The guide's command lines that stand under this heading.
fn commands(heading: &str) -> &'static str {
    let under = GUIDE.split(&format!("# {heading}\n")).nth(1).expect("the heading");
    let block = under.split("```sh\n").nth(1).expect("commands under it");
    block.split("```").next().unwrap()
}

/// Runs them, and gives what they print.
fn run(heading: &str, store: &Path, copies: &Path) -> String {
    let mut shell = Command::new("sh");
    shell.args(["-eu", "-c", commands(heading)]).env("STORE", store).env("BACKUP", copies);
    let output = shell.output().unwrap();
    assert!(output.status.success(), "{heading}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

async fn control_ids(store: SqliteStore) -> Vec<String> {
    let ids = store.recent(None, 1000).await.unwrap().into_iter().map(|record| record.control_id).collect();
    store.close().await;
    ids
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_of_a_killed_process_is_copied_with_its_log() {
    let (folder, copies) = (Folder::new(), tempfile::tempdir().unwrap());
    let mut child = Child::start("enqueue", &folder.store_path(), &[("RUN", "0".to_owned())]);
    child.hear(20);
    child.kill();
    let said = child.output().len();
    run("Copies", &folder.store_path(), copies.path());
    let copy = SqliteStore::open(copies.path().join("outbox-tuesday.db")).await.unwrap();
    assert!(control_ids(copy).await.len() >= said);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_is_restored_and_what_it_lacks_is_read_from_the_damaged_file() {
    let (folder, copies) = (Folder::new(), tempfile::tempdir().unwrap());
    let store = folder.store().await;
    let backup = store.backup();
    let sender = hl7_sender::Sender::builder(store).destination(ehr(nowhere())).start().await.unwrap();
    sender.enqueue("ehr", &message("m-1", "a")).await.unwrap();
    backup.write_to(copies.path().join("outbox-monday.db")).await.unwrap();
    sender.enqueue("ehr", &message("m-2", "a")).await.unwrap();
    sender.shutdown(PATIENCE).await;

    run("What a restored copy means", &folder.store_path(), copies.path());
    assert_eq!(control_ids(folder.store().await).await, ["m-1"]);

    let aside = copies.path().join("aside/outbox.db");
    damage(&aside);
    if Command::new("sqlite3").arg("--version").output().is_err() {
        tell("skipped: there is no sqlite3");
        return assert!(std::env::var_os("HL7_REQUIRE_SERVICES").is_none(), "sqlite3 is required");
    }
    let left = run("A damaged store", &folder.store_path(), copies.path());
    let waiting: Vec<_> = left.lines().map(|line| line.rsplit_once('|').unwrap().0).collect();
    assert_eq!(waiting, ["m-1|ehr", "m-2|ehr"]);
}

/// Overwrites the root page of an index.
fn damage(store: &Path) {
    let conn = rusqlite::Connection::open(store).unwrap();
    let sql = "SELECT rootpage FROM sqlite_schema WHERE name = 'entry_open'";
    let page: i64 = conn.query_row(sql, [], |row| row.get(0)).unwrap();
    drop(conn);
    let mut file = std::fs::OpenOptions::new().write(true).open(store).unwrap();
    file.seek(SeekFrom::Start((page as u64 - 1) * 4096)).unwrap();
    file.write_all(&[0xA5; 4096]).unwrap();
}

/// A message of 400 bytes.
fn of_400_bytes(n: usize) -> Message<'static> {
    let text = message(&format!("m-{n:05}"), &format!("p{}", n % 50)).as_er7().to_owned();
    let note = format!("NTE|1||{}\r", "x".repeat(400 - text.len() - 8));
    let message = Message::parse(&format!("{text}{note}")).unwrap().into_owned();
    assert_eq!(message.as_er7().len(), 400);
    message
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_entry_takes_as_much_room_as_the_guide_says() {
    const ENTRIES: usize = 2000;
    let (folder, peer) = (Folder::in_memory(), Peer::accepting().await);
    let sender = folder.sender(ehr(nowhere())).await;
    let enqueue = |lane: usize| {
        let sender = sender.clone();
        tokio::spawn(async move {
            for n in (lane..ENTRIES).step_by(50) {
                sender.enqueue("ehr", &of_400_bytes(n)).await.unwrap();
            }
        })
    };
    for task in (0..50).map(enqueue).collect::<Vec<_>>() {
        task.await.unwrap();
    }
    sender.shutdown(PATIENCE).await;
    let each = || std::fs::metadata(folder.store_path()).unwrap().len() as f64 / ENTRIES as f64 / 1000.0;
    let waiting = each();
    let sender = folder.sender(ehr(peer.address).connections(16)).await;
    until_all_settled(&sender).await;
    sender.shutdown(PATIENCE).await;
    let delivered = each();
    assert!(GUIDE.contains("about 0.8 KB in the file while it waits, and 1.0 KB once it is delivered"));
    assert!(
        (waiting - 0.8).abs() < 0.2 && (delivered - 1.0).abs() < 0.2,
        "{waiting:.2} KB, {delivered:.2} KB"
    );
}
