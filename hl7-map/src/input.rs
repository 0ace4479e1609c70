//! A message as input: its segments, the groups they are in, and what stands in them.

use std::borrow::Cow;

use hl7_core::{
    Delimiters, Message, Occurrence, Path, Repetition, RepetitionFilter, RepetitionIndex, Segment, unescape,
};

use crate::leaf;
use crate::plan::LinesOf;
use crate::standard::{At, Layout};
use crate::value::Value;

mod grouping;

/// A message that is read: each segment with its ID at hand.
pub(crate) struct Input<'v> {
    lines: Vec<Line<'v>>,
    /// The groups of the message, each before those in it; the message itself is the first.
    groups: Vec<Group>,
    delimiters: Delimiters,
}

/// A group that the message has: its place in the structure and its segments.
struct Group {
    at: At,
    start: usize,
    end: usize,
}

/// A segment.
#[derive(Clone, Copy)]
pub(crate) struct Line<'v> {
    /// Zeros for a broken line.
    pub(crate) id: [u8; 3],
    pub(crate) segment: Segment<'v>,
    /// The innermost group it is in.
    group: usize,
}

impl<'v> Input<'v> {
    /// With the groups of a structure, where it is known.
    pub(crate) fn new(message: &'v Message<'_>, layout: Option<&Layout>) -> Self {
        let line = |segment: Segment<'v>| {
            let id = segment.id().as_bytes().try_into().ok().filter(|_| segment.has_valid_id());
            Line { id: id.unwrap_or_default(), segment, group: 0 }
        };
        let mut lines: Vec<_> = message.iter().map(line).collect();
        let groups = grouping::groups(&mut lines, layout);
        Self { lines, groups, delimiters: message.delimiters() }
    }

    pub(crate) fn delimiters(&self) -> Delimiters {
        self.delimiters
    }

    /// All segments.
    pub(crate) fn all(&'v self) -> Lines<'v> {
        Lines { input: self, start: 0, end: self.lines.len(), group: 0 }
    }
}

/// Some segments of a message, one after the other: all, a group, or a single one.
#[derive(Clone, Copy)]
pub(crate) struct Lines<'v> {
    input: &'v Input<'v>,
    start: usize,
    end: usize,
    /// The group they are, where they are one.
    group: usize,
}

/// Which of several places is meant where a path says `[*]`, from 1: those that a `set` is at.
#[derive(Clone, Copy, Default)]
pub(crate) struct Bound {
    pub(crate) segment: Option<usize>,
    pub(crate) repetition: Option<usize>,
}

