//! The fields of a header in the bytes they were read from.

use std::ops::Range;

use crate::charset::Charset;
use crate::jis;
use crate::message::Message;

/// The most fields that are looked for: an acknowledgment repeats none behind MSH-18.
const MOST: usize = 20;

/// The header of a message that was decoded, in the bytes it was decoded from.
pub(crate) struct HeaderAsRead<'m> {
    line: &'m [u8],
    /// What stands between separators; the first part is `MSH`, the second MSH-2. A part whose bytes mean something else when they stand
    /// alone has no place.
    parts: Vec<Option<Range<usize>>>,
}

impl<'m> HeaderAsRead<'m> {
    /// `None` when the text is the bytes, or MSH was edited since.
    pub(crate) fn of(message: &'m Message<'_>) -> Option<Self> {
        let origin = message.origin.as_ref()?;
        let span = (*origin.spans.first()?)?;
        let line = origin.bytes.get(span.start as usize..span.end as usize)?;
        Some(Self { line, parts: message.read_in?.parts(line, message.delimiters.field_byte()) })
    }

    /// A field from MSH-2 on, nothing for one that is absent. `None` where its bytes do not stand alone.
    pub(crate) fn field(&self, field: usize) -> Option<&'m [u8]> {
        match self.parts.get(field - 1) {
            Some(place) => self.line.get(place.clone()?),
            None => Some(&[]),
        }
    }
}

impl Charset {
    /// The parts of a line between separators.
    fn parts(self, line: &[u8], separator: u8) -> Vec<Option<Range<usize>>> {
        let (mut start, mut initial) = (0, true);
        let part = |(end, ends_initial): (usize, bool)| {
            let whole = initial && ends_initial;
            let part = start..end;
            (start, initial) = (end + 1, ends_initial);
            whole.then_some(part)
        };
        self.places(line, separator).into_iter().take(MOST).map(part).collect()
    }

    /// Where a character of ASCII stands, the end of the line behind the last one; and whether a reader is in its initial state there.
    fn places(self, line: &[u8], character: u8) -> Vec<(usize, bool)> {
        match (self, self.encoding()) {
            (Self::JisX0201 | Self::Iso2022Jp, _) => jis::places(line, character),
            (Self::ShiftJis | Self::Gb18030 | Self::Big5 | Self::KsX1001, Some(encoding)) => {
                decoded_places(encoding, line, character)
            }
            _ => {
                let places = memchr::memchr_iter(character, line);
                places.chain([line.len()]).map(|at| (at, true)).collect()
            }
        }
    }
}

/// Decodes byte by byte: a byte that is the character has it as the last of what it completes.
fn decoded_places(
    encoding: &'static encoding_rs::Encoding,
    line: &[u8],
    character: u8,
) -> Vec<(usize, bool)> {
    let mut decoder = encoding.new_decoder_without_bom_handling();
    let mut text = [0; 32];
    let mut is_character = |byte: u8| {
        let (_, _, written, _) = decoder.decode_to_utf8(&[byte], &mut text, false);
        byte == character && written.checked_sub(1).and_then(|last| text.get(last)) == Some(&character)
    };
    let places = line.iter().enumerate().filter(|&(_, &byte)| is_character(byte)).map(|(at, _)| (at, true));
    places.take(MOST).chain([(line.len(), true)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The parts as they are decoded one by one; `None` for one that has no place.
    fn parts(charset: Charset, line: &[u8]) -> Vec<Option<String>> {
        let parts = charset.parts(line, b'|').into_iter();
        parts.map(|part| Some(charset.decode_replacing(line.get(part?)?).into_owned())).collect()
    }

    #[test]
    fn the_parts_are_those_of_the_decoded_line() {
        // A second byte that is a separator in ASCII, a first byte without its second one, and what is no character.
        let bodies: [&[u8]; 6] = [
            b"a|\x83\x7C|\xFAT|",
            b"\x83|b|\x83",
            b"\x81\x30\x81\x30|\x81|x",
            b"\xA6\x7C|\xFF|",
            b"|\xE9|",
            b"",
        ];
        for charset in [Charset::ShiftJis, Charset::Gb18030, Charset::Big5, Charset::KsX1001, Charset::Utf8] {
            for body in bodies {
                let line = charset.decode_replacing(body).into_owned();
                let expected: Vec<_> = line.split('|').map(|part| Some(part.to_owned())).collect();
                assert_eq!(parts(charset, body), expected, "{charset}");
            }
        }
    }

    #[test]
    fn a_character_broken_off_by_a_separator_ends_there() {
        let line = b"a\x81\x30|b";
        assert_eq!(Charset::Gb18030.decode_replacing(line), "a\u{FFFD}0|b");
        assert_eq!(Charset::Gb18030.parts(line, b'|'), [Some(0..3), Some(4..5)]);
    }

    #[test]
    fn a_part_that_begins_or_ends_in_another_set_has_no_place() {
        let found = parts(Charset::Iso2022Jp, b"a|\x1B(J\\|\\|\x1B(Bb|\x1B$B0!\x1B(B|c");
        let whole = |text: &str| Some(text.to_owned());
        assert_eq!(found, [whole("a"), None, None, None, whole("\u{4e9c}"), whole("c")]);
    }
}
