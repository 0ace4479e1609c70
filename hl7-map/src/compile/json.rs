//! `emit` of a mapping that makes JSON: objects, lists and values.

use super::Compiler;
use super::document::literal;
use super::emit::Repeats;
use crate::error::MappingError;
use crate::json;
use crate::plan::{JsonRule, JsonSwitch, JsonValue, Member, ObjectRule};
use crate::yaml::{Entry, Key, Node, Tree};

impl Compiler<'_> {
    /// The members of the whole.
    pub(super) fn json_members(&mut self, node: &Node) -> Vec<Member> {
        let entries = self.map(node, "`emit`").unwrap_or_default();
        let members: Vec<&Entry> = entries.iter().collect();
        self.members(&members, "")
    }

    fn members(&mut self, entries: &[&Entry], inside: &str) -> Vec<Member> {
        let mut members = Vec::new();
        for Entry { key, value } in entries {
            let name = literal(&key.text);
            let place = if inside.is_empty() { name.to_owned() } else { format!("{inside}.{name}") };
            let mut written = String::new();
            json::push_string(&mut written, name);
            written.push(':');
            members.extend(self.json_rule(key, value, place).map(|value| Member { name: written, value }));
        }
        members
    }

    fn json_rule(&mut self, key: &Key, node: &Node, place: String) -> Option<JsonRule> {
        match &node.tree {
            Tree::Scalar(_) => {
                let formula = self.formula(node, &format!("the value of {place}"))?;
                let constant = !formula.reads_input();
                Some(JsonRule::Value(JsonValue { formula, constant, place, line: node.place.line }))
            }
            Tree::List(items) => {
                let place = format!("{place}[]");
                let rules = items.iter().filter_map(|item| self.json_rule(key, item, place.clone()));
                Some(JsonRule::List(rules.collect()))
            }
            Tree::Map(entries) => self.object(key, node, entries, place),
        }
    }

    fn object(&mut self, key: &Key, node: &Node, entries: &[Entry], place: String) -> Option<JsonRule> {
        if let Some(switch) = entries.iter().find(|entry| entry.key.text == "switch") {
            return self.json_switch(switch, entries, place);
        }
        let mut repeats = Repeats::default();
        let members: Vec<&Entry> =
            entries.iter().filter(|entry| !repeats.takes(&entry.key.text, &entry.value)).collect();
        if members.is_empty() {
            let error =
                MappingError::new("M005", node.place, format!("the object `{}` has no member", key.text));
            self.error(error.suggest("a property called like a keyword is written `\"lit:each\"`"));
            return None;
        }
        let place = if repeats.each.is_some() { format!("{place}[]") } else { place };
        let (when, each) = self.repeats(repeats);
        self.enter(repeats);
        let members = self.members(&members, &place);
        self.leave(repeats);
        let constant = members.iter().all(|member| is_constant(&member.value));
        let line = node.place.line;
        Some(JsonRule::Object(Box::new(ObjectRule { when, each, members, constant, place, line })))
    }

    /// `{ switch: OBX-2, NM: .., else: .. }`: by the text of a value.
    fn json_switch(&mut self, switch: &Entry, entries: &[Entry], place: String) -> Option<JsonRule> {
        let over = self.formula(&switch.value, "`switch`");
        let (mut cases, mut otherwise) = (Vec::new(), None);
        for Entry { key, value } in entries.iter().filter(|entry| entry.key.text != "switch") {
            let Some(rule) = self.json_rule(key, value, place.clone()) else { continue };
            if key.text == "else" {
                otherwise = Some(Box::new(rule));
            } else {
                cases.push((literal(&key.text).to_owned(), rule));
            }
        }
        if cases.is_empty() {
            let error = MappingError::new("M005", switch.key.place, "the `switch` has no line");
            self.error(error.suggest("its lines are the texts that the value may have, and `else`"));
        }
        Some(JsonRule::Switch(JsonSwitch {
            over: over?,
            cases,
            otherwise,
            place,
            line: switch.key.place.line,
        }))
    }
}

fn is_constant(rule: &JsonRule) -> bool {
    match rule {
        JsonRule::Value(value) => value.constant,
        JsonRule::Object(object) => object.constant,
        JsonRule::List(items) => items.iter().all(is_constant),
        JsonRule::Switch(_) => false,
    }
}
