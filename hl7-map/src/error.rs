//! Mistakes in a mapping file: each with a stable code, a place, and what to do about it.

use std::fmt;

use hl7_core::document::{self, Place};
use hl7_core::document::{harmless, obeyed};

/// One mistake in a mapping file, or one warning about it.
///
/// It may quote keys and names of functions of the file, never a value from the file's tests.
#[derive(Clone, PartialEq, Eq)]
pub struct MappingError {
    code: &'static str,
    place: Place,
    message: String,
    suggestion: Option<String>,
    warning: bool,
    shown: Shown,
}

/// How much of its line a mistake may show.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shown {
    Line,
    /// The rest of the line holds data of a test.
    Place,
    /// The place may itself be data of a test, unless it is a key.
    Key,
}

impl MappingError {
    pub(crate) fn new(code: &'static str, place: Place, message: impl Into<String>) -> Self {
        let message = harmless(&message.into()).into_owned();
        Self { code, place, message, suggestion: None, warning: false, shown: Shown::Line }
    }

    pub(crate) fn suggest(mut self, suggestion: impl Into<String>) -> Self {
        self.suggestion = Some(harmless(&suggestion.into()).into_owned());
        self
    }

    pub(crate) fn suggest_maybe(self, suggestion: Option<String>) -> Self {
        match suggestion {
            Some(suggestion) => self.suggest(suggestion),
            None => self,
        }
    }

    pub(crate) fn into_warning(mut self) -> Self {
        self.warning = true;
        self
    }

    /// The mistake is in a test.
    pub(crate) fn into_private(mut self) -> Self {
        self.shown = Shown::Key;
        self
    }

    /// Data of a test stands on the same line.
    pub(crate) fn hide_line(&mut self) {
        if self.shown == Shown::Line {
            self.shown = Shown::Place;
        }
    }

    /// The stable code: `M0xx` for the form of the file, `M1xx` for what it says.
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

    /// Whether the file loads all the same.
    pub fn is_warning(&self) -> bool {
        self.warning
    }

    /// Appends the mistake with its line of the file and a caret under the place.
    fn render_into(&self, out: &mut String, file_name: &str, source: Option<&str>) {
        let Place { line, column, .. } = self.place;
        let severity = if self.warning { "warning" } else { "error" };
        out.push_str(&format!(
            "{severity}[{}]: {}\n  --> {}:{line}:{column}\n",
            self.code,
            self.message,
            harmless(file_name)
        ));
        if let Some(source) = source {
            let (shown, caret) = self.underlined(source);
            let gutter = line.to_string();
            out.push_str(&format!("{gutter} | {shown}\n{} | {caret}", " ".repeat(gutter.len())));
        } else if self.suggestion.is_some() {
            out.push_str("  =");
        }
        match &self.suggestion {
            Some(suggestion) => out.push_str(&format!(" {suggestion}\n")),
            None => out.push('\n'),
        }
    }

    /// The line of the file and the line of carets below it. Tabs become a space, so that the carets stand right; a long line is cut to a
    /// window around the place.
    fn underlined(&self, source: &str) -> (String, String) {
        const WIDEST: usize = 160;
        let start = self.place.column.saturating_sub(1);
        let first = start.saturating_sub(WIDEST / 2);
        let width = self.place.width.clamp(1, WIDEST / 2);
        let shown: String = source
            .chars()
            .enumerate()
            .skip(first)
            .take(WIDEST)
            .map(|(at, c)| self.shown(at, c, start..start + width))
            .collect();
        (shown.trim_end().to_owned(), format!("{}{}", " ".repeat(start - first), "^".repeat(width)))
    }

    fn may_show(&self, in_place: bool) -> bool {
        match self.shown {
            Shown::Line => true,
            Shown::Place => in_place,
            Shown::Key => in_place && self.place.is_key,
        }
    }

    fn shown(&self, at: usize, c: char, place: std::ops::Range<usize>) -> char {
        match c {
            c if c.is_whitespace() => ' ',
            c if obeyed(c) => char::REPLACEMENT_CHARACTER,
            _ if !self.may_show(place.contains(&at)) => '.',
            c => c,
        }
    }
}

impl fmt::Display for MappingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place { line, column, .. } = self.place;
        write!(f, "{}: line {line}, column {column}: {}", self.code, self.message)?;
        match &self.suggestion {
            Some(suggestion) => write!(f, "; {suggestion}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for MappingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MappingError({self})")
    }
}

impl std::error::Error for MappingError {}

/// The most mistakes that are told of one file.
const MOST: usize = 1_000;

/// Every mistake of a mapping file, in the order of their places; of more than 1,000 the first.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct MappingErrors {
    list: Vec<MappingError>,
}

impl MappingErrors {
    pub(crate) fn new(mut list: Vec<MappingError>) -> Self {
        list.sort_by_key(|error| (error.place, error.code));
        list.truncate(MOST);
        Self { list }
    }

    /// The mistakes, by line and column.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &MappingError> {
        self.list.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// All of them for people: each with its code, the line of the file, and a caret under the place.
    ///
    /// `file_name` is what the file is called, `text` the text the mapping was loaded from. Of a line that holds data of a test only the
    /// place itself is shown.
    ///
    /// ```
    /// let text = "map: m\nfrom: json\nto: { hl7: \"2.5.1\", message: ADT^A08 }\nemit:\n  PID: { 8: .sex | uper }\n";
    /// let errors = hl7_map::Mapping::from_yaml(text).unwrap_err();
    /// assert_eq!(errors.render("m.yaml", text), "\
    /// error[M102]: there is no function `uper`
    ///   --> m.yaml:5:20
    /// 5 |   PID: { 8: .sex | uper }
    ///   |                    ^^^^ did you mean `upper`?
    /// ");
    /// ```
    pub fn render(&self, file_name: &str, text: &str) -> String {
        let mut out = String::new();
        let lines: Vec<&str> = document::lines(text).collect();
        for (index, error) in self.list.iter().enumerate() {
            if index > 0 {
                out.push('\n');
            }
            error.render_into(&mut out, file_name, lines.get(error.line().saturating_sub(1)).copied());
        }
        out
    }
}

impl fmt::Display for MappingErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.list.as_slice() {
            [] => f.write_str("no mistakes"),
            [one] => write!(f, "{one}"),
            [first, rest @ ..] => write!(f, "{first} (and {} more)", rest.len()),
        }
    }
}

impl fmt::Debug for MappingErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.list).finish()
    }
}

impl std::error::Error for MappingErrors {}
