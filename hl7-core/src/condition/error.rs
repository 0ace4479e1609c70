//! Why a text is not a condition.

use std::fmt;

use crate::path::PathError;

/// Why a text is not a condition: a kind, the byte at which it shows, and for a path or a regular expression the cause. It does not repeat the text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConditionError {
    kind: ConditionErrorKind,
    offset: usize,
    cause: Option<Cause>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Cause {
    Path(PathError),
    Pattern(regex_lite::Error),
}

/// The kinds of [`ConditionError`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum ConditionErrorKind {
    /// K001: nothing, or only blanks.
    Empty,
    /// K002: longer than 4,096 bytes, as given or as shown.
    TooLong,
    /// K003: parentheses lie more than 32 deep in each other.
    TooDeep,
    /// K004: a path belongs here, and this is none.
    Path,
    /// K005: a segment is compared; only fields and their parts are.
    Segment,
    /// K006: a comparison sign that does not exist, such as `=`.
    Operator,
    /// K007: something to compare with is missing.
    Argument,
    /// K008: a string is not closed, or not one of JSON.
    Text,
    /// K009: a character that stands in quotes only.
    Character,
    /// K010: the list of `in` is missing, empty or not closed.
    List,
    /// K011: `matches` takes a regular expression, and this is none, or too large a one.
    Pattern,
    /// K012: a parenthesis is not closed, or closes nothing.
    Parenthesis,
    /// K013: something follows where the condition should end.
    Trailing,
}

impl ConditionError {
    pub(super) fn new(kind: ConditionErrorKind, offset: usize) -> Self {
        Self { kind, offset, cause: None }
    }

    /// The text from byte `start` on is not a path.
    pub(super) fn path(why: PathError, start: usize) -> Self {
        let why = why.behind(start);
        Self { kind: ConditionErrorKind::Path, offset: why.offset(), cause: Some(Cause::Path(why)) }
    }

    /// The string at byte `start` is not a regular expression.
    pub(super) fn pattern(why: regex_lite::Error, start: usize) -> Self {
        Self { kind: ConditionErrorKind::Pattern, offset: start, cause: Some(Cause::Pattern(why)) }
    }

    /// What is wrong.
    pub fn kind(&self) -> ConditionErrorKind {
        self.kind
    }

    /// The byte of the text, from 0.
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// The stable code, `K001` to `K013`.
    pub fn code(&self) -> &'static str {
        self.parts().0
    }

    /// What to do about it.
    pub fn suggestion(&self) -> &'static str {
        self.parts().2
    }

    fn parts(&self) -> (&'static str, &'static str, &'static str) {
        use ConditionErrorKind as K;
        match self.kind {
            K::Empty => ("K001", "the condition is empty", "write one such as MSH-9.1 == ADT"),
            K::TooLong => ("K002", "the condition is longer than 4,096 bytes", "divide it into several"),
            K::TooDeep => ("K003", "parentheses lie more than 32 deep in each other", "divide the condition"),
            K::Path => {
                ("K004", "this is not a path", "write a path such as PID-3.1; a text stands in quotes")
            }
            K::Segment => (
                "K005",
                "a segment is not compared",
                "name a field of it; a segment ID alone asks if it is there",
            ),
            K::Operator => ("K006", "there is no such comparison", "the comparisons are == != < <= > >="),
            K::Argument => (
                "K007",
                "something to compare with is missing",
                "write a word, a \"text\", a number or a path",
            ),
            K::Text => {
                ("K008", "this is not a JSON string", "close it with \", and write \\\" and \\\\ inside it")
            }
            K::Character => (
                "K009",
                "a character that stands in quotes only",
                "separate the items of a list by blanks, and put other texts in double quotes",
            ),
            K::List => ("K010", "a list is missing, empty or not closed", "write it as (A B C)"),
            K::Pattern => {
                ("K011", "this is not a regular expression", "write one in quotes, such as \"[0-9]{1,5}\"")
            }
            K::Parenthesis => ("K012", "a parenthesis lacks its other one", "close each ( by a )"),
            K::Trailing => (
                "K013",
                "this does not belong behind a condition",
                "behind a path stands a comparison, `in` or `matches`; between two conditions `and` or `or`",
            ),
        }
    }
}

impl fmt::Display for ConditionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (code, what, suggestion) = self.parts();
        write!(f, "{code}: {what} (column {})", self.offset + 1)?;
        match &self.cause {
            Some(Cause::Path(why)) => write!(f, ": {why}; {suggestion}"),
            Some(Cause::Pattern(why)) => write!(f, ": {why}"),
            None => write!(f, "; {suggestion}"),
        }
    }
}

impl std::error::Error for ConditionError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.cause {
            Some(Cause::Path(why)) => Some(why),
            Some(Cause::Pattern(why)) => Some(why),
            None => None,
        }
    }
}
