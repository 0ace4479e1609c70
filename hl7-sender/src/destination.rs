//! Where messages go, and how.

use std::time::Duration;

use hl7_core::{AckCode, Path};

use crate::error::StartErrorKind;
use crate::policy::{Action, Policy};
use crate::retry::Retry;

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
    pub(crate) address: String,
    pub(crate) lane_key: Option<Path>,
    pub(crate) connections: usize,
    pub(crate) retry: Retry,
    pub(crate) policy: Policy,
    pub(crate) connect_timeout: Duration,
    pub(crate) ack_timeout: Duration,
    names_positive: bool,
}

impl Destination {
    /// The most connections one destination can have.
    pub const MAX_CONNECTIONS: usize = 1_000;

    /// A receiver of MLLP at `host:port`, which is resolved at each connection. The name is what [`crate::Sender::enqueue`] takes: one to 64
    /// of `A-Z a-z 0-9 _ . -`. Entries are stored under it, so it stays the same from one start to the next.
    pub fn mllp(name: impl Into<String>, address: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            address: address.into(),
            lane_key: None,
            connections: 1,
            retry: Retry::new(),
            policy: Policy::default(),
            connect_timeout: hl7_mllp::ClientBuilder::CONNECT_TIMEOUT,
            ack_timeout: hl7_mllp::ClientBuilder::ACK_TIMEOUT,
            names_positive: false,
        }
    }

    /// The place whose value chooses the lane, such as `PID-3.1`: messages with the same value keep their order, others may overtake.
    /// Messages without a value there share one lane. Without a lane key all messages of the destination are one lane.
    pub fn lane_key(mut self, path: impl LaneKey) -> Self {
        self.lane_key = Some(path.path());
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

    /// How long an acknowledgment may take. 30 seconds unless stated: too short a time makes duplicates.
    pub fn ack_timeout(mut self, time: Duration) -> Self {
        self.ack_timeout = time;
        self
    }

    /// How long making a connection may take. 10 seconds unless stated.
    pub fn connect_timeout(mut self, time: Duration) -> Self {
        self.connect_timeout = time;
        self
    }

    /// What a negative acknowledgment does. Unless stated AE holds the lane, AR and CE retry, and CR dead-letters. AA and CA always
    /// deliver.
    pub fn on(mut self, code: AckCode, action: Action) -> Self {
        self.names_positive |= !self.policy.set(code, action);
        self
    }

    pub(crate) fn check(&self) -> Result<(), StartErrorKind> {
        let in_name = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-');
        if !(1..=64).contains(&self.name.len()) || !self.name.bytes().all(in_name) {
            return Err(StartErrorKind::Name);
        }
        if !(1..=Self::MAX_CONNECTIONS).contains(&self.connections) {
            return Err(StartErrorKind::Connections);
        }
        if self.lane_key.is_some_and(|path| path.field().is_none()) {
            return Err(StartErrorKind::LaneKey);
        }
        if !self.retry.is_usable() {
            return Err(StartErrorKind::Retry);
        }
        if self.ack_timeout.is_zero() || self.connect_timeout.is_zero() {
            return Err(StartErrorKind::Timeout);
        }
        if self.names_positive { Err(StartErrorKind::Table) } else { Ok(()) }
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
