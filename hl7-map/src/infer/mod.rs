//! A draft of a mapping from JSON to HL7 v2, made of a sample message and the payload it came from.
//!
//! Each value of the message is looked for in the payload, as it is or as a date, in capitals, as digits, or by a table; where several places hold it, the
//! names decide. Repeated groups, segments and repetitions become loops over lists of the same length. What is not found stands in the draft as
//! `TODO`. A draft proposes; a person confirms.

mod draft;
mod guess;
mod likeness;
mod scope;
mod survey;
mod transform;

use std::fmt;

use hl7_core::{Message, ParseError};

use crate::json::{self, JsonFault, JsonLimits};

/// The most pairs, and the largest of each, in bytes: what a person would look through.
const MAX_PAIRS: usize = 20;
const MAX_BYTES: usize = 256 * 1024;
/// The most values of a payload, and lines of a message.
const MAX_VALUES: usize = 10_000;
const MAX_SEGMENTS: usize = 500;

/// A sample message, and the payload that it is to be made of.
#[derive(Clone, Copy)]
pub struct SamplePair<'s> {
    /// The message, in the pipe form.
    pub hl7: &'s str,
    /// The payload, a JSON object.
    pub json: &'s str,
}

/// A draft of a mapping.
#[derive(Clone)]
pub struct Draft {
    yaml: String,
    lines: Vec<DraftLine>,
    gaps: Vec<Gap>,
    reproduced: (usize, usize),
}

/// What the draft says of one place of the message.
#[derive(Clone, PartialEq)]
pub struct DraftLine {
    /// The place, such as `PID-5.1`; `each PID-3` for a loop.
    pub place: String,
    /// The expression, a path of the payload with functions, or a constant.
    pub rule: String,
    /// How sure it is, from 0 to 1. From 0.9 on the values and the names, or several values, say the same and nothing else does.
    pub confidence: f64,
}

/// A place of the message whose value is not found in the payload.
#[derive(Clone, PartialEq, Eq)]
pub struct Gap {
    /// The place, such as `PID-19`.
    pub place: String,
    /// Its name in the standard; empty where it has none.
    pub name: String,
}

/// Why there is no draft. It holds nothing of the samples.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InferError {
    kind: InferErrorKind,
    pair: usize,
}

/// The kinds of [`InferError`].
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum InferErrorKind {
    /// M401: no pair, or more than 20.
    Pairs,
    /// M402: a sample is longer than 256 KiB, or has more than 500 segments or 10,000 values.
    TooLarge,
    /// M403: the sample is no message.
    Message(ParseError),
    /// M404: the payload is no JSON, at this byte.
    Json(usize),
    /// M405: the payload is no object.
    NoObject,
    /// M406: the samples are messages of different types or versions, or state no type.
    Types,
    /// M407: the standard has no structure for this message type in this version, and MSH-9 states none.
    Structure,
}

impl InferError {
    fn new(kind: InferErrorKind, pair: usize) -> Self {
        Self { kind, pair }
    }

    /// What is wrong.
    pub fn kind(&self) -> &InferErrorKind {
        &self.kind
    }

    /// Which pair, from 1.
    pub fn pair(&self) -> usize {
        self.pair
    }

    /// The stable code, `M401` to `M407`.
    pub fn code(&self) -> &'static str {
        self.parts().0
    }

    /// What to do about it.
    pub fn suggestion(&self) -> &'static str {
        self.parts().2
    }

    fn parts(&self) -> (&'static str, &'static str, &'static str) {
        match self.kind {
            InferErrorKind::Pairs => ("M401", "there is no pair, or more than 20", "give one to 20 pairs"),
            InferErrorKind::TooLarge => ("M402", "a sample is too large", "cut it to what is typical"),
            InferErrorKind::Message(_) => ("M403", "the sample is no message", "see the cause"),
            InferErrorKind::Json(_) => ("M404", "the payload is no JSON", "check it with a JSON tool"),
            InferErrorKind::NoObject => {
                ("M405", "the payload is no object", "give what the webhook would send")
            }
            InferErrorKind::Types => (
                "M406",
                "the samples state no message type, or not all the same",
                "give samples of one message type and version",
            ),
            InferErrorKind::Structure => (
                "M407",
                "the structure of this message type is not known in this version of HL7",
                "state it in MSH-9, as in ADT^A08^ADT_A01, or another version in MSH-12",
            ),
        }
    }
}

