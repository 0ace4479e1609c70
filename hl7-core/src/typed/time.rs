//! TM, the time of a DTM, and the offset from UTC that both may have.

use std::fmt;
use std::str::FromStr;

use super::digits::Digits;
use super::error::{DataType, DataTypeError, DataTypeErrorKind};
use crate::piece::Value;

/// How much of a date or time was sent. What is finer is greater.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[non_exhaustive]
pub enum Precision {
    /// A year.
    Year,
    /// A month of a year.
    Month,
    /// A day.
    Day,
    /// An hour.
    Hour,
    /// A minute.
    Minute,
    /// A second.
    Second,
    /// A part of a second with this many digits behind the point: 1 to 4 by the standard, up to 9 are read.
    Fraction(u8),
}

/// A time of day as precise as it was sent. Data type TM, `HH[MM[SS[.S[S[S[S]]]]]][+/-ZZZZ]` (HL7 2.5.1, chapter 2A, data type TM).
///
/// Midnight is `0000`; there is neither an hour 24 nor a second 60. A fraction of more than the standard's four digits is read up to nine,
/// because senders write them; see [`Precision::Fraction`]. Two times are equal when they were sent alike.
///
/// ```
/// use hl7_core::typed::{Precision, Time};
/// let time: Time = "235959.25+0100".parse()?;
/// assert_eq!((time.hour(), time.nanosecond()), (23, Some(250_000_000)));
/// assert_eq!(time.precision(), Precision::Fraction(2));
/// assert_eq!(time.offset().map(|offset| offset.minutes()), Some(60));
/// # Ok::<(), hl7_core::typed::DataTypeError>(())
/// ```
#[doc(alias = "TM")]
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Time {
    clock: Clock,
    offset: Option<Offset>,
}

/// A time of day without an offset.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Clock {
    pub(super) hour: u8,
    pub(super) minute: Option<u8>,
    pub(super) second: Option<u8>,
    fraction: Option<Fraction>,
}

/// A part of a second, and in how many digits it was sent.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Fraction {
    nanoseconds: u32,
    digits: u8,
}

const MAX_FRACTION: u8 = 9;

impl Time {
    /// The time at a place.
    ///
    /// # Errors
    /// When it is empty, null or no time.
    pub fn of<'m>(place: impl Into<Value<'m>>) -> Result<Self, DataTypeError> {
        Self::parse(&super::text_of(place.into(), DataType::Tm)?)
    }

    /// The time that `text` states.
    ///
    /// # Errors
    /// When `text` has not the form, or the clock has no such hour, minute or second.
    pub fn parse(text: &str) -> Result<Self, DataTypeError> {
        let mut digits = Digits::new(text, DataType::Tm);
        let time = Self { clock: Clock::read(&mut digits)?, offset: Offset::read(&mut digits)? };
        digits.end().map(|()| time)
    }

    pub(super) fn new(clock: Clock, offset: Option<Offset>) -> Self {
        Self { clock, offset }
    }

    /// The hour, 0 to 23.
    pub fn hour(self) -> u8 {
        self.clock.hour
    }

    /// The minute, when it was sent.
    pub fn minute(self) -> Option<u8> {
        self.clock.minute
    }

    /// The second, when it was sent.
    pub fn second(self) -> Option<u8> {
        self.clock.second
    }

    /// The part of the second in nanoseconds, when it was sent.
    pub fn nanosecond(self) -> Option<u32> {
        self.clock.nanosecond()
    }

    /// The offset from UTC, when it was sent.
    pub fn offset(self) -> Option<Offset> {
        self.offset
    }

    /// How much of it was sent.
    pub fn precision(self) -> Precision {
        self.clock.precision()
    }
}

impl Clock {
    pub(super) fn read(digits: &mut Digits<'_>) -> Result<Self, DataTypeError> {
        let hour = digits.two(0..=23)?;
        let minute = digits.two_more(0..=59)?;
        let second = match minute {
            Some(_) => digits.two_more(0..=59)?,
            None => None,
        };
        let fraction = match second {
            Some(_) if digits.take(b'.') => Some(Fraction::read(digits)?),
            _ => None,
        };
        Ok(Self { hour, minute, second, fraction })
    }

