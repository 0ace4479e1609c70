//! Mappings in place: `accept`, `drop_message`, `set`, `remove`, `add`.

use hl7_core::{Occurrence, Path, RepetitionIndex};

use super::document::{Top, literal};
use super::emit::is_map;
use super::{Around, Compiler};
use crate::error::MappingError;
use crate::plan::{
    Accept, AddRule, Anchor, Drops, Edit, Formula, Gate, LineBreaks, RemoveRule, SegmentRule, SetRule,
    SetValue, Test,
};
use crate::yaml::{Entry, Key, Node, Tree, shortened};
use hl7_core::document::Place;
use hl7_core::document::harmless;

impl Compiler<'_> {
    pub(super) fn edit(&mut self, top: &Top<'_>) -> Edit {
        Edit {
            gate: self.gate(top),
            sets: top.set.map(|node| self.sets(node)).unwrap_or_default(),
            removes: top.remove.map(|node| self.removes(node)).unwrap_or_default(),
            adds: top.add.map(|node| self.adds(node)).unwrap_or_default(),
        }
    }

    pub(super) fn gate(&mut self, top: &Top<'_>) -> Gate {
        Gate {
            accept: top.accept.map(|node| self.accept(node)).unwrap_or_default(),
            drops: top.drop_message.map(|node| self.drops(node)).unwrap_or_default(),
        }
    }

    /// `{ MSH-9.1: ADT, MSH-11: [ P, T ] }`
    fn accept(&mut self, node: &Node) -> Vec<Accept> {
        let mut accept = Vec::new();
        for Entry { key, value } in self.map(node, "`accept`").unwrap_or_default() {
            let Some(path) = self.message_path(&key.text, key.place) else { continue };
            let mut texts = Vec::new();
            for item in self.list(value) {
                texts.extend(
                    self.scalar(item, "an accepted value").map(|text| literal(&text.text).to_owned()),
                );
            }
            accept.push(Accept { path, texts, line: key.place.line });
        }
        accept
    }

    /// `{ when: MSH-11 == "T", reason: test message }`, or a list of them.
    fn drops(&mut self, node: &Node) -> Vec<Drops> {
        let mut drops = Vec::new();
        for item in self.list(node) {
            let (mut when, mut reason) = (None, None);
            for Entry { key, value } in self.map(item, "`drop_message`").unwrap_or_default() {
                match key.text.as_str() {
                    "when" => when = Some(value),
                    "reason" => reason = Some(value),
                    _ => self.unknown_key(key, value, &["when", "reason"]),
                }
            }
            self.needs(item.place, "`drop_message`", &[("when", when), ("reason", reason)]);
            let when = when.and_then(|when| self.test(when, "`when`"));
            let reason = reason.and_then(|reason| self.text(reason, "the reason"));
            if let (Some(when), Some(reason)) = (when, reason) {
                drops.push(Drops { when, reason: harmless(reason).into_owned(), line: item.place.line });
            }
        }
        drops
    }

    /// `{ PID-8: PID-8 | table sex, PID-5[*].1: PID-5[*].1 | upper }`
    fn sets(&mut self, node: &Node) -> Vec<SetRule> {
        let mut sets: Vec<SetRule> = Vec::new();
        for Entry { key, value } in self.map(node, "`set`").unwrap_or_default() {
            let Some(target) = self.target_path(key) else { continue };
            self.target = Some(target);
            for item in self.list(value) {
                sets.extend(self.set(target, key, item));
            }
            self.target = None;
        }
        sets
    }

    fn set(&mut self, target: Path, key: &Key, node: &Node) -> Option<SetRule> {
        let place = key.text.clone();
        let line_breaks = self.line_breaks(target.segment_id(), target.field().unwrap_or(0));
        let line_breaks = if line_breaks == LineBreaks::AsTyped { LineBreaks::Hex } else { line_breaks };
        let (value, when) = match &node.tree {
            Tree::Scalar(_) => (SetValue::Formula(self.new_value(&place, node)?), None),
            _ if is_map(node) => self.set_map(target, &place, node, line_breaks)?,
            _ => {
                return self.fail(
                    "M006",
                    node.place,
                    "a new value is a single value or a map, and this is a list",
                );
            }
        };
        let mut pairs = false;
        value.each_pair(&mut |_| pairs = true);
        Some(SetRule { target, value, when, pairs, line_breaks, place, line: node.place.line })
    }

    /// `{ value: .., when: .. }`, or what a repetition of a field may be.
    fn set_map(
        &mut self,
        target: Path,
        place: &str,
        node: &Node,
        line_breaks: LineBreaks,
    ) -> Option<(SetValue, Option<Test>)> {
        let Tree::Map(entries) = &node.tree else { return None };
        if let Some(each) = entries.iter().find(|entry| matches!(entry.key.text.as_str(), "each" | "filter"))
        {
            let error = MappingError::new("M010", each.key.place, "a `set` has no loop");
            self.error(error.suggest("`[*]` in the path sets each repetition or segment"));
            return None;
        }
        let known = |entry: &Entry| matches!(entry.key.text.as_str(), "value" | "when");
        if entries.iter().all(known) {
            let when = node.get("when").and_then(|when| self.test(when, "`when`"));
            let Some(value) = node.get("value") else {
                return self.fail("M005", node.place, "the new value is missing: `value`");
            };
            return Some((SetValue::Formula(self.new_value(place, value)?), when));
        }
        if target.component().is_some() {
            return self.fail("M010", node.place, "a component takes a single value");
        }
        let mut repetition = self.repetition(place, node, line_breaks)?;
        let when = repetition.when.take();
        Some((SetValue::Repetition(Box::new(repetition)), when))
    }

    fn new_value(&mut self, place: &str, node: &Node) -> Option<Formula> {
        self.check_constant(place, node);
        let formula = self.formula(node, &format!("the value of {place}"))?;
        self.check_said(place, &formula, node.place);
        Some(formula)
    }

    fn removes(&mut self, node: &Node) -> Vec<RemoveRule> {
        let items = self.list(node);
        items.iter().filter_map(|item| self.remove(item)).collect()
    }

    /// `PID-19`, `PID-3[5=SS]`, `NTE`, `Z??`, or `{ segment: NTE, when: .. }`.
    fn remove(&mut self, node: &Node) -> Option<RemoveRule> {
        let line = node.place.line;
        if let Tree::Map(entries) = &node.tree {
            let (mut segment, mut when) = (None, None);
            for Entry { key, value } in entries {
                match key.text.as_str() {
                    "segment" => segment = Some(value),
                    "when" => when = Some(value),
                    _ => self.unknown_key(key, value, &["segment", "when"]),
                }
            }
            let Some(segment) = segment else {
                return self.fail("M005", node.place, "what is removed has no `segment`");
            };
            let text = self.text(segment, "a segment")?;
            let (pattern, nth) = self.segment_pattern(text, segment.place)?;
            self.around.push(Around::Segment(pattern));
            let when = when.map(|when| self.test(when, "`when`"));
            self.around.pop();
            return Some(RemoveRule::Segments {
                pattern,
                nth,
                when: when.map_or(Some(None), |test| test.map(Some))?,
                line,
            });
        }
        let text = self.text(node, "what is removed")?;
        if text.contains('-') {
            let path = self.changed_path(text, node.place)?;
            self.check_read_path(&path, node.place);
            return Some(RemoveRule::Path { path, line });
        }
        let (pattern, nth) = self.segment_pattern(text, node.place)?;
        Some(RemoveRule::Segments { pattern, nth, when: None, line })
    }

    /// `NTE`, `NTE[2]`, `Z??`: the characters of the ID, and which of the segments; all without a number.
    fn segment_pattern(&mut self, text: &str, place: Place) -> Option<([u8; 3], Option<u32>)> {
        let (id, index) = text.split_at_checked(3).unwrap_or((text, ""));
        let characters = id.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'?');
        let nth = match (index, id.contains('?')) {
            ("" | "[*]", _) => Some(None),
            (_, false) => match text.parse::<Path>().ok().map(|path| path.occurrence()) {
                Some(Occurrence::Nth(n)) => Some(Some(n)),
                _ => None,
            },
            _ => None,
        };
        let (Some(nth), true, Ok(pattern)) = (nth, characters, <[u8; 3]>::try_from(id.as_bytes())) else {
            let error = MappingError::new("M114", place, format!("`{}` is not a segment", shortened(text)));
            self.error(error.suggest("the forms are NTE, NTE[2] and Z??"));
            return None;
        };
        if id == "MSH" {
            return self.fail("M112", place, "MSH stands in every message");
        }
        if !id.contains('?') && !id.starts_with('Z') {
            self.known_segment(id, place)?;
        }
        Some((pattern, nth))
    }

    /// `{ segment: ZNR, after: PID, fields: { 1: normalised } }`
    fn adds(&mut self, node: &Node) -> Vec<AddRule> {
        let items = self.list(node);
        items.iter().filter_map(|item| self.add(item)).collect()
    }

    fn add(&mut self, node: &Node) -> Option<AddRule> {
        let (mut segment, mut fields, mut when, mut places) = (None, None, None, Vec::new());
        for Entry { key, value } in self.map(node, "a segment to add")? {
            match key.text.as_str() {
                "segment" => segment = Some(value),
                "after" | "before" => places.push((key, value)),
                "fields" => fields = Some(value),
                "when" => when = Some(value),
                _ => self.unknown_key(key, value, &["segment", "after", "before", "fields", "when"]),
            }
        }
        self.needs(node.place, "a segment to add", &[("segment", segment), ("fields", fields)]);
        if let Some((second, _)) = places.get(1) {
            self.error(MappingError::new("M113", second.place, "a segment is added at one place"));
        }
        let segment = segment?;
        let id = self.text(segment, "a segment")?;
        if id == "MSH" {
            return self.fail("M112", segment.place, "MSH stands in every message, once");
        }
        self.known_segment(id, segment.place)?;
        let at = places.first().and_then(|(key, value)| {
            let text = self.text(value, "the place of a segment")?;
            let path = text.parse::<Path>().ok().filter(|path| path.field().is_none());
            let Some(path) = path else {
                return self.fail(
                    "M114",
                    value.place,
                    "a segment is added before or after a segment, such as PID or OBX[*]",
                );
            };
            let before = key.text == "before";
            if before && path.segment_id() == "MSH" {
                return self.fail("M112", value.place, "nothing stands before MSH");
            }
            Some(Anchor { path, before })
        });
        let rule = self.segment(id, fields?)?;
        let missing = self.required_by_profile(id, &rule.fields);
        if !missing.is_empty() {
            self.warn_of_missing(&missing, "by the profile", segment.place);
        }
        let when = when.and_then(|when| self.test(when, "`when`"));
        Some(AddRule { segment: SegmentRule { when: when.or(rule.when), ..rule }, at })
    }

    /// A path of what comes in that names a field.
    pub(super) fn message_path(&mut self, text: &str, place: Place) -> Option<Path> {
        let path = text.parse::<Path>().ok().filter(|path| path.field().is_some());
        if path.is_none() {
            let message = format!("`{}` is not the path of a field", shortened(text));
            self.error(MappingError::new("M114", place, message).suggest("the form is PID-3[1].5"));
        }
        path
    }

    /// The place of a `set`, which no other has.
    fn target_path(&mut self, key: &Key) -> Option<Path> {
        let path = self.changed_path(&key.text, key.place)?;
        self.check_written_path(&path, key.place);
        self.check_allowed(&path, true, key.place);
        Some(path)
    }

    /// The path of something that is changed.
    fn changed_path(&mut self, text: &str, place: Place) -> Option<Path> {
        let path = self.message_path(text, place)?;
        if path.segment_id() == "MSH" {
            if path.field().is_some_and(|field| field <= 2) {
                return self.fail(
                    "M111",
                    place,
                    "MSH-1 and MSH-2 are the delimiters, which stay as they are",
                );
            }
            if path.occurrence() != Occurrence::First {
                return self.fail("M112", place, "MSH stands in a message once");
            }
        }
        if let RepetitionIndex::Nth(n) = path.repetition()
            && n > MOST_REPETITIONS
        {
            return self.fail("M104", place, "a repetition has a number up to 9999");
        }
        self.known_segment(path.segment_id(), place)?;
        Some(path)
    }
}

/// A path such as `PID-3[16777215]` would make that many delimiters.
const MOST_REPETITIONS: u32 = 9_999;
