//! What the sender asks of a store.

use std::future::Future;
use std::pin::Pin;
use std::time::SystemTime;

use tokio::sync::watch;

use crate::digest::Digest;
use crate::entry::{Accepted, Attempt, Count, Due, Enqueued, Finished, LaneRecord, Record, Request, Stored};
use crate::error::StoreError;
use crate::id::{EntryId, LaneId};
use crate::inbound::{Answered, Inbound, Received};
use crate::past::PastAttempt;
use crate::store_counters::StoreCounters;
use crate::tally::Codes;

/// A durable store of entries and their lanes.
///
/// # The contract
///
/// * **Durable.** When a writing call returns `Ok`, its effect survives the end of the process, of the operating system and of the power, as
///   far as the device honours a flush. An error leaves it open whether the effect took place, except where a method says more.
/// * **All or nothing.** Each call is one transaction: all of its effects are there, or none.
/// * **Order.** The entries of a lane have an order: that in which their `enqueue` calls committed. A replayed entry goes to the end. The *head*
///   is the first that is not settled.
/// * **An entry stands in the lane of each of its keys**, so that a merge of two patients is ordered among the messages of both. The lane of the first key
///   is its *home*. Its place is the same in all its lanes: places come from one count of the whole store, and only ever grow. So an entry
///   waits only for entries with smaller places, and the one with the smallest waits for none: lanes cannot wait for each other in a circle.
/// * **An entry is given out when it is the head of all its lanes**, neither held nor under way nor waiting for a retry. When it waits, is held or is
///   settled, it does so in all of them at once.
/// * **A lane waits as one.** While its head waits for a retry or is held, no entry behind it is given out. A held entry stands where it is until it
///   becomes the head, and then holds the lane.
/// * **Time is given.** A store reads no clock to decide anything. Times may be kept in whole milliseconds.
/// * **A fault ends it.** After an error of reading or writing, or when the store is found to contradict itself, every later call fails, until the store is opened anew.
/// * **Secrets.** A lane key's value is kept only as a keyed hash. No error shows what is stored.
///
/// Calls may come from many tasks at once. A lane is given to one [`Store::begin`] or [`Store::finish`] at a time by the sender that owns the
/// store.
pub trait Store: Send + Sync + 'static {
    /// Keeps a message for its destinations.
    ///
    /// A key that is known with the same fingerprint stands for its entries: those are given back as repeats, with the message first kept, and a
    /// destination that has none gets one with that message. A key that is known with another fingerprint changes nothing.
    ///
    /// # Errors
    /// When the request has no delivery, with [`crate::StoreErrorKind::NoDelivery`], and when the store fails: then it is open whether the message was kept.
    fn enqueue(
        &self,
        request: Request,
        now: SystemTime,
    ) -> impl Future<Output = Result<Enqueued, StoreError>> + Send;

    /// Keeps a message that came in for its destinations, with the acknowledgment that its sender is given once this returns.
    ///
    /// A key that came in before changes nothing, whatever the destinations are now, also when the store has no room: the acknowledgment
    /// first kept is given back. So of calls with one key at the same time one keeps the message, and all give the same acknowledgment. It is
    /// known as long as its request: until that is pruned.
    ///
    /// # Errors
    /// As [`Store::enqueue`].
    fn receive(
        &self,
        inbound: Inbound,
        now: SystemTime,
    ) -> impl Future<Output = Result<Received, StoreError>> + Send;

    /// What the message that came in with this key was answered; `None` when none did.
    ///
    /// # Errors
    /// When the store fails.
    fn answered(&self, key: Digest) -> impl Future<Output = Result<Option<Answered>, StoreError>> + Send;

    /// Whether a request is kept under this key.
    ///
    /// # Errors
    /// When the store fails.
    fn is_known(&self, key: Digest) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Makes entries whose attempt was under way when the last owner ended due at once, as retries with the code `S203`. Those that their receiver has
    /// [accepted](Store::accepted) end as was said then, with the code `S206`, and their lanes flow on. Gives how many go out again.
    ///
    /// # Errors
    /// When the store fails.
    fn recover(&self, now: SystemTime) -> impl Future<Output = Result<u64, StoreError>> + Send;

    /// The lanes of a destination that are due, at most `limit`, and when the next one will be: the home lanes of entries that can be given out. Lanes that
    /// are held or under way are not named.
    ///
    /// # Errors
    /// When the store fails.
    fn due(
        &self,
        destination: &str,
        now: SystemTime,
        limit: usize,
    ) -> impl Future<Output = Result<Due, StoreError>> + Send;

    /// Brings every retry of the destination that is later than `latest` forward to it, as is needed after the clock was set back, and when a person asks
    /// for it.
    ///
    /// # Errors
    /// When the store fails.
    fn clamp(
        &self,
        destination: &str,
        latest: SystemTime,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Counts an attempt for the head of the lane and gives it. `None` when the lane is empty, held or under way, or its head is at home in another
    /// lane or not the head of all its lanes. When the head waits for a retry is not asked.
    ///
    /// # Errors
    /// When the store fails.
    fn begin(&self, lane: LaneId) -> impl Future<Output = Result<Option<Attempt>, StoreError>> + Send;

    /// Ends an attempt. With `go_on`, and when [`Store::begin`] would give the home lane's next entry, counts that one's attempt in the same commit and
    /// gives it.
    ///
    /// # Errors
    /// When the store fails. An entry that is not being sent cannot be ended: the store contradicts itself then, which is a fault
    /// ([`crate::StoreErrorKind::Damaged`]). [`crate::StoreErrorKind::Full`] says that nothing was changed, and the call can be repeated.
    fn finish(
        &self,
        finished: Finished,
        go_on: bool,
    ) -> impl Future<Output = Result<Option<Attempt>, StoreError>> + Send;

    /// Notes that the receiver has said that it has the message, before the last answer came. Should this process end before [`Store::finish`],
    /// [`Store::recover`] ends the entry so, and it is not sent again.
    ///
    /// # Errors
    /// When the store fails. An entry that is not being sent cannot be accepted: a fault, as in [`Store::finish`].
    fn accepted(&self, accepted: Accepted) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Notes that the head of this home lane could not be sent because there was no connection, and when the next try is due. Counts nothing and does
    /// not change when the lane is due.
    ///
    /// # Errors
    /// When the store fails.
    fn unreachable(
        &self,
        lane: LaneId,
        failure: &'static str,
        next: SystemTime,
    ) -> impl Future<Output = Result<Option<EntryId>, StoreError>> + Send;

    /// Makes dead letters of entries of the destination that were enqueued, released or replayed at `oldest` or before, with the reason
    /// [`crate::DeadLetterReason::TooOld`] and the code `S202`: of heads of lanes that are neither being sent nor held, at most `limit`. Their lanes flow on.
    /// Gives them.
    ///
    /// # Errors
    /// When the store fails.
    fn expire(
        &self,
        destination: &str,
        oldest: SystemTime,
        now: SystemTime,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<EntryId>, StoreError>> + Send;

    /// What is known of an entry.
    ///
    /// # Errors
    /// When the store fails.
    fn record(&self, id: EntryId) -> impl Future<Output = Result<Option<Record>, StoreError>> + Send;

    /// The newest entries, those of one origin where one is given: those of the newest request first. One that a later call added under a known key stands
    /// among those of its request.
    ///
    /// # Errors
    /// When the store fails.
    fn recent(
        &self,
        origin: Option<&str>,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<Record>, StoreError>> + Send;

    /// The newest dead letters, in the same order.
    ///
    /// # Errors
    /// When the store fails.
    fn dead_letters(&self, limit: usize) -> impl Future<Output = Result<Vec<Record>, StoreError>> + Send;

    /// The newest held entries, in the same order.
    ///
    /// # Errors
    /// When the store fails.
    fn held(&self, limit: usize) -> impl Future<Output = Result<Vec<Record>, StoreError>> + Send;

    /// How many entries there are of each origin, destination and state.
    ///
    /// # Errors
    /// When the store fails.
    fn counts(&self) -> impl Future<Output = Result<Vec<Count>, StoreError>> + Send;

    /// The attempts of an entry that were written and failed, or that the end of a process cut off, oldest first; of more than a hundred the newest hundred.
    ///
    /// # Errors
    /// When the store fails.
    fn attempts(&self, id: EntryId) -> impl Future<Output = Result<Vec<PastAttempt>, StoreError>> + Send;

    /// The message of an entry, in wire form.
    ///
    /// # Errors
    /// When the store fails.
    fn message(&self, id: EntryId) -> impl Future<Output = Result<Option<Vec<u8>>, StoreError>> + Send;

    /// Puts a dead letter at the end of its lanes. Gives its destination.
    ///
    /// # Errors
    /// When there is no such entry, when it is no dead letter, or when the store fails.
    fn replay(&self, id: EntryId, now: SystemTime)
    -> impl Future<Output = Result<String, StoreError>> + Send;

    /// Keeps an edited copy of a dead letter: an entry of its own, at the end of its own lanes, that says of what it is a copy. The dead letter stays one and
    /// says what copies it has. The request has one delivery, and a key that is not known.
    ///
    /// # Errors
    /// When there is no such entry, when it is no dead letter or the key is known, when there is no room, or when the store fails.
    fn copy(
        &self,
        of: EntryId,
        request: Request,
        now: SystemTime,
    ) -> impl Future<Output = Result<Stored, StoreError>> + Send;

    /// Makes a held entry due, as soon as it is the head of its lane, with its caps counted anew and without the acknowledgment that held it. Gives its
    /// destination.
    ///
    /// # Errors
    /// When there is no such entry, when it is not held, or when the store fails.
    fn release(
        &self,
        id: EntryId,
        now: SystemTime,
    ) -> impl Future<Output = Result<String, StoreError>> + Send;

    /// Makes a held entry a dead letter; its lane flows on. Gives its destination.
    ///
    /// # Errors
    /// When there is no such entry, when it is not held, or when the store fails.
    fn dead_letter(
        &self,
        id: EntryId,
        now: SystemTime,
    ) -> impl Future<Output = Result<String, StoreError>> + Send;

    /// Holds an entry that waits, wherever it stands in its lane: nothing goes past it until it is released, cancelled or made a dead letter. Gives its
    /// destination.
    ///
    /// # Errors
    /// When there is no such entry, when it is settled, held or being sent, or when the store fails.
    fn hold(&self, id: EntryId) -> impl Future<Output = Result<String, StoreError>> + Send;

    /// Holds the first entry of the lane that waits, unless one is held already, and gives the one that is held. `None` when none waits.
    ///
    /// # Errors
    /// When the store fails.
    fn hold_lane(&self, lane: LaneId) -> impl Future<Output = Result<Option<EntryId>, StoreError>> + Send;

    /// The name of the lane of a destination and a lane key's value; without one, of its common lane.
    ///
    /// # Errors
    /// When the store is closed.
    fn lane_of(
        &self,
        destination: &str,
        key: Option<&str>,
    ) -> impl Future<Output = Result<LaneId, StoreError>> + Send;

    /// Parks a lane of the destination, or lets it go: nothing that stands in a parked lane is given out, also what comes later. What is under way is
    /// finished. Gives whether this changed anything.
    ///
    /// # Errors
    /// When the store fails.
    fn park(
        &self,
        destination: &str,
        lane: LaneId,
        parked: bool,
        now: SystemTime,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Lanes of the destination that are parked or have open entries, at most `limit`: parked ones first, then those that are held, under way, and due, the
    /// one that waits longest first.
    ///
    /// # Errors
    /// When the store fails.
    fn lanes(
        &self,
        destination: &str,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<LaneRecord>, StoreError>> + Send;

    /// When the oldest entry that is the first of a lane of the destination was enqueued; `None` when nothing is open. Unless a store finds it in a faster
    /// way, it looks at up to 10,000 lanes.
    ///
    /// # Errors
    /// When the store fails.
    fn oldest(
        &self,
        destination: &str,
    ) -> impl Future<Output = Result<Option<SystemTime>, StoreError>> + Send {
        async move {
            let lanes = self.lanes(destination, 10_000).await?;
            Ok(lanes.into_iter().filter_map(|lane| lane.enqueued_at).min())
        }
    }

    /// Puts on record that the destination is paused, or not. What that means is the sender's affair: the store gives out as before.
    ///
    /// # Errors
    /// When the store fails.
    fn pause(&self, destination: &str, paused: bool) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// The destinations that are paused, in the order of their names.
    ///
    /// # Errors
    /// When the store fails.
    fn paused(&self) -> impl Future<Output = Result<Vec<String>, StoreError>> + Send;

    /// Ends an entry that waits or is held, as [`crate::State::Cancelled`]; its lanes flow on. Gives its destination.
    ///
    /// # Errors
    /// When there is no such entry, when it is settled or being sent, or when the store fails.
    fn cancel(&self, id: EntryId, now: SystemTime)
    -> impl Future<Output = Result<String, StoreError>> + Send;

    /// Removes at most `limit` requests of which every entry was settled before `delivered`, or before `dead_letters` where one is a
    /// dead letter, with their messages and keys. Gives how many.
    ///
    /// # Errors
    /// When the store fails.
    fn prune(
        &self,
        delivered: SystemTime,
        dead_letters: SystemTime,
        limit: usize,
    ) -> impl Future<Output = Result<usize, StoreError>> + Send;

    /// What it has counted, for metrics. Nothing, unless a store says otherwise; errors are counted by the sender.
    fn counters(&self) -> StoreCounters {
        StoreCounters::default()
    }

    /// Ends the use of the store: what was begun is finished, locks are given up, later calls fail.
    fn close(&self) -> impl Future<Output = ()> + Send;
}

type Answer<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A store that tells of its first fault whoever wants to know.
pub(crate) struct Watched<S> {
    store: S,
    fault: watch::Sender<Option<StoreError>>,
    errors: Codes,
}

impl<S: Store> Watched<S> {
    pub(crate) fn new(store: S) -> Self {
        Self { store, fault: watch::Sender::new(None), errors: Codes::default() }
    }

    fn note(&self, error: Option<StoreError>) {
        if let Some(error) = error.filter(|error| error.is_fault() || error.is_passing()) {
            self.errors.add(error.code());
        }
        if let Some(fault) = error.filter(StoreError::is_fault).map(|fault| fault.first()) {
            self.fault.send_if_modified(|first| first.replace(first.unwrap_or(fault)).is_none());
        }
    }
}

/// What a call ends with.
trait Ended {
    fn error(&self) -> Option<StoreError>;
}

impl<T> Ended for Result<T, StoreError> {
    fn error(&self) -> Option<StoreError> {
        self.as_ref().err().copied()
    }
}

impl Ended for () {
    fn error(&self) -> Option<StoreError> {
        None
    }
}

/// [`Store`] with its type erased, so that a `Sender` has no parameter.
macro_rules! erased {
    ($($name:ident($($arg:ident: $kind:ty),*) -> $result:ty;)*) => {
        pub(crate) trait AnyStore: Send + Sync + 'static {
            /// The first fault, from now on.
            fn fault(&self) -> watch::Receiver<Option<StoreError>>;
            fn counters(&self) -> StoreCounters;
            $(fn $name<'a>(&'a self $(, $arg: $kind)*) -> Answer<'a, $result>;)*
        }

        impl<S: Store> AnyStore for Watched<S> {
            fn fault(&self) -> watch::Receiver<Option<StoreError>> {
                self.fault.subscribe()
            }

            fn counters(&self) -> StoreCounters {
                StoreCounters { errors: self.errors.get(), ..self.store.counters() }
            }

            $(fn $name<'a>(&'a self $(, $arg: $kind)*) -> Answer<'a, $result> {
                Box::pin(async move {
                    let answer = Store::$name(&self.store $(, $arg)*).await;
                    self.note(answer.error());
                    answer
                })
            })*
        }
    };
}

erased! {
    enqueue(request: Request, now: SystemTime) -> Result<Enqueued, StoreError>;
    receive(inbound: Inbound, now: SystemTime) -> Result<Received, StoreError>;
    answered(key: Digest) -> Result<Option<Answered>, StoreError>;
    is_known(key: Digest) -> Result<bool, StoreError>;
    recover(now: SystemTime) -> Result<u64, StoreError>;
    due(destination: &'a str, now: SystemTime, limit: usize) -> Result<Due, StoreError>;
    clamp(destination: &'a str, latest: SystemTime) -> Result<(), StoreError>;
    begin(lane: LaneId) -> Result<Option<Attempt>, StoreError>;
    finish(finished: Finished, go_on: bool) -> Result<Option<Attempt>, StoreError>;
    unreachable(lane: LaneId, failure: &'static str, next: SystemTime) -> Result<Option<EntryId>, StoreError>;
    expire(
        destination: &'a str, oldest: SystemTime, now: SystemTime, limit: usize
    ) -> Result<Vec<EntryId>, StoreError>;
    record(id: EntryId) -> Result<Option<Record>, StoreError>;
    recent(origin: Option<&'a str>, limit: usize) -> Result<Vec<Record>, StoreError>;
    dead_letters(limit: usize) -> Result<Vec<Record>, StoreError>;
    held(limit: usize) -> Result<Vec<Record>, StoreError>;
    counts() -> Result<Vec<Count>, StoreError>;
    attempts(id: EntryId) -> Result<Vec<PastAttempt>, StoreError>;
    message(id: EntryId) -> Result<Option<Vec<u8>>, StoreError>;
    replay(id: EntryId, now: SystemTime) -> Result<String, StoreError>;
    release(id: EntryId, now: SystemTime) -> Result<String, StoreError>;
    dead_letter(id: EntryId, now: SystemTime) -> Result<String, StoreError>;
    hold(id: EntryId) -> Result<String, StoreError>;
    hold_lane(lane: LaneId) -> Result<Option<EntryId>, StoreError>;
    copy(of: EntryId, request: Request, now: SystemTime) -> Result<Stored, StoreError>;
    accepted(accepted: Accepted) -> Result<(), StoreError>;
    lane_of(destination: &'a str, key: Option<&'a str>) -> Result<LaneId, StoreError>;
    park(destination: &'a str, lane: LaneId, parked: bool, now: SystemTime) -> Result<bool, StoreError>;
    lanes(destination: &'a str, limit: usize) -> Result<Vec<LaneRecord>, StoreError>;
    oldest(destination: &'a str) -> Result<Option<SystemTime>, StoreError>;
    pause(destination: &'a str, paused: bool) -> Result<(), StoreError>;
    paused() -> Result<Vec<String>, StoreError>;
    cancel(id: EntryId, now: SystemTime) -> Result<String, StoreError>;
    prune(delivered: SystemTime, dead_letters: SystemTime, limit: usize) -> Result<usize, StoreError>;
    close() -> ();
}
