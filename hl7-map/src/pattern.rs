//! `matches`: a regular expression for a whole text, in linear time.

use regex_lite::{Error, Regex, RegexBuilder};

/// The largest compiled regular expression, in bytes: some 700 steps, which bounds what a character of a value costs.
const MAX_BYTES: usize = 32 * 1024;

/// So much of a compiled regular expression is looked at in one step.
const BYTES_A_STEP: usize = 1024;

/// A regular expression that has to fit a text from its first character to its last.
pub(crate) struct Pattern {
    whole: Regex,
    /// How many steps a character of a text may take: the larger the expression, the more of it is looked at for each.
    steps: usize,
}

impl Pattern {
    /// Compiles `text`, for itself first, so that no parenthesis in it reaches into what is put around it.
    pub(crate) fn new(text: &str) -> Result<Self, Error> {
        compile(text, MAX_BYTES)?;
        let whole = format!(r"\A(?:{text})\z");
        let mut bytes = BYTES_A_STEP;
        while bytes < MAX_BYTES && compile(&whole, bytes).is_err() {
            bytes *= 2;
        }
        Ok(Self { whole: compile(&whole, MAX_BYTES)?, steps: bytes / BYTES_A_STEP })
    }

    /// How many steps it takes to see whether a text of so many bytes fits.
    pub(crate) fn steps(&self, bytes: usize) -> usize {
        bytes.saturating_mul(self.steps)
    }

    pub(crate) fn fits(&self, text: &str) -> bool {
        self.whole.is_match(text)
    }
}

fn compile(text: &str, bytes: usize) -> Result<Regex, Error> {
    RegexBuilder::new(text).size_limit(bytes).build()
}
