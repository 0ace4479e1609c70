//! How messages reach a receiver: what a lane asks of a connection.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::SystemTime;

use hl7_mllp::Acknowledgment;

use crate::id::EntryId;
use crate::taken::Taken;

/// What the calls of a [`Transport`] give: a boxed future, so that transports of any kind stand behind one type.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A way to make connections to one receiver. [`crate::Destination::over`] sends over a transport of the program's own.
///
/// The sender makes as many connections as the destination allows, uses each for one message at a time, keeps it between messages and drops
/// it after any [`Failure`]. Every wait has to end: a transport has deadlines of its own for connecting and for sending. A future that is
/// dropped must leave nothing behind that could still answer for the message.
///
/// ```
/// use hl7_mllp::Acknowledgment;
/// use hl7_sender::{Confirmation, ConnectFailure, Connection, Failure, Outgoing, Pending, Transport};
///
/// /// Answers for the receiver: for trying things out.
/// struct Loopback;
///
/// impl Transport for Loopback {
///     fn connect(&self) -> Pending<'_, Result<Box<dyn Connection>, ConnectFailure>> {
///         Box::pin(async { Ok(Box::new(Loopback) as Box<dyn Connection>) })
///     }
/// }
///
/// impl Connection for Loopback {
///     fn send<'a>(&'a mut self, message: Outgoing<'a>) -> Pending<'a, Result<Confirmation, Failure>> {
///         Box::pin(async move {
///             let message = hl7_core::Message::from_bytes(message.bytes()).map_err(|_| Failure::unsendable("X001"))?;
///             let ack = hl7_core::Ack::to(&message, hl7_core::AckCode::AA).build();
///             let bytes = ack.to_wire().map_err(|_| Failure::garbled("X002"))?;
///             Acknowledgment::read(&bytes).map(Confirmation::Acknowledged).map_err(|_| Failure::garbled("X002"))
///         })
///     }
/// }
/// # let _ = hl7_sender::Destination::over("loopback", Loopback);
/// ```
pub trait Transport: Send + Sync + 'static {
    /// A connection.
    ///
    /// # Errors
    /// When there is none. Nothing was sent then, and it costs no message an attempt.
    fn connect(&self) -> Pending<'_, Result<Box<dyn Connection>, ConnectFailure>>;
}

/// A connection with at most one message under way.
pub trait Connection: Send + Sync {
    /// Sends the message and waits for what confirms it.
    ///
    /// # Errors
    /// When nothing did, with what is known of it. The connection is not used again.
    fn send<'a>(&'a mut self, message: Outgoing<'a>) -> Pending<'a, Result<Confirmation, Failure>>;
}

/// A message as a connection gets it.
#[derive(Clone, Copy)]
pub struct Outgoing<'a> {
    bytes: &'a [u8],
    entry: EntryId,
    since: SystemTime,
    taken: Option<&'a Taken>,
}

impl<'a> Outgoing<'a> {
    /// A message, for tests of a transport.
    pub fn new(bytes: &'a [u8], entry: EntryId, since: SystemTime) -> Self {
        Self { bytes, entry, since, taken: None }
    }

    pub(crate) fn telling(self, taken: &'a Taken) -> Self {
        Self { taken: Some(taken), ..self }
    }

    /// Says that the receiver has the message in safe keeping, while its last answer is still awaited. It is put on record, so that the message is not
    /// sent again should this process end meanwhile: then it ends as after [`Confirmation::Taken`].
    pub fn taken(&self, accept: Option<&Acknowledgment>) {
        if let Some(taken) = self.taken {
            taken.say(accept);
        }
    }

    /// The message in wire form.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Its entry: the same in every attempt, and never that of another message.
    pub fn entry(&self) -> EntryId {
        self.entry
    }

    /// When it was enqueued, or last released or replayed.
    pub fn since(&self) -> SystemTime {
        self.since
    }
}

impl fmt::Debug for Outgoing<'_> {
    /// Shows the size only: the content is a patient's.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing")
            .field("entry", &self.entry)
            .field("bytes", &self.bytes.len())
            .finish_non_exhaustive()
    }
}

