//! A mapping, loaded and ready.

use std::fmt;

use hl7_core::Message;

use crate::applied::{Applied, Direction};
use crate::apply::{self, Recording};
use crate::case::{Case, TestReport};
use crate::compile;
use crate::context::Context;
use crate::error::MappingErrors;
use crate::json::{self, JsonLimits};
use crate::plan::{Plan, Work};
use crate::refusal::ApplyError;
use crate::sample;
use crate::sources::Sources;
use crate::trace::Trace;
use crate::yaml;

const M200_MESSAGE: &str = "the mapping reads a message, and this is JSON";
const M200_JSON: &str = "the mapping reads JSON, and this is a message";

/// A mapping file, compiled: from a JSON payload to an HL7 v2 message, or from a message to the same one with changes.
///
/// It is made once and used for many payloads or messages, also from several threads at once.
pub struct Mapping {
    plan: Plan,
    cases: Vec<Case>,
    warnings: MappingErrors,
}

impl Mapping {
    /// Loads a mapping file that refers to nothing outside it: one that does is refused (M127), see [`Mapping::load`].
    ///
    /// The file is at most 1 MiB long, its lists and maps lie at most 64 deep in each other, and it has at most 200,000 values with its
    /// aliases written out.
    ///
    /// # Errors
    /// When the file has mistakes: all of them, each with its place, and often with what was probably meant.
    ///
    /// ```
    /// let text = "map: m\nfrom: json\nto: { hl7: \"2.5.1\", message: ADT^A08 }\nemit:\n  PIX: { 8: .sex | uper }\n";
    /// let errors = hl7_map::Mapping::from_yaml(text).unwrap_err();
    /// let first = errors.iter().next().unwrap();
    /// assert_eq!((first.code(), first.line(), first.column()), ("M116", 5, 3));
    /// assert_eq!(first.suggestion(), Some("did you mean `PID`?"));
    /// ```
    pub fn from_yaml(text: &str) -> Result<Mapping, MappingErrors> {
        Self::with_sources(text, None)
    }

    /// Loads a mapping file that refers to files, secrets, lookups or functions outside it, which `sources` gives. They are asked for once,
    /// here.
    ///
    /// # Errors
    /// As [`Mapping::from_yaml`], and when `sources` does not have what the file names.
    pub fn load(text: &str, sources: &dyn Sources) -> Result<Mapping, MappingErrors> {
        Self::with_sources(text, Some(sources))
    }

    fn with_sources(text: &str, sources: Option<&dyn Sources>) -> Result<Mapping, MappingErrors> {
        let (root, errors) = yaml::read(text);
        match compile::compile(root, errors, sources) {
            Ok(compiled) => Ok(Mapping {
                plan: compiled.plan,
                cases: compiled.cases,
                warnings: MappingErrors::new(compiled.warnings),
            }),
            Err(errors) => Err(MappingErrors::new(errors)),
        }
    }

    /// The name of the mapping, from `map`, on one line: what a terminal would obey is marked in it.
    pub fn name(&self) -> &str {
        &self.plan.name
    }

    /// What is odd in the file and no mistake, such as a table that is not used.
    pub fn warnings(&self) -> &MappingErrors {
        &self.warnings
    }

