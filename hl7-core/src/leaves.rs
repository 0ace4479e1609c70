//! Every leaf of a message in one pass.

use std::fmt;

use crate::delimiters::Delimiters;
use crate::message::{Message, Span};
use crate::piece::{Piece, Subcomponent};
use crate::scan::Marks;
use crate::segment::Segment;

/// A leaf and its place. Everything counts from 1 but the segment, which is that of [`Message::iter`], from 0.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Leaf<'m> {
    /// Which segment of the message.
    pub segment: u32,
    /// The field, as a path counts it.
    pub field: u32,
    /// The repetition of the field.
    pub repetition: u32,
    /// The component of the repetition.
    pub component: u32,
    /// The subcomponent of the component.
    pub subcomponent: u32,
    /// What stands there.
    pub value: Subcomponent<'m>,
}

impl Message<'_> {
    /// Every leaf, empty ones included, in order: what walking all levels gives, in one pass over the text. For indexing, searching and
    /// comparing whole messages.
    ///
    /// ```
    /// # use hl7_core::Message;
    /// let msg = Message::parse("MSH|^~\\&|A\rPID|1||7^H&1~8\r")?;
    /// let pid: Vec<_> = msg.leaves().filter(|leaf| leaf.segment == 1 && !leaf.value.is_empty()).collect();
    /// let places = pid.iter().map(|l| (l.field, l.repetition, l.component, l.subcomponent, l.value.raw()));
    /// assert_eq!(places.collect::<Vec<_>>(), [
    ///     (1, 1, 1, 1, "1"), (3, 1, 1, 1, "7"), (3, 1, 2, 1, "H"), (3, 1, 2, 2, "1"), (3, 2, 1, 1, "8"),
    /// ]);
    /// # Ok::<(), hl7_core::ParseError>(())
    /// ```
    pub fn leaves(&self) -> Leaves<'_> {
        Leaves {
            text: &self.text,
            spans: self.spans.iter(),
            delimiters: self.delimiters,
            segment: None,
            marks: Marks::new(&[], [0; 5]),
            marks_at: 0,
            at: 0,
            literals: 0,
            next: Leaf {
                segment: u32::MAX,
                field: 1,
                repetition: 1,
                component: 1,
                subcomponent: 1,
                value: Subcomponent(Piece::plain("", self.delimiters)),
            },
        }
    }
}

/// The leaves of a message, in order.
#[derive(Clone)]
pub struct Leaves<'m> {
    text: &'m str,
    spans: std::slice::Iter<'m, Span>,
    delimiters: Delimiters,
    /// The segment at hand; `None` before the first and behind the end of one.
    segment: Option<&'m str>,
    /// Where delimiters and escape characters stand in it, from the next leaf on.
    marks: Marks<'m>,
    /// Where the text of the marks starts in it.
    marks_at: usize,
    /// Where the next leaf starts in it.
    at: usize,
    /// How many fields of a header, which are not divided, are still to come.
    literals: usize,
    /// The place of the next leaf.
    next: Leaf<'m>,
}

impl Leaf<'_> {
    /// Goes behind a delimiter.
    #[inline]
    fn step(&mut self, delimiter: u8, d: &Delimiters) {
        if delimiter == d.component_byte() {
            (self.component, self.subcomponent) = (self.component + 1, 1);
        } else if delimiter == d.subcomponent_byte() {
            self.subcomponent += 1;
        } else if delimiter == d.repetition_byte() {
            (self.repetition, self.component, self.subcomponent) = (self.repetition + 1, 1, 1);
        } else {
            self.first_of_field(self.field + 1);
        }
    }

    #[inline]
    fn first_of_field(&mut self, field: u32) {
        (self.field, self.repetition, self.component, self.subcomponent) = (field, 1, 1, 1);
    }
}

impl<'m> Iterator for Leaves<'m> {
    type Item = Leaf<'m>;

    fn fold<B, F: FnMut(B, Leaf<'m>) -> B>(mut self, init: B, mut f: F) -> B {
        let mut folded = init;
        loop {
            match self.segment {
                Some(segment) if self.literals == 0 => folded = self.fold_segment(segment, folded, &mut f),
                Some(segment) => folded = f(folded, self.literal(segment)),
                None => match self.begin() {
                    Some(()) => {}
                    None => return folded,
                },
            }
        }
    }

