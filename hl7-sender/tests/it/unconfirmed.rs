//! Messages that ask for no positive acknowledgment.

use hl7_core::Message;
use hl7_mllp::scripted::{Receiver, Script};
use hl7_sender::{Destination, EnqueueErrorKind, Outcome, State};

use crate::peer::{Folder, PATIENCE, delivered, message, outcome, quick};

fn unasked(control_id: &str, accept: &str) -> Message<'static> {
    let text =
        format!("MSH|^~\\&|LAB|N|EHR|S|2026||ADT^A08^ADT_A01|{control_id}|P|2.5.1|||{accept}|NE\rPID|1||a\r");
    Message::parse(&text).unwrap().into_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn are_refused_unless_the_destination_is_called_unconfirmed() {
    let receiver = Receiver::start(Script::proper()).await.unwrap();
    let folder = Folder::new();
    let sender = folder.sender(Destination::mllp("ehr", receiver.address().to_string())).await;
    for accept in ["NE", "ER"] {
        let why = sender.enqueue("ehr", &unasked("m-1", accept)).await.unwrap_err();
        assert_eq!((why.kind(), why.code()), (&EnqueueErrorKind::NoAckAsked, "S010"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn end_as_sent_and_unconfirmed_and_never_as_delivered() {
    // It never answers: nothing is waited for.
    let receiver = Receiver::start(Script::each([])).await.unwrap();
    let folder = Folder::new();
    let destination = Destination::mllp("ehr", receiver.address().to_string()).unconfirmed().retry(quick());
    let sender = folder.sender(destination).await;
    for n in 0..3 {
        let receipt = sender.enqueue("ehr", &unasked(&format!("m-{n}"), "NE")).await.unwrap();
        assert!(matches!(outcome(&receipt).await, Outcome::Unconfirmed));
        let status = receipt.status().await.unwrap();
        assert_eq!((status.state(), status.attempts()), (State::Unconfirmed, 1));
        assert!(status.sent_at().is_some() && status.settled_at().is_some());
        assert!(status.last_acknowledgment().is_none());
    }
    assert!(receiver.messages(3, PATIENCE).await);
    assert_eq!(receiver.control_ids(), ["m-0", "m-1", "m-2"]);
    assert_eq!(sender.counts().await.unwrap()[0].state(), State::Unconfirmed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unconfirmed_destination_still_waits_for_what_a_message_asks_for() {
    let receiver = Receiver::start(Script::proper()).await.unwrap();
    let folder = Folder::new();
    let destination = Destination::mllp("ehr", receiver.address().to_string()).unconfirmed();
    let sender = folder.sender(destination).await;
    let receipt = sender.enqueue("ehr", &message("m-1", "a")).await.unwrap();
    delivered(&receipt).await;
}
