//! Reading, case by case: what goes wrong in other parsers, and the four states of a place.

use hl7_core::{Charset, Message, Path, ReadOptions, Undecodable};

const HEADER: &str = "MSH|^~\\&|LAB|NORTH|EHR|SOUTH|20260102||ORU^R01^ORU_R01|m1|P|2.5.1\r";

fn text(body: &str, path: &str) -> Option<String> {
    let er7 = format!("{HEADER}{body}");
    let msg = Message::parse(&er7).unwrap();
    let path: Path = path.parse().unwrap();
    msg.get(&path).map(|value| value.text().into_owned())
}

#[test]
fn places_read_as_the_standard_says() {
    let cases: &[(&str, &str, Option<&str>)] = &[
        ("PID|1||7^^^H^MR~8^^^H^SS", "PID-3", Some("7")),
        ("PID|1||7^^^H^MR~8^^^H^SS", "PID-3[2].1", Some("8")),
        ("PID|1||7^^^H^MR~8^^^H^SS", "PID-3[5=SS].1", Some("8")),
        ("PID|1||7^^^H^MR~8^^^H^SS", "PID-3[5=XX].1", None),
        ("PID|1||7^^^H&1.2&ISO^MR", "PID-3.4.2", Some("1.2")),
        ("PID|1||7^^^H&1.2&ISO^MR", "PID-3.4", Some("H")),
        ("PID|1||7", "PID-4", None),
        ("PID|1||7|", "PID-4", Some("")),
        ("PID|1||7", "PID-3.2", None),
        ("PID|1||7", "PV1-2", None),
        ("OBX|1|NM|A||1\rOBX|2|NM|B||2", "OBX[2]-5", Some("2")),
        ("OBX|1|NM|A||1\rOBX|2|NM|B||2", "OBX-5", Some("1")),
        ("OBX|1|NM|A||1\rOBX|2|NM|B||2", "OBX[3]-5", None),
        ("", "MSH-1", Some("|")),
        ("", "MSH-2", Some("^~\\&")),
        ("", "MSH-9.3", Some("ORU_R01")),
        ("", "MSH-10", Some("m1")),
        // A null component is not a null field, and null is text of no length for nobody.
        ("PID|1||\"\"", "PID-3", Some("\"\"")),
        ("NTE|1||a\\.br\\b", "NTE-3", Some("a\rb")),
        ("NTE|1||a\\F\\b\\S\\c\\T\\d\\R\\e\\E\\f", "NTE-3", Some("a|b^c&d~e\\f")),
        ("NTE|1||\\X41\\", "NTE-3", Some("A")),
        ("NTE|1||50\\ off", "NTE-3", Some("50\\ off")),
        ("ZXX|a|b^c", "ZXX-2.2", Some("c")),
    ];
    for (body, path, expected) in cases {
        assert_eq!(text(body, path).as_deref(), *expected, "{body} at {path}");
    }
}

#[test]
fn the_four_states_are_kept_apart() {
    let er7 = format!("{HEADER}PID|1|\"\"||x");
    let msg = Message::parse(&er7).unwrap();
    let state = |n: usize| {
        let path: Path = format!("PID-{n}").parse().unwrap();
        msg.get(&path).map(|v| (v.is_null(), v.is_empty()))
    };
    assert_eq!(state(2), Some((true, false)), "null");
    assert_eq!(state(3), Some((false, true)), "empty");
    assert_eq!(state(4), Some((false, false)), "value");
    assert_eq!(state(5), None, "absent");
}

#[test]
fn line_ends_are_read_in_all_three_forms_and_kept() {
    for end in ["\r", "\n", "\r\n"] {
        let er7 = format!("MSH|^~\\&|A{end}PID|1{end}{end}NTE|1||x{end}");
        let msg = Message::parse(&er7).unwrap();
        let ids: Vec<_> = msg.iter().map(|s| s.id()).collect();
        assert_eq!(ids, ["MSH", "PID", "NTE"]);
        assert_eq!(msg.as_er7(), er7);
        assert_eq!(msg.to_wire().unwrap(), b"MSH|^~\\&|A\rPID|1\rNTE|1||x\r");
    }
}

#[test]
fn a_message_brings_its_own_delimiters() {
    let msg = Message::parse("MSH#!@%*#LAB#\rPID#1##7!a%T%b@8#x*y\r").unwrap();
    assert_eq!(msg.get(hl7_core::path!("PID-3[2]")).unwrap().text(), "8");
    assert_eq!(msg.get(hl7_core::path!("PID-4.1.2")).unwrap().text(), "y");
    let msg = Message::parse("MSH|^~\\&#|A\rPID|1||a\\P\\b\r").unwrap();
    assert_eq!(msg.delimiters().truncation(), Some('#'));
    assert_eq!(msg.get(hl7_core::path!("PID-3")).unwrap().text(), "a#b");
}

