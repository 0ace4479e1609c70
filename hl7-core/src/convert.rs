//! The same message with other delimiters, or in another character set.

use crate::charset::Charset;
use crate::delimiters::Delimiters;
use crate::error::{EditError, EditErrorKind, EncodeError, EncodeErrorKind};
use crate::escape;
use crate::message::{Message, Origin, Span};
use crate::path;

impl Message<'_> {
    /// The same message with other delimiters. Every value keeps its meaning: what is a delimiter now is escaped, and what no longer is
    /// one is not. Escape sequences that stand for no delimiter (`\H\`, `\X0D\`, `\Z1\` ...) stay, between the new escape characters. A
    /// truncation character becomes the new one; where there is none, it stays a character.
    ///
    /// # Errors
    /// When the new delimiters lack one that a segment needs, or would stand in an escape sequence or in the name of the character set.
    ///
    /// ```
    /// use hl7_core::{Delimiters, Message};
    /// let msg = Message::parse("MSH|^~\\&|A\rPID|1||7#1^^^H~8||Smith \\T\\ Sons\r")?;
    /// let other = msg.with_delimiters(Delimiters::new('#', "!~@&")?)?;
    /// assert_eq!(other.as_er7(), "MSH#!~@&#A\rPID#1##7@F@1!!!H~8##Smith @T@ Sons\r");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn with_delimiters(&self, delimiters: Delimiters) -> Result<Message<'static>, EncodeError> {
        if delimiters == self.delimiters {
            return Ok(self.clone().into_owned());
        }
        let translation = Translation { from: self.delimiters, to: delimiters };
        let mut text = String::with_capacity(self.text.len() + self.text.len() / 16);
        let mut spans = Vec::with_capacity(self.spans.len());
        let mut at = 0;
        for (index, span) in self.spans.iter().enumerate() {
            let fault = |kind| EncodeError::new(kind, index + 1);
            text.push_str(self.text.get(at..span.start as usize).unwrap_or_default());
            let start = text.len();
            let written = translation.segment(&mut text, span.of(&self.text), index);
            written.ok_or_else(|| fault(EncodeErrorKind::Delimiters))?;
            let end = u32::try_from(text.len()).map_err(|_| fault(EncodeErrorKind::TooLong))?;
            spans.push(Span { start: start as u32, end });
            at = span.end as usize;
        }
        text.push_str(self.text.get(at..).unwrap_or_default());
        let origin = self.origin.as_ref().filter(|origin| origin.replaced).map(|_| rewritten(spans.len()));
        let read_in = self.read_in;
        let message = Message { text: text.into(), spans, delimiters, read_in, origin };
        if message.charset_of_header() != self.charset_of_header() {
            return Err(EncodeError::new(EncodeErrorKind::Delimiters, 1));
        }
        Ok(message)
    }

    /// The same message in another character set: MSH-18 names it, and [`Message::to_bytes`] and [`Message::to_wire`] write in it. For
    /// [`Charset::Iso2022Jp`] MSH-18 names it as a second set behind ASCII.
    ///
    /// # Errors
    /// When a segment has a character that does not exist in that set, or holds replaced bytes, or when MSH-2 lacks a delimiter that
    /// MSH-18 needs.
    ///
    /// ```
    /// use hl7_core::{Charset, Message};
    /// let msg = Message::parse("MSH|^~\\&|A\rPID|1||7||M\u{fc}ller\r")?;
    /// let latin = msg.with_charset(Charset::Iso8859_1)?;
    /// assert_eq!(latin.to_wire()?, b"MSH|^~\\&|A|||||||||||||||8859/1\rPID|1||7||M\xFCller\r");
    /// assert_eq!(msg.with_charset(Charset::Ascii).unwrap_err().segment(), 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn with_charset(&self, charset: Charset) -> Result<Message<'static>, EncodeError> {
        let same = self.charset() == Ok(charset) && self.charset_of_header() == Ok(Some(charset));
        if same && self.origin.is_some() {
            return Ok(self.clone().into_owned());
        }
        if self.origin.as_ref().is_some_and(|origin| origin.replaced) {
            let holds = |span: &Span| span.of(&self.text).contains(char::REPLACEMENT_CHARACTER);
            let segment = self.spans.iter().position(holds).unwrap_or(0);
            return Err(EncodeError::new(EncodeErrorKind::Replaced, segment + 1));
        }
        let mut message = self.clone().into_owned();
        let stated = message.state_charset(charset);
        stated.map_err(|error| match error.kind() {
            EditErrorKind::TooLong => EncodeError::new(EncodeErrorKind::TooLong, 1),
            _ => EncodeError::new(EncodeErrorKind::Delimiters, 1),
        })?;
        match message.first_outside(charset) {
            Some(segment) => Err(EncodeError::new(EncodeErrorKind::NotInCharset(charset), segment + 1)),
            None => Ok(message),
        }
    }

    /// Sets MSH-18.
    pub(crate) fn state_charset(&mut self, charset: Charset) -> Result<(), EditError> {
        let (path, label) = (path!("MSH-18"), charset.label());
        match (charset, self.delimiters.repetition()) {
            (Charset::Iso2022Jp, None) => Err(EditError::new(EditErrorKind::NoDelimiter, path)),
            (Charset::Iso2022Jp, Some(separator)) => self.set_raw(path, &format!("{separator}{label}")),
            _ => self.set(path, label),
        }
    }
}

