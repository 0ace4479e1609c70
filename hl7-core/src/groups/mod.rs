//! The segment groups of a message, by its structure or by an anchor.

mod error;
mod path;
mod place;

use std::fmt;
use std::ops::Range;

pub use error::{GroupPathError, GroupPathErrorKind};
pub use path::GroupPath;
pub(crate) use place::can_be_left_out;

use crate::dictionary::{Dictionary, Group, Structure};
use crate::message::Message;
use crate::piece::Value;
use crate::segment::Segment;

/// The group tree of a message. It borrows the message.
///
/// Every segment is in it once, in the order of the message. A segment that has no place where it stands, and a Z segment, stays in the group
/// of the segment before it; [`Groups::misplaced`] gives the former.
///
/// Where a structure is ambiguous the nearest place counts: first the same place again, then the rest of the innermost group, then a new
/// instance of that group, then the same one group further out. Work and memory grow with the number of segments only.
///
/// ```
/// use hl7_core::{GroupPath, Message};
///
/// let msg = Message::parse("MSH|^~\\&|LAB||||2026||ORU^R01^ORU_R01|1|P|2.5.1\rPID|1\rOBR|1\rOBX|1||A\rOBR|2\rOBX|1||B\rNTE|1||late\r")?;
/// let groups = msg.groups();
/// let path: GroupPath = "ORDER_OBSERVATION[2].OBX[1]-3".parse()?;
/// assert_eq!(groups.get(&path).unwrap().text(), "B");
/// let orders: Vec<_> = groups.all("ORDER_OBSERVATION").map(|order| order.segment_count()).collect();
/// assert_eq!(orders, [2, 3]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Groups<'m> {
    message: &'m Message<'m>,
    structure: Option<Structure>,
    /// The first is the whole message; an outer one stands before its inner ones.
    instances: Vec<Instance<'m>>,
    places: Vec<Place>,
}

/// An instance of a group.
#[derive(Clone, Copy)]
struct Instance<'m> {
    name: &'m str,
    /// What the structure says of it.
    definition: Option<Group>,
    parent: u32,
    /// Which of its parent's instances of that name, from 1.
    number: u32,
    /// Its segments and those of its inner groups stand in a row.
    start: u32,
    end: u32,
}

/// Where a segment is in the tree.
#[derive(Clone, Copy)]
struct Place {
    instance: u32,
    misplaced: Option<Misplaced>,
}

/// Why a segment has no place where it stands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Misplaced {
    /// The structure does not have it anywhere.
    NotInStructure,
    /// The one before it is the same, and it may stand there once.
    Repeated,
    /// It would have to stand before the ones before it.
    OutOfOrder,
}

/// One instance of a group, or the whole message.
#[derive(Clone, Copy)]
pub struct SegmentGroup<'g> {
    groups: &'g Groups<'g>,
    index: usize,
}

/// What stands directly in a group.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Member<'g> {
    /// A segment.
    Segment(Segment<'g>),
    /// A group.
    Group(SegmentGroup<'g>),
}

impl Message<'_> {
    /// The structure of this message in its version: the one that MSH-9.3 names, or the one that the event in MSH-9 uses. `None` when
    /// the dictionary has neither.
    pub fn structure(&self) -> Option<Structure> {
        self.structure_in(Dictionary::of_message(self))
    }

    /// The structure of this message in a version.
    pub(crate) fn structure_in(&self, dictionary: Dictionary) -> Option<Structure> {
        let header = self.header();
        let text =
            |value: Option<Value<'_>>| value.map(|value| value.text().into_owned()).unwrap_or_default();
        let stated = text(header.structure());
        let of_event = |kind: &str, event: &str| dictionary.structure_of(kind, event);
        dictionary
            .structure(&stated)
            .or_else(|| of_event(&text(header.message_type()), &text(header.trigger_event())))
            .or_else(|| stated.split_once('_').and_then(|(kind, event)| of_event(kind, event)))
    }

    /// The groups of this message by its structure. Where the structure is not known, the whole message is one group: then
    /// [`Message::groups_at`] can help.
    pub fn groups(&self) -> Groups<'_> {
        match self.structure() {
            Some(structure) => self.groups_of(structure),
            None => place::without(self),
        }
    }

    /// The groups of this message by a structure that is chosen by the caller.
    pub fn groups_of(&self, structure: Structure) -> Groups<'_> {
        place::by(self, structure)
    }

    /// The groups of a message without a known structure: a group starts at each segment with the ID `anchor`, is named by that, and goes on
    /// up to the next one.
    pub fn groups_at<'s>(&'s self, anchor: &'s str) -> Groups<'s> {
        place::at(self, anchor)
    }
}

impl<'m> Groups<'m> {
    /// The structure the groups are of, when they are of one.
    pub fn structure(&self) -> Option<Structure> {
        self.structure
    }

