//! Dates and times: read from ISO 8601 (or HL7's own form), written as HL7 DT and DTM. What was not said is never added.

use jiff::tz::{AmbiguousOffset, Offset, TimeZone};
use jiff::{Span, civil};

use crate::plan::Precision;
use crate::value::Fault;

/// Why a text is not taken for a date or time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum NotMoment {
    NoDate,
    /// A time at second 60.
    LeapSecond,
}

impl NotMoment {
    /// M205.
    pub(crate) fn fault(self) -> Fault {
        match self {
            Self::NoDate => Fault::new("M205", "this is not a date or time")
                .suggest("the forms are 1980, 1980-02, 1980-02-03 and 1980-02-03T04:05:06-05:00"),
            Self::LeapSecond => {
                Fault::new("M205", "this time is a leap second (`:60`), and seconds end at 59 in HL7")
                    .suggest("send the second before it or after it")
            }
        }
    }
}

/// A date or time as far as it was stated.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment<'t> {
    year: i16,
    month: Option<i8>,
    day: Option<i8>,
    hour: Option<i8>,
    minute: Option<i8>,
    second: Option<i8>,
    /// The digits behind the point.
    fraction: &'t str,
    /// In minutes east of UTC.
    offset: Option<i32>,
}

impl<'t> Moment<'t> {
    /// Reads `1980`, `1980-02`, `1980-02-03`, `1980-02-03T04:05:06.789-05:00`, the same without `-` and `:`, a blank in place of `T`, and
    /// HL7's `198002030405-0500`. Ten digits without more are refused: they are seconds since 1970 more often than an hour.
    pub(crate) fn of(text: &'t str) -> Result<Self, NotMoment> {
        let moment = Self::read(text).ok_or(NotMoment::NoDate)?;
        match moment.second {
            _ if moment.is_real() => Ok(moment),
            Some(60) if (Self { second: Some(59), ..moment }).is_real() => Err(NotMoment::LeapSecond),
            _ => Err(NotMoment::NoDate),
        }
    }

    /// The parts, whether or not there is such a day and time.
    fn read(text: &'t str) -> Option<Self> {
        let mut reader = Reader { text, at: 0 };
        let year = i16::from(reader.two()?) * 100 + i16::from(reader.two()?);
        let mut moment = Self {
            year,
            month: None,
            day: None,
            hour: None,
            minute: None,
            second: None,
            fraction: "",
            offset: None,
        };
        let dash = reader.is_at(b'-').then_some(b'-');
        moment.month = reader.next_part(dash)?;
        if moment.month.is_some() {
            moment.day = reader.next_part(dash)?;
        }
        if moment.day.is_some() {
            let separated = reader.take(b"Tt ");
            if separated || dash.is_none() {
                moment.time(&mut reader, separated)?;
            }
        }
        reader.rest().is_empty().then_some(moment)
    }

    fn time(&mut self, reader: &mut Reader<'t>, separated: bool) -> Option<()> {
        self.hour = reader.next_part(None)?;
        if self.hour.is_none() {
            return (!separated).then_some(());
        }
        let colon = reader.is_at(b':').then_some(b':');
        self.minute = reader.next_part(colon)?;
        if self.minute.is_some() {
            self.second = reader.next_part(colon)?;
        }
        if self.second.is_some() && reader.take(b".,") {
            self.fraction = reader.digits();
            if self.fraction.is_empty() {
                return None;
            }
        }
        self.offset = reader.offset()?;
        (separated || self.minute.is_some()).then_some(())
    }

    /// Whether the date and the time exist.
    fn is_real(&self) -> bool {
        let date = civil::Date::new(self.year, self.month.unwrap_or(1), self.day.unwrap_or(1));
        let hour = self.hour.is_none_or(|h| (0..24).contains(&h));
        let sixty = |part: Option<i8>| part.is_none_or(|p| (0..60).contains(&p));
        self.year > 0 && date.is_ok() && hour && sixty(self.minute) && sixty(self.second)
    }

