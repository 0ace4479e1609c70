//! From a message to entries in the store.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use hl7_core::{Message, Path};
use hl7_mllp::AckMode;
use tracing::Instrument as _;

use crate::destination::Destination;
use crate::digest::{self, Digest};
use crate::entry::{Delivery, Enqueued, Record, Request, State, Stored};
use crate::error::{EnqueueError, EnqueueErrorKind};
use crate::event::{EntryChange, EntryEvent};
use crate::id::EntryId;
use crate::receipt::Receipt;
use crate::room::Place;
use crate::running::Running;
use crate::shape;
use crate::span::Timed;

/// The longest origin, in bytes.
pub(crate) const MAX_ORIGIN: usize = 128;

/// A message about to be enqueued; [`crate::Sender::entry`] makes one.
///
/// ```no_run
/// # async fn example(sender: hl7_sender::Sender, msg: hl7_core::Message<'_>, order: &str) -> Result<(), Box<dyn std::error::Error>> {
/// let receipts = sender.entry(&msg).key(order).origin("orders").to(["ehr", "lab"]).enqueue().await?;
/// # Ok(())
/// # }
/// ```
#[must_use = "nothing is enqueued before `enqueue` is called and awaited"]
#[derive(Clone)]
pub struct NewEntry<'a> {
    running: &'a Arc<Running>,
    message: &'a Message<'a>,
    key: Option<Digest>,
    fingerprint: Option<Digest>,
    origin: String,
    destinations: Vec<String>,
}

impl<'a> NewEntry<'a> {
    pub(crate) fn new(running: &'a Arc<Running>, message: &'a Message<'a>) -> Self {
        Self {
            running,
            message,
            key: None,
            fingerprint: None,
            origin: String::new(),
            destinations: Vec::new(),
        }
    }

    /// The idempotency key: the same key again is the same request, and is stored once. Only its SHA-256 is kept. Unless stated it is made from
    /// MSH-3, MSH-4, MSH-10 and the message's bytes.
    ///
    /// A key is known for at least seven days after its request is settled.
    pub fn key(mut self, key: impl AsRef<[u8]>) -> Self {
        self.key = Some(digest::of_parts("given key", &[key.as_ref()]));
        self
    }

    /// The bytes that say whether a second request under the key is the same one, such as the payload the message was made from. Unless stated they are
    /// the message's own; state them when the message holds the time at which it was made.
    pub fn fingerprint(mut self, bytes: &[u8]) -> Self {
        self.fingerprint = Some(digest::of_bytes(bytes));
        self
    }

    /// What caused it, such as a workflow's name; for [`crate::Status::origin`] and [`crate::Sender::counts`]. At most 128 bytes. It is shown and logged:
    /// no place for content.
    pub fn origin(mut self, origin: impl Into<String>) -> Self {
        self.origin = origin.into();
        self
    }

    /// Where it goes. A name given twice counts once.
    pub fn to<D: Into<String>>(mut self, destinations: impl IntoIterator<Item = D>) -> Self {
        for name in destinations.into_iter().map(Into::into) {
            if !self.destinations.contains(&name) {
                self.destinations.push(name);
            }
        }
        self
    }

    /// Keeps the message for all its destinations in one commit. When this returns `Ok`, it is durable.
    ///
    /// The receipts stand in the order of the destinations. Under a key that is known, entries that are there are given back
    /// ([`Receipt::is_repeat`]), and a destination that has none gets the message that was first kept.
    ///
    /// It takes as long as the disk takes: put a time limit around it where that may be too long. A caller who stops waiting has not stopped the message: it
    /// is kept all the same, unless 256 MiB wait for the store already (each message, with what its deliveries take, in whole 64 KiB). Then a call waits its turn, and nothing is
    /// kept of one that is given up before.
    ///
    /// # Errors
    /// When the message cannot be sent as it is, when a destination is unknown, when the key stands for another request, when the store is full, and
    /// when it fails. Only the last is indeterminate: [`EnqueueError::is_indeterminate`].
    pub async fn enqueue(self) -> Result<Vec<Receipt>, EnqueueError> {
        let running = self.running;
        if running.engine.is_stopping() {
            return Err(EnqueueError::new(EnqueueErrorKind::ShutDown));
        }
        let request = self.into_request()?;
        let timed = Timed::enqueue(&request);
        let place = running.room.take(request.weight()).await;
        running.unstoppable(keep_told(Arc::clone(running), request, timed, place)).await
    }

