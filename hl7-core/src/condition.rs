//! Conditions: `MSH-9.1 == ADT and PV1-2 in (I E)`, the one condition language of profiles and routes.

mod argument;
mod error;
mod evaluate;
mod parse;
#[cfg(feature = "serde")]
mod serialize;
mod show;
mod word;

use std::fmt;
use std::str::FromStr;

use argument::{Argument, Pattern};
use evaluate::Scope;

use crate::message::Message;
use crate::path::Path;
#[cfg(feature = "profile")]
use crate::segment::Segment;

pub use error::{ConditionError, ConditionErrorKind};

/// A question about a message, answered by yes or no.
///
/// ```
/// use hl7_core::{Condition, Message};
///
/// let inpatient: Condition = "MSH-9.1 == ADT and PV1-2 in (I E) and not PID-30 == Y".parse()?;
/// let msg = Message::parse("MSH|^~\\&|A||||||ADT^A01\rPID|1||7\rPV1|1|I\r")?;
/// assert!(inpatient.holds(&msg));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Grammar
///
/// ```text
/// condition := all { "or" all }
/// all       := one { "and" one }
/// one       := [ "not" ] ( path [ test ] | "(" condition ")" )
/// test      := ( "==" | "!=" | "<" | "<=" | ">" | ">=" ) argument
///            | "in" "(" argument { argument } ")"
///            | "matches" string
/// argument  := path | string | word
/// ```
///
/// A path is a [`Path`], a string is one of JSON (`"in quotes"`). A word is made of letters, digits and `_ - + . / :` and means itself: `A08`,
/// `7.20`, `2345-7`. Words are separated by blanks; `in`, `matches`, `and`, `or` and `not` are reserved. An argument that starts like
/// a path with a field, such as `PID-8`, is that path; a segment ID alone, such as `ADT`, is a word. Quotes make a text of anything.
///
/// | written | holds when |
/// | --- | --- |
/// | `PID-8` | there is something at the place, also HL7's null |
/// | `ZPD` | the message has this segment |
/// | `PID-8 == F` | the texts are the same, character by character: `7.20` is not `7.2` |
/// | `PID-8 != F` | they are not |
/// | `OBX-5 > 7.2` | by size where both are numbers ([`crate::typed::Number`]: every digit counts, no exponent), else by text |
/// | `PID-8 in (F M O U)` | it equals one of the list |
/// | `PID-5.1 matches "O'.*"` | the regular expression fits the whole text, from its first character to its last |
/// | `not` … | the rest does not hold |
///
/// `not` binds closest, then `and`, then `or`.
///
/// # What is compared
///
/// The text of the place's first leaf, unescaped ([`crate::Value::text`]): `PID-3` of `7^^^H^MR` compares as `7`.
///
/// *Absent.* A place that the message does not have and an empty one are both absent. Absent equals absent and the empty text `""`, and nothing else:
/// `PID-8 != F` holds when PID-8 is absent, `PID-8 == ""` only then. Ordering and `matches` never hold for it.
///
/// *HL7's null*, the order to delete, is present. It equals the text `"\"\""` and no other; ordering and `matches` never hold for it.
///
/// *Several places.* `[*]`, and a filter that fits more than one repetition, name all places that are there. A comparison holds when it does for
/// any of them, `!=` too: `OBX[*]-11 != F` asks whether some result is not final, `not OBX[*]-11 == F` whether none is. With places on both sides,
/// any of the left is compared with any of the right.
///
/// *Dates* are compared as what they are written as, so compare with one of the same form: `PID-7 < 20000101`, not `PID-7 < 2000`.
///
/// # Regular expressions
///
/// The syntax is that of the crates `regex` and `regex-lite`, without Unicode classes: `.` is any character but a line feed, `\d`, `\w`,
/// `\s` and `(?i)` know ASCII. Nothing goes back in the text, so that no text makes matching slow. `.*x.*` finds `x` anywhere.
///
/// # Limits
///
/// A condition has at most 4,096 bytes, as given and as shown, parentheses lie at most 32 deep in each other, and a compiled regular
/// expression takes at most 32 KiB. The time that [`Condition::holds`] takes grows with the product of the sizes of condition and message at most.
///
/// # As text
///
/// [`fmt::Display`] writes a condition that reads back as the same one, with no more quotes and parentheses than it needs. With the feature `serde` it is
/// read and written as that text. Constants may be a patient's: they show in `Display`, and not in `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Condition {
    clause: Clause,
}

