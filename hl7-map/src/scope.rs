//! Expressions and conditions over the items that loops are at.

mod explain;
mod test;
mod write;

use std::borrow::Cow;
use std::cell::{Cell, OnceCell};

use crate::budget::Budget;
use crate::compare::Texts;
use crate::context::Context;
use crate::expr::{JsonPath, Origin, Step};
use crate::function::{self, each_text};
use crate::input::{Bound, Lines};
use crate::json::{Json, Payload};
use crate::plan::{Form, Formula, Function, Kind, Plan, ReadPath, Term};
use crate::value::{Fault, Value};

pub(crate) use explain::Seen;

/// The clock as text, written when it is first asked for.
pub(crate) struct Clock<'c> {
    ctx: &'c Context,
    form: Form,
    text: OnceCell<String>,
}

impl<'c> Clock<'c> {
    pub(crate) fn new(ctx: &'c Context, form: Form) -> Self {
        Self { ctx, form, text: OnceCell::new() }
    }

    pub(crate) fn context(&self) -> &'c Context {
        self.ctx
    }

    pub(crate) fn text(&self) -> &str {
        self.text.get_or_init(|| match self.form {
            Form::Hl7 => self.ctx.now_as_dtm(),
            Form::Iso => self.ctx.now_as_iso(),
        })
    }
}

/// What expressions read: the payload, the item of each loop that is under way, and the clock.
pub(crate) struct Scope<'v> {
    plan: &'v Plan,
    payload: Option<&'v Payload<'v>>,
    /// The message first, or nothing of a payload; the current item last.
    items: Vec<Item<'v>>,
    clock: &'v Clock<'v>,
    /// The path whose value the running expression works on.
    read: Cell<Option<Source<'v>>>,
    /// The places that a `set` is at.
    pub(crate) bound: Bound,
    budget: Budget,
    /// The operands of conditions that are the same in every round.
    fixed: Vec<OnceCell<Texts<'v>>>,
}

/// What stands above all loops.
pub(crate) enum Top<'v> {
    Payload(&'v Payload<'v>),
    Message(Lines<'v>),
}

/// Where a value was read.
#[derive(Clone, Copy)]
pub(crate) enum Source<'v> {
    Json(&'v JsonPath),
    Message(&'v ReadPath),
}

/// The item that a loop is at, and where in the payload it is from.
struct Item<'v> {
    is: Is<'v>,
    /// The path that the loop runs over, read in the scope around it.
    list: Option<Source<'v>>,
    index: Option<usize>,
}

enum Is<'v> {
    /// An item of a list of the payload.
    Json(&'v Json<'v>),
    /// Anything else.
    Made(Value<'v>),
}

impl<'v> Scope<'v> {
    pub(crate) fn new(plan: &'v Plan, top: Top<'v>, clock: &'v Clock<'v>) -> Self {
        let (payload, value) = match top {
            Top::Payload(payload) => (Some(payload), Value::Absent),
            Top::Message(lines) => (None, Value::Lines(lines)),
        };
        let mut items = Vec::with_capacity(4);
        items.push(Item { is: Is::Made(value), list: None, index: None });
        let fixed = std::iter::repeat_with(OnceCell::new).take(plan.slots).collect();
        let (read, bound, budget) = (Cell::new(None), Bound::default(), Budget::new(clock.ctx));
        Self { plan, payload, items, clock, read, bound, budget, fixed }
    }

    /// What is left of the steps and the bytes.
    pub(crate) fn budget(&self) -> &Budget {
        &self.budget
    }

    /// Goes to an item of what is at `list`.
    pub(crate) fn enter(&mut self, value: Value<'v>, list: Option<Source<'v>>) {
        self.items.push(Item { is: Is::Made(value), list, index: None });
    }

    /// Goes to the item that a list of the payload has at `index`.
    pub(crate) fn enter_json(&mut self, json: &'v Json<'v>, list: Option<Source<'v>>, index: usize) {
        self.items.push(Item { is: Is::Json(json), list, index: Some(index) });
    }

    pub(crate) fn leave(&mut self) {
        self.items.pop();
    }

