//! Messages made from the dictionary: one with all that is required has no error, and each planted defect is found at its place.

use hl7_core::dictionary::{DataType, Dictionary, Element, Group, Structure, Usage, Version};
use hl7_core::{FindingCode, Message, Severity, Validation, validate};

/// A value that fits.
fn fitting(kind: DataType, element: Element) -> String {
    if !kind.is_primitive() {
        let parts = kind.components().map(|part| match part.data_type() {
            Some(inner) if part.number() == 1 && kind.id() == "TS" => fitting_leaf("DTM", part, inner),
            Some(inner) if part.usage() == Usage::Required || part.number() == 1 => {
                fitting(inner, part).replace('^', "&")
            }
            _ => String::new(),
        });
        let mut value = parts.collect::<Vec<_>>().join("^");
        value.truncate(value.trim_end_matches('^').len());
        if value.is_empty() {
            // The first component was withdrawn.
            let usable = kind.components().find_map(|part| Some((part, part.data_type()?)));
            let (part, inner) = usable.unwrap();
            value = "^".repeat(usize::from(part.number()) - 1) + &fitting(inner, part).replace('^', "&");
        }
        let coded = matches!(kind.id(), "CE" | "CWE" | "CNE" | "CF").then(|| code_of(element)).flatten();
        return match coded {
            Some(code) => format!("{code}{}", value.find('^').map_or("", |at| &value[at..])),
            None => value,
        };
    }
    fitting_leaf(kind.id(), element, kind)
}

fn fitting_leaf(id: &str, element: Element, _: DataType) -> String {
    match id {
        "DT" => "20260102".to_owned(),
        "DTM" | "TS" => "2026".to_owned(),
        "TM" => "0815".to_owned(),
        "NM" | "SI" => "1".to_owned(),
        "ID" | "IS" => code_of(element).unwrap_or_else(|| "X".to_owned()),
        _ => "X".to_owned(),
    }
}

fn code_of(element: Element) -> Option<String> {
    element.table()?.codes().next().map(|code| code.code().to_owned())
}

/// The IDs of the segments that a group needs.
fn required(group: Group, ids: &mut Vec<&'static str>) {
    let needed = group.parts().filter(|part| part.is_required() && !part.is_open());
    let chosen: Vec<_> = if group.is_choice() { group.parts().take(1).collect() } else { needed.collect() };
    for part in chosen {
        match part.group() {
            Some(inner) => required(inner, ids),
            None => ids.push(part.name()),
        }
    }
}

/// The fields of a segment that have to be valued, the others empty.
fn fields(dictionary: Dictionary, id: &str) -> Vec<String> {
    let Some(segment) = dictionary.segment(id) else { return Vec::new() };
    let field = |element: Element| match element.data_type() {
        Some(kind) if element.usage() == Usage::Required => fitting(kind, element),
        _ => String::new(),
    };
    segment.fields().map(field).collect()
}

/// The lines of a message of an event, as fields from number 1.
fn lines(
    dictionary: Dictionary,
    structure: Structure,
    kind: &str,
    event: &str,
) -> Vec<(String, Vec<String>)> {
    let mut ids = Vec::new();
    required(structure.root(), &mut ids);
    let mut lines: Vec<_> = ids.iter().map(|id| ((*id).to_owned(), fields(dictionary, id))).collect();
    let header = &mut lines[0].1;
    let stated = [
        (2, "^~\\&".to_owned()),
        (7, "2026".to_owned()),
        (9, format!("{kind}^{event}^{}", structure.name())),
        (10, "1".to_owned()),
        (11, "P".to_owned()),
        (12, dictionary.version().number().to_owned()),
    ];
    for (number, text) in stated {
        header[number - 1] = text;
    }
    if dictionary.version() < Version::V2_3_1 {
        header[8] = format!("{kind}^{event}");
    }
    lines
}

fn er7(lines: &[(String, Vec<String>)]) -> String {
    let line = |(id, fields): &(String, Vec<String>)| {
        let skip = usize::from(id == "MSH");
        format!("{id}|{}\r", fields[skip.min(fields.len())..].join("|").trim_end_matches('|'))
    };
    lines.iter().map(line).collect()
}

