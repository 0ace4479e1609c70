//! New messages.

use hl7_core::{Charset, Delimiters, Message, MessageBuilder, ParseErrorKind, path};

fn builder() -> MessageBuilder {
    Message::builder("2.5.1", "ADT", "A08").control_id("m-1")
}

#[test]
fn the_header_stands_as_it_was_named() {
    let msg = builder()
        .structure("ADT_A01")
        .sending("LAB", "")
        .receiving("A|B", "SOUTH")
        .at("20260102")
        .processing_id("T")
        .charset(Charset::Iso8859_1)
        .build()
        .unwrap();
    let expected = "MSH|^~\\&|LAB||A\\F\\B|SOUTH|20260102||ADT^A08^ADT_A01|m-1|T|2.5.1||||||8859/1\r";
    assert_eq!(msg.as_er7(), expected);
    assert_eq!(msg.header().receiving_application().unwrap().text(), "A|B");
}

#[test]
fn a_value_goes_to_the_last_segment_of_its_kind() {
    let msg = builder()
        .segment("OBX|1")
        .segment("NTE")
        .set(path!("OBX-5"), "a&b")
        .segment("OBX|2")
        .set_raw(path!("OBX-5"), "x^y~z")
        .set(path!("OBX[1]-11"), "F")
        .set(path!("MSH-4"), "NORTH")
        .set(path!("NTE-3[2]"), "n")
        .build()
        .unwrap();
    let expected = "MSH|^~\\&||NORTH|||||ADT^A08|m-1|P|2.5.1\r\
                    OBX|1||||a\\T\\b||||||F\rNTE|||~n\rOBX|2||||x^y~z\r";
    assert_eq!(msg.as_er7(), expected);
    assert!(Message::parse(expected).unwrap().iter().map(|s| s.raw()).eq(msg.iter().map(|s| s.raw())));
}

#[test]
fn what_is_missing_or_refused_is_said_when_it_is_built() {
    let cases = [
        (Message::builder("2.5.1", "ADT", "A08"), "C113", Some("MSH-10")),
        (Message::builder("", "ADT", "A08").control_id("1"), "C113", Some("MSH-12")),
        (Message::builder("2.5.1", "", "A08").control_id("1"), "C113", Some("MSH-9.1")),
        (builder().segment("pid"), "C108", None),
        (builder().segment("MSH"), "C109", None),
        (builder().set(path!("PID-3"), "7"), "C102", Some("PID-3")),
        (builder().segment("PID").set(path!("PID"), "7"), "C101", Some("PID")),
        (builder().segment("PID").set_raw(path!("PID-3.1"), "7^8"), "C110", Some("PID-3.1")),
        (builder().delimiters(Delimiters::new('|', "^~").unwrap()).sending("A|B", ""), "C105", Some("MSH-3")),
        (
            builder().delimiters(Delimiters::new('|', "^").unwrap()).charset(Charset::Iso2022Jp),
            "C105",
            Some("MSH-18"),
        ),
        (
            builder().delimiters(Delimiters::new('|', "^~\\&").unwrap()).set(path!("MSH-2"), "x"),
            "C104",
            Some("MSH-2"),
        ),
    ];
    for (builder, code, place) in cases {
        let error = builder.build().unwrap_err();
        assert_eq!((error.code(), error.path().map(ToString::to_string).as_deref()), (code, place));
    }
}

#[test]
fn its_delimiters_and_character_set_are_those_it_is_written_in() {
    let delimiters = Delimiters::new('#', "!%*@").unwrap();
    let msg = builder().segment("PID").set(path!("PID-5.2"), "M\u{fc}#r").delimiters(delimiters);
    let msg = msg.charset(Charset::Iso8859_1).build().unwrap();
    assert_eq!(
        msg.to_wire().unwrap(),
        b"MSH#!%*@#######ADT!A08#m-1#P#2.5.1######8859/1\rPID#####!M\xFC*F*r\r"
    );
    let greek = builder().charset(Charset::Iso8859_1).segment("PID").set(path!("PID-5"), "\u{3a9}").build();
    assert_eq!(greek.unwrap().to_bytes().unwrap_err().code(), "C201");
    let japanese =
        builder().charset(Charset::Iso2022Jp).segment("PID").set(path!("PID-5"), "\u{5c71}").build();
    let bytes = japanese.unwrap().to_wire().unwrap();
    assert_eq!(Message::from_bytes(&bytes).unwrap().get(path!("PID-5")).unwrap().text(), "\u{5c71}");
}

#[test]
fn delimiters_are_checked_one_by_one() {
    use ParseErrorKind as K;
    let cases = [
        ('|', "^~\\&", None),
        ('|', "^~\\&#", None),
        ('$', "^", None),
        ('a', "^~\\&", Some((K::BadDelimiter, 3))),
        ('\u{e9}', "^~\\&", Some((K::BadDelimiter, 3))),
        ('\u{17c}', "^~\\&", Some((K::BadDelimiter, 3))),
        ('|', "", Some((K::MissingEncodingCharacters, 4))),
        ('|', "^~\\&#!", Some((K::TooManyEncodingCharacters, 9))),
        ('|', "^~ &", Some((K::BadDelimiter, 6))),
        ('|', "^~\u{e9}", Some((K::BadDelimiter, 6))),
        ('|', "^~^&", Some((K::RepeatedDelimiter, 6))),
        ('|', "^|", Some((K::RepeatedDelimiter, 5))),
    ];
    for (field, encoding, fault) in cases {
        match (Delimiters::new(field, encoding), fault) {
            (Ok(delimiters), None) => assert_eq!(delimiters.encoding_characters(), encoding),
            (Err(error), Some((kind, offset))) => assert_eq!((error.kind(), error.offset()), (&kind, offset)),
            (found, _) => panic!("{field:?} {encoding:?}: {found:?}"),
        }
    }
}
