//! Files that were changed behind the store's back.

use std::io::{Seek as _, SeekFrom, Write as _};

use hl7_sender::{EnqueueErrorKind, State, Store as _, StoreErrorKind};

use crate::peer::{Folder, PATIENCE, Peer, ehr, message, nowhere, state};

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
    let error = loop {
        // Until a page is asked for that is not in memory.
        let fresh = message(&format!("m-{}", fastrand::u64(..)), "a");
        if let Err(error) = sender.enqueue("lab", &fresh).await {
            break error;
        }
    };
    assert!(error.is_indeterminate());
    std::fs::write(folder.store_path(), before).unwrap();
    let again = sender.enqueue("lab", &message("m-2", "a")).await.unwrap_err();
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
    overwrite(&folder);
    assert_eq!(sender.recent(1000).await.unwrap_err().kind(), StoreErrorKind::Io);
    let error = tokio::time::timeout(PATIENCE, waiting).await.unwrap().unwrap().unwrap_err();
    assert!(matches!(error.kind(), StoreErrorKind::Io | StoreErrorKind::Poisoned));
}
