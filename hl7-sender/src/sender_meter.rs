//! What a sender has done, for metrics.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Weak};

use hl7_mllp::Durations;

use crate::destination_tally::{DestinationTally, Tallies};
use crate::running::Running;
use crate::store_counters::StoreCounters;

/// Reads the counters of a sender, while it runs and after. Cloning it shares it; it does not keep the sender alive.
///
/// A program maps them to the metrics system it has, here to the text that Prometheus reads:
///
/// ```
/// use std::fmt::Write as _;
/// use hl7_sender::SenderMeter;
///
/// fn metrics(meter: &SenderMeter) -> Result<String, std::fmt::Error> {
///     let (read, mut text) = (meter.read(), String::new());
///     for (name, of) in &read.destinations {
///         writeln!(text, "hl7_sender_delivered_total{{destination=\"{name}\"}} {}", of.delivered)?;
///         writeln!(text, "hl7_sender_reachable{{destination=\"{name}\"}} {}", u8::from(of.unreachable.is_none()))?;
///         for (code, count) in &of.failures {
///             writeln!(text, "hl7_sender_failures_total{{destination=\"{name}\",code=\"{code}\"}} {count}")?;
///         }
///         for (bound, count) in &of.delivery_time.at_most {
///             let le = bound.as_secs_f64();
///             writeln!(text, "hl7_sender_delivery_seconds_bucket{{destination=\"{name}\",le=\"{le}\"}} {count}")?;
///         }
///     }
///     writeln!(text, "hl7_sender_store_commits_total {}", read.store.commits)?;
///     Ok(text)
/// }
/// # let _ = metrics;
/// ```
#[derive(Clone)]
pub struct SenderMeter {
    tallies: Arc<Tallies>,
    running: Weak<Running>,
}

/// What a sender has done since it was started. No number is about content.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
#[non_exhaustive]
pub struct SenderCounters {
    /// By destination. One that was removed is not among them any more.
    pub destinations: BTreeMap<String, DestinationCounters>,
    /// Of the store; nothing after the last clone of the sender was dropped.
    pub store: StoreCounters,
}

/// What a sender has done for one destination since it was started or added. How many entries are in which state now, earlier ones included, is
/// [`crate::Sender::counts`], and what waits
/// [`crate::Sender::backlog`].
#[derive(Clone, PartialEq, Eq, Default, Debug)]
#[non_exhaustive]
pub struct DestinationCounters {
    /// Entries that were made by [`crate::Sender::enqueue`].
    pub enqueued: u64,
    /// Entries that were made for messages that came in through an [`crate::Intake`].
    pub received: u64,
    /// Entries that were given back because the request had been made before. What comes in again is counted by the intake.
    pub repeats: u64,
    /// Attempts that were counted on the disk. [`DestinationCounters::failures`] says which of them wrote nothing.
    pub attempts: u64,
    /// Entries that were delivered.
    pub delivered: u64,
    /// Entries that were sent and not confirmed.
    pub unconfirmed: u64,
    /// Entries that were passed over by the table.
    pub skipped: u64,
    /// Attempts after which the entry waits for another.
    pub retries: u64,
    /// Attempts with an answer that is not positive, or not of this message.
    pub rejected: u64,
    /// Attempts after which nobody knows whether the receiver has the message: no answer, a lost connection, one that cannot be read.
    pub unknown: u64,
    /// Entries that were given up.
    pub dead_letters: u64,
    /// Entries that were held, by an answer or by a person.
    pub held: u64,
    /// Entries that a person released.
    pub released: u64,
    /// Dead letters that a person put into their lane again.
    pub replayed: u64,
    /// Entries that a person took back.
    pub cancelled: u64,
    /// Attempts that did not deliver, or whose delivery lacks something, by code.
    pub failures: BTreeMap<&'static str, u64>,
    /// Connections that were made.
    pub connects: u64,
    /// Connections that could not be made.
    pub failed_connects: u64,
    /// Connections that are open now.
    pub connections: u64,
    /// Why it cannot be reached now: then the breaker is open, and one lane at a time tries.
    pub unreachable: Option<&'static str>,
    /// Whether it is paused now.
    pub paused: bool,
    /// From the first byte of a message to its acknowledgment, of any code.
    pub acknowledgment_time: Durations,
    /// From enqueuing, release or replay to delivery.
    pub delivery_time: Durations,
}

impl DestinationCounters {
    fn of(tally: &DestinationTally) -> Self {
        Self {
            enqueued: tally.enqueued.get(),
            received: tally.received.get(),
            repeats: tally.repeats.get(),
            attempts: tally.attempts.get(),
            delivered: tally.delivered.get(),
            unconfirmed: tally.unconfirmed.get(),
            skipped: tally.skipped.get(),
            retries: tally.retries.get(),
            rejected: tally.rejected.get(),
            unknown: tally.unknown.get(),
            dead_letters: tally.dead_letters.get(),
            held: tally.held.get(),
            released: tally.released.get(),
            replayed: tally.replayed.get(),
            cancelled: tally.cancelled.get(),
            failures: tally.failures.get(),
            connects: tally.connects.get(),
            failed_connects: tally.failed_connects.get(),
            connections: tally.connections.get(),
            unreachable: None,
            paused: false,
            acknowledgment_time: tally.acknowledgment_time.get(),
            delivery_time: tally.delivery_time.get(),
        }
    }
}

impl SenderMeter {
    pub(crate) fn new(running: &Arc<Running>) -> Self {
        Self { tallies: Arc::clone(&running.engine.tallies), running: Arc::downgrade(running) }
    }

    /// The counters as they stand.
    pub fn read(&self) -> SenderCounters {
        let tallies = self.tallies.lock();
        let destinations =
            tallies.iter().map(|(name, tally)| (name.clone(), DestinationCounters::of(tally))).collect();
        drop(tallies);
        let mut read = SenderCounters { destinations, store: StoreCounters::default() };
        if let Some(running) = self.running.upgrade() {
            read.store = running.engine.store.counters();
            for target in running.targets() {
                if let Some(of) = read.destinations.get_mut(&target.name) {
                    let gate = target.gate();
                    of.paused = gate.is_paused();
                    of.unreachable = gate.outage().map(|outage| outage.code);
                }
            }
        }
        read
    }
}

impl fmt::Debug for SenderMeter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SenderMeter").finish_non_exhaustive()
    }
}
