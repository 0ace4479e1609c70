//! What an operator decides about single messages, lanes and connections, while the gateway is stopped.

use std::net::{SocketAddr, TcpListener};

use hl7_core::AckCode;

use crate::mllp::{Link, adt};
use crate::process::Process;
use crate::receiver::{Answer, Receiver};
use crate::site::{Running, Site, gateway, payload};

/// Runs `hl7-gateway outbox` and gives its exit code, output and errors.
fn outbox(site: &Site, arguments: &[&str]) -> (Option<i32>, String, String) {
    let (status, out, err) =
        Process::start(gateway().arg("outbox").arg(site.config()).args(arguments)).wait();
    (status.code(), out, err)
}

/// The same, which has to succeed.
fn done(site: &Site, arguments: &[&str]) -> String {
    let (code, out, err) = outbox(site, arguments);
    assert_eq!(code, Some(0), "{arguments:?}: {err}");
    out
}

fn stop(mut running: Running) {
    running.process.terminate();
    let (status, _, err) = running.process.wait();
    assert!(status.success(), "{err}");
}

/// An address where nothing listens yet.
fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

#[test]
fn messages_are_shown_held_cancelled_and_released() {
    let address = free_address();
    let site = Site::new(address);
    let running = site.start();
    let ids = ["m1", "m2", "m3"].map(|id| {
        let body = running.post("", &[], &payload(id)).json();
        body["id"].as_str().unwrap().to_owned()
    });
    stop(running);
    assert_eq!(done(&site, &["cancel", &ids[0]]), "");
    assert_eq!(done(&site, &["hold", &ids[1]]), "");
    let held = done(&site, &["list", "--state", "held", "--origin", "crm", "--connection", "ehr"]);
    assert!(held.lines().count() == 1 && held.starts_with(&ids[1]), "{held}");
    let shown = done(&site, &["show", &ids[0]]);
    for part in [
        "state             cancelled",
        "outcome           cancelled",
        "control ID        m1",
        "origin            crm",
    ] {
        assert!(shown.contains(part), "no {part:?} in {shown}");
    }
    assert!(!shown.contains("Byrne"), "{shown}");
    assert!(done(&site, &["show", "--message", &ids[1]]).contains("|Byrne \\T\\ Sons^Zoë|"));
    // Of several, each is tried.
    let (code, _, err) = outbox(&site, &["release", &ids[0], &"0".repeat(32), &ids[1]]);
    assert_eq!(code, Some(1));
    assert!(err.contains(&format!("error: {}: S106", ids[0])) && err.contains("S105"), "{err}");
    assert_eq!(done(&site, &["list", "--state", "held"]), "", "the third was released");
    assert_eq!(outbox(&site, &["show", &"0".repeat(32)]).0, Some(1));
    assert_eq!(outbox(&site, &["list", "--state", "hold"]).0, Some(2), "there is no such state");
    let ehr = Receiver::at(address, Answer::Code(AckCode::AA));
    let running = site.start();
    assert_eq!([ehr.next_id().unwrap(), ehr.next_id().unwrap()], ["m2", "m3"]);
    let again = running.post("?wait=5s", &[], &payload("m1"));
    let body = again.json();
    assert_eq!(
        (again.status, body["outcome"].as_str(), body["repeat"].as_bool()),
        (502, Some("cancelled"), Some(true))
    );
    assert!(body["detail"].as_str().unwrap().contains("an operator took it back"), "{body}");
    assert!(running.page().contains("<tr class=\"cancelled\">"), "{}", running.page());
}

#[test]
fn a_held_lane_stands_and_the_page_shows_it() {
    let ehr = Receiver::start(Answer::Code(AckCode::AE));
    let site = Site::new(ehr.address);
    site.change("gateway.yaml", "ack_timeout: 1s", "ack_timeout: 1s, lane_key: PID-3.1");
    site.listen("routes: [ { to: ehr } ]");
    let running = site.start();
    let mut link = Link::to(running.listener());
    assert_eq!(link.send(&adt("m1", "p1")).0, "AA");
    let page = running.page_with("<h2>Lanes</h2>");
    assert!(!page.contains("p1<"), "no key is shown: {page}");
    running.page_with("<tr class=\"held\"><td>ehr<td>");
    // Another patient's messages flow on.
    ehr.answer(Answer::Code(AckCode::AA));
    for (id, patient) in [("m2", "p1"), ("m3", "p2")] {
        assert_eq!(link.send(&adt(id, patient)).0, "AA");
    }
    assert_eq!([ehr.next_id().unwrap(), ehr.next_id().unwrap()], ["m1", "m3"]);
}

