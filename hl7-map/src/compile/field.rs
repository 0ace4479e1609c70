//! A repetition of a field: a value, a composite by name, or components by number.

use super::Compiler;
use super::emit::{Repeats, is_map};
use super::known::Level;
use crate::error::MappingError;
use crate::plan::{Kind, Leaf, LineBreaks, RepetitionRule, Switch};
use crate::standard::{COMPOSITES, Component, Composite, component, component_names};
use crate::yaml::{Entry, Key, Node, Style, Tree, shortened};
use hl7_core::document;

const KEYS: [&str; 14] = [
    "value",
    "on_null",
    "each",
    "filter",
    "when",
    "name",
    "address",
    "identifier",
    "phone",
    "coded",
    "location",
    "provider",
    "switch",
    "1",
];

/// The first component, of which the first subcomponent.
const WHOLE: Component = Component { component: 1, subcomponent: 1 };

/// What a repetition is made of.
#[derive(Default)]
struct Parts<'n> {
    value: Option<(&'n Key, &'n Node)>,
    on_null: Option<&'n Node>,
    composites: Vec<(&'n Key, &'n Node, &'static Composite)>,
    numbered: Vec<&'n Entry>,
    switch: Option<&'n Node>,
    /// The lines of a `switch`.
    cases: Vec<(&'n Key, &'n Node)>,
    /// A key was refused: what it would have given is missing.
    refused: bool,
}

/// The place of a field in the message, such as `PID-3`, and how line breaks are written there.
#[derive(Clone, Copy)]
struct Target<'t> {
    field: &'t str,
    line_breaks: LineBreaks,
}

impl Target<'_> {
    /// The place of a component; the first subcomponent stands for the component.
    fn component(&self, at: Component) -> String {
        match at.subcomponent {
            1 => format!("{}.{}", self.field, at.component),
            n => format!("{}.{}.{n}", self.field, at.component),
        }
    }

    /// The place with all of its numbers.
    fn full(&self, at: Component) -> String {
        format!("{}.{}.{}", self.field, at.component, at.subcomponent)
    }
}

