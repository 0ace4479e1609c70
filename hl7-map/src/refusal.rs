//! Why a payload gave no message: every reason at once, and never with a value of the payload.

use std::borrow::Cow;
use std::fmt;

use crate::json::JsonFault;
use crate::value::{Fault, Parts};
use hl7_core::document::harmless;

/// Why a mapping made no message of a payload.
#[derive(Clone, PartialEq, Eq)]
pub struct ApplyError {
    kind: ApplyErrorKind,
    refusals: Vec<Refusal>,
    /// So many more are not listed.
    unlisted: usize,
    place: Option<JsonPlace>,
    code: &'static str,
    message: Cow<'static, str>,
}

/// The kinds of [`ApplyError`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum ApplyErrorKind {
    /// The payload is not JSON: `M301` to `M310`. The sender is at fault.
    Json,
    /// The mapping reads something else: `M200`. The program that calls it is at fault.
    Direction,
    /// What comes in does not give what the mapping asks for: `M201` to `M208`, `M213` to `M224`. The sender or the mapping is at fault.
    Refused,
    /// The payload, a loop or the message goes beyond a limit: `M209` to `M212`.
    Limit,
    /// What was made is not one message: `M299`.
    Output,
}

/// Where in a payload its JSON breaks.
#[derive(Clone, Copy, PartialEq, Eq)]
struct JsonPlace {
    offset: usize,
    line: usize,
    column: usize,
}

impl ApplyError {
    pub(crate) fn of_json(fault: JsonFault, payload: &[u8]) -> Self {
        let (code, message) = fault.kind.parts();
        let before = payload.get(..fault.offset).unwrap_or(payload);
        let line_start = before.iter().rposition(|&b| b == b'\n').map_or(0, |at| at + 1);
        let in_line = before.get(line_start..).unwrap_or_default();
        // Bytes that begin a character.
        let column = 1 + in_line.iter().filter(|&&b| b & 0xC0 != 0x80).count();
        let line = 1 + before.iter().filter(|&&b| b == b'\n').count();
        let place = Some(JsonPlace { offset: fault.offset, line, column });
        Self {
            kind: ApplyErrorKind::Json,
            refusals: Vec::new(),
            unlisted: 0,
            place,
            code,
            message: Cow::Borrowed(message),
        }
    }

    /// There is one refusal at least; `unlisted` more are not among them.
    pub(crate) fn of_refusals(refusals: Vec<Refusal>, unlisted: usize) -> Self {
        let code = refusals.first().map_or("M299", |first| first.code);
        let limited =
            refusals.iter().any(|refusal| matches!(refusal.code, "M209" | "M210" | "M211" | "M212"));
        let kind = if limited { ApplyErrorKind::Limit } else { ApplyErrorKind::Refused };
        let message = Cow::Borrowed("the payload is refused");
        Self { kind, refusals, unlisted, place: None, code, message }
    }

    /// M200.
    pub(crate) fn of_direction(why: &'static str) -> Self {
        let message = Cow::Borrowed(why);
        let (kind, refusals) = (ApplyErrorKind::Direction, Vec::new());
        Self { kind, refusals, unlisted: 0, place: None, code: "M200", message }
    }

    pub(crate) fn of_output(why: &'static str) -> Self {
        let message = Cow::Borrowed(why);
        let (kind, refusals) = (ApplyErrorKind::Output, Vec::new());
        Self { kind, refusals, unlisted: 0, place: None, code: "M299", message }
    }

    /// What is wrong.
    pub fn kind(&self) -> ApplyErrorKind {
        self.kind
    }

    /// The stable code; of several refusals that of the first.
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// The refusals, in the order of the message: all of them, or the first 100. None when the payload is not JSON.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Refusal> {
        self.refusals.iter()
    }

    /// How many refusals there are beyond those that [`iter`](Self::iter) gives.
    pub fn unlisted(&self) -> usize {
        self.unlisted
    }

    /// The byte of the payload, from 0, at which its JSON breaks.
    pub fn offset(&self) -> Option<usize> {
        self.place.map(|place| place.offset)
    }

    /// The line of the payload, from 1, at which its JSON breaks.
    pub fn line(&self) -> Option<usize> {
        self.place.map(|place| place.line)
    }

    /// The column of that line, from 1, in characters.
    pub fn column(&self) -> Option<usize> {
        self.place.map(|place| place.column)
    }
}

impl fmt::Display for ApplyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.refusals.as_slice(), self.place) {
            ([], None) => write!(f, "{}: {}", self.code, self.message),
            ([], Some(at)) => {
                write!(f, "{}: {} (line {}, column {})", self.code, self.message, at.line, at.column)
            }
            ([one], _) => write!(f, "{one}"),
            ([first, rest @ ..], _) => write!(f, "{first} (and {} more)", rest.len() + self.unlisted),
        }
    }
}

impl fmt::Debug for ApplyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApplyError")
            .field("kind", &self.kind)
            .field("code", &self.code)
            .field("refusals", &self.refusals)
            .field("unlisted", &self.unlisted)
            .field("offset", &self.offset())
            .finish()
    }
}

impl std::error::Error for ApplyError {}

/// One reason why a payload is refused: the place in the message, the path in the payload, the rule. Never a value.
#[derive(Clone, PartialEq, Eq)]
pub struct Refusal {
    code: &'static str,
    path: Option<String>,
    source: Option<String>,
    line: usize,
    message: Cow<'static, str>,
    suggestion: Option<Cow<'static, str>>,
}

impl Refusal {
    pub(crate) fn new(fault: Fault, path: Option<String>, source: Option<String>, line: usize) -> Self {
        let source = source.map(|source| harmless(&source).into_owned());
        let Parts { code, message, suggestion } = fault.into_parts();
        Self { code, path, source, line, message, suggestion }
    }

    /// The stable code, `M201` to `M224`.
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// The place in the message, such as `PID-8`; in a loop with the repetition or the segment that it would have been, counted from 1:
    /// `PID-3[2].5`, `NTE[4]-3`.
    pub fn path(&self) -> Option<&str> {
        self.path.as_deref()
    }

    /// The path in the payload from its top on, such as `.patient.gender`; in a loop with the index of the item, counted from 0:
    /// `.ids[1].value`. Of a message the path as the file has it, such as `PID-8`.
    pub fn source(&self) -> Option<&str> {
        self.source.as_deref()
    }

    /// The line of the rule in the mapping file, from 1.
    pub fn line(&self) -> usize {
        self.line
    }

    /// What is wrong.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What to do about it.
    pub fn suggestion(&self) -> Option<&str> {
        self.suggestion.as_deref()
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.code)?;
        if let Some(path) = &self.path {
            write!(f, "{path}")?;
        }
        if let Some(source) = &self.source {
            write!(f, "{}{source}", if self.path.is_some() { " from " } else { "" })?;
        }
        let separator = if self.path.is_some() || self.source.is_some() { ": " } else { "" };
        write!(f, "{separator}{} (line {} of the mapping)", self.message, self.line)
    }
}

impl fmt::Debug for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Refusal({self})")
    }
}
