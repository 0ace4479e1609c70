//! Content stays out of everything that is shown: a canary is planted everywhere and looked for.

use std::fmt::{Debug, Display, Write as _};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hl7_core::ErrorCode;
use hl7_core::{Message, path};
use hl7_mllp::Reply;
use hl7_mllp::Server;
use hl7_sender::{
    Arrival, DeadLetterReason, Destination, End, Intake, Router, Sender, Store as _, Unrouted, Verdict,
};
use tracing::field::{Field, Visit};
use tracing::span;

use crate::blocks::{ask, code};
use crate::peer::{Folder, PATIENCE, Peer, ehr, nowhere, quick, until};
use hl7_sender::contract::{at, finished, inbound, request};

const CANARY: &str = "CANARY Doe";

/// A message with the canary in every field that is free to hold it, the control ID and the lane key included.
fn poisoned(n: usize) -> Message<'static> {
    let text = format!(
        "MSH|^~\\&|{CANARY}|{CANARY}|{CANARY}|{CANARY}|{CANARY}|{CANARY}|{CANARY}^{CANARY}|{CANARY} {n}|{CANARY}|{CANARY}\r\
         PID|{CANARY}||{CANARY} {n}||{CANARY}^{CANARY}\r{CANARY}|{CANARY}\r"
    );
    Message::parse(&text).unwrap().into_owned()
}

#[derive(Clone, Default)]
struct Shown(Arc<Mutex<String>>);

impl Shown {
    fn debug(&self, value: impl Debug) {
        writeln!(self.0.lock().unwrap(), "{value:?} {value:#?}").unwrap();
    }

    fn both(&self, value: impl Debug + Display) {
        writeln!(self.0.lock().unwrap(), "{value}").unwrap();
        self.debug(value);
    }
}

struct Fields<'s>(&'s mut String);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, "{field}={value:?} ").unwrap();
    }
}

/// Writes down the fields of every event and every span.
impl tracing::Subscriber for Shown {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &span::Attributes<'_>) -> span::Id {
        let mut shown = self.0.lock().unwrap();
        writeln!(shown, "span {}", span.metadata().name()).unwrap();
        span.record(&mut Fields(&mut shown));
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, fields: &span::Record<'_>) {
        fields.record(&mut Fields(&mut self.0.lock().unwrap()));
    }

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        event.record(&mut Fields(&mut self.0.lock().unwrap()));
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

/// Hears the events of all tests of this program, because the sender's tasks run on several threads.
#[tokio::test]
async fn nothing_shown_holds_content() {
    let shown = Shown::default();
    tracing::subscriber::set_global_default(shown.clone()).unwrap();
    let peer = Peer::start(|request, before| {
        let msa2 = request.message().header().control_id().unwrap().raw().to_owned();
        match before {
            0 => Reply::close(),
            1 => Reply::bytes(CANARY.as_bytes().to_vec()),
            2 => Reply::bytes(format!("MSH|^~\\&|{CANARY}\rMSA|AA|{CANARY}\r").into_bytes()),
            3 => Reply::bytes(format!("MSH|^~\\&|{CANARY}\rMSA|AE|{msa2}|{CANARY}\r").into_bytes()),
            _ => Reply::bytes(format!("MSH|^~\\&|{CANARY}\rMSA|AA|{msa2}|{CANARY}\r").into_bytes()),
        }
    })
    .await;
    let folder = Folder::new();
    let sender = Sender::builder(folder.store().await)
        .destination(ehr(peer.address).lane_key(path!("PID-3")).retry(quick()))
        .destination(Destination::mllp("lab", nowhere().to_string()))
        .max_message_bytes(10_000)
        .start()
        .await
        .unwrap();
    let msg = poisoned(1);
    let mut events = sender.events();
    shown.debug((&events, sender.meter()));
    shown.debug(sender.entry(&msg).key(CANARY).fingerprint(CANARY.as_bytes()).to(["ehr"]));
    let receipts = sender.entry(&msg).key(CANARY).to(["ehr", "lab"]).enqueue().await.unwrap();
    shown.debug(&receipts);
    let held = until(&sender, &receipts[0], |status| status.state() == hl7_sender::State::Held).await;
    shown.debug(&held);
    shown.debug((held.control_id(), held.message_type(), held.last_failure()));
    assert_eq!((held.control_id(), held.message_type()), (None, None));
    shown.debug(held.last_acknowledgment());
    sender.release(&held.id()).await.unwrap();
    let outcome = tokio::time::timeout(PATIENCE, receipts[0].outcome()).await.unwrap().unwrap();
    shown.debug(outcome);
    shown.debug(receipts[1].answered(Duration::from_millis(20)).await.unwrap());
    shown.debug((sender.recent(9).await.unwrap(), sender.counts().await.unwrap(), &sender));
    take_in(&shown, &sender).await;
    shown.debug(sender.meter().read());
    errors(&shown, &sender).await;
    drop(sender);
    let mut heard = 0;
    while let Some(event) = events.next().await {
        shown.debug(event);
        heard += 1;
    }
    assert!(heard > 10, "{heard} events");

    let shown = shown.0.lock().unwrap();
    assert!(shown.contains("attempt ended"), "events were heard");
    assert!(shown.contains("S008"), "errors were shown");
    for told in [
        "span attempt",
        "span enqueue",
        "span receive",
        "another message came under",
        "it is a dead letter",
        "was not taken",
    ] {
        assert!(shown.contains(told), "{told}");
    }
    let leak = shown.lines().find(|line| line.contains("CANARY"));
    assert_eq!(leak, None);
}

