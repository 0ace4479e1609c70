//! With MLLP programs that are not ours, over loopback, in both directions.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use hl7_core::Message;
use hl7_mllp::doctor::{Probe, Report};
use hl7_mllp::{Client, Doctor, SendErrorKind, Sent};

use crate::peer::{accepting, message};
use crate::process::Process;

const PYTHON: &str =
    "no Python with the packages hl7 and hl7apy (scripts/test installs them, or set HL7_TEST_PYTHON)";
const NODE: &str =
    "no node with the packages node-hl7-client and node-hl7-server (scripts/test installs them)";

/// Says that a counterpart is missing, or fails where they are asked for.
fn skipped(missing: &str) {
    assert!(std::env::var_os("HL7_REQUIRE_SERVICES").is_none(), "{missing}");
    // Straight to stderr: the harness would hold back what a passing test prints.
    let _ = writeln!(std::io::stderr(), "skipped: {missing}");
}

fn installed(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../.test").join(path)
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop").join(name)
}

fn works(command: &mut Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}

/// The command for a script in Python; `None` where its packages are missing.
fn python(name: &str) -> Option<Command> {
    let python = std::env::var_os("HL7_TEST_PYTHON").map_or(installed("venv/bin/python"), PathBuf::from);
    if !works(Command::new(&python).args(["-c", "import hl7.mllp, hl7apy.mllp"])) {
        skipped(PYTHON);
        return None;
    }
    let mut command = Command::new(python);
    command.arg("-u").arg(script(name));
    Some(command)
}

/// The command for a script in JavaScript; `None` where its packages are missing.
fn node(name: &str) -> Option<Command> {
    let node = || {
        let mut command = Command::new("node");
        command.env("NODE_PATH", installed("node/node_modules"));
        command
    };
    if !works(node().args(["-e", "require('node-hl7-client'), require('node-hl7-server')"])) {
        skipped(NODE);
        return None;
    }
    let mut command = node();
    command.arg(script(name));
    Some(command)
}

/// A server that says where it listens.
async fn server(mut command: Command) -> (Process, String) {
    let mut process = Process::start(&mut command);
    let addr = process.line("listening ").await;
    (process, addr)
}

/// The server of node-hl7-server, which wants to be told its port.
async fn node_server() -> Option<(Process, String)> {
    let mut command = node("node_server.cjs")?;
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    command.arg(free.to_string());
    Some(server(command).await)
}

async fn send(client: &mut Client, text: &str) -> String {
    let ack = client.send(&Message::parse(text).unwrap()).await.unwrap();
    format!("{} {}", ack.code(), ack.control_id())
}

#[tokio::test]
async fn python_hl7_takes_what_our_client_sends() {
    let Some(command) = python("hl7_server.py") else { return };
    let (mut server, addr) = server(command).await;
    let mut client = Client::connect(addr).await.unwrap();
    for id in ["m-1", "m-2"] {
        assert_eq!(send(&mut client, &message(id)).await, format!("AA {id}"));
        assert_eq!(server.line("received ").await, id);
    }
    let long = message("m-3").replace("Ann", &"Zoë ".repeat(250_000));
    assert_eq!(send(&mut client, &long).await, "AA m-3");
}

#[tokio::test]
async fn hl7apy_closes_after_each_message_and_our_client_notices() {
    let Some(command) = python("hl7apy_server.py") else { return };
    let (mut server, addr) = server(command).await;
    let mut client = Client::connect(addr).await.unwrap();
    for id in ["m-1", "m-2"] {
        assert_eq!(send(&mut client, &message(id)).await, format!("AA {id}"));
        assert_eq!(server.line("received ").await, id);
        let text = message("never taken");
        // Its end of the stream may come a moment after its answer.
        tokio::time::sleep(Duration::from_millis(100)).await;
        let why = client.send(&Message::parse(&text).unwrap()).await.unwrap_err();
        assert_eq!((why.kind(), why.sent()), (&SendErrorKind::PeerClosed, Sent::No));
        client.reconnect().await.unwrap();
    }
}

#[tokio::test]
async fn fault_12_node_hl7_server_answers_earlier_messages_again_and_is_not_believed() {
    let Some((mut server, addr)) = node_server().await else { return };
    let mut client = Client::connect(addr).await.unwrap();
    assert_eq!(send(&mut client, &message("m-1")).await, "AA m-1");
    assert_eq!(server.line("received ").await, "m-1");
    let text = message("m-2");
    let why = client.send(&Message::parse(&text).unwrap()).await.unwrap_err();
    assert_eq!((why.kind(), why.sent()), (&SendErrorKind::OtherControlId, Sent::Unknown));
    assert!(!client.is_open());
    client.reconnect().await.unwrap();
    assert_eq!(send(&mut client, &message("m-3")).await, "AA m-3");
}

