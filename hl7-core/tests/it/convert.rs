//! The same message with other delimiters, or in another character set.

use hl7_core::{Charset, Delimiters, Message, ReadOptions, Undecodable, path};
use proptest::prelude::*;

fn delimited(er7: &str, field: char, encoding: &str) -> Result<String, (&'static str, usize)> {
    let msg = Message::parse(er7).unwrap();
    let other = msg.with_delimiters(Delimiters::new(field, encoding).unwrap());
    other.map(|msg| msg.as_er7().to_owned()).map_err(|error| (error.code(), error.segment()))
}

#[test]
fn a_value_keeps_its_meaning_under_other_delimiters() {
    let cases = [
        ("a^b&c~d", "a!b@c%d"),
        ("#!%*@", "*F**S**R**E**T*"),
        ("\\F\\\\S\\\\T\\\\R\\\\E\\", "|^&~\\"),
        ("\\H\\bold\\N\\ \\.br\\\\X0D\\\\Zab\\", "*H*bold*N* *.br**X0D**Zab*"),
        ("50\\ off", "50\\ off"),
        ("50\\ of \\F\\", "50\\ of |"),
        ("open \\H", "open \\H"),
        ("cut \\H^x\\", "cut \\H!x\\"),
        ("\\P\\", "*P*"),
        ("\"\"", "\"\""),
        ("\u{e4}|\u{e9}", "\u{e4}#\u{e9}"),
    ];
    for (old, new) in cases {
        let found = delimited(&format!("MSH|^~\\&|A\nPID|{old}\r\n\nZZ"), '#', "!%*@");
        assert_eq!(found, Ok(format!("MSH#!%*@#A\nPID#{new}\r\n\nZZ")), "{old}");
    }
}

#[test]
fn delimiters_that_come_in_or_go_are_escaped_or_refused() {
    let cases = [
        ("MSH|^~\\&|A\rPID|a&b\r", "^~\\", Err(("C204", 2))),
        ("MSH|^~\\&|A\rPID|a~b\r", "^", Err(("C204", 2))),
        ("MSH|^~\\&|A\rPID|a\\F\\b\r", "^~", Err(("C204", 2))),
        ("MSH|^~\\&|A\rPID|\\.br\\\r", "^~", Err(("C204", 2))),
        ("MSH|^~\\&|A\rPID|\\Z=\\\r", "=~\\&", Err(("C204", 2))),
        ("MSH|^~\\&|A\rPID|a^b~c\r", "^~", Ok("MSH|^~|A\rPID|a^b~c\r")),
        ("MSH|^~|A\rPID|a&b\\F\\^c\r", "^~\\&", Ok("MSH|^~\\&|A\rPID|a\\T\\b\\E\\F\\E\\^c\r")),
        ("MSH|^~\\|A\rPID|\\T\\&\r", "^~\\&", Ok("MSH|^~\\&|A\rPID|\\E\\T\\E\\\\T\\\r")),
        ("MSH|^~\\&#|A\rPID|cut#|a\\P\\b\r", "^~\\&!", Ok("MSH|^~\\&!|A\rPID|cut!|a#b\r")),
        ("MSH|^~\\&#|A\rPID|cut#|a\\P\\b\r", "^~\\&", Ok("MSH|^~\\&|A\rPID|cut#|a#b\r")),
        (
            "MSH|^~\\&|A\rFHS|^~\\&|B|c!\rMSH|A!\r",
            "!~\\&",
            Ok("MSH|!~\\&|A\rFHS|!~\\&|B|c\\S\\\rMSH|A\\S\\\r"),
        ),
        ("MSH|^~\\&|A|||||||||||||||8859/1\r", "/~\\&", Err(("C204", 1))),
        ("MSH|^~\\&|50\\ off\r", "^~\\&", Ok("MSH|^~\\&|50\\ off\r")),
    ];
    for (er7, encoding, expected) in cases {
        assert_eq!(delimited(er7, '|', encoding), expected.map(str::to_owned), "{er7} with {encoding}");
    }
}

#[test]
fn another_character_set_is_named_and_written() {
    let msg = Message::from_bytes("MSH|^~\\&|A\rPID|1||\u{3a9}\rNTE|\u{fc}\r".as_bytes()).unwrap();
    let cases = [
        (Charset::Utf8, Ok("UNICODE UTF-8")),
        (Charset::Iso8859_1, Err(("C201", 2))),
        (Charset::Ascii, Err(("C201", 2))),
        (Charset::Iso8859_7, Err(("C201", 3))),
        (Charset::Gb18030, Ok("GB 18030-2000")),
    ];
    for (charset, expected) in cases {
        match msg.with_charset(charset) {
            Ok(other) => {
                assert_eq!(Ok(other.get(path!("MSH-18")).unwrap().raw()), expected);
                let bytes = other.to_bytes().unwrap().into_owned();
                assert_eq!(Message::from_bytes(&bytes).unwrap().as_er7(), other.as_er7());
                let label = format!("|||||||||||||||{charset}");
                assert_eq!(other.as_er7().replacen(&label, "", 1), msg.as_er7());
            }
            Err(error) => assert_eq!(Err((error.code(), error.segment())), expected, "{charset}"),
        }
    }
}

