//! Editing in place: a value is exchanged, every other byte stays.

use std::ops::Range;

use crate::delimiters::Delimiters;
use crate::error::{EditError, EditErrorKind};
use crate::escape;
use crate::message::{self, Message, Span};
use crate::path::{Occurrence, Path, RepetitionIndex};
use crate::piece::{Piece, Repetition};
use crate::scan;

/// A range of the text and what comes into its place.
struct Exchange {
    segment: usize,
    range: Range<usize>,
    text: String,
}

impl Message<'_> {
    /// Sets the value at `path`, escaping it. Missing fields, repetitions, components and subcomponents before it are made; a
    /// path without a component replaces the whole field (with `[n]`, that repetition). `[*]` sets every repetition or segment there is.
    ///
    /// # Errors
    /// When the path names no field, the message has no such segment, no repetition matches the filter, the place is MSH-1 or MSH-2,
    /// or MSH-2 lacks a delimiter that this needs. The message is then as it was.
    ///
    /// ```
    /// # use hl7_core::{path, Message};
    /// let mut msg = Message::parse("MSH|^~\\&|A\rPID|1\r")?;
    /// msg.set(path!("PID-5.2"), "Ann & Co")?;
    /// assert_eq!(msg.as_er7(), "MSH|^~\\&|A\rPID|1||||^Ann \\T\\ Co\r");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn set(&mut self, path: &Path, text: &str) -> Result<(), EditError> {
        if self.delimiters.escape().is_none() && escape::needs_escape(text, &self.delimiters) {
            return Err(EditError::new(EditErrorKind::NoDelimiter, path));
        }
        let delimiters = self.delimiters;
        self.put(path, &escape::escape(text, &delimiters))
    }

    /// Sets HL7's null, `""`, which tells the receiver to delete the value.
    ///
    /// # Errors
    /// As [`Message::set`].
    pub fn set_null(&mut self, path: &Path) -> Result<(), EditError> {
        self.put(path, "\"\"")
    }

    /// Sets `raw`, which is escaped already.
    fn put(&mut self, path: &Path, raw: &str) -> Result<(), EditError> {
        let exchanges = self.exchanges(path, raw)?;
        let grown: usize = exchanges.iter().map(|e| e.text.len()).sum();
        if self.text.len().saturating_add(grown) > u32::MAX as usize {
            return Err(EditError::new(EditErrorKind::TooLong, path));
        }
        let undo = (path.segment_id() == "MSH" && path.field() == Some(18)).then(|| self.clone_for_undo());
        for exchange in exchanges.iter().rev() {
            self.apply(exchange);
        }
        match undo {
            Some(before) => self.adopt_charset(before, path),
            None => Ok(()),
        }
    }

    fn exchanges(&self, path: &Path, raw: &str) -> Result<Vec<Exchange>, EditError> {
        let fault = |kind| Err(EditError::new(kind, path));
        let Some(field) = path.field() else { return fault(EditErrorKind::NoField) };
        let header = matches!(path.segment_id(), "MSH" | "FHS" | "BHS");
        if header && field <= 2 {
            return fault(EditErrorKind::Delimiters);
        }
        let field = usize::from(field) + usize::from(!header);
        let mut exchanges = Vec::new();
        let mut segments = 0;
        // A later line that calls itself MSH is a broken one; a value in it could turn it into a header.
        for segment in self.segment_indexes(path).filter(|&index| index == 0 || path.segment_id() != "MSH") {
            let Some(&span) = self.spans.get(segment) else { continue };
            segments += 1;
            let editor = SegmentEdit { text: &self.text, delimiters: self.delimiters, path };
            for (range, text) in editor.places(span, field, raw)? {
                exchanges.push(Exchange { segment, range, text });
            }
        }
        match (segments, exchanges.len()) {
            (0, _) => fault(EditErrorKind::NoSegment),
            (_, 0) => fault(EditErrorKind::NoRepetition),
            _ => Ok(exchanges),
        }
    }

    /// The indexes of the segments that `path` names.
    fn segment_indexes<'s>(&'s self, path: &'s Path) -> impl Iterator<Item = usize> + 's {
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

    fn apply(&mut self, exchange: &Exchange) {
        let removed = exchange.range.len();
        let added = exchange.text.len();
        self.text.to_mut().replace_range(exchange.range.clone(), &exchange.text);
        let moved = |at: u32| (at as usize + added - removed) as u32;
        for (index, span) in self.spans.iter_mut().enumerate().skip(exchange.segment) {
            if index > exchange.segment {
                span.start = moved(span.start);
            }
            span.end = moved(span.end);
        }
        if let Some(origin) = &mut self.origin
            && let Some(span) = origin.spans.get_mut(exchange.segment)
        {
            *span = None;
        }
    }

    fn clone_for_undo(&self) -> Message<'static> {
        self.clone().into_owned()
    }

    /// After MSH-18 changed: the whole message is from now on written in the set it names.
    fn adopt_charset(&mut self, before: Message<'static>, path: &Path) -> Result<(), EditError> {
        match self.charset_of_header() {
            Ok(stated) => {
                self.read_in = stated;
                self.origin = None;
                Ok(())
            }
            Err(why) => {
                *self = before;
                Err(EditError::new(EditErrorKind::Charset(why), path))
            }
        }
    }
}

