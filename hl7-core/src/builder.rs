//! New messages.

use std::fmt;

use crate::charset::Charset;
use crate::delimiters::Delimiters;
use crate::error::{EditError, EditErrorKind};
use crate::message::Message;
use crate::path;
use crate::path::Path;

/// Builds a new message: its header by name, then segment by segment.
///
/// Made by [`Message::builder`]. Nothing is checked before [`MessageBuilder::build`], so that calls can stand in any order that reads
/// well.
#[derive(Clone)]
#[must_use]
pub struct MessageBuilder {
    delimiters: Delimiters,
    charset: Option<Charset>,
    header: Vec<(&'static Path, String)>,
    steps: Vec<Step>,
}

#[derive(Clone)]
enum Step {
    Segment(String),
    Set(Path, String),
    SetRaw(Path, String),
}

impl Message<'_> {
    /// A new message of this version (MSH-12), type (MSH-9.1) and trigger event (MSH-9.2). MSH-11 is `P`, production, unless stated.
    ///
    /// ```
    /// use hl7_core::{path, Message};
    /// let msg = Message::builder("2.5.1", "ORU", "R01")
    ///     .structure("ORU_R01")
    ///     .sending("LAB", "NORTH")
    ///     .receiving("EHR", "NORTH")
    ///     .at("20260102030405+0100")
    ///     .control_id("m-1")
    ///     .segment("PID")
    ///     .set_raw(path!("PID-3"), "7^^^H^MR")
    ///     .set(path!("PID-5.1"), "Smith & Sons")
    ///     .segment("OBX|1|NM")
    ///     .set(path!("OBX-5"), "4.5")
    ///     .segment("OBX|2|NM")
    ///     .set(path!("OBX-5"), "4.6")
    ///     .build()?;
    /// assert_eq!(
    ///     msg.as_er7(),
    ///     "MSH|^~\\&|LAB|NORTH|EHR|NORTH|20260102030405+0100||ORU^R01^ORU_R01|m-1|P|2.5.1\r\
    ///      PID|||7^^^H^MR||Smith \\T\\ Sons\rOBX|1|NM|||4.5\rOBX|2|NM|||4.6\r"
    /// );
    /// # Ok::<(), hl7_core::EditError>(())
    /// ```
    pub fn builder(version: &str, message_type: &str, trigger_event: &str) -> MessageBuilder {
        let builder = MessageBuilder {
            delimiters: Delimiters::default(),
            charset: None,
            header: Vec::new(),
            steps: Vec::new(),
        };
        builder
            .header(path!("MSH-9.1"), message_type)
            .header(path!("MSH-9.2"), trigger_event)
            .header(path!("MSH-11"), "P")
            .header(path!("MSH-12"), version)
    }
}

impl MessageBuilder {
    /// MSH-1 and MSH-2. Unless stated the recommended `|^~\&`.
    pub fn delimiters(mut self, delimiters: Delimiters) -> Self {
        self.delimiters = delimiters;
        self
    }

    /// MSH-18, and the character set that the message is written in. Unless stated MSH-18 stays empty, and UTF-8 is written. A
    /// character that does not exist in the set is an error of [`Message::to_bytes`].
    pub fn charset(mut self, charset: Charset) -> Self {
        self.charset = Some(charset);
        self
    }

    /// MSH-3 and MSH-4.
    pub fn sending(self, application: &str, facility: &str) -> Self {
        self.header(path!("MSH-3"), application).header(path!("MSH-4"), facility)
    }

    /// MSH-5 and MSH-6.
    pub fn receiving(self, application: &str, facility: &str) -> Self {
        self.header(path!("MSH-5"), application).header(path!("MSH-6"), facility)
    }

    /// MSH-7, the time of the message, such as `20260102030405+0100`.
    pub fn at(self, time: &str) -> Self {
        self.header(path!("MSH-7"), time)
    }

    /// MSH-9.3, the message structure (2.3.1 and later), such as `ADT_A01`.
    pub fn structure(self, structure: &str) -> Self {
        self.header(path!("MSH-9.3"), structure)
    }

    /// MSH-10, which the acknowledgment repeats. A message needs one.
    pub fn control_id(self, id: &str) -> Self {
        self.header(path!("MSH-10"), id)
    }

    /// MSH-11: `P` production, `T` training, `D` debugging.
    pub fn processing_id(self, id: &str) -> Self {
        self.header(path!("MSH-11"), id)
    }

    /// Adds a segment, as [`Message::push_segment`] does.
    pub fn segment(mut self, segment: impl Into<String>) -> Self {
        self.steps.push(Step::Segment(segment.into()));
        self
    }

    /// Sets a value, as [`Message::set`] does; but a path without an occurrence means the last segment with its ID so far.
    pub fn set(mut self, path: &Path, text: impl Into<String>) -> Self {
        self.steps.push(Step::Set(*path, text.into()));
        self
    }

    /// Sets ER7, as [`Message::set_raw`] does, at the place that [`MessageBuilder::set`] would.
    pub fn set_raw(mut self, path: &Path, raw: impl Into<String>) -> Self {
        self.steps.push(Step::SetRaw(*path, raw.into()));
        self
    }

    /// The message. Its segments end in CR.
    ///
    /// # Errors
    /// When a segment or a value is refused, as by [`Message::push_segment`], [`Message::set`] and [`Message::set_raw`], and when
    /// MSH-9.1, MSH-10 or MSH-12 has no value.
    pub fn build(self) -> Result<Message<'static>, EditError> {
        let d = self.delimiters;
        let first = format!("MSH{}{}\r", d.field(), d.encoding_characters());
        let mut message = Message::of_lines(first, d, None);
        for (path, text) in self.header.iter().filter(|(_, text)| !text.is_empty()) {
            message.set(path, text)?;
        }
        if let Some(charset) = self.charset {
            message.state_charset(charset)?;
        }
        for step in &self.steps {
            match step {
                Step::Segment(segment) => message.add_segment(segment)?,
                Step::Set(path, text) => message.set_in_last(path, text)?,
                Step::SetRaw(path, raw) => message.set_raw_in_last(path, raw)?,
            }
        }
        for needed in [path!("MSH-9.1"), path!("MSH-10"), path!("MSH-12")] {
            if message.get(needed).is_none_or(|value| value.is_empty()) {
                return Err(EditError::new(EditErrorKind::Required, needed));
            }
        }
        Ok(message)
    }

    fn header(mut self, path: &'static Path, text: &str) -> Self {
        self.header.push((path, text.to_owned()));
        self
    }
}

impl fmt::Debug for MessageBuilder {
    /// Shows the number of segments only: the content may be a patient's.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let segments = self.steps.iter().filter(|step| matches!(step, Step::Segment(_))).count();
        f.debug_struct("MessageBuilder").field("segments", &segments).finish_non_exhaustive()
    }
}
