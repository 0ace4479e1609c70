//! The demo's mapping beside what a hand writes for the same payload with typed serde_json.

use std::fmt::Write as _;
use std::hint::black_box;
use std::time::{Instant, SystemTime};

use hl7_core::{Delimiters, escape};
use hl7_map::{Context, Mapping};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use crate::languages::{Expression, Filter, Script};
use crate::measure::{compare, contender};

const MAPPING: &str = include_str!("../../examples/gateway/demo/crm-to-adt.yaml");
const PAYLOAD: &str = include_str!("../../examples/gateway/demo/payload.json");

/// What the payload has at `.event`.
const EVENT: &str = "crm-2026-000417";

#[derive(Deserialize)]
struct Payload<'p> {
    event: &'p str,
    at: &'p str,
    patient: Patient<'p>,
    visit: Visit<'p>,
}

#[derive(Deserialize)]
struct Patient<'p> {
    #[serde(borrow)]
    ids: Vec<Identifier<'p>>,
    family: &'p str,
    given: &'p str,
    born: &'p str,
    gender: &'p str,
    home: Home<'p>,
    phones: Vec<Phone<'p>>,
    email: Option<&'p str>,
    marital: Option<&'p str>,
}

#[derive(Deserialize)]
struct Identifier<'p> {
    kind: &'p str,
    value: &'p str,
    issuer: &'p str,
}

#[derive(Deserialize)]
struct Home<'p> {
    street: &'p str,
    city: &'p str,
    state: &'p str,
    zip: &'p str,
}

#[derive(Deserialize)]
struct Phone<'p> {
    #[serde(rename = "use")]
    kind: &'p str,
    number: &'p str,
}

#[derive(Deserialize)]
struct Visit<'p> {
    class: &'p str,
    unit: &'p str,
    room: &'p str,
    bed: &'p str,
    #[serde(borrow)]
    doctor: Doctor<'p>,
    admitted: &'p str,
}

#[derive(Deserialize)]
struct Doctor<'p> {
    id: &'p str,
    family: &'p str,
    given: &'p str,
}

pub fn timestamp(text: &str) -> String {
    let digits: String = text[..19].bytes().filter(u8::is_ascii_digit).map(char::from).collect();
    format!("{digits}{}", text[19..].replace(':', ""))
}

