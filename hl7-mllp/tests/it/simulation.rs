//! Client and listener over a simulated network, in simulated time: every run has a seed, and the same seed gives the same run.
//!
//! `HL7_SEEDS` is how many seeds are run (200 unless stated), `HL7_FIRST_SEED` the first of them.

mod ledger;
mod listening;
mod receiver;
mod sender;
mod sending;

use std::time::Duration;

use turmoil::{Builder, Sim};

const PORT: u16 = 2575;
/// The longest wait for an acknowledgment.
const ACK_TIMEOUT: Duration = Duration::from_millis(600);

/// What the network does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Network {
    Calm,
    /// Connections break and come back, packets are held up.
    Rough,
}

/// A network with this seed.
fn network(kind: Network, seed: u64) -> Sim<'static> {
    let mut builder = Builder::new();
    builder
        .rng_seed(seed)
        .simulation_duration(Duration::from_secs(3600))
        .tick_duration(Duration::from_millis(10))
        .min_message_latency(Duration::from_millis(1))
        .tcp_capacity(256);
    match kind {
        Network::Calm => builder.max_message_latency(Duration::from_millis(20)),
        Network::Rough => {
            builder.max_message_latency(Duration::from_millis(150)).fail_rate(0.01).repair_rate(0.3)
        }
    };
    builder.build()
}

/// The seeds of one campaign.
fn seeds() -> impl Iterator<Item = u64> {
    let number = |name: &str, otherwise: u64| {
        std::env::var(name).ok().map_or(otherwise, |text| text.parse().expect("a number of seeds"))
    };
    let first = number("HL7_FIRST_SEED", 1);
    first..first + number("HL7_SEEDS", 200)
}
