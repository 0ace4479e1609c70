//! The fields of a header in the bytes they were read from.

use std::borrow::Cow;
use std::ops::Range;

use crate::charset::Charset;
use crate::jis::{self, State};
use crate::message::Message;

/// The most fields that are looked for: an acknowledgment repeats none behind MSH-18.
const MOST: usize = 20;

/// The header of a message that was decoded, in the bytes it was decoded from.
pub(crate) struct HeaderAsRead<'m> {
    line: &'m [u8],
    /// What stands between separators; the first part is `MSH`, the second MSH-2.
    parts: Vec<Part>,
}

/// A part of a line, and in which state of ISO 2022 it begins and ends.
struct Part {
    place: Range<usize>,
    begins: State,
    ends: State,
}

impl<'m> HeaderAsRead<'m> {
    /// `None` when the text is the bytes, or MSH was edited since.
    pub(crate) fn of(message: &'m Message<'_>) -> Option<Self> {
        let origin = message.origin.as_ref()?;
        let span = (*origin.spans.first()?)?;
        let line = origin.bytes.get(span.start as usize..span.end as usize)?;
        Some(Self { line, parts: message.read_in?.parts(line, message.delimiters.field_byte()) })
    }

    /// A field from MSH-2 on, so that it can stand alone; nothing for one that is absent.
    pub(crate) fn field(&self, field: usize) -> Cow<'m, [u8]> {
        let Some(part) = self.parts.get(field - 1) else { return Cow::Borrowed(&[]) };
        let bytes = self.line.get(part.place.clone()).unwrap_or_default();
        match (part.begins.opening(), part.ends.closing()) {
            (opening, closing) if opening.is_empty() && closing.is_empty() => Cow::Borrowed(bytes),
            (opening, closing) => Cow::Owned([&opening, bytes, &closing].concat()),
        }
    }
}

impl Charset {
    /// The parts of a line between separators.
    fn parts(self, line: &[u8], separator: u8) -> Vec<Part> {
        let (mut start, mut begins) = (0, State::INITIAL);
        let part = |(end, ends): (usize, State)| Part {
            place: std::mem::replace(&mut start, end + 1)..end,
            begins: std::mem::replace(&mut begins, ends),
            ends,
        };
        self.places(line, separator).into_iter().take(MOST).map(part).collect()
    }

    /// Where a character of ASCII stands, the end of the line behind the last one; and the state there.
    fn places(self, line: &[u8], character: u8) -> Vec<(usize, State)> {
        let places: Vec<usize> = match (self, self.encoding()) {
            (Self::JisX0201 | Self::Iso2022Jp, _) => return jis::places(line, character),
            (Self::ShiftJis | Self::Gb18030 | Self::Big5 | Self::KsX1001, Some(encoding)) => {
                decoded_places(encoding, line, character)
            }
            _ => memchr::memchr_iter(character, line).take(MOST).collect(),
        };
        places.into_iter().chain([line.len()]).map(|at| (at, State::INITIAL)).collect()
    }
}

/// Decodes byte by byte: a byte that is the character has it as the last of what it completes.
fn decoded_places(encoding: &'static encoding_rs::Encoding, line: &[u8], character: u8) -> Vec<usize> {
    let mut decoder = encoding.new_decoder_without_bom_handling();
    let mut text = [0; 32];
    let mut is_character = |byte: u8| {
        let (_, _, written, _) = decoder.decode_to_utf8(&[byte], &mut text, false);
        byte == character && written.checked_sub(1).and_then(|last| text.get(last)) == Some(&character)
    };
    line.iter().enumerate().filter(|&(_, &byte)| is_character(byte)).map(|(at, _)| at).take(MOST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(charset: Charset, line: &[u8]) -> HeaderAsRead<'_> {
        HeaderAsRead { line, parts: charset.parts(line, b'|') }
    }

    /// The parts as they are decoded one by one.
    fn parts(charset: Charset, line: &[u8]) -> Vec<String> {
        let header = header(charset, line);
        (1..=header.parts.len()).map(|n| charset.decode_replacing(&header.field(n)).into_owned()).collect()
    }

    #[test]
    fn the_parts_are_those_of_the_decoded_line() {
        // A second byte that is a separator in ASCII, a first byte without its second one, what is no character, and states that outlast
        // a separator.
        let bodies: [&[u8]; 8] = [
            b"a|\x83\x7C|\xFAT|",
            b"\x83|b|\x83",
            b"\x81\x30\x81\x30|\x81|x",
            b"\xA6\x7C|\xFF|",
            b"|\xE9|",
            b"",
            b"a|\x1B(J\\|\\\xFF|\x1B(Bb|\x1B$B0!\x1B(B|c",
            b"\x0E1|1\x0F|1|\x1B$(D0!|\x1B(J0\x0E|",
        ];
        use Charset::{Big5, Gb18030, Iso2022Jp, JisX0201, KsX1001, ShiftJis, Utf8};
        for charset in [ShiftJis, Gb18030, Big5, KsX1001, Utf8, JisX0201, Iso2022Jp] {
            for body in bodies {
                let line = charset.decode_replacing(body).into_owned();
                assert_eq!(parts(charset, body), line.split('|').collect::<Vec<_>>(), "{charset} {body:?}");
            }
        }
    }

    #[test]
    fn a_character_broken_off_by_a_separator_ends_there() {
        let line = b"a\x81\x30|b";
        assert_eq!(Charset::Gb18030.decode_replacing(line), "a\u{FFFD}0|b");
        assert_eq!(&*header(Charset::Gb18030, line).field(1), b"a\x81\x30");
    }
}
