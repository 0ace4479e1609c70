//! What other implementations were recorded to do with frames, when the corpus is there (`HL7_CORPUS`, or `shared/corpus` beside the
//! checkout): each case passes, or is excluded with the reason.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use bytes::BytesMut;
use hl7_mllp::{DecodeErrorKind, DecoderOptions, encode};
use serde_json::Value as Json;

use crate::codec::{Event, events};

/// Cases by place in their list, and why this crate differs.
const EXCLUDED: &[(&str, &str)] = &[
    (
        "framing 15",
        "MLLP release 2, 1.2.2.1: a stream that ends between blocks is whole, also before the first",
    ),
    (
        "envelope 1",
        "MLLP release 2, 1.2.2.1: 0x0B and 0x1C do not occur in content; a frame is not framed again in silence",
    ),
    ("envelope 4", "MLLP release 2, 1.2.2.1: content stands in a frame; bytes without one are no block"),
];

fn recorded() -> Option<Json> {
    let folder = std::env::var_os("HL7_CORPUS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus"), PathBuf::from);
    if !folder.is_dir() {
        // Straight to stderr: the harness would hold back what a passing test prints.
        let _ = writeln!(std::io::stderr(), "skipped: no corpus (set HL7_CORPUS to its folder)");
        return None;
    }
    let path = folder.join("expected/mllp-framing.json");
    Some(serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap())
}

#[test]
fn frames_of_other_implementations() {
    let Some(file) = recorded() else { return };
    let mut passed = 0;
    for (list, test) in [("framing", framed as fn(&Json) -> bool), ("envelope", wrapped)] {
        for (index, case) in file[list].as_array().unwrap().iter().enumerate() {
            let name = format!("{list} {index}");
            let excluded = EXCLUDED.iter().any(|(case, _)| *case == name);
            assert_ne!(test(case), excluded, "{name} (excluded: {excluded})");
            passed += usize::from(!excluded);
        }
    }
    let mut report = format!("MLLP frames: {passed} passed, {} excluded\n", EXCLUDED.len());
    EXCLUDED.iter().for_each(|(case, why)| report += &format!("    {case}: {why}\n"));
    let _ = std::io::stderr().write_all(report.as_bytes());
}

/// Bytes that are written as one character each.
fn bytes(text: &Json) -> Vec<u8> {
    text.as_str().unwrap().chars().map(|c| u8::try_from(c).unwrap()).collect()
}

/// A stream: its blocks, and what is wrong with its end.
fn framed(case: &Json) -> bool {
    let chunks: Vec<_> = case["chunks"].as_array().unwrap().iter().map(bytes).collect();
    let mut found = events(DecoderOptions::new(), chunks.iter().map(Vec::as_slice));
    let whole = case["expect_leftover"].as_str() == Some("");
    let broken = case["expect_error_at_eof"].as_bool() == Some(true);
    let end_is_right = match found.last() {
        Some(Event::Error(DecodeErrorKind::Truncated, _)) => !whole,
        Some(Event::Error(..)) => broken,
        _ => whole,
    };
    found.retain(|event| matches!(event, Event::Block(_)));
    let expected: Vec<_> =
        case["expect_payloads"].as_array().unwrap().iter().map(|p| Event::Block(bytes(p))).collect();
    end_is_right && found == expected
}

/// One frame, put around or taken off.
fn wrapped(case: &Json) -> bool {
    let input = bytes(&case["input"]);
    let found = if case["op"] == "wrap" {
        let mut out = BytesMut::new();
        encode(&input, &mut out).ok().map(|()| out.to_vec())
    } else {
        match events(DecoderOptions::new(), [input.as_slice()]).as_slice() {
            [Event::Block(content)] => Some(content.clone()),
            _ => None,
        }
    };
    found == case.get("expected").map(bytes)
}
