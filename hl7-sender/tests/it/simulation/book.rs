//! What really happened, told by the disk and by the receivers, and what must never happen.
//!
//! The book knows nothing of how a store orders its lanes: it has an order of its own, made from the names of messages.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Mutex, MutexGuard};

use hl7_sender::{End, Record, State};
use tokio::time::Instant;

use super::tally::{Cause, Tally};

/// A message for one destination. Its control ID ends with its patients: `12-a`, and `13-a+b` for a merge.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) struct Name {
    pub(super) to: String,
    pub(super) id: String,
}

pub(super) fn patients(id: &str) -> Vec<&str> {
    id.split_once('-').expect("a name with its patients").1.split('+').collect()
}

fn share(one: &str, other: &str) -> bool {
    patients(one).iter().any(|patient| patients(other).contains(patient))
}

pub(super) struct Book {
    start: Instant,
    pages: Mutex<Pages>,
}

#[derive(Default)]
struct Pages {
    trace: Vec<String>,
    wrong: Vec<String>,
    /// The open entries of each destination, in the order of their places.
    open: BTreeMap<String, Vec<Place>>,
    stories: BTreeMap<Name, Story>,
    /// Destinations and patients.
    parked: BTreeSet<(String, String)>,
    accepted: u64,
    tally: Tally,
}

struct Place {
    id: String,
    held: bool,
    sending: bool,
    written: bool,
    replayed: bool,
    /// The number of the call that returned `Ok`.
    accepted: Option<u64>,
}

#[derive(Default)]
struct Story {
    accepted: bool,
    writes: u32,
    arrivals: u32,
    /// The attempts that were answered positively.
    positive: BTreeSet<u32>,
    /// The attempts after which nobody can know whether the receiver has it.
    doubted: BTreeSet<u32>,
    /// What explains one more arrival each.
    excuses: Vec<Cause>,
    /// The attempt of which it is on record that the receiver has the message.
    safe: Option<u32>,
    /// How it ended.
    ended: Option<&'static str>,
}

/// The most entries of one destination that are under way.
pub(super) const MOST: usize = 3;

impl Book {
    pub(super) fn new() -> Self {
        Self { start: Instant::now(), pages: Mutex::default() }
    }

