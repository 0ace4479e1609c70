//! Finding the places that a path names, to change them.

use std::ops::Range;

use super::splice::Exchange;
use crate::delimiters::Delimiters;
use crate::error::{EditError, EditErrorKind};
use crate::message::{self, Message, Span};
use crate::path::{Occurrence, Path, RepetitionIndex};
use crate::piece::{Piece, Repetition};
use crate::scan;

/// The most that one edit writes: as much as a message is long at most when it is read by default. Paths such as `PID-3[16777215]` make
/// the delimiters before the place, in each segment that they name.
const MOST_ADDED: usize = crate::read::ReadOptions::MAX_BYTES;

impl Message<'_> {
    /// Puts `raw` at every place that `path` names, behind the delimiters that are missing before it.
    pub(super) fn places(&self, path: &Path, raw: &str) -> Result<Vec<Exchange>, EditError> {
        let mut exchanges = Vec::new();
        let (mut segments, mut added) = (0, 0_usize);
        for place in self.fields_at(path)? {
            segments += 1;
            for (range, text) in place.leaves(raw)? {
                added = added.saturating_add(text.len());
                if added > MOST_ADDED {
                    return Err(EditError::new(EditErrorKind::TooLong, path));
                }
                exchanges.push(Exchange { segment: place.segment, range, text });
            }
        }
        match (segments, exchanges.len()) {
            (0, _) => Err(EditError::new(EditErrorKind::NoSegment, path)),
            (_, 0) => Err(EditError::new(EditErrorKind::NoRepetition, path)),
            _ => Ok(exchanges),
        }
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
        let place = self.field_in(index, path, part_of(path)?);
        let leaves = place.leaves(raw)?.into_iter();
        Ok(leaves.map(|(range, text)| Exchange { segment: index, range, text }).collect())
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
    pub(super) fn field(&self) -> Result<Gap, EditError> {
        let mut gap = Gap { range: self.span.start as usize..self.span.end as usize, pad: String::new() };
        self.narrow(&mut gap, self.delimiters.field_byte(), self.part)?;
        Ok(gap)
    }

    /// The repetitions of the field as they stand, none for an empty one; and whether `path` names each.
    pub(super) fn repetitions(&self, field: &Range<usize>) -> Vec<(&'p str, bool)> {
        let ranges = if field.is_empty() { Vec::new() } else { self.repetition_ranges(field) };
        let named = |number: usize, range: &Range<usize>| match self.path.repetition() {
            RepetitionIndex::Unstated => number == 1,
            RepetitionIndex::Nth(n) => number == n as usize,
            RepetitionIndex::All => true,
            RepetitionIndex::Where(_) => self.wanted(range),
        };
        let numbered = ranges.into_iter().zip(1..);
        numbered.map(|(range, number)| (self.raw(&range), named(number, &range))).collect()
    }

    /// Repetitions with what separates them.
    pub(super) fn joined(&self, repetitions: &[&str]) -> Result<String, EditError> {
        match self.delimiters.repetition() {
            Some(separator) => Ok(repetitions.join(separator.encode_utf8(&mut [0; 4]))),
            None if repetitions.len() > 1 => Err(EditError::new(EditErrorKind::NoDelimiter, self.path)),
            None => Ok(repetitions.concat()),
        }
    }

    /// The ranges to exchange, and the text for each.
    fn leaves(&self, raw: &str) -> Result<Vec<(Range<usize>, String)>, EditError> {
        let mut field = self.field()?;
        let repetition = self.delimiters.repetition_byte();
        let ranges = match self.path.repetition() {
            RepetitionIndex::Unstated if self.path.component().is_none() => vec![field.range],
            RepetitionIndex::Unstated => {
                self.narrow(&mut field, repetition, 1)?;
                vec![field.range]
            }
            RepetitionIndex::Nth(n) => {
                self.narrow(&mut field, repetition, n as usize)?;
                vec![field.range]
            }
            RepetitionIndex::All | RepetitionIndex::Where(_) => {
                let ranges = self.repetition_ranges(&field.range).into_iter();
                ranges.filter(|range| self.wanted(range)).collect()
            }
        };
        let pad = field.pad;
        ranges.into_iter().map(|range| self.leaf(Gap { range, pad: pad.clone() }, raw)).collect()
    }

    /// `raw` at the component and subcomponent of the path, within a repetition.
    pub(super) fn leaf(&self, repetition: Gap, raw: &str) -> Result<(Range<usize>, String), EditError> {
        let mut gap = repetition;
        let levels = [
            (self.path.component(), self.delimiters.component_byte()),
            (self.path.subcomponent(), self.delimiters.subcomponent_byte()),
        ];
        for (n, separator) in levels {
            let Some(n) = n else { break };
            self.narrow(&mut gap, separator, usize::from(n))?;
        }
        gap.pad.push_str(raw);
        Ok((gap.range, gap.pad))
    }

    /// Narrows `gap` to its `n`-th part, from 1. Where there are fewer, to the empty range at its end, and `pad` gains what is missing.
    fn narrow(&self, gap: &mut Gap, separator: u8, n: usize) -> Result<(), EditError> {
        let bytes = self.text.as_bytes().get(gap.range.clone()).unwrap_or_default();
        if let Some(start) = scan::behind_nth(bytes, separator, n - 1) {
            let rest = bytes.get(start..).unwrap_or_default();
            let length = scan::first(rest, separator).unwrap_or(rest.len());
            let start = gap.range.start + start;
            gap.range = start..start + length;
            return Ok(());
        }
        if !separator.is_ascii() {
            return Err(EditError::new(EditErrorKind::NoDelimiter, self.path));
        }
        let present = bytes.iter().filter(|&&b| b == separator).count();
        gap.pad.extend(std::iter::repeat_n(char::from(separator), n - 1 - present));
        gap.range.start = gap.range.end;
        Ok(())
    }

    fn repetition_ranges(&self, field: &Range<usize>) -> Vec<Range<usize>> {
        let bytes = self.text.as_bytes().get(field.clone()).unwrap_or_default();
        let mut start = field.start;
        memchr::memchr_iter(self.delimiters.repetition_byte(), bytes)
            .chain([bytes.len()])
            .map(|end| std::mem::replace(&mut start, field.start + end + 1)..field.start + end)
            .collect()
    }

    fn wanted(&self, range: &Range<usize>) -> bool {
        let RepetitionIndex::Where(filter) = self.path.repetition() else { return true };
        message::matches(Repetition(Piece::new(self.raw(range), self.delimiters)), &filter)
    }

    fn raw(&self, range: &Range<usize>) -> &'p str {
        self.text.get(range.clone()).unwrap_or_default()
    }
}
