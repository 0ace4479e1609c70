//! What is checked, and how much a finding matters.

use std::fmt;
use std::str::FromStr;

/// A kind of check. Each is asked for by itself.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[non_exhaustive]
pub enum Level {
    /// Lines that are no segment, escape sequences, the version.
    Syntax,
    /// Segments out of place, and those that are missing.
    Structure,
    /// Fields and components that have to be valued, that were withdrawn, and that the standard does not have.
    Usage,
    /// How often a field repeats.
    Cardinality,
    /// Dates, times, numbers, and the parts that a data type has.
    Type,
    /// Lengths, up to 2.6. They were never normative before 2.7, and no source of the dictionary has those from 2.7 on.
    Length,
    /// Codes, from 2.3.1 on.
    Table,
    /// Checks of a profile's own.
    Profile,
}

impl Level {
    /// All levels.
    pub const ALL: [Level; 8] = [
        Level::Syntax,
        Level::Structure,
        Level::Usage,
        Level::Cardinality,
        Level::Type,
        Level::Length,
        Level::Table,
        Level::Profile,
    ];

    /// Its name: `syntax`, `structure`, `usage`, `cardinality`, `type`, `length`, `table`, `profile`.
    pub fn name(self) -> &'static str {
        match self {
            Level::Syntax => "syntax",
            Level::Structure => "structure",
            Level::Usage => "usage",
            Level::Cardinality => "cardinality",
            Level::Type => "type",
            Level::Length => "length",
            Level::Table => "table",
            Level::Profile => "profile",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Level {
    type Err = UnknownLevel;

    fn from_str(text: &str) -> Result<Self, UnknownLevel> {
        Level::ALL.into_iter().find(|level| level.name() == text).ok_or(UnknownLevel)
    }
}

/// A text is no level.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("no level: syntax, structure, usage, cardinality, type, length, table or profile")]
pub struct UnknownLevel;

/// A set of levels.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Levels(u8);

impl Levels {
    pub(super) fn of(levels: impl IntoIterator<Item = Level>) -> Levels {
        Levels(levels.into_iter().fold(0, |set, level| set | 1 << level as u8))
    }

    pub(super) fn has(self, level: Level) -> bool {
        self.0 >> level as u8 & 1 == 1
    }

    pub(super) fn has_any(self, levels: &[Level]) -> bool {
        levels.iter().any(|level| self.has(*level))
    }
}

/// How much a finding matters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[non_exhaustive]
pub enum Severity {
    /// Worth knowing: what the standard leaves to sites, or never made a rule.
    Information,
    /// The standard says otherwise, and receivers can go on: they pass over what they do not expect (2.5.1, chapter 2, section 2.6.2).
    Warning,
    /// What a receiver needs is missing, or cannot be read as what it is.
    Error,
}

impl Severity {
    /// The code of table 0516, for ERR-4: `I`, `W` or `E`.
    pub fn letter(self) -> &'static str {
        match self {
            Severity::Information => "I",
            Severity::Warning => "W",
            Severity::Error => "E",
        }
    }

    /// The word: `information`, `warning` or `error`.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Information => "information",
            Severity::Warning => "warning",
            Severity::Error => "error",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
