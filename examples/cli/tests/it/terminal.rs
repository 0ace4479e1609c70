//! Standard output that is a terminal.

#![allow(clippy::print_stderr)] // a test that is skipped says so

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

use crate::output::end;
use crate::wire::listen;
use crate::{finish, hl7};

/// A message whose PID-5 a terminal would obey.
const HOSTILE: &str = "MSH|^~\\&|A||||||ADT^A08|m1|P|2.5.1\rPID|1||7||x\u{1B}[2Jy\u{202E}z\u{200B}\r";
/// The same, shown.
const HARMLESS: &str = "x\u{241B}[2Jy<U+202E>z<U+200B>";

/// `hl7` with these arguments at a terminal; `None` where there is no `script` to make one.
fn at_a_terminal(arguments: &str, file: &str) -> Option<Child> {
    let started = Command::new("script")
        .args(["-qec", &format!("\"$HL7\" {arguments}"), "/dev/null"])
        .env("HL7", env!("CARGO_BIN_EXE_hl7"))
        .env("FILE", file)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn();
    if started.is_err() {
        eprintln!("skipped: there is no `script` here");
    }
    started.ok()
}

#[test]
fn a_terminal_obeys_nothing_that_stands_in_a_message() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("hostile.hl7");
    std::fs::write(&file, HOSTILE).unwrap();
    let file = file.to_str().unwrap();
    let listener = listen(&["--answer", "AA"]);
    let send = format!("send --to {} \"$FILE\"", listener.1);
    for arguments in ["get PID-5 \"$FILE\"", "get PID-5 --raw \"$FILE\"", "show \"$FILE\""] {
        let Some(child) = at_a_terminal(arguments, file) else { return end(listener.0) };
        let shown = finish(child).out;
        assert!(shown.contains(HARMLESS), "{arguments}: {shown:?}");
        assert!(!shown.contains(['\u{1B}', '\u{202E}', '\u{200B}']), "{arguments}: {shown:?}");
    }
    let json = finish(at_a_terminal("get PID-5 --json \"$FILE\"", file).unwrap()).out;
    assert!(json.contains("x\\u001b[2Jy\\u202ez\\u200b"), "{json:?}");
    let exact = finish(at_a_terminal("convert --to er7 \"$FILE\"", file).unwrap()).out;
    assert!(exact.contains("x\u{1B}[2Jy\u{202E}z\u{200B}"), "{exact:?}");
    let ack = finish(at_a_terminal(&send, file).unwrap()).out;
    assert!(ack.contains("\nMSA|AA|m1\r\n"), "a segment a line: {ack:?}");
    end(listener.0);
}

#[test]
fn what_is_received_at_a_terminal_is_harmless() {
    let Some(mut child) = at_a_terminal("listen 127.0.0.1:0 --count 1", "") else { return };
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut shown = String::new();
    out.read_line(&mut shown).unwrap();
    let address = shown.strip_prefix("listening at ").unwrap().split(',').next().unwrap();
    assert_eq!(hl7(&["send", "--to", address], HOSTILE).code, 0);
    out.read_to_string(&mut shown).unwrap();
    assert_eq!(finish(child).code, 0);
    assert!(shown.contains(&format!("\nPID|1||7||{HARMLESS}\r\n")), "{shown:?}");
    assert!(!shown.contains(['\u{1B}', '\u{202E}', '\u{200B}']), "{shown:?}");
}
