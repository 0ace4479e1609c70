//! The calendar, and the system clock in HL7's form.

use std::time::{SystemTime, UNIX_EPOCH};

/// A time as `YYYYMMDDHHMMSS+0000` (HL7 2.5.1, chapter 2A, data type DTM). Times before 1970 give its first second.
pub(crate) fn utc(time: SystemTime) -> String {
    let seconds = time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let (year, month, day) = date_of(seconds / 86_400);
    let of_day = seconds % 86_400;
    let mut text = String::with_capacity(19);
    for (number, digits) in
        [(year, 4), (month, 2), (day, 2), (of_day / 3600, 2), (of_day / 60 % 60, 2), (of_day % 60, 2)]
    {
        push_digits(&mut text, number, digits);
    }
    text.push_str("+0000");
    text
}

/// The last so many decimal digits. By hand: an acknowledgment is made for every message.
fn push_digits(text: &mut String, number: u64, digits: u32) {
    for place in (0..digits).rev() {
        let digit = number / 10_u64.pow(place) % 10;
        text.push(char::from(b'0' + digit as u8));
    }
}

/// The Gregorian date of a day counted from 1970-01-01, by counting from 0000-03-01 in eras of 400 years, so that a leap day is the last
/// of its year.
fn date_of(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let era = days / 146_097;
    let day_of_era = days % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

/// The days from 1970-01-01 to a Gregorian date: the inverse of [`date_of`], for any year from 0 on.
pub(crate) fn days_of(year: u16, month: u8, day: u8) -> i64 {
    let shifted_year = i64::from(year) - i64::from(month <= 2);
    let shifted_month = (i64::from(month) + 9) % 12;
    let era = shifted_year.div_euclid(400);
    let year_of_era = shifted_year.rem_euclid(400);
    let day_of_year = (153 * shifted_month + 2) / 5 + i64::from(day) - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// How many days a month has, from 1 to 12.
pub(crate) fn days_in_month(year: u16, month: u8) -> u8 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn known_seconds() {
        for (seconds, text) in [
            (0, "19700101000000+0000"),
            (951_782_400, "20000229000000+0000"),
            (1_704_067_199, "20231231235959+0000"),
            (4_107_542_400, "21000301000000+0000"),
            (253_402_300_799, "99991231235959+0000"),
        ] {
            assert_eq!(utc(UNIX_EPOCH + Duration::from_secs(seconds)), text);
        }
    }
    #[test]
    fn each_day_follows_the_one_before() {
        assert_eq!(days_of(0, 1, 1), -719_528);
        let mut expected = days_of(1899, 1, 1);
        for year in 1899..=2101 {
            for month in 1..=12 {
                for day in 1..=days_in_month(year, month) {
                    assert_eq!(days_of(year, month, day), expected);
                    if let Ok(days) = u64::try_from(expected) {
                        assert_eq!(date_of(days), (u64::from(year), u64::from(month), u64::from(day)));
                    }
                    expected += 1;
                }
            }
        }
    }
}