#[test]
fn the_same_character_set_changes_no_byte() {
    // CP932 FA 54 decodes to U+FFE2, which would be written as 81 CA.
    let bytes = b"MSH|^~\\&|A|||||||||||||||SHIFT_JIS\rPID|1||\xFA\x54\r";
    let msg = Message::from_bytes(bytes).unwrap();
    assert_eq!(&*msg.with_charset(Charset::ShiftJis).unwrap().to_bytes().unwrap(), bytes);
    let other = msg.with_charset(Charset::Utf8).unwrap();
    assert!(other.to_wire().unwrap().ends_with("PID|1||\u{ffe2}\r".as_bytes()));
}

#[test]
fn japanese_switches_behind_ascii() {
    let msg = Message::parse("MSH|^~\\&|A\rPID|1||\u{5c71}^x\r").unwrap();
    let other = msg.with_charset(Charset::Iso2022Jp).unwrap();
    assert_eq!(other.get(path!("MSH-18")).unwrap().raw(), "~ISO IR87");
    let bytes = other.to_wire().unwrap();
    assert!(bytes.ends_with(b"PID|1||\x1B$B;3\x1B(B^x\r"));
    assert_eq!(Message::from_bytes(&bytes).unwrap().as_er7(), other.as_er7());
}

#[test]
fn replaced_bytes_come_into_no_other_character_set() {
    let options = ReadOptions::new().undecodable(Undecodable::Replace);
    let msg = options.read(b"MSH|^~\\&|A\rPID|1\rNTE|\xFF\r").unwrap();
    let error = msg.with_charset(Charset::Gb18030).unwrap_err();
    assert_eq!((error.code(), error.segment()), ("C202", 3));
    let other = msg.with_delimiters(Delimiters::new('#', "!%*@").unwrap()).unwrap();
    assert_eq!(other.to_wire().unwrap_err().code(), "C202");
}

fn delimiters() -> impl Strategy<Value = Delimiters> {
    let marks: Vec<char> = "|^~\\&#!@%*$/+".chars().collect();
    (Just(marks).prop_shuffle(), 3..5usize).prop_map(|(marks, encoding)| {
        let encoding: String = marks[1..=encoding].iter().collect();
        Delimiters::new(marks[0], &encoding).unwrap()
    })
}

/// Every leaf's text, level by level. Sequences that stay as they are show the escape character, and are left to the tables.
fn leaves(msg: &Message<'_>) -> Vec<Vec<Vec<Vec<Vec<String>>>>> {
    let segment = |segment: hl7_core::Segment<'_>| {
        let header = segment.id() == "MSH" && segment.raw() == msg.iter().next().unwrap().raw();
        let skipped = if header || matches!(segment.id(), "FHS" | "BHS") { 2 } else { 0 };
        let fields = segment.fields().skip(skipped).map(|field| {
            let repetitions = field.repetitions().map(|repetition| {
                let components = repetition.components().map(|component| {
                    component.subcomponents().map(|leaf| leaf.text().into_owned()).collect()
                });
                components.collect()
            });
            repetitions.collect()
        });
        fields.collect()
    };
    msg.iter().map(segment).collect()
}

proptest! {
    #[test]
    fn other_delimiters_keep_every_leaf(
        body in "(OBX|[|^~\\\\&#!@%*$/+\r]|\\\\[FSRE]\\\\|\\\\\\.br\\\\|\\\\X41\\\\|[a-c]){0,40}",
        from in delimiters(),
        to in delimiters(),
    ) {
        let mark = from.escape().unwrap();
        let body: String = body.chars().map(|c| if c == '\\' { mark } else if c == mark { '\\' } else { c }).collect();
        let er7 = format!("MSH{}{}{0}A\rPID{0}{body}", from.field(), from.encoding_characters());
        let Ok(msg) = Message::parse(&er7) else { return Ok(()) };
        if let Ok(other) = msg.with_delimiters(to) {
            prop_assert_eq!(leaves(&msg), leaves(&other), "{}", other.as_er7());
            let again = Message::parse(other.as_er7()).unwrap();
            prop_assert!(other.iter().map(|s| s.raw()).eq(again.iter().map(|s| s.raw())));
            let back = other.with_delimiters(from).unwrap();
            prop_assert_eq!(leaves(&back), leaves(&msg));
        }
    }
}
