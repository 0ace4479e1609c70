//! Escape sequences (HL7 2.5.1, chapter 2, section 2.7): what stands between two escape characters.

use std::borrow::Cow;

use crate::delimiters::Delimiters;

/// Writes `text` so that it can stand in a field: each delimiter becomes its escape sequence, a carriage return
/// `\X0D\`, any other control character `\Xhh\`. Text that needs nothing is borrowed.
///
/// Where there is no escape character, delimiters and control characters stay as they are; [`crate::Message::set`] refuses
/// such a value instead.
///
/// ```
/// use hl7_core::{escape, Delimiters};
/// assert_eq!(escape("a|b\r", &Delimiters::default()), "a\\F\\b\\X0D\\");
/// ```
pub fn escape<'t>(text: &'t str, delimiters: &Delimiters) -> Cow<'t, str> {
    if !needs_escape(text, delimiters) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    escape_into(&mut out, text, delimiters);
    Cow::Owned(out)
}

/// HL7's null, the order to delete a value.
pub(crate) const NULL: &str = "\"\"";

/// `text` as a whole value: as [`escape`] writes it, and two quotes, which are no order to delete, as hexadecimal data.
pub(crate) fn escape_value<'t>(text: &'t str, delimiters: &Delimiters) -> Cow<'t, str> {
    match (text, delimiters.escape()) {
        (NULL, Some(mark)) => Cow::Owned(format!("{mark}X2222{mark}")),
        _ => escape(text, delimiters),
    }
}

/// Appends `text` to `out`, escaped as [`escape`] does.
pub fn escape_into(out: &mut String, text: &str, delimiters: &Delimiters) {
    let Some(mark) = delimiters.escape() else {
        out.push_str(text);
        return;
    };
    let mut plain = 0;
    for (at, byte) in text.bytes().enumerate() {
        let letter = delimiters.escape_letter(byte);
        if letter.is_none() && !byte.is_ascii_control() {
            continue;
        }
        out.push_str(text.get(plain..at).unwrap_or_default());
        out.push(mark);
        match letter {
            Some(letter) => out.push(letter),
            None => push_hex(out, byte),
        }
        out.push(mark);
        plain = at + 1;
    }
    out.push_str(text.get(plain..).unwrap_or_default());
}

/// Whether [`escape`] would change `text`.
pub(crate) fn needs_escape(text: &str, delimiters: &Delimiters) -> bool {
    text.bytes().any(|byte| byte.is_ascii_control() || delimiters.escape_letter(byte).is_some())
}

fn push_hex(out: &mut String, byte: u8) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    out.push('X');
    out.push(char::from(DIGITS[usize::from(byte >> 4)]));
    out.push(char::from(DIGITS[usize::from(byte & 15)]));
}

/// Reads a leaf as sent and gives the text it means. Text without an escape sequence is borrowed.
///
/// | sequence | becomes |
/// | --- | --- |
/// | `\F\ \S\ \T\ \R\ \E\ \P\` | the message's delimiter (`\P\` only where the message has a truncation character) |
/// | `\Xhh..\` | the bytes: as UTF-8 when they are that, else a character each; `\X00hh\` is one character |
/// | `\.br\`, `\.ce\`, `\.sp\`, `\.spN\` | a carriage return, N of them (at most 100) |
/// | `\.skN\` | N spaces (at most 100) |
/// | all others (`\H\ \N\ \C..\ \M..\ \Z..\ \.in..\` ...) and unclosed ones | kept as they are |
///
/// What hexadecimal data mean is by agreement of sender and receiver (section 2.7.5). The rule above does not look at MSH-18: a text means
/// the same when its message is written in another character set.
///
/// ```
/// use hl7_core::{unescape, Delimiters};
/// let d = Delimiters::default();
/// assert_eq!(unescape("a\\T\\b \\X41\\ \\Zx\\", &d), "a&b A \\Zx\\");
/// ```
pub fn unescape<'t>(raw: &'t str, delimiters: &Delimiters) -> Cow<'t, str> {
    let mark = delimiters.escape_byte();
    match memchr::memchr(mark, raw.as_bytes()) {
        None => Cow::Borrowed(raw),
        Some(first) => Cow::Owned(unescape_from(raw, first, mark, delimiters)),
    }
}

