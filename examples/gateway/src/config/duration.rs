//! Lengths of time as people write them: `500ms`, `30s`, `5m`, `2h`, `7d`.

use std::time::Duration;

use serde::{Deserialize, Deserializer, de};

/// No time-out of a connection is of use that is longer.
const LONGEST: Duration = Duration::from_secs(24 * 3600);
/// Nobody waits for a message that is older.
const OLDEST: Duration = Duration::from_secs(365 * 24 * 3600);

/// Reads a whole number and its unit.
pub(crate) fn parse(text: &str) -> Option<Duration> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().ok()?;
    let milliseconds: u64 = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    number.checked_mul(milliseconds).map(Duration::from_millis)
}

/// For `#[serde(deserialize_with)]`: of a time-out or a delay.
pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
    at_most(LONGEST, "a day", from)
}

/// The same of an age.
pub(crate) fn deserialize_age<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
    at_most(OLDEST, "a year", from)
}

fn at_most<'de, D: Deserializer<'de>>(
    most: Duration,
    shown: &str,
    from: D,
) -> Result<Option<Duration>, D::Error> {
    let text = String::deserialize(from)?;
    match parse(&text) {
        Some(length) if !length.is_zero() && length <= most => Ok(Some(length)),
        _ => Err(de::Error::custom(format!(
            "a length of time is a whole number and ms, s, m, h or d, such as 30s, and at most {shown}"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_of_time_is_a_number_and_a_unit() {
        let cases = [("500ms", 500), ("5s", 5_000), ("2m", 120_000), ("1h", 3_600_000), ("7d", 604_800_000)];
        for (text, milliseconds) in cases {
            assert_eq!(parse(text), Some(Duration::from_millis(milliseconds)), "{text}");
        }
        for text in ["", "5", "s", "-5s", "5 s", "1.5s", "99999999999999999999s", "18446744073709551615d"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
