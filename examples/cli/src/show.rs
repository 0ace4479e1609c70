//! `hl7 show`: every value with its path and its name in the standard.

use std::collections::HashMap;
use std::fmt::Write as _;

use hl7_core::dictionary::{Dictionary, Element, SegmentDefinition};
use hl7_core::{Component, Field, Message, Segment, Subcomponent};
use serde_json::json;

use crate::failure::Failure;
use crate::input::{self, Source};
use crate::output;
use crate::visible;

/// The fields of MSH that name systems, types and versions, and no patient. They are shown when they have the shape of an identifier.
const NOT_MASKED: [&str; 11] =
    ["MSH-3", "MSH-4", "MSH-5", "MSH-6", "MSH-7", "MSH-9", "MSH-10", "MSH-11", "MSH-12", "MSH-15", "MSH-16"];

const DELIMITERS: [&str; 2] = ["MSH-1", "MSH-2"];

/// One to forty letters, digits, points, hyphens, underscores and signs of a time zone.
fn is_identifier(text: &str) -> bool {
    let is_of_one = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'+');
    (1..=40).contains(&text.len()) && text.bytes().all(is_of_one)
}

pub(crate) fn run(source: &Source, mask: bool, json: bool) -> Result<(), Failure> {
    let mut first = true;
    input::each_message(source, |message| {
        let lines = lines_of(message, mask);
        let text = if json { as_json(&lines) } else { as_text(&lines, std::mem::take(&mut first)) };
        output::write(text.as_bytes())
    })
}

/// A line of the output.
enum Line {
    Segment {
        path: String,
        name: &'static str,
    },
    Value {
        path: String,
        text: String,
        /// What the standard calls it: the field, and the parts within.
        name: String,
        is_null: bool,
    },
    /// A line of the message that is no segment.
    Broken(String),
}

fn as_text(lines: &[Line], first: bool) -> String {
    let mut text = String::new();
    if !first {
        text.push('\n');
    }
    for line in lines {
        let _ = match line {
            Line::Segment { path, name } => writeln!(text, "{}", format!("{path:<16} {name}").trim_end()),
            Line::Value { path, text: value, name, .. } => {
                let value = visible::one_line(value);
                writeln!(text, "{}", format!("  {path:<14} {value:<32}  {name}").trim_end())
            }
            Line::Broken(value) => writeln!(text, "(not a segment)\n  {}", visible::one_line(value)),
        };
    }
    text
}

fn as_json(lines: &[Line]) -> String {
    let values = lines.iter().filter_map(|line| match line {
        Line::Segment { .. } => None,
        Line::Value { path, text, is_null, name } => {
            Some(json!({ "path": path, "text": text, "null": is_null, "name": name }))
        }
        Line::Broken(text) => Some(json!({ "path": null, "text": text, "null": false })),
    });
    format!("{}\n", visible::json(&values.collect::<serde_json::Value>().to_string()))
}

fn lines_of(message: &Message<'_>, mask: bool) -> Vec<Line> {
    let mut walk = Walk { lines: Vec::new(), mask, dictionary: Dictionary::of_message(message) };
    let mut occurrences: HashMap<&str, usize> = HashMap::new();
    for segment in message.iter() {
        if !segment.has_valid_id() {
            let text = walk.shown("", segment.raw());
            walk.lines.push(Line::Broken(text));
            continue;
        }
        let occurrence = occurrences.entry(segment.id()).or_insert(0);
        *occurrence += 1;
        let path = match *occurrence {
            1 => segment.id().to_owned(),
            n => format!("{}[{n}]", segment.id()),
        };
        walk.segment(segment, &path);
    }
    walk.lines
}

struct Walk {
    lines: Vec<Line>,
    mask: bool,
    dictionary: Dictionary,
}

/// The name of a part within what is called `outer`.
fn within(outer: &str, part: Option<Element>) -> String {
    match part {
        Some(part) if !part.name().is_empty() => format!("{outer}, {}", part.name()),
        _ => outer.to_owned(),
    }
}

impl Walk {
    fn segment(&mut self, segment: Segment<'_>, path: &str) {
        let known = self.dictionary.segment(segment.id());
        let name = known.map_or("", SegmentDefinition::name);
        self.lines.push(Line::Segment { path: path.to_owned(), name });
        for (index, field) in segment.fields().enumerate() {
            if !field.is_empty() {
                let known = known.and_then(|known| known.field(index + 1));
                self.field(field, &format!("{path}-{}", index + 1), known);
            }
        }
    }

    fn field(&mut self, field: Field<'_>, path: &str, known: Option<Element>) {
        let several = field.repetitions().nth(1).is_some();
        let name = known.map_or("", Element::name);
        for (index, repetition) in field.repetitions().enumerate() {
            let path = if several { format!("{path}[{}]", index + 1) } else { path.to_owned() };
            let components = repetition.components().nth(1).is_some();
            for (index, component) in repetition.components().enumerate() {
                let part = known.and_then(|known| known.data_type()?.component(index + 1));
                let name = if components { within(name, part) } else { name.to_owned() };
                let path = if components { format!("{path}.{}", index + 1) } else { path.clone() };
                self.component(component, &path, components, (name, part));
            }
        }
    }

    fn component(
        &mut self,
        component: Component<'_>,
        path: &str,
        named: bool,
        (name, known): (String, Option<Element>),
    ) {
        let several = component.subcomponents().nth(1).is_some();
        for (index, leaf) in component.subcomponents().enumerate().filter(|(_, leaf)| !leaf.is_empty()) {
            let part = known.and_then(|known| known.data_type()?.component(index + 1));
            let name = if several { within(&name, part) } else { name.clone() };
            let path = match (several, named) {
                (false, _) => path.to_owned(),
                (true, true) => format!("{path}.{}", index + 1),
                // The only component is component 1, and its parts are subcomponents of that.
                (true, false) => format!("{path}.1.{}", index + 1),
            };
            self.leaf(leaf, path, name);
        }
    }

    fn leaf(&mut self, leaf: Subcomponent<'_>, path: String, name: String) {
        let text = self.shown(&path, &leaf.text());
        self.lines.push(Line::Value { path, text, name, is_null: leaf.is_null() });
    }

    fn shown(&self, path: &str, text: &str) -> String {
        let field = path.split(['.', '[']).next().unwrap_or_default();
        if !self.mask || DELIMITERS.contains(&field) || (NOT_MASKED.contains(&field) && is_identifier(text)) {
            return text.to_owned();
        }
        match text.chars().count() {
            1 => "(1 character)".to_owned(),
            n => format!("({n} characters)"),
        }
    }
}
