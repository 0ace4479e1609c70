//! `connections:`, each a receiver of MLLP or a folder.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use hl7_mllp::tls::ClientTls;
use hl7_mllp::{Client, ClientBuilder};
use hl7_sender::{FileDrop, Policy, Retry, SettleOn};
use serde::Deserialize;
use serde_saphyr::Spanned;

use super::error::{Place, Problem};
use super::several::Several;
use super::{Checker, duration, policy, proxy, retry, tls};

/// A named connection to a receiver.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) name: String,
    pub(crate) way: Way,
    pub(crate) lane_keys: Vec<hl7_core::Path>,
    pub(crate) connections: Option<usize>,
    pub(crate) policy: Policy,
    pub(crate) retry: Retry,
    pub(crate) settle_on: SettleOn,
    pub(crate) unconfirmed: bool,
    pub(crate) application_acks: Option<ApplicationAcksAt>,
}

/// Where application acknowledgments come in on connections of their own, and how long they are awaited.
#[derive(Debug)]
pub(crate) struct ApplicationAcksAt {
    pub(crate) listener: String,
    pub(crate) within: Duration,
}

/// How a receiver is reached.
#[derive(Debug)]
pub(crate) enum Way {
    Mllp { address: String, client: Box<ClientBuilder>, tls: Option<ClientTls> },
    Folder { path: PathBuf, files: FileDrop },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    mllp: Option<Spanned<String>>,
    folder: Option<Spanned<PathBuf>>,
    files: Option<Spanned<String>>,
    group_readable: Option<bool>,
    tls: Option<Spanned<tls::Sending>>,
    proxy: Option<Spanned<proxy::Entry>>,
    from: Option<IpAddr>,
    interface: Option<String>,
    release2: Option<bool>,
    lane_key: Option<Spanned<Several>>,
    connections: Option<Spanned<u64>>,
    #[serde(default, deserialize_with = "duration::deserialize")]
    ack_timeout: Option<Duration>,
    #[serde(default, deserialize_with = "duration::deserialize")]
    application_timeout: Option<Duration>,
    #[serde(default, deserialize_with = "duration::deserialize")]
    connect_timeout: Option<Duration>,
    preset: Option<policy::Preset>,
    /// What is done after an answer that is not positive.
    #[serde(default)]
    on: BTreeMap<policy::Row, policy::Decision>,
    retry: Option<Spanned<retry::Entry>>,
    settle_on: Option<Settling>,
    application_acks: Option<Spanned<String>>,
    unconfirmed: Option<bool>,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
enum Settling {
    Accept,
    Application,
}

/// A receiver that takes more connections from one sender is not known; each costs both sides a socket.
const MAX_CONNECTIONS: usize = 256;
/// As many as the sender takes.
const MAX_LANE_KEYS: usize = 16;

impl Checker {
    pub(super) fn connections(
        &mut self,
        entries: BTreeMap<String, Spanned<Entry>>,
        listeners: &[String],
    ) -> Vec<Connection> {
        let mut all = Vec::new();
        for (name, entry) in entries {
            let at = self.at(&entry);
            self.check_name(&name, at.clone());
            all.extend(self.connection(name, entry.value, at, listeners));
        }
        all
    }

    fn connection(
        &mut self,
        name: String,
        mut entry: Entry,
        at: Place,
        listeners: &[String],
    ) -> Option<Connection> {
        let connections = entry.connections.take();
        let connections =
            connections.and_then(|n| self.number("G006", "connections", &n, 1..=MAX_CONNECTIONS));
        let lane_keys = self.lane_keys(entry.lane_key.take());
        let policy = policy::policy(entry.preset, std::mem::take(&mut entry.on));
        let retry = entry.retry.take().map_or_else(Retry::new, |stated| self.retry(stated));
        let settle_on = match entry.settle_on {
            Some(Settling::Application) => SettleOn::Application,
            Some(Settling::Accept) | None => SettleOn::Accept,
        };
        let unconfirmed = entry.unconfirmed.unwrap_or_default();
        let application_acks = self.application_acks(&entry, listeners);
        let way = self.way(entry, at)?;
        Some(Connection {
            name,
            way,
            lane_keys,
            connections,
            policy,
            retry,
            settle_on,
            unconfirmed,
            application_acks,
        })
    }

    fn application_acks(&mut self, entry: &Entry, listeners: &[String]) -> Option<ApplicationAcksAt> {
        let stated = entry.application_acks.as_ref()?;
        let within = entry.application_timeout.unwrap_or(ClientBuilder::APPLICATION_TIMEOUT);
        let (text, suggestion) = if !listeners.contains(&stated.value) {
            let known = listeners.join(", ");
            ("application_acks names a listener that is not there", format!("there are: {known}"))
        } else if entry.settle_on == Some(Settling::Accept) {
            ("application_acks are not awaited with settle_on: accept", "take one of them out".to_owned())
        } else {
            return Some(ApplicationAcksAt { listener: stated.value.clone(), within });
        };
        self.problems.push(Problem::new("G034", text).at(self.at(stated)).suggest(suggestion));
        None
    }

