//! python-hl7: parsing, values by its keys, escapes.

use hl7_core::typed::DateTime;
use hl7_core::{Delimiters, Field, Message, ParseErrorKind, Path, Segment, escape, unescape};
use serde_json::Value as Json;

use super::{Case, Exclusion, judge, recorded, same, text};

const EXCLUSIONS: &[Exclusion] = &[
    Exclusion {
        cases: &["60 escape", "61 escape"],
        why: "2.15.9.18: letters of the message's character set stand as they are; hexadecimal data are for other bytes (2.7.5)",
    },
    Exclusion {
        cases: &["117 unescape", "118 unescape"],
        why: "2.7.3: highlighting is for whoever shows the text, and kept as it is",
    },
    Exclusion {
        cases: &["79 parse"],
        why: "2.15.9.18: table 0211 has no windows-1252, which this case is given as its set",
    },
    Exclusion {
        cases: &[
            "77 split_file",
            "89 parse_batch",
            "90 parse_batch",
            "91 parse_batch",
            "92 parse_batch",
            "93 parse_batch",
            "94 parse_file",
            "95 parse_file",
            "96 parse_file",
            "97 parse_file",
            "98 parse_file",
            "99 parse_file",
            "100 parse_file",
            "102 parse_hl7",
            "103 parse_hl7",
            "104 parse_hl7",
            "105 parse_hl7",
            "106 parse_hl7",
            "107 parse_hl7",
            "130 isbatch",
            "131 isbatch",
            "132 isbatch",
        ],
        why: "2.10.3: a file or batch is no message, and refused as such by the parser of messages",
    },
];

#[test]
fn python_hl7_s_own_tests() {
    let Some(file) = recorded("python-hl7.json") else { return };
    let case = |(index, case): (usize, &Json)| Case {
        name: format!("{index} {}", text(case, "op")),
        outcome: outcome(case),
    };
    let cases: Vec<_> = file.as_array().unwrap().iter().enumerate().map(case).collect();
    judge("python-hl7", &cases, EXCLUSIONS);
}

fn outcome(case: &Json) -> Result<(), String> {
    let (op, input) = (text(case, "op"), text(case, "input"));
    let argument = || case["args"][0].as_str().unwrap();
    let usual = Delimiters::default();
    match op {
        "escape" => same(&escape(argument(), &usual), text(case, "expected")),
        "unescape" => same(&unescape(argument(), &usual), text(case, "expected")),
        "Message[key]" if argument().len() == 3 => same(&lists(input, argument()), text(case, "expected")),
        "Message[key]" => same(&value(input, key(argument())).unwrap_or_default(), text(case, "expected")),
        "extract_field" => extracted(case),
        "ishl7" | "isbatch" | "isfile" => recognized(case),
        "parse_datetime" => same(&iso_8601(input), text(case, "expected")),
        _ => written(case),
    }
}

/// Parsing, and `str()` of the result, which ends every segment in CR.
fn written(case: &Json) -> Result<(), String> {
    // Text of a byte string stands as one character a byte.
    let stated = case["args"]
        .as_array()
        .unwrap()
        .iter()
        .any(|arg| arg.as_str().is_some_and(|a| a.starts_with("encoding")));
    let bytes: Vec<u8> = if stated || text(case, "error").starts_with("Unicode") {
        text(case, "input").chars().map(|c| u8::try_from(c).unwrap()).collect()
    } else {
        text(case, "input").as_bytes().to_vec()
    };
    match (Message::from_bytes(&bytes), case["expected"].as_str()) {
        (Ok(msg), Some(expected)) => same(&String::from_utf8_lossy(&msg.to_wire().unwrap()), expected),
        (Err(_), None) => Ok(()),
        (Ok(_), None) => Err("read".to_owned()),
        (Err(error), Some(_)) => Err(error.to_string()),
    }
}

