//! The sequence number protocol of one link (HL7 2.5.1, chapter 2, section 2.10.1): MSH-13 on the way out, MSA-4 on the way back.
//!
//! No input or output, and no store: who uses it keeps the number safe before the message is acknowledged.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use hl7_core::Msa;

use crate::acknowledgment::Acknowledgment;
use crate::reply::Reply;
use crate::request::Request;

/// A sequence number, as MSH-13 and MSA-4 have it.
///
/// ```
/// use hl7_mllp::Sequence;
/// assert_eq!("0".parse(), Ok(Sequence::Start));
/// assert_eq!("-1".parse(), Ok(Sequence::Resynchronize));
/// assert_eq!("17".parse::<Sequence>().map(|number| number.to_string()), Ok("17".to_owned()));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Sequence {
    /// 0: the sender starts the link and asks which number is expected.
    Start,
    /// -1: the sender starts the numbers anew; as an answer, any first number is good.
    Resynchronize,
    /// The number of a message.
    Number(NonZeroU32),
}

impl Sequence {
    fn next(number: NonZeroU32) -> Option<NonZeroU32> {
        number.checked_add(1)
    }
}

impl FromStr for Sequence {
    type Err = NoSequence;

    fn from_str(text: &str) -> Result<Self, NoSequence> {
        match text.trim() {
            "-1" => Ok(Self::Resynchronize),
            digits if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                let number: u32 = digits.parse().map_err(|_| NoSequence)?;
                Ok(NonZeroU32::new(number).map_or(Self::Start, Self::Number))
            }
            _ => Err(NoSequence),
        }
    }
}

impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start => f.write_str("0"),
            Self::Resynchronize => f.write_str("-1"),
            Self::Number(number) => number.fmt(f),
        }
    }
}

/// A text that is no sequence number: neither -1 nor 0 to 4,294,967,295 (N151).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct NoSequence;

impl NoSequence {
    /// The stable code, `N151`.
    pub fn code(&self) -> &'static str {
        "N151"
    }
}

impl fmt::Display for NoSequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: no sequence number; give -1, 0 or a positive number", self.code())
    }
}

impl std::error::Error for NoSequence {}

/// The sender's end of a link with sequence numbers.
///
/// Each message goes out with [`SequenceSource::due`] in MSH-13, and what its acknowledgment says is given to [`SequenceSource::handle`]
/// before the next. A message numbered 0 or -1 starts the link and carries nothing else.
#[derive(Clone, Debug)]
pub struct SequenceSource {
    next: NonZeroU32,
    link: Link,
    /// Whether the link was started again since a message was accepted. Once is allowed.
    restarted: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Link {
    Unstarted,
    Resynchronizing,
    Running,
    Frozen,
}

/// What the sender does next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum SequenceStep {
    /// The message was accepted, now or when it was sent before. The next one has the next number.
    Accepted,
    /// The message was not accepted, and its number is still expected.
    Refused,
    /// The link is started: go on with the message of this number. When it is not to be had any more, [`SequenceSource::freeze`] the link.
    GoOn(NonZeroU32),
    /// The receiver is behind: start the link anew, with 0.
    Restart,
    /// The numbers do not fit, or the receiver gives none: the link is frozen until somebody has looked into it.
    Frozen,
}

impl SequenceSource {
    /// A link not yet started, whose next message has this number.
    pub fn new(next: NonZeroU32) -> Self {
        Self { next, link: Link::Unstarted, restarted: false }
    }

    /// What the next message has in MSH-13; `None` while the link is frozen.
    pub fn due(&self) -> Option<Sequence> {
        match self.link {
            Link::Unstarted => Some(Sequence::Start),
            Link::Resynchronizing => Some(Sequence::Resynchronize),
            Link::Running => Some(Sequence::Number(self.next)),
            Link::Frozen => None,
        }
    }

    /// The number of the next message that is not known to be accepted. Keep it safe.
    pub fn next(&self) -> NonZeroU32 {
        self.next
    }

    /// Starts the numbers anew at `next`, with -1: for the one who looked into it.
    pub fn resynchronize(&mut self, next: NonZeroU32) {
        *self = Self { next, link: Link::Resynchronizing, restarted: false };
    }

    /// Sends nothing more until the link is resynchronized.
    pub fn freeze(&mut self) {
        self.link = Link::Frozen;
    }

