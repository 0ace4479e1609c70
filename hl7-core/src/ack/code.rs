//! The codes of acknowledgments.

use std::fmt;
use std::str::FromStr;

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

/// The error conditions of HL7 table 0357, for ERR and MSA-6.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
#[allow(missing_docs)] // each variant is named for its text in the table
pub enum ErrorCode {
    MessageAccepted,
    SegmentSequenceError,
    RequiredFieldMissing,
    DataTypeError,
    TableValueNotFound,
    /// 2.7 and later.
    ValueTooLong,
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
    const ALL: [Self; 14] = [
        Self::MessageAccepted,
        Self::SegmentSequenceError,
        Self::RequiredFieldMissing,
        Self::DataTypeError,
        Self::TableValueNotFound,
        Self::ValueTooLong,
        Self::UnsupportedMessageType,
        Self::UnsupportedEventCode,
        Self::UnsupportedProcessingId,
        Self::UnsupportedVersionId,
        Self::UnknownKeyIdentifier,
        Self::DuplicateKeyIdentifier,
        Self::ApplicationRecordLocked,
        Self::ApplicationInternalError,
    ];

    /// The condition with this number, such as `101`; `None` when it is not one of these.
    ///
    /// ```
    /// use hl7_core::ErrorCode;
    /// assert_eq!(ErrorCode::of_number("101"), Some(ErrorCode::RequiredFieldMissing));
    /// assert_eq!(ErrorCode::of_number("999"), None);
    /// ```
    pub fn of_number(number: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.number() == number.trim())
    }

    /// The number in the table, such as `101`.
    pub fn number(self) -> &'static str {
        self.parts().0
    }

    /// The text in the table, such as `Required field missing`.
    pub fn text(self) -> &'static str {
        self.parts().1
    }

    /// Code and text as in the table.
    fn parts(self) -> (&'static str, &'static str) {
        match self {
            Self::MessageAccepted => ("0", "Message accepted"),
            Self::SegmentSequenceError => ("100", "Segment sequence error"),
            Self::RequiredFieldMissing => ("101", "Required field missing"),
            Self::DataTypeError => ("102", "Data type error"),
            Self::TableValueNotFound => ("103", "Table value not found"),
            Self::ValueTooLong => ("104", "Value too long"),
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
