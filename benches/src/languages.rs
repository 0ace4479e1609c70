//! The demo's mapping in languages that a program can embed: each reads the JSON by its own means, and each makes the same message.

use std::sync::Arc;

use hl7_core::{Delimiters, escape};
use jaq_core::load::{Arena, File, Loader};
use jaq_core::{Compiler, Ctx, Vars, data, unwrap_valr};
use jaq_json::Val;

use crate::mapping::{control_id, timestamp};

fn er7(text: &str) -> String {
    escape(text, &Delimiters::default()).into_owned()
}

/// JavaScript in QuickJS. SHA-256 is the program's.
const SCRIPT: &str = r#"
const kinds = { MRN: "MR", SSN: "SS" }, sexes = { female: "F", male: "M" }, classes = { outpatient: "O" };
const marks = { "|": "\\F\\", "^": "\\S\\", "~": "\\R\\", "\\": "\\E\\", "&": "\\T\\" };
const e = text => text.replace(/[|^~\\&]/g, mark => marks[mark]);
const digits = text => text.replace(/\D/g, "");
const moment = text => digits(text.slice(0, 19)) + text.slice(19).replace(":", "");
function map(payload) {
    const p = JSON.parse(payload), at = moment(p.at), { patient, visit } = p, { home } = patient, { doctor } = visit;
    const ids = patient.ids.map(id => `${e(id.value)}^^^${e(id.issuer)}^${e(kinds[id.kind] ?? id.kind)}`).join("~");
    const phones = patient.phones.filter(phone => phone.use == "home").map(phone => `${digits(phone.number)}^PRN^PH`);
    if (patient.email) phones.push(`^NET^Internet^${e(patient.email)}`);
    const marital = patient.marital === null ? '""' : e(patient.marital);
    return `MSH|^~\\&|CRM|NORTH|EHR|NORTH|${at}||ADT^A08^ADT_A01|${controlId(p.event)}|P|2.5.1||||||UNICODE UTF-8\r` +
        `EVN||${at}\r` +
        `PID|1||${ids}||${e(patient.family)}^${e(patient.given)}||${digits(patient.born)}|${sexes[patient.gender]}|||` +
        `${e(home.street)}^^${e(home.city)}^${e(home.state.toUpperCase())}^${e(home.zip)}||${phones.join("~")}|||${marital}\r` +
        `PV1|1|${classes[visit.class] ?? "U"}|${e(visit.unit)}^${e(visit.room)}^${e(visit.bed)}||||` +
        `${e(doctor.id)}^${e(doctor.family)}^${e(doctor.given)}|||||||||||||||||||||||||||||||||||||${moment(visit.admitted)}\r`;
}
"#;

pub struct Script {
    context: rquickjs::Context,
}

impl Script {
    pub fn new() -> Option<Self> {
        let context = rquickjs::Context::full(&rquickjs::Runtime::new().ok()?).ok()?;
        context
            .with(|js| {
                let control_id = rquickjs::Function::new(js.clone(), |event: String| control_id(&event))?;
                js.globals().set("controlId", control_id)?;
                js.eval::<(), _>(SCRIPT)
            })
            .ok()?;
        Some(Self { context })
    }

    pub fn map(&self, payload: &str) -> Option<String> {
        self.context.with(|js| {
            let map: rquickjs::Function = js.globals().get("map").ok()?;
            map.call((payload,)).ok()
        })
    }
}

/// The Common Expression Language. It has no functions on texts of this kind: they are the program's.
const EXPRESSION: &str = r#"
"MSH|^~\\&|CRM|NORTH|EHR|NORTH|" + moment(p.at) + "||ADT^A08^ADT_A01|" + control_id(p.event) + "|P|2.5.1||||||UNICODE UTF-8\r" +
"EVN||" + moment(p.at) + "\r" +
"PID|1||" + joined(p.patient.ids.map(id, er7(id.value) + "^^^" + er7(id.issuer) + "^" + er7(id.kind in kinds ? kinds[id.kind] : id.kind))) +
"||" + er7(p.patient.family) + "^" + er7(p.patient.given) + "||" + digits(p.patient.born) + "|" + sexes[p.patient.gender] + "|||" +
er7(p.patient.home.street) + "^^" + er7(p.patient.home.city) + "^" + er7(upper(p.patient.home.state)) + "^" + er7(p.patient.home.zip) + "||" +
joined(p.patient.phones.filter(phone, phone.use == "home").map(phone, digits(phone.number) + "^PRN^PH") +
    (has(p.patient.email) ? ["^NET^Internet^" + er7(p.patient.email)] : [])) +
"|||" + (p.patient.marital == null ? "\"\"" : er7(p.patient.marital)) + "\r" +
"PV1|1|" + (p.visit.class in classes ? classes[p.visit.class] : "U") + "|" + er7(p.visit.unit) + "^" + er7(p.visit.room) + "^" + er7(p.visit.bed) +
"||||" + er7(p.visit.doctor.id) + "^" + er7(p.visit.doctor.family) + "^" + er7(p.visit.doctor.given) +
"|||||||||||||||||||||||||||||||||||||" + moment(p.visit.admitted) + "\r"
"#;

