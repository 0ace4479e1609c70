//! What a trace says is so: over every mapping and every worked example, what is cited has influence and what is not cited has none.

use std::collections::BTreeMap;

use hl7_core::{Message, Path};
use hl7_map::{Direction, Mapping, Outcome, Role, Trace, TracedField};
use serde_json::{Value, json};

/// A field in a trace: its rule, its loops' items, and which of several it is.
type Key = (String, usize, Vec<usize>, usize);

/// Whether it is there, and its value.
type State = (bool, Option<String>);

fn keyed(trace: &Trace) -> BTreeMap<Key, &TracedField> {
    let mut keyed = BTreeMap::new();
    for field in trace.fields() {
        let rule = field.place().split(['[', ']']).step_by(2).collect::<String>();
        let mut key = (rule, field.line(), field.items().to_vec(), 0);
        while keyed.contains_key(&key) {
            key.3 += 1;
        }
        keyed.insert(key, field);
    }
    keyed
}

fn state(field: Option<&&TracedField>) -> State {
    let there = field.filter(|field| field.outcome().is_there());
    (there.is_some(), there.and_then(|field| field.value()).map(str::to_owned))
}

/// The set IDs that the engine fills in count what stands before them.
fn counts(field: &TracedField) -> bool {
    field.outcome() == Outcome::FilledIn
}

/// The mappings of the tests and the examples, each with what its own tests give.
fn mappings() -> Vec<(String, Mapping, Vec<Value>)> {
    let mut files = crate::files("tests/mappings", "yaml");
    files.extend(crate::files("examples", "yaml"));
    let mut all = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let Ok(tree) = serde_saphyr::from_str::<Value>(&text) else { continue };
        let tests = tree["tests"].as_array().cloned().unwrap_or_default();
        let given = tests.iter().map(|test| test["given"].clone()).collect();
        all.push((file.display().to_string(), Mapping::from_yaml(&text).unwrap(), given));
    }
    all
}

/// Every value in a payload, with its path as a trace writes it.
fn leaves(value: &Value, path: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, inner) in members {
                let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
                if plain {
                    leaves(inner, &format!("{}.{name}", path.trim_end_matches('.')), found);
                }
            }
        }
        Value::Array(items) => {
            let top = if path == "." { ".".to_owned() } else { path.to_owned() };
            for (index, inner) in items.iter().enumerate() {
                leaves(inner, &format!("{top}[{index}]"), found);
            }
        }
        _ => found.push(path.to_owned()),
    }
}

/// The payload with another value at a path.
fn with(payload: &Value, path: &str, new: Value) -> Option<Value> {
    let pointer = path.replace("[", ".").replace("]", "").replace("..", ".").replace('.', "/");
    let mut payload = payload.clone();
    *payload.pointer_mut(pointer.trim_end_matches('/'))? = new;
    Some(payload)
}

fn related(a: &str, b: &str) -> bool {
    let inside = |whole: &str, part: &str| {
        whole == "."
            || part.strip_prefix(whole).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    };
    inside(a, b) || inside(b, a)
}

fn others() -> [Value; 4] {
    [json!(null), json!("zz9"), json!("19990203"), json!({"x": "1"})]
}

fn explained(mapping: &Mapping, payload: &Value) -> Trace {
    mapping.explain_json(payload.to_string().as_bytes(), &crate::ctx()).unwrap().showing_values()
}

#[test]
fn what_is_not_cited_of_a_payload_has_no_influence() {
    let (mut changes, mut kept) = (0, 0);
    for (name, mapping, given) in mappings() {
        if mapping.direction() != Direction::JsonToHl7 {
            continue;
        }
        for payload in given.iter().filter(|payload| payload.is_object()) {
            let before = explained(&mapping, payload);
            let before = keyed(&before);
            let mut paths = Vec::new();
            leaves(payload, ".", &mut paths);
            for (path, new) in
                paths.iter().flat_map(|path| [json!(null), json!("zz9")].map(|new| (path, new)))
            {
                let Some(changed) = with(payload, path, new) else { continue };
                let after = explained(&mapping, &changed);
                let after = keyed(&after);
                changes += 1;
                for (key, field) in before.iter().filter(|(_, field)| !counts(field)) {
                    if field.inputs().any(|input| related(input.path(), path)) {
                        continue;
                    }
                    kept += 1;
                    assert_eq!(
                        state(Some(field)),
                        state(after.get(key)),
                        "{name}: {path} changes {key:?}: {field}"
                    );
                }
            }
        }
    }
    assert!(changes > 500 && kept > 5_000, "{changes} {kept}");
}

