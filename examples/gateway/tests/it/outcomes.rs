//! How a message can end otherwise than delivered, and what is heard of it.

use hl7_core::AckCode;

use crate::mllp::Link;
use crate::receiver::{Answer, Receiver};
use crate::site::{Running, Site, payload};

fn with(connection: &str, answer: Answer) -> (Receiver, Site, Running) {
    let ehr = Receiver::start(answer);
    let site = Site::new(ehr.address);
    site.change("gateway.yaml", "ack_timeout: 1s", &format!("ack_timeout: 1s, {connection}"));
    let running = site.start();
    (ehr, site, running)
}

#[test]
fn a_connection_s_table_decides_about_every_answer() {
    let ae = Answer::Code(AckCode::AE);
    let ar = Answer::Code(AckCode::AR);
    let cases = [
        ("on: { AE: skip }", ae, "skipped"),
        ("on: { AE: dead-letter }", ae, "dead-lettered"),
        ("on: { garbled: hold }", Answer::Bytes(b"fail"), "held"),
        ("on: { garbled: skip }", Answer::Bytes(b"fail"), "skipped"),
        ("on: { lost: dead-letter }", Answer::Close, "dead-lettered"),
        ("preset: mirth", ar, "dead-lettered"),
        ("preset: mirth, on: { AR: skip }", ar, "skipped"),
        ("preset: rhapsody", ar, "held"),
        ("preset: intersystems", Answer::Code(AckCode::CE), "held"),
        ("preset: intersystems-content-r", ae, "retrying"),
    ];
    for (table, answer, state) in cases {
        let (_ehr, _site, gateway) = with(table, answer);
        let answered = gateway.post("?wait=5s", &[], &payload("m1"));
        let body = answered.json();
        assert_eq!(body["state"], state, "{table}: {body}");
        let ended = matches!(state, "skipped" | "dead-lettered");
        assert_eq!(body["outcome"].as_str(), ended.then_some(state), "{table}: {body}");
        let negative = ended || !matches!(answer, Answer::Bytes(_));
        assert_eq!(answered.status, if negative { 502 } else { 202 }, "{table}: {body}");
        assert_eq!(body["dead_letter_reason"].is_string(), state == "dead-lettered", "{table}: {body}");
    }
}

#[test]
fn a_message_that_is_never_answered_can_be_given_up() {
    let (_ehr, _site, gateway) =
        with("retry: { first: 10ms, max: 20ms, max_attempts: 2, then: dead-letter }", Answer::Close);
    let body = gateway.post("?wait=10s", &[], &payload("m1")).json();
    assert_eq!(
        (body["state"].as_str(), body["attempts"].as_u64()),
        (Some("dead-lettered"), Some(2)),
        "{body}"
    );
    assert_eq!(body["dead_letter_reason"], "used-up");
}

#[test]
fn a_message_that_got_too_old_is_given_up() {
    let (_ehr, _site, gateway) = with("retry: { first: 100ms, max: 200ms, max_age: 300ms }", Answer::Close);
    let body = gateway.post("?wait=10s", &[], &payload("m1")).json();
    assert_eq!(body["dead_letter_reason"], "too-old", "{body}");
}

#[test]
fn a_refused_message_is_sent_as_often_as_the_connection_says_and_then_held() {
    let (ehr, _site, gateway) =
        with("retry: { first: 10ms, max: 20ms, max_rejections: 3 }", Answer::Code(AckCode::AR));
    let url = gateway.post("", &[], &payload("m1")).json()["status_url"].as_str().unwrap().to_owned();
    let body = gateway.until_state(&url, "held");
    assert_eq!(body["attempts"], 3, "{body}");
    assert_eq!([ehr.next_id(), ehr.next_id(), ehr.next_id()].map(|id| id.unwrap()), ["m1", "m1", "m1"]);
}