/// Finds the places of one path in one segment.
struct SegmentEdit<'e> {
    text: &'e str,
    delimiters: Delimiters,
    path: &'e Path,
}

impl SegmentEdit<'_> {
    /// The ranges to exchange, and the text for each: `raw` behind the delimiters that are missing before it.
    fn places(&self, span: Span, field: usize, raw: &str) -> Result<Vec<(Range<usize>, String)>, EditError> {
        let mut pad = String::new();
        let whole = span.start as usize..span.end as usize;
        let field = self.part(whole, self.delimiters.field_byte(), field, &mut pad)?;
        let repetitions = match self.path.repetition() {
            RepetitionIndex::Unstated if self.path.component().is_none() => vec![field],
            RepetitionIndex::Unstated => vec![self.repetition(field, 1, &mut pad)?],
            RepetitionIndex::Nth(n) => vec![self.repetition(field, n as usize, &mut pad)?],
            RepetitionIndex::All | RepetitionIndex::Where(_) => self.repetitions(field),
        };
        repetitions.into_iter().map(|repetition| self.leaf(repetition, pad.clone(), raw)).collect()
    }

    fn leaf(
        &self,
        range: Range<usize>,
        mut pad: String,
        raw: &str,
    ) -> Result<(Range<usize>, String), EditError> {
        let mut range = range;
        let levels = [
            (self.path.component(), self.delimiters.component_byte()),
            (self.path.subcomponent(), self.delimiters.subcomponent_byte()),
        ];
        for (n, separator) in levels {
            let Some(n) = n else { break };
            range = self.part(range, separator, usize::from(n), &mut pad)?;
        }
        pad.push_str(raw);
        Ok((range, pad))
    }

    fn repetition(&self, field: Range<usize>, n: usize, pad: &mut String) -> Result<Range<usize>, EditError> {
        self.part(field, self.delimiters.repetition_byte(), n, pad)
    }

    /// The `n`-th part of `range`, from 1. Where there are fewer, the empty range at the end, and `pad` gains what is missing.
    fn part(
        &self,
        range: Range<usize>,
        separator: u8,
        n: usize,
        pad: &mut String,
    ) -> Result<Range<usize>, EditError> {
        let bytes = self.text.as_bytes().get(range.clone()).unwrap_or_default();
        if let Some(start) = scan::behind_nth(bytes, separator, n - 1) {
            let rest = bytes.get(start..).unwrap_or_default();
            let length = scan::first(rest, separator).unwrap_or(rest.len());
            let start = range.start + start;
            return Ok(start..start + length);
        }
        if !separator.is_ascii() {
            return Err(EditError::new(EditErrorKind::NoDelimiter, self.path));
        }
        let present = bytes.iter().filter(|&&b| b == separator).count();
        pad.extend(std::iter::repeat_n(char::from(separator), n - 1 - present));
        Ok(range.end..range.end)
    }

    /// All repetitions of a field that `[*]` or the filter names.
    fn repetitions(&self, field: Range<usize>) -> Vec<Range<usize>> {
        let bytes = self.text.as_bytes().get(field.clone()).unwrap_or_default();
        let mut found = Vec::new();
        let mut start = field.start;
        for end in memchr::memchr_iter(self.delimiters.repetition_byte(), bytes).chain([bytes.len()]) {
            let range = start..field.start + end;
            start = range.end + 1;
            if self.wanted(&range) {
                found.push(range);
            }
        }
        found
    }

    fn wanted(&self, range: &Range<usize>) -> bool {
        let RepetitionIndex::Where(filter) = self.path.repetition() else { return true };
        let raw = self.text.get(range.clone()).unwrap_or_default();
        message::matches(Repetition(Piece::new(raw, self.delimiters)), &filter)
    }
}
