//! No error, `Debug` or `Display` shows a value of a payload or of a test's data.

use std::fmt::Debug;

use hl7_map::Mapping;

const CANARY: &str = "Zylphor";

fn assert_silent(what: &str, shown: &dyn Debug) {
    for text in [format!("{shown:?}"), format!("{shown:#?}")] {
        assert!(!text.contains(CANARY), "{what}: {text}");
    }
}

/// Puts the canary in place of each leaf of `json`, one at a time, and adds it as a name.
fn planted(json: &serde_json::Value) -> Vec<serde_json::Value> {
    fn paths(json: &serde_json::Value, at: String, found: &mut Vec<String>) {
        match json {
            serde_json::Value::Object(map) => {
                map.iter().for_each(|(k, v)| paths(v, format!("{at}/{k}"), found))
            }
            serde_json::Value::Array(list) => {
                list.iter().enumerate().for_each(|(i, v)| paths(v, format!("{at}/{i}"), found));
            }
            _ => found.push(at),
        }
    }
    let mut found = Vec::new();
    paths(json, String::new(), &mut found);
    let with = |path: &String, value: serde_json::Value| {
        let mut json = json.clone();
        *json.pointer_mut(path).unwrap() = value;
        json
    };
    found
        .iter()
        .flat_map(|path| {
            [
                with(path, CANARY.into()),
                with(path, serde_json::json!([CANARY])),
                with(path, serde_json::json!({ CANARY: CANARY })),
            ]
        })
        .collect()
}

#[test]
fn payloads_are_never_shown() {
    let mapping = crate::registration();
    let payload = serde_json::json!({
        "id": "1", "at": "2026-01-01T00:00:00Z",
        "person": { "ids": [{ "no": "1", "kind": "hospital" }], "last": "L", "first": "F", "title": "Dr", "born": "1980",
            "sex": "weiblich", "street": "S", "city": "C", "zip": "1", "phones": [{ "use": "home", "no": "1" }],
            "mail": "m", "married": "M" },
        "stay": { "ward": "1", "bed": "1", "from": "2026-01-01T10:00" }
    });
    let (mut refused, mut made) = (0, 0);
    for planted in planted(&payload) {
        match mapping.apply_json(planted.to_string().as_bytes(), &crate::ctx()) {
            Ok(msg) => {
                made += 1;
                assert_silent("message", &msg);
            }
            Err(error) => {
                refused += 1;
                assert_silent("error", &error);
                assert!(!error.to_string().contains(CANARY));
                for refusal in error.iter() {
                    let all = format!(
                        "{refusal}{}{:?}{:?}",
                        refusal.message(),
                        refusal.source(),
                        refusal.suggestion()
                    );
                    assert!(!all.contains(CANARY), "{all}");
                }
            }
        }
    }
    assert!(refused > 10 && made > 10, "{refused} refused, {made} made");
}

#[test]
fn broken_payloads_are_never_shown() {
    let mapping = crate::registration();
    let text = format!("{{\"{CANARY}\": [\"{CANARY}\", {{\"a\": 1.5e3}}, true, \"\\u00e9\"]}}");
    for cut in 0..text.len() {
        for put in ["", CANARY, "\u{1}", "\\x", "]"] {
            let broken = format!("{}{put}", &text[..cut]);
            if let Err(error) = mapping.apply_json(broken.as_bytes(), &crate::ctx()) {
                assert_silent("error", &error);
                assert!(!error.to_string().contains(CANARY));
            }
        }
    }
}

#[test]
fn the_data_of_tests_is_never_shown() {
    let head = "map: m\nfrom: json\nto: { hl7: \"2.5.1\", message: ADT^A08 }\nemit:\n  PID: { 7: .d | date, 8: .s }\ntests:\n";
    for (case, loads) in [
        (format!("  - {{ name: {CANARY}, given: {{ s: {CANARY} }}, expect: {{ PID-8: {CANARY}x }} }}"), true),
        (format!("  - {{ given: {{ d: {CANARY} }}, expect: {{ PID-8: {CANARY} }} }}"), true),
        (format!("  - {{ given: {{ s: {CANARY} }}, error: {{ code: {CANARY} }} }}"), true),
        (format!("  - {{ given: {CANARY}, expekt: {CANARY}, now: {CANARY} }}"), false),
        (format!("  - {{ given: {CANARY}, expect: {CANARY}, error: {CANARY} }}"), false),
        (format!("  - {{ given: {CANARY}, change: {CANARY}, now: {CANARY} }}"), false),
        (format!("  - {{ given: {{ a: {CANARY}, a: {CANARY} }}, error: {{ code: M201 }} }}"), false),
        (format!("  - {{ given: {{ a: {CANARY} ]"), false),
        (format!("  - given: \"{CANARY}"), false),
        (format!("  - given: !{CANARY} {CANARY}"), false),
        (format!("  - given: *{CANARY}"), false),
        (format!("  - given: {{ [{CANARY}]: {CANARY} }}"), false),
        (format!("  - {CANARY}"), false),
        (format!("  {CANARY}"), false),
    ] {
        let text = format!("{head}{case}\n");
        match Mapping::from_yaml(&text) {
            Ok(mapping) => {
                assert!(loads, "{case}");
                assert_silent("mapping", &mapping);
                let report = mapping.run_tests();
                assert_eq!(report.failed(), 1, "{case}");
                assert_silent("report", &report);
            }
            Err(errors) => {
                assert!(!loads, "{errors}");
                assert_silent("errors", &errors);
                let shown = format!("{errors}{}", errors.render("m.yaml", &text));
                assert!(!shown.contains(CANARY), "{case}: {shown}");
            }
        }
    }
}

#[test]
fn a_mistake_on_a_line_with_data_shows_its_own_place_only() {
    let text = format!(
        "{{\"map\": \"m\", \"from\": \"json\", \"to\": {{\"hl7\": \"2.5.1\", \"message\": \"ADT^A08\"}}, \
         \"emit\": {{\"PID\": {{\"8\": \".s | uper\"}}}}, \
         \"tests\": [{{\"given\": {{\"s\": \"{CANARY}\"}}, \"expect\": {{\"PID-8\": \"{CANARY}\"}}}}]}}"
    );
    let shown = Mapping::from_yaml(&text).unwrap_err().render("m.json", &text);
    assert!(shown.contains("M102") && shown.contains("uper") && !shown.contains(CANARY), "{shown}");
}