/// The mark of a text with replaced characters none of whose segments is as it was read.
fn rewritten(segments: usize) -> Box<Origin<'static>> {
    Box::new(Origin { bytes: Vec::new().into(), spans: vec![None; segments], whole: false, replaced: true })
}

/// From one set of delimiters to another.
struct Translation {
    from: Delimiters,
    to: Delimiters,
}

impl Translation {
    /// Writes a segment, or gives `None` where that cannot be.
    fn segment(&self, out: &mut String, segment: &str, index: usize) -> Option<()> {
        match header_fields(segment, self.from.field_byte(), index) {
            Some((id, fields)) => {
                out.push_str(id);
                out.push(self.to.field());
                out.push_str(&self.to.encoding_characters());
                self.pieces(out, fields)
            }
            None => self.pieces(out, segment),
        }
    }

    fn pieces(&self, out: &mut String, text: &str) -> Option<()> {
        let special = |byte| self.from.escape_letter(byte).is_some() || self.to.escape_letter(byte).is_some();
        let mut rest = text;
        while let Some(at) = rest.bytes().position(special) {
            let (plain, behind) = rest.split_at(at);
            out.push_str(plain);
            let byte = *behind.as_bytes().first()?;
            let read = if byte == self.from.escape_byte() {
                self.escape_sequence(out, behind)?
            } else {
                self.delimiter(out, byte)?
            };
            rest = behind.get(read..).unwrap_or_default();
        }
        out.push_str(rest);
        Some(())
    }

    /// A delimiter becomes the one of its level; any other character stands for itself.
    fn delimiter(&self, out: &mut String, byte: u8) -> Option<usize> {
        let (from, to) = (&self.from, &self.to);
        match from.escape_letter(byte) {
            Some('F') => out.push(to.field()),
            Some('S') => out.push(to.component()?),
            Some('R') => out.push(to.repetition()?),
            Some('T') => out.push(to.subcomponent()?),
            Some('P') if to.truncation().is_some() => out.push(to.truncation()?),
            _ => self.character(out, char::from(byte))?,
        }
        Some(1)
    }

    /// What stands from an escape character on; gives how much of it was read.
    fn escape_sequence(&self, out: &mut String, text: &str) -> Option<usize> {
        let from = &self.from;
        let bytes = text.as_bytes().get(1..)?;
        let separates = |byte| matches!(from.escape_letter(byte), Some('F' | 'S' | 'R' | 'T' | 'E'));
        let end = bytes.iter().position(|&byte| separates(byte));
        let closed = end.filter(|&end| bytes.get(end) == Some(&from.escape_byte()));
        let body =
            closed.and_then(|end| text.get(1..=end)).filter(|body| escape::is_escape_sequence(body, from));
        let Some(body) = body else {
            // It opens nothing, so it stands for itself.
            self.character(out, from.escape()?)?;
            return Some(1);
        };
        match body.as_bytes() {
            &[letter] => match (from.of_escape_letter(letter), self.to.of_escape_letter(letter)) {
                (Some(delimiter), _) => self.character(out, delimiter)?,
                (None, None) => self.keep(out, body)?,
                // It would mean a delimiter now and did not before.
                (None, Some(_)) => self.spell_out(out, body)?,
            },
            _ => self.keep(out, body)?,
        }
        Some(body.len() + 2)
    }

    fn character(&self, out: &mut String, character: char) -> Option<()> {
        let mut buffer = [0; 4];
        let text: &str = character.encode_utf8(&mut buffer);
        if escape::needs_escape(text, &self.to) {
            self.to.escape()?;
        }
        escape::escape_into(out, text, &self.to);
        Some(())
    }

    fn keep(&self, out: &mut String, body: &str) -> Option<()> {
        let mark = self.to.escape()?;
        let holds_delimiter = body.bytes().any(|byte| self.to.escape_letter(byte).is_some());
        (!holds_delimiter).then(|| out.extend([mark].into_iter().chain(body.chars()).chain([mark])))
    }

    fn spell_out(&self, out: &mut String, body: &str) -> Option<()> {
        let mark = self.from.escape()?;
        self.character(out, mark)?;
        out.push_str(body);
        self.character(out, mark)
    }
}

/// The ID of a segment that states delimiters and what stands behind MSH-2. A later line that calls itself MSH is a broken one.
fn header_fields(segment: &str, separator: u8, index: usize) -> Option<(&str, &str)> {
    let (id, rest) = segment.split_at_checked(3)?;
    let header = matches!(id, "FHS" | "BHS") || (id == "MSH" && index == 0);
    let encoding = rest.strip_prefix(char::from(separator)).filter(|_| header)?;
    let end = encoding.bytes().position(|byte| byte == separator).unwrap_or(encoding.len());
    Some((id, encoding.get(end..)?))
}
