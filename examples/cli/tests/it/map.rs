//! map apply, map check and map test, with the gateway's demo.

use std::path::{Path, PathBuf};

use crate::hl7;

fn demo(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../gateway/demo").join(file);
    path.to_str().unwrap().to_owned()
}

fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path
}

#[test]
fn a_payload_becomes_a_message() {
    let run = hl7(&["map", "apply", &demo("crm-to-adt.yaml"), &demo("payload.json")], "");
    assert_eq!(run.code, 0, "{}", run.err);
    assert!(
        run.out.starts_with("MSH|^~\\&|CRM|NORTH|EHR|NORTH|20261120140322-0500||ADT^A08^ADT_A01|"),
        "{}",
        run.out
    );
    assert!(run.out.contains("\rPID|1||100042^^^NORTH^MR~") && run.out.ends_with('\r'), "{}", run.out);
    let payload = std::fs::read_to_string(demo("payload.json")).unwrap();
    let again = hl7(&["map", "apply", &demo("crm-to-adt.yaml"), "--lines"], &payload);
    assert_eq!(again.out, run.out.replace('\r', "\n"));
}

#[test]
fn a_payload_that_is_refused_is_exit_code_3_and_every_path_is_named() {
    let refused = r#"{ "event": "e", "patient": { "ids": [], "gender": "TWEETY7", "born": "TWEETY7" } }"#;
    let run = hl7(&["map", "apply", &demo("crm-to-adt.yaml")], refused);
    assert_eq!((run.code, run.out.as_str()), (3, ""));
    assert!(run.err.contains("M201 PID-8 .patient.gender") && run.err.contains("PID-7"), "{}", run.err);
    assert!(!run.err.contains("TWEETY"), "{}", run.err);
    assert_eq!(hl7(&["map", "apply", &demo("crm-to-adt.yaml")], "{").code, 3);
}

#[test]
fn check_and_test_pass_what_is_right() {
    let checked = hl7(&["map", "check", &demo("crm-to-adt.yaml")], "");
    assert_eq!(checked.code, 0, "{}{}", checked.out, checked.err);
    let tested = hl7(&["map", "test", &demo("crm-to-adt.yaml")], "");
    assert_eq!(tested.code, 0, "{}{}", tested.out, tested.err);
    assert!(tested.out.contains("2 passed, 0 failed"), "{}", tested.out);
}

#[test]
fn check_names_every_mistake_of_every_file() {
    let folder = tempfile::tempdir().unwrap();
    let text = std::fs::read_to_string(demo("crm-to-adt.yaml")).unwrap();
    let one = write(
        folder.path(),
        "one.yaml",
        &text.replace("| table sex", "| tabel sex").replace("table class", "table clas"),
    );
    let two = write(folder.path(), "two.yaml", "map: [");
    let right = demo("crm-to-adt.yaml");
    let run = hl7(&["map", "check", one.to_str().unwrap(), two.to_str().unwrap(), &right], "");
    assert_eq!(run.code, 3);
    for part in ["one.yaml:22:27", "one.yaml:29:30", "two.yaml:1:", "error[M", "did you mean"] {
        assert!(run.err.contains(part), "no {part:?} in {}", run.err);
    }
    assert!(run.out.contains("crm-to-adt has no mistakes"), "{}", run.out);
}

#[test]
fn a_failing_test_shows_what_differs_and_is_exit_code_1() {
    let folder = tempfile::tempdir().unwrap();
    let text = std::fs::read_to_string(demo("crm-to-adt.yaml")).unwrap();
    let file = write(folder.path(), "wrong.yaml", &text.replace("PID-8: F,", "PID-8: M,"));
    let run = hl7(&["map", "test", file.to_str().unwrap()], "");
    assert_eq!(run.code, 1, "{}{}", run.out, run.err);
    let expected = "    PID-8\n      want M\n      got  F\n";
    assert!(run.out.contains("1 passed, 1 failed") && run.out.contains(expected), "{}", run.out);
}

#[test]
fn every_file_is_reported_and_the_worst_counts() {
    let folder = tempfile::tempdir().unwrap();
    let text = std::fs::read_to_string(demo("crm-to-adt.yaml")).unwrap();
    let fails = write(folder.path(), "fails.yaml", &text.replace("PID-8: F,", "PID-8: M,"));
    let broken = write(folder.path(), "broken.yaml", "map: [");
    let (fails, broken, right) = (fails.to_str().unwrap(), broken.to_str().unwrap(), demo("crm-to-adt.yaml"));
    for command in ["check", "test"] {
        let absent = hl7(&["map", command, "none.yaml"], "");
        assert_eq!(absent.code, 4, "{}", absent.err);
        for (files, code) in [([broken, "none.yaml"], 4), (["none.yaml", broken], 4), ([broken, fails], 3)] {
            let run = hl7(&["map", command, files[0], files[1], &right], "");
            assert_eq!(run.code, code, "{command} {files:?}: {}", run.err);
            assert!(run.out.contains(right.as_str()), "{command} {files:?}: {}", run.out);
            for file in files.iter().filter(|file| **file != fails) {
                assert!(run.err.contains(file), "{command} {files:?}: {}", run.err);
            }
        }
    }
    assert_eq!(hl7(&["map", "test", fails, &right], "").code, 1);
}

