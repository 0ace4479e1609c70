//! Values without parts: dates, times, numbers, codes, escape sequences.

use super::check::{Check, Place};
use super::finding::Fact;
use super::{FindingCode, Level};
use crate::dictionary::{DataType, Element, Kind, TableKind};
use crate::piece::Value;
use crate::typed::{DataTypeError, Date, DateTime, Number, SequenceId, Time};

impl<'m> Check<'m> {
    /// A value of a data type without components. More than one part is more than that has.
    pub(super) fn primitive(&mut self, at: Place, value: Value<'m>, element: Element, data_type: DataType) {
        let mut parts = value.parts();
        let Some(leaf) = parts.next() else { return };
        let kind = data_type.kind();
        if kind == Kind::Varies {
            return;
        }
        if let Some((index, part)) = parts.enumerate().find(|(_, part)| !part.is_empty()) {
            self.unknown_part(at.part(index + 2), part, data_type);
        }
        if leaf.is_empty() || leaf.is_null() {
            return;
        }
        self.escapes(at, leaf);
        if self.checks(Level::Type) {
            self.typed(at, leaf, read_as(kind, leaf));
        }
        match (kind, element.table_number()) {
            // V103 speaks of the version.
            (_, Some(VERSIONS)) => {}
            (_, Some(VALUE_TYPES)) => self.value_type(at, leaf),
            (Kind::Code, Some(number)) => self.code(at, leaf, number),
            _ => {}
        }
    }

    /// V502. The table of value types lags behind the data types of its version: 2.5.1 has no CWE in it.
    fn value_type(&mut self, at: Place, leaf: Value<'_>) {
        let id = leaf.text();
        let is_known = || self.dictionary.data_type(&id).is_some() || id == "CM";
        if self.checks(Level::Type) && !is_known() {
            self.report(FindingCode::UnknownType, at, leaf.raw(), Fact::None);
        }
    }

    pub(super) fn time_stamp(&mut self, at: Place, value: Value<'m>) {
        self.escapes(at, value);
        if self.checks(Level::Type) {
            self.typed(at, value, DateTime::of(value).err());
        }
    }

    /// V501.
    fn typed(&mut self, at: Place, value: Value<'_>, fault: Option<DataTypeError>) {
        if let Some(fault) = fault {
            self.report(FindingCode::WrongType, at, value.raw(), Fact::Type(fault));
        }
    }

    /// V102: each escape sequence is closed (2.5.1, chapter 2, section 2.7).
    fn escapes(&mut self, at: Place, leaf: Value<'_>) {
        if leaf.is_plain() || !self.checks(Level::Syntax) {
            return;
        }
        let Some(escape) = self.message.delimiters().escape() else { return };
        if leaf.raw().matches(escape).count() % 2 == 1 {
            self.report(FindingCode::UnpairedEscape, at, leaf.raw(), Fact::None);
        }
    }

    /// A coded element with a table: its first component, unless the third names another coding system.
    pub(super) fn coded(&mut self, at: Place, value: Value<'m>, element: Element, data_type: DataType) {
        let Some(number) = element.table_number().filter(|_| self.checks(Level::Table)) else { return };
        if data_type.kind() != Kind::Coded {
            return;
        }
        let system = value.part(3).map(|system| system.text()).unwrap_or_default();
        let own = system.strip_prefix("HL7").and_then(|own| own.parse::<u16>().ok());
        if let Some(code) = value.part(1).filter(|_| system.is_empty() || own == Some(number)) {
            self.code(at.part(1), code, number);
        }
    }

    /// V701 and V702. A table without codes is the site's own.
    fn code(&mut self, at: Place, value: Value<'_>, number: u16) {
        if !self.checks(Level::Table) || value.is_empty() || value.is_null() {
            return;
        }
        let text = value.text();
        match self.profiled.table_has(number, &text) {
            Some(true) => return,
            Some(false) => {
                return self.report(FindingCode::UnlistedCode, at, value.raw(), Fact::Table(number));
            }
            None => {}
        }
        let Some(table) = self.dictionary.table(number) else { return };
        if table.code(&text).is_some() || table.codes().next().is_none() {
            return;
        }
        let code = match table.kind() {
            _ if number == CODING_SYSTEMS && is_table(&text) => return,
            TableKind::Hl7 if number != CODING_SYSTEMS => FindingCode::UnknownCode,
            _ => FindingCode::LocalCode,
        };
        self.report(code, at, value.raw(), Fact::Table(number));
    }
}

/// Table 0104.
const VERSIONS: u16 = 104;

/// Table 0125, which OBX-2 uses.
const VALUE_TYPES: u16 = 125;

/// Table 0396, a register that grows between the versions, with codes such as `99zzz` for sites.
const CODING_SYSTEMS: u16 = 396;

/// Whether a coding system is a table of HL7: `HL7nnnn`.
fn is_table(system: &str) -> bool {
    system
        .strip_prefix("HL7")
        .is_some_and(|number| number.len() == 4 && number.bytes().all(|b| b.is_ascii_digit()))
}

/// Why a text is no value of a data type that is checked.
fn read_as(kind: Kind, leaf: Value<'_>) -> Option<DataTypeError> {
    match kind {
        Kind::Date => Date::of(leaf).err(),
        Kind::Time => Time::of(leaf).err(),
        Kind::DateTime | Kind::TimeStamp => DateTime::of(leaf).err(),
        Kind::Number => Number::of(leaf).err(),
        Kind::SequenceId => SequenceId::of(leaf).err(),
        _ => None,
    }
}
