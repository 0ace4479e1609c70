//! Whether a condition holds for a message. A path is read at most once for each time it is written.

use std::borrow::Cow;
use std::collections::HashSet;

use super::argument::{Argument, Pattern};
use super::{Clause, Comparison, Order};
use crate::message::{Message, in_field};
use crate::path::{Occurrence, Path};
use crate::piece::Value;
use crate::segment::Segment;
use crate::typed::Number;

/// What a condition is asked of: a message, and perhaps one of its segments, which is meant by paths with its ID that name no other.
#[derive(Clone, Copy)]
pub(super) struct Scope<'s> {
    pub(super) message: &'s Message<'s>,
    pub(super) here: Option<Segment<'s>>,
}

impl<'s> Scope<'s> {
    fn values(self, path: &Path) -> impl Iterator<Item = Value<'s>> + use<'s> {
        let is_here =
            |here: &Segment<'_>| path.occurrence() == Occurrence::First && here.id() == path.segment_id();
        let (here, path) = (self.here.filter(is_here), *path);
        let elsewhere = here.is_none().then(|| self.message.get_all(&path)).into_iter().flatten();
        let field = here.and_then(|segment| segment.field(path.field()?.into()));
        field.into_iter().flat_map(move |field| in_field(field, path)).chain(elsewhere)
    }
}

impl Clause {
    pub(super) fn holds(&self, scope: Scope<'_>) -> bool {
        match self {
            Self::Any(clauses) => clauses.iter().any(|clause| clause.holds(scope)),
            Self::All(clauses) => clauses.iter().all(|clause| clause.holds(scope)),
            Self::Not(inner) => !inner.holds(scope),
            Self::Present(path) => is_present(scope, path),
            Self::Compare(path, comparison, argument) => match comparison {
                Comparison::Equal => equals(scope, path, argument),
                Comparison::NotEqual => differs(scope, path, argument),
                Comparison::Ordered(order) => is_ordered(scope, path, *order, argument),
            },
            Self::In(path, list) => is_in(scope, path, list),
            Self::Matches(path, pattern) => fits(scope, path, pattern),
        }
    }
}

/// Whether anything but delimiters stands at `path`; for a path that names a segment, whether there is one.
fn is_present(scope: Scope<'_>, path: &Path) -> bool {
    let Some(field) = path.field() else { return has_segment(scope, path) };
    // MSH-1 and MSH-2 are the delimiters and hold nothing else.
    let of_delimiters = field <= 2 && matches!(path.segment_id(), "MSH" | "FHS" | "BHS");
    let d = scope.message.delimiters();
    let says_something = |raw: &str| d.leave_something(raw) || (of_delimiters && !raw.is_empty());
    scope.values(path).any(|value| says_something(value.raw()))
}

fn has_segment(scope: Scope<'_>, path: &Path) -> bool {
    let before = match path.occurrence() {
        Occurrence::Nth(n) => n as usize - 1,
        Occurrence::First | Occurrence::All => 0,
    };
    scope.message.segments(path.segment_id()).nth(before).is_some()
}

/// The texts at `path`, in order. What is empty counts as absent.
fn texts<'s>(scope: Scope<'s>, path: &Path) -> impl Iterator<Item = Cow<'s, str>> {
    scope.values(path).map(|value| value.text()).filter(|text| !text.is_empty())
}

/// The texts of an argument; the empty text is an absent one.
fn argument_texts<'s>(scope: Scope<'s>, argument: &'s Argument) -> impl Iterator<Item = Cow<'s, str>> {
    let constant = argument.text().filter(|text| !text.is_empty()).map(Cow::Borrowed);
    let read = argument.path().map(|path| texts(scope, path));
    constant.into_iter().chain(read.into_iter().flatten())
}

/// Whether a text of the one side is a text of the other, or both have none.
fn equals(scope: Scope<'_>, path: &Path, argument: &Argument) -> bool {
    let mut left = texts(scope, path);
    match argument {
        Argument::Text(text) if text.is_empty() => left.next().is_none(),
        Argument::Text(text) => left.any(|found| *found == **text),
        Argument::Path(other) => {
            let right: HashSet<_> = texts(scope, other).collect();
            let mut left = left.peekable();
            if left.peek().is_none() { right.is_empty() } else { left.any(|text| right.contains(&text)) }
        }
    }
}

/// Whether a text of the one side is not a text of the other, or only one side has any. That is so unless all are the same.
fn differs(scope: Scope<'_>, path: &Path, argument: &Argument) -> bool {
    let mut left = texts(scope, path);
    let mut right = argument_texts(scope, argument);
    match (left.next(), right.next()) {
        (None, None) => false,
        (Some(a), Some(b)) => a != b || left.any(|text| text != a) || right.any(|text| text != a),
        _ => true,
    }
}

fn is_in(scope: Scope<'_>, path: &Path, list: &[Argument]) -> bool {
    let is_constant = |item: &&Argument| item.text().is_some_and(|text| !text.is_empty());
    // The constants in one go over the places.
    texts(scope, path).any(|text| list.iter().any(|item| item.text() == Some(&*text)))
        || list.iter().filter(|item| !is_constant(item)).any(|item| equals(scope, path, item))
}

fn fits(scope: Scope<'_>, path: &Path, pattern: &Pattern) -> bool {
    texts(scope, path).any(|text| !is_null(&text) && pattern.fits(&text))
}

fn is_ordered(scope: Scope<'_>, path: &Path, order: Order, argument: &Argument) -> bool {
    let right: Vec<_> = argument_texts(scope, argument).collect();
    let bounds = Bounds::of(&right, order);
    texts(scope, path).any(|text| !is_null(&text) && bounds.hold(&text))
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
