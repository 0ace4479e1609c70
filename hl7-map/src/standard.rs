//! What HL7 itself says and a mapping leans on, from the dictionary and beyond it: set IDs, and composite types by names.

mod composites;
mod layout;
mod segments;

pub(crate) use composites::{
    COMPOSITES, Component, Composite, component, component_names, composite_of, parts_of,
};
pub(crate) use layout::{At, Layout};
pub(crate) use segments::{has_event_segment, has_set_id, restarts};

use hl7_core::dictionary::{self, Dictionary};

/// A version of the standard; the last where a file names none.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Version(dictionary::Version);

impl Default for Version {
    fn default() -> Self {
        Self::LAST
    }
}

impl Version {
    pub(crate) const V2_1: Self = Self(dictionary::Version::V2_1);
    pub(crate) const V2_2: Self = Self(dictionary::Version::V2_2);
    pub(crate) const V2_3: Self = Self(dictionary::Version::V2_3);
    pub(crate) const V2_3_1: Self = Self(dictionary::Version::V2_3_1);
    #[cfg(test)]
    pub(crate) const V2_5_1: Self = Self(dictionary::Version::V2_5_1);
    pub(crate) const V2_6: Self = Self(dictionary::Version::V2_6);
    pub(crate) const V2_7: Self = Self(dictionary::Version::V2_7);
    pub(crate) const LAST: Self = Self(dictionary::Version::V2_8_2);

    pub(crate) fn of(text: &str) -> Option<Self> {
        dictionary::Version::of(text).map(Self)
    }

    /// All of them, the oldest first.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        dictionary::Version::ALL.into_iter().map(Self)
    }

    pub(crate) fn text(self) -> &'static str {
        self.0.number()
    }

    pub(crate) fn dictionary(self) -> Dictionary {
        Dictionary::of(self.0)
    }

    /// The structure of a message type and event.
    pub(crate) fn structure(self, kind: &str, event: &str) -> Option<&'static str> {
        self.dictionary().structure_of(kind, event).map(|structure| structure.name())
    }
}

/// Whether some version has a segment of this ID.
pub(crate) fn has_segment(id: &str) -> bool {
    Version::all().any(|version| version.dictionary().segment(id).is_some())
}