    /// The same as what came in under this key.
    pub(crate) fn known_as(mut self, key: Digest, fingerprint: Digest) -> Self {
        (self.key, self.fingerprint) = (Some(key), Some(fingerprint));
        self
    }

    /// What a store is asked to keep.
    pub(crate) fn into_request(self) -> Result<Request, EnqueueError> {
        let deliveries = self.deliveries()?;
        let control_id = self.control_id()?;
        let body = self.body()?;
        let digest = digest::of_bytes(&body);
        Ok(Request {
            key: self.key.unwrap_or_else(|| default_key(self.message, &digest)),
            fingerprint: self.fingerprint.unwrap_or(digest),
            origin: self.origin,
            control_id,
            message_type: shape::message_type(self.message.header()),
            body,
            digest,
            deliveries,
        })
    }

    fn deliveries(&self) -> Result<Vec<Delivery>, EnqueueError> {
        if self.destinations.is_empty() {
            return Err(EnqueueError::new(EnqueueErrorKind::NoDestination));
        }
        if self.origin.len() > MAX_ORIGIN {
            return Err(EnqueueError::new(EnqueueErrorKind::OriginTooLong));
        }
        let asks_for_none = AckMode::of(self.message.header()).is_none();
        let delivery = |name: &String| {
            let target = self.running.target(name).ok_or(EnqueueErrorKind::UnknownDestination)?;
            if asks_for_none && !target.unconfirmed {
                return Err(EnqueueErrorKind::NoAckAsked);
            }
            let lane_keys = lane_keys(self.message, &target.lane_keys)?;
            Ok(Delivery { id: EntryId::random(), destination: name.clone(), lane_keys })
        };
        self.destinations.iter().map(delivery).collect::<Result<_, _>>().map_err(EnqueueError::new)
    }

    fn control_id(&self) -> Result<String, EnqueueError> {
        let header = self.message.header();
        let control_id = header.control_id().filter(|id| !id.is_null() && !id.raw().trim().is_empty());
        let Some(control_id) = control_id else {
            return Err(EnqueueError::new(EnqueueErrorKind::NoControlId));
        };
        Ok(control_id.raw().to_owned())
    }

    fn body(&self) -> Result<Vec<u8>, EnqueueError> {
        let fault = |kind| Err(EnqueueError::new(kind));
        let body = match self.message.to_wire() {
            Ok(body) => body,
            Err(why) => return fault(EnqueueErrorKind::Encode(why)),
        };
        if body.len() > self.running.max_message_bytes {
            return fault(EnqueueErrorKind::TooLarge);
        }
        if body.iter().any(|byte| matches!(byte, 0x0B | 0x1C)) {
            return fault(EnqueueErrorKind::FrameCharacter);
        }
        Ok(body)
    }
}

/// Stores the request and wakes its destinations.
async fn keep(running: Arc<Running>, request: Request) -> Result<Vec<Receipt>, EnqueueError> {
    let now = running.engine.now();
    let about = About::of(&request, now);
    let enqueued = running.engine.vault.enqueue(request, now).await;
    let stored = match enqueued? {
        Enqueued::Stored(stored) => stored,
        Enqueued::KeyReused => return Err(EnqueueError::new(EnqueueErrorKind::KeyReused)),
        Enqueued::Full => return Err(EnqueueError::new(EnqueueErrorKind::StoreFull)),
    };
    Ok(receipts(&running, stored, Some(&about), EntryChange::Enqueued))
}

