//! What a payload looks like that a mapping reads: a sample of it, and its JSON Schema.

use std::collections::BTreeMap;

use crate::expr::{Comparison, JsonPath, Origin, Step};
use crate::json;
use crate::plan::{
    Build, Formula, Function, Kind, Loop, Part, Plan, RepetitionRule, SegmentRule, Term, Test,
};

/// A step from the top of a payload.
#[derive(Clone, PartialEq)]
enum Key {
    Name(String),
    Item,
}

/// A value of the payload, with everything that is read in it.
#[derive(Default)]
struct Shape {
    members: BTreeMap<String, Shape>,
    item: Option<Box<Shape>>,
    example: Option<Example>,
    required: bool,
    /// A `switch` asks for its type.
    any_type: bool,
}

#[derive(Clone)]
enum Example {
    Text(String),
    Number,
}

/// A payload with something for everything that the mapping reads.
pub(crate) fn payload(plan: &Plan, build: &Build) -> String {
    let mut out = String::new();
    shape_of(plan, build).push_sample("", &mut out);
    out
}

/// A JSON Schema (2020-12) of what the mapping reads. Other members are allowed, and types are stated where the mapping needs them.
pub(crate) fn schema(plan: &Plan, build: &Build) -> String {
    let mut out = String::from("{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\",\"title\":");
    json::push_string(&mut out, &plan.name);
    shape_of(plan, build).push_schema(&mut out);
    out.push('}');
    out
}

fn shape_of(plan: &Plan, build: &Build) -> Shape {
    let mut walk = Walk { plan, top: Shape::default(), around: vec![Vec::new()] };
    walk.parts(&build.parts);
    for required in &plan.require {
        walk.formula(&required.formula, None);
        if let [Term::Path(path)] = required.formula.choice.as_slice() {
            let keys = walk.keys(path);
            walk.top.require(&keys);
        }
    }
    walk.top
}

struct Walk<'p> {
    plan: &'p Plan,
    top: Shape,
    /// Where `.` is, in each loop.
    around: Vec<Vec<Key>>,
}

impl Walk<'_> {
    fn parts(&mut self, parts: &[Part]) {
        for part in parts {
            match part {
                Part::Segment(rule) => self.segment(rule),
                Part::Group(rule) => self.inside(rule.when.as_ref(), rule.each.as_ref(), &mut |walk| {
                    walk.parts(&rule.parts);
                }),
            }
        }
    }

    fn segment(&mut self, rule: &SegmentRule) {
        self.inside(rule.when.as_ref(), rule.each.as_ref(), &mut |walk| {
            rule.fields.iter().flat_map(|field| &field.repetitions).for_each(|rule| walk.repetition(rule));
        });
    }

    fn repetition(&mut self, rule: &RepetitionRule) {
        self.inside(rule.when.as_ref(), rule.each.as_ref(), &mut |walk| {
            rule.leaves.iter().for_each(|leaf| walk.formula(&leaf.formula, None));
            let Some(switch) = &rule.switch else { return };
            let number = switch.cases.first().is_some_and(|(kind, _)| *kind == Kind::Number);
            walk.formula(&switch.over, number.then_some(Example::Number));
            for (_, case) in &switch.cases {
                walk.repetition(case);
            }
            if let [Term::Path(path)] = switch.over.choice.as_slice() {
                let keys = walk.keys(path);
                walk.top.at(&keys).any_type = true;
            }
        });
    }

    /// What a condition and a loop read, and what is inside.
    fn inside(&mut self, when: Option<&Test>, each: Option<&Loop>, body: &mut dyn FnMut(&mut Self)) {
        when.into_iter().for_each(|when| self.test(when));
        let Some(each) = each else { return body(self) };
        let mut item = self.around.last().cloned().unwrap_or_default();
        if let Some(Term::Path(path)) = each.over.choice.first() {
            item = self.keys(path);
            // A list that a function makes is a text in the payload.
            item.extend(each.over.steps.is_empty().then_some(Key::Item));
        }
        self.top.at(&item);
        self.around.push(item);
        each.filter.iter().for_each(|filter| self.test(filter));
        body(self);
        self.around.pop();
    }

    fn test(&mut self, test: &Test) {
        let example = |formula: &Formula| match formula.choice.as_slice() {
            [Term::Text(text)] => Some(Example::Text(text.clone())),
            _ => None,
        };
        match test {
            Test::Any(tests) | Test::All(tests) => tests.iter().for_each(|test| self.test(test)),
            Test::Not(inner) => self.test(inner),
            Test::Present(formula) | Test::Matches(formula, _) => self.formula(formula, None),
            Test::Compare(left, how, right) => {
                let same = *how == Comparison::Equal;
                self.formula(&left.formula, example(&right.formula).filter(|_| same));
                self.formula(&right.formula, None);
            }
            Test::In(left, list) => {
                self.formula(&left.formula, list.first().and_then(|first| example(&first.formula)));
                list.iter().for_each(|operand| self.formula(&operand.formula, None));
            }
        }
    }

    fn formula(&mut self, formula: &Formula, example: Option<Example>) {
        let example = example.or_else(|| formula.steps.iter().find_map(|step| self.example(step)));
        for term in &formula.choice {
            self.term(term, example.clone());
        }
        for term in formula.steps.iter().flat_map(Function::terms) {
            self.term(term, None);
        }
    }

    fn term(&mut self, term: &Term, example: Option<Example>) {
        match term {
            Term::Group(inner) => self.formula(inner, example),
            Term::Path(path) => {
                let keys = self.keys(path);
                let shape = self.top.at(&keys);
                if shape.example.is_none() {
                    shape.example = example;
                }
            }
            _ => {}
        }
    }

    fn keys(&self, path: &JsonPath) -> Vec<Key> {
        let base = match path.from {
            Origin::Root | Origin::Kept(_) => self.around.first(),
            Origin::Above(above) => self.around.iter().rev().nth(above),
        };
        let steps = path.steps.iter().map(|step| match step {
            Step::Name(name) => Key::Name(name.clone()),
            Step::Index(_) => Key::Item,
        });
        base.into_iter().flatten().cloned().chain(steps).collect()
    }

    /// A value that a function takes.
    fn example(&self, step: &Function) -> Option<Example> {
        let text = match step {
            Function::Number | Function::Round(_) => return Some(Example::Number),
            Function::Table(index) => self.plan.tables.get(*index)?.rows.first()?.0.as_str(),
            Function::Date(_) => "1980-02-03",
            Function::Dtm(..) | Function::ZoneIn(_) | Function::ToZone(_) | Function::AddDays(_) => {
                "2026-01-02T03:04:05Z"
            }
            Function::Time(_) => "03:04:05",
            Function::Bool => "Y",
            Function::Digits | Function::Phone => "5550100",
            _ => return None,
        };
        Some(Example::Text(text.to_owned()))
    }
}

