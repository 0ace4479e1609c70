//! The test messages, each with a control ID that no other has.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use hl7_core::{Ack, AckCode, EditError, Message, Path, path};

use super::frame::{CR, END, START};

/// MSH-11 of the test messages.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ProcessingId {
    /// `T`: the receiver takes it as in training.
    Training,
    /// `D`: debugging.
    Debugging,
    /// `P`: production, for receivers that refuse anything else. The test messages then count as real.
    Production,
}

impl ProcessingId {
    fn as_str(self) -> &'static str {
        match self {
            Self::Training => "T",
            Self::Debugging => "D",
            Self::Production => "P",
        }
    }
}

/// A message that is to be sent.
#[derive(Clone)]
pub(super) struct Question {
    /// MSH-10 as it stands.
    pub(super) control_id: String,
    pub(super) content: Vec<u8>,
    pub(super) is_enhanced: bool,
}

impl Question {
    pub(super) fn framed(&self) -> Vec<u8> {
        [&[START], self.content.as_slice(), &[END, CR]].concat()
    }
}

impl fmt::Debug for Question {
    /// Shows the size only: the message may be the caller's.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Question").field("bytes", &self.content.len()).finish_non_exhaustive()
    }
}

/// Makes the messages of one examination.
pub(super) struct Questions {
    message: Message<'static>,
    prefix: String,
    made: usize,
}

impl Questions {
    /// From the caller's message, or from our own. Its acknowledgment mode becomes the original one.
    pub(super) fn new(given: Option<&Message<'static>>, processing: ProcessingId) -> Result<Self, EditError> {
        let mut message = match given {
            Some(message) => message.clone(),
            None => plain()?,
        };
        message.set(path!("MSH-11"), processing.as_str())?;
        message.remove(path!("MSH-15"))?;
        message.remove(path!("MSH-16"))?;
        Ok(Self { message, prefix: prefix(), made: 0 })
    }

    /// What the control IDs of all start with.
    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }

    pub(super) fn made(&self) -> usize {
        self.made
    }

    pub(super) fn plain(&mut self) -> Option<Question> {
        self.changed(&[])
    }

    /// The message with these values changed.
    pub(super) fn changed(&mut self, values: &[(&'static Path, &str)]) -> Option<Question> {
        self.with_id("", values)
    }

    /// The same, with `tail` behind the control ID.
    pub(super) fn with_id(&mut self, tail: &str, values: &[(&'static Path, &str)]) -> Option<Question> {
        self.made += 1;
        let mut message = self.message.clone();
        let id = format!("{}Q{}{tail}", self.prefix, self.made);
        message.set(path!("MSH-10"), &id).ok()?;
        for (path, value) in values {
            message.set_raw(path, value).ok()?;
        }
        let control_id = message.get(path!("MSH-10"))?.raw().to_owned();
        let is_enhanced = values.iter().any(|(path, _)| [path!("MSH-15"), path!("MSH-16")].contains(path));
        Some(Question { control_id, content: message.to_wire().ok()?, is_enhanced })
    }
}

/// Our own message: a patient is registered who is none. With the time that it is now.
fn plain() -> Result<Message<'static>, EditError> {
    let mut message = Message::builder("2.5.1", "ADT", "A04")
        .structure("ADT_A01")
        .sending("HL7DOCTOR", "TEST")
        .receiving("RECEIVER", "TEST")
        .control_id("0")
        .segment("EVN")
        .segment("PID|1||HL7DOCTOR^^^TEST^MR||DOCTOR^TEST||19000101|U")
        .segment("PV1|1|N")
        .build()?;
    let now = Ack::to(&message, AckCode::AA).build().get(path!("MSH-7")).map(|time| time.raw().to_owned());
    for place in [path!("MSH-7"), path!("EVN-2")] {
        message.set_raw(place, now.as_deref().unwrap_or_default())?;
    }
    Ok(message)
}

/// Letters in both cases, so that a receiver that changes the case is found out; 11 of the 20 characters that every version allows.
fn prefix() -> String {
    static RUNS: AtomicU64 = AtomicU64::new(0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let run = RUNS.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9E37_79B9);
    let number = (u64::try_from(now.as_millis()).unwrap_or(0) ^ run) & 0xFFFF_FFFF;
    format!("Dr{number:08x}")
}
