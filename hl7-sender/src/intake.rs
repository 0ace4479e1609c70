//! The listener's side of the promise: a message is answered positively once it is stored.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use hl7_mllp::{Reply, Request};
use tokio::time::timeout;

use crate::arrival::{Arrival, Given, Identity, Refused, RefusedKind, Verdict};
use crate::committed::Committed;
use crate::enqueue::MAX_ORIGIN;
use crate::error::{IntakeError, IntakeErrorKind};
use crate::intake_meter::IntakeMeter;
use crate::room::{Place, Room};
use crate::router::Router;
use crate::sender::Sender;

/// How long after the first time a repeat is more than a lost acknowledgment: senders repeat within minutes.
const LATE: Duration = Duration::from_secs(60 * 60);

/// An answer on its way, as [`hl7_mllp::Server::serve`] takes it.
pub type Replying = Pin<Box<dyn Future<Output = Reply> + Send>>;

/// Takes messages from a listener, stores them for the sender's destinations, and answers them then.
///
/// ```no_run
/// # async fn example(sender: hl7_sender::Sender) -> Result<(), Box<dyn std::error::Error>> {
/// use hl7_mllp::Server;
/// use hl7_sender::{Intake, Router};
///
/// let router = Router::all_matches()
///     .when("MSH-9.1 == ADT".parse()?, ["ehr", "lab"])
///     .when("MSH-9.1 == ORU".parse()?, ["ehr"]);
/// let intake = Intake::new(&sender, router)?;
/// Server::bind("0.0.0.0:2575").await?.serve(intake.handler()).await?;
/// # Ok(())
/// # }
/// ```
///
/// # What is answered
///
/// | | original mode | MSH-15 asks for an accept acknowledgment |
/// |---|---|---|
/// | stored, for all its destinations in one commit | AA | CA |
/// | came before: same MSH-3, MSH-4, MSH-10 and bytes | as the first time, byte for byte | the same |
/// | no rule holds for it | AR, code 200, unless [`crate::Unrouted`] says otherwise | CR |
/// | not fit to be sent on (no MSH-10, too long, asks for no acknowledgment, ..) | AE or AR | CE or CR |
/// | the store has no room, is out of use or closed; too much waits for it | AR, code 207 | CE |
/// | the store failed or took too long: whether it was stored is open | none; the connection is closed | the same |
///
/// What MSH-15 and MSH-16 ask not to be told is not: where success is not asked for nothing is answered, where errors are not the connection is closed.
/// The acknowledgment is made before the commit and stored with it. The application acknowledgment that MSH-16 asks for beside the accept
/// acknowledgment is the receiver's to give: [`Committed::then`] passes it on, and without it none comes from here.
///
/// # Guarantees
///
/// * A positive answer is given only for a message that is on the disk, for each of its destinations.
/// * A message that comes again, because its acknowledgment was lost, late, or this process ended before it was written, is answered and not
///   stored again: also while the first is under way on another connection, after a restart, when the rules have changed, and when the store is full. So it
///   is for as long as its entries are kept: seven days after the last was settled at least ([`crate::Builder::keep_delivered`]).
/// * Another message under a known MSH-10 is taken, and told: [`Committed::reuses_control_id`], [`crate::IntakeCounters::reused_control_ids`], and a warning.
/// * Messages of one connection come into a lane in the order in which they came.
#[derive(Clone)]
pub struct Intake {
    desk: Arc<Desk>,
}

/// What all messages of an intake share.
pub(crate) struct Desk {
    pub(crate) sender: Sender,
    pub(crate) router: Router,
    pub(crate) origin: String,
    pub(crate) commit_timeout: Duration,
    room: Room,
    meter: IntakeMeter,
}

impl Intake {
    /// An intake for the sender's destinations.
    ///
    /// # Errors
    /// As [`IntakeBuilder::build`].
    pub fn new(sender: &Sender, router: Router) -> Result<Self, IntakeError> {
        Self::builder(sender, router).build()
    }

    /// An intake with a name or another deadline.
    pub fn builder(sender: &Sender, router: Router) -> IntakeBuilder {
        IntakeBuilder {
            sender: sender.clone(),
            router,
            origin: String::new(),
            commit_timeout: IntakeBuilder::COMMIT_TIMEOUT,
            max_bytes_under_way: IntakeBuilder::MAX_BYTES_UNDER_WAY,
        }
    }

