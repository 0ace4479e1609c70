//! What was found so far: errors beside lesser findings, so that no number of these hides an error, and the numbers of segments for their paths.

use std::cell::OnceCell;
use std::collections::HashMap;

use super::finding::Finding;
use super::findings::{Findings, is_of_header};
use super::level::Severity;
use crate::message::Message;

/// From so many paths on the segments are counted once for all of them.
const MANY: usize = 32;

/// Findings in the order in which they were found, each with its number.
pub(super) struct Told<'m> {
    errors: Vec<(usize, Finding)>,
    others: Vec<(usize, Finding)>,
    /// How many there were of each kind.
    all_errors: usize,
    all_others: usize,
    worst: Option<Severity>,
    of_header: bool,
    limit: usize,
    numbers: OnceCell<Numbers<'m>>,
}

/// What becomes of a finding.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Room {
    /// It is listed.
    Listed,
    /// It is counted, and its path still says whether the header is at fault.
    Placed,
    Counted,
}

impl<'m> Told<'m> {
    pub(super) fn new(limit: usize) -> Self {
        let (errors, others) = (Vec::new(), Vec::new());
        let (all_errors, all_others, worst, of_header, numbers) = Default::default();
        Self { errors, others, all_errors, all_others, worst, of_header, limit, numbers }
    }

    /// Counts one, and says what becomes of it.
    pub(super) fn count(&mut self, severity: Severity) -> Room {
        self.worst = self.worst.max(Some(severity));
        let is_error = severity == Severity::Error;
        let (all, list) = match is_error {
            true => (&mut self.all_errors, &self.errors),
            false => (&mut self.all_others, &self.others),
        };
        *all += 1;
        match list.len() < self.limit {
            true => Room::Listed,
            false if is_error && !self.of_header => Room::Placed,
            false => Room::Counted,
        }
    }

    /// Whether nothing more is listed.
    #[cfg(feature = "profile")]
    pub(super) fn is_full(&self) -> bool {
        self.errors.len() >= self.limit
    }

    /// Takes the one that was counted last.
    pub(super) fn take(&mut self, room: Room, finding: Finding) {
        let is_error = finding.severity() == Severity::Error;
        self.of_header |= is_error && is_of_header(&finding);
        if room == Room::Listed {
            let number = self.all_errors + self.all_others;
            if is_error { &mut self.errors } else { &mut self.others }.push((number, finding));
        }
    }

    /// The number of a segment, by its index, among those with its ID.
    pub(super) fn number_of(&self, message: &'m Message<'_>, segment: usize) -> u32 {
        match self.numbers(message) {
            Some(numbers) => numbers.each.get(segment).copied().unwrap_or(1),
            None => {
                let id = message.segment_at(segment).id();
                message.iter().take(segment + 1).filter(|other| other.id() == id).count() as u32
            }
        }
    }

    /// How many segments have the ID.
    pub(super) fn count_of(&self, message: &'m Message<'_>, id: &str) -> u32 {
        match self.numbers(message) {
            Some(numbers) => numbers.all.get(id).copied().unwrap_or(0),
            None => message.iter().filter(|segment| segment.id() == id).count() as u32,
        }
    }

    fn numbers(&self, message: &'m Message<'_>) -> Option<&Numbers<'m>> {
        let is_worth_it = self.all_errors + self.all_others >= MANY;
        is_worth_it.then(|| self.numbers.get_or_init(|| Numbers::of(message)))
    }

    /// All errors, and of the others as many as the limit leaves room for.
    pub(super) fn into_findings(self) -> Findings {
        let Self { mut errors, mut others, all_errors, all_others, worst, of_header, limit, .. } = self;
        others.truncate(limit.saturating_sub(errors.len()));
        errors.append(&mut others);
        errors.sort_unstable_by_key(|(number, _)| *number);
        let more = all_errors + all_others - errors.len();
        let list = errors.into_iter().map(|(_, finding)| finding).collect();
        Findings { list, more, worst, errors: all_errors, of_header }
    }
}

/// The number of each segment among those with its ID, and how many there are of each.
struct Numbers<'m> {
    each: Vec<u32>,
    all: HashMap<&'m str, u32>,
}

impl<'m> Numbers<'m> {
    fn of(message: &'m Message<'_>) -> Self {
        let mut all = HashMap::new();
        let each = message.iter().map(|segment| {
            let number = all.entry(segment.id()).or_insert(0);
            *number += 1;
            *number
        });
        Self { each: each.collect(), all }
    }
}
