//! Group paths: `ORDER_OBSERVATION[2].OBX[1]-5`.

use std::fmt;
use std::str::FromStr;

use super::{GroupPathError, GroupPathErrorKind as Kind, Groups, SegmentGroup};
use crate::dictionary::{Group, Part, Structure};
use crate::message::in_field;
use crate::path::{Occurrence, Path, PathError};
use crate::piece::Value;
use crate::segment::Segment;

/// The place of a value in the groups of a message.
///
/// ```text
/// group path := { NAME [ "[" n "]" | "[*]" ] "." } path
/// ```
///
/// A name stands for the group with that name at any depth within the one before it, so that outer groups need not be named; `[n]` counts
/// those, from 1 and in the order of the message, and `[*]` is all of them. Without an index the first is meant. The path behind the groups is a
/// [`Path`], whose segments are counted within the group: a segment of another instance is never found.
///
/// ```
/// use hl7_core::GroupPath;
/// let path: GroupPath = "PATIENT_RESULT[1].ORDER_OBSERVATION[*].OBX[2]-5.1".parse()?;
/// assert_eq!(path.to_string(), "PATIENT_RESULT[1].ORDER_OBSERVATION[*].OBX[2]-5.1");
/// assert_eq!(path.segment_path().to_string(), "OBX[2]-5.1");
/// # Ok::<(), hl7_core::GroupPathError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct GroupPath {
    groups: Vec<Step>,
    path: Path,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Step {
    name: Box<str>,
    occurrence: Occurrence,
}

const MAX_GROUPS: usize = 16;
const MAX_NAME: usize = 64;
const MAX_INDEX: u32 = 16_777_215;

impl GroupPath {
    /// The names of the groups, the outermost first.
    pub fn groups(&self) -> impl Iterator<Item = &str> {
        self.groups.iter().map(|step| &*step.name)
    }

    /// The path within the innermost group.
    pub fn segment_path(&self) -> Path {
        self.path
    }

    /// Whether a structure has these groups, one in the other, and the segment in the last.
    ///
    /// # Errors
    /// G005 or G006, with the place of the name and the nearest name that would do.
    pub fn check(&self, structure: Structure) -> Result<(), GroupPathError> {
        let mut within = vec![structure.root()];
        let mut offset = 0;
        for step in &self.groups {
            let inner = inner_of(&within);
            let found: Vec<_> = inner.iter().copied().filter(|group| *group.name() == *step.name).collect();
            if found.is_empty() {
                let names = inner.iter().map(|group| group.name());
                let unknown = GroupPathError::new(Kind::UnknownGroup, offset);
                return Err(unknown.nearest(nearest(&step.name, names)));
            }
            offset += step.to_string().len() + 1;
            within = found;
        }
        self.check_segment(&within, offset)
    }

    fn check_segment(&self, within: &[Group], offset: usize) -> Result<(), GroupPathError> {
        let id = self.path.segment_id();
        let parts: Vec<Part> =
            within.iter().chain(&inner_of(within)).flat_map(|group| group.parts()).collect();
        // A Z segment may stand in any group.
        if id.starts_with('Z') || parts.iter().any(|part| part.is_open() || part.name() == id) {
            return Ok(());
        }
        let names = parts.iter().filter(|part| part.segment().is_some()).map(|part| part.name());
        let unknown = GroupPathError::new(Kind::UnknownSegment, offset);
        Err(unknown.nearest(nearest(id, names)))
    }

    pub(super) fn values_in<'s, 'p, 'm>(
        &'p self,
        groups: &'s Groups<'m>,
    ) -> impl Iterator<Item = Value<'s>> + use<'s, 'p, 'm> {
        let mut within = vec![groups.root()];
        for step in &self.groups {
            within = within.into_iter().flat_map(|group| step.groups_in(group)).collect();
        }
        let (skip, take) = run(self.path.occurrence());
        let id = self.path.segment_id();
        let of_id = move |segment: &Segment<'_>| segment.id() == id;
        let path = self.path;
        within
            .into_iter()
            .flat_map(move |group| group.segments().filter(of_id).skip(skip).take(take))
            .filter_map(move |segment| segment.field(usize::from(path.field()?)))
            .flat_map(move |field| in_field(field, path))
    }
}

impl Step {
    fn groups_in<'s>(&self, group: SegmentGroup<'s>) -> impl Iterator<Item = SegmentGroup<'s>> {
        let (skip, take) = run(self.occurrence);
        group.all(&self.name).skip(skip).take(take)
    }
}

