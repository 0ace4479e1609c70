//! What HL7 itself says and a mapping leans on: versions, segments, message structures, set IDs and composite types.

mod composites;
mod layout;
mod segments;
mod structures;

pub(crate) use composites::{
    COMPOSITES, Component, Composite, component, component_names, composite_of, parts_of,
};
pub(crate) use layout::{At, Layout};
pub(crate) use segments::{SEGMENTS, has_set_id, restarts};
pub(crate) use structures::{
    Structure, first_with, has_event_segment, is_required, messages, of_event, structure,
};

/// The versions of the standard, in order.
pub(crate) const VERSIONS: [&str; 13] =
    ["2.1", "2.2", "2.3", "2.3.1", "2.4", "2.5", "2.5.1", "2.6", "2.7", "2.7.1", "2.8", "2.8.1", "2.8.2"];

/// A version of the standard, by its place among [`VERSIONS`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Version(usize);

impl Default for Version {
    fn default() -> Self {
        Self::LAST
    }
}

impl Version {
    pub(crate) const V2_1: Self = Self(0);
    pub(crate) const V2_2: Self = Self(1);
    pub(crate) const V2_3: Self = Self(2);
    pub(crate) const V2_3_1: Self = Self(3);
    pub(crate) const V2_4: Self = Self(4);
    pub(crate) const V2_5: Self = Self(5);
    pub(crate) const V2_5_1: Self = Self(6);
    pub(crate) const V2_6: Self = Self(7);
    pub(crate) const V2_7: Self = Self(8);
    pub(crate) const V2_8: Self = Self(10);
    pub(crate) const LAST: Self = Self(VERSIONS.len() - 1);

    pub(crate) fn of(text: &str) -> Option<Self> {
        VERSIONS.iter().position(|&version| version == text).map(Self)
    }

    pub(crate) fn text(self) -> &'static str {
        VERSIONS.get(self.0).copied().unwrap_or_default()
    }
}