#[test]
fn broken_input_is_refused_with_code_and_place() {
    let cases: &[(&[u8], &str, usize)] = &[
        (b"", "C001", 0),
        (b"\r\n\r\n", "C001", 0),
        (b"PID|1||7\r", "C002", 0),
        (b"hello", "C002", 0),
        (b"FHS|^~\\&|A\rMSH|^~\\&|A\r", "C003", 0),
        (b"\x0BMSH|^~\\&|A\r\x1C\r", "C004", 0),
        (b"<?xml version=\"1.0\"?>", "C005", 0),
        (b"MSH", "C006", 3),
        (b"MSH|", "C007", 4),
        (b"MSH||A", "C007", 4),
        (b"MSH|^~\\&ABCDEF|A", "C008", 9),
        (b"\r\nMSH|^~\\&|A\rMSH|^~\\&|B\r", "C011", 13),
        (b"MSH|^A\\&|A", "C009", 5),
        (b"MSH|^^\\&|A", "C010", 5),
        (b"MSH|^~\\&|A\rMSH|^~\\&|B\r", "C011", 11),
        (b"MSH|^~\\&|A\r\xEF\xBB\xBFMSH|^~\\&|B\r", "C011", 11),
        (b"MSH|^~\\&|A\r\x1C\r\x0BMSH|^~\\&|B\r", "C011", 13),
        (b"MSH|^~\\&|A\r \tMSH|^~\\&|B\r", "C011", 11),
        (b"MSH\"^~\\&\"A", "C009", 3),
        (b"MSH|^~\"&|A", "C009", 6),
        (b"M\0S\0H\0|\0", "C014", 0),
        (b"MSH|^~\\&|A\rPID|\xFF\xFE\r", "C014", 15),
        (b"MSH|^~\\&|A|||||||||||||||KLINGON\r", "C014", 25),
    ];
    for (bytes, code, offset) in cases {
        let error = Message::from_bytes(bytes).unwrap_err();
        assert_eq!((error.code(), error.offset()), (*code, *offset), "{}", String::from_utf8_lossy(bytes));
        assert!(!error.suggestion().is_empty());
        assert!(error.to_string().contains(code), "{error}");
    }
}

#[test]
fn limits_refuse_what_is_beyond_them() {
    let er7 = format!("{HEADER}PID|1\rPID|2\r");
    let over = ReadOptions::new().max_segments(2).parse(&er7).unwrap_err();
    assert_eq!(over.code(), "C013");
    let over = ReadOptions::new().max_bytes(er7.len() - 1).parse(&er7).unwrap_err();
    assert_eq!(over.code(), "C012");
    assert!(ReadOptions::new().max_bytes(er7.len()).max_segments(3).parse(&er7).is_ok());
}

#[test]
fn limits_hold_while_bytes_are_decoded() {
    // What cannot be decoded stands behind the limit, and is not reached.
    let bytes = b"MSH|^~\\&|A|||||||||||||||SHIFT_JIS\rPID|\x83\x5C\rPID|\x83\x5C\rPID|\xFF\r";
    let code = |options: ReadOptions| options.read(bytes).unwrap_err().code();
    assert_eq!(code(ReadOptions::new().max_segments(2)), "C013");
    assert_eq!(code(ReadOptions::new().max_segments(3)), "C014");
    // A byte of this set is two in UTF-8, in which the text is kept.
    let latin = [b"MSH|^~\\&|A|||||||||||||||8859/1\rPID|", &[0xE9; 100][..]].concat();
    assert_eq!(ReadOptions::new().max_bytes(latin.len()).read(&latin).unwrap_err().code(), "C012");
    assert!(ReadOptions::new().max_bytes(latin.len() + 100).read(&latin).is_ok());
}

#[test]
fn character_sets_are_decoded_before_splitting() {
    // In Shift-JIS the second byte of U+8868 is 0x5C, a backslash; of U+80FD 0x5C too; in GBK a trail byte can be 0x7C.
    let cases: &[(&str, &[u8], &str)] = &[
        ("8859/1", b"M\xFCller", "Müller"),
        ("8859/15", b"\xA4", "€"),
        ("8859/1", b"\x80", "\u{80}"),
        ("SHIFT_JIS", b"\x95\x5C\x8E\xA6", "表示"),
        ("GB 18030-2000", b"\x84\x7C", "剕"),
        ("UNICODE UTF-8", "Ω".as_bytes(), "Ω"),
    ];
    for (label, name, expected) in cases {
        let mut bytes = format!("MSH|^~\\&|A|||||||||||||||{label}\rPID|1||7||").into_bytes();
        bytes.extend_from_slice(name);
        bytes.extend_from_slice(b"^x\r");
        let msg = Message::from_bytes(&bytes).unwrap();
        assert_eq!(msg.get(hl7_core::path!("PID-5.2")).map(|v| v.text()).as_deref(), Some("x"), "{label}");
        if *label != "GB 18030-2000" {
            assert_eq!(msg.get(hl7_core::path!("PID-5.1")).unwrap().text(), *expected, "{label}");
        }
        assert_eq!(&*msg.to_bytes().unwrap(), bytes, "{label}");
    }
}

