//! A message: its text and where its segments stand in it.

use std::borrow::Cow;
use std::fmt;

use crate::charset::Charset;
use crate::delimiters::Delimiters;
use crate::header::Header;
use crate::path::{Occurrence, Path, RepetitionFilter, RepetitionIndex};
use crate::piece::{Component, Field, Repetition, Value};
use crate::segment::Segment;

/// An HL7 v2 message. It borrows the text it was parsed from until [`Message::into_owned`] or the first edit.
///
/// Parsing finds the segments only; a field is found when it is read. Every line is kept, also one that is no
/// well-formed segment, and unedited text is written back byte for byte.
#[derive(Clone)]
pub struct Message<'a> {
    pub(crate) text: Cow<'a, str>,
    pub(crate) spans: Vec<Span>,
    pub(crate) delimiters: Delimiters,
    /// The character set the bytes were read in; `None` when the message was made from text.
    pub(crate) read_in: Option<Charset>,
    /// The bytes the text was decoded from, where they differ from it.
    pub(crate) origin: Option<Box<Origin<'a>>>,
}

/// Where a segment stands, in bytes, without its line end. A message is shorter than 4 GiB.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: u32,
    pub(crate) end: u32,
}

/// The bytes a message was decoded from. Decoding cannot always be undone, so untouched segments are written from these.
#[derive(Clone)]
pub(crate) struct Origin<'a> {
    pub(crate) bytes: Cow<'a, [u8]>,
    /// For each segment its place in `bytes`, `None` when it was edited since.
    pub(crate) spans: Vec<Option<Span>>,
    /// Whether nothing was edited, so that `bytes` are the message.
    pub(crate) whole: bool,
    /// Whether bytes that could not be decoded were replaced.
    pub(crate) replaced: bool,
}

impl Origin<'_> {
    /// These segments no longer are as they were read.
    pub(crate) fn forget(&mut self, segments: impl Iterator<Item = usize>) {
        self.whole = false;
        for index in segments {
            if let Some(span) = self.spans.get_mut(index) {
                *span = None;
            }
        }
    }

    /// The segments are in other places now.
    pub(crate) fn rearrange(&mut self, change: impl FnOnce(&mut Vec<Option<Span>>)) {
        self.whole = false;
        change(&mut self.spans);
    }
}

impl Span {
    pub(crate) fn of(self, text: &str) -> &str {
        text.get(self.start as usize..self.end as usize).unwrap_or_default()
    }

    /// Whether the segment's ID is `id`: the three bytes, and behind them the separator or the end.
    pub(crate) fn has_id(self, text: &str, id: [u8; 3], separator: u8) -> bool {
        match text.as_bytes().get(self.start as usize..self.end as usize) {
            Some([a, b, c, rest @ ..]) => {
                [*a, *b, *c] == id && rest.first().is_none_or(|&next| next == separator)
            }
            _ => false,
        }
    }
}

impl<'a> Message<'a> {
    /// The same message, owning its text.
    pub fn into_owned(self) -> Message<'static> {
        Message {
            text: Cow::Owned(self.text.into_owned()),
            spans: self.spans,
            delimiters: self.delimiters,
            read_in: self.read_in,
            origin: self.origin.map(|origin| {
                Box::new(Origin {
                    bytes: Cow::Owned(origin.bytes.into_owned()),
                    spans: origin.spans,
                    whole: origin.whole,
                    replaced: origin.replaced,
                })
            }),
        }
    }

    /// The delimiters of MSH-1 and MSH-2.
    pub fn delimiters(&self) -> Delimiters {
        self.delimiters
    }

    /// MSH by the names of its fields.
    pub fn header(&self) -> Header<'_> {
        Header::new(self.segment_at(0))
    }

    /// The segments, in order, broken lines included.
    pub fn iter(&self) -> Segments<'_> {
        self.into_iter()
    }

    /// The segments with this ID, in order.
    pub fn segments<'s>(&'s self, id: &'s str) -> impl Iterator<Item = Segment<'s>> + Clone {
        self.iter().filter(move |segment| segment.id() == id)
    }

    /// What stands at `path`, or `None` when the message ends before it. A path that names several places gives the first
    /// that is there.
    ///
    /// ```
    /// # use hl7_core::{path, Message};
    /// let msg = Message::parse("MSH|^~\\&|A\rPID|||7^^^H^MR~8^^^H^PI||Doe^\"\"\r")?;
    /// assert_eq!(msg.get(path!("PID-3[5=PI].1")).unwrap().text(), "8");
    /// assert!(msg.get(path!("PID-5.2")).unwrap().is_null());
    /// assert!(msg.get(path!("PID-4")).unwrap().is_empty());
    /// assert!(msg.get(path!("PID-6")).is_none());
    /// # Ok::<(), hl7_core::ParseError>(())
    /// ```
    pub fn get(&self, path: &Path) -> Option<Value<'_>> {
        match (path.occurrence(), path.repetition()) {
            (Occurrence::First, RepetitionIndex::Unstated) => self.first_value(path),
            _ => self.get_all(path).next(),
        }
    }

    /// Everything that stands at `path`, in order: more than one value where it says `[*]` or a filter matches more than once.
    pub fn get_all<'s>(&'s self, path: &Path) -> impl Iterator<Item = Value<'s>> + use<'s, 'a> {
        let path = *path;
        let (skip, take) = match path.occurrence() {
            Occurrence::First => (0, 1),
            Occurrence::Nth(n) => (n as usize - 1, 1),
            Occurrence::All => (0, usize::MAX),
        };
        self.spans
            .iter()
            .filter(move |span| span.has_id(&self.text, path.id(), self.delimiters.field_byte()))
            .map(|span| Segment::new(span.of(&self.text), self.delimiters))
            .skip(skip)
            .take(take)
            .filter_map(move |segment| segment.field(usize::from(path.field()?)))
            .flat_map(move |field| in_field(field, path))
    }

    fn first_value(&self, path: &Path) -> Option<Value<'_>> {
        let separator = self.delimiters.field_byte();
        let span = self.spans.iter().find(|span| span.has_id(&self.text, path.id(), separator))?;
        let segment = Segment::new(span.of(&self.text), self.delimiters);
        let field = usize::from(path.field()?);
        match path.component() {
            None => segment.field(field).map(|field| field.value()),
            Some(component) => in_component(segment.component(field, usize::from(component))?, path),
        }
    }

    /// The text as read, with the edits made since.
    pub fn as_er7(&self) -> &str {
        &self.text
    }

    /// A message of lines that end in CR, the first of them a header with these delimiters.
    pub(crate) fn of_lines(
        text: String,
        delimiters: Delimiters,
        read_in: Option<Charset>,
    ) -> Message<'static> {
        let mut start = 0;
        let ends = memchr::memchr_iter(b'\r', text.as_bytes());
        let spans = ends
            .map(|end| Span { start: std::mem::replace(&mut start, end as u32 + 1), end: end as u32 })
            .collect();
        Message { text: Cow::Owned(text), spans, delimiters, read_in, origin: None }
    }

    pub(crate) fn segment_at(&self, index: usize) -> Segment<'_> {
        Segment::new(self.spans.get(index).map_or("", |span| span.of(&self.text)), self.delimiters)
    }
}

