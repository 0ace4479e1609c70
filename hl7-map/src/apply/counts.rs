//! How many segments of each ID were written.

use crate::standard;

/// Segments by their ID: of the whole message, and since the segment they belong to.
#[derive(Default)]
pub(super) struct Counts<'v> {
    list: Vec<Count<'v>>,
}

#[derive(Clone, Copy, Default)]
pub(super) struct Count<'v> {
    id: &'v str,
    pub(super) all: usize,
    /// As the set ID counts.
    pub(super) numbered: usize,
}

impl<'v> Counts<'v> {
    pub(super) fn of(&self, id: &str) -> Count<'v> {
        self.list.iter().find(|count| count.id == id).copied().unwrap_or_default()
    }

    /// Counts a segment that was written, and begins the numbering of its children anew.
    pub(super) fn add(&mut self, id: &'v str) {
        for count in &mut self.list {
            if standard::restarts(count.id, id) {
                count.numbered = 0;
            }
        }
        match self.list.iter_mut().find(|count| count.id == id) {
            Some(count) => {
                count.all += 1;
                count.numbered += 1;
            }
            None => self.list.push(Count { id, all: 1, numbered: 1 }),
        }
    }
}
