//! What a mapping did: for each field the rule, what was read, each step, and why there is nothing where there is nothing.

use std::fmt::{self, Write};

use crate::json;
use crate::refusal::ApplyError;
use hl7_core::document::harmless;

/// Where each field of one message, or each member of its JSON, came from.
///
/// Values are kept back until [`Trace::showing_values`] is called: a trace as it is holds places and the words of the mapping file, and may
/// be logged.
pub struct Trace {
    pub(crate) fields: Vec<TracedField>,
    pub(crate) refused: Option<ApplyError>,
    pub(crate) dropped: Option<String>,
}

/// A field or member and where it came from, or why it is not there.
pub struct TracedField {
    pub(crate) place: String,
    pub(crate) line: usize,
    pub(crate) inputs: Vec<TracedInput>,
    pub(crate) steps: Vec<TracedStep>,
    pub(crate) outcome: Outcome,
    pub(crate) value: Hidden,
    /// Why it is there, and not only what it is, is in its inputs.
    pub(crate) settled: bool,
    /// Which items of the loops around it.
    pub(crate) items: Vec<usize>,
}

/// Something of the input that a field depends on.
#[derive(Clone)]
pub struct TracedInput {
    pub(crate) path: String,
    pub(crate) role: Role,
    pub(crate) present: bool,
    pub(crate) value: Hidden,
}

/// What an input is to a field.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Role {
    /// The value is made of it.
    Value,
    /// A `when`, `filter` or `switch` asks for it.
    Condition,
    /// A loop runs over it.
    Loop,
    /// The field is written only with something of this kind beside it.
    Presence,
}

impl Role {
    /// One word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Role::Value => "value",
            Role::Condition => "condition",
            Role::Loop => "loop",
            Role::Presence => "presence",
        }
    }
}

/// A function that was applied, with its name as in the file.
#[derive(Clone)]
pub struct TracedStep {
    pub(crate) name: String,
    pub(crate) value: Hidden,
}

/// What became of a field.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// A rule gave the value.
    Written,
    /// No rule gave a value, and this is what the engine fills in.
    FilledIn,
    /// What the rule reads is missing, null or empty.
    Missing,
    /// A `when` does not hold.
    ConditionFalse,
    /// The item does not pass the `filter`.
    Filtered,
    /// A table or lookup has no entry for the value and drops it.
    TableMiss,
    /// A function left nothing.
    NothingLeft,
    /// Nothing that is read is present beside it, so that the repetition, segment, group or object is left out.
    NothingBeside,
    /// What is there is removed.
    Removed,
    /// The value was refused: see [`Trace::refused`].
    Refused,
}

impl Outcome {
    /// The reason in words.
    pub fn as_str(self) -> &'static str {
        match self {
            Outcome::Written => "written",
            Outcome::FilledIn => "filled in",
            Outcome::Missing => "missing: what is read is missing, null or empty",
            Outcome::ConditionFalse => "condition false: its `when` does not hold",
            Outcome::Filtered => "filtered: the item does not pass its `filter`",
            Outcome::TableMiss => "table miss: there is no entry, and the value is dropped",
            Outcome::NothingLeft => "nothing left: a function gives nothing",
            Outcome::NothingBeside => "nothing beside: no value that is read is present with it",
            Outcome::Removed => "removed",
            Outcome::Refused => "refused",
        }
    }

    /// Whether the field is there.
    pub fn is_there(self) -> bool {
        matches!(self, Outcome::Written | Outcome::FilledIn)
    }
}

/// A value that is shown only when it is asked for.
#[derive(Clone, Default)]
pub(crate) struct Hidden {
    pub(crate) text: Option<String>,
    shown: bool,
}

impl Hidden {
    pub(crate) fn new(text: Option<String>) -> Self {
        Self { text, shown: false }
    }

    fn shown(&self) -> Option<&str> {
        self.text.as_deref().filter(|_| self.shown)
    }

    /// For people: three stars in place of a value.
    fn for_people(&self) -> Option<String> {
        let text = self.text.as_ref()?;
        Some(if self.shown { format!("\"{}\"", harmless(text)) } else { "***".to_owned() })
    }
}

impl Trace {
    /// Every field that a rule of the file is about, in the order in which they were made. A rule in a loop is there once an item; what is left
    /// out as a whole (a segment, a group) is one entry.
    pub fn fields(&self) -> impl ExactSizeIterator<Item = &TracedField> {
        self.fields.iter()
    }

    /// Why the input is refused, where it is.
    pub fn refused(&self) -> Option<&ApplyError> {
        self.refused.as_ref()
    }

    /// Why the message is dropped, where it is (`drop_message`).
    pub fn dropped(&self) -> Option<&str> {
        self.dropped.as_deref()
    }

    /// The same trace with values in it, which may be a patient's.
    pub fn showing_values(mut self) -> Trace {
        for field in &mut self.fields {
            field.value.shown = true;
            field.steps.iter_mut().for_each(|step| step.value.shown = true);
            field.inputs.iter_mut().for_each(|input| input.value.shown = true);
        }
        self
    }

    /// The same trace of one field alone: `PID-5` is also all of its components and repetitions, in all segments, and what left it out with
    /// its segment.
    pub fn of_field(mut self, path: &str) -> Trace {
        self.fields.retain(|field| field.is_at(path));
        self
    }

