//! Long messages, many connections, and no descriptors left.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use hl7_core::Message;
use hl7_mllp::{Client, Reply, Request, Server};
use tokio::task::JoinSet;

use crate::peer::{Stream, accepting, framed, listening, message, msa};

/// Where the process that holds idle connections finds the listener.
const CROWDED: &str = "HL7_MLLP_CROWDED";
const CROWD: usize = 10_000;
/// Descriptors that a listener with so many connections needs.
const FOR_A_CROWD: u64 = 12_000;

/// Set in the process that is to run out of descriptors.
const STARVED: &str = "HL7_MLLP_STARVED";

#[tokio::test]
async fn a_long_message_goes_there_and_back() {
    let echo = |req: Request| async move {
        let mut reply = Message::parse("MSH|^~\\&|E\rMSA|AA|m-1\rOBX|1|ED|||x\r").unwrap().into_owned();
        let document = req.message().get(hl7_core::path!("PID-5")).unwrap().text().into_owned();
        reply.set(hl7_core::path!("OBX-5"), &document).unwrap();
        Reply::message(reply)
    };
    let listening = listening(Server::builder(), echo).await;
    let mut client =
        Client::builder().max_ack_bytes(2_000_000).connect(listening.addr.as_str()).await.unwrap();
    let document = "0123456789abcdef".repeat(65_536);
    let text = message("m-1").replace("Doe^Ann", &document);
    for _ in 0..3 {
        let ack = client.send(&Message::parse(&text).unwrap()).await.unwrap();
        let returned = ack.message().get(hl7_core::path!("OBX-5")).unwrap().text();
        assert!(returned == document, "the document came back changed");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_connections_are_served_at_once() {
    let listening = accepting().await;
    let mut clients = Vec::new();
    for _ in 0..200 {
        clients.push(Client::connect(listening.addr.as_str()).await.unwrap());
    }
    let mut senders = JoinSet::new();
    for (number, mut client) in clients.into_iter().enumerate() {
        senders.spawn(async move {
            for n in 0..10 {
                let id = format!("m-{number}-{n}");
                let ack = client.send(&Message::parse(&message(&id)).unwrap()).await.unwrap();
                assert_eq!((ack.code().as_str(), ack.control_id()), ("AA", &*id));
            }
        });
    }
    let sent = senders.join_all().await.len();
    assert_eq!(sent, 200);
}

#[cfg(target_os = "linux")]
#[test]
fn fault_42_a_listener_without_descriptors_waits_and_goes_on() {
    let this = std::env::current_exe().unwrap();
    let status = Command::new("sh")
        .args(["-c", "ulimit -n 48 && exec \"$0\" --ignored --exact load::starved"])
        .arg(this)
        .env(STARVED, "1")
        .status()
        .unwrap();
    assert!(status.success());
}

#[cfg(target_os = "linux")]
#[test]
#[ignore = "fault_42 runs it in a process with few descriptors"]
fn starved() {
    if std::env::var_os(STARVED).is_none() {
        return;
    }
    let log = crate::privacy::Log::default();
    let _logging = log.record();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let listening = accepting().await;
        let mut first = Stream::connect(&listening.addr).await;
        // Connections that the listener cannot accept: this process has no descriptor left for its end of them.
        let mut others = Vec::new();
        while let Ok(stream) = tokio::net::TcpStream::connect(&listening.addr).await {
            others.push(stream);
        }
        let began = Instant::now();
        while began.elapsed() < Duration::from_millis(500) {
            first.send(&framed(message("m-1"))).await;
            assert_eq!(msa(&first.block().await), "MSA|AA|m-1");
        }
        let failures = log.lines().iter().filter(|line| line.contains("can be accepted")).count();
        assert!((1..=20).contains(&failures), "{failures} failed accepts in half a second");
        drop(others);
        let mut late = Stream::connect(&listening.addr).await;
        late.send(&framed(message("m-2"))).await;
        assert_eq!(msa(&late.block().await), "MSA|AA|m-2");
    });
}

/// A number that the system tells of this process: the first one in the line of `file` that starts so.
#[cfg(target_os = "linux")]
fn told(file: &str, start: &str) -> u64 {
    let text = std::fs::read_to_string(file).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(start)).unwrap();
    line.split_whitespace().find_map(|word| word.parse().ok()).unwrap()
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_42_ten_thousand_idle_connections_take_little_room() {
    if told("/proc/self/limits", "Max open files") < FOR_A_CROWD {
        let _ =
            writeln!(std::io::stderr(), "skipped: ten thousand connections need {FOR_A_CROWD} descriptors");
        return;
    }
    let listening =
        listening(Server::builder().max_connections(CROWD), |req| async move { Reply::accept(&req) }).await;
    let before = told("/proc/self/status", "VmRSS:");
    let mut crowd = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "load::crowd", "--nocapture"])
        .env(CROWDED, &listening.addr)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(crowd.stdout.take().unwrap()).lines().map_while(Result::ok);
    let held = tokio::task::spawn_blocking(move || {
        // Behind what the harness says on the same line. It says more later, and has to be heard.
        (lines.find_map(|line| line.split_once("held ")?.1.parse::<usize>().ok()), lines)
    });
    let (held, _hearing) = held.await.unwrap();
    assert_eq!(held, Some(CROWD));
    let megabytes = told("/proc/self/status", "VmRSS:").saturating_sub(before) / 1024;
    assert!(megabytes < 200, "{megabytes} MB");
    drop(crowd.stdin.take());
    assert!(crowd.wait().unwrap().success());
}

#[cfg(target_os = "linux")]
#[test]
#[ignore = "fault_42 runs it in a process of its own"]
fn crowd() {
    let Ok(addr) = std::env::var(CROWDED) else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let held = runtime.block_on(async {
        let mut held = Vec::new();
        for _ in 0..CROWD {
            let mut stream = Stream::connect(&addr).await;
            stream.send(&framed(message("m-1"))).await;
            assert_eq!(msa(&stream.block().await), "MSA|AA|m-1");
            held.push(stream);
        }
        held
    });
    writeln!(std::io::stdout(), "held {}", held.len()).unwrap();
    let _ = std::io::stdin().lines().next();
}
