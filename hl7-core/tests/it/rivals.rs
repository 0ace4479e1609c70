//! What other parsers were found to do wrong, each shown to be right here.

use hl7_core::{Delimiters, Message, Path, ReadOptions, Undecodable, path, unescape};

const HEADER: &str = "MSH|^~\\&|LAB|NORTH|EHR|SOUTH|20260102||ORU^R01^ORU_R01|m1|P|2.5.1";

fn ids(msg: &Message<'_>) -> Vec<String> {
    msg.iter().map(|segment| segment.id().to_owned()).collect()
}

fn text(er7: &str, path: &str) -> Option<String> {
    let path: Path = path.parse().unwrap();
    Message::parse(er7).unwrap().get(&path).map(|value| value.text().into_owned())
}

#[test]
fn a_segment_without_fields_drops_nothing_behind_it() {
    let er7 = format!("{HEADER}\rPID\rPV1|1|O\rOBX|1\r");
    let msg = Message::parse(&er7).unwrap();
    assert_eq!(ids(&msg), ["MSH", "PID", "PV1", "OBX"]);
    assert_eq!(msg.iter().nth(1).unwrap().fields().count(), 0);
    assert_eq!(msg.get(path!("PV1-2")).unwrap().raw(), "O");
}

#[test]
fn a_blank_line_drops_nothing_behind_it() {
    for blank in ["\r\r", "\n\n", "\r\n\r\n", "\r\r\r\r"] {
        let er7 = format!("{HEADER}{blank}PID|1{blank}PV1|1|O{blank}");
        let msg = Message::parse(&er7).unwrap();
        assert_eq!(ids(&msg), ["MSH", "PID", "PV1"], "{blank:?}");
        assert_eq!(msg.as_er7(), er7);
        assert_eq!(msg.to_wire().unwrap(), format!("{HEADER}\rPID|1\rPV1|1|O\r").as_bytes());
    }
}

#[test]
fn a_truncation_character_is_the_fifth_of_msh_2() {
    let er7 = "MSH|^~\\&#|LAB|NORTH|||||ADT^A01|m1|P|2.7\rPID|1||a\\P\\b#\r";
    let msg = Message::parse(er7).unwrap();
    assert_eq!(msg.delimiters().truncation(), Some('#'));
    assert_eq!(msg.get(path!("MSH-2")).unwrap().raw(), "^~\\&#");
    assert_eq!(msg.header().sending_application().unwrap().raw(), "LAB");
    assert_eq!(msg.get(path!("PID-3")).unwrap().text(), "a#b#");
    let mut msg = msg;
    msg.set(path!("PID-3"), "#7").unwrap();
    assert_eq!(msg.get(path!("PID-3")).unwrap().raw(), "\\P\\7");
}

#[test]
fn a_number_no_message_has_is_no_path_and_no_overflow() {
    for spec in [
        "PID-99999999999",
        "PID-1.99999999999",
        "PID-1.1.99999999999",
        "PID[99999999999]-1",
        "PID-3[99999999999]",
    ] {
        let error = spec.parse::<Path>().unwrap_err();
        assert_eq!(error.code(), "P004", "{spec}");
    }
    assert_eq!(
        "PID.99999999999".parse::<Path>().unwrap_err().code(),
        "P007",
        "a field stands behind a hyphen"
    );
    let er7 = format!("{HEADER}\rPID|1\r");
    assert_eq!(text(&er7, "PID-9999"), None);
    assert_eq!(text(&er7, "PID[16777215]-9999[16777215].9999.9999"), None);
}

#[test]
fn letters_of_more_than_one_byte_shift_nothing() {
    let er7 = format!("{HEADER}\rPID|éé|1|ü^é&ñ~山|é\\T\\é|x\r");
    for (place, expected) in [
        ("PID-1", "éé"),
        ("PID-2", "1"),
        ("PID-3.1", "ü"),
        ("PID-3.2.1", "é"),
        ("PID-3.2.2", "ñ"),
        ("PID-3[2]", "山"),
        ("PID-4", "é&é"),
        ("PID-5", "x"),
    ] {
        assert_eq!(text(&er7, place).as_deref(), Some(expected), "{place}");
    }
}

#[test]
fn line_ends_of_all_kinds_and_mixed_are_read_and_kept() {
    for ends in [
        ["\r", "\r", "\r"],
        ["\n", "\n", "\n"],
        ["\r\n", "\r\n", "\r\n"],
        ["\r\n", "\n", "\r"],
        ["\n", "\r", ""],
    ] {
        let er7 = format!("{HEADER}{}PID|1||7{}PV1|1|O{}", ends[0], ends[1], ends[2]);
        let msg = Message::from_bytes(er7.as_bytes()).unwrap();
        assert_eq!(ids(&msg), ["MSH", "PID", "PV1"], "{ends:?}");
        assert_eq!(msg.get(path!("MSH-12")).unwrap().text(), "2.5.1");
        assert_eq!(msg.get(path!("PV1-2")).unwrap().text(), "O");
        assert_eq!(&*msg.to_bytes().unwrap(), er7.as_bytes());
        assert_eq!(msg.to_wire().unwrap(), format!("{HEADER}\rPID|1||7\rPV1|1|O\r").as_bytes());
    }
}

#[test]
fn a_lost_final_line_end_loses_nothing() {
    let er7 = format!("{HEADER}\rPID|1||7");
    let mut msg = Message::parse(&er7).unwrap();
    assert_eq!(msg.get(path!("PID-3")).unwrap().raw(), "7");
    assert_eq!(&*msg.to_bytes().unwrap(), er7.as_bytes());
    msg.set(path!("PID-5"), "x").unwrap();
    assert_eq!(msg.as_er7(), format!("{er7}||x"));
    assert_eq!(msg.to_wire().unwrap(), format!("{er7}||x\r").as_bytes());
}