    /// One line of JSON.
    pub fn to_json(&self) -> String {
        let mut out = String::from("{\"fields\":[");
        for (n, field) in self.fields.iter().enumerate() {
            out.push_str(if n > 0 { "," } else { "" });
            field.push_json(&mut out);
        }
        out.push(']');
        if let Some(reason) = &self.dropped {
            push_member(&mut out, "dropped", reason);
        }
        let refusals = self.refused.iter().flat_map(|error| error.iter());
        let codes: Vec<String> = refusals.map(|refusal| format!("\"{}\"", refusal.code())).collect();
        if self.refused.is_some() {
            let _ = write!(out, ",\"refused\":[{}]", codes.join(","));
        }
        out.push('}');
        out
    }
}

impl TracedField {
    /// The place in the message, such as `PID-3[2].1`, or in the JSON, such as `orders[0].code`.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// The line of the rule.
    pub fn line(&self) -> usize {
        self.line
    }

    /// What it depends on.
    pub fn inputs(&self) -> impl ExactSizeIterator<Item = &TracedInput> {
        self.inputs.iter()
    }

    /// The functions that were applied, in order.
    pub fn steps(&self) -> impl ExactSizeIterator<Item = &TracedStep> {
        self.steps.iter()
    }

    /// What became of it.
    pub fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// The value, when values are shown.
    pub fn value(&self) -> Option<&str> {
        self.value.shown()
    }

    /// Which item of each loop around it, from 0; in place the segment and the repetition that are set, from 1.
    pub fn items(&self) -> &[usize] {
        &self.items
    }

    /// Whether it is at a place: the place itself without its numbers, a part of it, or the whole that it is in.
    fn is_at(&self, path: &str) -> bool {
        let place = without_numbers(&self.place);
        let path = without_numbers(path);
        let inside = |whole: &str, part: &str| {
            part.strip_prefix(whole).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-']))
        };
        inside(&path, &place) || inside(&place, &path)
    }

    fn push_json(&self, out: &mut String) {
        let _ = write!(out, "{{\"line\":{}", self.line);
        push_member(out, "place", &self.place);
        push_member(out, "outcome", self.outcome.as_str().split(':').next().unwrap_or_default());
        push_value(out, &self.value);
        out.push_str(",\"inputs\":[");
        for (n, input) in self.inputs.iter().enumerate() {
            let _ = write!(out, "{}{{\"present\":{}", if n > 0 { "," } else { "" }, input.present);
            push_member(out, "path", &input.path);
            push_member(out, "role", input.role.as_str());
            push_value(out, &input.value);
            out.push('}');
        }
        out.push_str("],\"steps\":[");
        for (n, step) in self.steps.iter().enumerate() {
            out.push_str(if n > 0 { ",{\"name\":" } else { "{\"name\":" });
            json::push_string(out, &step.name);
            push_value(out, &step.value);
            out.push('}');
        }
        out.push_str("]}");
    }
}

impl TracedInput {
    /// Its path, from the top of the input on: `.ids[1].value`, `OBX[2]-5.1`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What it is to the field.
    pub fn role(&self) -> Role {
        self.role
    }

    /// Whether something stands there.
    pub fn is_present(&self) -> bool {
        self.present
    }

    /// What stands there, when values are shown.
    pub fn value(&self) -> Option<&str> {
        self.value.shown()
    }
}

impl TracedStep {
    /// The function as in the file: `table sex`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it gave, when values are shown.
    pub fn value(&self) -> Option<&str> {
        self.value.shown()
    }
}

fn push_member(out: &mut String, name: &str, text: &str) {
    let _ = write!(out, ",\"{name}\":");
    json::push_string(out, text);
}

fn push_value(out: &mut String, value: &Hidden) {
    if let Some(text) = value.shown() {
        push_member(out, "value", text);
    }
}

/// `PID-3[2].5` as `PID-3.5`.
fn without_numbers(path: &str) -> String {
    let mut inside = false;
    path.chars()
        .filter(|c| {
            inside = *c == '[' || (inside && *c != ']');
            !inside && *c != ']'
        })
        .collect()
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for field in &self.fields {
            write!(f, "{field}")?;
        }
        if let Some(reason) = &self.dropped {
            writeln!(f, "dropped: {reason}")?;
        }
        match &self.refused {
            Some(error) => writeln!(f, "refused: {error}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for TracedField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (line {}): {}", harmless(&self.place), self.line, self.outcome.as_str())?;
        match self.value.for_people() {
            Some(value) => writeln!(f, " {value}")?,
            None => writeln!(f)?,
        }
        for input in &self.inputs {
            write!(f, "  {} {}", input.role.as_str(), harmless(&input.path))?;
            match input.value.for_people().filter(|_| input.present) {
                Some(value) => writeln!(f, " = {value}")?,
                None => writeln!(f, "{}", if input.present { "" } else { " is absent" })?,
            }
        }
        for step in &self.steps {
            let value = step.value.for_people().unwrap_or_else(|| "nothing".to_owned());
            writeln!(f, "  | {} -> {value}", harmless(&step.name))?;
        }
        Ok(())
    }
}

impl fmt::Debug for Trace {
    /// Shows how much there is, never what.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trace").field("fields", &self.fields.len()).finish_non_exhaustive()
    }
}

impl fmt::Debug for TracedField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TracedField({} line {}: {:?})", harmless(&self.place), self.line, self.outcome)
    }
}

impl fmt::Debug for TracedInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TracedInput({} {})", self.role.as_str(), harmless(&self.path))
    }
}

impl fmt::Debug for TracedStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TracedStep({})", harmless(&self.name))
    }
}
