//! A finding: what, where, and how much it matters. It holds nothing of a message.

use std::fmt;

use super::{Level, Severity};
use crate::ack::ErrorCode;
use crate::path::Path;
use crate::typed;

/// What is found. Each has a stable code.
///
/// | code | level | severity | table 0357 | what |
/// | --- | --- | --- | --- | --- |
/// | V101 | syntax | error | 100 | a line is no segment: what stands in it is lost to receivers |
/// | V102 | syntax | warning | 102 | an escape character without its partner |
/// | V103 | syntax | warning | 203 | MSH-12 states no version that is known; the nearest was taken |
/// | V201 | structure | warning | 200, 201 | the structure of the message is not known: segments are not checked against one |
/// | V202 | structure | warning | 100 | the structure does not have this segment |
/// | V203 | structure | error | 100 | a segment stands again where it may stand once |
/// | V204 | structure | error | 100 | a segment stands behind those it belongs before |
/// | V205 | structure | error | 100 | a required segment is missing |
/// | V206 | structure | error | 100 | a required group is missing |
/// | V207 | structure | error | 100 | a segment stands behind others than a profile says |
/// | V208 | structure | error | 100 | a segment stands more often than a profile allows |
/// | V301 | usage | error | 101 | a required field is empty |
/// | V302 | usage | warning | 101 | a required component is empty in a value that is not |
/// | V303 | usage | information | 102 | a field or component that was withdrawn is valued |
/// | V304 | usage | warning | 102 | the segment has no such field |
/// | V305 | usage | error | 102 | valued, and a profile does not allow it |
/// | V401 | cardinality | error | 102 | a field repeats more often than it may |
/// | V402 | cardinality | error | 101 | a field repeats less often than a profile wants |
/// | V501 | type | error | 102 | a date, time or number that is none |
/// | V502 | type | warning | 102 | OBX-2 names no data type |
/// | V503 | type | warning | 102 | the data type has no such component |
/// | V504 | type | error | 102 | not the constant or of the form that a profile states |
/// | V601 | length | information | 104 | longer than the standard states; not normative before 2.7 |
/// | V602 | length | error | 102 | shorter than a profile wants |
/// | V603 | length | error | 104 | longer than a profile allows |
/// | V701 | table | warning | 103 | a code that the HL7 table does not have |
/// | V702 | table | information | 103 | a code that the user-defined table does not suggest: sites have their own |
/// | V703 | table | error | 103 | a code that a profile does not list |
/// | V801 | profile | as stated | as stated | a check of the profile fails; `Finding::rule` is its own code |
/// | V802 | profile | information | 0 | the profile is for other messages: the standard alone was checked |
/// | V803 | profile | warning | 207 | the message is too large for all conditions of the profile: some were not asked |
///
/// What a profile finds of V301, V302, V205 and V401 is an error, unless the profile states another severity.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[non_exhaustive]
#[allow(missing_docs)] // the table above says it of each
pub enum FindingCode {
    NoSegment,
    UnpairedEscape,
    UnknownVersion,
    UnknownStructure,
    UnexpectedSegment,
    RepeatedSegment,
    SegmentOutOfOrder,
    MissingSegment,
    MissingGroup,
    SegmentElsewhere,
    TooManySegments,
    MissingField,
    MissingComponent,
    Withdrawn,
    UnknownField,
    NotAllowed,
    TooManyRepetitions,
    TooFewRepetitions,
    WrongType,
    UnknownType,
    UnknownComponent,
    OtherValue,
    TooLong,
    ShorterThanProfile,
    LongerThanProfile,
    UnknownCode,
    LocalCode,
    UnlistedCode,
    Rule,
    OtherProfile,
    NotAsked,
}