fn errors(er7: &str) -> Vec<String> {
    let msg = Message::parse(er7).unwrap();
    let findings = validate(&msg, &Validation::new());
    let severe = findings.iter().filter(|finding| finding.severity() == Severity::Error);
    severe.map(ToString::to_string).collect()
}

/// Every event of every version with a known structure that begins with MSH.
fn each_event(mut test: impl FnMut(Dictionary, Vec<(String, Vec<String>)>, &str)) -> usize {
    let mut events = 0;
    for version in Version::ALL {
        let dictionary = Dictionary::of(version);
        for event in dictionary.events() {
            let (kind, trigger) = (event.message_type(), event.trigger_event());
            let Some(structure) = dictionary.structure_of(kind, trigger) else { continue };
            let mut ids = Vec::new();
            required(structure.root(), &mut ids);
            // Structures that stand for several messages have more than one header.
            if ids.first() != Some(&"MSH") || ids.iter().filter(|id| **id == "MSH").count() > 1 {
                continue;
            }
            // SUR^P09 has PSH and PDC in a group, around it and in the one behind it: which is meant cannot be told (see `Groups`).
            if (kind, trigger) == ("SUR", "P09") {
                continue;
            }
            events += 1;
            let name = format!("{version} {kind}^{trigger}");
            test(dictionary, lines(dictionary, structure, kind, trigger), &name);
        }
    }
    events
}

#[test]
fn what_has_all_that_is_required_has_no_error() {
    let mut wrong = Vec::new();
    let events = each_event(|_, lines, name| {
        let found = errors(&er7(&lines));
        if !found.is_empty() {
            wrong.push(format!("{name}: {found:?}"));
        }
    });
    assert!(
        events > 2_000 && wrong.is_empty(),
        "{} of {events}: {:#?}",
        wrong.len(),
        &wrong[..wrong.len().min(12)]
    );
}

#[test]
fn a_required_field_that_is_emptied_is_found_at_its_place() {
    let mut planted = 0;
    each_event(|dictionary, lines, name| {
        for (at, (id, _)) in lines.iter().enumerate().skip(1) {
            let Some(segment) = dictionary.segment(id) else { continue };
            let Some(field) = segment.fields().find(|field| field.usage() == Usage::Required) else {
                continue;
            };
            let number = usize::from(field.number());
            let mut broken = lines.clone();
            broken[at].1[number - 1].clear();
            let nth = lines[..=at].iter().filter(|(other, _)| other == id).count();
            let expected = format!("{} at {id}[{nth}]-{number}:", FindingCode::MissingField);
            let found = errors(&er7(&broken));
            assert!(found.iter().any(|text| text.starts_with(&expected)), "{name}, {expected} {found:?}");
            planted += 1;
        }
    });
    assert!(planted > 2_000, "{planted}");
}

#[test]
fn a_value_that_is_none_of_its_type_is_found_at_its_place() {
    let mut planted = 0;
    each_event(|dictionary, lines, name| {
        for (at, (id, fields)) in lines.iter().enumerate().skip(1) {
            let Some(segment) = dictionary.segment(id) else { continue };
            let typed = |field: &Element| {
                matches!(field.data_type().map(|kind| kind.id()), Some("DT" | "DTM" | "TS" | "NM" | "SI"))
                    && !fields[usize::from(field.number()) - 1].is_empty()
            };
            let Some(field) = segment.fields().find(typed) else { continue };
            let number = usize::from(field.number());
            let mut broken = lines.clone();
            broken[at].1[number - 1] = "May 4th".to_owned();
            let nth = lines[..=at].iter().filter(|(other, _)| other == id).count();
            let expected = format!("{} at {id}[{nth}]-{number}[1]", FindingCode::WrongType);
            let found = errors(&er7(&broken));
            assert!(found.iter().any(|text| text.starts_with(&expected)), "{name}, {expected} {found:?}");
            planted += 1;
        }
    });
    assert!(planted > 1_000, "{planted}");
}
