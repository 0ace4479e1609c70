//! Counting while work goes on: atomics, and nothing that waits for anybody.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hl7_core::AckCode;

/// A number that grows.
#[derive(Default, Debug)]
pub(crate) struct Count(AtomicU64);

impl Count {
    pub(crate) fn add(&self, more: usize) {
        self.0.fetch_add(more as u64, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// How many there are now.
#[derive(Clone, Default, Debug)]
pub(crate) struct Present(Arc<AtomicU64>);

impl Present {
    /// One more, until what is given is dropped.
    pub(crate) fn enter(&self) -> Entered {
        self.0.fetch_add(1, Ordering::Relaxed);
        Entered(self.clone())
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// One of those who are [`Present`].
#[derive(Debug)]
pub(crate) struct Entered(Present);

impl Drop for Entered {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// How often each error code came. Errors are rare enough for a lock.
#[derive(Default, Debug)]
pub(crate) struct Codes(Mutex<BTreeMap<&'static str, u64>>);

impl Codes {
    pub(crate) fn add(&self, code: &'static str) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(code).or_default() += 1;
    }

    pub(crate) fn get(&self) -> BTreeMap<&'static str, u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

const ACK_CODES: [AckCode; 6] =
    [AckCode::AA, AckCode::AE, AckCode::AR, AckCode::CA, AckCode::CE, AckCode::CR];

/// How often each acknowledgment code came or went.
#[derive(Default, Debug)]
pub(crate) struct Acks([Count; ACK_CODES.len()]);

impl Acks {
    pub(crate) fn add(&self, code: AckCode) {
        let place = ACK_CODES.iter().position(|&it| it == code);
        if let Some(count) = place.and_then(|place| self.0.get(place)) {
            count.add(1);
        }
    }

    /// Those that came at all.
    pub(crate) fn get(&self) -> BTreeMap<&'static str, u64> {
        let counts = ACK_CODES.iter().zip(&self.0).map(|(code, count)| (code.as_str(), count.get()));
        counts.filter(|&(_, count)| count > 0).collect()
    }
}

/// The upper bounds of the classes that [`Durations`] counts in, in milliseconds: from a receiver in the same rack to one that asks people.
const BOUNDS: [u64; 12] = [1, 2, 5, 10, 25, 50, 100, 250, 1_000, 5_000, 10_000, 30_000];

/// How long things took.
#[derive(Default, Debug)]
pub(crate) struct Clocked {
    microseconds: AtomicU64,
    /// The last is of those above all bounds.
    classes: [Count; BOUNDS.len() + 1],
}

impl Clocked {
    pub(crate) fn add(&self, time: Duration) {
        let microseconds = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.microseconds.fetch_add(microseconds, Ordering::Relaxed);
        let class = BOUNDS.iter().position(|&bound| microseconds <= bound * 1_000);
        if let Some(count) = self.classes.get(class.unwrap_or(BOUNDS.len())) {
            count.add(1);
        }
    }

    pub(crate) fn get(&self) -> Durations {
        let mut so_far = 0;
        let cumulated = BOUNDS.iter().zip(&self.classes).map(|(&bound, count)| {
            so_far += count.get();
            (Duration::from_millis(bound), so_far)
        });
        let at_most = cumulated.collect();
        let sum = Duration::from_micros(self.microseconds.load(Ordering::Relaxed));
        Durations { count: self.classes.iter().map(Count::get).sum(), sum, at_most }
    }
}

/// How long things took, as a metrics system wants it.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
#[non_exhaustive]
pub struct Durations {
    /// How many there were.
    pub count: u64,
    /// How long all took together.
    pub sum: Duration,
    /// How many took at most so long, the shorter ones included. Those above the last bound are in `count` only.
    pub at_most: Vec<(Duration, u64)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_counted_up_to_each_bound() {
        let clocked = Clocked::default();
        for time in [0, 1, 2, 3, 60_000] {
            clocked.add(Duration::from_millis(time));
        }
        let read = clocked.get();
        assert_eq!((read.count, read.sum), (5, Duration::from_millis(60_006)));
        assert_eq!(read.at_most[..3], [(1, 2), (2, 3), (5, 4)].map(|(ms, n)| (Duration::from_millis(ms), n)));
        assert_eq!(read.at_most.last(), Some(&(Duration::from_secs(30), 4)));
    }

    #[test]
    fn who_has_left_is_not_present() {
        let present = Present::default();
        let (one, two) = (present.enter(), present.enter());
        drop(one);
        assert_eq!(present.get(), 1);
        drop(two);
        assert_eq!(present.get(), 0);
    }

    #[test]
    fn only_codes_that_came_are_shown() {
        let acks = Acks::default();
        acks.add(AckCode::CR);
        acks.add(AckCode::CR);
        assert_eq!(acks.get(), BTreeMap::from([("CR", 2)]));
    }
}
