//! A transport of the program's own.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hl7_core::{Ack, AckCode, Message};
use hl7_mllp::Acknowledgment;
use hl7_sender::{
    Action, Answer, Confirmation, ConnectFailure, Connection, DeadLetterReason, Destination, EntryId,
    Failure, FailureKind, Outcome, Outgoing, Pending, Policy, State, Transport,
};

use crate::peer::{Folder, PATIENCE, control_id, delivered, message, outcome, quick, state, until};

/// What a connection does with its next message.
#[derive(Clone, Copy, Debug)]
enum Does {
    Code(AckCode),
    Fails(FailureKind),
    /// For a reason that stays.
    Refuses,
    Panics,
    /// Says that the receiver has the message, and then that the connection was lost.
    TakesAndFails,
}

/// A transport that does what it is told, and then answers AA.
#[derive(Clone, Default)]
struct Told {
    acts: Arc<Mutex<VecDeque<Does>>>,
    connects: Arc<Mutex<usize>>,
    seen: Arc<Mutex<Vec<(EntryId, String)>>>,
}

impl Told {
    fn to(acts: impl IntoIterator<Item = Does>) -> Self {
        Self { acts: Arc::new(Mutex::new(acts.into_iter().collect())), ..Self::default() }
    }

    fn control_ids(&self) -> Vec<String> {
        self.seen.lock().unwrap().iter().map(|(_, id)| id.clone()).collect()
    }
}

impl Transport for Told {
    fn connect(&self) -> Pending<'_, Result<Box<dyn Connection>, ConnectFailure>> {
        *self.connects.lock().unwrap() += 1;
        let connection: Box<dyn Connection> = Box::new(self.clone());
        Box::pin(async { Ok(connection) })
    }
}

impl Connection for Told {
    fn send<'a>(&'a mut self, message: Outgoing<'a>) -> Pending<'a, Result<Confirmation, Failure>> {
        let act = self.acts.lock().unwrap().pop_front().unwrap_or(Does::Code(AckCode::AA));
        Box::pin(async move {
            if !matches!(act, Does::Fails(FailureKind::NotSent)) {
                self.seen.lock().unwrap().push((message.entry(), control_id(message.bytes())));
            }
            match act {
                Does::Fails(kind) => Err(Failure::new("X001", kind)),
                Does::Panics => panic!("a transport of the program's own"),
                Does::TakesAndFails => {
                    message.taken(None);
                    Err(Failure::new("X001", FailureKind::Lost))
                }
                Does::Refuses => Err(Failure::new("X002", FailureKind::Lost).lasting()),
                Does::Code(code) => {
                    let message = Message::from_bytes(message.bytes()).unwrap();
                    let ack = Ack::to(&message, code).build().to_wire().unwrap();
                    Ok(Confirmation::Acknowledged(Acknowledgment::read(&ack).unwrap()))
                }
            }
        })
    }
}

