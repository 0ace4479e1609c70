//! Values written as they stand in a message.

use std::borrow::Cow;

use super::Scope;
use crate::expr::JsonPath;
use crate::function;
use crate::json::Json;
use crate::leaf;
use crate::plan::{Form, Formula, Function, Term};
use crate::value::{Fault, Value};

impl<'v> Scope<'v> {
    /// Appends what a formula gives as a single text, as it stands in a message; false when it is absent. What it appended before an error is
    /// for the caller to remove.
    pub(crate) fn write(
        &self,
        formula: &'v Formula,
        formatted: bool,
        out: &mut String,
    ) -> Result<bool, Fault> {
        match formula.choice.as_slice() {
            [Term::Path(path)] if self.is_of_payload(path) => {
                self.write_path(path, &formula.steps, formatted, out)
            }
            _ => write_value(self.formula(formula)?, formatted, out),
        }
    }

    /// The short way of most of a mapping: a text of the payload, and functions of one text.
    fn write_path(
        &self,
        path: &'v JsonPath,
        steps: &'v [Function],
        formatted: bool,
        out: &mut String,
    ) -> Result<bool, Fault> {
        self.reads(path)?;
        let text = match self.json(path) {
            Some(Json::String(text) | Json::Number(text)) if !text.is_empty() => text.as_ref(),
            None | Some(Json::Null) if !steps.iter().any(Function::gives_of_nothing) => return Ok(false),
            _ => return write_value(self.all_steps(self.path(path), steps)?, formatted, out),
        };
        match steps {
            [] => {
                leaf::push(out, text, formatted);
                Ok(true)
            }
            [step] if step.is_of_text() => {
                self.budget.text(text.len())?;
                self.write_changed(step, text, formatted, out)
            }
            steps => write_value(self.all_steps(Value::Text(Cow::Borrowed(text)), steps)?, formatted, out),
        }
    }

    /// What a function of one text makes of `text`. What cannot need an escape sequence is made where it stands in the end.
    fn write_changed(
        &self,
        step: &'v Function,
        text: &'v str,
        formatted: bool,
        out: &mut String,
    ) -> Result<bool, Fault> {
        let start = out.len();
        match step {
            Function::Upper if text.is_ascii() && leaf::is_plain(text) => {
                out.push_str(text);
                out.get_mut(start..).unwrap_or_default().make_ascii_uppercase();
            }
            Function::Digits => function::push_digits(out, text),
            Function::Date(Form::Hl7) => function::push_date(out, text)?,
            Function::Dtm(precision, offset, Form::Hl7) => {
                function::push_dtm(out, text, *precision, *offset, self.plan.zone.as_ref())?;
            }
            Function::Hash(length) => function::push_hash(out, text, *length),
            Function::Table(index)
                if let Some(to) = self.plan.tables.get(*index).and_then(|table| table.entry(text)) =>
            {
                self.budget.text(text.len())?;
                return write_value(function::from_file(to), formatted, out);
            }
            _ => {
                let mut change = |text| self.plain(step, text);
                let made = function::one_text(Cow::Borrowed(text), &self.budget, &mut change)?;
                return write_value(made, formatted, out);
            }
        }
        function::charge(&self.budget, text.len(), Some(out.len() - start))?;
        Ok(out.len() > start)
    }
}

/// Appends a single value as it stands in a message; false when it is absent.
fn write_value(value: Value<'_>, formatted: bool, out: &mut String) -> Result<bool, Fault> {
    match value {
        Value::Absent => return Ok(false),
        Value::Null => out.push_str("\"\""),
        value => match value.into_text()? {
            Some(text) => leaf::push(out, &text, formatted),
            None => return Ok(false),
        },
    }
    Ok(true)
}