    #[inline]
    fn next(&mut self) -> Option<Leaf<'m>> {
        loop {
            match self.segment {
                Some(segment) if self.literals == 0 => return Some(self.leaf(segment)),
                Some(segment) => return Some(self.literal(segment)),
                None => self.begin()?,
            }
        }
    }
}

impl<'m> Leaves<'m> {
    /// Goes to the first field of the next segment; `None` when there is none.
    fn begin(&mut self) -> Option<()> {
        let segment = Segment::new(self.spans.next()?.of(self.text), self.delimiters);
        self.next.segment = self.next.segment.wrapping_add(1);
        self.next.first_of_field(1);
        let raw = segment.raw();
        self.literals = if segment.is_header() { 2 } else { 0 };
        self.at = segment.id().len() + usize::from(self.literals == 0);
        self.segment = Some(raw).filter(|raw| self.at < raw.len() + usize::from(self.literals == 0));
        self.look();
        Some(())
    }

    /// All leaves to the end of the segment, without what a pause between two would cost.
    fn fold_segment<B>(&mut self, segment: &'m str, init: B, f: &mut impl FnMut(B, Leaf<'m>) -> B) -> B {
        let d = self.delimiters;
        let (bytes, base) = (segment.as_bytes(), self.marks_at);
        let (mut start, mut next, mut plain, mut folded) = (self.at, self.next, true, init);
        for mark in self.marks.clone() {
            let at = base + mark;
            let byte = bytes.get(at).copied().unwrap_or_default();
            if byte == d.escape_byte() {
                plain = false;
                continue;
            }
            let value = Subcomponent(Piece::part_of(segment.get(start..at).unwrap_or_default(), d, plain));
            folded = f(folded, Leaf { value, ..next });
            (start, plain) = (at + 1, true);
            next.step(byte, &d);
        }
        let value = Subcomponent(Piece::part_of(segment.get(start..).unwrap_or_default(), d, plain));
        self.segment = None;
        f(folded, Leaf { value, ..next })
    }

    /// Finds the marks from the next leaf on.
    fn look(&mut self) {
        let d = &self.delimiters;
        let needles =
            [d.field_byte(), d.repetition_byte(), d.component_byte(), d.subcomponent_byte(), d.escape_byte()];
        let rest = self.segment.and_then(|segment| segment.as_bytes().get(self.at..));
        self.marks = Marks::new(rest.unwrap_or_default(), needles);
        self.marks_at = self.at;
    }

    /// A field of a header that states delimiters: MSH-1 is the separator itself, MSH-2 what stands behind it.
    fn literal(&mut self, segment: &'m str) -> Leaf<'m> {
        let rest = segment.get(self.at..).unwrap_or_default();
        let separator = char::from(self.delimiters.field_byte());
        let (length, between) = match self.literals {
            2 => (1, 0),
            _ => (rest.find(separator).unwrap_or(rest.len()), 1),
        };
        self.literals -= 1;
        let value = Subcomponent(Piece::plain(rest.get(..length).unwrap_or_default(), self.delimiters));
        let leaf = Leaf { value, ..self.next };
        self.at += length + between;
        self.segment = Some(segment).filter(|segment| self.at <= segment.len());
        self.next.first_of_field(leaf.field + 1);
        self.look();
        leaf
    }

    #[inline]
    fn leaf(&mut self, segment: &'m str) -> Leaf<'m> {
        let d = self.delimiters;
        let mut plain = true;
        let (end, delimiter) = loop {
            let Some(mark) = self.marks.next() else { break (segment.len(), None) };
            let at = self.marks_at + mark;
            match segment.as_bytes().get(at) {
                Some(&byte) if byte == d.escape_byte() => plain = false,
                delimiter => break (at, delimiter),
            }
        };
        let raw = segment.get(self.at..end).unwrap_or_default();
        let leaf = Leaf { value: Subcomponent(Piece::part_of(raw, d, plain)), ..self.next };
        self.at = end + 1;
        match delimiter {
            None => self.segment = None,
            Some(&byte) => self.next.step(byte, &d),
        }
        leaf
    }
}

impl fmt::Debug for Leaves<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Leaves").field("next", &self.next).finish_non_exhaustive()
    }
}
