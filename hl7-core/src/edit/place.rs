//! Finding the places that a path names, to change them.

use std::ops::Range;

use super::splice::Exchange;
use crate::delimiters::{Delimiters, Level};
use crate::error::{EditError, EditErrorKind};
use crate::message::{self, Message, Span};
use crate::path::{Occurrence, Path, RepetitionIndex};
use crate::piece::{Piece, Repetition, Value};
use crate::scan;

/// What one edit may still write. A path such as `OBX[*]-3[16777215]` makes the delimiters before the place in each segment that it
/// names, so that a short text can become a long one.
pub(super) struct Room<'p> {
    left: usize,
    path: &'p Path,
}

impl<'p> Room<'p> {
    /// As much as a message is long at most when it is read by default.
    const MOST: usize = crate::read::ReadOptions::MAX_BYTES;
    /// What is kept for each place until all are found.
    const PLACE: usize = size_of::<Exchange>();

    pub(super) fn new(path: &'p Path) -> Self {
        Self { left: Self::MOST, path }
    }

    /// Room for so many bytes, before they are written.
    pub(super) fn take(&mut self, bytes: usize) -> Result<(), EditError> {
        let left = self.left.checked_sub(bytes);
        self.left = left.ok_or_else(|| EditError::new(EditErrorKind::TooLong, self.path))?;
        Ok(())
    }

    /// Room for a place, whose text is counted apart.
    pub(super) fn take_place(&mut self) -> Result<(), EditError> {
        self.take(Self::PLACE)
    }
}

impl Message<'_> {
    /// Puts `raw` at every place that `path` names, behind the delimiters that are missing before it.
    pub(super) fn places(&self, path: &Path, raw: &str) -> Result<Vec<Exchange>, EditError> {
        let mut exchanges = Vec::new();
        let mut room = Room::new(path);
        let places = self.fields_at(path)?;
        for place in &places {
            place.fill(raw, &mut exchanges, &mut room)?;
        }
        match (places.is_empty(), exchanges.is_empty()) {
            (true, _) => Err(EditError::new(EditErrorKind::NoSegment, path)),
            (_, true) => Err(EditError::new(EditErrorKind::NoRepetition, path)),
            _ => Ok(exchanges),
        }
    }

    /// The places at `path` that hold something, with what `text` gives for each; `None` leaves a place out.
    pub(super) fn standing(
        &self,
        path: &Path,
        mut text: impl FnMut(Value<'_>) -> Result<Option<String>, EditError>,
    ) -> Result<Vec<Exchange>, EditError> {
        let mut exchanges = Vec::new();
        let mut room = Room::new(path);
        for place in &self.fields_at(path)? {
            for range in place.standing() {
                let value = Value(Piece::new(place.raw(&range), self.delimiters).at(level_of(path)));
                let Some(text) = text(value)? else { continue };
                room.take(text.len())?;
                room.take_place()?;
                exchanges.push(Exchange { segment: place.segment, range, text });
            }
        }
        Ok(exchanges)
    }

    /// The field that `path` names, in each segment that it names.
    pub(super) fn fields_at<'p>(&'p self, path: &'p Path) -> Result<Vec<FieldPlace<'p>>, EditError> {
        let part = part_of(path)?;
        // A later line that calls itself MSH is a broken one; a value in it could turn it into a header.
        let may_change = |&index: &usize| index == 0 || path.segment_id() != "MSH";
        let places = self.segment_indexes(path).filter(may_change);
        Ok(places.map(|segment| self.field_in(segment, path, part)).collect())
    }

    /// Puts `raw` at the place that `path` names within the segment `index`.
    pub(super) fn places_in(&self, index: usize, path: &Path, raw: &str) -> Result<Vec<Exchange>, EditError> {
        let mut exchanges = Vec::new();
        self.field_in(index, path, part_of(path)?).fill(raw, &mut exchanges, &mut Room::new(path))?;
        Ok(exchanges)
    }

    fn field_in<'p>(&'p self, segment: usize, path: &'p Path, part: usize) -> FieldPlace<'p> {
        let span = self.spans.get(segment).copied().unwrap_or(Span { start: 0, end: 0 });
        FieldPlace { text: &self.text, delimiters: self.delimiters, path, segment, span, part }
    }

    /// The indexes of the segments that `path` names.
    pub(super) fn segment_indexes<'s>(&'s self, path: &'s Path) -> impl Iterator<Item = usize> + 's {
        let (skip, take) = match path.occurrence() {
            Occurrence::First => (0, 1),
            Occurrence::Nth(n) => (n as usize - 1, 1),
            Occurrence::All => (0, usize::MAX),
        };
        let separator = self.delimiters.field_byte();
        let named = move |span: &Span| span.has_id(&self.text, path.id(), separator);
        self.spans
            .iter()
            .enumerate()
            .filter(move |(_, span)| named(span))
            .map(|(index, _)| index)
            .skip(skip)
            .take(take)
    }
}

