//! hl7apy: which segments a text holds, and the same text written again.

use hl7_core::{Delimiters, Field, Message, Segment, escape};
use serde_json::Value as Json;

use super::{Case, Exclusion, judge, recorded, same, text};

const EXCLUSIONS: &[Exclusion] = &[
    Exclusion {
        cases: &["26", "27", "28", "29", "32", "33"],
        why: "2.5.4, figure 2-1: the later characters of MSH-2 may be left out",
    },
    Exclusion {
        cases: &["3", "17", "35", "51", "52", "55"],
        why: "what a message must hold is validation, apart from parsing: a receiver goes on where it can (2.6)",
    },
    Exclusion { cases: &["107"], why: "2.11: segments of a local message are read like all others" },
    Exclusion { cases: &["110"], why: "2.5.4: no letter separates (the documentation of Delimiters)" },
    Exclusion {
        cases: &["5"],
        why: "2.5.4: a component separator separates; in the text of a component it is an escape sequence (2.7.4)",
    },
];

#[test]
fn hl7apy_s_messages_segments_and_fields() {
    let Some(file) = recorded("hl7apy-parse-structure.json") else { return };
    let case = |(index, case): (usize, &Json)| Case { name: index.to_string(), outcome: parsed(case) };
    let cases: Vec<_> = file.as_array().unwrap().iter().enumerate().map(case).collect();
    judge("hl7apy, parsing and writing", &cases, EXCLUSIONS);
}

fn parsed(case: &Json) -> Result<(), String> {
    let er7 = message(case);
    match (Message::parse(&er7), case["error"].is_string()) {
        (Ok(msg), false) => agrees(case, &msg, er7 != text(case, "input")),
        (Err(_), true) => Ok(()),
        (Ok(_), true) => Err("read".to_owned()),
        (Err(error), false) => Err(error.to_string()),
    }
}

/// The text of a case, behind a header when it is less than a message.
fn message(case: &Json) -> String {
    let (input, op, header) = (text(case, "input"), text(case, "op"), header(case));
    match op {
        _ if op == "parse_message" || input.starts_with("MSH") => input.to_owned(),
        "parse_segment" | "parse_segments" => format!("{header}\r{input}"),
        // A field, or a component alone in its field, of a segment without a meaning.
        _ => format!("{header}\rZZZ{}{input}", &header[3..4]),
    }
}

fn agrees(case: &Json, msg: &Message<'_>, behind_header: bool) -> Result<(), String> {
    let segments = || msg.iter().skip(usize::from(behind_header));
    let part_of_segment = matches!(text(case, "op"), "parse_field" | "parse_component");
    if !part_of_segment {
        let mut expected = Vec::new();
        flatten(&case["tree"], &mut expected);
        let found: Vec<_> = segments().map(|segment| segment.id()).collect();
        same(&found.join(" "), &expected.join(" "))?;
    }
    let lines = segments().map(|segment| match part_of_segment {
        true => segment.field(1).map(written).unwrap_or_default(),
        false => line(segment),
    });
    match case["er7"].as_str() {
        Some(er7) => same(&lines.collect::<Vec<_>>().join("\r"), er7),
        None => Ok(()),
    }
}

/// The segment IDs of a tree of groups, in order.
fn flatten<'j>(tree: &'j Json, ids: &mut Vec<&'j str>) {
    match tree {
        Json::String(id) => ids.push(id),
        Json::Array(parts) => parts.iter().for_each(|part| flatten(part, ids)),
        Json::Object(groups) => groups.values().for_each(|group| flatten(group, ids)),
        _ => {}
    }
}

/// A header with the delimiters that a case is given as a Python dictionary, or the usual ones.
fn header(case: &Json) -> String {
    let mut arguments = case["args"].as_array().unwrap().iter().filter_map(Json::as_str);
    let Some(stated) = arguments.find(|argument| argument.starts_with("encoding_chars")) else {
        return "MSH|^~\\&".to_owned();
    };
    let of = |key: &str| stated.split_once(&format!("'{key}': '"))?.1.chars().next();
    let encoding = ["COMPONENT", "REPETITION", "ESCAPE", "SUBCOMPONENT"].into_iter().filter_map(of);
    format!("MSH{}{}", of("FIELD").unwrap_or('|'), encoding.collect::<String>())
}

/// A segment as hl7apy writes it: with the usual delimiters and without empty fields at the end.
fn line(segment: Segment<'_>) -> String {
    let mut fields: Vec<_> = segment.fields().collect();
    while fields.last().is_some_and(|field| field.is_empty()) {
        fields.pop();
    }
    let header = segment.id() == "MSH";
    let parts = fields.iter().enumerate().skip(usize::from(header)).map(|(index, field)| match index {
        1 if header => field.raw().to_owned(),
        _ => written(*field),
    });
    [segment.id().to_owned()].into_iter().chain(parts).collect::<Vec<_>>().join("|")
}

fn written(field: Field<'_>) -> String {
    let usual = Delimiters::default();
    let join =
        |parts: Vec<String>, separator: &str| parts.join(separator).trim_end_matches(separator).to_owned();
    let repetitions = field.repetitions().map(|repetition| {
        let components = repetition.components().map(|component| {
            let leaves = component.subcomponents().map(|leaf| escape(&leaf.text(), &usual).into_owned());
            join(leaves.collect(), "&")
        });
        join(components.collect(), "^")
    });
    join(repetitions.collect(), "~")
}
