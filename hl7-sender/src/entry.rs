//! What a store keeps, in the words of [`crate::Store`].

use std::fmt;
use std::time::SystemTime;

use crate::digest::Digest;
use crate::error::{StoreError, StoreErrorKind};
use crate::id::{EntryId, LaneId};

/// What is to be kept by one commit: one message for one or more destinations.
#[derive(Clone)]
pub struct Request {
    /// The idempotency key, hashed.
    pub key: Digest,
    /// What says that a second request under this key is the same one.
    pub fingerprint: Digest,
    /// The name of what caused it, empty when there is none.
    pub origin: String,
    /// MSH-10.
    pub control_id: String,
    /// MSH-9, where it has the shape of one.
    pub message_type: Option<String>,
    /// The message in wire form.
    pub body: Vec<u8>,
    /// SHA-256 of the body.
    pub digest: Digest,
    /// Where it goes, each destination once, at least one.
    pub deliveries: Vec<Delivery>,
}

impl Request {
    /// That it goes somewhere.
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        if self.deliveries.is_empty() { Err(StoreError::new(StoreErrorKind::NoDelivery)) } else { Ok(()) }
    }

    /// About how many bytes it takes while it waits for a store, and half of what it takes there: its message, and for each delivery a row, its places in
    /// the indexes and its lanes.
    pub(crate) fn weight(&self) -> usize {
        const DELIVERY: usize = 256;
        const LANE: usize = 64;
        let lanes =
            |delivery: &Delivery| delivery.lane_keys.iter().map(|key| LANE + key.len()).sum::<usize>();
        let of =
            |delivery: &Delivery| DELIVERY + delivery.destination.len() + self.origin.len() + lanes(delivery);
        self.body.len() + self.deliveries.iter().map(of).sum::<usize>()
    }
}

/// One destination of a [`Request`].
#[derive(Clone)]
pub struct Delivery {
    /// The name for the entry, should it be new.
    pub id: EntryId,
    /// The destination's name.
    pub destination: String,
    /// The values of its lane keys, sorted and each once; none for the destination's common lane. It stands in the lane of each. A store keeps only keyed
    /// hashes of them.
    pub lane_keys: Vec<String>,
}

/// An entry as [`crate::Store::enqueue`] found or made it.
#[derive(Clone, PartialEq, Eq)]
pub struct Stored {
    /// The entry.
    pub id: EntryId,
    /// Its lanes, at least one, in the order of its lane keys. The first is its home lane.
    pub lanes: Vec<LaneId>,
    /// Its destination.
    pub destination: String,
    /// MSH-10 of the message that is kept.
    pub control_id: String,
    /// Whether it was there before.
    pub repeat: bool,
}

/// What became of [`crate::Store::enqueue`].
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Enqueued {
    /// Durable: one entry for each delivery, in their order.
    Stored(Vec<Stored>),
    /// The key stands for another request. Nothing was kept.
    KeyReused,
    /// The store is at its limit. Nothing was kept.
    Full,
}

/// The lanes of a destination that have something to send.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Due {
    /// Those that may go on now, the one that waits longest first.
    pub lanes: Vec<LaneId>,
    /// When the earliest of the others may.
    pub next: Option<SystemTime>,
}

/// One attempt, counted durably.
#[derive(Clone)]
pub struct Attempt {
    /// The entry.
    pub id: EntryId,
    /// Its home lane.
    pub lane: LaneId,
    /// Whether it stands in other lanes too: once it is settled, those may be due.
    pub is_merge: bool,
    /// The key of its request.
    pub key: Digest,
    /// The message in wire form.
    pub body: Vec<u8>,
    /// SHA-256 of the body as it was enqueued.
    pub digest: Digest,
    /// Attempts since it was enqueued, released or replayed, this one included.
    pub tries: u32,
    /// Of these, how many had an answer that asks for a retry.
    pub rejections: u32,
    /// When it was enqueued, released or replayed.
    pub since: SystemTime,
}

/// How one attempt ended.
#[derive(Clone)]
pub struct Finished {
    /// The entry.
    pub id: EntryId,
    /// What becomes of it.
    pub end: End,
    /// The acknowledgment, byte for byte, when there was one.
    pub acknowledgment: Option<Vec<u8>>,
    /// A stable code that says why it was not delivered, or what its delivery lacks; never content.
    pub failure: Option<&'static str>,
    /// Whether it counts as an answer that asks for a retry.
    pub rejected: bool,
    /// When the block was written; `None` when nothing was, and then the attempt is not counted.
    pub sent_at: Option<SystemTime>,
    /// The time now.
    pub at: SystemTime,
}