impl<'v> Lines<'v> {
    fn slice(self) -> &'v [Line<'v>] {
        self.input.lines.get(self.start..self.end).unwrap_or_default()
    }

    pub(crate) fn iter(self) -> impl DoubleEndedIterator<Item = &'v Line<'v>> + ExactSizeIterator {
        self.slice().iter()
    }

    pub(crate) fn len(self) -> usize {
        self.end - self.start
    }

    /// The `n`-th of them, from 0, alone.
    pub(crate) fn only(self, n: usize) -> Self {
        let start = (self.start + n).min(self.end);
        Self { start, end: (start + 1).min(self.end), ..self }
    }

    /// Which of the message's segments of its ID the `n`-th of these is, from 1.
    pub(crate) fn number_at(self, n: usize) -> usize {
        let before = self.input.lines.get(..=self.start + n).unwrap_or_default();
        let id = before.last().map(|line| line.id);
        before.iter().filter(|line| Some(line.id) == id).count()
    }

    /// Which of the message's segments of its ID a path means, where it means one that is there.
    pub(crate) fn number_of(self, path: &Path, bound: Option<usize>, direct: bool) -> Option<usize> {
        let skip = match (path.occurrence(), bound) {
            (_, Some(n)) => n - 1,
            (Occurrence::Nth(n), None) => n as usize - 1,
            (Occurrence::All, None) => return None,
            _ => 0,
        };
        let id = path.segment_id().as_bytes();
        let fits = |line: &Line<'_>| line.id == id && (!direct || line.group == self.group);
        let (n, _) = self.iter().enumerate().filter(|(_, line)| fits(line)).nth(skip)?;
        Some(self.number_at(n))
    }

    /// The segments with this ID, in order.
    pub(crate) fn with_id(self, id: &str) -> impl Iterator<Item = Segment<'v>> + use<'v> {
        let id: [u8; 3] = id.as_bytes().try_into().unwrap_or_default();
        self.iter().filter(move |line| line.id == id).map(|line| line.segment)
    }

    /// The groups or segments that a loop goes over.
    pub(crate) fn each(self, of: LinesOf) -> Vec<Value<'v>> {
        match of {
            LinesOf::Group(at) => self.groups(at).map(Value::Lines).collect(),
            LinesOf::Segment(id) => {
                let found = self.iter().enumerate().filter(|(_, line)| line.id == id);
                found.map(|(n, _)| Value::Lines(self.only(n))).collect()
            }
            LinesOf::Anchor(id) => self.anchored(id),
        }
    }

    /// The groups at this place of the structure. They stand in the order of their segments.
    fn groups(self, at: At) -> impl Iterator<Item = Lines<'v>> {
        let all = &self.input.groups;
        let first = all.partition_point(|group| group.start < self.start);
        let inside = all.iter().enumerate().skip(first).take_while(move |(_, group)| group.start < self.end);
        inside.filter(move |(_, group)| group.at == at).map(move |(n, group)| Lines {
            start: group.start,
            end: group.end,
            group: n,
            ..self
        })
    }

    /// From each segment of this ID to before the next one.
    fn anchored(self, id: [u8; 3]) -> Vec<Value<'v>> {
        let anchors = self.iter().enumerate().filter(|(_, line)| line.id == id);
        let mut starts: Vec<usize> = anchors.map(|(n, _)| self.start + n).collect();
        starts.push(self.end);
        let part = |pair: &[usize]| match *pair {
            [start, end] => Some(Value::Lines(Lines { start, end, ..self })),
            _ => None,
        };
        starts.windows(2).filter_map(part).collect()
    }

    /// What stands at a path: a list where it says `[*]`, else the first that is there. `direct` is for segments of the group itself, not of
    /// the groups in it. Also how many segments were looked at.
    pub(crate) fn read(self, path: &Path, bound: Bound, direct: bool) -> (Value<'v>, usize) {
        let (skip, take) = bound.segment.map_or_else(|| run(path.occurrence()), |n| (n - 1, 1));
        let id: [u8; 3] = path.segment_id().as_bytes().try_into().unwrap_or_default();
        let mut looked = 0;
        let looking = self.iter().inspect(|_| looked += 1);
        let named = looking.filter(|line| line.id == id && (!direct || line.group == self.group));
        let mut segments = named.map(|line| line.segment).skip(skip).take(take);
        let Some(field) = path.field().map(usize::from) else {
            let id = segments.next().map(Segment::id);
            return (id.map_or(Value::Absent, |id| Value::text(Cow::Borrowed(id))), looked);
        };
        let all_repetitions = path.repetition() == RepetitionIndex::All && bound.repetition.is_none();
        if take == 1 && !all_repetitions {
            let value = segments.next().map(|segment| self.first(segment, field, path, bound));
            return (value.unwrap_or(Value::Absent), looked);
        }
        let values = segments.flat_map(|segment| {
            let one = (!all_repetitions).then(|| self.first(segment, field, path, bound));
            let all = all_repetitions.then(|| self.repetitions(segment, field, path));
            one.into_iter().chain(all.into_iter().flatten())
        });
        let list = Value::of_list(values.filter(|value| !value.is_absent()).collect());
        (list, looked)
    }

    /// The first place of a path in one segment.
    fn first(self, segment: Segment<'v>, field: usize, path: &Path, bound: Bound) -> Value<'v> {
        let Some(found) = segment.field(field) else { return Value::Absent };
        if is_delimiters(segment, field) {
            return Value::text(Cow::Borrowed(found.raw()));
        }
        let repetition = match (path.repetition(), bound.repetition) {
            (RepetitionIndex::Where(filter), _) => {
                found.repetitions().find(|repetition| fits(*repetition, &filter))
            }
            (_, Some(n)) => found.repetition(n),
            (RepetitionIndex::Nth(n), None) => found.repetition(n as usize),
            _ if path.component().is_none() => return self.value(found.raw()),
            _ => found.repetition(1),
        };
        repetition.map_or(Value::Absent, |repetition| self.within(repetition, path))
    }

    /// Each repetition's part of a path.
    fn repetitions<'p>(
        self,
        segment: Segment<'v>,
        field: usize,
        path: &'p Path,
    ) -> impl Iterator<Item = Value<'v>> + use<'p, 'v> {
        let repetitions = segment.field(field).into_iter().flat_map(|field| field.repetitions());
        repetitions.map(move |repetition| self.within(repetition, path))
    }

    fn within(self, repetition: Repetition<'v>, path: &Path) -> Value<'v> {
        let raw = match (path.component(), path.subcomponent()) {
            (None, _) => Some(repetition.raw()),
            (Some(component), None) => repetition.component(component.into()).map(|part| part.raw()),
            (Some(component), Some(subcomponent)) => repetition
                .component(component.into())
                .and_then(|part| part.subcomponent(subcomponent.into()))
                .map(|part| part.raw()),
        };
        raw.map_or(Value::Absent, |raw| self.value(raw))
    }

    fn value(self, raw: &'v str) -> Value<'v> {
        Place::value(Cow::Borrowed(raw), &self.input.delimiters)
    }
}

/// How many repetitions a segment's field has; none when it is empty or not there.
pub(crate) fn count_repetitions(segment: Segment<'_>, field: usize) -> usize {
    segment.field(field).filter(|field| !field.is_empty()).map_or(0, |field| field.repetitions().count())
}

/// Whether a repetition is one that `filter` asks for.
pub(crate) fn fits(repetition: Repetition<'_>, filter: &RepetitionFilter) -> bool {
    let Some(component) = repetition.component(filter.component().into()) else { return false };
    match filter.subcomponent() {
        None => component.text() == filter.text(),
        Some(n) => component.subcomponent(n.into()).is_some_and(|part| part.text() == filter.text()),
    }
}

/// MSH-1 and MSH-2.
fn is_delimiters(segment: Segment<'_>, field: usize) -> bool {
    field <= 2 && matches!(segment.id(), "MSH" | "FHS" | "BHS")
}

/// What stands at a place of a message: ER7 with delimiters of the levels below, or with escape sequences.
#[derive(Clone)]
pub(crate) struct Place<'v> {
    raw: Cow<'v, str>,
    delimiters: &'v Delimiters,
}

