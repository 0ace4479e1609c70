//! hl7-core beside `er7`, `hl7-v2` and what a hand writes that keeps nothing.

use hl7_core::{Message, Path, Validation, path, validate};

use crate::measure::{compare, contender};
use crate::samples;

/// Ten fields that a router reads: segment, field, component.
const READ: [(&str, usize, usize); 10] = [
    ("MSH", 9, 1),
    ("MSH", 10, 1),
    ("MSH", 12, 1),
    ("EVN", 2, 1),
    ("PID", 3, 1),
    ("PID", 5, 1),
    ("PID", 7, 1),
    ("PID", 8, 1),
    ("PV1", 2, 1),
    ("PV1", 19, 1),
];

const PATHS: [&Path; 10] = [
    path!("MSH-9.1"),
    path!("MSH-10"),
    path!("MSH-12"),
    path!("EVN-2"),
    path!("PID-3.1"),
    path!("PID-5.1"),
    path!("PID-7"),
    path!("PID-8"),
    path!("PV1-2"),
    path!("PV1-19"),
];

fn ours(text: &str) -> usize {
    let Ok(msg) = Message::parse(text) else { return 0 };
    PATHS.iter().filter_map(|path| msg.get(path)).map(|value| value.raw().len()).sum()
}

fn from_bytes(text: &str) -> usize {
    let Ok(msg) = Message::from_bytes(text.as_bytes()) else { return 0 };
    PATHS.iter().filter_map(|path| msg.get(path)).map(|value| value.raw().len()).sum()
}

/// Reads the same ten places from the bytes, and keeps nothing.
fn by_hand(text: &str) -> usize {
    let mut length = 0;
    let mut start = 0;
    let bytes = text.as_bytes();
    for end in memchr::memchr_iter(b'\r', bytes) {
        let line = &text[start..end];
        start = end + 1;
        for (id, field, component) in
            READ.iter().filter(|(id, ..)| line.as_bytes().starts_with(id.as_bytes()))
        {
            let nth = if *id == "MSH" { field - 1 } else { *field };
            let value = line.split('|').nth(nth).and_then(|v| v.split('~').next());
            length += value.and_then(|v| v.split('^').nth(component - 1)).map_or(0, str::len);
        }
    }
    length
}

fn with_er7(text: &str) -> usize {
    let Ok(msg) = er7::parse(text) else { return 0 };
    let one = |(id, field, component): &(&str, usize, usize)| {
        let leaf =
            msg.segment(id).and_then(|s| s.component(*field, *component)).and_then(|c| c.subcomponent(1));
        leaf.map_or(0, |leaf| leaf.value(&msg.separators).len())
    };
    READ.iter().map(one).sum()
}

fn with_hl7_v2(text: &str) -> usize {
    let Ok(msg) = hl7_v2::Hl7Message::parse(text.as_bytes()) else { return 0 };
    let one = |(id, field, component): &(&str, usize, usize)| {
        // It counts the fields of MSH from MSH-2 on.
        let index = field - if *id == "MSH" { 2 } else { 1 };
        let raw = msg.segment(id).and_then(|segment| segment.raw_fields().get(index).copied());
        raw.and_then(|raw| raw.split('^').nth(component - 1)).map_or(0, str::len)
    };
    READ.iter().map(one).sum()
}

fn leaves(text: &str) -> usize {
    Message::parse(text).map_or(0, |msg| leaves_of(&msg))
}

fn leaves_of(msg: &Message<'_>) -> usize {
    let mut length = 0;
    for segment in msg.iter() {
        for field in segment.fields() {
            for repetition in field.repetitions() {
                for component in repetition.components() {
                    length += component.subcomponents().map(|leaf| leaf.text().len()).sum::<usize>();
                }
            }
        }
    }
    length
}

fn flat_leaves(text: &str) -> usize {
    Message::parse(text).map_or(0, |msg| msg.leaves().map(|leaf| leaf.value.text().len()).sum())
}

fn leaves_by_split(text: &str) -> usize {
    let mut length = 0;
    for line in text.split('\r') {
        for field in line.split('|') {
            for repetition in field.split('~') {
                for component in repetition.split('^') {
                    for leaf in component.split('&') {
                        let text =
                            if leaf.contains('\\') { leaf.replace("\\T\\", "&").len() } else { leaf.len() };
                        length += text;
                    }
                }
            }
        }
    }
    length
}

fn set_and_write(msg: &Message<'_>) -> usize {
    let mut msg = msg.clone();
    let done = msg.set(path!("PID-5.1"), "Smith & Sons");
    done.map_or(0, |()| msg.as_er7().len())
}

/// The parser's bars.
pub fn run() {
    let adt = samples::adt();
    let others = [by_hand(&adt), from_bytes(&adt), with_hl7_v2(&adt), with_er7(&adt)];
    assert_eq!([ours(&adt); 4], others, "contenders read the same");
    compare(
        &format!("ADT of {} bytes: parse and read ten fields", adt.len()),
        vec![
            contender("hl7-core", || ours(&adt)),
            contender("by hand, keeping nothing (bar 0.90x)", || by_hand(&adt)),
            contender("hl7-core, from bytes", || from_bytes(&adt)),
            contender("hl7-v2 0.1, from bytes (bar 0.33x)", || with_hl7_v2(&adt)),
            contender("er7 0.1 (bar 0.04x)", || with_er7(&adt)),
        ],
    );
    let oru = samples::oru();
    compare(
        &format!("ORU of {} bytes, 200 OBX: parse", oru.len()),
        vec![
            contender("hl7-core", || Message::parse(&oru).map(|m| m.iter().len())),
            contender("memchr over CR (bar 1.35x)", || {
                memchr::memchr_iter(b'\r', oru.as_bytes()).fold(0, |sum, at| sum ^ at)
            }),
            contender("hl7-v2 0.1", || hl7_v2::Hl7Message::parse(oru.as_bytes()).is_ok()),
            contender("er7 0.1", || er7::parse(&oru).is_ok()),
        ],
    );
    compare(
        "The same ORU: every leaf, unescaped",
        vec![
            contender("hl7-core, nested", || leaves(&oru)),
            contender("str::split at every level (bar 0.70x)", || leaves_by_split(&oru)),
            contender("er7 0.1, parse alone", || er7::parse(&oru).is_ok()),
        ],
    );
    assert_eq!(leaves(&oru), flat_leaves(&oru), "contenders read the same");
    compare(
        "The same ORU: every leaf, unescaped, in one pass",
        vec![
            contender("hl7-core, flat", || flat_leaves(&oru)),
            contender("str::split at every level (bar 0.30x)", || leaves_by_split(&oru)),
        ],
    );
    let document = samples::document();
    compare(
        &format!("A field of a megabyte ({} bytes): parse", document.len()),
        vec![
            contender("hl7-core", || Message::parse(&document).map(|m| m.iter().len())),
            contender("memcpy (bar 0.80x)", || document.as_bytes().to_vec()),
            contender("er7 0.1", || er7::parse(&document).is_ok()),
        ],
    );
    let Ok(parsed) = Message::parse(&adt) else { return };
    let validation = Validation::new();
    compare(
        "ADT: validate against 2.5.1, all levels",
        vec![
            contender("hl7-core", || validate(&parsed, &validation).len()),
            contender("every leaf, nested (bar 4.00x)", || leaves_of(&parsed)),
        ],
    );
    compare(
        "ADT: clone, set one field, write",
        vec![
            contender("hl7-core", || set_and_write(&parsed)),
            contender("er7 0.1, parse and write (bar 0.025x)", || er7::parse(&adt).map(|m| m.to_er7())),
        ],
    );
}
