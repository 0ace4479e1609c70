//! End to end with a receiver that is not ours: the asyncio MLLP server of PyPI `hl7`.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::process::Process;
use crate::site::{Site, payload};

/// The Python that has PyPI `hl7`. Without it the test says that it is skipped, or fails where services are asked for.
fn python() -> Option<PathBuf> {
    let venv = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.test/venv/bin/python");
    let python = std::env::var_os("HL7_TEST_PYTHON").map_or(venv, PathBuf::from);
    let has_it =
        Command::new(&python).args(["-c", "import hl7.mllp"]).output().is_ok_and(|o| o.status.success());
    if has_it {
        return Some(python);
    }
    let missing = "no Python with the package hl7 (scripts/test installs it, or set HL7_TEST_PYTHON)";
    assert!(std::env::var_os("HL7_REQUIRE_SERVICES").is_none(), "{missing}");
    // Straight to stderr: the harness would hold back what a passing test prints.
    let _ = writeln!(std::io::stderr(), "skipped: {missing}");
    None
}

struct PythonReceiver {
    process: Process,
    address: SocketAddr,
}

fn start(python: &Path) -> PythonReceiver {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python_receiver.py");
    let mut process = Process::start(Command::new(python).arg("-u").arg(script));
    let line = process.line_with("listening ");
    let address = line.trim_start_matches("listening ").trim().parse().unwrap();
    PythonReceiver { process, address }
}

impl PythonReceiver {
    fn next(&mut self) -> Value {
        let line = self.process.line_with("{");
        serde_json::from_str(&line).unwrap()
    }
}

#[test]
fn a_payload_reaches_python_hl7_and_its_acknowledgment_comes_back() {
    let Some(python) = python() else { return };
    let mut ehr = start(&python);
    let site = Site::new(ehr.address);
    let gateway = site.start();
    let answer = gateway.post("?wait=10s", &[], &payload("m1"));
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.json()["acknowledgment"]["code"], "AA");
    let got = ehr.next();
    assert_eq!(got["control_id"], "m1");
    assert_eq!(got["type"], "ADT^A08^ADT_A01");
    assert_eq!(got["family"], "Byrne \\T\\ Sons");
    assert_eq!(got["family_unescaped"], "Byrne & Sons");
    assert_eq!(got["given"], "Zoë");
    assert_eq!(got["born"], "19840703");
}

#[test]
fn python_hl7_killed_and_started_again_gets_all_in_order() {
    let Some(python) = python() else { return };
    let mut first = start(&python);
    let address = first.address;
    let site = Site::new(address);
    let gateway = site.start();
    assert_eq!(gateway.post("?wait=10s", &[], &payload("m0")).status, 200);
    assert_eq!(first.next()["control_id"], "m0");
    first.process.kill();
    let urls: Vec<_> = (1..=10)
        .map(|n| {
            gateway.post("", &[], &payload(&format!("m{n}"))).json()["status_url"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    // The same port again, as a restarted receiver would have it.
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python_receiver.py");
    let process = Process::start(Command::new(&python).arg("-u").arg(script).arg(address.port().to_string()));
    let mut second = PythonReceiver { process, address };
    second.process.line_with("listening ");
    for n in 1..=10 {
        assert_eq!(second.next()["control_id"], format!("m{n}"));
    }
    gateway.until_state(urls.last().unwrap(), "delivered");
}

#[test]
fn python_s_mllp_send_sends_a_file_of_messages_to_a_listener() {
    let Some(python) = python() else { return };
    let mut ehr = start(&python);
    let site = Site::new(ehr.address);
    site.listen("routes: [ { when: MSH-9.1 == ADT, to: ehr } ]");
    let gateway = site.start();
    let file = site.path("messages.hl7");
    let messages = [
        crate::mllp::adt("m1", "7"),
        crate::mllp::adt("m2", "7"),
        crate::mllp::message("SIU^S12", "m3", "7"),
    ];
    std::fs::write(&file, messages.concat().replace('\r', "\n")).unwrap();
    let send = "import sys; from hl7.client import mllp_send; mllp_send()";
    let port = gateway.listener().port().to_string();
    let mut arguments = vec!["-c", send, "--loose", "--port", port.as_str(), "--file"];
    let file = file.display().to_string();
    arguments.extend([file.as_str(), "127.0.0.1"]);
    let (status, out, err) = Process::start(Command::new(&python).args(arguments)).wait();
    assert!(status.success(), "{out}{err}");
    for answer in ["MSA|AA|m1", "MSA|AA|m2", "MSA|AR|m3"] {
        assert!(out.contains(answer), "no {answer} in {out}{err}");
    }
    assert_eq!([ehr.next()["control_id"].clone(), ehr.next()["control_id"].clone()], ["m1", "m2"]);
}
