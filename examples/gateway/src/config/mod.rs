//! The configuration file: what it may say, and what is wrong with it.
//!
//! ```yaml
//! data: ./data
//! connections:
//!   ehr: { mllp: "ehr.example:2575" }
//! workflows:
//!   crm-to-ehr: { mapping: crm-to-adt.yaml, to: ehr, secrets: [ "sha256:..." ] }
//! listeners:
//!   adt-in: { address: "0.0.0.0:2575", routes: [ { when: "MSH-9.1 == ADT", to: ehr } ] }
//! ```
//!
//! Every key is described in the gateway's README.

mod connection;
pub(crate) mod duration;
mod error;
mod listener;
mod outbox;
mod policy;
mod proxy;
mod retry;
mod several;
mod tls;
mod workflow;

use std::collections::BTreeMap;
use std::fmt::Display;
use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_saphyr::Spanned;

pub(crate) use self::connection::{Connection, Way};
pub(crate) use self::error::ConfigError;
use self::error::{Place, Problem};
pub(crate) use self::listener::ListenerConfig;
pub(crate) use self::outbox::OutboxLimits;
pub(crate) use self::workflow::WorkflowConfig;

/// A configuration that has been checked.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) data: PathBuf,
    pub(crate) listen: SocketAddr,
    pub(crate) status: SocketAddr,
    pub(crate) max_body: usize,
    pub(crate) outbox: OutboxLimits,
    pub(crate) connections: Vec<Connection>,
    pub(crate) workflows: Vec<WorkflowConfig>,
    pub(crate) listeners: Vec<ListenerConfig>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    data: PathBuf,
    listen: Option<Spanned<String>>,
    status: Option<Spanned<String>>,
    max_body_bytes: Option<Spanned<u64>>,
    outbox: Option<Spanned<outbox::Entry>>,
    connections: BTreeMap<String, Spanned<connection::Entry>>,
    #[serde(default)]
    workflows: BTreeMap<String, Spanned<workflow::Entry>>,
    #[serde(default)]
    listeners: BTreeMap<String, Spanned<listener::Entry>>,
}

const DEFAULT_LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);
const DEFAULT_STATUS: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8081);
/// A webhook payload is a few kilobytes; a megabyte leaves room for an embedded document.
const DEFAULT_MAX_BODY: usize = 1024 * 1024;
/// The outbox takes messages of 16 MiB, and no payload makes a longer one that is of use.
const MOST_BODY: usize = 16 * 1024 * 1024;

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
        Checker { name, text, folder, problems: Vec::new() }.check(parsed)
    }

    /// Every address that is listened at, with what is served there.
    fn addresses(&self) -> Vec<(String, SocketAddr)> {
        let webhooks = (!self.workflows.is_empty()).then(|| ("the webhooks".to_owned(), self.listen));
        let listeners = self.listeners.iter().map(|one| (format!("the listener {}", one.name), one.address));
        webhooks.into_iter().chain([("the status page".to_owned(), self.status)]).chain(listeners).collect()
    }
}

fn unreadable(name: &str, why: &io::Error) -> ConfigError {
    ConfigError::of(Problem::new("G002", format!("{name} cannot be read: {why}")))
}

