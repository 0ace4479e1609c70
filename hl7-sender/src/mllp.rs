//! MLLP as a transport, over the client of `hl7-mllp`.

use hl7_core::Message;
use hl7_mllp::{
    AckMode, ApplicationOutcome, Client, ClientBuilder, ConnectError, ConnectErrorKind, DecodeErrorKind,
    SendError, SendErrorKind, Sent, TwoPhase,
};

use crate::transport::{
    Confirmation, ConnectFailure, Connection, Failure, FailureKind, Outgoing, Pending, Transport,
};

/// S205: the commit acknowledgment of MLLP release 2 is all that was asked for.
const COMMITTED: &str = "S205";

/// MLLP over TCP or TLS, to one address.
#[derive(Debug)]
pub(crate) struct Mllp {
    address: String,
    client: ClientBuilder,
    terms: Terms,
}

/// What a destination says of the acknowledgments it waits for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    /// Both acknowledgments of enhanced mode are awaited.
    pub(crate) application: bool,
    /// Messages that ask for no acknowledgment are sent without one.
    pub(crate) unconfirmed: bool,
}

struct Line {
    client: Client,
    terms: Terms,
}

impl Mllp {
    /// The client must not connect anew by itself: every attempt is the sender's, and on record.
    pub(crate) fn new(address: String, client: ClientBuilder, terms: Terms) -> Self {
        Self { address, client: client.reconnect(false), terms }
    }
}

impl Transport for Mllp {
    fn connect(&self) -> Pending<'_, Result<Box<dyn Connection>, ConnectFailure>> {
        Box::pin(async {
            let client = self.client.clone().connect(self.address.clone()).await;
            let client = client.map_err(|why| connect_failure(&why))?;
            Ok(Box::new(Line { client, terms: self.terms }) as Box<dyn Connection>)
        })
    }
}

impl Connection for Line {
    fn send<'a>(&'a mut self, message: Outgoing<'a>) -> Pending<'a, Result<Confirmation, Failure>> {
        Box::pin(async move {
            let bytes = message.bytes();
            if self.terms.unconfirmed && asks_for_nothing(bytes) {
                return self.send_unasked(bytes).await;
            }
            if self.terms.application {
                let both = self.client.send_wire_two_phase(bytes).await;
                return both.map_or_else(not_confirmed, |both| Ok(of_both(both)));
            }
            let first = self.client.send_wire(bytes).await;
            first.map(Confirmation::Acknowledged).or_else(not_confirmed)
        })
    }
}

impl Line {
    /// Sends a message that asks for no acknowledgment. MLLP release 2 confirms it all the same.
    async fn send_unasked(&mut self, bytes: &[u8]) -> Result<Confirmation, Failure> {
        match self.client.send_until_commit(bytes).await {
            Ok(()) => Ok(Confirmation::Taken { accept: None, code: COMMITTED }),
            Err(why) if why.kind() == &SendErrorKind::NotRelease2 => {
                let sent = self.client.send_wire_unconfirmed(bytes).await;
                sent.map(|()| Confirmation::Unconfirmed).or_else(not_confirmed)
            }
            Err(why) => not_confirmed(why),
        }
    }
}

/// Whether the header says that no acknowledgment could confirm the message.
fn asks_for_nothing(bytes: &[u8]) -> bool {
    let end = bytes.iter().position(|byte| *byte == b'\r').unwrap_or(bytes.len());
    let header = bytes.get(..end).unwrap_or_default();
    Message::from_bytes(header).is_ok_and(|message| AckMode::of(message.header()).is_none())
}

fn of_both(both: TwoPhase) -> Confirmation {
    match (both.application, both.accept) {
        (ApplicationOutcome::Acknowledged(ack), _) => Confirmation::Acknowledged(ack),
        (ApplicationOutcome::Missing(why), accept) => Confirmation::Taken { accept, code: why.code() },
        // Only where an accept acknowledgment is all there is.
        (_, Some(accept)) => Confirmation::Acknowledged(accept),
        (_, None) => Confirmation::Unconfirmed,
    }
}

/// Whether a connection can be had later without anybody's help.
fn connect_failure(why: &ConnectError) -> ConnectFailure {
    let code = why.code();
    match why.kind() {
        // Name servers that are being changed say so too.
        ConnectErrorKind::NoSuchName => ConnectFailure::doubtful(code),
        kind if kind.is_passing() => ConnectFailure::passing(code),
        _ => ConnectFailure::lasting(code),
    }
}

/// A message without the acknowledgment that was awaited; one that the receiver has is confirmed all the same.
fn not_confirmed(why: SendError) -> Result<Confirmation, Failure> {
    let failure = Failure::new(why.code(), kind_of(&why));
    match why.kind() {
        _ if why.sent() == Sent::Taken => Ok(Confirmation::Taken { accept: None, code: why.code() }),
        SendErrorKind::Tls(fault) if !fault.is_passing() => Err(failure.lasting()),
        _ => Err(failure),
    }
}

fn kind_of(why: &SendError) -> FailureKind {
    use SendErrorKind as K;
    match why.kind() {
        K::NoControlId | K::NoAckAsked | K::Unwritable(_) | K::Unframable(_) | K::NotAMessage(_) => {
            FailureKind::Unsendable
        }
        _ if why.sent() == Sent::No => FailureKind::NotSent,
        K::AckTimedOut | K::WriteTimedOut => FailureKind::NoAnswer,
        // The connection ended in the middle of the answer.
        K::BrokenFrame(why) if why.kind() == DecodeErrorKind::Truncated => FailureKind::Lost,
        K::BrokenFrame(_)
        | K::NotAnAcknowledgment(_)
        | K::MissingControlId
        | K::OtherControlId
        | K::Repeated => FailureKind::Garbled,
        K::CommitRefused => FailureKind::NotTaken,
        K::CommitMissing | K::UnexpectedCommit | K::NotRelease2 => FailureKind::OtherProtocol,
        _ => FailureKind::Lost,
    }
}
