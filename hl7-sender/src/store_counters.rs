//! What a store has done, for metrics.

use std::collections::BTreeMap;

use hl7_mllp::Durations;

/// What a store has done since it was opened. No number is about content.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
#[non_exhaustive]
pub struct StoreCounters {
    /// Transactions that were committed.
    pub commits: u64,
    /// Calls that they were for: by the commits, this says how many share one.
    pub calls: u64,
    /// From the beginning of a transaction to the end of its commit.
    pub commit_time: Durations,
    /// Calls of the sender that failed because the store has no room or is out of order, by code.
    pub errors: BTreeMap<&'static str, u64>,
}