fn unescape_from(raw: &str, first: usize, mark: u8, delimiters: &Delimiters) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    let mut open = Some(first);
    while let Some(at) = open {
        let (before, behind) = rest.split_at(at);
        let body_on = behind.get(1..).unwrap_or_default();
        out.push_str(before);
        let Some(close) = memchr::memchr(mark, body_on.as_bytes()) else {
            out.push_str(behind);
            return out;
        };
        let body = body_on.get(..close).unwrap_or_default();
        if push_meaning(&mut out, body, delimiters) {
            rest = body_on.get(close + 1..).unwrap_or_default();
        } else {
            // Not a sequence we read. The closing mark may open the next one: `50\ F\F\` holds `\F\`.
            let kept = if is_sequence(body) { close + 2 } else { close + 1 };
            out.push_str(behind.get(..kept).unwrap_or_default());
            rest = behind.get(kept..).unwrap_or_default();
        }
        open = memchr::memchr(mark, rest.as_bytes());
    }
    out.push_str(rest);
    out
}

/// What a leaf as sent consists of: text that stands for itself, and what stands between two escape characters.
#[cfg(feature = "xml")]
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Token<'t> {
    Text(&'t str),
    Sequence(&'t str),
}

/// The tokens of a leaf as sent; its escape sequences are those that [`unescape`] reads or keeps.
#[cfg(feature = "xml")]
pub(crate) fn tokens<'t>(raw: &'t str, delimiters: &Delimiters) -> impl Iterator<Item = Token<'t>> {
    let delimiters = *delimiters;
    let mut rest = raw;
    // A mark that opens nothing is text.
    let mut plain = 0;
    std::iter::from_fn(move || {
        while let Some(at) = delimiters.escape().and_then(|mark| rest.get(plain..)?.find(mark)) {
            let at = at + plain;
            let body_on = rest.get(at + 1..)?;
            let Some(close) = delimiters.escape().and_then(|mark| body_on.find(mark)) else { break };
            let body = body_on.get(..close)?;
            if !is_escape_sequence(body, &delimiters) {
                plain = at + 1 + close;
                continue;
            }
            if at > 0 {
                let (text, behind) = rest.split_at(at);
                (rest, plain) = (behind, 0);
                return Some(Token::Text(text));
            }
            (rest, plain) = (body_on.get(close + 1..)?, 0);
            return Some(Token::Sequence(body));
        }
        plain = 0;
        let text = std::mem::take(&mut rest);
        (!text.is_empty()).then_some(Token::Text(text))
    })
}

/// Whether `\body\` is an escape sequence, one that is read or one that is kept as it is.
pub(crate) fn is_escape_sequence(body: &str, delimiters: &Delimiters) -> bool {
    is_sequence(body) || push_meaning(&mut String::new(), body, delimiters)
}

/// Whether `body` has the shape of an escape sequence that is kept as it is.
fn is_sequence(body: &str) -> bool {
    let bytes = body.as_bytes();
    matches!(
        bytes.first(),
        Some(b'.' | b'C' | b'E' | b'F' | b'H' | b'M' | b'N' | b'P' | b'R' | b'S' | b'T' | b'X' | b'Z')
    ) && bytes.len() <= 64
        && bytes.iter().all(|b| b.is_ascii_graphic())
}

/// Appends what the sequence `\body\` means; false when it is not one that is read.
fn push_meaning(out: &mut String, body: &str, delimiters: &Delimiters) -> bool {
    match body.as_bytes() {
        &[letter] => match delimiters.of_escape_letter(letter) {
            Some(delimiter) => out.push(delimiter),
            None => return false,
        },
        [b'X', digits @ ..] => return push_hex_bytes(out, digits),
        [b'.', command @ ..] => return push_formatting(out, command),
        _ => return false,
    }
    true
}

fn push_hex_bytes(out: &mut String, digits: &[u8]) -> bool {
    let Some(bytes) = hex_bytes(digits) else { return false };
    match std::str::from_utf8(&bytes) {
        _ if matches!(bytes.as_slice(), [0, _]) => out.push(char::from(bytes[1])),
        Ok(text) => out.push_str(text),
        Err(_) => out.extend(bytes.iter().map(|&b| char::from(b))),
    }
    true
}

