//! Other programs: their files, and what they do with the store's.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use hl7_sender::contract::{at, request};
use hl7_sender::{OpenErrorKind, Request, SqliteStore, Store as _};
use rusqlite::Connection;

use crate::crash::{Child, say};
use crate::peer::Folder;

const FOREIGN: OpenErrorKind = OpenErrorKind::Foreign;

/// The names in a folder, and what the files hold.
fn contents(folder: &Path) -> BTreeMap<String, Option<Vec<u8>>> {
    let held = |entry: std::fs::DirEntry| {
        let is_file = entry.file_type().unwrap().is_file();
        (entry.file_name().into_string().unwrap(), is_file.then(|| std::fs::read(entry.path()).unwrap()))
    };
    std::fs::read_dir(folder).unwrap().map(|entry| held(entry.unwrap())).collect()
}

fn database(path: &Path, sql: &str) {
    Connection::open(path).unwrap().execute_batch(sql).unwrap();
}

/// Makes a file that is no store.
type Make = fn(&Path);

#[tokio::test]
async fn what_is_no_store_stays_as_it_is_and_so_does_its_neighbourhood() {
    let is_folder = OpenErrorKind::Io(std::io::ErrorKind::IsADirectory);
    let files: [(&str, OpenErrorKind, Make); 9] = [
        ("one byte", FOREIGN, |path| std::fs::write(path, "x").unwrap()),
        ("a text", FOREIGN, |path| std::fs::write(path, "a".repeat(600)).unwrap()),
        ("zeros", FOREIGN, |path| std::fs::write(path, [0; 8192]).unwrap()),
        ("a database", FOREIGN, |path| database(path, "CREATE TABLE t (a)")),
        ("a database in WAL mode", FOREIGN, |path| {
            database(path, "PRAGMA journal_mode = WAL; CREATE TABLE t (a)")
        }),
        ("one with a version", FOREIGN, |path| database(path, "PRAGMA user_version = 7")),
        ("one with a number", FOREIGN, |path| database(path, "PRAGMA application_id = 7")),
        ("a folder", is_folder, |path| std::fs::create_dir(path).unwrap()),
        ("a pipe", FOREIGN, |path| assert!(Command::new("mkfifo").arg(path).status().unwrap().success())),
    ];
    for (what, expected, make) in files {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("outbox.db");
        make(&path);
        let before = contents(folder.path());
        for _ in 0..2 {
            assert_eq!(SqliteStore::open(&path).await.unwrap_err().kind(), expected, "{what}");
            assert!(contents(folder.path()) == before, "{what}: {:?}", contents(folder.path()).keys());
        }
    }
}

/// As a process leaves it that is killed between the first two steps of making a store.
#[tokio::test]
async fn a_database_in_which_nothing_was_made_becomes_a_store() {
    let folder = Folder::new();
    database(&folder.store_path(), "PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL");
    assert!(std::fs::metadata(folder.store_path()).unwrap().len() > 0);
    folder.store().await;
}

/// POSIX record locks end when any handle of the process to the file is closed.
#[tokio::test]
async fn a_database_of_this_program_that_is_named_by_mistake_keeps_its_locks() {
    let folder = Folder::new();
    let path = folder.store_path();
    let own = Connection::open(&path).unwrap();
    own.execute_batch("CREATE TABLE t (a); BEGIN IMMEDIATE; INSERT INTO t VALUES (1)").unwrap();
    let others_try = || Child::start("write-foreign", &path, &[]).output();
    assert_eq!(others_try(), ["locked"]);
    for _ in 0..2 {
        assert_eq!(SqliteStore::open(&path).await.unwrap_err().kind(), FOREIGN);
        assert_eq!(others_try(), ["locked"]);
    }
    own.execute_batch("COMMIT").unwrap();
    assert_eq!(others_try(), ["written"]);
}

pub(crate) fn write_foreign(path: &Path) {
    let conn = Connection::open(path).unwrap();
    conn.busy_timeout(Duration::ZERO).unwrap();
    say(if conn.execute_batch("BEGIN IMMEDIATE; INSERT INTO t VALUES (2); COMMIT").is_ok() {
        "written"
    } else {
        "locked"
    });
}

/// The log cannot be emptied then, which is no reason to wait.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_that_reads_the_store_for_long_holds_up_nobody() {
    let folder = Folder::new();
    let store = folder.store().await;
    let mut reader = Child::start("read-long", &folder.store_path(), &[]);
    reader.hear(1);
    let log = || std::fs::metadata(folder.store_path().with_file_name("outbox.db-wal")).unwrap().len();
    let large = |n| Request { body: vec![n; 1_000_000], ..request(n, n, &[("ehr", None)]) };
    for n in 0..12 {
        store.enqueue(large(n), at(0)).await.unwrap();
    }
    assert!(log() > 8 * 1024 * 1024, "the reader hinders nothing");
    // Each of them waited five seconds once.
    let began = Instant::now();
    for n in 12..32 {
        store.enqueue(request(n, n, &[("ehr", None)]), at(0)).await.unwrap();
    }
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    reader.kill();
    let shortened = async {
        for n in 32.. {
            store.enqueue(request(n, n, &[("ehr", None)]), at(0)).await.unwrap();
            if log() < 1024 * 1024 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(crate::peer::PATIENCE, shortened).await.expect("it is tried again");
}

pub(crate) async fn read_long(path: &Path) {
    let conn = Connection::open(path).unwrap();
    conn.execute_batch("BEGIN").unwrap();
    let _: i64 = conn.query_row("SELECT count(*) FROM entry", [], |row| row.get(0)).unwrap();
    say("reads");
    std::future::pending::<()>().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn openings_at_once_leave_nothing_beside_what_is_no_store() {
    for _ in 0..200 {
        let folder = Folder::in_memory();
        std::fs::write(folder.store_path(), "notes").unwrap();
        let open = || tokio::spawn(SqliteStore::open(folder.store_path()));
        for opening in [open(), open(), open(), open()] {
            let why = opening.await.unwrap().unwrap_err().kind();
            assert!(matches!(why, OpenErrorKind::Foreign | OpenErrorKind::Locked), "{why:?}");
        }
        let left = contents(folder.store_path().parent().unwrap());
        assert_eq!(left.keys().collect::<Vec<_>>(), ["outbox.db"]);
    }
}

/// Its room is wanted for the copy that takes its place.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_store_that_could_not_be_opened_frees_its_room_when_it_is_removed() {
    let folder = Folder::new();
    let store = folder.store().await;
    for n in 0..50 {
        store.enqueue(request(n, n, &[("ehr", None)]), at(0)).await.unwrap();
    }
    store.close().await;
    let mut bytes = std::fs::read(folder.store_path()).unwrap();
    let last = bytes.len() - 4096;
    bytes[4096 * 3..last].fill(7);
    std::fs::write(folder.store_path(), bytes).unwrap();
    assert_eq!(SqliteStore::open(folder.store_path()).await.unwrap_err().kind(), OpenErrorKind::Damaged);
    let is_open = || {
        let handles = std::fs::read_dir("/proc/self/fd").unwrap().map(|handle| handle.unwrap().path());
        let files: Vec<_> = handles.filter_map(|handle| std::fs::read_link(handle).ok()).collect();
        files.iter().any(|file| file.to_string_lossy().contains(&*folder.store_path().to_string_lossy()))
    };
    assert!(!is_open());
}
