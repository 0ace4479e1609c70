//! One segment: an ID and its fields, found when they are asked for.

use std::fmt;

use crate::delimiters::{Delimiters, Level};
use crate::piece::{Component, Field, Parts, Piece};
use crate::scan::{self, Near};

/// A view of one segment of a message.
#[derive(Clone, Copy)]
pub struct Segment<'m> {
    raw: &'m str,
    delimiters: Delimiters,
}

impl<'m> Segment<'m> {
    pub(crate) fn new(raw: &'m str, delimiters: Delimiters) -> Self {
        Self { raw, delimiters }
    }

    /// What stands before the first field separator. In a well-formed message this is the three-character segment
    /// ID; a broken line is kept as it came, and then this can be any text: see [`Segment::has_valid_id`].
    pub fn id(self) -> &'m str {
        id_of(self.raw, self.delimiters.field_byte())
    }

    /// Whether the ID has the shape of one: an upper-case letter and two upper-case letters or digits
    /// (HL7 2.5.1, chapter 2, section 2.5.1). Where not, the ID may be a piece of clinical text and belongs into no log.
    pub fn has_valid_id(self) -> bool {
        matches!(self.id().as_bytes(), [a, b, c] if a.is_ascii_uppercase()
            && [b, c].iter().all(|x| x.is_ascii_uppercase() || x.is_ascii_digit()))
    }

    /// The whole segment as sent, without its line end.
    pub fn raw(self) -> &'m str {
        self.raw
    }

    /// The field `n`, from 1, or `None` when the segment ends before it. In MSH, FHS and BHS field 1 is the field
    /// separator itself and field 2 the encoding characters.
    pub fn field(self, n: usize) -> Option<Field<'m>> {
        if self.is_header() {
            return self.header_field(n);
        }
        self.part(n.checked_add(1).filter(|_| n > 0)?).map(Field)
    }

    /// The component `c` of the first repetition of the field `n`: what a path without an index names. Near it is found in one pass.
    pub(crate) fn component(self, n: usize, c: usize) -> Option<Component<'m>> {
        let d = &self.delimiters;
        let before = if self.is_header() {
            n.checked_sub(1).filter(|&before| before >= 2)
        } else {
            (n > 0).then_some(n)
        };
        let Some(before) = before else { return self.field(n)?.repetition(1)?.component(c) };
        let start = scan::behind_nth(self.raw.as_bytes(), d.field_byte(), before)?;
        let rest = self.raw.get(start..)?;
        let ends = [d.field_byte(), d.repetition_byte()];
        let inner = [d.subcomponent_byte(), d.escape_byte()];
        match scan::nth_before(rest.as_bytes(), d.component_byte(), c, ends, inner) {
            Near::Found(from, to, plain) => {
                Some(Component(Piece::part_of(rest.get(from..to)?, self.delimiters, plain)))
            }
            Near::Absent => None,
            Near::Far => self.field(n)?.repetition(1)?.component(c),
        }
    }

    fn header_field(self, n: usize) -> Option<Field<'m>> {
        match n {
            0 => None,
            1 => self.raw.get(3..4).map(|raw| Field(Piece::plain(raw, self.delimiters))),
            2 => self.part(2).map(|piece| Field(Piece::plain(Field(piece).raw(), self.delimiters))),
            _ => self.part(n).map(Field),
        }
    }

    /// The `n`-th piece between field separators, from 1: the first is the ID.
    fn part(self, n: usize) -> Option<Piece<'m>> {
        Piece::new(self.raw, self.delimiters).part(Level::Field, n)
    }

    /// The fields, from field 1 on.
    pub fn fields(self) -> impl Iterator<Item = Field<'m>> {
        let literal = if self.is_header() { 1 } else { 0 };
        let behind_id = self.raw.get(self.id().len() + 1..);
        let parts = behind_id.map(|rest| Piece::new(rest, self.delimiters).parts(Level::Field));
        Fields { segment: self, parts, literal }
    }

    /// MSH, FHS and BHS: the segments that state delimiters.
    pub(crate) fn is_header(self) -> bool {
        matches!(self.raw.as_bytes(), [b'M', b'S', b'H', rest @ ..] | [b'F' | b'B', b'H', b'S', rest @ ..]
            if rest.first().is_none_or(|&b| b == self.delimiters.field_byte()))
    }
}

/// The text before the first `separator`.
pub(crate) fn id_of(raw: &str, separator: u8) -> &str {
    let bytes = raw.as_bytes();
    // Nearly always the separator is the fourth byte.
    let end = match bytes.get(3) {
        Some(&b) if b == separator && !bytes.iter().take(3).any(|&b| b == separator) => 3,
        _ => bytes.iter().position(|&b| b == separator).unwrap_or(bytes.len()),
    };
    raw.get(..end).unwrap_or_default()
}

struct Fields<'m> {
    segment: Segment<'m>,
    parts: Option<Parts<'m>>,
    /// Which of a header's two literal fields comes next: 1, 2, or 0 for none.
    literal: usize,
}

impl<'m> Iterator for Fields<'m> {
    type Item = Field<'m>;

    #[inline]
    fn next(&mut self) -> Option<Field<'m>> {
        if self.literal > 0 { self.next_literal() } else { self.parts.as_mut()?.next().map(Field) }
    }
}

impl<'m> Fields<'m> {
    fn next_literal(&mut self) -> Option<Field<'m>> {
        let field = self.segment.header_field(self.literal);
        if self.literal == 2 {
            // The encoding characters are the first piece behind the ID.
            self.parts.as_mut()?.next();
        }
        self.literal = (self.literal + 1) % 3;
        field
    }
}

impl fmt::Debug for Segment<'_> {
    /// Shows the ID when it has the shape of one, and the length.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A line without a field is no segment of any use, and three letters of it may be a name.
        let id = if self.has_valid_id() && self.raw.len() > 3 { self.id() } else { "?" };
        write!(f, "Segment({id}, {} bytes)", self.raw.len())
    }
}
