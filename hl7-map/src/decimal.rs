//! Decimal numbers as text, so that no digit is lost.

use std::cmp::Ordering;

/// A decimal number: `digits` with the point `scale` places before their end.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Decimal {
    negative: bool,
    /// ASCII digits, at least one before the point.
    digits: Vec<u8>,
    scale: usize,
}

/// Exponents beyond this are no number of a message; it bounds how long the digits get.
const MAX_EXPONENT: u32 = 60;

/// Why a text is not taken for a number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum NotDecimal {
    NoNumber,
    /// It is one, with an exponent beyond 60 or below -60.
    Exponent,
}

impl Decimal {
    /// Reads `-12.50`, `+3`, `.5`, `5.`, `1e3`.
    pub(crate) fn of(text: &str) -> Result<Self, NotDecimal> {
        let (negative, unsigned) = match text.strip_prefix('-') {
            Some(unsigned) => (true, unsigned),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        let bare = whole.is_empty() && fraction.is_empty();
        let exponent_digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        if bare
            || ![whole, fraction, exponent_digits].into_iter().all(all_digits)
            || exponent_digits.is_empty()
        {
            return Err(NotDecimal::NoNumber);
        }
        let exponent: i32 = exponent.parse().map_err(|_| NotDecimal::Exponent)?;
        if exponent.unsigned_abs() > MAX_EXPONENT {
            return Err(NotDecimal::Exponent);
        }
        let digits = format!("{whole}{fraction}").into_bytes();
        Ok(Self { negative, digits, scale: fraction.len() }.shifted(exponent))
    }

    /// Times ten to the `exponent`, with a digit before the point.
    fn shifted(mut self, exponent: i32) -> Self {
        let by = exponent.unsigned_abs() as usize;
        if exponent < 0 {
            self.scale += by;
        } else {
            let extra = by.saturating_sub(self.scale);
            self.digits.extend(std::iter::repeat_n(b'0', extra));
            self.scale = self.scale.saturating_sub(by);
        }
        let missing = (self.scale + 1).saturating_sub(self.digits.len());
        self.digits.splice(0..0, std::iter::repeat_n(b'0', missing));
        self
    }

    /// With at most `places` digits behind the point, halves away from zero. Digits are never added.
    pub(crate) fn rounded(mut self, places: usize) -> Self {
        let Some(cut) = self.scale.checked_sub(places).filter(|&cut| cut > 0) else { return self };
        let dropped = self.digits.split_off(self.digits.len().saturating_sub(cut));
        self.scale = places;
        if dropped.first().is_some_and(|&d| d >= b'5') {
            self.increment();
        }
        self
    }

    fn increment(&mut self) {
        for digit in self.digits.iter_mut().rev() {
            if *digit < b'9' {
                *digit += 1;
                return;
            }
            *digit = b'0';
        }
        self.digits.insert(0, b'1');
    }

    fn is_zero(&self) -> bool {
        self.digits.iter().all(|&d| d == b'0')
    }

    /// The digits before and behind the point, without zeros that mean nothing.
    fn parts(&self) -> (&[u8], &[u8]) {
        let (whole, fraction) = self.digits.split_at(self.digits.len().saturating_sub(self.scale));
        let first = whole.iter().position(|&d| d != b'0').unwrap_or(whole.len());
        let last = fraction.iter().rposition(|&d| d != b'0').map_or(0, |at| at + 1);
        (whole.get(first..).unwrap_or_default(), fraction.get(..last).unwrap_or_default())
    }

    fn compare_size(&self, other: &Self) -> Ordering {
        let ((whole, fraction), (other_whole, other_fraction)) = (self.parts(), other.parts());
        (whole.len().cmp(&other_whole.len()))
            .then_with(|| whole.cmp(other_whole))
            .then_with(|| fraction.cmp(other_fraction))
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        if self.is_zero() && other.is_zero() {
            return Ordering::Equal;
        }
        match (self.negative && !self.is_zero(), other.negative && !other.is_zero()) {
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
            (false, false) => self.compare_size(other),
            (true, true) => other.compare_size(self),
        }
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl std::fmt::Display for Decimal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.negative && !self.is_zero() {
            f.write_str("-")?;
        }
        let (whole, fraction) = self.digits.split_at(self.digits.len().saturating_sub(self.scale));
        f.write_str(std::str::from_utf8(whole).unwrap_or_default())?;
        if !fraction.is_empty() {
            write!(f, ".{}", std::str::from_utf8(fraction).unwrap_or_default())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_rounds_and_shows() {
        for (text, places, shown) in [
            ("7.20", 9, "7.20"),
            ("7.25", 1, "7.3"),
            ("-7.25", 1, "-7.3"),
            ("9.99", 1, "10.0"),
            ("0.4", 0, "0"),
            ("-0.4", 0, "0"),
            ("1e3", 0, "1000"),
            ("1.5e-3", 9, "0.0015"),
            (".5", 9, "0.5"),
            ("-.5", 9, "-0.5"),
            ("5.", 9, "5"),
            ("1e60", 0, &format!("1{}", "0".repeat(60))),
            ("+5", 9, "5"),
            ("123456789012345678901234567890.125", 2, "123456789012345678901234567890.13"),
        ] {
            assert_eq!(
                Decimal::of(text).map(|d| d.rounded(places).to_string()).as_deref(),
                Ok(shown),
                "{text}"
            );
        }
        for text in ["", "-", ".", "1.2.3", "1e", "x", "1 ", "0x1", "1e+", "--1", "1e1e1"] {
            assert_eq!(Decimal::of(text).err(), Some(NotDecimal::NoNumber), "{text}");
        }
        for text in ["1e61", "1e-61", "1e99", "1e-99999999999", "1e99999999999"] {
            assert_eq!(Decimal::of(text).err(), Some(NotDecimal::Exponent), "{text}");
        }
    }

    #[test]
    fn compares_by_size() {
        for (small, big) in
            [("2", "10"), ("-10", "-2"), ("-1", "0"), ("0.09", "0.1"), ("1", "1.0001"), ("9", "1e1")]
        {
            assert!(Decimal::of(small).ok() < Decimal::of(big).ok(), "{small} {big}");
        }
        let decimal = |text| Decimal::of(text).expect("a number");
        assert_eq!(decimal("1.0").cmp(&decimal("01")), Ordering::Equal);
        assert_eq!(decimal("-0").cmp(&decimal("0.0")), Ordering::Equal);
    }
}