/// Everything that an intake says of messages: taken, repeated, under a known control ID, without a route, refused.
async fn take_in(shown: &Shown, sender: &Sender) {
    let condition = format!("PID-5.1 == \"{CANARY}\"").parse().unwrap();
    let router =
        Router::first_match().when(condition, ["lab"]).unrouted(Unrouted::DeadLetter("lab".to_owned()));
    let intake = Intake::new(sender, router).unwrap();
    shown.debug((&intake, Intake::builder(sender, Router::to(["lab"])), intake.meter().read()));
    shown.both(Intake::new(sender, Router::to([CANARY])).unwrap_err());
    let teller = shown.clone();
    let handler = intake.handler_with(move |arrival: Arrival| {
        let teller = teller.clone();
        async move {
            teller.debug((&arrival, arrival.request()));
            let answer = match arrival.message().get(path!("ZZZ-1")) {
                Some(_) => Verdict::from(arrival.error(ErrorCode::DataTypeError, CANARY)),
                None => Verdict::from(arrival.commit().await),
            };
            teller.debug(&answer);
            answer
        }
    });
    let server = Server::bind("127.0.0.1:0").await.unwrap();
    let address = server.local_addr().unwrap();
    let task = tokio::spawn(server.serve(handler));
    let first = poisoned(7).as_er7().to_owned();
    let without_id = first.replace(&format!("|{CANARY} 7|{CANARY}|"), &format!("||{CANARY}|"));
    let cases = [
        (first.clone(), "AA"),
        (first.clone(), "AA"),
        (format!("{first}NTE|{CANARY}\r"), "AA"),
        (first.replace(&format!("{CANARY}^{CANARY}\r"), "\r"), "AA"),
        (format!("{first}ZZZ|{CANARY}\r"), "AE"),
        (without_id, "AE"),
    ];
    for (text, expected) in cases {
        assert_eq!(code(&ask(address, &text).await), expected);
    }
    task.abort();
}

async fn errors(shown: &Shown, sender: &Sender) {
    let texts = [
        format!("MSH|^~\\&|A|||||||\r{CANARY}\r"),
        format!("MSH|^~\\&|A|||||||m||||||||ASCII\rPID|{CANARY} ü\r"),
        format!("MSH|^~\\&|A|||||||m\r{}\r", CANARY.repeat(2_000)),
        format!("MSH|^~\\&|{CANARY}|||||||m|||||NE|NE\r"),
        format!("MSH|^~\\&|{CANARY}|||||||m\rNTE|\u{B}{CANARY}\r"),
    ];
    for text in &texts {
        let msg = Message::parse(text).unwrap();
        shown.both(sender.enqueue("ehr", &msg).await.unwrap_err());
    }
    let msg = poisoned(2);
    shown.both(sender.enqueue(CANARY, &msg).await.unwrap_err());
    shown.both(sender.entry(&msg).to(["ehr"]).origin(CANARY.repeat(99)).enqueue().await.unwrap_err());
    shown.both(sender.entry(&msg).key(CANARY).to(["ehr"]).enqueue().await.unwrap_err());
    shown.both(sender.release(&hl7_sender::EntryId::random()).await.unwrap_err());
    shown.both(CANARY.parse::<hl7_sender::EntryId>().unwrap_err());
    sender.shutdown(PATIENCE).await;
    shown.both(sender.enqueue("ehr", &msg).await.unwrap_err());
}

#[tokio::test]
async fn what_a_store_takes_and_gives_shows_no_content() {
    let shown = Shown::default();
    let folder = Folder::new();
    let store = folder.store().await;
    let mut asked = request(1, 1, &[("ehr", Some(CANARY))]);
    (asked.body, asked.control_id) = (CANARY.as_bytes().to_vec(), CANARY.to_owned());
    shown.debug(&asked);
    shown.debug(store.enqueue(asked.clone(), at(0)).await.unwrap());
    let record = store.record(asked.deliveries[0].id).await.unwrap().unwrap();
    let attempt = store.begin(record.home()).await.unwrap().unwrap();
    let mut end = finished(attempt.id, End::Deliver, at(1));
    end.acknowledgment = Some(CANARY.as_bytes().to_vec());
    shown.debug((&record, &attempt, &end, &store));
    let mut came = inbound(2, &[("ehr", Some(CANARY))]);
    came.request.body = CANARY.as_bytes().to_vec();
    (came.acknowledgment, came.dead_letter) = (CANARY.as_bytes().to_vec(), Some(DeadLetterReason::Unrouted));
    for _ in 0..2 {
        shown.debug((&came, store.receive(came.clone(), at(0)).await.unwrap()));
    }
    shown.debug(store.answered(came.request.key).await.unwrap().unwrap());
    let shown = shown.0.lock().unwrap();
    assert!(!shown.contains("CANARY"), "{shown}");
    let bytes = format!("{:?}", CANARY.as_bytes());
    assert!(!shown.contains(&bytes[1..bytes.len() - 1]), "{shown}");
}

#[tokio::test]
async fn a_lane_key_is_not_written_to_the_disk() {
    let folder = Folder::new();
    let store = folder.store().await;
    store.enqueue(request(1, 1, &[("ehr", Some(CANARY))]), at(0)).await.unwrap();
    store.close().await;
    let file = std::fs::read(folder.store_path()).unwrap();
    assert!(!file.windows(CANARY.len()).any(|bytes| bytes == CANARY.as_bytes()));
}
