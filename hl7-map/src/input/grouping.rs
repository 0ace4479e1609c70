//! Which segments of a message make a group of its structure.

use super::{Group, Line};
use crate::standard::{At, Layout};

/// A group that is open while the segments are gone through.
struct Open {
    /// Its place among the groups of the message.
    number: usize,
    at: At,
    /// The element of it that was seen last.
    last: At,
}

/// Gives each segment its group, and the groups in the order of their segments, the message first. A segment that has no place where it
/// stands belongs to the group at hand.
pub(super) fn groups(lines: &mut [Line<'_>], layout: Option<&Layout>) -> Vec<Group> {
    let mut groups = vec![Group { at: Layout::ROOT, start: 0, end: lines.len() }];
    let Some(layout) = layout else { return groups };
    let mut open = vec![Open { number: 0, at: Layout::ROOT, last: Layout::ROOT }];
    for (index, line) in lines.iter_mut().enumerate() {
        let id = std::str::from_utf8(&line.id).unwrap_or_default();
        if let Some((depth, place)) = find(layout, &open, id) {
            close(&mut groups, &mut open, depth + 1, index);
            enter(layout, &mut groups, &mut open, place, index);
        }
        line.group = open.last().map_or(0, |open| open.number);
    }
    close(&mut groups, &mut open, 1, lines.len());
    groups
}

/// The place of a segment, and how many of the open groups stay open: the innermost that has a place for it behind what was seen last.
fn find(layout: &Layout, open: &[Open], id: &str) -> Option<(usize, At)> {
    open.iter().enumerate().rev().find_map(|(depth, group)| {
        let mut elements =
            layout.within(group.at).filter(|(_, element)| !element.is_group && element.name == id);
        elements.find(|(at, _)| follows(layout, group, *at)).map(|(at, _)| (depth, at))
    })
}

/// Whether an element may stand behind the last one: in a child that comes later, or again in the same when that repeats.
fn follows(layout: &Layout, group: &Open, at: At) -> bool {
    let child = child_of(layout, group.at, at);
    let repeats = layout.element(child).is_some_and(|element| element.repeats);
    child > group.last || (child == group.last && repeats)
}

/// The child of a group that an element within it is or is in.
fn child_of(layout: &Layout, group: At, at: At) -> At {
    let mut child = at;
    while let Some(element) = layout.element(child)
        && element.parent != group
        && child != element.parent
    {
        child = element.parent;
    }
    child
}

/// Opens the groups on the way to a place.
fn enter(layout: &Layout, groups: &mut Vec<Group>, open: &mut Vec<Open>, place: At, index: usize) {
    while let Some(group) = open.last_mut() {
        let child = child_of(layout, group.at, place);
        group.last = child;
        if child == place {
            return;
        }
        open.push(Open { number: groups.len(), at: child, last: child });
        groups.push(Group { at: child, start: index, end: index });
    }
}

/// Closes the groups beyond the first `stay`, which end before the segment `index`.
fn close(groups: &mut [Group], open: &mut Vec<Open>, stay: usize, index: usize) {
    for closed in open.drain(stay.min(open.len())..) {
        if let Some(group) = groups.get_mut(closed.number) {
            group.end = index;
        }
    }
}
