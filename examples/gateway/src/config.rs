//! The configuration file: what it may say, and what is wrong with it.
//!
//! ```yaml
//! data: ./data
//! connections:
//!   ehr: { mllp: "ehr.example:2575" }
//! workflows:
//!   crm-to-ehr: { mapping: crm-to-adt.yaml, to: ehr, secrets: [ "sha256:..." ] }
//! ```
//!
//! Every key is described in the gateway's README.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use hl7_core::AckCode;
use hl7_map::Mapping;
use hl7_sender::Action;
use serde::Deserialize;
use serde_saphyr::Spanned;

use crate::config_error::{ConfigError, Place, Problem};
use crate::duration;
use crate::endpoint;
use crate::secret::SecretHash;

/// A configuration that has been checked.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) data: PathBuf,
    pub(crate) listen: SocketAddr,
    pub(crate) status: SocketAddr,
    pub(crate) max_body: usize,
    pub(crate) connections: Vec<Connection>,
    pub(crate) workflows: Vec<WorkflowConfig>,
}

/// A named connection to a receiver.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) name: String,
    pub(crate) mllp: String,
    pub(crate) lane_key: Option<hl7_core::Path>,
    pub(crate) connections: Option<usize>,
    pub(crate) ack_timeout: Option<Duration>,
    pub(crate) connect_timeout: Option<Duration>,
    pub(crate) on: Vec<(AckCode, Action)>,
}

/// A workflow: its mapping, where it sends, and who may start it.
#[derive(Debug)]
pub(crate) struct WorkflowConfig {
    pub(crate) name: String,
    pub(crate) mapping: Mapping,
    pub(crate) to: String,
    pub(crate) secrets: Vec<SecretHash>,
    pub(crate) endpoint: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    data: PathBuf,
    listen: Option<Spanned<String>>,
    status: Option<Spanned<String>>,
    max_body_bytes: Option<Spanned<u64>>,
    connections: BTreeMap<String, Spanned<ConnectionEntry>>,
    workflows: BTreeMap<String, Spanned<WorkflowEntry>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ConnectionEntry {
    mllp: Spanned<String>,
    lane_key: Option<Spanned<String>>,
    connections: Option<Spanned<usize>>,
    #[serde(default, deserialize_with = "duration::deserialize")]
    ack_timeout: Option<Duration>,
    #[serde(default, deserialize_with = "duration::deserialize")]
    connect_timeout: Option<Duration>,
    /// What a negative acknowledgment does: by code, `retry`, `hold` or `dead-letter`.
    #[serde(default)]
    on: BTreeMap<Negative, Decision>,
}

/// The codes that a connection may decide about.
#[derive(Deserialize, PartialEq, Eq, PartialOrd, Ord, Clone, Copy)]
enum Negative {
    AE,
    AR,
    CE,
    CR,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "kebab-case")]
enum Decision {
    Retry,
    Hold,
    DeadLetter,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WorkflowEntry {
    mapping: Spanned<PathBuf>,
    to: Spanned<String>,
    #[serde(default)]
    secrets: Vec<Spanned<String>>,
    secrets_file: Option<Spanned<PathBuf>>,
    endpoint: Option<Spanned<String>>,
}

const DEFAULT_LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);
const DEFAULT_STATUS: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8081);
/// A webhook payload is a few kilobytes; a megabyte leaves room for an embedded document.
const DEFAULT_MAX_BODY: usize = 1024 * 1024;
/// The outbox takes messages of 16 MiB, and no payload makes a longer one that is of use.
const MOST_BODY: u64 = 16 * 1024 * 1024;
/// A receiver that takes more connections from one sender is not known; each costs both sides a socket.
const MAX_CONNECTIONS: usize = 256;

impl Config {
    /// Reads the file and everything it names.
    ///
    /// # Errors
    /// All that is wrong, at once where it can be told.
    pub(crate) fn load(file: &Path) -> Result<Self, ConfigError> {
        let name = file.display().to_string();
        let text = fs::read_to_string(file).map_err(|why| unreadable(&name, &why))?;
        let parsed: File =
            serde_saphyr::from_str(&text).map_err(|error| ConfigError::of(Problem::yaml(&name, &error)))?;
        let folder = file.parent().unwrap_or(Path::new("")).to_owned();
        Checker { name, folder, problems: Vec::new() }.check(parsed)
    }
}

fn unreadable(name: &str, why: &io::Error) -> ConfigError {
    ConfigError::of(Problem::new("G002", format!("{name} cannot be read: {why}")))
}

/// Turns what the file says into a [`Config`], collecting what is wrong.
struct Checker {
    name: String,
    folder: PathBuf,
    problems: Vec<Problem>,
}

