//! DTM, and the TS that held it before 2.6.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::date::Date;
use super::digits::Digits;
use super::error::{DataType, DataTypeError};
use super::time::{Clock, Offset, Precision, Time};
use crate::piece::Value;
use crate::timestamp::{days_in_month, days_of};

/// A point in time as precise as it was sent. Data type DTM, `YYYY[MM[DD[HH[MM[SS[.S[S[S[S]]]]]]]]][+/-ZZZZ]` (HL7 2.5.1, chapter 2A, data type
/// DTM); in a TS, the data type before 2.6, it is the first component.
///
/// The clock goes from `0000`, the midnight before the day, to `2359`; there is neither an hour 24 nor a second 60. A fraction of more than
/// the standard's four digits is read up to nine, because senders write them; see [`Precision::Fraction`]. Two values are equal when they
/// were sent alike; which is earlier is asked with [`DateTime::order`].
///
/// ```
/// use hl7_core::typed::{DateTime, Precision};
/// use hl7_core::{path, Message};
///
/// let msg = Message::parse("MSH|^~\\&|A||||202601020304+0100\r")?;
/// let sent = DateTime::of(msg.get(path!("MSH-7")).unwrap())?;
/// assert_eq!((sent.hour(), sent.minute(), sent.second()), (Some(3), Some(4), None));
/// assert_eq!(sent.precision(), Precision::Minute);
/// assert_eq!(sent.to_string(), "202601020304+0100");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[doc(alias = "DTM")]
#[doc(alias = "TS")]
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct DateTime {
    date: Date,
    clock: Option<Clock>,
    offset: Option<Offset>,
}

const SECOND: i128 = 1_000_000_000;
const DAY: i128 = 86_400 * SECOND;