#[test]
fn a_refusal_says_its_code_once() {
    let refused = r#"{ "event": "e", "patient": { "ids": [], "gender": "x", "born": "x" } }"#;
    let run = hl7(&["map", "apply", &demo("crm-to-adt.yaml")], refused);
    assert!(run.err.starts_with("error: standard input: what comes in is refused\n"), "{}", run.err);
    let lines: Vec<_> = run.err.lines().skip(1).collect();
    assert!(lines.len() > 1 && lines.iter().all(|line| line.matches("M2").count() == 1), "{}", run.err);
    let mapping = "map: m\nfrom: json\nto: { hl7: \"2.5.1\", message: ADT^A08 }\nemit:\n  NTE: { each: .notes, 3: . | number }\n";
    let folder = tempfile::tempdir().unwrap();
    let mapping = write(folder.path(), "many.yaml", mapping);
    let notes = format!(r#"{{ "notes": [{}] }}"#, vec![r#""x""#; 150].join(","));
    let many = hl7(&["map", "apply", mapping.to_str().unwrap()], &notes);
    assert!(many.err.ends_with("  and 50 more\n"), "{}", many.err);
    let broken = hl7(&["map", "apply", &demo("crm-to-adt.yaml")], "{");
    assert_eq!((broken.err.lines().count(), broken.err.matches("M3").count()), (1, 1), "{}", broken.err);
}

fn example(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../hl7-map/examples").join(name);
    path.to_str().unwrap().to_owned()
}

#[test]
fn messages_are_changed_in_place_and_one_that_is_dropped_is_told() {
    let message =
        |processing: &str| format!("MSH|^~\\&|A|north|||2026||ADT^A08|m|{processing}|2.5\rPID|1||7||doe\r");
    let run = hl7(&["map", "apply", &example("normalise-adt.yaml"), "--lines"], &message("P"));
    assert_eq!(run.code, 0, "{}", run.err);
    assert!(
        run.out.starts_with("MSH|^~\\&|A|NORTH|||2026||ADT^A08|m|P|2.5\nPID|1||7||DOE\nZNR|normalised|"),
        "{}",
        run.out
    );
    let both = format!("{}{}", message("T"), message("P"));
    let run = hl7(&["map", "apply", &example("normalise-adt.yaml")], &both);
    assert_eq!((run.code, run.out.matches("MSH").count()), (1, 1), "{}", run.err);
    assert_eq!(run.err, "dropped: test message\n");
    let other = message("P").replace("ADT^A08", "ORU^R01");
    let run = hl7(&["map", "apply", &example("normalise-adt.yaml")], &other);
    assert_eq!((run.code, run.out.as_str()), (3, ""));
    assert!(run.err.contains("M216 MSH-9.1"), "{}", run.err);
}

#[test]
fn a_message_becomes_json_in_one_line() {
    let message =
        "MSH|^~\\&|LAB||||2026||ORU^R01|m1|P|2.5.1\rPID|1||7\rOBR|1|p1\rOBX|1|NM|GLU||7.20||||||F\r";
    let run = hl7(&["map", "apply", &example("oru-to-json.yaml")], message);
    assert_eq!(run.code, 0, "{}", run.err);
    assert!(
        run.out.starts_with(r#"{"id":"m1","receivedAt":""#) && run.out.ends_with("}]}]}\n"),
        "{}",
        run.out
    );
    assert!(run.out.contains(r#""value":7.20"#), "{}", run.out);
}

#[test]
fn the_worked_examples_pass_their_own_tests() {
    let files = ["crm-to-adt.yaml", "lab-to-oru.yaml", "oru-to-json.yaml", "normalise-adt.yaml"].map(example);
    for command in ["check", "test"] {
        let mut arguments = vec!["map", command];
        arguments.extend(files.iter().map(String::as_str));
        let run = hl7(&arguments, "");
        assert_eq!((run.code, run.err.as_str()), (0, ""), "{}", run.out);
    }
}

#[test]
fn a_table_is_read_from_a_file_beside_the_mapping() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "sex.csv", "from,to\nmale,M\n");
    let text = |file: &str| {
        format!(
            "map: m\nfrom: json\nto: {{ hl7: \"2.5.1\", message: ADT^A08 }}\ntables: {{ sex: {{ csv: {file} }} }}\nemit: {{ PID: {{ 8: .sex | table sex }} }}\n"
        )
    };
    let mapping = write(folder.path(), "m.yaml", &text("sex.csv"));
    let run = hl7(&["map", "apply", mapping.to_str().unwrap()], r#"{ "sex": "male" }"#);
    assert!(run.code == 0 && run.out.contains("PID|1|||||||M\r"), "{}{}", run.out, run.err);
    let outside = write(folder.path(), "o.yaml", &text("../sex.csv"));
    let run = hl7(&["map", "check", outside.to_str().unwrap()], "");
    assert!(run.code == 3 && run.err.contains("error[M127]"), "{}", run.err);
}

#[test]
fn explain_says_where_a_field_comes_from_and_keeps_values_back() {
    let (file, payload) = (demo("crm-to-adt.yaml"), demo("payload.json"));
    let all = ["map", "explain", &file, "--payload", &payload];
    let run = hl7(&all, "");
    assert_eq!(run.code, 0, "{}", run.err);
    assert!(run.out.contains("PID-8 (line ") && run.out.contains("  | table "), "{}", run.out);
    assert!(!run.out.contains("100042"), "{}", run.out);
    let shown = hl7(&[&all[..], &["--field", "PID-3", "--show-values"]].concat(), "");
    assert!(shown.out.contains("100042") && !shown.out.contains("PID-8"), "{}", shown.out);
    let json = hl7(&[&all[..], &["--field", "PID-8", "--json"]].concat(), "");
    assert!(
        json.out.starts_with("{\"fields\":[{\"line\":") && !json.out.contains("\"value\":"),
        "{}",
        json.out
    );
    let refused = hl7(&["map", "explain", &file], r#"{ "patient": { "gender": "TWEETY7" } }"#);
    assert_eq!(refused.code, 3);
    assert!(refused.out.contains("PID-8") && refused.out.contains("refused"), "{}", refused.out);
    assert!(!format!("{}{}", refused.out, refused.err).contains("TWEETY"));
    let message = "MSH|^~\\&|A|north|||20260101||ADT^A08|m1|P|2.5\rPID|1||7||doe^Ann||1980|2\r";
    let edited = hl7(&["map", "explain", &example("normalise-adt.yaml"), "--field", "PID-8"], message);
    assert_eq!(edited.code, 0, "{}", edited.err);
    assert!(edited.out.contains("  value PID[1]-8 = ***\n  | table sex -> ***\n"), "{}", edited.out);
}

#[test]
fn a_sample_body_is_one_that_the_mapping_takes() {
    let sample = hl7(&["map", "sample-body", &demo("crm-to-adt.yaml")], "");
    assert_eq!(sample.code, 0, "{}", sample.err);
    let made = hl7(&["map", "apply", &demo("crm-to-adt.yaml")], &sample.out);
    assert_eq!(made.code, 0, "{} {}", sample.out, made.err);
    let schema = hl7(&["map", "sample-body", "--schema", &demo("crm-to-adt.yaml")], "");
    assert!(schema.out.starts_with("{\"$schema\":"), "{}", schema.out);
    assert_eq!(hl7(&["map", "sample-body", &example("normalise-adt.yaml")], "").code, 3);
    let of_files = hl7(&["map", "schema", "--hl7", "2.3"], "");
    assert!(of_files.out.contains("PID-5 Patient Name"), "{}", of_files.err);
    assert_eq!(hl7(&["map", "schema", "--hl7", "9"], "").code, 3);
}

#[test]
fn data_in_place_of_a_mapping_is_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    let message = "MSH|^~\\&|TWEETY\rPID|1||7||TWEETY^Ann\r";
    for text in [
        r#"{"id":"7","name":"TWEETY"}"#,
        "\n[\"TWEETY\"]",
        r#"{"name":"TWEETY""#,
        "\u{feff}{\"name\":\"TWEETY\",\"note\":\"roadmap: x\"}",
        "\"TWEETY\"",
        message,
    ] {
        let file = write(folder.path(), "data", text);
        for command in ["apply", "check", "test", "explain"] {
            let run = hl7(&["map", command, file.to_str().unwrap()], "");
            assert_eq!(run.code, 3, "{command}");
            assert!(run.err.contains("the mapping file comes first"), "{}", run.err);
            assert!(!format!("{}{}", run.out, run.err).contains("TWEETY"), "{}", run.err);
        }
    }
}

#[test]
fn a_mapping_written_as_json_is_a_mapping() {
    let folder = tempfile::tempdir().unwrap();
    let text =
        r#"{"map":"m","from":"json","to":{"hl7":"2.5.1","message":"ADT^A08"},"emit":{"PIX":{"3":".id"}}}"#;
    let file = write(folder.path(), "m.json", text);
    let run = hl7(&["map", "check", file.to_str().unwrap()], "");
    assert!(run.code == 3 && run.err.contains("error[M116]"), "{}", run.err);
}

#[test]
fn a_place_without_a_rule_is_a_no() {
    let (file, payload) = (demo("crm-to-adt.yaml"), demo("payload.json"));
    for field in ["PID-99", "nonsense", ""] {
        let run = hl7(&["map", "explain", &file, "--payload", &payload, "--field", field], "");
        assert_eq!((run.code, run.out.as_str()), (1, ""), "{field}");
        assert!(run.err.contains("the mapping has no rule for it"), "{}", run.err);
    }
}

#[test]
fn a_byte_order_mark_before_the_payload_is_passed_over() {
    let payload = format!("\u{feff}{}", std::fs::read_to_string(demo("payload.json")).unwrap());
    let file = demo("crm-to-adt.yaml");
    for command in ["apply", "explain"] {
        assert_eq!(hl7(&["map", command, &file], &payload).code, 0, "{command}");
    }
}
