//! Structural edits: what is named moves, comes or goes, and every other byte stays.

use hl7_core::{EditError, Message, Path, Position, ReadOptions, Undecodable, path};

fn path_of(text: &str) -> Path {
    text.parse().unwrap()
}

/// The text after an edit, or the code of its refusal, which has to leave the text as it was.
fn edited<T>(
    er7: &str,
    edit: impl FnOnce(&mut Message<'_>) -> Result<T, EditError>,
) -> Result<String, &'static str> {
    let mut msg = Message::parse(er7).unwrap();
    match edit(&mut msg) {
        Ok(_) => {
            let again = Message::parse(msg.as_er7()).unwrap();
            assert!(msg.iter().map(|s| s.raw()).eq(again.iter().map(|s| s.raw())), "the places of segments");
            Ok(msg.as_er7().to_owned())
        }
        Err(error) => {
            assert_eq!(msg.as_er7(), er7, "what is refused changes nothing");
            assert!(error.to_string().starts_with(error.code()), "{error}");
            Err(error.code())
        }
    }
}

fn position(text: &str) -> (bool, Option<Path>) {
    match text.split_at(1) {
        ("<", path) => (true, Some(path_of(path))),
        (">", path) => (false, Some(path_of(path))),
        _ => (false, None),
    }
}

fn at(position: &(bool, Option<Path>)) -> Position<'_> {
    match position {
        (true, Some(path)) => Position::Before(path),
        (false, Some(path)) => Position::After(path),
        (_, None) => Position::End,
    }
}

#[test]
fn a_segment_is_inserted_with_its_neighbour_s_line_end() {
    // Before (<) or after (>) a path, or at the end (.).
    let cases = [
        ("MSH|^~\\&|A\rPID|1\r", ">MSH", "EVN", Ok("MSH|^~\\&|A\rEVN\rPID|1\r")),
        ("MSH|^~\\&|A\nPID|1\n", "<PID", "EVN|A08", Ok("MSH|^~\\&|A\nEVN|A08\nPID|1\n")),
        ("MSH|^~\\&|A\r\nPID|1\r\n", ".", "ZZ1|x", Ok("MSH|^~\\&|A\r\nPID|1\r\nZZ1|x\r\n")),
        ("MSH|^~\\&|A\r\nPID|1", ".", "NTE", Ok("MSH|^~\\&|A\r\nPID|1\r\nNTE")),
        ("MSH|^~\\&|A", ".", "NTE", Ok("MSH|^~\\&|A\rNTE")),
        ("MSH|^~\\&|A\r\rPID|1\n", ">MSH", "NTE", Ok("MSH|^~\\&|A\rNTE\r\rPID|1\n")),
        ("\u{FEFF}\nMSH|^~\\&|A\nPID\r", ">PID", "NTE", Ok("\u{FEFF}\nMSH|^~\\&|A\nPID\rNTE\r")),
        ("MSH|^~\\&|A\rOBX|1\rOBX|2\r", ">OBX", "NTE", Ok("MSH|^~\\&|A\rOBX|1\rNTE\rOBX|2\r")),
        ("MSH|^~\\&|A\rOBX|1\rOBX|2\r", ">OBX[*]", "NTE", Ok("MSH|^~\\&|A\rOBX|1\rOBX|2\rNTE\r")),
        ("MSH|^~\\&|A\rOBX|1\rOBX|2\r", "<OBX[2]", "NTE", Ok("MSH|^~\\&|A\rOBX|1\rNTE\rOBX|2\r")),
        ("MSH|^~\\&|A\r", "<MSH", "NTE", Err("C109")),
        ("MSH|^~\\&|A\r", "<PID", "NTE", Err("C102")),
        ("MSH|^~\\&|A\rPID\r", "<PID-3", "NTE", Err("C111")),
        ("MSH|^~\\&|A\r", ".", "MSH|^~\\&|B", Err("C109")),
        ("MSH|^~\\&|A\r", ".", "BHS", Err("C109")),
        ("MSH|^~\\&|A\r", ".", "", Err("C108")),
        ("MSH|^~\\&|A\r", ".", "nte|1", Err("C108")),
        ("MSH|^~\\&|A\r", ".", "NTE1|1", Err("C108")),
        ("MSH|^~\\&|A\r", ".", "NTE#1", Err("C108")),
        ("MSH|^~\\&|A\r", ".", "NTE|1\rNTE|2", Err("C108")),
        ("MSH|^~\\&|A\r", ".", "NTE|\u{1c}", Err("C108")),
        ("MSH|^~\\&|A\r", ".", "ÄÖÜ|1", Err("C108")),
    ];
    for (er7, place, segment, expected) in cases {
        let place = position(place);
        let found = edited(er7, |msg| msg.insert_segment(at(&place), segment));
        assert_eq!(found, expected.map(str::to_owned), "{er7:?} {segment:?}");
    }
}

