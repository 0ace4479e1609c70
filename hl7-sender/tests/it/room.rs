//! A store at its limit.

use hl7_sender::{EnqueueErrorKind, Sender, SqliteOptions};

use crate::peer::{Folder, PATIENCE, Peer, ehr, message, nowhere, until};

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
