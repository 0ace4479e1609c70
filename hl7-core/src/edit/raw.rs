//! What a text has to be to stand in a place.

use std::borrow::Cow;

use crate::delimiters::Delimiters;
use crate::error::{EditError, EditErrorKind};
use crate::escape;
use crate::path::Path;

/// `text` escaped, an error where it needs that and there is no escape character.
pub(super) fn escaped<'t>(
    text: &'t str,
    delimiters: &Delimiters,
    path: &Path,
) -> Result<Cow<'t, str>, EditError> {
    let has_to_be = text == escape::NULL || escape::needs_escape(text, delimiters);
    if delimiters.escape().is_none() && has_to_be {
        return Err(EditError::new(EditErrorKind::NoDelimiter, path));
    }
    Ok(escape::escape_value(text, delimiters))
}

/// Line ends, and the characters that frame a message on the wire.
pub(super) fn breaks_line(byte: u8) -> bool {
    matches!(byte, b'\r' | b'\n' | 0x0B | 0x1C)
}
