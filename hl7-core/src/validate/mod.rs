//! Validation: what the standard says against a message.
//!
//! Each level is a check of its own. What they know comes from the [`crate::dictionary`], which says where its facts come from.

mod check;
mod field;
mod finding;
mod findings;
mod leaf;
mod level;
mod problem;
#[cfg(feature = "profile")]
mod profiled;
#[cfg(not(feature = "profile"))]
#[path = "unprofiled.rs"]
mod profiled;
mod structure;
mod told;

pub use finding::{Finding, FindingCode};
pub use findings::Findings;
pub use level::{Level, Severity, UnknownLevel};

use check::Check;
use level::Levels;
use profiled::Profiled;

use crate::dictionary::{Dictionary, Version};
use crate::message::Message;
#[cfg(feature = "profile")]
use crate::profile::Profile;

/// What is checked, and how much is reported.
///
/// By default all levels are, against the version that MSH-12 states or the nearest one, and the first 100 findings are listed: who mends a
/// message needs no more at a time, and a peer that sends nonsense fills no log.
#[derive(Clone, Debug)]
pub struct Validation {
    levels: Levels,
    version: Option<Version>,
    limit: usize,
    #[cfg(feature = "profile")]
    profile: Option<Profile>,
}

const USUAL_LIMIT: usize = 100;

impl Default for Validation {
    fn default() -> Self {
        Validation {
            levels: Levels::of(Level::ALL),
            version: None,
            limit: USUAL_LIMIT,
            #[cfg(feature = "profile")]
            profile: None,
        }
    }
}

impl Validation {
    /// All levels, the message's own version, 100 findings.
    pub fn new() -> Validation {
        Validation::default()
    }

    /// Checks these levels and no others.
    ///
    /// ```
    /// use hl7_core::{Level, Message, Validation, validate};
    /// let msg = Message::parse("MSH|^~\\&|A|B|C|D|2026||ADT^A08^ADT_A01|1|P|2.5.1\rEVN||2026\rPID|1||7^^^H||Doe||May 4th\rPV1|1|I\r")?;
    /// let findings = validate(&msg, &Validation::new().levels([Level::Type]));
    /// let shown: Vec<_> = findings.iter().map(|finding| finding.path().unwrap().to_string()).collect();
    /// assert_eq!(shown, ["PID[1]-7[1].1"]);
    /// # Ok::<(), hl7_core::ParseError>(())
    /// ```
    pub fn levels(mut self, levels: impl IntoIterator<Item = Level>) -> Validation {
        self.levels = Levels::of(levels);
        self
    }

    /// Checks against this version, whatever MSH-12 states.
    pub fn version(mut self, version: Version) -> Validation {
        self.version = Some(version);
        self
    }

    /// Checks against a profile beside the standard.
    #[cfg(feature = "profile")]
    pub fn profile(mut self, profile: &Profile) -> Validation {
        self.profile = Some(profile.clone());
        self
    }

    /// Lists this many findings at most; the others are counted.
    pub fn limit(mut self, findings: usize) -> Validation {
        self.limit = findings;
        self
    }
}

/// What a message can be validated against: a [`Validation`], or with the feature `profile` a `Profile`.
pub trait Against: sealed::Sealed {}

impl Against for Validation {}

#[cfg(feature = "profile")]
impl Against for Profile {}

mod sealed {
    use std::borrow::Cow;

    use super::Validation;

    pub trait Sealed {
        /// What is checked.
        fn validation(&self) -> Cow<'_, Validation>;
    }

    impl Sealed for Validation {
        fn validation(&self) -> Cow<'_, Validation> {
            Cow::Borrowed(self)
        }
    }

    /// All levels, against the standard and the profile.
    #[cfg(feature = "profile")]
    impl Sealed for super::Profile {
        fn validation(&self) -> Cow<'_, Validation> {
            Cow::Owned(Validation::new().profile(self))
        }
    }
}

/// What the standard, and a profile, say against a message. The time it takes grows with the message's size only, and with the profile's.
///
/// It is validated against a [`Validation`], or with the feature `profile` against a `Profile`.
///
/// ```
/// use hl7_core::{FindingCode, Message, Validation, validate};
/// let msg = Message::parse("MSH|^~\\&|A|B|C|D|2026||ADT^A08^ADT_A01|1|P|2.5.1\rEVN||2026\rPID|1||7^^^H||\rPV1|1|I\r")?;
/// let findings = validate(&msg, &Validation::new());
/// let first = findings.iter().next().unwrap();
/// assert_eq!(first.code(), FindingCode::MissingField);
/// assert_eq!(first.to_string(), "V301 at PID[1]-5: a required field is empty (Patient Name)");
/// assert!(!findings.is_valid());
/// # Ok::<(), hl7_core::ParseError>(())
/// ```
pub fn validate(message: &Message<'_>, against: &impl Against) -> Findings {
    let validation = against.validation();
    let mut profiled = Profiled::of(message, &validation);
    let stated = validation.version.or(profiled.version());
    let dictionary = stated.map_or_else(|| Dictionary::of_message(message), Dictionary::of);
    profiled.find_groups(message, dictionary);
    let mut check = Check::new(message, dictionary, validation.levels, validation.limit, profiled);
    if stated.is_none() {
        check.version();
    }
    check.structure();
    check.segments();
    check.profile();
    check.told.into_findings()
}
