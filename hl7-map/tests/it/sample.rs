//! The sample of a payload is one that the mapping takes, and the schema names what it reads.

use hl7_map::{Direction, Mapping};
use serde_json::Value;

fn examples() -> Vec<(String, Mapping)> {
    let files = crate::files("examples", "yaml").into_iter();
    let loaded = files.map(|file| {
        let mapping = Mapping::from_yaml(&std::fs::read_to_string(&file).unwrap()).unwrap();
        (file.display().to_string(), mapping)
    });
    loaded.collect()
}

#[test]
fn the_sample_of_every_worked_example_fills_every_field() {
    let mut seen = 0;
    for (name, mapping) in examples() {
        let Some(sample) = mapping.sample_payload() else {
            assert_ne!(mapping.direction(), Direction::JsonToHl7, "{name}");
            continue;
        };
        seen += 1;
        let made = mapping.apply_json(sample.as_bytes(), &crate::ctx());
        assert!(made.is_ok(), "{name}: {sample} {:?}", made.err());
        let trace = mapping.explain_json(sample.as_bytes(), &crate::ctx()).unwrap();
        let absent: Vec<_> = trace.fields().filter(|field| !field.outcome().is_there()).collect();
        assert!(absent.is_empty(), "{name}: {sample} {absent:?}");
    }
    assert_eq!(seen, 2);
}

/// Whether a value has the members that a schema requires, and only members that it names.
fn fits(schema: &Value, value: &Value) -> bool {
    match value {
        Value::Object(members) => {
            let required = schema["required"].as_array().into_iter().flatten();
            let has_required = required.into_iter().all(|name| value.get(name.as_str().unwrap()).is_some());
            has_required
                && members.iter().all(|(name, inner)| {
                    schema["properties"].get(name).is_some_and(|schema| fits(schema, inner))
                })
        }
        Value::Array(items) => items.iter().all(|item| fits(&schema["items"], item)),
        _ => true,
    }
}

#[test]
fn the_schema_names_what_the_sample_has_and_what_is_required() {
    for (name, mapping) in examples() {
        let (Some(schema), Some(sample)) = (mapping.payload_schema(), mapping.sample_payload()) else {
            continue;
        };
        let schema: Value = serde_json::from_str(&schema).unwrap();
        let sample: Value = serde_json::from_str(&sample).unwrap();
        assert!(fits(&schema, &sample), "{name}: {schema} {sample}");
        assert!(!fits(&schema, &serde_json::json!({ "other": 1 })), "{name}");
        if name.ends_with("crm-to-adt.yaml") {
            assert_eq!(schema["required"], serde_json::json!(["eventId", "patient"]));
            assert_eq!(schema["properties"]["patient"]["required"], serde_json::json!(["identifiers"]));
        }
    }
}
