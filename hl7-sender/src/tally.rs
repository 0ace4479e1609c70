//! Counting while work goes on: atomics, and nothing that waits for anybody.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hl7_mllp::Durations;

/// A number that grows.
#[derive(Default)]
pub(crate) struct Tick(AtomicU64);

impl Tick {
    pub(crate) fn add(&self) {
        self.add_many(1);
    }

    pub(crate) fn add_many(&self, more: usize) {
        self.0.fetch_add(more as u64, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// How many there are now.
#[derive(Clone, Default)]
pub(crate) struct Present(Arc<AtomicU64>);

/// One of those who are [`Present`], until it is dropped.
pub(crate) struct Entered(Present);

impl Present {
    pub(crate) fn enter(&self) -> Entered {
        self.0.fetch_add(1, Ordering::Relaxed);
        Entered(self.clone())
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// How often each code came. What has a code is rare enough for a lock.
#[derive(Default)]
pub(crate) struct Codes(Mutex<BTreeMap<&'static str, u64>>);

impl Codes {
    pub(crate) fn add(&self, code: &'static str) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(code).or_default() += 1;
    }

    pub(crate) fn get(&self) -> BTreeMap<&'static str, u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The upper bounds of the classes of [`Clocked`], in milliseconds: from a disk or a receiver in the same rack to an outage over a long weekend.
const BOUNDS: [u64; 17] = [
    1,
    2,
    5,
    10,
    25,
    50,
    100,
    250,
    1_000,
    5_000,
    10_000,
    30_000,
    60_000,
    600_000,
    3_600_000,
    24 * 3_600_000,
    96 * 3_600_000,
];

/// How long things took.
#[derive(Default)]
pub(crate) struct Clocked {
    microseconds: AtomicU64,
    classes: [Tick; BOUNDS.len()],
    above: Tick,
}

impl Clocked {
    pub(crate) fn add(&self, time: Duration) {
        let microseconds = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.microseconds.fetch_add(microseconds, Ordering::Relaxed);
        let class = BOUNDS.iter().zip(&self.classes).find(|&(&bound, _)| microseconds <= bound * 1_000);
        class.map_or(&self.above, |(_, class)| class).add();
    }

    pub(crate) fn get(&self) -> Durations {
        let mut read = Durations::default();
        for (&bound, class) in BOUNDS.iter().zip(&self.classes) {
            read.count += class.get();
            read.at_most.push((Duration::from_millis(bound), read.count));
        }
        read.count += self.above.get();
        read.sum = Duration::from_micros(self.microseconds.load(Ordering::Relaxed));
        read
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_counted_up_to_each_bound() {
        let clocked = Clocked::default();
        for time in [0, 1, 2, 3, 60_000, 400 * 3_600_000] {
            clocked.add(Duration::from_millis(time));
        }
        let read = clocked.get();
        assert_eq!((read.count, read.sum), (6, Duration::from_millis(60_006 + 400 * 3_600_000)));
        assert_eq!(read.at_most[..3], [(1, 2), (2, 3), (5, 4)].map(|(ms, n)| (Duration::from_millis(ms), n)));
        assert_eq!(read.at_most.last(), Some(&(Duration::from_secs(96 * 3_600), 5)));
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
}