    /// The handler for [`hl7_mllp::Server::serve`] that stores each message.
    pub fn handler(&self) -> impl Fn(Request) -> Replying + Clone + Send + Sync + 'static + use<> {
        self.handler_with(|arrival| async move { arrival.commit().await })
    }

    /// The same with a program's own look at each message: it commits it, changed or as it is, or refuses it. It can answer positively with
    /// a [`Committed`] of this message only.
    ///
    /// A message that was taken before is answered as it was then, also when it is refused now. The program sees it again nevertheless, so
    /// what it does before the commit should bear repetition.
    ///
    /// ```
    /// use hl7_core::{ErrorCode, path};
    /// use hl7_sender::{Verdict, Arrival};
    ///
    /// async fn check(arrival: Arrival) -> Verdict {
    ///     if arrival.message().get(path!("PID-3.1")).is_none() {
    ///         return arrival.error(ErrorCode::RequiredFieldMissing, "a patient ID is needed").into();
    ///     }
    ///     arrival.commit().await.into()
    /// }
    /// # let _ = |intake: hl7_sender::Intake| intake.handler_with(check);
    /// ```
    pub fn handler_with<F, Fut>(
        &self,
        handler: F,
    ) -> impl Fn(Request) -> Replying + Clone + Send + Sync + 'static + use<F, Fut>
    where
        F: Fn(Arrival) -> Fut + Send + Sync + 'static,
        Fut: Future<Output: Into<Verdict>> + Send + 'static,
    {
        let (desk, handler) = (Arc::clone(&self.desk), Arc::new(handler));
        move |request| {
            let (desk, handler) = (Arc::clone(&desk), Arc::clone(&handler));
            Box::pin(async move { desk.answer(request, &*handler).await })
        }
    }

    /// Reads the counters.
    pub fn meter(&self) -> IntakeMeter {
        self.desk.meter.clone()
    }
}

impl Desk {
    /// Room for the commit of a message. `None` when there is none in time, and then nothing was begun.
    pub(crate) async fn room(&self, bytes: usize) -> Option<Place> {
        timeout(self.commit_timeout, self.room.take(bytes)).await.ok()?
    }

    async fn answer<F, Fut>(self: Arc<Self>, request: Request, handler: &F) -> Reply
    where
        F: Fn(Arrival) -> Fut,
        Fut: Future<Output: Into<Verdict>>,
    {
        let identity = Identity::of(&request);
        let arrival = || Arrival { request: request.clone(), identity, desk: Arc::clone(&self) };
        let answer: Verdict = handler(arrival()).await.into();
        match answer.given {
            Given::Committed(committed) if committed.is_of(&identity.key) => self.taken(committed, &request),
            Given::Committed(_) => {
                tracing::error!(peer = %request.peer(), "the handler answered one message with the commit of another");
                self.meter.tally().unknown.add();
                Reply::close()
            }
            Given::Refused(refused) => self.refused(&arrival(), refused).await,
        }
    }

    fn taken(&self, committed: Committed, request: &Request) -> Reply {
        let tally = self.meter.tally();
        match committed.age(self.sender.running().engine.now()) {
            Some(age) => {
                tally.repeats.add();
                if age > LATE {
                    tally.late_repeats.add();
                    tracing::warn!(
                        ?age,
                        "a message came again long after it was acknowledged: was its sender's outbox restored from a backup?"
                    );
                }
            }
            None => tally.taken.add(),
        }
        if committed.reuses_control_id() {
            tally.reused_control_ids.add();
            tracing::warn!("another message came under a control ID that is known");
        }
        if committed.is_unrouted() {
            tally.unrouted.add();
            tracing::warn!("no route takes a message: it is a dead letter");
        }
        committed.into_reply(request)
    }

