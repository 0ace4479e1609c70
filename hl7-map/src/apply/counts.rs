//! How many segments of each ID were written.

use crate::plan::SegmentRule;

/// Segments by their ID: of the whole message, and since the segment they belong to.
pub(super) struct Counts {
    list: Vec<Count>,
    /// What the counts were, for the groups under way.
    saved: Vec<Count>,
}

#[derive(Clone, Copy, Default)]
pub(super) struct Count {
    pub(super) all: usize,
    /// As the set ID counts.
    pub(super) numbered: usize,
}

/// Where the counts of a group's beginning are.
#[derive(Clone, Copy)]
pub(super) struct Saved(usize);

impl Counts {
    pub(super) fn new(counters: usize) -> Self {
        Self { list: vec![Count::default(); counters], saved: Vec::new() }
    }

    pub(super) fn of(&self, counter: usize) -> Count {
        self.list.get(counter).copied().unwrap_or_default()
    }

    pub(super) fn begin_anew(&mut self, counters: &[usize]) {
        for &counter in counters {
            if let Some(count) = self.list.get_mut(counter) {
                count.numbered = 0;
            }
        }
    }

    /// Counts a segment that was written, and begins the numbering of its children anew.
    pub(super) fn add(&mut self, rule: &SegmentRule) {
        self.begin_anew(&rule.restarts);
        if let Some(count) = self.list.get_mut(rule.counter) {
            count.all += 1;
            count.numbered += 1;
        }
    }

    /// Keeps the counts as they are.
    pub(super) fn mark(&mut self) -> Saved {
        let mark = Saved(self.saved.len());
        self.saved.extend_from_slice(&self.list);
        mark
    }

    /// Goes on as if nothing was written since the mark.
    pub(super) fn restore(&mut self, mark: Saved) {
        if let Some(saved) = self.saved.get(mark.0..) {
            self.list.copy_from_slice(saved);
        }
        self.forget(mark);
    }

    pub(super) fn forget(&mut self, mark: Saved) {
        self.saved.truncate(mark.0);
    }
}
