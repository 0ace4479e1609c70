//! Codes: what is raised is documented, and what is documented has a test.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What would be a fault of the engine: no mapping is known that gives it.
const OWN_FAULT: &str = "M299";

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

fn texts(folder: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    files(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut found);
    found.into_iter().map(|path| (path.clone(), std::fs::read_to_string(path).unwrap())).collect()
}

/// The codes `Mnnn` in a text.
fn codes(text: &str) -> BTreeSet<String> {
    let starts = text.match_indices('M').filter_map(|(at, _)| text.get(at..at + 4));
    starts.filter(|code| code[1..].bytes().all(|byte| byte.is_ascii_digit())).map(str::to_owned).collect()
}

/// Those of the tables in the documentation; `M301 to M310` are all of these.
fn documented() -> BTreeSet<String> {
    let documentation = include_str!("../../src/lib.rs");
    let rows = documentation.lines().filter_map(|line| line.strip_prefix("//! | M"));
    let mut found = BTreeSet::new();
    for row in rows.map(|row| format!("M{}", row.split('|').next().unwrap())) {
        let named: Vec<_> = codes(&row).into_iter().collect();
        if row.contains(" to ") {
            let number = |code: &String| code[1..].parse::<u32>().unwrap();
            found.extend((number(&named[0])..=number(&named[1])).map(|number| format!("M{number}")));
        } else {
            found.extend(named);
        }
    }
    found
}

#[test]
fn every_code_that_is_raised_is_documented_and_the_other_way_round() {
    let raised: BTreeSet<_> = texts("src")
        .iter()
        .filter(|(path, _)| !path.ends_with("src/lib.rs"))
        .flat_map(|(_, text)| {
            text.split('"').filter(|part| part.len() == 4).flat_map(codes).collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(raised, documented());
}

#[test]
fn every_documented_code_has_a_test() {
    let mut tested = BTreeSet::from([OWN_FAULT.to_owned()]);
    for (path, text) in texts("tests").into_iter().filter(|(path, _)| !path.ends_with("it/codes.rs")) {
        tested.extend(codes(&text));
        let name = path.file_name().unwrap().to_str().unwrap().to_uppercase();
        tested.extend(codes(name.get(..4).unwrap_or_default()));
    }
    let untested: Vec<_> = documented().into_iter().filter(|code| !tested.contains(code)).collect();
    assert!(untested.is_empty(), "{untested:?}");
}
