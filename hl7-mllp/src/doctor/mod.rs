//! The doctor: certifies a receiver, and names what is wrong with it.
//!
//! It connects as a sender would, sends test messages, and looks at what comes back: the frame byte for byte, MSA-2, the time, and how the
//! receiver behaves when messages come in pieces, without waiting, after a pause, again, in enhanced mode.
//!
//! ```
//! use hl7_mllp::{Doctor, Reply, Request, Server};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let server = Server::bind("127.0.0.1:0").await?;
//! let addr = server.local_addr()?.to_string();
//! tokio::spawn(server.serve(|req: Request| async move { Reply::accept(&req) }));
//!
//! # let (quiet, idle) = (std::time::Duration::from_millis(20), std::time::Duration::from_millis(20));
//! let report = Doctor::new().quiet(quiet).idle(idle).examine(&addr).await;
//! assert!(report.is_clean(), "{report}");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What the receiver gets
//!
//! Test messages: `ADT^A04` of a patient who is none, or the caller's message, with MSH-11 `T` unless stated otherwise, about twenty of them,
//! each with a control ID of its own; [`Report::control_id_prefix`] says what all of them start with. The probes of
//! [`Probe::STANDARD`] send well-formed messages only. Those of [`Probe::ON_REQUEST`] send what a receiver can stumble over, and are
//! used when they are asked for. **A receiver that takes no account of MSH-11 takes the messages for real ones.**
//!
//! # Codes
//!
//! A finding has a stable code: `D1..` reaching the receiver, `D2..` answering at all and keeping the connection, `D3..` the frame, `D4..` what
//! the answer says, `D5..` MSA-2, `D6..` refusals, `D7..` the conduct of the connection, `D9..` the examination itself.
//!
//! What was seen of a fault, what is right and what to do stand in each [`Finding`].
//!
#![doc = include_str!("fault/codes.md")]
//!
//! When the plain message is not answered properly the probes behind it are skipped: what they could find would follow from that.

mod answer;
mod examination;
mod fault;
mod finding;
mod frame;
mod hearing;
mod line;
mod on_request;
mod probe;
mod question;
mod report;
mod several;
mod single;

use std::fmt;
use std::time::{Duration, Instant};

use hl7_core::Message;
use tokio::time::timeout_at;

pub use finding::{Finding, Severity};
pub use probe::{Probe, UnknownProbe};
pub use question::ProcessingId;
pub use report::{Check, CheckState, Report};

use crate::client::ClientBuilder;
use crate::wire::deadline_in;
use examination::Examination;

/// Examines receivers. Its methods set what one examination uses; each default has its reason.
#[derive(Clone)]
pub struct Doctor {
    client: ClientBuilder,
    ack_timeout: Duration,
    quiet: Duration,
    idle: Duration,
    deadline: Duration,
    processing: ProcessingId,
    message: Option<Message<'static>>,
    probes: Vec<Probe>,
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

    /// Examines the receiver at `host:port`. It ends at its deadline at the latest.
    pub async fn examine(&self, addr: &str) -> Report {
        let begun = Instant::now();
        let mut examination = Examination::new(self, addr);
        if timeout_at(deadline_in(self.deadline), examination.run()).await.is_err() {
            examination.out_of_time();
        }
        examination.report(begun.elapsed())
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
