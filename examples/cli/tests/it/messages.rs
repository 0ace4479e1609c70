//! show, get and convert.

use crate::{ADT, hl7};

#[test]
fn show_lists_every_value_with_its_path() {
    let run = hl7(&["show"], ADT);
    assert_eq!(run.code, 0, "{}", run.err);
    let expected = "\
MSH              Message Header
  MSH-1          |                                 Field Separator
  MSH-2          ^~\\&                              Encoding Characters
  MSH-3          LAB                               Sending Application
  MSH-4          NORTH                             Sending Facility
  MSH-5          EHR                               Receiving Application
  MSH-6          NORTH                             Receiving Facility
  MSH-7          20260102                          Date/Time of Message
  MSH-9.1        ADT                               Message Type, Message Code
  MSH-9.2        A08                               Message Type, Trigger Event
  MSH-9.3        ADT_A01                           Message Type, Message Structure
  MSH-10         m1                                Message Control ID
  MSH-11         P                                 Processing ID
  MSH-12         2.5.1                             Version ID
PID              Patient Identification
  PID-1          1                                 Set ID - PID
  PID-3[1].1     7                                 Patient Identifier List, ID Number
  PID-3[1].4     NORTH                             Patient Identifier List, Assigning Authority
  PID-3[1].5     MR                                Patient Identifier List, Identifier Type Code
  PID-3[2].1     8                                 Patient Identifier List, ID Number
  PID-3[2].4     SSA                               Patient Identifier List, Assigning Authority
  PID-3[2].5     SS                                Patient Identifier List, Identifier Type Code
  PID-5.1        Byrne & Sons                      Patient Name, Family Name
  PID-5.2        Zoë                               Patient Name, Given Name
  PID-7          1984                              Date/Time of Birth
  PID-8          F                                 Administrative Sex
  PID-11.1.1     12 Harbour Rd                     Patient Address, Street Address, Street or Mailing Address
  PID-11.1.2     12                                Patient Address, Street Address, Street Name
  PID-11.1.3     Harbour                           Patient Address, Street Address, Dwelling Number
  PID-11.3       Springfield                       Patient Address, City
NTE              Notes and Comments
  NTE-1          1                                 Set ID - NTE
  NTE-3          a\u{240d}b                               Comment
NTE[2]           Notes and Comments
  NTE[2]-1       2                                 Set ID - NTE
  NTE[2]-3       second                            Comment
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
    let odd = hl7(&["show", "--mask"], "MSH|^~\\&|JOHN SMITH 1980-01-02|NORTH|||2026||ADT|Zo\u{eb}\r");
    assert!(
        odd.out.contains("NORTH") && !odd.out.contains("SMITH") && !odd.out.contains("Zo"),
        "{}",
        odd.out
    );
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
        ("NTE[*]-3", "a\u{240d}b\nsecond\n"),
        ("MSH-2", "^~\\&\n"),
    ];
    for (path, expected) in cases {
        let run = hl7(&["get", path], ADT);
        assert_eq!((run.code, run.out.as_str()), (0, expected), "{path}: {}", run.err);
    }
    assert_eq!(hl7(&["get", "PID-5", "--raw"], ADT).out, "Byrne \\T\\ Sons^Zoë\n");
}

#[test]
fn a_line_end_in_a_value_does_not_look_like_two_values() {
    let run = hl7(&["get", "NTE-3"], &ADT.replace("a\\.br\\b", "a\\X0D0A\\b\\X0A\\c\u{9B}\u{202E}"));
    assert_eq!(run.out, "a\u{240d}\u{240a}b\u{240a}c\u{9B}\u{202E}\n", "the rest stands as it is in a pipe");
    let run = hl7(&["get", "NTE-3", "--json"], &ADT.replace("a\\.br\\b", "a\\X0D0A\\b\u{9B}\u{E0041}"));
    assert!(run.out.contains("\\u009b\\udb40\\udc41"), "{}", run.out);
    let values: serde_json::Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!(values[0]["text"], "a\r\nb\u{9B}\u{E0041}");
}

