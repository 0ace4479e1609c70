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
            ("M204", Some("PID-3"), Some(".n"), 6),
            ("M204", Some("PID-3"), Some(".n"), 6),
            ("M203", Some("PID-5.1"), Some(".last"), 7),
            ("M205", Some("PID-7"), Some(".born"), 8),
        ]
    );
    assert_eq!(
        error.to_string(),
        "M204: PID-3 from .n: this is not a number (line 6 of the mapping) (and 3 more)"
    );
}

#[test]
fn the_source_is_the_path_that_was_taken() {
    let mapping = crate::mapping("  PID: { 7: .a ?? $root.b | date }");
    let error = mapping.apply_json(br#"{"b":"x"}"#, &crate::ctx()).unwrap_err();
    assert_eq!(error.iter().next().unwrap().source(), Some("$root.b"));
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
