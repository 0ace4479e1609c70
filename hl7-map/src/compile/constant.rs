//! Constants that probably mean something else than they say.

use super::Compiler;
use crate::error::MappingError;
use crate::yaml::{Node, Scalar, Style, Tree};

/// What separates the parts of a message, and what escapes.
const DELIMITERS: [char; 5] = ['|', '^', '~', '&', '\\'];

/// Longer constants are not written out in a suggestion.
const LONGEST: usize = 60;

impl Compiler<'_> {
    /// Warns of a value that is a text where its writer may think of delimiters or of a null; in MSH-9 delimiters are a mistake.
    pub(super) fn check_constant(&mut self, place: &str, node: &Node) {
        let Tree::Scalar(scalar) = &node.tree else { return };
        let text = scalar.text.as_str();
        let is_text = !text.starts_with("lit:") && !text.starts_with('=') && !self.is_pipeline(text);
        if !is_text || text == "\"\"" {
            return;
        }
        if let Some(what) = no_value(scalar) {
            let hint = "for HL7's null write '\"\"', for this text put `lit:` in front, for nothing leave the rule out";
            self.warn(MappingError::new("M124", node.place, what).suggest(hint));
        } else if text.contains(DELIMITERS) && (place == "MSH-9" || place.starts_with("MSH-9.")) {
            let message = "MSH-9 would hold this as one text, with its delimiters escaped";
            let hint = "leave the field out: it is filled from `message`; or give its components by number";
            self.error(MappingError::new("M117", node.place, message).suggest(hint));
        } else if text.contains(DELIMITERS) {
            let message = format!("{place} holds this as one text: its delimiters are escaped");
            self.warn(MappingError::new("M123", node.place, message).suggest(instead(text, place)));
        }
    }

    /// The same of what a table gives.
    pub(super) fn check_entry(&mut self, node: &Node) {
        let Tree::Scalar(Scalar { text, .. }) = &node.tree else { return };
        if text.contains(DELIMITERS) && !text.starts_with("lit:") {
            let message = "a table gives one text: its delimiters are escaped";
            let hint = "use a table for each component; when this is one text, put `lit:` in front";
            self.warn(MappingError::new("M123", node.place, message).suggest(hint));
        }
    }

    fn warn(&mut self, warning: MappingError) {
        self.warnings.push(warning.into_warning());
    }
}

/// What is odd about a scalar that reads as no value in YAML.
fn no_value(scalar: &Scalar) -> Option<String> {
    let plain = scalar.style == Style::Plain;
    match scalar.text.as_str() {
        "" => Some("this is empty: nothing is written".to_owned()),
        text @ ("null" | "Null" | "NULL" | "~") if plain => {
            Some(format!("this is the text `{text}`, not a null"))
        }
        _ => None,
    }
}

/// The form that gives the parts which `text` seems to have.
fn instead(text: &str, place: &str) -> String {
    let otherwise = "when this is one text, put `lit:` in front";
    let whole_field = !place.contains('.');
    let odd = |c: char| matches!(c, '|' | '\\') || c.is_control();
    if text.len() > LONGEST || text.contains(odd) || !whole_field {
        return otherwise.to_owned();
    }
    let repetitions: Vec<String> = text.split('~').map(repetition).collect();
    let form = match repetitions.as_slice() {
        [only] => only.clone(),
        several => format!("[ {} ]", several.join(", ")),
    };
    format!("for its parts write `{form}`; {otherwise}")
}

/// `123^^^NORTH^MR` as `{ 1: 123, 4: NORTH, 5: MR }`.
fn repetition(text: &str) -> String {
    let part = |text: &str| if text.contains('&') { parts(text.split('&'), &plain) } else { plain(text) };
    if text.contains(['^', '&']) { parts(text.split('^'), &part) } else { plain(text) }
}

fn parts<'t>(texts: impl Iterator<Item = &'t str>, part: &dyn Fn(&str) -> String) -> String {
    let numbered = (1..).zip(texts).filter(|(_, text)| !text.is_empty());
    let parts: Vec<String> = numbered.map(|(number, text)| format!("{number}: {}", part(text))).collect();
    format!("{{ {} }}", parts.join(", "))
}

/// A text as it stands in braces.
fn plain(text: &str) -> String {
    let bare = text.chars().all(|c| c.is_alphanumeric() || matches!(c, ' ' | '_' | '-' | '.'))
        && text.trim() == text;
    if bare && !text.starts_with(['-', '.']) { text.to_owned() } else { format!("{text:?}") }
}
