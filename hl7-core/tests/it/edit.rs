//! Editing: the value is set, and nothing else changes.

use hl7_core::typed::Hd;
use hl7_core::{EditError, Message, Path, Value, path};

const ER7: &str = "MSH|^~\\&|LAB|NORTH\nPID|1||7^^^H^MR~8^^^H^SS||Doe^Ann\r\nOBX|1|NM|a||1\nOBX|2|NM|b||2";

fn set(path: &str, text: &str) -> Result<String, &'static str> {
    let mut msg = Message::parse(ER7).unwrap();
    let path: Path = path.parse().unwrap();
    msg.set(&path, text).map_err(|error| {
        assert_eq!(error.path(), Some(&path));
        error.code()
    })?;
    Ok(msg.as_er7().to_owned())
}

#[test]
fn a_value_takes_its_place_and_nothing_else_moves() {
    let cases = [
        ("PID-5.1", "Smith & Sons", "Doe^Ann", "Smith \\T\\ Sons^Ann"),
        ("PID-5", "x", "Doe^Ann", "x"),
        ("PID-3[2].1", "9", "8^^^H^SS", "9^^^H^SS"),
        ("PID-3[5=SS].1", "9", "8^^^H^SS", "9^^^H^SS"),
        ("PID-3[3].1", "9", "8^^^H^SS", "8^^^H^SS~9"),
        ("PID-3[*].4", "N", "7^^^H^MR~8^^^H^SS", "7^^^N^MR~8^^^N^SS"),
        ("PID-5.4.2", "x", "Doe^Ann", "Doe^Ann^^&x"),
        ("PID-8", "F", "Doe^Ann", "Doe^Ann|||F"),
        ("OBX[2]-5", "3", "b||2", "b||3"),
        ("MSH-4", "SOUTH", "NORTH", "SOUTH"),
        ("PID-5.1", "a\rb", "Doe^Ann", "a\\X0D\\b^Ann"),
        ("PID-5.1", "", "Doe^Ann", "^Ann"),
    ];
    for (path, text, old, new) in cases {
        assert_eq!(set(path, text).as_deref(), Ok(ER7.replacen(old, new, 1).as_str()), "{path}");
    }
    assert_eq!(set("OBX[*]-11", "F").unwrap(), ER7.replace("||1", "||1||||||F").replace("||2", "||2||||||F"));
}

#[test]
fn what_cannot_be_set_is_refused_and_changes_nothing() {
    let cases = [
        ("PV1-2", "C102"),
        ("PID", "C101"),
        ("MSH-1", "C104"),
        ("MSH-2", "C104"),
        ("PID-3[5=XX].1", "C103"),
        ("OBX[3]-5", "C102"),
    ];
    for (path, code) in cases {
        assert_eq!(set(path, "x"), Err(code), "{path}");
    }
}

#[test]
fn a_text_of_two_quotes_is_not_null() {
    let mut msg = Message::parse(ER7).unwrap();
    msg.set(path!("PID-5.1"), "\"\"").unwrap();
    let value = msg.get(path!("PID-5.1")).unwrap();
    assert!(!value.is_null());
    assert_eq!(value.text(), "\"\"");
}

#[test]
fn two_quotes_are_refused_where_nothing_can_escape_them() {
    let mut msg = Message::parse("MSH|^~|A\rPID|1\r").unwrap();
    assert_eq!(msg.set(path!("PID-2"), "\"\"").unwrap_err().code(), "C105");
    msg.set_null(path!("PID-2")).unwrap();
    assert!(msg.get(path!("PID-2")).unwrap().is_null());
}

