//! Standard output and standard error that are closed.

use std::io::Write;
use std::process::Child;

use crate::wire::listen;
use crate::{ADT, command, finish};

pub(crate) fn end(mut child: Child) {
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
