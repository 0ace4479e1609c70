//! Mappings in place: what is not named stays, what cannot be done is refused, and no diagnostic shows the message.

use hl7_core::Message;
use hl7_map::{Applied, ApplyErrorKind, Context, Direction, Mapping};
use proptest::prelude::*;

fn in_place(rest: &str) -> Mapping {
    let text = format!("map: m\nfrom: hl7\nto: {{ hl7: same }}\n{rest}\n");
    Mapping::from_yaml(&text).unwrap_or_else(|errors| panic!("{}", errors.render("m.yaml", &text)))
}

fn changed(mapping: &Mapping, message: &Message<'_>) -> Message<'static> {
    match mapping.apply_hl7(message, &crate::ctx()).unwrap() {
        Applied::Message(message) => message,
        other => panic!("{other:?}"),
    }
}

#[test]
fn line_ends_broken_lines_and_bytes_of_another_character_set_stay() {
    let bytes = b"MSH|^~\\&|A||||2026||ADT^A08|1|P|2.5||||||8859/1\nPID|1||7||M\xfcller\r\n\nbroken line\nNTE|1||\xe9\n";
    let message = Message::from_bytes(bytes).unwrap();
    let out = changed(&in_place("set: { PID-8: F }\nremove: [ ZXX ]"), &message);
    let expected = b"MSH|^~\\&|A||||2026||ADT^A08|1|P|2.5||||||8859/1\nPID|1||7||M\xfcller|||F\r\n\nbroken line\nNTE|1||\xe9\n";
    assert_eq!(out.to_bytes().unwrap().as_ref(), expected);
}

#[test]
fn every_refusal_comes_at_once() {
    let mapping = in_place(
        "set: { PID-7: PID-7 | date, PV2-3: PID-8, PID-5.1: \"PID-3[*].1\" }\nadd: [ { segment: NTE, after: OBX, fields: { 3: x } } ]",
    );
    let message = Message::parse("MSH|^~\\&|A\rPID|1||7~8||D||soon|F\r").unwrap();
    let error = mapping.apply_hl7(&message, &crate::ctx()).unwrap_err();
    assert_eq!(error.kind(), ApplyErrorKind::Refused);
    let told: Vec<_> = error.iter().map(|r| (r.code(), r.path(), r.source(), r.line())).collect();
    assert_eq!(
        told,
        [
            ("M205", Some("PID-7"), Some("PID-7"), 4),
            ("M217", Some("PV2-3"), Some("PID-8"), 4),
            ("M203", Some("PID-5.1"), Some("PID-3[*].1"), 4),
            ("M217", Some("NTE"), None, 5),
        ]
    );
}

#[test]
fn a_time_needs_the_offset_that_a_rule_asks_for() {
    let mapping = in_place("set: { PV1-44: PV1-44 | dtm offset }");
    let with =
        |time: &str| Message::parse_owned(format!("MSH|^~\\&|A\rPV1|1{}{time}\r", "|".repeat(43))).unwrap();
    let error = mapping.apply_hl7(&with("202601011200"), &crate::ctx()).unwrap_err();
    assert_eq!((error.code(), error.iter().next().unwrap().path()), ("M219", Some("PV1-44")));
    assert!(changed(&mapping, &with("20260101")).as_er7().ends_with("|20260101\r"));
    assert!(changed(&mapping, &with("202601011200-0500")).as_er7().ends_with("|202601011200-0500\r"));
}

#[test]
fn a_message_without_an_escape_character_takes_no_delimiters() {
    let mapping = in_place("set: { PID-5: PID-3 | replace \"-\" \"^\" }");
    let error =
        mapping.apply_hl7(&Message::parse("MSH|^~|A\rPID|||a-b\r").unwrap(), &crate::ctx()).unwrap_err();
    assert_eq!(error.code(), "M218");
    let out = changed(&mapping, &Message::parse("MSH|^~\\|A\rPID|||a-b\r").unwrap());
    assert_eq!(out.as_er7(), "MSH|^~\\|A\rPID|||a-b||a\\S\\b\r");
}

#[test]
fn each_direction_takes_its_own_input() {
    let in_place = in_place("set: { PID-8: F }");
    let to_message = crate::registration();
    assert_eq!([in_place.direction(), to_message.direction()], [Direction::Hl7InPlace, Direction::JsonToHl7]);
    let message = Message::parse("MSH|^~\\&|A\rPID|1\r").unwrap();
    for error in [
        in_place.apply_json(b"{}", &crate::ctx()).unwrap_err(),
        to_message.apply_hl7(&message, &crate::ctx()).unwrap_err(),
    ] {
        assert_eq!((error.kind(), error.code()), (ApplyErrorKind::Direction, "M200"));
    }
}

#[test]
fn limits_hold_in_place() {
    let rounds = in_place("set: { \"PID-3[*].1\": \"PID-3[*].1 | upper\" }");
    let many = Message::parse_owned(format!("MSH|^~\\&|A\rPID|1||{}\r", "a~".repeat(3_000))).unwrap();
    assert!(rounds.apply_hl7(&many, &crate::ctx()).is_ok());
    type Limit = fn(Context) -> Context;
    let limited: [(Limit, &str); 3] = [
        (|ctx| ctx.max_items(100), "M211"),
        (|ctx| ctx.max_steps(5_000), "M212"),
        (|ctx| ctx.max_output_bytes(1_000), "M210"),
    ];
    for (limit, code) in limited {
        let error = rounds.apply_hl7(&many, &limit(crate::ctx())).unwrap_err();
        assert_eq!((error.kind(), error.code()), (ApplyErrorKind::Limit, code));
    }
}

#[test]
fn the_message_is_never_shown() {
    const CANARY: &str = "TWEETY7";
    let mapping = in_place(
        "accept: { MSH-3: A }\ntables: { t: { map: { a: b } } }\nset: { PID-8: PID-8 | table t, PID-7: PID-7 | date, PID-6: PID-6 | number, PID-9: \"PID-9[*]\" }\ndrop_message: { when: PID-3 matches \"x\", reason: r }",
    );
    let text =
        format!("MSH|^~\\&|A\rPID|||{CANARY}||{CANARY}|{CANARY}|{CANARY}|{CANARY}|{CANARY}~{CANARY}\r");
    let error = mapping.apply_hl7(&Message::parse(&text).unwrap(), &crate::ctx()).unwrap_err();
    assert_eq!(error.iter().len(), 4);
    let other = text.replacen("|A\r", &format!("|{CANARY}\r"), 1);
    let refused = mapping.apply_hl7(&Message::parse(&other).unwrap(), &crate::ctx()).unwrap_err();
    let shown = format!("{error}{error:?}{refused}{refused:?}{mapping:?}");
    let parts: String =
        error.iter().map(|r| format!("{r}{r:?}{:?}{:?}", r.source(), r.suggestion())).collect();
    assert!(!shown.contains(CANARY) && !parts.contains(CANARY), "{shown}{parts}");
}

/// A field with anything that may stand in one.
fn field() -> impl Strategy<Value = String> {
    "([a-z]{0,3}|\\^|&|~|\\\\[FSTRE]\\\\|\\\\X0D\\\\|\\\\\\.br\\\\|\"\"|é|\\\\){0,6}"
}

proptest! {
    #[test]
    fn what_is_not_named_stays(fields in prop::collection::vec(field(), 0..8)) {
        let mapping = in_place("set: { PID-2: PID-2, PID-4: PID-4, PID-9: x, \"PID-5[*].2\": \"PID-5[*].2\", PV1-2: O }\nremove: [ NTE ]");
        let text = format!("MSH|^~\\&|A\nPID|{}\nNTE|1\nPV1|1|I|{}\n", fields.join("|"), fields.join("|"));
        let message = Message::parse(&text).unwrap();
        let out = changed(&mapping, &message);
        for n in 1..=8 {
            let raw = |message: &Message<'_>| message.segments("PID").next().unwrap().field(n).map_or(String::new(), |f| f.raw().to_owned());
            prop_assert_eq!(raw(&out), raw(&message), "PID-{}", n);
        }
        let behind = text.split_once("PV1|1|I").unwrap().1;
        let expected = format!("PV1|1|O{behind}");
        prop_assert!(out.as_er7().ends_with(&expected));
        prop_assert!(out.as_er7().starts_with("MSH|^~\\&|A\nPID|"));
    }

    #[test]
    fn what_is_set_means_what_the_function_gave(fields in prop::collection::vec(field(), 5..6), text in "[ -~\r\n]{1,12}") {
        let given = serde_json::to_string(&serde_json::to_string(&text).unwrap()).unwrap();
        let mapping = in_place(&format!("set:\n  PID-5[*].1: PID-5[*].1 | upper\n  PID-8.2: {}", given.replacen('"', "\"=", 1)));
        let er7 = format!("MSH|^~\\&|A\rPID|{}\r", fields.join("|"));
        let message = Message::parse(&er7).unwrap();
        let out = changed(&mapping, &message);
        let meant = text.replace("\r\n", "\r").replace('\n', "\r");
        prop_assert_eq!(out.get(hl7_core::path!("PID-8.2")).unwrap().text(), meant.as_str());
        prop_assert_eq!(out.iter().count(), 2);
    }
}
