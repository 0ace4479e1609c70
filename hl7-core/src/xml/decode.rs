//! The text of XML that comes as bytes (XML 1.0, section 4.3.3 and appendix F).

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8};

use super::{XmlError, XmlErrorKind};

/// How far the end of the XML declaration is looked for.
const DECLARATION: usize = 256;

pub(super) fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, XmlError> {
    let unfit = || XmlError::in_text(XmlErrorKind::Encoding, "", 0);
    let (encoding, mark) = match Encoding::for_bom(bytes) {
        Some(found) => found,
        None => (stated(bytes).ok_or_else(unfit)?, 0),
    };
    let text = bytes.get(mark..).unwrap_or_default();
    if encoding == UTF_8 {
        return utf8(text).map(Cow::Borrowed);
    }
    encoding.decode_without_bom_handling_and_without_replacement(text).ok_or_else(unfit)
}

fn utf8(bytes: &[u8]) -> Result<&str, XmlError> {
    std::str::from_utf8(bytes).map_err(|why| {
        let before = bytes.get(..why.valid_up_to()).and_then(|before| std::str::from_utf8(before).ok());
        XmlError::in_text(XmlErrorKind::Encoding, before.unwrap_or_default(), why.valid_up_to())
    })
}

/// The encoding of the declaration, else UTF-8; `None` for one that is not known.
fn stated(bytes: &[u8]) -> Option<&'static Encoding> {
    let start = bytes.get(..bytes.len().min(DECLARATION)).unwrap_or_default();
    if !start.starts_with(b"<?xml") {
        return Some(UTF_8);
    }
    let end = start.iter().position(|&byte| byte == b'>').unwrap_or(start.len());
    let declaration = start.get(..end).unwrap_or_default();
    let Some(at) = memchr::memmem::find(declaration, b"encoding") else { return Some(UTF_8) };
    let mut parts = declaration.get(at..)?.split(|byte| matches!(byte, b'"' | b'\''));
    let encoding = Encoding::for_label(parts.nth(1)?)?;
    // A declaration that can be read as ASCII is not in UTF-16.
    Some(if encoding.is_ascii_compatible() { encoding } else { UTF_8 })
}
