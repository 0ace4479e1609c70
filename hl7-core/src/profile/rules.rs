//! What a profile says, as validation uses it.

use std::collections::HashMap;
use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;

use regex_lite::Regex;

use crate::ack::ErrorCode;
use crate::condition::Condition;
use crate::dictionary::{DataType, Version};
use crate::path::Path;
use crate::validate::{FindingCode, Severity};

/// A whole profile.
#[derive(Default)]
pub(crate) struct Rules {
    pub(crate) name: String,
    pub(crate) version: Option<Version>,
    /// The messages it is for: one of these values at each path.
    pub(crate) applies: Vec<(Path, Vec<String>)>,
    pub(crate) severities: HashMap<FindingCode, Option<Severity>>,
    /// HL7 tables by number.
    pub(crate) tables: HashMap<u16, Codes>,
    pub(crate) segments: Vec<SegmentRules>,
    pub(crate) checks: Vec<Check>,
}

/// A table of codes.
#[derive(Clone)]
pub(crate) struct Codes {
    /// Sorted.
    pub(crate) codes: Arc<[String]>,
    /// Those of the standard's table count too.
    pub(crate) adds: bool,
}

impl Codes {
    pub(crate) fn has(&self, code: &str) -> bool {
        self.codes.binary_search_by(|known| known.as_str().cmp(code)).is_ok()
    }
}

pub(crate) struct SegmentRules {
    pub(crate) id: String,
    pub(crate) line: u32,
    /// The group directly around it.
    pub(crate) group: Option<String>,
    /// The segments behind one of which it stands.
    pub(crate) after: Vec<String>,
    pub(crate) times: Option<Times>,
    /// Sorted by number.
    pub(crate) fields: Vec<PartRules>,
    /// Whether the standard has it; where not, the fields here are all there are.
    pub(crate) is_standard: bool,
}

/// How often something stands: from, to (`u32::MAX` is any number), and the line that says so.
#[derive(Clone, Copy)]
pub(crate) struct Times {
    pub(crate) least: u32,
    pub(crate) most: u32,
    pub(crate) line: u32,
}

/// A field or component.
#[derive(Default)]
pub(crate) struct PartRules {
    pub(crate) number: usize,
    pub(crate) line: u32,
    pub(crate) usage: Option<UsageRule>,
    pub(crate) times: Option<Times>,
    pub(crate) length: Option<RangeInclusive<u32>>,
    pub(crate) codes: Option<Codes>,
    pub(crate) constant: Option<String>,
    pub(crate) pattern: Option<Regex>,
    /// Of one the standard does not have.
    pub(crate) data_type: Option<DataType>,
    pub(crate) severity: Option<Severity>,
    /// Sorted by number.
    pub(crate) parts: Vec<PartRules>,
}

/// R, O or X; RE is O.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    Required,
    Optional,
    NotAllowed,
}

pub(crate) enum UsageRule {
    Always(Wanted),
    When(Condition, Wanted, Wanted),
}

/// A check of the site's own.
pub(crate) struct Check {
    pub(crate) rule: Arc<Rule>,
    pub(crate) severity: Severity,
    pub(crate) error_code: ErrorCode,
    /// The segment it is asked for each instance of.
    pub(crate) each: Option<String>,
    pub(crate) when: Option<Condition>,
    pub(crate) wants: Wants,
}

pub(crate) enum Wants {
    Present(Path),
    Holds(Condition),
}

/// The words of a check.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Rule {
    pub(crate) code: String,
    pub(crate) text: String,
}

impl fmt::Debug for Rule {
    /// The text is the site's, and may be about anything.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rule({})", self.code)
    }
}

impl Rules {
    /// The rules of a segment's fields; those that name its group come last.
    pub(crate) fn of_segment<'r>(
        &'r self,
        id: &'r str,
        group: Option<&'r str>,
    ) -> impl Iterator<Item = &'r SegmentRules> {
        let fits = move |rules: &&SegmentRules| {
            rules.id == id && rules.group.as_deref().is_none_or(|name| Some(name) == group)
        };
        self.segments.iter().filter(fits)
    }

    /// Whether an HL7 table as the profile has it has this code; `None` where the standard says it.
    pub(crate) fn table_has(&self, number: u16, code: &str) -> Option<bool> {
        let table = self.tables.get(&number)?;
        if table.adds { table.has(code).then_some(true) } else { Some(table.has(code)) }
    }

    pub(crate) fn names_groups(&self) -> bool {
        self.segments.iter().any(|rules| rules.group.is_some())
    }
}

impl PartRules {
    pub(crate) fn part(parts: &[PartRules], number: usize) -> Option<&PartRules> {
        parts.binary_search_by_key(&number, |part| part.number).ok().and_then(|at| parts.get(at))
    }
}
