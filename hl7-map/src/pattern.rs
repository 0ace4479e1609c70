//! `matches`: a regular expression for a whole text, in linear time.

use regex_lite::{Error, Regex, RegexBuilder};

/// The largest compiled regular expression, in bytes: some 700 steps, which bounds what a character of a value costs.
const MAX_BYTES: usize = 32 * 1024;

/// A regular expression that has to fit a text from its first character to its last.
pub(crate) struct Pattern {
    whole: Regex,
}

impl Pattern {
    /// Compiles `text`, for itself first, so that no parenthesis in it reaches into what is put around it.
    pub(crate) fn new(text: &str) -> Result<Self, Error> {
        compile(text)?;
        Ok(Self { whole: compile(&format!(r"\A(?:{text})\z"))? })
    }

    pub(crate) fn fits(&self, text: &str) -> bool {
        self.whole.is_match(text)
    }
}

fn compile(text: &str) -> Result<Regex, Error> {
    RegexBuilder::new(text).size_limit(MAX_BYTES).build()
}
