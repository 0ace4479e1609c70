//! Editing: the value is set, and nothing else changes.

use hl7_core::{Message, Path, path};

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
fn an_edit_that_would_write_too_much_is_refused_before_it_is_made() {
    let er7 = format!("MSH|^~\\&|A\r{}", "OBX|1\r".repeat(40));
    let mut msg = Message::parse(&er7).unwrap();
    let path: Path = "OBX[*]-5[16777215]".parse().unwrap();
    assert_eq!(msg.set(&path, "x").unwrap_err().code(), "C107");
    assert_eq!(msg.as_er7(), er7);
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
