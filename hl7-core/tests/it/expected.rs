//! What other implementations were recorded to do, in the folder `expected` of the corpus: each case passes here, or a rule of the
//! standard (HL7 2.5.1 unless stated) or a decision of this crate says why not.

mod charsets;
mod fuzz_inputs;
#[cfg(feature = "dictionary")]
mod groups;
mod hapi;
mod hapi_written;
mod hl7apy;
mod python_hl7;
#[cfg(feature = "dictionary")]
mod verdicts;
#[cfg(feature = "xml")]
mod xml;

use std::io::Write as _;

use hl7_core::Delimiters;
use serde_json::Value as Json;

use crate::corpus;

/// Cases by name, and why this crate differs in them.
struct Exclusion {
    cases: &'static [&'static str],
    why: &'static str,
}

/// A case by name, and how it went.
struct Case {
    name: String,
    outcome: Result<(), String>,
}

/// The recorded cases in `file`, or `None` when there is no corpus.
fn recorded(file: &str) -> Option<Json> {
    let path = corpus::folder()?.join("expected").join(file);
    Some(serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap())
}

/// Prints how many cases passed and how many are excluded, and why. Fails for a case that neither passes nor is excluded, and for an
/// exclusion that does not apply any more.
fn judge(source: &str, cases: &[Case], exclusions: &[Exclusion]) {
    let why = |name: &str| exclusions.iter().position(|exclusion| exclusion.cases.contains(&name));
    let mut excluded = vec![0; exclusions.len()];
    let mut wrong = Vec::new();
    for Case { name, outcome } in cases {
        match (outcome, why(name)) {
            (Ok(()), None) => {}
            (Ok(()), Some(_)) => wrong.push(format!("{name}: excluded, and passes")),
            (Err(_), Some(index)) => excluded[index] += 1,
            (Err(found), None) => wrong.push(format!("{name}: {found}")),
        }
    }
    let stated: usize = exclusions.iter().map(|exclusion| exclusion.cases.len()).sum();
    let differing: usize = excluded.iter().sum();
    let mut report =
        format!("{source}: {} passed, {differing} excluded\n", cases.len() - differing - wrong.len());
    for (count, exclusion) in excluded.iter().zip(exclusions) {
        report += &format!("    {count}: {}\n", exclusion.why);
    }
    // Straight to stderr: the harness would hold back what a passing test prints.
    let _ = std::io::stderr().write_all(report.as_bytes());
    assert!(wrong.is_empty(), "{source}: {wrong:#?}");
    assert_eq!(differing, stated, "{source}: an exclusion names a case that is not there, or one twice");
    assert!(!cases.is_empty(), "{source}: no cases");
}

/// That two texts are the same.
fn same(found: &str, expected: &str) -> Result<(), String> {
    if found == expected { Ok(()) } else { Err(format!("{found:?}, expected {expected:?}")) }
}

fn text<'j>(case: &'j Json, key: &str) -> &'j str {
    case[key].as_str().unwrap_or_default()
}

/// The delimiters of a message that states these.
fn delimiters(stated: &str) -> Delimiters {
    hl7_core::Message::parse(&format!("MSH{stated}")).unwrap().delimiters()
}

#[test]
#[should_panic(expected = "excluded, and passes")]
fn an_exclusion_that_does_not_apply_any_more_is_a_failure() {
    let cases = [Case { name: "1".to_owned(), outcome: Ok(()) }];
    judge("an example that has to fail", &cases, &[Exclusion { cases: &["1"], why: "outdated" }]);
}

#[test]
#[should_panic(expected = "a case that is not there")]
fn an_exclusion_of_no_case_is_a_failure() {
    let cases = [Case { name: "1".to_owned(), outcome: Ok(()) }];
    judge("an example that has to fail", &cases, &[Exclusion { cases: &["2"], why: "misspelt" }]);
}