impl Compiler<'_> {
    pub(super) fn repetition(
        &mut self,
        place: &str,
        node: &Node,
        line_breaks: LineBreaks,
    ) -> Option<RepetitionRule> {
        let target = Target { field: place, line_breaks };
        let mut repeats = Repeats::default();
        let mut leaves = Vec::new();
        match &node.tree {
            Tree::Scalar(_) => leaves.extend(self.leaf(target.field.to_owned(), WHOLE, node, line_breaks)),
            Tree::Map(entries) => {
                let parts = self.field_parts(place, entries, &mut repeats);
                let (when, each) = self.repeats(repeats);
                self.enter(repeats);
                let switch = match self.switch_of(target, node, &parts) {
                    Some(switch) => switch,
                    None => {
                        self.leaves(target, node, parts, &mut leaves);
                        None
                    }
                };
                self.leave(repeats);
                return Some(RepetitionRule { when, each, ..rule(place, node, leaves, switch) });
            }
            Tree::List(_) => {
                return self.fail("M006", node.place, "a repetition is a value or a map, and this is a list");
            }
        }
        Some(rule(place, node, leaves, None))
    }

    /// The `switch` of a repetition, where it has one; one with mistakes is nothing.
    fn switch_of(&mut self, target: Target<'_>, node: &Node, parts: &Parts<'_>) -> Option<Option<Switch>> {
        let Some(over) = parts.switch else {
            let (key, _) = parts.cases.first()?;
            let error =
                MappingError::new("M005", key.place, format!("`{}` is a line of a `switch`", key.text));
            self.error(error.suggest("write the value beside it: { switch: .value, number: .. }"));
            return Some(None);
        };
        if parts.value.is_some() || !parts.composites.is_empty() || !parts.numbered.is_empty() {
            self.error(MappingError::new("M113", node.place, "only one of these can fill the field"));
        }
        Some(self.switch(target.field, over, &parts.cases, target.line_breaks))
    }

    fn field_parts<'n>(&mut self, place: &str, entries: &'n [Entry], repeats: &mut Repeats<'n>) -> Parts<'n> {
        let mut parts = Parts::default();
        let switches = entries.iter().any(|entry| entry.key.text == "switch");
        for entry in entries {
            let Entry { key, value } = entry;
            let composite = COMPOSITES.iter().find(|composite| composite.name == key.text);
            match (key.text.as_str(), composite) {
                (name, _) if repeats.takes(name, value) => {}
                ("value", _) => parts.value = Some((key, value)),
                ("on_null", _) => parts.on_null = Some(value),
                ("switch", _) => parts.switch = Some(value),
                ("type", _) if place == "OBX-5" => {}
                (name, _) if Kind::ALL.iter().any(|(known, _)| *known == name) => {
                    parts.cases.push((key, value));
                }
                (_, Some(composite)) => parts.composites.push((key, value, composite)),
                (number, _) if number.bytes().all(|b| b.is_ascii_digit()) => parts.numbered.push(entry),
                _ => {
                    parts.refused = true;
                    let of_switch = Kind::ALL.iter().filter(|_| switches).map(|(name, _)| *name);
                    let known: Vec<&str> = of_switch.chain(KEYS).collect();
                    self.unknown_key(key, value, &known);
                }
            }
        }
        parts
    }

    fn leaves(&mut self, target: Target<'_>, node: &Node, parts: Parts<'_>, leaves: &mut Vec<Leaf>) {
        let kinds = usize::from(parts.value.is_some())
            + parts.composites.len()
            + usize::from(!parts.numbered.is_empty());
        if kinds > 1 || (kinds == 0 && !parts.refused) {
            let message = if kinds == 0 {
                "there is nothing to write here"
            } else {
                "only one of these can fill the field"
            };
            let error = MappingError::new("M113", node.place, message);
            self.error(
                error.suggest("give a `value`, one composite such as `name`, or components by number"),
            );
            return;
        }
        if let (Some(on_null), None) = (parts.on_null, parts.value) {
            let error = MappingError::new("M010", on_null.place, "`on_null` belongs beside a `value`");
            self.error(error.suggest("in a composite, write `family: { value: .name, on_null: delete }`"));
        }
        if let Some((_, value)) = parts.value {
            let leaf = self.leaf(target.field.to_owned(), WHOLE, value, target.line_breaks);
            let null_deletes = self.null_deletes(parts.on_null);
            leaves.extend(leaf.map(|leaf| Leaf { null_deletes, ..leaf }));
        }
        for (key, value, composite) in parts.composites {
            self.check_composite(target.field, composite, node, key.place);
            self.composite(target, composite, value, leaves);
        }
        for Entry { key, value } in parts.numbered {
            if let Some(component) = self.number(key, "a component") {
                self.component(target, component, key, value, leaves);
            }
        }
        leaves.sort_by_key(|leaf| (leaf.component, leaf.subcomponent));
    }

    /// `{ family: .last, given: .first }`
    fn composite(
        &mut self,
        target: Target<'_>,
        composite: &'static Composite,
        node: &Node,
        leaves: &mut Vec<Leaf>,
    ) {
        for Entry { key, value } in self.map(node, &format!("`{}`", composite.name)).unwrap_or_default() {
            if key.text.starts_with(|c: char| c.is_ascii_digit()) {
                if let Some(number) = self.number(key, "a component") {
                    self.component(target, number, key, value, leaves);
                }
                continue;
            }
            match component(composite, &key.text, self.version) {
                Some(at) => self.part(target, at, key, value, leaves),
                None => self.unknown_part(composite, key, value),
            }
        }
    }

    fn unknown_part(&mut self, composite: &'static Composite, key: &Key, value: &Node) {
        if matches!(&value.tree, Tree::Scalar(scalar) if scalar.text.is_empty() && scalar.style == Style::Plain)
            && key.in_braces
        {
            return self.unknown_key(key, value, &[]);
        }
        let names: Vec<_> = component_names(composite, self.version).collect();
        let suggestion = document::did_you_mean(&key.text, names.iter().copied())
            .unwrap_or_else(|| format!("its parts are {}", names.join(", ")));
        let name = shortened(&key.text);
        let (version, types) = (self.version.text(), composite.types);
        let message = format!("`{}` ({types}) has no part `{name}` in HL7 {version}", composite.name);
        self.error(MappingError::new("M106", key.place, message).suggest(suggestion));
    }

    /// A component by number: a value, or a map of subcomponents by number.
    fn component(
        &mut self,
        target: Target<'_>,
        component: u16,
        key: &Key,
        node: &Node,
        leaves: &mut Vec<Leaf>,
    ) {
        let numbered = |entries: &[Entry]| {
            entries.iter().any(|entry| entry.key.text.starts_with(|c: char| c.is_ascii_digit()))
        };
        match &node.tree {
            Tree::Map(entries) if numbered(entries) => {
                for Entry { key, value } in entries {
                    if let Some(subcomponent) = self.number(key, "a subcomponent") {
                        let at = Component { component, subcomponent };
                        self.check_number(&target.full(at), Level::Component, key.place, Some(value));
                        self.part(target, at, key, value, leaves);
                    }
                }
            }
            _ => {
                let at = Component { component, subcomponent: 1 };
                self.check_number(&target.component(at), Level::Component, key.place, Some(node));
                self.part(target, at, key, node, leaves);
            }
        }
    }

    /// A single value of a composite, or `{ value: .x, on_null: delete }`.
    fn part(&mut self, target: Target<'_>, at: Component, key: &Key, node: &Node, leaves: &mut Vec<Leaf>) {
        let place = target.component(at);
        if leaves.iter().any(|leaf| (leaf.component, leaf.subcomponent) == (at.component, at.subcomponent)) {
            self.error(MappingError::new("M113", key.place, format!("{place} is given twice")));
            return;
        }
        let (value, on_null) = if is_map(node) { self.value_and_null(node) } else { (Some(node), None) };
        let null_deletes = self.null_deletes(on_null);
        let leaf = value.and_then(|value| self.leaf(place, at, value, target.line_breaks));
        leaves.extend(leaf.map(|leaf| Leaf { null_deletes, ..leaf }));
    }

    fn value_and_null<'n>(&mut self, node: &'n Node) -> (Option<&'n Node>, Option<&'n Node>) {
        let (mut found, mut on_null) = (None, None);
        let before = self.errors.len();
        for Entry { key, value } in self.map(node, "a component").unwrap_or_default() {
            match key.text.as_str() {
                "value" => found = Some(value),
                "on_null" => on_null = Some(value),
                "each" | "filter" => {
                    let message = "a component does not repeat; loop over the field";
                    self.error(MappingError::new("M010", key.place, message));
                }
                "when" | "switch" | "type" => {
                    self.unavailable(key.place, &format!("`{}` in a component", key.text))
                }
                _ => self.unknown_key(key, value, &["value", "on_null"]),
            }
        }
        if found.is_none() && self.errors.len() == before {
            self.error(MappingError::new("M005", node.place, "the component has no `value`"));
        }
        (found, on_null)
    }

    fn null_deletes(&mut self, node: Option<&Node>) -> bool {
        match node.and_then(|node| self.text(node, "`on_null`")) {
            None | Some("skip") => false,
            Some("delete") => true,
            Some(text) => {
                let suggestion = document::did_you_mean(text, ["delete", "skip"]);
                let place = node.map_or(hl7_core::document::Place::START, |node| node.place);
                let error = MappingError::new("M010", place, "`on_null` is `delete` or `skip`");
                self.error(error.suggest_maybe(suggestion));
                false
            }
        }
    }

    fn leaf(&mut self, place: String, at: Component, node: &Node, line_breaks: LineBreaks) -> Option<Leaf> {
        self.check_constant(&place, node);
        if let Ok(path) = place.parse() {
            self.check_allowed(&path, false, node.place);
        }
        let formula = self.formula(node, &format!("the value of {place}"))?;
        self.check_fit(&place, &formula, node.place);
        let constant = !formula.reads_input();
        Some(Leaf {
            component: at.component,
            subcomponent: at.subcomponent,
            always: formula.always(),
            formula,
            null_deletes: false,
            constant,
            line_breaks,
            place,
            line: node.place.line,
        })
    }
}

fn rule(place: &str, node: &Node, leaves: Vec<Leaf>, switch: Option<Switch>) -> RepetitionRule {
    let constant = switch.is_none() && leaves.iter().all(|leaf| leaf.constant);
    RepetitionRule {
        place: place.to_owned(),
        line: node.place.line,
        when: None,
        each: None,
        leaves,
        switch: switch.map(Box::new),
        constant,
    }
}