    fn open(&self) -> MutexGuard<'_, Pages> {
        self.pages.lock().unwrap()
    }

    pub(super) fn note(&self, what: impl Into<String>) {
        let millis = self.start.elapsed().as_millis();
        self.open().trace.push(format!("{millis} {}", what.into()));
    }

    pub(super) fn wrong(&self, what: impl Into<String>) {
        let what = what.into();
        self.note(format!("WRONG {what}"));
        self.open().wrong.push(what);
    }

    pub(super) fn count(&self, what: impl FnOnce(&mut Tally)) {
        what(&mut self.open().tally);
    }

    /// The store made an entry.
    pub(super) fn stored(&self, name: &Name) {
        self.note(format!("stored {name:?}"));
        self.open().place(name, false);
    }

    /// How many calls have returned `Ok`: what a call that begins now comes behind.
    pub(super) fn returned(&self) -> u64 {
        self.open().accepted
    }

    /// A call returned `Ok` that began when so many had. It is behind those, and it may stand before or behind others that were under way with it.
    pub(super) fn accepted(&self, name: &Name, begun: u64) {
        let mut pages = self.open();
        pages.accepted += 1;
        let number = pages.accepted;
        pages.story(name).accepted = true;
        let Some(open) = pages.open.get_mut(&name.to) else { return };
        let Some(place) = open.iter().position(|place| place.id == name.id) else { return };
        open[place].accepted = Some(number);
        let overtaken = open[place + 1..].iter().find(|behind| {
            behind.accepted.is_some_and(|returned| returned <= begun)
                && !behind.replayed
                && share(&behind.id, &name.id)
        });
        let overtaken = overtaken.map(|behind| behind.id.clone());
        drop(pages);
        if let Some(behind) = overtaken {
            self.wrong(format!("{name:?} was enqueued after {behind} and stands before it"));
        }
    }

    /// An attempt was counted.
    pub(super) fn began(&self, name: &Name) {
        self.note(format!("began {name:?}"));
        self.must_be_first(name, "begun");
        if patients(&name.id).iter().any(|patient| self.is_parked(&name.to, patient)) {
            self.wrong(format!("{name:?} is begun, but a lane of it is parked"));
        }
        let mut pages = self.open();
        let open = pages.open.entry(name.to.clone()).or_default();
        if let Some(place) = open.iter_mut().find(|place| place.id == name.id) {
            (place.sending, place.written) = (true, false);
        }
        let under_way = open.iter().filter(|place| place.sending).count();
        pages.tally.most_under_way = pages.tally.most_under_way.max(under_way);
        drop(pages);
        if under_way > MOST {
            self.wrong(format!("{under_way} messages of {} are under way", name.to));
        }
    }

    /// Its first byte goes out. Gives the number of the attempt.
    pub(super) fn wrote(&self, name: &Name) -> u32 {
        self.note(format!("wrote {name:?}"));
        self.must_be_first(name, "written");
        let mut pages = self.open();
        let open = pages.open.entry(name.to.clone()).or_default();
        let place = open.iter_mut().find(|place| place.id == name.id);
        let counted =
            place.is_some_and(|place| place.sending && !std::mem::replace(&mut place.written, true));
        pages.tally.writes += 1;
        let story = pages.story(name);
        story.writes += 1;
        let attempt = story.writes;
        drop(pages);
        if !counted {
            self.wrong(format!("{name:?} is written without an attempt on record"));
        }
        attempt
    }

    /// Nothing went out after all: the connection was gone.
    pub(super) fn did_not_write(&self, name: &Name) {
        self.note(format!("did not write {name:?}"));
        let mut pages = self.open();
        pages.tally.writes -= 1;
        pages.story(name).writes -= 1;
        let open = pages.open.get_mut(&name.to).into_iter().flatten();
        open.filter(|place| place.id == name.id).for_each(|place| place.written = false);
    }

    /// Nothing that is open stands before it in any of its lanes, and it is not held.
    fn must_be_first(&self, name: &Name, what: &str) {
        let fault = match self.open().open.get(&name.to) {
            None => Some("is not open".to_owned()),
            Some(open) => match open.iter().position(|place| place.id == name.id) {
                None => Some("is not open".to_owned()),
                Some(place) if open[place].held => Some("is held".to_owned()),
                Some(place) => {
                    let before = open[..place].iter().find(|before| share(&before.id, &name.id));
                    before.map(|before| format!("stands behind {}", before.id))
                }
            },
        };
        if let Some(fault) = fault {
            self.wrong(format!("{name:?} is {what}, but {fault}"));
        }
    }

    /// It took effect at the receiver.
    pub(super) fn arrived(&self, name: &Name) {
        self.note(format!("arrived {name:?}"));
        let mut pages = self.open();
        let story = pages.story(name);
        story.arrivals += 1;
        if story.arrivals == 1 {
            return;
        }
        let cause = story.excuses.pop();
        match cause {
            Some(cause) => pages.tally.duplicate(cause),
            None => {
                drop(pages);
                self.wrong(format!("{name:?} arrives again, and nothing explains it"));
            }
        }
    }

    /// The receiver said of this attempt that it has the message.
    pub(super) fn positive(&self, name: &Name, attempt: u32) {
        self.open().story(name).positive.insert(attempt);
    }

    /// It is on record that the receiver has the message: it must not be sent again.
    pub(super) fn safe(&self, name: &Name) {
        let mut pages = self.open();
        let story = pages.story(name);
        story.safe = Some(story.writes);
    }

    /// After this attempt nobody can know whether the receiver has it.
    pub(super) fn doubt(&self, name: &Name, attempt: u32, cause: Cause) {
        let mut pages = self.open();
        let story = pages.story(name);
        if story.doubted.insert(attempt) {
            story.excuses.push(cause);
        }
    }

    /// The attempt that is under way was given up from this side, if it was written.
    pub(super) fn gave_up(&self, name: &Name) {
        let mut pages = self.open();
        let open = pages.open.get(&name.to).into_iter().flatten();
        let written = open.filter(|place| place.sending && place.written).any(|place| place.id == name.id);
        let story = pages.story(name);
        let (attempt, safe) = (story.writes, story.safe == Some(story.writes));
        drop(pages);
        if written && !safe {
            self.doubt(name, attempt, Cause::Ended);
        }
    }

    /// The end of an attempt is on record.
    pub(super) fn ended(&self, name: &Name, end: End) {
        self.note(format!("ended {name:?} {end:?}"));
        if end == End::Deliver {
            let mut pages = self.open();
            let story = pages.story(name);
            let answered = story.positive.contains(&story.writes);
            drop(pages);
            if !answered {
                self.wrong(format!("{name:?} is delivered without a positive acknowledgment"));
            }
        }
        match end {
            End::Retry(_) => self.change(name, |place| place.sending = false),
            End::Hold => self.change(name, |place| (place.sending, place.held) = (false, true)),
            End::Deliver => self.settled(name, "delivered"),
            End::Skip => self.settled(name, "skipped"),
            End::DeadLetter(_) => self.settled(name, "dead"),
            _ => self.settled(name, "unconfirmed"),
        }
    }

    /// It was found under way, by a store that was opened again.
    pub(super) fn recovered(&self, name: &Name) {
        self.note(format!("recovered {name:?}"));
        self.gave_up(name);
        self.change(name, |place| place.sending = false);
    }

    pub(super) fn parked(&self, to: &str, patient: &str, parked: bool) {
        self.note(format!("parked {to} {patient} {parked}"));
        let lane = (to.to_owned(), patient.to_owned());
        let mut pages = self.open();
        pages.tally.parked += u64::from(parked);
        if parked {
            pages.parked.insert(lane)
        } else {
            pages.parked.remove(&lane)
        };
    }

    fn is_parked(&self, to: &str, patient: &str) -> bool {
        self.open().parked.contains(&(to.to_owned(), patient.to_owned()))
    }

    pub(super) fn held(&self, name: &Name) {
        self.note(format!("held {name:?}"));
        self.open().tally.holds += 1;
        self.change(name, |place| place.held = true);
    }

    pub(super) fn released(&self, name: &Name) {
        self.note(format!("released {name:?}"));
        self.by_hand(name);
        self.change(name, |place| place.held = false);
    }

    /// It goes to the end.
    pub(super) fn replayed(&self, name: &Name) {
        self.note(format!("replayed {name:?}"));
        self.by_hand(name);
        let mut pages = self.open();
        pages.tally.replays += 1;
        let ended = pages.story(name).ended.take();
        pages.place(name, true);
        drop(pages);
        if ended != Some("dead") {
            self.wrong(format!("{name:?} is replayed, but {ended:?}"));
        }
    }

    /// A person sends again what the receiver may have, although it said otherwise.
    fn by_hand(&self, name: &Name) {
        let mut pages = self.open();
        let story = pages.story(name);
        if story.arrivals > 0 && story.doubted.insert(story.writes) {
            story.excuses.push(Cause::Person);
        }
    }

    /// It is over: `delivered`, `dead`, `skipped`, `cancelled` or `unconfirmed`.
    pub(super) fn settled(&self, name: &Name, how: &'static str) {
        self.note(format!("settled {name:?} {how}"));
        let mut pages = self.open();
        pages.tally.settled(how);
        pages.story(name).ended = Some(how);
        pages.open.entry(name.to.clone()).or_default().retain(|place| place.id != name.id);
    }

    fn change(&self, name: &Name, change: impl FnOnce(&mut Place)) {
        let mut pages = self.open();
        let open = pages.open.entry(name.to.clone()).or_default();
        match open.iter_mut().find(|place| place.id == name.id) {
            Some(place) => change(place),
            None => {
                drop(pages);
                self.wrong(format!("{name:?} is changed, but not open"));
            }
        }
    }

    /// Compares an entry on record with what happened.
    pub(super) fn compare(&self, record: &Record) {
        let name = Name { to: record.destination.clone(), id: record.control_id.clone() };
        let told = match record.state {
            State::Delivered => Some("delivered"),
            State::DeadLettered => Some("dead"),
            State::Skipped => Some("skipped"),
            State::Cancelled => Some("cancelled"),
            State::Unconfirmed => Some("unconfirmed"),
            _ => None,
        };
        let mut pages = self.open();
        let story = pages.story(&name);
        let arrived = story.arrivals > 0 || !matches!(record.state, State::Delivered | State::Unconfirmed);
        let reason = record.reason.is_some() == (record.state == State::DeadLettered);
        let right = told.is_some() && told == story.ended && reason && arrived;
        // Each write was an attempt on record before it began.
        let counted = record.attempts >= story.writes;
        let story = format!("ended {:?}, {} writes, {} arrivals", story.ended, story.writes, story.arrivals);
        pages.tally.lost += u64::from(!arrived);
        drop(pages);
        if !right || !counted {
            self.wrong(format!("{name:?} is on record as {record:?}, but {story}"));
        }
    }

    /// What `enqueue` returned `Ok` for.
    pub(super) fn promised(&self) -> Vec<Name> {
        let pages = self.open();
        let promised = pages.stories.iter().filter(|(_, story)| story.accepted);
        promised.map(|(name, _)| name.clone()).collect()
    }

    /// The sum of a run, a hash of its trace, and what was wrong.
    pub(super) fn close(&self) -> (Tally, u64, Vec<String>) {
        let mut pages = self.open();
        let mut hasher = DefaultHasher::new();
        pages.trace.hash(&mut hasher);
        (std::mem::take(&mut pages.tally), hasher.finish(), pages.wrong.clone())
    }

    /// The last lines of the trace.
    pub(super) fn trace(&self) -> Vec<String> {
        self.open().trace.clone()
    }
}

impl Pages {
    fn story(&mut self, name: &Name) -> &mut Story {
        self.stories.entry(name.clone()).or_default()
    }

    fn place(&mut self, name: &Name, replayed: bool) {
        let id = name.id.clone();
        let place = Place { id, held: false, sending: false, written: false, replayed, accepted: None };
        self.open.entry(name.to.clone()).or_default().push(place);
    }
}