#[test]
fn what_goes_into_a_folder_is_sent_and_never_called_delivered() {
    let ehr = Receiver::start(Answer::Code(AckCode::AA));
    let site = Site::new(ehr.address);
    std::fs::create_dir(site.path("drop")).unwrap();
    site.change("gateway.yaml", "connections:", "connections:\n  drop: { folder: drop }");
    site.change("gateway.yaml", "to: ehr", "to: drop");
    let gateway = site.start();
    let answer = gateway.post("?wait=5s", &[], &payload("m1"));
    let body = answer.json();
    assert_eq!((answer.status, body["outcome"].as_str()), (202, Some("unconfirmed")), "{body}");
    assert!(body["acknowledgment"].is_null() && body["timings"]["settled_at"].is_string(), "{body}");
    assert_eq!(std::fs::read_dir(site.path("drop")).unwrap().count(), 1);
}

#[test]
fn messages_that_ask_for_no_answer_need_a_connection_that_is_unconfirmed() {
    let asks_nothing = |site: &Site| site.change("mapping.yaml", "5: EHR,", "5: EHR, 15: NE, 16: NE,");
    let ehr = Receiver::start(Answer::Silence);
    let site = Site::new(ehr.address);
    asks_nothing(&site);
    let gateway = site.start();
    let refused = gateway.post("?wait=5s", &[], &payload("m1"));
    assert_eq!((refused.status, refused.json()["code"].as_str()), (500, Some("G115")), "{refused:?}");
    drop(gateway);
    site.change("gateway.yaml", "ack_timeout: 1s", "unconfirmed: true");
    let gateway = site.start();
    let body = gateway.post("?wait=5s", &[], &payload("m2")).json();
    assert_eq!(body["outcome"], "unconfirmed", "{body}");
    assert_eq!(ehr.next_id().as_deref(), Some("m2"));
}

#[test]
fn a_receiver_that_takes_a_message_and_says_no_more_has_it() {
    // An accept acknowledgment without the application acknowledgment that MSH-16 asks for.
    for (settle_on, state, status) in [("accept", "delivered", 200), ("application", "unconfirmed", 202)] {
        let ehr = Receiver::start(Answer::Code(AckCode::CA));
        let site = Site::new(ehr.address);
        site.change("mapping.yaml", "5: EHR,", "5: EHR, 15: AL, 16: AL,");
        let more = format!("ack_timeout: 1s, application_timeout: 300ms, settle_on: {settle_on}");
        site.change("gateway.yaml", "ack_timeout: 1s", &more);
        let gateway = site.start();
        let answer = gateway.post("?wait=5s", &[], &payload("m1"));
        let url = answer.json()["status_url"].as_str().unwrap().to_owned();
        let body = gateway.until_state(&url, state);
        assert_eq!(body["acknowledgment"]["code"], "CA", "{body}");
        assert_eq!(answer.status, status, "{settle_on}: {answer:?}");
        assert_eq!(ehr.next_id().as_deref(), Some("m1"));
    }
}

#[test]
fn an_application_acknowledgment_that_comes_in_at_a_listener_settles_its_message() {
    for (code, state) in [("AA", "delivered"), ("AE", "held")] {
        let ehr = Receiver::start(Answer::Code(AckCode::CA));
        let site = Site::new(ehr.address);
        site.change("mapping.yaml", "5: EHR,", "5: EHR, 15: AL, 16: AL,");
        site.change("gateway.yaml", "ack_timeout: 1s", "ack_timeout: 1s, application_acks: adt-in");
        site.listen("routes: [ { when: MSH-9.1 == ADT, to: ehr } ]");
        let gateway = site.start();
        let url = gateway.post("", &[], &payload("m1")).json()["status_url"].as_str().unwrap().to_owned();
        assert_eq!(ehr.next_id().as_deref(), Some("m1"));
        let ack = format!("MSH|^~\\&|EHR||CRM||2026||ACK^A08^ACK|a1|P|2.5.1|||AL|NE\rMSA|{code}|m1\r");
        let mut link = Link::to(gateway.listener());
        assert_eq!(link.send(&ack).0, "CA");
        let body = gateway.until_state(&url, state);
        assert_eq!(body["acknowledgment"]["code"], code, "{body}");
        // One that nobody awaits is refused, and goes nowhere.
        assert_eq!(link.send(&ack.replace("|m1", "|m2")).0, "CR");
    }
}
