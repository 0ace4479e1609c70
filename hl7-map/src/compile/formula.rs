//! Expressions and conditions with their names resolved.

use std::ops::Range;

use jiff::tz::TimeZone;

use super::{Around, Compiler};

use crate::error::MappingError;
use crate::expr::{
    self, Call, Condition, ExprFault, JsonPath, Origin, Pipeline, Primary, PrimaryKind, Reads, Step,
};
use crate::pattern::Pattern;
use crate::plan::{Form, Formula, Function, NamePart, OffsetRule, Operand, Precision, Term, Test};
use crate::yaml::{Node, Scalar, Style, shortened};
use hl7_core::document;
use hl7_core::document::Place;

/// The functions there are, with the form of their call.
const FUNCTIONS: [(&str, &str); 35] = [
    ("upper", "upper"),
    ("lower", "lower"),
    ("trim", "trim"),
    ("digits", "digits"),
    ("left", "left 20"),
    ("pad", "pad 10 \"0\""),
    ("replace", "replace \"-\" \"\""),
    ("split", "split \",\""),
    ("join", "join \"; \""),
    ("concat", "concat \" \" .given"),
    ("default", "default \"U\""),
    ("table", "table sex"),
    ("date", "date, or date iso"),
    ("dtm", "dtm, dtm iso, dtm second or dtm second offset"),
    ("zone_in", "zone_in America/Chicago"),
    ("number", "number"),
    ("round", "round 2"),
    ("len", "len"),
    ("first", "first"),
    ("last", "last"),
    ("hash", "hash 20"),
    ("text", "text"),
    ("time", "time, or time iso"),
    ("to_zone", "to_zone America/Chicago"),
    ("add_days", "add_days -7"),
    ("unique", "unique"),
    ("empty", "empty, or empty \"N/A\" \"-\""),
    ("mask", "mask 4"),
    ("uuid5", "uuid5 \"6ba7b810-9dad-11d1-80b4-00c04fd430c8\""),
    ("phone", "phone"),
    ("name_part", "name_part family, given or middle"),
    ("lookup", "lookup ward"),
    ("bool", "bool"),
    ("raw", "raw"),
    ("typed", "typed OBX-2"),
];

const PRECISIONS: [(&str, Precision); 6] = [
    ("year", Precision::Year),
    ("month", Precision::Month),
    ("day", Precision::Day),
    ("hour", Precision::Hour),
    ("minute", Precision::Minute),
    ("second", Precision::Second),
];

/// Files with more mistakes get no suggestions for the names of tables.
const ENOUGH: usize = 100;

/// The widest that `pad` makes a text.
const MAX_PAD: usize = 1_000;

/// The text of an expression and where it stands.
#[derive(Clone, Copy)]
struct Source<'n> {
    text: &'n str,
    place: Place,
    /// Characters of the file in front of the text, when it stands there as it is; else places inside it are not known.
    skip: Option<usize>,
}

impl<'n> Source<'n> {
    fn new(scalar: &'n Scalar, node: &Node, prefix: usize) -> Self {
        let text = scalar.text.get(prefix..).unwrap_or_default();
        let characters = scalar.text.chars().count();
        let skip = match scalar.style {
            Style::Plain => Some(prefix),
            Style::Quoted if node.place.width == characters + 2 => Some(prefix + 1),
            _ => None,
        };
        Self { text, place: node.place, skip }
    }

    fn place(&self, at: &std::ops::Range<usize>) -> Place {
        let Some(skip) = self.skip else { return self.place };
        let count =
            |range: std::ops::Range<usize>| self.text.get(range).map_or(0, |part| part.chars().count());
        let before = count(0..at.start.min(self.text.len()));
        self.place.part(skip + before, count(at.start..at.end.min(self.text.len()).max(at.start)))
    }
}