/// The values that `path` names in `field`.
pub(crate) fn in_field(field: Field<'_>, path: Path) -> impl Iterator<Item = Value<'_>> {
    let (skip, take, filter) = match path.repetition() {
        RepetitionIndex::Unstated if path.component().is_none() => (0, 0, None),
        RepetitionIndex::Unstated => (0, 1, None),
        RepetitionIndex::Nth(n) => (n as usize - 1, 1, None),
        RepetitionIndex::All => (0, usize::MAX, None),
        RepetitionIndex::Where(filter) => (0, usize::MAX, Some(filter)),
    };
    let whole = (take == 0).then(|| field.value());
    let repetitions = field
        .repetitions()
        .skip(skip)
        .take(take)
        .filter(move |&repetition| filter.is_none_or(|filter| matches(repetition, &filter)))
        .filter_map(move |repetition| in_repetition(repetition, &path));
    whole.into_iter().chain(repetitions)
}

pub(crate) fn in_repetition<'m>(repetition: Repetition<'m>, path: &Path) -> Option<Value<'m>> {
    let Some(component) = path.component() else { return Some(repetition.value()) };
    in_component(repetition.component(usize::from(component))?, path)
}

pub(crate) fn in_component<'m>(component: Component<'m>, path: &Path) -> Option<Value<'m>> {
    match path.subcomponent() {
        None => Some(component.value()),
        Some(subcomponent) => component.subcomponent(usize::from(subcomponent)).map(|s| s.value()),
    }
}

/// Whether a repetition is one that `filter` asks for.
pub(crate) fn matches(repetition: Repetition<'_>, filter: &RepetitionFilter) -> bool {
    let Some(component) = repetition.component(usize::from(filter.component())) else { return false };
    let text = match filter.subcomponent() {
        None => component.text(),
        Some(n) => match component.subcomponent(usize::from(n)) {
            Some(subcomponent) => subcomponent.text(),
            None => return false,
        },
    };
    text == filter.text()
}

impl<'m> IntoIterator for &'m Message<'_> {
    type Item = Segment<'m>;
    type IntoIter = Segments<'m>;

    /// As [`Message::iter`].
    fn into_iter(self) -> Segments<'m> {
        Segments { text: &self.text, spans: self.spans.iter(), delimiters: self.delimiters }
    }
}

/// The segments of a message, in order.
#[derive(Clone)]
pub struct Segments<'m> {
    text: &'m str,
    spans: std::slice::Iter<'m, Span>,
    delimiters: Delimiters,
}

impl<'m> Iterator for Segments<'m> {
    type Item = Segment<'m>;

    fn next(&mut self) -> Option<Segment<'m>> {
        self.spans.next().map(|span| Segment::new(span.of(self.text), self.delimiters))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.spans.size_hint()
    }
}

impl DoubleEndedIterator for Segments<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.spans.next_back().map(|span| Segment::new(span.of(self.text), self.delimiters))
    }
}

impl ExactSizeIterator for Segments<'_> {}

impl fmt::Debug for Segments<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Segments({} left)", self.spans.len())
    }
}

impl fmt::Debug for Message<'_> {
    /// Shows sizes only: the content may be a patient's.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Message({} segments, {} bytes)", self.spans.len(), self.text.len())
    }
}