    fn way(&mut self, mut entry: Entry, at: Place) -> Option<Way> {
        match (entry.mllp.take(), entry.folder.take()) {
            (Some(address), None) => self.mllp(address, entry, at),
            (None, Some(path)) => self.folder(path, entry, at),
            _ => {
                let problem = Problem::new("G017", "a connection is either mllp or folder").at(at);
                self.problems.push(problem.suggest("mllp: ehr.example:2575, or folder: ./archive"));
                None
            }
        }
    }

    fn mllp(&mut self, address: Spanned<String>, entry: Entry, at: Place) -> Option<Way> {
        self.host_and_port("mllp", &address);
        let odd = [("files", entry.files.is_some()), ("group_readable", entry.group_readable.is_some())];
        self.no_place_for(&odd, "mllp", at);
        let secured = entry.tls.is_some();
        let tls = entry.tls.and_then(|stated| self.client_tls(stated));
        let mut client = Client::builder();
        if let Some(stated) = entry.proxy {
            client = self.proxy(stated).into_iter().fold(client, ClientBuilder::proxy);
        }
        client = entry.from.into_iter().fold(client, ClientBuilder::source);
        client = entry.interface.into_iter().fold(client, ClientBuilder::interface);
        client = entry.release2.into_iter().fold(client, ClientBuilder::release2);
        client = entry.ack_timeout.into_iter().fold(client, ClientBuilder::ack_timeout);
        client = entry.application_timeout.into_iter().fold(client, ClientBuilder::application_timeout);
        client = entry.connect_timeout.into_iter().fold(client, ClientBuilder::connect_timeout);
        client = tls.clone().into_iter().fold(client, ClientBuilder::tls);
        // What is to be secured never goes out in clear, whatever else is wrong.
        (tls.is_some() || !secured).then(|| Way::Mllp {
            address: address.value,
            client: Box::new(client),
            tls,
        })
    }

    fn folder(&mut self, path: Spanned<PathBuf>, entry: Entry, at: Place) -> Option<Way> {
        let odd = [
            ("tls", entry.tls.is_some()),
            ("proxy", entry.proxy.is_some()),
            ("from", entry.from.is_some()),
            ("interface", entry.interface.is_some()),
            ("release2", entry.release2.is_some()),
            ("ack_timeout", entry.ack_timeout.is_some()),
            ("application_timeout", entry.application_timeout.is_some()),
            ("connect_timeout", entry.connect_timeout.is_some()),
            ("preset", entry.preset.is_some()),
            ("settle_on", entry.settle_on.is_some()),
            ("application_acks", entry.application_acks.is_some()),
            ("unconfirmed", entry.unconfirmed.is_some()),
        ];
        self.no_place_for(&odd, "folder", at);
        let place = self.folder.join(&path.value);
        if !place.is_dir() {
            let problem = Problem::new("G033", format!("there is no folder {}", place.display()));
            self.problems.push(problem.at(self.at(&path)).suggest("make it, writable for the gateway"));
        }
        let mut files = FileDrop::new(&place);
        if let Some(template) = entry.files {
            self.check_template(&template);
            files = files.named(template.value);
        }
        if entry.group_readable.unwrap_or_default() {
            files = files.group_readable();
        }
        Some(Way::Folder { path: place, files })
    }

    fn check_template(&mut self, template: &Spanned<String>) {
        let rest = template.value.replace("{entry}", "").replace("{time}", "");
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-');
        let fits = template.value.contains("{entry}")
            && !template.value.starts_with('.')
            && template.value.len() <= 100
            && rest.bytes().all(plain);
        if !fits {
            let text = "files is a name with {entry}, of letters, digits, _ . - and perhaps {time}";
            let suggestion = format!("the default is \"{}\"", FileDrop::TEMPLATE);
            self.problems.push(Problem::new("G033", text).at(self.at(template)).suggest(suggestion));
        }
    }

    /// A key that does nothing hides a mistake.
    fn no_place_for(&mut self, keys: &[(&str, bool)], way: &str, at: Place) {
        for (key, _) in keys.iter().filter(|(_, stated)| *stated) {
            let text = format!("{key} has no meaning for a connection with {way}");
            self.problems.push(Problem::new("G028", text).at(at.clone()).suggest("take it out"));
        }
    }

    fn lane_keys(&mut self, stated: Option<Spanned<Several>>) -> Vec<hl7_core::Path> {
        let stated = self.several(stated);
        if let Some((_, at)) = stated.get(MAX_LANE_KEYS) {
            let text = format!("lane_key has at most {MAX_LANE_KEYS} paths");
            self.problems
                .push(Problem::new("G005", text).at(at.clone()).suggest("patients have two or three"));
        }
        stated.into_iter().filter_map(|(text, at)| self.lane_key(&text, at)).collect()
    }

    fn lane_key(&mut self, text: &str, at: Place) -> Option<hl7_core::Path> {
        match text.parse::<hl7_core::Path>() {
            Ok(path) if path.field().is_some() => Some(path),
            parsed => {
                let why = parsed.err().map_or_else(|| "it names no field".to_owned(), |why| why.to_string());
                let problem = Problem::new("G005", format!("lane_key is not an HL7 path: {why}")).at(at);
                self.problems.push(problem.suggest("a usual one is PID-3.1"));
                None
            }
        }
    }
}