impl Compiler<'_> {
    /// The formula of a scalar: an expression, or a text.
    pub(super) fn formula(&mut self, node: &Node, what: &str) -> Option<Formula> {
        let scalar = self.scalar(node, what)?;
        let text = scalar.text.as_str();
        if let Some(text) = text.strip_prefix("lit:") {
            return Some(alone(Term::Text(text.to_owned())));
        }
        let prefix = usize::from(text.starts_with('='));
        if prefix == 0 && !self.is_pipeline(text) {
            let null = text == "\"\"";
            return Some(alone(if null { Term::Null } else { Term::Text(text.to_owned()) }));
        }
        let source = Source::new(scalar, node, prefix);
        match expr::pipeline(source.text, self.reads) {
            Ok(pipeline) => self.pipeline(source, pipeline),
            Err(fault) => {
                self.expression_fault(source, fault, prefix == 0);
                None
            }
        }
    }

    /// The condition of `when` or `filter`.
    pub(super) fn test(&mut self, node: &Node, what: &str) -> Option<Test> {
        let scalar = self.scalar(node, what)?;
        let source = Source::new(scalar, node, 0);
        match expr::condition(source.text, self.reads) {
            Ok(condition) => self.condition(source, condition),
            Err(fault) => {
                self.expression_fault(source, fault, false);
                None
            }
        }
    }

    /// Whether a scalar without a mark in front is an expression.
    pub(super) fn is_pipeline(&self, text: &str) -> bool {
        expr::starts_pipeline(text) || (self.reads == Reads::Message && expr::starts_with_path(text))
    }

    fn expression_fault(&mut self, source: Source<'_>, fault: ExprFault, may_be_text: bool) {
        let error = MappingError::new(fault.code, source.place(&fault.at), fault.message);
        let suggestion =
            may_be_text.then(|| "when this is meant as text, write `lit:` in front of it".to_owned());
        self.error(error.suggest_maybe(suggestion));
    }

    fn condition(&mut self, source: Source<'_>, condition: Condition) -> Option<Test> {
        Some(match condition {
            Condition::Any(terms) => Test::Any(self.conditions(source, terms)?),
            Condition::All(terms) => Test::All(self.conditions(source, terms)?),
            Condition::Not(inner) => Test::Not(Box::new(self.condition(source, *inner)?)),
            Condition::Present(left) => Test::Present(self.pipeline(source, left)?),
            Condition::Compare(left, comparison, right) => {
                let left = self.pipeline(source, left);
                let right = self.term(source, right).map(alone);
                Test::Compare(self.operand(left?), comparison, self.operand(right?))
            }
            Condition::Matches(left, text, at) => {
                let left = self.pipeline(source, left);
                let pattern = self.pattern(&text, source.place(&at));
                Test::Matches(left?, pattern?)
            }
            Condition::In(left, list) => {
                let left = self.pipeline(source, left);
                let list: Vec<_> = list.into_iter().map(|item| self.term(source, item)).collect();
                let list = list.into_iter().collect::<Option<Vec<_>>>()?;
                let list = list.into_iter().map(|term| self.operand(alone(term))).collect();
                Test::In(self.operand(left?), list)
            }
        })
    }

    fn pattern(&mut self, text: &str, place: Place) -> Option<Pattern> {
        match Pattern::new(text) {
            Ok(pattern) => Some(pattern),
            Err(_) => self.fail("M101", place, "this is not a regular expression, or too large a one"),
        }
    }

    fn operand(&mut self, formula: Formula) -> Operand {
        let repeats = !self.around.is_empty() && formula.reads_input();
        let slot = (repeats && formula.is_fixed()).then_some(self.slots);
        self.slots += usize::from(slot.is_some());
        Operand { formula, slot }
    }

    fn conditions(&mut self, source: Source<'_>, conditions: Vec<Condition>) -> Option<Vec<Test>> {
        let tests: Vec<_> =
            conditions.into_iter().map(|condition| self.condition(source, condition)).collect();
        tests.into_iter().collect()
    }

    fn pipeline(&mut self, source: Source<'_>, pipeline: Pipeline) -> Option<Formula> {
        let places: Vec<_> = pipeline.choice.iter().map(|primary| primary.at.clone()).collect();
        let choice: Vec<_> = pipeline.choice.into_iter().map(|primary| self.term(source, primary)).collect();
        let steps: Vec<_> = pipeline.calls.into_iter().map(|call| self.call(source, call)).collect();
        let choice = choice.into_iter().collect::<Option<Vec<_>>>()?;
        let may_be_absent = |term: &Term| match term {
            Term::Text(text) => text.is_empty(),
            Term::Path(_) | Term::Read(_) | Term::Group(_) => true,
            Term::Null | Term::Each(_) | Term::Now => false,
        };
        let always = choice.iter().position(|term| !may_be_absent(term));
        if let Some(at) = always.and_then(|at| places.get(at + 1)) {
            let message = "this is never reached: what stands before it is always present";
            self.warnings.push(MappingError::new("M121", source.place(at), message).into_warning());
        }
        Some(Formula { choice, steps: steps.into_iter().collect::<Option<_>>()? })
    }

    fn term(&mut self, source: Source<'_>, primary: Primary) -> Option<Term> {
        let place = source.place(&primary.at);
        match primary.kind {
            PrimaryKind::Path(path) => self.path(path, place).map(Term::Path),
            PrimaryKind::Message(path) => {
                let id = path.segment_id();
                if !id.starts_with('Z') && self.known_segment(id, place).is_none() {
                    return None;
                }
                self.check_read_path(&path, place);
                self.check_repetition_at_hand(&path, place);
                Some(Term::Read(self.read_path(path)))
            }
            PrimaryKind::Text(text) | PrimaryKind::Number(text) | PrimaryKind::Word(text) => {
                Some(Term::Text(text))
            }
            PrimaryKind::Group(inner) => Some(Term::Group(Box::new(self.pipeline(source, *inner)?))),
            PrimaryKind::Variable(name) if name == "now" => Some(Term::Now),
            PrimaryKind::Variable(name) if name.starts_with("secret.") => {
                self.secret(name.trim_start_matches("secret."), place)
            }
            PrimaryKind::Variable(name) => {
                let message = format!("there is no variable `${}`", shortened(&name));
                let suggestion = document::nearest(&name, ["now", "root"]).map_or_else(
                    || {
                        "the variables are $now and $root; when this is meant as text, write `lit:` in front"
                            .to_owned()
                    },
                    |near| format!("did you mean `${near}`?"),
                );
                self.error(MappingError::new("M115", place, message).suggest(suggestion));
                None
            }
        }
    }

    fn path(&mut self, path: JsonPath, place: Place) -> Option<JsonPath> {
        self.check_payload(&path, place);
        match path.from {
            Origin::Above(above) if above > self.around.len() => {
                let loops = match self.around.len() {
                    0 => "there is no loop around it".to_owned(),
                    1 => "there is one loop around it".to_owned(),
                    n => format!("there are {n} loops around it"),
                };
                let message =
                    format!("`{}` has more `^` than loops: {loops}", "^".repeat(above.min(8)) + ".");
                self.fail("M110", place, message)
            }
            Origin::Above(above)
                if above < self.around.len()
                    && matches!(
                        self.around.iter().rev().nth(above),
                        Some(Around::Items | Around::Repetitions(_))
                    ) =>
            {
                Some(path)
            }
            _ if self.reads == Reads::Message => {
                let error = MappingError::new("M114", place, "there is no item of a loop here");
                self.error(error.suggest("a value of the message is named by its path: PID-3.1"));
                None
            }
            _ => {
                if matches!(path.steps.first(), Some(Step::Name(_))) {
                    self.reads_members = self.reads_members.or(Some(place.line));
                }
                Some(self.keep(path))
            }
        }
    }

    /// A path from the top of the payload, whose place is kept when that is read.
    fn keep(&mut self, path: JsonPath) -> JsonPath {
        let names = path.steps.iter().map_while(|step| match step {
            Step::Name(name) => Some(name.clone()),
            Step::Index(_) => None,
        });
        self.places.push(names.collect());
        JsonPath { from: Origin::Kept(self.places.len() - 1), ..path }
    }

    fn call(&mut self, source: Source<'_>, call: Call) -> Option<Function> {
        let place = source.place(&call.at);
        let name = call.name.as_str();
        let Some((_, form)) = FUNCTIONS.iter().find(|(known, _)| *known == name) else {
            if let Some(function) = self.function_outside(source, &call) {
                return Some(function);
            }
            let suggestion = document::did_you_mean(name, FUNCTIONS.iter().map(|(known, _)| *known))
                .unwrap_or_else(|| {
                    format!("the functions are {}", FUNCTIONS.map(|(known, _)| known).join(", "))
                });
            let message = format!("there is no function `{}`", shortened(name));
            self.error(MappingError::new("M102", place, message).suggest(suggestion));
            return None;
        };
        match name {
            "table" => return self.table_call(source, call, form),
            "zone_in" => return self.zone_call(source, &call, form).map(Function::ZoneIn),
            "to_zone" => return self.zone_call(source, &call, form).map(Function::ToZone),
            "lookup" => return self.lookup_call(source, &call, form),
            _ => {}
        }
        let function = function(name, self.arguments(source, &call)?);
        function.or_else(|| self.wrong_arguments(source, &call, form))
    }

    /// All arguments, and all that is wrong with them.
    fn arguments(&mut self, source: Source<'_>, call: &Call) -> Option<Vec<Term>> {
        let terms: Vec<_> =
            call.arguments.iter().map(|argument| self.term(source, argument.clone())).collect();
        terms.into_iter().collect()
    }

    fn wrong_arguments<T>(&mut self, source: Source<'_>, call: &Call, form: &str) -> Option<T> {
        let message = format!("these are not the arguments of `{}`", call.name);
        let error = MappingError::new("M103", source.place(&call.at), message);
        self.error(error.suggest(format!("the form is `{form}`")));
        None
    }

    /// The one argument of a call, a name, and where it stands.
    fn one_word<'c>(
        &mut self,
        source: Source<'_>,
        call: &'c Call,
        form: &str,
    ) -> Option<(&'c str, &'c Range<usize>)> {
        match call.arguments.as_slice() {
            [Primary { kind: PrimaryKind::Word(name) | PrimaryKind::Text(name), at }] => Some((name, at)),
            _ => self.wrong_arguments(source, call, form),
        }
    }

    /// A function of the embedding program, where there is one of this name.
    fn function_outside(&mut self, source: Source<'_>, call: &Call) -> Option<Function> {
        let function = self.sources?.function(&call.name)?;
        Some(Function::Outside(function, self.arguments(source, call)?))
    }

    fn zone_call(&mut self, source: Source<'_>, call: &Call, form: &str) -> Option<TimeZone> {
        let (name, at) = self.one_word(source, call, form)?;
        self.zone_named(name, source.place(at))
    }

    fn lookup_call(&mut self, source: Source<'_>, call: &Call, form: &str) -> Option<Function> {
        let (name, at) = self.one_word(source, call, form)?;
        self.lookup(name, source.place(at))
    }

    fn table_call(&mut self, source: Source<'_>, call: Call, form: &str) -> Option<Function> {
        let (name, at) = self.one_word(source, &call, form)?;
        let found = self.table_index.get(name).copied();
        if let Some(table) = found.and_then(|index| self.tables.get(index)) {
            table.used.set(true);
            return found.map(Function::Table);
        }
        // Looking for the nearest of thousands of names thousands of times would take minutes.
        let nearest = if self.errors.len() < ENOUGH { self.tables.as_slice() } else { &[] };
        let suggestion = document::did_you_mean(name, nearest.iter().map(|table| table.name.as_str()))
            .unwrap_or_else(|| "tables are listed under `tables`".to_owned());
        let message = format!("there is no table `{}`", shortened(name));
        self.error(MappingError::new("M105", source.place(at), message).suggest(suggestion));
        None
    }
}

