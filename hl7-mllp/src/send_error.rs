//! Why no acknowledgment was had for a message, and whether anything of it was sent.

use std::fmt;

use hl7_core::ParseError;

use crate::acknowledgment::AcknowledgmentError;
use crate::codec_error::{DecodeError, EncodeError};
use crate::connect_error::{ConnectError, ConnectErrorKind};
use crate::exchange::Refusal;
use crate::tls_fault::TlsFault;

type Source = Box<dyn std::error::Error + Send + Sync>;

/// Why [`crate::Client::send`] has no acknowledgment.
#[derive(Debug)]
pub struct SendError {
    kind: SendErrorKind,
    sent: Sent,
    source: Option<Source>,
}

/// Whether a message was sent.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Sent {
    /// Not one byte of it left. The receiver knows nothing of it.
    No,
    /// Some or all of it left: the receiver may have taken it. Sending it again can make a duplicate.
    Unknown,
    /// All of it left, and the receiver has said that it has it in safe keeping (`CA`, or 0x06 in release 2). Only its last answer is missing.
    /// It is never to be sent again.
    Taken,
}

/// The kinds of [`SendError`].
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum SendErrorKind {
    /// N101: MSH-10 is empty, so that no acknowledgment could name the message.
    NoControlId,
    /// N102: MSH-15 and MSH-16 ask for no acknowledgment that could say that the message was taken.
    NoAckAsked,
    /// N103: the message cannot be written in its character set.
    Unwritable(hl7_core::EncodeError),
    /// N104: the message cannot stand in a block.
    Unframable(EncodeError),
    /// N105: the bytes given do not start with a message header.
    NotAMessage(ParseError),
    /// N106: the client was closed by an earlier error, or by dropping the future of an earlier send.
    Closed,
    /// N107: the peer had closed the connection before anything was sent.
    PeerClosed,
    /// N108: the peer had sent something that was not asked for, before anything was sent.
    Unsolicited,
    /// N109: the peer took no bytes for [`crate::ClientBuilder::write_timeout`].
    WriteTimedOut,
    /// N110: the connection broke; see `source`.
    Lost,
    /// N111: no acknowledgment within [`crate::ClientBuilder::ack_timeout`].
    AckTimedOut,
    /// N112: the peer closed the connection instead of acknowledging.
    Unanswered,
    /// N113: the framing of the answer is broken.
    BrokenFrame(DecodeError),
    /// N114: the answer is no acknowledgment.
    NotAnAcknowledgment(AcknowledgmentError),
    /// N115: MSA-2 of the acknowledgment is missing.
    MissingControlId,
    /// N116: MSA-2 of the acknowledgment names another message.
    OtherControlId,
    /// N117: an acknowledgment more than was asked for.
    Repeated,
    /// N131: release 2: the receiver has not taken the message (0x15). How often it is sent again is for the caller to bound.
    CommitRefused,
    /// N132: release 2: an answer came without the commit acknowledgment that has to be before it.
    CommitMissing,
    /// N133: release 1: a commit acknowledgment of release 2 came in place of an acknowledgment.
    UnexpectedCommit,
    /// N134: what needs release 2 was asked of a client of release 1.
    NotRelease2,
    /// N118: all connections of the pool were in use for [`crate::ClientPool::max_wait`].
    NoneFree,
    /// N201 to N213 and N401 to N414, as [`ConnectErrorKind`]: there was no connection, and none could be made.
    NotConnected(ConnectErrorKind),
    /// N401 to N414: the security of the connection broke, or the peer refused this side's certificate.
    Tls(TlsFault),
}

impl SendError {
    pub(crate) fn unsent(kind: SendErrorKind) -> Self {
        Self { kind, sent: Sent::No, source: None }
    }

    pub(crate) fn unknown(kind: SendErrorKind) -> Self {
        Self { kind, sent: Sent::Unknown, source: None }
    }

    pub(crate) fn because(mut self, source: impl Into<Source>) -> Self {
        self.source = Some(source.into());
        self
    }

    pub(crate) fn unconnected(why: ConnectError) -> Self {
        Self::unsent(SendErrorKind::NotConnected(why.kind())).because(why)
    }

    /// Of a message that went out: [`Sent::Taken`] when the receiver has said so.
    pub(crate) fn after(kind: SendErrorKind, taken: bool) -> Self {
        Self { kind, sent: if taken { Sent::Taken } else { Sent::Unknown }, source: None }
    }

    pub(crate) fn refused(why: Refusal, taken: bool) -> Self {
        let kind = match why {
            Refusal::TimedOut => SendErrorKind::AckTimedOut,
            Refusal::NotAnAcknowledgment(why) => SendErrorKind::NotAnAcknowledgment(why),
            Refusal::MissingControlId => SendErrorKind::MissingControlId,
            Refusal::OtherControlId => SendErrorKind::OtherControlId,
            Refusal::Repeated => SendErrorKind::Repeated,
            Refusal::CommitRefused => SendErrorKind::CommitRefused,
            Refusal::CommitMissing => SendErrorKind::CommitMissing,
            Refusal::UnexpectedCommit => SendErrorKind::UnexpectedCommit,
        };
        Self::after(kind, taken)
    }

    /// Whether anything was sent.
    pub fn sent(&self) -> Sent {
        self.sent
    }

    /// What is wrong.
    pub fn kind(&self) -> &SendErrorKind {
        &self.kind
    }

