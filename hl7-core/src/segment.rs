//! One segment: an ID and its fields, found when they are asked for.

use std::fmt;

use crate::delimiters::Delimiters;
use crate::piece::{Field, Piece};

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
        let whole = Piece::new(self.raw, self.delimiters);
        let separator = self.delimiters.field_byte();
        if !self.is_header() {
            return whole.part(separator, n.checked_add(1)?).filter(|_| n > 0).map(Field);
        }
        match n {
            0 => None,
            1 => self.raw.get(3..4).map(|raw| Field(Piece::literal(raw, self.delimiters))),
            2 => whole.part(separator, 2).map(|p| Field(Piece::literal(Field(p).raw(), self.delimiters))),
            _ => whole.part(separator, n).map(Field),
        }
    }

    /// The fields, from field 1 on.
    pub fn fields(self) -> impl Iterator<Item = Field<'m>> {
        Fields {
            segment: self,
            rest: self.rest_behind_id(),
            header_field: if self.is_header() { 1 } else { 0 },
        }
    }

    pub(crate) fn delimiters(self) -> Delimiters {
        self.delimiters
    }

    /// MSH, FHS and BHS: the segments that state delimiters.
    pub(crate) fn is_header(self) -> bool {
        matches!(self.id(), "MSH" | "FHS" | "BHS")
    }

    fn rest_behind_id(self) -> Option<&'m str> {
        self.raw.get(self.id().len() + 1..)
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
    rest: Option<&'m str>,
    /// 1 and 2 while the two literal fields of a header are to come, else 0.
    header_field: u8,
}

impl<'m> Iterator for Fields<'m> {
    type Item = Field<'m>;

    fn next(&mut self) -> Option<Field<'m>> {
        let delimiters = self.segment.delimiters;
        if self.header_field == 1 {
            self.header_field = 2;
            return self.segment.field(1);
        }
        let rest = self.rest?;
        let (raw, behind) = match crate::scan::first(rest.as_bytes(), delimiters.field_byte()) {
            Some(at) => (rest.get(..at)?, rest.get(at + 1..)),
            None => (rest, None),
        };
        self.rest = behind;
        let literal = std::mem::take(&mut self.header_field) == 2;
        Some(Field(if literal { Piece::literal(raw, delimiters) } else { Piece::new(raw, delimiters) }))
    }
}

impl fmt::Debug for Segment<'_> {
    /// Shows the ID when it has the shape of one, and the length.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = if self.has_valid_id() { self.id() } else { "?" };
        write!(f, "Segment({id}, {} bytes)", self.raw.len())
    }
}
