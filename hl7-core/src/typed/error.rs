//! Why a text is not a value of a data type.

use std::fmt;

/// The data types whose values are checked when they are read.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
#[allow(missing_docs)] // each variant is named for the standard's data type
pub enum DataType {
    Dt,
    Tm,
    Dtm,
    Nm,
    Si,
}

impl DataType {
    /// The standard's letters, such as `DTM`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dt => "DT",
            Self::Tm => "TM",
            Self::Dtm => "DTM",
            Self::Nm => "NM",
            Self::Si => "SI",
        }
    }

    /// The form that its values have.
    fn form(self) -> &'static str {
        match self {
            Self::Dt => "YYYY[MM[DD]]",
            Self::Tm => "HH[MM[SS[.S[S[S[S]]]]]][+/-ZZZZ]",
            Self::Dtm => "YYYY[MM[DD[HH[MM[SS[.S[S[S[S]]]]]]]]][+/-ZZZZ]",
            Self::Nm => "[+/-]digits[.digits]",
            Self::Si => "a whole number from 0 to 9999",
        }
    }
}

impl fmt::Display for DataType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a text is not a value of a data type: a kind, and the byte at which it shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DataTypeError {
    data_type: DataType,
    kind: DataTypeErrorKind,
    offset: usize,
}

/// The kinds of [`DataTypeError`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum DataTypeErrorKind {
    /// T001: nothing was sent.
    Empty,
    /// T002: HL7's null, `""`.
    Null,
    /// T003: digits are missing where the text ends.
    Incomplete,
    /// T004: a character that does not belong where it stands.
    Unexpected,
    /// T005: a number that the calendar, the clock or the data type does not have.
    OutOfRange,
    /// T006: more digits than the data type has.
    TooLong,
    /// T007: an escape sequence in a number.
    Escaped,
}

impl DataTypeError {
    pub(super) fn new(data_type: DataType, kind: DataTypeErrorKind, offset: usize) -> Self {
        Self { data_type, kind, offset }
    }

    /// The data type that was read.
    pub fn data_type(&self) -> DataType {
        self.data_type
    }

    /// What is wrong.
    pub fn kind(&self) -> DataTypeErrorKind {
        self.kind
    }

    /// The byte of the value's text, from 0, at which the fault shows.
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// The stable code, `T001` to `T007`.
    pub fn code(&self) -> &'static str {
        self.parts().0
    }

    /// What to do about it.
    pub fn suggestion(&self) -> &'static str {
        match self.kind {
            DataTypeErrorKind::Empty | DataTypeErrorKind::Null => "ask Value::valued first",
            _ => self.data_type.form(),
        }
    }

    fn parts(&self) -> (&'static str, &'static str) {
        use DataTypeErrorKind as K;
        match self.kind {
            K::Empty => ("T001", "nothing was sent"),
            K::Null => ("T002", "null was sent, the order to delete the value"),
            K::Incomplete => ("T003", "digits are missing at the end"),
            K::Unexpected => ("T004", "a character that does not belong here"),
            K::OutOfRange => ("T005", "a number out of range"),
            K::TooLong => ("T006", "more digits than the data type has"),
            K::Escaped => ("T007", "an escape sequence in a number"),
        }
    }
}

impl fmt::Display for DataTypeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (code, what) = self.parts();
        write!(f, "{code}: not a {}: {what} (byte {}); {}", self.data_type, self.offset, self.suggestion())
    }
}

impl std::error::Error for DataTypeError {}