impl Checker {
    fn check(mut self, file: File) -> Result<Config, ConfigError> {
        let listen = self.address(file.listen.as_ref(), DEFAULT_LISTEN);
        let status = self.address(file.status.as_ref(), DEFAULT_STATUS);
        if let Some(stated) = file.status.as_ref().filter(|_| !status.ip().is_loopback()) {
            let problem = Problem::new("G003", "the status page is served on a loopback address only");
            let suggestion = "use 127.0.0.1:8081 and reach it through an SSH tunnel";
            self.problems.push(problem.at(self.at(stated)).suggest(suggestion));
        }
        if listen == status && listen.port() != 0 {
            let problem = Problem::new("G016", "webhooks and the status page cannot share an address");
            let at = file.status.as_ref().map_or_else(|| self.whole(), |stated| self.at(stated));
            self.problems.push(problem.at(at).suggest("give the status page a port of its own"));
        }
        let max_body = self.max_body(file.max_body_bytes.as_ref());
        let names: Vec<String> = file.connections.keys().cloned().collect();
        let connections = self.connections(file.connections);
        let none = file.workflows.is_empty();
        let workflows = self.workflows(file.workflows, &names);
        if none {
            let problem = Problem::new("G014", "there is no workflow, and so nothing to do");
            self.problems.push(problem.at(self.whole()).suggest("add one under workflows:"));
        }
        if !self.problems.is_empty() {
            return Err(ConfigError::all(self.problems));
        }
        Ok(Config { data: self.folder.join(file.data), listen, status, max_body, connections, workflows })
    }

    fn address(&mut self, stated: Option<&Spanned<String>>, default: SocketAddr) -> SocketAddr {
        let Some(stated) = stated else { return default };
        stated.value.parse().unwrap_or_else(|_| {
            let problem = Problem::new("G013", "this is not an IP address and a port");
            self.problems.push(problem.at(self.at(stated)).suggest(format!("write it as {default}")));
            default
        })
    }

    fn max_body(&mut self, stated: Option<&Spanned<u64>>) -> usize {
        let Some(stated) = stated else { return DEFAULT_MAX_BODY };
        if (1..=MOST_BODY).contains(&stated.value) {
            return usize::try_from(stated.value).unwrap_or(DEFAULT_MAX_BODY);
        }
        let text = format!("max_body_bytes is a number from 1 to {MOST_BODY}");
        self.problems.push(Problem::new("G015", text).at(self.at(stated)));
        DEFAULT_MAX_BODY
    }

    fn connections(&mut self, entries: BTreeMap<String, Spanned<ConnectionEntry>>) -> Vec<Connection> {
        let mut all = Vec::new();
        for (name, entry) in entries {
            let at = self.at(&entry);
            self.check_name(&name, at);
            let entry = entry.value;
            let lane_key = entry.lane_key.and_then(|key| self.lane_key(&key));
            let connections = entry.connections.and_then(|n| self.count(&n));
            if !is_host_and_port(&entry.mllp.value) {
                let at = self.at(&entry.mllp);
                self.problems.push(
                    Problem::new("G004", "mllp is not a host and a port")
                        .at(at)
                        .suggest("write it as ehr.example:2575"),
                );
            }
            let on = entry.on.into_iter().map(|(code, decision)| (code.into(), decision.into())).collect();
            let (ack_timeout, connect_timeout) = (entry.ack_timeout, entry.connect_timeout);
            let mllp = entry.mllp.value;
            all.push(Connection { name, mllp, lane_key, connections, ack_timeout, connect_timeout, on });
        }
        all
    }

    fn lane_key(&mut self, key: &Spanned<String>) -> Option<hl7_core::Path> {
        match key.value.parse::<hl7_core::Path>() {
            Ok(path) if path.field().is_some() => Some(path),
            parsed => {
                let why = parsed.err().map_or_else(|| "it names no field".to_owned(), |why| why.to_string());
                let at = self.at(key);
                self.problems.push(
                    Problem::new("G005", format!("lane_key is not an HL7 path: {why}"))
                        .at(at)
                        .suggest("a usual one is PID-3.1"),
                );
                None
            }
        }
    }

    fn count(&mut self, count: &Spanned<usize>) -> Option<usize> {
        if (1..=MAX_CONNECTIONS).contains(&count.value) {
            return Some(count.value);
        }
        let at = self.at(count);
        let text = format!("connections is a number from 1 to {MAX_CONNECTIONS}");
        self.problems.push(Problem::new("G006", text).at(at));
        None
    }

    fn workflows(
        &mut self,
        entries: BTreeMap<String, Spanned<WorkflowEntry>>,
        connections: &[String],
    ) -> Vec<WorkflowConfig> {
        let mut all: Vec<WorkflowConfig> = Vec::new();
        for (name, entry) in entries {
            let at = self.at(&entry);
            self.check_name(&name, at.clone());
            let entry = entry.value;
            if !connections.contains(&entry.to.value) {
                let at = self.at(&entry.to);
                let known = connections.join(", ");
                let text = format!("the workflow {name} sends to a connection that is not there");
                self.problems.push(Problem::new("G007", text).at(at).suggest(format!("there are: {known}")));
            }
            let endpoint = entry.endpoint.as_ref().and_then(|id| self.endpoint(id, &all));
            let secrets = self.secrets(&name, &entry, at);
            if let Some(mapping) = self.mapping(&entry.mapping) {
                all.push(WorkflowConfig { name, mapping, to: entry.to.value, secrets, endpoint });
            }
        }
        all
    }

