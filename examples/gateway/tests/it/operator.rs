//! What an operator sees and decides.

use hl7_core::AckCode;

use crate::process::Process;
use crate::receiver::{Answer, Receiver};
use crate::site::{Site, gateway, payload};

/// Runs `hl7-gateway outbox` and gives its exit code, output and errors.
fn outbox(site: &Site, arguments: &[&str]) -> (Option<i32>, String, String) {
    let (status, out, err) =
        Process::start(gateway().arg("outbox").arg(site.config()).args(arguments)).wait();
    (status.code(), out, err)
}

#[test]
fn a_held_message_is_listed_and_given_up_and_its_lane_flows_on() {
    let ehr = Receiver::start(Answer::Code(AckCode::AE));
    let site = Site::new(ehr.address);
    let mut running = site.start();
    assert_eq!(running.post("?wait=5s", &[], &payload("m1")).status, 502);
    let behind = running.post("?wait=100ms", &[], &payload("m2"));
    assert_eq!((behind.status, behind.json()["state"].as_str()), (202, Some("queued")));
    let (code, _, err) = outbox(&site, &["list"]);
    assert_eq!(code, Some(1), "a gateway runs");
    assert!(err.contains("G023"), "{err}");
    running.process.terminate();
    assert!(running.process.wait().0.success());
    let (code, out, err) = outbox(&site, &["list", "--state", "held"]);
    assert_eq!(code, Some(0), "{err}");
    assert!(out.lines().count() == 1 && out.contains("crm -> ehr") && out.contains("AE"), "{out}");
    assert!(!out.contains("Byrne"), "{out}");
    let id = out.split_whitespace().next().unwrap();
    assert_eq!(outbox(&site, &["replay", id]).0, Some(1), "it is no dead letter");
    assert_eq!(outbox(&site, &["dead-letter", id]).0, Some(0));
    ehr.answer(Answer::Code(AckCode::AA));
    let _running = site.start();
    assert_eq!(ehr.next_id().as_deref(), Some("m1"));
    assert_eq!(ehr.next_id().as_deref(), Some("m2"));
}

#[test]
fn a_connection_may_decide_about_negative_acknowledgments() {
    let ehr = Receiver::start(Answer::Code(AckCode::AE));
    let site = Site::new(ehr.address);
    site.change("gateway.yaml", "ack_timeout: 1s", "on: { AE: dead-letter }");
    let gateway = site.start();
    let answer = gateway.post("?wait=5s", &[], &payload("m1"));
    assert_eq!((answer.status, answer.json()["state"].as_str()), (502, Some("dead-lettered")), "{answer:?}");
}

#[test]
fn messages_of_a_connection_that_is_gone_are_told_of() {
    let ehr = Receiver::start(Answer::Code(AckCode::AE));
    let site = Site::new(ehr.address);
    let mut running = site.start();
    running.post("?wait=5s", &[], &payload("m1"));
    running.process.kill();
    site.change("gateway.yaml", "  ehr: {", "  ehr2: {");
    site.change("gateway.yaml", "to: ehr", "to: ehr2");
    let log = site.start().process.kill();
    assert!(log.contains("G025") && log.contains("ehr"), "{log}");
}

#[test]
fn two_workflows_with_the_same_message_each_have_their_own() {
    let ehr = Receiver::start(Answer::Code(AckCode::AA));
    let site = Site::new(ehr.address);
    let other = "f".repeat(32);
    let second = format!(
        "workflows:\n  lab: {{ mapping: mapping.yaml, to: ehr, secrets: [ \"{}\" ], endpoint: {other} }}",
        crate::site::hash()
    );
    site.change("gateway.yaml", "workflows:", &second);
    let gateway = site.start();
    let first = gateway.post("?wait=5s", &[], &payload("m1")).json();
    let bearer = format!("Bearer {}", crate::site::SECRET);
    let headers = [("authorization", bearer.as_str())];
    let target = format!("/w/{other}?wait=5s");
    let second =
        crate::http::call(gateway.webhooks, "POST", &target, &headers, payload("m1").as_bytes()).json();
    assert_eq!((first["repeat"].as_bool(), second["repeat"].as_bool()), (Some(false), Some(false)));
    assert_eq!(gateway.get(second["status_url"].as_str().unwrap()).status, 200);
}
