//! Expressions and conditions: `.a ?? .b | table sex`, `.use == "home" and not .old`.

mod parse;
mod token;

use std::ops::Range;

use hl7_core::Path;

pub(crate) use parse::{condition, json_path, pipeline};
pub(crate) use token::starts_with_path;

/// What the paths of an expression name.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Reads {
    #[default]
    Json,
    /// A message; paths of JSON name parts of a loop's item there.
    Message,
}

/// A choice and the calls that take its result, one after the other.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Pipeline {
    pub(crate) choice: Vec<Primary>,
    pub(crate) calls: Vec<Call>,
}

/// `table sex`: a function and its arguments.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Call {
    pub(crate) name: String,
    pub(crate) at: Range<usize>,
    pub(crate) arguments: Vec<Primary>,
}

/// A single operand and where it stands, in bytes of the expression.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Primary {
    pub(crate) kind: PrimaryKind,
    pub(crate) at: Range<usize>,
}

#[derive(Clone, PartialEq, Debug)]
pub(crate) enum PrimaryKind {
    Path(JsonPath),
    /// A path of the message that is read; a segment alone asks for its presence.
    Message(Path),
    Variable(String),
    Text(String),
    Number(String),
    Word(String),
    Group(Box<Pipeline>),
}

/// `.patient.phones[0].number`
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct JsonPath {
    pub(crate) from: Origin,
    pub(crate) steps: Vec<Step>,
    /// As written, for people.
    pub(crate) text: String,
}

/// Where a path starts.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Origin {
    /// So many items above the current one: 0 is `.`, 1 is `^.`.
    Above(usize),
    Root,
    /// From the top of the payload too, where what it names is kept under this number.
    Kept(usize),
}

#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Step {
    Name(String),
    Index(usize),
}

#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Condition {
    Any(Vec<Condition>),
    All(Vec<Condition>),
    Not(Box<Condition>),
    Present(Pipeline),
    Compare(Pipeline, Comparison, Primary),
    In(Pipeline, Vec<Primary>),
    /// The regular expression and where it stands.
    Matches(Pipeline, String, Range<usize>),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// Why a text is not an expression, and where, in bytes of it.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct ExprFault {
    pub(crate) code: &'static str,
    pub(crate) at: Range<usize>,
    pub(crate) message: &'static str,
}

/// Whether a scalar is a pipeline by its first character.
pub(crate) fn starts_pipeline(text: &str) -> bool {
    text.starts_with(['.', '^', '$', '('])
}
