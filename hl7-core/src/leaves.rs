//! Every leaf of a message in one pass.

use std::fmt;

use crate::delimiters::Delimiters;
use crate::message::{Message, Segments};
use crate::piece::{Piece, Subcomponent};
use crate::segment::Segment;

/// A leaf and its place. Everything counts from 1 but the segment, which is that of [`Message::iter`], from 0.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Leaf<'m> {
    /// Which segment of the message.
    pub segment: usize,
    /// The field, as a path counts it.
    pub field: usize,
    /// The repetition of the field.
    pub repetition: usize,
    /// The component of the repetition.
    pub component: usize,
    /// The subcomponent of the component.
    pub subcomponent: usize,
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
            segments: self.iter(),
            number: 0,
            delimiters: self.delimiters,
            classes: classes(&self.delimiters),
            rest: None,
            literals: 0,
            place: Place::FIRST,
        }
    }
}

/// The leaves of a message, in order.
#[derive(Clone)]
pub struct Leaves<'m> {
    segments: Segments<'m>,
    /// How many segments were begun.
    number: usize,
    delimiters: Delimiters,
    classes: [Class; 256],
    /// What is left of the segment; `None` before the first and behind the end of one.
    rest: Option<&'m str>,
    /// How many fields of a header, which are not divided, are still to come.
    literals: usize,
    place: Place,
}

#[derive(Clone, Copy)]
struct Place {
    field: usize,
    repetition: usize,
    component: usize,
    subcomponent: usize,
}

/// What a byte does to a leaf.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Text,
    Escape,
    Field,
    Repetition,
    Component,
    Subcomponent,
}

fn classes(d: &Delimiters) -> [Class; 256] {
    let mut classes = [Class::Text; 256];
    for (byte, class) in [
        (d.escape_byte(), Class::Escape),
        (d.subcomponent_byte(), Class::Subcomponent),
        (d.component_byte(), Class::Component),
        (d.repetition_byte(), Class::Repetition),
        (d.field_byte(), Class::Field),
    ] {
        // A delimiter that the message lacks is no byte of a text.
        if byte.is_ascii() {
            classes[usize::from(byte)] = class;
        }
    }
    classes
}

impl Place {
    const FIRST: Self = Self { field: 1, repetition: 1, component: 1, subcomponent: 1 };

    /// The place behind a delimiter.
    fn behind(self, class: Class) -> Self {
        match class {
            Class::Subcomponent => Self { subcomponent: self.subcomponent + 1, ..self },
            Class::Component => Self { component: self.component + 1, subcomponent: 1, ..self },
            Class::Repetition => {
                Self { repetition: self.repetition + 1, component: 1, subcomponent: 1, ..self }
            }
            _ => Self { field: self.field + 1, ..Self::FIRST },
        }
    }
}

impl<'m> Iterator for Leaves<'m> {
    type Item = Leaf<'m>;

    #[inline]
    fn next(&mut self) -> Option<Leaf<'m>> {
        loop {
            if let Some(rest) = self.rest {
                return Some(if self.literals > 0 { self.literal(rest) } else { self.leaf(rest) });
            }
            let segment = self.segments.next()?;
            self.begin(segment);
        }
    }
}

impl<'m> Leaves<'m> {
    /// Goes to the first field of a segment.
    fn begin(&mut self, segment: Segment<'m>) {
        self.number += 1;
        self.place = Place::FIRST;
        self.literals = if segment.is_header() { 2 } else { 0 };
        let behind_id = segment.id().len() + usize::from(self.literals == 0);
        self.rest = segment.raw().get(behind_id..).filter(|rest| self.literals == 0 || !rest.is_empty());
    }

    /// A field of a header that states delimiters: MSH-1 is the separator itself, MSH-2 what stands behind it.
    fn literal(&mut self, rest: &'m str) -> Leaf<'m> {
        let separator = char::from(self.delimiters.field_byte());
        let (raw, rest) = match self.literals {
            2 => rest.split_at_checked(1).map_or((rest, None), |(separator, rest)| (separator, Some(rest))),
            _ => rest.split_once(separator).map_or((rest, None), |(raw, rest)| (raw, Some(rest))),
        };
        self.literals -= 1;
        self.rest = rest;
        let leaf = self.at(Piece::plain(raw, self.delimiters));
        self.place = self.place.behind(Class::Field);
        leaf
    }

    #[inline]
    fn leaf(&mut self, rest: &'m str) -> Leaf<'m> {
        let mut plain = true;
        let mut end = (rest.len(), None);
        for (at, &byte) in rest.as_bytes().iter().enumerate() {
            match self.classes[usize::from(byte)] {
                Class::Text => {}
                Class::Escape => plain = false,
                class => {
                    end = (at, Some(class));
                    break;
                }
            }
        }
        let (raw, behind) = rest.split_at_checked(end.0).unwrap_or((rest, ""));
        let leaf = self.at(Piece::part_of(raw, self.delimiters, plain));
        self.rest = end.1.and(behind.get(1..));
        if let Some(class) = end.1 {
            self.place = self.place.behind(class);
        }
        leaf
    }

    #[inline]
    fn at(&self, piece: Piece<'m>) -> Leaf<'m> {
        let Place { field, repetition, component, subcomponent } = self.place;
        let value = Subcomponent(piece);
        Leaf { segment: self.number - 1, field, repetition, component, subcomponent, value }
    }
}

impl fmt::Debug for Leaves<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Leaves").field("segment", &self.number).field("place", &self.place.field).finish()
    }
}
