//! `emit`: segments and groups, laid out in the order of the message's structure.

use super::Compiler;
use super::emit::Repeats;
use crate::error::MappingError;
use crate::plan::{GroupRule, MessageType, Part, SegmentRule};
use crate::standard::{self, At, Layout};
use crate::yaml::{Entry, Key, Node, shortened};
use hl7_core::document;
use hl7_core::document::Place;

/// A part and its place in the structure; one that has none stands behind what precedes it in the file.
struct Placed {
    at: At,
    part: Part,
    place: Place,
}

/// Where a key of `emit` stands: its group, and the place of what precedes it in the file.
#[derive(Clone, Copy)]
struct Around {
    group: At,
    before: At,
}

/// A key of `emit`: `ROL`, or `ROL@2` for the second place.
struct Named<'k> {
    id: &'k str,
    nth: Option<usize>,
}

impl Compiler<'_> {
    /// Everything in the message: the header, then the parts of the file.
    pub(super) fn parts(
        &mut self,
        emit: Option<&Node>,
        control_id: Option<&Node>,
        message: Option<&MessageType>,
    ) -> Vec<Part> {
        self.layout = message.and_then(|message| Layout::of(&message.structure, self.version));
        let entries = emit.and_then(|node| self.map(node, "`emit`")).unwrap_or_default();
        let parts = self.group_parts(entries.iter(), Layout::ROOT);
        let mut parts = self.with_header(parts, control_id, message, emit);
        self.check_profile(&parts, emit);
        self.number_anew(&mut parts);
        parts
    }

    /// What is in a group, in its order.
    fn group_parts<'n>(&mut self, entries: impl Iterator<Item = &'n Entry>, group: At) -> Vec<Part> {
        let mut placed: Vec<Placed> = Vec::new();
        for Entry { key, value } in entries {
            let around = Around { group, before: placed.last().map_or(group, |before| before.at) };
            if is_group_name(&key.text) {
                placed.extend(self.group(key, value, around));
            } else if group != Layout::ROOT && is_key(&key.text) {
                self.unknown_key(key, value, &GROUP_KEYS);
            } else if let Some(named) = self.named(key) {
                self.segments_of(&named, key, value, around, &mut placed);
            } else {
                self.segment_meant(key, value);
            }
        }
        self.check_groups(&placed);
        placed.sort_by_key(|placed| placed.at);
        placed.into_iter().map(|placed| placed.part).collect()
    }

    /// What stands in a group that the file writes has to be written there: outside, it would come before or behind the whole group.
    fn check_groups(&mut self, placed: &[Placed]) {
        let Some(layout) = &self.layout else { return };
        let mut errors = Vec::new();
        for group in placed.iter().filter(|placed| matches!(placed.part, Part::Group(_))) {
            let within: Vec<At> = layout.within(group.at).map(|(at, _)| at).collect();
            for other in placed.iter().filter(|other| within.contains(&other.at)) {
                let (name, line) = match &other.part {
                    Part::Segment(rule) => (&rule.id, other.place),
                    Part::Group(rule) => (&rule.name, other.place),
                };
                let group = layout.name(group.at);
                let message = format!("{name} stands in {group}, which the file writes: it belongs there");
                errors.push(MappingError::new("M118", line, message));
            }
        }
        errors.into_iter().for_each(|error| self.error(error));
    }

    /// The rules of a key: one, or a list.
    fn segments_of(
        &mut self,
        named: &Named<'_>,
        key: &Key,
        value: &Node,
        around: Around,
        placed: &mut Vec<Placed>,
    ) {
        let items = self.list(value);
        let Some(places) = self.places(named, key, around) else {
            // What else is wrong with it is told at once.
            items.iter().for_each(|node| drop(self.segment(named.id, node)));
            return;
        };
        if let ("MSH", Some(second)) = (named.id, items.get(1)) {
            self.error(MappingError::new("M113", second.place, "MSH stands in every message, once"));
        }
        for (n, node) in items.iter().enumerate() {
            // The items of a list stand at one place each, where the structure has several.
            let Some(at) = places.get(n).or(places.last()).copied() else { continue };
            let Some(mut rule) = self.segment(named.id, node) else { continue };
            let place = if items.len() > 1 { node.place } else { key.place };
            self.check_required(named.id, &rule.fields, place);
            rule.repeats |= items.len() > 1;
            rule.required = self.layout.as_ref().is_some_and(|layout| {
                layout.element(at).is_some_and(|element| element.name == named.id)
                    && layout.is_required(at, around.group)
            });
            placed.push(Placed { at, part: Part::Segment(rule), place: key.place });
        }
    }

    /// Where a segment stands in a group: at one place, or at several that take the items of a list.
    fn places(&mut self, named: &Named<'_>, key: &Key, around: Around) -> Option<Vec<At>> {
        let Some(layout) = &self.layout else { return Some(vec![around.before]) };
        let places = layout.places(named.id, around.group);
        let direct =
            places.first().and_then(|&at| layout.element(at)).is_some_and(|e| e.parent == around.group);
        match (places.len(), named.nth) {
            (0, _) => self.not_in_group(named.id, key, around.group).then(|| vec![around.before]),
            (count, Some(nth)) => match places.get(nth - 1) {
                Some(&at) => Some(vec![at]),
                None => {
                    let places = if count == 1 { "one place".to_owned() } else { format!("{count} places") };
                    let inside = layout.name(around.group);
                    let message = format!("{} stands at {places} of {inside}, not at {nth}", named.id);
                    self.fail("M118", key.place, message)
                }
            },
            (count, None) if count > 1 && !direct => self.ambiguous(named.id, key, around.group, &places),
            _ => Some(places),
        }
    }

    fn ambiguous<T>(&mut self, id: &str, key: &Key, group: At, places: &[At]) -> Option<T> {
        let layout = self.layout.as_ref()?;
        let parents = places.iter().filter_map(|&at| layout.element(at));
        let parents: Vec<&str> = parents.map(|element| layout.name(element.parent)).collect();
        let (count, inside) = (places.len(), layout.name(group));
        let message = format!("{id} stands at {count} places of {inside}: in {}", parents.join(", "));
        let error = MappingError::new("M118", key.place, message);
        self.error(error.suggest(format!("write it in its group, or {id}@1 to {id}@{count}")));
        None
    }

    /// Whether a segment may be written where the structure does not have it. One of the structure in another group is a mistake, one that
    /// the structure does not have is odd, and a Z segment stands anywhere.
    fn not_in_group(&mut self, id: &str, key: &Key, group: At) -> bool {
        let Some(layout) = &self.layout else { return true };
        let (structure, inside, version) =
            (layout.name(Layout::ROOT), layout.name(group), self.version.text());
        if !layout.places(id, Layout::ROOT).is_empty() {
            let message = format!("{inside} has no {id} in HL7 {version}");
            self.error(MappingError::new("M118", key.place, message));
            return false;
        }
        if !id.starts_with('Z') {
            let message = format!("{structure} has no {id} in HL7 {version}");
            let warning = MappingError::new("M119", key.place, message);
            self.warnings
                .push(warning.suggest("it is written behind what precedes it in the file").into_warning());
        }
        true
    }

    /// A group by its name: `ORDER_OBSERVATION: { each: .orders, OBR: .. }`.
    fn group(&mut self, key: &Key, node: &Node, around: Around) -> Option<Placed> {
        let known = self.group_at(key, around);
        let at = known.or_else(|| self.group_meant(key, around.group))?;
        let entries = self.map(node, "a group")?;
        let mut repeats = Repeats::default();
        let parts: Vec<&Entry> =
            entries.iter().filter(|entry| !repeats.takes(&entry.key.text, &entry.value)).collect();
        self.check_loop(key, repeats, at);
        let (when, each) = self.repeats(repeats);
        self.enter(repeats);
        let mut parts = self.group_parts(parts.into_iter(), at);
        self.leave(repeats);
        if repeats.each.is_some() {
            parts.iter_mut().for_each(mark_repeating);
        }
        let constant = parts.iter().all(|part| match part {
            Part::Segment(rule) => rule.constant,
            Part::Group(rule) => rule.constant,
        });
        let (name, line) = (key.text.clone(), node.place.line);
        let restarts = Vec::new();
        let part = Part::Group(GroupRule { name, line, when, each, parts, restarts, constant });
        known?;
        Some(Placed { at, part, place: key.place })
    }

    /// A loop over a group that stands once is odd.
    fn check_loop(&mut self, key: &Key, repeats: Repeats<'_>, at: At) {
        let once = self
            .layout
            .as_ref()
            .and_then(|layout| layout.element(at))
            .is_some_and(|element| !element.repeats);
        if repeats.each.is_some() && once {
            let message =
                format!("{} stands once in HL7 {}, and `each` repeats it", key.text, self.version.text());
            self.warnings.push(MappingError::new("M126", key.place, message).into_warning());
        }
    }

    /// The place of a group. Without a known structure any name will do.
    fn group_at(&mut self, key: &Key, Around { group, before }: Around) -> Option<At> {
        let Some(layout) = &self.layout else { return Some(before) };
        if let Some(at) = layout.groups(&key.text, group).next() {
            return Some(at);
        }
        let (structure, inside) = (layout.name(Layout::ROOT), layout.name(group));
        let elsewhere = layout.groups(&key.text, Layout::ROOT).next().and_then(|at| layout.element(at));
        let (code, suggestion) = match elsewhere {
            Some(found) => ("M118", Some(format!("it is in {}", layout.name(found.parent)))),
            None => {
                let names = layout.within(group).filter(|(_, element)| element.is_group);
                let names: Vec<&str> = names.map(|(_, element)| element.name).collect();
                let all = (!names.is_empty()).then(|| format!("its groups are {}", names.join(", ")));
                ("M125", document::did_you_mean(&key.text, names.iter().copied()).or(all))
            }
        };
        let of = if inside == structure { structure.to_owned() } else { format!("{inside} of {structure}") };
        let message = format!("{of} has no group `{}` in HL7 {}", shortened(&key.text), self.version.text());
        self.error(MappingError::new(code, key.place, message).suggest_maybe(suggestion));
        None
    }

    /// The group that a wrong name probably means, or one of that name elsewhere, so that what else is wrong in it is told at once.
    fn group_meant(&self, key: &Key, group: At) -> Option<At> {
        let layout = self.layout.as_ref()?;
        let names =
            layout.within(group).filter(|(_, element)| element.is_group).map(|(_, element)| element.name);
        let meant = document::nearest(&key.text, names).unwrap_or(&key.text);
        layout.groups(meant, group).chain(layout.groups(meant, Layout::ROOT)).next()
    }

    /// The same of a segment.
    fn segment_meant(&mut self, key: &Key, value: &Node) {
        let (id, _) = key.text.split_once('@').unwrap_or((&key.text, ""));
        let known = self.version.dictionary().segments().map(|known| known.id());
        let Some(meant) = document::nearest(id, known) else { return };
        let (errors, warnings) = (self.errors.len(), self.warnings.len());
        self.list(value).iter().for_each(|node| drop(self.segment(meant, node)));
        self.warnings.truncate(warnings);
        // What is wrong with the fields may come of the guess.
        let found = self.errors.split_off(errors.min(self.errors.len()));
        self.errors.extend(found.into_iter().filter(|error| matches!(error.code(), "M101" | "M102")));
    }

    /// The segment that a key names; what is wrong with it is noted.
    fn named<'k>(&mut self, key: &'k Key) -> Option<Named<'k>> {
        let (id, nth) = match key.text.split_once('@') {
            Some((id, nth)) => (id, Some(nth)),
            None => (key.text.as_str(), None),
        };
        let nth = match nth.map(|nth| nth.parse().ok().filter(|nth| (1..=99).contains(nth))) {
            Some(None) => {
                let message = "behind `@` stands which of the places of a segment is meant, from 1";
                return self.fail("M118", key.place, message);
            }
            nth => nth.flatten(),
        };
        self.known_segment(id, key.place)?;
        Some(Named { id, nth })
    }

    /// Which counters begin anew behind which segments.
    fn number_anew(&self, parts: &mut [Part]) {
        for part in parts {
            match part {
                Part::Group(group) => {
                    self.number_anew(&mut group.parts);
                    group.restarts = numbered_within(&group.parts);
                }
                Part::Segment(rule) => rule.restarts = self.restarted_by(rule),
            }
        }
    }

    fn restarted_by(&self, rule: &SegmentRule) -> Vec<usize> {
        let all = self.counted.iter().enumerate();
        all.filter(|(_, id)| standard::restarts(id, &rule.id)).map(|(counter, _)| counter).collect()
    }
}

