//! A message that came in, as a handler under an intake gets it, and what it can answer.

use std::fmt;
use std::sync::Arc;

use hl7_core::{AckCondition, ErrorCode, Message};
use hl7_mllp::{Reply, Request};
use tokio::time::timeout;

use crate::committed::Committed;
use crate::digest::{self, Digest};
use crate::entry::DeadLetterReason;
use crate::error::{EnqueueError, EnqueueErrorKind, StoreErrorKind};
use crate::inbound::Inbound;
use crate::intake::Desk;
use crate::router::Unrouted;

/// The longest acknowledgment that is kept, in bytes: it repeats fields of MSH, which a sender can make as long as it likes.
const MAX_ACKNOWLEDGMENT: usize = 64 * 1024;

/// A message that came in. It is nowhere yet: [`Arrival::commit`] stores it.
pub struct Arrival {
    pub(crate) request: Request,
    pub(crate) identity: Identity,
    pub(crate) desk: Arc<Desk>,
}

/// What tells one message from another.
#[derive(Clone, Copy)]
pub(crate) struct Identity {
    /// MSH-3, MSH-4, MSH-10 and the bytes as they came.
    pub(crate) key: Digest,
    /// MSH-3, MSH-4 and MSH-10.
    name: Digest,
    body: Digest,
}

/// What a handler under an intake decides of a message: a [`Committed`], or a [`Refused`].
#[derive(Debug)]
pub struct Verdict {
    pub(crate) given: Given,
}

#[derive(Debug)]
pub(crate) enum Given {
    Committed(Committed),
    Refused(Refused),
}

/// A negative answer, or none.
#[must_use = "the message's sender waits for an answer"]
#[derive(Debug)]
pub struct Refused {
    pub(crate) reply: Reply,
    pub(crate) kind: RefusedKind,
    /// The code of what stood in the way, where it is not the handler who refused.
    pub(crate) code: Option<&'static str>,
}

/// Why a message is not taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum RefusedKind {
    /// Not for the store's sake: had it been taken before, that stands.
    Unfit,
    /// No rule holds for it; the same.
    Unrouted,
    /// The store does not take it now.
    NotStored,
    /// Nobody can say whether it was stored.
    Unknown,
}

impl Identity {
    pub(crate) fn of(request: &Request) -> Self {
        let header = request.message().header();
        let fields = [header.sending_application(), header.sending_facility(), header.control_id()];
        let [application, facility, control_id] =
            fields.map(|field| field.map_or("", |value| value.raw()).as_bytes());
        let body = digest::of_bytes(request.bytes());
        let name = digest::of_parts("inbound name", &[application, facility, control_id]);
        Self { key: digest::of_parts("inbound message", &[&name, &body]), name, body }
    }
}

