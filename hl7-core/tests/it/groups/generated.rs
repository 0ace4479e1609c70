//! Messages made from the dictionary: whatever a structure allows is grouped as it was made.

use std::sync::LazyLock;

use hl7_core::dictionary::{Dictionary, Group, Structure, Version};
use hl7_core::{Member, Message, SegmentGroup};
use proptest::prelude::*;

/// Which parts to leave out, repeat and choose: one number decides each, the last ones over and over.
struct Choices<'c> {
    numbers: &'c [u8],
    at: usize,
}

impl Choices<'_> {
    fn next(&mut self) -> u8 {
        let number = self.numbers[self.at % self.numbers.len()];
        self.at += 1;
        number
    }
}

const MOST_SEGMENTS: usize = 200;

/// The IDs of the segments of a group, as the structure allows them.
fn segments(group: Group, choices: &mut Choices<'_>, ids: &mut Vec<&'static str>) {
    let parts: Vec<_> = group.parts().collect();
    let chosen = usize::from(choices.next()) % parts.len();
    for (index, part) in parts.into_iter().enumerate() {
        let wanted = if group.is_choice() {
            index == chosen
        } else {
            part.is_required() || choices.next().is_multiple_of(4)
        };
        let times = if part.repeats() { 1 + choices.next() % 3 } else { 1 };
        for _ in 0..if wanted { times } else { 0 } {
            match part.group() {
                _ if ids.len() >= MOST_SEGMENTS => {}
                Some(inner) => segments(inner, choices, ids),
                None if part.is_open() => ids.push("ZZZ"),
                None => ids.push(part.name()),
            }
        }
    }
}

static STRUCTURES: LazyLock<Vec<Structure>> = LazyLock::new(|| {
    Version::ALL.into_iter().flat_map(|version| Dictionary::of(version).structures()).collect()
});

fn text(version: Version, ids: &[&str]) -> String {
    let lines = ids.iter().skip(1).enumerate().map(|(at, id)| format!("{id}|{at}\r"));
    format!("MSH|^~\\&|A|B|C|D|20260101||ZZZ|1|P|{version}\r{}", lines.collect::<String>())
}

/// The segments of a tree, in order, and whether groups lie within the ones around them.
fn flat<'g>(group: SegmentGroup<'g>, ids: &mut Vec<&'g str>) {
    let range = group.range();
    for member in group.members() {
        match member {
            Member::Segment(segment) => ids.push(segment.id()),
            Member::Group(inner) => {
                assert!(range.start <= inner.range().start && inner.range().end <= range.end);
                assert!(inner.segment_count() > 0);
                assert_eq!(inner.parent().map(|outer| outer.range()), Some(range.clone()));
                flat(inner, ids);
            }
            _ => unreachable!(),
        }
    }
}

/// That every segment is in the tree once, in order.
fn holds_everything(msg: &Message<'_>, structure: Structure) {
    let groups = msg.groups_of(structure);
    let mut ids = Vec::new();
    flat(groups.root(), &mut ids);
    assert!(ids.iter().copied().eq(msg.iter().map(|segment| segment.id())));
    assert_eq!(groups.root().segment_count(), ids.len());
    for (index, _) in msg.iter().enumerate() {
        assert!(groups.group_of(index).unwrap().range().contains(&index));
    }
    assert!(groups.misplaced().all(|(index, _)| index < ids.len()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn what_a_structure_allows_has_its_places(
        which in any::<prop::sample::Index>(),
        numbers in prop::collection::vec(any::<u8>(), 1..40),
    ) {
        let structure = *which.get(&STRUCTURES);
        let mut ids = Vec::new();
        segments(structure.root(), &mut Choices { numbers: &numbers, at: 0 }, &mut ids);
        prop_assume!(ids.len() < MOST_SEGMENTS);
        let er7 = text(Version::V2_5_1, &ids);
        let msg = Message::parse(&er7).unwrap();
        holds_everything(&msg, structure);
        let misplaced: Vec<_> = msg.groups_of(structure).misplaced().collect();
        prop_assert!(misplaced.is_empty(), "{structure:?}: {misplaced:?} of {ids:?}");
    }

    #[test]
    fn any_segments_in_any_order_are_kept(
        which in any::<prop::sample::Index>(),
        picks in prop::collection::vec(any::<prop::sample::Index>(), 0..60),
        anchor in any::<prop::sample::Index>(),
    ) {
        let structure = *which.get(&STRUCTURES);
        let known: Vec<_> = Dictionary::of(Version::V2_5_1).segments().map(|segment| segment.id()).collect();
        let mut ids = vec!["MSH"];
        ids.extend(picks.iter().map(|pick| *pick.get(&known)).filter(|id| !["MSH", "FHS", "BHS"].contains(id)));
        let er7 = text(Version::V2_5_1, &ids);
        let msg = Message::parse(&er7).unwrap();
        holds_everything(&msg, structure);
        let groups = msg.groups_at(anchor.get::<&str>(&known));
        let mut found = Vec::new();
        flat(groups.root(), &mut found);
        prop_assert_eq!(found.len(), ids.len());
    }
}