    /// The value to come is read nowhere.
    pub(crate) fn nothing_read(&self) {
        self.read.set(None);
    }

    /// The path that the last expression took its value from.
    pub(crate) fn last_read(&self) -> Option<Source<'v>> {
        self.read.get()
    }

    /// That path from the top of the payload on, with the index of each loop's item: `.ids[1].value`.
    pub(crate) fn last_source(&self) -> Option<String> {
        let path = match self.last_read()? {
            Source::Json(path) => path,
            Source::Message(read) => return Some(read.text.clone()),
        };
        Some(self.whole_path(path))
    }

    /// A path of the payload from the top on, or as it is written where that cannot be told.
    fn whole_path(&self, path: &JsonPath) -> String {
        self.source(path, self.items.len()).unwrap_or_else(|| path.text.clone())
    }

    /// A path that is read with so many items around it, from the top on.
    fn source(&self, path: &JsonPath, items: usize) -> Option<String> {
        let base = match path.from {
            Origin::Root | Origin::Kept(_) => 0,
            Origin::Above(above) => items.checked_sub(above + 1)?,
        };
        let steps = path.text.trim_start_matches('^').trim_start_matches("$root");
        if base == 0 {
            return Some(if steps.is_empty() { ".".to_owned() } else { steps.to_owned() });
        }
        let Item { list, index, .. } = self.items.get(base)?;
        let mut source = match (*list)? {
            Source::Json(list) => self.source(list, base)?,
            Source::Message(read) => read.text.clone(),
        };
        source.extend(index.map(|index| format!("[{index}]")));
        let steps = if source.ends_with('.') || steps.starts_with(".[") { steps.get(1..)? } else { steps };
        source.push_str(if steps == "." { "" } else { steps });
        Some(source)
    }

    pub(crate) fn formula(&self, formula: &'v Formula) -> Result<Value<'v>, Fault> {
        if let Some(path) = formula.only_path() {
            self.reads(path)?;
            return Ok(self.path(path));
        }
        self.read.set(None);
        self.inner(formula)
    }

    /// Notes that a path is read, and takes the steps of it.
    fn reads(&self, path: &'v JsonPath) -> Result<(), Fault> {
        self.read.set(Some(Source::Json(path)));
        self.budget.step(1 + path.steps.len())
    }

    /// Whether a formula gives something.
    pub(crate) fn is_present(&self, formula: &'v Formula) -> Result<bool, Fault> {
        if let Some(path) = formula.only_path().filter(|path| self.is_of_payload(path)) {
            self.reads(path)?;
            return Ok(self.json(path).is_some_and(|json| !json.is_absent()));
        }
        let mark = self.budget.mark();
        let value = self.formula(formula);
        self.budget.release(mark);
        Ok(!value?.is_absent())
    }

    /// Whether a path names a member of the payload or of an item of it, so that it can be read without making a value of it.
    fn is_of_payload(&self, path: &JsonPath) -> bool {
        self.payload.is_some() && !path.steps.is_empty()
    }

    fn inner(&self, formula: &'v Formula) -> Result<Value<'v>, Fault> {
        let mut value = Value::Absent;
        for term in &formula.choice {
            value = self.term(term)?;
            if !value.is_absent() {
                break;
            }
        }
        self.all_steps(value, &formula.steps)
    }

    fn all_steps(&self, mut value: Value<'v>, steps: &'v [Function]) -> Result<Value<'v>, Fault> {
        for step in steps {
            value = self.step(step, value)?;
        }
        Ok(value)
    }

    fn term(&self, term: &'v Term) -> Result<Value<'v>, Fault> {
        self.budget.step(1)?;
        Ok(match term {
            Term::Text(text) => Value::text(Cow::Borrowed(text)),
            Term::Null => Value::Null,
            Term::Now => Value::text(Cow::Borrowed(self.clock.text())),
            Term::Each(each) => match self.lines(each.above) {
                Some(lines) => {
                    self.budget.step(1 + lines.len() / 4)?;
                    Value::of_list(lines.each(each.of))
                }
                None => Value::Absent,
            },
            Term::Group(inner) => return self.inner(inner),
            Term::Path(path) => {
                self.read.set(Some(Source::Json(path)));
                self.budget.step(path.steps.len())?;
                self.path(path)
            }
            Term::Read(read) => {
                self.read.set(Some(Source::Message(read)));
                self.message(read)?
            }
        })
    }

    fn path(&self, path: &'v JsonPath) -> Value<'v> {
        if let Origin::Kept(_) = path.from {
            return self.json(path).map_or(Value::Absent, Value::of);
        }
        match self.item(path.from).map(|item| &item.is) {
            None => return Value::Absent,
            Some(Is::Made(value)) if path.steps.is_empty() => return value.clone(),
            Some(Is::Made(value @ (Value::Place(_) | Value::Text(_)))) if self.payload.is_none() => {
                return part_of(value, &path.steps);
            }
            Some(_) => {}
        }
        self.json(path).map_or(Value::Absent, Value::of)
    }

    /// What the message has at a path.
    fn message(&self, read: &ReadPath) -> Result<Value<'v>, Fault> {
        let Some(lines) = self.lines(read.above) else { return Ok(Value::Absent) };
        let bound = Bound {
            segment: self.bound.segment.filter(|_| read.pairs_segment),
            repetition: self.bound.repetition.filter(|_| read.pairs_repetition),
        };
        let (value, looked) = lines.read(&read.path, bound, read.direct);
        self.budget.step(1 + looked / 4 + value.size())?;
        Ok(value)
    }

    /// The segments of the item so many above the current one.
    pub(crate) fn lines(&self, above: usize) -> Option<Lines<'v>> {
        match self.item(Origin::Above(above))?.is {
            Is::Made(Value::Lines(lines)) => Some(lines),
            _ => None,
        }
    }

    fn item(&self, from: Origin) -> Option<&Item<'v>> {
        match from {
            Origin::Root | Origin::Kept(_) => self.items.first(),
            Origin::Above(above) => self.items.get(self.items.len().checked_sub(above + 1)?),
        }
    }

    /// What the payload has at `path`, a JSON null included.
    #[inline(always)]
    fn json(&self, path: &JsonPath) -> Option<&'v Json<'v>> {
        let Origin::Kept(place) = path.from else { return self.json_of_item(path) };
        let (start, passed) = self.payload?.at(&self.plan.places, place)?;
        if passed == path.steps.len() { Some(start) } else { follow(start, path.steps.get(passed..)?) }
    }

    #[inline(never)]
    fn json_of_item(&self, path: &JsonPath) -> Option<&'v Json<'v>> {
        match &self.item(path.from)?.is {
            Is::Json(start) | Is::Made(Value::Json(start)) => follow(start, &path.steps),
            Is::Made(_) => None,
        }
    }

    /// The JSON type of what a formula reads; `None` when it is missing.
    pub(crate) fn kind(&self, formula: &'v Formula) -> Result<Option<Kind>, Fault> {
        let mark = self.budget.mark();
        let value = self.formula(formula);
        self.budget.release(mark);
        Ok(match value? {
            Value::Absent if self.reads_null(formula) => Some(Kind::Null),
            Value::Absent => None,
            Value::Null => Some(Kind::Null),
            Value::Json(Json::Object(_)) | Value::Lines(_) => Some(Kind::Object),
            Value::Json(_) | Value::List(_) => Some(Kind::Array),
            Value::Number(_) => Some(Kind::Number),
            Value::Yes | Value::No => Some(Kind::Boolean),
            Value::Record(_) => Some(Kind::Object),
            Value::Text(_) | Value::Place(_) => Some(self.kind_of_text(formula)),
        })
    }

    /// What a single value was in the payload: functions make texts.
    fn kind_of_text(&self, formula: &Formula) -> Kind {
        let json = match (self.read.get(), formula.steps.is_empty()) {
            (Some(Source::Json(path)), true) => self.json(path),
            _ => None,
        };
        match json {
            Some(Json::Number(_)) => Kind::Number,
            Some(Json::Bool(_)) => Kind::Boolean,
            _ => Kind::String,
        }
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

    fn argument_texts(&self, terms: &'v [Term]) -> Result<Vec<Cow<'v, str>>, Fault> {
        terms.iter().map(|term| self.argument_text(term)).collect()
    }

    fn step(&self, step: &'v Function, value: Value<'v>) -> Result<Value<'v>, Fault> {
        if let (Function::Default(term), true) = (step, value.is_absent()) {
            return self.argument(term);
        }
        if matches!(value, Value::Absent | Value::Null) {
            return Ok(value);
        }
        let budget = &self.budget;
        budget.step(1 + value.size())?;
        let first = step.takes_first_leaf();
        match step {
            Function::Default(_) => Ok(value),
            Function::Join(separator) => function::join(value, &self.argument_text(separator)?, budget),
            Function::Len => function::len(value),
            Function::Raw => Ok(function::raw(value)),
            Function::Unique => function::unique(value, budget),
            Function::Empty(absent) => {
                let absent = self.argument_texts(absent)?;
                each_text(value, budget, first, &mut |text| function::empty(text, &absent))
            }
            Function::Uuid5(namespace) => {
                let namespace = self.argument_text(namespace)?;
                each_text(value, budget, first, &mut |text| function::uuid5(&text, &namespace))
            }
            Function::Outside(function, arguments) => {
                let arguments = self.argument_texts(arguments)?;
                each_text(value, budget, first, &mut |text| function::outside(&text, function, &arguments))
            }
            Function::Text => function::text(value),
            Function::Typed(kind) => function::typed(value, &self.argument_text(kind)?, self.plan.version()),
            Function::First => function::first(value),
            Function::Last => function::last(value),
            Function::Replace(old, new) => {
                let (old, new) = (self.argument_text(old)?, self.argument_text(new)?);
                each_text(value, budget, first, &mut |text| function::replace(text, &old, &new, budget))
            }
            Function::Split(separator) => {
                let separator = self.argument_text(separator)?;
                each_text(value, budget, first, &mut |text| function::split(text, &separator, budget))
            }
            Function::Concat(terms) => {
                let more = self.argument_texts(terms)?;
                each_text(value, budget, first, &mut |text| function::concat(text, &more, budget))
            }
            plain => each_text(value, budget, first, &mut |text| self.plain(plain, text)),
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
            Function::Date(form) => function::as_date(&text, *form),
            Function::Dtm(precision, offset, form) => {
                let zone = self.plan.zone.as_ref();
                function::as_dtm(&text, *precision, *offset, *form, zone)
            }
            Function::ZoneIn(zone) => function::zone_in(&text, zone),
            Function::Time(form) => function::as_time(&text, *form),
            Function::ToZone(zone) => function::to_zone(&text, zone, self.plan.zone.as_ref()),
            Function::AddDays(days) => function::add_days(&text, *days),
            Function::Mask(shown) => function::mask(&text, *shown),
            Function::Phone => function::phone(&text),
            Function::NamePart(part) => function::name_part(&text, *part),
            Function::Lookup(lookup, on_miss) => function::lookup(text, lookup, on_miss),
            Function::Number => function::number(text),
            Function::Bool => function::yes_or_no(&text),
            Function::Round(places) => function::round(&text, *places),
            Function::Hash(length) => function::hash(&text, *length),
            Function::Table(index) => match self.plan.tables.get(*index) {
                Some(table) => function::table(text, table),
                None => Ok(Value::text(text)),
            },
            _ => Ok(Value::text(text)),
        }
    }
}

fn follow<'j>(start: &'j Json<'j>, steps: &[Step]) -> Option<&'j Json<'j>> {
    steps.iter().try_fold(start, |json, step| match step {
        Step::Name(name) => json.member(name),
        Step::Index(index) => json.item(*index),
    })
}

/// The component or subcomponent that numbers name: `.1`, `.4.2`.
fn part_of<'v>(start: &Value<'v>, steps: &[Step]) -> Value<'v> {
    steps.iter().fold(start.clone(), |value, step| match (value, step) {
        (Value::Place(place), Step::Name(name)) => {
            name.parse().ok().filter(|&n| n > 0).map_or(Value::Absent, |n| place.part(n))
        }
        (Value::Text(text), Step::Name(name)) if name == "1" => Value::Text(text),
        _ => Value::Absent,
    })
}
