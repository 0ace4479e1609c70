//! MLLP as a transport, over the client of `hl7-mllp`.

use std::time::Duration;

use hl7_core::{AckCode, AckCondition, Message};
use hl7_mllp::{
    AckMode, ApplicationAcks, ApplicationOutcome, Client, ClientBuilder, ConnectError, ConnectErrorKind,
    DecodeErrorKind, SendError, SendErrorKind, Sent, TwoPhase,
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
#[derive(Clone, Debug)]
pub(crate) struct Terms {
    pub(crate) second: Second,
    /// Messages that ask for no acknowledgment are sent without one.
    pub(crate) unconfirmed: bool,
}

/// Where the application acknowledgment behind an accept acknowledgment is awaited.
#[derive(Clone, Debug)]
pub(crate) enum Second {
    Nowhere,
    SameConnection,
    /// On a listener of this side's, for so long.
    Listener(ApplicationAcks, Duration),
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
            Ok(Box::new(Line { client, terms: self.terms.clone() }) as Box<dyn Connection>)
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
            match self.terms.second.clone() {
                Second::Nowhere => {
                    let first = self.client.send_wire_telling(bytes, &|accept| message.taken(accept)).await;
                    first.map(Confirmation::Acknowledged).or_else(not_confirmed)
                }
                Second::SameConnection => {
                    let both =
                        self.client.send_wire_two_phase_telling(bytes, &|accept| message.taken(accept)).await;
                    both.map_or_else(not_confirmed, |both| Ok(of_both(both)))
                }
                Second::Listener(acks, within) => self.send_and_listen(message, &acks, within).await,
            }
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

    /// Sends a message whose application acknowledgment comes on another connection.
    async fn send_and_listen(
        &mut self,
        message: Outgoing<'_>,
        acks: &ApplicationAcks,
        within: Duration,
    ) -> Result<Confirmation, Failure> {
        let bytes = message.bytes();
        // The wait begins before the message goes out: the answer can be fast.
        let expected = asks_for_both(bytes).map(|control_id| acks.expect(&control_id, within)).transpose();
        // Another lane may await the same control ID for long: that is no fault of the connection's.
        let expected = expected.map_err(|why| Failure::new(why.code(), FailureKind::NoAnswer))?;
        let first = self.client.send_wire_telling(bytes, &|accept| message.taken(accept)).await;
        let first = first.map(Confirmation::Acknowledged).or_else(not_confirmed)?;
        match (first, expected) {
            (Confirmation::Acknowledged(accept), Some(expected)) if accept.code() == AckCode::CA => {
                message.taken(Some(&accept));
                Ok(match expected.acknowledgment().await {
                    Ok(application) => Confirmation::Acknowledged(application),
                    Err(why) => Confirmation::Taken { accept: Some(accept), code: why.code() },
                })
            }
            (first, _) => Ok(first),
        }
    }
}

/// The control ID of a message that asks for both acknowledgments of enhanced mode.
fn asks_for_both(bytes: &[u8]) -> Option<String> {
    let message = header_of(bytes)?;
    let header = message.header();
    let both =
        AckMode::of(header) == Some(AckMode::Accept) && header.application_condition() != AckCondition::Never;
    header.control_id().filter(|_| both).map(|id| id.raw().to_owned())
}

/// The first segment, read as a message.
fn header_of(bytes: &[u8]) -> Option<Message<'_>> {
    let end = bytes.iter().position(|byte| *byte == b'\r').unwrap_or(bytes.len());
    Message::from_bytes(bytes.get(..end)?).ok()
}

/// Whether the header says that no acknowledgment could confirm the message.
fn asks_for_nothing(bytes: &[u8]) -> bool {
    header_of(bytes).is_some_and(|message| AckMode::of(message.header()).is_none())
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
