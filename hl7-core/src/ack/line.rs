//! A segment of an acknowledgment, as text and as bytes.

use super::form::Form;
use crate::as_read::HeaderAsRead;
use crate::charset::Charset;

/// A field of an acknowledgment.
pub(super) enum Field {
    /// This field of the acknowledged message's MSH, as it was sent.
    AsSent(usize),
    Made(String),
}

pub(super) struct Line {
    id: &'static str,
    fields: Vec<Field>,
}

impl Line {
    /// A segment without its empty fields at the end; but `least` fields stand there.
    pub(super) fn new(id: &'static str, mut fields: Vec<Field>, least: usize, form: &Form<'_>) -> Self {
        let filled = fields.iter().rposition(|field| !field.text(form).is_empty()).map_or(0, |last| last + 1);
        fields.truncate(filled.max(least));
        Self { id, fields }
    }

    /// Writes it with the carriage return at its end.
    pub(super) fn write(&self, form: &Form<'_>, out: &mut String) {
        out.push_str(self.id);
        for field in &self.fields {
            out.push(form.delimiters.field());
            out.push_str(field.text(form));
        }
        out.push('\r');
    }

    /// The bytes without a line end; `None` when a text cannot be written.
    pub(super) fn bytes(
        &self,
        form: &Form<'_>,
        header: &HeaderAsRead<'_>,
        charset: Charset,
    ) -> Option<Vec<u8>> {
        let mut out = self.id.as_bytes().to_vec();
        for field in &self.fields {
            out.push(form.delimiters.field_byte());
            match field {
                Field::AsSent(field) => out.extend_from_slice(&header.field(*field)),
                Field::Made(text) => out.extend_from_slice(&charset.encode(text)?),
            }
        }
        Some(out)
    }
}

impl Field {
    fn text<'f>(&'f self, form: &Form<'f>) -> &'f str {
        match self {
            Self::AsSent(field) => form.sent.get(*field).copied().unwrap_or_default(),
            Self::Made(text) => text,
        }
    }
}
