//! What an examination goes by.

use std::fmt;
use std::time::Duration;

use hl7_core::Message;

use super::probe::Probe;
use super::question::ProcessingId;
use crate::client::ClientBuilder;

/// Examines receivers. Its methods set what one examination uses; each default has its reason.
#[derive(Clone)]
pub struct Doctor {
    pub(super) client: ClientBuilder,
    pub(super) ack_timeout: Duration,
    pub(super) quiet: Duration,
    pub(super) idle: Duration,
    pub(super) deadline: Duration,
    pub(super) processing: ProcessingId,
    pub(super) message: Option<Message<'static>>,
    pub(super) probes: Vec<Probe>,
}

impl Doctor {
    /// How long an acknowledgment may take: 10 seconds. Shorter than what [`crate::Client`] allows, as a receiver that needs longer for one
    /// message with nothing else to do will need too long under load.
    pub const ACK_TIMEOUT: Duration = Duration::from_secs(10);
    /// How long is listened for what should not come: 300 milliseconds, longer than a second answer is behind the first in practice.
    pub const QUIET: Duration = Duration::from_millis(300);
    /// How long the pause of [`Probe::Idle`] is: 5 seconds. Receivers that close that soon close between any two messages.
    pub const IDLE: Duration = Duration::from_secs(5);
    /// How long the whole may take: 3 minutes, enough for ten probes that each wait for an acknowledgment that does not come.
    pub const DEADLINE: Duration = Duration::from_secs(180);

    /// One with the defaults, and the probes of [`Probe::STANDARD`].
    pub fn new() -> Self {
        Self {
            client: ClientBuilder::default(),
            ack_timeout: Self::ACK_TIMEOUT,
            quiet: Self::QUIET,
            idle: Self::IDLE,
            deadline: Self::DEADLINE,
            processing: ProcessingId::Training,
            message: None,
            probes: Probe::STANDARD.to_vec(),
        }
    }

    /// Connects as this client would: within its time, over its route, with its TLS. What it says of messages and acknowledgments is not looked at.
    pub fn client(mut self, client: ClientBuilder) -> Self {
        self.client = client;
        self
    }

    /// How long each acknowledgment may take. The plain message is waited for twice as long, to tell late from never.
    pub fn ack_timeout(mut self, time: Duration) -> Self {
        self.ack_timeout = time;
        self
    }

    /// How long is listened for what should not come.
    pub fn quiet(mut self, time: Duration) -> Self {
        self.quiet = time;
        self
    }

    /// How long the pause of [`Probe::Idle`] is.
    pub fn idle(mut self, time: Duration) -> Self {
        self.idle = time;
        self
    }

    /// How long the whole examination may take.
    pub fn deadline(mut self, time: Duration) -> Self {
        self.deadline = time;
        self
    }

    /// MSH-11 of the test messages.
    pub fn processing_id(mut self, id: ProcessingId) -> Self {
        self.processing = id;
        self
    }

    /// Sends this message instead of our own, for receivers that take others only. MSH-10, MSH-11, MSH-15 and MSH-16 are changed, and by
    /// some probes MSH-9, MSH-18 and PID-5.
    pub fn message(mut self, message: Message<'static>) -> Self {
        self.message = Some(message);
        self
    }

    /// Uses these probes; [`Probe::Reach`] and [`Probe::Message`] always come first.
    pub fn probes(mut self, probes: impl IntoIterator<Item = Probe>) -> Self {
        self.probes = probes.into_iter().chain([Probe::Reach, Probe::Message]).collect();
        self.probes.sort_unstable();
        self.probes.dedup();
        self
    }
}

impl Default for Doctor {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Doctor {
    /// Leaves the message out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Doctor")
            .field("ack_timeout", &self.ack_timeout)
            .field("deadline", &self.deadline)
            .field("probes", &self.probes)
            .finish_non_exhaustive()
    }
}
