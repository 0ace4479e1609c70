//! Files: locked, private, and known for what they are.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use hl7_sender::{OpenErrorKind, SqliteStore, Store as _, StoreErrorKind};

use crate::crash::Child;
use crate::peer::{Folder, ehr, message, nowhere};
use hl7_sender::contract::{at, request};

async fn kind(path: &Path) -> OpenErrorKind {
    SqliteStore::open(path).await.unwrap_err().kind()
}

#[tokio::test]
async fn fault_56_a_second_opening_in_this_process_fails() {
    let folder = Folder::new();
    let store = folder.store().await;
    let error = SqliteStore::open(folder.store_path()).await.unwrap_err();
    assert_eq!((error.kind(), error.path()), (OpenErrorKind::Locked, folder.store_path().as_path()));
    let text = error.to_string();
    assert!(text.starts_with("S111: the store is open already; ") && text.ends_with("outbox.db)"), "{text}");
    let link = folder.store_path().with_file_name("link.db");
    std::os::unix::fs::symlink(folder.store_path(), &link).unwrap();
    assert_eq!(kind(&link).await, OpenErrorKind::Locked, "also by another name");
    store.close().await;
    folder.store().await;
}

#[tokio::test]
async fn fault_56_a_second_process_fails_to_open() {
    let folder = Folder::new();
    let store = folder.store().await;
    assert_eq!(Child::start("open", &folder.store_path(), &[]).output(), ["S111"]);
    store.close().await;
    assert_eq!(Child::start("open", &folder.store_path(), &[]).output(), ["open"]);
}

#[tokio::test]
async fn fault_56_a_removed_lock_file_lets_nobody_in() {
    let folder = Folder::new();
    let store = folder.store().await;
    let lock = folder.store_path().with_file_name("outbox.db.lock");
    for _ in 0..2 {
        std::fs::remove_file(&lock).unwrap();
        assert_eq!(kind(&folder.store_path()).await, OpenErrorKind::Locked);
        assert_eq!(Child::start("open", &folder.store_path(), &[]).output(), ["S111"]);
    }
    let hard = folder.store_path().with_file_name("hard.db");
    std::fs::hard_link(folder.store_path(), &hard).unwrap();
    assert_eq!(kind(&hard).await, OpenErrorKind::Locked, "also by another name");
    store.enqueue(request(1, 1, &[("ehr", None)]), at(0)).await.unwrap();
    store.close().await;
    folder.store().await;
}

/// Takes the store over as an opening would that got around the locks.
#[tokio::test]
async fn fault_56_who_was_taken_over_changes_nothing_any_more() {
    let folder = Folder::new();
    let store = folder.store().await;
    store.enqueue(request(1, 1, &[("ehr", None)]), at(0)).await.unwrap();
    let other = rusqlite::Connection::open(folder.store_path()).unwrap();
    other.execute("UPDATE meta SET value = randomblob(16) WHERE name = 'owner'", []).unwrap();
    let error = store.enqueue(request(2, 2, &[("ehr", None)]), at(0)).await.unwrap_err();
    assert_eq!((error.kind(), error.is_fault()), (StoreErrorKind::Ousted, true));
    assert_eq!(store.counts().await.unwrap_err().kind(), StoreErrorKind::Poisoned);
    let kept: i64 = other.query_row("SELECT count(*) FROM entry", [], |row| row.get(0)).unwrap();
    assert_eq!(kept, 1);
    other.execute("UPDATE meta SET value = value", []).expect("who took it over can write");
}

#[tokio::test]
async fn fault_55_nothing_is_accepted_into_a_file_that_was_removed_or_replaced() {
    for replaced in [false, true] {
        let folder = Folder::new();
        let store = folder.store().await;
        store.enqueue(request(1, 1, &[("ehr", None)]), at(0)).await.unwrap();
        let elsewhere = folder.store_path().with_file_name("elsewhere.db");
        std::fs::rename(folder.store_path(), &elsewhere).unwrap();
        if replaced {
            std::fs::copy(&elsewhere, folder.store_path()).unwrap();
        }
        let error = store.enqueue(request(2, 2, &[("ehr", None)]), at(0)).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Ousted);
    }
}

#[tokio::test]
async fn only_the_owner_can_read_the_files() {
    let folder = Folder::new();
    std::fs::write(folder.store_path(), b"").unwrap();
    std::fs::set_permissions(folder.store_path(), std::fs::Permissions::from_mode(0o644)).unwrap();
    let sender = folder.sender(ehr(nowhere())).await;
    sender.enqueue("ehr", &message("m-1", "a")).await.unwrap();
    let files: Vec<_> = std::fs::read_dir(folder.store_path().parent().unwrap()).unwrap().collect();
    assert!(files.len() >= 3, "the store, its log and its lock");
    for file in files {
        let file = file.unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", file.file_name());
    }
}

