//! Messages that ask for both acknowledgments of enhanced mode: the accept acknowledgment behind the commit, and the application acknowledgment when there
//! is one.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use hl7_core::{AckCode, ErrorCode, Message};
use hl7_mllp::{ApplicationReply, Server};
use hl7_sender::{Arrival, Intake, Outcome, Router, Sender, SettleOn, State, Verdict};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use crate::blocks::{Wire, code};
use crate::peer::{Folder, Peer, answer, delivered, ehr, message, nowhere, outcome, until};

/// A message that asks for these acknowledgments.
fn asking(control_id: &str, accept: &str, application: &str) -> String {
    let asks = format!("|P|2.5.1|||{accept}|{application}\r");
    message(control_id, "a").as_er7().replace("|P|2.5.1\r", &asks)
}

/// What the destinations behind the node have said.
async fn told(arrival: Arrival) -> Verdict {
    let request = arrival.request().clone();
    let committed = match arrival.commit().await {
        Ok(committed) => committed,
        Err(refused) => return refused.into(),
    };
    let receipts = committed.receipts().to_vec();
    let told = committed.then(async move {
        for receipt in receipts {
            if !matches!(receipt.outcome().await, Ok(Outcome::Delivered(_))) {
                return ApplicationReply::error(&request, ErrorCode::UnknownKeyIdentifier, "refused behind");
            }
        }
        ApplicationReply::accept(&request)
    });
    told.into()
}

async fn node(sender: &Sender) -> (SocketAddr, JoinHandle<()>) {
    let intake = Intake::new(sender, Router::to(["ehr"])).unwrap();
    let server = Server::bind("127.0.0.1:0").await.unwrap();
    let (address, handler) = (server.local_addr().unwrap(), intake.handler_with(told));
    (address, tokio::spawn(async move { server.serve(handler).await.unwrap() }))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_accept_acknowledgment_comes_after_the_commit_and_the_application_acknowledgment_after_the_delivery()
 {
    let gate = Arc::new(Semaphore::new(0));
    let (opened, folder) = (Arc::clone(&gate), Folder::new());
    let server = Server::bind("127.0.0.1:0").await.unwrap();
    let behind = server.local_addr().unwrap();
    let receiver = tokio::spawn(server.serve(move |request| {
        let opened = Arc::clone(&opened);
        async move {
            opened.acquire().await.unwrap().forget();
            let refuses = request.message().header().control_id().is_some_and(|id| id.raw() == "m-2");
            answer(&request, if refuses { AckCode::CR } else { AckCode::CA })
        }
    }));
    let sender = folder.sender(ehr(behind)).await;
    let (address, task) = node(&sender).await;
    let mut wire = Wire::to(address).await;
    for (id, application) in [("m-1", "AA"), ("m-2", "AE")] {
        wire.write(&asking(id, "AL", "AL")).await;
        assert_eq!(code(&wire.read().await), "CA");
        let kept = sender.recent(1).await.unwrap().remove(0);
        assert_eq!(kept.control_id(), Some(id), "it is on the disk");
        assert!(!kept.state().is_settled(), "and nothing more has happened");
        gate.add_permits(1);
        let second = wire.read().await;
        assert_eq!(code(&second), application);
        let message = Message::from_bytes(second.as_ref().unwrap()).unwrap();
        assert_eq!(message.get(hl7_core::path!("MSA-2")).unwrap().raw(), id);
    }
    task.abort();
    receiver.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_does_not_ask_for_both_gets_one_and_the_work_is_not_done() {
    let folder = Folder::new();
    let sender = folder.sender(ehr(nowhere())).await;
    let intake = Intake::new(&sender, Router::to(["ehr"])).unwrap();
    let done = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&done);
    let handler = intake.handler_with(move |arrival: Arrival| {
        let (count, request) = (Arc::clone(&count), arrival.request().clone());
        async move {
            let work = async move {
                count.fetch_add(1, Ordering::SeqCst);
                ApplicationReply::accept(&request)
            };
            arrival.commit().await.map(|committed| committed.then(work))
        }
    });
    let server = Server::bind("127.0.0.1:0").await.unwrap();
    let address = server.local_addr().unwrap();
    let task = tokio::spawn(server.serve(handler));
    let mut wire = Wire::to(address).await;
    let cases = [
        (message("m-1", "a").as_er7().to_owned(), "AA", 0),
        (asking("m-2", "AL", "NE"), "CA", 0),
        (asking("m-3", "NE", "AL"), "AA", 0),
        (asking("m-4", "AL", "AL"), "CA AA", 1),
        // Again, because the first answer was lost.
        (asking("m-4", "AL", "AL"), "CA AA", 2),
    ];
    for (text, codes, works) in cases {
        wire.write(&text).await;
        for expected in codes.split(' ') {
            assert_eq!(code(&wire.read().await), expected, "{codes}");
        }
        assert_eq!(done.load(Ordering::SeqCst), works, "{codes}");
    }
    assert_eq!(sender.recent(9).await.unwrap().len(), 4);
    task.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_pass_the_last_receivers_word_on() {
    let last =
        Peer::start(|request, before| answer(request, if before == 0 { AckCode::CA } else { AckCode::CR }))
            .await;
    let (middle, first) = (Folder::new(), Folder::new());
    let relay = middle.sender(ehr(last.address)).await;
    let (address, task) = node(&relay).await;
    let sender = first.sender(ehr(address).settle_on(SettleOn::Application)).await;
    let good = sender.enqueue("ehr", &Message::parse(&asking("m-1", "AL", "AL")).unwrap()).await.unwrap();
    delivered(&good).await;
    let Outcome::Delivered(ack) = outcome(&good).await else { panic!("not delivered") };
    assert_eq!(ack.code(), AckCode::AA);
    let bad = sender.enqueue("ehr", &Message::parse(&asking("m-2", "AL", "AL")).unwrap()).await.unwrap();
    let held = until(&sender, &bad, |status| status.state() == State::Held).await;
    assert_eq!(held.last_failure(), Some("AE"));
    assert_eq!(last.control_ids(), ["m-1", "m-2"]);
    task.abort();
}
