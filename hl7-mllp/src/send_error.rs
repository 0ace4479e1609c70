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

    pub(crate) fn refused(why: Refusal) -> Self {
        Self::unknown(match why {
            Refusal::TimedOut => SendErrorKind::AckTimedOut,
            Refusal::NotAnAcknowledgment(why) => SendErrorKind::NotAnAcknowledgment(why),
            Refusal::MissingControlId => SendErrorKind::MissingControlId,
            Refusal::OtherControlId => SendErrorKind::OtherControlId,
            Refusal::Repeated => SendErrorKind::Repeated,
        })
    }

    /// Whether anything was sent.
    pub fn sent(&self) -> Sent {
        self.sent
    }

    /// What is wrong.
    pub fn kind(&self) -> &SendErrorKind {
        &self.kind
    }

    /// The stable code, `N101` to `N118`, or that of the [`ConnectErrorKind`] or the [`TlsFault`].
    pub fn code(&self) -> &'static str {
        self.parts().0
    }

    /// What to do about it.
    pub fn suggestion(&self) -> &'static str {
        self.parts().2
    }

    fn parts(&self) -> (&'static str, &'static str, &'static str) {
        before_sending(&self.kind).or_else(|| after_sending(&self.kind)).unwrap_or_default()
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
            "leave both empty, or set one to AL",
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

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (code, what, suggestion) = self.parts();
        let sent = match self.sent {
            Sent::No => "nothing was sent",
            Sent::Unknown => "the message may have been taken",
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
