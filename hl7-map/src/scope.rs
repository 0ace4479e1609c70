//! Expressions and conditions over the items that loops are at.

use std::borrow::Cow;
use std::cell::Cell;
use std::cmp::Ordering;

use crate::decimal::Decimal;
use crate::expr::{Comparison, From, JsonPath, Step};
use crate::function::{self, each_text};
use crate::json::Json;
use crate::plan::{Formula, Function, Plan, Term, Test};
use crate::value::{Fault, Value};

/// What expressions read: the payload, the item of each loop that is under way, and the clock.
pub(crate) struct Scope<'v> {
    plan: &'v Plan,
    /// The payload first, the current item last.
    items: Vec<Value<'v>>,
    /// The clock as HL7's DTM.
    now: &'v str,
    /// The path whose value the running expression works on.
    read: Cell<Option<&'v JsonPath>>,
}

impl<'v> Scope<'v> {
    pub(crate) fn new(plan: &'v Plan, payload: &'v Json<'v>, now: &'v str) -> Self {
        Self { plan, items: vec![Value::of(payload)], now, read: Cell::new(None) }
    }

    pub(crate) fn enter(&mut self, item: Value<'v>) {
        self.items.push(item);
    }

    pub(crate) fn leave(&mut self) {
        self.items.pop();
    }

