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
mod examiner;
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
mod severity;
mod single;

use std::time::Instant;

use tokio::time::timeout_at;

pub use examiner::Doctor;
pub use finding::Finding;
pub use probe::{Probe, UnknownProbe};
pub use question::ProcessingId;
pub use report::{Check, CheckState, Report};
pub use severity::Severity;

use crate::wire::deadline_in;
use examination::Examination;

impl Doctor {
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
