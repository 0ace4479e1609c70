//! `profile`: what a mapping gives is checked against what a site says of its messages.

use hl7_map::{Mapping, Sources};

struct Site;

impl Sources for Site {
    fn file(&self, name: &str) -> Option<String> {
        Some(match name {
            "north.yaml" => NORTH.to_owned(),
            "other.yaml" => {
                "profile: o\nfor: { MSH-9.1: ORU }\nsegments:\n  PID: { fields: { 5: X } }\n".to_owned()
            }
            "older.yaml" => "profile: o\nversion: \"2.4\"\n".to_owned(),
            "broken.yaml" => {
                "profile: b\nsegments:\n  PID: { feilds: { 7: R } }\n  PIX: { fields: { 7: R } }\n".to_owned()
            }
            "filled.yaml" => FILLED.to_owned(),
            "times.yaml" => {
                "profile: t\nsegments:\n  GT1: { times: 0 }\n  NTE: { times: 0..1 }\n  AL1: { times: 0..2 }\n  ZPD: { after: PID, times: 0..1, fields: { 1: ST } }\n".to_owned()
            }
            _ => return None,
        })
    }
}

const NORTH: &str = r#"profile: north
for: { MSH-9.1: [ADT, ORU] }
tables:
  "0001": { add: [X] }
  "0172": [V]
segments:
  MSH: { fields: { 1: R, 2: R, 4: R, 10: R } }
  PID:
    fields:
      3: { times: 1..2, components: { 4: R, 5: { codes: [MR, SS] }, 2: X } }
      5: O
      7: R
      9: { times: 0..* }
      19: X
      20: { usage: X, severity: warning }
      23: { length: 5 }
      32: { pattern: "[A-Z]+" }
      40: { type: CX }
  PV2: { times: 1 }
  ZPD:
    after: PID
    fields: { 1: { type: ST, usage: R }, 2: CX, 3: { type: FT } }
"#;

/// It does not want what is filled in without a rule.
const FILLED: &str = r#"profile: filled
segments:
  MSH:
    fields:
      7: X
      9: { components: { 2: { codes: [A01] }, 3: X } }
      11: { codes: [T] }
      12: { components: { 1: { constant: "2.4" } } }
  EVN: { fields: { 2: X } }
  PID: { fields: { 1: X } }
"#;

/// What is told, a line each: a code, `!` where it is an error, its line and its text.
fn told(head: &str, rest: &str) -> Vec<String> {
    let text = format!("map: m\n{head}\n{rest}\n");
    let told = match Mapping::load(&text, &Site) {
        Ok(mapping) => mapping.warnings().clone(),
        Err(errors) => errors,
    };
    let shown = |error: &hl7_map::MappingError| {
        let mark = if error.is_warning() { "" } else { "!" };
        format!("{}{mark} {}: {}", error.code(), error.line(), error.message())
    };
    told.iter().map(shown).collect()
}

const BUILD: &str = "from: json\nto: { hl7: \"2.5.1\", message: ADT^A08 }\nprofile: north.yaml";
/// What the profile requires, so that nothing is told of it.
const WHOLE: &str = "  MSH: { 4: N }\n  PV1: { 2: I }\n  PV2: { 1: a }\n";

/// The fields of a PID that has all it needs, and these.
fn pid(fields: &str) -> Vec<String> {
    told(BUILD, &format!("emit:\n{WHOLE}  PID: {{ 3: {{ 1: .id, 4: H }}, 7: .born, {fields} }}"))
}

#[test]
fn what_it_says_of_a_place_is_asked() {
    let none: [&str; 0] = [];
    for (fields, expected) in [
        ("8: M", &none[..]),
        ("9: [ .a, .b, .c ]", &none),
        ("19: .ssn", &["M136! 9: PID-19 is not to be sent: usage X (line 14 of the profile)"]),
        ("20: .x", &["M136 9: PID-20 is not to be sent: usage X (line 15 of the profile)"]),
        ("23: Oslo", &none),
        ("23: Trondheim", &["M137! 9: the profile does not take this for PID-23 (its line 16)"]),
        ("23: '\"\"'", &none),
        ("32: AL", &none),
        ("32: .x ?? \"al\"", &["M137! 9: the profile does not take this for PID-32 (its line 17)"]),
        ("8: Q", &none),
        (
            "27: LKJ",
            &[
                "M130 9: PID-27 takes codes of table 0172 (Veterans Military Status), which does not have this one in the profile",
            ],
        ),
        ("40: { identifier: { id: .a } }", &none),
        (
            "40: { 11: .a }",
            &["M104! 9: PID-40 (CX) has no component 11 in HL7 2.5.1 (the last is PID-40.10)"],
        ),
    ] {
        assert_eq!(pid(fields), expected, "{fields}");
    }
}

