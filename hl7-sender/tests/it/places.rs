//! Stores that went back, or stand where none should: logs that were removed, copies that were restored, file systems without locks.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hl7_sender::{BackupErrorKind, End, OpenErrorKind, SqliteBackup, SqliteStore, Store as _};

use crate::crash::Child;
use crate::disk;
use crate::peer::{Folder, PATIENCE, Peer, ehr, message, nowhere};
use crate::walk::until_all_settled;
use hl7_sender::contract::{at, finished, request};

fn beside(store: &Path, ending: &str) -> PathBuf {
    store.with_file_name(format!("outbox.db{ending}"))
}

/// A store whose process was killed: what it accepted last is in its log alone.
fn killed(folder: &Folder) -> usize {
    let mut child = Child::start("enqueue", &folder.store_path(), &[("RUN", "0".to_owned())]);
    child.hear(20);
    child.kill();
    child.output().len()
}

async fn refused(store: &Path) -> OpenErrorKind {
    SqliteStore::open(store).await.unwrap_err().kind()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_55_a_log_that_was_removed_is_noticed() {
    let folder = Folder::new();
    killed(&folder);
    let store = folder.store_path();
    std::fs::remove_file(beside(&store, "-wal")).unwrap();
    let error = SqliteStore::open(&store).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (OpenErrorKind::WentBack, "S120"));
    assert_eq!(refused(&store).await, OpenErrorKind::WentBack, "not only once");

    // Someone decides to go on without.
    std::fs::remove_file(beside(&store, ".lock")).unwrap();
    let opened = folder.store().await;
    assert!(opened.recent(None, 1).await.unwrap().is_empty());
    opened.close().await;
    folder.store().await.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_55_a_store_whose_file_is_away_keeps_its_log() {
    let folder = Folder::new();
    let accepted = killed(&folder);
    let store = folder.store_path();
    std::fs::rename(&store, beside(&store, "-away")).unwrap();
    assert_eq!(refused(&store).await, OpenErrorKind::WentBack);
    assert!(!store.exists(), "none is made in its place");
    std::fs::rename(beside(&store, "-away"), &store).unwrap();
    let opened = folder.store().await;
    assert!(opened.recent(None, 10_000).await.unwrap().len() >= accepted);
    opened.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_55_a_log_of_another_store_is_never_taken_for_its_own() {
    let [here, there] = [Folder::new(), Folder::new()];
    for folder in [&here, &there] {
        killed(folder);
    }
    std::fs::copy(beside(&there.store_path(), "-wal"), beside(&here.store_path(), "-wal")).unwrap();
    let kind = refused(&here.store_path()).await;
    assert!(matches!(kind, OpenErrorKind::WentBack | OpenErrorKind::Damaged), "{kind:?}");
    // Nor where the first store was whole: its file is changed by the foreign log, and that is seen.
    let other = Folder::new();
    let sender = other.sender(ehr(nowhere())).await;
    sender.enqueue("ehr", &message("m-1", "a")).await.unwrap();
    sender.shutdown(PATIENCE).await;
    std::fs::copy(beside(&there.store_path(), "-wal"), beside(&other.store_path(), "-wal")).unwrap();
    let kind = refused(&other.store_path()).await;
    assert!(matches!(kind, OpenErrorKind::WentBack | OpenErrorKind::Damaged), "{kind:?}");
}

/// SQLite takes a log as far as its checksums hold, and says nothing of what is behind.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_54_a_flipped_bit_in_the_log_loses_nothing_in_silence() {
    let folder = Folder::new();
    let mut child = Child::start("enqueue", &folder.store_path(), &[("RUN", "0".to_owned())]);
    child.hear(20);
    child.kill();
    let said: Vec<String> =
        child.output().iter().map(|line| line.split_once(' ').unwrap().1.to_owned()).collect();
    let files =
        ["", "-wal", ".lock"].map(|end| (end, std::fs::read(beside(&folder.store_path(), end)).unwrap()));
    let (mut refused, mut whole) = (0, 0);
    for _ in 0..20 {
        let copy = Folder::in_memory();
        for (end, bytes) in &files {
            let mut bytes = bytes.clone();
            if *end == "-wal" {
                let place = fastrand::usize(..bytes.len());
                bytes[place] ^= 1 << fastrand::u8(0..8);
            }
            std::fs::write(beside(&copy.store_path(), end), bytes).unwrap();
        }
        match SqliteStore::open(copy.store_path()).await {
            Err(error) => {
                let kind = error.kind();
                assert!(
                    matches!(kind, OpenErrorKind::WentBack | OpenErrorKind::Damaged | OpenErrorKind::Foreign),
                    "{error}"
                );
                refused += 1;
            }
            Ok(store) => {
                for id in &said {
                    assert!(store.record(id.parse().unwrap()).await.unwrap().is_some(), "{id} is gone");
                }
                store.close().await;
                whole += 1;
            }
        }
    }
    assert!(refused > 0, "{whole} of 20 were whole");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_55_an_older_copy_in_the_stores_place_is_noticed() {
    let folder = Folder::new();
    let store = folder.store().await;
    let (backup, copy) = (store.backup(), beside(&folder.store_path(), ".monday"));
    let sender = hl7_sender::Sender::builder(store).destination(ehr(nowhere())).start().await.unwrap();
    sender.enqueue("ehr", &message("m-1", "a")).await.unwrap();
    backup.write_to(&copy).await.unwrap();
    let put_back = || std::fs::copy(&copy, folder.store_path()).unwrap();
    sender.shutdown(PATIENCE).await;
    put_back();
    let sender = folder.sender(ehr(nowhere())).await;
    sender.enqueue("ehr", &message("m-2", "a")).await.unwrap();
    sender.shutdown(PATIENCE).await;

    put_back();
    assert_eq!(refused(&folder.store_path()).await, OpenErrorKind::WentBack);
    std::fs::remove_file(beside(&folder.store_path(), ".lock")).unwrap();
    let peer = Peer::accepting().await;
    let sender = folder.sender(ehr(peer.address)).await;
    until_all_settled(&sender).await;
    assert_eq!(peer.control_ids(), ["m-1"], "m-2 is not in the copy");
}

#[tokio::test]
async fn fault_55_another_store_in_the_place_of_one_is_noticed() {
    let [here, there] = [Folder::new(), Folder::new()];
    for folder in [&here, &there] {
        let sender = folder.sender(ehr(nowhere())).await;
        sender.enqueue("ehr", &message("m-1", "a")).await.unwrap();
        sender.shutdown(PATIENCE).await;
    }
    std::fs::copy(there.store_path(), here.store_path()).unwrap();
    assert_eq!(refused(&here.store_path()).await, OpenErrorKind::WentBack);
    std::fs::remove_file(here.store_path()).unwrap();
    assert_eq!(refused(&here.store_path()).await, OpenErrorKind::WentBack, "an empty one is another too");
}

/// What was removed by its age was not lost, also when it was all there was.
#[tokio::test]
async fn a_store_whose_newest_entries_were_removed_did_not_go_back() {
    let folder = Folder::new();
    for key in 1..=3 {
        let store = folder.store().await;
        let asked = request(key, key, &[("ehr", None)]);
        let id = asked.deliveries[0].id;
        store.enqueue(asked, at(0)).await.unwrap();
        let lane = store.record(id).await.unwrap().unwrap().lanes[0];
        let attempt = store.begin(lane).await.unwrap().unwrap();
        store.finish(finished(attempt.id, End::Deliver, at(1)), false).await.unwrap();
        assert_eq!(store.prune(at(10), at(10), 10).await.unwrap(), 1);
        store.close().await;
    }
    let copy = beside(&folder.store_path(), ".copy");
    std::fs::copy(folder.store_path(), &copy).unwrap();
    let store = folder.store().await;
    store.enqueue(request(4, 4, &[("ehr", None)]), at(20)).await.unwrap();
    store.close().await;
    std::fs::copy(&copy, folder.store_path()).unwrap();
    assert_eq!(
        refused(&folder.store_path()).await,
        OpenErrorKind::WentBack,
        "and the next one that is lost is missed"
    );
}

fn opened_with(folder: &Folder, fault: (&'static str, String)) -> Option<Vec<String>> {
    let environment = disk::environment(disk::library()?, &folder.store_path(), &[fault]);
    Some(Child::start("open", &folder.store_path(), &environment).output())
}

#[tokio::test]
async fn fault_57_a_network_file_system_is_refused() {
    let folder = Folder::new();
    let mounts = folder.store_path().with_file_name("mounts");
    let place = std::fs::canonicalize(folder.store_path().parent().unwrap()).unwrap();
    for (name, expected) in [("nfs4", "S119"), ("fuse.sshfs", "S119"), ("ext4", "open")] {
        let line =
            format!("1 1 0:1 / / rw - ext4 /dev/a rw\n2 1 0:2 / {} rw - {name} x rw\n", place.display());
        std::fs::write(&mounts, line).unwrap();
        let fault = ("DISK_MOUNTS", mounts.to_str().unwrap().to_owned());
        let Some(said) = opened_with(&folder, fault) else { return };
        assert_eq!(said, [expected], "{name}");
        assert_eq!(folder.store_path().exists(), name == "ext4", "nothing is made there");
    }
}

#[tokio::test]
async fn fault_57_a_file_system_whose_locks_hold_nobody_is_refused() {
    let folder = Folder::new();
    let Some(said) = opened_with(&folder, ("DISK_NO_LOCKS", String::new())) else { return };
    assert_eq!(said, ["S119"]);
    assert!(!folder.store_path().exists());
}

/// Copies are made one after the other while messages come and go.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_made_under_load_is_a_store_of_one_moment() {
    let (folder, peer) = (Folder::new(), Peer::accepting().await);
    let store = folder.store().await;
    let backup = store.backup();
    let destination = ehr(peer.address).connections(3);
    let sender = hl7_sender::Sender::builder(store).destination(destination).start().await.unwrap();
    let done = Arc::new(AtomicBool::new(false));
    let (enqueuing, ends) = (sender.clone(), Arc::clone(&done));
    let load = tokio::spawn(async move {
        let mut n = 0;
        while !ends.load(Ordering::SeqCst) {
            enqueuing.enqueue("ehr", &message(&format!("m-{n:05}"), &format!("p{}", n % 3))).await.unwrap();
            n += 1;
        }
        n
    });
    let mut kept = Vec::new();
    while enqueued(&sender).await < 20 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    for n in 0..3 {
        let before = enqueued(&sender).await;
        let copies = Folder::new();
        backup.write_to(copies.store_path()).await.unwrap();
        let after = enqueued(&sender).await;
        kept.push(check_copy(&copies, before, after).await);
        assert!(n == 0 || kept[n] > kept[n - 1], "{kept:?}");
    }
    done.store(true, Ordering::SeqCst);
    assert!(load.await.unwrap() >= kept[2]);
    sender.shutdown(PATIENCE).await;
}

async fn enqueued(sender: &hl7_sender::Sender) -> usize {
    sender.counts().await.unwrap().iter().map(|count| count.messages() as usize).sum()
}

/// The copy is private, opens by itself, and holds a first part of all messages, each whole.
async fn check_copy(copy: &Folder, before: usize, after: usize) -> usize {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::metadata(copy.store_path()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(std::fs::read_dir(copy.store_path().parent().unwrap()).unwrap().count(), 1, "one file is all");
    let store = copy.store().await;
    let all = store.recent(None, 1_000_000).await.unwrap();
    assert!((before..=after).contains(&all.len()), "{before} {} {after}", all.len());
    for (n, record) in all.iter().rev().enumerate() {
        assert_eq!(record.control_id, format!("m-{n:05}"));
        let body = store.message(record.id).await.unwrap().unwrap();
        assert_eq!(body.len() as u64, record.size);
    }
    let lane = all[0].lanes[0];
    store.close().await;
    let peer = Peer::accepting().await;
    let sender = copy.sender(ehr(peer.address)).await;
    until_all_settled(&sender).await;
    let same_lane =
        sender.enqueue("ehr", &message("m-x", &format!("p{}", (all.len() - 1) % 3))).await.unwrap();
    assert_eq!(same_lane.status().await.unwrap().lane(), lane, "the lanes are the same");
    sender.shutdown(PATIENCE).await;
    all.len()
}

#[tokio::test]
async fn a_copy_replaces_no_file_and_is_of_an_open_store() {
    let folder = Folder::new();
    let store = folder.store().await;
    let backup: SqliteBackup = store.backup();
    let copy = beside(&folder.store_path(), ".copy");
    // What an earlier try left.
    std::fs::write(beside(&folder.store_path(), ".copy.part"), "half").unwrap();
    backup.write_to(&copy).await.unwrap();
    assert_eq!(backup.write_to(&copy).await.unwrap_err().kind(), BackupErrorKind::Exists);
    let nowhere = backup.write_to("/nowhere/at/all/copy.db").await.unwrap_err();
    assert_eq!(nowhere.kind(), BackupErrorKind::Io(std::io::ErrorKind::NotFound));
    assert!(nowhere.to_string().starts_with("S153: the copy cannot be written; "), "{nowhere}");
    store.close().await;
    drop(store);
    let closed = backup.write_to(beside(&folder.store_path(), ".late")).await.unwrap_err();
    assert_eq!((closed.kind(), closed.code()), (BackupErrorKind::Closed, "S151"));
    let left: Vec<_> = std::fs::read_dir(copy.parent().unwrap()).unwrap().collect();
    assert!(!left.iter().any(|file| file.as_ref().unwrap().file_name().to_str().unwrap().ends_with(".part")));
}
