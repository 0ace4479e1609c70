//! What comes in over MLLP: routed, stored, answered, and sent on.

use std::io::{Read, Write};
use std::net::TcpStream;

use hl7_core::{AckCode, path};

use crate::mllp::{Link, adt, message};
use crate::process::Process;
use crate::receiver::{Answer, Receiver};
use crate::site::{Running, Site, gateway, payload};

/// A gateway with two receivers and a listener.
struct Hub {
    ehr: Receiver,
    lab: Receiver,
    site: Site,
    running: Running,
}

fn hub(routes: &str) -> Hub {
    let (ehr, lab) = (Receiver::start(Answer::Code(AckCode::AA)), Receiver::start(Answer::Code(AckCode::AA)));
    let site = Site::new(ehr.address);
    site.change(
        "gateway.yaml",
        "connections:",
        &format!("connections:\n  lab: {{ mllp: \"{}\" }}", lab.address),
    );
    site.listen(routes);
    let running = site.start();
    Hub { ehr, lab, site, running }
}

#[test]
fn a_message_goes_where_its_routes_say() {
    let routes =
        "routes: [ { when: MSH-9.1 == ADT, to: [ ehr, lab ] }, { when: 'MSH-9.1 == ORU', to: lab } ]";
    let hub = hub(routes);
    let mut link = Link::to(hub.running.listener());
    assert_eq!(link.send(&adt("m1", "7")).0, "AA");
    assert_eq!(link.send(&message("ORU^R01^ORU_R01", "m2", "7")).0, "AA");
    let (code, text) = link.send(&message("SIU^S12^SIU_S12", "m3", "7"));
    assert_eq!(code, "AR", "{text}");
    assert!(text.contains("no route takes this message"), "{text}");
    let got = hub.ehr.next().unwrap();
    assert_eq!(got.get(path!("MSH-10")).unwrap().raw(), "m1");
    assert_eq!(got.get(path!("PID-5.1")).unwrap().text(), "Byrne", "as it came in");
    assert_eq!([hub.lab.next_id(), hub.lab.next_id()], [Some("m1".to_owned()), Some("m2".to_owned())]);
    // The webhook's messages and the listener's share the connection.
    assert_eq!(hub.running.post("?wait=5s", &[], &payload("m4")).status, 200);
    assert_eq!(hub.ehr.next_id().as_deref(), Some("m4"), "nothing came between");
    let page = hub.running.page();
    let row = page.split("<tr").find(|row| row.contains("<td>adt-in<td>127.0.0.1")).unwrap();
    assert!(row.contains("<td>ehr, lab<td>1<td>2<td>0<td>0<td>0<td>1<td>1<td>0<td>0<td>0"), "{row}");
}

#[test]
fn a_receiver_that_does_not_answer_holds_up_neither_the_sender_nor_the_others() {
    let hub = hub("routes: [ { to: [ ehr, lab ] } ]");
    hub.ehr.answer(Answer::Silence);
    let mut link = Link::to(hub.running.listener());
    let ids = ["m1", "m2", "m3"];
    for id in ids {
        assert_eq!(link.send(&adt(id, "7")).0, "AA");
    }
    assert_eq!(ids.map(|_| hub.lab.next_id().unwrap()), ids);
    hub.ehr.answer(Answer::Code(AckCode::AA));
    let mut got: Vec<_> = std::iter::from_fn(|| hub.ehr.next_id()).take_while(|id| id != "m3").collect();
    got.dedup();
    assert_eq!(got, ["m1", "m2"], "in order, and the first again as it was not answered");
}

#[test]
fn the_first_route_alone_where_the_listener_says_so() {
    let hub = hub("match: first\n    routes: [ { when: MSH-9.1 == ADT, to: lab }, { to: ehr } ]");
    let mut link = Link::to(hub.running.listener());
    assert_eq!(link.send(&adt("m1", "7")).0, "AA");
    assert_eq!(link.send(&message("ORU^R01^ORU_R01", "m2", "7")).0, "AA");
    assert_eq!(hub.lab.next_id().as_deref(), Some("m1"));
    assert_eq!(hub.ehr.next_id().as_deref(), Some("m2"));
}