    /// Appends HL7's DT: at most eight digits.
    pub(crate) fn push_date(&self, out: &mut String) {
        let mut digits = Digits::default();
        digits.year(self.year);
        [self.month, self.day].into_iter().flatten().for_each(|part| digits.two(part));
        out.push_str(digits.text());
    }

    /// Whether it is a time without an offset.
    pub(crate) fn lacks_offset(&self) -> bool {
        self.hour.is_some() && self.offset.is_none()
    }

    pub(crate) fn has_time(&self) -> bool {
        self.hour.is_some()
    }

    /// The same instant in a zone, in HL7's form. A date without a time is a date everywhere.
    pub(crate) fn in_zone(&self, to: &TimeZone, zone: Option<&TimeZone>) -> Result<String, Fault> {
        let (Some(hour), Some(minutes)) = (self.hour, self.offset_in(zone)?) else {
            return self.as_dtm(Precision::Fraction, None);
        };
        let no_date = || NotMoment::NoDate.fault();
        let date = civil::Date::new(self.year, self.month.unwrap_or(1), self.day.unwrap_or(1))
            .map_err(|_| no_date())?;
        let local = date.at(hour, self.minute.unwrap_or(0), self.second.unwrap_or(0), 0);
        let offset = Offset::from_seconds(minutes * 60).map_err(|_| no_date())?;
        let there = to.to_datetime(offset.to_timestamp(local).map_err(|_| no_date())?);
        let moved = Self {
            year: there.year(),
            month: Some(there.month()),
            day: Some(there.day()),
            hour: Some(there.hour()),
            // A zone may be half an hour off.
            minute: self
                .minute
                .map(|_| there.minute())
                .or(Some(there.minute()).filter(|minute| *minute != 0)),
            second: self.second.map(|_| there.second()),
            fraction: self.fraction,
            offset: None,
        };
        moved.with_offset_of(to)
    }

    /// So many days later, in HL7's form. A month or a year has no day to count from.
    pub(crate) fn plus_days(&self, days: i32) -> Result<String, Fault> {
        let no_day = || Fault::new("M205", "this date has no day, so that days cannot be added");
        let (Some(month), Some(day)) = (self.month, self.day) else { return Err(no_day()) };
        let date = civil::Date::new(self.year, month, day).map_err(|_| no_day())?;
        let moved =
            date.checked_add(Span::new().days(days)).ok().filter(|moved| (1..=9_999).contains(&moved.year()));
        let moved = moved.ok_or_else(|| {
            Fault::new("M205", "this date with the days added is beyond the years 1 to 9999")
        })?;
        let (month, day) = (Some(moved.month()), Some(moved.day()));
        Self { year: moved.year(), month, day, ..*self }.as_dtm(Precision::Fraction, None)
    }

    /// HL7's form with every digit, and the offset of `zone` where a time has none.
    pub(crate) fn with_offset_of(&self, zone: &TimeZone) -> Result<String, Fault> {
        let mut out = Self { fraction: "", offset: None, ..*self }.as_dtm(Precision::Second, None)?;
        if !self.fraction.is_empty() {
            out.push('.');
            out.push_str(self.fraction);
        }
        if self.hour.is_some()
            && let Some(minutes) = self.offset_in(Some(zone))?
        {
            let mut digits = Digits::default();
            digits.offset(minutes);
            out.push_str(digits.text());
        }
        Ok(out)
    }

    /// HL7's DTM, cut at `precision`. A time without an offset gets that of `zone`.
    pub(crate) fn as_dtm(&self, precision: Precision, zone: Option<&TimeZone>) -> Result<String, Fault> {
        let mut out = String::with_capacity(24);
        self.push_dtm(&mut out, precision, zone)?;
        Ok(out)
    }