/// A term without functions.
fn alone(term: Term) -> Formula {
    Formula { choice: vec![term], steps: Vec::new() }
}

/// The function with its arguments, when they are right.
fn function(name: &str, terms: Vec<Term>) -> Option<Function> {
    match name {
        "empty" => return Some(Function::Empty(terms)),
        "concat" => return (!terms.is_empty()).then_some(Function::Concat(terms)),
        _ => {}
    }
    let mut terms = terms.into_iter();
    let (first, second) = (terms.next(), terms.next());
    if terms.next().is_some() {
        return None;
    }
    match (name, first, second) {
        ("upper", None, None) => Some(Function::Upper),
        ("lower", None, None) => Some(Function::Lower),
        ("trim", None, None) => Some(Function::Trim),
        ("digits", None, None) => Some(Function::Digits),
        ("date", None, None) => Some(Function::Date(Form::Hl7)),
        ("date", Some(Term::Text(form)), None) => (form == "iso").then_some(Function::Date(Form::Iso)),
        ("number", None, None) => Some(Function::Number),
        ("len", None, None) => Some(Function::Len),
        ("first", None, None) => Some(Function::First),
        ("last", None, None) => Some(Function::Last),
        ("text", None, None) => Some(Function::Text),
        ("bool", None, None) => Some(Function::Bool),
        ("time", None, None) => Some(Function::Time(Form::Hl7)),
        ("time", Some(Term::Text(form)), None) => (form == "iso").then_some(Function::Time(Form::Iso)),
        ("add_days", Some(Term::Text(days)), None) => {
            days.parse().ok().filter(|days: &i32| days.abs() <= 3_660_000).map(Function::AddDays)
        }
        ("unique", None, None) => Some(Function::Unique),
        ("mask", None, None) => Some(Function::Mask(0)),
        ("mask", Some(count), None) => count_of(&count, usize::MAX).map(Function::Mask),
        ("uuid5", Some(namespace), None) => Some(Function::Uuid5(namespace)),
        ("phone", None, None) => Some(Function::Phone),
        ("name_part", Some(Term::Text(part)), None) => name_part(&part).map(Function::NamePart),
        ("raw", None, None) => Some(Function::Raw),
        ("typed", Some(kind), None) => Some(Function::Typed(kind)),
        ("left", Some(count), None) => count_of(&count, usize::MAX).map(Function::Left),
        ("round", Some(places), None) => count_of(&places, 20).map(Function::Round),
        ("hash", None, None) => Some(Function::Hash(64)),
        ("hash", Some(length), None) => count_of(&length, 64).filter(|&n| n > 0).map(Function::Hash),
        ("pad", Some(width), fill) => pad(&width, fill.as_ref()),
        ("dtm", first, second) => dtm(first.as_ref(), second.as_ref()),
        ("replace", Some(old), Some(new)) => {
            let empty = matches!(&old, Term::Text(text) if text.is_empty());
            (!empty).then_some(Function::Replace(old, new))
        }
        ("split", Some(separator), None) => {
            let empty = matches!(&separator, Term::Text(text) if text.is_empty());
            (!empty).then_some(Function::Split(separator))
        }
        ("join", Some(separator), None) => Some(Function::Join(separator)),
        ("default", Some(otherwise), None) => Some(Function::Default(otherwise)),
        _ => None,
    }
}

