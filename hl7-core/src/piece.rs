//! The parts of a segment, each a view of the text: field, repetition, component, subcomponent, and a value of any level.

use std::borrow::Cow;
use std::fmt;

use crate::delimiters::{Delimiters, Level};
use crate::escape;
use crate::scan::{self, Near};

/// A slice of a message with what is needed to read it.
#[derive(Clone, Copy)]
pub(crate) struct Piece<'m> {
    raw: &'m str,
    delimiters: Delimiters,
    /// Nothing in it separates or escapes, so that no level below has to look. MSH-1 and MSH-2, which are the delimiters themselves, are
    /// read as such.
    plain: bool,
    /// Where it stands. Only the piece of a [`Value`] is asked for it: the other types are named for theirs.
    level: Level,
}

impl<'m> Piece<'m> {
    pub(crate) fn new(raw: &'m str, delimiters: Delimiters) -> Self {
        Self { raw, delimiters, plain: false, level: Level::Field }
    }

    pub(crate) fn plain(raw: &'m str, delimiters: Delimiters) -> Self {
        Self { raw, delimiters, plain: true, level: Level::Field }
    }

    /// The piece as one that stands at this level.
    pub(crate) fn at(self, level: Level) -> Self {
        Self { level, ..self }
    }

    /// A piece of which it is known whether it is plain.
    pub(crate) fn part_of(raw: &'m str, delimiters: Delimiters, plain: bool) -> Self {
        Self { raw, delimiters, plain, level: Level::Field }
    }

    /// The parts of `level`.
    pub(crate) fn parts(self, level: Level) -> Parts<'m> {
        Parts { rest: self, level, done: false }
    }

    /// The `n`-th part of `level`, from 1.
    pub(crate) fn part(self, level: Level, n: usize) -> Option<Self> {
        if self.plain {
            return (n == 1).then_some(self);
        }
        let start = scan::behind_nth(self.raw.as_bytes(), self.delimiters.between(level), n.checked_sub(1)?)?;
        let rest = Self { raw: self.raw.get(start..)?, ..self };
        Some(rest.first_part(level).0)
    }

    /// The first part of `level`, and what stands behind its end, if it has one.
    #[inline]
    fn first_part(self, level: Level) -> (Self, Option<&'m str>) {
        let d = &self.delimiters;
        let (end, plain) = scan::first_and_plain(self.raw.as_bytes(), d.between(level), d.inside(level));
        match end.and_then(|at| self.raw.split_at_checked(at)) {
            Some((raw, rest)) => (Self { raw, plain, ..self }, rest.get(1..)),
            None => (Self { plain, ..self }, None),
        }
    }

    /// The text of the first leaf.
    #[inline]
    fn text(self) -> Cow<'m, str> {
        if self.plain { Cow::Borrowed(self.raw) } else { self.first_leaf() }
    }

    fn first_leaf(self) -> Cow<'m, str> {
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
pub(crate) struct Parts<'m> {
    rest: Piece<'m>,
    level: Level,
    done: bool,
}

impl<'m> Iterator for Parts<'m> {
    type Item = Piece<'m>;

    #[inline]
    fn next(&mut self) -> Option<Piece<'m>> {
        if self.done {
            return None;
        }
        if self.rest.plain {
            self.done = true;
            return Some(self.rest);
        }
        let (part, rest) = self.rest.first_part(self.level);
        match rest {
            Some(raw) => self.rest.raw = raw,
            None => self.done = true,
        }
        Some(part)
    }
}

macro_rules! piece_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy)]
        pub struct $name<'m>(pub(crate) Piece<'m>);

        impl<'m> $name<'m> {
            /// The whole as sent, escape sequences and delimiters included.
            #[inline]
            pub fn raw(self) -> &'m str {
                self.0.raw
            }

            /// The text of the first leaf, unescaped (see [`crate::unescape`]).
            #[inline]
            pub fn text(self) -> Cow<'m, str> {
                self.0.text()
            }

            /// Whether nothing was sent here.
            #[inline]
            pub fn is_empty(self) -> bool {
                self.0.raw.is_empty()
            }

            /// Whether this is `""`, HL7's order to delete the value (HL7 2.5.1, chapter 2, section 2.5.3).
            #[inline]
            pub fn is_null(self) -> bool {
                self.0.raw == "\"\""
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

macro_rules! place_type {
    ($name:ident) => {
        impl<'m> $name<'m> {
            /// This place as a [`Value`].
            #[inline]
            pub fn value(self) -> Value<'m> {
                Value(Piece { level: Level::$name, ..self.0 })
            }
        }

        impl<'m> From<$name<'m>> for Value<'m> {
            fn from(place: $name<'m>) -> Self {
                place.value()
            }
        }
    };
}

place_type!(Field);
place_type!(Repetition);
place_type!(Component);
place_type!(Subcomponent);

