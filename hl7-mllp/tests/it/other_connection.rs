//! Application acknowledgments on another connection.

use std::time::{Duration, Instant};

use hl7_core::Message;
use hl7_mllp::{
    AckTracker, Acknowledgment, ApplicationAcks, Client, ExpectErrorKind, Reply, Request, Server, Tracked,
};

use crate::peer::{Listening, Stream, ack, enhanced, framed, listening, msa, scripted};

const SHORT: Duration = Duration::from_millis(100);
const LONG: Duration = Duration::from_secs(20);

fn read(code: &str, id: &str) -> Acknowledgment {
    Acknowledgment::read(ack(code, id).as_bytes()).unwrap()
}

/// What an acknowledgment is, in short.
fn tracked(tracked: Tracked<u32>) -> String {
    match tracked {
        Tracked::Expected(kept) => format!("expected {kept}"),
        Tracked::Late(kept) => format!("late {kept}"),
        other => format!("{other:?}").to_lowercase(),
    }
}

#[test]
fn fault_22_an_acknowledgment_is_the_one_of_the_message_it_names_exactly() {
    let now = Instant::now();
    let mut tracker = AckTracker::new(10);
    for (n, id) in ["m-1", "m-10", "M-1"].into_iter().enumerate() {
        tracker.expect(id, now + LONG, n as u32).unwrap();
    }
    for code in ["CA", "CE", "CR"] {
        assert_eq!(tracked(tracker.handle(&read(code, "m-1"), now)), "unknown", "{code} is no application's");
    }
    for (id, expected) in [
        ("m-", "unknown"),
        ("m-1 ", "unknown"),
        ("", "unknown"),
        ("m-10", "expected 1"),
        ("m-1", "expected 0"),
        ("m-1", "repeated"),
        ("M-1", "expected 2"),
        ("m-10", "repeated"),
        ("m-11", "unknown"),
    ] {
        assert_eq!(tracked(tracker.handle(&read("AA", id), now)), expected, "{id:?}");
    }
    assert!(tracker.is_empty());
}

#[test]
fn fault_21_a_deadline_that_passes_is_told_once_and_nothing_is_awaited_any_more() {
    let start = Instant::now();
    let after = |seconds| start + Duration::from_secs(seconds);
    let mut tracker = AckTracker::new(10);
    for (id, seconds) in [("m-3", 3), ("m-1", 1), ("m-2", 2), ("m-9", 9)] {
        tracker.expect(id, after(seconds), 0).unwrap();
    }
    assert_eq!(tracker.next_deadline(), Some(after(1)));
    assert!(tracker.expire(start).is_empty());
    let ids = |expired: Vec<(String, u32)>| expired.into_iter().map(|(id, _)| id).collect::<Vec<_>>();
    assert_eq!(ids(tracker.expire(after(2))), ["m-1", "m-2"]);
    assert!(tracker.expire(after(2)).is_empty());
    assert_eq!(tracked(tracker.handle(&read("AA", "m-1"), after(2))), "unknown");
    assert_eq!(tracked(tracker.handle(&read("AA", "m-3"), after(3))), "late 0");
    assert_eq!(tracker.withdraw("m-9"), Some(0));
    assert_eq!((tracker.len(), tracker.next_deadline()), (0, None));
}

#[test]
fn fault_22_there_is_room_for_so_many_and_one_of_a_kind() {
    let now = Instant::now();
    let mut tracker = AckTracker::new(2);
    tracker.expect("m-1", now + LONG, ()).unwrap();
    let kind = |why: hl7_mllp::ExpectError| (why.kind(), why.code());
    assert_eq!(kind(tracker.expect("m-1", now, ()).unwrap_err()), (ExpectErrorKind::Repeated, "N142"));
    tracker.expect("m-2", now + LONG, ()).unwrap();
    assert_eq!(kind(tracker.expect("m-3", now, ()).unwrap_err()), (ExpectErrorKind::Full, "N141"));
    tracker.handle(&read("AA", "m-1"), now);
    tracker.expect("m-3", now + LONG, ()).unwrap();
}