impl<'v> Place<'v> {
    /// The value that ER7 means. A text without delimiters and escape sequences is just that; what holds nothing but delimiters is absent.
    pub(crate) fn value(raw: Cow<'v, str>, delimiters: &'v Delimiters) -> Value<'v> {
        let place = Place { raw, delimiters };
        match place.raw.as_ref() {
            "" => Value::Absent,
            "\"\"" => Value::Null,
            raw if !raw.contains(|c| place.separates(c) || Some(c) == delimiters.escape()) => {
                Value::Text(place.raw)
            }
            raw if raw.chars().all(|c| place.separates(c)) => Value::Absent,
            _ => Value::Place(place),
        }
    }

    /// As it stands in the message.
    pub(crate) fn raw(&self) -> &str {
        &self.raw
    }

    pub(crate) fn into_raw(self) -> Cow<'v, str> {
        self.raw
    }

    fn separates(&self, c: char) -> bool {
        let d = self.delimiters;
        [d.component(), d.repetition(), d.subcomponent()].contains(&Some(c))
    }

    /// Each repetition of it.
    pub(crate) fn repetitions(&self) -> impl Iterator<Item = Value<'v>> + '_ {
        let mark = self.delimiters.repetition().unwrap_or('\r');
        self.raw.split(mark).map(|raw| Place::value(Cow::Owned(raw.to_owned()), self.delimiters))
    }

    /// The text of the first leaf. Where a type gained components, its first one means what the whole did before (2.5.1, chapter 2, section 2.8).
    pub(crate) fn into_text(self) -> Cow<'v, str> {
        let end = self.raw.find(|c| self.separates(c)).unwrap_or(self.raw.len());
        let delimiters = self.delimiters;
        match self.raw {
            Cow::Borrowed(raw) => unescape(raw.get(..end).unwrap_or_default(), delimiters),
            Cow::Owned(raw) => {
                Cow::Owned(unescape(raw.get(..end).unwrap_or_default(), delimiters).into_owned())
            }
        }
    }

    /// The `n`-th component from 1 on, or subcomponent where there is no component.
    pub(crate) fn part(&self, n: usize) -> Value<'v> {
        let d = self.delimiters;
        let repetition = d.repetition().and_then(|mark| self.raw.split(mark).next()).unwrap_or(&self.raw);
        let separator = d.component().filter(|&mark| repetition.contains(mark)).or(d.subcomponent());
        let part = match separator {
            Some(separator) => repetition.split(separator).nth(n - 1),
            None => (n == 1).then_some(repetition),
        };
        part.map_or(Value::Absent, |part| Place::value(Cow::Owned(part.to_owned()), self.delimiters))
    }

    /// The same place with each leaf changed, or the first one alone. Leaves that are empty or HL7's null stay.
    ///
    /// # Errors
    /// The first that `change` gives.
    pub(crate) fn map<E>(
        &self,
        first_only: bool,
        change: &mut dyn FnMut(String) -> Result<Value<'v>, E>,
        not_single: impl Fn() -> E,
    ) -> Result<Value<'v>, E> {
        let mut out = String::with_capacity(self.raw.len());
        let mut first = true;
        for piece in self.raw.split_inclusive(|c| self.separates(c)) {
            let end = piece.char_indices().next_back().filter(|(_, c)| self.separates(*c));
            let (leaf, separator) = piece.split_at(end.map_or(piece.len(), |(at, _)| at));
            let stays = leaf.is_empty() || leaf == "\"\"" || (first_only && !first);
            if stays {
                out.push_str(leaf);
            } else {
                match change(unescape(leaf, self.delimiters).into_owned())? {
                    Value::Text(text) | Value::Number(text) => {
                        leaf::push_with(&mut out, &text, leaf.contains(".br"), *self.delimiters)
                    }
                    Value::Absent => {}
                    Value::Null => out.push_str("\"\""),
                    _ => return Err(not_single()),
                }
            }
            out.push_str(separator);
            first = false;
        }
        Ok(Place::value(Cow::Owned(out), self.delimiters))
    }
}

/// How many segments of its ID a path passes over, and how many it takes then.
pub(crate) fn run(occurrence: Occurrence) -> (usize, usize) {
    match occurrence {
        Occurrence::Nth(n) => (n as usize - 1, 1),
        Occurrence::All => (0, usize::MAX),
        _ => (0, 1),
    }
}
