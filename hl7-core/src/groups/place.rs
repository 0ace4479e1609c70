//! Which group each segment belongs to.

use super::{Groups, Instance, Misplaced, Place};
use crate::dictionary::{Group, Part, Structure};
use crate::message::Message;
use crate::segment::Segment;

/// One group: the whole message.
pub(super) fn without<'m>(message: &'m Message<'_>) -> Groups<'m> {
    let mut tree = Tree::new(message, "", None);
    message.iter().for_each(|_| tree.place(0, None));
    tree.groups(message, None)
}

/// A group from each anchor on.
pub(super) fn at<'m>(message: &'m Message<'_>, anchor: &'m str) -> Groups<'m> {
    let mut tree = Tree::new(message, "", None);
    let (mut current, mut count) = (0, 0);
    for segment in message.iter() {
        if segment.id() == anchor {
            count += 1;
            current = tree.open(0, anchor, None, count);
        }
        tree.place(current, None);
    }
    tree.groups(message, None)
}

/// The groups of a structure.
pub(super) fn by<'m>(message: &'m Message<'_>, structure: Structure) -> Groups<'m> {
    let mut tree = Tree::new(message, structure.name(), Some(structure.root()));
    let mut frames = Frames::new(structure.root());
    let mut before = "";
    let known: Vec<&str> = message.iter().filter(|segment| !stays(*segment)).map(Segment::id).collect();
    let mut behind = known.as_slice();
    for segment in message.iter() {
        let id = segment.id();
        let placed = stays(segment) || {
            behind = behind.get(1..).unwrap_or_default();
            frames.step(&mut tree, id, behind)
        };
        let misplaced = (!placed).then(|| reason(structure, id, before));
        before = id;
        tree.place(frames.innermost(), misplaced);
    }
    tree.groups(message, Some(structure))
}

/// What no structure has, and no structure misses: the segments of a site, and lines that are no segment.
fn stays(segment: Segment<'_>) -> bool {
    !segment.has_valid_id() || segment.id().starts_with('Z')
}

fn reason(structure: Structure, id: &str, before: &str) -> Misplaced {
    match leads_to(structure.root(), id, Reach::Inside) {
        false => Misplaced::NotInStructure,
        true if id == before => Misplaced::Repeated,
        true => Misplaced::OutOfOrder,
    }
}

/// The tree while it grows.
struct Tree<'m> {
    instances: Vec<Instance<'m>>,
    places: Vec<Place>,
}

impl<'m> Tree<'m> {
    fn new(message: &Message<'_>, name: &'m str, definition: Option<Group>) -> Tree<'m> {
        let whole = Instance { name, definition, parent: 0, number: 1, start: 0, end: 0 };
        Tree { instances: vec![whole], places: Vec::with_capacity(message.iter().len()) }
    }

    fn place(&mut self, instance: u32, misplaced: Option<Misplaced>) {
        self.places.push(Place { instance, misplaced });
    }

    /// Starts an instance in `parent`, before the segment that is placed next.
    fn open(&mut self, parent: u32, name: &'m str, definition: Option<Group>, number: u32) -> u32 {
        let start = self.places.len() as u32;
        self.instances.push(Instance { name, definition, parent, number, start, end: start });
        self.instances.len() as u32 - 1
    }

    /// Every instance ends behind its last segment.
    fn groups(mut self, message: &'m Message<'m>, structure: Option<Structure>) -> Groups<'m> {
        for (index, place) in self.places.iter().enumerate() {
            let mut at = place.instance;
            while let Some(instance) = self.instances.get_mut(at as usize) {
                instance.end = index as u32 + 1;
                if at == 0 {
                    break;
                }
                at = instance.parent;
            }
        }
        Groups { message, structure, instances: self.instances, places: self.places }
    }
}

/// How many segments are looked at where a segment can stand in several places: the most between two that tell an order from an earlier one.
const LOOK_AHEAD: usize = 16;

/// The open groups, from the whole message to the innermost.
struct Frames {
    open: Vec<Frame>,
}

#[derive(Clone, Copy)]
struct Frame {
    group: Group,
    instance: u32,
    /// The part that the last segment stood in; `None` before the first.
    at: Option<usize>,
    /// How many instances of that part there are, when it is a group.
    count: u32,
}

/// A part of an open group that a segment can stand in next.
#[derive(Clone, Copy)]
struct Candidate {
    depth: usize,
    at: usize,
    part: Part,
}

/// How far into a group a segment may lead.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// It starts the group: what stands before it may be left out.
    Start,
    /// It is whatever segment the structure leaves open.
    Open,
    /// It is somewhere in the group, though what has to stand before it is missing.
    Inside,
}

impl Frame {
    fn new(group: Group, instance: u32, at: Option<usize>) -> Frame {
        Frame { group, instance, at, count: 1 }
    }

    /// The part at hand, when it may stand again.
    fn again(&self) -> Option<(usize, Part)> {
        let at = self.at?;
        Some((at, self.group.parts().nth(at).filter(|part| part.repeats())?))
    }

    /// The parts behind the one at hand. In a choice there are none.
    fn later(&self) -> impl Iterator<Item = (usize, Part)> + use<> {
        let first = match self.at {
            Some(_) if self.group.is_choice() => usize::MAX,
            Some(at) => at + 1,
            None => 0,
        };
        self.group.parts().enumerate().skip(first)
    }

