//! Expressions evaluated once more for people: what was read, and what each step gave.

use super::{Scope, Source};
use crate::plan::{Formula, Function, OnMiss, Term, Test};
use crate::trace::{Hidden, Outcome, Role, TracedInput, TracedStep};
use crate::value::{Fault, Value};

/// What the evaluation of a formula or condition saw.
pub(crate) struct Seen {
    pub(crate) role: Role,
    pub(crate) inputs: Vec<TracedInput>,
    pub(crate) steps: Vec<TracedStep>,
    /// Why there is nothing, where there is nothing.
    absent: Outcome,
}

impl Seen {
    pub(crate) fn new(role: Role) -> Self {
        Self { role, inputs: Vec::new(), steps: Vec::new(), absent: Outcome::Missing }
    }
}

impl<'v> Scope<'v> {
    /// What a formula came to, and its text.
    pub(crate) fn explain(&self, formula: &'v Formula, seen: &mut Seen) -> (Outcome, Hidden) {
        match self.seen(formula, seen) {
            Ok(Value::Absent) => (seen.absent, Hidden::default()),
            Ok(value) => (Outcome::Written, shown(&value)),
            Err(_) => (Outcome::Refused, Hidden::default()),
        }
    }

    /// Whether a condition holds; only what decides is seen.
    pub(crate) fn explain_test(&self, test: &'v Test, seen: &mut Seen) -> Result<bool, Fault> {
        match test {
            Test::Any(tests) => self.explain_first(tests, true, seen),
            Test::All(tests) => self.explain_first(tests, false, seen),
            Test::Not(inner) => Ok(!self.explain_test(inner, seen)?),
            Test::Present(formula) => Ok(!self.seen(formula, seen)?.is_absent()),
            Test::Matches(formula, _) => {
                self.seen(formula, seen)?;
                self.test(test)
            }
            Test::Compare(left, _, right) => {
                self.seen(&left.formula, seen)?;
                self.seen(&right.formula, seen)?;
                self.test(test)
            }
            Test::In(left, list) => {
                for operand in std::iter::once(left).chain(list) {
                    self.seen(&operand.formula, seen)?;
                }
                self.test(test)
            }
        }
    }

    fn explain_first(&self, tests: &'v [Test], wanted: bool, seen: &mut Seen) -> Result<bool, Fault> {
        for test in tests {
            if self.explain_test(test, seen)? == wanted {
                return Ok(wanted);
            }
        }
        Ok(!wanted)
    }

    fn seen(&self, formula: &'v Formula, seen: &mut Seen) -> Result<Value<'v>, Fault> {
        let mut value = Value::Absent;
        for term in &formula.choice {
            value = self.seen_term(term, seen)?;
            if !value.is_absent() {
                break;
            }
        }
        for step in &formula.steps {
            let is_default = matches!(step, Function::Default(_));
            if matches!(value, Value::Null) || value.is_absent() != is_default {
                continue;
            }
            for term in step.terms() {
                self.seen_term(term, seen)?;
            }
            let missed = self.misses(step, &value);
            value = self.step(step, value)?;
            if value.is_absent() {
                seen.absent = if missed { Outcome::TableMiss } else { Outcome::NothingLeft };
            }
            let name = self.name_of(step, missed);
            seen.steps.push(TracedStep { name, value: shown(&value) });
        }
        Ok(value)
    }

    fn seen_term(&self, term: &'v Term, seen: &mut Seen) -> Result<Value<'v>, Fault> {
        let source = match term {
            Term::Group(inner) => return self.seen(inner, seen),
            Term::Path(path) => Source::Json(path),
            Term::Read(read) => Source::Message(read),
            Term::Text(_) | Term::Null | Term::Each(_) | Term::Now => return self.term(term),
        };
        let path = self.located(source);
        let value = self.term(term);
        let present = !matches!(value, Ok(Value::Absent));
        let text = value.as_ref().map_or_else(|_| Hidden::default(), shown);
        let role = seen.role;
        seen.inputs.push(TracedInput { path, role, present, value: text });
        value
    }

    /// A path from the top of the input on.
    fn located(&self, source: Source<'v>) -> String {
        let read = match source {
            Source::Json(path) => return self.whole_path(path),
            Source::Message(read) => read,
        };
        let bound = self.bound.segment.filter(|_| read.pairs_segment);
        let nth = self.lines(read.above).and_then(|lines| lines.number_of(&read.path, bound, read.direct));
        match (nth, read.text.split_once(['-', '['])) {
            (Some(nth), Some(_)) => {
                let field = read.text.split_once('-').map_or("", |(_, field)| field);
                format!("{}[{nth}]-{field}", read.path.segment_id())
            }
            _ => read.text.clone(),
        }
    }

    /// Whether a table has no entry for the value.
    fn misses(&self, step: &Function, value: &Value<'v>) -> bool {
        let Function::Table(index) = step else {
            return matches!(step, Function::Lookup(_, OnMiss::Drop));
        };
        let (Some(table), Ok(Some(text))) = (self.plan.tables.get(*index), value.clone().into_text()) else {
            return false;
        };
        table.entry(&text).is_none()
    }

    fn name_of(&self, step: &Function, missed: bool) -> String {
        match step {
            Function::Table(index) => {
                let name = self.plan.tables.get(*index).map_or("", |table| table.name.as_str());
                format!("table {name}{}", if missed { " (no entry: its on_miss)" } else { "" })
            }
            step => step.name().to_owned(),
        }
    }
}

/// The text of a value; of several how many there are.
fn shown(value: &Value<'_>) -> Hidden {
    let text = match value {
        Value::Absent => None,
        Value::List(items) => Some(format!("{} values", items.len())),
        Value::Record(_) | Value::Json(_) | Value::Lines(_) => Some("several values".to_owned()),
        single => single.clone().into_text().ok().flatten().map(|text| text.into_owned()),
    };
    Hidden::new(text)
}
