//! Acknowledgments: built for a message, and read from one (HL7 2.5.1, chapter 2, sections 2.9 and 2.13).

use std::fmt;
use std::str::FromStr;
use std::time::SystemTime;

use crate::charset::Charset;
use crate::delimiters::Delimiters;
use crate::escape;
use crate::header::Header;
use crate::message::Message;
use crate::piece::Value;
use crate::segment::Segment;
use crate::timestamp;

/// The acknowledgment code of MSA-1 (HL7 table 0008).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum AckCode {
    /// Application accept.
    AA,
    /// Application error: the content is at fault.
    AE,
    /// Application reject: not the content's fault, or a type, event, processing ID or version that is not supported.
    AR,
    /// Commit accept: the receiver has taken the message into safe storage.
    CA,
    /// Commit error: the receiver could not store it.
    CE,
    /// Commit reject.
    CR,
}

impl AckCode {
    /// Whether the message was taken: AA or CA.
    pub fn is_positive(self) -> bool {
        matches!(self, Self::AA | Self::CA)
    }

    /// Whether this is an accept (commit) acknowledgment of enhanced mode: CA, CE or CR.
    pub fn is_commit(self) -> bool {
        matches!(self, Self::CA | Self::CE | Self::CR)
    }

    /// The two letters.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AA => "AA",
            Self::AE => "AE",
            Self::AR => "AR",
            Self::CA => "CA",
            Self::CE => "CE",
            Self::CR => "CR",
        }
    }
}

impl fmt::Display for AckCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for AckCode {
    type Err = UnknownAckCode;

    /// Reads the two letters, in either case, with blanks around them.
    fn from_str(text: &str) -> Result<Self, UnknownAckCode> {
        [Self::AA, Self::AE, Self::AR, Self::CA, Self::CE, Self::CR]
            .into_iter()
            .find(|code| text.trim().eq_ignore_ascii_case(code.as_str()))
            .ok_or(UnknownAckCode)
    }
}

/// A text is none of the six codes of table 0008.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not an acknowledgment code of table 0008: AA, AE, AR, CA, CE or CR")]
pub struct UnknownAckCode;

/// The error conditions of HL7 table 0357, for ERR.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
#[allow(missing_docs)] // each variant is named for its text in the table
pub enum ErrorCode {
    MessageAccepted,
    SegmentSequenceError,
    RequiredFieldMissing,
    DataTypeError,
    TableValueNotFound,
    UnsupportedMessageType,
    UnsupportedEventCode,
    UnsupportedProcessingId,
    UnsupportedVersionId,
    UnknownKeyIdentifier,
    DuplicateKeyIdentifier,
    ApplicationRecordLocked,
    ApplicationInternalError,
}

impl ErrorCode {
    /// Code and text as in the table.
    fn parts(self) -> (&'static str, &'static str) {
        match self {
            Self::MessageAccepted => ("0", "Message accepted"),
            Self::SegmentSequenceError => ("100", "Segment sequence error"),
            Self::RequiredFieldMissing => ("101", "Required field missing"),
            Self::DataTypeError => ("102", "Data type error"),
            Self::TableValueNotFound => ("103", "Table value not found"),
            Self::UnsupportedMessageType => ("200", "Unsupported message type"),
            Self::UnsupportedEventCode => ("201", "Unsupported event code"),
            Self::UnsupportedProcessingId => ("202", "Unsupported processing id"),
            Self::UnsupportedVersionId => ("203", "Unsupported version id"),
            Self::UnknownKeyIdentifier => ("204", "Unknown key identifier"),
            Self::DuplicateKeyIdentifier => ("205", "Duplicate key identifier"),
            Self::ApplicationRecordLocked => ("206", "Application record locked"),
            Self::ApplicationInternalError => ("207", "Application internal error"),
        }
    }
}

/// Builds the acknowledgment of a message.
///
/// It uses the sender's delimiters and character set, answers to the sender (MSH-3/4 and MSH-5/6 exchanged), names the event in
/// MSH-9, and repeats MSH-10 in MSA-2 as it was sent.
#[derive(Clone)]
pub struct Ack<'m> {
    of: Header<'m>,
    read_in: Option<Charset>,
    code: AckCode,
    control_id: Option<String>,
    time: Option<String>,
    text: Option<String>,
    error: Option<ErrorCode>,
}

impl fmt::Debug for Ack<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ack").field("code", &self.code).field("error", &self.error).finish_non_exhaustive()
    }
}

impl<'m> Ack<'m> {
    /// An acknowledgment of `message` with `code`.
    pub fn to(message: &'m Message<'_>, code: AckCode) -> Self {
        Self {
            of: message.header(),
            read_in: message.read_in,
            code,
            control_id: None,
            time: None,
            text: None,
            error: None,
        }
    }

