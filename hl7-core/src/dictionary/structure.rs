//! Message structures and the events that use them.

use std::cmp::Ordering;
use std::fmt;

use super::facts::{self, EVENTS, GROUPS, NAMES, NODES, STRUCTURE_NAMES, STRUCTURES};
use super::{Dictionary, SegmentDefinition};

const ANY: usize = 0x1FFF;
const GROUP: usize = 0x8000;
const REQUIRED: usize = 0x4000;
const REPEATS: usize = 0x2000;

/// A message structure such as `ADT_A01`: which segments a message has, in which order, in which groups.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Structure {
    index: u16,
    root: Group,
}

/// A segment group, or the whole of a structure.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Group {
    dictionary: Dictionary,
    row: u16,
}

/// A segment or a group within a group.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Part {
    dictionary: Dictionary,
    node: u16,
}

/// A message of a trigger event, such as ADT^A08, and the structure it uses.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Event {
    dictionary: Dictionary,
    row: u16,
}

impl Structure {
    pub(super) fn find(dictionary: Dictionary, name: &str) -> Option<Structure> {
        let texts = |row| NAMES.text(STRUCTURE_NAMES.word(row)).cmp(name);
        Structure::numbered(dictionary, facts::search(STRUCTURE_NAMES.rows(2), texts)?)
    }

    pub(super) fn numbered(dictionary: Dictionary, index: usize) -> Option<Structure> {
        let row = STRUCTURES.cell(index, dictionary.version() as usize)? as u16;
        Some(Structure { index: index as u16, root: Group { dictionary, row } })
    }

    pub(super) fn all(dictionary: Dictionary) -> impl Iterator<Item = Structure> {
        (0..STRUCTURE_NAMES.rows(2)).filter_map(move |index| Structure::numbered(dictionary, index))
    }

    /// Its name, such as `ADT_A01`.
    pub fn name(self) -> &'static str {
        NAMES.text(STRUCTURE_NAMES.word(usize::from(self.index)))
    }

    /// The whole as a group without a name of its own.
    pub fn root(self) -> Group {
        self.root
    }

    /// The segments and groups at its top, in order.
    pub fn parts(self) -> impl DoubleEndedIterator<Item = Part> + ExactSizeIterator + Clone {
        self.root.parts()
    }

    /// The events whose messages use it.
    pub fn events(self) -> impl Iterator<Item = Event> {
        self.root.dictionary.events().filter(move |event| event.structure_index() == usize::from(self.index))
    }
}

impl Group {
    /// The name it has in XML and in group paths, without that of the structure: `ORDER_OBSERVATION`.
    pub fn name(self) -> &'static str {
        NAMES.text(GROUPS.word(3 * usize::from(self.row)) & 0x7FFF)
    }

    /// Whether one of its parts stands, and not all in a row.
    pub fn is_choice(self) -> bool {
        GROUPS.word(3 * usize::from(self.row)) & 0x8000 != 0
    }

    /// Its segments and groups, in order.
    pub fn parts(self) -> impl DoubleEndedIterator<Item = Part> + ExactSizeIterator + Clone {
        let row = 3 * usize::from(self.row);
        let (first, count) = (GROUPS.word(row + 1), GROUPS.word(row + 2));
        (first..first + count)
            .map(move |at| Part { dictionary: self.dictionary, node: NODES.word(at) as u16 })
    }
}

impl Part {
    fn index(self) -> usize {
        usize::from(self.node) & ANY
    }

    /// The segment's ID or the group's name. Where the standard leaves the segments open (chapter 12 and queries) it is `*`.
    pub fn name(self) -> &'static str {
        match self.group() {
            Some(group) => group.name(),
            None if self.is_open() => "*",
            None => facts::segment_id(self.index()),
        }
    }

    /// The group, when this is one.
    pub fn group(self) -> Option<Group> {
        let group = usize::from(self.node) & GROUP != 0;
        group.then(|| Group { dictionary: self.dictionary, row: self.index() as u16 })
    }

    /// The segment, when this is one. `None` too for a segment that the version names and does not describe.
    pub fn segment(self) -> Option<SegmentDefinition> {
        match self.group() {
            None => SegmentDefinition::numbered(self.dictionary, self.index()),
            Some(_) => None,
        }
    }

    /// Whether any segment may stand here.
    pub fn is_open(self) -> bool {
        usize::from(self.node) & GROUP == 0 && self.index() == ANY
    }

    /// Whether it has to be there when the group around it is.
    pub fn is_required(self) -> bool {
        usize::from(self.node) & REQUIRED != 0
    }

    /// Whether it may stand more than once in a row.
    pub fn repeats(self) -> bool {
        usize::from(self.node) & REPEATS != 0
    }
}

impl Event {
    pub(super) fn all(dictionary: Dictionary) -> impl Iterator<Item = Event> {
        (0..EVENTS.rows(6))
            .map(move |row| Event { dictionary, row: row as u16 })
            .filter(|event| event.is_known())
    }

    pub(super) fn find(dictionary: Dictionary, message_type: &str, trigger_event: &str) -> Option<Event> {
        let wanted = || message_type.bytes().chain([b'_']).chain(trigger_event.bytes());
        let count = EVENTS.rows(6);
        let first = facts::partition(count, |row| event_name(row).bytes().cmp(wanted()) == Ordering::Less);
        (first..count)
            .take_while(|&row| event_name(row).bytes().eq(wanted()))
            .map(|row| Event { dictionary, row: row as u16 })
            .find(|event| event.is_known())
    }

    /// Whether the version has it.
    fn is_known(self) -> bool {
        EVENTS.word(3 * usize::from(self.row) + 2) >> self.dictionary.version() as usize & 1 == 1
    }

    fn structure_index(self) -> usize {
        EVENTS.word(3 * usize::from(self.row) + 1)
    }

    /// The message type, such as `ADT`.
    pub fn message_type(self) -> &'static str {
        event_name(usize::from(self.row)).split('_').next().unwrap_or_default()
    }

    /// The trigger event, such as `A08`; empty for a message without one.
    pub fn trigger_event(self) -> &'static str {
        event_name(usize::from(self.row)).split_once('_').map_or("", |(_, event)| event)
    }

    /// What happened, in the words of table 0003 where that has them.
    pub fn name(self) -> Option<&'static str> {
        self.dictionary.table(3)?.code(self.trigger_event())?.display()
    }

    /// The structure of its message.
    pub fn structure(self) -> Option<Structure> {
        Structure::numbered(self.dictionary, self.structure_index())
    }
}

fn event_name(row: usize) -> &'static str {
    NAMES.text(EVENTS.word(3 * row))
}

impl fmt::Debug for Structure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Structure({}, {})", self.name(), self.root.dictionary.version())
    }
}

impl fmt::Debug for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Group({}, {})", self.name(), self.dictionary.version())
    }
}

impl fmt::Debug for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (open, close) = if self.is_required() { ("", "") } else { ("[", "]") };
        let more = if self.repeats() { "..." } else { "" };
        write!(f, "Part({open}{}{close}{more})", self.name())
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Event({}^{}, {})", self.message_type(), self.trigger_event(), self.dictionary.version())
    }
}
