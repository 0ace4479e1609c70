//! Segments and data types.

use std::fmt;

use super::element::Composite;
use super::facts::{self, NAMES, SEGMENT_IDS, SEGMENTS, TYPE_IDS, TYPES};
use super::kind::{self, Kind};
use super::{Dictionary, Element};

/// A segment, as a version of the standard describes it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SegmentDefinition {
    index: u16,
    composite: Composite,
}

impl SegmentDefinition {
    pub(super) fn find(dictionary: Dictionary, id: &str) -> Option<SegmentDefinition> {
        let &[a, b, c] = id.as_bytes() else { return None };
        // As numbers they compare at once.
        let number = |[a, b, c]: [u8; 3]| u32::from_be_bytes([0, a, b, c]);
        let wanted = number([a, b, c]);
        let index = facts::search(SEGMENT_IDS.rows(3), |row| number(SEGMENT_IDS.bytes(row)).cmp(&wanted))?;
        SegmentDefinition::numbered(dictionary, index)
    }

    pub(super) fn numbered(dictionary: Dictionary, index: usize) -> Option<SegmentDefinition> {
        let row = SEGMENTS.cell(index, dictionary.version() as usize)?;
        Some(SegmentDefinition { index: index as u16, composite: Composite::new(dictionary, row) })
    }

    pub(super) fn all(dictionary: Dictionary) -> impl Iterator<Item = SegmentDefinition> {
        (0..SEGMENT_IDS.rows(3)).filter_map(move |index| SegmentDefinition::numbered(dictionary, index))
    }

    /// Its ID, such as `PID`.
    pub fn id(self) -> &'static str {
        facts::segment_id(usize::from(self.index))
    }

    /// Its name, such as `Patient Identification`.
    pub fn name(self) -> &'static str {
        self.composite.name()
    }

    /// The fields behind the first `count`, up to the last that is required.
    pub(crate) fn up_to_required(self, count: usize) -> impl Iterator<Item = Element> {
        self.composite.up_to_required(count)
    }

    /// The field `number`, from 1.
    pub fn field(self, number: usize) -> Option<Element> {
        self.composite.element(number)
    }

    /// The fields, in order, withdrawn ones included.
    pub fn fields(self) -> impl ExactSizeIterator<Item = Element> + Clone {
        self.composite.elements()
    }
}

/// A data type, as a version of the standard describes it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct DataType {
    index: u16,
    composite: Composite,
}

impl DataType {
    pub(super) fn find(dictionary: Dictionary, id: &str) -> Option<DataType> {
        let index = facts::search(TYPE_IDS.rows(2), |row| NAMES.text(TYPE_IDS.word(row)).cmp(id))?;
        DataType::numbered(dictionary, index)
    }

    pub(super) fn numbered(dictionary: Dictionary, index: usize) -> Option<DataType> {
        let row = TYPES.cell(index, dictionary.version() as usize)?;
        Some(DataType { index: index as u16, composite: Composite::new(dictionary, row) })
    }

    pub(super) fn all(dictionary: Dictionary) -> impl Iterator<Item = DataType> {
        (0..TYPE_IDS.rows(2)).filter_map(move |index| DataType::numbered(dictionary, index))
    }

    /// Its code, such as `XPN`. Before 2.5 composites without a code of their own, `CM`, are told apart: `CM_MSG`. `varies` is that of OBX-5.
    pub fn id(self) -> &'static str {
        NAMES.text(TYPE_IDS.word(usize::from(self.index)))
    }

    /// Its name, such as `Extended Person Name`.
    pub fn name(self) -> &'static str {
        self.composite.name()
    }

    /// What is special about it.
    pub(crate) fn kind(self) -> Kind {
        kind::of_row(self.index)
    }

    /// Whether it has no components.
    pub fn is_primitive(self) -> bool {
        self.composite.len() == 0
    }

    /// The components behind the first `count`, up to the last that is required.
    pub(crate) fn up_to_required(self, count: usize) -> impl Iterator<Item = Element> {
        self.composite.up_to_required(count)
    }

    /// The component `number`, from 1.
    pub fn component(self, number: usize) -> Option<Element> {
        self.composite.element(number)
    }

    /// The components, in order.
    pub fn components(self) -> impl ExactSizeIterator<Item = Element> + Clone {
        self.composite.elements()
    }
}

impl fmt::Debug for SegmentDefinition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SegmentDefinition({}, {})", self.id(), self.composite.dictionary().version())
    }
}

impl fmt::Debug for DataType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DataType({}, {})", self.id(), self.composite.dictionary().version())
    }
}
