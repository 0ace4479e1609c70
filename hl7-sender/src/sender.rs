//! The sender: what an application holds.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use hl7_core::Message;
use tokio::sync::watch;

use crate::destination::Destination;
use crate::destination_tally::Tallies;
use crate::engine::{self, Clock, Engine, Target};
use crate::enqueue::NewEntry;
use crate::entry::{Count, Record};
use crate::error::{EnqueueError, EnqueueErrorKind, StartError, StartErrorKind, StoreError};
use crate::event::{Board, Event, Events};
use crate::id::EntryId;
use crate::past::PastAttempt;
use crate::prune::{self, Keep};
use crate::receipt::Receipt;
use crate::running::Running;
use crate::seal::Seals;
use crate::sender_meter::SenderMeter;
use crate::status::Status;
use crate::store::{AnyStore, Store, Watched};
use crate::vault::Vault;
use crate::watch::Watch;

/// The most entries that one list gives.
pub(crate) const MAX_LIST: usize = 10_000;

/// Sends messages durably and in order. A clone is the same sender.
///
/// When the last clone is dropped, sending ends after the messages under way; what is not delivered stays in the store for the next start.
/// [`Sender::shutdown`] does the same and waits for it.
#[derive(Clone)]
pub struct Sender {
    running: Arc<Running>,
}

impl Sender {
    /// A sender on this store.
    pub fn builder(store: impl Store) -> Builder {
        Builder {
            store: Arc::new(Watched::new(store)),
            seals: Seals::default(),
            destinations: Vec::new(),
            max_message_bytes: Builder::MAX_MESSAGE_BYTES,
            keep: Keep { delivered: Builder::KEEP_DELIVERED, dead_letters: None },
            clock: Arc::new(SystemTime::now),
        }
    }

    /// Keeps the message for a destination. When this returns `Ok`, it is durable. The same message again, with the same MSH-3, MSH-4, MSH-10 and
    /// bytes, is kept once.
    ///
    /// # Errors
    /// As [`NewEntry::enqueue`].
    pub async fn enqueue(&self, destination: &str, message: &Message<'_>) -> Result<Receipt, EnqueueError> {
        let receipts = self.entry(message).to([destination]).enqueue().await?;
        receipts.into_iter().next().ok_or(EnqueueError::new(EnqueueErrorKind::NoDestination))
    }

