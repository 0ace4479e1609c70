//! What a profile says, for programs that ask it: a mapping that is checked against it, a page that shows it.

use std::fmt;
use std::ops::RangeInclusive;

use super::Profile;
use super::rules::{PartRules, SegmentRules, UsageRule, Wanted};
use crate::delimiters::Delimiters;
use crate::dictionary::{DataType, Version};
use crate::escape::escape;
use crate::path::Path;
use crate::validate::Severity;

impl Profile {
    /// The version that it is checked against, where it states one.
    pub fn version(&self) -> Option<Version> {
        self.rules.version
    }

    /// The messages it is for: at each of these paths one of these values. Without any it is for all.
    pub fn applies_to(&self) -> impl Iterator<Item = (&Path, &[String])> {
        self.rules.applies.iter().map(|(path, values)| (path, values.as_slice()))
    }

    /// The segments that it speaks of, in the order of the file; one that it describes in several groups stands there several times.
    pub fn segments(&self) -> impl Iterator<Item = ProfileSegment<'_>> {
        self.rules.segments.iter().map(|rules| ProfileSegment { rules })
    }

    /// What it says of a field, component or subcomponent wherever its segment stands; `None` where it says nothing. The numbers in the path that tell
    /// segments and repetitions apart are not looked at.
    ///
    /// ```
    /// use hl7_core::{Profile, path};
    /// let profile = Profile::from_yaml("profile: p\nsegments:\n  PID: { fields: { 3: { times: 1..3, components: { 5: { codes: [MR, SS] } } }, 19: X } }\n")?;
    /// let of_type = profile.place(path!("PID-3.5")).unwrap();
    /// assert!(of_type.takes("MR") && !of_type.takes("DL"));
    /// assert_eq!(profile.place(path!("PID-19")).unwrap().usage(), Some(hl7_core::profile::ProfileUsage::NotAllowed));
    /// assert!(profile.place(path!("PID-8")).is_none());
    /// # Ok::<(), hl7_core::ProfileErrors>(())
    /// ```
    pub fn place(&self, path: &Path) -> Option<ProfilePlace<'_>> {
        let mut segments = self.segments().filter(|segment| segment.group().is_none());
        let segment = segments.find(|segment| segment.id() == path.segment_id())?;
        let field = PartRules::part(&segment.rules.fields, path.field()?.into())?;
        let inner = [path.component(), path.subcomponent()].into_iter().flatten();
        let part =
            inner.map(usize::from).try_fold(field, |part, number| PartRules::part(&part.parts, number))?;
        Some(ProfilePlace { part })
    }

    /// Whether a code is in an HL7 table as the profile has it; `None` where the standard alone says so.
    pub fn has_code(&self, table: u16, code: &str) -> Option<bool> {
        self.rules.table_has(table, code)
    }
}

impl fmt::Debug for ProfileSegment<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProfileSegment({}, line {})", self.rules.id, self.rules.line)
    }
}

impl fmt::Debug for ProfilePlace<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProfilePlace({}, line {})", self.part.number, self.part.line)
    }
}

/// A segment of a [`Profile`].
#[derive(Clone, Copy)]
pub struct ProfileSegment<'p> {
    rules: &'p SegmentRules,
}

impl<'p> ProfileSegment<'p> {
    /// Its ID.
    pub fn id(&self) -> &'p str {
        &self.rules.id
    }

    /// The group directly around it, where that is said.
    pub fn group(&self) -> Option<&'p str> {
        self.rules.group.as_deref()
    }

    /// Whether the standard has it. Where not, the fields here are all it has.
    pub fn is_standard(&self) -> bool {
        self.rules.is_standard
    }

    /// How often it stands, where that is said; `u32::MAX` is any number.
    pub fn times(&self) -> Option<RangeInclusive<u32>> {
        self.rules.times.map(|times| times.least..=times.most)
    }

    /// The line of the file.
    pub fn line(&self) -> u32 {
        self.rules.line
    }

    /// The fields that the profile speaks of, by number.
    pub fn fields(&self) -> impl Iterator<Item = ProfilePlace<'p>> + use<'p> {
        self.rules.fields.iter().map(|part| ProfilePlace { part })
    }
}

/// What a [`Profile`] says of a field, component or subcomponent.
#[derive(Clone, Copy)]
pub struct ProfilePlace<'p> {
    part: &'p PartRules,
}

/// Whether something is to be there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum ProfileUsage {
    /// `R`.
    Required,
    /// `RE` and `O`.
    Optional,
    /// `X`.
    NotAllowed,
    /// It depends on the message.
    Conditional,
}

impl<'p> ProfilePlace<'p> {
    /// The number of the field, component or subcomponent, from 1.
    pub fn number(&self) -> usize {
        self.part.number
    }

    /// The line of the file.
    pub fn line(&self) -> u32 {
        self.part.line
    }

    /// Whether it is to be there, where that is said.
    pub fn usage(&self) -> Option<ProfileUsage> {
        Some(match self.part.usage.as_ref()? {
            UsageRule::Always(Wanted::Required) => ProfileUsage::Required,
            UsageRule::Always(Wanted::Optional) => ProfileUsage::Optional,
            UsageRule::Always(Wanted::NotAllowed) => ProfileUsage::NotAllowed,
            UsageRule::When(..) => ProfileUsage::Conditional,
        })
    }

    /// How often the field repeats, where that is said; `u32::MAX` is any number.
    pub fn times(&self) -> Option<RangeInclusive<u32>> {
        self.part.times.map(|times| times.least..=times.most)
    }

    /// The data type that is given to what the standard does not have.
    pub fn data_type(&self) -> Option<DataType> {
        self.part.data_type
    }

    /// Whether it says which codes there are.
    pub fn has_codes(&self) -> bool {
        self.part.codes.is_some()
    }

    /// Whether a text, as it reads, would be sent with the length, is one of the codes, and is the constant or fits the pattern, as far as these are said.
    pub fn takes(&self, text: &str) -> bool {
        let part = self.part;
        let sent = escape(text, &Delimiters::default());
        let characters = u32::try_from(sent.chars().count()).unwrap_or(u32::MAX);
        part.length.as_ref().is_none_or(|length| length.contains(&characters))
            && part.codes.as_ref().is_none_or(|codes| codes.has(text))
            && part.constant.as_ref().is_none_or(|constant| constant == text)
            && part.pattern.as_ref().is_none_or(|pattern| pattern.is_match(text))
    }

    /// How bad it is when a message is not as this says.
    pub fn severity(&self) -> Severity {
        self.part.severity.unwrap_or(Severity::Error)
    }

    /// What is said of its parts, by number.
    pub fn parts(&self) -> impl Iterator<Item = ProfilePlace<'p>> + use<'p> {
        self.part.parts.iter().map(|part| ProfilePlace { part })
    }
}
