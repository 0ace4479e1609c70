//! Why a payload gives no message: all reasons at once, with code, place, source and line.

use std::time::UNIX_EPOCH;

use hl7_map::{ApplyErrorKind, Context};

#[test]
fn all_refusals_come_at_once_in_the_order_of_the_message() {
    let mapping = crate::mapping(
        "  PID:\n    3: { each: .ids, value: .n | number }\n    5: { name: { family: .last } }\n    7: .born | date",
    );
    let payload = br#"{"ids":[{"n":"x"},{"n":"1"},{"n":"y"}],"last":{"a":1},"born":"soon"}"#;
    let error = mapping.apply_json(payload, &crate::ctx()).unwrap_err();
    assert_eq!((error.kind(), error.code()), (ApplyErrorKind::Refused, "M204"));
    let told: Vec<_> = error.iter().map(|r| (r.code(), r.path(), r.source(), r.line())).collect();
    assert_eq!(
        told,
        [
            ("M204", Some("PID-3[1]"), Some(".ids[0].n"), 6),
            ("M204", Some("PID-3[3]"), Some(".ids[2].n"), 6),
            ("M203", Some("PID-5.1"), Some(".last"), 7),
            ("M205", Some("PID-7"), Some(".born"), 8),
        ]
    );
    assert_eq!(
        error.to_string(),
        "M204: PID-3[1] from .ids[0].n: this is not a number (line 6 of the mapping) (and 3 more)"
    );
}