#[test]
fn a_path_without_a_field_is_exit_code_2_and_says_what_is_wanted() {
    for path in ["PID", "OBX[2]"] {
        let run = hl7(&["get", path], ADT);
        assert_eq!((run.code, run.out.as_str()), (2, ""));
        let wanted = format!("the path names a segment; name a field of it, such as {path}-1");
        assert!(run.err.contains(&wanted), "{}", run.err);
    }
}

#[test]
fn messages_that_do_not_state_their_character_set_are_read_in_the_one_given() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("latin.hl7");
    let latin = b"MSH|^~\\&|A\rPID|1||7||M\xFCller\r";
    std::fs::write(&file, latin).unwrap();
    let file = file.to_str().unwrap();
    let unread = hl7(&["get", "PID-5", file], "");
    assert_eq!(unread.code, 3);
    assert!(unread.err.contains("C014"), "{}", unread.err);
    assert_eq!(hl7(&["get", "PID-5", file, "--charset", "8859/1"], "").out, "Müller\n");
    assert!(hl7(&["show", "--charset", "ISO-8859-1", file], "").out.contains("Müller"));
    let converted =
        crate::command(&["convert", "--to", "er7", "--charset", "8859/1", file]).output().unwrap();
    assert_eq!((converted.status.code(), &converted.stdout[..]), (Some(0), &latin[..]));
    // What the message says counts for more: MSH-18, or a byte order mark.
    let stated = "MSH|^~\\&|A|||||||||||||||UNICODE UTF-8\rPID|1||7||Zoë\r";
    assert_eq!(hl7(&["get", "PID-5", "--charset", "8859/1"], stated).out, "Zoë\n");
    let marked = "\u{FEFF}MSH|^~\\&|A\rPID|1||7||Zoë\r".repeat(2);
    assert_eq!(hl7(&["get", "PID-5", "--charset", "8859/1"], &marked).out, "Zoë\nZoë\n");
    for wrong in ["KLINGON", "UNICODE UTF-8"] {
        let path = folder.path().join("wrong.hl7");
        let stated = [b"MSH|^~\\&|A|||||||||||||||", wrong.as_bytes(), &latin[10..]].concat();
        std::fs::write(&path, stated).unwrap();
        let path = path.to_str().unwrap();
        assert_eq!(hl7(&["get", "PID-5", "--charset", "8859/1", path], "").code, 3, "{wrong}");
        assert_eq!(hl7(&["get", "PID-5", "--force-charset", "8859/1", path], "").out, "Müller\n", "{wrong}");
    }
    let unknown = hl7(&["show", "--charset", "KLINGON", file], "");
    assert_eq!(unknown.code, 2);
    assert!(unknown.err.contains("table 0211"), "{}", unknown.err);
    assert_eq!(hl7(&["show", "--charset", "UTF-16", file], "").code, 2);
}

#[test]
fn messages_behind_marks_frames_and_blanks_are_messages_of_their_own() {
    let second = ADT.replace("m1", "m2");
    for before in ["\u{FEFF}", "\u{b}", "\u{1c}", "\u{1c}\r", "  ", "\r\n\t"] {
        let run = hl7(&["convert", "--to", "er7"], &format!("{ADT}{before}{second}\u{1c}\r\n"));
        assert_eq!((run.code, run.out), (0, format!("{ADT}{second}")), "{before:?}: {}", run.err);
    }
    let marked = format!("\u{FEFF}{ADT}\u{FEFF}{second}");
    assert_eq!(hl7(&["convert", "--to", "er7"], &marked).out, format!("{ADT}{second}"));
}