/// Which piece between field separators the path's field is, from 1.
fn part_of(path: &Path) -> Result<usize, EditError> {
    let Some(field) = path.field() else { return Err(EditError::new(EditErrorKind::NoField, path)) };
    let header = matches!(path.segment_id(), "MSH" | "FHS" | "BHS");
    if header && field <= 2 {
        return Err(EditError::new(EditErrorKind::Delimiters, path));
    }
    Ok(usize::from(field) + usize::from(!header))
}

/// The level of what a path names.
fn level_of(path: &Path) -> Level {
    match (path.repetition(), path.component(), path.subcomponent()) {
        (_, _, Some(_)) => Level::Subcomponent,
        (_, Some(_), None) => Level::Component,
        (RepetitionIndex::Unstated, None, None) => Level::Field,
        _ => Level::Repetition,
    }
}

/// The field of one path in one segment.
pub(super) struct FieldPlace<'p> {
    text: &'p str,
    delimiters: Delimiters,
    path: &'p Path,
    pub(super) segment: usize,
    span: Span,
    /// Which piece between field separators it is, from 1.
    part: usize,
}

/// A range of the text, and the delimiters that are missing before it.
pub(super) struct Gap {
    pub(super) range: Range<usize>,
    pub(super) pad: String,
}

impl<'p> FieldPlace<'p> {
    /// The field, or the end of the segment with the separators that are missing.
    pub(super) fn field(&self, room: &mut Room<'_>) -> Result<Gap, EditError> {
        let mut gap = Gap { range: self.segment_range(), pad: String::new() };
        self.narrow(&mut gap, self.delimiters.field_byte(), self.part, room)?;
        Ok(gap)
    }

