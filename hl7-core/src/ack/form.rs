//! The form of an acknowledgment: the delimiters and the version of the message it answers.

use super::code::AckCode;
use crate::charset::Charset;
use crate::delimiters::Delimiters;
use crate::escape;
use crate::message::Message;
use crate::piece::Value;

/// An acknowledgment repeats no field behind MSH-18.
const SENT: usize = 19;

/// What each segment of an acknowledgment is written by.
#[derive(Clone, Copy)]
pub(super) struct Form<'m> {
    pub(super) message: &'m Message<'m>,
    pub(super) delimiters: Delimiters,
    pub(super) version: Version,
    pub(super) code: AckCode,
    /// The fields of MSH as they were sent, by their numbers.
    pub(super) sent: [&'m str; SENT],
    /// `None` when the message names a set that is not known. It was read all the same, from text or as another one.
    pub(super) charset: Option<Charset>,
}

impl<'m> Form<'m> {
    pub(super) fn of(message: &'m Message<'m>, code: AckCode) -> Self {
        let mut sent = [""; SENT];
        let fields = message.segment_at(0).fields();
        sent.iter_mut().skip(1).zip(fields).for_each(|(sent, field)| *sent = field.raw());
        Self {
            message,
            sent,
            delimiters: message.delimiters(),
            version: Version::of(&message.header().version().map(Value::text).unwrap_or_default()),
            code,
            charset: message.charset().ok(),
        }
    }

    /// MSH-9.2 of the message, as sent; nothing when it is null.
    pub(super) fn event(&self) -> &'m str {
        let event = self.message.header().trigger_event().filter(|event| !event.is_null());
        event.map_or("", Value::raw)
    }

    /// `text` as one value, whatever it holds: escaped, or where the message has no escape character with blanks in place of what would
    /// separate.
    pub(super) fn value(&self, text: &str) -> String {
        let d = &self.delimiters;
        if d.escape().is_some() || !escape::needs_escape(text, d) {
            let null = text == escape::NULL && d.escape().is_none();
            return if null { "\" \"".to_owned() } else { escape::escape_value(text, d).into_owned() };
        }
        let separates = |c: char| c.is_ascii() && escape::needs_escape(c.encode_utf8(&mut [0; 4]), d);
        text.replace(separates, " ")
    }

    /// A text for people as one value. A character that the sender's set does not have becomes a question mark: a text that cannot be
    /// written must not keep the acknowledgment back.
    pub(super) fn words(&self, text: &str) -> String {
        let has = |set: Charset, text: &str| set.encode(text).is_some();
        match self.charset {
            Some(set) if !has(set, text) => {
                let lacks = |c: char| !has(set, c.encode_utf8(&mut [0; 4]));
                self.value(&text.replace(lacks, "?"))
            }
            _ => self.value(text),
        }
    }
}

/// MSH-12, when it is a version.
#[derive(Clone, Copy)]
pub(super) struct Version(Option<[u32; 3]>);

impl Version {
    /// The version that MSH-12.1 states, as sent: no version needs an escape sequence.
    pub(super) fn of(stated: &str) -> Self {
        let stated = Some(stated.trim()).filter(|stated| !stated.is_empty());
        Self(stated.and_then(|stated| {
            let mut numbers = [0; 3];
            let mut parts = stated.split('.');
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
