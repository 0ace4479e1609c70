//! The ways to a receiver: through a proxy, from an address of this machine's, by the other release of MLLP.

use std::io::{BufRead, BufReader, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};

use hl7_core::AckCode;

use crate::mllp::{Link, adt};
use crate::receiver::{Answer, Receiver};
use crate::site::{Site, payload};

/// An HTTP proxy for one connection. Gives the head of the request, and where the client came from.
fn proxy() -> (SocketAddr, std::thread::JoinHandle<(String, IpAddr)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let served = std::thread::spawn(move || {
        let (client, from) = listener.accept().unwrap();
        let mut lines = BufReader::new(client.try_clone().unwrap()).lines().map(Result::unwrap);
        let head: Vec<_> = lines.by_ref().take_while(|line| !line.is_empty()).collect();
        let target = TcpStream::connect(head[0].split(' ').nth(1).unwrap()).unwrap();
        (&client).write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
        for (mut from, mut to) in
            [(client.try_clone().unwrap(), target.try_clone().unwrap()), (target, client)]
        {
            std::thread::spawn(move || std::io::copy(&mut from, &mut to));
        }
        (head.join("\n"), from.ip())
    });
    (address, served)
}

#[test]
fn through_a_proxy_with_a_password_from_a_file_and_from_a_stated_address() {
    let ehr = Receiver::start(Answer::Code(AckCode::AA));
    let (address, served) = proxy();
    let site = Site::new(ehr.address);
    site.write("proxy.password", "sesame\n");
    let more = format!(
        "ack_timeout: 1s, from: 127.0.0.2, proxy: {{ http: \"{address}\", user: node, password_file: proxy.password }}"
    );
    site.change("gateway.yaml", "ack_timeout: 1s", &more);
    let mut gateway = site.start();
    assert_eq!(gateway.post("?wait=5s", &[], &payload("m1")).status, 200);
    assert_eq!(ehr.next_id().as_deref(), Some("m1"));
    let (head, from) = served.join().unwrap();
    assert!(head.starts_with(&format!("CONNECT {} HTTP/1.1", ehr.address)), "{head}");
    // printf %s node:sesame | base64
    assert!(
        head.to_lowercase().contains(&"proxy-authorization: Basic bm9kZTpzZXNhbWU=".to_lowercase()),
        "{head}"
    );
    assert_eq!(from.to_string(), "127.0.0.2");
    let log = gateway.process.kill();
    assert!(!log.contains("sesame") && !log.contains("bm9kZTpzZXNhbWU="), "{log}");
}

#[test]
fn two_nodes_speak_release_2_of_mllp() {
    let ehr = Receiver::start(Answer::Code(AckCode::AA));
    let inner = Site::new(ehr.address);
    inner.listen("release2: true\n    routes: [ { to: ehr } ]");
    let inner = inner.start();
    let outer = Site::new(inner.listener());
    outer.change("gateway.yaml", "ack_timeout: 1s", "ack_timeout: 5s, release2: true");
    outer.listen("routes: [ { to: ehr } ]");
    let outer = outer.start();
    assert_eq!(Link::to(outer.listener()).send(&adt("m1", "7")).0, "AA");
    assert_eq!(ehr.next_id().as_deref(), Some("m1"));
    outer.page_with("<tr class=\"delivered\">");
}
