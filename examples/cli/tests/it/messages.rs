//! show, get and convert.

use crate::{ADT, hl7};

#[test]
fn show_lists_every_value_with_its_path() {
    let run = hl7(&["show"], ADT);
    assert_eq!(run.code, 0, "{}", run.err);
    let expected = "\
MSH
  MSH-1          |
  MSH-2          ^~\\&
  MSH-3          LAB
  MSH-4          NORTH
  MSH-5          EHR
  MSH-6          NORTH
  MSH-7          20260102
  MSH-9.1        ADT
  MSH-9.2        A08
  MSH-9.3        ADT_A01
  MSH-10         m1
  MSH-11         P
  MSH-12         2.5.1
PID
  PID-1          1
  PID-3[1].1     7
  PID-3[1].4     NORTH
  PID-3[1].5     MR
  PID-3[2].1     8
  PID-3[2].4     SSA
  PID-3[2].5     SS
  PID-5.1        Byrne & Sons
  PID-5.2        Zoë
  PID-7          1984
  PID-8          F
  PID-11.1.1     12 Harbour Rd
  PID-11.1.2     12
  PID-11.1.3     Harbour
  PID-11.3       Springfield
NTE
  NTE-1          1
  NTE-3          a\u{240d}b
NTE[2]
  NTE[2]-1       2
  NTE[2]-3       second
";
    assert_eq!(run.out, expected);
}

#[test]
fn show_masks_all_but_names_types_and_versions() {
    let run = hl7(&["show", "--mask"], ADT);
    assert_eq!(run.code, 0, "{}", run.err);
    for part in [
        "MSH-10         m1",
        "MSH-9.1        ADT",
        "PID-5.1        (12 characters)",
        "PID-8          (1 character)",
    ] {
        assert!(run.out.contains(part), "no {part:?} in {}", run.out);
    }
    for part in ["Byrne", "Zoë", "1984", "Springfield", "second"] {
        assert!(!run.out.contains(part), "{part:?} in {}", run.out);
    }
    let broken = hl7(&["show", "--mask"], "MSH|^~\\&|A\rTWEETY7\r");
    assert!(broken.out.contains("(not a segment)\n  (7 characters)"), "{}", broken.out);
}

#[test]
fn show_and_get_write_json_on_request() {
    let run = hl7(&["show", "--json"], ADT);
    let values: serde_json::Value = serde_json::from_str(&run.out).unwrap();
    let at = |path: &str| {
        values.as_array().unwrap().iter().find(|v| v["path"] == path).cloned().unwrap_or_default()
    };
    assert_eq!(at("PID-5.1")["text"], "Byrne & Sons");
    assert_eq!(at("PID-11.1.2")["text"], "12");
    assert_eq!(at("PID-5.1")["null"], false);
    assert_eq!(at("NTE[2]-3")["text"], "second");
    let run = hl7(&["get", "--json", "PID-3[*].1"], &format!("{ADT}{ADT}"));
    let lines: Vec<serde_json::Value> =
        run.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0][1]["text"], "8");
    assert_eq!(lines[0][1]["null"], false);
}

#[test]
fn get_prints_values_one_a_line() {
    let cases = [
        ("PID-5.1", "Byrne & Sons\n"),
        ("PID-5", "Byrne & Sons\n"),
        ("PID-3[*].1", "7\n8\n"),
        ("PID-3[5=SS].1", "8\n"),
        ("NTE[*]-3", "a\rb\nsecond\n"),
        ("MSH-2", "^~\\&\n"),
    ];
    for (path, expected) in cases {
        let run = hl7(&["get", path], ADT);
        assert_eq!((run.code, run.out.as_str()), (0, expected), "{path}: {}", run.err);
    }
    assert_eq!(hl7(&["get", "PID-5", "--raw"], ADT).out, "Byrne \\T\\ Sons^Zoë\n");
}

#[test]
fn a_place_without_a_value_is_exit_code_1_and_a_wrong_path_2() {
    let none = hl7(&["get", "PV1-2"], ADT);
    assert_eq!((none.code, none.out.as_str(), none.err.as_str()), (1, "", "PV1-2: no value\n"));
    let wrong = hl7(&["get", "PID-0"], ADT);
    assert_eq!(wrong.code, 2);
    assert!(wrong.err.contains("P003"), "{}", wrong.err);
}

#[test]
fn convert_writes_the_standard_s_line_ends() {
    let lf = ADT.replace('\r', "\n");
    let run = hl7(&["convert", "--to", "er7"], &lf);
    assert_eq!((run.code, run.out.as_str()), (0, ADT));
    let lines = hl7(&["convert", "--to", "er7", "--lines", "-"], ADT);
    assert_eq!(lines.out, lf);
}

#[test]
fn files_of_several_messages_and_of_blocks_are_read() {
    let second = ADT.replace("m1", "m2");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("two.hl7");
    std::fs::write(&file, format!("{ADT}\n{second}")).unwrap();
    let run = hl7(&["get", "MSH-10", file.to_str().unwrap()], "");
    assert_eq!((run.code, run.out.as_str()), (0, "m1\nm2\n"), "{}", run.err);
    let blocks = format!("\u{b}{ADT}\u{1c}\r\u{b}{second}\u{1c}\r");
    let run = hl7(&["get", "MSH-10"], &blocks);
    assert_eq!((run.code, run.out.as_str()), (0, "m1\nm2\n"), "{}", run.err);
}

#[test]
fn what_is_no_message_is_exit_code_3_with_code_place_and_suggestion() {
    let cases = [
        ("", "C001", "byte 0"),
        ("PID|1\r", "C002", "byte 0"),
        ("FHS|^~\\&\rMSH|^~\\&|A\r", "C003", "byte 0"),
        ("MSH|^~\\&|A\r\nMSH|^A\\&|A\r", "C009", "the message that starts at byte 12"),
        ("\u{b}MSH|^~\\&|A\r", "N0", ""),
    ];
    for (input, code, place) in cases {
        let run = hl7(&["show"], input);
        assert_eq!(run.code, 3, "{input:?}: {}", run.err);
        assert!(run.err.contains(code) && run.err.contains(place), "{input:?}: {}", run.err);
    }
    let secret = hl7(&["show"], "TWEETY7|TWEETY7\r");
    assert!(!secret.err.contains("TWEETY"), "{}", secret.err);
}

#[test]
fn a_file_that_is_not_there_is_exit_code_4() {
    let run = hl7(&["show", "none.hl7"], "");
    assert_eq!(run.code, 4);
    assert!(run.err.contains("none.hl7"), "{}", run.err);
}

#[test]
fn the_exit_codes_are_in_the_help() {
    let run = hl7(&["--help"], "");
    assert_eq!(run.code, 0);
    assert!(run.out.contains("Exit codes:"), "{}", run.out);
}
