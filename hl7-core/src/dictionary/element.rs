//! Fields and components.

use std::fmt;

use super::facts::{self, ELEMENT_LISTS, ELEMENTS, LENGTHS, MAXIMA, NAMES, TABLE_NUMBERS};
use super::{DataType, Dictionary, Table};

/// A field of a segment or a component of a data type, as a version of the standard describes it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Element {
    dictionary: Dictionary,
    number: u16,
    facts: u64,
}

/// Whether a field or component is to be valued.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Usage {
    /// R.
    Required,
    /// O. The sources do not tell it from B, which is kept for older receivers.
    Optional,
    /// C: a condition in the standard's text decides.
    Conditional,
    /// X or W: not used, or withdrawn. There is no name or data type then, in most cases.
    Withdrawn,
}

impl Usage {
    /// The standard's letter.
    pub fn letter(self) -> char {
        match self {
            Usage::Required => 'R',
            Usage::Optional => 'O',
            Usage::Conditional => 'C',
            Usage::Withdrawn => 'X',
        }
    }
}

impl Element {
    /// The element `number` of a list that starts at `first`.
    pub(super) fn new(dictionary: Dictionary, first: usize, number: usize) -> Element {
        let [a, b, c, d, e, f] = ELEMENTS.bytes(ELEMENT_LISTS.word(first + number - 1));
        let facts = u64::from_le_bytes([a, b, c, d, e, f, 0, 0]);
        Element { dictionary, number: number as u16, facts }
    }

    /// One of which the standard says nothing.
    #[cfg(feature = "profile")]
    pub(crate) fn blank(dictionary: Dictionary, number: usize) -> Element {
        Element { dictionary, number: number as u16, facts: 0 }
    }

    /// Its place, from 1.
    pub fn number(self) -> u16 {
        self.number
    }

    /// Its name, such as `Patient Name`; empty for one that was withdrawn.
    pub fn name(self) -> &'static str {
        NAMES.text(facts::bits(self.facts, 0, 13))
    }

    /// Its data type; `None` for one that was withdrawn.
    pub fn data_type(self) -> Option<DataType> {
        DataType::numbered(self.dictionary, facts::bits(self.facts, 13, 8).checked_sub(1)?)
    }

    /// Whether it is to be valued.
    pub fn usage(self) -> Usage {
        match facts::usage(self.facts) {
            facts::REQUIRED => Usage::Required,
            2 => Usage::Conditional,
            3 => Usage::Withdrawn,
            _ => Usage::Optional,
        }
    }

    /// How often it may stand in a row, or `None` for any number. Components stand once.
    pub fn max(self) -> Option<u16> {
        match MAXIMA.word(facts::bits(self.facts, 34, 4)) {
            0 => None,
            max => Some(max as u16),
        }
    }

    /// The length the standard states, in characters. `None` where it states none, and from 2.7 on: no source has them.
    pub fn length(self) -> Option<u32> {
        match LENGTHS.double(facts::bits(self.facts, 38, 8)) {
            0 => None,
            length => Some(length as u32),
        }
    }

    /// The number of its table, such as 1 for table 0001.
    pub fn table_number(self) -> Option<u16> {
        match TABLE_NUMBERS.word(facts::bits(self.facts, 21, 10)) {
            0 => None,
            number => Some(number as u16),
        }
    }

    /// Its table, where the dictionary knows that.
    pub fn table(self) -> Option<Table> {
        self.dictionary.table(self.table_number()?)
    }
}

impl fmt::Debug for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Element({} {:?}, {})", self.number, self.name(), self.dictionary.version())
    }
}

/// A named list of elements: what a segment and a data type have in common.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Composite {
    dictionary: Dictionary,
    row: usize,
}

impl Composite {
    pub(super) fn new(dictionary: Dictionary, row: usize) -> Composite {
        Composite { dictionary, row }
    }

    pub(super) fn dictionary(self) -> Dictionary {
        self.dictionary
    }

    pub(super) fn name(self) -> &'static str {
        NAMES.text(facts::COMPOSITES.word(3 * self.row))
    }

    pub(super) fn len(self) -> usize {
        facts::COMPOSITES.word(3 * self.row + 2)
    }

    pub(super) fn element(self, number: usize) -> Option<Element> {
        let known = number > 0 && number <= self.len();
        known.then(|| Element::new(self.dictionary, facts::COMPOSITES.word(3 * self.row + 1), number))
    }

    /// The elements behind the first `count`, up to the last that is required: behind that nothing can be missing.
    pub(super) fn up_to_required(self, count: usize) -> impl Iterator<Item = Element> {
        let last = facts::LAST_REQUIRED.get(self.row).map_or(0, |number| usize::from(*number));
        (count + 1..=last).filter_map(move |number| self.element(number))
    }

    pub(super) fn elements(self) -> impl ExactSizeIterator<Item = Element> + Clone {
        let first = facts::COMPOSITES.word(3 * self.row + 1);
        (0..self.len()).map(move |index| Element::new(self.dictionary, first, index + 1))
    }
}