    /// A message to be enqueued with a key, an origin, or for several destinations.
    pub fn entry<'a>(&'a self, message: &'a Message<'a>) -> NewEntry<'a> {
        NewEntry::new(&self.running, message)
    }

    /// Where an entry stands; `None` when there is no such entry, or no more.
    ///
    /// # Errors
    /// When the store fails or is closed.
    pub async fn status(&self, id: &EntryId) -> Result<Option<Status>, StoreError> {
        Ok(self.store().record(*id).await?.map(|record| self.vault().status(record)))
    }

    /// The attempts of an entry that are over, oldest first: those that failed, the last hundred of them, and the one that settled it. None for an entry
    /// that is not there.
    ///
    /// # Errors
    /// When the store fails or is closed.
    pub async fn attempts(&self, id: &EntryId) -> Result<Vec<PastAttempt>, StoreError> {
        let mut attempts = self.store().attempts(*id).await?;
        let record = self.store().record(*id).await?;
        attempts.extend(record.as_ref().and_then(PastAttempt::last_of));
        Ok(attempts)
    }

    /// The newest entries first, at most `limit` and at most 10,000.
    ///
    /// # Errors
    /// When the store fails or is closed.
    pub async fn recent(&self, limit: usize) -> Result<Vec<Status>, StoreError> {
        self.store().recent(None, limit.min(MAX_LIST)).await.map(|records| self.statuses(records))
    }

    /// As [`Sender::recent`], those of one origin.
    ///
    /// # Errors
    /// When the store fails or is closed.
    pub async fn recent_of(&self, origin: &str, limit: usize) -> Result<Vec<Status>, StoreError> {
        self.store().recent(Some(origin), limit.min(MAX_LIST)).await.map(|records| self.statuses(records))
    }

    /// The newest dead letters first, at most `limit` and at most 10,000.
    ///
    /// # Errors
    /// When the store fails or is closed.
    pub async fn dead_letters(&self, limit: usize) -> Result<Vec<Status>, StoreError> {
        self.store().dead_letters(limit.min(MAX_LIST)).await.map(|records| self.statuses(records))
    }

    /// The newest held entries first, at most `limit` and at most 10,000: those that wait for a decision, at the heads of their lanes or behind.
    ///
    /// # Errors
    /// When the store fails or is closed.
    pub async fn held(&self, limit: usize) -> Result<Vec<Status>, StoreError> {
        self.store().held(limit.min(MAX_LIST)).await.map(|records| self.statuses(records))
    }

    /// How many entries there are of each origin, destination and state.
    ///
    /// # Errors
    /// When the store fails or is closed.
    pub async fn counts(&self) -> Result<Vec<Count>, StoreError> {
        self.store().counts().await
    }

    /// The message of an entry, in wire form; `None` when there is no such entry.
    ///
    /// # Errors
    /// When the store fails or is closed, and when the message was encrypted with a key that is not there.
    pub async fn message(&self, id: &EntryId) -> Result<Option<Vec<u8>>, StoreError> {
        self.vault().message(*id).await
    }

    /// What happens from now on: to entries, to destinations, and to the store.
    ///
    /// ```no_run
    /// # async fn example(sender: hl7_sender::Sender) {
    /// use hl7_sender::{EntryChange, Event};
    ///
    /// let mut events = sender.events();
    /// while let Some(event) = events.next().await {
    ///     match event {
    ///         Event::Entry(of) if of.change == EntryChange::Held => println!("{} waits for a person: {:?}", of.entry, of.code),
    ///         Event::Missed(events) => println!("{events} events were missed"),
    ///         _ => {}
    ///     }
    /// }
    /// # }
    /// ```
    pub fn events(&self) -> Events {
        self.running.events()
    }

    /// Reads the counters.
    pub fn meter(&self) -> SenderMeter {
        SenderMeter::new(&self.running)
    }

    /// Ends sending: no message is begun, those under way are waited for, at most this long, and the store is closed. What is not delivered
    /// goes out after the next start. A message that was still under way goes out again then, which can be a duplicate.
    ///
    /// It goes on when its caller stops waiting. Who asks again waits for the same end, and the earliest time that was asked for counts. Other calls fail from
    /// now on; those that wait for an outcome end with an error.
    ///
    /// It can be asked for from anywhere. The runtime that the sender was started on does it and has to run meanwhile; when that has ended, what was under
    /// way has too, and the store is closed.
    pub async fn shutdown(&self, within: Duration) {
        self.running.end(within).await;
    }

    /// Waits until the store has failed so that it is out of use ([`StoreError::is_fault`]), and gives why: nothing is sent or accepted any more until it
    /// is opened again, by a new sender or a new process. A service ends itself then and says so.
    ///
    /// A store that fails is noticed when it is used. An ordinary shutdown is no failure: then this waits for ever. It does not keep the sender alive.
    ///
    /// ```no_run
    /// # async fn example(sender: hl7_sender::Sender) {
    /// let failed = tokio::spawn(sender.failed());
    /// # let _ = failed;
    /// # }
    /// ```
    pub fn failed(&self) -> impl Future<Output = StoreError> + Send + use<> {
        engine::failed(self.store().fault())
    }

    pub(crate) fn has_destination(&self, name: &str) -> bool {
        self.running.target(name).is_some()
    }

    pub(crate) fn running(&self) -> &Arc<Running> {
        &self.running
    }

    pub(crate) fn store(&self) -> &dyn AnyStore {
        &*self.running.engine.store
    }

    pub(crate) fn vault(&self) -> &Vault {
        &self.running.engine.vault
    }

    fn statuses(&self, records: Vec<Record>) -> Vec<Status> {
        records.into_iter().map(|record| self.vault().status(record)).collect()
    }

    pub(crate) fn now(&self) -> SystemTime {
        self.running.engine.now()
    }
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut names: Vec<_> = self.running.targets().iter().map(|target| target.name.clone()).collect();
        names.sort();
        f.debug_struct("Sender").field("destinations", &names).finish_non_exhaustive()
    }
}

/// How a sender is started; [`Sender::builder`] makes one.
pub struct Builder {
    store: Arc<dyn AnyStore>,
    seals: Seals,
    destinations: Vec<Destination>,
    max_message_bytes: usize,
    keep: Keep,
    clock: Clock,
}

impl Builder {
    /// The default limit of a message: 16 MiB, which is what listeners of `hl7-mllp` take.
    pub const MAX_MESSAGE_BYTES: usize = 16 * 1024 * 1024;
    /// The default and the shortest time for which delivered entries and their keys are kept: seven days, so that a caller who repeats a request after a
    /// long weekend is still understood.
    pub const KEEP_DELIVERED: Duration = Duration::from_secs(7 * 24 * 3600);

