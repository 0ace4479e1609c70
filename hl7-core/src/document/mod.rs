//! Files that people write, as trees in which everything knows its place: for mappings and profiles.

// A file may hold a message as its test: a tree shows nothing of itself.
#![allow(missing_debug_implementations)]

mod place;
mod shown;
mod suggest;
mod yaml;

pub use place::{Place, lines};
pub use shown::{harmless, obeyed};
pub use suggest::{did_you_mean, named, nearest};
pub use yaml::{Entry, Key, MAX_BYTES, Node, Scalar, Style, Tree, read, shortened};

/// What is wrong with a file as YAML.
#[derive(Clone, Debug)]
pub struct Fault {
    pub kind: FaultKind,
    pub place: Place,
    pub message: String,
    pub suggestion: Option<String>,
}

/// The kinds of [`Fault`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FaultKind {
    /// It is not YAML.
    Syntax,
    /// It is longer, deeper or has more values than it may.
    TooLarge,
    /// A key stands twice.
    Twice,
    /// A part of YAML that is not used: tags, merge keys.
    Unused,
    /// More than one document.
    SecondDocument,
}

impl Fault {
    fn new(kind: FaultKind, place: Place, message: impl Into<String>) -> Self {
        Self { kind, place, message: message.into(), suggestion: None }
    }

    fn suggest(self, suggestion: impl Into<String>) -> Self {
        self.suggest_maybe(Some(suggestion.into()))
    }

    fn suggest_maybe(mut self, suggestion: Option<String>) -> Self {
        self.suggestion = suggestion;
        self
    }
}