impl Shape {
    /// The value at some keys, which is there from now on.
    fn at(&mut self, keys: &[Key]) -> &mut Shape {
        let Some((first, rest)) = keys.split_first() else { return self };
        match first {
            Key::Item => self.item.get_or_insert_default().at(rest),
            Key::Name(name) => self.members.entry(name.clone()).or_default().at(rest),
        }
    }

    fn require(&mut self, keys: &[Key]) {
        if let Some((first, rest)) = keys.split_first() {
            let inner = self.at(std::slice::from_ref(first));
            inner.required = true;
            inner.require(rest);
        }
    }

    /// Appends a value; `name` is what it is called.
    fn push_sample(&self, name: &str, out: &mut String) {
        match (&self.example, &self.item) {
            (Some(Example::Number), _) => out.push('1'),
            (None, Some(item)) => {
                out.push('[');
                item.push_sample(name, out);
                out.push(']');
            }
            (None, None) if !self.members.is_empty() || name.is_empty() => {
                push_members(&self.members, out, |name, member, out| member.push_sample(name, out));
            }
            (Some(Example::Text(text)), _) => json::push_string(out, text),
            (None, None) => json::push_string(out, name),
        }
    }

    /// Appends the keywords of a schema, each with a comma in front.
    fn push_schema(&self, out: &mut String) {
        if let Some(item) = self.item.as_ref().filter(|_| !self.any_type) {
            // A single value is a list of one.
            out.push_str(",\"items\":{\"description\":\"an item\"");
            item.push_schema(out);
            out.push('}');
        }
        if self.members.is_empty() {
            return;
        }
        if !self.any_type && self.item.is_none() {
            out.push_str(",\"type\":[\"object\",\"null\"]");
        }
        out.push_str(",\"properties\":");
        push_members(&self.members, out, |name, member, out| {
            out.push_str("{\"title\":");
            json::push_string(out, name);
            member.push_schema(out);
            out.push('}');
        });
        let required: Vec<&String> =
            self.members.iter().filter(|(_, member)| member.required).map(|(name, _)| name).collect();
        for (n, name) in required.iter().enumerate() {
            out.push_str(if n == 0 { ",\"required\":[" } else { "," });
            json::push_string(out, name);
        }
        out.push_str(if required.is_empty() { "" } else { "]" });
    }
}

fn push_members(
    members: &BTreeMap<String, Shape>,
    out: &mut String,
    mut push: impl FnMut(&str, &Shape, &mut String),
) {
    out.push('{');
    for (n, (name, member)) in members.iter().enumerate() {
        out.push_str(if n > 0 { "," } else { "" });
        json::push_string(out, name);
        out.push(':');
        push(name, member, out);
    }
    out.push('}');
}
