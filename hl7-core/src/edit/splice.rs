//! Exchanging ranges of the text: spans and the bytes as read follow.

use std::ops::Range;

use crate::charset::Charset;
use crate::error::{EditError, EditErrorKind};
use crate::message::{Message, Span};
use crate::path::Path;
use crate::read::BYTE_ORDER_MARK;

/// A range of the text within one segment, and what comes into its place.
pub(super) struct Exchange {
    pub(super) segment: usize,
    pub(super) range: Range<usize>,
    pub(super) text: String,
}

impl Message<'_> {
    /// Makes all exchanges, which stand in the order of the text and do not overlap; or none.
    pub(super) fn exchange(&mut self, exchanges: &[Exchange], path: &Path) -> Result<(), EditError> {
        if exchanges.is_empty() {
            return Ok(());
        }
        let added: usize = exchanges.iter().map(|exchange| exchange.text.len()).sum();
        self.check_room(added, path)?;
        let names_charset = path.segment_id() == "MSH" && path.field() == Some(18);
        let undo = names_charset.then(|| self.clone().into_owned());
        self.exchange_text(exchanges, added);
        self.exchange_spans(exchanges);
        match undo {
            Some(before) if before.charset_of_header() != self.charset_of_header() => {
                self.adopt_charset(before, path)
            }
            _ => Ok(()),
        }
    }

    /// Whether `added` bytes more still make a message.
    pub(super) fn check_room(&self, added: usize, path: &Path) -> Result<(), EditError> {
        if self.text.len().saturating_add(added) > u32::MAX as usize {
            return Err(EditError::new(EditErrorKind::TooLong, path));
        }
        Ok(())
    }

    fn exchange_text(&mut self, exchanges: &[Exchange], added: usize) {
        if let [one] = exchanges {
            self.text.to_mut().replace_range(one.range.clone(), &one.text);
            return;
        }
        let mut text = String::with_capacity(self.text.len() + added);
        let mut at = 0;
        for exchange in exchanges {
            text.push_str(self.text.get(at..exchange.range.start).unwrap_or_default());
            text.push_str(&exchange.text);
            at = exchange.range.end;
        }
        text.push_str(self.text.get(at..).unwrap_or_default());
        self.text = text.into();
    }

    fn exchange_spans(&mut self, exchanges: &[Exchange]) {
        let Some(first) = exchanges.first() else { return };
        let mut left = exchanges.iter().peekable();
        let (mut added, mut removed) = (0, 0);
        for (index, span) in self.spans.iter_mut().enumerate().skip(first.segment) {
            span.start = moved(span.start, added, removed);
            while let Some(exchange) = left.next_if(|exchange| exchange.segment == index) {
                added += exchange.text.len();
                removed += exchange.range.len();
            }
            span.end = moved(span.end, added, removed);
        }
        if let Some(origin) = &mut self.origin {
            origin.forget(exchanges.iter().map(|exchange| exchange.segment));
        }
    }

    /// After MSH-18 changed: the whole message is from now on written in the set it names.
    fn adopt_charset(&mut self, before: Message<'static>, path: &Path) -> Result<(), EditError> {
        match self.charset_of_header() {
            Ok(stated) => {
                self.write_in(stated);
                Ok(())
            }
            Err(why) => {
                *self = before;
                Err(EditError::new(EditErrorKind::Charset(why), path))
            }
        }
    }

    /// From now on every segment is written in `charset`. A text with replaced characters stays unwritable.
    pub(super) fn write_in(&mut self, charset: Option<Charset>) {
        self.read_in = charset;
        match &mut self.origin {
            Some(origin) if origin.replaced => origin.forget(0..self.spans.len()),
            _ => self.origin = None,
        }
        if charset.is_some_and(|charset| charset != Charset::Utf8) && self.text.starts_with(BYTE_ORDER_MARK) {
            self.text.to_mut().drain(..BYTE_ORDER_MARK.len());
            for span in &mut self.spans {
                *span = Span {
                    start: moved(span.start, 0, BYTE_ORDER_MARK.len()),
                    end: moved(span.end, 0, BYTE_ORDER_MARK.len()),
                };
            }
        }
    }
}

/// A place behind what was added and removed. Texts are shorter than 4 GiB, before and after.
fn moved(at: u32, added: usize, removed: usize) -> u32 {
    (at as usize + added - removed) as u32
}