impl FindingCode {
    /// All codes, in order.
    pub const ALL: [FindingCode; 31] = [
        FindingCode::NoSegment,
        FindingCode::UnpairedEscape,
        FindingCode::UnknownVersion,
        FindingCode::UnknownStructure,
        FindingCode::UnexpectedSegment,
        FindingCode::RepeatedSegment,
        FindingCode::SegmentOutOfOrder,
        FindingCode::MissingSegment,
        FindingCode::MissingGroup,
        FindingCode::SegmentElsewhere,
        FindingCode::TooManySegments,
        FindingCode::MissingField,
        FindingCode::MissingComponent,
        FindingCode::Withdrawn,
        FindingCode::UnknownField,
        FindingCode::NotAllowed,
        FindingCode::TooManyRepetitions,
        FindingCode::TooFewRepetitions,
        FindingCode::WrongType,
        FindingCode::UnknownType,
        FindingCode::UnknownComponent,
        FindingCode::OtherValue,
        FindingCode::TooLong,
        FindingCode::ShorterThanProfile,
        FindingCode::LongerThanProfile,
        FindingCode::UnknownCode,
        FindingCode::LocalCode,
        FindingCode::UnlistedCode,
        FindingCode::Rule,
        FindingCode::OtherProfile,
        FindingCode::NotAsked,
    ];

    /// The code, such as `V301`.
    pub fn as_str(self) -> &'static str {
        self.parts().0
    }

    /// What it is, in a few words.
    pub fn text(self) -> &'static str {
        self.parts().1
    }

    /// Whether nothing but a profile finds it.
    pub fn is_of_profile(self) -> bool {
        use FindingCode as C;
        matches!(self, C::SegmentElsewhere | C::TooManySegments | C::NotAllowed | C::TooFewRepetitions)
            || matches!(self, C::OtherValue | C::ShorterThanProfile | C::LongerThanProfile)
            || matches!(self, C::UnlistedCode | C::Rule | C::OtherProfile | C::NotAsked)
    }

    /// The level that finds it.
    pub fn level(self) -> Level {
        match self.as_str().as_bytes().get(1) {
            Some(b'1') => Level::Syntax,
            Some(b'2') => Level::Structure,
            Some(b'3') => Level::Usage,
            Some(b'4') => Level::Cardinality,
            Some(b'5') => Level::Type,
            Some(b'6') => Level::Length,
            Some(b'7') => Level::Table,
            _ => Level::Profile,
        }
    }

    /// How much it matters, unless a profile says otherwise.
    pub fn severity(self) -> Severity {
        use FindingCode as C;
        match self {
            C::Withdrawn | C::TooLong | C::LocalCode | C::OtherProfile => Severity::Information,
            C::UnpairedEscape | C::UnknownVersion | C::UnknownStructure | C::UnexpectedSegment => {
                Severity::Warning
            }
            C::MissingComponent
            | C::UnknownField
            | C::UnknownType
            | C::UnknownComponent
            | C::UnknownCode
            | C::NotAsked => Severity::Warning,
            _ => Severity::Error,
        }
    }

    fn parts(self) -> (&'static str, &'static str) {
        use FindingCode as C;
        match self {
            C::NoSegment => ("V101", "this line is no segment"),
            C::UnpairedEscape => ("V102", "an escape character without its partner"),
            C::UnknownVersion => ("V103", "MSH-12 states no version that is known"),
            C::UnknownStructure => ("V201", "the structure of this message is not known"),
            C::UnexpectedSegment => ("V202", "the structure does not have this segment"),
            C::RepeatedSegment => ("V203", "this segment may stand here once"),
            C::SegmentOutOfOrder => ("V204", "this segment belongs before the ones before it"),
            C::MissingSegment => ("V205", "a required segment is missing"),
            C::MissingGroup => ("V206", "a required group is missing"),
            C::SegmentElsewhere => ("V207", "this segment stands behind others than it should"),
            C::TooManySegments => ("V208", "this segment stands too often"),
            C::MissingField => ("V301", "a required field is empty"),
            C::MissingComponent => ("V302", "a required component is empty"),
            C::Withdrawn => ("V303", "this was withdrawn from the standard"),
            C::UnknownField => ("V304", "the segment has no such field"),
            C::NotAllowed => ("V305", "nothing may be valued here"),
            C::TooManyRepetitions => ("V401", "the field repeats too often"),
            C::TooFewRepetitions => ("V402", "the field repeats too seldom"),
            C::WrongType => ("V501", "this is no value of the data type"),
            C::UnknownType => ("V502", "OBX-2 names no data type"),
            C::UnknownComponent => ("V503", "the data type has no such component"),
            C::OtherValue => ("V504", "not the value or form that is stated"),
            C::TooLong => ("V601", "longer than the standard states"),
            C::ShorterThanProfile => ("V602", "shorter than it may be"),
            C::LongerThanProfile => ("V603", "longer than it may be"),
            C::UnknownCode => ("V701", "the HL7 table has no such code"),
            C::LocalCode => ("V702", "the user-defined table does not suggest this code"),
            C::UnlistedCode => ("V703", "a code that is not listed"),
            C::Rule => ("V801", "a check of the profile fails"),
            C::OtherProfile => ("V802", "the profile is for other messages"),
            C::NotAsked => ("V803", "the message is too large for all conditions of the profile"),
        }
    }
}

