//! Ending, and starting again.

use std::future::Future as _;
use std::task::{Context, Waker};
use std::time::Duration;

use hl7_mllp::Reply;
use hl7_sender::{EnqueueErrorKind, State, StoreErrorKind};

use crate::peer::{Folder, PATIENCE, Peer, delivered, ehr, message, nowhere, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_delivered_goes_out_after_the_next_start() {
    let folder = Folder::new();
    let sender = folder.sender(ehr(nowhere())).await;
    let mut ids = Vec::new();
    for n in 0..10 {
        ids.push(sender.enqueue("ehr", &message(&format!("m-{n}"), "a")).await.unwrap());
    }
    sender.shutdown(PATIENCE).await;
    let peer = Peer::accepting().await;
    let sender = folder.sender(ehr(peer.address)).await;
    for receipt in &ids {
        until(&sender, receipt, |status| status.state() == State::Delivered).await;
    }
    assert_eq!(peer.control_ids(), (0..10).map(|n| format!("m-{n}")).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_shutdown_every_call_says_so() {
    let folder = Folder::new();
    let sender = folder.sender(ehr(nowhere())).await;
    let msg = message("m-1", "a");
    let receipt = sender.enqueue("ehr", &msg).await.unwrap();
    let waiting = tokio::spawn({
        let receipt = receipt.clone();
        async move { receipt.outcome().await }
    });
    let failed = tokio::spawn(sender.failed());
    sender.clone().shutdown(PATIENCE).await;
    assert_eq!(waiting.await.unwrap().unwrap_err().kind(), StoreErrorKind::Closed);
    assert_eq!(sender.enqueue("ehr", &msg).await.unwrap_err().kind(), &EnqueueErrorKind::ShutDown);
    assert_eq!(sender.status(&receipt.id()).await.unwrap_err().kind(), StoreErrorKind::Closed);
    assert_eq!(sender.release(&receipt.id()).await.unwrap_err().kind(), StoreErrorKind::Closed);
    assert!(!failed.is_finished(), "a shutdown is no failure");
    failed.abort();
    sender.shutdown(PATIENCE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_for_an_answer_at_shutdown_gets_the_status_that_is_known() {
    let folder = Folder::new();
    let sender = folder.sender(ehr(nowhere())).await;
    let receipt = sender.enqueue("ehr", &message("m-1", "a")).await.unwrap();
    let unasked = sender.enqueue("ehr", &message("m-2", "a")).await.unwrap();
    let repeat = sender.enqueue("ehr", &message("m-2", "a")).await.unwrap();
    let waiting = tokio::spawn({
        let receipt = receipt.clone();
        async move { receipt.answered(PATIENCE).await }
    });
    until(&sender, &receipt, |status| status.last_failure().is_some()).await;
    sender.shutdown(PATIENCE).await;
    let status = waiting.await.unwrap().unwrap();
    assert!(!status.state().is_settled());
    let known = unasked.answered(PATIENCE).await.unwrap();
    assert_eq!((known.id(), known.state(), known.control_id()), (unasked.id(), State::Queued, Some("m-2")));
    assert_eq!(repeat.answered(PATIENCE).await.unwrap_err().kind(), StoreErrorKind::Closed);
    assert_eq!(receipt.outcome().await.unwrap_err().kind(), StoreErrorKind::Closed);
}

#[test]
fn an_enqueue_goes_on_when_the_runtime_it_began_on_ends() {
    let folder = Folder::new();
    let outer = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let sender = outer.block_on(folder.sender(ehr(nowhere())));
    let cut_off = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let msg = message("m-1", "a");
    let mut enqueue = std::pin::pin!(sender.enqueue("ehr", &msg));
    let mut context = Context::from_waker(Waker::noop());
    {
        let _entered = cut_off.enter();
        assert!(enqueue.as_mut().poll(&mut context).is_pending());
    }
    drop(cut_off);
    let receipt = outer.block_on(enqueue).unwrap();
    assert!(!receipt.is_repeat());
    assert!(outer.block_on(sender.enqueue("ehr", &msg)).unwrap().is_repeat(), "it is kept once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shutdown_waits_for_the_message_under_way() {
    let (release, released) = std::sync::mpsc::channel::<()>();
    let released = std::sync::Mutex::new(released);
    let peer = Peer::start(move |request, _| {
        tokio::task::block_in_place(|| released.lock().unwrap().recv_timeout(PATIENCE).unwrap());
        Reply::accept(request)
    })
    .await;
    let folder = Folder::new();
    let sender = folder.sender(ehr(peer.address)).await;
    let first = sender.enqueue("ehr", &message("m-1", "a")).await.unwrap();
    let second = sender.enqueue("ehr", &message("m-2", "a")).await.unwrap();
    until(&sender, &first, |status| status.state() == State::Sending).await;
    // The answer comes when the shutdown has begun, and one to the second message would come too.
    tokio::join!(sender.shutdown(PATIENCE), async { [(); 2].map(|()| release.send(()).unwrap()) });
    drop(sender);
    let sender = folder.sender(ehr(nowhere())).await;
    assert_eq!(sender.status(&first.id()).await.unwrap().unwrap().state(), State::Delivered);
    assert_ne!(sender.status(&second.id()).await.unwrap().unwrap().state(), State::Delivered);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shutdown_that_is_not_waited_for_repeats_the_message_under_way() {
    let peer =
        Peer::start(|request, before| if before == 0 { Reply::none() } else { Reply::accept(request) }).await;
    let folder = Folder::new();
    let sender = folder.sender(ehr(peer.address)).await;
    let receipt = sender.enqueue("ehr", &message("m-1", "a")).await.unwrap();
    until(&sender, &receipt, |_| peer.bodies().len() == 1).await;
    sender.shutdown(Duration::from_millis(20)).await;
    let sender = folder.sender(ehr(peer.address)).await;
    let status = until(&sender, &receipt, |status| status.state() == State::Delivered).await;
    assert_eq!(status.attempts(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dropping_the_last_clone_ends_sending_and_frees_the_store() {
    let peer = Peer::accepting().await;
    let folder = Folder::new();
    let sender = folder.sender(ehr(peer.address)).await;
    let receipt = sender.enqueue("ehr", &message("m-1", "a")).await.unwrap();
    delivered(&receipt).await;
    drop((sender, receipt));
    let reopen = async {
        while hl7_sender::SqliteStore::open(folder.store_path()).await.is_err() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, reopen).await.unwrap();
}

/// An answer after this time.
async fn slow_peer(after: Duration) -> Peer {
    Peer::start(move |request, _| {
        tokio::task::block_in_place(|| std::thread::sleep(after));
        Reply::accept(request)
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shutdown_that_is_given_up_or_asked_for_twice_is_one() {
    for given_up in [true, false] {
        let peer = slow_peer(Duration::from_millis(400)).await;
        let folder = Folder::new();
        let sender = folder.sender(ehr(peer.address)).await;
        let receipt = sender.enqueue("ehr", &message("m-1", "a")).await.unwrap();
        until(&sender, &receipt, |_| peer.bodies().len() == 1).await;
        if given_up {
            let first = tokio::time::timeout(Duration::from_millis(20), sender.shutdown(PATIENCE)).await;
            assert!(first.is_err(), "the message is under way");
            sender.shutdown(PATIENCE).await;
        } else {
            tokio::join!(sender.shutdown(PATIENCE), sender.shutdown(PATIENCE));
        }
        let sender = folder.sender(ehr(peer.address)).await;
        assert_eq!(sender.status(&receipt.id()).await.unwrap().unwrap().state(), State::Delivered);
        assert_eq!(peer.bodies().len(), 1, "it went out once");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_earliest_time_that_a_shutdown_was_asked_for_counts() {
    let peer = Peer::start(|_, _| Reply::none()).await;
    let folder = Folder::new();
    let sender = folder.sender(ehr(peer.address)).await;
    let receipt = sender.enqueue("ehr", &message("m-1", "a")).await.unwrap();
    until(&sender, &receipt, |_| peer.bodies().len() == 1).await;
    let patient = tokio::spawn({
        let sender = sender.clone();
        async move { sender.shutdown(Duration::MAX).await }
    });
    let in_time = async {
        sender.shutdown(Duration::from_millis(50)).await;
        sender.shutdown(PATIENCE).await;
        patient.await.unwrap();
    };
    tokio::time::timeout(PATIENCE, in_time).await.unwrap();
}