    /// Appends it.
    pub(crate) fn push_dtm(
        &self,
        out: &mut String,
        precision: Precision,
        zone: Option<&TimeZone>,
    ) -> Result<(), Fault> {
        let parts = [
            (Precision::Month, self.month),
            (Precision::Day, self.day),
            (Precision::Hour, self.hour),
            (Precision::Minute, self.minute),
            (Precision::Second, self.second),
        ];
        let mut digits = Digits::default();
        digits.year(self.year);
        for part in parts.into_iter().filter(|(at, _)| *at <= precision).filter_map(|(_, part)| part) {
            digits.two(part);
        }
        if precision == Precision::Fraction && !self.fraction.is_empty() {
            // DTM holds four digits behind the point at most (2.5.1, chapter 2A, section 2.A.22).
            digits.push(b'.');
            self.fraction.bytes().take(4).for_each(|digit| digits.push(digit));
        }
        if precision >= Precision::Hour
            && self.hour.is_some()
            && let Some(minutes) = self.offset_in(zone)?
        {
            digits.offset(minutes);
        }
        out.push_str(digits.text());
        Ok(())
    }

    /// The offset that was stated, or that of the zone at this local time.
    fn offset_in(&self, zone: Option<&TimeZone>) -> Result<Option<i32>, Fault> {
        let (None, Some(zone)) = (self.offset, zone) else { return Ok(self.offset) };
        let stated = |part: Option<i8>| part.unwrap_or(0);
        let local = civil::Date::new(self.year, self.month.unwrap_or(1), self.day.unwrap_or(1))
            .map(|date| date.at(stated(self.hour), stated(self.minute), stated(self.second), 0))
            .map_err(|_| NotMoment::NoDate.fault())?;
        match zone.to_ambiguous_timestamp(local).offset() {
            AmbiguousOffset::Unambiguous { offset } if offset.seconds() % 60 == 0 => {
                Ok(Some(offset.seconds() / 60))
            }
            AmbiguousOffset::Unambiguous { .. } => Err(Fault::new(
                "M215",
                "the zone's offset at this time has seconds, as before standard time, and HL7 writes hours and minutes",
            )
            .suggest("send the time with its offset, or the date alone")),
            AmbiguousOffset::Gap { .. } => Err(Fault::new(
                "M206",
                "this local time does not exist in the zone: the clocks went forward over it",
            )
            .suggest("send the time with its offset")),
            AmbiguousOffset::Fold { .. } => Err(Fault::new(
                "M207",
                "this local time exists twice in the zone: the clocks went back over it",
            )
            .suggest("send the time with its offset")),
        }
    }
}

/// A date or time of HL7 as ISO 8601 has it, as precise as it is: `1980`, `1980-02-03T04:05:06.7-05:00`. An offset of nothing is `Z`.
pub(crate) fn as_iso(hl7: &str) -> Option<String> {
    Some(Moment::of(hl7).ok()?.as_iso())
}

impl Moment<'_> {
    pub(crate) fn as_iso(&self) -> String {
        let mut digits = Digits::default();
        digits.year(self.year);
        let parts = [
            (b'-', self.month),
            (b'-', self.day),
            (b'T', self.hour),
            (b':', self.minute),
            (b':', self.second),
        ];
        for (mark, part) in parts.into_iter().filter_map(|(mark, part)| Some((mark, part?))) {
            digits.push(mark);
            digits.two(part);
        }
        let mut out = String::with_capacity(29);
        out.push_str(digits.text());
        if !self.fraction.is_empty() {
            out.push('.');
            out.push_str(self.fraction);
        }
        match self.offset {
            Some(0) => out.push('Z'),
            Some(minutes) => {
                let mut digits = Digits::default();
                digits.offset(minutes);
                let (hours, minutes) = digits.text().split_at(3);
                out.extend([hours, ":", minutes]);
            }
            None => {}
        }
        out
    }
}

/// A date or time on its way into a text, at most 24 characters.
#[derive(Default)]
pub(crate) struct Digits {
    bytes: [u8; 24],
    length: usize,
}

