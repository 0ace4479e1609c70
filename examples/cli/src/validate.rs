//! `hl7 validate`: what the standard, and a profile, say against messages.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;
use hl7_core::dictionary::Version;
use hl7_core::{Finding, Findings, Level, Message, Profile, ProfileErrors, Validation, validate};
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::input::{self, Source};
use crate::output;
use crate::visible;

/// What is checked, and how it is told.
#[derive(Args)]
pub(crate) struct Validated {
    #[command(flatten)]
    source: Source,
    /// Check this level only; may be given several times. All when left out: syntax, structure, usage, cardinality, type, length, table, profile.
    #[arg(long, value_name = "LEVEL")]
    level: Vec<Level>,
    /// What a site or partner wants beside the standard: a file in YAML, or a conformance profile in XML. Of the latter what is left out is
    /// told on standard error.
    #[arg(long, value_name = "FILE")]
    profile: Option<PathBuf>,
    /// Which message of a conformance profile, by its ID; the only one when left out.
    #[arg(long, value_name = "ID", requires = "profile")]
    profile_message: Option<String>,
    /// The version of the standard, whatever MSH-12 states.
    #[arg(long, value_name = "VERSION", value_parser = version)]
    version: Option<Version>,
    /// How many findings are shown a message.
    #[arg(long, value_name = "FINDINGS", default_value_t = 100)]
    limit: usize,
    /// Show the values that findings are about, which may be a patient's.
    #[arg(long)]
    show_values: bool,
    /// A JSON object a message, one a line.
    #[arg(long)]
    json: bool,
}

pub(crate) fn version(text: &str) -> Result<Version, String> {
    let known = || Version::ALL.map(Version::number).join(", ");
    Version::of(text).ok_or_else(|| format!("no version of the standard; those are {}", known()))
}

pub(crate) fn run(validated: &Validated) -> Result<(), Failure> {
    let mut is_valid = true;
    let validation = validation(validated)?;
    input::each_message(&validated.source, |message| {
        let findings = validate(message, &validation);
        is_valid &= findings.is_valid();
        let shown = Shown { message, findings: &findings, values: validated.show_values };
        output::write_lines(&if validated.json { shown.json() } else { shown.text() })
    })?;
    if is_valid { Ok(()) } else { Err(Failure::told()) }
}

fn validation(validated: &Validated) -> Result<Validation, Failure> {
    let mut validation = Validation::new().limit(validated.limit);
    if let Some(version) = validated.version {
        validation = validation.version(version);
    }
    if let Some(file) = &validated.profile {
        validation = validation.profile(&profile(file, validated.profile_message.as_deref())?);
    }
    Ok(match validated.level.as_slice() {
        [] => validation,
        levels => validation.levels(levels.iter().copied()),
    })
}

fn profile(file: &Path, message: Option<&str>) -> Result<Profile, Failure> {
    let text = input::text(file)?;
    let shown = |errors: ProfileErrors| Failure::mistake(errors.render(&file.display().to_string(), &text));
    if !text.trim_start_matches('\u{feff}').trim_start().starts_with('<') {
        return Profile::from_yaml(&text).map_err(shown);
    }
    let read = Profile::from_conformance_xml(&text, message).map_err(shown)?;
    for left in &read.unmapped {
        output::tell(&format!("not checked: {} (line {})\n", left.what, left.line));
    }
    Ok(read.profile)
}

struct Shown<'m> {
    message: &'m Message<'m>,
    findings: &'m Findings,
    values: bool,
}

impl Shown<'_> {
    fn text(&self) -> String {
        let mut text = String::new();
        for finding in self.findings {
            let _ = writeln!(text, "{}: {finding}", finding.severity());
            text += &self.caret(finding);
        }
        match (self.findings.is_empty(), self.findings.more()) {
            (true, 0) => text += "no findings\n",
            (_, 0) => {}
            (_, more) => text += &format!("and {more} more\n"),
        }
        text
    }

    /// The line of the message with a caret under the place. Letters and digits behind the segment's ID are dots, unless values are shown.
    fn caret(&self, finding: &Finding) -> String {
        let er7 = self.message.as_er7();
        let ends = |c: char| c == '\r' || c == '\n';
        let start = er7.get(..finding.offset()).and_then(|before| before.rfind(ends)).map_or(0, |at| at + 1);
        let line = er7.get(start..).and_then(|rest| rest.split(ends).next()).unwrap_or_default();
        let before = er7.get(start..finding.offset()).unwrap_or_default().chars().count();
        let from = before.saturating_sub(CONTEXT);
        let known = if finding.path().is_some() { 3 } else { 0 };
        let part = |to: usize| {
            let characters = line.chars().enumerate().take(to).skip(from);
            visible::one_line(&characters.map(|(at, c)| self.shown(at < known, c)).collect::<String>())
        };
        // What is made visible is wider than it was.
        let blanks = " ".repeat(part(before).chars().count());
        format!("    {}\n    {blanks}^\n", part(from + 2 * CONTEXT))
    }

    fn shown(&self, is_id: bool, c: char) -> char {
        let d = self.message.delimiters();
        let separators = [Some(d.field()), d.component(), d.repetition(), d.subcomponent()];
        if self.values || is_id || separators.contains(&Some(c)) { c } else { '.' }
    }

    fn json(&self) -> String {
        let findings: Value = self.findings.iter().map(|finding| self.object(finding)).collect();
        let object =
            json!({ "valid": self.findings.is_valid(), "findings": findings, "more": self.findings.more() });
        format!("{}\n", visible::json(&object.to_string()))
    }

    fn object(&self, finding: &Finding) -> Value {
        let mut object = json!({
            "code": finding.code().as_str(),
            "level": finding.code().level().name(),
            "severity": finding.severity().name(),
            "condition": finding.error_code().number(),
            "path": finding.path().map(ToString::to_string),
            "offset": finding.offset(),
            "text": finding.text(),
            "rule": finding.rule(),
        });
        let value = finding.path().filter(|path| self.values && path.field().is_some());
        if let Some(value) = value.and_then(|path| self.message.get(path)) {
            object["value"] = json!(value.raw());
        }
        object
    }
}

/// How much of a line is shown on each side of the place.
const CONTEXT: usize = 40;
