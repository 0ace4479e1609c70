//! What an intake has done, for metrics.

use std::fmt;
use std::sync::Arc;

use crate::tally::Tick;

/// Reads the counters of an intake, while it takes messages and after. Cloning it shares it.
#[derive(Clone, Default)]
pub struct IntakeMeter {
    tally: Arc<Tally>,
}

#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) taken: Tick,
    pub(crate) repeats: Tick,
    pub(crate) late_repeats: Tick,
    pub(crate) reused_control_ids: Tick,
    pub(crate) unrouted: Tick,
    pub(crate) refused: Tick,
    pub(crate) unknown: Tick,
}

/// What an intake has done so far. No number is about content.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
#[non_exhaustive]
pub struct IntakeCounters {
    /// Messages that were stored and answered positively.
    pub taken: u64,
    /// Messages that had come before, and were answered as they were then.
    pub repeats: u64,
    /// Those of `repeats` that came more than an hour after the first time. Single ones follow an outage; many say that the sender's outbox was restored from a
    /// backup, or that someone sends old messages again.
    pub late_repeats: u64,
    /// Those of `taken` whose MSH-3, MSH-4 and MSH-10 another message has: their sender began to count anew, or lost track.
    pub reused_control_ids: u64,
    /// Messages for which no rule held; they are among `taken` or `refused`.
    pub unrouted: u64,
    /// Messages that were answered negatively.
    pub refused: u64,
    /// Messages that were not answered, because the store did not say whether they were kept: the connection was closed.
    pub unknown: u64,
}

impl IntakeMeter {
    /// The counters as they stand.
    pub fn read(&self) -> IntakeCounters {
        let tally = &self.tally;
        IntakeCounters {
            taken: tally.taken.get(),
            repeats: tally.repeats.get(),
            late_repeats: tally.late_repeats.get(),
            reused_control_ids: tally.reused_control_ids.get(),
            unrouted: tally.unrouted.get(),
            refused: tally.refused.get(),
            unknown: tally.unknown.get(),
        }
    }

    pub(crate) fn tally(&self) -> &Tally {
        &self.tally
    }
}

impl fmt::Debug for IntakeMeter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IntakeMeter").finish_non_exhaustive()
    }
}
