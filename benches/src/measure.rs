//! Timing: each contender runs in turn, round after round, and its best round counts.

use std::hint::black_box;
use std::time::{Duration, Instant};

const ROUNDS: usize = 15;
const ROUND: Duration = Duration::from_millis(40);

/// A named piece of work.
pub struct Contender<'w> {
    name: &'static str,
    work: Box<dyn FnMut() + 'w>,
    per_round: u32,
    best: Duration,
}

/// Work whose result is kept from being optimised away.
pub fn contender<'w, R>(name: &'static str, mut work: impl FnMut() -> R + 'w) -> Contender<'w> {
    let work = Box::new(move || {
        black_box(work());
    });
    Contender { name, work, per_round: 1, best: Duration::MAX }
}

impl Contender<'_> {
    /// Finds how many runs fill a round.
    fn warm_up(&mut self) {
        let start = Instant::now();
        let mut runs = 0_u32;
        while start.elapsed() < ROUND {
            (self.work)();
            runs += 1;
        }
        self.per_round = runs.max(1);
    }

    fn round(&mut self) {
        let start = Instant::now();
        for _ in 0..self.per_round {
            (self.work)();
        }
        self.best = self.best.min(start.elapsed() / self.per_round);
    }
}

/// Prints each contender's best time and its ratio to the first, which is ours.
pub fn compare(title: &str, mut contenders: Vec<Contender<'_>>) {
    contenders.iter_mut().for_each(Contender::warm_up);
    for _ in 0..ROUNDS {
        contenders.iter_mut().for_each(Contender::round);
    }
    println!("{title}");
    let ours = contenders.first().map_or(1.0, |first| first.best.as_secs_f64());
    for contender in &contenders {
        let time = contender.best.as_secs_f64();
        println!("  {:<44} {:>12.3} us   ours is {:.2}x of it", contender.name, time * 1e6, ours / time);
    }
}
