//! Mappings to JSON: whatever a message holds, what comes out is JSON; groups; limits; no diagnostic shows the message.

use hl7_core::Message;
use hl7_map::{Applied, ApplyErrorKind, Context, Mapping};
use proptest::prelude::*;

fn to_json(rest: &str) -> Mapping {
    let text = format!("map: m\nfrom: {{ hl7: \"2.5.1\", message: ORU^R01 }}\nto: json\n{rest}\n");
    Mapping::from_yaml(&text).unwrap_or_else(|errors| panic!("{}", errors.render("m.yaml", &text)))
}

fn json(mapping: &Mapping, message: &Message<'_>) -> serde_json::Value {
    match mapping.apply_hl7(message, &crate::ctx()).unwrap() {
        Applied::Json(text) => serde_json::from_str(&text).unwrap(),
        other => panic!("{other:?}"),
    }
}

const HEADER: &str = "MSH|^~\\&|A||||2026||ORU^R01|m1|P|2.5.1\r";

const GROUPS: &str = r#"emit:
  id: MSH-10
  lines: { each: OBX, code: OBX-3 }
  patients:
    each: PATIENT_RESULT
    id: PID-3
    orders: { each: ORDER_OBSERVATION, id: OBR-2, all: "OBX[*]-3", results: { each: OBSERVATION, code: OBX-3, notes: "NTE[*]-3" }, specimens: { each: SPECIMEN, codes: "OBX[*]-3" } }
"#;

#[test]
fn an_empty_object_is_what_nothing_gives() {
    let mapping = to_json("emit: { a: PID-3, b: { c: PID-5.1 }, d: { each: OBSERVATION, e: OBX-3 } }");
    let Applied::Json(text) = mapping.apply_hl7(&Message::parse(HEADER).unwrap(), &crate::ctx()).unwrap()
    else {
        panic!()
    };
    assert_eq!(text, "{}");
}

#[test]
fn the_cost_grows_as_the_message_does() {
    let mapping = to_json(GROUPS);
    let message = |results: usize| {
        let mut text = format!("{HEADER}PID|1||7\r");
        for n in 0..results {
            text.push_str(&format!("OBR|{n}|o{n}\rOBX|1|NM|c{n}||1\rNTE|1||n\r"));
        }
        Message::parse_owned(text).unwrap()
    };
    let steps = |message: &Message<'_>| {
        let fits = |steps: usize| mapping.apply_hl7(message, &crate::ctx().max_steps(steps)).is_ok();
        (4..26).map(|power| 1_usize << power).find(|&steps| fits(steps)).unwrap()
    };
    let (small, large) = (steps(&message(100)), steps(&message(1_600)));
    assert!(large <= 32 * small, "{small} {large}");
}

#[test]
fn limits_hold_for_json() {
    let mapping = to_json(GROUPS);
    let message = Message::parse_owned(format!("{HEADER}{}", "OBR|1|a\rOBX|1||b\r".repeat(200))).unwrap();
    type Limit = fn(Context) -> Context;
    let limited: [(Limit, &str); 3] = [
        (|ctx| ctx.max_items(100), "M211"),
        (|ctx| ctx.max_steps(1_000), "M212"),
        (|ctx| ctx.max_output_bytes(1_000), "M210"),
    ];
    assert!(mapping.apply_hl7(&message, &crate::ctx()).is_ok());
    for (limit, code) in limited {
        let error = mapping.apply_hl7(&message, &limit(crate::ctx())).unwrap_err();
        assert_eq!((error.kind(), error.code()), (ApplyErrorKind::Limit, code));
    }
}

#[test]
fn refusals_name_the_place_in_the_json() {
    let mapping = to_json(
        "emit: { orders: { each: ORDER_OBSERVATION, results: { each: OBSERVATION, value: OBX-5 | number } } }",
    );
    let text = format!("{HEADER}OBR|1\rOBX|1|NM|||1\rOBR|2\rOBX|1|NM|||2\rOBX|2|NM|||TWEETY7\r");
    let error = mapping.apply_hl7(&Message::parse(&text).unwrap(), &crate::ctx()).unwrap_err();
    let told: Vec<_> = error.iter().map(|r| (r.code(), r.path(), r.source())).collect();
    assert_eq!(told, [("M204", Some("orders[1].results[1].value"), Some("OBX-5"))]);
    assert!(!format!("{error}{error:?}").contains("TWEETY7"));
}

fn segment() -> impl Strategy<Value = String> {
    let id = prop::sample::select(vec![
        "PID", "PD1", "NTE", "NK1", "PV1", "ORC", "OBR", "TQ1", "OBX", "OBX", "OBX", "SPM", "FT1", "DSC",
        "EVN", "ZXX", "bad",
    ]);
    (id, prop::collection::vec("([ -~&&[^|]]|\\\\[FSTRE]\\\\|\"\"|é){0,5}", 0..6))
        .prop_map(|(id, fields)| format!("{id}|{}\r", fields.join("|")))
}

proptest! {
    #[test]
    fn what_comes_out_is_json_with_every_segment_once(segments in prop::collection::vec(segment(), 0..30)) {
        let text = format!("{HEADER}{}", segments.concat());
        let message = Message::parse(&text).unwrap();
        let mapping = to_json(GROUPS);
        let out = json(&mapping, &message);
        let codes = |value: &serde_json::Value| -> usize {
            value.as_array().map_or(0, |list| list.iter().filter(|item| item.get("code").is_some()).count())
        };
        let present = message.segments("OBX").filter(|s| s.field(3).is_some_and(|f| !f.text().is_empty())).count();
        prop_assert_eq!(codes(&out["lines"]), present);
        let mut in_groups = 0;
        for patient in out["patients"].as_array().into_iter().flatten() {
            for order in patient["orders"].as_array().into_iter().flatten() {
                in_groups += codes(&order["results"]);
            }
        }
        prop_assert!(in_groups <= present);
        prop_assert_eq!(&out["id"], "m1");
    }

    #[test]
    fn a_text_means_what_the_field_means(text in "[\\PC\\x00-\\x1f]{1,20}") {
        let mut message = Message::parse(HEADER).unwrap().into_owned();
        message.push_segment("PID|1").unwrap();
        message.set(hl7_core::path!("PID-5.2"), &text).unwrap();
        let out = json(&to_json("emit: { name: PID-5.2, all: \"PID-5[*].2\" }"), &message);
        let meant = message.get(hl7_core::path!("PID-5.2")).unwrap().text().into_owned();
        prop_assert_eq!(&out["name"], &serde_json::Value::from(meant.as_str()));
        prop_assert_eq!(&out["all"][0], &serde_json::Value::from(meant));
    }
}