impl fmt::Display for InferError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (code, what, suggestion) = self.parts();
        write!(f, "{code}: pair {}: {what}", self.pair)?;
        match &self.kind {
            InferErrorKind::Message(why) => write!(f, ": {why}"),
            InferErrorKind::Json(offset) => write!(f, " (byte {offset}); {suggestion}"),
            _ => write!(f, "; {suggestion}"),
        }
    }
}

impl std::error::Error for InferError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.kind {
            InferErrorKind::Message(why) => Some(why),
            _ => None,
        }
    }
}

impl Draft {
    /// The mapping file: its test passes, where it has one. Each line says how sure it is; gaps stand as `TODO` comments. It holds the first pair
    /// as its test, and so what is in that.
    pub fn yaml(&self) -> &str {
        &self.yaml
    }

    /// What it says, place by place.
    pub fn lines(&self) -> &[DraftLine] {
        &self.lines
    }

    /// What was not found.
    pub fn gaps(&self) -> &[Gap] {
        &self.gaps
    }

    /// How many values of the sample messages the draft makes as they are, and of how many. What the engine fills in does not count.
    pub fn reproduced(&self) -> (usize, usize) {
        self.reproduced
    }
}

impl fmt::Debug for Draft {
    /// Sizes only: a draft holds what the samples hold.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Draft({} lines, {} gaps)", self.lines.len(), self.gaps.len())
    }
}

impl fmt::Debug for DraftLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DraftLine({}, {:.2})", self.place, self.confidence)
    }
}

impl fmt::Debug for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Gap({})", self.place)
    }
}

impl fmt::Debug for SamplePair<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SamplePair({} and {} bytes)", self.hl7.len(), self.json.len())
    }
}

/// Drafts a mapping. With several pairs of one message type, chance is told from meaning.
///
/// # Errors
/// When a sample is no message or no JSON object, when they are of different types, and when there are too many or too large ones.
///
/// ```
/// use hl7_map::{Mapping, SamplePair, infer};
///
/// let pair = SamplePair {
///     hl7: "MSH|^~\\&|CRM|||EHR|20260102||ADT^A08^ADT_A01|1|P|2.5.1\rPID|1||100042^^^NORTH^MR||Byrne^Zoe||19840703|F\rPV1|1|O\r",
///     json: r#"{"patient":{"mrn":"100042","family":"Byrne","given":"Zoe","dob":"1984-07-03","gender":"female"}}"#,
/// };
/// let draft = infer(&[pair])?;
/// assert!(draft.yaml().contains("7: .patient.dob | date"));
/// assert_eq!(Mapping::from_yaml(draft.yaml())?.run_tests().failed(), 0);
/// let sure = draft.lines().iter().filter(|line| line.confidence >= 0.9).map(|line| line.place.as_str());
/// // Three letters, or one, could stand there by chance.
/// assert_eq!(sure.collect::<Vec<_>>(), ["PID-3.1", "PID-5.1", "PID-7"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn infer(pairs: &[SamplePair<'_>]) -> Result<Draft, InferError> {
    if pairs.is_empty() || pairs.len() > MAX_PAIRS {
        return Err(InferError::new(InferErrorKind::Pairs, 1));
    }
    let (mut messages, mut payloads) = (Vec::new(), Vec::new());
    for (at, pair) in pairs.iter().enumerate() {
        let fault = |kind| InferError::new(kind, at + 1);
        if pair.hl7.len() > MAX_BYTES || pair.json.len() > MAX_BYTES {
            return Err(fault(InferErrorKind::TooLarge));
        }
        let message = Message::parse(pair.hl7).map_err(|why| fault(InferErrorKind::Message(why)))?;
        if message.iter().count() > MAX_SEGMENTS {
            return Err(fault(InferErrorKind::TooLarge));
        }
        let limits = JsonLimits { bytes: MAX_BYTES, values: MAX_VALUES };
        let payload = json::read(pair.json.as_bytes(), limits)
            .map_err(|JsonFault { offset, .. }| fault(InferErrorKind::Json(offset)))?;
        if !matches!(payload, json::Json::Object(_)) {
            return Err(fault(InferErrorKind::NoObject));
        }
        messages.push(message);
        payloads.push(payload);
    }
    let kinds: Vec<_> = messages.iter().map(survey::Kind::of).collect();
    match kinds.split_first() {
        Some((Some(first), rest)) if rest.iter().all(|kind| kind.as_ref() == Some(first)) => {
            if !first.has_structure() {
                return Err(InferError::new(InferErrorKind::Structure, 1));
            }
            let parts = guess::guess(first, &messages, &payloads);
            Ok(draft::write(first, parts, pairs, &messages))
        }
        _ => Err(InferError::new(InferErrorKind::Types, 1)),
    }
}