/// The first twenty hexadecimal digits of a text's SHA-256.
pub fn control_id(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().take(10).fold(String::with_capacity(20), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

fn by_hand(payload: &str) -> String {
    let Ok(p) = serde_json::from_str::<Payload<'_>>(payload) else { return String::new() };
    let d = Delimiters::default();
    let e = |text| escape(text, &d);
    let (at, id) = (timestamp(p.at), control_id(p.event));
    let mut out = String::with_capacity(1024);
    let _ = write!(
        out,
        "MSH|^~\\&|CRM|NORTH|EHR|NORTH|{at}||ADT^A08^ADT_A01|{id}|P|2.5.1||||||UNICODE UTF-8\rEVN||{at}\rPID|1||"
    );
    for (n, id) in p.patient.ids.iter().enumerate() {
        let kind = match id.kind {
            "MRN" => "MR",
            "SSN" => "SS",
            other => other,
        };
        let mark = if n > 0 { "~" } else { "" };
        let _ = write!(out, "{mark}{}^^^{}^{}", e(id.value), e(id.issuer), e(kind));
    }
    let sex = if p.patient.gender == "female" { "F" } else { "M" };
    let born: String = p.patient.born.chars().filter(char::is_ascii_digit).collect();
    let home = &p.patient.home;
    let _ = write!(out, "||{}^{}||{born}|{sex}|||", e(p.patient.family), e(p.patient.given));
    let state = home.state.to_uppercase();
    let _ = write!(out, "{}^^{}^{}^{}||", e(home.street), e(home.city), e(&state), e(home.zip));
    for phone in p.patient.phones.iter().filter(|phone| phone.kind == "home") {
        let digits: String = phone.number.chars().filter(char::is_ascii_digit).collect();
        let _ = write!(out, "{digits}^PRN^PH");
    }
    if let Some(email) = p.patient.email {
        let _ = write!(out, "~^NET^Internet^{}", e(email));
    }
    let _ = write!(out, "|||{}", p.patient.marital.map_or("\"\"".into(), e));
    let v = &p.visit;
    let class = if v.class == "outpatient" { "O" } else { "U" };
    let _ = write!(out, "\rPV1|1|{class}|{}^{}^{}||||", e(v.unit), e(v.room), e(v.bed));
    let _ = write!(
        out,
        "{}^{}^{}|||||||||||||||||||||||||||||||||||||",
        e(v.doctor.id),
        e(v.doctor.family),
        e(v.doctor.given)
    );
    let _ = write!(out, "{}\r", timestamp(v.admitted));
    out
}

/// The same in a template language, over the values of a JSON reader.
const TEMPLATE: &str = r#"MSH|^~\&|CRM|NORTH|EHR|NORTH|{{ at | moment }}||ADT^A08^ADT_A01|{{ event | control_id }}|P|2.5.1||||||UNICODE UTF-8
EVN||{{ at | moment }}
PID|1||{% for id in patient.ids %}{% if not loop.first %}~{% endif %}{{ id.value | er7 }}^^^{{ id.issuer | er7 }}^{{ kinds[id.kind] or id.kind | er7 }}{% endfor %}||{{ patient.family | er7 }}^{{ patient.given | er7 }}||{{ patient.born | digits }}|{{ sexes[patient.gender] }}|||{{ patient.home.street | er7 }}^^{{ patient.home.city | er7 }}^{{ patient.home.state | upper | er7 }}^{{ patient.home.zip | er7 }}||{% for phone in patient.phones if phone.use == "home" %}{{ phone.number | digits }}^PRN^PH{% endfor %}{% if patient.email %}~^NET^Internet^{{ patient.email | er7 }}{% endif %}|||{% if patient.marital is none %}""{% else %}{{ patient.marital | er7 }}{% endif %}
PV1|1|{{ classes[visit.class] or "U" }}|{{ visit.unit | er7 }}^{{ visit.room | er7 }}^{{ visit.bed | er7 }}||||{{ visit.doctor.id | er7 }}^{{ visit.doctor.family | er7 }}^{{ visit.doctor.given | er7 }}|||||||||||||||||||||||||||||||||||||{{ visit.admitted | moment }}
"#;

fn templates() -> Option<minijinja::Environment<'static>> {
    let mut environment = minijinja::Environment::new();
    environment.set_keep_trailing_newline(true);
    environment.add_filter("moment", |text: &str| timestamp(text));
    environment.add_filter("control_id", |text: &str| control_id(text));
    environment.add_filter("er7", |text: &str| escape(text, &Delimiters::default()).into_owned());
    environment
        .add_filter("digits", |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>());
    environment.add_global(
        "kinds",
        minijinja::Value::from_serialize(
            [("MRN", "MR"), ("SSN", "SS")].into_iter().collect::<std::collections::BTreeMap<_, _>>(),
        ),
    );
    environment.add_global(
        "sexes",
        minijinja::Value::from_serialize(
            [("female", "F"), ("male", "M")].into_iter().collect::<std::collections::BTreeMap<_, _>>(),
        ),
    );
    environment.add_global(
        "classes",
        minijinja::Value::from_serialize(
            [("outpatient", "O")].into_iter().collect::<std::collections::BTreeMap<_, _>>(),
        ),
    );
    environment.add_template("adt", TEMPLATE).ok()?;
    Some(environment)
}

fn by_template(environment: &minijinja::Environment<'_>, payload: &str) -> Option<String> {
    let values: serde_json::Value = serde_json::from_str(payload).ok()?;
    environment.get_template("adt").ok()?.render(values).ok()
}

/// The best time of some runs, shared out.
fn best_each<R>(parts: usize, mut work: impl FnMut() -> R) -> f64 {
    let round = |work: &mut dyn FnMut() -> R| {
        let start = Instant::now();
        black_box(work());
        start.elapsed()
    };
    let best = (0..9).map(|_| round(&mut work)).min().unwrap_or_default();
    best.as_secs_f64() * 1e9 / parts as f64
}

const HEAD: &str = "map: m\nfrom: json\nto: { hl7: \"2.5.1\", message: ADT^A08 }\nsegments: { ZZZ: any }\n";

/// How the cost grows: with the items of a payload, and with the rules of a mapping.
fn growth() {
    let context = Context::new("m1", SystemTime::UNIX_EPOCH);
    println!("The cost of an item of the payload, applied (linear: the same on every line)");
    let looped = format!("{HEAD}emit:\n  ZZZ: {{ each: .items, 1: .name | upper, 2: .at | dtm }}\n");
    let Ok(looped) = Mapping::from_yaml(&looped) else { return };
    for items in [100, 1_000, 10_000] {
        let item = r#"{"name":"Doe","at":"2026-01-02T03:04:05Z"}"#;
        let payload = format!(r#"{{"items":[{}]}}"#, vec![item; items].join(","));
        let applied = || looped.apply_json(payload.as_bytes(), &context).map(|msg| msg.as_er7().len());
        assert!(applied().is_ok_and(|length| length > items * 20));
        println!("  {:<44} {:>8.1} ns", format!("{items} items"), best_each(items, applied));
    }
    println!("The cost of a rule, loaded and applied (linear up to the caches)");
    for rules in [100, 1_000, 9_000] {
        let text: String =
            (1..=rules).map(|n| format!("    {n}: .group{}.name{n} | upper\n", n % 30)).collect();
        let text = format!("{HEAD}emit:\n  ZZZ:\n{text}");
        let Ok(mapping) = Mapping::from_yaml(&text) else { return };
        let Some(payload) = mapping.sample_payload() else { return };
        let load = best_each(rules, || Mapping::from_yaml(&text).is_ok());
        let apply = best_each(rules, || mapping.apply_json(payload.as_bytes(), &context).is_ok());
        println!("  {:<44} {load:>8.1} ns {apply:>8.1} ns", format!("{rules} rules"));
    }
}

/// The mapping engine's bar, and how its cost grows.
pub fn run() {
    growth();
    let Ok(mapping) = Mapping::from_yaml(MAPPING) else { return };
    let context = Context::new("m1", SystemTime::UNIX_EPOCH);
    let apply = || mapping.apply_json(PAYLOAD.as_bytes(), &context);
    assert_eq!(apply().map(|msg| msg.as_er7().to_owned()).ok(), Some(by_hand(PAYLOAD)));
    let Some(environment) = templates() else { return };
    let (Some(script), Some(expression), Some(filter)) = (Script::new(), Expression::new(), Filter::new())
    else {
        return println!("mapping: a language does not take its program");
    };
    let made = [
        by_template(&environment, PAYLOAD).map(|text| text.replace('\n', "\r")),
        script.map(PAYLOAD),
        expression.map(PAYLOAD),
        filter.map(PAYLOAD, EVENT),
    ];
    for made in made {
        assert_eq!(made, Some(by_hand(PAYLOAD)));
    }
    compare(
        &format!("JSON of {} bytes to ADT^A08", PAYLOAD.len()),
        vec![
            contender("hl7-map", apply),
            contender("typed serde_json and a hand (bar 1.2x)", || by_hand(PAYLOAD)),
            contender("minijinja over serde_json::Value (bar 0.17x)", || by_template(&environment, PAYLOAD)),
            contender("QuickJS (rquickjs, bar 0.17x)", || script.map(PAYLOAD)),
            contender("jq (jaq, bar 0.17x)", || filter.map(PAYLOAD, EVENT)),
            contender("CEL over serde_json::Value (bar 0.17x)", || expression.map(PAYLOAD)),
            contender("serde_json::Value alone", || {
                serde_json::from_str::<serde_json::Value>(PAYLOAD).is_ok()
            }),
        ],
    );
}
