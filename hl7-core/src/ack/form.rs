//! The form of an acknowledgment: the delimiters and the version of the message it answers.

use super::code::AckCode;
use crate::delimiters::Delimiters;
use crate::escape;
use crate::header::Header;
use crate::message::Message;

/// What each segment of an acknowledgment is written by.
#[derive(Clone, Copy)]
pub(super) struct Form<'m> {
    pub(super) message: &'m Message<'m>,
    pub(super) delimiters: Delimiters,
    pub(super) version: Version,
    pub(super) code: AckCode,
}

impl<'m> Form<'m> {
    pub(super) fn of(message: &'m Message<'m>, code: AckCode) -> Self {
        Self { message, delimiters: message.delimiters(), version: Version::of(message.header()), code }
    }

    /// A segment, without the separators of empty fields at its end; but `least` fields stand there.
    pub(super) fn line(&self, id: &str, fields: &[String], least: usize) -> String {
        let filled = fields.iter().rposition(|field| !field.is_empty()).map_or(0, |last| last + 1);
        let filled = filled.max(least);
        let mut out = id.to_owned();
        for field in fields.iter().take(filled) {
            out.push(self.delimiters.field());
            out.push_str(field);
        }
        out.push('\r');
        out
    }

    /// `text` as one value, whatever it holds: escaped, or where the message has no escape character with blanks in place of what would
    /// separate.
    pub(super) fn value(&self, text: &str) -> String {
        let d = &self.delimiters;
        if d.escape().is_some() || !escape::needs_escape(text, d) {
            return escape::escape(text, d).into_owned();
        }
        let separates = |c: char| c.is_ascii() && escape::needs_escape(c.encode_utf8(&mut [0; 4]), d);
        text.replace(separates, " ")
    }
}

/// MSH-12, when it is a version.
#[derive(Clone, Copy)]
pub(super) struct Version(Option<[u32; 3]>);

impl Version {
    pub(super) fn of(header: Header<'_>) -> Self {
        let stated = header.version().map(|version| version.text());
        Self(stated.and_then(|stated| {
            let mut numbers = [0; 3];
            let mut parts = stated.trim().split('.');
            for (number, part) in numbers.iter_mut().zip(parts.by_ref()) {
                *number = part.parse().ok()?;
            }
            parts.next().is_none().then_some(numbers)
        }))
    }

    /// Whether it is this version or a later one. A missing or strange version counts as the latest.
    pub(super) fn is_at_least(self, major: u32, minor: u32, patch: u32) -> bool {
        self.0.is_none_or(|numbers| numbers >= [major, minor, patch])
    }

    /// MSA-3 was deprecated by 2.4 and withdrawn by 2.7. A sender that states no version is an old one.
    pub(super) fn withdraws_text(self) -> bool {
        self.0.is_some() && self.is_at_least(2, 7, 0)
    }
}
