//! NM.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use super::error::{DataType, DataTypeError, DataTypeErrorKind};
use crate::piece::Value;

/// A decimal number with the digits it was sent in. Data type NM (HL7 2.5.1, chapter 2A, data type NM): an optional sign, digits, and an optional
/// point, of any length.
///
/// Leading zeros and trailing zeros behind the point mean nothing, so `01.20` and `1.2` are equal; comparing is exact. The point may
/// stand at the end (`5.`, what remains when zeros behind it are cut) and, as the versions before 2.7 leave open, at the start (`.5`).
///
/// ```
/// use hl7_core::typed::Number;
/// use hl7_core::{path, Message};
///
/// let msg = Message::parse("MSH|^~\\&|A\rOBX|1|NM|||4.10\r")?;
/// let result = Number::of(msg.get(path!("OBX-5")).unwrap())?;
/// assert_eq!((result.as_str(), result.decimals()), ("4.10", 2));
/// assert!(result < Number::parse("+04.2")?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[doc(alias = "NM")]
#[derive(Clone, Copy)]
pub struct Number<'m> {
    text: &'m str,
}

impl<'m> Number<'m> {
    /// The number at a place.
    ///
    /// # Errors
    /// When it is empty, null or no number, or written with an escape sequence.
    pub fn of(place: impl Into<Value<'m>>) -> Result<Self, DataTypeError> {
        match super::text_of(place.into(), DataType::Nm)? {
            Cow::Borrowed(text) => Self::parse(text),
            Cow::Owned(_) => Err(fault(DataTypeErrorKind::Escaped, 0)),
        }
    }

    /// The number that `text` states.
    ///
    /// # Errors
    /// When `text` holds no digit, or anything else than a sign, digits and one point.
    pub fn parse(text: &'m str) -> Result<Self, DataTypeError> {
        let digits_from = usize::from(text.starts_with(['+', '-']));
        let mut point = None;
        for (at, byte) in text.bytes().enumerate().skip(digits_from) {
            match byte {
                b'.' if point.is_none() => point = Some(at),
                b'0'..=b'9' => {}
                _ => return Err(fault(DataTypeErrorKind::Unexpected, at)),
            }
        }
        match text.len() - digits_from - usize::from(point.is_some()) {
            0 if text.is_empty() => Err(fault(DataTypeErrorKind::Empty, 0)),
            0 => Err(fault(DataTypeErrorKind::Incomplete, text.len())),
            _ => Ok(Self { text }),
        }
    }

    /// The number as it was sent.
    pub fn as_str(self) -> &'m str {
        self.text
    }

    /// How many digits were sent behind the point.
    pub fn decimals(self) -> usize {
        self.text.split_once('.').map_or(0, |(_, behind)| behind.len())
    }

    /// The number as an integer; `None` when it has a part behind the point that is not zero, or is beyond an `i64`.
    pub fn integer(self) -> Option<i64> {
        let significant = self.significant();
        if !significant.fraction.is_empty() {
            return None;
        }
        let sign = if significant.negative { -1 } else { 1 };
        significant.whole.bytes().try_fold(0_i64, |number, digit| {
            number.checked_mul(10)?.checked_add(sign * i64::from(digit - b'0'))
        })
    }

    /// The nearest `f64`, which is infinite for a number of more than 308 digits.
    pub fn to_f64(self) -> f64 {
        // Each form that `parse` accepts is also one of Rust's.
        self.text.parse().unwrap_or(f64::NAN)
    }

    fn significant(self) -> Significant<'m> {
        let unsigned = self.text.trim_start_matches(['+', '-']);
        let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
        let whole = whole.trim_start_matches('0');
        let fraction = fraction.trim_end_matches('0');
        let zero = whole.is_empty() && fraction.is_empty();
        Significant { negative: self.text.starts_with('-') && !zero, whole, fraction }
    }
}

/// What of a number means something.
#[derive(PartialEq, Eq, Hash)]
struct Significant<'m> {
    negative: bool,
    whole: &'m str,
    fraction: &'m str,
}

impl Significant<'_> {
    fn compare(&self, other: &Self) -> Ordering {
        let size = |a: &Self, b: &Self| {
            let whole = a.whole.len().cmp(&b.whole.len()).then_with(|| a.whole.cmp(b.whole));
            // Behind the point the first digit that differs decides, and a longer text is the greater.
            whole.then_with(|| a.fraction.cmp(b.fraction))
        };
        match (self.negative, other.negative) {
            (false, false) => size(self, other),
            (true, true) => size(other, self),
            (negative, _) => {
                if negative {
                    Ordering::Less
                } else {
                    Ordering::Greater
                }
            }
        }
    }
}

fn fault(kind: DataTypeErrorKind, offset: usize) -> DataTypeError {
    DataTypeError::new(DataType::Nm, kind, offset)
}

impl PartialEq for Number<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.significant() == other.significant()
    }
}

impl Eq for Number<'_> {}

impl Hash for Number<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.significant().hash(state);
    }
}

impl PartialOrd for Number<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Number<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.significant().compare(&other.significant())
    }
}

impl fmt::Display for Number<'_> {
    /// The number as it was sent.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text)
    }
}

impl fmt::Debug for Number<'_> {
    /// Shows the length only: the number may be a patient's.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Number({} bytes)", self.text.len())
    }
}