#[test]
fn the_path_of_an_inserted_segment_names_it() {
    let mut msg = Message::parse("MSH|^~\\&|A\rOBX|1\rNTE|9\rOBX|2\rNTE|8\r").unwrap();
    let note = msg.insert_segment(Position::Before(path!("OBX[2]")), "NTE").unwrap();
    assert_eq!(note.to_string(), "NTE[2]");
    msg.set(&path!("NTE-3").within(&note), "here").unwrap();
    assert_eq!(msg.as_er7(), "MSH|^~\\&|A\rOBX|1\rNTE|9\rNTE|||here\rOBX|2\rNTE|8\r");
    assert_eq!(msg.push_segment("NTE|7").unwrap().to_string(), "NTE[4]");
}

#[test]
fn what_is_removed_goes_and_the_rest_stays() {
    const ER7: &str = "MSH|^~\\&|A|B\nPID|1||7^^^H^MR~8^^^H^SS||Doe^Ann&B||\r\nNTE|1\n\nNTE|2\rOBX|1||a~b~~c";
    let cases = [
        ("NTE", Ok("NTE|1\n"), ""),
        ("NTE[2]", Ok("NTE|2\r"), ""),
        ("OBX", Ok("\rOBX|1||a~b~~c"), ""),
        ("ZZZ", Ok(""), ""),
        ("PID-3", Ok("7^^^H^MR~8^^^H^SS"), ""),
        ("PID-3[1]", Ok("7^^^H^MR~"), ""),
        ("PID-3[2]", Ok("~8^^^H^SS"), ""),
        ("PID-3[5=MR]", Ok("7^^^H^MR~"), ""),
        ("PID-3[5=XX]", Ok(""), ""),
        ("PID-3[*]", Ok("7^^^H^MR~8^^^H^SS"), ""),
        ("PID-3[*].5", Ok("7^^^H^MR~8^^^H^SS"), "7^^^H^~8^^^H^"),
        ("PID-5.2.2", Ok("Doe^Ann&B"), "Doe^Ann&"),
        ("PID-5.2", Ok("Doe^Ann&B"), "Doe^"),
        ("PID-5.9", Ok(""), ""),
        ("PID-40", Ok(""), ""),
        ("OBX-3[3]", Ok("~c"), "c"),
        ("MSH-4", Ok("B"), ""),
        ("MSH", Err("C109"), ""),
        ("MSH[*]", Err("C109"), ""),
        ("MSH-1", Err("C104"), ""),
        ("MSH-2", Err("C104"), ""),
    ];
    for (place, old, new) in cases {
        let expected = old.map(|old| ER7.replacen(old, new, 1));
        assert_eq!(edited(ER7, |msg| msg.remove(&path_of(place))), expected, "{place}");
    }
    let without_notes = "MSH|^~\\&|A|B\nPID|1||7^^^H^MR~8^^^H^SS||Doe^Ann&B||\r\n\nOBX|1||a~b~~c";
    assert_eq!(edited(ER7, |msg| msg.remove(path!("NTE[*]"))).as_deref(), Ok(without_notes));
    let mut msg = Message::parse(ER7).unwrap();
    let count = |msg: &mut Message<'_>, place| msg.remove(&path_of(place)).unwrap();
    assert_eq!(count(&mut msg, "OBX-3[*]"), 4);
    assert_eq!(count(&mut msg, "OBX-3[*]"), 0);
    assert_eq!(count(&mut msg, "PID-3[*].5"), 2);
    assert_eq!(count(&mut msg, "NTE[*]-1"), 2);
    assert_eq!(count(&mut msg, "NTE[*]"), 2);
}

