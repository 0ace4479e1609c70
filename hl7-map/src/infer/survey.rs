//! What kind of message the samples are, and which places are not looked for.

use hl7_core::Message;
use hl7_core::dictionary::{self, Dictionary};

use crate::standard::{self, Layout, has_event_segment};

/// The type and version of a message.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Kind {
    pub(super) version: dictionary::Version,
    /// `ADT^A08`, with the structure where the standard has another.
    pub(super) message: String,
    pub(super) has_event: bool,
}

impl Kind {
    pub(super) fn of(message: &Message<'_>) -> Option<Self> {
        let header = message.header();
        let text = |value: Option<hl7_core::Value<'_>>| {
            value
                .map(|value| value.raw().to_owned())
                .filter(|text| text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'))
        };
        let (kind, event) = (text(header.message_type())?, text(header.trigger_event())?);
        let version = dictionary::Version::nearest(&header.version()?.text())?;
        let known = Dictionary::of(version).structure_of(&kind, &event).map(|known| known.name().to_owned());
        let message = match (known, text(header.structure())) {
            (None, Some(stated)) => format!("{kind}^{event}^{stated}"),
            _ => format!("{kind}^{event}"),
        };
        Some(Self { version, message, has_event: has_event_segment(&kind) })
    }

    /// Whether the structure is stated, or the standard has one in this version.
    pub(super) fn has_structure(&self) -> bool {
        self.message.matches('^').count() == 2 || self.layout().is_some()
    }

    /// The structure, where the version has it.
    pub(super) fn layout(&self) -> Option<Layout> {
        let mut parts = self.message.split('^');
        let (kind, event, stated) = (parts.next()?, parts.next()?, parts.next());
        let version = standard::Version::of(self.version.number())?;
        Layout::of(stated.or_else(|| version.structure(kind, event))?, version)
    }

    pub(super) fn dictionary(&self) -> Dictionary {
        Dictionary::of(self.version)
    }

    /// Whether the engine fills the field in by itself.
    pub(super) fn is_filled(&self, segment: &str, field: usize) -> bool {
        match (segment, field) {
            ("MSH", 1 | 2 | 9 | 12 | 18) => true,
            ("EVN", 1) => self.version <= dictionary::Version::V2_2,
            (_, 1) => standard::has_set_id(segment),
            _ => false,
        }
    }

    /// Whether the engine fills it in when nothing is found for it: the control ID, clocks, and the processing ID.
    pub(super) fn may_be_filled(&self, segment: &str, field: usize) -> bool {
        matches!((segment, field), ("MSH", 7 | 10 | 11)) || ((segment, field) == ("EVN", 2) && self.has_event)
    }
}
