//! How bytes reach a receiver: what a lane asks of a connection, and MLLP's answer.

use std::future::Future;
use std::pin::Pin;

use hl7_mllp::{Acknowledgment, Client, ClientBuilder, SendErrorKind, Sent};

use crate::destination::Destination;

pub(crate) type Pending<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A way to make connections to one receiver.
pub(crate) trait Transport: Send + Sync {
    /// A connection, or the code of why there is none.
    fn connect(&self) -> Pending<'_, Result<Box<dyn Connection>, &'static str>>;
}

/// A connection with at most one message under way.
pub(crate) trait Connection: Send + Sync {
    /// Sends the message and waits for its acknowledgment.
    fn send<'a>(&'a mut self, body: &'a [u8]) -> Pending<'a, Result<Acknowledgment, Failure>>;
}

/// Why no acknowledgment was had.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Failure {
    pub(crate) code: &'static str,
    pub(crate) kind: FailureKind,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum FailureKind {
    /// Nothing was written: the connection was gone before.
    NotSent,
    /// The receiver may have it.
    Unknown,
    /// No connection can carry this message.
    Unsendable,
}

/// MLLP over TCP.
pub(crate) struct Mllp {
    address: String,
    options: ClientBuilder,
}

impl Mllp {
    pub(crate) fn of(destination: &Destination) -> Self {
        let options = Client::builder()
            .connect_timeout(destination.connect_timeout)
            .ack_timeout(destination.ack_timeout);
        Self { address: destination.address.clone(), options }
    }
}

impl Transport for Mllp {
    fn connect(&self) -> Pending<'_, Result<Box<dyn Connection>, &'static str>> {
        Box::pin(async {
            match self.options.clone().connect(self.address.clone()).await {
                Ok(client) => Ok(Box::new(client) as Box<dyn Connection>),
                Err(error) => Err(error.code()),
            }
        })
    }
}

impl Connection for Client {
    fn send<'a>(&'a mut self, body: &'a [u8]) -> Pending<'a, Result<Acknowledgment, Failure>> {
        Box::pin(async move {
            let error = match self.send_wire(body).await {
                Ok(acknowledgment) => return Ok(acknowledgment),
                Err(error) => error,
            };
            let kind = match (error.kind(), error.sent()) {
                (
                    SendErrorKind::NoControlId
                    | SendErrorKind::NoAckAsked
                    | SendErrorKind::Unwritable(_)
                    | SendErrorKind::Unframable(_)
                    | SendErrorKind::NotAMessage(_),
                    _,
                ) => FailureKind::Unsendable,
                (_, Sent::No) => FailureKind::NotSent,
                (_, Sent::Unknown | Sent::Taken) => FailureKind::Unknown,
            };
            Err(Failure { code: error.code(), kind })
        })
    }
}