/// What becomes of an entry after an attempt.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum End {
    /// Delivered.
    Deliver,
    /// Sent, and not confirmed as the destination asks for; the lane flows on.
    Unconfirmed,
    /// Passed over by the destination's table; the lane flows on.
    Skip,
    /// Again at this time; the lane waits.
    Retry(SystemTime),
    /// The lane stands until the entry is released or dead-lettered.
    Hold,
    /// To the dead letters; the lane flows on.
    DeadLetter(DeadLetterReason),
}

#[cfg(any(feature = "sqlite", feature = "test-util"))]
impl End {
    /// Where it leaves the entry.
    pub(crate) fn state(self) -> State {
        match self {
            Self::Retry(_) => State::Retrying,
            Self::Hold => State::Held,
            Self::Deliver => State::Delivered,
            Self::Unconfirmed => State::Unconfirmed,
            Self::Skip => State::Skipped,
            Self::DeadLetter(_) => State::DeadLettered,
        }
    }
}

/// S202: older than the destination allows.
pub(crate) const TOO_OLD: &str = "S202";
/// S203: under way when the process ended, and nobody knows how far it came.
pub(crate) const INTERRUPTED: &str = "S203";
/// S206: under way when the process ended, and in the receiver's safe keeping.
#[cfg(any(feature = "sqlite", feature = "test-util"))]
pub(crate) const ACCEPTED: &str = "S206";

/// Why an entry is a dead letter.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum DeadLetterReason {
    /// The peer's acknowledgment, by the destination's table.
    Refused,
    /// No acknowledgment of it that could be read, by the destination's table. The peer may have it.
    Doubtful,
    /// As many attempts as the destination allows.
    UsedUp,
    /// Older than the destination allows.
    TooOld,
    /// Someone decided so: [`crate::Sender::dead_letter`].
    Chosen,
    /// It came in, and no rule of the router holds for it: [`crate::Unrouted::DeadLetter`].
    Unrouted,
}

impl DeadLetterReason {
    const ALL: [Self; 6] =
        [Self::Refused, Self::Doubtful, Self::UsedUp, Self::TooOld, Self::Chosen, Self::Unrouted];

    /// The stable code: `refused`, `doubtful`, `used-up`, `too-old`, `chosen` or `unrouted`.
    pub fn code(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Doubtful => "doubtful",
            Self::UsedUp => "used-up",
            Self::TooOld => "too-old",
            Self::Chosen => "chosen",
            Self::Unrouted => "unrouted",
        }
    }

    /// The reason with this code.
    pub fn of_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|why| why.code() == code)
    }
}

impl fmt::Display for DeadLetterReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// Where an entry stands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
#[non_exhaustive]
pub enum State {
    /// Waits for its turn.
    Queued,
    /// An attempt is under way, or was when the process ended.
    Sending,
    /// Waits for its next attempt.
    Retrying,
    /// Waits for a decision, and its lane with it.
    Held,
    /// A positive acknowledgment is on record, or, of a receiver that said no more, that it said so.
    Delivered,
    /// Given up.
    DeadLettered,
    /// Sent, and not confirmed: nothing was to confirm it, or not all of it came that the destination asks for. It is not sent again.
    Unconfirmed,
    /// Passed over by the destination's table.
    Skipped,
    /// Taken back before it was delivered: [`crate::Sender::cancel`].
    Cancelled,
}

impl State {
    /// Whether nothing more happens to it by itself.
    pub fn is_settled(self) -> bool {
        !matches!(self, Self::Queued | Self::Sending | Self::Retrying | Self::Held)
    }

    /// The stable name: `queued`, `sending`, `retrying`, `held`, `delivered`, `dead-lettered`, `unconfirmed`, `skipped`,
    /// `cancelled`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sending => "sending",
            Self::Retrying => "retrying",
            Self::Held => "held",
            Self::Delivered => "delivered",
            Self::DeadLettered => "dead-lettered",
            Self::Unconfirmed => "unconfirmed",
            Self::Skipped => "skipped",
            Self::Cancelled => "cancelled",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How many messages of one origin and destination are in one state.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Count {
    origin: String,
    destination: String,
    state: State,
    messages: u64,
}

impl Count {
    /// A count; an empty origin stands for entries without one.
    pub fn new(origin: String, destination: String, state: State, messages: u64) -> Self {
        Self { origin, destination, state, messages }
    }

