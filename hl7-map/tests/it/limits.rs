//! Everything ends: payload, loops, texts and messages have limits.

use hl7_map::{ApplyErrorKind, Mapping};

#[test]
fn a_payload_beyond_its_limits_is_refused() {
    let mapping = crate::mapping("  PID: { 8: .s }");
    let error = mapping.apply_json(br#"{"s":"x"}"#, &crate::ctx().max_payload_bytes(8)).unwrap_err();
    assert_eq!((error.kind(), error.code(), error.offset()), (ApplyErrorKind::Json, "M309", Some(8)));
    let payload = br#"{"s":[1,2]}"#;
    let error = mapping.apply_json(payload, &crate::ctx().max_payload_values(3)).unwrap_err();
    assert_eq!((error.kind(), error.code()), (ApplyErrorKind::Json, "M310"));
    let error = mapping.apply_json(payload, &crate::ctx().max_payload_values(4)).unwrap_err();
    assert_eq!((error.kind(), error.code()), (ApplyErrorKind::Refused, "M203"));
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
    assert_eq!(error.iter().next().unwrap().path(), Some("NTE[2]-3"));
}

#[test]
fn a_function_cannot_blow_a_text_up() {
    let ten = "| replace \"a\" \"aaaaaaaaaa\" ".repeat(40);
    let mapping = crate::mapping(&format!("  PID: {{ 8: .s {ten}}}"));
    let error = mapping.apply_json(br#"{"s":"a"}"#, &crate::ctx()).unwrap_err();
    assert_eq!((error.kind(), error.code()), (ApplyErrorKind::Limit, "M209"));
}

/// A list of `count` times the same, as JSON.
fn list(item: &str, count: usize) -> String {
    format!("[{}]", vec![item; count].join(","))
}

#[test]
fn texts_made_on_the_way_count_together() {
    let payload = format!(
        "{{\"id\":\"d\",\"aliases\":{},\"suffix\":\"{}\"}}",
        list("\"x\"", 100_000),
        "y".repeat(450_000)
    );
    assert!(payload.len() < 1024 * 1024);
    for rule in [
        ".aliases | concat \" \" .suffix | join \"; \"",
        ".aliases | concat .suffix | first",
        ".aliases | replace \"x\" .suffix | len",
        ".aliases | join .suffix",
    ] {
        let mapping = crate::mapping(&format!("  PID: {{ 3: .id, 13: '{rule}' }}"));
        let error = mapping.apply_json(payload.as_bytes(), &crate::ctx()).unwrap_err();
        assert_eq!(
            (error.kind(), error.code(), error.iter().len()),
            (ApplyErrorKind::Limit, "M209", 1),
            "{rule}"
        );
        assert_eq!(error.iter().next().unwrap().path(), Some("PID-13"), "{rule}");
    }
}

#[test]
fn what_one_value_took_is_there_again_for_the_next() {
    let payload = format!("{{\"a\":{},\"t\":\"{}\"}}", list("1", 500), "x".repeat(1_000));
    let ctx = crate::ctx().max_working_bytes(2_500);
    let mapping = crate::mapping("  NTE: { each: .a, filter: ($root.t | upper) != X, 3: $root.t | upper }");
    assert!(mapping.apply_json(payload.as_bytes(), &ctx).is_ok());
    let mapping = crate::mapping("  PID: { 8: .t | upper | lower | upper }");
    assert_eq!(mapping.apply_json(payload.as_bytes(), &ctx).unwrap_err().code(), "M209");
}

#[test]
fn a_call_ends_after_its_steps() {
    let payload = format!("{{\"a\":{},\"t\":\"{}\"}}", list("1", 100_000), "x ".repeat(400_000));
    for rule in [
        "NTE: { each: .a, 3: $root.a | join \"-\" | hash }",
        "NTE: { each: .a, 3: $root.a | last }",
        "NTE: { each: .a, filter: ($root.a | concat . | len) == 1, 3: . }",
        "NTE: { each: .a, filter: ($root.t | concat . | trim) == 1, 3: . }",
        "NTE: { each: .a, 3: { each: $root.a, filter: . == 2, value: . } }",
        "NTE: { each: .a, filter: ($root.t | replace . X) == 1, 3: . }",
        "NTE: { each: .a, 3: $root.t | digits }",
    ] {
        let mapping = crate::mapping(&format!("  {rule}"));
        let error = mapping.apply_json(payload.as_bytes(), &crate::ctx().max_steps(1_000_000)).unwrap_err();
        assert_eq!(error.kind(), ApplyErrorKind::Limit, "{rule}");
        assert_eq!(error.iter().len(), 1, "{rule}");
        assert!(matches!(error.code(), "M211" | "M212"), "{rule}: {}", error.code());
    }
}

#[test]
fn a_large_regular_expression_takes_more_steps_a_character() {
    let payload = format!("{{\"n\":\"{}\"}}", "a".repeat(100_000));
    let small = crate::mapping("  NTE: { 3: { when: '.n matches \"a*\"', value: x } }");
    let large = crate::mapping("  NTE: { 3: { when: '.n matches \"(.*a){20}(.*c){20}b\"', value: x } }");
    let small = small.apply_json(payload.as_bytes(), &crate::ctx().max_steps(500_000));
    assert!(small.is_ok());
    let large = large.apply_json(payload.as_bytes(), &crate::ctx().max_steps(500_000));
    assert_eq!(large.unwrap_err().code(), "M212");
}

/// The fewest steps with which the payload gives a message.
fn steps(mapping: &Mapping, payload: &str) -> usize {
    let (mut few, mut enough) = (0, 4_000_000);
    while enough - few > 16 {
        let middle = (few + enough) / 2;
        let made = mapping.apply_json(payload.as_bytes(), &crate::ctx().max_steps(middle));
        if made.is_ok() { enough = middle } else { few = middle }
    }
    enough
}

#[test]
fn steps_grow_as_the_payload_does() {
    let lists = |n: usize| format!("{{\"a\":{},\"b\":{}}}", list("2", n), list("1", n));
    let members = |n: usize| {
        let keys: Vec<_> = (0..n).map(|at| format!("\"k{at}\":0")).collect();
        format!("{{\"a\":{},{}}}", list("1", n), keys.join(","))
    };
    let each: &dyn Fn(usize) -> String = &lists;
    for (rule, payload) in [
        ("PID: { 8: { when: .a < .b, value: X } }", each),
        ("PID: { 8: { when: .a == .b, value: X } }", each),
        ("PID: { 8: { when: .a in (.b 3), value: X } }", each),
        ("NTE: { each: .a, filter: . == $root.b, 3: . }", each),
        ("NTE: { each: .a, filter: . in ($root.b 7), 3: . }", each),
        ("NTE: { each: .a, filter: . > ($root.b | concat 1), 3: . }", each),
        ("NTE: { each: .a, filter: . > (^.b | concat 1), 3: . }", each),
        ("NTE: { each: .a, 3: $root.zz ?? . }", &members),
    ] {
        let mapping = crate::mapping(&format!("  {rule}"));
        let (once, twice) = (steps(&mapping, &payload(1_000)), steps(&mapping, &payload(2_000)));
        assert!(once > 1_000, "{rule}: {once}");
        assert!(twice < once * 5 / 2, "{rule}: {once}, then {twice}");
    }
}

#[test]
fn steps_grow_as_the_mapping_does() {
    let payload = format!("{{\"a\":{},\"t\":\"{}\"}}", list("1", 100), "x".repeat(1_600));
    for value in [".a | last", ".t | upper", "$root.zz ?? .t", "{ value: X, when: .a == 1 }"] {
        let mapping =
            |n: usize| crate::mapping(&format!("  NTE:\n    3:\n{}", format!("      - {value}\n").repeat(n)));
        let (once, twice) = (steps(&mapping(50), &payload), steps(&mapping(100), &payload));
        assert!(once > 50, "{value}: {once}");
        assert!(twice < once * 5 / 2, "{value}: {once}, then {twice}");
    }
}
