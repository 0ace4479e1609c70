//! `emit`: the segments to write.

use super::document::is_segment_id;
use super::{Around, Compiler};
use crate::error::MappingError;
use crate::plan::{FieldRule, LineBreaks, Loop, MessageType, SegmentRule, Test};
use crate::standard::{self, SEGMENTS};
use crate::suggest;
use crate::yaml::{Entry, Key, Node, Tree, shortened};

/// `each`, `filter` and `when` of a rule.
#[derive(Default, Clone, Copy)]
pub(super) struct Repeats<'n> {
    pub(super) each: Option<&'n Node>,
    pub(super) filter: Option<&'n Node>,
    pub(super) when: Option<&'n Node>,
}

impl<'n> Repeats<'n> {
    /// Takes up the value when `key` is one of the three.
    pub(super) fn takes(&mut self, key: &str, value: &'n Node) -> bool {
        match key {
            "each" => self.each = Some(value),
            "filter" => self.filter = Some(value),
            "when" => self.when = Some(value),
            _ => return false,
        }
        true
    }
}

impl Compiler {
    /// All segments of the message: the header, the event, then those of the file.
    pub(super) fn segments(
        &mut self,
        emit: Option<&Node>,
        control_id: Option<&Node>,
        message: Option<&MessageType>,
    ) -> Vec<SegmentRule> {
        let mut rules = Vec::new();
        for Entry { key, value } in emit.and_then(|node| self.map(node, "`emit`")).unwrap_or_default() {
            if self.is_segment(key) {
                if let ("MSH", Some(second)) = (key.text.as_str(), self.list(value).get(1)) {
                    self.error(MappingError::new("M113", second.place, "MSH stands in every message, once"));
                }
                let places = self.list(value);
                for node in places {
                    let rule = self.segment(&key.text, node, message);
                    rules.extend(
                        rule.map(|rule| SegmentRule { repeats: rule.repeats || places.len() > 1, ..rule }),
                    );
                }
            }
        }
        self.with_header(rules, control_id, message)
    }

    /// Whether a key of `emit` is a segment that can be written; what is wrong with it is noted.
    fn is_segment(&mut self, key: &Key) -> bool {
        let name = key.text.as_str();
        if SEGMENTS.contains(&name) || self.segments.iter().any(|declared| declared.id == name) {
            return true;
        }
        let is_group =
            name.len() > 3 && name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
        if name.split_once('@').is_some_and(|(id, _)| is_segment_id(id)) {
            self.unavailable(key.place, "`@` behind a segment");
        } else if is_segment_id(name) && name.starts_with('Z') {
            let error = MappingError::new("M116", key.place, format!("the segment {name} is not declared"));
            self.error(error.suggest(format!("declare it: `segments: {{ {name}: any }}`")));
        } else if let (false, Some(near)) = (is_group, suggest::did_you_mean(name, SEGMENTS)) {
            let message = format!("there is no segment `{}`", shortened(name));
            self.error(MappingError::new("M116", key.place, message).suggest(near));
        } else if is_group {
            self.unavailable(key.place, &format!("the group `{}`", shortened(name)));
        } else {
            let message = format!("there is no segment `{}`", shortened(name));
            self.error(MappingError::new("M116", key.place, message));
        }
        false
    }

    pub(super) fn segment(
        &mut self,
        id: &str,
        node: &Node,
        message: Option<&MessageType>,
    ) -> Option<SegmentRule> {
        let entries = self.map(node, "a segment")?;
        let mut repeats = Repeats::default();
        let mut fields = Vec::new();
        for Entry { key, value } in entries {
            if !repeats.takes(&key.text, value) {
                fields.push((key, value));
            }
        }
        if id == "MSH" && (repeats.each.is_some() || repeats.when.is_some()) {
            return self.fail("M113", node.place, "MSH stands in every message, once");
        }
        let (when, each) = self.repeats(repeats);
        self.enter(repeats);
        let mut rules: Vec<FieldRule> =
            fields.into_iter().filter_map(|(key, value)| self.segment_field(id, key, value)).collect();
        self.leave(repeats);
        rules.sort_by_key(|field| field.number);
        let repetitions = || rules.iter().flat_map(|field| &field.repetitions);
        let constant = repetitions().all(|repetition| repetition.constant);
        let required = message.is_some_and(|message| standard::is_required(&message.structure, id));
        Some(SegmentRule {
            id: id.to_owned(),
            line: node.place.line,
            when,
            each,
            fields: rules,
            required,
            constant,
            repeats: repeats.each.is_some(),
        })
    }