/// A condition or a part of one.
#[derive(Clone, PartialEq, Eq)]
enum Clause {
    /// `a or b`
    Any(Vec<Clause>),
    /// `a and b`
    All(Vec<Clause>),
    Not(Box<Clause>),
    Present(Path),
    Compare(Path, Comparison, Argument),
    In(Path, Vec<Argument>),
    Matches(Path, Pattern),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Equal,
    NotEqual,
    Ordered(Order),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Condition {
    /// Whether the condition holds for this message.
    ///
    /// ```
    /// # use hl7_core::{Condition, Message};
    /// let msg = Message::parse("MSH|^~\\&|A\rOBX|1|NM|K||7.20\rOBX|2|NM|NA||140\r")?;
    /// for (text, expected) in [("OBX[*]-5 > 7.2", true), ("OBX-5 >= 7.2", true), ("OBX-5 == 7.2", false), ("PID-8 != F", true)] {
    ///     assert_eq!(text.parse::<Condition>()?.holds(&msg), expected, "{text}");
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn holds(&self, message: &Message<'_>) -> bool {
        self.clause.holds(Scope { message, here: None })
    }

    /// The same where paths with the ID of this segment mean this one, unless they name another.
    #[cfg(feature = "profile")]
    pub(crate) fn holds_at(&self, message: &Message<'_>, here: Segment<'_>) -> bool {
        self.clause.holds(Scope { message, here: Some(here) })
    }

    /// Whether there is something at the path.
    #[cfg(feature = "profile")]
    pub(crate) fn present(path: Path) -> Self {
        Self { clause: Clause::Present(path) }
    }

    /// The paths that the condition reads, in the order in which they are written, as often as they are.
    ///
    /// ```
    /// # use hl7_core::Condition;
    /// let condition: Condition = "PID-8 == F and (ZPD or PID-3.1 in (PID-2.1 7))".parse()?;
    /// let paths: Vec<_> = condition.paths().map(|path| path.to_string()).collect();
    /// assert_eq!(paths, ["PID-8", "ZPD", "PID-3.1", "PID-2.1"]);
    /// # Ok::<(), hl7_core::ConditionError>(())
    /// ```
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        let mut found = Vec::new();
        self.clause.collect_paths(&mut found);
        found.into_iter()
    }
}

impl FromStr for Condition {
    type Err = ConditionError;

    /// Reads a condition.
    ///
    /// # Errors
    /// When the text does not follow the grammar, a path or a regular expression in it is none, or a limit is passed. The error says where, and
    /// does not repeat the text.
    fn from_str(text: &str) -> Result<Self, ConditionError> {
        parse::condition(text)
    }
}

impl fmt::Display for Condition {
    /// Shows the condition with its constants.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show::whole(&self.clause, f)
    }
}

impl fmt::Debug for Condition {
    /// Shows paths and operators; each constant, which may be a patient's, as `..`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Condition(")?;
        show::masked(&self.clause, f)?;
        f.write_str(")")
    }
}

impl Clause {
    fn collect_paths<'c>(&'c self, found: &mut Vec<&'c Path>) {
        match self {
            Self::Any(clauses) | Self::All(clauses) => clauses.iter().for_each(|c| c.collect_paths(found)),
            Self::Not(inner) => inner.collect_paths(found),
            Self::Present(path) | Self::Matches(path, _) => found.push(path),
            Self::Compare(path, _, argument) => {
                found.push(path);
                found.extend(argument.path());
            }
            Self::In(path, list) => {
                found.push(path);
                found.extend(list.iter().filter_map(Argument::path));
            }
        }
    }
}
