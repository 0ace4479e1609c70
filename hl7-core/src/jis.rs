//! The Japanese sets of HL7 table 0211: JIS X 0201 (ISO IR14) and JIS X 0208 (ISO IR87), switched by the escapes of ISO 2022.
//!
//! Not by `encoding_rs`' ISO-2022-JP, which follows browsers: it writes half-width katakana as full-width ones, stays in the Roman set
//! across delimiters, and refuses an escape behind an escape. The table of JIS X 0208 is taken from its EUC-JP.

use encoding_rs::EUC_JP;

const ESCAPE: u8 = 0x1B;
const SHIFT_OUT: u8 = 0x0E;
const SHIFT_IN: u8 = 0x0F;
const YEN: char = '\u{A5}';
const OVERLINE: char = '\u{203E}';
const FIRST_KATAKANA: u32 = 0xFF61;
const LAST_KATAKANA: u32 = 0xFF9F;

/// What stands in G0, the bytes from 0x21 to 0x7E.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Set {
    Ascii,
    Roman,
    Katakana,
    Kanji,
    /// A two-byte set that is not read, such as JIS X 0212, by the last byte of its escape.
    Unread(u8),
}

/// Whether `bytes` can mean something else than they do in ASCII.
pub(crate) fn switches(bytes: &[u8]) -> bool {
    memchr::memchr3(ESCAPE, SHIFT_OUT, SHIFT_IN, bytes).is_some()
}

/// Decodes one line, which starts in ASCII. Bytes from 0xA1 to 0xDF are half-width katakana, as in 8-bit JIS X 0201, and so are those
/// between shift out and shift in, as in 7-bit JIS X 0201.
///
/// # Errors
/// The place of what is not valid; where `replace` says so, U+FFFD stands for it instead.
pub(crate) fn decode(bytes: &[u8], replace: bool) -> Result<String, usize> {
    let mut text = String::with_capacity(bytes.len());
    let mut state = State::INITIAL;
    let mut rest = bytes;
    while let Some((&byte, behind)) = rest.split_first() {
        let (meaning, length) = state.read(byte, behind);
        match meaning {
            Meaning::Character(c) => text.push(c),
            Meaning::Switch => {}
            Meaning::Invalid if replace => text.push('\u{FFFD}'),
            Meaning::Invalid => return Err(bytes.len() - rest.len()),
        }
        rest = rest.get(length..).unwrap_or_default();
    }
    Ok(text)
}

/// Where `character`, one of ASCII, stands in a line, the end of the line behind the last one; and in which state the line is there.
pub(crate) fn places(bytes: &[u8], character: u8) -> Vec<(usize, State)> {
    let mut places = Vec::new();
    let mut state = State::INITIAL;
    let mut at = 0;
    while let Some((&byte, behind)) = bytes.get(at..).and_then(<[u8]>::split_first) {
        let (meaning, length) = state.read(byte, behind);
        if meaning == Meaning::Character(char::from(character)) && byte == character {
            places.push((at, state));
        }
        at += length;
    }
    places.push((bytes.len(), state));
    places
}

/// What stands in G0, and whether G1 is shifted in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct State {
    set: Set,
    shifted: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Meaning {
    Character(char),
    Switch,
    Invalid,
}

impl State {
    pub(crate) const INITIAL: Self = Self { set: Set::Ascii, shifted: false };

    /// What leads from the initial state to this one.
    pub(crate) fn opening(self) -> Vec<u8> {
        let mut bytes = match self.set {
            Set::Ascii => Vec::new(),
            Set::Unread(name) => vec![ESCAPE, b'$', b'(', name],
            set => designation(set).to_vec(),
        };
        bytes.extend(self.shifted.then_some(SHIFT_OUT));
        bytes
    }

    /// What leads from this state to the initial one.
    pub(crate) fn closing(self) -> Vec<u8> {
        let mut bytes = Vec::from_iter(self.shifted.then_some(SHIFT_IN));
        if self.set != Set::Ascii {
            bytes.extend(designation(Set::Ascii));
        }
        bytes
    }

    /// What `byte` means, with those of the bytes `behind` that belong to it; and how many bytes that are.
    fn read(&mut self, byte: u8, behind: &[u8]) -> (Meaning, usize) {
        let character = |c: Option<char>| c.map_or(Meaning::Invalid, Meaning::Character);
        match byte {
            ESCAPE => {
                let (next, length) = designated(behind, self.set);
                self.set = next.unwrap_or(self.set);
                let read = next.is_some_and(|set| !matches!(set, Set::Unread(_)));
                (if read { Meaning::Switch } else { Meaning::Invalid }, 1 + length)
            }
            SHIFT_OUT | SHIFT_IN => {
                self.shifted = byte == SHIFT_OUT;
                (Meaning::Switch, 1)
            }
            _ if self.shifted => (character(single(byte, Set::Katakana)), 1),
            // Where the second byte is missing, what stands there is read by itself.
            0x21..=0x7E if self.set == Set::Kanji => match behind {
                [0x21..=0x7E, ..] => (character(pair(byte, behind)), 2),
                _ => (Meaning::Invalid, 1),
            },
            _ => (character(single(byte, self.set)), 1),
        }
    }
}

