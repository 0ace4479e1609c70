//! An acknowledgment as received: its bytes, its message, and what MSA says.

use std::fmt;

use bytes::Bytes;
use hl7_core::{AckCode, Message, Msa, ParseError, ParseErrorKind, ReadOptions, Undecodable, path};

/// A message with an MSA segment: `ACK`, or any other such as `ORR`, `MFK`, `RSP`.
///
/// It is read with more patience than a message, because the sender's work is done and only the answer is at stake: MSA-1 in either
/// case and with blanks around it, lines that end in LF, text in no known character set.
#[derive(Clone)]
pub struct Acknowledgment {
    bytes: Bytes,
    message: Message<'static>,
    code: AckCode,
    control_id: String,
}

impl Acknowledgment {
    /// Reads the content of a block.
    ///
    /// # Errors
    /// When the bytes are no message, or it has no MSA, more than one, or one whose MSA-1 is not in table 0008. A missing MSA-2 is
    /// no error here.
    ///
    /// ```
    /// use hl7_mllp::Acknowledgment;
    /// let ack = Acknowledgment::read(b"MSH|^~\\&|A\rMSA|AE|m-1|no such patient\r")?;
    /// assert_eq!((ack.code().as_str(), ack.control_id()), ("AE", "m-1"));
    /// assert_eq!(ack.text().as_deref(), Some("no such patient"));
    /// # Ok::<(), hl7_mllp::AcknowledgmentError>(())
    /// ```
    pub fn read(bytes: &[u8]) -> Result<Self, AcknowledgmentError> {
        Self::of(Bytes::copy_from_slice(bytes))
    }

    /// As [`Acknowledgment::read`], keeping the bytes given.
    pub(crate) fn of(bytes: Bytes) -> Result<Self, AcknowledgmentError> {
        let fault = |kind| Err(AcknowledgmentError { kind });
        let message = match message_of(&bytes) {
            Ok(message) => message,
            Err(why) => return fault(AcknowledgmentErrorKind::NotAMessage(why)),
        };
        let Some(msa) = Msa::of(&message) else { return fault(AcknowledgmentErrorKind::NoMsa) };
        if message.segments("MSA").count() > 1 {
            return fault(AcknowledgmentErrorKind::RepeatedMsa);
        }
        let Some(code) = msa.code() else { return fault(AcknowledgmentErrorKind::UnknownCode) };
        let control_id = msa.control_id_raw().to_owned();
        Ok(Self { bytes, message, code, control_id })
    }

    /// MSA-1.
    pub fn code(&self) -> AckCode {
        self.code
    }

    /// MSA-2 as sent; empty when it is missing.
    pub fn control_id(&self) -> &str {
        &self.control_id
    }

    /// What it says to people: MSA-3, else ERR-8 (the text for users), ERR-7 (the one for diagnosis) or the text of the code in ERR-3
    /// or, before version 2.5, ERR-1. It can name a patient.
    pub fn text(&self) -> Option<String> {
        let places = [
            path!("MSA-3"),
            path!("ERR-8"),
            path!("ERR-7"),
            path!("ERR-3.2"),
            path!("ERR-3.1"),
            path!("ERR-1.4.2"),
            path!("ERR-1.4.1"),
        ];
        let text = |place| self.message.get(place).filter(|value| !value.is_empty() && !value.is_null());
        places.into_iter().find_map(text).map(|value| value.text().into_owned())
    }

    /// The whole message.
    pub fn message(&self) -> &Message<'static> {
        &self.message
    }

    /// The bytes as received, without the frame; [`Acknowledgment::read`] reads them back.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// Reads by MSH-18 where that works. Where it does not, bytes outside ASCII become U+FFFD: a text that cannot be read is no reason to
/// send a message again that was accepted.
fn message_of(bytes: &[u8]) -> Result<Message<'static>, ParseError> {
    let unread = match Message::from_bytes(bytes) {
        Ok(message) => return Ok(message.into_owned()),
        Err(why) => why,
    };
    match unread.kind() {
        ParseErrorKind::Charset(_) => {}
        _ => return Err(unread),
    }
    if let Ok(message) = ReadOptions::new().undecodable(Undecodable::Replace).read(bytes) {
        return Ok(message.into_owned());
    }
    let text = String::from_utf8_lossy(bytes);
    Message::parse(&text).map(Message::into_owned).map_err(|_| unread)
}

impl fmt::Debug for Acknowledgment {
    /// Shows the code and the size only: the content may be a patient's.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Acknowledgment")
            .field("code", &self.code)
            .field("bytes", &self.bytes.len())
            .finish_non_exhaustive()
    }
}

/// Why a block is no acknowledgment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AcknowledgmentError {
    kind: AcknowledgmentErrorKind,
}

/// The kinds of [`AcknowledgmentError`].
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum AcknowledgmentErrorKind {
    /// N021: not an HL7 message.
    NotAMessage(ParseError),
    /// N022: no MSA segment.
    NoMsa,
    /// N023: more than one MSA segment.
    RepeatedMsa,
    /// N024: MSA-1 is missing or no code of table 0008.
    UnknownCode,
}

impl AcknowledgmentError {
    /// What is wrong.
    pub fn kind(&self) -> &AcknowledgmentErrorKind {
        &self.kind
    }

    /// The stable code, `N021` to `N024`.
    pub fn code(&self) -> &'static str {
        self.parts().0
    }

    /// What to do about it.
    pub fn suggestion(&self) -> &'static str {
        self.parts().2
    }

    fn parts(&self) -> (&'static str, &'static str, &'static str) {
        match &self.kind {
            AcknowledgmentErrorKind::NotAMessage(_) => {
                ("N021", "the answer is not an HL7 message", "is this the port of an HL7 receiver?")
            }
            AcknowledgmentErrorKind::NoMsa => {
                ("N022", "the answer has no MSA segment", "the receiver has to send one in its answer")
            }
            AcknowledgmentErrorKind::RepeatedMsa => (
                "N023",
                "the answer has more than one MSA segment",
                "the receiver has to answer each message",
            ),
            AcknowledgmentErrorKind::UnknownCode => (
                "N024",
                "MSA-1 of the answer is not a code of table 0008",
                "the receiver has to send AA, AE, AR, CA, CE or CR",
            ),
        }
    }
}

impl fmt::Display for AcknowledgmentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (code, what, suggestion) = self.parts();
        match &self.kind {
            AcknowledgmentErrorKind::NotAMessage(why) => write!(f, "{code}: {what}: {why}"),
            _ => write!(f, "{code}: {what}; {suggestion}"),
        }
    }
}

impl std::error::Error for AcknowledgmentError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.kind {
            AcknowledgmentErrorKind::NotAMessage(why) => Some(why),
            _ => None,
        }
    }
}
