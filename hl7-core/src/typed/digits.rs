//! Reading digits in fixed numbers, as dates and times have them.

use std::ops::RangeInclusive;

use super::error::{DataType, DataTypeError, DataTypeErrorKind};

/// A text that is read from left to right.
pub(super) struct Digits<'t> {
    bytes: &'t [u8],
    at: usize,
    data_type: DataType,
}

impl<'t> Digits<'t> {
    pub(super) fn new(text: &'t str, data_type: DataType) -> Self {
        Self { bytes: text.as_bytes(), at: 0, data_type }
    }

    pub(super) fn fault(&self, kind: DataTypeErrorKind, at: usize) -> DataTypeError {
        DataTypeError::new(self.data_type, kind, at)
    }

    pub(super) fn at(&self) -> usize {
        self.at
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    pub(super) fn at_digit(&self) -> bool {
        self.peek().is_some_and(|byte| byte.is_ascii_digit())
    }

    /// Passes over `byte` when it comes next.
    pub(super) fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    /// The next digit, which has to be there.
    pub(super) fn digit(&mut self) -> Result<u8, DataTypeError> {
        match self.peek() {
            Some(byte) if byte.is_ascii_digit() => {
                self.at += 1;
                Ok(byte - b'0')
            }
            Some(_) => Err(self.fault(DataTypeErrorKind::Unexpected, self.at)),
            None if self.bytes.is_empty() => Err(self.fault(DataTypeErrorKind::Empty, 0)),
            None => Err(self.fault(DataTypeErrorKind::Incomplete, self.at)),
        }
    }

    /// A number of two digits.
    pub(super) fn two(&mut self, range: RangeInclusive<u8>) -> Result<u8, DataTypeError> {
        let start = self.at;
        let number = self.digit()? * 10 + self.digit()?;
        if range.contains(&number) {
            Ok(number)
        } else {
            Err(self.fault(DataTypeErrorKind::OutOfRange, start))
        }
    }

    /// A number of two digits, when a digit comes next.
    pub(super) fn two_more(&mut self, range: RangeInclusive<u8>) -> Result<Option<u8>, DataTypeError> {
        if self.at_digit() { self.two(range).map(Some) } else { Ok(None) }
    }

    /// A number of four digits.
    pub(super) fn four(&mut self) -> Result<u16, DataTypeError> {
        let high = u16::from(self.two(0..=99)?);
        Ok(high * 100 + u16::from(self.two(0..=99)?))
    }

    /// That nothing follows.
    pub(super) fn end(&self) -> Result<(), DataTypeError> {
        match self.peek() {
            None => Ok(()),
            Some(byte) if byte.is_ascii_digit() => Err(self.fault(DataTypeErrorKind::TooLong, self.at)),
            Some(_) => Err(self.fault(DataTypeErrorKind::Unexpected, self.at)),
        }
    }
}
