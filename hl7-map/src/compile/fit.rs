//! Whether what a place gets fits its data type and its table, and whether a segment has all that it needs.

use hl7_core::Path;
use hl7_core::dictionary::{DataType, Element, Table, TableKind, Usage};

use super::Compiler;
use crate::error::MappingError;
use crate::plan::{FieldRule, Form, Formula, Function, OnMiss, Term};
use crate::standard::{self, Composite, Version};
use crate::yaml::{Node, Tree};
use hl7_core::document;
use hl7_core::document::Place;

/// A table with more codes is not written out in a suggestion.
const FEW: usize = 12;

/// A list of fields that are missing is cut behind so many.
const MOST_MISSING: usize = 6;

impl Compiler<'_> {
    /// Notes a composite that the type of the field does not have. Before 2.3 most types had no components that the standard names.
    pub(super) fn check_composite(
        &mut self,
        place: &str,
        composite: &'static Composite,
        node: &Node,
        at: Place,
    ) {
        let kind = self.stated_type(place, node).or_else(|| self.element_at(place)?.data_type());
        let Some(kind) = kind.filter(|kind| kind.id() != "varies" && self.version >= Version::V2_3) else {
            return;
        };
        if composite.fits(kind.id()) {
            return;
        }
        let (name, types) = (composite.name, composite.types);
        let message = format!("{place} is of type {} in HL7 {}, not {types}", kind.id(), self.version.text());
        let hint = match standard::composite_of(kind.id()) {
            Some(other) => format!("write `{}` in place of `{name}`", other.name),
            None if kind.is_primitive() => "it is a single value".to_owned(),
            None => "give its components by number".to_owned(),
        };
        self.error(MappingError::new("M131", at, message).suggest(hint));
    }

    /// The `type` beside a value of OBX-5.
    fn stated_type(&self, place: &str, node: &Node) -> Option<DataType> {
        let stated = node.get("type").filter(|_| place == "OBX-5")?;
        let Tree::Scalar(scalar) = &stated.tree else { return None };
        self.version.dictionary().data_type(&scalar.text)
    }

    /// Warns of constants that the table of a place does not have, and notes what its type cannot hold.
    pub(super) fn check_fit(&mut self, place: &str, formula: &Formula, at: Place) {
        self.check_said(place, formula, at);
        let Some(element) = self.element_at(place) else { return };
        let mut texts = self.constants_of(formula);
        // What reads as no value is told by itself.
        texts.retain(|text| !matches!(text.as_str(), "null" | "Null" | "NULL" | "~"));
        if let Some(table) = self.table_at(place, element).filter(|table| self.is_asked(*table)) {
            let outside = texts.iter().find(|text| !self.has_code(place, table, text));
            if let Some(text) = outside {
                let warning = self.outside_table(place, table, text, at);
                self.warnings.push(warning);
            }
        }
        self.check_type(place, element, formula, &texts, at);
    }

    /// Whether a table's codes are all there are: HL7's own, and one that the profile gives in full.
    fn is_asked(&self, table: Table) -> bool {
        table.kind() == TableKind::Hl7 || self.listed_by_profile(table, "") == Some(false)
    }

    fn listed_by_profile(&self, table: Table, text: &str) -> Option<bool> {
        self.profile.as_ref()?.has_code(table.number(), text)
    }

    fn outside_table(&self, place: &str, table: Table, text: &str, at: Place) -> MappingError {
        let (number, name, version) = (table.number(), table.name(), self.version.text());
        let takes =
            format!("{place} takes codes of table {number:04} ({name}), which does not have this one");
        if self.listed_by_profile(table, text).is_some() {
            return MappingError::new("M130", at, format!("{takes} in the profile")).into_warning();
        }
        let message = format!("{takes} in HL7 {version}");
        let near = document::nearest(text, table.codes().filter_map(|code| code.display()));
        let code = table.codes().find(|code| near.is_some() && code.display() == near);
        let same = table.codes().find(|code| code.code().eq_ignore_ascii_case(text));
        let hint = match same.or(code) {
            Some(code) => Some(format!("did you mean {}?", code.code())),
            None if table.codes().count() <= FEW => {
                let codes: Vec<&str> = table.codes().map(|code| code.code()).collect();
                Some(format!("its codes are {}", codes.join(", ")))
            }
            None => None,
        };
        MappingError::new("M130", at, message).suggest_maybe(hint).into_warning()
    }

    /// The table of a place: its own, or that of its first component. The table of a coded field is that of its code.
    fn table_at(&self, place: &str, element: Element) -> Option<Table> {
        let path = place.parse::<Path>().ok()?;
        let of_field = || self.field_at(&path).and_then(Element::table);
        match (path.component(), path.subcomponent()) {
            (None, _) => element.table().or_else(|| element.data_type()?.component(1)?.table()),
            (Some(1), None) => element.table().or_else(of_field),
            _ => element.table(),
        }
    }

    /// Whether a table has a code, as the profile has it or the standard.
    fn has_code(&self, place: &str, table: Table, text: &str) -> bool {
        let field = place.split('.').next().unwrap_or(place);
        let first = place == format!("{field}.1");
        // What the profile says of the place is looked at by itself.
        let listed = [Some(place), first.then_some(field)].into_iter().flatten();
        let mut listed = listed.filter_map(|place| self.said_of(place));
        if listed.any(|said| said.has_codes()) {
            return true;
        }
        self.listed_by_profile(table, text).unwrap_or_else(|| has_code(table, text))
    }

    /// Texts of the file that a formula may give: its constants, or the entries of the table at its end.
    pub(super) fn constants_of(&self, formula: &Formula) -> Vec<String> {
        match formula.steps.last() {
            None => formula.choice.iter().filter_map(text_of).collect(),
            Some(Function::Default(term)) => text_of(term).into_iter().collect(),
            Some(Function::Table(index)) => {
                self.tables.get(*index).map(|table| table.gives.clone()).unwrap_or_default()
            }
            Some(_) => Vec::new(),
        }
    }

    /// M132: a constant that is no number or date where one has to be, or a date as ISO 8601 has it.
    fn check_type(&mut self, place: &str, element: Element, formula: &Formula, texts: &[String], at: Place) {
        let Some(kind) = element.data_type().map(|kind| first_type(kind).id()) else { return };
        let what = match kind {
            "DT" | "DTM" | "TS" | "TM" if formula.steps.last().is_some_and(is_iso) => {
                "a date or time as HL7 writes it: leave `iso` out"
            }
            "DT" if matches!(formula.steps.last(), Some(Function::Dtm(..))) => {
                "a date without a time: use `date`"
            }
            "DT" | "DTM" | "TS" | "TM" if texts.iter().any(|text| !is_number(text)) => {
                "a date or time: digits, as in 20260131"
            }
            "NM" | "SI" if texts.iter().any(|text| !is_number(text)) => "a number",
            _ => return,
        };
        let message = format!("{place} is of type {kind} in HL7 {}", self.version.text());
        self.error(MappingError::new("M132", at, message).suggest(format!("it takes {what}")));
    }

    /// Warns of required fields that no rule gives. The file loads, because it is written a field at a time, and receivers differ.
    pub(super) fn check_required(&mut self, id: &str, fields: &[FieldRule], at: Place) {
        let filled = |number: u16| match id {
            "MSH" => true,
            "EVN" => number <= 2,
            _ => number == 1 && standard::has_set_id(id),
        };
        let by_profile = if id == "MSH" { Vec::new() } else { self.required_by_profile(id, fields) };
        let by_profile: Vec<String> = by_profile
            .into_iter()
            .filter(|place| !place.parse::<Path>().is_ok_and(|path| path.field().is_some_and(filled)))
            .collect();
        if !by_profile.is_empty() {
            self.warn_of_missing(&by_profile, "by the profile", at);
        }
        if matches!(id, "MSH" | "EVN") {
            return;
        }
        let Some(segment) = self.version.dictionary().segment(id) else { return };
        let given = |number: u16| fields.iter().any(|field| field.number == number);
        let said =
            |number: u16| self.said_of(&format!("{id}-{number}")).is_some_and(|said| said.usage().is_some());
        let missing: Vec<String> = segment
            .fields()
            .filter(|field| field.usage() == Usage::Required && !said(field.number()))
            .filter(|field| !given(field.number()) && !filled(field.number()))
            .map(|field| format!("{id}-{} ({})", field.number(), field.name()))
            .collect();
        if !missing.is_empty() {
            self.warn_of_missing(&missing, &format!("in HL7 {}", self.version.text()), at);
        }
    }

    /// M133.
    pub(super) fn warn_of_missing(&mut self, missing: &[String], by: &str, at: Place) {
        let mut named: Vec<&str> = missing.iter().take(MOST_MISSING).map(String::as_str).collect();
        if missing.len() > MOST_MISSING {
            named.push("...");
        }
        let message = format!("required {by} and left out: {}", named.join(", "));
        self.warnings.push(MappingError::new("M133", at, message).into_warning());
    }
}