impl<'m> Value<'m> {
    /// The value, unless it is empty or null.
    ///
    /// ```
    /// # use hl7_core::{path, Message, Value};
    /// let msg = Message::parse("MSH|^~\\&|A\rPID|1|\"\"||7\r")?;
    /// let valued = |path| msg.get(path).and_then(Value::valued).is_some();
    /// assert_eq!([path!("PID-2"), path!("PID-3"), path!("PID-4")].map(valued), [false, false, true]);
    /// # Ok::<(), hl7_core::ParseError>(())
    /// ```
    pub fn valued(self) -> Option<Self> {
        (!self.is_empty() && !self.is_null()).then_some(self)
    }

    /// The value as a repetition, to walk its components: where it stands in a field, the first one.
    ///
    /// ```
    /// # use hl7_core::{path, Message};
    /// let msg = Message::parse("MSH|^~\\&|A\rPID|1||7^^^H^MR~8^^^H^PI\r")?;
    /// let found = msg.get(path!("PID-3[5=PI]")).unwrap().repetition();
    /// assert_eq!(found.components().map(|part| part.raw()).collect::<Vec<_>>(), ["8", "", "", "H", "PI"]);
    /// # Ok::<(), hl7_core::ParseError>(())
    /// ```
    pub fn repetition(self) -> Repetition<'m> {
        Repetition(self.of_one_repetition().0)
    }

    /// The first repetition of a field; any other value as it is.
    pub(crate) fn of_one_repetition(self) -> Self {
        match self.0.level {
            Level::Field => self.0.part(Level::Repetition, 1).map_or(self, |first| Repetition(first).value()),
            _ => self,
        }
    }

    /// Whether it is known that nothing in it separates or escapes.
    #[cfg(feature = "dictionary")]
    pub(crate) fn is_plain(self) -> bool {
        self.0.plain
    }

    /// The parts, in order, as [`Value::part`] counts them. A field's are those of its first repetition.
    #[cfg(feature = "dictionary")]
    pub(crate) fn parts(self) -> impl Iterator<Item = Value<'m>> {
        let (piece, level) = match self.0.level {
            Level::Field => (self.of_one_repetition().0, Level::Component),
            Level::Repetition => (self.0, Level::Component),
            // A subcomponent is one part: nothing in it separates.
            Level::Component | Level::Subcomponent => (self.0, Level::Subcomponent),
        };
        piece.parts(level).map(move |part| Value(Piece { level, ..part }))
    }

    /// The `n`-th part, from 1, of what a data type of several parts sends here: components of a repetition, and one level below where it
    /// stands in a component. A subcomponent is not divided.
    pub(crate) fn part(self, n: usize) -> Option<Self> {
        match self.0.level {
            Level::Field | Level::Repetition => {
                self.0.part(Level::Component, n).map(|part| Component(part).value())
            }
            Level::Component => self.0.part(Level::Subcomponent, n).map(|part| Subcomponent(part).value()),
            Level::Subcomponent => (n == 1).then_some(self),
        }
    }
}

impl<'m> Field<'m> {
    /// The repetitions, in order; an empty field has one empty repetition.
    #[inline]
    pub fn repetitions(self) -> impl Iterator<Item = Repetition<'m>> + Clone {
        self.0.parts(Level::Repetition).map(Repetition)
    }

    /// The component `n` of the first repetition, in one pass where it is near.
    pub(crate) fn near_component(self, n: usize) -> Option<Component<'m>> {
        let d = &self.0.delimiters;
        let ends = [d.repetition_byte(); 2];
        let inner = [d.subcomponent_byte(), d.escape_byte()];
        if self.0.plain {
            return self.repetition(1)?.component(n);
        }
        match scan::nth_before(self.0.raw.as_bytes(), d.component_byte(), n, ends, inner) {
            Near::Found(from, to, plain) => {
                Some(Component(Piece { raw: self.0.raw.get(from..to)?, plain, ..self.0 }))
            }
            Near::Absent => None,
            Near::Far => self.repetition(1)?.component(n),
        }
    }

    /// The `n`-th repetition, from 1.
    pub fn repetition(self, n: usize) -> Option<Repetition<'m>> {
        self.0.part(Level::Repetition, n).map(Repetition)
    }
}

impl<'m> Repetition<'m> {
    /// The components, in order.
    #[inline]
    pub fn components(self) -> impl Iterator<Item = Component<'m>> + Clone {
        self.0.parts(Level::Component).map(Component)
    }

    /// The `n`-th component, from 1.
    pub fn component(self, n: usize) -> Option<Component<'m>> {
        self.0.part(Level::Component, n).map(Component)
    }
}

impl<'m> Component<'m> {
    /// The subcomponents, in order.
    #[inline]
    pub fn subcomponents(self) -> impl Iterator<Item = Subcomponent<'m>> + Clone {
        self.0.parts(Level::Subcomponent).map(Subcomponent)
    }

    /// The `n`-th subcomponent, from 1.
    pub fn subcomponent(self, n: usize) -> Option<Subcomponent<'m>> {
        self.0.part(Level::Subcomponent, n).map(Subcomponent)
    }
}
