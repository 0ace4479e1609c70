//! Whatever a payload holds, what comes out is one message that means it; whatever a file holds, loading it ends.

use hl7_core::{Message, path};
use hl7_map::{ApplyErrorKind, Mapping};
use proptest::prelude::*;

/// Text with what HL7, JSON and MLLP treat as special.
fn nasty() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        3 => "\\PC{0,6}",
        2 => "[|^~\\\\&#\"]{1,4}",
        2 => "[\\r\\n\\t\\x0b\\x1c\\x00\\x7f]{1,3}",
        1 => Just("\rMSH|^~\\&|X".to_owned()),
        1 => Just("\\.br\\".to_owned()),
        1 => Just("\\X0D\\".to_owned()),
        1 => Just("\"\"".to_owned()),
        1 => Just("\u{feff}\u{1F600}".to_owned()),
    ];
    let text = prop::collection::vec(piece, 1..5).prop_map(|pieces| pieces.concat());
    text.prop_filter("an empty text is absent", |text| !text.is_empty())
}

/// Leaves of a payload for the registration mapping: mostly what it wants, sometimes anything.
fn leaf(good: &'static str) -> impl Strategy<Value = serde_json::Value> {
    prop_oneof![
        6 => Just(serde_json::Value::from(good)),
        1 => Just(serde_json::Value::Null),
        1 => any::<f64>().prop_map(serde_json::Value::from),
        2 => nasty().prop_map(serde_json::Value::from),
        1 => prop::collection::vec(nasty().prop_map(serde_json::Value::from), 0..3).prop_map(serde_json::Value::from),
    ]
}

fn payload() -> impl Strategy<Value = serde_json::Value> {
    let person = (
        leaf("L"),
        leaf("F"),
        leaf("Dr"),
        leaf("1980-02-03"),
        leaf("weiblich"),
        leaf("C"),
        leaf("1"),
        leaf("a@b"),
    );
    let rest =
        (leaf("id"), leaf("2026-01-01T00:00:00Z"), leaf("7"), leaf("hospital"), leaf("home"), leaf("1"));
    (person, rest).prop_map(|((last, first, title, born, sex, city, zip, mail), (id, at, no, kind, usage, ward))| {
        serde_json::json!({
            "id": id, "at": at,
            "person": { "ids": [{ "no": no, "kind": kind }], "last": last, "first": first, "title": title, "born": born,
                "sex": sex, "city": city, "zip": zip, "mail": mail, "phones": [{ "use": usage, "no": no }] },
            "stay": { "ward": ward, "bed": city }
        })
    })
}

/// JSON of any kind, texts more often.
fn anything() -> impl Strategy<Value = String> {
    let text = prop_oneof![
        nasty(),
        "\"\"|N|[a-z]{1,3}|[0-9]{1,9}",
        "(19|20)[0-9]{2}-(0[1-9]|1[0-2])-[0-3][0-9](T[0-2][0-9]:[0-5][0-9](:[0-6][0-9])?(\\.[0-9]{1,5})?(Z|[+-][0-9]{2}:?[0-9]{2})?)?",
    ];
    let text = text.prop_map(|text| serde_json::Value::from(text).to_string());
    prop_oneof![
        8 => text.clone(),
        1 => Just("null".to_owned()),
        1 => "true|false|-?[0-9]{1,4}(\\.[0-9]{1,3})?|\"\"|\\{\\}|\\[\\]",
        1 => prop::collection::vec(text, 1..3).prop_map(|items| format!("[{}]", items.join(","))),
    ]
}

/// A function of each kind.
const FUNCTIONS: &[&str] = &[
    "upper",
    "lower",
    "trim",
    "digits",
    "left 3",
    "pad 5 0",
    "date",
    "dtm",
    "dtm day",
    "time",
    "add_days 1",
    "mask 2",
    "phone",
    "number",
    "bool",
    "round 1",
    "hash 7",
    "zone_in Europe/Oslo",
    "to_zone UTC",
    "replace a b",
    "split \" \" | join \"-\"",
    "concat x",
    "default N",
    "len",
    "first",
    "empty N",
];

fn meaning(text: &str) -> String {
    text.replace("\r\n", "\r").replace('\n', "\r")
}

/// A path with one function behind it takes a way of its own, and one in parentheses that of all other expressions.
fn with_and_without_parentheses(function: &str, values: &[String]) {
    let rule = format!(
        "  PID: {{ 3: '.a | {function}', 4: '(.a | {function})', 5: {{ 2: '.a | {function}', 3: '(.a | {function})' }} }}"
    );
    let mapping = crate::mapping(&rule);
    for value in values {
        let payload = format!("{{\"a\":{value}}}");
        match mapping.apply_json(payload.as_bytes(), &crate::ctx()) {
            Ok(msg) => {
                let raw = |path: &hl7_core::Path| msg.get(path).map(|value| value.raw().to_owned());
                assert_eq!(raw(path!("PID-3")), raw(path!("PID-4")), "{value} | {function}");
                assert_eq!(raw(path!("PID-5.2")), raw(path!("PID-5.3")), "{value} | {function}");
            }
            Err(error) => {
                let of = |place: &str| {
                    let refusals = error.iter().filter(|refusal| refusal.path() == Some(place));
                    refusals.map(|refusal| (refusal.code(), refusal.message().to_owned())).collect::<Vec<_>>()
                };
                assert_eq!(of("PID-3"), of("PID-4"), "{value} | {function}");
                assert_eq!(of("PID-5.2"), of("PID-5.3"), "{value} | {function}");
            }
        }
    }
}

