//! One message and its acknowledgment: which answer ends the wait, and which ends the connection. The time is an argument.

use std::fmt;
use std::time::Instant;

use hl7_core::AckCode;
pub use hl7_core::AckMode;

use crate::acknowledgment::{Acknowledgment, AcknowledgmentError};
use crate::block::Block;

/// The wait for the acknowledgment of one message.
///
/// It ends well at the first acknowledgment whose MSA-2 is the message's MSH-10, byte for byte. Where the message asks for none in
/// MSH-15, a `CA` is passed over once and the application acknowledgment awaited; `CE` and `CR` end the wait, as nothing
/// follows them. Everything else is a doubt, and a doubt ends the connection.
///
/// ```
/// use std::time::{Duration, Instant};
/// use hl7_mllp::{AckMode, Block, Exchange, Step};
///
/// let now = Instant::now();
/// let mut exchange = Exchange::new("m-1", AckMode::Original, now + Duration::from_secs(30));
/// let answer = Block::new(&b"MSH|^~\\&|A\rMSA|AA|m-1\r"[..]);
/// let Step::Done(ack) = exchange.handle_block(answer, now) else { unreachable!() };
/// assert!(ack.code().is_positive());
/// ```
pub struct Exchange {
    control_id: String,
    mode: AckMode,
    deadline: Instant,
    commit_passed: bool,
    ended: bool,
}

/// What an [`Exchange`] asks of its connection.
#[derive(Debug)]
#[non_exhaustive]
pub enum Step {
    /// The message is acknowledged.
    Done(Acknowledgment),
    /// Go on reading, until [`Exchange::deadline`].
    Wait,
    /// Nothing can be known any more: close the connection.
    Refused(Refusal),
}

/// Why an answer, or none, ends an exchange in doubt.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Refusal {
    /// No acknowledgment before the deadline.
    TimedOut,
    /// The block is no acknowledgment.
    NotAnAcknowledgment(AcknowledgmentError),
    /// MSA-2 is missing.
    MissingControlId,
    /// MSA-2 names another message.
    OtherControlId,
    /// A block more than the exchange has room for.
    Repeated,
}

impl Exchange {
    /// The exchange of a message with this MSH-10 (as sent, not unescaped), to be acknowledged before `deadline`.
    pub fn new(control_id: &str, mode: AckMode, deadline: Instant) -> Self {
        Self { control_id: control_id.to_owned(), mode, deadline, commit_passed: false, ended: false }
    }

    /// When the wait ends.
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Takes the next block received. One that comes after the deadline is refused as late.
    pub fn handle_block(&mut self, block: Block, now: Instant) -> Step {
        if self.ended {
            return Step::Refused(Refusal::Repeated);
        }
        if now >= self.deadline {
            return self.refuse(Refusal::TimedOut);
        }
        let ack = match Acknowledgment::of(block.into_bytes()) {
            Ok(ack) => ack,
            Err(why) => return self.refuse(Refusal::NotAnAcknowledgment(why)),
        };
        if ack.control_id().is_empty() {
            return self.refuse(Refusal::MissingControlId);
        }
        if !self.is_for_us(&ack) {
            return self.refuse(Refusal::OtherControlId);
        }
        if self.mode == AckMode::Application && ack.code() == AckCode::CA {
            return self.pass_commit();
        }
        self.ended = true;
        Step::Done(ack)
    }

    /// Takes the time: past the deadline the exchange is over.
    pub fn handle_time(&mut self, now: Instant) -> Step {
        if !self.ended && now >= self.deadline {
            return self.refuse(Refusal::TimedOut);
        }
        Step::Wait
    }

    /// Where bytes were replaced on reading, MSA-2 is not what was sent.
    fn is_for_us(&self, ack: &Acknowledgment) -> bool {
        let replaced = ack.control_id().contains(char::REPLACEMENT_CHARACTER);
        ack.control_id() == self.control_id && !replaced
    }

    fn pass_commit(&mut self) -> Step {
        if std::mem::replace(&mut self.commit_passed, true) {
            return self.refuse(Refusal::Repeated);
        }
        Step::Wait
    }

    fn refuse(&mut self, why: Refusal) -> Step {
        self.ended = true;
        Step::Refused(why)
    }
}

impl fmt::Debug for Exchange {
    /// Leaves the control ID out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchange")
            .field("mode", &self.mode)
            .field("deadline", &self.deadline)
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}