/// The set in G0 after the escape sequence that begins `behind`, and its length. G1 is katakana also without being told so.
fn designated(behind: &[u8], set: Set) -> (Option<Set>, usize) {
    match behind {
        [b'(', b'B', ..] => (Some(Set::Ascii), 2),
        [b'(', b'J', ..] => (Some(Set::Roman), 2),
        [b'(', b'I', ..] => (Some(Set::Katakana), 2),
        [b')', b'I', ..] => (Some(set), 2),
        [b'$', b'@' | b'B', ..] => (Some(Set::Kanji), 2),
        [b'$', b'(', b'@' | b'B', ..] => (Some(Set::Kanji), 3),
        [b'$', b'(', name, ..] => (Some(Set::Unread(*name)), 3),
        _ => (None, 0),
    }
}

fn single(byte: u8, set: Set) -> Option<char> {
    match (byte, set) {
        (0x00..=0x20 | 0x7F, _) => Some(char::from(byte)),
        (0x5C, Set::Roman) => Some(YEN),
        (0x7E, Set::Roman) => Some(OVERLINE),
        (0x21..=0x7E, Set::Ascii | Set::Roman) => Some(char::from(byte)),
        (0x21..=0x5F, Set::Katakana) => katakana(byte - 0x21),
        (0xA1..=0xDF, Set::Ascii | Set::Roman | Set::Katakana) => katakana(byte - 0xA1),
        _ => None,
    }
}

fn katakana(place: u8) -> Option<char> {
    char::from_u32(FIRST_KATAKANA + u32::from(place))
}

/// A character of JIS X 0208.
fn pair(first: u8, behind: &[u8]) -> Option<char> {
    let second = *behind.first().filter(|second| matches!(second, 0x21..=0x7E))?;
    let bytes = [first | 0x80, second | 0x80];
    EUC_JP.decode_without_bom_handling_and_without_replacement(&bytes)?.chars().next()
}

/// Whether the bytes switch to a two-byte set other than JIS X 0208.
pub(crate) fn names_unread_set(bytes: &[u8]) -> bool {
    bytes
        .split(|&b| b == ESCAPE)
        .skip(1)
        .any(|behind| matches!(behind, [b'$', b'(', set, ..] if !matches!(set, b'@' | b'B')))
}

/// Encodes with the escapes of ISO 2022. ASCII stands in ASCII always, so that every delimiter is found by whoever splits before
/// decoding. `None` when a character is in none of the sets.
pub(crate) fn encode_switching(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut set = Set::Ascii;
    for c in text.chars() {
        let (needed, bytes, length) = encoded(c)?;
        if needed != set {
            out.extend(designation(needed));
            set = needed;
        }
        out.extend_from_slice(bytes.get(..length)?);
    }
    if set != Set::Ascii {
        out.extend(designation(Set::Ascii));
    }
    Some(out)
}

/// Encodes in JIS X 0201 alone: ASCII, and half-width katakana as single bytes.
pub(crate) fn encode_single(text: &str) -> Option<Vec<u8>> {
    text.chars()
        .map(|c| match encoded(c)? {
            (Set::Ascii, [byte, _], _) => Some(byte),
            (Set::Katakana, [byte, _], _) => Some(byte | 0x80),
            _ => None,
        })
        .collect()
}

/// The set a character stands in, and its bytes there, of which so many count.
fn encoded(c: char) -> Option<(Set, [u8; 2], usize)> {
    match c {
        '\u{E}' | '\u{F}' | '\u{1B}' => None,
        '\0'..='\x7F' => Some((Set::Ascii, [u8::try_from(c).ok()?, 0], 1)),
        YEN => Some((Set::Roman, [0x5C, 0], 1)),
        OVERLINE => Some((Set::Roman, [0x7E, 0], 1)),
        _ => match u32::from(c)
            .checked_sub(FIRST_KATAKANA)
            .filter(|place| *place <= LAST_KATAKANA - FIRST_KATAKANA)
        {
            Some(place) => Some((Set::Katakana, [0x21 + u8::try_from(place).ok()?, 0], 1)),
            None => Some((Set::Kanji, kanji(c)?, 2)),
        },
    }
}

fn kanji(c: char) -> Option<[u8; 2]> {
    let mut buffer = [0; 4];
    let (bytes, _, replaced) = EUC_JP.encode(c.encode_utf8(&mut buffer));
    match *bytes {
        // What does not read back as the same character is not in the set: the minus sign, taken for the full-width hyphen.
        [first, second] if !replaced && pair(first & 0x7F, &[second & 0x7F]) == Some(c) => {
            Some([first & 0x7F, second & 0x7F])
        }
        _ => None,
    }
}

fn designation(set: Set) -> [u8; 3] {
    match set {
        Set::Roman => *b"\x1B(J",
        Set::Katakana => *b"\x1B(I",
        Set::Kanji => *b"\x1B$B",
        Set::Ascii | Set::Unread(_) => *b"\x1B(B",
    }
}
