//! The parts of a segment, each a view of the text: field, repetition, component, subcomponent, and a value of any level.

use std::borrow::Cow;
use std::fmt;

use crate::delimiters::Delimiters;
use crate::escape;
use crate::scan;

/// A slice of a message with what is needed to read it.
#[derive(Clone, Copy)]
pub(crate) struct Piece<'m> {
    raw: &'m str,
    delimiters: Delimiters,
    /// MSH-1 and MSH-2 are the delimiters themselves: nothing in them separates or escapes.
    literal: bool,
}

impl<'m> Piece<'m> {
    pub(crate) fn new(raw: &'m str, delimiters: Delimiters) -> Self {
        Self { raw, delimiters, literal: false }
    }

    pub(crate) fn literal(raw: &'m str, delimiters: Delimiters) -> Self {
        Self { raw, delimiters, literal: true }
    }

    fn with(self, raw: &'m str) -> Self {
        Self { raw, ..self }
    }

    /// The parts between `separator`.
    fn parts(self, separator: u8) -> Parts<'m> {
        Parts { rest: Some(self), separator }
    }

    /// The `n`-th part between `separator`, from 1.
    pub(crate) fn part(self, separator: u8, n: usize) -> Option<Self> {
        if self.literal {
            return (n == 1).then_some(self);
        }
        let bytes = self.raw.as_bytes();
        let start = scan::behind_nth(bytes, separator, n.checked_sub(1)?)?;
        let rest = bytes.get(start..)?;
        let end = start + scan::first(rest, separator).unwrap_or(rest.len());
        Some(self.with(self.raw.get(start..end)?))
    }

    /// The text of the first leaf.
    fn text(self) -> Cow<'m, str> {
        if self.literal {
            return Cow::Borrowed(self.raw);
        }
        let d = &self.delimiters;
        let (rep, comp, sub, esc) =
            (d.repetition_byte(), d.component_byte(), d.subcomponent_byte(), d.escape_byte());
        let mut escaped = false;
        let bytes = self.raw.as_bytes();
        let end = bytes.iter().position(|&b| {
            escaped |= b == esc;
            b == comp || b == rep || b == sub
        });
        let leaf = self.raw.get(..end.unwrap_or(bytes.len())).unwrap_or_default();
        if escaped { escape::unescape(leaf, d) } else { Cow::Borrowed(leaf) }
    }
}

/// An iterator over parts.
#[derive(Clone)]
struct Parts<'m> {
    rest: Option<Piece<'m>>,
    separator: u8,
}

impl<'m> Iterator for Parts<'m> {
    type Item = Piece<'m>;

    fn next(&mut self) -> Option<Piece<'m>> {
        let piece = self.rest.take()?;
        if piece.literal {
            return Some(piece);
        }
        let Some(at) = scan::first(piece.raw.as_bytes(), self.separator) else { return Some(piece) };
        let (part, rest) = piece.raw.split_at(at);
        self.rest = rest.get(1..).map(|rest| piece.with(rest));
        Some(piece.with(part))
    }
}

macro_rules! piece_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy)]
        pub struct $name<'m>(pub(crate) Piece<'m>);

        impl<'m> $name<'m> {
            /// The whole as sent, escape sequences and delimiters included.
            pub fn raw(self) -> &'m str {
                self.0.raw
            }

            /// The text of the first leaf, unescaped (see [`crate::unescape`]).
            pub fn text(self) -> Cow<'m, str> {
                self.0.text()
            }

            /// Whether nothing was sent here.
            pub fn is_empty(self) -> bool {
                self.0.raw.is_empty()
            }

            /// Whether this is `""`, HL7's order to delete the value (HL7 2.5.1, chapter 2, section 2.5.3).
            pub fn is_null(self) -> bool {
                self.0.raw == "\"\""
            }

            /// This place as a [`Value`].
            pub fn value(self) -> Value<'m> {
                Value(self.0)
            }
        }

        impl fmt::Debug for $name<'_> {
            /// Shows the length only: the content may be a patient's.
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({} bytes)"), self.0.raw.len())
            }
        }
    };
}

piece_type! {
    /// What stands at a path: a field, a repetition, a component or a subcomponent.
    Value
}
piece_type! {
    /// A field: all its repetitions.
    Field
}
piece_type! {
    /// One repetition of a field.
    Repetition
}
piece_type! {
    /// One component of a repetition.
    Component
}
piece_type! {
    /// One subcomponent of a component: a leaf.
    Subcomponent
}

impl<'m> Field<'m> {
    /// The repetitions, in order; an empty field has one empty repetition.
    pub fn repetitions(self) -> impl Iterator<Item = Repetition<'m>> + Clone {
        self.0.parts(self.0.delimiters.repetition_byte()).map(Repetition)
    }

    /// The `n`-th repetition, from 1.
    pub fn repetition(self, n: usize) -> Option<Repetition<'m>> {
        self.0.part(self.0.delimiters.repetition_byte(), n).map(Repetition)
    }
}

impl<'m> Repetition<'m> {
    /// The components, in order.
    pub fn components(self) -> impl Iterator<Item = Component<'m>> + Clone {
        self.0.parts(self.0.delimiters.component_byte()).map(Component)
    }

    /// The `n`-th component, from 1.
    pub fn component(self, n: usize) -> Option<Component<'m>> {
        self.0.part(self.0.delimiters.component_byte(), n).map(Component)
    }
}

impl<'m> Component<'m> {
    /// The subcomponents, in order.
    pub fn subcomponents(self) -> impl Iterator<Item = Subcomponent<'m>> + Clone {
        self.0.parts(self.0.delimiters.subcomponent_byte()).map(Subcomponent)
    }

    /// The `n`-th subcomponent, from 1.
    pub fn subcomponent(self, n: usize) -> Option<Subcomponent<'m>> {
        self.0.part(self.0.delimiters.subcomponent_byte(), n).map(Subcomponent)
    }
}
