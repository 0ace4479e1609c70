//! `switch`: a rule for each JSON type of a value, and the value type (OBX-2) that goes with it.

use super::Compiler;
use super::document::is_data_type;
use crate::error::MappingError;
use crate::plan::{FieldRule, Formula, Kind, Leaf, LineBreaks, RepetitionRule, Switch};
use crate::yaml::{Entry, Key, Node, Tree};

impl Compiler<'_> {
    /// `{ switch: .value, number: { .. }, string: { .. } }`
    pub(super) fn switch(
        &mut self,
        place: &str,
        over: &Node,
        lines: &[(&Key, &Node)],
        line_breaks: LineBreaks,
    ) -> Option<Switch> {
        let over = self.formula(over, "`switch`");
        let mut cases = Vec::new();
        for (key, node) in lines {
            let kind = Kind::ALL.into_iter().find(|(name, _)| *name == key.text);
            let rule = self.repetition(place, node, line_breaks);
            cases.extend(kind.zip(rule).map(|((_, kind), rule)| (kind, rule)));
        }
        Some(Switch { over: over?, cases })
    }

    /// OBX-2 from the `type` beside what OBX-5 gets.
    pub(super) fn value_type(&mut self, segment: &Node, fields: &mut Vec<FieldRule>) {
        let Some(value) = segment.get("5") else { return };
        let first = self.list(value).first().unwrap_or(value);
        let Some(rule) = self.type_of(first) else { return };
        if fields.iter().any(|field| field.number == 2) {
            let message = "OBX-2 is given twice: by its field and by `type`";
            self.error(MappingError::new("M113", first.place, message));
            return;
        }
        fields.push(FieldRule { number: 2, repetitions: vec![rule], fill: None, repeats: false });
    }

    /// The rule for OBX-2, where the value of OBX-5 states a type.
    fn type_of(&mut self, node: &Node) -> Option<RepetitionRule> {
        let Some(over) = node.get("switch") else {
            return node.get("type").and_then(|kind| self.type_rule(kind));
        };
        let Tree::Map(entries) = &node.tree else { return None };
        let mut cases = Vec::new();
        for Entry { key, value } in entries {
            let Some((_, kind)) = Kind::ALL.into_iter().find(|(name, _)| *name == key.text) else { continue };
            match value.get("type") {
                Some(stated) => cases.extend(self.type_rule(stated).map(|rule| (kind, rule))),
                None => {
                    let message = "a line of OBX-5 has no `type`, which OBX-2 states";
                    let error = MappingError::new("M005", value.place, message);
                    self.error(error.suggest("such as { type: NM, value: .value }"));
                }
            }
        }
        // What is wrong in it is noted with OBX-5.
        let noted = (self.errors.len(), self.warnings.len());
        let over = self.formula(over, "`switch`");
        self.errors.truncate(noted.0);
        self.warnings.truncate(noted.1);
        let switch = Some(Box::new(Switch { over: over?, cases }));
        Some(RepetitionRule { switch, ..constant("OBX-2", node.place.line, Vec::new()) })
    }

    fn type_rule(&mut self, node: &Node) -> Option<RepetitionRule> {
        let text = self.text(node, "a value type")?;
        if !is_data_type(text) {
            return self.fail("M010", node.place, "a value type is a data type such as NM or CE");
        }
        let line = node.place.line;
        let formula = Formula::of_text(text);
        let leaf = Leaf {
            component: 1,
            subcomponent: 1,
            always: formula.always(),
            formula,
            null_deletes: false,
            constant: true,
            line_breaks: LineBreaks::Hex,
            place: "OBX-2".to_owned(),
            line,
        };
        Some(constant("OBX-2", line, vec![leaf]))
    }
}

fn constant(place: &str, line: usize, leaves: Vec<Leaf>) -> RepetitionRule {
    RepetitionRule {
        place: place.to_owned(),
        line,
        when: None,
        each: None,
        leaves,
        switch: None,
        constant: true,
    }
}
