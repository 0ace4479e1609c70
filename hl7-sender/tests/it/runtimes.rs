//! A sender that is used from other runtimes than the one it was started on, which may end before it does.

use std::future::Future as _;
use std::task::{Context, Waker};
use std::time::Duration;

use hl7_mllp::Reply;
use hl7_sender::{Destination, EnqueueErrorKind, Sender, SqliteStore, State, StoreErrorKind};
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

use crate::peer::{Folder, PATIENCE, Peer, delivered, ehr, message, nowhere, until};

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// Takes its time for the first message.
async fn slow_peer() -> Peer {
    Peer::start(|request, before| {
        if before == 0 {
            tokio::task::block_in_place(|| std::thread::sleep(Duration::from_millis(400)));
        }
        Reply::accept(request)
    })
    .await
}

#[test]
fn a_destination_added_from_a_runtime_that_ends_is_served_on() {
    let (own, folder) = (runtime(), Folder::new());
    let (peer, sender) =
        own.block_on(async { (Peer::accepting().await, folder.sender(ehr(nowhere())).await) });
    let other = runtime();
    other.block_on(sender.add_destination(Destination::mllp("lab", peer.address.to_string()))).unwrap();
    drop(other);
    own.block_on(async {
        let receipt = sender.enqueue("lab", &message("m-1", "a")).await.unwrap();
        delivered(&receipt).await;
        timeout(PATIENCE, sender.shutdown(PATIENCE)).await.unwrap();
    });
}

#[test]
fn a_change_begun_on_a_runtime_that_ends_is_made() {
    let (own, folder) = (runtime(), Folder::new());
    let (slow, next) = own.block_on(async { (slow_peer().await, Peer::accepting().await) });
    let sender = own.block_on(async {
        let sender = folder.sender(ehr(slow.address)).await;
        let receipt = sender.enqueue("ehr", &message("m-0", "a")).await.unwrap();
        until(&sender, &receipt, |_| slow.bodies().len() == 1).await;
        sender
    });
    let other = runtime();
    let change = async {
        timeout(Duration::from_millis(20), sender.change_destination(ehr(next.address), PATIENCE)).await
    };
    assert!(other.block_on(change).is_err(), "a message is under way");
    drop(other);
    own.block_on(async {
        let receipt = sender.enqueue("ehr", &message("m-1", "a")).await.unwrap();
        delivered(&receipt).await;
        sender.shutdown(PATIENCE).await;
    });
    assert_eq!((slow.control_ids(), next.control_ids()), (vec!["m-0".to_owned()], vec!["m-1".to_owned()]));
}

#[test]
fn a_message_whose_caller_gives_up_with_its_runtime_goes_out() {
    let (own, folder) = (runtime(), Folder::new());
    let (peer, sender) = own.block_on(async {
        let peer = Peer::accepting().await;
        let sender = folder.sender(ehr(peer.address)).await;
        (peer, sender)
    });
    let other = Builder::new_current_thread().build().unwrap();
    {
        let msg = message("m-1", "a");
        let mut enqueue = Box::pin(sender.enqueue("ehr", &msg));
        let _entered = other.enter();
        assert!(enqueue.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
    drop(other);
    own.block_on(async {
        let came = async {
            while peer.bodies().is_empty() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(PATIENCE, came).await.unwrap();
        sender.shutdown(PATIENCE).await;
    });
}

#[test]
fn a_shutdown_begun_on_a_runtime_that_ends_goes_on() {
    let (own, folder) = (runtime(), Folder::new());
    let (peer, sender, receipt) = own.block_on(async {
        let peer = slow_peer().await;
        let sender = folder.sender(ehr(peer.address)).await;
        let receipt = sender.enqueue("ehr", &message("m-1", "a")).await.unwrap();
        until(&sender, &receipt, |_| peer.bodies().len() == 1).await;
        (peer, sender, receipt)
    });
    let other = runtime();
    let given_up = other
        .block_on(async { timeout(Duration::from_millis(20), sender.shutdown(PATIENCE)).await.is_err() });
    assert!(given_up, "a message is under way");
    drop(other);
    own.block_on(async {
        sender.shutdown(PATIENCE).await;
        let sender = folder.sender(ehr(peer.address)).await;
        assert_eq!(sender.status(&receipt.id()).await.unwrap().unwrap().state(), State::Delivered);
    });
    assert_eq!(peer.bodies().len(), 1, "it went out once");
}

fn shut_down_without_runtime(sender: &Sender) {
    let mut shutdown = std::pin::pin!(sender.shutdown(PATIENCE));
    while shutdown.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending() {
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_shutdown_needs_nothing_of_the_runtime_it_is_asked_for_on() {
    let own = runtime();
    let without_timer = Builder::new_current_thread().build().unwrap();
    let asks: [&dyn Fn(&Sender); 2] =
        [&|sender| without_timer.block_on(sender.shutdown(PATIENCE)), &shut_down_without_runtime];
    for ask in asks {
        let folder = Folder::new();
        let sender = own.block_on(folder.sender(ehr(nowhere())));
        ask(&sender);
        own.block_on(SqliteStore::open(folder.store_path())).expect("it was closed");
    }
}

#[test]
fn a_shutdown_after_the_end_of_the_senders_own_runtime_closes_the_store() {
    let (own, folder) = (runtime(), Folder::new());
    let sender = own.block_on(folder.sender(ehr(nowhere())));
    own.block_on(sender.enqueue("ehr", &message("m-1", "a"))).unwrap();
    drop(own);
    let other = runtime();
    other.block_on(async {
        timeout(PATIENCE, sender.shutdown(PATIENCE)).await.unwrap();
        folder.store().await;
    });
}

#[test]
fn a_sender_whose_own_runtime_has_ended_says_so() {
    let (own, folder) = (runtime(), Folder::new());
    let sender = own.block_on(folder.sender(ehr(nowhere())));
    let (first, second) = (message("m-1", "a"), message("m-2", "a"));
    let receipt = own.block_on(sender.enqueue("ehr", &first)).unwrap();
    drop(own);
    runtime().block_on(async {
        let refused = sender.enqueue("ehr", &second).await.unwrap_err();
        assert_eq!(refused.kind(), &EnqueueErrorKind::ShutDown);
        let outcome = timeout(PATIENCE, receipt.outcome()).await.expect("nobody sends it");
        assert_eq!(outcome.unwrap_err().kind(), StoreErrorKind::Closed);
        assert_eq!(sender.pause_destination("ehr").await.unwrap_err().kind(), StoreErrorKind::Closed);
        sender.shutdown(PATIENCE).await;
    });
}
