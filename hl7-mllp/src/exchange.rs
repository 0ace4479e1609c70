//! One message and its acknowledgments: which answer ends the wait, and which ends the connection. The time is an argument.

use std::fmt;
use std::time::{Duration, Instant};

use hl7_core::AckCode;
pub use hl7_core::AckMode;

use crate::acknowledgment::{Acknowledgment, AcknowledgmentError};
use crate::block::Block;
use crate::commit::CommitBlock;

/// How far away a deadline is that cannot be counted.
const FAR: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);

/// The wait for the acknowledgments of one message.
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
///
/// # Two phases
///
/// With [`Exchange::then_application`] a `CA` does not end it: [`Step::Accepted`] gives it, and the wait for the application acknowledgment
/// begins, with a deadline of its own. From then on the message [is taken](Exchange::is_taken): whatever becomes of the second wait, it is
/// never to be sent again.
///
/// # Release 2
///
/// With [`Exchange::release2`] a commit acknowledgment (0x06) comes before anything else, and each acknowledgment is confirmed with one
/// ([`Exchange::commit_due`]). 0x15 says that the message was not taken.
pub struct Exchange {
    control_id: String,
    mode: AckMode,
    deadline: Instant,
    /// The time for the application acknowledgment, where it is awaited.
    application: Option<Duration>,
    release2: bool,
    commit_only: bool,
    missing_control_id: bool,
    phase: Phase,
    commit_passed: bool,
    taken: bool,
    commit_due: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    /// Before the commit acknowledgment of release 2.
    Commit,
    /// Before the first acknowledgment.
    First,
    /// Behind the accept acknowledgment.
    Application,
    Ended,
}

/// What an [`Exchange`] asks of its connection.
#[derive(Debug)]
#[non_exhaustive]
pub enum Step {
    /// The message is acknowledged, and no further acknowledgment awaited.
    Done(Acknowledgment),
    /// The accept acknowledgment `CA`. Go on reading for the application acknowledgment, until [`Exchange::deadline`], which is another now.
    Accepted(Acknowledgment),
    /// The commit acknowledgment of release 2. Go on reading, unless only this was awaited.
    Committed,
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
    /// Release 2: the receiver has not taken the message (0x15). It may be sent again, on a new connection.
    CommitRefused,
    /// Release 2: a block that is no commit acknowledgment came where one had to. The receiver seems to speak release 1.
    CommitMissing,
    /// A commit acknowledgment came where release 1 has an acknowledgment. The receiver seems to speak release 2.
    UnexpectedCommit,
}

impl Exchange {
    /// The exchange of a message with this MSH-10 (as sent, not unescaped), to be acknowledged before `deadline`.
    pub fn new(control_id: &str, mode: AckMode, deadline: Instant) -> Self {
        Self {
            control_id: control_id.to_owned(),
            mode,
            deadline,
            application: None,
            release2: false,
            commit_only: false,
            missing_control_id: false,
            phase: Phase::First,
            commit_passed: false,
            taken: false,
            commit_due: false,
        }
    }

    /// The exchange of any content in release 2, which ends at the commit acknowledgment.
    pub fn commit_only(deadline: Instant) -> Self {
        Self { commit_only: true, ..Self::new("", AckMode::Original, deadline).release2() }
    }

    /// Speaks MLLP release 2. Commit acknowledgment and first acknowledgment have to come before the one deadline.
    pub fn release2(mut self) -> Self {
        self.release2 = true;
        self.phase = Phase::Commit;
        self
    }

    /// Goes on to the application acknowledgment after a `CA`, for `within` from then.
    pub fn then_application(mut self, within: Duration) -> Self {
        self.application = Some(within);
        self
    }

    /// Takes an acknowledgment without MSA-2 for this message's. One that names another message is refused all the same.
    ///
    /// Only for receivers that never fill MSA-2, and safe only when no other message goes out on the connection behind it: a second answer to
    /// this one would be taken for the next one's.
    pub fn missing_control_id_allowed(mut self) -> Self {
        self.missing_control_id = true;
        self
    }

    /// When the wait ends.
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Whether the receiver has said that it has the message in safe keeping (`CA`, or 0x06 in release 2), so that it is never to be sent
    /// again, however the exchange ends.
    pub fn is_taken(&self) -> bool {
        self.taken
    }