    /// What caused them.
    pub fn origin(&self) -> Option<&str> {
        Some(self.origin.as_str()).filter(|origin| !origin.is_empty())
    }

    /// Where they go.
    pub fn destination(&self) -> &str {
        &self.destination
    }

    /// Where they stand.
    pub fn state(&self) -> State {
        self.state
    }

    /// How many they are; a message for two destinations counts at each.
    pub fn messages(&self) -> u64 {
        self.messages
    }
}

/// What a store knows of an entry; [`crate::Status`] shows it.
#[derive(Clone)]
#[allow(missing_docs)] // each field is described at the reader of the same name in `Status`
pub struct Record {
    pub id: EntryId,
    pub origin: String,
    pub destination: String,
    /// At least one; the first is the home lane.
    pub lanes: Vec<LaneId>,
    /// That of its request.
    pub key: Digest,
    pub control_id: String,
    pub message_type: Option<String>,
    pub size: u64,
    pub state: State,
    pub reason: Option<DeadLetterReason>,
    pub attempts: u32,
    pub failure: Option<String>,
    /// How many acknowledgments came, of any code.
    pub answers: u32,
    pub acknowledgment: Option<Vec<u8>>,
    pub enqueued_at: SystemTime,
    pub sent_at: Option<SystemTime>,
    pub answered_at: Option<SystemTime>,
    pub settled_at: Option<SystemTime>,
    pub next_attempt_at: Option<SystemTime>,
    /// The dead letter of which it is an edited copy.
    pub copy_of: Option<EntryId>,
    /// The edited copies that were made of it, the oldest first.
    pub copies: Vec<EntryId>,
}

/// A lane as [`crate::Store::lanes`] finds it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LaneRecord {
    /// The lane.
    pub lane: LaneId,
    /// How many open entries stand in it; a store may count to 10,000 and no further.
    pub open: u64,
    /// The first of them.
    pub head: Option<EntryId>,
    /// When that one was enqueued.
    pub enqueued_at: Option<SystemTime>,
    /// Where that one stands.
    pub state: Option<State>,
    /// From when on it can be given out: `None` while it is under way, held, waits for another of its lanes, or one of them is parked.
    pub due: Option<SystemTime>,
    /// Whether the lane is parked.
    pub is_parked: bool,
}

/// What a receiver has said of a message before its last answer: that it has it in safe keeping.
#[derive(Clone)]
pub struct Accepted {
    /// The entry, which is being sent.
    pub id: EntryId,
    /// What becomes of it should nothing more be heard: an end that settles it.
    pub end: End,
    /// The accept acknowledgment, byte for byte, when there is one.
    pub acknowledgment: Option<Vec<u8>>,
    /// When the block was written.
    pub sent_at: SystemTime,
    /// The time now.
    pub at: SystemTime,
}

impl Record {
    /// Its home lane.
    pub fn home(&self) -> LaneId {
        home(&self.lanes)
    }
}

impl Stored {
    /// Its home lane.
    pub fn home(&self) -> LaneId {
        home(&self.lanes)
    }
}

/// The first of an entry's lanes. There always is one.
fn home(lanes: &[LaneId]) -> LaneId {
    lanes.first().copied().unwrap_or(LaneId::from_bytes([0; 16]))
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("bytes", &self.body.len())
            .field("deliveries", &self.deliveries)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery")
            .field("id", &self.id)
            .field("destination", &self.destination)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stored")
            .field("id", &self.id)
            .field("destination", &self.destination)
            .field("repeat", &self.repeat)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attempt")
            .field("id", &self.id)
            .field("bytes", &self.body.len())
            .field("tries", &self.tries)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Finished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Finished")
            .field("id", &self.id)
            .field("end", &self.end)
            .field("failure", &self.failure)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Accepted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Accepted").field("id", &self.id).field("end", &self.end).finish_non_exhaustive()
    }
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record")
            .field("id", &self.id)
            .field("destination", &self.destination)
            .field("state", &self.state)
            .field("attempts", &self.attempts)
            .field("failure", &self.failure)
            .finish_non_exhaustive()
    }
}