/// A listener for acknowledgments.
async fn taking(acks: &ApplicationAcks) -> Listening {
    let acks = acks.clone();
    let handler = move |req: Request| std::future::ready(acks.take(&req).unwrap_or_else(Reply::close));
    listening(Server::builder(), handler).await
}

/// An application acknowledgment that asks for an accept acknowledgment, as HL7 has them.
fn asking(code: &str, id: &str) -> Vec<u8> {
    framed(ack(code, id).replace("|2.5.1\r", "|2.5.1|||AL|NE\r"))
}

#[tokio::test]
async fn fault_22_the_application_acknowledgment_comes_on_another_connection() {
    let acks = ApplicationAcks::new();
    let back = taking(&acks).await;
    let addr = back.addr.clone();
    let lab = scripted(move |peer| async move {
        let mut stream = peer.accept().await;
        stream.block().await;
        // It is faster than the accept acknowledgment, and comes twice.
        let mut other = Stream::connect(&addr).await;
        for _ in 0..2 {
            other.send(&asking("AE", "m-1")).await;
            assert_eq!(msa(&other.block().await), "MSA|CA|a-1");
        }
        stream.send(&framed(ack("CA", "m-1"))).await;
        stream.until_closed().await;
    })
    .await;
    let mut client = Client::connect(lab).await.unwrap();
    let expected = acks.expect("m-1", LONG).unwrap();
    let text = enhanced("m-1", "AL", "AL");
    assert_eq!(client.send(&Message::parse(&text).unwrap()).await.unwrap().code().as_str(), "CA");
    let ack = expected.acknowledgment().await.unwrap();
    assert_eq!((ack.code().as_str(), ack.control_id()), ("AE", "m-1"));
    assert_eq!(acks.awaited(), 0);
}

#[tokio::test]
async fn fault_22_what_nobody_awaits_is_refused_and_other_messages_are_left_to_the_handler() {
    let acks = ApplicationAcks::new();
    let back = taking(&acks).await;
    let _expected = acks.expect("m-1", LONG).unwrap();
    let mut stream = Stream::connect(&back.addr).await;
    for id in ["m-2", "m-10", ""] {
        stream.send(&asking("AA", id)).await;
        assert!(msa(&stream.block().await).starts_with("MSA|CR|a-1|"), "{id:?}");
    }
    assert_eq!(acks.awaited(), 1);
    // One that asks for no acknowledgment gets none; the next answer is to the one behind it.
    stream.send(&[framed(ack("AA", "m-1")), asking("AA", "m-1")].concat()).await;
    assert_eq!(msa(&stream.block().await), "MSA|CA|a-1");
    stream.send(&framed(crate::peer::message("m-3"))).await;
    assert_eq!(stream.block_or_end().await, None);
}

#[tokio::test]
async fn fault_21_an_application_acknowledgment_that_is_late_is_told_and_its_place_is_free() {
    let acks = ApplicationAcks::with_room_for(1);
    let why = acks.expect("m-1", SHORT).unwrap().acknowledgment().await.unwrap_err();
    assert_eq!(why.code(), "N143");
    assert_eq!(acks.awaited(), 0);

    drop(acks.expect("m-1", LONG).unwrap());
    let _held = acks.expect("m-1", LONG).unwrap();
    assert_eq!(acks.expect("m-2", LONG).unwrap_err().code(), "N141");
}

#[tokio::test]
async fn a_wait_that_was_settled_and_dropped_takes_no_other_with_it() {
    let acks = ApplicationAcks::new();
    let back = taking(&acks).await;
    let first = acks.expect("m-1", LONG).unwrap();
    let mut stream = Stream::connect(&back.addr).await;
    stream.send(&asking("AA", "m-1")).await;
    stream.block().await;
    let _second = acks.expect("m-1", LONG).unwrap();
    drop(first);
    assert_eq!(acks.awaited(), 1);
}