/// The same, told by a span.
async fn keep_told(
    running: Arc<Running>,
    request: Request,
    timed: Timed,
    _place: Option<Place>,
) -> Result<Vec<Receipt>, EnqueueError> {
    let kept = keep(running, request).instrument(timed.span.clone()).await;
    if let Ok(receipts) = &kept {
        timed.note_entries(receipts);
        timed.span.record("repeats", receipts.iter().filter(|receipt| receipt.is_repeat()).count());
    }
    timed.end(kept.as_ref().err().map(EnqueueError::code));
    kept
}

/// Tells of new entries and wakes their destinations. What is known of them, where it is, saves the receipts' holders a look.
pub(crate) fn receipts(
    running: &Arc<Running>,
    stored: Vec<Stored>,
    about: Option<&About>,
    change: EntryChange,
) -> Vec<Receipt> {
    let receipt = |stored: Stored| {
        match running.target(&stored.destination) {
            Some(target) if stored.repeat => target.tally.repeats.add(),
            Some(target) => {
                target.tally.made(change);
                running
                    .engine
                    .teller
                    .tell(|| EntryEvent::made(&stored, &target.tally.name, change, running.engine.now()));
                target.wake.notify_one();
            }
            // It was removed meanwhile.
            None => {}
        }
        let made = about.filter(|_| !stored.repeat).map(|about| about.record(&stored));
        Receipt::new(Arc::clone(&running.engine), stored, made)
    };
    stored.into_iter().map(receipt).collect()
}

/// What is known of a request's new entries without asking the store.
pub(crate) struct About {
    origin: String,
    message_type: Option<String>,
    size: u64,
    key: Digest,
    now: SystemTime,
    copy_of: Option<EntryId>,
}

impl About {
    pub(crate) fn of(request: &Request, now: SystemTime) -> Self {
        let (origin, message_type) = (request.origin.clone(), request.message_type.clone());
        let (size, key) = (request.body.len() as u64, request.key);
        Self { origin, message_type, size, key, now, copy_of: None }
    }

    pub(crate) fn copied_from(mut self, of: EntryId) -> Self {
        self.copy_of = Some(of);
        self
    }

    fn record(&self, stored: &Stored) -> Record {
        Record {
            id: stored.id,
            origin: self.origin.clone(),
            destination: stored.destination.clone(),
            lanes: stored.lanes.clone(),
            key: self.key,
            control_id: stored.control_id.clone(),
            message_type: self.message_type.clone(),
            size: self.size,
            state: State::Queued,
            reason: None,
            attempts: 0,
            failure: None,
            answers: 0,
            acknowledgment: None,
            enqueued_at: self.now,
            sent_at: None,
            answered_at: None,
            settled_at: None,
            next_attempt_at: None,
            copy_of: self.copy_of,
            copies: Vec::new(),
        }
    }
}

/// Every value that the paths give, sorted and each once.
fn lane_keys(message: &Message<'_>, paths: &[Path]) -> Result<Vec<String>, EnqueueErrorKind> {
    let mut keys: Vec<String> = Vec::new();
    for value in paths.iter().flat_map(|path| message.get_all(path)).map(|value| value.raw()) {
        if !value.is_empty() && !keys.iter().any(|key| key == value) {
            keys.push(value.to_owned());
        }
        if keys.len() > Destination::MAX_LANES {
            return Err(EnqueueErrorKind::TooManyLanes);
        }
    }
    keys.sort_unstable();
    Ok(keys)
}

/// The same message again is the same request; with the destination, which the store adds, it names one entry.
fn default_key(message: &Message<'_>, body: &Digest) -> Digest {
    let header = message.header();
    let fields = [header.sending_application(), header.sending_facility(), header.control_id()];
    let [application, facility, control_id] = fields.map(|field| field.map_or("", |value| value.raw()));
    let parts = [application.as_bytes(), facility.as_bytes(), control_id.as_bytes(), body.as_slice()];
    digest::of_parts("message key", &parts)
}

impl fmt::Debug for NewEntry<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewEntry")
            .field("message", &self.message)
            .field("destinations", &self.destinations)
            .finish_non_exhaustive()
    }
}