#[test]
fn the_source_is_the_path_that_was_taken() {
    let mapping = crate::mapping("  PID: { 7: .a ?? $root.b | date }");
    let error = mapping.apply_json(br#"{"b":"x"}"#, &crate::ctx()).unwrap_err();
    assert_eq!(error.iter().next().unwrap().source(), Some(".b"));
}

#[test]
fn a_refusal_in_loops_says_which_item_and_which_place() {
    let mapping = crate::mapping(
        "  PID: { 3: [ .one, { each: .ids, identifier: { id: .id, type: .k | number } } ] }\n  NK1:\n    each: .kin\n    2: .name\n    5: { each: .phones, filter: .no != ^.own, phone: { number: .no | number, area: ^.area | number } }\n  NTE:\n    - { each: .notes | split \"-\", 3: . | number }\n    - { each: .rows, filter: '(.[0].a | number) > 0', 3: '.[1][0] | number', 4: . | number, 2: $root.last | number }",
    );
    let payload = br#"{"one":"1","last":"x","ids":[{"id":"1","k":"1"},null,{"id":"2","k":"x"}],"notes":"1-x",
        "kin":[{"name":"a"},{"name":"b","own":"1","area":"x","phones":[{"no":"1"},{"no":"x"}]}],
        "rows":[[{"a":1},["x"]],[{"a":"x"}]]}"#;
    let error = mapping.apply_json(payload, &crate::ctx()).unwrap_err();
    let told: Vec<_> = error.iter().map(|r| (r.path().unwrap(), r.source().unwrap())).collect();
    assert_eq!(
        told,
        [
            ("PID-3[3].5", ".ids[2].k"),
            ("NK1[2]-5[1].1", ".kin[1].phones[1].no"),
            ("NK1[2]-5[1].6", ".kin[1].area"),
            ("NTE[2]-3", ".notes"),
            ("NTE[3]-2", ".last"),
            ("NTE[3]-3", ".rows[0][1][0]"),
            ("NTE[3]-4", ".rows[0]"),
            ("NTE", ".rows[1][0].a"),
        ]
    );
    let mapping = crate::mapping("  NTE: { each: ., 3: { each: ., value: .k | number } }");
    let error = mapping.apply_json(br#"[{"k":"1"},[{"k":"1"},{"k":"x"}]]"#, &crate::ctx()).unwrap_err();
    let told: Vec<_> = error.iter().map(|r| (r.path().unwrap(), r.source().unwrap())).collect();
    assert_eq!(told, [("NTE[2]-3[2]", ".[1][1].k")]);
}

#[test]
fn a_hundred_refusals_are_listed_and_the_others_counted() {
    let mapping = crate::mapping("  PID: { 3: { each: ., value: . | number } }");
    let refused = |count: usize| {
        let payload = serde_json::to_string(&vec!["x"; count]).unwrap();
        mapping.apply_json(payload.as_bytes(), &crate::ctx()).unwrap_err()
    };
    assert_eq!((refused(100).iter().len(), refused(100).unlisted()), (100, 0));
    let error = refused(50_000);
    assert_eq!((error.kind(), error.iter().len(), error.unlisted()), (ApplyErrorKind::Refused, 100, 49_900));
    assert!(error.to_string().ends_with("(and 49999 more)"), "{error}");
}

#[test]
fn a_message_needs_a_control_id() {
    let mapping = crate::mapping("  PID: { 8: .s }");
    let ctx = Context::new("", UNIX_EPOCH);
    let error = mapping.apply_json(b"{}", &ctx).unwrap_err();
    assert_eq!((error.code(), error.iter().next().unwrap().path()), ("M208", Some("MSH-10")));
    let msg = mapping.apply_json(b"{}", &Context::new("a|b", UNIX_EPOCH)).unwrap();
    assert_eq!(msg.header().control_id().unwrap().text(), "a|b");
}

#[test]
fn a_payload_without_members_is_refused_where_members_are_read() {
    let reads = crate::mapping("  PID: { 8: F, 7: .born | date }");
    let loops = crate::mapping("  NTE: { each: ., 3: .text ?? . }");
    let root = crate::mapping("  NTE: { each: ., filter: . != $root.skip, 3: . }");
    for payload in ["[]", "null", "7", "\"x\"", "[{\"born\":\"1980\"}]"] {
        for mapping in [&reads, &root] {
            let error = mapping.apply_json(payload.as_bytes(), &crate::ctx()).unwrap_err();
            assert_eq!((error.kind(), error.code()), (ApplyErrorKind::Refused, "M214"), "{payload}");
            assert_eq!(error.iter().map(|refusal| refusal.line()).collect::<Vec<_>>(), [5], "{payload}");
        }
    }
    assert!(reads.apply_json(b"{}", &crate::ctx()).is_ok());
    let msg = loops.apply_json(br#"["a",{"text":"b"}]"#, &crate::ctx()).unwrap();
    assert!(msg.as_er7().ends_with("NTE|1||a\rNTE|2||b\r"));
}

#[test]
fn a_version_without_character_sets_gets_ascii() {
    let text = |version: &str, header: &str| {
        format!(
            "map: m\nfrom: json\nto: {{ hl7: \"{version}\", message: ADT^A08 }}\nemit:\n{header}  PID: {{ 5: {{ name: {{ family: .a, given: .b }} }} }}\n"
        )
    };
    let payload = r#"{"a":"Müller","b":"Zoë"}"#.as_bytes();
    for version in ["2.1", "2.2"] {
        let mapping = hl7_map::Mapping::from_yaml(&text(version, "")).unwrap();
        let error = mapping.apply_json(payload, &crate::ctx()).unwrap_err();
        let told: Vec<_> = error.iter().map(|refusal| (refusal.code(), refusal.path().unwrap())).collect();
        assert_eq!(told, [("M213", "PID-5.1"), ("M213", "PID-5.2")]);
        assert!(mapping.apply_json(br#"{"a":"Mueller"}"#, &crate::ctx()).is_ok());
        let declared = hl7_map::Mapping::from_yaml(&text(version, "  MSH: { 18: 8859/1 }\n")).unwrap();
        assert!(declared.apply_json(payload, &crate::ctx()).is_ok());
    }
    let mapping = hl7_map::Mapping::from_yaml(&text("2.3", "")).unwrap();
    let msg = mapping.apply_json(payload, &crate::ctx()).unwrap();
    assert!(
        msg.as_er7()
            .starts_with("MSH|^~\\&|||||20260102030405+0000||ADT^A08|id-1|P|2.3||||||UNICODE UTF-8\r")
    );
}

#[test]
fn a_namespace_that_is_no_uuid_is_refused() {
    let mapping = crate::mapping("  PID: { 3: .id | uuid5 .namespace }");
    let made = |namespace: &str| {
        let payload = format!(r#"{{"id":"7","namespace":"{namespace}"}}"#);
        mapping.apply_json(payload.as_bytes(), &crate::ctx()).map_err(|error| error.code())
    };
    assert!(made("6ba7b810-9dad-11d1-80b4-00c04fd430c8").is_ok());
    for none in ["x", "6ba7b8109dad11d180b400c04fd430c8", "6ba7b810-9dad-11d1-80b4-00c04fd430cx"] {
        assert_eq!(made(none).unwrap_err(), "M223", "{none}");
    }
}
