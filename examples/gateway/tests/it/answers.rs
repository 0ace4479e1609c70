//! What a caller hears.

use hl7_core::{AckCode, path};

use crate::receiver::{Answer, Receiver};
use crate::site::{Site, payload};

#[test]
fn without_wait_the_answer_is_202_and_a_status_url() {
    let ehr = Receiver::start(Answer::Code(AckCode::AA));
    let site = Site::new(ehr.address);
    let gateway = site.start();
    let answer = gateway.post("", &[], &payload("m1"));
    assert_eq!(answer.status, 202, "{answer:?}");
    let body = answer.json();
    let status_url = body["status_url"].as_str().unwrap();
    assert_eq!(answer.header("location").as_deref(), Some(status_url));
    let settled = gateway.until_state(status_url, "delivered");
    assert_eq!(settled["acknowledgment"]["code"], "AA");
    assert_eq!(settled["acknowledgment"]["control_id"], "m1");
    assert_eq!(settled["attempts"], 1);
    let msg = ehr.next().unwrap();
    assert_eq!(msg.get(path!("PID-5.1")).unwrap().text(), "Byrne & Sons");
    assert_eq!(msg.get(path!("PID-5.2")).unwrap().text(), "Zoë");
    assert_eq!(msg.get(path!("MSH-9")).unwrap().raw(), "ADT^A08^ADT_A01");
}

#[test]
fn with_wait_a_positive_acknowledgment_is_200() {
    for code in [AckCode::AA, AckCode::CA] {
        let ehr = Receiver::start(Answer::Code(code));
        let site = Site::new(ehr.address);
        let gateway = site.start();
        let answer = gateway.post("?wait=5s", &[], &payload("m1"));
        assert_eq!(answer.status, 200, "{answer:?}");
        let body = answer.json();
        assert_eq!(body["acknowledgment"]["code"], code.as_str());
        assert_eq!(body["acknowledgment"]["text"], "as scripted");
        assert_eq!(body["acknowledgment"]["control_id"], "m1");
        assert_eq!(body["state"], "delivered");
        assert!(body["timings"]["ack_ms"].is_number() && body["timings"]["total_ms"].is_number(), "{body}");
    }
}

#[test]
fn with_wait_a_negative_acknowledgment_is_502_with_it() {
    let cases = [
        (AckCode::AE, "held"),
        (AckCode::AR, "retrying"),
        (AckCode::CE, "retrying"),
        (AckCode::CR, "dead-lettered"),
    ];
    for (code, state) in cases {
        let ehr = Receiver::start(Answer::Code(code));
        let site = Site::new(ehr.address);
        let gateway = site.start();
        let answer = gateway.post("?wait=5s", &[], &payload("m1"));
        assert_eq!(answer.status, 502, "{code}: {answer:?}");
        assert_eq!(answer.header("content-type").as_deref(), Some("application/problem+json"));
        let body = answer.json();
        assert_eq!(body["code"], "G110");
        assert_eq!(body["acknowledgment"]["code"], code.as_str());
        assert_eq!(body["acknowledgment"]["text"], "as scripted");
        assert_eq!(body["state"], state, "{code}");
    }
}

#[test]
fn with_wait_no_answer_and_garbage_are_202() {
    let cases: [(Answer, &str); 5] = [
        (Answer::Silence, "silence"),
        (Answer::Close, "close"),
        (Answer::Bytes(b"fail"), "not HL7"),
        (Answer::Bytes(b"MSH|^~\\&|E||||2026||ACK|x|P|2.5.1\rMSA|AA|another\r"), "another message's"),
        (Answer::Bytes(b"MSH|^~\\&|E||||2026||ACK|x|P|2.5.1\r"), "no MSA"),
    ];
    for (wrong, name) in cases {
        let ehr = Receiver::start(wrong);
        let site = Site::new(ehr.address);
        let gateway = site.start();
        let answer = gateway.post("?wait=2s", &[], &payload("m1"));
        assert_eq!(answer.status, 202, "{name}: {answer:?}");
        let url = answer.json()["status_url"].as_str().unwrap().to_owned();
        assert_eq!(ehr.next_id().as_deref(), Some("m1"), "{name}");
        // The same message with the same control ID goes out again, and counts once it is acknowledged.
        ehr.answer(Answer::Code(AckCode::AA));
        let settled = gateway.until_state(&url, "delivered");
        assert!(settled["attempts"].as_u64().unwrap() >= 2, "{name}: {settled}");
    }
}

#[test]
fn a_repeated_key_gets_the_first_answer_and_sends_nothing_more() {
    let ehr = Receiver::start(Answer::Code(AckCode::AA));
    let site = Site::new(ehr.address);
    let gateway = site.start();
    let key = [("idempotency-key", "k-1")];
    let first = gateway.post("?wait=5s", &key, &payload("m1")).json();
    assert_eq!((first["repeat"].as_bool(), first["state"].as_str()), (Some(false), Some("delivered")));
    let again = gateway.post("?wait=5s", &key, &payload("m1"));
    assert_eq!(again.status, 200, "{again:?}");
    let again = again.json();
    assert_eq!(again["repeat"], true);
    assert_eq!(again["id"], first["id"]);
    let other = gateway.post("", &key, &payload("m2"));
    assert_eq!((other.status, other.json()["code"].as_str()), (409, Some("G106")));
    assert_eq!(gateway.post("?wait=5s", &[], &payload("m3")).status, 200);
    assert_eq!(ehr.next_id().as_deref(), Some("m1"));
    assert_eq!(ehr.next_id().as_deref(), Some("m3"), "nothing between them was sent");
}

#[test]
fn another_workflow_s_secret_does_not_open_a_message() {
    let ehr = Receiver::start(Answer::Code(AckCode::AA));
    let site = Site::new(ehr.address);
    let gateway = site.start();
    let unknown = gateway.get(&format!("/w/{}/messages/{}", crate::site::ENDPOINT, "0".repeat(32)));
    assert_eq!((unknown.status, unknown.json()["code"].as_str()), (404, Some("G111")));
    let url = gateway.post("", &[], &payload("m1")).json()["status_url"].as_str().unwrap().to_owned();
    let without = crate::http::call(gateway.webhooks, "GET", &url, &[], b"");
    assert_eq!(without.status, 401);
}
