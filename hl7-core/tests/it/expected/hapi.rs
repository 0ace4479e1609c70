//! HAPI: escapes, and values by the paths of its Terser.

use hl7_core::{Message, Path, escape, path, unescape};
use serde_json::Value as Json;

use super::{Case, Exclusion, delimiters, judge, recorded, same, text};

const ESCAPES: &[Exclusion] = &[Exclusion {
    cases: &["0 escape"],
    why: "2.7.5: hexadecimal data are pairs of digits, one for each byte; the four digits of HAPI are read, not written",
}];

const TERSER: &[Exclusion] = &[
    Exclusion {
        cases: &["1", "2", "3", "7", "8", "15", "16", "17"],
        why: "2.5.2, 2.12: a group is a logical unit of the message structure, which the text of a message does not name; Path names what stands in the text",
    },
    Exclusion {
        cases: &["11", "13", "19", "20", "21", "22", "23", "24", "25", "26"],
        why: "2.5.2: a segment is named by its ID; paths have no patterns of IDs",
    },
];

#[test]
fn hapi_s_escapes() {
    let Some(file) = recorded("hapi-escape-terser.json") else { return };
    let case = |(index, case): (usize, &Json)| Case {
        name: format!("{index} {}", text(case, "op")),
        outcome: escaped(case),
    };
    let cases: Vec<_> = file["escape"].as_array().unwrap().iter().enumerate().map(case).collect();
    judge("HAPI, escapes", &cases, ESCAPES);
}

fn escaped(case: &Json) -> Result<(), String> {
    let (input, expected) = (text(case, "input"), text(case, "expected"));
    let delimiters = delimiters(text(case, "separators"));
    if text(case, "op") == "escape" {
        assert_eq!(unescape(expected, &delimiters), input);
        return same(&escape(input, &delimiters), expected);
    }
    // Formatted text stays as it is, read, and written beside a change.
    let er7 = format!("MSH|^~\\&|A\rNTE|1||{input}\r");
    let mut msg = Message::parse(&er7).map_err(|error| error.to_string())?;
    msg.set(path!("NTE-4"), "x").map_err(|error| error.to_string())?;
    same(&msg.get(path!("NTE-3")).ok_or("nothing there")?.text(), input)?;
    same(msg.as_er7(), &format!("MSH|^~\\&|A\rNTE|1||{expected}|x\r"))
}

#[test]
fn hapi_s_terser_paths() {
    let Some(file) = recorded("hapi-escape-terser.json") else { return };
    let case = |(index, case): (usize, &Json)| Case { name: index.to_string(), outcome: found(case) };
    let cases: Vec<_> = file["terser"].as_array().unwrap().iter().enumerate().map(case).collect();
    judge("HAPI, Terser", &cases, TERSER);
}

fn found(case: &Json) -> Result<(), String> {
    let er7 = match &case["message"] {
        Json::String(er7) => er7.clone(),
        built => build(&built["set"]),
    };
    let msg = Message::parse(&er7).unwrap();
    let spec = text(case, "path");
    let found = match path_of(spec.trim_start_matches('/').trim_start_matches('.')) {
        Some(path) => msg.get(&path).map(|value| value.text()),
        None if case["expected"].is_null() => return Ok(()),
        None => return Err("not a path".to_owned()),
    };
    same(&found.unwrap_or_default(), text(case, "expected"))
}

/// A message with these values at Terser paths.
fn build(values: &Json) -> String {
    let mut msg = Message::parse("MSH|^~\\&|A\rSCH\rPID\rAIG\rAIG\r").unwrap();
    for (spec, value) in values.as_object().unwrap() {
        let (groups, segment) = spec.rsplit_once('/').unwrap_or(("", spec));
        // One segment a group: the second group holds the second segment.
        let segment =
            if groups.contains("(1)") { segment.replacen('-', "(1)-", 1) } else { segment.to_owned() };
        msg.set(&path_of(&segment).unwrap(), value.as_str().unwrap()).unwrap();
    }
    msg.as_er7().to_owned()
}

/// `AIG(1)-5(0)-1-2` of a Terser, which counts occurrences and repetitions from 0, as `AIG[2]-5[1].1.2`.
fn path_of(spec: &str) -> Option<Path> {
    let mut path = String::new();
    for (place, part) in spec.split('-').enumerate() {
        path += ["", "-", ".", "."].get(place)?;
        match part.strip_suffix(')').and_then(|part| part.split_once('(')) {
            Some((number, index)) => path += &format!("{number}[{}]", index.parse::<u32>().ok()? + 1),
            None => path += part,
        }
    }
    path.parse().ok()
}