impl Arrival {
    /// The message.
    pub fn message(&self) -> &Message<'static> {
        self.request.message()
    }

    /// The message with its bytes and where it came from.
    pub fn request(&self) -> &Request {
        &self.request
    }

    /// Stores the message for the destinations that the router gives, with its acknowledgment, in one commit. Had it been stored before, nothing is
    /// changed, and it is answered as it was then.
    ///
    /// A caller who stops waiting has not stopped the message: it may be stored all the same.
    ///
    /// # Errors
    /// When no rule holds for it and the router refuses such messages, when it cannot be sent on, when the store has no room, and when it failed
    /// or took too long. What is given then is the negative answer, or the end of the connection where the message may be stored in spite of it.
    pub async fn commit(&self) -> Result<Committed, Refused> {
        self.commit_as(self.message()).await
    }

    /// As [`Arrival::commit`], for a handler that changes messages: this one is routed and sent on. What came in says whether it is a repeat, so
    /// that a change that comes out differently each time does no harm.
    ///
    /// # Errors
    /// As [`Arrival::commit`].
    pub async fn commit_as(&self, message: &Message<'_>) -> Result<Committed, Refused> {
        let running = self.desk.sender.running();
        if running.engine.is_stopping() {
            return Err(self.not_taken(&EnqueueError::new(EnqueueErrorKind::ShutDown)));
        }
        let inbound = self.inbound(message)?;
        // The acknowledgment is held twice: the store keeps one, and one goes back.
        let weight = inbound.request.weight() + 2 * inbound.acknowledgment.len();
        let Some(room) = self.desk.room(weight).await else {
            return Err(self.not_stored("S007"));
        };
        match timeout(self.desk.commit_timeout, Committed::by(running, inbound, room)).await {
            Ok(Ok(committed)) => Ok(committed),
            Ok(Err(why)) => Err(self.not_taken(&why)),
            Err(_) => Err(self.unknown("S007")),
        }
    }

    /// Refuses it for its content: `AE`, or `CE` where it asks for an accept acknowledgment. `text` travels to the sender and into its logs.
    pub fn error(&self, code: ErrorCode, text: impl Into<String>) -> Refused {
        self.unfit(Reply::error(&self.request, code, text), None)
    }

    /// Refuses it for another reason than its content: `AR`, or `CR`. `text` travels to the sender and into its logs.
    pub fn reject(&self, code: ErrorCode, text: impl Into<String>) -> Refused {
        self.unfit(Reply::reject(&self.request, code, text), None)
    }

    /// Does not take it now: `AR`, or `CE`, with code 207, after which senders try again. `text` travels to the sender and into its logs.
    pub fn not_now(&self, text: impl Into<String>) -> Refused {
        self.unfit(unavailable(&self.request, text), None)
    }

    /// The acknowledgment that it is to be given once it is stored: empty where it asks to be told of errors only. `None` when it is too long to be kept.
    pub(crate) fn acknowledgment(&self) -> Option<Vec<u8>> {
        let reply = Reply::accept(&self.request);
        let content = reply.content().unwrap_or_default();
        (content.len() <= MAX_ACKNOWLEDGMENT).then(|| content.to_vec())
    }

    fn inbound(&self, message: &Message<'_>) -> Result<Inbound, Refused> {
        let router = &self.desk.router;
        let (destinations, dead_letter) = match (router.destinations(message), router.for_the_rest()) {
            (found, _) if !found.is_empty() => (found, None),
            (_, Unrouted::DeadLetter(name)) => (vec![name.as_str()], Some(DeadLetterReason::Unrouted)),
            (_, Unrouted::Refuse) => return Err(self.without_a_route()),
        };
        let too_large = || self.not_taken(&EnqueueError::new(EnqueueErrorKind::TooLarge));
        let acknowledgment = self.acknowledgment().ok_or_else(too_large)?;
        let entry = self.desk.sender.entry(message).origin(&self.desk.origin).to(destinations);
        let request = entry.known_as(self.identity.key, self.identity.body).into_request();
        let request = request.map_err(|why| self.not_taken(&why))?;
        Ok(Inbound { request, name: self.identity.name, acknowledgment, dead_letter })
    }

    fn without_a_route(&self) -> Refused {
        let text = "no route takes this message";
        let reply = Reply::reject(&self.request, ErrorCode::UnsupportedMessageType, text);
        Refused { reply, kind: RefusedKind::Unrouted, code: None }
    }

    fn not_taken(&self, why: &EnqueueError) -> Refused {
        use EnqueueErrorKind as K;
        let (request, code) = (&self.request, why.code());
        let text = format!("not taken ({code})");
        match why.kind() {
            K::NoControlId => {
                self.unfit(Reply::error(request, ErrorCode::RequiredFieldMissing, text), Some(code))
            }
            K::Encode(_) | K::FrameCharacter => {
                self.unfit(Reply::error(request, ErrorCode::DataTypeError, text), Some(code))
            }
            K::TooLarge | K::NoAckAsked | K::TooManyLanes => {
                self.unfit(Reply::reject(request, ErrorCode::ApplicationInternalError, text), Some(code))
            }
            // It was removed since the router was checked.
            K::UnknownDestination => self.unfit(unavailable(request, text), Some(code)),
            K::Store(why) if !why.is_passing() && why.kind() != StoreErrorKind::Poisoned => {
                self.unknown(why.code())
            }
            _ => self.not_stored(code),
        }
    }

    fn unfit(&self, reply: Reply, code: Option<&'static str>) -> Refused {
        Refused { reply, kind: RefusedKind::Unfit, code }
    }

    fn not_stored(&self, code: &'static str) -> Refused {
        let reply = unavailable(&self.request, format!("not taken ({code})"));
        Refused { reply, kind: RefusedKind::NotStored, code: Some(code) }
    }

    /// Any answer would be a guess. Without one the sender sends the message again, and is told then.
    fn unknown(&self, code: &'static str) -> Refused {
        Refused { reply: Reply::close(), kind: RefusedKind::Unknown, code: Some(code) }
    }
}

/// The fault is neither the content's nor the sender's: `AR`, or `CE`, with code 207, after which senders try again.
fn unavailable(request: &Request, text: impl Into<String>) -> Reply {
    let code = ErrorCode::ApplicationInternalError;
    match request.message().header().accept_condition() {
        AckCondition::Never => Reply::reject(request, code, text),
        _ => Reply::error(request, code, text),
    }
}

impl From<Committed> for Verdict {
    fn from(committed: Committed) -> Self {
        Self { given: Given::Committed(committed) }
    }
}

impl From<Refused> for Verdict {
    fn from(refused: Refused) -> Self {
        Self { given: Given::Refused(refused) }
    }
}

impl From<Result<Committed, Refused>> for Verdict {
    fn from(result: Result<Committed, Refused>) -> Self {
        result.map_or_else(Self::from, Self::from)
    }
}

impl fmt::Debug for Arrival {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Arrival").field("request", &self.request).finish_non_exhaustive()
    }
}
