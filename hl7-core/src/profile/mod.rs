//! Profiles: files that narrow or widen what the standard says, for a site, a partner or a guide. No code is needed.
//!
//! ```
//! use hl7_core::{Message, Profile, validate};
//!
//! let profile = Profile::from_yaml(r#"
//! profile: north
//! for: { MSH-9.1: ADT }
//! segments:
//!   PID:
//!     fields:
//!       3: { times: 1..3, components: { 5: { codes: [MR, SS] } } }
//!       7: R
//!   ZPD:
//!     after: PID
//!     fields: { 1: { type: ST, usage: R }, 2: CX }
//! checks:
//!   - { code: N-1, when: PV1-2 == I, require: PV1-3.1, text: inpatient without a ward }
//! "#)?;
//! let msg = Message::parse("MSH|^~\\&|A|B|C|D|2026||ADT^A08^ADT_A01|1|P|2.5.1\rEVN||2026\rPID|1||7^^^H^XX||Doe\rZPD||7\rPV1|1|I\r")?;
//! let shown: Vec<_> = validate(&msg, &profile).iter().map(|found| found.to_string()).collect();
//! assert_eq!(shown, [
//!     "V703 at PID[1]-3[1].5: a code that is not listed (profile, line 7)",
//!     "V301 at PID[1]-7: a required field is empty (profile, line 8)",
//!     "V301 at ZPD[1]-1: a required field is empty (profile, line 11)",
//!     "V801 at PV1[1]-3[1].1: N-1: inpatient without a ward",
//! ]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The file
//!
//! YAML, with scalars read as written: `N`, `no` and `0001` stay text.
//!
//! | key | what |
//! | --- | --- |
//! | `profile` | its name |
//! | `version` | the version to check against, whatever MSH-12 states |
//! | `for` | the messages it is for: paths, and a value or a list of values of each; others are checked against the standard alone, and get V802 |
//! | `severities` | for codes of findings `error`, `warning`, `information` or `off`; of findings the standard makes, not of the profile's |
//! | `tables` | codes by the number of an HL7 table (`"0001": [F, M]` instead of the standard's, `"0001": { add: [X] }` beside them) or by a name of one's own |
//! | `segments` | by ID, or `GROUP.ID` for the segments directly in a group: `after`, `times`, `fields` |
//! | `checks` | `code`, `text`, and `require` (a path) or `assert` (a condition); `when`, `each` (a segment ID: asked of each of them), `severity`, `hl7` (table 0357) |
//!
//! A field or component is a usage or data type alone (`7: R`, `2: CX`), or a map of these:
//!
//! | key | what |
//! | --- | --- |
//! | `usage` | `R`, `RE`, `O`, `X`, or `{ when: CONDITION, then: R, otherwise: O }` |
//! | `times` | how often a field repeats: `2`, `1..3`, `0..*` |
//! | `length` | in characters as they are sent, escape sequences written out: `20` at most, or `1..20` |
//! | `codes`, `table` | a list, or a name of `tables` |
//! | `constant`, `pattern` | the text, or a regular expression for the whole of it |
//! | `type` | the data type of a field the standard does not have |
//! | `components` | the same for the parts |
//! | `severity` | of what is found by these; `error` unless stated |
//!
//! What a profile says of a place counts there instead of what the standard says of the same: usage, times, length, codes. A segment that the standard does
//! not have is described with all its fields. Conditions are [`crate::Condition`]s; paths with the ID of the segment at hand mean that one.
//!
//! # Mistakes
//!
//! All are told at once, with line, column and a suggestion.
//!
//! | code | what |
//! | --- | --- |
//! | R001 | the file is not YAML |
//! | R002 | it is longer than 1 MiB, too deep, or has too many values |
//! | R003 | a key, or a table, stands twice |
//! | R004 | a part of YAML that is not used: tags, merge keys, a second document |
//! | R005 | a key that is not known, or has no effect where it stands |
//! | R006 | a value of another kind: a list, a map or a single value is meant |
//! | R007 | a key that has to be there is missing |
//! | R008 | an unknown version |
//! | R009 | no path |
//! | R010 | no condition |
//! | R011 | no segment: the ID has another form, or the standard does not have it and no fields are given |
//! | R012 | no field or component: the standard does not have it, and no data type is given |
//! | R013 | an unknown data type |
//! | R014 | an unknown usage |
//! | R015 | no number, or no range of numbers |
//! | R016 | an unknown table, or no number of one |
//! | R017 | no regular expression |
//! | R018 | an unknown severity, finding or condition of table 0357 |
//! | R019 | no conformance profile in XML |
//! | R020 | a conformance profile without the message |
//! | R021 | a check has the code of another, or of a finding of the standard |
//! | R022 | an unknown group |
//!
//! With the feature `xml` conformance profiles of the NIST's tools are read too: `Profile::from_conformance_xml`.

#[cfg(feature = "xml")]
mod conformance;
mod error;
mod load;
mod rules;
mod said;

use std::fmt;
use std::sync::Arc;

#[cfg(feature = "xml")]
pub use conformance::{ConformanceProfile, Unmapped};
pub use error::{ProfileError, ProfileErrors};
pub(crate) use rules::{Check, PartRules, Rule, Rules, SegmentRules, Times, UsageRule, Wanted, Wants};
pub use said::{ProfilePlace, ProfileSegment, ProfileUsage};

/// What a site, a partner or a guide wants of messages beside the standard. A clone shares it.
#[derive(Clone)]
pub struct Profile {
    pub(crate) rules: Arc<Rules>,
}

impl Profile {
    /// Reads a profile.
    ///
    /// # Errors
    /// When the file has mistakes: all of them.
    ///
    /// ```
    /// use hl7_core::Profile;
    /// let text = "profile: p\nsegments:\n  PID: { feilds: { 7: R } }\n";
    /// let errors = Profile::from_yaml(text).unwrap_err();
    /// assert_eq!(errors.to_string(), "R005: line 3, column 10: an unknown key `feilds`; did you mean `fields`?");
    /// ```
    pub fn from_yaml(text: &str) -> Result<Profile, ProfileErrors> {
        load::load(text).map(|rules| Profile { rules: Arc::new(rules) }).map_err(ProfileErrors::new)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.rules.name
    }
}

impl fmt::Debug for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Profile({} segments, {} checks)", self.rules.segments.len(), self.rules.checks.len())
    }
}