#[test]
fn lines_without_a_last_line_end_go_one_by_one_and_together() {
    let er7 = "MSH|^~\\&|A\r\nNTE|1\rNTE|2";
    assert_eq!(edited(er7, |msg| msg.remove(path!("NTE[2]"))).as_deref(), Ok("MSH|^~\\&|A\r\nNTE|1"));
    assert_eq!(edited(er7, |msg| msg.remove(path!("NTE[*]"))).as_deref(), Ok("MSH|^~\\&|A"));
}

#[test]
fn segments_move_and_line_ends_stay_where_they_are() {
    const ER7: &str = "MSH|^~\\&|A\rNTE|1\nPID|1\r\n\nNTE|2\rOBX|1";
    let cases = [
        ("NTE", ".", Ok("MSH|^~\\&|A\rPID|1\nNTE|2\r\n\nOBX|1\rNTE|1")),
        ("NTE[*]", "<OBX", Ok("MSH|^~\\&|A\rPID|1\nNTE|1\r\n\nNTE|2\rOBX|1")),
        ("OBX", ">MSH", Ok("MSH|^~\\&|A\rOBX|1\nNTE|1\r\n\nPID|1\rNTE|2")),
        ("PID", "<PID", Ok(ER7)),
        ("PID", ">PID", Ok(ER7)),
        ("NTE[*]", ">NTE", Ok("MSH|^~\\&|A\rNTE|1\nNTE|2\r\n\nPID|1\rOBX|1")),
        ("MSH", ".", Err("C109")),
        ("PID", "<MSH", Err("C109")),
        ("PV1", ".", Err("C102")),
        ("PID", "<PV1", Err("C102")),
        ("PID-1", ".", Err("C111")),
    ];
    for (from, to, expected) in cases {
        let to = position(to);
        let found = edited(ER7, |msg| msg.move_segment(&path_of(from), at(&to)));
        assert_eq!(found, expected.map(str::to_owned), "{from}");
    }
}

#[test]
fn repetitions_come_in_and_change_places() {
    const ER7: &str = "MSH|^~\\&|A\rPID|1||7^MR~8^SS~9^MR|\r";
    let inserted = [
        ("PID-3", "x|y", Ok("7^MR~8^SS~9^MR~x\\F\\y|")),
        ("PID-3[1]", "x", Ok("x~7^MR~8^SS~9^MR|")),
        ("PID-3[2].3.2", "x", Ok("7^MR~^^&x~8^SS~9^MR|")),
        ("PID-3[6]", "x", Ok("7^MR~8^SS~9^MR~~~x|")),
        ("PID-4", "x", Ok("7^MR~8^SS~9^MR|x")),
        ("PID-6[1]", "x", Ok("7^MR~8^SS~9^MR|||x")),
        ("PID-4[2]", "x", Ok("7^MR~8^SS~9^MR|~x")),
        ("PID-3[*]", "x", Err("C112")),
        ("PID-3[2=MR]", "x", Err("C112")),
        ("PV1-3", "x", Err("C102")),
        ("PID", "x", Err("C101")),
        ("MSH-2", "x", Err("C104")),
    ];
    for (place, text, new) in inserted {
        let expected = new.map(|new| ER7.replace("7^MR~8^SS~9^MR|", new));
        assert_eq!(edited(ER7, |msg| msg.insert_repetition(&path_of(place), text)), expected, "{place}");
    }
    let moved = [
        ("PID-3", 2, Ok("8^SS~7^MR~9^MR")),
        ("PID-3[3]", 1, Ok("9^MR~7^MR~8^SS")),
        ("PID-3[1]", 99, Ok("8^SS~9^MR~7^MR")),
        ("PID-3[2=MR]", 1, Ok("7^MR~9^MR~8^SS")),
        ("PID-3[2=MR]", 2, Ok("8^SS~7^MR~9^MR")),
        ("PID-3[*]", 3, Ok("7^MR~8^SS~9^MR")),
        ("PID-3[4]", 1, Err("C103")),
        ("PID-3[2=XX]", 1, Err("C103")),
        ("PID-4", 1, Err("C103")),
        ("PID-3[1].1", 1, Err("C111")),
        ("PV1-3", 1, Err("C102")),
    ];
    for (place, to, new) in moved {
        let expected = new.map(|new| ER7.replace("7^MR~8^SS~9^MR", new));
        assert_eq!(edited(ER7, |msg| msg.move_repetition(&path_of(place), to)), expected, "{place} to {to}");
    }
}