#[test]
fn an_edit_that_would_write_too_much_is_refused_before_it_is_made() {
    // Each would take twenty gigabytes or more.
    let segments = format!("MSH|^~\\&|A\r{}", "OBX|1\r".repeat(10_000));
    let repetitions = format!("MSH|^~\\&|A\rOBX|1||{}\r", "a~".repeat(1_000_000));
    let far_component = "OBX-3[*].9999.9999";
    type Edit = fn(&mut Message<'_>, &Path) -> Result<(), EditError>;
    let set: Edit = |msg, path| msg.set(path, "x");
    let insert: Edit = |msg, path| msg.insert_repetition(path, "x");
    for (er7, place, edit) in [
        (&segments, "OBX[*]-5[16777215]", set),
        (&segments, "OBX[*]-5[16777215]", insert),
        (&repetitions, far_component, set),
    ] {
        let mut msg = Message::parse(er7).unwrap();
        let path: Path = place.parse().unwrap();
        assert_eq!(edit(&mut msg, &path).unwrap_err().code(), "C107", "{place}");
        assert_eq!(msg.as_er7(), er7);
    }
    let mut msg = Message::parse(&repetitions).unwrap();
    assert_eq!(msg.remove(&far_component.parse().unwrap()).unwrap(), 0, "nothing stands there");
}

#[test]
fn all_values_at_a_path_are_set_in_one_pass() {
    const ER7: &str = "MSH|^~\\&|A\nOBX|1|NM|||7^x~8\nNTE|1\nOBX|2|NM||\nOBX|3|NM|||\"\"\r\nOBX|4";
    let set = |path: &str, change: fn(Value<'_>) -> Option<String>| {
        let mut msg = Message::parse(ER7).unwrap();
        let set = msg.set_each(&path.parse().unwrap(), change).map_err(|error| error.code());
        if set.is_err() {
            assert_eq!(msg.as_er7(), ER7);
        }
        set.map(|set| (set, msg.as_er7().to_owned()))
    };
    let bar: fn(Value<'_>) -> Option<String> = |value| Some(format!("{}|", value.text()));
    assert_eq!(
        set("OBX[*]-5[*].1", bar),
        Ok((3, ER7.replace("7^x~8", "7\\F\\^x~8\\F\\").replace("\"\"", "\"\"\\F\\")))
    );
    assert_eq!(set("OBX[*]-5[2=x].1", bar), Ok((1, ER7.replace("7^x", "7\\F\\^x"))));
    assert_eq!(set("OBX-5[2]", bar), Ok((1, ER7.replace("~8", "~8\\F\\"))));
    assert_eq!(
        set("OBX[*]-1", |value| (value.raw() == "2").then(String::new)),
        Ok((1, ER7.replace("OBX|2", "OBX|")))
    );
    for nowhere in ["OBX[*]-9", "PV1-2", "OBX[9]-5", "OBX-5[2=y]"] {
        assert_eq!(set(nowhere, bar), Ok((0, ER7.to_owned())), "{nowhere}");
    }
    for (refused, code) in [("OBX", "C101"), ("MSH-2", "C104")] {
        assert_eq!(set(refused, bar), Err(code));
    }
    let mut msg = Message::parse("MSH|^~\\&|A\rPID|||7^^^NORTH&1.2.3&ISO^MR\r").unwrap();
    let mut seen = Vec::new();
    let mut look = |value: Value<'_>| {
        seen.extend(Hd::of(value).universal_id().map(|id| id.text().into_owned()));
        None
    };
    msg.set_each(path!("PID-3.4"), &mut look).unwrap();
    msg.set_each(path!("PID-3[1].4"), &mut look).unwrap();
    assert_eq!(seen, ["1.2.3", "1.2.3"], "a value is read as one of its level");
    let set_kind: fn(Value<'_>) -> Option<String> = |_| Some("KLINGON".to_owned());
    let mut msg = Message::parse("MSH|^~\\&|A|||||||||||||||ASCII\r").unwrap();
    assert_eq!(msg.set_each(path!("MSH-18"), set_kind).unwrap_err().code(), "C106");
}

#[test]
fn many_segments_are_edited_in_time() {
    let er7 = format!("MSH|^~\\&|A\r{}", "OBX|1||||12345\r".repeat(200_000));
    let mut msg = Message::parse(&er7).unwrap();
    // One by one this would move two hundred thousand times a megabyte, which takes minutes.
    assert_eq!(msg.set_each(path!("OBX[*]-5"), |_| Some("1234567".to_owned())).unwrap(), 200_000);
    assert_eq!(msg.as_er7().len(), er7.len() + 2 * 200_000);
}

#[test]
fn null_is_written_as_two_quotes() {
    let mut msg = Message::parse(ER7).unwrap();
    msg.set_null(path!("PID-5")).unwrap();
    assert!(msg.get(path!("PID-5")).unwrap().is_null());
    assert!(msg.as_er7().contains("||\"\"\r\nOBX"));
}

#[test]
fn a_character_outside_the_message_s_set_is_an_error_when_it_is_written() {
    let mut msg = Message::from_bytes(b"MSH|^~\\&|A|||||||||||||||8859/1\rPID|1\r").unwrap();
    msg.set(path!("PID-5"), "\u{3a9}").unwrap();
    let error = msg.to_bytes().unwrap_err();
    assert_eq!((error.code(), error.segment()), ("C201", 2));
}