/// Whether a text is one message, or a file or batch of them.
fn recognized(case: &Json) -> Result<(), String> {
    let parsed = Message::parse(text(case, "input"));
    let found = match text(case, "op") {
        "ishl7" => parsed.is_ok(),
        _ => parsed.is_err_and(|e| matches!(e.kind(), ParseErrorKind::Batch | ParseErrorKind::SecondHeader)),
    };
    if Some(found) == case["expected"].as_bool() { Ok(()) } else { Err(format!("{found}")) }
}

fn extracted(case: &Json) -> Result<(), String> {
    let numbers: Vec<_> = case["args"].as_array().unwrap().iter().filter_map(Json::as_u64).collect();
    let (occurrence, places) = numbers.split_first().unwrap();
    let path = path(case["args"][0].as_str().unwrap(), Some(*occurrence), places);
    match (value(text(case, "input"), path), case["expected"].as_str()) {
        (Some(found), Some(expected)) => same(&found, expected),
        (None, None) => Ok(()),
        (found, expected) => Err(format!("{found:?}, expected {expected:?}")),
    }
}

fn value(er7: &str, path: Path) -> Option<String> {
    Message::parse(er7).unwrap().get(&path).map(|value| value.text().into_owned())
}

/// A time as Python shows it, which knows no precision.
fn iso_8601(text: &str) -> String {
    let time = DateTime::parse(text).unwrap();
    let date = format!("{:04}-{:02}-{:02}", time.year(), time.month().unwrap(), time.day().unwrap());
    let clock =
        [time.hour(), time.minute(), time.second()].map(|part| format!("{:02}", part.unwrap_or(0))).join(":");
    let fraction = time.nanosecond().map(|n| format!(".{:06}", n / 1000)).unwrap_or_default();
    let offset = time.offset().map(|offset| {
        let minutes = offset.minutes();
        let sign = if minutes < 0 { '-' } else { '+' };
        format!("{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60)
    });
    format!("{date}T{clock}{fraction}{}", offset.unwrap_or_default())
}

/// `PID1.3.1.2.2`: segment and occurrence, field, repetition, component, subcomponent.
fn key(key: &str) -> Path {
    let (segment, places) = key.split_once('.').unwrap();
    let (id, occurrence) = segment.split_at(3);
    let places: Vec<_> = places.split('.').map(|place| place.parse().unwrap()).collect();
    path(id, occurrence.parse().ok(), &places)
}

fn path(id: &str, occurrence: Option<u64>, places: &[u64]) -> Path {
    let mut path = id.to_owned();
    path += &occurrence.map(|n| format!("[{n}]")).unwrap_or_default();
    for (place, n) in places.iter().enumerate() {
        path += &match place {
            0 => format!("-{n}"),
            1 => format!("[{n}]"),
            _ => format!(".{n}"),
        };
    }
    path.parse().unwrap()
}

/// All segments of an ID as nested lists of Python.
fn lists(er7: &str, id: &str) -> String {
    let msg = Message::parse(er7).unwrap();
    list(msg.segments(id).map(segment_list))
}

fn segment_list(segment: Segment<'_>) -> String {
    list([list([quoted(segment.id())])].into_iter().chain(segment.fields().map(field_list)))
}

fn field_list(field: Field<'_>) -> String {
    list(field.repetitions().map(|repetition| {
        let components =
            repetition.components().map(|c| list(c.subcomponents().map(|leaf| quoted(leaf.raw()))));
        let components: Vec<_> = components.collect();
        match (components.as_slice(), field.repetitions().count()) {
            ([_], 1) => quoted(repetition.raw()),
            ([_], _) => list([quoted(repetition.raw())]),
            _ => list(components),
        }
    }))
}

fn list(parts: impl IntoIterator<Item = String>) -> String {
    format!("[{}]", parts.into_iter().collect::<Vec<_>>().join(", "))
}

fn quoted(text: &str) -> String {
    format!("'{text}'")
}
