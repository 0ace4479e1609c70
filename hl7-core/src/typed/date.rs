//! DT, and the date of a DTM.

use std::fmt;
use std::str::FromStr;

use super::digits::Digits;
use super::error::{DataType, DataTypeError};
use super::time::Precision;
use crate::piece::Value;
use crate::timestamp::days_in_month;

/// A date as precise as it was sent: a year, a month, or a day. Data type DT, `YYYY[MM[DD]]` (HL7 2.5.1, chapter 2A, data type DT).
///
/// Two dates are equal when they were sent alike; `2024` is not `202401`.
///
/// ```
/// use hl7_core::typed::Date;
/// let date: Date = "20240229".parse()?;
/// assert_eq!((date.year(), date.month(), date.day()), (2024, Some(2), Some(29)));
/// assert!(Date::parse("20230229").is_err());
/// # Ok::<(), hl7_core::typed::DataTypeError>(())
/// ```
#[doc(alias = "DT")]
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Date {
    year: u16,
    month: Option<u8>,
    day: Option<u8>,
}

impl Date {
    /// The date at a place.
    ///
    /// # Errors
    /// When it is empty, null or no date.
    pub fn of<'m>(place: impl Into<Value<'m>>) -> Result<Self, DataTypeError> {
        Self::parse(&super::text_of(place.into(), DataType::Dt)?)
    }

    /// The date that `text` states.
    ///
    /// # Errors
    /// When `text` is not four, six or eight digits, or the calendar has no such month or day.
    pub fn parse(text: &str) -> Result<Self, DataTypeError> {
        let mut digits = Digits::new(text, DataType::Dt);
        let date = Self::read(&mut digits)?;
        digits.end().map(|()| date)
    }

    pub(super) fn read(digits: &mut Digits<'_>) -> Result<Self, DataTypeError> {
        let year = digits.four()?;
        let month = digits.two_more(1..=12)?;
        let day = match month {
            Some(month) => digits.two_more(1..=days_in_month(year, month))?,
            None => None,
        };
        Ok(Self { year, month, day })
    }

    /// The year, 0 to 9999.
    pub fn year(self) -> u16 {
        self.year
    }

    /// The month, 1 to 12, when it was sent.
    pub fn month(self) -> Option<u8> {
        self.month
    }

    /// The day of the month, when it was sent.
    pub fn day(self) -> Option<u8> {
        self.day
    }

    /// How much of it was sent.
    pub fn precision(self) -> Precision {
        match (self.month, self.day) {
            (None, _) => Precision::Year,
            (_, None) => Precision::Month,
            _ => Precision::Day,
        }
    }
}

impl FromStr for Date {
    type Err = DataTypeError;

    fn from_str(text: &str) -> Result<Self, DataTypeError> {
        Self::parse(text)
    }
}

impl fmt::Display for Date {
    /// The date as it was sent.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}", self.year)?;
        [self.month, self.day].into_iter().flatten().try_for_each(|part| write!(f, "{part:02}"))
    }
}

impl fmt::Debug for Date {
    /// Shows the precision only: the date may be a patient's.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Date({:?})", self.precision())
    }
}
