//! Where messages go, and how.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use hl7_core::Path;
use hl7_mllp::{ApplicationAcks, Client, ClientBuilder};

use crate::action::Action;
use crate::error::StartErrorKind;
use crate::file_drop::FileDrop;
use crate::files::Folder;
use crate::mllp::{Mllp, Second, Terms};
use crate::policy::{Answer, Policy};
use crate::retry::Retry;
use crate::shape;
use crate::transport::Transport;

/// The most paths that choose lanes.
const MAX_LANE_KEYS: usize = 16;

/// A receiver, under a name.
///
/// ```
/// use hl7_core::{AckCode, path};
/// use hl7_sender::{Action, Destination};
///
/// let ehr = Destination::mllp("ehr", "ehr.example:2575")
///     .lane_key(path!("PID-3.1"))
///     .connections(4)
///     .on(AckCode::AE, Action::DeadLetter);
/// # let _ = ehr;
/// ```
#[derive(Clone, Debug)]
pub struct Destination {
    pub(crate) name: String,
    way: Way,
    pub(crate) lane_keys: Vec<Path>,
    pub(crate) connections: usize,
    pub(crate) retry: Retry,
    pub(crate) policy: Policy,
    pub(crate) settle_on: SettleOn,
    listener: Option<(ApplicationAcks, Duration)>,
    pub(crate) unconfirmed: bool,
    has_zero_timeout: bool,
}

/// How a destination is reached.
#[derive(Clone)]
enum Way {
    Mllp { address: String, client: Box<ClientBuilder> },
    Files(FileDrop),
    Other(Arc<dyn Transport>),
}

/// Which acknowledgment settles a message that asks for both of enhanced mode.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[non_exhaustive]
pub enum SettleOn {
    /// The accept acknowledgment (`CA`): the receiver has the message in safe keeping.
    #[default]
    Accept,
    /// The application acknowledgment, where MSH-16 asks for one: on the same connection, or where [`Destination::application_acks`] says. The lane stands
    /// as long as it is awaited. When it does not come, or the process ends during the wait, the message is not sent again, because the receiver has it: it
    /// ends as [`crate::State::Unconfirmed`].
    Application,
}

impl Destination {
    /// The most connections one destination can have.
    pub const MAX_CONNECTIONS: usize = 1_000;
    /// The most lanes one message can stand in.
    pub const MAX_LANES: usize = 64;

    /// A receiver of MLLP at `host:port`, which is resolved at each connection. The name is what [`crate::Sender::enqueue`] takes: one to 64
    /// of `A-Z a-z 0-9 _ . -`. Entries are stored under it, so it stays the same from one start to the next.
    pub fn mllp(name: impl Into<String>, address: impl Into<String>) -> Self {
        Self::mllp_with(name, address, Client::builder())
    }

    /// The same by a client with other settings than the defaults: TLS (with the feature `tls`), a proxy, the address to connect from, MLLP release 2,
    /// acknowledgments without MSA-2, frame characters of the receiver's own, a resolver, limits.
    ///
    /// The client's [`reconnect`](ClientBuilder::reconnect) is turned off: every attempt is the sender's and on record.
    ///
    /// ```
    /// use hl7_mllp::Client;
    /// use hl7_sender::Destination;
    /// let ehr = Destination::mllp_with("ehr", "ehr.example:2575", Client::builder().release2(true));
    /// # let _ = ehr;
    /// ```
    pub fn mllp_with(name: impl Into<String>, address: impl Into<String>, client: ClientBuilder) -> Self {
        Self::by(name, Way::Mllp { address: address.into(), client: Box::new(client) })
    }

    /// A folder into which messages are put, one a file. The name is as for [`Destination::mllp`].
    ///
    /// That a file is there for good says nothing of who reads it: each message ends as [`crate::State::Unconfirmed`] once its file is durable, never as
    /// delivered, whatever it asks for in MSH-15 and MSH-16.
    pub fn files(name: impl Into<String>, files: FileDrop) -> Self {
        Self::by(name, Way::Files(files)).unconfirmed()
    }

    /// A receiver that is reached by a transport of the program's own. The name is as for [`Destination::mllp`].
    pub fn over(name: impl Into<String>, transport: impl Transport) -> Self {
        Self::by(name, Way::Other(Arc::new(transport)))
    }

    fn by(name: impl Into<String>, way: Way) -> Self {
        Self {
            name: name.into(),
            way,
            lane_keys: Vec::new(),
            connections: 1,
            retry: Retry::new(),
            policy: Policy::default(),
            settle_on: SettleOn::Accept,
            listener: None,
            unconfirmed: false,
            has_zero_timeout: false,
        }
    }

    /// The place whose value chooses the lane, such as `PID-3.1`: messages with the same value keep their order, others may overtake.
    /// Messages without a value there share one lane. Without a lane key all messages of the destination are one lane.
    ///
    /// Every value that the path gives is a key: with `PID[*]-3.1` those of all patients of the message. See [`Destination::lane_keys`].
    pub fn lane_key(self, path: impl LaneKey) -> Self {
        self.lane_keys([path])
    }

