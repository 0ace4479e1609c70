//! Decoding and encoding in the character sets of HL7 table 0211.

use std::borrow::Cow;

use encoding_rs::{DecoderResult, Encoding};

use crate::charset::{Charset, CharsetError};
use crate::jis;

impl Charset {
    /// Whether every ASCII byte of `bytes` means its ASCII character. The exceptions are the escapes and shifts of ISO 2022.
    pub(crate) fn reads_ascii_as_is(self, bytes: &[u8]) -> bool {
        !matches!(self, Self::JisX0201 | Self::Iso2022Jp) || !jis::switches(bytes)
    }

    /// Whether a character can hold a byte that is a delimiter in ASCII.
    pub(crate) const HIDE_DELIMITERS: [Self; 4] =
        [Self::ShiftJis, Self::Iso2022Jp, Self::Gb18030, Self::Big5];

    /// Decodes one line, or `None` when the bytes are not valid.
    pub(crate) fn decode(self, bytes: &[u8]) -> Option<Cow<'_, str>> {
        match self {
            Self::Ascii => bytes.is_ascii().then(|| String::from_utf8_lossy(bytes)),
            Self::Utf8 => std::str::from_utf8(bytes).ok().map(Cow::Borrowed),
            Self::Iso8859_1 | Self::Iso8859_9 => Some(self.decode_latin(bytes)),
            Self::JisX0201 | Self::Iso2022Jp => jis::decode(bytes, false).ok().map(Cow::Owned),
            _ => self.encoding()?.decode_without_bom_handling_and_without_replacement(bytes),
        }
    }

    /// Decodes one line with U+FFFD for what is not valid.
    pub(crate) fn decode_replacing(self, bytes: &[u8]) -> Cow<'_, str> {
        match (self, self.encoding()) {
            (Self::Ascii, _) => {
                bytes.iter().map(|&b| if b.is_ascii() { char::from(b) } else { '\u{FFFD}' }).collect()
            }
            (Self::Iso8859_1 | Self::Iso8859_9, _) => self.decode_latin(bytes),
            (Self::JisX0201 | Self::Iso2022Jp, _) => jis::decode(bytes, true).unwrap_or_default().into(),
            (_, Some(encoding)) => encoding.decode_without_bom_handling(bytes).0,
            (_, None) => String::from_utf8_lossy(bytes),
        }
    }

    /// Why `bytes`, which [`Charset::decode`] refused, cannot be read, and from which byte on.
    pub(crate) fn refusal(self, bytes: &[u8]) -> (CharsetError, usize) {
        match self {
            Self::JisX0201 | Self::Iso2022Jp => {
                let why = match jis::names_unread_set(bytes) {
                    true => CharsetError::JIS_X_0212,
                    false => CharsetError::Undecodable(self),
                };
                (why, jis::decode(bytes, false).err().unwrap_or(0))
            }
            _ => (CharsetError::Undecodable(self), self.first_fault(bytes).unwrap_or(0)),
        }
    }

    pub(crate) fn first_fault(self, bytes: &[u8]) -> Option<usize> {
        let Some(encoding) = self.encoding() else { return bytes.iter().position(|b| !b.is_ascii()) };
        let mut decoder = encoding.new_decoder_without_bom_handling();
        let mut text =
            String::with_capacity(decoder.max_utf8_buffer_length_without_replacement(bytes.len())?);
        match decoder.decode_to_string_without_replacement(bytes, &mut text, true) {
            (DecoderResult::Malformed(length, behind), read) => {
                read.checked_sub(usize::from(length) + usize::from(behind))
            }
            _ => None,
        }
    }

    /// Encodes, or `None` when a character does not exist in this set.
    pub(crate) fn encode(self, text: &str) -> Option<Cow<'_, [u8]>> {
        match self {
            Self::Utf8 => Some(Cow::Borrowed(text.as_bytes())),
            Self::Iso2022Jp => jis::encode_switching(text).map(Cow::Owned),
            Self::JisX0201 => jis::encode_single(text).map(Cow::Owned),
            _ if text.is_ascii() => Some(Cow::Borrowed(text.as_bytes())),
            Self::Ascii => None,
            Self::Iso8859_1 | Self::Iso8859_9 => text.chars().map(|c| self.latin_byte(c)).collect(),
            _ => self.encode_by_table(text),
        }
    }

    /// Refuses what does not read back as the same text: browsers' Shift-JIS writes a yen sign as the backslash, which is the escape
    /// character here.
    fn encode_by_table(self, text: &str) -> Option<Cow<'_, [u8]>> {
        let (bytes, _, replaced) = self.encoding()?.encode(text);
        let same = !replaced && self.decode(&bytes).is_some_and(|read| read == text);
        (same && (self != Self::KsX1001 || is_ks_x_1001(&bytes))).then_some(bytes)
    }

    /// ISO 8859-1 is the first 256 characters of Unicode, and 8859-9 differs in six. Not by `encoding_rs`, which reads these
    /// labels as windows-1252 and windows-1254, as browsers must.
    fn decode_latin(self, bytes: &[u8]) -> Cow<'static, str> {
        let turkish = |b: u8| TURKISH.iter().find(|&&(byte, _)| byte == b).map(|&(_, c)| c);
        bytes
            .iter()
            .map(|&b| match self {
                Self::Iso8859_9 => turkish(b).unwrap_or(char::from(b)),
                _ => char::from(b),
            })
            .collect()
    }

    fn latin_byte(self, c: char) -> Option<u8> {
        let byte = u8::try_from(c).ok();
        if self != Self::Iso8859_9 {
            return byte;
        }
        match TURKISH.iter().find(|&&(_, turkish)| turkish == c) {
            Some(&(byte, _)) => Some(byte),
            None => byte.filter(|b| TURKISH.iter().all(|(taken, _)| taken != b)),
        }
    }

    pub(crate) fn encoding(self) -> Option<&'static Encoding> {
        Some(match self {
            Self::Ascii | Self::Iso8859_1 | Self::Iso8859_9 | Self::JisX0201 | Self::Iso2022Jp => {
                return None;
            }
            Self::Utf8 => encoding_rs::UTF_8,
            Self::Iso8859_2 => encoding_rs::ISO_8859_2,
            Self::Iso8859_3 => encoding_rs::ISO_8859_3,
            Self::Iso8859_4 => encoding_rs::ISO_8859_4,
            Self::Iso8859_5 => encoding_rs::ISO_8859_5,
            Self::Iso8859_6 => encoding_rs::ISO_8859_6,
            Self::Iso8859_7 => encoding_rs::ISO_8859_7,
            Self::Iso8859_8 => encoding_rs::ISO_8859_8,
            Self::Iso8859_15 => encoding_rs::ISO_8859_15,
            Self::ShiftJis => encoding_rs::SHIFT_JIS,
            Self::Gb18030 => encoding_rs::GB18030,
            Self::Big5 => encoding_rs::BIG5,
            Self::KsX1001 => encoding_rs::EUC_KR,
        })
    }
}

/// Whether windows-949 bytes stay within KS X 1001, where both bytes of a character are 0xA1 or more.
fn is_ks_x_1001(mut bytes: &[u8]) -> bool {
    loop {
        bytes = match bytes {
            [] => return true,
            [0..=0x7F, rest @ ..] | [0xA1..=0xFE, 0xA1..=0xFE, rest @ ..] => rest,
            _ => return false,
        };
    }
}

/// Where ISO 8859-9 differs from 8859-1.
const TURKISH: [(u8, char); 6] =
    [(0xD0, 'Ğ'), (0xDD, 'İ'), (0xDE, 'Ş'), (0xF0, 'ğ'), (0xFD, 'ı'), (0xFE, 'ş')];