    /// MSA-3, a text for people. Escaped here; it travels to the sender and into its logs.
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.text = Some(text.into());
        self
    }

    /// Adds an ERR segment, in the form of the message's version (it changed at 2.5).
    pub fn error(mut self, code: ErrorCode) -> Self {
        self.error = Some(code);
        self
    }

    /// MSH-10 of the acknowledgment. Unless stated it is the message's own control ID, so that the answer to a repeated message is
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
        Message::of_lines(self.er7(), self.of.delimiters(), self.read_in)
    }

    fn er7(&self) -> String {
        let header = self.of;
        let d = header.delimiters();
        let f = d.field();
        let escaped = |text: &str| one_value(text, &d);
        let time = self.time.clone().unwrap_or_else(|| timestamp::utc(SystemTime::now()));
        let control_id = self.control_id.as_deref().map_or_else(|| header.raw(10).to_owned(), escaped);
        let mut fields = vec![
            header.raw(2).to_owned(),
            header.raw(5).to_owned(),
            header.raw(6).to_owned(),
            header.raw(3).to_owned(),
            header.raw(4).to_owned(),
            escaped(&time),
            String::new(),
            self.message_type(),
            control_id,
            header.raw(11).to_owned(),
            header.raw(12).to_owned(),
        ];
        if !header.raw(18).is_empty() {
            fields.resize(16, String::new());
            fields.push(header.raw(18).to_owned());
        }
        let mut out =
            format!("MSH{f}{}\rMSA{f}{}{f}{}", fields.join(&f.to_string()), self.code, header.raw(10));
        if let Some(text) = &self.text {
            out.push(f);
            out.push_str(&escaped(text));
        }
        out.push('\r');
        out.extend(self.error.map(|code| self.err(code)));
        out
    }

    /// MSH-9: the event since 2.2, the structure since 2.3.1 (2.3.1, chapter 2, section 2.24.1.9).
    fn message_type(&self) -> String {
        let Some(c) = self.of.delimiters().component() else { return "ACK".to_owned() };
        let event = self.of.trigger_event().map_or("", |event| event.raw());
        if self.is_at_least(&[2, 3, 1]) {
            format!("ACK{c}{event}{c}ACK")
        } else if event.is_empty() {
            "ACK".to_owned()
        } else {
            format!("ACK{c}{event}")
        }
    }

    /// ERR: the code stands in ERR-3 since 2.5 (with the severity in ERR-4), before in the fourth component of ERR-1.
    fn err(&self, code: ErrorCode) -> String {
        let d = self.of.delimiters();
        let (f, c, s) = (d.field(), d.component().unwrap_or(' '), d.subcomponent().unwrap_or(' '));
        let (number, text) = code.parts();
        if self.is_at_least(&[2, 5]) {
            let severity = if code == ErrorCode::MessageAccepted { 'I' } else { 'E' };
            format!("ERR{f}{f}{f}{number}{c}{text}{c}HL70357{f}{severity}\r")
        } else {
            format!("ERR{f}{c}{c}{c}{number}{s}{text}{s}HL70357\r")
        }
    }

    /// Whether MSH-12 is this version or a later one. A missing or strange version counts as the latest.
    fn is_at_least(&self, version: &[u32]) -> bool {
        let Some(stated) = self.of.version() else { return true };
        let numbers: Result<Vec<u32>, _> = stated.raw().split('.').map(str::parse).collect();
        numbers.map_or(true, |numbers| numbers.as_slice() >= version)
    }
}

/// `text` as one value, whatever it holds: escaped, or where the message has no escape character with blanks in place of what would
/// separate.
fn one_value(text: &str, d: &Delimiters) -> String {
    if d.escape().is_some() || !escape::needs_escape(text, d) {
        return escape::escape(text, d).into_owned();
    }
    let separates = |c: char| c.is_ascii() && escape::needs_escape(c.encode_utf8(&mut [0; 4]), d);
    text.replace(separates, " ")
}

/// The MSA segment of an acknowledgment, which is any message that has one: `ACK`, `ORR`, `RSP` ...
#[derive(Clone, Copy, Debug)]
pub struct Msa<'m> {
    segment: Segment<'m>,
}

impl<'m> Msa<'m> {
    /// The first MSA segment of a message.
    pub fn of(message: &'m Message<'_>) -> Option<Self> {
        message.iter().find(|segment| segment.id() == "MSA").map(|segment| Self { segment })
    }

    /// MSA-1, when it is a code of table 0008 (in either case, blanks around it passed over).
    pub fn code(self) -> Option<AckCode> {
        self.code_raw().parse().ok()
    }

    /// MSA-1 as sent.
    pub fn code_raw(self) -> &'m str {
        self.raw(1)
    }

    /// MSA-2: the control ID of the message that is acknowledged. `None` when absent or empty.
    pub fn control_id(self) -> Option<Value<'m>> {
        self.value(2)
    }

    /// MSA-2 as sent.
    pub fn control_id_raw(self) -> &'m str {
        self.raw(2)
    }

    /// MSA-3, a text for people. `None` when absent or empty.
    pub fn text(self) -> Option<Value<'m>> {
        self.value(3)
    }

    fn raw(self, field: usize) -> &'m str {
        self.segment.field(field).map_or("", |field| field.raw())
    }

    fn value(self, field: usize) -> Option<Value<'m>> {
        self.segment.field(field).map(|field| field.value()).filter(|value| !value.is_empty())
    }
}
