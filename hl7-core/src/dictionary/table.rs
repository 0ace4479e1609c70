//! Tables of codes.

use std::fmt;

use super::facts::{self, DISPLAYS, MASKS, NAMES, TABLE_CODES, TABLES};
use super::{Dictionary, Version};

/// A table of codes, such as 0001, as a version of the standard has it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Table {
    version: Version,
    row: u16,
}

/// Who may add codes to a table.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum TableKind {
    /// An HL7 table: its codes are part of the standard (2.5.1, chapter 2.5.3.6).
    Hl7,
    /// A user-defined table: sites have their own codes, and those of the standard are suggestions.
    UserDefined,
    /// No field or component tells which: its codes may be a site's own.
    Unstated,
}

/// A code of a table.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TableCode {
    facts: u64,
}

/// So many codes are looked at one by one faster than by halves.
const FEW: usize = 24;

impl Table {
    pub(super) fn find(dictionary: Dictionary, number: u16) -> Option<Table> {
        let row = facts::table_row(number)?;
        Some(Table { version: dictionary.version(), row }).filter(|table| table.is_known())
    }

    pub(super) fn all(dictionary: Dictionary) -> impl Iterator<Item = Table> {
        let version = dictionary.version();
        (0..TABLES.rows(12))
            .map(move |row| Table { version, row: row as u16 })
            .filter(|table| table.is_known())
    }

    fn word(self, at: usize) -> usize {
        TABLES.word(6 * usize::from(self.row) + at)
    }

    /// Whether the version has it.
    fn is_known(self) -> bool {
        self.word(5) >> self.version as usize & 1 == 1
    }

    /// Its number: 1 for table 0001.
    pub fn number(self) -> u16 {
        self.word(0) as u16
    }

    /// Its name, such as `Administrative Sex`, as the newest version has it.
    pub fn name(self) -> &'static str {
        NAMES.text(self.word(1))
    }

    /// Who may add codes. It is told by the data types of the fields and components, in any version, that use the table:
    /// ID and CNE take codes of HL7 tables, IS of user-defined ones (2.5.1, chapter 2.A).
    pub fn kind(self) -> TableKind {
        match self.word(4) {
            1 => TableKind::Hl7,
            2 => TableKind::UserDefined,
            _ => TableKind::Unstated,
        }
    }

    fn row(self, at: usize) -> TableCode {
        TableCode { facts: TABLE_CODES.double(self.word(2) + at) as u64 }
    }

    /// The codes, ordered by their bytes. None for a table that the standard leaves to the sites.
    pub fn codes(self) -> impl Iterator<Item = TableCode> + Clone {
        (0..self.word(3)).map(move |at| self.row(at)).filter(move |code| code.is_in(self.version))
    }

    /// The code with exactly this text.
    pub fn code(self, text: &str) -> Option<TableCode> {
        let count = self.word(3);
        let at = if count > FEW {
            facts::search(count, |at| self.row(at).code().cmp(text))
        } else {
            facts::code_with(text, (0..count).map(|at| self.row(at).number()))
        };
        let row = at.map(|at| self.row(at));
        row.filter(|code| code.is_in(self.version))
    }
}

impl TableCode {
    fn number(self) -> usize {
        facts::bits(self.facts, 0, 12)
    }

    fn is_in(self, version: Version) -> bool {
        MASKS.word(facts::bits(self.facts, 25, 7)) >> version as usize & 1 == 1
    }

    /// The code, such as `F`.
    pub fn code(self) -> &'static str {
        facts::code(self.number())
    }

    /// What it means, such as `Female`, where that is known.
    pub fn display(self) -> Option<&'static str> {
        Some(DISPLAYS.text(facts::bits(self.facts, 12, 13))).filter(|text| !text.is_empty())
    }
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Table({:04}, {})", self.number(), self.version)
    }
}

impl fmt::Debug for TableCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TableCode({:?})", self.code())
    }
}