    /// The part in which `id` can stand next.
    fn next(&self, id: &str, reach: Reach) -> Option<(usize, Part)> {
        let again = self.again().filter(|(_, part)| reach != Reach::Inside && leads(*part, id, reach));
        again.or_else(|| self.later().find(|(_, part)| leads(*part, id, reach)))
    }

    /// Whether `id` can stand next and nothing is missing before it; `None` when it can once this group has ended.
    fn allows(&self, id: &str) -> Option<bool> {
        if self.again().is_some_and(|(_, part)| leads(part, id, Reach::Start)) {
            return Some(true);
        }
        let mut later = self.later().map(|(_, part)| part);
        later.find_map(|part| match leads(part, id, Reach::Start) {
            true => Some(true),
            false => (!can_be_left_out(part)).then_some(false),
        })
    }
}

impl Frames {
    fn new(root: Group) -> Frames {
        Frames { open: vec![Frame::new(root, 0, None)] }
    }

    fn innermost(&self) -> u32 {
        self.open.last().map_or(0, |frame| frame.instance)
    }

    /// Goes to the place of the next segment; false when it has none.
    fn step(&mut self, tree: &mut Tree<'_>, id: &str, behind: &[&str]) -> bool {
        for reach in [Reach::Start, Reach::Open, Reach::Inside] {
            if let Some(candidate) = self.chosen(id, reach, behind) {
                self.enter(tree, candidate, id, reach);
                return true;
            }
        }
        false
    }

    /// The part that `id` is to stand in: of several the one behind which the most of the following segments are in order, and of those
    /// the innermost.
    fn chosen(&self, id: &str, reach: Reach, behind: &[&str]) -> Option<Candidate> {
        let mut candidates = self.open.iter().enumerate().rev().filter_map(|(depth, frame)| {
            let (at, part) = frame.next(id, reach)?;
            Some(Candidate { depth, at, part })
        });
        let first = candidates.next()?;
        let Some(second) = candidates.next() else { return Some(first) };
        let in_order = |candidate: Candidate| self.in_order(candidate, id, reach, behind);
        let mut best = (in_order(first), first);
        for candidate in std::iter::once(second).chain(candidates) {
            let count = in_order(candidate);
            if count > best.0 {
                best = (count, candidate);
            }
        }
        Some(best.1)
    }

    /// How many of the next segments are in order, with nothing missing before them, when `id` stands in a candidate.
    fn in_order(&self, candidate: Candidate, id: &str, reach: Reach, behind: &[&str]) -> usize {
        let mut then = Frames { open: self.open.iter().copied().take(candidate.depth + 1).collect() };
        then.go(candidate.at, candidate.part, id, reach);
        behind.iter().take(LOOK_AHEAD).take_while(|next| then.follow(next)).count()
    }

    /// Moves the innermost group on to a part, without a tree.
    fn go(&mut self, at: usize, part: Part, id: &str, reach: Reach) {
        if let Some(frame) = self.open.last_mut() {
            frame.at = Some(at);
        }
        self.open.extend(inner(part, id, reach).map(|(group, at)| Frame::new(group, 0, Some(at))));
    }

    /// Goes to the place of `id`, if nothing is missing before it; false when it is.
    fn follow(&mut self, id: &str) -> bool {
        while let Some(frame) = self.open.last() {
            match (frame.allows(id), frame.next(id, Reach::Start)) {
                (Some(true), Some((at, part))) => {
                    self.go(at, part, id, Reach::Start);
                    return true;
                }
                (Some(_), _) => return false,
                (None, _) => self.open.pop(),
            };
        }
        false
    }

    /// Moves on to a part, and opens the groups within it down to the segment.
    fn enter(&mut self, tree: &mut Tree<'_>, candidate: Candidate, id: &str, reach: Reach) {
        self.open.truncate(candidate.depth + 1);
        let Some(frame) = self.open.last_mut() else { return };
        frame.count = if frame.at == Some(candidate.at) { frame.count + 1 } else { 1 };
        frame.at = Some(candidate.at);
        let mut number = frame.count;
        for (group, at) in inner(candidate.part, id, reach) {
            let instance = tree.open(self.innermost(), group.name(), Some(group), number);
            self.open.push(Frame::new(group, instance, Some(at)));
            number = 1;
        }
    }
}

/// The groups that lead from a part to the segment, each with its part that leads on.
fn inner(part: Part, id: &str, reach: Reach) -> impl Iterator<Item = (Group, usize)> {
    let mut part = Some(part);
    std::iter::from_fn(move || {
        let group = part.take()?.group()?;
        let (at, next) = Frame::new(group, 0, None).next(id, reach)?;
        part = Some(next);
        Some((group, at))
    })
}

/// Whether a part is the segment, or a group that leads to it.
fn leads(part: Part, id: &str, reach: Reach) -> bool {
    match part.group() {
        Some(group) => leads_to(group, id, reach),
        None => part.is_open() == (reach == Reach::Open) && (part.is_open() || part.name() == id),
    }
}

/// Whether a group has the segment: at its start, or anywhere.
fn leads_to(group: Group, id: &str, reach: Reach) -> bool {
    for part in group.parts() {
        if leads(part, id, reach) {
            return true;
        }
        let needed = reach != Reach::Inside && !group.is_choice() && !can_be_left_out(part);
        if needed {
            return false;
        }
    }
    false
}

/// Whether nothing of a part has to stand.
pub(crate) fn can_be_left_out(part: Part) -> bool {
    let empty = |group: Group| match group.is_choice() {
        true => group.parts().any(can_be_left_out),
        false => group.parts().all(can_be_left_out),
    };
    !part.is_required() || part.group().is_some_and(empty)
}