#[test]
fn what_no_route_takes_can_be_a_dead_letter_and_be_replayed() {
    let mut hub = hub("unrouted: { dead-letter: lab }\n    routes: [ { when: MSH-9.1 == ADT, to: ehr } ]");
    let mut link = Link::to(hub.running.listener());
    assert_eq!(link.send(&message("SIU^S12^SIU_S12", "m1", "7")).0, "AA");
    hub.running.process.terminate();
    assert!(hub.running.process.wait().0.success());
    let outbox = |arguments: &[&str]| {
        let (status, out, err) =
            Process::start(gateway().arg("outbox").arg(hub.site.config()).args(arguments)).wait();
        assert!(status.success(), "{out}{err}");
        out
    };
    let out = outbox(&["list", "--state", "dead-lettered", "--origin", "adt-in"]);
    assert!(out.contains("adt-in -> lab  SIU^S12^SIU_S12"), "{out}");
    let id = out.split(' ').next().unwrap().to_owned();
    let shown = outbox(&["show", &id]);
    assert!(shown.contains("reason            unrouted"), "{shown}");
    assert_eq!(outbox(&["replay", &id]), "");
    let _running = hub.site.start();
    assert_eq!(hub.lab.next_id().as_deref(), Some("m1"));
}

#[test]
fn fault_46_a_repeat_is_answered_as_the_first_time_also_after_a_kill() {
    let mut hub = hub("routes: [ { to: ehr } ]");
    let first = Link::to(hub.running.listener()).send(&adt("m1", "7"));
    assert_eq!(hub.ehr.next_id().as_deref(), Some("m1"));
    hub.running.process.kill();
    let running = hub.site.start();
    let mut link = Link::to(running.listener());
    assert_eq!(link.send(&adt("m1", "7")), first);
    assert_eq!(link.send(&adt("m2", "7")).0, "AA");
    let next = std::iter::from_fn(|| hub.ehr.next_id()).find(|id| id != "m1");
    // m1 may have been under way when the process ended, and go out again for that; for its repeat it does not.
    assert_eq!(next.as_deref(), Some("m2"));
}

#[test]
fn a_sender_that_names_no_character_set_is_read_by_the_listener_s_and_filed_byte_for_byte() {
    let ehr = Receiver::start(Answer::Code(AckCode::AA));
    let site = Site::new(ehr.address);
    std::fs::create_dir(site.path("archive")).unwrap();
    site.change(
        "gateway.yaml",
        "connections:",
        "connections:\n  archive: { folder: archive, files: \"in-{entry}.hl7\" }",
    );
    site.listen("charset: 8859/1\n    routes: [ { when: 'PID-5.1 == \"Zoë\"', to: archive } ]");
    let running = site.start();
    let text = "MSH|^~\\&|LAB|NORTH|EHR|NORTH|2026||ADT^A08|m1|P|2.3\rPID|1||7||Zo\u{eb}\r";
    let latin1: Vec<u8> = text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    let mut stream = TcpStream::connect(running.listener()).unwrap();
    stream.write_all(&[b"\x0B", latin1.as_slice(), b"\x1C\r"].concat()).unwrap();
    let mut answer = [0; 512];
    let n = stream.read(&mut answer).unwrap();
    assert!(String::from_utf8_lossy(&answer[..n]).contains("MSA|AA|m1"), "the route took it");
    let page = running.page_with("class=\"unconfirmed\"");
    assert!(page.contains("<td>archive") && !page.contains("Zo"), "{page}");
    let files: Vec<_> = std::fs::read_dir(site.path("archive")).unwrap().map(|file| file.unwrap()).collect();
    assert_eq!(files.len(), 1);
    assert!(files[0].file_name().to_str().unwrap().starts_with("in-"));
    assert_eq!(std::fs::read(files[0].path()).unwrap(), latin1);
}

#[test]
fn a_message_over_the_listener_s_limit_is_refused() {
    let hub = hub("max_message_bytes: 1000\n    routes: [ { to: ehr } ]");
    let mut link = Link::to(hub.running.listener());
    let long = format!("{}NTE|1||{}\r", adt("m1", "7"), "x".repeat(2000));
    assert_eq!(link.send(&long).0, "AR");
    assert_eq!(Link::to(hub.running.listener()).send(&adt("m2", "7")).0, "AA");
    assert_eq!(hub.ehr.next_id().as_deref(), Some("m2"));
}

#[test]
fn a_gateway_can_have_listeners_alone() {
    let ehr = Receiver::start(Answer::Code(AckCode::AA));
    let site = Site::new(ehr.address);
    site.write(
        "gateway.yaml",
        &format!(
            "data: data\nstatus: 127.0.0.1:0\nconnections: {{ ehr: {{ mllp: \"{}\" }} }}\n\
             listeners: {{ adt-in: {{ address: \"127.0.0.1:0\", routes: [ {{ to: ehr }} ] }} }}\n",
            ehr.address
        ),
    );
    let mut process = Process::start(gateway().arg("serve").arg(site.config()));
    let line = process.line_with("listener adt-in at ");
    let address = line.split(' ').nth(3).unwrap().parse().unwrap();
    assert!(process.line().unwrap().starts_with("status page on http://"));
    assert_eq!(Link::to(address).send(&adt("m1", "7")).0, "AA");
    assert_eq!(ehr.next_id().as_deref(), Some("m1"));
}
