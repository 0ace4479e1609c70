//! What a path is compared with: another path, a text, a list's items, a regular expression.

use regex_lite::{Regex, RegexBuilder};

use crate::path::Path;

/// The largest compiled regular expression, in bytes: some 700 steps, which bounds what a character of a value costs.
const MAX_PATTERN: usize = 32 * 1024;

#[derive(Clone, PartialEq, Eq)]
pub(super) enum Argument {
    Path(Path),
    Text(Box<str>),
}

/// A regular expression for a whole text.
#[derive(Clone)]
pub(super) struct Pattern {
    text: Box<str>,
    whole: Regex,
}

impl Argument {
    pub(super) fn path(&self) -> Option<&Path> {
        match self {
            Self::Path(path) => Some(path),
            Self::Text(_) => None,
        }
    }

    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Path(_) => None,
            Self::Text(text) => Some(text),
        }
    }
}

impl Pattern {
    /// Compiles `text`, for itself first, so that no parenthesis or comment in it reaches into what is put around it.
    pub(super) fn new(text: &str) -> Result<Self, regex_lite::Error> {
        compile(text)?;
        let whole = compile(&format!(r"\A(?:{text})\z"))?;
        Ok(Self { text: text.into(), whole })
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn fits(&self, text: &str) -> bool {
        self.whole.is_match(text)
    }
}

fn compile(text: &str) -> Result<Regex, regex_lite::Error> {
    RegexBuilder::new(text).size_limit(MAX_PATTERN).build()
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Pattern {}
