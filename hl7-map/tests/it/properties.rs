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

fn meaning(text: &str) -> String {
    text.replace("\r\n", "\r").replace('\n', "\r")
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