    /// The stable code, `N101` to `N118` and `N131` to `N134`, or that of the [`ConnectErrorKind`] or the [`TlsFault`].
    pub fn code(&self) -> &'static str {
        self.parts().0
    }

    /// What to do about it.
    pub fn suggestion(&self) -> &'static str {
        match self.sent {
            Sent::Taken => "connect anew; do not send this message again",
            _ => self.parts().2,
        }
    }

    fn parts(&self) -> (&'static str, &'static str, &'static str) {
        let kind = &self.kind;
        before_sending(kind).or_else(|| after_sending(kind)).or_else(|| of_release2(kind)).unwrap_or_default()
    }
}

type Parts = (&'static str, &'static str, &'static str);

fn before_sending(kind: &SendErrorKind) -> Option<Parts> {
    use SendErrorKind as K;
    Some(match kind {
        K::NoControlId => ("N101", "MSH-10 is empty", "give each message a control ID of its own"),
        K::NoAckAsked => (
            "N102",
            "MSH-15 and MSH-16 ask for no acknowledgment that could say that the message was taken",
            "leave both empty, set one to AL, or send it unconfirmed",
        ),
        K::Unwritable(_) => {
            ("N103", "the message cannot be written in its character set", "set MSH-18 to UNICODE UTF-8")
        }
        K::Unframable(_) => {
            ("N104", "the message cannot stand in a block", "escape 0x0B and 0x1C in its values")
        }
        K::NotAMessage(_) => ("N105", "the bytes are not a message", "give what Message::to_wire gives"),
        K::Closed => ("N106", "the client is closed", "connect anew"),
        K::PeerClosed => ("N107", "the peer had closed the connection", "connect anew and send again"),
        K::Unsolicited => (
            "N108",
            "the peer had sent something that was not asked for",
            "connect anew and send again; does the receiver acknowledge twice?",
        ),
        K::NoneFree => (
            "N118",
            "no connection of the pool was free in time",
            "send again later; is the receiver slow, or are more connections needed?",
        ),
        K::NotConnected(kind) => kind.parts(),
        _ => return None,
    })
}

fn after_sending(kind: &SendErrorKind) -> Option<Parts> {
    use SendErrorKind as K;
    Some(match kind {
        K::WriteTimedOut => {
            ("N109", "the peer takes no bytes", "send again later; is the receiver stuck or overloaded?")
        }
        K::Lost => ("N110", "the connection broke", "connect anew and send again"),
        K::AckTimedOut => (
            "N111",
            "no acknowledgment before the deadline",
            "connect anew and send again; is ClientBuilder::ack_timeout long enough for this receiver?",
        ),
        K::Unanswered => ("N112", "the peer closed the connection without an acknowledgment", "send again"),
        K::BrokenFrame(_) => {
            ("N113", "the framing of the answer is broken", "is this the port of an MLLP receiver?")
        }
        K::NotAnAcknowledgment(_) => {
            ("N114", "the answer is no acknowledgment", "is this the port of an HL7 receiver?")
        }
        K::MissingControlId => (
            "N115",
            "MSA-2 of the acknowledgment is missing",
            "the receiver has to repeat MSH-10 of the message in MSA-2",
        ),
        K::OtherControlId => (
            "N116",
            "MSA-2 of the acknowledgment names another message",
            "the receiver has to repeat MSH-10 of the message in MSA-2 as it stands",
        ),
        K::Repeated => {
            ("N117", "an acknowledgment more than was asked for", "the receiver has to acknowledge once")
        }
        K::Tls(fault) => fault.parts(),
        _ => return None,
    })
}

fn of_release2(kind: &SendErrorKind) -> Option<Parts> {
    use SendErrorKind as K;
    Some(match kind {
        K::CommitRefused => (
            "N131",
            "the receiver refused the message with a negative commit acknowledgment (0x15)",
            "connect anew and send it again, a limited number of times",
        ),
        K::CommitMissing => (
            "N132",
            "the answer came without the commit acknowledgment of MLLP release 2",
            "the receiver seems to speak release 1: leave ClientBuilder::release2 out",
        ),
        K::UnexpectedCommit => (
            "N133",
            "a commit acknowledgment of MLLP release 2 came in place of an acknowledgment",
            "the receiver seems to speak release 2: set ClientBuilder::release2",
        ),
        K::NotRelease2 => (
            "N134",
            "only MLLP release 2 confirms content that asks for no acknowledgment",
            "set ClientBuilder::release2, or use Client::send",
        ),
        _ => return None,
    })
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ((code, what, _), suggestion) = (self.parts(), self.suggestion());
        let sent = match (self.sent, &self.kind) {
            (Sent::No, _) => "nothing was sent",
            (Sent::Unknown, SendErrorKind::CommitRefused) => "the receiver says that it was not taken",
            (Sent::Unknown, _) => "the message may have been taken",
            (Sent::Taken, _) => "the message was taken",
        };
        write!(f, "{code}: {what} ({sent}); {suggestion}")
    }
}

impl std::error::Error for SendError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.kind {
            SendErrorKind::Unwritable(why) => Some(why),
            SendErrorKind::Unframable(why) => Some(why),
            SendErrorKind::NotAMessage(why) => Some(why),
            SendErrorKind::BrokenFrame(why) => Some(why),
            SendErrorKind::NotAnAcknowledgment(why) => Some(why),
            _ => self.source.as_deref().map(|why| why as &(dyn std::error::Error + 'static)),
        }
    }
}
