//! ERR, which changed at 2.5 (HL7 2.4, chapter 2, section 2.16.5; HL7 2.5.1, chapter 2, section 2.15.5).

use super::code::ErrorCode;
use super::form::Form;
use super::line::{Field, Line};
use crate::message::{self, Message};
use crate::path::{Occurrence, Path, RepetitionIndex};

/// An error to report.
#[derive(Clone)]
pub(super) struct Fault {
    pub(super) code: ErrorCode,
    pub(super) at: Option<Path>,
    /// The code of table 0516, where the code of the acknowledgment does not tell it.
    pub(super) severity: Option<&'static str>,
    /// For users.
    pub(super) text: Option<String>,
    /// For those who look for the cause.
    pub(super) diagnostics: Option<String>,
}

impl Fault {
    pub(super) fn new(code: ErrorCode) -> Self {
        Self { code, at: None, severity: None, text: None, diagnostics: None }
    }
}

/// The ERR segments.
pub(super) fn lines(faults: &[Fault], form: &Form<'_>) -> Vec<Line> {
    let line = |fields: Vec<String>| Line::new("ERR", fields.into_iter().map(Field::Made).collect(), 0, form);
    if faults.is_empty() {
        return Vec::new();
    }
    if form.version.is_at_least(2, 5, 0) {
        return faults.iter().map(|fault| line(since_2_5(fault, form))).collect();
    }
    let all: Vec<String> = faults.iter().map(|fault| before_2_5(fault, form)).collect();
    let all = match (form.delimiters.repetition(), all.into_iter()) {
        (Some(separator), all) => all.collect::<Vec<_>>().join(&separator.to_string()),
        (None, mut all) => all.next().unwrap_or_default(),
    };
    vec![line(vec![all])]
}

/// Code, text and table, as far as there is something to separate them.
pub(super) fn coded(code: ErrorCode, separator: Option<char>) -> String {
    match separator {
        Some(s) => format!("{}{s}{}{s}HL70357", code.number(), code.text()),
        None => code.number().to_owned(),
    }
}

/// ERR-1 to ERR-8: location in ERR-2, code in ERR-3, severity in ERR-4, diagnostics in ERR-7, the text for users in ERR-8.
fn since_2_5(fault: &Fault, form: &Form<'_>) -> Vec<String> {
    let component = form.delimiters.component();
    let severity = match fault.code {
        ErrorCode::MessageAccepted => "I",
        _ if fault.severity.is_some() => fault.severity.unwrap_or_default(),
        _ if form.code.is_positive() => "W",
        _ => "E",
    };
    let mut place = fault.at.map_or_else(Vec::new, |path| location(&path, form.message));
    let filled = place.iter().rposition(|part| !part.is_empty()).map_or(0, |last| last + 1);
    place.truncate(filled);
    let mut fields = vec![String::new(), place.join(&component.unwrap_or(' ').to_string())];
    fields.extend([coded(fault.code, component), severity.to_owned()]);
    fields.extend([const { String::new() }; 2]);
    let texts = [&fault.diagnostics, &fault.text];
    fields.extend(texts.map(|text| text.as_deref().map_or_else(String::new, |text| form.words(text))));
    fields
}

/// One repetition of ERR-1: segment, its number, field and code.
fn before_2_5(fault: &Fault, form: &Form<'_>) -> String {
    let c = form.delimiters.component().unwrap_or(' ');
    let mut place = fault.at.map_or_else(Vec::new, |path| location(&path, form.message));
    place.resize(3, String::new());
    let code = match (form.version.is_at_least(2, 2, 0), form.delimiters.subcomponent(), &fault.text) {
        // The code became a coded element (CE) with 2.2.
        (false, ..) | (true, None, _) => fault.code.number().to_owned(),
        (true, separator, None) => coded(fault.code, separator),
        (true, Some(s), Some(text)) => format!("{}{s}{s}{}", coded(fault.code, Some(s)), form.words(text)),
    };
    format!("{}{c}{code}", place.join(&c.to_string()))
}

/// Segment ID, its number, field, repetition, component, subcomponent; empty where the path names all or none.
fn location(path: &Path, message: &Message<'_>) -> Vec<String> {
    let shown = |number: Option<usize>| number.map_or_else(String::new, |n| n.to_string());
    let number = match path.occurrence() {
        Occurrence::First => Some(1),
        Occurrence::Nth(n) => Some(n as usize),
        Occurrence::All => None,
    };
    let repetition = match path.repetition() {
        RepetitionIndex::Unstated => path.component().map(|_| 1),
        RepetitionIndex::Nth(n) => Some(n as usize),
        RepetitionIndex::All => None,
        RepetitionIndex::Where(_) => matching(path, number.unwrap_or(1), message),
    };
    let inner = [
        path.field().map(usize::from),
        repetition,
        path.component().map(usize::from),
        path.subcomponent().map(usize::from),
    ];
    let mut parts = vec![path.segment_id().to_owned(), shown(number)];
    parts.extend(inner.map(shown));
    parts
}

/// The first repetition that the path's filter matches, in its `n`-th segment.
fn matching(path: &Path, n: usize, message: &Message<'_>) -> Option<usize> {
    let RepetitionIndex::Where(filter) = path.repetition() else { return None };
    let segment = message.segments(path.segment_id()).nth(n - 1)?;
    let mut repetitions = segment.field(usize::from(path.field()?))?.repetitions();
    repetitions.position(|repetition| message::matches(repetition, &filter)).map(|index| index + 1)
}