    /// The repetitions of the field as they stand, none for an empty one; and whether `path` names each.
    pub(super) fn repetitions<'s>(
        &'s self,
        field: &Range<usize>,
    ) -> impl Iterator<Item = (&'p str, bool)> + use<'s, 'p> {
        let separates = self.delimiters.repetition_byte();
        let most = if field.is_empty() { 0 } else { usize::MAX };
        let named = |number: usize, raw: &str| match self.path.repetition() {
            RepetitionIndex::Unstated => number == 1,
            RepetitionIndex::Nth(n) => number == n as usize,
            RepetitionIndex::All => true,
            RepetitionIndex::Where(_) => self.wanted(raw),
        };
        let ranges = ranges(self.text, field.clone(), separates).take(most).zip(1..);
        ranges.map(move |(range, number)| {
            let raw = self.raw(&range);
            (raw, named(number, raw))
        })
    }

    /// The separator of repetitions, an error where there is none.
    pub(super) fn repetition_separator(&self) -> Result<char, EditError> {
        let missing = || EditError::new(EditErrorKind::NoDelimiter, self.path);
        self.delimiters.repetition().ok_or_else(missing)
    }

    /// The place of the `n`-th repetition in a field, from 1, or the end of the field with the separators that are missing before it.
    pub(super) fn nth_repetition(
        &self,
        field: &mut Gap,
        n: usize,
        room: &mut Room<'_>,
    ) -> Result<(), EditError> {
        self.narrow(field, self.delimiters.repetition_byte(), n, room)
    }

    /// The ranges to exchange, and the text for each.
    fn fill(&self, raw: &str, out: &mut Vec<Exchange>, room: &mut Room<'_>) -> Result<(), EditError> {
        let mut field = self.field(room)?;
        let mut push = |(range, text): (Range<usize>, String), room: &mut Room<'_>| {
            room.take_place()?;
            out.push(Exchange { segment: self.segment, range, text });
            Ok(())
        };
        let n = match self.path.repetition() {
            RepetitionIndex::Unstated if self.path.component().is_none() => None,
            RepetitionIndex::Unstated => Some(1),
            RepetitionIndex::Nth(n) => Some(n as usize),
            RepetitionIndex::All | RepetitionIndex::Where(_) => {
                for range in self.wanted_ranges(field.range) {
                    push(self.leaf(Gap { range, pad: field.pad.clone() }, raw, room)?, room)?;
                }
                return Ok(());
            }
        };
        if let Some(n) = n {
            self.nth_repetition(&mut field, n, room)?;
        }
        push(self.leaf(field, raw, room)?, room)
    }

    /// The ranges that the path names and that hold something.
    fn standing(&self) -> impl Iterator<Item = Range<usize>> {
        let field = self.nth(self.segment_range(), self.delimiters.field_byte(), self.part);
        let (whole, skip, take) = match self.path.repetition() {
            RepetitionIndex::Unstated if self.path.component().is_none() => (field.clone(), 0, 0),
            RepetitionIndex::Unstated => (None, 0, 1),
            RepetitionIndex::Nth(n) => (None, n as usize - 1, 1),
            RepetitionIndex::All | RepetitionIndex::Where(_) => (None, 0, usize::MAX),
        };
        let levels = self.inner_levels().into_iter().flatten();
        let inner = move |repetition| {
            levels.clone().try_fold(repetition, |range, (separator, n)| self.nth(range, separator, n))
        };
        let repetitions =
            field.into_iter().flat_map(move |field| self.wanted_ranges(field).skip(skip).take(take));
        whole.into_iter().chain(repetitions).filter_map(inner).filter(|range| !range.is_empty())
    }

    /// `raw` at the component and subcomponent of the path, within a repetition.
    pub(super) fn leaf(
        &self,
        repetition: Gap,
        raw: &str,
        room: &mut Room<'_>,
    ) -> Result<(Range<usize>, String), EditError> {
        let mut gap = repetition;
        for (separator, n) in self.inner_levels().into_iter().flatten() {
            self.narrow(&mut gap, separator, n, room)?;
        }
        room.take(raw.len())?;
        gap.pad.push_str(raw);
        Ok((gap.range, gap.pad))
    }

    /// The separator and the number of the path's component and subcomponent.
    fn inner_levels(&self) -> [Option<(u8, usize)>; 2] {
        let d = &self.delimiters;
        [
            self.path.component().map(|n| (d.component_byte(), usize::from(n))),
            self.path.subcomponent().map(|n| (d.subcomponent_byte(), usize::from(n))),
        ]
    }

    /// Narrows `gap` to its `n`-th part, from 1. Where there are fewer, to the empty range at its end, and `pad` gains what is missing.
    fn narrow(&self, gap: &mut Gap, separator: u8, n: usize, room: &mut Room<'_>) -> Result<(), EditError> {
        if let Some(range) = self.nth(gap.range.clone(), separator, n) {
            gap.range = range;
            return Ok(());
        }
        if !separator.is_ascii() {
            return Err(EditError::new(EditErrorKind::NoDelimiter, self.path));
        }
        let bytes = self.raw(&gap.range).bytes();
        let missing = n - 1 - bytes.filter(|&b| b == separator).count();
        room.take(missing)?;
        gap.pad.push_str(&char::from(separator).to_string().repeat(missing));
        gap.range.start = gap.range.end;
        Ok(())
    }

    /// The `n`-th part of a range, from 1.
    fn nth(&self, within: Range<usize>, separator: u8, n: usize) -> Option<Range<usize>> {
        let bytes = self.raw(&within).as_bytes();
        let start = scan::behind_nth(bytes, separator, n - 1)?;
        let rest = bytes.get(start..)?;
        let length = scan::first(rest, separator).unwrap_or(rest.len());
        let start = within.start + start;
        Some(start..start + length)
    }

    /// The repetitions that the path's filter matches; all without one.
    fn wanted_ranges(&self, field: Range<usize>) -> impl Iterator<Item = Range<usize>> {
        let ranges = ranges(self.text, field, self.delimiters.repetition_byte());
        ranges.filter(|range| self.wanted(self.raw(range)))
    }

    fn wanted(&self, repetition: &str) -> bool {
        let RepetitionIndex::Where(filter) = self.path.repetition() else { return true };
        message::matches(Repetition(Piece::new(repetition, self.delimiters)), &filter)
    }

    fn segment_range(&self) -> Range<usize> {
        self.span.start as usize..self.span.end as usize
    }

    fn raw(&self, range: &Range<usize>) -> &'p str {
        self.text.get(range.clone()).unwrap_or_default()
    }
}

/// The parts of a range between separators.
fn ranges(text: &str, within: Range<usize>, separator: u8) -> impl Iterator<Item = Range<usize>> {
    let bytes = text.as_bytes().get(within.clone()).unwrap_or_default();
    let mut start = within.start;
    memchr::memchr_iter(separator, bytes)
        .chain([bytes.len()])
        .map(move |end| std::mem::replace(&mut start, within.start + end + 1)..within.start + end)
}
