//! A check while it runs, and what is looked at before the fields.

use super::finding::Fact;
use super::level::Levels;
use super::profiled::Profiled;
use super::told::{Room, Told};
use super::{Finding, FindingCode, Level, Severity};
use crate::ack::ErrorCode;
use crate::dictionary::{Dictionary, Version};
use crate::message::Message;
use crate::path::Path;
use crate::segment::Segment;

pub(super) struct Check<'m> {
    pub(super) message: &'m Message<'m>,
    pub(super) dictionary: Dictionary,
    pub(super) levels: Levels,
    pub(super) told: Told<'m>,
    pub(super) profiled: Profiled<'m>,
}

/// A segment of the message, by its index from 0, and the numbers of what is in it; 0 for what is not meant.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) segment: usize,
    pub(super) field: u32,
    pub(super) repetition: u32,
    pub(super) component: u32,
    pub(super) subcomponent: u32,
}

impl Place {
    pub(super) fn of_segment(segment: usize) -> Place {
        Place { segment, field: 0, repetition: 0, component: 0, subcomponent: 0 }
    }

    pub(super) fn field(self, field: usize) -> Place {
        Place { field: field as u32, ..self }
    }

    pub(super) fn repetition(self, repetition: usize) -> Place {
        Place { repetition: repetition as u32, ..self }
    }

    pub(super) fn component(self, component: usize) -> Place {
        Place { component: component as u32, ..self }
    }

    pub(super) fn subcomponent(self, subcomponent: usize) -> Place {
        Place { subcomponent: subcomponent as u32, ..self }
    }

    /// The part `number` within: a component of a repetition, a subcomponent of a component. A subcomponent has no parts: what is in it stands there.
    pub(super) fn part(self, number: usize) -> Place {
        match (self.component, self.subcomponent) {
            (0, _) => self.component(number),
            (_, 0) => self.subcomponent(number),
            _ => self,
        }
    }
}

impl<'m> Check<'m> {
    pub(super) fn new(
        message: &'m Message<'_>,
        dictionary: Dictionary,
        levels: Levels,
        limit: usize,
        profiled: Profiled<'m>,
    ) -> Check<'m> {
        Check { message, dictionary, levels, profiled, told: Told::new(limit) }
    }

    pub(super) fn checks(&self, level: Level) -> bool {
        self.levels.has(level)
    }

    /// Reports what was found where `raw`, a part of the message's text, starts.
    pub(super) fn report(&mut self, code: FindingCode, at: Place, raw: &str, fact: Fact) {
        if self.is_profiled(code, at) {
            return;
        }
        self.report_as(code, code.error_code(), raw, fact, |check| check.path_of(at));
    }

    /// Reports with a condition of its own and a path that is made when it is needed: counting segments takes time.
    pub(super) fn report_as(
        &mut self,
        code: FindingCode,
        error_code: ErrorCode,
        raw: &str,
        fact: Fact,
        path: impl FnOnce(&Self) -> Option<Path>,
    ) {
        if let Some(severity) = self.severity_of(code) {
            self.put(code, severity, error_code, raw, fact, path);
        }
    }

    /// Reports with a severity.
    pub(super) fn put(
        &mut self,
        code: FindingCode,
        severity: Severity,
        error_code: ErrorCode,
        raw: &str,
        fact: Fact,
        path: impl FnOnce(&Self) -> Option<Path>,
    ) {
        let room = self.told.count(severity);
        if room == Room::Counted {
            return;
        }
        let at = path(self);
        let offset = (raw.as_ptr() as usize).saturating_sub(self.message.as_er7().as_ptr() as usize);
        self.told.take(room, Finding { code, severity, error_code, at, offset, fact });
    }

    /// Whether anything but delimiters was sent.
    pub(super) fn is_valued(&self, raw: &str) -> bool {
        self.message.delimiters().leave_something(raw)
    }

    /// The path of a place. A segment is counted among those with its ID.
    pub(super) fn path_of(&self, at: Place) -> Option<Path> {
        let segment = self.message.segment_at(at.segment);
        // A line without a field is no segment of any use, and three letters of it may be a name.
        if !segment.has_valid_id() || segment.raw().len() <= 3 {
            return None;
        }
        let n = self.told.number_of(self.message, at.segment);
        let numbers = [n, at.field, at.repetition, at.component, at.subcomponent];
        Path::of_location(segment.id().as_bytes(), numbers)
    }

    /// The path of the next segment with an ID, where one is missing.
    pub(super) fn path_of_next(&self, id: &str) -> Option<Path> {
        let n = self.told.count_of(self.message, id) + 1;
        Path::of_location(id.as_bytes(), [n, 0, 0, 0, 0])
    }

    /// V103. An empty MSH-12 is a required field that is missing.
    pub(super) fn version(&mut self) {
        let Some(stated) = self.message.header().version() else { return };
        if self.checks(Level::Syntax) && Version::of(stated.text().trim()).is_none() {
            let at = Place::of_segment(0).field(12).repetition(1).component(1);
            let taken = Fact::Name(self.dictionary.version().number());
            self.report(FindingCode::UnknownVersion, at, stated.raw(), taken);
        }
    }

    pub(super) fn segments(&mut self) {
        let message = self.message;
        let in_fields =
            [Level::Syntax, Level::Usage, Level::Cardinality, Level::Type, Level::Length, Level::Table];
        if !self.levels.has_any(&in_fields) && !self.profiled.is_there() {
            return;
        }
        for (index, segment) in message.iter().enumerate() {
            self.segment(index, segment);
            self.profiled_segment(index, segment);
        }
    }

    fn segment(&mut self, index: usize, segment: Segment<'m>) {
        let at = Place::of_segment(index);
        match self.dictionary.segment(segment.id()) {
            Some(definition) => self.fields(at, segment, definition),
            None if segment.has_valid_id() || segment.raw().trim().is_empty() => {}
            None if self.checks(Level::Syntax) => {
                self.report(FindingCode::NoSegment, at, segment.raw(), Fact::None);
            }
            None => {}
        }
    }
}

impl FindingCode {
    /// The condition of table 0357, where the code alone tells it.
    pub(super) fn error_code(self) -> ErrorCode {
        use FindingCode as C;
        match self {
            C::UnknownVersion => ErrorCode::UnsupportedVersionId,
            C::UnknownStructure => ErrorCode::UnsupportedMessageType,
            C::MissingField | C::MissingComponent | C::TooFewRepetitions => ErrorCode::RequiredFieldMissing,
            C::TooLong | C::LongerThanProfile => ErrorCode::ValueTooLong,
            C::UnknownCode | C::LocalCode | C::UnlistedCode => ErrorCode::TableValueNotFound,
            C::OtherProfile => ErrorCode::MessageAccepted,
            C::NotAsked => ErrorCode::ApplicationInternalError,
            C::NoSegment => ErrorCode::SegmentSequenceError,
            _ if self.level() == Level::Structure => ErrorCode::SegmentSequenceError,
            _ => ErrorCode::DataTypeError,
        }
    }
}