    /// Goes into the loop of a rule, where it has one.
    pub(super) fn enter(&mut self, repeats: Repeats<'_>) {
        self.around.extend(repeats.each.map(|_| Around::Items));
    }

    pub(super) fn leave(&mut self, repeats: Repeats<'_>) {
        if repeats.each.is_some() {
            self.around.pop();
        }
    }

    /// The loop and the condition of a rule. `when` is asked once, outside the loop; `filter` inside, for each item.
    pub(super) fn repeats(&mut self, repeats: Repeats<'_>) -> (Option<Test>, Option<Loop>) {
        let when = repeats.when.and_then(|when| self.test(when, "`when`"));
        let over = repeats.each.and_then(|each| self.formula(each, "`each`"));
        if let (Some(each), Some(false)) = (repeats.each, over.as_ref().map(|over| over.reads_input())) {
            let error = MappingError::new("M010", each.place, "`each` loops over a list of the payload");
            self.error(error.suggest("a path starts with a dot: .patient.phones"));
        }
        self.enter(repeats);
        let filter = repeats.filter.and_then(|filter| self.test(filter, "`filter`"));
        self.leave(repeats);
        if let (Some(filter), None) = (repeats.filter, repeats.each) {
            let error = MappingError::new(
                "M005",
                filter.place,
                "`filter` asks for the items of an `each`, and there is none",
            );
            self.error(error.suggest("without a loop the condition is `when`"));
        }
        (when, over.map(|over| Loop { over, filter }))
    }

    fn segment_field(&mut self, id: &str, key: &Key, value: &Node) -> Option<FieldRule> {
        if !key.text.bytes().all(|b| b.is_ascii_digit()) {
            self.unknown_key(key, value, &["each", "filter", "when", "1", "2", "3", "..."]);
            return None;
        }
        let number = self.number(key, "a field")?;
        if id == "MSH" && number <= 2 {
            return self.fail(
                "M111",
                key.place,
                "MSH-1 and MSH-2 are the delimiters, which are always `|^~\\&`",
            );
        }
        let place = format!("{id}-{number}");
        let line_breaks = self.line_breaks(id, number);
        let repetitions: Vec<_> =
            self.list(value).iter().filter_map(|node| self.repetition(&place, node, line_breaks)).collect();
        let repeats = repetitions.len() > 1 || repetitions.iter().any(|repetition| repetition.each.is_some());
        Some(FieldRule { number, repetitions, fill: None, repeats })
    }

    /// A number from 1 to 9999, as the key of a field, component or subcomponent.
    pub(super) fn number(&mut self, key: &Key, what: &str) -> Option<u16> {
        let text = key.text.as_str();
        let plain = !text.starts_with('0') && !text.starts_with('+');
        match text.parse::<u16>() {
            Ok(number) if plain && (1..=9_999).contains(&number) => Some(number),
            _ => {
                let message = format!(
                    "the key of {what} is its number, from 1 to 9999, and this is `{}`",
                    shortened(text)
                );
                self.fail("M104", key.place, message)
            }
        }
    }

    /// How line breaks are written in a field. FT is known of NTE-3, of what OBX-2 says, and of declared segments.
    pub(super) fn line_breaks(&self, id: &str, number: u16) -> LineBreaks {
        let declared =
            self.segments.iter().any(|segment| segment.id == id && segment.formatted.contains(&number));
        match (id, number) {
            ("NTE", 3) => LineBreaks::Formatted,
            ("OBX", 5) => LineBreaks::AsTyped,
            _ if declared => LineBreaks::Formatted,
            _ => LineBreaks::Hex,
        }
    }
}

/// Whether a node is a map.
pub(super) fn is_map(node: &Node) -> bool {
    matches!(node.tree, Tree::Map(_))
}
