//! From a condition to text.

use std::fmt::{self, Write};

use super::argument::Argument;
use super::{Clause, word};
use crate::path::Path;

/// Writes the condition so that it reads back as the same one.
pub(super) fn whole(clause: &Clause, to: &mut dyn Write) -> fmt::Result {
    Shower { to, masked: false }.clause(clause)
}

/// Writes paths, without the text of their filters, and operators; `..` for each constant.
pub(super) fn masked(clause: &Clause, to: &mut dyn Write) -> fmt::Result {
    Shower { to, masked: true }.clause(clause)
}

/// How many bytes [`whole`] writes.
pub(super) fn length(clause: &Clause) -> usize {
    let mut counter = Counter(0);
    // Counting does not fail.
    let _ = whole(clause, &mut counter);
    counter.0
}

struct Counter(usize);

impl Write for Counter {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0 += text.len();
        Ok(())
    }
}

struct Shower<'w> {
    to: &'w mut dyn Write,
    masked: bool,
}

impl Shower<'_> {
    fn clause(&mut self, clause: &Clause) -> fmt::Result {
        match clause {
            Clause::Any(clauses) => self.joined(clauses, " or ", |c| matches!(c, Clause::Any(_))),
            Clause::All(clauses) => {
                self.joined(clauses, " and ", |c| matches!(c, Clause::Any(_) | Clause::All(_)))
            }
            Clause::Not(inner) => {
                self.to.write_str("not ")?;
                self.part(inner, matches!(**inner, Clause::Any(_) | Clause::All(_) | Clause::Not(_)))
            }
            Clause::Present(path) => self.path(path),
            Clause::Compare(path, comparison, argument) => {
                self.path(path)?;
                write!(self.to, " {} ", comparison.sign())?;
                self.argument(argument)
            }
            Clause::In(path, list) => self.list(path, list),
            Clause::Matches(path, pattern) => {
                self.path(path)?;
                self.to.write_str(" matches ")?;
                self.quoted(pattern.text())
            }
        }
    }

    fn joined(
        &mut self,
        clauses: &[Clause],
        between: &str,
        in_parentheses: fn(&Clause) -> bool,
    ) -> fmt::Result {
        for (index, clause) in clauses.iter().enumerate() {
            if index > 0 {
                self.to.write_str(between)?;
            }
            self.part(clause, in_parentheses(clause))?;
        }
        Ok(())
    }

    fn part(&mut self, clause: &Clause, in_parentheses: bool) -> fmt::Result {
        if !in_parentheses {
            return self.clause(clause);
        }
        self.to.write_char('(')?;
        self.clause(clause)?;
        self.to.write_char(')')
    }

    fn list(&mut self, path: &Path, list: &[Argument]) -> fmt::Result {
        self.path(path)?;
        self.to.write_str(" in (")?;
        for (index, item) in list.iter().enumerate() {
            if index > 0 {
                self.to.write_char(' ')?;
            }
            self.argument(item)?;
        }
        self.to.write_char(')')
    }

    fn path(&mut self, path: &Path) -> fmt::Result {
        if self.masked { write!(self.to, "{}", path.without_filter()) } else { write!(self.to, "{path}") }
    }

    fn argument(&mut self, argument: &Argument) -> fmt::Result {
        match argument {
            Argument::Path(path) => self.path(path),
            Argument::Text(text) if !self.masked && word::is_word(text) => self.to.write_str(text),
            Argument::Text(text) => self.quoted(text),
        }
    }

    fn quoted(&mut self, text: &str) -> fmt::Result {
        if self.masked {
            return self.to.write_str("..");
        }
        self.to.write_char('"')?;
        for c in text.chars() {
            self.character(c)?;
        }
        self.to.write_char('"')
    }

    /// One character of a JSON string (RFC 8259, section 7).
    fn character(&mut self, c: char) -> fmt::Result {
        match c {
            '"' => self.to.write_str("\\\""),
            '\\' => self.to.write_str("\\\\"),
            '\n' => self.to.write_str("\\n"),
            '\r' => self.to.write_str("\\r"),
            '\t' => self.to.write_str("\\t"),
            c if c < ' ' => write!(self.to, "\\u{:04x}", u32::from(c)),
            c => self.to.write_char(c),
        }
    }
}
