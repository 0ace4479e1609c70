//! Building the acknowledgment of a message.

use std::fmt;
use std::time::SystemTime;

use super::code::{AckCode, ErrorCode};
use super::error_segment::{self, Fault};
use super::form::Form;
use super::line::{Field, Line};
use crate::as_read::HeaderAsRead;
use crate::message::{Message, Origin, Span};
use crate::path::Path;
use crate::timestamp;

/// Room for the text of an acknowledgment without errors.
const USUAL: usize = 160;

/// Builds the acknowledgment of a message.
///
/// It uses the sender's delimiters and character set, answers to the sender (MSH-3/4 and MSH-5/6 exchanged), names the event in
/// MSH-9, and repeats MSH-10 in MSA-2 as it was sent, byte for byte. MSH-9, MSA and ERR have the form of the message's version; a version that is missing
/// or strange counts as the latest.
///
/// | version | MSH-9 | text | errors |
/// | --- | --- | --- | --- |
/// | 2.1 | `ACK` | MSA-3 | ERR-1, a repetition each |
/// | 2.2 | `ACK` | MSA-3 | ERR-1, and the first in MSA-6 |
/// | 2.3 | `ACK^A08` | MSA-3 | ERR-1, and the first in MSA-6 |
/// | 2.3.1 | `ACK^A08^ACK` | MSA-3 | ERR-1, and the first in MSA-6 |
/// | 2.4 | `ACK^A08^ACK` | MSA-3 | ERR-1 |
/// | 2.5, 2.5.1, 2.6 | `ACK^A08^ACK` | MSA-3 | ERR-2 to ERR-8, a segment each |
/// | 2.7 and later | `ACK^A08^ACK` | ERR-8 of the first error (ERR-7 where it has a text), as MSA-3 is withdrawn | ERR-2 to ERR-8, a segment each |
///
/// The segments of 2.2 are those of PyPI `hl7apy` 1.3.5.
#[derive(Clone)]
pub struct Ack<'m> {
    message: &'m Message<'m>,
    code: AckCode,
    control_id: Option<String>,
    time: Option<String>,
    text: Option<String>,
    faults: Vec<Fault>,
}

impl fmt::Debug for Ack<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let errors: Vec<_> = self.faults.iter().map(|fault| fault.code).collect();
        f.debug_struct("Ack").field("code", &self.code).field("errors", &errors).finish_non_exhaustive()
    }
}

impl<'m> Ack<'m> {
    /// An acknowledgment of `message` with `code`.
    pub fn to(message: &'m Message<'_>, code: AckCode) -> Self {
        Self { message, code, control_id: None, time: None, text: None, faults: Vec::new() }
    }