    /// The whole message.
    pub fn root(&self) -> SegmentGroup<'_> {
        SegmentGroup { groups: self, index: 0 }
    }

    /// The instances of the groups with this name, at any depth, in the order of the message.
    pub fn all<'s, 'n>(&'s self, name: &'n str) -> impl Iterator<Item = SegmentGroup<'s>> + use<'s, 'n, 'm> {
        self.root().all(name)
    }

    /// What stands at `path`, or `None`. A path that names several places gives the first that is there.
    pub fn get(&self, path: &GroupPath) -> Option<Value<'_>> {
        self.get_all(path).next()
    }

    /// All instances, the whole message first.
    pub(crate) fn instances(&self) -> impl Iterator<Item = SegmentGroup<'_>> {
        (0..self.instances.len()).map(|index| SegmentGroup { groups: self, index })
    }

    /// Everything that stands at `path`, in the order of the message.
    pub fn get_all<'s, 'p>(
        &'s self,
        path: &'p GroupPath,
    ) -> impl Iterator<Item = Value<'s>> + use<'s, 'p, 'm> {
        path.values_in(self)
    }

    /// The segments without a place where they stand: their index in the message from 0, and why.
    pub fn misplaced(&self) -> impl Iterator<Item = (usize, Misplaced)> {
        self.places.iter().enumerate().filter_map(|(index, place)| Some((index, place.misplaced?)))
    }

    /// The innermost group of the segment with this index in the message, from 0.
    pub fn group_of(&self, index: usize) -> Option<SegmentGroup<'_>> {
        let place = self.places.get(index)?;
        Some(SegmentGroup { groups: self, index: place.instance as usize })
    }
}

impl<'g> SegmentGroup<'g> {
    fn instance(self) -> Instance<'g> {
        let whole = Instance { name: "", definition: None, parent: 0, number: 1, start: 0, end: 0 };
        self.groups.instances.get(self.index).copied().unwrap_or(whole)
    }

    /// The name, such as `ORDER_OBSERVATION`; that of the whole message is the name of its structure.
    pub fn name(self) -> &'g str {
        self.instance().name
    }

    /// Which of the groups with its name it is in the group around it, from 1.
    pub fn number(self) -> u32 {
        self.instance().number
    }

    /// What the structure says of it, when there is a structure.
    pub fn definition(self) -> Option<Group> {
        self.instance().definition
    }

    /// Its place in [`Groups::instances`].
    pub(crate) fn number_in_all(self) -> usize {
        self.index
    }

    /// The group around it; `None` for the whole message.
    pub fn parent(self) -> Option<SegmentGroup<'g>> {
        let outer = SegmentGroup { groups: self.groups, index: self.instance().parent as usize };
        (self.index > 0).then_some(outer)
    }

    /// The places of its segments in the message, those of its inner groups included, from 0.
    pub fn range(self) -> Range<usize> {
        self.instance().start as usize..self.instance().end as usize
    }

    /// How many segments it has, those of its inner groups included.
    pub fn segment_count(self) -> usize {
        self.range().len()
    }

    /// Its segments, those of its inner groups included.
    pub fn segments(self) -> impl ExactSizeIterator<Item = Segment<'g>> + Clone {
        self.range().map(move |index| self.groups.message.segment_at(index))
    }

    /// The groups directly in it.
    pub fn groups(self) -> impl Iterator<Item = SegmentGroup<'g>> {
        self.inner().filter(move |group| group.instance().parent as usize == self.index)
    }

    /// The groups with this name in it, at any depth.
    pub fn all<'n>(self, name: &'n str) -> impl Iterator<Item = SegmentGroup<'g>> + use<'g, 'n> {
        self.inner().filter(move |group| group.name() == name)
    }

    /// The groups in it, at any depth: they follow it, up to where it ends.
    fn inner(self) -> impl Iterator<Item = SegmentGroup<'g>> {
        let end = self.instance().end;
        let following = (self.index + 1..self.groups.instances.len())
            .map(move |index| SegmentGroup { groups: self.groups, index });
        following.take_while(move |group| group.instance().start < end)
    }

    /// The segments and groups that stand directly in it, in order.
    pub fn members(self) -> impl Iterator<Item = Member<'g>> {
        let mut inner = self.groups().peekable();
        let mut at = self.range().start;
        std::iter::from_fn(move || {
            if let Some(group) = inner.next_if(|group| group.range().start == at) {
                at = group.range().end;
                return Some(Member::Group(group));
            }
            (at < self.range().end).then(|| {
                at += 1;
                Member::Segment(self.groups.message.segment_at(at - 1))
            })
        })
    }
}

impl fmt::Debug for Groups<'_> {
    /// Shows sizes only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.structure.map_or("no structure", Structure::name);
        write!(f, "Groups({name}, {} groups, {} segments)", self.instances.len() - 1, self.places.len())
    }
}

impl fmt::Debug for SegmentGroup<'_> {
    /// Shows the name where that is one of a structure, and sizes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = if self.groups.structure.is_some() { self.name() } else { "?" };
        write!(f, "SegmentGroup({name}[{}], {} segments)", self.number(), self.segment_count())
    }
}
