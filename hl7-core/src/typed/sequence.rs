//! SI.

use std::fmt;
use std::str::FromStr;

use super::digits::Digits;
use super::error::{DataType, DataTypeError};
use crate::piece::Value;

/// A sequence number such as OBX-1, 0 to 9999. Data type SI (HL7 2.5.1, chapter 2A, data type SI): one to four digits; leading zeros mean
/// nothing.
///
/// ```
/// use hl7_core::typed::SequenceId;
/// assert_eq!(SequenceId::parse("12")?.get(), 12);
/// assert!(SequenceId::parse("-1").is_err());
/// # Ok::<(), hl7_core::typed::DataTypeError>(())
/// ```
#[doc(alias = "SI")]
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SequenceId(u16);

impl SequenceId {
    /// The sequence number at a place.
    ///
    /// # Errors
    /// When it is empty, null or no sequence number.
    pub fn of<'m>(place: impl Into<Value<'m>>) -> Result<Self, DataTypeError> {
        Self::parse(&super::text_of(place.into(), DataType::Si)?)
    }

    /// The sequence number that `text` states.
    ///
    /// # Errors
    /// When `text` is not one to four digits.
    pub fn parse(text: &str) -> Result<Self, DataTypeError> {
        let mut digits = Digits::new(text, DataType::Si);
        let mut number = u16::from(digits.digit()?);
        for _ in 1..4 {
            if digits.at_digit() {
                number = number * 10 + u16::from(digits.digit()?);
            }
        }
        digits.end().map(|()| Self(number))
    }

    /// The number.
    pub fn get(self) -> u16 {
        self.0
    }
}

impl From<SequenceId> for u16 {
    fn from(id: SequenceId) -> u16 {
        id.0
    }
}

impl FromStr for SequenceId {
    type Err = DataTypeError;

    fn from_str(text: &str) -> Result<Self, DataTypeError> {
        Self::parse(text)
    }
}

impl fmt::Display for SequenceId {
    /// The number without leading zeros.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for SequenceId {
    /// Shows no number: it is content of a message.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SequenceId")
    }
}
