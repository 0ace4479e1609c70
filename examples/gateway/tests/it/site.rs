//! A gateway with one workflow and its folder.

use std::collections::HashMap;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::http::{self, Answer};
use crate::process::Process;

pub(crate) const SECRET: &str = "3b1f7a52c04d4be5b6a4df0a7d0d8c3e3b1f7a52c04d4be5b6a4df0a7d0d8c3e";
/// `printf %s "$SECRET" | sha256sum`
const HASH: &str = "sha256:03ba07e7c30d117b8984c24a230217e16c83b152454ca8f67b86d9e94af3075f";
pub(crate) const ENDPOINT: &str = "0123456789abcdef0123456789abcdef";

const MAPPING: &str = r#"map: visit-to-adt
from: json
to: { hl7: "2.5.1", message: ADT^A08 }
tables:
  sex: { map: { female: F, male: M } }
require: [ .id ]
control_id: .id
emit:
  MSH: { 3: CRM, 5: EHR, 7: .at | dtm }
  PID:
    3: { identifier: { id: .mrn, authority: NORTH, type: MR } }
    5: { name: { family: .family, given: .given } }
    7: .born | date
    8: .gender | table sex
  PV1: { 2: O }
"#;

/// The program under test.
pub(crate) fn gateway() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hl7-gateway"));
    command.env("HL7_LOG", "debug").env("NO_COLOR", "1");
    command
}

/// The folder of a gateway: configuration, mapping, data.
pub(crate) struct Site {
    folder: TempDir,
}

/// A gateway that runs.
pub(crate) struct Running {
    pub(crate) process: Process,
    pub(crate) webhooks: SocketAddr,
    pub(crate) status: SocketAddr,
    /// Its listeners by name.
    pub(crate) listeners: HashMap<String, SocketAddr>,
}

impl Site {
    /// A site whose one workflow sends to `ehr`.
    pub(crate) fn new(ehr: SocketAddr) -> Self {
        let site = Self { folder: tempfile::tempdir().unwrap() };
        site.write("mapping.yaml", MAPPING);
        site.write(
            "gateway.yaml",
            &format!(
                "data: data\nlisten: 127.0.0.1:0\nstatus: 127.0.0.1:0\n\
                 connections:\n  ehr: {{ mllp: \"{ehr}\", ack_timeout: 1s, connect_timeout: 2s }}\n\
                 workflows:\n  crm:\n    mapping: mapping.yaml\n    to: ehr\n    secrets: [ \"{}\" ]\n    endpoint: {ENDPOINT}\n",
                hash()
            ),
        );
        site
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// Exchanges a part of a file.
    pub(crate) fn change(&self, name: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.path(name)).unwrap();
        assert!(text.contains(from), "{name} has no {from}");
        self.write(name, &text.replacen(from, to, 1));
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.path("gateway.yaml")
    }

    /// Adds lines to the configuration's end.
    pub(crate) fn add(&self, text: &str) {
        let before = fs::read_to_string(self.config()).unwrap();
        self.write("gateway.yaml", &format!("{before}{text}\n"));
    }

    /// Adds a listener `adt-in` with these routes and keys.
    pub(crate) fn listen(&self, more: &str) {
        self.add(&format!("listeners:\n  adt-in:\n    address: 127.0.0.1:0\n    {more}"));
    }

    pub(crate) fn start(&self) -> Running {
        self.start_by(gateway().arg("serve").arg(self.config()))
    }

    /// Starts it by a command of the test's own.
    pub(crate) fn start_by(&self, command: &mut Command) -> Running {
        let mut process = Process::start(command);
        let mut listeners = HashMap::new();
        let last = loop {
            let Some(line) = process.line() else { panic!("it does not start: {}", process.kill()) };
            let Some(listener) = line.strip_prefix("listener ") else { break line };
            let (name, rest) = listener.split_once(" at ").unwrap();
            listeners.insert(name.to_owned(), rest.split(' ').next().unwrap().parse().unwrap());
        };
        let address = |part: &str| part.split([',', '/']).next().unwrap().parse::<SocketAddr>().unwrap();
        let mut addresses = last.split("http://").skip(1).map(address);
        let (webhooks, status) = (addresses.next().unwrap(), addresses.next().unwrap());
        Running { process, webhooks, status, listeners }
    }

    /// Every file under the data folder.
    pub(crate) fn data_files(&self) -> Vec<PathBuf> {
        fn walk(folder: &Path, all: &mut Vec<PathBuf>) {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() { walk(&path, all) } else { all.push(path) }
            }
        }
        let mut all = Vec::new();
        walk(&self.path("data"), &mut all);
        all
    }
}

/// The hash of [`SECRET`], as a configuration names it.
pub(crate) fn hash() -> &'static str {
    HASH
}

impl Running {
    /// Posts to the workflow with its secret; `more` is behind the URL id, such as `?wait=5s`.
    pub(crate) fn post(&self, more: &str, headers: &[(&str, &str)], payload: &str) -> Answer {
        let bearer = format!("Bearer {SECRET}");
        let headers = [&[("authorization", bearer.as_str())], headers].concat();
        http::call(self.webhooks, "POST", &format!("/w/{ENDPOINT}{more}"), &headers, payload.as_bytes())
    }

    /// The address of the listener that [`Site::listen`] adds.
    pub(crate) fn listener(&self) -> SocketAddr {
        self.listeners["adt-in"]
    }

    /// The status page.
    pub(crate) fn page(&self) -> String {
        http::call(self.status, "GET", "/", &[], b"").body
    }

    /// The status page, once it has this text.
    pub(crate) fn page_with(&self, part: &str) -> String {
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
        loop {
            let page = self.page();
            if page.contains(part) {
                return page;
            }
            assert!(std::time::Instant::now() < deadline, "no {part:?} in {page}");
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    }

    /// Reads a URL of the workflow with its secret.
    pub(crate) fn get(&self, target: &str) -> Answer {
        let bearer = format!("Bearer {SECRET}");
        http::call(self.webhooks, "GET", target, &[("authorization", &bearer)], b"")
    }

    /// Asks a status URL until the state is `state`.
    pub(crate) fn until_state(&self, status_url: &str, state: &str) -> serde_json::Value {
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
        loop {
            let body = self.get(status_url).json();
            if body["state"] == state {
                return body;
            }
            assert!(std::time::Instant::now() < deadline, "still {body}");
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    }
}

/// A payload that the mapping takes.
pub(crate) fn payload(id: &str) -> String {
    format!(
        r#"{{"id":"{id}","at":"2026-01-02T03:04:05Z","mrn":"7","family":"Byrne & Sons","given":"Zoë","born":"1984-07-03","gender":"female"}}"#
    )
}
