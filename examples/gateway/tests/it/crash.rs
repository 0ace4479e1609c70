//! Nothing that was answered with 202 is lost: not when the gateway is killed, not when the receiver is away.

use std::net::{SocketAddr, TcpListener};

use hl7_core::AckCode;

use crate::receiver::{Answer, Receiver};
use crate::site::{Site, payload};

/// An address where nothing listens yet.
fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

#[test]
fn fault_50_killed_between_202_and_delivery_every_message_arrives_in_order() {
    let address = free_address();
    let site = Site::new(address);
    let mut gateway = site.start();
    let ids: Vec<_> = (1..=40).map(|n| format!("m{n:02}")).collect();
    for id in &ids {
        assert_eq!(gateway.post("", &[], &payload(id)).status, 202);
    }
    gateway.process.kill();
    let ehr = Receiver::at(address, Answer::Code(AckCode::AA));
    let gateway = site.start();
    let arrived: Vec<_> = ids.iter().map(|_| ehr.next_id().unwrap()).collect();
    assert_eq!(arrived, ids);
    let last = gateway.post("?wait=5s", &[], &payload("m99"));
    assert_eq!(last.status, 200, "{last:?}");
    assert_eq!(ehr.next_id().as_deref(), Some("m99"), "and none came twice");
}

#[test]
fn fault_50_killed_again_and_again_while_it_sends_nothing_is_lost_or_reordered() {
    let ehr = Receiver::start(Answer::Code(AckCode::AA));
    let site = Site::new(ehr.address);
    let mut sent = Vec::new();
    for round in 0..5 {
        let mut gateway = site.start();
        for n in 0..8 {
            let id = format!("r{round}n{n}");
            assert_eq!(gateway.post("", &[], &payload(&id)).status, 202);
            sent.push(id);
        }
        gateway.process.kill();
    }
    let gateway = site.start();
    assert_eq!(gateway.post("?wait=10s", &[], &payload("end")).status, 200);
    sent.push("end".to_owned());
    let mut first_arrivals = Vec::new();
    while first_arrivals.last().map(String::as_str) != Some("end") {
        let id = ehr.next_id().expect("a message is missing");
        if !first_arrivals.contains(&id) {
            first_arrivals.push(id);
        }
    }
    assert_eq!(first_arrivals, sent);
}

#[test]
fn fault_03_a_receiver_that_is_down_for_a_while_gets_everything_when_it_is_back() {
    let address = free_address();
    let site = Site::new(address);
    let gateway = site.start();
    let urls: Vec<_> = (1..=10)
        .map(|n| {
            let answer = gateway.post("?wait=100ms", &[], &payload(&format!("m{n}")));
            assert_eq!(answer.status, 202, "{answer:?}");
            answer.json()["status_url"].as_str().unwrap().to_owned()
        })
        .collect();
    let waiting = gateway.get(&urls[0]).json();
    assert!(waiting["last_failure"].is_string(), "{waiting}");
    let ehr = Receiver::at(address, Answer::Code(AckCode::AA));
    for (n, url) in urls.iter().enumerate() {
        assert_eq!(ehr.next_id(), Some(format!("m{}", n + 1)));
        gateway.until_state(url, "delivered");
    }
    // And away again, with a connection that was open.
    drop(ehr);
    let later = gateway.post("?wait=100ms", &[], &payload("m11")).json();
    let ehr = Receiver::at(address, Answer::Code(AckCode::AA));
    gateway.until_state(later["status_url"].as_str().unwrap(), "delivered");
    assert_eq!(ehr.next_id().as_deref(), Some("m11"));
}

#[test]
fn told_to_stop_it_ends_and_keeps_what_is_not_delivered() {
    let address = free_address();
    let site = Site::new(address);
    let mut gateway = site.start();
    assert_eq!(gateway.post("", &[], &payload("m1")).status, 202);
    gateway.process.terminate();
    let (status, _, err) = gateway.process.wait();
    assert!(status.success(), "{err}");
    let ehr = Receiver::at(address, Answer::Code(AckCode::AA));
    let _gateway = site.start();
    assert_eq!(ehr.next_id().as_deref(), Some("m1"));
}