fn hex_bytes(digits: &[u8]) -> Option<Vec<u8>> {
    if digits.is_empty() || !digits.len().is_multiple_of(2) {
        return None;
    }
    let nibble = |d: u8| char::from(d).to_digit(16);
    digits.chunks_exact(2).map(|pair| u8::try_from(nibble(pair[0])? * 16 + nibble(pair[1])?).ok()).collect()
}

/// Formatting commands that are line ends or spaces (chapter 2, section 2.7.6).
fn push_formatting(out: &mut String, command: &[u8]) -> bool {
    let (name, number) = command.split_at(command.len().min(2));
    let count = match number {
        [] => Some(1),
        digits => std::str::from_utf8(digits)
            .ok()
            .and_then(|d| d.strip_prefix('+').unwrap_or(d).parse::<u8>().ok().map(usize::from)),
    };
    let Some(count) = count.filter(|&n| n <= 100) else { return false };
    match name {
        b"br" | b"ce" if number.is_empty() => out.push('\r'),
        b"sp" => out.extend(std::iter::repeat_n('\r', count)),
        b"sk" => out.extend(std::iter::repeat_n(' ', count)),
        _ => return false,
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[cfg(feature = "xml")]
    proptest! {
        #[test]
        fn tokens_are_the_leaf_and_mean_the_same(raw in "([a-c]|\\\\|[FSTREX41.br ZH]){0,24}") {
            let d = Delimiters::default();
            let (mut again, mut meaning) = (String::new(), String::new());
            for token in tokens(&raw, &d) {
                match token {
                    Token::Text(text) => {
                        again += text;
                        meaning += text;
                    }
                    Token::Sequence(body) => {
                        let sequence = format!("\\{body}\\");
                        meaning += &unescape(&sequence, &d);
                        again += &sequence;
                    }
                }
            }
            prop_assert_eq!(again, raw.as_str());
            prop_assert_eq!(meaning, unescape(&raw, &d));
        }
    }

    #[test]
    fn reads_each_sequence() {
        let d = Delimiters::default();
        let cases = [
            ("plain", "plain"),
            ("\\F\\\\S\\\\T\\\\R\\\\E\\", "|^&~\\"),
            ("\\P\\", "\\P\\"),
            ("\\X41\\", "A"),
            ("\\X20202020\\", "    "),
            ("\\Xe1\\", "á"),
            ("\\XC3A9\\", "é"),
            ("\\X000d\\", "\r"),
            ("\\X4\\", "\\X4\\"),
            ("\\XZZ\\", "\\XZZ\\"),
            ("a\\.br\\b", "a\rb"),
            ("\\.sp2\\", "\r\r"),
            ("\\.sk3\\|", "   |"),
            ("\\.sp999999999999\\", "\\.sp999999999999\\"),
            ("\\H\\bold\\N\\", "\\H\\bold\\N\\"),
            ("\\C2842\\\\M242142\\\\Z1\\", "\\C2842\\\\M242142\\\\Z1\\"),
            ("open \\F", "open \\F"),
            ("50\\ or \\F\\", "50\\ or |"),
            ("\\", "\\"),
            ("\\\\", "\\\\"),
            ("\\é\\", "\\é\\"),
        ];
        for (raw, text) in cases {
            assert_eq!(unescape(raw, &d), text, "{raw}");
        }
    }

    proptest! {
        #[test]
        fn escape_then_unescape_gives_the_text_back(text in "[ -~\r\n\tà-ü|^~\\\\&#]{0,60}") {
            let d = Delimiters::default();
            let escaped = escape(&text, &d).into_owned();
            prop_assert!(!escaped.contains(['|', '^', '~', '&', '\r', '\n']));
            prop_assert_eq!(unescape(&escaped, &d), text);
        }

        #[test]
        fn unescape_takes_anything(raw in "(\\\\|[A-Z.]|[0-9a-f]|é){0,40}") {
            let _ = unescape(&raw, &Delimiters::default()).len();
        }
    }
}