#[test]
fn what_is_cited_of_a_payload_has_influence() {
    let mut cited = 0;
    for (name, mapping, given) in mappings() {
        if mapping.direction() != Direction::JsonToHl7 {
            continue;
        }
        for payload in given.iter().filter(|payload| payload.is_object()) {
            let trace = explained(&mapping, payload);
            for (key, field) in keyed(&trace).iter().filter(|(_, field)| field.outcome().is_there()) {
                let of_value =
                    field.inputs().filter(|input| input.role() == Role::Value && input.is_present());
                for input in of_value {
                    let changed: Vec<Value> =
                        others().into_iter().filter_map(|new| with(payload, input.path(), new)).collect();
                    if changed.is_empty() {
                        continue;
                    }
                    cited += 1;
                    let moved = changed.iter().any(|changed| {
                        let after = explained(&mapping, changed);
                        state(Some(field)) != state(keyed(&after).get(key))
                    });
                    assert!(moved, "{name}: {} does not change {key:?}: {field}", input.path());
                }
            }
        }
    }
    assert!(cited > 100, "{cited}");
}

/// A field of a message that an input is in: its segment, which of them where that is known, and its number.
type Cited = (String, Option<usize>, Option<usize>);

fn cited_by(field: &TracedField) -> Vec<Cited> {
    let cited = field.inputs().map(|input| {
        let (segment, rest) = input.path().split_once('-').unwrap_or((input.path(), ""));
        let (id, nth) = segment.split_once('[').unwrap_or((segment, ""));
        let number = rest.split(['[', '.']).next().unwrap_or_default();
        (id.to_owned(), nth.trim_end_matches(']').parse().ok(), number.parse().ok())
    });
    cited.collect()
}

fn cites(cited: &[Cited], place: (&str, usize, usize)) -> bool {
    cited.iter().any(|(id, nth, field)| {
        id == place.0 && nth.is_none_or(|nth| nth == place.1) && field.is_none_or(|field| field == place.2)
    })
}

#[test]
fn of_a_message_what_is_not_cited_has_no_influence_and_what_is_cited_has() {
    let (mut kept, mut cited) = (0, 0);
    for (name, mapping, given) in mappings() {
        if mapping.direction() == Direction::JsonToHl7 {
            continue;
        }
        for given in given.iter().filter_map(|given| given.as_str()) {
            let text: String = given
                .split(['\r', '\n'])
                .filter(|line| !line.is_empty())
                .map(|line| format!("{line}\r"))
                .collect();
            let message = Message::parse(&text).unwrap();
            let trace = mapping.explain_hl7(&message, &crate::ctx()).unwrap().showing_values();
            let before = keyed(&trace);
            let cited_inputs: Vec<Vec<Cited>> = before.values().map(|field| cited_by(field)).collect();
            let mut moved: BTreeMap<&Key, bool> = BTreeMap::new();
            let mut counts = BTreeMap::<String, usize>::new();
            for segment in message.iter() {
                let id = segment.id().to_owned();
                let nth = *counts.entry(id.clone()).and_modify(|n| *n += 1).or_insert(1);
                let fields = segment.fields().count();
                for field in (1..=fields).filter(|field| id != "MSH" || *field > 2) {
                    let path: Path = format!("{id}[{nth}]-{field}").parse().unwrap();
                    for raw in ["", "a^b^c~d"] {
                        let mut changed = message.clone().into_owned();
                        if changed.set_raw(&path, raw).is_err() {
                            continue;
                        }
                        let after = mapping.explain_hl7(&changed, &crate::ctx()).unwrap().showing_values();
                        // Another message is not accepted, or dropped, as a whole.
                        if after.fields().len() == 0 {
                            continue;
                        }
                        let after = keyed(&after);
                        for ((key, traced), cited) in before.iter().zip(&cited_inputs) {
                            let same = state(Some(traced)) == state(after.get(key));
                            if cites(cited, (&id, nth, field)) {
                                *moved.entry(key).or_default() |= !same;
                            } else {
                                kept += 1;
                                assert!(same, "{name}: {path} = {raw} changes {key:?}: {traced}");
                            }
                        }
                    }
                }
            }
            for (key, moved) in moved {
                let field = before[key];
                let reads = field.inputs().any(|input| input.role() == Role::Value && input.is_present());
                if field.outcome() == Outcome::Written && reads {
                    cited += 1;
                    assert!(moved, "{name}: nothing that is cited changes {key:?}: {field}");
                }
            }
        }
    }
    assert!(kept > 1_000 && cited > 20, "{kept} {cited}");
}

