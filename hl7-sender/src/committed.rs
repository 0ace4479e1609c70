//! The proof that a message that came in is in the store.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use hl7_core::AckCondition;
use hl7_mllp::{Acknowledgment, ApplicationReply, Reply, Request};
use tracing::Instrument as _;

use crate::digest::Digest;
use crate::enqueue::{self, About};
use crate::error::{EnqueueError, EnqueueErrorKind, StoreError, StoreErrorKind};
use crate::event::EntryChange;
use crate::inbound::{Answered, Inbound, Received};
use crate::receipt::Receipt;
use crate::room::Place;
use crate::running::Running;
use crate::span::Timed;

/// The proof that a message that came in is durable, and the acknowledgment that its sender is given for it.
///
/// Only the store's success makes one ([`crate::Arrival::commit`]), and only for the message that was stored; there is no other way to a positive answer
/// through [`crate::Intake`].
///
/// ```
/// use hl7_sender::{Verdict, Arrival, Committed};
///
/// fn answer(committed: Committed) -> Verdict {
///     committed.into()
/// }
///
/// async fn handle(arrival: Arrival) -> Verdict {
///     arrival.commit().await.into()
/// }
/// # let _ = (answer, handle);
/// ```
///
/// It cannot be made otherwise, not copied, and an accepting [`Reply`] does not do in its place:
///
/// ```compile_fail,E0451
/// use hl7_sender::{Verdict, Arrival, Committed};
///
/// fn answer() -> Verdict {
///     let committed = Committed { acknowledgment: b"MSH|^~\\&|A\rMSA|AA|m-1\r".to_vec(), ..unreachable!() };
///     committed.into()
/// }
/// ```
///
/// ```compile_fail,E0277
/// use hl7_mllp::Reply;
/// use hl7_sender::{Verdict, Arrival};
///
/// async fn handle(arrival: Arrival) -> Verdict {
///     Reply::accept(arrival.request()).into()
/// }
/// ```
///
/// ```compile_fail,E0382
/// use hl7_sender::{Verdict, Committed};
///
/// fn answers(committed: Committed) -> [Verdict; 2] {
///     [committed.into(), committed.into()]
/// }
/// ```
#[must_use = "the message is stored: answer with it"]
pub struct Committed {
    acknowledgment: Vec<u8>,
    key: Digest,
    receipts: Vec<Receipt>,
    /// When it came first, of a repeat.
    first_at: Option<SystemTime>,
    name_reused: bool,
    unrouted: bool,
    /// What gives the application acknowledgment.
    work: Mutex<Option<Work>>,
}

/// What is left to do when a message is in safe keeping.
type Work = Pin<Box<dyn Future<Output = ApplicationReply> + Send>>;

impl Committed {
    /// Has the store keep the message. A task of its own, because a caller who stops waiting does not undo the commit; it has its room until the
    /// store has answered.
    pub(crate) async fn by(
        running: &Arc<Running>,
        inbound: Inbound,
        room: Place,
    ) -> Result<Self, EnqueueError> {
        let timed = Timed::receive(&inbound.request);
        let kept = Self::keep_told(Arc::clone(running), inbound, timed);
        let kept = running.spawn(async move {
            let _room = room;
            kept.await
        });
        // The task does not panic; it is dropped with its runtime, and then nobody can say how far it came.
        let lost = |_| Err(EnqueueError::new(EnqueueErrorKind::Store(StoreError::new(StoreErrorKind::Io))));
        kept.await.unwrap_or_else(lost)
    }

    /// Asks the store whether the message with this key came before. `acknowledgment` is what it is answered should the disk have altered that of the first time.
    pub(crate) async fn before(
        running: &Running,
        key: Digest,
        acknowledgment: Vec<u8>,
    ) -> Result<Option<Self>, StoreError> {
        let answered = running.engine.vault.answered(&key).await?;
        Ok(answered.map(|answered| Self::again(key, acknowledgment, answered)))
    }

    /// Has the store keep it, told by a span.
    async fn keep_told(running: Arc<Running>, inbound: Inbound, timed: Timed) -> Result<Self, EnqueueError> {
        let kept = Self::keep(running, inbound).instrument(timed.span.clone()).await;
        if let Ok(kept) = &kept {
            timed.note_entries(&kept.receipts);
            timed.span.record("repeat", kept.is_repeat());
        }
        timed.end(kept.as_ref().err().map(EnqueueError::code));
        kept
    }

    async fn keep(running: Arc<Running>, inbound: Inbound) -> Result<Self, EnqueueError> {
        let now = running.engine.now();
        let (key, acknowledgment) = (inbound.request.key, inbound.acknowledgment.clone());
        let unrouted = inbound.dead_letter.is_some();
        let (about, reason) = ((!unrouted).then(|| About::of(&inbound.request, now)), inbound.dead_letter);
        match running.engine.vault.receive(inbound, now).await? {
            Received::Stored { entries, name_reused } => {
                let receipts = enqueue::receipts(&running, entries, about.as_ref(), EntryChange::Received);
                let mut more = reason.map(EntryChange::DeadLettered).into_iter().collect::<Vec<_>>();
                more.extend(name_reused.then_some(EntryChange::ControlIdReused));
                receipts.iter().for_each(|receipt| tell_more(&running, receipt, &more));
                let work = Mutex::default();
                Ok(Self { acknowledgment, key, receipts, first_at: None, name_reused, unrouted, work })
            }
            Received::Repeat(answered) => Ok(Self::again(key, acknowledgment, answered)),
            Received::KeyReused => Err(EnqueueError::new(EnqueueErrorKind::KeyReused)),
            Received::Full => Err(EnqueueError::new(EnqueueErrorKind::StoreFull)),
        }
    }

