//! The field index reads what the message reads.

use hl7_core::{Index, Message, Path};
use proptest::prelude::*;

fn body() -> impl Strategy<Value = String> {
    let atom = prop_oneof![
        8 => Just("|".to_owned()),
        4 => prop_oneof![Just("^"), Just("~"), Just("&"), Just("\\T\\"), Just("MR")].prop_map(str::to_owned),
        4 => prop_oneof![Just("\rPID|"), Just("\rOBX|"), Just("\nPID"), Just("\r\nFHS|"), Just("\rBHS"), Just("\rPI|D")]
            .prop_map(str::to_owned),
        4 => "[A-Za-z0-9 é]{0,8}",
    ];
    prop::collection::vec(atom, 0..60).prop_map(|atoms| atoms.concat())
}

fn place() -> impl Strategy<Value = Path> {
    let repetition = "(\\[([1-3]|\\*|1=MR|2=MR|1\\.2=MR)\\])?";
    let segment = "(MSH|PID|OBX|FHS|BHS|ZZZ)(\\[([1-3]|\\*)\\])?";
    let text = format!("{segment}(-[1-9]{repetition}(\\.[1-4](\\.[1-3])?)?)?");
    proptest::string::string_regex(&text).unwrap().prop_map(|text| text.parse::<Path>().unwrap())
}

fn same(msg: &Message<'_>, index: &Index<'_>, path: &Path) -> bool {
    let read =
        |value: hl7_core::Value<'_>| (value.raw().as_ptr(), value.raw().len(), value.text().into_owned());
    msg.get(path).map(read) == index.get(path).map(read)
        && msg.get_all(path).map(read).eq(index.get_all(path).map(read))
}

proptest! {
    #[test]
    fn every_path_gives_what_the_message_gives(body in body(), paths in prop::collection::vec(place(), 20)) {
        let er7 = format!("\nMSH|^~\\&|A|B{body}");
        let Ok(msg) = Message::parse(&er7) else { return Ok(()) };
        let index = msg.index();
        for path in paths {
            prop_assert!(same(&msg, &index, &path), "{path} of {er7:?}");
        }
    }
}

#[test]
fn delimiters_and_headers_are_read_alike() {
    let msg = Message::parse("MSH#!@%*#LAB#\rPID#1##7!a%T%b@8#x*y\r").unwrap();
    let index = msg.index();
    let paths = [
        "MSH-1",
        "MSH-2",
        "MSH-2.1",
        "MSH-3",
        "MSH-4",
        "MSH-5",
        "PID-3[2]",
        "PID-3.2",
        "PID-4.1.2",
        "PID-5",
        "PID",
    ];
    for path in paths {
        assert!(same(&msg, &index, &path.parse().unwrap()), "{path}");
    }
}

#[test]
fn beyond_the_limit_it_reads_as_the_message_does() {
    // Each segment has 12,000 fields, of which a path can name 9,999.
    let segment = format!("OBX{}\r", "|x".repeat(12_000));
    let er7 = format!("MSH|^~\\&|A\r{}ZZZ|a|b\r", segment.repeat(120));
    let msg = Message::parse(&er7).unwrap();
    let index = msg.index();
    let kept = format!("{index:?}");
    let separators: usize = kept.split([' ', ',', '(']).rev().find_map(|word| word.parse().ok()).unwrap();
    assert!(separators > Index::MAX_FIELDS * 9 / 10 && separators <= Index::MAX_FIELDS, "{kept}");
    for path in ["OBX-9998", "OBX-9999", "OBX[3]-9999", "OBX[120]-9999", "OBX[121]-1", "ZZZ-2", "ZZZ-3"] {
        assert!(same(&msg, &index, &path.parse().unwrap()), "{path}");
    }
}

#[test]
fn values_outlive_the_index() {
    let msg = Message::parse("MSH|^~\\&|A\rPID|1||7\r").unwrap();
    let value = msg.index().get(hl7_core::path!("PID-3")).unwrap();
    assert_eq!(value.text(), "7");
}
