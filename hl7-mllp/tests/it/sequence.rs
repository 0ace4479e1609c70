//! The sequence number protocol, by tables and over a connection.

use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};

use hl7_core::{Message, path};
use hl7_mllp::{
    Acknowledgment, Arrival, Block, Client, Request, Sequence, SequenceSource, SequenceStep, SequenceTarget,
    Server,
};

use crate::peer::{ack, listening, message};

fn number(n: u32) -> NonZeroU32 {
    NonZeroU32::new(n).unwrap()
}

fn numbered(id: &str, sequence: &str) -> String {
    message(id).replace("|2.5.1", &format!("|2.5.1|{sequence}"))
}

fn acknowledged(code: &str, expected: &str) -> Acknowledgment {
    let text = ack(code, "m-1").replace("|m-1\r", &format!("|m-1||{expected}\r"));
    Acknowledgment::read(text.as_bytes()).unwrap()
}

fn request(sequence: &str) -> Request {
    let text = numbered("m-1", sequence);
    let message = Message::parse(&text).unwrap().into_owned();
    Request::new(message, Block::new(text.into_bytes()), ([127, 0, 0, 1], 1).into())
}

/// What is due at last, after these acknowledgments of a link that is to go on with number 5.
fn after(answers: &[(&str, &str)]) -> String {
    let mut source = SequenceSource::new(number(5));
    answers.iter().for_each(|(code, expected)| {
        source.handle(&acknowledged(code, expected));
    });
    source.due().map_or("frozen".to_owned(), |sequence| sequence.to_string())
}

#[test]
fn the_sender_follows_what_the_receiver_expects() {
    let table: [(&[(&str, &str)], &str); 16] = [
        (&[], "0"),
        (&[("AA", "5")], "5"),
        (&[("AA", "3")], "3"),
        (&[("AA", "-1")], "5"),
        (&[("AA", "")], "frozen"),
        (&[("AA", "0")], "frozen"),
        (&[("AA", "x")], "frozen"),
        (&[("AA", "5"), ("AA", "5")], "6"),
        (&[("AA", "5"), ("AA", "6")], "6"),
        (&[("AA", "5"), ("AE", "5")], "5"),
        (&[("AA", "5"), ("AE", "")], "5"),
        (&[("AA", "5"), ("AA", "")], "frozen"),
        (&[("AA", "5"), ("AA", "7")], "frozen"),
        (&[("AA", "5"), ("AR", "3")], "0"),
        (&[("AA", "5"), ("AR", "3"), ("AA", "5"), ("AR", "3")], "frozen"),
        (&[("AA", "5"), ("AR", "3"), ("AA", "5"), ("AA", "5"), ("AR", "3")], "0"),
    ];
    for (answers, due) in table {
        assert_eq!(after(answers), due, "{answers:?}");
    }
}

#[test]
fn a_frozen_link_goes_on_only_when_it_is_resynchronized() {
    let mut source = SequenceSource::new(number(5));
    source.freeze();
    assert_eq!(source.handle(&acknowledged("AA", "5")), SequenceStep::Frozen);
    assert_eq!(source.due(), None);
    source.resynchronize(number(9));
    assert_eq!(source.due(), Some(Sequence::Resynchronize));
    assert_eq!(source.handle(&acknowledged("AA", "-1")), SequenceStep::GoOn(number(9)));
    assert_eq!(source.due(), Some(Sequence::Number(number(9))));

    source.resynchronize(number(1));
    assert_eq!(source.handle(&acknowledged("AA", "10")), SequenceStep::Frozen);
    let mut last = SequenceSource::new(number(u32::MAX));
    last.handle(&acknowledged("AA", "-1"));
    assert_eq!(last.handle(&acknowledged("AA", "4294967295")), SequenceStep::Frozen, "numbers end");
}

#[test]
fn the_receiver_takes_each_number_once_and_in_order() {
    let next = |n| Sequence::Number(number(n));
    for (last, sequence, expected) in [
        (None, "0", Arrival::Link(Sequence::Resynchronize)),
        (None, "17", Arrival::Due(number(17))),
        (Some(4), "0", Arrival::Link(next(5))),
        (Some(4), "-1", Arrival::Link(Sequence::Resynchronize)),
        (Some(4), "5", Arrival::Due(number(5))),
        (Some(4), " 5 ", Arrival::Due(number(5))),
        (Some(4), "4", Arrival::Repeated(next(5))),
        (Some(4), "1", Arrival::Repeated(next(5))),
        (Some(4), "6", Arrival::Ahead(next(5))),
        (Some(4), "", Arrival::Unnumbered),
        (Some(4), "five", Arrival::Unnumbered),
        (Some(4), "-5", Arrival::Unnumbered),
        (Some(4), "+5", Arrival::Unnumbered),
        (Some(4), "99999999999", Arrival::Unnumbered),
    ] {
        let mut target = SequenceTarget::new(last.map(number));
        assert_eq!(target.handle(&request(sequence)), expected, "{last:?} {sequence:?}");
        let kept = if sequence == "-1" { None } else { last.map(number) };
        assert_eq!(target.last(), kept, "nothing is accepted by looking at it");
    }
}

#[tokio::test]
async fn a_link_starts_goes_on_and_survives_a_lost_acknowledgment() {
    let link = Arc::new(Mutex::new((SequenceTarget::new(None), Vec::new())));
    let kept = link.clone();
    let handler = move |req: Request| {
        let mut kept = kept.lock().unwrap();
        let (target, taken) = &mut *kept;
        let arrival = target.handle(&req);
        if let Arrival::Due(number) = arrival {
            taken.push(number.get());
            target.accepted(number);
        }
        std::future::ready(arrival.reply(&req))
    };
    let listening = listening(Server::builder(), handler).await;
    let mut client = Client::connect(listening.addr.as_str()).await.unwrap();
    let mut send = async |source: &SequenceSource| {
        let mut text = Message::parse(&message("m-1")).unwrap().into_owned();
        text.set(path!("MSH-13"), &source.due().unwrap().to_string()).unwrap();
        client.send(&text).await.unwrap()
    };
    let mut source = SequenceSource::new(number(7));
    assert_eq!(source.handle(&send(&source).await), SequenceStep::GoOn(number(7)));
    for _ in 0..2 {
        assert_eq!(source.handle(&send(&source).await), SequenceStep::Accepted);
    }
    // The acknowledgment of 9 is lost, and the sender starts anew with what it knows.
    send(&source).await;
    let again = send(&source).await;
    assert_eq!(source.handle(&again), SequenceStep::Accepted, "it was taken before");

    let mut ahead = SequenceSource::new(number(20));
    assert_eq!(ahead.handle(&send(&ahead).await), SequenceStep::GoOn(number(10)));
    let mut astray = SequenceSource::new(number(30));
    astray.handle(&acknowledged("AA", "30"));
    let refused = send(&astray).await;
    assert_eq!(refused.code().as_str(), "AR");
    assert_eq!(astray.handle(&refused), SequenceStep::Restart);
    assert_eq!(link.lock().unwrap().1, [7, 8, 9]);
}
