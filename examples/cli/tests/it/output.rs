//! Standard output and standard error that are terminals, or closed.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};

use crate::wire::listen;
use crate::{ADT, command, finish, hl7};

/// A message whose PID-5 a terminal would obey.
const HOSTILE: &str = "MSH|^~\\&|A||||||ADT^A08|m1|P|2.5.1\rPID|1||7||x\u{1B}[2Jy\u{202E}z\u{200B}\r";
/// The same, shown.
const HARMLESS: &str = "x\u{241B}[2Jy<U+202E>z<U+200B>";

/// `hl7` with these arguments at a terminal; `None` where there is no `script` to make one.
#[cfg(target_os = "linux")]
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

#[cfg(target_os = "linux")]
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

#[cfg(target_os = "linux")]
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

fn end(mut child: Child) {
    let _ = child.kill();
    let _ = child.wait();
}

/// Runs `hl7` with standard output, or standard error, closed at the other end.
fn closed(arguments: &[&str], input: &str, err: bool) -> crate::Run {
    let mut child = command(arguments).spawn().unwrap();
    if err {
        drop(child.stderr.take())
    } else {
        drop(child.stdout.take())
    }
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    finish(child)
}

#[test]
fn a_closed_standard_output_is_exit_code_4_and_no_panic() {
    let mapping = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../gateway/demo/crm-to-adt.yaml");
    let mapping = mapping.to_str().unwrap();
    let payload = std::fs::read_to_string(mapping.replace("crm-to-adt.yaml", "payload.json")).unwrap();
    let table: [(&[&str], &str); 8] = [
        (&["show"], ADT),
        (&["show", "--json"], ADT),
        (&["get", "PID-5"], ADT),
        (&["get", "PID-5", "--raw"], ADT),
        (&["convert", "--to", "er7"], ADT),
        (&["map", "apply", mapping], &payload),
        (&["map", "check", mapping], ""),
        (&["map", "test", mapping], ""),
    ];
    for (arguments, input) in table {
        let run = closed(arguments, input, false);
        assert_eq!((run.code, run.err.as_str()), (4, ""), "{arguments:?}");
    }
    assert!(!closed(&["--help"], "", false).err.contains("panicked"));
}

#[test]
fn a_sender_that_cannot_tell_says_how_far_it_came() {
    let (listener, address) = listen(&[]);
    let run = closed(&["send", "--to", &address], &ADT.repeat(2), false);
    assert_eq!(run.code, 4);
    assert!(
        run.err.contains("\n  message 1 of 2 was answered AA; those behind it were not sent\n"),
        "{}",
        run.err
    );
    end(listener);
}

#[test]
fn a_closed_standard_error_changes_no_exit_code() {
    for (arguments, code) in
        [(&["show", "none.hl7"][..], 4), (&["get", "PV1-2"], 1), (&["show", "-"], 3), (&["show", "--x"], 2)]
    {
        let input = if code == 3 { "junk" } else { ADT };
        assert_eq!(closed(arguments, input, true).code, code, "{arguments:?}");
    }
}
