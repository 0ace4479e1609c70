//! Writing a message as bytes.

use std::borrow::Cow;

use crate::charset::{Charset, CharsetError};
use crate::error::{EncodeError, EncodeErrorKind};
use crate::message::{Message, Origin, Span};

impl Message<'_> {
    /// The character set this message is written in: the one it was read in, else the one of MSH-18, else UTF-8.
    ///
    /// # Errors
    /// When MSH-18 names a set that is not known.
    pub fn charset(&self) -> Result<Charset, CharsetError> {
        match self.read_in {
            Some(charset) => Ok(charset),
            None => self.charset_of_header().map(|stated| stated.unwrap_or(Charset::Utf8)),
        }
    }

    /// The set that MSH-18 states.
    pub(crate) fn charset_of_header(&self) -> Result<Option<Charset>, CharsetError> {
        let labels = self.iter().next().and_then(|header| header.field(18));
        match labels {
            Some(field) => Charset::from_labels(field.repetitions().map(|label| label.raw())),
            None => Ok(None),
        }
    }

    /// The bytes: exactly those that were read, as long as nothing was edited; after an edit the untouched segments
    /// as they were read and the others in the message's character set. Line ends stay as they are.
    ///
    /// # Errors
    /// When a character does not exist in the character set, when MSH-18 names an unknown one, or when a segment
    /// in which undecodable bytes were replaced was edited since.
    pub fn to_bytes(&self) -> Result<Cow<'_, [u8]>, EncodeError> {
        let charset = self.known_charset()?;
        let Some(origin) = &self.origin else {
            return charset.encode(&self.text).ok_or_else(|| self.not_in(charset));
        };
        if origin.whole {
            return Ok(Cow::Borrowed(&origin.bytes));
        }
        let mut out = Vec::with_capacity(self.text.len());
        let mut at = 0;
        for (index, span) in self.spans.iter().enumerate() {
            push_line_ends(&mut out, self.text.get(at..span.start as usize));
            self.encode_segment(&mut out, index, *span, charset, Some(origin))?;
            at = span.end as usize;
        }
        push_line_ends(&mut out, self.text.get(at..));
        Ok(Cow::Owned(out))
    }

    /// The bytes for sending: every segment ends in CR (HL7 2.5.1, chapter 2, section 2.5.4), with no byte order mark and no blank lines.
    ///
    /// # Errors
    /// As [`Message::to_bytes`].
    pub fn to_wire(&self) -> Result<Vec<u8>, EncodeError> {
        let charset = self.known_charset()?;
        let mut out = Vec::with_capacity(self.text.len() + 1);
        for (index, span) in self.spans.iter().enumerate() {
            self.encode_segment(&mut out, index, *span, charset, self.origin.as_deref())?;
            out.push(b'\r');
        }
        Ok(out)
    }

    fn encode_segment(
        &self,
        out: &mut Vec<u8>,
        index: usize,
        span: Span,
        charset: Charset,
        origin: Option<&Origin<'_>>,
    ) -> Result<(), EncodeError> {
        let as_read = origin.and_then(|origin| {
            let span = (*origin.spans.get(index)?)?;
            origin.bytes.get(span.start as usize..span.end as usize)
        });
        if let Some(bytes) = as_read {
            out.extend_from_slice(bytes);
            return Ok(());
        }
        let text = span.of(&self.text);
        if origin.is_some_and(|origin| origin.replaced) && text.contains(char::REPLACEMENT_CHARACTER) {
            return Err(EncodeError::new(EncodeErrorKind::Replaced, index + 1));
        }
        let bytes = charset
            .encode(text)
            .ok_or_else(|| EncodeError::new(EncodeErrorKind::NotInCharset(charset), index + 1))?;
        out.extend_from_slice(&bytes);
        Ok(())
    }

    fn known_charset(&self) -> Result<Charset, EncodeError> {
        self.charset().map_err(|why| EncodeError::new(EncodeErrorKind::Charset(why), 1))
    }

    /// The error that names the first segment with a character outside `charset`.
    fn not_in(&self, charset: Charset) -> EncodeError {
        let segment = self.first_outside(charset).unwrap_or(0);
        EncodeError::new(EncodeErrorKind::NotInCharset(charset), segment + 1)
    }

    /// The index of the first segment with a character outside `charset`.
    pub(crate) fn first_outside(&self, charset: Charset) -> Option<usize> {
        self.spans.iter().position(|span| charset.encode(span.of(&self.text)).is_none())
    }
}

/// What stands between segments: line ends, the same in every character set.
fn push_line_ends(out: &mut Vec<u8>, between: Option<&str>) {
    out.extend_from_slice(between.unwrap_or_default().as_bytes());
}
