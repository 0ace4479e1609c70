//! `hl7 map`: apply, check, test and explain mapping files, and what they take.

use std::path::{Component, Path, PathBuf};
use std::time::SystemTime;

use hl7_core::Message;
use hl7_map::{Applied, ApplyError, Context, Direction, Mapping, Sources, TestReport, Trace};

use crate::failure::Failure;
use crate::input::{self, Source};
use crate::output;
use crate::visible;

/// The files beside a mapping, which it may name without leaving its folder.
struct Folder<'f>(&'f Path);

impl Sources for Folder<'_> {
    fn file(&self, name: &str) -> Option<String> {
        let inside = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
        inside.then(|| input::text(&self.0.join(name)).ok()).flatten()
    }
}

fn load(file: &Path) -> Result<Mapping, Failure> {
    let text = input::text(file)?;
    let folder = Folder(file.parent().unwrap_or(Path::new("")));
    let name = file.display();
    Mapping::load(&text, &folder).map_err(|errors| {
        if !is_data(&text) {
            return Failure::mistake(errors.render(&name.to_string(), &text));
        }
        Failure::mistake(format!(
            "error: {name} is no mapping file but JSON or a message, of which nothing is shown here; the mapping file comes first"
        ))
    })
}

/// Whether a file that does not load is a payload or a message in place of a mapping, so that its lines are not to be shown.
fn is_data(text: &str) -> bool {
    let text = text.trim_start_matches('\u{feff}').trim_start();
    // A mapping may be written as JSON too.
    let has = |key: &str| text.contains(&format!("{key}:")) || text.contains(&format!("\"{key}\""));
    let is_message = ["MSH", "FHS", "BHS"].into_iter().any(|id| text.starts_with(id));
    is_message || (text.starts_with(['{', '[', '"']) && !(has("map") && has("from") && has("to")))
}

/// A payload, without a byte order mark (RFC 8259, section 8.1).
fn payload(file: Option<&Path>) -> Result<Vec<u8>, Failure> {
    let mut bytes = input::bytes(file)?;
    if bytes.starts_with(b"\xEF\xBB\xBF") {
        bytes.drain(..3);
    }
    Ok(bytes)
}

pub(crate) fn apply(
    mapping: &Path,
    source: &Source,
    control_id: Option<String>,
    lines: bool,
) -> Result<(), Failure> {
    let mapping = load(mapping)?;
    if mapping.direction() != Direction::JsonToHl7 {
        return apply_to_messages(&mapping, source, lines);
    }
    let file = source.file.as_deref();
    let bytes = payload(file)?;
    let control_id = match control_id {
        Some(id) => id,
        None => random_id()?,
    };
    let context = Context::new(control_id, SystemTime::now());
    let message =
        mapping.apply_json(&bytes, &context).map_err(|error| refused(&error, &input::name(file)))?;
    write_message(&message, lines)
}

/// Every message of the input; a message that the mapping drops is told and the others go on.
fn apply_to_messages(mapping: &Mapping, source: &Source, lines: bool) -> Result<(), Failure> {
    let context = Context::new("", SystemTime::now());
    let mut dropped = Vec::new();
    input::each_message(source, |message| {
        match mapping.apply_hl7(message, &context) {
            Ok(Applied::Message(changed)) => write_message(&changed, lines)?,
            Ok(Applied::Json(json)) => output::write(format!("{json}\n").as_bytes())?,
            Ok(Applied::Dropped { reason }) => dropped.push(Failure::no(format!("dropped: {reason}"))),
            Ok(_) => {}
            Err(error) => return Err(refused(&error, &input::name(source.file.as_deref()))),
        }
        Ok(())
    })?;
    Failure::all(dropped)
}

/// What of a trace is shown, and how.
pub(crate) struct Told {
    pub(crate) field: Option<String>,
    pub(crate) show_values: bool,
    pub(crate) json: bool,
}

/// Where each field comes from. What is refused is explained all the same, and told at the end.
pub(crate) fn explain(mapping: &Path, source: &Source, told: &Told) -> Result<(), Failure> {
    let mapping = load(mapping)?;
    let name = input::name(source.file.as_deref());
    let context = Context::new("EXPLAINED", SystemTime::now());
    if mapping.direction() == Direction::JsonToHl7 {
        let bytes = payload(source.file.as_deref())?;
        let trace = mapping.explain_json(&bytes, &context).map_err(|error| refused(&error, &name))?;
        return show(trace, told, &name);
    }
    input::each_message(source, |message| {
        let trace = mapping.explain_hl7(message, &context).map_err(|error| refused(&error, &name))?;
        show(trace, told, &name)
    })
}

