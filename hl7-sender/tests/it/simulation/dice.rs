//! Dice that fall the same in every run with a seed, whatever else falls between.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher as _};
use std::sync::Mutex;

/// Dice for each thing by its name, and for each time it is done.
pub(super) struct Dice {
    seed: u64,
    thrown: Mutex<HashMap<u64, u64>>,
}

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self { seed, thrown: Mutex::default() }
    }

    /// Whether this thing is one of so many, each time.
    pub(super) fn are(&self, odds: u64, what: impl Hash) -> bool {
        hash((self.seed, what)).is_multiple_of(odds)
    }

    pub(super) fn of(&self, what: impl Hash) -> fastrand::Rng {
        let what = hash((self.seed, what));
        let mut thrown = self.thrown.lock().unwrap();
        let times = thrown.entry(what).or_default();
        *times += 1;
        fastrand::Rng::with_seed(hash((what, *times)))
    }
}

pub(super) fn hash(what: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    hasher.finish()
}