#[tokio::test]
async fn the_clients_of_python_hl7_are_answered_by_our_listener() {
    let Some(mut command) = python("hl7_client.py") else { return };
    let listening = accepting().await;
    let port = listening.addr.rsplit(':').next().unwrap();
    let mut client = Process::start(command.args([port, "3"]));
    let expected = ["blocking-0", "blocking-1", "blocking-2", "asyncio-0", "asyncio-1", "asyncio-2"];
    let expected: Vec<String> = expected.iter().map(|id| format!("MSA|AA|{id}")).collect();
    assert_eq!(client.lines("answered ", 6).await, expected);
}

#[tokio::test]
async fn the_client_of_node_hl7_client_is_answered_by_our_listener() {
    let Some(mut command) = node("node_client.cjs") else { return };
    let listening = accepting().await;
    let port = listening.addr.rsplit(':').next().unwrap();
    let mut client = Process::start(command.args([port, "3"]));
    let answered = client.lines("answered ", 3).await;
    assert_eq!(answered, ["MSA|AA|node-0", "MSA|AA|node-1", "MSA|AA|node-2"]);
}

/// The codes of what the doctor finds with these probes.
async fn found(addr: &str, probes: impl IntoIterator<Item = Probe>) -> (Vec<&'static str>, Report) {
    let doctor = Doctor::new()
        .ack_timeout(Duration::from_secs(5))
        .quiet(Duration::from_millis(100))
        .idle(Duration::from_millis(150))
        .probes(probes);
    let report = doctor.examine(addr).await;
    (report.findings().iter().map(|finding| finding.code()).collect(), report)
}

fn with_more() -> impl IntoIterator<Item = Probe> {
    Probe::STANDARD.into_iter().chain([Probe::NotHl7, Probe::BrokenBlock])
}

#[tokio::test]
async fn the_doctor_finds_that_python_hl7_mixes_a_broken_block_with_the_next() {
    let Some(command) = python("hl7_server.py") else { return };
    let (_server, addr) = server(command).await;
    // Original mode always; reads up to an end block, whatever stands before it.
    let (codes, report) = found(&addr, with_more()).await;
    assert_eq!(codes, ["D706", "D706", "D710"], "{report}");
}

#[tokio::test]
async fn the_doctor_finds_that_hl7apy_closes_after_each_message() {
    let Some(command) = python("hl7apy_server.py") else { return };
    let (_server, addr) = server(command).await;
    let (codes, report) = found(&addr, with_more()).await;
    assert_eq!(codes, ["D207", "D706", "D706", "D710"], "{report}");
}

#[tokio::test]
async fn the_doctor_finds_that_node_hl7_server_answers_earlier_messages_again() {
    let Some((_server, addr)) = node_server().await else { return };
    // Always as ACK, without a carriage return behind MSA.
    let (codes, report) = found(&addr, Probe::STANDARD).await;
    assert_eq!(codes, ["D419", "D417", "D410"], "{report}");
}

/// The one counterpart that is not required: it is large, and may capture as root only.
#[tokio::test]
async fn tshark_dissects_what_we_send_and_answer() {
    let listening = accepting().await;
    let port = listening.addr.rsplit(':').next().unwrap().to_owned();
    if !works(Command::new("tshark").arg("-D")) {
        let _ = writeln!(std::io::stderr(), "skipped: no tshark that may capture");
        return;
    }
    let mut tshark = Command::new("tshark");
    tshark.args([
        "-i",
        "lo",
        "-l",
        "-n",
        "-f",
        &format!("tcp port {port}"),
        "-d",
        &format!("tcp.port=={port},hl7"),
    ]);
    tshark.args(["-Y", "hl7", "-T", "fields", "-E", "separator=,", "-a", "duration:20"]);
    tshark.args(["-e", "hl7.message.type", "-e", "hl7.event.type"]);
    let mut tshark = Process::start(&mut tshark);
    tshark.line("Capture started").await;
    let mut client = Client::connect(listening.addr.as_str()).await.unwrap();
    assert_eq!(send(&mut client, &message("m-1")).await, "AA m-1");
    assert_eq!(tshark.line("ADT,").await, "A08");
    assert_eq!(tshark.line("ACK,").await, "A08");
}