/// How many to pass over, and how many to take.
fn run(occurrence: Occurrence) -> (usize, usize) {
    match occurrence {
        Occurrence::First => (0, 1),
        Occurrence::Nth(n) => (n as usize - 1, 1),
        Occurrence::All => (0, usize::MAX),
    }
}

/// The groups in these groups, at any depth.
fn inner_of(groups: &[Group]) -> Vec<Group> {
    let mut found = Vec::new();
    let mut open = groups.to_vec();
    while let Some(group) = open.pop() {
        let inner = group.parts().filter_map(|part| part.group());
        open.extend(inner.clone());
        found.extend(inner);
    }
    found
}

/// The name that differs from `given` in the fewest characters, if in no more than a third of them.
fn nearest(given: &str, names: impl Iterator<Item = &'static str>) -> Option<&'static str> {
    let given = given.to_ascii_uppercase();
    let best = names.map(|name| (distance(&given, name), name)).min()?;
    (best.0 * 3 <= given.len()).then_some(best.1)
}

/// How many characters to change, add or leave out.
fn distance(given: &str, name: &str) -> usize {
    let mut row: Vec<usize> = (0..=name.len()).collect();
    for (at, a) in given.bytes().enumerate() {
        let mut diagonal = at;
        let mut left = at + 1;
        for (cell, b) in row.iter_mut().skip(1).zip(name.bytes()) {
            let above = *cell;
            left = (diagonal + usize::from(a != b)).min(above + 1).min(left + 1);
            (diagonal, *cell) = (above, left);
        }
        if let Some(first) = row.first_mut() {
            *first = at + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

impl FromStr for GroupPath {
    type Err = GroupPathError;

    fn from_str(text: &str) -> Result<GroupPath, GroupPathError> {
        let head = text.find('-').unwrap_or(text.len());
        let mut groups = Vec::new();
        let mut start = 0;
        // The last point before the field ends the groups.
        while let Some(length) = text.get(start..head).and_then(|rest| rest.find('.')) {
            if groups.len() == MAX_GROUPS {
                return Err(GroupPathError::new(Kind::TooLong, start));
            }
            groups.push(step(text.get(start..start + length).unwrap_or_default(), start)?);
            start += length + 1;
        }
        let behind = |why: PathError| GroupPathError::new(Kind::Segment(why), start + why.offset());
        let path = text.get(start..).unwrap_or_default().parse().map_err(behind)?;
        Ok(GroupPath { groups, path })
    }
}

/// `NAME`, `NAME[n]` or `NAME[*]`.
fn step(text: &str, offset: usize) -> Result<Step, GroupPathError> {
    let (name, index) = text.split_at(text.find('[').unwrap_or(text.len()));
    if let Some(at) = name.find(|c: char| !c.is_ascii_alphanumeric() && c != '_') {
        return Err(GroupPathError::new(Kind::Name, offset + at));
    }
    match name.len() {
        0 => Err(GroupPathError::new(Kind::Name, offset)),
        1..=MAX_NAME => {
            let occurrence =
                occurrence(index).ok_or_else(|| GroupPathError::new(Kind::Index, offset + name.len()))?;
            Ok(Step { name: name.into(), occurrence })
        }
        _ => Err(GroupPathError::new(Kind::TooLong, offset)),
    }
}

fn occurrence(index: &str) -> Option<Occurrence> {
    if index.is_empty() {
        return Some(Occurrence::First);
    }
    let inner = index.strip_prefix('[')?.strip_suffix(']')?;
    if inner == "*" {
        return Some(Occurrence::All);
    }
    // A sign or a leading zero would not come back from `Display`.
    let digits = inner.bytes().all(|byte| byte.is_ascii_digit()) && !inner.starts_with('0');
    let number = inner.parse().ok().filter(|&number| digits && number <= MAX_INDEX)?;
    Some(Occurrence::Nth(number))
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        match self.occurrence {
            Occurrence::First => Ok(()),
            Occurrence::Nth(n) => write!(f, "[{n}]"),
            Occurrence::All => f.write_str("[*]"),
        }
    }
}

impl fmt::Display for GroupPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.groups.iter().try_for_each(|step| write!(f, "{step}."))?;
        self.path.fmt(f)
    }
}

impl fmt::Debug for GroupPath {
    /// Without the text of a filter, which may have been taken from a message.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GroupPath(")?;
        self.groups.iter().try_for_each(|step| write!(f, "{step}."))?;
        write!(f, "{})", self.path.without_filter())
    }
}