    /// The path that the last expression took its value from.
    pub(crate) fn last_read(&self) -> Option<&'v JsonPath> {
        self.read.get()
    }

    pub(crate) fn formula(&self, formula: &'v Formula) -> Result<Value<'v>, Fault> {
        self.read.set(None);
        self.inner(formula)
    }

    fn inner(&self, formula: &'v Formula) -> Result<Value<'v>, Fault> {
        let mut value = Value::Absent;
        for term in &formula.choice {
            value = self.term(term)?;
            if !value.is_absent() {
                break;
            }
        }
        for step in &formula.steps {
            value = self.step(step, value)?;
        }
        Ok(value)
    }

    fn term(&self, term: &'v Term) -> Result<Value<'v>, Fault> {
        Ok(match term {
            Term::Text(text) => Value::text(Cow::Borrowed(text)),
            Term::Null => Value::Null,
            Term::Now => Value::text(Cow::Borrowed(self.now)),
            Term::Group(inner) => return self.inner(inner),
            Term::Path(path) => {
                self.read.set(Some(path));
                self.path(path)
            }
        })
    }

    fn path(&self, path: &'v JsonPath) -> Value<'v> {
        let Some(start) = self.start(path.from) else { return Value::Absent };
        if path.steps.is_empty() {
            return start.clone();
        }
        self.json(path).map_or(Value::Absent, Value::of)
    }

    fn start(&self, from: From) -> Option<&Value<'v>> {
        match from {
            From::Root => self.items.first(),
            From::Above(above) => self.items.iter().rev().nth(above),
        }
    }

    /// What the payload has at `path`, a JSON null included.
    fn json(&self, path: &JsonPath) -> Option<&'v Json<'v>> {
        let Some(Value::Json(start)) = self.start(path.from) else { return None };
        path.steps.iter().try_fold(*start, |json, step| match step {
            Step::Name(name) => json.member(name),
            Step::Index(index) => json.item(*index),
        })
    }

    /// Whether one of the paths that `formula` chooses from is a JSON null.
    pub(crate) fn reads_null(&self, formula: &Formula) -> bool {
        formula.choice.iter().any(|term| match term {
            Term::Path(path) => matches!(self.json(path), Some(Json::Null)),
            Term::Group(inner) => self.reads_null(inner),
            _ => false,
        })
    }

    /// An argument, which does not count as what the expression works on.
    fn argument(&self, term: &'v Term) -> Result<Value<'v>, Fault> {
        let read = self.read.get();
        let value = self.term(term)?;
        self.read.set(read);
        Ok(value)
    }

    /// An argument's text; an absent one is empty.
    fn argument_text(&self, term: &'v Term) -> Result<Cow<'v, str>, Fault> {
        match self.argument(term)? {
            Value::Null => Ok(Cow::Borrowed("")),
            value => Ok(value.into_text()?.unwrap_or_default()),
        }
    }

    fn step(&self, step: &'v Function, value: Value<'v>) -> Result<Value<'v>, Fault> {
        if let (Function::Default(term), true) = (step, value.is_absent()) {
            return self.argument(term);
        }
        if matches!(value, Value::Absent | Value::Null) {
            return Ok(value);
        }
        match step {
            Function::Default(_) => Ok(value),
            Function::Join(separator) => function::join(value, &self.argument_text(separator)?),
            Function::Len => function::len(value),
            Function::First => function::first(value),
            Function::Last => function::last(value),
            Function::Replace(old, new) => {
                let (old, new) = (self.argument_text(old)?, self.argument_text(new)?);
                each_text(value, &mut |text| function::replace(text, &old, &new))
            }
            Function::Split(separator) => {
                let separator = self.argument_text(separator)?;
                each_text(value, &mut |text| function::split(&text, &separator))
            }
            Function::Concat(terms) => {
                let more =
                    terms.iter().map(|term| self.argument_text(term)).collect::<Result<Vec<_>, _>>()?;
                each_text(value, &mut |text| function::concat(text, &more))
            }
            plain => each_text(value, &mut |text| self.plain(plain, text)),
        }
    }

    /// Functions of one text whose arguments are known.
    fn plain(&self, step: &'v Function, text: Cow<'v, str>) -> Result<Value<'v>, Fault> {
        match step {
            Function::Upper => function::upper(text),
            Function::Lower => function::lower(text),
            Function::Trim => function::trim(text),
            Function::Digits => function::digits(text),
            Function::Left(count) => function::left(text, *count),
            Function::Pad(width, fill) => function::pad(text, *width, *fill),
            Function::Date => function::as_date(&text),
            Function::Dtm(precision) => function::as_dtm(&text, *precision, self.plan.zone.as_ref()),
            Function::Number => function::number(text),
            Function::Round(places) => function::round(&text, *places),
            Function::Hash(length) => function::hash(&text, *length),
            Function::Table(index) => match self.plan.tables.get(*index) {
                Some(table) => function::table(text, table),
                None => Ok(Value::text(text)),
            },
            _ => Ok(Value::text(text)),
        }
    }

    /// Whether a condition holds.
    pub(crate) fn test(&self, test: &'v Test) -> Result<bool, Fault> {
        match test {
            Test::Any(tests) => self.first_that_is(tests, true),
            Test::All(tests) => self.first_that_is(tests, false),
            Test::Not(inner) => Ok(!self.test(inner)?),
            Test::Present(formula) => Ok(!self.formula(formula)?.is_absent()),
            Test::Compare(left, comparison, right) => {
                let left = texts(self.formula(left)?)?;
                let right = texts(self.argument(right)?)?;
                Ok(compare(&left, *comparison, &right))
            }
            Test::In(left, list) => {
                let left = texts(self.formula(left)?)?;
                for term in list {
                    if compare(&left, Comparison::Equal, &texts(self.argument(term)?)?) && !left.is_empty() {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
        }
    }

    /// `wanted` when one of the tests gives it, the contrary else.
    fn first_that_is(&self, tests: &'v [Test], wanted: bool) -> Result<bool, Fault> {
        for test in tests {
            if self.test(test)? == wanted {
                return Ok(wanted);
            }
        }
        Ok(!wanted)
    }
}

/// The texts of a value: none when absent, several of a list.
fn texts(value: Value<'_>) -> Result<Vec<Cow<'_, str>>, Fault> {
    let texts = value.into_items().into_iter().map(Value::into_text);
    texts.filter_map(Result::transpose).collect()
}

/// A comparison of lists holds when it does for one text of each; an absent value equals an absent one only.
fn compare(left: &[Cow<'_, str>], comparison: Comparison, right: &[Cow<'_, str>]) -> bool {
    let any = |holds: fn(Ordering) -> bool| left.iter().any(|l| right.iter().any(|r| holds(order(l, r))));
    let equal = || match (left.is_empty(), right.is_empty()) {
        (false, false) => left.iter().any(|l| right.contains(l)),
        (left, right) => left == right,
    };
    match comparison {
        Comparison::Equal => equal(),
        Comparison::NotEqual => !equal(),
        Comparison::Less => any(Ordering::is_lt),
        Comparison::LessOrEqual => any(Ordering::is_le),
        Comparison::Greater => any(Ordering::is_gt),
        Comparison::GreaterOrEqual => any(Ordering::is_ge),
    }
}

/// By size when both are numbers, else by their characters.
fn order(left: &str, right: &str) -> Ordering {
    match (Decimal::of(left), Decimal::of(right)) {
        (Some(left), Some(right)) => left.cmp(&right),
        _ => left.cmp(right),
    }
}
