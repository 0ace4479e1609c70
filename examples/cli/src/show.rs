//! `hl7 show`: every value with its path.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::Path;

use hl7_core::{Component, Field, Message, Segment};

use crate::failure::Failure;
use crate::input;
use crate::output;

pub(crate) fn run(file: Option<&Path>) -> Result<(), Failure> {
    let mut first = true;
    input::each_message(file, |message| {
        let mut text = String::new();
        if !std::mem::take(&mut first) {
            text.push('\n');
        }
        push_message(&mut text, message);
        output::write(text.as_bytes())
    })
}

fn push_message(text: &mut String, message: &Message<'_>) {
    let mut occurrences: HashMap<String, usize> = HashMap::new();
    for segment in message.iter() {
        if !segment.has_valid_id() {
            let _ = writeln!(text, "(not a segment)\n  {}", output::one_line(segment.raw()));
            continue;
        }
        let occurrence = occurrences.entry(segment.id().to_owned()).or_insert(0);
        *occurrence += 1;
        let name = if *occurrence == 1 {
            segment.id().to_owned()
        } else {
            format!("{}[{occurrence}]", segment.id())
        };
        push_segment(text, segment, &name);
    }
}

fn push_segment(text: &mut String, segment: Segment<'_>, name: &str) {
    let _ = writeln!(text, "{name}");
    for (index, field) in segment.fields().enumerate() {
        if !field.is_empty() {
            push_field(text, field, &format!("{name}-{}", index + 1));
        }
    }
}

fn push_field(text: &mut String, field: Field<'_>, path: &str) {
    let several = field.repetitions().nth(1).is_some();
    for (index, repetition) in field.repetitions().enumerate() {
        let path = if several { format!("{path}[{}]", index + 1) } else { path.to_owned() };
        if repetition.components().nth(1).is_none() {
            push_component(text, repetition.component(1), &path);
            continue;
        }
        for (index, component) in repetition.components().enumerate() {
            push_component(text, Some(component), &format!("{path}.{}", index + 1));
        }
    }
}

fn push_component(text: &mut String, component: Option<Component<'_>>, path: &str) {
    let Some(component) = component else { return };
    let several = component.subcomponents().nth(1).is_some();
    for (index, leaf) in component.subcomponents().enumerate() {
        if leaf.is_empty() {
            continue;
        }
        let path = if several { format!("{path}.{}", index + 1) } else { path.to_owned() };
        let _ = writeln!(text, "  {path:<14} {}", output::one_line(&leaf.text()));
    }
}
