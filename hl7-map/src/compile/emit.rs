//! A segment to write: its loop and its fields.

use super::Compiler;
use super::known::Level;
use crate::error::MappingError;
use crate::expr::Reads;
use crate::plan::{FieldRule, LineBreaks, Loop, SegmentRule, Test};
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

impl Compiler<'_> {
    pub(super) fn segment(&mut self, id: &str, node: &Node) -> Option<SegmentRule> {
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
        if id == "OBX" {
            self.value_type(node, &mut rules);
        }
        self.leave(repeats);
        rules.sort_by_key(|field| field.number);
        let repetitions = || rules.iter().flat_map(|field| &field.repetitions);
        let constant = repetitions().all(|repetition| repetition.constant);
        Some(SegmentRule {
            id: id.to_owned(),
            line: node.place.line,
            when,
            each,
            fields: rules,
            required: false,
            constant,
            repeats: repeats.each.is_some(),
            counter: self.counter(id),
            restarts: Vec::new(),
        })
    }

    /// Where segments of this ID are counted.
    pub(super) fn counter(&mut self, id: &str) -> usize {
        let known = self.counted.iter().position(|known| known == id);
        known.unwrap_or_else(|| {
            self.counted.push(id.to_owned());
            self.counted.len() - 1
        })
    }

    /// Goes into the loop of a rule, where it has one.
    pub(super) fn enter(&mut self, repeats: Repeats<'_>) {
        if let Some(each) = repeats.each {
            let shape = self.item_shape(each);
            self.around.push(self.around_of(each));
            self.shapes.push(shape);
        }
    }

    pub(super) fn leave(&mut self, repeats: Repeats<'_>) {
        if repeats.each.is_some() {
            self.around.pop();
            self.shapes.pop();
        }
    }

    /// The loop and the condition of a rule. `when` is asked once, outside the loop; `filter` inside, for each item.
    pub(super) fn repeats(&mut self, repeats: Repeats<'_>) -> (Option<Test>, Option<Loop>) {
        let when = repeats.when.and_then(|when| self.test(when, "`when`"));
        let over = repeats.each.and_then(|each| self.over(each));
        if let (Some(each), Some(false)) = (repeats.each, over.as_ref().map(|over| over.reads_input())) {
            let error = MappingError::new("M010", each.place, "`each` loops over what comes in");
            self.error(error.suggest(match self.reads {
                Reads::Json => "a path starts with a dot: .patient.phones",
                Reads::Message => {
                    "a group or a segment by its name, or a path with `[*]`: ORDER_OBSERVATION, OBX, PID-3[*]"
                }
            }));
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
        self.check_number(&place, Level::Field, key.place, Some(value));
        if let Ok(path) = place.parse() {
            self.check_allowed(&path, true, key.place);
        }
        let items = self.list(value);
        self.check_repetitions(&place, key, items);
        let line_breaks = self.line_breaks(id, number);
        let repetitions: Vec<_> =
            items.iter().filter_map(|node| self.repetition(&place, node, line_breaks)).collect();
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