/// What a connection can say of a message that it has sent.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Confirmation {
    /// The acknowledgment that decides: an answer to this very message, positive or negative.
    Acknowledged(Acknowledgment),
    /// The receiver has said that it has the message in safe keeping, and its last answer did not come: the message is never sent again.
    Taken {
        /// The accept acknowledgment, where one was had.
        accept: Option<Acknowledgment>,
        /// A stable code that says why the last answer is missing.
        code: &'static str,
    },
    /// It was sent, and nothing will ever confirm it.
    Unconfirmed,
}

/// Why there is no connection: a stable code, and whether trying again helps.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ConnectFailure {
    code: &'static str,
    outlook: Outlook,
}

/// Whether a fault passes by itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Outlook {
    Passing,
    /// It does not seem to, but what says so is known to err.
    Doubtful,
    Lasting,
}

impl ConnectFailure {
    /// One that may pass by itself: it is tried again as [`crate::Retry`] says.
    pub fn passing(code: &'static str) -> Self {
        Self { code, outlook: Outlook::Passing }
    }

    /// One that mostly does not pass by itself, such as a name that there is not: it is tried again in the same way, and a person is asked for
    /// help once it has persisted ([`crate::DestinationStatus::needs_help`]).
    pub fn doubtful(code: &'static str) -> Self {
        Self { code, outlook: Outlook::Doubtful }
    }

    /// One that is not put right by trying again, such as an expired certificate: a person is asked for help at once, and the destination rests
    /// for [`crate::Retry::rest`] before it is tried again.
    pub fn lasting(code: &'static str) -> Self {
        Self { code, outlook: Outlook::Lasting }
    }

    /// The code.
    pub fn code(&self) -> &'static str {
        self.code
    }

    pub(crate) fn outlook(&self) -> Outlook {
        self.outlook
    }
}

/// Why a message was not confirmed: a stable code, and what is known of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Failure {
    code: &'static str,
    kind: FailureKind,
    lasting: bool,
}

/// What is known of a message that was not confirmed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum FailureKind {
    /// Nothing was written: the connection was gone before. It is replaced once at no cost to the message.
    NotSent,
    /// No connection can carry this message. It is held.
    Unsendable,
    /// No answer came in time. The receiver may have the message.
    NoAnswer,
    /// What came is no acknowledgment of this message. The receiver may have it.
    Garbled,
    /// The connection ended before an answer. The receiver may have the message.
    Lost,
    /// The receiver said that it has not taken the message, without an acknowledgment that says why: 0x15 of MLLP release 2.
    NotTaken,
    /// The receiver speaks another protocol than the destination is set to. It may have the message.
    OtherProtocol,
}

impl Failure {
    /// A failure of this kind.
    pub fn new(code: &'static str, kind: FailureKind) -> Self {
        Self { code, kind, lasting: false }
    }

    /// Nothing was written.
    pub fn not_sent(code: &'static str) -> Self {
        Self::new(code, FailureKind::NotSent)
    }

    /// No connection can carry this message.
    pub fn unsendable(code: &'static str) -> Self {
        Self::new(code, FailureKind::Unsendable)
    }

    /// The answer cannot be read as one.
    pub fn garbled(code: &'static str) -> Self {
        Self::new(code, FailureKind::Garbled)
    }

    /// It is not put right by trying again: the destination rests as after [`ConnectFailure::lasting`].
    pub fn lasting(mut self) -> Self {
        self.lasting = true;
        self
    }

    /// The code.
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// What is known of the message.
    pub fn kind(&self) -> FailureKind {
        self.kind
    }

    pub(crate) fn is_lasting(&self) -> bool {
        self.lasting
    }

    /// The same, of the connection rather than the message.
    pub(crate) fn of_connection(&self) -> ConnectFailure {
        if self.lasting { ConnectFailure::lasting(self.code) } else { ConnectFailure::passing(self.code) }
    }
}
