//! Whether a condition holds for a message. A path is read at most once for each time it is written.

use std::borrow::Cow;
use std::collections::HashSet;

use super::argument::{Argument, Pattern};
use super::{Clause, Comparison, Order};
use crate::message::Message;
use crate::path::{Occurrence, Path};
use crate::typed::Number;

impl Clause {
    pub(super) fn holds(&self, message: &Message<'_>) -> bool {
        match self {
            Self::Any(clauses) => clauses.iter().any(|clause| clause.holds(message)),
            Self::All(clauses) => clauses.iter().all(|clause| clause.holds(message)),
            Self::Not(inner) => !inner.holds(message),
            Self::Present(path) => is_present(message, path),
            Self::Compare(path, comparison, argument) => match comparison {
                Comparison::Equal => equals(message, path, argument),
                Comparison::NotEqual => differs(message, path, argument),
                Comparison::Ordered(order) => is_ordered(message, path, *order, argument),
            },
            Self::In(path, list) => is_in(message, path, list),
            Self::Matches(path, pattern) => fits(message, path, pattern),
        }
    }
}

/// Whether anything but delimiters stands at `path`; for a path that names a segment, whether there is one.
fn is_present(message: &Message<'_>, path: &Path) -> bool {
    let Some(field) = path.field() else { return has_segment(message, path) };
    // MSH-1 and MSH-2 are the delimiters and hold nothing else.
    let of_delimiters = field <= 2 && matches!(path.segment_id(), "MSH" | "FHS" | "BHS");
    let d = message.delimiters();
    let separators = [d.repetition_byte(), d.component_byte(), d.subcomponent_byte()];
    let says_something = |raw: &str| raw.bytes().any(|byte| of_delimiters || !separators.contains(&byte));
    message.get_all(path).any(|value| says_something(value.raw()))
}

fn has_segment(message: &Message<'_>, path: &Path) -> bool {
    let before = match path.occurrence() {
        Occurrence::Nth(n) => n as usize - 1,
        Occurrence::First | Occurrence::All => 0,
    };
    message.segments(path.segment_id()).nth(before).is_some()
}

/// The texts at `path`, in order. What is empty counts as absent.
fn texts<'s>(message: &'s Message<'_>, path: &Path) -> impl Iterator<Item = Cow<'s, str>> {
    message.get_all(path).map(|value| value.text()).filter(|text| !text.is_empty())
}

/// The texts of an argument; the empty text is an absent one.
fn argument_texts<'s>(
    message: &'s Message<'_>,
    argument: &'s Argument,
) -> impl Iterator<Item = Cow<'s, str>> {
    let constant = argument.text().filter(|text| !text.is_empty()).map(Cow::Borrowed);
    let read = argument.path().map(|path| texts(message, path));
    constant.into_iter().chain(read.into_iter().flatten())
}

/// Whether a text of the one side is a text of the other, or both have none.
fn equals(message: &Message<'_>, path: &Path, argument: &Argument) -> bool {
    let mut left = texts(message, path);
    match argument {
        Argument::Text(text) if text.is_empty() => left.next().is_none(),
        Argument::Text(text) => left.any(|found| *found == **text),
        Argument::Path(other) => {
            let right: HashSet<_> = texts(message, other).collect();
            let mut left = left.peekable();
            if left.peek().is_none() { right.is_empty() } else { left.any(|text| right.contains(&text)) }
        }
    }
}

/// Whether a text of the one side is not a text of the other, or only one side has any. That is so unless all are the same.
fn differs(message: &Message<'_>, path: &Path, argument: &Argument) -> bool {
    let mut left = texts(message, path);
    let mut right = argument_texts(message, argument);
    match (left.next(), right.next()) {
        (None, None) => false,
        (Some(a), Some(b)) => a != b || left.any(|text| text != a) || right.any(|text| text != a),
        _ => true,
    }
}

fn is_in(message: &Message<'_>, path: &Path, list: &[Argument]) -> bool {
    let is_constant = |item: &&Argument| item.text().is_some_and(|text| !text.is_empty());
    // The constants in one go over the places.
    texts(message, path).any(|text| list.iter().any(|item| item.text() == Some(&*text)))
        || list.iter().filter(|item| !is_constant(item)).any(|item| equals(message, path, item))
}

fn fits(message: &Message<'_>, path: &Path, pattern: &Pattern) -> bool {
    texts(message, path).any(|text| !is_null(&text) && pattern.fits(&text))
}

fn is_ordered(message: &Message<'_>, path: &Path, order: Order, argument: &Argument) -> bool {
    let right: Vec<_> = argument_texts(message, argument).collect();
    let bounds = Bounds::of(&right, order);
    texts(message, path).any(|text| !is_null(&text) && bounds.hold(&text))
}

fn is_null(text: &str) -> bool {
    text == "\"\""
}

/// Of the texts on the right those that are the easiest to be in order with: the greatest for `<`, the least for `>`. With them, each text
/// on the left is compared once, however many there are on the right.
struct Bounds<'r> {
    order: Order,
    number: Option<Number<'r>>,
    /// Of those that are not numbers.
    word: Option<&'r str>,
    /// Of all, by text.
    text: Option<&'r str>,
}

impl<'r> Bounds<'r> {
    fn of(right: &'r [Cow<'_, str>], order: Order) -> Self {
        let mut bounds = Self { order, number: None, word: None, text: None };
        for text in right.iter().map(|text| &**text).filter(|text| !is_null(text)) {
            match Number::parse(text) {
                Ok(number) => bounds.number = Some(bounds.easier(bounds.number, number)),
                Err(_) => bounds.word = Some(bounds.easier(bounds.word, text)),
            }
            bounds.text = Some(bounds.easier(bounds.text, text));
        }
        bounds
    }

    fn easier<T: Ord>(&self, known: Option<T>, new: T) -> T {
        match (known, self.order) {
            (None, _) => new,
            (Some(known), Order::Less | Order::LessOrEqual) => known.max(new),
            (Some(known), Order::Greater | Order::GreaterOrEqual) => known.min(new),
        }
    }

    /// Whether `left` is in order with one of them: by size when both are numbers, else by text.
    fn hold(&self, left: &str) -> bool {
        match Number::parse(left) {
            Ok(number) => self.admit(Some(number), self.number) || self.admit(Some(left), self.word),
            Err(_) => self.admit(Some(left), self.text),
        }
    }

    fn admit<T: Ord>(&self, left: Option<T>, right: Option<T>) -> bool {
        let (Some(left), Some(right)) = (left, right) else { return false };
        match self.order {
            Order::Less => left < right,
            Order::LessOrEqual => left <= right,
            Order::Greater => left > right,
            Order::GreaterOrEqual => left >= right,
        }
    }
}
