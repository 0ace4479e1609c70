//! Messages whose application acknowledgment comes on another connection: which are awaited, and until when. The time is an argument.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use crate::acknowledgment::Acknowledgment;

/// How many settled control IDs are remembered, so that an acknowledgment sent twice is not taken for a stranger.
const SETTLED: usize = 1_000;

/// The messages that were accepted and whose application acknowledgment is to come on another connection.
///
/// It is bounded, and nothing in it is ever sent again: a deadline that passes is [told](AckTracker::expire) and that is all.
/// An acknowledgment belongs to the message whose MSH-10 is its MSA-2 byte for byte. `T` is what the caller keeps with each.
///
/// ```
/// use std::time::{Duration, Instant};
/// use hl7_mllp::{AckTracker, Acknowledgment, Tracked};
///
/// let (now, mut tracker) = (Instant::now(), AckTracker::new(100));
/// tracker.expect("m-1", now + Duration::from_secs(60), "order 7")?;
/// let ack = Acknowledgment::read(b"MSH|^~\\&|A\rMSA|AA|m-1\r").unwrap();
/// assert!(matches!(tracker.handle(&ack, now), Tracked::Expected("order 7")));
/// assert!(matches!(tracker.handle(&ack, now), Tracked::Repeated));
/// # Ok::<(), hl7_mllp::ExpectError>(())
/// ```
pub struct AckTracker<T = ()> {
    most: usize,
    waiting: HashMap<Arc<str>, (Instant, T)>,
    deadlines: BTreeSet<(Instant, Arc<str>)>,
    settled: VecDeque<Arc<str>>,
}

/// Whose an acknowledgment is.
#[derive(Debug)]
#[non_exhaustive]
pub enum Tracked<T> {
    /// A message's that waited for it, which is settled now.
    Expected(T),
    /// A message's whose deadline has passed. It is not awaited any more.
    Late(T),
    /// A message's that was settled lately.
    Repeated,
    /// Nobody's, as far as is known here; or an accept acknowledgment, which is no application's.
    Unknown,
}

impl<T> AckTracker<T> {
    /// Room for `most` messages at a time.
    pub fn new(most: usize) -> Self {
        Self { most, waiting: HashMap::new(), deadlines: BTreeSet::new(), settled: VecDeque::new() }
    }

    /// Awaits the application acknowledgment of the message with this MSH-10 (as sent, not unescaped). Do this before the message is
    /// sent: the acknowledgment can be faster than the accept acknowledgment.
    ///
    /// # Errors
    /// When there is no room, or a message with this MSH-10 is awaited already.
    pub fn expect(&mut self, control_id: &str, deadline: Instant, kept: T) -> Result<(), ExpectError> {
        if self.waiting.contains_key(control_id) {
            return Err(ExpectError { kind: ExpectErrorKind::Repeated });
        }
        if self.waiting.len() >= self.most {
            return Err(ExpectError { kind: ExpectErrorKind::Full });
        }
        let id: Arc<str> = control_id.into();
        self.deadlines.insert((deadline, id.clone()));
        self.waiting.insert(id, (deadline, kept));
        Ok(())
    }

    /// Takes an acknowledgment that came in.
    pub fn handle(&mut self, ack: &Acknowledgment, now: Instant) -> Tracked<T> {
        if ack.code().is_commit() {
            return Tracked::Unknown;
        }
        let id = ack.control_id();
        match self.remove(id) {
            Some((deadline, kept)) if now < deadline => {
                self.remember(id);
                Tracked::Expected(kept)
            }
            Some((_, kept)) => Tracked::Late(kept),
            None if self.settled.iter().any(|settled| &**settled == id) => Tracked::Repeated,
            None => Tracked::Unknown,
        }
    }

    /// Awaits a message no more, such as one that was not accepted; gives what was kept with it.
    pub fn withdraw(&mut self, control_id: &str) -> Option<T> {
        self.remove(control_id).map(|(_, kept)| kept)
    }

    /// The messages whose deadline has passed, with their MSH-10, in the order of their deadlines. They are awaited no more.
    pub fn expire(&mut self, now: Instant) -> Vec<(String, T)> {
        let mut expired = Vec::new();
        while let Some(id) = self.deadlines.first().filter(|(at, _)| *at <= now).map(|(_, id)| id.clone()) {
            match self.remove(&id) {
                Some((_, kept)) => expired.push((id.as_ref().to_owned(), kept)),
                None => break,
            }
        }
        expired
    }

    /// When [`AckTracker::expire`] has something to say, if nothing comes.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.deadlines.first().map(|(at, _)| *at)
    }

    /// How many messages are awaited.
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    fn remove(&mut self, control_id: &str) -> Option<(Instant, T)> {
        let (id, (deadline, kept)) = self.waiting.remove_entry(control_id)?;
        self.deadlines.remove(&(deadline, id));
        Some((deadline, kept))
    }

    fn remember(&mut self, control_id: &str) {
        if self.settled.len() >= SETTLED {
            self.settled.pop_front();
        }
        self.settled.push_back(control_id.into());
    }
}

impl<T> fmt::Debug for AckTracker<T> {
    /// Shows counts only: a control ID can be a patient's number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AckTracker")
            .field("waiting", &self.waiting.len())
            .field("most", &self.most)
            .finish_non_exhaustive()
    }
}

/// Why an application acknowledgment cannot be awaited.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ExpectError {
    kind: ExpectErrorKind,
}

/// The kinds of [`ExpectError`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum ExpectErrorKind {
    /// N141: as many are awaited as there is room for.
    Full,
    /// N142: a message with this MSH-10 is awaited already.
    Repeated,
}

impl ExpectError {
    /// What is wrong.
    pub fn kind(&self) -> ExpectErrorKind {
        self.kind
    }

    /// The stable code, `N141` or `N142`.
    pub fn code(&self) -> &'static str {
        self.parts().0
    }

    /// What to do about it.
    pub fn suggestion(&self) -> &'static str {
        self.parts().2
    }

    fn parts(&self) -> (&'static str, &'static str, &'static str) {
        match self.kind {
            ExpectErrorKind::Full => (
                "N141",
                "too many application acknowledgments are awaited",
                "does the receiver send them? wait for some, or make more room",
            ),
            ExpectErrorKind::Repeated => (
                "N142",
                "the application acknowledgment of a message with this MSH-10 is awaited already",
                "give each message a control ID of its own",
            ),
        }
    }
}

impl fmt::Display for ExpectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (code, what, suggestion) = self.parts();
        write!(f, "{code}: {what}; {suggestion}")
    }
}

impl std::error::Error for ExpectError {}
