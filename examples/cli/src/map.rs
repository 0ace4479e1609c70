//! `hl7 map`: apply, check and test mapping files.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use hl7_map::{ApplyError, Context, Mapping, TestReport};

use crate::failure::Failure;
use crate::input;
use crate::output;

fn load(file: &Path) -> Result<Mapping, Failure> {
    let text = input::text(file)?;
    Mapping::from_yaml(&text)
        .map_err(|errors| Failure::mistake(errors.render(&file.display().to_string(), &text)))
}

pub(crate) fn apply(
    mapping: &Path,
    payload: Option<&Path>,
    control_id: Option<String>,
    lines: bool,
) -> Result<(), Failure> {
    let mapping = load(mapping)?;
    let bytes = input::bytes(payload)?;
    let control_id = match control_id {
        Some(id) => id,
        None => random_id()?,
    };
    let context = Context::new(control_id, SystemTime::now());
    let message =
        mapping.apply_json(&bytes, &context).map_err(|error| refused(&error, &input::name(payload)))?;
    let wire = message.to_wire().map_err(|why| Failure::mistake(format!("error: {why}")))?;
    output::write(&if lines { output::as_lines(&wire) } else { wire })
}

fn random_id() -> Result<String, Failure> {
    let mut bytes = [0; 10];
    getrandom::fill(&mut bytes).map_err(|why| Failure::outside(format!("error: no random bytes: {why}")))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn refused(error: &ApplyError, name: &str) -> Failure {
    let mut text = format!("error: {name}: {error}\n");
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
    Failure::mistake(text)
}

pub(crate) fn check(files: &[PathBuf]) -> Result<(), Failure> {
    let mut mistakes = String::new();
    for file in files {
        match load(file) {
            Ok(mapping) => {
                say(format!("{}: {} has no mistakes", file.display(), mapping.name()))?;
                for warning in mapping.warnings().iter() {
                    say(format!("{}:{}:{}: {warning}", file.display(), warning.line(), warning.column()))?;
                }
            }
            Err(failure) => mistakes.push_str(failure.text()),
        }
    }
    if mistakes.is_empty() { Ok(()) } else { Err(Failure::mistake(mistakes)) }
}

pub(crate) fn test(files: &[PathBuf]) -> Result<(), Failure> {
    let mut failed = 0;
    for file in files {
        let report = load(file)?.run_tests();
        failed += report.failed();
        say(format!("{}: {} passed, {} failed", file.display(), report.passed(), report.failed()))?;
        show_failures(&report)?;
    }
    if failed == 0 { Ok(()) } else { Err(Failure::told()) }
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
    output::write(format!("{}\n", output::one_line(&line)).as_bytes())
}