impl Digits {
    pub(crate) fn push(&mut self, byte: u8) {
        if let Some(place) = self.bytes.get_mut(self.length) {
            *place = byte;
            self.length += 1;
        }
    }

    /// A year from 1 to 9999.
    pub(crate) fn year(&mut self, year: i16) {
        let year = year.clamp(0, 9_999);
        self.two((year / 100) as i8);
        self.two((year % 100) as i8);
    }

    /// A number from 0 to 99.
    pub(crate) fn two(&mut self, number: i8) {
        let number = number.clamp(0, 99).unsigned_abs();
        self.push(b'0' + number / 10);
        self.push(b'0' + number % 10);
    }

    /// In minutes east of UTC.
    pub(crate) fn offset(&mut self, minutes: i32) {
        self.push(if minutes < 0 { b'-' } else { b'+' });
        let minutes = minutes.abs();
        self.two((minutes / 60) as i8);
        self.two((minutes % 60) as i8);
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(self.bytes.get(..self.length).unwrap_or_default()).unwrap_or_default()
    }
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Reader<'t> {
    fn rest(&self) -> &'t [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    fn is_at(&self, mark: u8) -> bool {
        self.rest().first() == Some(&mark)
    }

    /// Steps over one of `marks`.
    fn take(&mut self, marks: &[u8]) -> bool {
        let found = self.rest().first().is_some_and(|byte| marks.contains(byte));
        self.at += usize::from(found);
        found
    }

    /// A number of exactly two digits.
    fn two(&mut self) -> Option<i8> {
        let &[tens, ones] = self.rest().first_chunk()?;
        let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
        if tens > 9 || ones > 9 {
            return None;
        }
        self.at += 2;
        Some((tens * 10 + ones) as i8)
    }

    /// Two digits behind `mark`: `Some(None)` when the text ends or goes on with something else, `None` when it is broken.
    fn next_part(&mut self, mark: Option<u8>) -> Option<Option<i8>> {
        let goes_on = match mark {
            Some(mark) => self.take(&[mark]),
            None => self.rest().first().is_some_and(u8::is_ascii_digit),
        };
        if goes_on { self.two().map(Some) } else { Some(None) }
    }

    fn digits(&mut self) -> &'t str {
        let start = self.at;
        self.at += self.rest().iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.text.get(start..self.at).unwrap_or_default()
    }

    /// `Z`, `+01:00`, `-0500`, `+02`, or nothing; in minutes.
    fn offset(&mut self) -> Option<Option<i32>> {
        if self.take(b"Zz") {
            return Some(Some(0));
        }
        let sign = match self.rest() {
            [b'+', ..] => 1,
            [b'-', ..] => -1,
            _ => return Some(None),
        };
        self.at += 1;
        let hours = i32::from(self.two()?);
        self.take(b":");
        let minutes = if self.rest().is_empty() { 0 } else { i32::from(self.two()?) };
        (hours <= 18 && minutes < 60).then_some(Some(sign * (hours * 60 + minutes)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dtm(text: &str, precision: Precision) -> Option<String> {
        Moment::of(text).ok().and_then(|moment| moment.as_dtm(precision, None).ok())
    }

    #[test]
    fn precision_and_offset_are_kept() {
        for (text, shown) in [
            ("1980", "1980"),
            ("1980-02", "198002"),
            ("198002", "198002"),
            ("1980-02-03", "19800203"),
            ("19800203", "19800203"),
            ("1980-02-03T04", "1980020304"),
            ("1980-02-03T04:05", "198002030405"),
            ("1980-02-03 04:05:06", "19800203040506"),
            ("1980-02-03T04:05:06Z", "19800203040506+0000"),
            ("1980-02-03t04:05:06.78912-05:30", "19800203040506.7891-0530"),
            ("1980-02-03T04:05:06,5+02", "19800203040506.5+0200"),
            ("19800203T040506+0100", "19800203040506+0100"),
            ("198002030405", "198002030405"),
            ("198002030405-0500", "198002030405-0500"),
            ("20240229", "20240229"),
        ] {
            assert_eq!(dtm(text, Precision::Fraction).as_deref(), Some(shown), "{text}");
        }
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in [
            "",
            "80",
            "19800",
            "1980-2-3",
            "1980-13",
            "1980-02-30",
            "20230229",
            "1980-02-03T",
            "1980-02-03T24:00",
            "1980-02-03T04:60",
            "1980-02-03T04:05:60",
            "1980-02-03T04:05:06.",
            "1980-02-03T04:05:06+1",
            "1980-02-03x",
            "1980-02-03T04:05:06+19:00",
            "1700000000",
            "1700000000000",
            "0000",
            "03/02/1980",
            "1980-02-03T0405é",
            "１９８０",
            "-1980",
            "1980-0203T04",
            "1980020304",
        ] {
            assert_eq!(dtm(text, Precision::Fraction), None, "{text}");
        }
    }

    #[test]
    fn a_leap_second_is_told_from_what_is_no_time() {
        for (text, why) in [
            ("2016-12-31T23:59:60Z", NotMoment::LeapSecond),
            ("20161231235960", NotMoment::LeapSecond),
            ("2016-12-32T23:59:60Z", NotMoment::NoDate),
            ("2016-12-31T23:59:61Z", NotMoment::NoDate),
        ] {
            assert_eq!(Moment::of(text).err(), Some(why), "{text}");
        }
    }

    #[test]
    fn a_precision_cuts_and_never_extends() {
        let full = "1980-02-03T04:05:06.7-05:00";
        for (precision, shown) in [
            (Precision::Year, "1980"),
            (Precision::Month, "198002"),
            (Precision::Day, "19800203"),
            (Precision::Hour, "1980020304-0500"),
            (Precision::Minute, "198002030405-0500"),
            (Precision::Second, "19800203040506-0500"),
        ] {
            assert_eq!(dtm(full, precision).as_deref(), Some(shown));
            assert_eq!(dtm("1980", precision).as_deref(), Some("1980"));
        }
        let date = |text| {
            let mut out = String::new();
            Moment::of(text).map(|moment| moment.push_date(&mut out)).map(|()| out)
        };
        assert_eq!(date(full).as_deref(), Ok("19800203"));
        assert_eq!(date("1980-02").as_deref(), Ok("198002"));
    }

    #[test]
    fn a_zone_serves_local_times_that_exist_once() {
        let zone = jiff::tz::TimeZoneDatabase::bundled().get("America/Chicago").expect("a zone");
        let dtm = |text: &str| {
            let moment = Moment::of(text).expect("a date");
            moment.as_dtm(Precision::Fraction, Some(&zone)).map_err(|fault| fault.code())
        };
        assert_eq!(dtm("2026-07-01T12:00").as_deref(), Ok("202607011200-0500"));
        assert_eq!(dtm("2026-01-01T12:00:00").as_deref(), Ok("20260101120000-0600"));
        assert_eq!(dtm("2026-01-01T12:00:00Z").as_deref(), Ok("20260101120000+0000"));
        assert_eq!(dtm("2026-01-01").as_deref(), Ok("20260101"));
        assert_eq!(dtm("1883-11-18T11:00:00"), Err("M215"));
        assert_eq!(dtm("1883-11-18T11:00:00-05:50").as_deref(), Ok("18831118110000-0550"));
        assert_eq!(dtm("1883-11-17").as_deref(), Ok("18831117"));
        assert_eq!(dtm("1883-11-19T12:00").as_deref(), Ok("188311191200-0600"));
        assert_eq!(dtm("2026-03-08T02:30:00"), Err("M206"));
        assert_eq!(dtm("2026-11-01T01:30:00"), Err("M207"));
    }
}
