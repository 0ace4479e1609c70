//! Why a text is not a group path.

use std::fmt;

use crate::path::PathError;

/// Why a text is not a group path, or not one of a structure: a kind, a place and what to do about it. It holds nothing of a message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GroupPathError {
    kind: GroupPathErrorKind,
    offset: usize,
    nearest: Option<&'static str>,
}

/// The kinds of [`GroupPathError`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum GroupPathErrorKind {
    /// G001: a group's name is missing, or has other characters than letters, digits and underscores.
    Name,
    /// G002: an index is not `[2]` or `[*]`, or counts from 0.
    Index,
    /// G003: more than 16 groups, or a name longer than 64 bytes.
    TooLong,
    /// G004: what stands behind the groups is no path of a segment.
    Segment(PathError),
    /// G005: the structure has no such group there.
    UnknownGroup,
    /// G006: the group has no such segment.
    UnknownSegment,
}

impl GroupPathError {
    pub(super) fn new(kind: GroupPathErrorKind, offset: usize) -> Self {
        Self { kind, offset, nearest: None }
    }

    pub(super) fn nearest(mut self, name: Option<&'static str>) -> Self {
        self.nearest = name;
        self
    }

    /// What is wrong.
    pub fn kind(&self) -> GroupPathErrorKind {
        self.kind
    }

    /// The byte of the text, from 0.
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// The stable code, `G001` to `G006`.
    pub fn code(&self) -> &'static str {
        self.parts().0
    }

    /// What to do about it: the name that was probably meant, where one is near.
    pub fn suggestion(&self) -> String {
        match self.nearest {
            Some(name) => format!("did you mean {name}?"),
            None => self.parts().2.to_owned(),
        }
    }

    fn parts(&self) -> (&'static str, &'static str, &'static str) {
        use GroupPathErrorKind as K;
        match self.kind {
            K::Name => ("G001", "a group's name is missing", "the form is GROUP[n].GROUP[n].SEG[n]-field"),
            K::Index => ("G002", "an index is [2] or [*]", "instances count from 1"),
            K::TooLong => ("G003", "the path is too long", "name at most 16 groups"),
            K::Segment(_) => {
                ("G004", "this is no path of a segment", "behind the groups stands a path such as OBX[1]-5.1")
            }
            K::UnknownGroup => ("G005", "the structure has no such group there", "see hl7 explain"),
            K::UnknownSegment => ("G006", "the group has no such segment", "see hl7 explain"),
        }
    }
}

impl fmt::Display for GroupPathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (code, what, _) = self.parts();
        write!(f, "{code}: {what} (column {}); {}", self.offset + 1, self.suggestion())
    }
}

impl std::error::Error for GroupPathError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.kind {
            GroupPathErrorKind::Segment(why) => Some(why),
            _ => None,
        }
    }
}