    /// What was taken before is answered as it was then, whatever stands against it now.
    async fn refused(&self, arrival: &Arrival, refused: Refused) -> Reply {
        if matches!(refused.kind, RefusedKind::Unfit | RefusedKind::Unrouted) {
            match self.before(arrival).await {
                Ok(Some(committed)) => return self.taken(committed, &arrival.request),
                Ok(None) => {}
                Err(code) => {
                    let refused =
                        Refused { reply: Reply::close(), kind: RefusedKind::Unknown, code: Some(code) };
                    return self.turned_away(arrival, refused);
                }
            }
        }
        self.turned_away(arrival, refused)
    }

    /// # Errors
    /// With a code, when the store does not say.
    async fn before(&self, arrival: &Arrival) -> Result<Option<Committed>, &'static str> {
        let Some(acknowledgment) = arrival.acknowledgment() else { return Ok(None) };
        let known = Committed::before(self.sender.running(), arrival.identity.key, acknowledgment);
        match timeout(self.commit_timeout, known).await {
            Ok(known) => known.map_err(|error| error.code()),
            Err(_) => Err("S007"),
        }
    }

    fn turned_away(&self, arrival: &Arrival, refused: Refused) -> Reply {
        let (tally, peer) = (self.meter.tally(), arrival.request.peer());
        match refused.kind {
            RefusedKind::Unknown => tally.unknown.add(),
            _ => tally.refused.add(),
        }
        if refused.kind == RefusedKind::Unrouted {
            tally.unrouted.add();
        }
        tracing::warn!(%peer, why = ?refused.kind, code = refused.code, "a message was not taken");
        // A commit of release 2 would be a positive answer too, and so would silence be, where the message asks to be told of success only.
        match refused.reply.content() {
            Some(_) => refused.reply.not_taken(),
            None => Reply::close(),
        }
    }
}

impl fmt::Debug for Intake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Intake")
            .field("origin", &self.desk.origin)
            .field("router", &self.desk.router)
            .finish_non_exhaustive()
    }
}

/// How an intake is made; [`Intake::builder`] makes one.
#[derive(Clone, Debug)]
pub struct IntakeBuilder {
    sender: Sender,
    router: Router,
    origin: String,
    commit_timeout: Duration,
    max_bytes_under_way: usize,
}

impl IntakeBuilder {
    /// The default deadline for a commit: 10 seconds, which is long for a disk, and less than senders wait for an acknowledgment.
    pub const COMMIT_TIMEOUT: Duration = Duration::from_secs(10);

    /// The default limit of messages that wait for the store: 256 MiB, as much as a listener reads at a time.
    pub const MAX_BYTES_UNDER_WAY: usize = Room::BYTES;

    /// What [`crate::Status::origin`] and [`Sender::counts`] name for its entries, such as the port's name. At most 128 bytes. None unless stated.
    pub fn origin(mut self, origin: impl Into<String>) -> Self {
        self.origin = origin.into();
        self
    }

    /// How long the store may take. After it the connection is closed without an answer: the message may be stored all the same, and is known when it
    /// comes again. It should be below [`hl7_mllp::ServerBuilder::handler_timeout`].
    pub fn commit_timeout(mut self, time: Duration) -> Self {
        self.commit_timeout = time;
        self
    }

    /// The most bytes of messages that wait for the store at a time, each with what its deliveries take and in whole 64 KiB. A store that hangs keeps what it was given although
    /// the connections it came on are closed; beyond this a message waits as long as a commit may take, and is refused then.
    pub fn max_bytes_under_way(mut self, bytes: usize) -> Self {
        self.max_bytes_under_way = bytes;
        self
    }

    /// The intake.
    ///
    /// # Errors
    /// When the router has no rule or too many, a rule names no destination or one that the sender does not have, the origin is too long or the
    /// deadline is zero.
    pub fn build(self) -> Result<Intake, IntakeError> {
        let Self { sender, router, origin, commit_timeout, max_bytes_under_way } = self;
        router.check(|name| sender.has_destination(name)).map_err(IntakeError::new)?;
        if origin.len() > MAX_ORIGIN {
            return Err(IntakeError::new(IntakeErrorKind::OriginTooLong));
        }
        if commit_timeout.is_zero() {
            return Err(IntakeError::new(IntakeErrorKind::Timeout));
        }
        let (room, meter) = (Room::new(max_bytes_under_way), IntakeMeter::default());
        Ok(Intake { desk: Arc::new(Desk { sender, router, origin, commit_timeout, room, meter }) })
    }
}