    /// Adds a destination. Entries of a destination that is not added stay in the store and wait.
    pub fn destination(mut self, destination: Destination) -> Self {
        self.destinations.push(destination);
        self
    }

    /// The longest message, in bytes of its wire form. 16 MiB unless stated.
    pub fn max_message_bytes(mut self, bytes: usize) -> Self {
        self.max_message_bytes = bytes;
        self
    }

    /// How long delivered entries are kept, with their messages and keys. Seven days unless stated, and at least. While the clock cannot be
    /// trusted, because it jumped by more than a day or is that far ahead of what is on record, they are kept longer.
    pub fn keep_delivered(mut self, time: Duration) -> Self {
        self.keep.delivered = time.max(Self::KEEP_DELIVERED);
        self
    }

    /// How long dead letters are kept. For ever unless stated, because each one waits for a person, and at least seven days.
    pub fn keep_dead_letters(mut self, time: impl Into<Option<Duration>>) -> Self {
        self.keep.dead_letters = time.into().map(|time| time.max(Self::KEEP_DELIVERED));
        self
    }

    /// Encrypts messages and acknowledgments before they are stored, with these keys. What is stored already stays as it is, and is sent.
    ///
    /// The keys are needed as long as the store: see "Encryption" in the crate's documentation.
    ///
    /// ```
    /// use hl7_sender::{Builder, Key, KeyRing, NotAKeyId};
    ///
    /// fn encrypted(builder: Builder, secret: [u8; 32]) -> Result<Builder, NotAKeyId> {
    ///     Ok(builder.encrypt(KeyRing::new("2026-01".parse()?, Key::from_bytes(secret))))
    /// }
    /// # let _ = encrypted;
    /// ```
    #[cfg(feature = "encryption")]
    pub fn encrypt(mut self, keys: impl crate::key::Keys) -> Self {
        self.seals = Seals::by(crate::encryption::Encryption { keys: Box::new(keys) });
        self
    }

    /// The clock for times that are stored; waiting goes by the system's monotonic clock. For tests.
    pub fn clock(mut self, clock: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Starts sending. It runs on the tokio runtime this is called on, from which runtime ever the sender is used later, and ends with it: nothing is
    /// enqueued then any more. That runtime needs its timer and its input and output turned on.
    ///
    /// # Errors
    /// When a destination is not usable, two have one name, the current key is not there, or the store fails.
    pub async fn start(self) -> Result<Sender, StartError> {
        let (mut targets, tallies) = (BTreeMap::new(), Arc::<Tallies>::default());
        for destination in self.destinations {
            destination.check().map_err(StartError::new)?;
            let name = destination.name.clone();
            if targets.insert(name, Arc::new(Target::new(destination, &tallies))).is_some() {
                return Err(StartError::new(StartErrorKind::RepeatedName));
            }
        }
        let ((stop, stopped), board) = (watch::channel(false), Board::new());
        let vault = Vault::new(Arc::clone(&self.store), self.seals);
        vault.check().map_err(|_| StartError::new(StartErrorKind::NoKey))?;
        let engine = Arc::new(Engine {
            store: self.store,
            vault,
            watch: Watch::default(),
            teller: board.teller(),
            tallies,
            clock: self.clock,
            stop: stopped,
        });
        let again = engine.store.recover(engine.now()).await?;
        if again > 0 {
            tracing::warn!(
                entries = again,
                "entries that were under way when the last sender ended go out again"
            );
        }
        for name in engine.store.paused().await? {
            if let Some(target) = targets.get(&name) {
                target.gate().pause();
            }
        }
        let running = Running::new(Arc::clone(&engine), stop, board, self.max_message_bytes);
        running.run(tell_of_failure(Arc::clone(&engine)));
        running.run(prune::run(engine, self.keep));
        running.end_with_runtime();
        targets.into_values().for_each(|target| running.open(&target));
        Ok(Sender { running: Arc::new(running) })
    }
}

/// Tells those who listen when the store fails.
async fn tell_of_failure(engine: Arc<Engine>) {
    tokio::select! {
        error = engine.failed() => engine.teller.tell(|| Event::StoreFailed(error)),
        () = engine.stopped() => {}
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("destinations", &self.destinations).finish_non_exhaustive()
    }
}
