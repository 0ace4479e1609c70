//! Attempts that are over.

use std::time::SystemTime;

use crate::entry::{Record, State};

/// How many attempts of one entry a store keeps, the newest: an outage makes any number.
pub(crate) const MOST_PAST: usize = 100;

/// One attempt of an entry that is over; [`crate::Sender::attempts`] gives them.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct PastAttempt {
    /// The how manieth of the entry it was, from 1 on.
    pub number: u32,
    /// When it was written to a connection; `None` where the process ended on the way.
    pub sent_at: Option<SystemTime>,
    /// When that was over, or was found to be.
    pub ended_at: SystemTime,
    /// Why it delivered nothing, a code as in [`crate::Status::last_failure`]; `None` of one that delivered.
    pub failure: Option<String>,
    /// Whether the receiver said anything to it: an acknowledgment of any code, or that it has it.
    pub answered: bool,
}

impl PastAttempt {
    /// An attempt that delivered nothing.
    pub fn failed(number: u32, sent_at: Option<SystemTime>, ended_at: SystemTime, failure: String) -> Self {
        Self { number, sent_at, ended_at, failure: Some(failure), answered: false }
    }

    /// Whether nobody knows if the receiver has the message of it: it was written, in part at least, and not answered. What was sent after it may be a
    /// duplicate.
    pub fn is_indeterminate(&self) -> bool {
        self.failure.is_some() && !self.answered
    }

    /// The one that settled the entry, of which a store keeps no more than the entry says.
    pub(crate) fn last_of(record: &Record) -> Option<Self> {
        let ended_at = record.settled_at.filter(|_| record.failure.is_none())?;
        let sent = matches!(record.state, State::Delivered | State::Unconfirmed) && record.attempts > 0;
        sent.then(|| Self {
            number: record.attempts,
            sent_at: record.sent_at,
            ended_at,
            failure: None,
            answered: record.answered_at.is_some(),
        })
    }
}
