//! What is found in real messages, file by file: a change of any finding shows in `findings.tsv`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use hl7_core::{Charset, Findings, Message, ReadOptions, Severity, Validation, validate};

use crate::corpus;

const RECORDED: &str = include_str!("findings.tsv");
const MEDIAN: usize = 3;
/// Some messages have thousands.
const LIMIT: usize = 200;

fn read(bytes: &[u8]) -> Option<Message<'_>> {
    let latin = || ReadOptions::new().default_charset(Charset::Iso8859_1).read(bytes);
    Message::from_bytes(bytes).or_else(|_| latin()).ok()
}

/// `V301*2 V503`: the codes and how often each is found.
fn counted(findings: &Findings) -> BTreeMap<&'static str, usize> {
    let mut codes = BTreeMap::new();
    for finding in findings {
        *codes.entry(finding.code().as_str()).or_insert(0) += 1;
    }
    codes
}

#[test]
fn the_findings_of_real_messages_are_the_recorded_ones() {
    let Some(folder) = corpus::folder() else { return };
    let mut files: BTreeMap<String, BTreeMap<&'static str, usize>> = BTreeMap::new();
    let mut above = Vec::new();
    corpus::each_file(|name, file| {
        let name = name.strip_prefix(&*folder.to_string_lossy()).unwrap_or(name).trim_start_matches('/');
        if name.starts_with("expected/") {
            return;
        }
        for bytes in corpus::messages_of(file) {
            let Some(msg) = read(&bytes) else { continue };
            let findings = validate(&msg, &Validation::new().limit(LIMIT));
            above.push(findings.iter().filter(|finding| finding.severity() > Severity::Information).count());
            let codes = files.entry(name.to_owned()).or_default();
            for (code, count) in counted(&findings) {
                *codes.entry(code).or_insert(0) += count;
            }
        }
    });
    let mut found = String::new();
    for (name, codes) in files {
        let codes: Vec<_> = codes.iter().map(|(code, count)| format!("{code}*{count}")).collect();
        let _ = writeln!(found, "{name}\t{}", codes.join(" "));
    }
    if std::env::var_os("HL7_RECORD").is_some() {
        let list = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/validate/findings.tsv");
        return std::fs::write(list, &found).unwrap();
    }
    above.sort_unstable();
    let median = above[above.len() / 2];
    assert!(median <= MEDIAN, "the median message has {median} findings above information");
    let changed = found.lines().zip(RECORDED.lines()).find(|(found, recorded)| found != recorded);
    assert_eq!(changed, None, "found and recorded differ; HL7_RECORD=1 records what is found");
    assert_eq!(found.lines().count(), RECORDED.lines().count());
}
