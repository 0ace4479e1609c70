//! The versions of the standard.

use std::fmt;

/// A version of HL7 v2.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[non_exhaustive]
#[allow(missing_docs)] // each says its own number
pub enum Version {
    V2_1,
    V2_2,
    V2_3,
    V2_3_1,
    V2_4,
    V2_5,
    V2_5_1,
    V2_6,
    V2_7,
    V2_7_1,
    V2_8,
    V2_8_1,
    V2_8_2,
}

const NUMBERS: [&str; 13] =
    ["2.1", "2.2", "2.3", "2.3.1", "2.4", "2.5", "2.5.1", "2.6", "2.7", "2.7.1", "2.8", "2.8.1", "2.8.2"];

impl Version {
    /// All versions, the oldest first.
    pub const ALL: [Version; 13] = [
        Version::V2_1,
        Version::V2_2,
        Version::V2_3,
        Version::V2_3_1,
        Version::V2_4,
        Version::V2_5,
        Version::V2_5_1,
        Version::V2_6,
        Version::V2_7,
        Version::V2_7_1,
        Version::V2_8,
        Version::V2_8_1,
        Version::V2_8_2,
    ];

    /// The version with exactly this number (HL7 table 0104).
    pub fn of(number: &str) -> Option<Version> {
        let index = NUMBERS.iter().position(|&known| known == number)?;
        Version::ALL.get(index).copied()
    }

    /// The version that MSH-12 means, as nearly as it is known: the country and what else follows the number is left out, an unknown
    /// number is taken for the last version before it, and one before 2.1 for 2.1. `None` when the text starts with no number.
    ///
    /// ```
    /// use hl7_core::dictionary::Version;
    /// assert_eq!(Version::nearest("2.5^DEU"), Some(Version::V2_5));
    /// assert_eq!(Version::nearest(" 2.5.1 "), Some(Version::V2_5_1));
    /// assert_eq!(Version::nearest("2.3.z"), Some(Version::V2_3));
    /// assert_eq!(Version::nearest("2.9"), Some(Version::V2_8_2));
    /// assert_eq!(Version::nearest("unknown"), None);
    /// ```
    pub fn nearest(text: &str) -> Option<Version> {
        if let Some(exact) = Version::of(text) {
            return Some(exact);
        }
        let text = text.trim_start();
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let given = parts(text.get(..end)?)?;
        let before = NUMBERS.iter().take_while(|number| parts(number).is_some_and(|known| known <= given));
        Version::ALL.get(before.count().saturating_sub(1)).copied()
    }

    /// The number, such as `2.5.1`.
    pub fn number(self) -> &'static str {
        NUMBERS.get(self as usize).copied().unwrap_or_default()
    }
}

/// `2.5.1` as three numbers; what is left out is 0.
fn parts(number: &str) -> Option<[u8; 3]> {
    let mut found = [0; 3];
    for (at, part) in number.split('.').enumerate().take(3) {
        // A point at the end, or a number beyond all versions, still says something.
        *found.get_mut(at)? = if part.is_empty() && at > 0 { 0 } else { part.parse().ok()? };
    }
    Some(found)
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.number())
    }
}