fn name_part(name: &str) -> Option<NamePart> {
    match name {
        "family" => Some(NamePart::Family),
        "given" => Some(NamePart::Given),
        "middle" => Some(NamePart::Middle),
        _ => None,
    }
}

/// `second`, `offset`, `iso`, the precision with one of them, or nothing.
fn dtm(first: Option<&Term>, second: Option<&Term>) -> Option<Function> {
    let (mut precision, mut offset, mut form) = (None, OffsetRule::AsStated, Form::Hl7);
    for term in [first, second].into_iter().flatten() {
        let Term::Text(word) = term else { return None };
        match (word.as_str(), PRECISIONS.iter().find(|(known, _)| known == word)) {
            ("offset", _) => offset = OffsetRule::Needed,
            ("iso", _) => form = Form::Iso,
            (_, Some((_, at))) if precision.is_none() => precision = Some(*at),
            _ => return None,
        }
    }
    Some(Function::Dtm(precision.unwrap_or(Precision::Fraction), offset, form))
}

/// `10`, or `10 "0"`; the fill is a zero unless it is given.
fn pad(width: &Term, fill: Option<&Term>) -> Option<Function> {
    let width = count_of(width, MAX_PAD)?;
    let fill = match fill {
        None => '0',
        Some(Term::Text(text)) if text.chars().count() == 1 => text.chars().next()?,
        Some(_) => return None,
    };
    Some(Function::Pad(width, fill))
}

fn count_of(term: &Term, most: usize) -> Option<usize> {
    match term {
        Term::Text(text) if text.bytes().all(|b| b.is_ascii_digit()) => {
            text.parse().ok().filter(|&n| n <= most)
        }
        _ => None,
    }
}