/// Turns what the file says into a [`Config`], collecting what is wrong.
struct Checker {
    name: String,
    text: String,
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
        let max_body = file.max_body_bytes.as_ref();
        let max_body = max_body.and_then(|n| self.number("G015", "max_body_bytes", n, 1..=MOST_BODY));
        let names: Vec<String> = file.connections.keys().cloned().collect();
        let outbox = self.outbox(file.outbox);
        let ports: Vec<String> = file.listeners.keys().cloned().collect();
        let connections = self.connections(file.connections, &ports);
        if file.workflows.is_empty() && file.listeners.is_empty() {
            let problem = Problem::new("G014", "there is neither a workflow nor a listener: nothing to do");
            self.problems.push(problem.at(self.whole()).suggest("add one under workflows: or listeners:"));
        }
        let starters: Vec<String> = file.workflows.keys().cloned().collect();
        let workflows = self.workflows(file.workflows, &names);
        let listeners = self.listeners(file.listeners, &names, &starters);
        let max_body = max_body.unwrap_or(DEFAULT_MAX_BODY);
        let data = self.folder.join(file.data);
        let config = Config { data, listen, status, max_body, outbox, connections, workflows, listeners };
        self.shared_addresses(&config);
        if self.problems.is_empty() { Ok(config) } else { Err(ConfigError::all(self.problems)) }
    }

    /// Of two that are served at one address, only one would get it.
    fn shared_addresses(&mut self, config: &Config) {
        let all = config.addresses();
        for (index, (what, address)) in all.iter().enumerate().filter(|(_, (_, at))| at.port() != 0) {
            if let Some((other, _)) = all.iter().take(index).find(|(_, at)| at == address) {
                let problem = Problem::new("G016", format!("{other} and {what} cannot share {address}"));
                let suggestion = "give each a port of its own";
                self.problems.push(problem.at(self.whole()).suggest(suggestion));
            }
        }
    }

    fn address(&mut self, stated: Option<&Spanned<String>>, default: SocketAddr) -> SocketAddr {
        let Some(stated) = stated else { return default };
        stated.value.parse().unwrap_or_else(|_| {
            let problem = Problem::new("G013", "this is not an IP address and a port");
            self.problems.push(problem.at(self.at(stated)).suggest(format!("write it as {default}")));
            default
        })
    }

    /// A host and a port as they are.
    fn host_and_port(&mut self, key: &str, stated: &Spanned<String>) {
        if !is_host_and_port(&stated.value) {
            let problem = Problem::new("G004", format!("{key} is not a host and a port"));
            self.problems.push(problem.at(self.at(stated)).suggest("write it as ehr.example:2575"));
        }
    }

    /// The connection of this name, if there is one.
    fn known(&mut self, who: &str, name: String, at: Place, connections: &[String]) -> Option<String> {
        if connections.contains(&name) {
            return Some(name);
        }
        let text = format!("{who} sends to a connection that is not there");
        let known = connections.join(", ");
        self.problems.push(Problem::new("G007", text).at(at).suggest(format!("there are: {known}")));
        None
    }

    fn number<N>(
        &mut self,
        code: &'static str,
        key: &str,
        stated: &Spanned<u64>,
        range: RangeInclusive<N>,
    ) -> Option<N>
    where
        N: TryFrom<u64> + PartialOrd + Display,
    {
        if let Some(number) = N::try_from(stated.value).ok().filter(|number| range.contains(number)) {
            return Some(number);
        }
        let text = format!("{key} is a number from {} to {}", range.start(), range.end());
        self.problems.push(Problem::new(code, text).at(self.at(stated)));
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

    /// The text of a file that the configuration names.
    fn read(&mut self, file: &Path, at: Place) -> Option<String> {
        let read = fs::read_to_string(self.folder.join(file));
        let failed = |why| Problem::new("G002", format!("{} cannot be read: {why}", file.display())).at(at);
        read.map_err(|why| self.problems.push(failed(why))).ok()
    }

    fn whole(&self) -> Place {
        Place { file: self.name.clone(), line: 0, column: 0 }
    }

    fn at<T>(&self, value: &Spanned<T>) -> Place {
        Place { file: self.name.clone(), line: value.referenced.line(), column: value.referenced.column() }
    }

    /// The place of the `offset`-th byte of a text, where the file has the text as it is on one line; else where it begins.
    fn within(&self, value: &Spanned<String>, offset: usize) -> Place {
        let mut place = self.at(value);
        let line =
            usize::try_from(place.line).ok().and_then(|line| self.text.lines().nth(line.checked_sub(1)?));
        let begin = usize::try_from(place.column).unwrap_or(1).saturating_sub(1);
        let here: String = line.unwrap_or_default().chars().skip(begin).collect();
        let quotes = usize::from(here.starts_with(['"', '\'']));
        if here.get(quotes..).is_some_and(|text| text.starts_with(&value.value)) {
            let before = value.value.get(..offset).map_or(0, |before| before.chars().count());
            place.column += u64::try_from(quotes + before).unwrap_or_default();
        }
        place
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
