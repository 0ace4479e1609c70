//! A value as it stands in a message: escaped once, with the message's delimiters.

use hl7_core::{Delimiters, escape_into};

/// Appends `text`, escaped. A line break (CR LF, CR or LF) becomes `\.br\` in formatted text and `\X0D\` elsewhere. A text of two double
/// quotes is written in hexadecimal: as it is, it would be HL7's null and delete what the receiver has.
pub(crate) fn push(out: &mut String, text: &str, formatted: bool) {
    if is_plain(text) {
        out.push_str(text);
        return;
    }
    push_with(out, text, formatted, Delimiters::default());
}

/// The same with other delimiters. Without an escape character nothing is escaped.
pub(crate) fn push_with(out: &mut String, text: &str, formatted: bool, delimiters: Delimiters) {
    let Some(mark) = delimiters.escape() else { return out.push_str(text) };
    if text == "\"\"" {
        out.extend([mark, 'X', '2', '2', '2', '2', mark]);
        return;
    }
    if !text.contains(['\r', '\n']) {
        escape_into(out, text, &delimiters);
        return;
    }
    let line_break = if formatted { ".br" } else { "X0D" };
    let mut rest = text;
    while let Some(at) = rest.find(['\r', '\n']) {
        let (line, behind) = rest.split_at(at);
        escape_into(out, line, &delimiters);
        out.push(mark);
        out.push_str(line_break);
        out.push(mark);
        let length = if behind.starts_with("\r\n") { 2 } else { 1 };
        rest = behind.get(length..).unwrap_or_default();
    }
    escape_into(out, rest, &delimiters);
}

/// Whether a text stands in a message as it is: it has no control character of ASCII and no delimiter, and does not read as HL7's null.
#[inline]
pub(crate) fn is_plain(text: &str) -> bool {
    // Going on to the end is faster than asking at each byte whether to.
    let special = text.bytes().fold(false, |special, byte| special | IS_SPECIAL[usize::from(byte)]);
    !special && text != "\"\""
}

/// By byte: whether it has to be escaped.
const IS_SPECIAL: [bool; 256] = {
    let mut special = [false; 256];
    let mut byte = 0_u8;
    while byte < 0x80 {
        special[byte as usize] = byte.is_ascii_control() || matches!(byte, b'|' | b'^' | b'~' | b'\\' | b'&');
        byte += 1;
    }
    special
};

/// Appends a delimiter so many times.
pub(crate) fn push_marks(out: &mut String, mark: Mark, count: usize) {
    match mark {
        Mark::Field => (0..count).for_each(|_| out.push('|')),
        Mark::Repetition => (0..count).for_each(|_| out.push('~')),
        Mark::Component => (0..count).for_each(|_| out.push('^')),
        Mark::Subcomponent => (0..count).for_each(|_| out.push('&')),
    }
}

/// What separates the parts of a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Mark {
    Field,
    Repetition,
    Component,
    Subcomponent,
}

#[cfg(test)]
mod tests {
    use super::*;
    use hl7_core::unescape;
    use proptest::prelude::*;

    #[test]
    fn marks_are_as_many_as_asked_for() {
        for (mark, one) in
            [(Mark::Field, "|"), (Mark::Repetition, "~"), (Mark::Component, "^"), (Mark::Subcomponent, "&")]
        {
            for count in [0, 1, 7, 8, 9, 63, 64, 65, 200] {
                let mut out = String::from("x");
                push_marks(&mut out, mark, count);
                assert_eq!(out, format!("x{}", one.repeat(count)));
            }
        }
    }

    #[test]
    fn delimiters_line_breaks_and_control_characters() {
        for (text, formatted, written) in [
            ("a|b^c~d\\e&f", false, "a\\F\\b\\S\\c\\R\\d\\E\\e\\T\\f"),
            ("a\r\nb\nc\rd", false, "a\\X0D\\b\\X0D\\c\\X0D\\d"),
            ("a\n\nb\n", true, "a\\.br\\\\.br\\b\\.br\\"),
            ("\u{B}\u{1C}\u{0}", false, "\\X0B\\\\X1C\\\\X00\\"),
            ("\"\"", false, "\\X2222\\"),
            ("\"a\"", false, "\"a\""),
        ] {
            let mut out = String::new();
            push(&mut out, text, formatted);
            assert_eq!(out, written);
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(text in "\\PC{0,20}[\r\n|^~\\\\&\u{B}\u{1C}\"]{0,6}\\PC{0,20}", formatted: bool) {
            let mut out = String::new();
            push(&mut out, &text, formatted);
            prop_assert!(!out.contains(|c: char| c.is_ascii_control() || "|^~&".contains(c)));
            let meant = text.replace("\r\n", "\r").replace('\n', "\r");
            prop_assert_eq!(unescape(&out, &Delimiters::default()), meant);
        }
    }
}