fn show(trace: Trace, told: &Told, name: &str) -> Result<(), Failure> {
    let refusal = trace.refused().map(|error| refused(error, name));
    let trace = if told.show_values { trace.showing_values() } else { trace };
    let trace = match &told.field {
        Some(field) => trace.of_field(field),
        None => trace,
    };
    if let (Some(field), 0, None) = (&told.field, trace.fields().len(), &refusal) {
        return Err(Failure::no(format!(
            "nothing to explain at {field}: the mapping has no rule for it, or a loop around the rule has no item"
        )));
    }
    if told.json {
        output::write(format!("{}\n", trace.to_json()).as_bytes())?;
    } else {
        trace.fields().try_for_each(|field| output::write_lines(&field.to_string()))?;
        trace.dropped().map_or(Ok(()), |reason| say(format!("dropped: {reason}")))?;
    }
    refusal.map_or(Ok(()), Err)
}

/// The schema of mapping files.
pub(crate) fn schema(version: &str) -> Result<(), Failure> {
    match hl7_map::mapping_schema(version) {
        Some(schema) => output::write(format!("{schema}\n").as_bytes()),
        None => Err(Failure::mistake(format!(
            "error: there is no HL7 version {version}; there are {}",
            hl7_core::dictionary::Version::ALL.map(|version| version.number()).join(", ")
        ))),
    }
}

/// A payload that the mapping takes, or its schema.
pub(crate) fn sample_body(file: &Path, schema: bool) -> Result<(), Failure> {
    let mapping = load(file)?;
    let body = if schema { mapping.payload_schema() } else { mapping.sample_payload() };
    let Some(body) = body else {
        return Err(Failure::mistake(format!("error: {} reads messages, not JSON", file.display())));
    };
    output::write(format!("{body}\n").as_bytes())
}

fn write_message(message: &Message<'_>, lines: bool) -> Result<(), Failure> {
    let wire = message.to_wire().map_err(|why| Failure::mistake(format!("error: {why}")))?;
    output::write(&if lines { output::as_lines(&wire) } else { wire })
}

fn random_id() -> Result<String, Failure> {
    let mut bytes = [0; 10];
    getrandom::fill(&mut bytes).map_err(|why| Failure::outside(format!("error: no random bytes: {why}")))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The refusals a line each, or the one reason there is.
fn refused(error: &ApplyError, name: &str) -> Failure {
    if error.iter().len() == 0 {
        return Failure::mistake(format!("error: {name}: {error}"));
    }
    let mut text = format!("error: {name}: what comes in is refused\n");
    for refusal in error.iter() {
        text.push_str(&format!("  {}", refusal.code()));
        for place in [refusal.path(), refusal.source()].into_iter().flatten() {
            text.push_str(&format!(" {place}"));
        }
        text.push_str(&format!(": {}", refusal.message()));
        if let Some(suggestion) = refusal.suggestion() {
            text.push_str(&format!("; {suggestion}"));
        }
        text.push('\n');
    }
    if error.unlisted() > 0 {
        text.push_str(&format!("  and {} more\n", error.unlisted()));
    }
    Failure::mistake(text)
}

pub(crate) fn check(files: &[PathBuf]) -> Result<(), Failure> {
    each_mapping(files, |file, mapping| {
        say(format!("{}: {} has no mistakes", file.display(), mapping.name()))?;
        for warning in mapping.warnings().iter() {
            say(format!("{}:{}:{}: {warning}", file.display(), warning.line(), warning.column()))?;
        }
        Ok(true)
    })
}

pub(crate) fn test(files: &[PathBuf]) -> Result<(), Failure> {
    each_mapping(files, |file, mapping| {
        let report = mapping.run_tests();
        say(format!("{}: {} passed, {} failed", file.display(), report.passed(), report.failed()))?;
        show_failures(&report)?;
        Ok(report.failed() == 0)
    })
}

/// Looks at every mapping, also behind one that does not load; `look` says whether it passes.
///
/// # Errors
/// When one does not load or pass: the worst of it.
fn each_mapping(
    files: &[PathBuf],
    mut look: impl FnMut(&Path, &Mapping) -> Result<bool, Failure>,
) -> Result<(), Failure> {
    let outcomes = files.iter().map(|file| load(file).and_then(|mapping| look(file, &mapping)));
    let failures = outcomes.filter_map(|outcome| match outcome {
        Ok(true) => None,
        Ok(false) => Some(Failure::told()),
        Err(failure) => Some(failure),
    });
    Failure::all(failures.collect())
}

fn show_failures(report: &TestReport) -> Result<(), Failure> {
    for case in report.cases().filter(|case| !case.passed()) {
        say(format!("  {}", case.name()))?;
        if let Some(error) = case.error() {
            say(format!("    {error}"))?;
        }
        for difference in case.differences() {
            say(format!("    {}", difference.path()))?;
            say(format!("      want {}", difference.want()))?;
            say(format!("      got  {}", difference.got()))?;
        }
    }
    Ok(())
}

/// A line for a terminal, which obeys nothing that stands in it.
fn say(line: String) -> Result<(), Failure> {
    output::write(format!("{}\n", visible::one_line(&line)).as_bytes())
}
