//! What happens in a sender, told to whoever wants to know.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::broadcast::{self, error::RecvError};

use crate::entry::{Attempt, DeadLetterReason, End, Finished, Stored};
use crate::error::StoreError;
use crate::id::{EntryId, LaneId};

/// How many events are kept for those who are slow: some hundred milliseconds' worth at the speed of a disk, in half a megabyte.
const KEPT: usize = 4096;

/// Something that happened. What it tells of entries is durable. It holds no content, by its type: names, codes, numbers and times.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Event {
    /// Of an entry.
    Entry(EntryEvent),
    /// Of a destination.
    Destination(DestinationEvent),
    /// The store failed: nothing is sent or accepted any more until it is opened again.
    StoreFailed(StoreError),
    /// So many events were not kept for this subscriber, because it was slow. [`crate::Sender::recent`] and [`crate::Sender::lanes`] say how things
    /// stand.
    Missed(u64),
}

/// Something that happened to an entry.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct EntryEvent {
    /// The entry.
    pub entry: EntryId,
    /// Its destination.
    pub destination: Arc<str>,
    /// Its home lane; `None` where what happened was decided by a person, or by time.
    pub lane: Option<LaneId>,
    /// What happened.
    pub change: EntryChange,
    /// The code of what went wrong, as in [`crate::Status::last_failure`].
    pub code: Option<&'static str>,
    /// Which attempt it was, counted from the last enqueuing, release or replay; 0 where it was none.
    pub attempt: u32,
    /// When, by the sender's clock.
    pub at: SystemTime,
}

/// What can happen to an entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum EntryChange {
    /// It was made by [`crate::Sender::enqueue`].
    Enqueued,
    /// It was made for a message that came in through an [`crate::Intake`].
    Received,
    /// The message it was received for has MSH-3, MSH-4 and MSH-10 of another one.
    ControlIdReused,
    /// An attempt was counted, and its message is about to be written.
    Begun,
    /// A positive acknowledgment is on record.
    Delivered,
    /// It was sent, and will not be confirmed.
    Unconfirmed,
    /// It was passed over by the destination's table.
    Skipped,
    /// It waits for its next attempt, until then.
    Retrying(SystemTime),
    /// It waits for a person, and its lane with it.
    Held,
    /// It was given up.
    DeadLettered(DeadLetterReason),
    /// A person let it go on: [`crate::Sender::release`].
    Released,
    /// A person put it at the end of its lane again: [`crate::Sender::replay`].
    Replayed,
    /// A person took it back: [`crate::Sender::cancel`].
    Cancelled,
}

impl EntryChange {
    /// The stable name: `enqueued`, `received`, `control-id-reused`, `begun`, `delivered`, `unconfirmed`, `skipped`, `retrying`, `held`, `dead-lettered`,
    /// `released`, `replayed`, `cancelled`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Enqueued => "enqueued",
            Self::Received => "received",
            Self::ControlIdReused => "control-id-reused",
            Self::Begun => "begun",
            Self::Delivered => "delivered",
            Self::Unconfirmed => "unconfirmed",
            Self::Skipped => "skipped",
            Self::Retrying(_) => "retrying",
            Self::Held => "held",
            Self::DeadLettered(_) => "dead-lettered",
            Self::Released => "released",
            Self::Replayed => "replayed",
            Self::Cancelled => "cancelled",
        }
    }
}

impl From<End> for EntryChange {
    fn from(end: End) -> Self {
        match end {
            End::Deliver => Self::Delivered,
            End::Unconfirmed => Self::Unconfirmed,
            End::Skip => Self::Skipped,
            End::Retry(next) => Self::Retrying(next),
            End::Hold => Self::Held,
            End::DeadLetter(reason) => Self::DeadLettered(reason),
        }
    }
}

/// Something that happened to a destination.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct DestinationEvent {
    /// Its name.
    pub destination: Arc<str>,
    /// What happened.
    pub change: DestinationChange,
    /// When, by the sender's clock.
    pub at: SystemTime,
}

/// What can happen to a destination.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum DestinationChange {
    /// No connection could be made; told for each try.
    Unreachable {
        /// Why, as in [`crate::DestinationStatus::unreachable`].
        code: &'static str,
        /// How long it is until the next try.
        retry_in: Duration,
        /// Whether a person has to act, which was not known before.
        calls_for_help: bool,
    },
    /// A message was written again.
    Reachable,
    /// A person paused it.
    Paused,
    /// A person let it go on.
    Resumed,
    /// It was added while the sender runs.
    Added,
    /// Another one was put in its place.
    Changed,
    /// It was removed.
    Removed,
    /// A person parked one of its lanes.
    LaneParked(LaneId),
    /// A person let a parked lane go.
    LaneReleased(LaneId),
}

