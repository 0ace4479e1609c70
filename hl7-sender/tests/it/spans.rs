//! The spans that `tracing` subscribers see.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use hl7_core::AckCode;
use hl7_mllp::Server;
use hl7_sender::{Intake, Router, Sender};
use tracing::Subscriber;
use tracing::field::{Field, Visit};
use tracing::span;

use crate::blocks::{ask, code};
use crate::peer::{Folder, PATIENCE, Peer, answer, delivered, ehr, message};

type Fields = BTreeMap<String, String>;

/// The spans of this crate with their fields, as those of one thread hear them.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<(String, Fields)>>>);

struct Into<'f>(&'f mut Fields);

impl Visit for Into<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}"));
    }
}

impl Subscriber for Heard {
    fn enabled(&self, about: &tracing::Metadata<'_>) -> bool {
        about.is_span() && about.target().starts_with("hl7_sender")
    }

    fn new_span(&self, span: &span::Attributes<'_>) -> span::Id {
        let (mut spans, mut fields) = (self.0.lock().unwrap(), Fields::new());
        span.record(&mut Into(&mut fields));
        spans.push((span.metadata().name().to_owned(), fields));
        span::Id::from_u64(spans.len() as u64)
    }

    fn record(&self, id: &span::Id, fields: &span::Record<'_>) {
        let mut spans = self.0.lock().unwrap();
        fields.record(&mut Into(&mut spans[id.into_u64() as usize - 1].1));
    }

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn event(&self, _: &tracing::Event<'_>) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

impl Heard {
    /// The fields of the only span of this name.
    fn only(&self, name: &str) -> Fields {
        let spans = self.0.lock().unwrap();
        let found: Vec<_> = spans.iter().filter(|(found, _)| found == name).collect();
        assert_eq!(found.len(), 1, "{name}");
        found[0].1.clone()
    }
}

fn keys(fields: &Fields) -> Vec<&str> {
    fields.keys().map(String::as_str).collect()
}

/// On one thread, so that the subscriber is that of this test alone.
#[tokio::test]
async fn an_enqueuing_and_an_attempt_have_a_span_each() {
    let heard = Heard::default();
    let _guard = tracing::subscriber::set_default(heard.clone());
    let peer = Peer::start(|request, _| answer(request, AckCode::AA)).await;
    let folder = Folder::new();
    let sender: Sender = folder.sender(ehr(peer.address)).await;
    let receipt = sender.enqueue("ehr", &message("m-1", "a")).await.unwrap();
    delivered(&receipt).await;
    sender.shutdown(PATIENCE).await;

    let (enqueue, attempt) = (heard.only("enqueue"), heard.only("attempt"));
    assert_eq!(keys(&enqueue), ["bytes", "entries", "ms", "repeats"]);
    assert_eq!(enqueue["entries"], format!("[EntryId({})]", receipt.id()));
    assert_eq!(keys(&attempt), ["attempt", "bytes", "destination", "end", "entry", "lane", "ms"]);
    assert_eq!((&*attempt["entry"], &*attempt["end"]), (&*receipt.id().to_string(), "\"delivered\""));
    assert_eq!((&*attempt["destination"], &*attempt["attempt"]), ("\"ehr\"", "1"));
}

#[tokio::test]
async fn what_comes_in_and_what_is_not_kept_have_a_span_with_a_code() {
    let heard = Heard::default();
    let _guard = tracing::subscriber::set_default(heard.clone());
    let folder = Folder::new();
    let sender = folder.sender(ehr(crate::peer::nowhere())).await;
    sender.pause_destination("ehr").await.unwrap();
    let intake = Intake::new(&sender, Router::to(["ehr"])).unwrap();
    let server = Server::bind("127.0.0.1:0").await.unwrap();
    let address = server.local_addr().unwrap();
    let node = tokio::spawn(server.serve(intake.handler()));
    assert_eq!(code(&ask(address, message("m-1", "a").as_er7()).await), "AA");
    let received = heard.only("receive");
    assert_eq!(keys(&received), ["bytes", "entries", "ms", "repeat"]);
    assert_eq!(received["repeat"], "false");

    let first = message("m-2", "a");
    sender.entry(&first).key("k").fingerprint(b"1").to(["ehr"]).enqueue().await.unwrap();
    heard.0.lock().unwrap().clear();
    sender.entry(&first).key("k").fingerprint(b"2").to(["ehr"]).enqueue().await.unwrap_err();
    assert_eq!(heard.only("enqueue")["code"], "\"S008\"");
    node.abort();
}
