//! What a campaign adds up.

use std::collections::BTreeMap;
use std::fmt;

/// Why a receiver gets a message once more: the windows that the guarantees name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Cause {
    /// Its acknowledgment was lost.
    AckLost,
    /// Its acknowledgment came late, or could not be read.
    AckLate,
    /// The process ended, the store failed or the destination was changed before the acknowledgment was on the disk.
    Ended,
    /// A person sent it again.
    Person,
}

/// What happened, of one run or of all.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub(super) struct Tally {
    pub(super) runs: u64,
    /// Entries: a message for two destinations counts twice.
    pub(super) messages: u64,
    pub(super) merges: u64,
    pub(super) kills: u64,
    pub(super) shutdowns: u64,
    pub(super) store_faults: u64,
    pub(super) outages: u64,
    pub(super) changes: u64,
    pub(super) writes: u64,
    pub(super) holds: u64,
    pub(super) replays: u64,
    pub(super) copies: u64,
    pub(super) parked: u64,
    pub(super) most_under_way: usize,
    pub(super) lost: u64,
    /// Messages that the second of two nodes keeps.
    pub(super) effects: u64,
    settled: BTreeMap<&'static str, u64>,
    duplicates: BTreeMap<Cause, u64>,
}

impl Tally {
    pub(super) fn duplicate(&mut self, cause: Cause) {
        *self.duplicates.entry(cause).or_default() += 1;
    }

    pub(super) fn duplicates(&self, cause: Cause) -> u64 {
        self.duplicates.get(&cause).copied().unwrap_or_default()
    }

    pub(super) fn settled(&mut self, how: &'static str) {
        *self.settled.entry(how).or_default() += 1;
    }

    pub(super) fn add(&mut self, run: &Self) {
        self.runs += run.runs;
        self.messages += run.messages;
        self.merges += run.merges;
        self.kills += run.kills;
        self.shutdowns += run.shutdowns;
        self.store_faults += run.store_faults;
        self.outages += run.outages;
        self.changes += run.changes;
        self.writes += run.writes;
        self.holds += run.holds;
        self.replays += run.replays;
        self.copies += run.copies;
        self.parked += run.parked;
        self.most_under_way = self.most_under_way.max(run.most_under_way);
        self.lost += run.lost;
        self.effects += run.effects;
        run.settled.iter().for_each(|(how, count)| *self.settled.entry(how).or_default() += count);
        run.duplicates.iter().for_each(|(cause, count)| *self.duplicates.entry(*cause).or_default() += count);
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { runs, messages, merges, kills, shutdowns, store_faults, .. } = self;
        write!(f, "runs {runs}, messages {messages} ({merges} merges), kills {kills}, ")?;
        write!(f, "shutdowns {shutdowns}, store failures {store_faults}, ")?;
        let Self { outages, changes, holds, replays, copies, parked, .. } = self;
        write!(
            f,
            "outages {outages}, changes of destinations {changes}, holds {holds}, parked lanes {parked}, "
        )?;
        write!(f, "replays {replays}, edited copies {copies}, ")?;
        let Self { writes, most_under_way, settled, duplicates, lost, effects, .. } = self;
        write!(f, "writes {writes}, most under way {most_under_way}, ended {settled:?}, ")?;
        if *effects > 0 {
            return write!(f, "lost {lost}, effects {effects}");
        }
        write!(f, "duplicates {duplicates:?} and none unexplained, lost {lost}")
    }
}
