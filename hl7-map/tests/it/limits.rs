//! Everything ends: payload, loops, texts and messages have limits.

use hl7_map::ApplyErrorKind;

#[test]
fn a_payload_beyond_its_limits_is_refused() {
    let mapping = crate::mapping("  PID: { 8: .s }");
    let error = mapping.apply_json(br#"{"s":"x"}"#, &crate::ctx().max_payload_bytes(8)).unwrap_err();
    assert_eq!((error.kind(), error.code(), error.offset()), (ApplyErrorKind::Json, "M309", Some(8)));
    let error = mapping.apply_json(b"[1,2,3]", &crate::ctx().max_payload_values(3)).unwrap_err();
    assert_eq!((error.kind(), error.code()), (ApplyErrorKind::Json, "M310"));
    assert!(mapping.apply_json(b"[1,2,3]", &crate::ctx().max_payload_values(4)).is_ok());
}

#[test]
fn loops_in_loops_are_counted_together() {
    let mapping = crate::mapping("  NK1: { each: .a, 2: { each: $root.a, value: . } }");
    let payload = br#"{"a":[1,2,3]}"#;
    assert!(mapping.apply_json(payload, &crate::ctx().max_items(12)).is_ok());
    let error = mapping.apply_json(payload, &crate::ctx().max_items(11)).unwrap_err();
    assert_eq!((error.kind(), error.code(), error.iter().len()), (ApplyErrorKind::Limit, "M211", 1));
}

#[test]
fn a_message_beyond_its_limit_is_refused_and_nothing_more_is_written() {
    let mapping = crate::mapping("  NTE: { each: .a, 3: $root.t }");
    let payload = format!("{{\"t\":\"{}\",\"a\":[1,2,3,4,5,6,7,8]}}", "x".repeat(500));
    let error = mapping.apply_json(payload.as_bytes(), &crate::ctx().max_output_bytes(1_000)).unwrap_err();
    assert_eq!((error.kind(), error.code(), error.iter().len()), (ApplyErrorKind::Limit, "M210", 1));
    assert_eq!(error.iter().next().unwrap().path(), Some("NTE-3"));
}

#[test]
fn a_function_cannot_blow_a_text_up() {
    let ten = "| replace \"a\" \"aaaaaaaaaa\" ".repeat(40);
    let mapping = crate::mapping(&format!("  PID: {{ 8: .s {ten}}}"));
    let error = mapping.apply_json(br#"{"s":"a"}"#, &crate::ctx()).unwrap_err();
    assert_eq!((error.kind(), error.code()), (ApplyErrorKind::Limit, "M209"));
}

#[test]
fn refusals_of_a_long_loop_are_not_listed_without_end() {
    let mapping = crate::mapping("  PID: { 3: { each: ., value: . | number } }");
    let payload = format!("[{}\"x\"]", "\"x\",".repeat(50_000));
    let error = mapping.apply_json(payload.as_bytes(), &crate::ctx()).unwrap_err();
    assert_eq!(error.iter().len(), 1_000);
}