impl fmt::Display for FindingCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What was found at a place of a message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    pub(super) code: FindingCode,
    pub(super) severity: Severity,
    pub(super) error_code: ErrorCode,
    pub(super) at: Option<Path>,
    pub(super) offset: usize,
    pub(super) fact: Fact,
}

/// What the standard says there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Fact {
    None,
    /// The name of a field, component, segment, group, structure or data type.
    Name(&'static str),
    Type(typed::DataTypeError),
    Max(u32),
    Table(u16),
    /// The line of a profile.
    #[cfg(feature = "profile")]
    Line(u32),
    /// A check of a profile.
    #[cfg(feature = "profile")]
    Rule(std::sync::Arc<crate::profile::Rule>),
}

impl Finding {
    /// What it is.
    pub fn code(&self) -> FindingCode {
        self.code
    }

    /// The condition of HL7 table 0357, for ERR.
    pub fn error_code(&self) -> ErrorCode {
        self.error_code
    }

    /// How much it matters.
    pub fn severity(&self) -> Severity {
        self.severity
    }

    /// The code that a profile gives to its own check, for V801.
    #[cfg(feature = "profile")]
    pub fn rule(&self) -> Option<&str> {
        match &self.fact {
            Fact::Rule(rule) => Some(&rule.code),
            _ => None,
        }
    }

    /// Where: a segment, counted among those with its ID in the whole message, and what is in it, such as `PID[1]-5[2].1`. A segment that is
    /// missing is named as the next one with its ID. `None` for a line that is no segment.
    pub fn path(&self) -> Option<&Path> {
        self.at.as_ref()
    }

    /// The byte of the message's text ([`crate::Message::as_er7`]), from 0: where the value starts, or where it would have to stand.
    pub fn offset(&self) -> usize {
        self.offset
    }
}

impl fmt::Display for Finding {
    /// The code, the place, and what is the matter there, without content: `V301 at PID[1]-5: a required field is empty (Patient Name)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code)?;
        if let Some(path) = self.at {
            write!(f, " at {path}")?;
        }
        write!(f, ": {}", Words(self))
    }
}

impl Finding {
    /// What is the matter, without code and place, and without content.
    pub fn text(&self) -> String {
        Words(self).to_string()
    }
}

struct Words<'f>(&'f Finding);

impl fmt::Display for Words<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        #[cfg(feature = "profile")]
        if let Fact::Rule(rule) = &self.0.fact {
            return write!(f, "{}: {}", rule.code, rule.text);
        }
        f.write_str(self.0.code.text())?;
        match &self.0.fact {
            Fact::None | Fact::Name("") => Ok(()),
            Fact::Name(name) => write!(f, " ({name})"),
            Fact::Type(why) => {
                write!(f, " ({}, {}: {})", why.data_type(), why.code(), why.suggestion())
            }
            Fact::Max(max) => write!(f, " ({max} at most)"),
            Fact::Table(number) => write!(f, " ({number:04})"),
            #[cfg(feature = "profile")]
            Fact::Line(line) => write!(f, " (profile, line {line})"),
            #[cfg(feature = "profile")]
            Fact::Rule(_) => Ok(()),
        }
    }
}