fn text_of(term: &Term) -> Option<String> {
    match term {
        Term::Text(text) if !text.is_empty() => Some(text.clone()),
        _ => None,
    }
}

/// What a table maps to, each once; as many as there may be codes of a table.
pub(super) fn gives(rows: &[(String, String)], on_miss: &OnMiss) -> Vec<String> {
    const MOST: usize = 100;
    let mut texts: Vec<String> = rows.iter().map(|(_, to)| to.clone()).filter(|to| !to.is_empty()).collect();
    if let OnMiss::Text(text) = on_miss {
        texts.push(text.clone());
    }
    texts.sort();
    texts.dedup();
    texts.truncate(MOST);
    texts
}

/// Whether a table has a code. One without codes has any; of coding systems (table 0396) there are local ones and those of HL7's tables.
fn has_code(table: Table, text: &str) -> bool {
    let local = table.number() == 396 && (text.starts_with("99") || text.starts_with("HL7") || text == "L");
    local || table.code(text).is_some() || table.codes().next().is_none()
}

/// The type that a single value of the type has.
fn first_type(kind: DataType) -> DataType {
    match kind.component(1).and_then(Element::data_type) {
        Some(first) if kind.id() != "TS" => first_type(first),
        _ => kind,
    }
}

fn is_iso(step: &Function) -> bool {
    matches!(step, Function::Date(Form::Iso) | Function::Dtm(_, _, Form::Iso) | Function::Time(Form::Iso))
}

/// Whether a text may be a number, a date or a time, or is HL7's null.
fn is_number(text: &str) -> bool {
    text == "\"\"" || text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'+' | b'-'))
}