/// The counters of everything in a group but the segment that each instance has one of, which is numbered through.
fn numbered_within(parts: &[Part]) -> Vec<usize> {
    let own = own_segment(parts);
    let mut counters = Vec::new();
    parts.iter().for_each(|part| add_counters(part, &mut counters));
    counters.retain(|counter| Some(*counter) != own);
    counters
}

/// The counter of the segment that stands for an instance: the one that it needs, or else its first.
fn own_segment(parts: &[Part]) -> Option<usize> {
    let segment = |part: &Part, needed: bool| match part {
        Part::Segment(rule) if rule.required || !needed => Some(rule.counter),
        Part::Group(group) if group.each.is_none() && !needed => own_segment(&group.parts),
        _ => None,
    };
    let needed = parts.iter().find_map(|part| segment(part, true));
    needed.or_else(|| parts.iter().find_map(|part| segment(part, false)))
}

fn add_counters(part: &Part, counters: &mut Vec<usize>) {
    match part {
        Part::Segment(rule) => counters.push(rule.counter),
        Part::Group(group) => group.parts.iter().for_each(|part| add_counters(part, counters)),
    }
}

/// In a loop there may be several of each segment.
fn mark_repeating(part: &mut Part) {
    match part {
        Part::Segment(rule) => rule.repeats = true,
        Part::Group(group) => group.parts.iter_mut().for_each(mark_repeating),
    }
}

/// Keys of a group beside what is in it.
const GROUP_KEYS: [&str; 3] = ["each", "filter", "when"];

/// Whether a key looks like one of [`GROUP_KEYS`] and not like a segment.
fn is_key(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase()) && document::nearest(name, GROUP_KEYS).is_some()
}

/// Whether a key has the shape of a group's name.
fn is_group_name(name: &str) -> bool {
    name.len() > 3
        && name.starts_with(|c: char| c.is_ascii_uppercase())
        && name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
}