#[test]
fn a_value_moves_as_it_is() {
    const ER7: &str = "MSH|^~\\&|A\rPID|1|\\F\\|7^MR~8^SS|a&b^c\rPV1|1\r";
    let cases = [
        ("PID-2", "PV1-3.2", Ok("MSH|^~\\&|A\rPID|1||7^MR~8^SS|a&b^c\rPV1|1||^\\F\\\r")),
        ("PID-4.1", "PID-4.2", Ok("MSH|^~\\&|A\rPID|1|\\F\\|7^MR~8^SS|^a&b\rPV1|1\r")),
        ("PID-3[2=SS]", "PID-2", Ok("MSH|^~\\&|A\rPID|1|8^SS|7^MR|a&b^c\rPV1|1\r")),
        ("PID-4", "PID-4", Ok(ER7)),
        ("PID-9", "PID-2", Ok(ER7)),
        ("PID-4.1", "PID-2.1.1", Err("C110")),
        ("PID-3", "PID-2[1]", Err("C110")),
        ("PID-3[*]", "PID-2", Err("C112")),
        ("PID-2", "PID-3[*].1", Err("C112")),
        ("PID-2", "ZZZ-1", Err("C102")),
        ("PID", "PV1", Err("C101")),
        ("PID-2", "MSH-1", Err("C104")),
        ("MSH-2", "PID-2", Err("C104")),
    ];
    for (from, to, expected) in cases {
        let found = edited(ER7, |msg| msg.move_value(&path_of(from), &path_of(to)));
        assert_eq!(found, expected.map(str::to_owned), "{from} to {to}");
    }
}

#[test]
fn raw_text_is_taken_when_it_stays_in_its_place() {
    let cases = [
        ("PID-3", "1~2^x&y\\F\\", Ok("1~2^x&y\\F\\")),
        ("PID-3[1]", "2^x&y", Ok("2^x&y")),
        ("PID-3.1", "x&y", Ok("x&y")),
        ("PID-3", "1|2", Err("C110")),
        ("PID-3", "1\r2", Err("C110")),
        ("PID-3", "1\n2", Err("C110")),
        ("PID-3", "1\u{b}2", Err("C110")),
        ("PID-3[1]", "1~2", Err("C110")),
        ("PID-3[*]", "1~2", Err("C110")),
        ("PID-3.1", "1^2", Err("C110")),
        ("PID-3.1", "1~2", Err("C110")),
        ("PID-3.1.1", "1&2", Err("C110")),
        ("MSH-18", "KLINGON", Err("C106")),
    ];
    for (place, raw, expected) in cases {
        let found = edited("MSH|^~\\&|A\rPID|1||old\r", |msg| msg.set_raw(&path_of(place), raw));
        assert_eq!(found, expected.map(|new| format!("MSH|^~\\&|A\rPID|1||{new}\r")), "{place}");
    }
}

