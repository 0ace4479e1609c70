//! `to`: the version and the message that goes out.

use super::Compiler;
use crate::error::MappingError;
use crate::plan::MessageType;
use crate::standard::Version;
use crate::yaml::{Entry, Node, shortened};
use hl7_core::document;

impl Compiler<'_> {
    /// `{ hl7: "2.5.1", message: ADT^A08 }`
    pub(super) fn target(&mut self, node: &Node) -> Option<MessageType> {
        let (mut version, mut message) = (None, None);
        for Entry { key, value } in self.map(node, "`to`")? {
            match key.text.as_str() {
                "hl7" => version = Some(value),
                "message" => message = Some(value),
                _ => self.unknown_key(key, value, &["hl7", "message"]),
            }
        }
        self.needs(node.place, "`to`", &[("hl7", version), ("message", message)]);
        self.version = self.version_of(version?)?;
        self.message_type(message?)
    }

    pub(super) fn version_of(&mut self, node: &Node) -> Option<Version> {
        let text = self.text(node, "the version")?;
        let version = Version::of(text);
        if version.is_none() {
            let error =
                MappingError::new("M108", node.place, format!("there is no version {}", shortened(text)));
            self.error(error.suggest(format!(
                "the versions are {}",
                Version::all().map(Version::text).collect::<Vec<_>>().join(", ")
            )));
        }
        version
    }

    /// `ADT^A08` or `ADT^A08^ADT_A01`.
    pub(super) fn message_type(&mut self, node: &Node) -> Option<MessageType> {
        let text = self.text(node, "the message type")?;
        let parts: Vec<&str> = text.split('^').collect();
        let word = |part: &&str| {
            (1..=15).contains(&part.len())
                && part.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
        };
        if !parts.iter().all(word) {
            let error = MappingError::new("M107", node.place, "this is not a message type");
            self.error(error.suggest("the form is ADT^A08 or ADT^A08^ADT_A01"));
            return None;
        }
        let owned = |kind: &str, event: &str, structure: &str| MessageType {
            kind: kind.to_owned(),
            event: event.to_owned(),
            structure: structure.to_owned(),
        };
        match parts.as_slice() {
            [kind, event, structure] => {
                self.check_structure(node, (kind, event), structure);
                Some(owned(kind, event, structure))
            }
            [kind, event] => match self.version.structure(kind, event) {
                Some(structure) => Some(owned(kind, event, structure)),
                None => {
                    self.unknown_message(node, kind, event);
                    None
                }
            },
            _ => self.fail("M107", node.place, "a message type has a type and an event, such as ADT^A08"),
        }
    }

    fn unknown_message(&mut self, node: &Node, kind: &str, event: &str) {
        let (text, version) = (format!("{kind}^{event}"), self.version.text());
        let elsewhere = versions_with(|version| version.structure(kind, event).is_some());
        let (message, hint) = if elsewhere.is_empty() {
            let events = self.version.dictionary().events();
            let known: Vec<String> =
                events.map(|known| format!("{}^{}", known.message_type(), known.trigger_event())).collect();
            let near = document::did_you_mean(&text, known.iter().map(String::as_str));
            (format!("the structure of {text} is not known here for HL7 {version}"), near)
        } else {
            (
                format!("HL7 {version} has no {text}"),
                Some(format!("{text} is in HL7 {}.", elsewhere.join(" and "))),
            )
        };
        let write = "rite the structure behind it, as in ADT^A08^ADT_A01";
        let suggestion = hint.map_or_else(|| format!("w{write}"), |hint| format!("{hint} Else w{write}"));
        self.error(MappingError::new("M107", node.place, message).suggest(suggestion));
    }

    /// A structure that the file states: one that is younger than the version is a mistake, another than the standard's is odd.
    fn check_structure(&mut self, node: &Node, (kind, event): (&str, &str), structure: &str) {
        let version = self.version.text();
        let first = Version::all()
            .find(|version| version.dictionary().structure(structure).is_some())
            .filter(|first| *first > self.version);
        if let Some(first) = first {
            let error =
                MappingError::new("M107", node.place, format!("HL7 {version} has no structure {structure}"));
            self.error(error.suggest(match self.version.structure(kind, event) {
                Some(known) => format!("{kind}^{event} has the structure {known} in HL7 {version}"),
                None => format!("{structure} is in HL7 {} and later", first.text()),
            }));
            return;
        }
        if let Some(known) = self.version.structure(kind, event).filter(|known| *known != structure) {
            let message = format!("{kind}^{event} has the structure {known} in HL7 {version}");
            let suggestion =
                format!("write `message: {kind}^{event}`, unless the receiver wants {structure}");
            let warning = MappingError::new("M122", node.place, message).suggest(suggestion);
            self.warnings.push(warning.into_warning());
        }
    }
}

/// The spans of versions for which something holds: `2.4 and later`, `2.1 to 2.6`.
fn versions_with(holds: impl Fn(Version) -> bool) -> Vec<String> {
    let all: Vec<Version> = Version::all().collect();
    let spans =
        all.chunk_by(|a, b| holds(*a) == holds(*b)).filter(|span| span.first().is_some_and(|v| holds(*v)));
    spans
        .filter_map(|span| {
            let (since, until) = (span.first()?, span.last()?);
            Some(match (since == until, *until == Version::LAST) {
                (true, _) => since.text().to_owned(),
                (_, true) => format!("{} and later", since.text()),
                _ => format!("{} to {}", since.text(), until.text()),
            })
        })
        .collect()
}