#[test]
fn hexadecimal_data_are_read() {
    for (raw, meant) in [
        ("\\X41\\", "A"),
        ("\\X4142\\c", "ABc"),
        ("\\x41\\", "\\x41\\"),
        ("\\X0D0A\\", "\r\n"),
        ("\\X\\", "\\X\\"),
    ] {
        assert_eq!(unescape(raw, &Delimiters::default()), meant, "{raw}");
    }
}

#[test]
fn escape_sequences_that_are_not_read_are_not_doubled_by_writing() {
    let kept = "\\H\\bold\\N\\ \\.in+4\\ \\C2842\\ \\M242142\\ \\Zlocal\\ \\Q\\ \\X4\\ 50\\ off \\";
    let er7 = format!("{HEADER}\rNTE|1||{kept}|x\r");
    let mut msg = Message::parse(&er7).unwrap();
    assert_eq!(msg.get(path!("NTE-3")).unwrap().text(), kept);
    for round in 0..3 {
        msg.set(path!("NTE-4"), &round.to_string()).unwrap();
        let wire = msg.to_wire().unwrap();
        msg = Message::from_bytes(&wire).unwrap().into_owned();
        assert_eq!(msg.get(path!("NTE-3")).unwrap().raw(), kept);
    }
}

#[test]
fn msh_1_and_msh_2_count() {
    let er7 = format!("{HEADER}\r");
    let expected =
        ["|", "^~\\&", "LAB", "NORTH", "EHR", "SOUTH", "20260102", "", "ORU^R01^ORU_R01", "m1", "P", "2.5.1"];
    let msg = Message::parse(&er7).unwrap();
    let header = msg.iter().next().unwrap();
    let all: Vec<_> = header.fields().map(|field| field.raw()).collect();
    assert_eq!(all, expected);
    for (index, raw) in expected.iter().enumerate() {
        assert_eq!(header.field(index + 1).map(|field| field.raw()), Some(*raw), "MSH-{}", index + 1);
    }
    assert!(header.field(13).is_none());
    // The characters of MSH-2 are no repetitions, components or escapes of its own.
    assert_eq!(msg.get(path!("MSH-2")).unwrap().text(), "^~\\&");
    assert_eq!(text(&er7, "MSH-2[2]"), None);
    assert_eq!(text(&er7, "MSH-2.2"), None);
}

#[test]
fn components_do_not_reach_across_repetitions() {
    let er7 = format!("{HEADER}\rPID|1||7^^^H^MR~8^^^S~^^^N\r");
    for (place, expected) in [
        ("PID-3.5", Some("MR")),
        ("PID-3.6", None),
        ("PID-3[2].1", Some("8")),
        ("PID-3[2].5", None),
        ("PID-3[3].1", Some("")),
        ("PID-3[3].4", Some("N")),
        ("PID-3[4].1", None),
    ] {
        assert_eq!(text(&er7, place).as_deref(), expected, "{place}");
    }
    let msg = Message::parse(&er7).unwrap();
    let field = msg.iter().nth(1).unwrap().field(3).unwrap();
    let counts: Vec<_> = field.repetitions().map(|repetition| repetition.components().count()).collect();
    assert_eq!(counts, [5, 4, 4]);
}

#[test]
fn latin_1_bytes_are_read_when_stated_and_never_lost() {
    let stated = [HEADER.as_bytes(), b"||||||8859/1\rPID|1||7||M\xFCller\r"].concat();
    let msg = Message::from_bytes(&stated).unwrap();
    assert_eq!(msg.get(path!("PID-5")).unwrap().text(), "Müller");
    assert_eq!(msg.to_wire().unwrap(), stated);

    let unstated = [HEADER.as_bytes(), b"\rPID|1||7||M\xFCller\r"].concat();
    assert_eq!(Message::from_bytes(&unstated).unwrap_err().code(), "C014");
    let msg = ReadOptions::new().undecodable(Undecodable::Replace).read(&unstated).unwrap();
    assert_eq!(msg.get(path!("PID-5")).unwrap().text(), "M\u{FFFD}ller");
    assert_eq!(msg.to_wire().unwrap(), unstated);
}

#[test]
fn segments_of_local_use_may_have_digits() {
    let er7 = format!("{HEADER}\rZ01|a\rZ1A|b^c\rZPD|d\r");
    let msg = Message::parse(&er7).unwrap();
    assert!(msg.iter().all(|segment| segment.has_valid_id()));
    assert_eq!(ids(&msg), ["MSH", "Z01", "Z1A", "ZPD"]);
    assert_eq!(msg.get(path!("Z01-1")).unwrap().raw(), "a");
    assert_eq!(msg.get(path!("Z1A-1.2")).unwrap().raw(), "c");
}

#[test]
fn a_field_of_a_megabyte_is_read_changed_and_written() {
    let document = "TWFu".repeat(256 * 1024);
    let er7 = format!("{HEADER}\rOBX|1|ED|PDF||^AP^^Base64^{document}||||||F\rNTE|1||behind\r");
    let mut msg = Message::from_bytes(er7.as_bytes()).unwrap();
    assert_eq!(msg.get(path!("OBX-5.5")).unwrap().text(), document);
    assert_eq!(msg.get(path!("OBX-11")).unwrap().text(), "F");
    assert_eq!(msg.get(path!("NTE-3")).unwrap().text(), "behind");
    let escaped = document.replace('u', "&");
    msg.set(path!("OBX-5.5"), &escaped).unwrap();
    assert_eq!(msg.get(path!("OBX-5.5")).unwrap().text(), escaped);
    assert_eq!(msg.to_wire().unwrap().len(), er7.len() + 2 * 256 * 1024);
}