    /// A text for people. Escaped here; it travels to the sender and into its logs.
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.text = Some(text.into());
        self
    }

    /// Adds an error.
    pub fn error(mut self, code: ErrorCode) -> Self {
        self.faults.push(Fault::new(code));
        self
    }

    /// Adds an error with its place in the acknowledged message and a text for users, which may be empty. A path with a filter names the
    /// first repetition that matches. Before version 2.5 a place is a field, and before 2.2 there is no text.
    ///
    /// ```
    /// use hl7_core::{path, Ack, AckCode, ErrorCode, Message};
    /// let msg = Message::parse("MSH|^~\\&|A|B|C|D|2026||ADT^A08|m-1|P|2.5.1\rPID|1\r")?;
    /// let ack = Ack::to(&msg, AckCode::AE)
    ///     .error_at(ErrorCode::RequiredFieldMissing, path!("PID-5.1"), "The name is missing")
    ///     .build();
    /// let error = "ERR||PID^1^5^1^1|101^Required field missing^HL70357|E||||The name is missing\r";
    /// assert!(ack.as_er7().ends_with(error));
    /// # Ok::<(), hl7_core::ParseError>(())
    /// ```
    pub fn error_at(mut self, code: ErrorCode, at: &Path, text: impl Into<String>) -> Self {
        let text = Some(text.into()).filter(|text| !text.is_empty());
        self.faults.push(Fault { at: Some(*at), text, ..Fault::new(code) });
        self
    }

    /// Adds an error with the severity of table 0516, which only ERR-4 (2.5 and later) tells.
    #[cfg(feature = "dictionary")]
    pub(crate) fn error_of(
        mut self,
        code: ErrorCode,
        at: Option<&Path>,
        severity: &'static str,
        text: String,
    ) -> Self {
        let fault = Fault { at: at.copied(), severity: Some(severity), text: Some(text), ..Fault::new(code) };
        self.faults.push(fault);
        self
    }

    /// MSH-10 of the acknowledgment, of characters that the sender's set has. Unless stated it is the message's own control ID, so that the answer to a repeated message is
    /// the same.
    pub fn control_id(mut self, id: impl Into<String>) -> Self {
        self.control_id = Some(id.into());
        self
    }

    /// MSH-7 of the acknowledgment, such as `20260102030405+0100`. Unless stated it is the system's time in UTC.
    pub fn at(mut self, time: impl Into<String>) -> Self {
        self.time = Some(time.into());
        self
    }

    /// The acknowledgment.
    pub fn build(self) -> Message<'static> {
        let form = Form::of(self.message, self.code);
        let lines = self.lines(&form);
        let mut text = String::with_capacity(USUAL);
        lines.iter().for_each(|line| line.write(&form, &mut text));
        let mut built = Message::of_lines(text, form.delimiters, self.message.read_in);
        built.origin = written(&lines, &form).map(Box::new);
        built
    }

    fn lines(&self, form: &Form<'_>) -> Vec<Line> {
        let text = self.text.as_deref().filter(|text| !text.is_empty());
        let in_msa = text.filter(|_| !form.version.withdraws_text());
        let faults = self.reported(text.filter(|_| in_msa.is_none()));
        let mut lines = vec![
            Line::new("MSH", self.header(form), 11, form),
            Line::new("MSA", self.msa(form, in_msa), 2, form),
        ];
        lines.extend(error_segment::lines(&faults, form));
        lines
    }

    /// The faults, with a text that has no place in MSA.
    fn reported(&self, text: Option<&str>) -> Vec<Fault> {
        let mut faults = self.faults.clone();
        let Some(text) = text.map(str::to_owned) else { return faults };
        match faults.first_mut() {
            Some(fault) if fault.text.is_none() => fault.text = Some(text),
            Some(fault) => fault.diagnostics = Some(text),
            None => faults.push(Fault { text: Some(text), ..Fault::new(self.general_code()) }),
        }
        faults
    }

    fn general_code(&self) -> ErrorCode {
        if self.code.is_positive() { ErrorCode::MessageAccepted } else { ErrorCode::ApplicationInternalError }
    }

    /// The fields of MSH, from MSH-2 on.
    fn header(&self, form: &Form<'_>) -> Vec<Field> {
        let made = |text: String| Field::Made(text);
        let nothing = || made(String::new());
        let time = self.time.clone().unwrap_or_else(|| timestamp::utc(SystemTime::now()));
        let control_id = self.control_id.as_ref().map_or(Field::AsSent(10), |id| made(form.value(id)));
        // Written anew: it is looked for in bytes whose set is not known before.
        let charset = form.charset.map_or("", |_| form.sent[18]);
        let mut fields = Vec::with_capacity(17);
        fields.extend([2, 5, 6, 3, 4].map(Field::AsSent));
        fields.extend([made(form.value(&time)), nothing(), made(message_type(form)), control_id]);
        fields.extend([11, 12].map(Field::AsSent));
        fields.extend((13..18).map(|_| nothing()));
        fields.push(made(charset.to_owned()));
        fields
    }

    fn msa(&self, form: &Form<'_>, text: Option<&str>) -> Vec<Field> {
        let text = text.map_or_else(String::new, |text| form.words(text));
        let mut fields = vec![Field::Made(self.code.to_string()), Field::AsSent(10), Field::Made(text)];
        // MSA-6 came with 2.2 and was deprecated by 2.4 in favour of ERR.
        let version = form.version;
        let has_condition = version.is_at_least(2, 2, 0) && !version.is_at_least(2, 4, 0);
        let is_error = |fault: &&Fault| fault.severity.is_none_or(|severity| severity == "E");
        let worst = self.faults.iter().find(is_error).or(self.faults.first());
        if let Some(fault) = worst.filter(|_| has_condition) {
            let condition = error_segment::coded(fault.code, form.delimiters.component());
            fields.extend([String::new(), String::new(), condition].map(Field::Made));
        }
        fields
    }
}

/// The bytes of an acknowledgment to a message that was decoded: what it repeats is written as it was read, because decoding cannot
/// always be undone. A line that cannot be written has no bytes.
fn written(lines: &[Line], form: &Form<'_>) -> Option<Origin<'static>> {
    let header = HeaderAsRead::of(form.message)?;
    let charset = form.charset?;
    let replaced = form.message.origin.as_ref().is_some_and(|origin| origin.replaced);
    let mut bytes = Vec::new();
    let spans = lines.iter().map(|line| {
        let line = line.bytes(form, &header, charset)?;
        let start = u32::try_from(bytes.len()).ok()?;
        bytes.extend_from_slice(&line);
        Some(Span { start, end: u32::try_from(bytes.len()).ok()? })
    });
    let spans = spans.collect();
    Some(Origin { bytes: bytes.into(), spans, whole: false, replaced })
}

/// MSH-9. An acknowledgment has no event of its own in 2.1 and 2.2 (2.1, chapter 2, section 2.25.1); it names that of the message
/// since, and the structure since 2.3.1 (2.3.1, chapter 2, section 2.24.1.9).
fn message_type(form: &Form<'_>) -> String {
    let Some(component) = form.delimiters.component() else { return "ACK".to_owned() };
    let (event, mut text) = (form.event(), String::with_capacity(16));
    text.push_str("ACK");
    let has_structure = form.version.is_at_least(2, 3, 1);
    if has_structure || (form.version.is_at_least(2, 3, 0) && !event.is_empty()) {
        text.push(component);
        text.push_str(event);
    }
    if has_structure {
        text.push(component);
        text.push_str("ACK");
    }
    text
}
