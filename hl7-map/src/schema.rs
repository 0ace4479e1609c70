//! The JSON Schema of mapping files, for editors: segments and fields by their names.

use std::fmt::Write;

use hl7_core::dictionary::{Dictionary, Element, Usage};

use crate::json;
use crate::standard::Version;

/// Keys at the top of a mapping file and what they say.
const TOP: [(&str, &str); 17] = [
    ("map", "the name of the mapping"),
    ("from", "json, hl7, or the version and the message that is read"),
    ("to", "the version and the message that goes out, json, or { hl7: same }"),
    ("zone", "the time zone of timestamps without an offset"),
    ("tables", "NAME: { map: { from: to }, on_miss: error | keep | drop | TEXT }"),
    ("lookups", "lookups of the embedding program"),
    ("segments", "Z segments that are written: { ZPD: { 1: ST } } or any"),
    ("profile", "the name of a file with the profile of what goes out"),
    ("require", "paths that have to be present"),
    ("control_id", "MSH-10"),
    ("payload_schema", "a JSON Schema of the payload, or the name of a file with one"),
    ("accept", "places with the values that they have to have"),
    ("drop_message", "{ when: CONDITION, reason: TEXT }"),
    ("set", "PATH: VALUE"),
    ("remove", "paths or segments"),
    ("add", "{ segment, after or before, fields, when }"),
    ("tests", "given, change, expect, error"),
];

/// The JSON Schema (2020-12), in one line, of mapping files that write this version, such as `2.5.1`; `None` of an unknown version.
///
/// An editor that has it completes keys, and shows the names of segments and fields. What it lets pass may still have mistakes:
/// [`Mapping::from_yaml`](crate::Mapping::from_yaml) finds those.
///
/// ```
/// let schema = hl7_map::mapping_schema("2.5.1").unwrap();
/// assert!(schema.contains(r#""5":{"title":"PID-5 Patient Name","description":"XPN, required, repeats"}"#));
/// assert!(hl7_map::mapping_schema("2.99").is_none());
/// ```
pub fn mapping_schema(version: &str) -> Option<String> {
    let version = Version::of(version)?;
    let mut out = String::from(
        "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\",\"type\":\"object\",\"required\":[\"map\",\"from\",\"to\"],\"additionalProperties\":false,\"title\":",
    );
    json::push_string(&mut out, &format!("hl7-map, HL7 {}", version.text()));
    out.push_str(
        ",\"properties\":{\"emit\":{\"anyOf\":[{\"$ref\":\"#/$defs/message\"},{\"type\":\"object\"}]}",
    );
    for (key, says) in TOP {
        let _ = write!(out, ",\"{key}\":{{\"description\":");
        json::push_string(&mut out, says);
        out.push('}');
    }
    out.push_str("},\"$defs\":{");
    push_message(version.dictionary(), &mut out);
    for segment in version.dictionary().segments() {
        push_segment(segment.id(), segment.fields(), &mut out);
    }
    out.push_str("}}");
    Some(out)
}

/// `emit` of a mapping that makes a message, or a group in it: segments by their IDs, and groups, which hold the same.
fn push_message(dictionary: Dictionary, out: &mut String) {
    out.push_str("\"message\":{\"type\":\"object\",\"properties\":{\"each\":{},\"filter\":{},\"when\":{}");
    for segment in dictionary.segments() {
        let id = segment.id();
        let _ = write!(out, ",\"{id}\":{{\"title\":");
        json::push_string(out, segment.name());
        let _ = write!(
            out,
            ",\"anyOf\":[{{\"$ref\":\"#/$defs/{id}\"}},{{\"type\":\"array\",\"items\":{{\"$ref\":\"#/$defs/{id}\"}}}}]}}"
        );
    }
    out.push_str("},\"patternProperties\":{\"^[A-Z][A-Z0-9_]{3,}$\":{\"$ref\":\"#/$defs/message\"},\"^(Z[A-Z0-9]{2}|[A-Z][A-Z0-9]{2}@[1-9][0-9]?)$\":{}},\"additionalProperties\":false}");
}

fn push_segment(id: &str, fields: impl Iterator<Item = Element>, out: &mut String) {
    let _ = write!(
        out,
        ",\"{id}\":{{\"type\":\"object\",\"properties\":{{\"each\":{{}},\"filter\":{{}},\"when\":{{}}"
    );
    for field in fields {
        let number = field.number();
        let _ = write!(out, ",\"{number}\":{{\"title\":");
        json::push_string(out, format!("{id}-{number} {}", field.name()).trim_end());
        out.push_str(",\"description\":");
        json::push_string(out, &description(field));
        out.push('}');
    }
    out.push_str("},\"additionalProperties\":false}");
}

/// `XPN, required, repeats`
fn description(field: Element) -> String {
    let usage = match field.usage() {
        Usage::Required => Some("required"),
        Usage::Conditional => Some("conditional"),
        Usage::Withdrawn => Some("withdrawn"),
        _ => None,
    };
    let kind = field.data_type().map(|kind| kind.id());
    let repeats = (field.max() != Some(1)).then_some("repeats");
    let parts: Vec<&str> = kind.into_iter().chain(usage).chain(repeats).collect();
    parts.join(", ")
}
