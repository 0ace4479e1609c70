//! Payloads are JSON as RFC 8259 has it: the same accepted and read as by serde_json.

use hl7_map::ApplyErrorKind;
use proptest::prelude::*;
use serde_json::Value;

/// What a payload's `.v` is in a message, or `None` when the payload is not JSON.
fn read(payload: &[u8]) -> Option<String> {
    let mapping = crate::mapping("  PID: { 5: .v }");
    match mapping.apply_json(payload, &crate::ctx()) {
        Ok(msg) => Some(msg.get(hl7_core::path!("PID-5")).map_or(String::new(), |v| v.text().into_owned())),
        Err(error) if error.kind() == ApplyErrorKind::Json => None,
        Err(_) => Some("refused".to_owned()),
    }
}

#[test]
fn the_reader_agrees_with_serde_json_on_known_texts() {
    for text in [
        "1",
        "-0",
        "01",
        "1.",
        ".1",
        "1e5",
        "1E+5",
        "1e",
        "-",
        "+1",
        "0x1",
        "NaN",
        "true",
        "tru",
        "truee",
        "null",
        "\"a\"",
        "\"a",
        "a\"",
        "\"\\u00e9\"",
        "\"\\ud83d\\ude00\"",
        "\"\\ud83d\"",
        "\"\\ude00\"",
        "\"\\ud83d\\u0041\"",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\t\"",
        "\"\u{7f}\"",
        "[]",
        "[1,]",
        "[,1]",
        "[1 2]",
        "{}",
        "{\"a\":1,}",
        "{\"a\"}",
        "{a:1}",
        "{\"a\":}",
        " 1 ",
        "1 1",
        "",
        " ",
        "[",
        "{",
        "{\"a\":1",
        "\u{feff}1",
        "[1]]",
        "\"\\/\\b\\f\\n\\r\\t\\\\\\\"\"",
        "/*c*/1",
        "'a'",
        "1_0",
        "-a",
        "1-",
        "\u{a0}1",
        "{\"a\":1,\"a\":2}",
    ] {
        let ours = read(text.as_bytes()).is_some();
        assert_eq!(ours, serde_json::from_str::<Value>(text).is_ok(), "{text:?}");
    }
}

#[test]
fn the_later_of_two_values_with_one_name_counts_and_numbers_keep_their_digits() {
    assert_eq!(read(br#"{"v":1,"v":7.200}"#).as_deref(), Some("7.200"));
    assert_eq!(
        read(br#"{"v":123456789012345678901234567890.10}"#).as_deref(),
        Some("123456789012345678901234567890.10")
    );
    assert_eq!(read(b"{\"v\":\"\\ud83d\\ude00 \\u00e9\"}").as_deref(), Some("\u{1F600} é"));
}

#[test]
fn a_fault_tells_code_and_place() {
    let mapping = crate::mapping("  PID: { 5: .v }");
    let deep = "[".repeat(129);
    for (payload, code, offset, line, column) in [
        (b"{\n \"a\": \xff}".as_slice(), "M301", 8, 2, 7),
        ("{\n\"é\": x}".as_bytes(), "M302", 8, 2, 6),
        (b"[1,", "M303", 3, 1, 4),
        (b"1 2", "M304", 2, 1, 3),
        (b"-x", "M305", 1, 1, 2),
        (b"\"a\nb\"", "M306", 2, 1, 3),
        (b"\"\\x\"", "M307", 1, 1, 2),
        (deep.as_bytes(), "M308", 128, 1, 129),
    ] {
        let error = mapping.apply_json(payload, &crate::ctx()).unwrap_err();
        assert_eq!(error.kind(), ApplyErrorKind::Json);
        let place = (error.offset(), error.line(), error.column());
        assert_eq!((error.code(), place), (code, (Some(offset), Some(line), Some(column))));
        assert_eq!(error.iter().len(), 0);
    }
}

/// Any JSON value of some depth.
fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "\\PC{0,12}[\\x00-\\x1f\"\\\\|^~&]{0,3}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map("[a-z]{1,3}", inner, 0..5).prop_map(|m| m.into_iter().collect()),
        ]
    })
}

proptest! {
    #[test]
    fn what_serde_json_writes_is_read_with_the_same_text(value in json()) {
        let payload = serde_json::to_vec(&serde_json::json!({ "v": value })).unwrap();
        let expected = match &value {
            Value::Null => String::new(),
            Value::String(text) => text.replace("\r\n", "\r").replace('\n', "\r"),
            Value::Number(number) => number.to_string(),
            Value::Bool(flag) => flag.to_string(),
            Value::Array(_) | Value::Object(_) => "refused".to_owned(),
        };
        prop_assert_eq!(read(&payload), Some(expected));
    }

    #[test]
    fn broken_json_is_refused_where_serde_json_refuses_it(value in json(), at: prop::sample::Index, byte: u8) {
        let mut payload = serde_json::to_vec(&value).unwrap();
        let at = at.index(payload.len());
        payload[at] = byte;
        let theirs = serde_json::from_slice::<Value>(&payload);
        // A number too large for a double is JSON all the same.
        prop_assume!(!theirs.as_ref().is_err_and(|error| error.to_string().contains("number out of range")));
        prop_assert_eq!(read(&payload).is_some(), theirs.is_ok());
    }
}
