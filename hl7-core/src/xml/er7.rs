//! Writes a message in the pipe form, part by part in their order.

use super::{MOST, XmlErrorKind};
use crate::delimiters::{Delimiters, Level};
use crate::escape;
use crate::segment::Segment;

/// A message as far as it is written.
pub(super) struct Er7 {
    text: String,
    delimiters: Delimiters,
    max_bytes: usize,
    /// The numbers of the part that was written last; 0 is none.
    field: usize,
    component: usize,
    subcomponent: usize,
}

type Written = Result<(), XmlErrorKind>;

impl Er7 {
    /// With an MSH segment that states these delimiters.
    pub(super) fn new(delimiters: Delimiters, max_bytes: usize) -> Self {
        let text = format!("MSH{}{}", delimiters.field(), delimiters.encoding_characters());
        Self { text, delimiters, max_bytes, field: 2, component: 0, subcomponent: 0 }
    }

    pub(super) fn segment(&mut self, id: &str) -> Written {
        self.text.push('\r');
        self.text.push_str(id);
        // The first field of a header is its separator.
        self.field = usize::from(matches!(id, "MSH" | "BHS" | "FHS"));
        self.check_length()
    }

    /// A line that is no segment, as it is.
    pub(super) fn line(&mut self, raw: &str) -> Written {
        let is_segment = Segment::new(raw, self.delimiters).has_valid_id();
        if raw.is_empty() || is_segment || raw.contains(['\r', '\n']) {
            return Err(XmlErrorKind::UnknownElement);
        }
        self.text.push('\r');
        self.value(raw)
    }

    /// The next field, or the next repetition of the last one.
    pub(super) fn field(&mut self, number: usize) -> Written {
        let (level, times) = match number {
            1.. if number == self.field => (Level::Repetition, 1),
            _ => (Level::Field, steps(self.field, number)?),
        };
        (self.field, self.component, self.subcomponent) = (number, 0, 0);
        self.separate(level, times)
    }

    /// The first or second field of a header behind the first, which are written as they are.
    pub(super) fn literal(&mut self, number: usize, text: &str) -> Written {
        let separator = self.delimiters.field();
        let is_sound = match number {
            1 => text.chars().eq([separator]) && self.field == 1,
            _ => !text.contains([separator, '\r', '\n']),
        };
        match number {
            _ if !is_sound => Err(XmlErrorKind::Delimiters),
            1 => self.field(2),
            _ if self.field == 2 => self.value(text),
            _ => self.field(2).and_then(|()| self.value(text)),
        }
    }

    pub(super) fn component(&mut self, number: usize) -> Written {
        let times = steps(self.component, number)? - usize::from(self.component == 0);
        (self.component, self.subcomponent) = (number, 0);
        self.separate(Level::Component, times)
    }

    pub(super) fn subcomponent(&mut self, number: usize) -> Written {
        let times = steps(self.subcomponent, number)? - usize::from(self.subcomponent == 0);
        self.subcomponent = number;
        self.separate(Level::Subcomponent, times)
    }

    /// A value as it is to be sent.
    pub(super) fn value(&mut self, raw: &str) -> Written {
        self.text.push_str(raw);
        self.check_length()
    }

    /// Appends text to a value, escaped. A truncation character in it is one: what is meant as a character comes as an escape sequence.
    pub(super) fn escape(&self, value: &mut String, text: &str) -> Written {
        // Of the control characters of XML only line ends mean something here.
        let delimiters = self.delimiters.without_truncation();
        let means_something =
            |byte| matches!(byte, b'\r' | b'\n') || delimiters.escape_letter(byte).is_some();
        if self.delimiters.escape().is_none() && text.bytes().any(means_something) {
            return Err(XmlErrorKind::NoDelimiter);
        }
        escape::escape_into(value, text, &delimiters);
        Ok(())
    }

    /// Appends an escape sequence to a value.
    pub(super) fn sequence(&self, value: &mut String, body: &str) -> Written {
        let mark = self.delimiters.escape().ok_or(XmlErrorKind::NoDelimiter)?;
        let d = &self.delimiters;
        let separators = [Some(mark), Some(d.field()), d.repetition(), d.component(), d.subcomponent()];
        if body.contains(|c| separators.contains(&Some(c))) || !escape::is_escape_sequence(body, d) {
            return Err(XmlErrorKind::BadEscape);
        }
        value.push(mark);
        value.push_str(body);
        value.push(mark);
        Ok(())
    }

    pub(super) fn end(mut self) -> String {
        self.text.push('\r');
        self.text
    }

    fn separate(&mut self, level: Level, times: usize) -> Written {
        let missing = match level {
            Level::Field => false,
            Level::Repetition => self.delimiters.repetition().is_none(),
            Level::Component => self.delimiters.component().is_none(),
            Level::Subcomponent => self.delimiters.subcomponent().is_none(),
        };
        if missing && times > 0 {
            return Err(XmlErrorKind::NoDelimiter);
        }
        let separator = char::from(self.delimiters.between(level));
        self.text.extend(std::iter::repeat_n(separator, times));
        self.check_length()
    }

    fn check_length(&self) -> Written {
        if self.text.len() > self.max_bytes { Err(XmlErrorKind::TooLong) } else { Ok(()) }
    }
}

/// How many separators stand between two parts.
fn steps(last: usize, next: usize) -> Result<usize, XmlErrorKind> {
    match next {
        0 => Err(XmlErrorKind::UnknownElement),
        _ if next > MOST => Err(XmlErrorKind::UnknownElement),
        _ if next <= last => Err(XmlErrorKind::OutOfOrder),
        _ => Ok(next - last),
    }
}