    /// Release 2: what to write now, before anything else. Each acknowledgment is confirmed once.
    pub fn commit_due(&mut self) -> Option<CommitBlock> {
        std::mem::take(&mut self.commit_due).then_some(CommitBlock::Ack)
    }

    /// Takes the next block received. One that comes after the deadline is refused as late.
    pub fn handle_block(&mut self, block: Block, now: Instant) -> Step {
        if self.phase == Phase::Ended {
            return Step::Refused(Refusal::Repeated);
        }
        if now >= self.deadline {
            return self.refuse(Refusal::TimedOut);
        }
        match (self.phase, CommitBlock::of(&block)) {
            (Phase::Commit, commit) => self.handle_commit(commit),
            (_, Some(_)) if self.release2 => self.refuse(Refusal::Repeated),
            (_, Some(_)) => self.refuse(Refusal::UnexpectedCommit),
            (_, None) => match self.acknowledgment(block) {
                Ok(ack) => self.handle_acknowledgment(ack, now),
                Err(why) => self.refuse(why),
            },
        }
    }

    /// Takes the time: past the deadline the exchange is over.
    pub fn handle_time(&mut self, now: Instant) -> Step {
        if self.phase != Phase::Ended && now >= self.deadline {
            return self.refuse(Refusal::TimedOut);
        }
        Step::Wait
    }

    fn handle_commit(&mut self, commit: Option<CommitBlock>) -> Step {
        match commit {
            Some(CommitBlock::Ack) => {
                self.taken = true;
                self.phase = if self.commit_only { Phase::Ended } else { Phase::First };
                Step::Committed
            }
            Some(CommitBlock::Nak) => self.refuse(Refusal::CommitRefused),
            None => self.refuse(Refusal::CommitMissing),
        }
    }

    /// The block as an acknowledgment of this message.
    fn acknowledgment(&self, block: Block) -> Result<Acknowledgment, Refusal> {
        let ack = Acknowledgment::of(block.into_bytes()).map_err(Refusal::NotAnAcknowledgment)?;
        if ack.control_id().is_empty() {
            return if self.missing_control_id { Ok(ack) } else { Err(Refusal::MissingControlId) };
        }
        if self.is_for_us(&ack) { Ok(ack) } else { Err(Refusal::OtherControlId) }
    }

    /// Where bytes were replaced on reading, MSA-2 is not what was sent.
    fn is_for_us(&self, ack: &Acknowledgment) -> bool {
        let replaced = ack.control_id().contains(char::REPLACEMENT_CHARACTER);
        ack.control_id() == self.control_id && !replaced
    }

    fn handle_acknowledgment(&mut self, ack: Acknowledgment, now: Instant) -> Step {
        let code = ack.code();
        if self.phase == Phase::Application && code.is_commit() {
            return self.refuse(Refusal::Repeated);
        }
        self.commit_due = self.release2;
        if code != AckCode::CA {
            return self.done(ack);
        }
        match self.application {
            Some(within) if self.mode != AckMode::Original => self.accepted(ack, now, within),
            _ if self.mode == AckMode::Application => self.pass_commit(),
            _ => self.done(ack),
        }
    }

    fn done(&mut self, ack: Acknowledgment) -> Step {
        self.phase = Phase::Ended;
        Step::Done(ack)
    }

    fn accepted(&mut self, ack: Acknowledgment, now: Instant, within: Duration) -> Step {
        self.taken = true;
        self.phase = Phase::Application;
        self.deadline = now.checked_add(within).unwrap_or_else(|| now + FAR);
        Step::Accepted(ack)
    }

    /// Passes over a `CA` that was not asked for.
    fn pass_commit(&mut self) -> Step {
        if std::mem::replace(&mut self.commit_passed, true) {
            return self.refuse(Refusal::Repeated);
        }
        self.taken = true;
        Step::Wait
    }

    fn refuse(&mut self, why: Refusal) -> Step {
        self.phase = Phase::Ended;
        self.commit_due = false;
        Step::Refused(why)
    }
}

impl fmt::Debug for Exchange {
    /// Leaves the control ID out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchange")
            .field("mode", &self.mode)
            .field("deadline", &self.deadline)
            .field("phase", &self.phase)
            .field("taken", &self.taken)
            .finish_non_exhaustive()
    }
}