pub struct Expression {
    program: cel::Program,
    context: cel::Context<'static, 'static>,
}

impl Expression {
    pub fn new() -> Option<Self> {
        let env = Arc::new(cel::Env::stdlib());
        let program = env.compile(EXPRESSION).ok()?;
        let mut context = cel::Context::with_env(env);
        context.add_function("moment", |text: Arc<String>| timestamp(&text)).ok()?;
        context.add_function("control_id", |text: Arc<String>| control_id(&text)).ok()?;
        context.add_function("er7", |text: Arc<String>| er7(&text)).ok()?;
        context.add_function("upper", |text: Arc<String>| text.to_uppercase()).ok()?;
        let digits = |text: Arc<String>| text.chars().filter(char::is_ascii_digit).collect::<String>();
        context.add_function("digits", digits).ok()?;
        context.add_function("joined", |texts: Arc<Vec<cel::Value>>| joined(&texts)).ok()?;
        for (name, rows) in [
            ("kinds", &[("MRN", "MR"), ("SSN", "SS")][..]),
            ("sexes", &[("female", "F"), ("male", "M")]),
            ("classes", &[("outpatient", "O")]),
        ] {
            let rows: std::collections::BTreeMap<_, _> = rows.iter().copied().collect();
            context.add_variable(name, rows).ok()?;
        }
        Some(Self { program, context })
    }

    pub fn map(&self, payload: &str) -> Option<String> {
        let values: serde_json::Value = serde_json::from_str(payload).ok()?;
        let mut context = self.context.new_inner_scope();
        context.add_variable("p", values).ok()?;
        match self.program.execute(&context).ok()? {
            cel::Value::String(text) => Some(text.to_string()),
            _ => None,
        }
    }
}

fn joined(texts: &[cel::Value]) -> String {
    let texts = texts.iter().filter_map(|text| match text {
        cel::Value::String(text) => Some(text.as_str()),
        _ => None,
    });
    texts.collect::<Vec<_>>().join("~")
}

/// jq in jaq. It has no SHA-256: the control ID comes from outside.
const FILTER: &str = r#"
def e: gsub("(?<mark>[|^~\\\\&])"; {"|": "\\F\\", "^": "\\S\\", "~": "\\R\\", "\\": "\\E\\", "&": "\\T\\"}[.mark]);
def digits: gsub("[^0-9]"; "");
def moment: (.[:19] | digits) + (.[19:] | sub(":"; ""));
{MRN: "MR", SSN: "SS"} as $kinds | {female: "F", male: "M"} as $sexes | {outpatient: "O"} as $classes |
(.at | moment) as $at | .patient as $p | .visit as $v |
"MSH|^~\\&|CRM|NORTH|EHR|NORTH|\($at)||ADT^A08^ADT_A01|\($id)|P|2.5.1||||||UNICODE UTF-8\r" +
"EVN||\($at)\r" +
"PID|1||\([$p.ids[] | "\(.value | e)^^^\(.issuer | e)^\($kinds[.kind] // .kind | e)"] | join("~"))" +
"||\($p.family | e)^\($p.given | e)||\($p.born | digits)|\($sexes[$p.gender])|||" +
"\($p.home.street | e)^^\($p.home.city | e)^\($p.home.state | ascii_upcase | e)^\($p.home.zip | e)||" +
"\([($p.phones[] | select(.use == "home") | "\(.number | digits)^PRN^PH"), ($p.email // empty | "^NET^Internet^\(e)")] | join("~"))" +
"|||\(if $p.marital == null then "\"\"" else $p.marital | e end)\r" +
"PV1|1|\($classes[$v.class] // "U")|\($v.unit | e)^\($v.room | e)^\($v.bed | e)||||" +
"\($v.doctor.id | e)^\($v.doctor.family | e)^\($v.doctor.given | e)|||||||||||||||||||||||||||||||||||||\($v.admitted | moment)\r"
"#;

pub struct Filter(jaq_core::Filter<data::JustLut<Val>>);

impl Filter {
    pub fn new() -> Option<Self> {
        let defs = jaq_core::defs().chain(jaq_std::defs()).chain(jaq_json::defs());
        let funs = jaq_core::funs().chain(jaq_std::funs()).chain(jaq_json::funs());
        let (loader, arena) = (Loader::new(defs), Arena::default());
        let modules = loader.load(&arena, File { code: FILTER, path: () }).ok()?;
        Compiler::default().with_funs(funs).with_global_vars(["$id"]).compile(modules).ok().map(Self)
    }

    pub fn map(&self, payload: &str, event: &str) -> Option<String> {
        let input = jaq_json::read::parse_single(payload.as_bytes()).ok()?;
        let ctx = Ctx::<data::JustLut<Val>>::new(&self.0.lut, Vars::new([Val::from(control_id(event))]));
        match self.0.id.run((ctx, input)).map(unwrap_valr).next()?.ok()? {
            Val::TStr(text) => String::from_utf8(text.to_vec()).ok(),
            _ => None,
        }
    }
}