#[test]
fn what_it_says_of_repetitions_and_components_is_asked() {
    let with = |field: &str| told(BUILD, &format!("emit:\n{WHOLE}  PID: {{ 7: .born, 3: {field} }}"));
    for (field, expected) in [
        ("{ 1: .id, 4: H, 5: MR }", vec![]),
        ("{ identifier: { id: .id, authority: H, type: SS } }", vec![]),
        (
            "{ 1: .id, 4: H, 5: DL }",
            vec!["M137! 9: the profile does not take this for PID-3.5 (its line 10)"],
        ),
        (
            "{ 1: .id, 2: a, 4: H }",
            vec!["M136! 9: PID-3.2 is not to be sent: usage X (line 10 of the profile)"],
        ),
        ("{ 1: .id }", vec!["M133 9: required by the profile and left out: PID-3.4"]),
        (".id", vec!["M133 9: required by the profile and left out: PID-3.4"]),
        (
            "[ { 1: .a, 4: H }, { 1: .b, 4: H }, { 1: .c, 4: H } ]",
            vec!["M129! 9: PID-3 (Patient Identifier List) has at most 2 repetitions by the profile"],
        ),
    ] {
        assert_eq!(with(field), expected, "{field}");
    }
}

#[test]
fn what_it_requires_is_told_and_what_it_does_not_is_not() {
    let all = told(BUILD, "emit:\n  PID: { 3: { 1: .id, 4: H } }\n  PV1: { 2: I }\n  ZPD: { 2: .x }");
    let expected = [
        "M133 6: required by the profile and left out: PID-7",
        "M133 8: required by the profile and left out: ZPD-1",
        "M133 6: required by the profile and left out: PV2, MSH-4",
    ];
    assert_eq!(sorted(all), sorted(expected.map(str::to_owned).to_vec()), "PID-5 is optional here");
}

fn sorted(mut lines: Vec<String>) -> Vec<String> {
    lines.sort();
    lines
}