    /// Makes the message of a payload. The same payload, control ID and clock give the same message.
    ///
    /// Its segments end in CR, and it is parsed already. The payload is JSON as RFC 8259 has it, in UTF-8; of a name that stands twice in an
    /// object the later value counts.
    ///
    /// # Errors
    /// When the payload is not JSON, does not give what the mapping asks for (all reasons at once), or goes beyond a limit of `ctx`.
    /// No error holds a value of the payload.
    ///
    /// ```
    /// use hl7_map::{Context, Mapping};
    /// let text = "map: m\nfrom: json\nto: { hl7: \"2.5.1\", message: ADT^A08 }\nemit:\n  PID: { 5: { name: { family: .last } } }\n";
    /// let mapping = Mapping::from_yaml(text)?;
    /// let ctx = Context::new("id-1", std::time::UNIX_EPOCH);
    /// let msg = mapping.apply_json(br#"{"last":"O'Brien & Sons"}"#, &ctx)?;
    /// assert!(msg.as_er7().ends_with("PID|1||||O'Brien \\T\\ Sons\r"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn apply_json(&self, payload: &[u8], ctx: &Context) -> Result<Message<'static>, ApplyError> {
        let limits = JsonLimits { bytes: ctx.max_payload_bytes, values: ctx.max_payload_values };
        let payload = json::read_places(payload, limits, &self.plan.places)
            .map_err(|fault| ApplyError::of_json(fault, payload))?;
        let Work::Build(build) = &self.plan.work else { return Err(ApplyError::of_direction(M200_MESSAGE)) };
        apply::build(&self.plan, build, &payload, ctx)
    }

    /// Changes a message as the mapping says (`to: { hl7: same }`), every byte that it was not told to change staying as it was; or makes JSON
    /// of it (`to: json`).
    ///
    /// The control ID of `ctx` is not used; the clock is `$now`.
    ///
    /// # Errors
    /// When the mapping does not accept the message (`accept`), or a value that it asks for cannot be had or cannot stand where it should:
    /// all reasons at once. No error holds a value of the message.
    ///
    /// ```
    /// use hl7_core::Message;
    /// use hl7_map::{Applied, Context, Mapping};
    /// let text = "map: m\nfrom: hl7\nto: { hl7: same }\ndrop_message: { when: MSH-11 == T, reason: test }\nset: { PID-5.1: PID-5.1 | upper }\n";
    /// let mapping = Mapping::from_yaml(text)?;
    /// let ctx = Context::new("", std::time::UNIX_EPOCH);
    /// let changed = mapping.apply_hl7(&Message::parse("MSH|^~\\&|A\rPID|1||7||doe^Ann\r")?, &ctx)?;
    /// assert!(matches!(changed, Applied::Message(msg) if msg.as_er7() == "MSH|^~\\&|A\rPID|1||7||DOE^Ann\r"));
    /// let dropped = mapping.apply_hl7(&Message::parse("MSH|^~\\&|A||||||ADT^A08|1|T\r")?, &ctx)?;
    /// assert!(matches!(dropped, Applied::Dropped { reason } if reason == "test"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn apply_hl7(&self, message: &Message<'_>, ctx: &Context) -> Result<Applied, ApplyError> {
        match &self.plan.work {
            Work::Build(_) => Err(ApplyError::of_direction(M200_JSON)),
            Work::Edit(edit) => apply::edit(&self.plan, edit, message, ctx),
            Work::Write(write) => apply::write(&self.plan, write, message, ctx),
        }
    }

    /// How [`Mapping::apply_json`] comes to its message: for each field the line of its rule, what was read, and each step, or why there is
    /// nothing. A payload that is refused is explained too ([`Trace::refused`]).
    ///
    /// Everything is evaluated twice, so that a payload near `max_steps` may be refused here alone. Applying does none of this work.
    ///
    /// # Errors
    /// When the payload is not JSON, or the mapping does not read JSON.
    ///
    /// ```
    /// use hl7_map::{Context, Mapping, Outcome};
    /// let text = "map: m\nfrom: json\nto: { hl7: \"2.5.1\", message: ADT^A08 }\nemit:\n  PID: { 3: .id, 5: .name | upper, 7: .born }\n";
    /// let trace = Mapping::from_yaml(text)?.explain_json(br#"{"id":"7","name":"Doe"}"#, &Context::new("1", std::time::UNIX_EPOCH))?;
    /// let trace = trace.of_field("PID-5");
    /// assert_eq!(trace.to_string(), "PID-5 (line 5): written ***\n  value .name = ***\n  | upper -> ***\n");
    /// assert!(trace.showing_values().to_string().ends_with("  value .name = \"Doe\"\n  | upper -> \"DOE\"\n"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn explain_json(&self, payload: &[u8], ctx: &Context) -> Result<Trace, ApplyError> {
        let limits = JsonLimits { bytes: ctx.max_payload_bytes, values: ctx.max_payload_values };
        let payload = json::read_places(payload, limits, &self.plan.places)
            .map_err(|fault| ApplyError::of_json(fault, payload))?;
        let Work::Build(build) = &self.plan.work else { return Err(ApplyError::of_direction(M200_MESSAGE)) };
        let (made, recording) = apply::build_telling(&self.plan, build, &payload, ctx, Recording::default());
        Ok(Trace { fields: recording.fields, refused: made.err(), dropped: None })
    }

    /// How [`Mapping::apply_hl7`] comes to its message or JSON. In place there is an entry for each place that a rule sets, removes or adds;
    /// one that is missing stays as it is.
    ///
    /// # Errors
    /// When the mapping does not read messages.
    pub fn explain_hl7(&self, message: &Message<'_>, ctx: &Context) -> Result<Trace, ApplyError> {
        let (plan, record) = (&self.plan, Recording::default());
        let (made, recording) = match &plan.work {
            Work::Build(_) => return Err(ApplyError::of_direction(M200_JSON)),
            Work::Edit(edit) => apply::edit_telling(plan, edit, message, ctx, record),
            Work::Write(write) => apply::write_telling(plan, write, message, ctx, record),
        };
        let (refused, dropped) = match made {
            Ok(Applied::Dropped { reason }) => (None, Some(reason)),
            Ok(_) => (None, None),
            Err(error) => (Some(error), None),
        };
        Ok(Trace { fields: recording.fields, refused, dropped })
    }

    /// A payload, in one line, with something for everything that a mapping from JSON reads; `None` of a mapping that reads messages.
    ///
    /// A text is called like its member, unless a function, a table or a comparison tells what it may be. A table's value is its first entry.
    ///
    /// ```
    /// let text = "map: m\nfrom: json\nto: { hl7: \"2.5.1\", message: ADT^A08 }\nemit:\n  PID: { 3: { each: .ids, value: .no }, 5: .name, 7: .born | date }\n";
    /// let mapping = hl7_map::Mapping::from_yaml(text)?;
    /// assert_eq!(mapping.sample_payload().unwrap(), r#"{"born":"1980-02-03","ids":[{"no":"no"}],"name":"name"}"#);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn sample_payload(&self) -> Option<String> {
        match &self.plan.work {
            Work::Build(build) => Some(sample::payload(&self.plan, build)),
            _ => None,
        }
    }

    /// The JSON Schema (2020-12), in one line, of the payload of a mapping from JSON: the members that it reads, and those that `require`
    /// names as required. `None` of a mapping that reads messages. Other members are allowed, as the mapping does.
    pub fn payload_schema(&self) -> Option<String> {
        match &self.plan.work {
            Work::Build(build) => Some(sample::schema(&self.plan, build)),
            _ => None,
        }
    }

    /// What the mapping reads and what it gives.
    pub fn direction(&self) -> Direction {
        match &self.plan.work {
            Work::Build(_) => Direction::JsonToHl7,
            Work::Edit(_) => Direction::Hl7InPlace,
            Work::Write(_) => Direction::Hl7ToJson,
        }
    }

    /// Runs the tests of the file. A test that states no clock has 2026-01-01T00:00:00Z; the control ID is `TEST`.
    pub fn run_tests(&self) -> TestReport {
        TestReport { cases: self.cases.iter().map(|case| case.run(&self.plan)).collect() }
    }
}

impl fmt::Debug for Mapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mapping")
            .field("name", &self.plan.name)
            .field("direction", &self.direction())
            .field("tests", &self.cases.len())
            .finish_non_exhaustive()
    }
}
