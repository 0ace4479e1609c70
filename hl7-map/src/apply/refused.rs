//! The refusals of one call.

use crate::refusal::{ApplyError, Refusal};
use crate::value::Fault;

/// More refusals than this are counted and not listed: a loop may give one a round.
const MOST: usize = 100;

/// Refusals in the order of the message.
#[derive(Default)]
pub(super) struct Refused {
    list: Vec<Refusal>,
    unlisted: usize,
    /// A limit was met: nothing more is written and nothing more refused.
    pub(super) stopped: bool,
}

/// Which of several a place is, counted from 1.
#[derive(Clone, Copy, Default)]
pub(super) struct Which {
    /// The segment among those of its ID.
    pub(super) segment: Option<usize>,
    /// The repetition of its field.
    pub(super) repetition: Option<usize>,
}

impl Refused {
    /// Notes a refusal. Its source is asked for when it is listed.
    pub(super) fn add(
        &mut self,
        fault: Fault,
        place: Option<(&str, Which)>,
        source: impl FnOnce() -> Option<String>,
        line: usize,
    ) {
        if self.stopped {
            return;
        }
        self.stopped = is_limit(fault.code());
        if self.list.len() >= MOST && !self.stopped {
            self.unlisted += 1;
            return;
        }
        let place = place.map(|(place, which)| located(place, which));
        self.list.push(Refusal::new(fault, place, source(), line));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The error, when something was refused.
    pub(super) fn into_error(self) -> Option<ApplyError> {
        (!self.list.is_empty()).then(|| ApplyError::of_refusals(self.list, self.unlisted))
    }
}

/// Whether a refusal ends the work.
fn is_limit(code: &str) -> bool {
    matches!(code, "M209" | "M210" | "M211" | "M212")
}

/// `orders[].results[].code` with the index of each item: `orders[0].results[2].code`.
pub(super) fn indexed(place: &str, indexes: &[usize]) -> String {
    let mut parts = place.split("[]");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for (n, part) in parts.enumerate() {
        let index = indexes.get(n).map_or(String::new(), usize::to_string);
        out.push_str(&format!("[{index}]{part}"));
    }
    out
}

/// A place with all numbers that are known.
pub(super) fn whole(place: &str, indexes: &[usize], which: Which) -> String {
    match indexes {
        [] => located(place, which),
        _ => located(&indexed(place, indexes), which),
    }
}

/// `PID-3.5` in the second repetition is `PID-3[2].5`, `NTE-3` in the fourth segment `NTE[4]-3`.
fn located(place: &str, which: Which) -> String {
    let index = |at: Option<usize>| at.map_or(String::new(), |at| format!("[{at}]"));
    let (segment, repetition) = (index(which.segment), index(which.repetition));
    let Some((id, rest)) = place.split_once('-') else { return format!("{place}{segment}") };
    let (field, component) = rest.split_at(rest.find('.').unwrap_or(rest.len()));
    format!("{id}{segment}-{field}{repetition}{component}")
}