impl DateTime {
    /// The time at a place.
    ///
    /// # Errors
    /// When it is empty, null or no time.
    pub fn of<'m>(place: impl Into<Value<'m>>) -> Result<Self, DataTypeError> {
        Self::parse(&super::text_of(place.into(), DataType::Dtm)?)
    }

    /// The time that `text` states.
    ///
    /// # Errors
    /// When `text` has not the form, or the calendar or the clock has no such time.
    pub fn parse(text: &str) -> Result<Self, DataTypeError> {
        let mut digits = Digits::new(text, DataType::Dtm);
        let date = Date::read(&mut digits)?;
        let clock = match date.day() {
            Some(_) if digits.at_digit() => Some(Clock::read(&mut digits)?),
            _ => None,
        };
        let offset = Offset::read(&mut digits)?;
        digits.end().map(|()| Self { date, clock, offset })
    }

    /// The date.
    pub fn date(self) -> Date {
        self.date
    }

    /// The time of day with the offset, when at least the hour was sent.
    pub fn time(self) -> Option<Time> {
        self.clock.map(|clock| Time::new(clock, self.offset))
    }

    /// The year, 0 to 9999.
    pub fn year(self) -> u16 {
        self.date.year()
    }

    /// The month, 1 to 12, when it was sent.
    pub fn month(self) -> Option<u8> {
        self.date.month()
    }

    /// The day of the month, when it was sent.
    pub fn day(self) -> Option<u8> {
        self.date.day()
    }

    /// The hour, 0 to 23, when it was sent.
    pub fn hour(self) -> Option<u8> {
        self.clock.map(|clock| clock.hour)
    }

    /// The minute, when it was sent.
    pub fn minute(self) -> Option<u8> {
        self.clock?.minute
    }

    /// The second, when it was sent.
    pub fn second(self) -> Option<u8> {
        self.clock?.second
    }

    /// The part of the second in nanoseconds, when it was sent.
    pub fn nanosecond(self) -> Option<u32> {
        self.clock?.nanosecond()
    }

    /// The offset from UTC, when it was sent.
    pub fn offset(self) -> Option<Offset> {
        self.offset
    }

    /// How much of it was sent.
    pub fn precision(self) -> Precision {
        self.clock.map_or(self.date.precision(), Clock::precision)
    }

    /// The same with `offset` where it states none. The offset of MSH-7 is the default of the whole message (HL7 2.5.1, chapter 2, section
    /// 2.15.9.7).
    pub fn or_offset(mut self, offset: Offset) -> Self {
        self.offset = self.offset.or(Some(offset));
        self
    }

    /// The first instant that it can mean: of `2026` the first second of that year. `None` without an offset, since a local time is no
    /// instant, and before what the system can count.
    ///
    /// ```
    /// use hl7_core::typed::{DateTime, Offset};
    /// let local = DateTime::parse("1970010101")?;
    /// assert_eq!(local.earliest(), None);
    /// let since = local.or_offset(Offset::UTC).earliest().unwrap().duration_since(std::time::UNIX_EPOCH);
    /// assert_eq!(since.unwrap().as_secs(), 3600);
    /// # Ok::<(), hl7_core::typed::DataTypeError>(())
    /// ```
    pub fn earliest(self) -> Option<SystemTime> {
        let (start, _) = self.span()?;
        let apart = start.unsigned_abs();
        let seconds = u64::try_from(apart / SECOND.unsigned_abs()).ok()?;
        let apart = Duration::new(seconds, (apart % SECOND.unsigned_abs()) as u32);
        if start < 0 { UNIX_EPOCH.checked_sub(apart) } else { UNIX_EPOCH.checked_add(apart) }
    }

    /// Which of two is earlier, where that is certain: both have an offset, and neither lies within the precision of the other. Equal are
    /// two that mean the same span of time, such as `2026010212+0100` and `2026010211+0000`.
    ///
    /// ```
    /// use hl7_core::typed::DateTime;
    /// use std::cmp::Ordering;
    /// let order = |a, b| Ok::<_, hl7_core::typed::DataTypeError>(DateTime::parse(a)?.order(DateTime::parse(b)?));
    /// assert_eq!(order("20260102+0000", "202601030000+0000")?, Some(Ordering::Less));
    /// assert_eq!(order("20260102+0000", "202601021200+0000")?, None, "some time on that day");
    /// assert_eq!(order("20260102", "20260103")?, None, "no offset");
    /// # Ok::<(), hl7_core::typed::DataTypeError>(())
    /// ```
    pub fn order(self, other: Self) -> Option<Ordering> {
        let (start, end) = self.span()?;
        let (other_start, other_end) = other.span()?;
        if (start, end) == (other_start, other_end) {
            Some(Ordering::Equal)
        } else if end <= other_start {
            Some(Ordering::Less)
        } else if other_end <= start {
            Some(Ordering::Greater)
        } else {
            None
        }
    }

    /// The nanoseconds since 1970 in UTC at which it starts, and at which what follows starts.
    fn span(self) -> Option<(i128, i128)> {
        let offset = i128::from(self.offset?.minutes()) * 60 * SECOND;
        let (start, length) = match self.clock {
            None => self.days(),
            Some(clock) => {
                let (start, _) = self.days();
                let of_day = seconds(clock) * SECOND + i128::from(clock.nanosecond().unwrap_or(0));
                (start + of_day, unit(clock.precision()))
            }
        };
        Some((start - offset, start - offset + length))
    }

    /// Where its day, month or year starts, and how long that is.
    fn days(self) -> (i128, i128) {
        let year = self.year();
        let month = self.month().unwrap_or(1);
        let start = days_of(year, month, self.day().unwrap_or(1));
        let days = match self.date.precision() {
            Precision::Year => days_of(year + 1, 1, 1) - start,
            Precision::Month => i64::from(days_in_month(year, month)),
            _ => 1,
        };
        (i128::from(start) * DAY, i128::from(days) * DAY)
    }
}

/// The whole seconds since midnight.
fn seconds(clock: Clock) -> i128 {
    let part = |part: Option<u8>| i128::from(part.unwrap_or(0));
    i128::from(clock.hour) * 3600 + part(clock.minute) * 60 + part(clock.second)
}

/// How many nanoseconds the finest part of a time of day covers.
fn unit(precision: Precision) -> i128 {
    match precision {
        Precision::Fraction(digits) => SECOND / 10_i128.pow(u32::from(digits)),
        Precision::Second => SECOND,
        Precision::Minute => 60 * SECOND,
        _ => 3600 * SECOND,
    }
}

impl FromStr for DateTime {
    type Err = DataTypeError;

    fn from_str(text: &str) -> Result<Self, DataTypeError> {
        Self::parse(text)
    }
}

impl fmt::Display for DateTime {
    /// The time as it was sent.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.date.fmt(f)?;
        self.clock.map_or(Ok(()), |clock| clock.fmt(f))?;
        self.offset.map_or(Ok(()), |offset| offset.fmt(f))
    }
}

impl fmt::Debug for DateTime {
    /// Shows the precision only: the time may be a patient's.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DateTime({:?})", self.precision())
    }
}