#[test]
fn an_error_says_its_code_once_and_its_place() {
    let bad = "\u{b}MSH|^~\\&|A\r\u{1c}\r\u{b}MSH|^A\\&|A\r\u{1c}\r";
    let run = hl7(&["show"], bad);
    assert_eq!(run.code, 3);
    assert_eq!(
        run.err,
        "error: standard input, the message that starts at byte 15: \
         C009: a delimiter is a quotation mark or no ASCII punctuation character (byte 5); the usual ones are |^~\\&\n"
    );
    let run = hl7(&["show"], "\u{b}MSH|^~\\&|A\r\u{1c}\r\njunk\r\n");
    assert_eq!(run.code, 3);
    assert!(run.err.contains("starts at byte 14: C002"), "{}", run.err);
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

#[test]
fn convert_writes_other_delimiters_and_another_character_set() {
    let er7 = "MSH|^~\\&|A\rPID|1||7||M\u{fc}ller \\T\\ S\u{f6}hne^Ann\r";
    let run = hl7(&["convert", "--to", "er7", "--delimiters", "#!~@&"], er7);
    assert_eq!((run.code, &*run.out), (0, "MSH#!~@&#A\rPID#1##7##M\u{fc}ller @T@ S\u{f6}hne!Ann\r"));
    let latin = crate::output_of(&["convert", "--to", "er7", "--to-charset", "8859/1"], er7.as_bytes());
    assert_eq!(latin, b"MSH|^~\\&|A|||||||||||||||8859/1\rPID|1||7||M\xFCller \\T\\ S\xF6hne^Ann\r");
    let none = hl7(&["convert", "--to", "er7", "--to-charset", "ASCII"], er7);
    assert_eq!((none.code, none.out.is_empty()), (3, true));
    assert!(none.err.contains("C201") && none.err.contains("segment 2"), "{}", none.err);
    for wrong in
        [["--delimiters", "||"], ["--delimiters", "abc"], ["--delimiters", ""], ["--to-charset", "KLINGON"]]
    {
        assert_eq!(hl7(&["convert", "--to", "er7", wrong[0], wrong[1]], er7).code, 2, "{wrong:?}");
    }
}

#[test]
fn convert_writes_xml_and_reads_it() {
    let second = ADT.replace("m1", "m2");
    let xml = hl7(&["convert", "--to", "xml"], &format!("{ADT}{second}"));
    assert_eq!((xml.code, xml.out.matches("<?xml ").count()), (0, 2), "{}", xml.err);
    assert!(xml.out.contains("<MSH.10>m2</MSH.10>"), "{}", xml.out);
    let again = hl7(&["convert", "--to", "er7"], &format!("\u{feff}\n{}", xml.out));
    assert_eq!((again.code, again.out), (0, format!("{ADT}{second}")), "{}", again.err);
    let bars = hl7(&["convert", "--to", "er7", "--delimiters", "#!~@&"], &xml.out);
    assert!(bars.out.starts_with("MSH#!~@&#"), "{}", bars.out);
}

#[test]
fn xml_that_is_no_message_is_exit_code_3_with_code_and_place() {
    let broken = hl7(&["convert", "--to", "er7"], "<ACK>\n<MSH/>\n<TWEETY/></ACK>");
    assert_eq!(broken.code, 3);
    assert!(broken.err.contains("C304") && broken.err.contains("document 1"), "{}", broken.err);
    assert!(broken.err.contains("line 3, column 1") && !broken.err.contains("TWEETY"), "{}", broken.err);
    let line = hl7(&["convert", "--to", "xml"], &format!("{ADT}no segment\r"));
    assert!(line.code == 0 && line.out.contains("<Z.line>no segment</Z.line>"), "{}", line.err);
    let many = hl7(&["convert", "--to", "xml"], &format!("{ADT}ZAA{}x\r", "|".repeat(1000)));
    assert_eq!((many.code, many.err.contains("C315")), (3, true), "{}", many.err);
    let wrong = hl7(&["convert", "--to", "xml", "--to-charset", "8859/1"], ADT);
    assert_eq!((wrong.code, wrong.out.as_str()), (2, ""), "{}", wrong.err);
}

#[test]
fn xml_in_another_encoding_is_read_by_its_declaration() {
    let latin =
        b"\n<?xml version='1.0' encoding='ISO-8859-1'?>\n<ACK><MSH><MSH.3>M\xFCller</MSH.3></MSH></ACK>";
    let er7 = crate::output_of(&["convert", "--to", "er7"], latin);
    assert_eq!(String::from_utf8(er7).unwrap(), "MSH|^~\\&|M\u{fc}ller\r");
}
