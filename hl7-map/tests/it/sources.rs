//! What a mapping refers to outside its file: asked for by name when it is loaded, refused where there is nothing to ask.

use std::sync::Arc;

use hl7_map::{ApplyErrorKind, Function, Lookup, Mapping, Sources};

struct Site;

impl Sources for Site {
    fn file(&self, name: &str) -> Option<String> {
        Some(match name {
            "units.csv" => "code,site,note\nmg/dl,mg/dL,\n\"a,b\",\"A \"\"B\"\"\",x\n".to_owned(),
            "twice.csv" => "a,b\nx,1\nx,2\n".to_owned(),
            "broken.csv" => "a,b\n\"x,1\n".to_owned(),
            "payload.json" => {
                r#"{"properties":{"u":{"type":"string"}},"additionalProperties":false}"#.to_owned()
            }
            "no.json" => "[1, 2".to_owned(),
            "narrow.csv" => "a\nx\n".to_owned(),
            _ => return None,
        })
    }

    fn secret(&self, name: &str) -> Option<String> {
        (name == "site.key").then(|| "s3cret".to_owned())
    }

    fn lookup(&self, name: &str) -> Option<Lookup> {
        (name == "ward").then(|| Arc::new(|id: &str| (id == "3").then(|| "ICU".to_owned())) as Lookup)
    }

    fn function(&self, name: &str) -> Option<Function> {
        (name == "luhn").then(|| {
            Arc::new(|text: &str, arguments: &[&str]| match text {
                "0" => Ok(None),
                "9" => Err("not a number of this site".to_owned()),
                _ => Ok(Some(format!("{text}-{}", arguments.join("/")))),
            }) as Function
        })
    }
}

const HEAD: &str = "map: m\nfrom: json\nto: { hl7: \"2.5.1\", message: ADT^A08 }\n";

fn load(rest: &str) -> Mapping {
    let text = format!("{HEAD}{rest}\n");
    Mapping::load(&text, &Site).unwrap_or_else(|errors| panic!("{}", errors.render("m.yaml", &text)))
}

fn field(mapping: &Mapping, payload: &str) -> String {
    let msg = mapping.apply_json(payload.as_bytes(), &crate::ctx()).unwrap();
    msg.get(hl7_core::path!("ZZZ-1")).map_or(String::new(), |value| value.text().into_owned())
}

#[test]
fn tables_secrets_lookups_and_functions_come_from_the_sources() {
    let table = load(
        "segments: { ZZZ: any }\ntables: { units: { csv: units.csv, on_miss: keep } }\nemit: { ZZZ: { 1: .u | table units } }",
    );
    assert_eq!(
        ["mg/dl", "a,b", "?"].map(|u| field(&table, &format!(r#"{{"u":"{u}"}}"#))),
        ["mg/dL", "A \"B\"", "?"]
    );
    let columns = load(
        "segments: { ZZZ: any }\ntables: { units: { csv: units.csv, from: site, to: note } }\nemit: { ZZZ: { 1: .u | table units } }",
    );
    assert_eq!(field(&columns, r#"{"u":"A \"B\""}"#), "x");
    let secret = load("segments: { ZZZ: any }\nemit: { ZZZ: { 1: .u | concat $secret.site.key } }");
    assert_eq!(field(&secret, r#"{"u":"1-"}"#), "1-s3cret");
    let lookup = load(
        "segments: { ZZZ: any }\nlookups: { ward: { on_miss: drop } }\nemit: { ZZZ: { 1: .u | lookup ward } }",
    );
    assert_eq!(["3", "4"].map(|u| field(&lookup, &format!(r#"{{"u":"{u}"}}"#))), ["ICU", ""]);
    let function = load("segments: { ZZZ: any }\nemit: { ZZZ: { 1: .u | luhn 10 (.a | upper) } }");
    assert_eq!(["1", "0"].map(|u| field(&function, &format!(r#"{{"u":"{u}","a":"x"}}"#))), ["1-10/X", ""]);
}

#[test]
fn what_a_lookup_or_function_refuses_has_a_code_and_a_place() {
    let mapping = load("segments: { ZZZ: any }\nemit: { ZZZ: { 1: .u | luhn, 2: .w | lookup ward } }");
    let error = mapping.apply_json(br#"{"u":"9","w":"4"}"#, &crate::ctx()).unwrap_err();
    assert_eq!(error.kind(), ApplyErrorKind::Refused);
    let told: Vec<_> = error.iter().map(|r| (r.code(), r.path().unwrap(), r.source().unwrap())).collect();
    assert_eq!(told, [("M224", "ZZZ-1", ".u"), ("M222", "ZZZ-2", ".w")]);
}

#[test]
fn a_file_that_refers_to_something_needs_sources_that_have_it() {
    for rest in [
        "tables: { t: { csv: none.csv } }\nemit: { PID: { 8: .a | table t } }",
        "emit: { PID: { 8: .a | lookup none } }",
        "emit: { PID: { 8: $secret.none } }",
    ] {
        for errors in
            [Mapping::from_yaml(&format!("{HEAD}{rest}\n")), Mapping::load(&format!("{HEAD}{rest}\n"), &Site)]
        {
            let errors = errors.unwrap_err();
            assert_eq!(errors.iter().map(|error| error.code()).collect::<Vec<_>>(), ["M127"], "{rest}");
        }
    }
    assert_eq!(
        Mapping::from_yaml(&format!("{HEAD}emit: {{ PID: {{ 8: .a | luhn }} }}\n"))
            .unwrap_err()
            .iter()
            .next()
            .unwrap()
            .code(),
        "M102"
    );
}

#[test]
fn a_file_that_is_no_table_is_a_mistake() {
    for table in ["csv: twice.csv", "csv: broken.csv", "csv: narrow.csv", "csv: units.csv, from: nothing"] {
        let text = format!("{HEAD}tables: {{ t: {{ {table} }} }}\nemit: {{ PID: {{ 8: .a | table t }} }}\n");
        let errors = Mapping::load(&text, &Site).unwrap_err();
        assert_eq!(errors.iter().map(|error| error.code()).collect::<Vec<_>>(), ["M128"], "{table}");
    }
}

#[test]
fn the_schema_of_the_payload_comes_from_a_file() {
    let emit = "segments: { ZZZ: any }\nemit: { ZZZ: { 1: .u } }";
    let mapping = load(&format!("payload_schema: payload.json\n{emit}"));
    assert_eq!(field(&mapping, r#"{"u":"x"}"#), "x");
    for (file, path, code) in
        [("payload.json", ".v", "M134"), ("no.json", ".u", "M128"), ("none.json", ".u", "M127")]
    {
        let text = format!("{HEAD}payload_schema: {file}\n{}\n", emit.replace(".u", path));
        let errors = Mapping::load(&text, &Site).unwrap_err();
        assert_eq!(errors.iter().map(|error| error.code()).collect::<Vec<_>>(), [code], "{errors}");
    }
}
