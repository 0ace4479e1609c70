//! Callers who do not read, or do not speak, hold nothing up for long.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use hl7_core::AckCode;

use crate::receiver::{Answer, Receiver};
use crate::site::{Site, payload};

/// A caller that asks again and again and never reads an answer, until nothing more can be written.
fn deaf(to: std::net::SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(to).unwrap();
    stream.set_write_timeout(Some(Duration::from_secs(1))).unwrap();
    let many = "GET /nothing HTTP/1.1\r\nhost: x\r\n\r\n".repeat(200);
    while stream.write_all(many.as_bytes()).is_ok() {}
    stream
}

#[test]
fn a_caller_who_does_not_read_is_hung_up_on() {
    let ehr = Receiver::start(Answer::Code(AckCode::AA));
    let site = Site::new(ehr.address);
    let gateway = site.start();
    let mut stream = deaf(gateway.webhooks);
    // Its answers are left unread for longer than the gateway waits; what then comes ends in a reset or an end.
    std::thread::sleep(Duration::from_secs(12));
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let mut rest = Vec::new();
    let ended = stream.read_to_end(&mut rest);
    let timed_out = ended.is_err_and(|why| {
        matches!(why.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut)
    });
    assert!(!timed_out, "the connection is still open");
}

#[test]
fn a_stop_does_not_wait_for_silent_and_deaf_callers() {
    let ehr = Receiver::start(Answer::Code(AckCode::AA));
    let site = Site::new(ehr.address);
    let mut gateway = site.start();
    let _deaf = deaf(gateway.webhooks);
    let _silent: Vec<_> = (0..20).map(|_| TcpStream::connect(gateway.webhooks).unwrap()).collect();
    let asked = Instant::now();
    gateway.process.terminate();
    let (status, _, err) = gateway.process.wait();
    assert!(status.success(), "{err}");
    assert!(asked.elapsed() < Duration::from_secs(25), "{:?}", asked.elapsed());
}

#[test]
fn a_stop_while_a_caller_waits_answers_202_with_the_status_url() {
    let ehr = Receiver::start(Answer::Silence);
    let site = Site::new(ehr.address);
    site.change("gateway.yaml", "ack_timeout: 1s", "ack_timeout: 30s");
    let mut gateway = site.start();
    let to = gateway.webhooks;
    let waiting = std::thread::spawn(move || {
        let bearer = format!("Bearer {}", crate::site::SECRET);
        let target = format!("/w/{}?wait=50s", crate::site::ENDPOINT);
        crate::http::call(to, "POST", &target, &[("authorization", &bearer)], payload("m1").as_bytes())
    });
    assert_eq!(ehr.next_id().as_deref(), Some("m1"));
    gateway.process.terminate();
    let answer = waiting.join().unwrap();
    assert_eq!(answer.status, 202, "{answer:?}");
    assert!(answer.json()["status_url"].is_string());
    assert!(gateway.process.wait().0.success());
}
