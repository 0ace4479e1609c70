//! What other implementations were recorded to do with frames, when the corpus is there (`HL7_CORPUS`, or `shared/corpus` beside the
//! checkout): each case passes, or is excluded with the reason.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use bytes::BytesMut;
use hl7_core::Message;
use hl7_mllp::{DecodeErrorKind, DecoderOptions, EncodeErrorKind, encode};
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

/// What Apache Camel does, by the words of the case. `Err` holds why this crate differs or has no part in it.
type Behaviour = Result<fn() -> bool, &'static str>;

const CAMEL: &[(&str, Behaviour)] = &[
    (
        "payload last byte not CR",
        Err("HL7 2.5.1, 2.5.1: the last segment's CR is read with patience, and written by Message::to_wire"),
    ),
    ("null payload", Err("there is no null in Rust")),
    ("empty payload", Ok(|| refused_as(b"", EncodeErrorKind::Empty))),
    ("first segment is MSA", Ok(|| complete(DecoderOptions::new(), &[b"\x0BMSA|AA|1\r\x1C\r"]) == (0, 1))),
    (
        "embedded 0x0B in the middle",
        Ok(|| refused_as(b"MSH|^~\\&|A\r\x0BPID|1\r", EncodeErrorKind::FrameByte)),
    ),
    (
        "embedded 0x1C in the middle",
        Ok(|| refused_as(b"MSH|^~\\&|A\r\x1CPID|1\r", EncodeErrorKind::FrameByte)),
    ),
    ("generate ACK AA", Err("hl7-core builds acknowledgments, with a control ID of their own")),
    ("generate ACK when MSH is not ended by CR (EVN glued to MSH)", Err("hl7-core builds acknowledgments")),
    ("generate ACK of null or empty message", Err("hl7-core builds acknowledgments")),
    (
        "framed \"INVALID PAYLOAD\", validatePayload=true",
        Ok(|| complete(DecoderOptions::new(), &[b"\x0BINVALID PAYLOAD\x1C\r"]) == (0, 1)),
    ),
    (
        "payload with VT after PID, validate=true",
        Ok(|| complete(DecoderOptions::new(), &[b"\x0BMSH|^~\\&|A\rPID|1\r\x0BPV1|1\r\x1C\r"]).0 == 0),
    ),
    (
        "payload with FS after PID (FS not followed by CR), validate=true, requireEndOfData=false",
        Err("with end_block_alone 0x1C ends the block, as documented; strict, the next case, refuses it"),
    ),
    (
        "payload with FS after PID, validate=true, requireEndOfData=true",
        Ok(|| complete(DecoderOptions::new(), &[b"\x0BMSH|^~\\&|A\rPID|1\r\x1CPV1|1\r\x1C\r"]) == (0, 1)),
    ),
    (
        "frame without final CR, requireEndOfData=false",
        Ok(|| complete(DecoderOptions::new().end_block_alone(true), &[b"\x0BMSH|^~\\&|A\r\x1C"]) == (1, 0)),
    ),
    (
        "frame without final CR, requireEndOfData=true",
        Ok(|| complete(DecoderOptions::new(), &[b"\x0BMSH|^~\\&|A\r\x1C\x0BMSH|^~\\&|B\r\x1C\r"]) == (1, 1)),
    ),
    (
        "open frame (no FS CR) then disconnect, reconnect",
        Ok(|| {
            let two = [&b"\x0BMSH|^~\\&|A\r\x1C\r"[..]; 2].concat();
            let open = [&two[..], b"\x0BMSH|^~\\&|A\r"].concat();
            complete(DecoderOptions::new(), &[&open]) == (2, 1)
                && complete(DecoderOptions::new(), &[&two]) == (2, 0)
        }),
    ),
    (
        "10 messages, 5th is \"INVALID PAYLOAD\"",
        Ok(|| {
            let mut ten = vec![&b"\x0BMSH|^~\\&|A\r\x1C\r"[..]; 10];
            ten[4] = b"\x0BINVALID PAYLOAD\x1C\r";
            complete(DecoderOptions::new(), &ten) == (9, 1)
        }),
    ),
    (
        "message of exactly 1022 payload bytes so that FS and CR fall in different 1024-byte buffers",
        Ok(|| {
            let content = format!("MSH|^~\\&|{}\r", "x".repeat(1022 - 10));
            let mut out = BytesMut::new();
            encode(content.as_bytes(), &mut out).unwrap();
            assert_eq!((content.len(), out[1023], out[1024]), (1022, 0x1C, 0x0D));
            complete(DecoderOptions::new(), &out.chunks(1024).collect::<Vec<_>>()) == (1, 0)
        }),
    ),
];

/// How many messages come out whole, and how many faults and blocks that are no message.
fn complete(options: DecoderOptions, pieces: &[&[u8]]) -> (usize, usize) {
    let found = events(options, pieces.iter().copied());
    let whole =
        |event: &Event| matches!(event, Event::Block(content) if Message::from_bytes(content).is_ok());
    let complete = found.iter().filter(|event| whole(event)).count();
    (complete, found.len() - complete)
}

fn refused_as(content: &[u8], kind: EncodeErrorKind) -> bool {
    encode(content, &mut BytesMut::new()).is_err_and(|why| why.kind() == kind)
}

#[test]
fn frames_as_apache_camel_takes_them() {
    let Some(file) = recorded("camel-mllp-behaviour.json") else { return };
    let mut report = String::new();
    for case in file.as_array().unwrap() {
        let words = case["case"].as_str().unwrap();
        let (_, behaviour) = CAMEL.iter().find(|(start, _)| words.starts_with(start)).expect(words);
        match behaviour {
            Ok(passes) => assert!(passes(), "{words}"),
            Err(why) => report += &format!("    {words}: {why}\n"),
        }
    }
    let _ = write!(std::io::stderr(), "MLLP as Camel, excluded:\n{report}");
}

fn recorded(name: &str) -> Option<Json> {
    let folder = std::env::var_os("HL7_CORPUS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus"), PathBuf::from);
    if !folder.is_dir() {
        // Straight to stderr: the harness would hold back what a passing test prints.
        let _ = writeln!(std::io::stderr(), "skipped: no corpus (set HL7_CORPUS to its folder)");
        return None;
    }
    let path = folder.join("expected").join(name);
    Some(serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap())
}

#[test]
fn frames_of_other_implementations() {
    let Some(file) = recorded("mllp-framing.json") else { return };
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
