//! Where every field of a message stands, for those who read many of them.

use std::fmt;

use crate::delimiters::Delimiters;
use crate::message::{self, Message, Span};
use crate::path::{Occurrence, Path, RepetitionIndex};
use crate::piece::{Field, Piece, Value};
use crate::scan;
use crate::segment::Segment;

/// The places of the fields of one message, found in one pass. It reads the same as the message does.
///
/// [`Message::get`] looks for the segment and counts separators each time, which is all that a few values need. An index costs one pass over
/// the text and three allocations; then it finds a field without looking at any other, and the `n`-th segment of an ID without counting. It
/// is worth its cost from about twenty values of a message on, and much more where many segments of one ID are read by path (`OBX[n]`).
///
/// It takes four bytes a field and twelve a segment. At most [`Index::MAX_FIELDS`] fields are kept; segments behind those are read as the
/// message reads them.
///
/// ```
/// # use hl7_core::{path, Message};
/// let msg = Message::parse("MSH|^~\\&|A\rPID|||7^^^H^MR~8^^^H^PI||Doe^Ann\r")?;
/// let index = msg.index();
/// assert_eq!(index.get(path!("PID-5.2")).unwrap().text(), "Ann");
/// assert_eq!(index.get_all(path!("PID-3[*].1")).count(), 2);
/// # Ok::<(), hl7_core::ParseError>(())
/// ```
#[derive(Clone)]
pub struct Index<'m> {
    text: &'m str,
    delimiters: Delimiters,
    spans: &'m [Span],
    /// The segments by ID and then by place: the ID in the upper half, the number of the segment in the lower.
    by_id: Vec<u64>,
    /// Where the separators of a segment start in `separators`, for each segment and behind the last.
    firsts: Vec<u32>,
    /// Where the field separators stand in the text.
    separators: Vec<u32>,
}

/// No path names a field behind so many separators.
const MOST_OF_SEGMENT: usize = 10_000;

impl Message<'_> {
    /// Finds all fields, for reading many of them.
    pub fn index(&self) -> Index<'_> {
        Index::new(self)
    }
}

impl<'m> Index<'m> {
    /// The most fields that are kept: 4 MiB of places.
    pub const MAX_FIELDS: usize = 1024 * 1024;

    fn new(message: &'m Message<'_>) -> Self {
        let mut index = Self {
            text: &message.text,
            delimiters: message.delimiters,
            spans: &message.spans,
            by_id: Vec::with_capacity(message.spans.len()),
            firsts: Vec::with_capacity(message.spans.len() + 1),
            separators: Vec::with_capacity(expected_fields(message.text.len())),
        };
        for (number, &span) in message.spans.iter().enumerate() {
            index.add(number, span);
        }
        index.by_id.sort_unstable();
        index.firsts.push(index.separators.len() as u32);
        index
    }

    fn add(&mut self, number: usize, span: Span) {
        let separator = self.delimiters.field_byte();
        let bytes = span.of(self.text).as_bytes();
        if let Some(&[a, b, c]) = bytes.get(..3)
            && bytes.get(3).is_none_or(|&next| next == separator)
        {
            self.by_id.push(key([a, b, c]) | number as u64);
        }
        if self.separators.len() + MOST_OF_SEGMENT <= Self::MAX_FIELDS {
            self.firsts.push(self.separators.len() as u32);
            scan::places(bytes, separator, span.start, MOST_OF_SEGMENT, &mut self.separators);
        }
    }

    /// What [`Message::get`] gives.
    pub fn get(&self, path: &Path) -> Option<Value<'m>> {
        let (Occurrence::First | Occurrence::Nth(_), RepetitionIndex::Unstated) =
            (path.occurrence(), path.repetition())
        else {
            return self.get_all(path).next();
        };
        let field = self.field(self.segments(path).next()?, path)?;
        match path.component() {
            None => Some(field.value()),
            Some(component) => message::in_component(field.near_component(usize::from(component))?, path),
        }
    }

    /// What [`Message::get_all`] gives.
    pub fn get_all<'s>(&'s self, path: &Path) -> impl Iterator<Item = Value<'m>> + use<'s, 'm> {
        let path = *path;
        self.segments(&path)
            .filter_map(move |number| self.field(number, &path))
            .flat_map(move |field| message::in_field(field, path))
    }

    /// The numbers of the segments that `path` names.
    fn segments<'s>(&'s self, path: &Path) -> impl Iterator<Item = usize> + use<'s, 'm> {
        let (skip, take) = match path.occurrence() {
            Occurrence::First => (0, 1),
            Occurrence::Nth(n) => (n as usize - 1, 1),
            Occurrence::All => (0, usize::MAX),
        };
        let id = key(path.id());
        let start = self.by_id.partition_point(|&entry| entry < id);
        let same = self.by_id.get(start.saturating_add(skip)..).unwrap_or_default().iter();
        same.take(take)
            .take_while(move |&&entry| entry ^ id <= u64::from(u32::MAX))
            .map(|&entry| entry as u32 as usize)
    }

    fn field(&self, number: usize, path: &Path) -> Option<Field<'m>> {
        let n = usize::from(path.field()?);
        let span = *self.spans.get(number)?;
        let header = matches!(&path.id(), b"MSH" | b"FHS" | b"BHS");
        let (Some(&first), Some(&end), false) =
            (self.firsts.get(number), self.firsts.get(number + 1), header && n <= 2)
        else {
            return Segment::new(span.of(self.text), self.delimiters).field(n);
        };
        let separators = self.separators.get(first as usize..end as usize)?;
        // MSH-1 is the separator itself, so that MSH-3 stands behind the second one.
        let before = n - 1 - usize::from(header);
        let start = *separators.get(before)? as usize + 1;
        let end = separators.get(before + 1).map_or(span.end, |&next| next) as usize;
        self.text.get(start..end).map(|raw| Field(Piece::new(raw, self.delimiters)))
    }
}

/// An ID as the upper half of a number.
fn key([a, b, c]: [u8; 3]) -> u64 {
    u64::from(u32::from_be_bytes([0, a, b, c])) << 32
}

/// How many fields to make room for, so that the list is allocated once for most messages.
fn expected_fields(length: usize) -> usize {
    const USUAL: usize = 4;
    const MOST: usize = 4 * 1024;
    (length / USUAL).min(MOST)
}

impl fmt::Debug for Index<'_> {
    /// Shows sizes only: the content may be a patient's.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Index({} segments, {} separators)", self.spans.len(), self.separators.len())
    }
}