    /// Takes the acknowledgment of the message that had [`SequenceSource::due`].
    pub fn handle(&mut self, ack: &Acknowledgment) -> SequenceStep {
        let stated = Msa::of(ack.message()).and_then(|msa| msa.expected_sequence_number());
        let expected = stated.and_then(|value| value.text().parse().ok());
        match (self.link, expected) {
            (Link::Unstarted, Some(Sequence::Number(number))) => self.go_on(number),
            (Link::Unstarted | Link::Resynchronizing, Some(Sequence::Resynchronize)) => self.go_on(self.next),
            (Link::Running, Some(Sequence::Number(number))) => self.compare(number, ack.code().is_positive()),
            (Link::Running, None) if !ack.code().is_positive() => SequenceStep::Refused,
            _ => self.frozen(),
        }
    }

    fn go_on(&mut self, next: NonZeroU32) -> SequenceStep {
        self.next = next;
        self.link = Link::Running;
        SequenceStep::GoOn(next)
    }

    fn compare(&mut self, expected: NonZeroU32, is_positive: bool) -> SequenceStep {
        let Some(next) = Sequence::next(self.next) else { return self.frozen() };
        if expected == self.next && !is_positive {
            return SequenceStep::Refused;
        }
        if expected == self.next || expected == next {
            self.next = next;
            self.restarted = false;
            return SequenceStep::Accepted;
        }
        if expected > next || std::mem::replace(&mut self.restarted, true) {
            return self.frozen();
        }
        self.link = Link::Unstarted;
        SequenceStep::Restart
    }

    fn frozen(&mut self) -> SequenceStep {
        self.link = Link::Frozen;
        SequenceStep::Frozen
    }
}

/// The receiver's end of a link with sequence numbers.
///
/// ```
/// use hl7_mllp::{Arrival, Reply, Request, SequenceTarget};
/// # fn store(_: &Request) {}
/// fn handle(link: &mut SequenceTarget, req: &Request) -> Reply {
///     let arrival = link.handle(req);
///     if let Arrival::Due(number) = arrival {
///         store(req); // with the number, in one commit
///         link.accepted(number);
///     }
///     arrival.reply(req)
/// }
/// # let _ = handle;
/// ```
#[derive(Clone, Debug)]
pub struct SequenceTarget {
    last: Option<NonZeroU32>,
}

/// What a message is by its number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Arrival {
    /// The one that is expected: take it, and say [`SequenceTarget::accepted`] when it is in safe keeping.
    Due(NonZeroU32),
    /// The sender starts the link, or its numbers: there is nothing to take. The answer says what is expected.
    Link(Sequence),
    /// One that was accepted before: it is not to be taken again. The answer says what is expected.
    Repeated(Sequence),
    /// One before it is missing: it is not to be taken. The answer says what is expected.
    Ahead(Sequence),
    /// It has no number, or none that can be read: the sender does not use the protocol. It is for the handler to say whether that is good.
    Unnumbered,
}

impl SequenceTarget {
    /// A link on which the message with this number was the last to be accepted; `None` on its first start.
    pub fn new(last: Option<NonZeroU32>) -> Self {
        Self { last }
    }

    /// The number of the last message accepted.
    pub fn last(&self) -> Option<NonZeroU32> {
        self.last
    }

    /// Looks at a message's MSH-13.
    pub fn handle(&mut self, request: &Request) -> Arrival {
        let stated = request.message().header().sequence_number();
        let Some(Ok(sequence)) = stated.map(|value| value.text().parse()) else { return Arrival::Unnumbered };
        match sequence {
            Sequence::Start => Arrival::Link(self.expected()),
            Sequence::Resynchronize => {
                self.last = None;
                Arrival::Link(Sequence::Resynchronize)
            }
            Sequence::Number(number) => self.arrival(number),
        }
    }

    /// The message with this number is in safe keeping, and so is the number.
    pub fn accepted(&mut self, number: NonZeroU32) {
        self.last = Some(number);
    }

    fn expected(&self) -> Sequence {
        self.last.and_then(Sequence::next).map_or(Sequence::Resynchronize, Sequence::Number)
    }

    fn arrival(&self, number: NonZeroU32) -> Arrival {
        let expected = self.expected();
        match expected {
            Sequence::Number(due) if number < due => Arrival::Repeated(expected),
            Sequence::Number(due) if number > due => Arrival::Ahead(expected),
            _ => Arrival::Due(number),
        }
    }
}

impl Arrival {
    /// The answer, with MSA-4: the number of a message that is due, else the one that is expected. Negative for one that is
    /// [`Arrival::Ahead`]; without MSA-4 for one that is [`Arrival::Unnumbered`].
    pub fn reply(self, request: &Request) -> Reply {
        let (accepts, answer) = match self {
            Self::Due(number) => (true, Some(Sequence::Number(number))),
            Self::Link(expected) | Self::Repeated(expected) => (true, Some(expected)),
            Self::Ahead(expected) => (false, Some(expected)),
            Self::Unnumbered => (true, None),
        };
        Reply::in_sequence(request, accepts, answer.map(|number| number.to_string()))
    }
}