#[tokio::test]
async fn a_foreign_file_is_refused_and_not_changed() {
    let folder = Folder::new();
    let other = folder.store_path().with_file_name("other.db");
    let text = folder.store_path().with_file_name("notes.txt");
    rusqlite::Connection::open(&other).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
    std::fs::write(&text, "not a database, but long enough to be looked at as one\n".repeat(100)).unwrap();
    for path in [&other, &text] {
        let before = std::fs::read(path).unwrap();
        assert_eq!(kind(path).await, OpenErrorKind::Foreign);
        assert_eq!(std::fs::read(path).unwrap(), before);
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_of_another_program_keeps_its_mode() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = Folder::new();
    let other = folder.store_path().with_file_name("other.db");
    let unnamed = folder.store_path().with_file_name("unnamed.db");
    let text = folder.store_path().with_file_name("notes.txt");
    let made = |path: &Path, sql| rusqlite::Connection::open(path).unwrap().execute_batch(sql).unwrap();
    made(&other, "PRAGMA application_id = 7; CREATE TABLE t (x)");
    made(&unnamed, "CREATE TABLE t (x)");
    std::fs::write(&text, "short").unwrap();
    let files = [&other, &unnamed, &text];
    for path in files {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(kind(path).await, OpenErrorKind::Foreign);
        assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o644, "{path:?}");
    }
    assert_eq!(
        std::fs::read_dir(other.parent().unwrap()).unwrap().count(),
        files.len(),
        "nothing beside them"
    );
}

#[tokio::test]
async fn a_log_of_another_program_is_left_to_it() {
    let folder = Folder::new();
    let (other, log) = (folder.store_path(), folder.store_path().with_file_name("outbox.db-wal"));
    let conn = rusqlite::Connection::open(&other).unwrap();
    conn.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (x)").unwrap();
    // As a program leaves it that is killed.
    let kept = [std::fs::read(&other).unwrap(), std::fs::read(&log).unwrap()];
    drop(conn);
    std::fs::write(&other, &kept[0]).unwrap();
    std::fs::write(&log, &kept[1]).unwrap();
    assert_eq!(kind(&other).await, OpenErrorKind::Foreign);
    assert_eq!([std::fs::read(&other).unwrap(), std::fs::read(&log).unwrap()], kept);
}

#[tokio::test]
async fn a_lock_file_that_was_there_stays() {
    let folder = Folder::new();
    let lock = folder.store_path().with_file_name("outbox.db.lock");
    std::fs::write(folder.store_path(), "notes").unwrap();
    std::fs::write(&lock, "another program's").unwrap();
    assert_eq!(kind(&folder.store_path()).await, OpenErrorKind::Foreign);
    assert_eq!(std::fs::read(&lock).unwrap(), b"another program's");
}

/// Who has closed it, however many do so at once, can open it at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_closing_waits_for_the_locks() {
    let folder = Folder::new();
    for n in 0..20 {
        let store = std::sync::Arc::new(folder.store().await);
        store.enqueue(request(n, n, &[("ehr", None)]), at(0)).await.unwrap();
        let first = std::sync::Arc::clone(&store);
        let first = tokio::spawn(async move { first.close().await });
        store.close().await;
        folder.store().await.close().await;
        first.await.unwrap();
    }
}

#[tokio::test]
async fn a_store_of_a_later_version_is_refused() {
    let folder = Folder::new();
    folder.store().await.close().await;
    let conn = rusqlite::Connection::open(folder.store_path()).unwrap();
    conn.execute_batch("PRAGMA user_version = 1000").unwrap();
    drop(conn);
    assert_eq!(kind(&folder.store_path()).await, OpenErrorKind::TooNew);
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_an_error_of_the_system() {
    let error = SqliteStore::open("/nowhere/at/all/outbox.db").await.unwrap_err();
    assert_eq!(error.kind(), OpenErrorKind::Io(std::io::ErrorKind::NotFound));
    assert_eq!(error.path(), Path::new("/nowhere/at/all/outbox.db"));
    let text = "S114: the file cannot be opened; check the folder, its rights and the disk (/nowhere/at/all/outbox.db: entity not found)";
    assert_eq!(error.to_string(), text);
}

#[tokio::test]
async fn the_file_is_kept_durably() {
    let folder = Folder::new();
    folder.store().await.close().await;
    let conn = rusqlite::Connection::open(folder.store_path()).unwrap();
    let mode: String = conn.query_row("PRAGMA journal_mode", [], |row| row.get(0)).unwrap();
    assert_eq!(mode, "wal");
}