    /// The places whose values choose the lanes, at most 16. A message stands in the lane of each value, and is sent when it is the first of all of them:
    /// a merge waits for what came before it for either patient, and what comes later for either waits for the merge.
    ///
    /// ```
    /// use hl7_core::path;
    /// use hl7_sender::Destination;
    /// let ehr = Destination::mllp("ehr", "ehr.example:2575").lane_keys([path!("PID[*]-3.1"), path!("MRG[*]-1.1")]);
    /// # let _ = ehr;
    /// ```
    ///
    /// Values are compared as text, wherever they stand. A message with more than [`Destination::MAX_LANES`] of them is refused.
    pub fn lane_keys<K: LaneKey>(mut self, paths: impl IntoIterator<Item = K>) -> Self {
        self.lane_keys = paths.into_iter().map(LaneKey::path).collect();
        self
    }

    /// How many connections there are at most, 1 to 1,000. Each serves one lane at a time. One unless stated: many receivers take no
    /// more.
    pub fn connections(mut self, connections: usize) -> Self {
        self.connections = connections;
        self
    }

    /// When a message is sent again.
    pub fn retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// MLLP: how long an acknowledgment may take. 30 seconds unless stated: too short a time makes duplicates.
    pub fn ack_timeout(self, time: Duration) -> Self {
        self.client(time, ClientBuilder::ack_timeout)
    }

    /// MLLP: how long making a connection may take. 10 seconds unless stated.
    pub fn connect_timeout(self, time: Duration) -> Self {
        self.client(time, ClientBuilder::connect_timeout)
    }

    /// What is done after an answer that is not positive: an [`hl7_core::AckCode`] or another [`Answer`]. [`Policy`] has the table that holds where
    /// nothing is stated.
    pub fn on(mut self, answer: impl Into<Answer>, action: Action) -> Self {
        self.policy = self.policy.on(answer, action);
        self
    }

    /// The whole table of what is done after each answer, such as [`Policy::mirth`].
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// Which acknowledgment settles a message that asks for both of enhanced mode. The accept acknowledgment unless stated.
    pub fn settle_on(mut self, acknowledgment: SettleOn) -> Self {
        self.settle_on = acknowledgment;
        self
    }

    /// MLLP: settles on the application acknowledgment, of a receiver that sends it on a connection of its own to a listener of this side's, whose handler
    /// hands it in ([`ApplicationAcks::take`]). It is awaited for `within` from the sending of the message on.
    pub fn application_acks(mut self, acks: ApplicationAcks, within: Duration) -> Self {
        self.has_zero_timeout |= within.is_zero();
        self.listener = Some((acks, within));
        self.settle_on(SettleOn::Application)
    }

    /// Takes messages that ask for no positive acknowledgment in MSH-15 and MSH-16, which are refused otherwise. Such a message is written, and
    /// nothing is awaited: it ends as [`crate::State::Unconfirmed`], never as delivered, and it is lost where the connection breaks just then.
    pub fn unconfirmed(mut self) -> Self {
        self.unconfirmed = true;
        self
    }

    fn client(mut self, time: Duration, set: impl FnOnce(ClientBuilder, Duration) -> ClientBuilder) -> Self {
        self.has_zero_timeout |= time.is_zero();
        if let Way::Mllp { address, client } = self.way {
            self.way = Way::Mllp { address, client: Box::new(set(*client, time)) };
        }
        self
    }

    pub(crate) fn transport(&self) -> Arc<dyn Transport> {
        match &self.way {
            Way::Other(transport) => Arc::clone(transport),
            Way::Files(files) => Arc::new(Folder::new(files.clone())),
            Way::Mllp { address, client } => {
                let terms = Terms { second: self.second(), unconfirmed: self.unconfirmed };
                Arc::new(Mllp::new(address.clone(), client.as_ref().clone(), terms))
            }
        }
    }

    fn second(&self) -> Second {
        match (self.settle_on, &self.listener) {
            (SettleOn::Accept, _) => Second::Nowhere,
            (SettleOn::Application, None) => Second::SameConnection,
            (SettleOn::Application, Some((acks, within))) => Second::Listener(acks.clone(), *within),
        }
    }

    pub(crate) fn check(&self) -> Result<(), StartErrorKind> {
        if !shape::is_name(&self.name) {
            return Err(StartErrorKind::Name);
        }
        if !(1..=Self::MAX_CONNECTIONS).contains(&self.connections) {
            return Err(StartErrorKind::Connections);
        }
        let unusable = |path: &Path| path.field().is_none();
        if self.lane_keys.len() > MAX_LANE_KEYS || self.lane_keys.iter().any(unusable) {
            return Err(StartErrorKind::LaneKey);
        }
        if !self.retry.is_usable() {
            return Err(StartErrorKind::Retry);
        }
        if matches!(&self.way, Way::Files(files) if !files.is_usable()) {
            return Err(StartErrorKind::FileName);
        }
        if self.has_zero_timeout {
            return Err(StartErrorKind::Timeout);
        }
        if self.policy.names_positive() { Err(StartErrorKind::Table) } else { Ok(()) }
    }
}

impl fmt::Debug for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mllp { address, client } => {
                f.debug_struct("Mllp").field("address", address).field("client", client).finish()
            }
            Self::Files(files) => files.fmt(f),
            Self::Other(_) => f.debug_struct("Other").finish_non_exhaustive(),
        }
    }
}

/// A lane key: a [`Path`] or a reference to one, as [`hl7_core::path!`] gives it.
pub trait LaneKey {
    /// The path.
    fn path(self) -> Path;
}

impl LaneKey for Path {
    fn path(self) -> Path {
        self
    }
}

impl LaneKey for &Path {
    fn path(self) -> Path {
        *self
    }
}