#[test]
fn parentheses_change_nothing_of_special_texts() {
    let texts = [
        "\"\"",
        "",
        " ",
        "a",
        "N",
        "ab|c",
        "a^b&c~d\\",
        "\r\n",
        "a\u{b}b",
        "\u{7f}",
        "Zoë",
        "ß",
        "ǆ",
        "007",
        "7.50",
        "1e3",
        "-0",
        "1980-02-03",
        "1980-02-03T04:05:06.789Z",
        "1980-02-03T04:05:60",
        "19800203",
        "02:03",
        "yes",
        "555-0142 ext 7",
    ];
    let values = texts.iter().map(|text| serde_json::Value::from(*text).to_string());
    let others =
        ["null", "true", "false", "0", "12.50", "[]", "[\"a\",\"\"]", "{}", "{\"b\":1}"].map(str::to_owned);
    let values: Vec<_> = values.chain(others).collect();
    for function in FUNCTIONS {
        with_and_without_parentheses(function, &values);
    }
}

proptest! {
    #[test]
    fn what_comes_out_is_one_message(payload in payload()) {
        let mapping = crate::registration();
        match mapping.apply_json(payload.to_string().as_bytes(), &crate::ctx()) {
            Ok(msg) => {
                let text = msg.as_er7();
                let again = Message::parse(text).unwrap();
                prop_assert_eq!(again.iter().map(|s| s.id().to_owned()).collect::<Vec<_>>(), ["MSH", "EVN", "PID", "PV1"]);
                prop_assert!(text.ends_with('\r') && !text.contains(['\n', '\x0b', '\x1c']));
                prop_assert_eq!(msg.to_wire().unwrap(), text.as_bytes());
            }
            Err(error) => prop_assert_eq!(error.kind(), ApplyErrorKind::Refused),
        }
    }

    #[test]
    fn a_text_means_what_went_in(text in nasty(), other in nasty()) {
        let mapping = crate::mapping("  PID: { 3: [ .a, .b ], 5: { 1: { 1: .a, 2: .b }, 3: .a }, 8: .b }\n  NTE: { 3: .a }");
        let payload = serde_json::json!({ "a": text, "b": other }).to_string();
        let msg = mapping.apply_json(payload.as_bytes(), &crate::ctx()).unwrap();
        let (a, b) = (meaning(&text), meaning(&other));
        let at = |path: &hl7_core::Path| msg.get(path).map_or(String::new(), |v| v.text().into_owned());
        for (path, meant) in [
            (path!("PID-3[1].1"), &a),
            (path!("PID-3[2].1"), &b),
            (path!("PID-5.1.1"), &a),
            (path!("PID-5.1.2"), &b),
            (path!("PID-5.3"), &a),
            (path!("PID-8"), &b),
            (path!("NTE-3"), &a),
        ] {
            prop_assert_eq!(&at(path), meant, "{}", path);
        }
        prop_assert!(msg.get(path!("PID-8")).is_none_or(|value| !value.is_null()));
    }

    #[test]
    fn parentheses_change_nothing(values in prop::collection::vec(anything(), 1..9), function in prop::sample::select(FUNCTIONS)) {
        with_and_without_parentheses(function, &values);
    }

    /// A comparison of a path with a text takes a way of its own, and one in parentheses that of all other values.
    #[test]
    fn conditions_in_parentheses_hold_as_without(value in anything(), text in nasty()) {
        let text = serde_json::Value::from(text).to_string().replace('\'', "''");
        let rule = format!("  PID: {{ 3: {{ when: '.a == {text}', value: '1' }}, 4: {{ when: '(.a) == {text}', value: '1' }}, 5: {{ when: .a != N, value: '1' }}, 6: {{ when: (.a) != N, value: '1' }}, 8: {{ when: .a, value: '1' }}, 9: {{ when: (.a), value: '1' }} }}");
        let Ok(mapping) = Mapping::from_yaml(&format!("map: m\nfrom: json\nto: {{ hl7: \"2.5.1\", message: ADT^A08 }}\nemit:\n{rule}\n")) else { return Ok(()) };
        let payload = format!("{{\"a\":{value}}}");
        if let Ok(msg) = mapping.apply_json(payload.as_bytes(), &crate::ctx()) {
            for (one, other) in [(path!("PID-3"), path!("PID-4")), (path!("PID-5"), path!("PID-6")), (path!("PID-8"), path!("PID-9"))] {
                prop_assert_eq!(msg.get(one).is_some(), msg.get(other).is_some(), "{}", one);
            }
        }
    }

    #[test]
    fn any_bytes_are_a_payload_or_refused(payload in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = crate::registration().apply_json(&payload, &crate::ctx());
    }

    #[test]
    fn any_text_is_a_file_or_refused(text in "[ -~\n\t|é]{0,200}") {
        if let Err(errors) = Mapping::from_yaml(&text) {
            prop_assert!(!errors.is_empty());
            prop_assert!(errors.render("m.yaml", &text).contains("-->"));
        }
    }

    #[test]
    fn a_file_with_a_change_loads_or_tells_a_place_in_it(at: prop::sample::Index, put in "[ -~\n]{0,3}|\\PC") {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mappings/registration.yaml");
        let mut text = std::fs::read_to_string(path).unwrap();
        let places: Vec<_> = text.char_indices().map(|(at, _)| at).collect();
        let at = places[at.index(places.len())];
        let end = (at + 1..=text.len()).find(|&end| text.is_char_boundary(end)).unwrap();
        text.replace_range(at..end, &put);
        match Mapping::from_yaml(&text) {
            Ok(mapping) => {
                let _ = mapping.run_tests();
            }
            Err(errors) => {
                for error in errors.iter() {
                    prop_assert!((1..=text.lines().count() + 1).contains(&error.line()), "{}", error);
                    prop_assert!(error.column() >= 1);
                }
                prop_assert!(!errors.render("m.yaml", &text).is_empty());
            }
        }
    }
}