#[test]
fn a_short_set_of_delimiters_bounds_what_can_be_made() {
    const ER7: &str = "MSH|^|A\rPID|1||7^8\r";
    assert_eq!(edited(ER7, |msg| msg.insert_repetition(path!("PID-3"), "9")), Err("C105"));
    assert_eq!(
        edited(ER7, |msg| msg.insert_repetition(path!("PID-4"), "9")).as_deref(),
        Ok("MSH|^|A\rPID|1||7^8|9\r")
    );
    assert_eq!(edited(ER7, |msg| msg.remove(path!("PID-3[2]"))).as_deref(), Ok(ER7));
    assert_eq!(edited(ER7, |msg| msg.remove(path!("PID-3.1.2"))).as_deref(), Ok(ER7));
    assert_eq!(edited(ER7, |msg| msg.remove(path!("PID-3[1]"))).as_deref(), Ok("MSH|^|A\rPID|1||\r"));
}

#[test]
fn bytes_as_read_follow_their_segments() {
    // CP932 FA 54 decodes to U+FFE2, which would be written as 81 CA.
    let bytes = b"MSH|^~\\&|A|||||||||||||||SHIFT_JIS\rPID|1||\xFA\x54\nPV1|1|O\r\nZZ1|\xFA\x54";
    let mut msg = Message::from_bytes(bytes).unwrap();
    msg.move_segment(path!("ZZ1"), Position::Before(path!("PID"))).unwrap();
    assert_eq!(
        &*msg.to_bytes().unwrap(),
        b"MSH|^~\\&|A|||||||||||||||SHIFT_JIS\rZZ1|\xFA\x54\nPID|1||\xFA\x54\r\nPV1|1|O"
    );
    msg.remove(path!("PV1")).unwrap();
    msg.insert_segment(Position::After(path!("MSH")), "NTE|\u{8868}").unwrap();
    assert_eq!(
        &*msg.to_bytes().unwrap(),
        b"MSH|^~\\&|A|||||||||||||||SHIFT_JIS\rNTE|\x95\x5C\rZZ1|\xFA\x54\nPID|1||\xFA\x54"
    );
    msg.set(path!("ZZ1-2"), "x").unwrap();
    assert!(msg.to_wire().unwrap().ends_with(b"ZZ1|\x81\xCA|x\rPID|1||\xFA\x54\r"));
}

#[test]
fn a_change_of_the_character_set_leaves_replaced_bytes_unwritable() {
    let bytes = b"MSH|^~\\&|A\rPID|1||\xFF\r";
    let mut msg = ReadOptions::new().undecodable(Undecodable::Replace).read(bytes).unwrap();
    msg.set(path!("MSH-18"), "UNICODE UTF-8").unwrap();
    assert_eq!(msg.to_bytes().unwrap_err().code(), "C202");
    assert_eq!(msg.to_wire().unwrap_err().code(), "C202");
}

#[test]
fn a_byte_order_mark_goes_with_the_character_set_it_marks() {
    let mut msg = Message::from_bytes(b"\xEF\xBB\xBFMSH|^~\\&|A\rPID|1||7\r").unwrap();
    msg.set(path!("MSH-18"), "8859/1").unwrap();
    msg.set(path!("PID-3"), "\u{fc}").unwrap();
    assert_eq!(&*msg.to_bytes().unwrap(), b"MSH|^~\\&|A|||||||||||||||8859/1\rPID|1||\xFC\r");
}

#[test]
fn a_text_is_taken_over_without_a_copy() {
    let text = "MSH|^~\\&|A\rPID|1\r".to_owned();
    let at = text.as_ptr();
    let msg = Message::parse_owned(text).unwrap();
    assert_eq!(msg.as_er7().as_ptr(), at);
    assert_eq!(Message::parse_owned("PID|1\r".to_owned()).unwrap_err().code(), "C002");
}
