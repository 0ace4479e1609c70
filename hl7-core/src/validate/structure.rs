//! Segments and groups against the structure of the message.

use super::check::{Check, Place};
use super::finding::Fact;
use super::{FindingCode, Level};
use crate::ack::ErrorCode;
use crate::dictionary::{Group, Part};
use crate::groups::{Groups, Misplaced, SegmentGroup, can_be_left_out};
use crate::message::Message;
use crate::path::Path;

/// Which parts of a group are there, a bit each. No group has 128 parts; one behind that would count as there.
type Seen = u128;

impl Check<'_> {
    pub(super) fn structure(&mut self) {
        if !self.checks(Level::Structure) {
            return;
        }
        let message = self.message;
        let Some(structure) = message.structure_in(self.dictionary) else { return self.unknown_structure() };
        let groups = message.groups_of(structure);
        for (index, why) in groups.misplaced() {
            self.misplaced(index, why);
        }
        self.missing(&groups);
    }

    /// V201: condition 201 where the type has other events. An empty MSH-9 is a required field that is missing.
    fn unknown_structure(&mut self) {
        let header = self.message.header();
        let Some(stated) = header.message_type() else { return };
        let message_type = stated.text();
        let mut known = self.dictionary.events().map(|event| event.message_type());
        let error = match known.any(|known| *known == *message_type) {
            true => ErrorCode::UnsupportedEventCode,
            false => ErrorCode::UnsupportedMessageType,
        };
        let path = Path::of_location(b"MSH", [1, 9, 0, 0, 0]);
        self.report_as(FindingCode::UnknownStructure, error, stated.raw(), Fact::None, |_| path);
    }

    fn misplaced(&mut self, index: usize, why: Misplaced) {
        let segment = self.message.segment_at(index);
        let code = match why {
            Misplaced::NotInStructure => FindingCode::UnexpectedSegment,
            Misplaced::Repeated => FindingCode::RepeatedSegment,
            Misplaced::OutOfOrder => FindingCode::SegmentOutOfOrder,
        };
        let name = self.dictionary.segment(segment.id()).map_or("", |segment| segment.name());
        self.report(code, Place::of_segment(index), segment.raw(), Fact::Name(name));
    }

    /// V205 and V206. What stands out of place is not missing.
    fn missing(&mut self, groups: &Groups<'_>) {
        let mut elsewhere: Vec<&str> =
            groups.misplaced().map(|(index, _)| self.message.segment_at(index).id()).collect();
        elsewhere.sort_unstable();
        elsewhere.dedup();
        for (instance, seen) in groups.instances().zip(seen(self.message, groups)) {
            let Some(group) = instance.definition().filter(|group| !group.is_choice()) else { continue };
            for part in absent(group, seen).filter(|part| elsewhere.binary_search(&part.name()).is_err()) {
                self.absent(instance, part);
            }
        }
    }

    fn absent(&mut self, instance: SegmentGroup<'_>, part: Part) {
        let (code, name) = match part.group() {
            Some(group) => (FindingCode::MissingGroup, group.name()),
            None => (FindingCode::MissingSegment, part.segment().map_or("", |segment| segment.name())),
        };
        let id = first_segment(part);
        if part.group().is_none() && self.profiled.may_be_absent(id, instance.name()) {
            return;
        }
        let raw = self.message.segment_at(instance.range().start).raw();
        let fact = Fact::Name(name);
        self.report_as(code, ErrorCode::SegmentSequenceError, raw, fact, |check| check.path_of_next(id));
    }
}

/// The required parts of a group that are not there.
fn absent(group: Group, seen: Seen) -> impl Iterator<Item = Part> {
    let is_absent = move |at: usize| at < Seen::BITS as usize && seen >> at & 1 == 0;
    let parts = group.parts().enumerate().filter(move |(at, _)| is_absent(*at));
    parts.map(|(_, part)| part).filter(|part| !can_be_left_out(*part) && !part.is_open())
}

/// The parts that each instance of a group has.
fn seen(message: &Message<'_>, groups: &Groups<'_>) -> Vec<Seen> {
    let mut seen = vec![0; groups.instances().count()];
    let mut mark = |instance: Option<SegmentGroup<'_>>, name: &str| {
        let Some(instance) = instance else { return };
        let Some(seen) = seen.get_mut(instance.number_in_all()) else { return };
        let parts = instance.definition().into_iter().flat_map(Group::parts).enumerate();
        // A structure may have a segment at several places: two PID in a swap of patients (ADT^A17).
        let mut named = parts.filter(|(_, part)| part.name() == name).map(|(at, _)| bit(at));
        if let Some(next) = named.find(|bit| *seen & bit == 0) {
            *seen |= next;
        }
    };
    for (index, segment) in message.iter().enumerate() {
        mark(groups.group_of(index), segment.id());
    }
    groups.instances().for_each(|inner| mark(inner.parent(), inner.name()));
    seen
}

/// None for a part behind the last bit.
fn bit(at: usize) -> Seen {
    Seen::from(1u8).checked_shl(at as u32).unwrap_or(0)
}

/// The segment that a part starts with: the first one required, or the first.
fn first_segment(part: Part) -> &'static str {
    match part.group() {
        None => part.name(),
        Some(group) => {
            let first = group.parts().find(|part| part.is_required()).or_else(|| group.parts().next());
            first.map_or("", first_segment)
        }
    }
}