fn told(transport: &Told) -> Destination {
    Destination::over("ehr", transport.clone()).retry(quick())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn delivers_in_order_and_gives_an_entry_the_same_name_in_every_attempt() {
    let transport = Told::to([Does::Fails(FailureKind::Lost), Does::Code(AckCode::AR)]);
    let folder = Folder::new();
    let sender = folder.sender(told(&transport)).await;
    let first = sender.enqueue("ehr", &message("m-1", "a")).await.unwrap();
    let second = sender.enqueue("ehr", &message("m-2", "b")).await.unwrap();
    delivered(&first).await;
    delivered(&second).await;
    assert_eq!(transport.control_ids(), ["m-1", "m-1", "m-1", "m-2"]);
    let ids: Vec<EntryId> = transport.seen.lock().unwrap().iter().map(|(id, _)| *id).collect();
    assert_eq!(ids, [first.id(), first.id(), first.id(), second.id()]);
    assert_eq!(first.status().await.unwrap().attempts(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_10_sender_replaces_a_dead_connection_once_and_then_waits() {
    let dead = [Does::Fails(FailureKind::NotSent); 2];
    let transport = Told::to(dead);
    let folder = Folder::new();
    let hour = quick().first(Duration::from_secs(3600)).max(Duration::from_secs(3600));
    let sender = folder.sender(told(&transport).retry(hour)).await;
    let receipt = sender.enqueue("ehr", &message("m-1", "a")).await.unwrap();
    let status = until(&sender, &receipt, |status| status.last_failure().is_some()).await;
    assert_eq!(
        (status.last_failure(), status.attempts()),
        (Some("X001"), 0),
        "it costs no attempt, and is shown"
    );
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(*transport.connects.lock().unwrap(), 2, "one free try");
    assert_eq!(sender.destination("ehr").unwrap().unreachable(), Some("X001"));
    assert!(sender.resume_destination("ehr").await.unwrap() && transport.seen.lock().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_35_sender_connections_that_carry_nothing_do_not_end_an_outage() {
    let transport = Told::to([Does::Fails(FailureKind::NotSent); 12]);
    let folder = Folder::new();
    let sender = folder.sender(told(&transport).connections(4)).await;
    let mut receipts = Vec::new();
    for n in 0..8 {
        receipts.push(sender.enqueue("ehr", &message(&format!("m-{n}"), &n.to_string())).await.unwrap());
    }
    // Each try takes two of the twelve; were the outage over with each connection, there would never be two failures in a row.
    let in_a_row = async {
        while sender.destination("ehr").unwrap().failures() < 3 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(PATIENCE, in_a_row).await.expect("failures in a row");
    for receipt in &receipts {
        delivered(receipt).await;
        assert_eq!(receipt.status().await.unwrap().attempts(), 1);
    }
    assert_eq!(sender.destination("ehr").unwrap().failures(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_31_sender_a_refusal_after_the_message_was_written_rests_until_it_is_mended() {
    let transport = Told::to([Does::Refuses]);
    let folder = Folder::new();
    let sender = folder.sender(told(&transport)).await;
    let first = sender.enqueue("ehr", &message("m-1", "a")).await.unwrap();
    let failed = until(&sender, &first, |status| status.last_failure().is_some()).await;
    assert_eq!((failed.last_failure(), failed.attempts()), (Some("X002"), 1));
    assert!(sender.destination("ehr").unwrap().needs_help());
    let second = sender.enqueue("ehr", &message("m-2", "b")).await.unwrap();
    tokio::time::sleep(Duration::from_millis(150)).await;
    assert_eq!(transport.control_ids(), ["m-1"], "the whole destination rests");
    assert!(sender.resume_destination("ehr").await.unwrap());
    delivered(&first).await;
    delivered(&second).await;
    assert!(!sender.destination("ehr").unwrap().needs_help());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_10_sender_counts_a_connection_that_ends_while_it_writes() {
    let transport = Told::to([Does::Fails(FailureKind::Lost)]);
    let folder = Folder::new();
    let sender = folder.sender(told(&transport)).await;
    let receipt = sender.enqueue("ehr", &message("m-1", "a")).await.unwrap();
    delivered(&receipt).await;
    assert_eq!(receipt.status().await.unwrap().attempts(), 2, "no hidden repetition");
    let attempts = sender.attempts(&receipt.id()).await.unwrap();
    let seen: Vec<_> =
        attempts.iter().map(|past| (past.failure.as_deref(), past.is_indeterminate())).collect();
    assert_eq!(seen, [(Some("X001"), true), (None, false)]);
    assert_eq!(transport.control_ids(), ["m-1", "m-1"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_no_connection_can_carry_is_held_and_counts_nothing() {
    let transport = Told::to([Does::Fails(FailureKind::Unsendable)]);
    let folder = Folder::new();
    let sender = folder.sender(told(&transport)).await;
    let receipt = sender.enqueue("ehr", &message("m-1", "a")).await.unwrap();
    let held = state(&sender, &receipt, State::Held).await;
    assert_eq!((held.last_failure(), held.attempts()), (Some("X001"), 0));
}

/// Each row of the table, with each action, as a destination acts by it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_row_of_the_table_does_what_it_says() {
    let rows = [
        (Answer::Code(AckCode::AE), Does::Code(AckCode::AE), "AE", DeadLetterReason::Refused),
        (Answer::Code(AckCode::CR), Does::Code(AckCode::CR), "CR", DeadLetterReason::Refused),
        (Answer::None, Does::Fails(FailureKind::NoAnswer), "X001", DeadLetterReason::Doubtful),
        (Answer::Garbled, Does::Fails(FailureKind::Garbled), "X001", DeadLetterReason::Doubtful),
        (Answer::Lost, Does::Fails(FailureKind::Lost), "X001", DeadLetterReason::Doubtful),
        (Answer::NotTaken, Does::Fails(FailureKind::NotTaken), "X001", DeadLetterReason::Refused),
        (Answer::OtherProtocol, Does::Fails(FailureKind::OtherProtocol), "X001", DeadLetterReason::Doubtful),
    ];
    for (answer, does, code, reason) in rows {
        for action in [Action::Retry, Action::Hold, Action::DeadLetter, Action::Skip] {
            let transport = Told::to([does]);
            let folder = Folder::new();
            let sender = folder.sender(told(&transport).policy(Policy::new().on(answer, action))).await;
            let first = sender.enqueue("ehr", &message("m-1", "a")).await.unwrap();
            let next = sender.enqueue("ehr", &message("m-2", "a")).await.unwrap();
            match action {
                Action::Hold => {
                    let held = state(&sender, &first, State::Held).await;
                    assert_eq!(held.last_failure(), Some(code), "{answer:?}");
                    assert_eq!(next.status().await.unwrap().state(), State::Queued);
                    continue;
                }
                Action::Retry => delivered(&first).await,
                Action::Skip => {
                    assert!(matches!(outcome(&first).await, Outcome::Skipped), "{answer:?}");
                    let status = first.status().await.unwrap();
                    assert_eq!((status.state(), status.last_failure()), (State::Skipped, Some(code)));
                }
                _ => {
                    let ended = outcome(&first).await;
                    assert!(
                        matches!(ended, Outcome::DeadLettered(why) if why == reason),
                        "{answer:?} {ended:?}"
                    );
                }
            }
            delivered(&next).await;
            sender.shutdown(PATIENCE).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transport_that_panics_loses_its_connection_and_nothing_else() {
    let folder = Folder::new();
    let transport = Told::to([Does::Panics]);
    let sender = folder.sender(told(&transport)).await;
    let receipt = sender.enqueue("ehr", &message("m-1", "a")).await.unwrap();
    delivered(&receipt).await;
    assert_eq!(transport.control_ids(), ["m-1", "m-1"]);
    let attempts = sender.attempts(&receipt.id()).await.unwrap();
    assert_eq!(attempts.first().and_then(|first| first.failure.as_deref()), Some("S215"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_connection_says_was_taken_is_not_sent_again() {
    let folder = Folder::new();
    let transport = Told::to([Does::TakesAndFails]);
    let sender = folder.sender(told(&transport)).await;
    let receipt = sender.enqueue("ehr", &message("m-1", "a")).await.unwrap();
    assert!(matches!(outcome(&receipt).await, Outcome::Taken));
    assert_eq!(transport.control_ids(), ["m-1"]);
}
