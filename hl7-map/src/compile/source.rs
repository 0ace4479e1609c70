//! `from: { hl7: .., message: .., accept_versions: .. }`: the message that is read.

use super::Compiler;
use crate::plan::SourceMessage;
use crate::standard::{Layout, Version};
use crate::yaml::{Entry, Node, Tree};

impl Compiler<'_> {
    /// The message of `from`, where it names one, and its structure.
    pub(super) fn source(&mut self, node: &Node) -> Option<SourceMessage> {
        let Tree::Map(entries) = &node.tree else { return None };
        let (mut version, mut message, mut versions) = (None, None, None);
        for Entry { key, value } in entries {
            match key.text.as_str() {
                "hl7" => version = Some(value),
                "message" => message = Some(value),
                "accept_versions" => versions = Some(value),
                _ => self.unknown_key(key, value, &["hl7", "message", "accept_versions"]),
            }
        }
        self.needs(node.place, "`from`", &[("hl7", version), ("message", message)]);
        let version = self.version_of(version?)?;
        self.version = version;
        let kind = self.message_type(message?)?;
        self.layout = Layout::of(&kind.structure, version);
        let versions = match versions {
            Some(node) => self.versions(node)?,
            None => (version, version),
        };
        self.read_versions = Some(versions);
        let line = node.place.line;
        Some(SourceMessage { kind: kind.kind, event: kind.event, version, versions, line })
    }

    /// `{ from: "2.3", to: "2.8" }`
    fn versions(&mut self, node: &Node) -> Option<(Version, Version)> {
        let (mut from, mut to) = (Version::V2_1, Version::LAST);
        for Entry { key, value } in self.map(node, "`accept_versions`")? {
            match key.text.as_str() {
                "from" => from = self.version_of(value)?,
                "to" => to = self.version_of(value)?,
                _ => self.unknown_key(key, value, &["from", "to"]),
            }
        }
        if from > to {
            return self.fail("M010", node.place, "`from` is a later version than `to`");
        }
        Some((from, to))
    }
}
