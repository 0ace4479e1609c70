//! Fields and components against their definitions.

use super::check::{Check, Place};
use super::finding::Fact;
use super::{FindingCode, Level};
use crate::dictionary::{DataType, Element, Kind, SegmentDefinition, Usage};
use crate::piece::{Field, Value};
use crate::segment::Segment;

impl<'m> Check<'m> {
    pub(super) fn fields(&mut self, at: Place, segment: Segment<'m>, definition: SegmentDefinition) {
        let mut count = 0;
        // The delimiters themselves.
        let literals = if segment.is_header() { 2 } else { 0 };
        for field in segment.fields() {
            count += 1;
            match definition.field(count) {
                Some(element) if count > literals => self.field(at.field(count), segment, field, element),
                None if self.is_valued(field.raw()) => {
                    // Those behind it are not known either.
                    return self.unknown_field(at.field(count), field, definition);
                }
                _ => {}
            }
        }
        if self.checks(Level::Usage) {
            let end = segment.raw().get(segment.raw().len()..).unwrap_or_default();
            for element in definition.up_to_required(count) {
                self.absent_field(at.field(usize::from(element.number())), end, element);
            }
        }
    }

    /// V304. The parameters of a query, and the columns of its answer, are as many as the query has: QPD-3-n, RDT-1-n.
    fn unknown_field(&mut self, at: Place, field: Field<'_>, definition: SegmentDefinition) {
        let last = definition.field(definition.fields().len()).and_then(Element::data_type);
        let is_open = last.is_some_and(|last| last.kind() == Kind::Varies);
        if self.checks(Level::Usage) && !is_open {
            self.report(FindingCode::UnknownField, at, field.raw(), Fact::None);
        }
    }

    fn absent_field(&mut self, at: Place, raw: &str, element: Element) {
        if element.usage() == Usage::Required {
            self.report(FindingCode::MissingField, at, raw, Fact::Name(element.name()));
        }
    }

    fn field(&mut self, at: Place, segment: Segment<'m>, field: Field<'m>, element: Element) {
        if !self.is_valued(field.raw()) {
            if self.checks(Level::Usage) {
                self.absent_field(at, field.raw(), element);
            }
            return;
        }
        self.withdrawn(at, field.raw(), element);
        let Some(data_type) = self.type_of(segment, element) else { return };
        for (index, repetition) in field.repetitions().enumerate() {
            let at = at.repetition(index + 1);
            if element.max().is_some_and(|max| index == usize::from(max)) && self.checks(Level::Cardinality) {
                let max = Fact::Max(index as u32);
                self.report(FindingCode::TooManyRepetitions, at, repetition.raw(), max);
            }
            self.value(at, repetition.value(), element, data_type);
        }
    }

    fn withdrawn(&mut self, at: Place, raw: &str, element: Element) {
        if element.usage() == Usage::Withdrawn && self.checks(Level::Usage) {
            self.report(FindingCode::Withdrawn, at, raw, Fact::Name(element.name()));
        }
    }

    /// The data type of a field: that of OBX-5 stands in OBX-2.
    fn type_of(&mut self, segment: Segment<'m>, element: Element) -> Option<DataType> {
        let data_type = element.data_type()?;
        if data_type.kind() != Kind::Varies || element.number() != 5 || segment.id() != "OBX" {
            return Some(data_type);
        }
        self.dictionary.data_type(&segment.field(2)?.text())
    }

    /// A repetition or a component, of which something was sent.
    pub(super) fn value(&mut self, at: Place, value: Value<'m>, element: Element, data_type: DataType) {
        if value.is_empty() || value.is_null() {
            return;
        }
        self.length(at, value, element);
        if data_type.is_primitive() {
            return self.primitive(at, value, element, data_type);
        }
        self.coded(at, value, element, data_type);
        let mut parts = data_type.components();
        let mut number = 0;
        for part in value.parts() {
            number += 1;
            match parts.next() {
                Some(definition) => self.part(at.part(number), part, definition, data_type),
                None if part.is_empty() => {}
                None => return self.unknown_part(at.part(number), part, data_type),
            }
        }
        if self.checks(Level::Usage) {
            let end = value.raw().get(value.raw().len()..).unwrap_or_default();
            for definition in data_type.up_to_required(number) {
                self.absent_part(at.part(usize::from(definition.number())), end, definition);
            }
        }
    }

    /// A component or subcomponent, of which perhaps nothing was sent.
    fn part(&mut self, at: Place, part: Value<'m>, definition: Element, outer: DataType) {
        if !self.is_valued(part.raw()) {
            if self.checks(Level::Usage) {
                self.absent_part(at, part.raw(), definition);
            }
            return;
        }
        self.withdrawn(at, part.raw(), definition);
        let Some(data_type) = definition.data_type() else { return };
        if definition.number() == 1 && outer.kind() == Kind::TimeStamp {
            self.length(at, part, definition);
            self.time_stamp(at, part);
        } else {
            self.value(at, part, definition, data_type);
        }
    }

    fn absent_part(&mut self, at: Place, raw: &str, definition: Element) {
        if definition.usage() == Usage::Required {
            self.report(FindingCode::MissingComponent, at, raw, Fact::Name(definition.name()));
        }
    }

    pub(super) fn unknown_part(&mut self, at: Place, part: Value<'_>, data_type: DataType) {
        if self.checks(Level::Type) {
            self.report(FindingCode::UnknownComponent, at, part.raw(), Fact::Name(data_type.id()));
        }
    }

    /// V601.
    fn length(&mut self, at: Place, value: Value<'_>, element: Element) {
        let Some(max) = element.length().filter(|_| self.checks(Level::Length)) else { return };
        let raw = value.raw();
        if raw.len() > max as usize && raw.chars().count() > max as usize {
            self.report(FindingCode::TooLong, at, raw, Fact::Max(max));
        }
    }
}