impl DestinationChange {
    /// The stable name: `unreachable`, `reachable`, `paused`, `resumed`, `added`, `changed`, `removed`, `lane-parked`,
    /// `lane-released`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unreachable { .. } => "unreachable",
            Self::Reachable => "reachable",
            Self::Paused => "paused",
            Self::Resumed => "resumed",
            Self::Added => "added",
            Self::Changed => "changed",
            Self::Removed => "removed",
            Self::LaneParked(_) => "lane-parked",
            Self::LaneReleased(_) => "lane-released",
        }
    }
}

impl EntryEvent {
    /// A change outside of an attempt, with its code where it has one.
    pub(crate) fn of(
        entry: EntryId,
        destination: Arc<str>,
        change: EntryChange,
        code: Option<&'static str>,
        at: SystemTime,
    ) -> Event {
        Event::Entry(Self { entry, destination, lane: None, change, code, attempt: 0, at })
    }

    /// An entry was made.
    pub(crate) fn made(
        stored: &Stored,
        destination: &Arc<str>,
        change: EntryChange,
        at: SystemTime,
    ) -> Event {
        let (entry, lane, destination) = (stored.id, Some(stored.home()), Arc::clone(destination));
        Event::Entry(Self { entry, destination, lane, change, code: None, attempt: 0, at })
    }

    /// An attempt was counted.
    pub(crate) fn begun(attempt: &Attempt, destination: Arc<str>, at: SystemTime) -> Event {
        let (entry, lane, attempt, change) =
            (attempt.id, Some(attempt.lane), attempt.tries, EntryChange::Begun);
        Event::Entry(Self { entry, destination, lane, change, code: None, attempt, at })
    }

    /// The end of an attempt.
    pub(crate) fn ended(attempt: &Attempt, destination: Arc<str>, finished: &Finished) -> Event {
        let (entry, code, at) = (finished.id, finished.failure, finished.at);
        let (lane, attempt, change) = (Some(attempt.lane), attempt.tries, finished.end.into());
        Event::Entry(Self { entry, destination, lane, change, code, attempt, at })
    }
}

/// What happens in a sender from now on; [`crate::Sender::events`] gives it.
///
/// A subscriber that is slower than what happens keeps nobody waiting: the oldest events are overwritten, and [`Event::Missed`] says how many.
///
/// What is told is durable when it is told. The events of an entry come in their order, with one exception: what two tasks do to it within an
/// instant of each other, such as the call that enqueued it and its first attempt, can be told the other way round.
///
/// As a `Stream`:
///
/// ```
/// # fn stream(events: hl7_sender::Events) -> impl futures_util::Stream<Item = hl7_sender::Event> {
/// futures_util::stream::unfold(events, |mut events| async move {
///     let event = events.next().await?;
///     Some((event, events))
/// })
/// # }
/// ```
pub struct Events {
    receiver: broadcast::Receiver<Event>,
}

impl Events {
    /// The next event; `None` when the sender has ended. A call that is dropped loses nothing.
    pub async fn next(&mut self) -> Option<Event> {
        match self.receiver.recv().await {
            Ok(event) => Some(event),
            Err(RecvError::Lagged(events)) => Some(Event::Missed(events)),
            Err(RecvError::Closed) => None,
        }
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").finish_non_exhaustive()
    }
}

/// Where subscribers come to. They hear until the last clone is dropped.
#[derive(Clone)]
pub(crate) struct Board(broadcast::Sender<Event>);

/// Tells what happens. It keeps no subscriber waiting for more.
pub(crate) struct Teller(broadcast::WeakSender<Event>);

impl Board {
    pub(crate) fn new() -> Self {
        Self(broadcast::Sender::new(KEPT))
    }

    pub(crate) fn teller(&self) -> Teller {
        Teller(self.0.downgrade())
    }

    pub(crate) fn events(&self) -> Events {
        Events { receiver: self.0.subscribe() }
    }
}

impl Teller {
    /// Tells it, if anybody listens.
    pub(crate) fn tell(&self, event: impl FnOnce() -> Event) {
        if let Some(all) = self.0.upgrade().filter(|all| all.receiver_count() > 0) {
            // Without a receiver, because the last has just left, it is nobody's.
            let _ = all.send(event());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paused() -> Event {
        let change = DestinationChange::Paused;
        let event = DestinationEvent { destination: "ehr".into(), change, at: SystemTime::UNIX_EPOCH };
        Event::Destination(event)
    }

    #[tokio::test]
    async fn who_is_slow_is_told_how_much_was_missed_and_who_is_late_hears_nothing_old() {
        let board = Board::new();
        let teller = board.teller();
        let mut slow = board.events();
        (0..KEPT + 3).for_each(|_| teller.tell(paused));
        let mut late = board.events();
        assert_eq!(slow.next().await, Some(Event::Missed(3)));
        for _ in 0..KEPT {
            assert_eq!(slow.next().await, Some(paused()));
        }
        drop(board);
        assert_eq!((slow.next().await, late.next().await), (None, None));
    }

    #[test]
    fn nothing_is_made_for_nobody() {
        let board = Board::new();
        board.teller().tell(|| unreachable!("nobody listens"));
    }
}