#[test]
fn its_segments_need_no_declaration() {
    let emit = |zpd: &str| {
        let rest = format!("emit:\n{WHOLE}  PID: {{ 3: {{ 1: .id, 4: H }}, 7: .b }}\n  ZPD: {{ {zpd} }}");
        told(BUILD, &rest)
    };
    assert!(emit("1: .a, 2: { identifier: { id: .b } }").is_empty());
    assert_eq!(emit("1: .a, 4: .b"), ["M104! 10: ZPD is declared without a field 4"]);
    let text = format!("map: m\n{BUILD}\nemit:\n{WHOLE}  ZPD: {{ 1: .a, 3: .text }}\n");
    let mapping = Mapping::load(&text, &Site).unwrap();
    let msg = mapping.apply_json(br#"{"a":"1","text":"a\nb"}"#, &crate::ctx()).unwrap();
    assert!(msg.as_er7().contains("ZPD|1||a\\.br\\b\r"), "FT by the profile: {}", msg.as_er7());
}

#[test]
fn a_mapping_in_place_is_checked_too() {
    let edit = |rest: &str| told("from: hl7\nto: { hl7: same }\nprofile: north.yaml", rest);
    assert!(edit("set: { PID-3.5: MR, ZPD-2: PID-3 }\nremove: [ PID-19 ]").is_empty());
    assert_eq!(
        edit(
            "set:\n  PID-19: PID-3\n  PID-3.5: DL\n  PID-3.2: { value: a, when: PID-1 }\nadd:\n  - { segment: ZPD, after: PID, fields: { 2: x } }"
        ),
        [
            "M136! 6: PID-19 is not to be sent: usage X (line 14 of the profile)",
            "M137! 7: the profile does not take this for PID-3.5 (its line 10)",
            "M136! 8: PID-3.2 is not to be sent: usage X (line 10 of the profile)",
        ]
    );
    assert_eq!(
        edit("add:\n  - { segment: ZPD, after: PID, fields: { 2: x } }"),
        ["M133 6: required by the profile and left out: ZPD-1"]
    );
}

#[test]
fn a_profile_with_mistakes_or_for_other_messages_is_told_of() {
    let with = |file: &str| {
        let head = format!("from: json\nto: {{ hl7: \"2.5.1\", message: ADT^A08 }}\nprofile: {file}");
        told(&head, "emit:\n  PID: { 3: .id, 5: .n }\n  PV1: { 2: I }")
    };
    assert_eq!(
        with("broken.yaml"),
        [
            "M135! 4: the file `broken.yaml`: R005: line 3, column 10: an unknown key `feilds`; did you mean `fields`?",
            "M135! 4: the file `broken.yaml`: R012: line 4, column 20: the standard has no number 7 here; give its data type to describe one of your own",
        ]
    );
    assert_eq!(with("other.yaml"), ["M135 4: the profile is for other messages, and not asked"]);
    assert_eq!(with("older.yaml"), ["M135 4: the profile is for HL7 2.4, and 2.5.1 goes out"]);
    assert_eq!(with("none.yaml"), ["M127! 4: there is no such thing as the file `none.yaml`"]);
    let alone =
        Mapping::from_yaml("map: m\nfrom: hl7\nto: { hl7: same }\nprofile: north.yaml\nset: { PID-8: M }\n");
    assert_eq!(alone.unwrap_err().iter().next().unwrap().code(), "M127");
}

#[test]
fn what_is_filled_in_without_a_rule_is_asked_too() {
    let head = "from: json\nto: { hl7: \"2.5.1\", message: ADT^A08 }\nprofile: filled.yaml";
    let text = "emit:\n  PID: { 3: .id, 5: .n }\n  PV1: { 2: I }";
    let expected = [
        "M136! 6: MSH-7 is not to be sent: usage X (line 5 of the profile)",
        "M136! 6: MSH-9.3 is not to be sent: usage X (line 6 of the profile)",
        "M137! 6: the profile does not take this for MSH-9.2 (its line 6)",
        "M137! 6: the profile does not take this for MSH-11 (its line 7)",
        "M137! 6: the profile does not take this for MSH-12.1 (its line 8)",
    ];
    assert_eq!(told(head, text), expected);
    // What the file gives is asked where it stands, and what may be left out is left out.
    let text = format!(
        "map: m\n{head}\nemit:\n  MSH: {{ 7: .at, 9: {{ 1: ADT, 2: A01 }}, 11: T, 12: \"2.4\" }}\n  PID: {{ 3: .id }}\n"
    );
    let errors = Mapping::load(&text, &Site).unwrap_err();
    assert_eq!(errors.iter().map(|error| error.code()).collect::<Vec<_>>(), ["M136"], "{errors}");
    let text = text.replace("7: .at, ", "").replace("profile: filled.yaml", "profile: other.yaml");
    assert!(Mapping::load(&text, &Site).is_ok());
}

#[test]
fn set_ids_and_the_event_time_are_not_filled_in_against_the_profile() {
    struct OnlyEvent;
    impl Sources for OnlyEvent {
        fn file(&self, _: &str) -> Option<String> {
            Some(
                "profile: p\nsegments:\n  EVN: { fields: { 2: X } }\n  PID: { fields: { 1: X } }\n"
                    .to_owned(),
            )
        }
    }
    let text = "map: m\nfrom: json\nto: { hl7: \"2.5.1\", message: ADT^A08 }\nprofile: p\nemit:\n  PID: { 3: .id }\n  PV1: { 2: I }\n";
    let mapping = Mapping::load(text, &OnlyEvent).unwrap();
    let msg = mapping.apply_json(br#"{"id":"7"}"#, &crate::ctx()).unwrap();
    assert!(msg.as_er7().ends_with("\rEVN\rPID|||7\rPV1|1|I\r"), "{}", msg.as_er7());
}

#[test]
fn how_often_a_segment_stands_is_asked() {
    let head = "from: json\nto: { hl7: \"2.5.1\", message: ADT^A08 }\nprofile: times.yaml";
    let emit = "emit:\n  PID: { 3: .id, 5: .n }\n  PV1: { 2: I }\n";
    for (rules, expected) in [
        ("  ZPD: { 1: .a }\n  AL1: { each: .l, 2: DA, 3: .a }", vec![]),
        (
            "  GT1: { when: .g, 2: .g, 3: .g }",
            vec!["M136! 8: GT1 is not to be sent: `times` 0 (line 3 of the profile)"],
        ),
        (
            "  ZPD: { each: .l, 1: .a }",
            vec!["M129 8: ZPD stands at most 1 times by the profile (its line 6)"],
        ),
        (
            "  ZPD: [ { 1: .a }, { 1: .b } ]",
            vec!["M129 8: ZPD stands at most 1 times by the profile (its line 6)"],
        ),
        ("  ZPD: [ { when: .a, 1: .a }, { when: .b, 1: .b } ]", vec![]),
    ] {
        let told = told(head, &format!("{emit}{rules}"));
        let told: Vec<_> = told.iter().filter(|line| !line.starts_with("M133")).collect();
        assert_eq!(told, expected.iter().collect::<Vec<_>>(), "{rules}");
    }
}
