//! What is wrong with a profile.

use std::fmt;

use crate::document::{Fault, FaultKind, Place, harmless, lines};

/// One mistake in a profile: a stable code, a place, and what to do about it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProfileError {
    code: &'static str,
    place: Place,
    message: String,
    suggestion: Option<String>,
}

impl ProfileError {
    pub(super) fn new(code: &'static str, place: Place, message: impl Into<String>) -> Self {
        let message = harmless(&message.into()).into_owned();
        Self { code, place, message, suggestion: None }
    }

    pub(super) fn suggest(mut self, suggestion: Option<String>) -> Self {
        self.suggestion = suggestion.map(|text| harmless(&text).into_owned());
        self
    }

    pub(super) fn of_fault(fault: Fault) -> Self {
        let code = match fault.kind {
            FaultKind::Syntax => "R001",
            FaultKind::TooLarge => "R002",
            FaultKind::Twice => "R003",
            FaultKind::Unused | FaultKind::SecondDocument => "R004",
        };
        Self::new(code, fault.place, fault.message).suggest(fault.suggestion)
    }

    /// The stable code, `R001` to `R022`; the table in [`crate::profile`] says what each is.
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// The line, from 1.
    pub fn line(&self) -> usize {
        self.place.line
    }

    /// The column, from 1, in characters.
    pub fn column(&self) -> usize {
        self.place.column
    }

    /// What is wrong.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What is probably meant, or what to do.
    pub fn suggestion(&self) -> Option<&str> {
        self.suggestion.as_deref()
    }
}

impl fmt::Display for ProfileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place { line, column, .. } = self.place;
        write!(f, "{}: line {line}, column {column}: {}", self.code, self.message)?;
        match &self.suggestion {
            Some(suggestion) => write!(f, "; {suggestion}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for ProfileError {}

/// The most mistakes that are told of one file.
const MOST: usize = 1_000;

/// Every mistake of a profile, in the order of their places; of more than 1,000 the first.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProfileErrors {
    list: Vec<ProfileError>,
}

impl ProfileErrors {
    pub(super) fn new(mut list: Vec<ProfileError>) -> Self {
        list.sort_by_key(|error| (error.place, error.code));
        list.truncate(MOST);
        Self { list }
    }

    /// The mistakes, by line and column. There is at least one.
    pub fn iter(&self) -> std::slice::Iter<'_, ProfileError> {
        self.list.iter()
    }

    /// All of them with their lines of the file and carets under the places, as a terminal shows them.
    pub fn render(&self, file_name: &str, text: &str) -> String {
        const WIDEST: usize = 160;
        let lines: Vec<&str> = lines(text).collect();
        let mut shown = String::new();
        for error in &self.list {
            let Place { line, column, width, .. } = error.place;
            let file_name = harmless(file_name);
            shown +=
                &format!("error[{}]: {}\n  --> {file_name}:{line}:{column}\n", error.code, error.message);
            // Of a long line what stands around the place.
            let first = (column + width).saturating_sub(WIDEST).min(column.saturating_sub(1));
            let source: String =
                lines.get(line - 1).unwrap_or(&"").chars().skip(first).take(WIDEST).collect();
            let (gutter, before) = (line.to_string(), " ".repeat(column.saturating_sub(1 + first)));
            let carets = "^".repeat(width.clamp(1, WIDEST));
            let suggestion = error.suggestion.as_ref().map_or(String::new(), |text| format!(" {text}"));
            shown += &format!("{gutter} | {}\n", harmless(&source.replace('\t', " ")));
            shown += &format!("{} | {before}{carets}{suggestion}\n", " ".repeat(gutter.len()));
        }
        shown
    }
}

impl fmt::Display for ProfileErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, error) in self.list.iter().enumerate() {
            if at > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ProfileErrors {}