    fn again(key: Digest, fresh: Vec<u8>, answered: Answered) -> Self {
        let acknowledgment =
            if says_the_same(&answered.acknowledgment, &fresh) { answered.acknowledgment } else { fresh };
        let first_at = Some(answered.at);
        let (receipts, work) = (Vec::new(), Mutex::default());
        Self { acknowledgment, key, receipts, first_at, name_reused: false, unrouted: false, work }
    }

    /// The receipts of its entries, one for each destination; none for a repeat.
    pub fn receipts(&self) -> &[Receipt] {
        &self.receipts
    }

    /// Whether it had come before: then nothing was stored, and it is answered as it was the first time.
    pub fn is_repeat(&self) -> bool {
        self.first_at.is_some()
    }

    /// Whether another message with its MSH-3, MSH-4 and MSH-10 is on record. It is taken all the same: senders begin to count anew.
    pub fn reuses_control_id(&self) -> bool {
        self.name_reused
    }

    /// Whether no rule held for it, and it is a dead letter ([`crate::Unrouted::DeadLetter`]).
    pub fn is_unrouted(&self) -> bool {
        self.unrouted
    }

    /// How long ago it came first, of a repeat.
    pub(crate) fn age(&self, now: SystemTime) -> Option<Duration> {
        self.first_at.map(|first| now.duration_since(first).unwrap_or_default())
    }

    pub(crate) fn is_of(&self, key: &Digest) -> bool {
        self.key == *key
    }

    /// Gives the application acknowledgment too, of a message that asks for both acknowledgments of enhanced mode (MSH-15 and MSH-16): the accept
    /// acknowledgment is sent at once, and what `work` gives when it is done, on the same connection, as [`Reply::then`] says. Of other messages there is no
    /// such work: it is dropped.
    ///
    /// Here the message's own sender is told what the receivers behind this node have said:
    ///
    /// ```
    /// use hl7_core::ErrorCode;
    /// use hl7_mllp::ApplicationReply;
    /// use hl7_sender::{Arrival, Outcome, Verdict};
    ///
    /// async fn handle(arrival: Arrival) -> Verdict {
    ///     let request = arrival.request().clone();
    ///     let committed = match arrival.commit().await {
    ///         Ok(committed) => committed,
    ///         Err(refused) => return refused.into(),
    ///     };
    ///     let receipts = committed.receipts().to_vec();
    ///     let told = committed.then(async move {
    ///         for receipt in receipts {
    ///             match receipt.outcome().await {
    ///                 Ok(Outcome::Delivered(_) | Outcome::Taken) => {}
    ///                 Ok(_) => return ApplicationReply::error(&request, ErrorCode::ApplicationInternalError, "not delivered"),
    ///                 Err(_) => return ApplicationReply::none(), // nobody knows yet
    ///             }
    ///         }
    ///         ApplicationReply::accept(&request)
    ///     });
    ///     told.into()
    /// }
    /// # let _ = |intake: hl7_sender::Intake| intake.handler_with(handle);
    /// ```
    ///
    /// The work is not on record. A message that comes again has no receipts, and the program knows by itself what it answered, or finds out; when this
    /// process ends meanwhile, the second answer does not come. The connection takes no other message before the work is done.
    pub fn then(self, work: impl Future<Output = ApplicationReply> + Send + 'static) -> Self {
        Self { work: Mutex::new(Some(Box::pin(work))), ..self }
    }

    /// The positive answer to this request; none where it asks for none on success.
    pub(crate) fn into_reply(self, to: &Request) -> Reply {
        let reply = match self.acknowledgment.is_empty() {
            true => Reply::none(),
            false => Reply::bytes(self.acknowledgment),
        };
        let header = to.message().header();
        let asks_for_both =
            header.wants_accept(true) && header.application_condition() != AckCondition::Never;
        match self.work.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(work) if asks_for_both => reply.then(work),
            _ => reply,
        }
    }
}

/// Tells what else is to be said of an entry that was just made.
fn tell_more(running: &Running, receipt: &Receipt, changes: &[EntryChange]) {
    let Some(target) = running.target(receipt.destination()) else { return };
    for change in changes {
        target.tally.decided(*change);
        running.engine.tell_change(receipt.id(), &target.tally.name, *change);
    }
}

/// Whether what is on record still is the positive acknowledgment that it was, as far as a sender looks at it.
fn says_the_same(stored: &[u8], fresh: &[u8]) -> bool {
    match (Acknowledgment::read(stored), Acknowledgment::read(fresh)) {
        (Ok(stored), Ok(fresh)) => stored.code().is_positive() && stored.control_id() == fresh.control_id(),
        _ => stored == fresh,
    }
}

impl fmt::Debug for Committed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Committed")
            .field("receipts", &self.receipts)
            .field("repeat", &self.is_repeat())
            .field("name_reused", &self.name_reused)
            .field("unrouted", &self.unrouted)
            .finish_non_exhaustive()
    }
}
