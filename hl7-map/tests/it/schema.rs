//! The schema of mapping files has every key of the worked examples, by the segments' and fields' names.

use hl7_map::mapping_schema;
use serde_json::Value;

/// The keys of `emit` that the schema does not have, at any depth of groups and segments.
fn unknown(schema: &Value, node: &Value, kind: &str, found: &mut Vec<String>) {
    let known = &schema["$defs"][kind]["properties"];
    let Value::Object(members) = node else { return };
    for (key, value) in members {
        match (known.get(key), kind) {
            (Some(_), "message") if key.len() == 3 => unknown(schema, value, key, found),
            (Some(_), _) => {}
            (None, "message") if key.len() > 3 => unknown(schema, value, "message", found),
            (None, _) => found.push(key.clone()),
        }
    }
}

#[test]
fn every_version_has_a_schema_that_knows_the_keys_of_the_examples() {
    for version in
        ["2.1", "2.2", "2.3", "2.3.1", "2.4", "2.5", "2.5.1", "2.6", "2.7", "2.7.1", "2.8", "2.8.1", "2.8.2"]
    {
        let schema: Value = serde_json::from_str(&mapping_schema(version).unwrap()).unwrap();
        for file in crate::files("examples", "yaml") {
            let tree: Value = serde_saphyr::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
            for key in tree.as_object().unwrap().keys() {
                assert!(schema["properties"].get(key).is_some(), "{version}: {key}");
            }
            let mut found = Vec::new();
            if version == "2.5.1" && tree["from"] == "json" {
                unknown(&schema, &tree["emit"], "message", &mut found);
            }
            assert!(found.is_empty(), "{version} {}: {found:?}", file.display());
        }
    }
    assert!(mapping_schema("9").is_none());
}