    pub(super) fn nanosecond(self) -> Option<u32> {
        self.fraction.map(|fraction| fraction.nanoseconds)
    }

    pub(super) fn precision(self) -> Precision {
        match (self.minute, self.second, self.fraction) {
            (None, ..) => Precision::Hour,
            (_, None, _) => Precision::Minute,
            (.., None) => Precision::Second,
            (.., Some(fraction)) => Precision::Fraction(fraction.digits),
        }
    }
}

impl Fraction {
    fn read(digits: &mut Digits<'_>) -> Result<Self, DataTypeError> {
        let mut read = 0;
        let mut value = u32::from(digits.digit()?);
        for _ in 1..MAX_FRACTION {
            value *= 10;
            if digits.at_digit() {
                value += u32::from(digits.digit()?);
                read += 1;
            }
        }
        Ok(Self { nanoseconds: value, digits: read + 1 })
    }
}

/// An offset from UTC, `+HHMM` or `-HHMM`, within 14 hours.
///
/// `-0000` is not `+0000`: from 2.9 on it states UTC by a sender that does not know its own zone; before, both mean the same.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Offset {
    minutes: i16,
    minus: bool,
}

const MAX_OFFSET: i16 = 14 * 60;

impl Offset {
    /// `+0000`.
    pub const UTC: Self = Self { minutes: 0, minus: false };

    /// An offset of so many minutes east of Greenwich; `None` beyond 14 hours.
    pub fn from_minutes(minutes: i16) -> Option<Self> {
        let known = (-MAX_OFFSET..=MAX_OFFSET).contains(&minutes);
        known.then_some(Self { minutes, minus: minutes < 0 })
    }

    /// The minutes east of Greenwich.
    pub fn minutes(self) -> i16 {
        self.minutes
    }

    /// Whether it was sent as `-0000`.
    pub fn is_minus_zero(self) -> bool {
        self.minus && self.minutes == 0
    }

    /// The offset that comes next, when there is a sign.
    pub(super) fn read(digits: &mut Digits<'_>) -> Result<Option<Self>, DataTypeError> {
        let start = digits.at();
        let minus = digits.take(b'-');
        if !minus && !digits.take(b'+') {
            return Ok(None);
        }
        let minutes = i16::from(digits.two(0..=14)?) * 60 + i16::from(digits.two(0..=59)?);
        if minutes > MAX_OFFSET {
            return Err(digits.fault(DataTypeErrorKind::OutOfRange, start + 1));
        }
        Ok(Some(Self { minutes: if minus { -minutes } else { minutes }, minus }))
    }
}

impl FromStr for Time {
    type Err = DataTypeError;

    fn from_str(text: &str) -> Result<Self, DataTypeError> {
        Self::parse(text)
    }
}

impl fmt::Display for Time {
    /// The time as it was sent.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.clock.fmt(f)?;
        self.offset.map_or(Ok(()), |offset| offset.fmt(f))
    }
}

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}", self.hour)?;
        [self.minute, self.second].into_iter().flatten().try_for_each(|part| write!(f, "{part:02}"))?;
        let Some(fraction) = self.fraction else { return Ok(()) };
        let unit = 10_u32.pow(u32::from(MAX_FRACTION - fraction.digits));
        write!(f, ".{:0width$}", fraction.nanoseconds / unit, width = usize::from(fraction.digits))
    }
}

impl fmt::Display for Offset {
    /// The offset as it was sent.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let minutes = self.minutes.unsigned_abs();
        write!(f, "{}{:02}{:02}", if self.minus { '-' } else { '+' }, minutes / 60, minutes % 60)
    }
}

impl fmt::Debug for Time {
    /// Shows the precision only: the time may be a patient's.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Time({:?})", self.precision())
    }
}

impl fmt::Debug for Offset {
    /// Shows no minutes: they are content of a message.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Offset")
    }
}