const CANARY: &str = "zqCANARYqz";

fn poisoned(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            members.iter().map(|(name, inner)| (name.clone(), poisoned(inner))).collect()
        }
        Value::Array(items) => items.iter().map(poisoned).collect(),
        Value::String(_) | Value::Number(_) => json!(CANARY),
        other => other.clone(),
    }
}

/// Whatever a trace that keeps values back says.
fn said(trace: &Trace) -> String {
    let mut said = format!("{trace}{trace:?}{}{:?}", trace.to_json(), trace.refused());
    for field in trace.fields() {
        said.push_str(&format!("{field}{field:?}{:?}", field.value()));
        field
            .inputs()
            .for_each(|input| said.push_str(&format!("{input:?}{:?}{}", input.value(), input.path())));
        field.steps().for_each(|step| said.push_str(&format!("{step:?}{:?}{}", step.value(), step.name())));
    }
    said
}

#[test]
fn a_trace_keeps_values_back_until_they_are_asked_for() {
    let (mut traces, mut shown) = (0, 0);
    for (name, mapping, given) in mappings() {
        for given in &given {
            let trace = match given {
                Value::String(text) => {
                    let mut text: String = text
                        .split(['\r', '\n'])
                        .filter(|l| !l.is_empty())
                        .map(|l| format!("{l}\r"))
                        .collect();
                    text = text.replace('|', &format!("|{CANARY}&")).replacen(
                        &format!("|{CANARY}&^~"),
                        "|^~",
                        1,
                    );
                    let Ok(message) = Message::parse(&text) else { continue };
                    mapping.explain_hl7(&message, &crate::ctx()).unwrap()
                }
                payload => {
                    mapping.explain_json(poisoned(payload).to_string().as_bytes(), &crate::ctx()).unwrap()
                }
            };
            traces += 1;
            assert!(!said(&trace).contains("CANARY"), "{name}: {}", said(&trace));
            shown += usize::from(said(&trace.showing_values()).contains("CANARY"));
        }
    }
    assert!(traces > 40 && shown > 25, "{traces} {shown}");
}

#[test]
fn a_trace_says_why_a_field_is_absent() {
    let mapping = Mapping::from_yaml(
        r#"map: m
from: json
to: { hl7: "2.5.1", message: ADT^A08 }
tables: { sex: { map: { f: F }, on_miss: drop }, class: { map: { i: I }, on_miss: U } }
emit:
  PID:
    3: .mrn
    5: { name: { family: .last, given: .first } }
    7: { when: .born, value: .born | date }
    8: .sex | table sex
    10: .race | digits
    13: { each: .phones, filter: .use == home, value: .no }
  PV1: { 2: .class | table class }
  NK1: { 2: .kin, 3: FTH }
"#,
    )
    .unwrap();
    let payload = json!({ "mrn": "7", "last": "Doe", "sex": "x", "race": "abc", "class": "q", "phones": [{ "use": "work", "no": "1" }] });
    let trace = explained(&mapping, &payload);
    let told: Vec<_> = trace
        .fields()
        .map(|f| (f.place(), f.line(), f.outcome()))
        .filter(|f| f.2 != Outcome::FilledIn)
        .collect();
    assert_eq!(
        told,
        [
            ("PID-3", 7, Outcome::Written),
            ("PID-5.1", 8, Outcome::Written),
            ("PID-5.2", 8, Outcome::Missing),
            ("PID-7", 9, Outcome::ConditionFalse),
            ("PID-8", 10, Outcome::TableMiss),
            ("PID-10", 11, Outcome::NothingLeft),
            ("PID-13", 12, Outcome::Filtered),
            ("NK1-1", 14, Outcome::NothingBeside),
            ("NK1-2", 14, Outcome::Missing),
            ("NK1-3", 14, Outcome::NothingBeside),
            ("PV1-2", 13, Outcome::Written),
        ]
    );
    assert_eq!(
        trace.of_field("PV1").to_json(),
        r#"{"fields":[{"line":13,"place":"PV1-1","outcome":"filled in","value":"1","inputs":[],"steps":[]},{"line":13,"place":"PV1-2","outcome":"written","value":"U","inputs":[{"present":true,"path":".class","role":"value","value":"q"}],"steps":[{"name":"table class (no entry: its on_miss)","value":"U"}]}]}"#
    );
}