    fn endpoint(&mut self, id: &Spanned<String>, others: &[WorkflowConfig]) -> Option<String> {
        let taken = others.iter().any(|other| other.endpoint.as_deref() == Some(id.value.as_str()));
        if endpoint::is_endpoint(&id.value) && !taken {
            return Some(id.value.clone());
        }
        let at = self.at(id);
        let text = if taken {
            "two workflows have the same endpoint"
        } else {
            "an endpoint is 22 to 64 letters, digits, - and _"
        };
        let leave_out = "leave it out, and one is generated and kept";
        self.problems.push(Problem::new("G008", text).at(at).suggest(leave_out));
        None
    }

    fn secrets(&mut self, workflow: &str, entry: &WorkflowEntry, at: Place) -> Vec<SecretHash> {
        let mut written: Vec<(String, Place)> =
            entry.secrets.iter().map(|secret| (secret.value.clone(), self.at(secret))).collect();
        if let Some(file) = &entry.secrets_file {
            let place = self.at(file);
            match fs::read_to_string(self.folder.join(&file.value)) {
                Ok(text) => {
                    let lines = text.lines().filter(|line| !line.trim().is_empty());
                    written.extend(lines.map(|line| (line.to_owned(), place.clone())));
                }
                Err(why) => {
                    let text = format!("{} cannot be read: {why}", file.value.display());
                    self.problems.push(Problem::new("G002", text).at(place));
                    return Vec::new();
                }
            }
        }
        if written.is_empty() || written.len() > 2 {
            let text =
                format!("the workflow {workflow} needs one secret, or two while one replaces the other");
            let suggestion = "`hl7-gateway keys new` makes a secret and its hash";
            self.problems.push(Problem::new("G009", text).at(at).suggest(suggestion));
        }
        let mut hashes = Vec::new();
        for (text, place) in written {
            match text.parse() {
                Ok(hash) => hashes.push(hash),
                Err(shape) => self.problems.push(Problem::new("G010", shape).at(place)),
            }
        }
        hashes
    }

    fn mapping(&mut self, file: &Spanned<PathBuf>) -> Option<Mapping> {
        let path = self.folder.join(&file.value);
        let name = path.display().to_string();
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(why) => {
                let at = self.at(file);
                self.problems.push(Problem::new("G002", format!("{name} cannot be read: {why}")).at(at));
                return None;
            }
        };
        match Mapping::from_yaml(&text) {
            Ok(mapping) => self.tested(mapping, &name),
            Err(errors) => {
                self.problems.push(Problem::rendered(errors.render(&name, &text)));
                None
            }
        }
    }

    /// A mapping that fails its own tests would write messages that its author does not want.
    fn tested(&mut self, mapping: Mapping, name: &str) -> Option<Mapping> {
        let report = mapping.run_tests();
        if report.failed() == 0 {
            return Some(mapping);
        }
        let text = format!("{name}: {} of the mapping's own tests fail", report.failed());
        self.problems.push(Problem::new("G011", text).suggest(format!("`hl7 map test {name}` shows them")));
        None
    }

    /// Names stand in URLs, file names, logs and metrics.
    fn check_name(&mut self, name: &str, at: Place) {
        let fits = (1..=64).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_'));
        if !fits {
            let text = "a name is 1 to 64 lower-case letters, digits, - and _";
            self.problems.push(Problem::new("G012", text).at(at).suggest("such as crm-to-ehr"));
        }
    }

    fn whole(&self) -> Place {
        Place { file: self.name.clone(), line: 0, column: 0 }
    }

    fn at<T>(&self, value: &Spanned<T>) -> Place {
        Place { file: self.name.clone(), line: value.referenced.line(), column: value.referenced.column() }
    }
}

fn is_host_and_port(text: &str) -> bool {
    let Some((host, port)) = text.rsplit_once(':') else { return false };
    let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let is_host = match bracketed {
        Some(host) => host.parse::<Ipv6Addr>().is_ok(),
        None => {
            !host.is_empty()
                && host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
        }
    };
    is_host && port.parse::<u16>().is_ok_and(|port| port != 0)
}

impl From<Negative> for AckCode {
    fn from(code: Negative) -> Self {
        match code {
            Negative::AE => Self::AE,
            Negative::AR => Self::AR,
            Negative::CE => Self::CE,
            Negative::CR => Self::CR,
        }
    }
}

impl From<Decision> for Action {
    fn from(decision: Decision) -> Self {
        match decision {
            Decision::Retry => Self::Retry,
            Decision::Hold => Self::Hold,
            Decision::DeadLetter => Self::DeadLetter,
        }
    }
}
