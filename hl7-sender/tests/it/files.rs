//! Messages as files in a folder.

use std::fs;
use std::path::Path;
use std::time::UNIX_EPOCH;

use hl7_sender::{Destination, FileDrop, Outcome, Sender, State};

use crate::peer::{Folder, PATIENCE, message, outcome, quick, state, until};

/// The names in a folder, sorted, hidden ones included.
fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

async fn to(folder: &Folder, files: FileDrop) -> Sender {
    folder.sender(Destination::files("drop", files).retry(quick())).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_message_is_a_whole_file_that_is_named_without_content() {
    let (folder, drop) = (Folder::new(), tempfile::tempdir().unwrap());
    let sender = to(&folder, FileDrop::new(drop.path())).await;
    let mut expected = Vec::new();
    for n in 0..3 {
        let msg = message(&format!("m-{n}"), "a");
        let receipt = sender.enqueue("drop", &msg).await.unwrap();
        assert!(matches!(outcome(&receipt).await, Outcome::Unconfirmed), "nobody has said that it was read");
        let status = receipt.status().await.unwrap();
        assert_eq!((status.state(), status.attempts(), status.last_failure()), (State::Unconfirmed, 1, None));
        let millis = status.enqueued_at().duration_since(UNIX_EPOCH).unwrap().as_millis();
        let name = format!("{millis:015}-{}.hl7", receipt.id());
        assert_eq!(fs::read(drop.path().join(&name)).unwrap(), msg.to_wire().unwrap());
        expected.push(name);
    }
    expected.sort();
    assert_eq!(names(drop.path()), expected, "and nothing beside them");
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_are_their_owners_alone_unless_their_group_is_named() {
    use std::os::unix::fs::PermissionsExt as _;
    for (group, mode) in [(false, 0o600), (true, 0o640)] {
        let (folder, drop) = (Folder::new(), tempfile::tempdir().unwrap());
        let files = FileDrop::new(drop.path()).named("{entry}");
        let sender = to(&folder, if group { files.group_readable() } else { files }).await;
        let receipt = sender.enqueue("drop", &message("m-1", "a")).await.unwrap();
        outcome(&receipt).await;
        let file = fs::metadata(drop.path().join(receipt.id().to_string())).unwrap();
        assert_eq!(file.permissions().mode() & 0o777, mode);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_that_is_missing_is_waited_for_and_told() {
    let (folder, drop) = (Folder::new(), tempfile::tempdir().unwrap());
    let missing = drop.path().join("later");
    let sender = to(&folder, FileDrop::new(&missing)).await;
    let receipt = sender.enqueue("drop", &message("m-1", "a")).await.unwrap();
    let told = async {
        while !sender.destination("drop").unwrap().needs_help() {
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(PATIENCE, told).await.unwrap();
    assert_eq!(sender.destination("drop").unwrap().unreachable(), Some("S211"));
    fs::create_dir(&missing).unwrap();
    assert!(matches!(outcome(&receipt).await, Outcome::Unconfirmed));
    assert_eq!((names(&missing).len(), receipt.status().await.unwrap().attempts()), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_written_costs_no_attempt_and_leaves_nothing() {
    let (folder, drop) = (Folder::new(), tempfile::tempdir().unwrap());
    let sender = to(&folder, FileDrop::new(drop.path()).named("{entry}.hl7")).await;
    sender.pause_destination("drop").await.unwrap();
    let receipt = sender.enqueue("drop", &message("m-1", "a")).await.unwrap();
    // A folder stands where the file is to be written: no user can write there.
    let part = drop.path().join(format!(".{}.hl7.part", receipt.id()));
    fs::create_dir(&part).unwrap();
    sender.resume_destination("drop").await.unwrap();
    let failed = until(&sender, &receipt, |status| status.state() == State::Retrying).await;
    assert_eq!((failed.last_failure(), failed.attempts()), (Some("S212"), 0));
    fs::remove_dir(&part).unwrap();
    state(&sender, &receipt, State::Unconfirmed).await;
    assert_eq!(names(drop.path()), [format!("{}.hl7", receipt.id())]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_50_sender_a_file_that_is_written_again_after_a_crash_is_no_second_one() {
    let (folder, drop) = (Folder::new(), tempfile::tempdir().unwrap());
    let sender = to(&folder, FileDrop::new(drop.path())).await;
    let receipt = sender.enqueue("drop", &message("m-1", "a")).await.unwrap();
    outcome(&receipt).await;
    sender.shutdown(PATIENCE).await;
    // The file is there, and the store knows only that the attempt was begun.
    let conn = rusqlite::Connection::open(folder.store_path()).unwrap();
    conn.execute_batch("UPDATE entry SET state = 1, position = 1, settled_at = NULL").unwrap();
    conn.close().unwrap();
    let sender = to(&folder, FileDrop::new(drop.path())).await;
    let status = until(&sender, &receipt, |status| status.state() == State::Unconfirmed).await;
    assert_eq!(status.attempts(), 2);
    assert_eq!(names(drop.path()).len(), 1);
}