#[test]
fn a_parked_patient_and_a_paused_connection_stand_still_whatever_comes() {
    let ehr = Receiver::start(Answer::Code(AckCode::AA));
    let site = Site::new(ehr.address);
    site.change("gateway.yaml", "ack_timeout: 1s", "ack_timeout: 1s, lane_key: PID-3.1");
    site.listen("routes: [ { to: ehr } ]");
    let running = site.start();
    assert_eq!(Link::to(running.listener()).send(&adt("m1", "p1")).0, "AA");
    assert_eq!(ehr.next_id().as_deref(), Some("m1"));
    running.page_with("<td>delivered");
    stop(running);
    let id = done(&site, &["list"]).split(' ').next().unwrap().to_owned();
    assert_eq!(done(&site, &["park", &id]), "");
    assert!(done(&site, &["lanes"]).contains("parked"), "{}", done(&site, &["lanes"]));
    let running = site.start();
    let mut link = Link::to(running.listener());
    for (id, patient) in [("m2", "p1"), ("m3", "p2")] {
        assert_eq!(link.send(&adt(id, patient)).0, "AA");
    }
    assert_eq!(ehr.next_id().as_deref(), Some("m3"), "the other patient's");
    running.page_with("<td>parked<td>1<td>");
    stop(running);
    assert_eq!(done(&site, &["unpark", &id]), "");
    assert_eq!(done(&site, &["pause", "ehr"]), "");
    let running = site.start();
    assert_eq!(Link::to(running.listener()).send(&adt("m4", "p2")).0, "AA");
    let page = running.page_with("<td>paused<td>20");
    assert!(page.contains("Z<td>2<td>0<td>0<td>2<td>0</tr>"), "{page}");
    stop(running);
    assert!(done(&site, &["lanes", "--connection", "ehr"]).lines().count() == 2);
    assert_eq!(done(&site, &["resume", "ehr"]), "");
    assert_eq!(outbox(&site, &["pause", "none"]).0, Some(1));
    let _running = site.start();
    let mut rest = [ehr.next_id().unwrap(), ehr.next_id().unwrap()];
    rest.sort();
    assert_eq!(rest, ["m2", "m4"]);
}

#[test]
fn a_merge_waits_for_both_patients_and_they_for_it() {
    let address = free_address();
    let site = Site::new(address);
    site.change(
        "gateway.yaml",
        "ack_timeout: 1s",
        "ack_timeout: 5s, lane_key: [ \"PID[*]-3.1\", \"MRG[*]-1.1\" ], connections: 8, retry: { max: 1s }",
    );
    site.listen("routes: [ { to: ehr } ]");
    let running = site.start();
    let mut link = Link::to(running.listener());
    let merge = format!("{}MRG|p2^^^NORTH^MR\r", crate::mllp::message("ADT^A40^ADT_A39", "merge", "p1"));
    let messages =
        [adt("a1", "p1"), adt("b1", "p2"), adt("b2", "p2"), merge, adt("a2", "p1"), adt("b3", "p2")];
    for message in &messages {
        assert_eq!(link.send(message).0, "AA");
    }
    let ehr = Receiver::at(address, Answer::Code(AckCode::AA));
    let got: Vec<_> = messages.iter().map(|_| ehr.next_id().unwrap()).collect();
    let at = |id: &str| got.iter().position(|one| one == id).unwrap();
    assert_eq!(at("merge"), 3, "{got:?}");
    assert!(at("b1") < at("b2"), "{got:?}");
}

#[test]
fn an_edited_copy_of_a_dead_letter_goes_out_and_both_name_each_other() {
    let ehr = Receiver::start(Answer::Code(AckCode::CR));
    let site = Site::new(ehr.address);
    let running = site.start();
    let id = running.post("?wait=5s", &[], &payload("m1")).json()["id"].as_str().unwrap().to_owned();
    stop(running);
    assert_eq!(ehr.next_id().as_deref(), Some("m1"));
    let text = done(&site, &["show", "--message", &id]);
    // As an editor would write it.
    site.write("edited.hl7", &text.replace("|m1|", "|m1a|").replace('\r', "\n"));
    let file = site.path("edited.hl7").display().to_string();
    let copy = done(&site, &["copy", &id, &file]).trim().to_owned();
    assert!(done(&site, &["show", &id]).contains(&format!("copy              {copy}")));
    assert!(done(&site, &["show", &copy]).contains(&format!("copy of           {id}")));
    // Nothing was sent meanwhile, and it says so.
    assert!(done(&site, &["list", "--state", "queued"]).contains(&copy));
    site.write("edited.hl7", "PID|1\n");
    let (code, _, err) = outbox(&site, &["copy", &id, &file]);
    assert!(code == Some(1) && err.contains("edited.hl7: "), "{err}");
    site.write("edited.hl7", &text);
    assert_eq!(outbox(&site, &["copy", &copy, &file]).0, Some(1), "it is no dead letter");
    ehr.answer(Answer::Code(AckCode::AA));
    let running = site.start();
    assert_eq!(ehr.next_id().as_deref(), Some("m1a"));
    let url = format!("/w/{}/messages/{copy}", crate::site::ENDPOINT);
    assert_eq!(running.until_state(&url, "delivered")["copy_of"], id.as_str());
}
