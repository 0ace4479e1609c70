//! Told to stop, the gateway finishes what it has begun, in bounded time.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use hl7_core::AckCode;

use crate::mllp::{Link, adt};
use crate::process::Process;
use crate::receiver::{Answer, Receiver};
use crate::site::Site;

#[test]
fn fault_49_a_block_that_is_under_way_is_answered_and_kept_and_then_it_ends() {
    for signal in [Process::terminate, Process::interrupt] {
        let ehr = Receiver::start(Answer::Code(AckCode::AA));
        let site = Site::new(ehr.address);
        site.listen("routes: [ { to: ehr } ]");
        let mut gateway = site.start();
        let mut begun = TcpStream::connect(gateway.listener()).unwrap();
        begun.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let block = [b"\x0B", adt("m1", "7").as_bytes(), b"\x1C\r"].concat();
        let (first, rest) = block.split_at(40);
        begun.write_all(first).unwrap();
        // An idle connection, and one that has been answered: the block before it is known to have been read then.
        let mut idle = Link::to(gateway.listener());
        assert_eq!(idle.send(&adt("m0", "7")).0, "AA");
        signal(&mut gateway.process);
        let refused = until_refused(gateway.listener());
        begun.write_all(rest).unwrap();
        let mut answer = Vec::new();
        begun.read_to_end(&mut answer).unwrap();
        assert!(String::from_utf8_lossy(&answer).contains("MSA|AA|m1"), "{refused:?} {answer:?}");
        let (status, _, err) = gateway.process.wait();
        assert!(status.success(), "{err}");
        // What was accepted is sent now or at the next start.
        let _gateway = site.start();
        let mut got: Vec<_> = std::iter::from_fn(|| ehr.next_id()).take(2).collect();
        got.sort();
        assert_eq!(got, ["m0", "m1"]);
    }
}

/// Waits until the listener takes no more connections, and says how long that took.
fn until_refused(address: std::net::SocketAddr) -> Duration {
    let since = Instant::now();
    while TcpStream::connect(address).is_ok() {
        assert!(since.elapsed() < Duration::from_secs(10), "it still accepts");
        std::thread::sleep(Duration::from_millis(5));
    }
    since.elapsed()
}

#[test]
fn fault_49_a_sender_that_never_ends_its_block_is_cut_off() {
    let ehr = Receiver::start(Answer::Silence);
    let site = Site::new(ehr.address);
    site.listen("routes: [ { to: ehr } ]");
    let mut gateway = site.start();
    let mut slow = TcpStream::connect(gateway.listener()).unwrap();
    slow.write_all(b"\x0BMSH|^~\\&|LAB").unwrap();
    // Sent on, and not answered by the EHR.
    assert_eq!(Link::to(gateway.listener()).send(&adt("m1", "7")).0, "AA");
    assert_eq!(ehr.next_id().as_deref(), Some("m1"));
    let asked = Instant::now();
    gateway.process.interrupt();
    let (status, _, err) = gateway.process.wait();
    assert!(status.success(), "{err}");
    assert!(asked.elapsed() < Duration::from_secs(25), "{:?}", asked.elapsed());
}
