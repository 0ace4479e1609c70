//! The sender and its receivers in simulated time, on a store in memory: every run has a seed, and the same seed gives the same run.
//!
//! `HL7_SEEDS` is how many seeds are run (100 unless stated), `HL7_FIRST_SEED` the first of them.

mod book;
mod dice;
mod disk;
mod life;
mod node;
mod nodes;
mod people;
mod receiver;
mod tally;
mod world;

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use self::book::Name;
use self::tally::{Cause, Tally};
use self::world::World;

/// How many messages a run enqueues; each goes to one to three receivers.
const MESSAGES: usize = 25;
/// The longest that a run may take, in its own time.
const LONGEST: Duration = Duration::from_secs(3600);

fn seeds() -> impl Iterator<Item = u64> {
    let number = |name: &str, otherwise: u64| {
        std::env::var(name).ok().map_or(otherwise, |text| text.parse().expect("a number of seeds"))
    };
    let first = number("HL7_FIRST_SEED", 1);
    first..first + number("HL7_SEEDS", 100)
}

/// Runs this in simulated time, with dice that fall as the seed says.
fn in_simulated_time<T>(seed: u64, run: impl Future<Output = T>) -> T {
    fastrand::seed(seed);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.unwrap().block_on(run)
}

/// One run: what happened, and a hash of all of it.
fn run(seed: u64) -> (Tally, u64) {
    let (tally, hash, wrong, trace) = in_simulated_time(seed, async {
        let world = World::new(seed);
        let mut dice = fastrand::Rng::with_seed(seed);
        if tokio::time::timeout(LONGEST, live(&world, &mut dice)).await.is_err() {
            world.node.book.wrong("it stands still");
        }
        compare(&world).await;
        let (mut tally, hash, wrong) = world.node.book.close();
        tally.runs = 1;
        (tally, hash, wrong, world.node.book.trace())
    });
    if !wrong.is_empty() {
        panic!("seed {seed}: {wrong:#?}\n{}", trace.join("\n"));
    }
    (tally, hash)
}

async fn live(world: &Arc<World>, dice: &mut fastrand::Rng) {
    tokio::spawn(Arc::clone(world).live());
    tokio::spawn(people::decide(Arc::clone(world), dice.fork()));
    people::enqueue(Arc::clone(world), MESSAGES, dice.fork()).await;
    tokio::time::sleep(Duration::from_secs(dice.u64(0..15))).await;
    world.node.book.note("quiet");
    world.node.set_clock(0);
    world.node.rough.store(false, Ordering::Relaxed);
    if !people::settle(world).await {
        world.node.book.wrong("not everything is settled");
    }
    // What is still on its way may arrive.
    tokio::time::sleep(Duration::from_secs(10)).await;
}

/// Compares what is on record with what happened.
async fn compare(world: &World) {
    let records = world.node.records().await;
    let mut on_record = std::collections::BTreeSet::new();
    for record in records {
        world.node.book.compare(&record);
        on_record.insert(Name { to: record.destination, id: record.control_id });
    }
    for name in world.node.book.promised().iter().filter(|name| !on_record.contains(name)) {
        world.node.book.count(|tally| tally.lost += 1);
        world.node.book.wrong(format!("{name:?} is lost"));
    }
}

/// Tells what a campaign added up, past the capture of the test's output.
fn say(campaign: &str, all: &Tally) {
    let _ = writeln!(std::io::stderr(), "{campaign}: {all}");
}

#[test]
fn whatever_happens_nothing_is_lost_overtaken_or_sent_twice_without_a_cause() {
    let mut all = Tally::default();
    for seed in seeds() {
        all.add(&run(seed).0);
    }
    say("simulation of sender and receivers", &all);
    assert_eq!(all.lost, 0);
    for cause in [Cause::AckLost, Cause::AckLate, Cause::Ended, Cause::Person] {
        assert!(all.runs < 100 || all.duplicates(cause) > 0, "no duplicate shows {cause:?}");
    }
}

#[test]
fn the_same_seed_gives_the_same_run() {
    for seed in seeds().take(20) {
        assert_eq!(run(seed), run(seed), "seed {seed}");
    }
}
