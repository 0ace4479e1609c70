//! Any message is grouped by any structure and at any anchor: every segment is kept once, in order, and paths give what stands in a group.
#![no_main]

use hl7_core::dictionary::{Dictionary, Version};
use hl7_core::{GroupPath, Groups, Member, Message, ReadOptions, SegmentGroup};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, u16, &str, &str)| {
    let (version, structure, path, text) = input;
    if let Ok(path) = path.parse::<GroupPath>() {
        assert_eq!(path.to_string().parse(), Ok(path.clone()));
    }
    let Ok(msg) = ReadOptions::new().parse(text) else { return };
    let version = Version::ALL[usize::from(version) % Version::ALL.len()];
    let structures: Vec<_> = Dictionary::of(version).structures().collect();
    let structure = structures[usize::from(structure) % structures.len()];
    let anchor = path.get(..3).unwrap_or("OBR");
    for groups in [msg.groups(), msg.groups_of(structure), msg.groups_at(anchor)] {
        whole(&msg, &groups);
        if let Ok(path) = path.parse::<GroupPath>() {
            let _ = path.check(structure);
            let _ = groups.get_all(&path).count();
        }
        let _ = format!("{groups:?}");
    }
});

fn whole(msg: &Message<'_>, groups: &Groups<'_>) {
    let mut count = 0;
    walk(groups.root(), &mut count);
    assert_eq!(count, msg.iter().len());
    assert_eq!(groups.root().range(), 0..count);
    for (index, _) in groups.misplaced() {
        assert!(groups.group_of(index).is_some_and(|group| group.range().contains(&index)));
    }
}

fn walk(group: SegmentGroup<'_>, at: &mut usize) {
    assert_eq!(group.range().start, *at);
    for member in group.members() {
        match member {
            Member::Group(inner) => walk(inner, at),
            _ => *at += 1,
        }
    }
    assert_eq!(group.range().end, *at);
}