#[test]
fn an_edit_keeps_the_bytes_of_the_other_segments_where_decoding_cannot_be_undone() {
    // CP932 FA 54 decodes to U+FFE2, which would be written as 81 CA.
    let bytes = b"MSH|^~\\&|A|||||||||||||||SHIFT_JIS\rPID|1||\xFA\x54\rPV1|1|O\r";
    let mut msg = Message::from_bytes(bytes).unwrap();
    msg.set(hl7_core::path!("PV1-2"), "I").unwrap();
    assert_eq!(&*msg.to_bytes().unwrap(), b"MSH|^~\\&|A|||||||||||||||SHIFT_JIS\rPID|1||\xFA\x54\rPV1|1|I\r");
}

#[test]
fn replaced_bytes_are_never_written_in_silence() {
    let bytes = b"MSH|^~\\&|A\rPID|1||\xFF\rPV1|1|O\r";
    let mut msg = ReadOptions::new().undecodable(Undecodable::Replace).read(bytes).unwrap();
    assert_eq!(msg.get(hl7_core::path!("PID-3")).unwrap().text(), "\u{FFFD}");
    assert_eq!(&*msg.to_bytes().unwrap(), bytes);
    msg.set(hl7_core::path!("PID-2"), "x").unwrap();
    assert_eq!(msg.to_bytes().unwrap_err().code(), "C202");
}

#[test]
fn a_byte_order_mark_is_kept_and_not_sent() {
    let bytes = b"\xEF\xBB\xBFMSH|^~\\&|A\rPID|1||7\r";
    let msg = Message::from_bytes(bytes).unwrap();
    assert_eq!(msg.charset(), Ok(Charset::Utf8));
    assert_eq!(&*msg.to_bytes().unwrap(), bytes);
    assert!(msg.to_wire().unwrap().starts_with(b"MSH"));
}

#[test]
fn broken_lines_are_kept_as_segments() {
    let er7 = format!("{HEADER}OBX|1|TX|a||first line\rand its second line\rNTE|1||x\r");
    let msg = Message::parse(&er7).unwrap();
    assert_eq!(msg.iter().len(), 4);
    assert!(!msg.iter().nth(2).unwrap().has_valid_id());
    assert_eq!(msg.as_er7(), er7);
}

#[test]
fn paths_are_refused_with_code_and_place() {
    let cases = [
        ("", "P001", 0),
        ("pid-3", "P001", 0),
        ("PID-", "P002", 4),
        ("PID-0", "P003", 4),
        ("PID-3.0", "P003", 6),
        ("PID-99999", "P004", 4),
        ("PID[0]-3", "P003", 4),
        ("PID-3[", "P005", 5),
        ("PID-3[5=]", "P006", 8),
        ("PID-3 ", "P007", 5),
        ("PID-3.1.2.3", "P007", 9),
    ];
    for (text, code, offset) in cases {
        let error = text.parse::<Path>().unwrap_err();
        assert_eq!((error.code(), error.offset()), (code, offset), "{text:?}");
    }
}

#[test]
fn a_null_character_set_is_none_stated() {
    let msg = Message::from_bytes("MSH|^~\\&|A|||||||||||||||\"\"\rPID|1||||Zoë\r".as_bytes()).unwrap();
    assert_eq!(msg.charset(), Ok(Charset::Utf8));
}

#[test]
fn a_line_that_only_looks_like_a_header_is_kept() {
    for line in ["MSH-(x)|", "MSH", "MSH|", "MSH|a", "MSH#^x", "  MSH says"] {
        let er7 = format!("MSH|^~\\&|A\rNTE|1||a\r{line}\r");
        assert_eq!(Message::parse(&er7).map(|msg| msg.iter().len()), Ok(3), "{line}");
    }
}

#[test]
fn the_broken_header_of_a_second_message_is_no_line_of_the_first() {
    for line in ["MSH|^~\\&#$%|", "MSH|^A\\&|B", "MSH|^", "\u{FEFF}MSH|~x", "MSH#^x#"] {
        let found = Message::parse(&format!("MSH|^~\\&|A\r{line}\r")).map(|msg| msg.iter().len());
        let refused = line != "MSH#^x#";
        assert_eq!(found.map_err(|error| error.code()), if refused { Err("C011") } else { Ok(2) }, "{line}");
    }
}

#[test]
fn what_does_not_start_with_a_header_is_refused_at_once() {
    // A million lines that each could be a header behind blanks; looked at together with the first line they would take hours.
    let refused = format!("{}\r{}", " ".repeat(1_000_000), " \r".repeat(1_000_000));
    assert_eq!(Message::parse(&refused).unwrap_err().code(), "C002");
    let read = format!("MSH|^~\\&|A\r{}\r{}", " ".repeat(1_000_000), " \r".repeat(500_000));
    assert_eq!(Message::parse(&read).unwrap().iter().len(), 500_002);
}
