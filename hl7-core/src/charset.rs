//! Character sets, by their names in MSH-18 (HL7 table 0211).

use std::borrow::Cow;
use std::fmt;

use encoding_rs::Encoding;

/// A character set that messages are read and written in.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
#[allow(missing_docs)] // each variant is named for the standard it stands for
pub enum Charset {
    Ascii,
    Utf8,
    Iso8859_1,
    Iso8859_2,
    Iso8859_3,
    Iso8859_4,
    Iso8859_5,
    Iso8859_6,
    Iso8859_7,
    Iso8859_8,
    Iso8859_9,
    Iso8859_15,
    Iso2022Jp,
    ShiftJis,
    Gb18030,
    Big5,
    KsX1001,
}

/// Why a character set, or bytes in it, cannot be read. Never shows the label or the bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum CharsetError {
    /// MSH-18 names a character set that is not known.
    Unknown,
    /// MSH-18 names a character set of table 0211 that is not supported: its name there.
    Unsupported(&'static str),
    /// The bytes, or MSH-18, are UTF-16 or UTF-32, in which delimiters are not single bytes.
    Wide,
    /// The bytes are not valid in this character set.
    Undecodable(Charset),
}

impl fmt::Display for CharsetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => {
                f.write_str("MSH-18 names no character set of table 0211 that is known; one is UNICODE UTF-8")
            }
            Self::Unsupported(name) => write!(f, "the character set {name} is not supported"),
            Self::Wide => f.write_str("UTF-16 and UTF-32 are not supported; send UTF-8"),
            Self::Undecodable(charset) => {
                write!(
                    f,
                    "the bytes are not {charset}; is another character set to be the default for this sender?"
                )
            }
        }
    }
}

impl std::error::Error for CharsetError {}

impl fmt::Display for Charset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}

impl Charset {
    /// The name in table 0211 (for Shift-JIS, which that table lacks, `SHIFT_JIS`).
    pub fn label(self) -> &'static str {
        match self {
            Self::Ascii => "ASCII",
            Self::Utf8 => "UNICODE UTF-8",
            Self::Iso8859_1 => "8859/1",
            Self::Iso8859_2 => "8859/2",
            Self::Iso8859_3 => "8859/3",
            Self::Iso8859_4 => "8859/4",
            Self::Iso8859_5 => "8859/5",
            Self::Iso8859_6 => "8859/6",
            Self::Iso8859_7 => "8859/7",
            Self::Iso8859_8 => "8859/8",
            Self::Iso8859_9 => "8859/9",
            Self::Iso8859_15 => "8859/15",
            Self::Iso2022Jp => "ISO IR87",
            Self::ShiftJis => "SHIFT_JIS",
            Self::Gb18030 => "GB 18030-2000",
            Self::Big5 => "BIG-5",
            Self::KsX1001 => "KS X 1001",
        }
    }

    /// Reads one label, as in one repetition of MSH-18. Case, spaces, `-`, `_` and `/` do not count, so that `ISO-8859-1`
    /// and `UTF8`, which are seen in practice, are understood.
    ///
    /// # Errors
    /// [`CharsetError::Unknown`], [`CharsetError::Unsupported`] or [`CharsetError::Wide`].
    pub fn from_label(label: &str) -> Result<Self, CharsetError> {
        let plain: String = label
            .chars()
            .filter(|c| !matches!(c, ' ' | '-' | '_' | '/'))
            .map(|c| c.to_ascii_uppercase())
            .collect();
        Ok(match plain.as_str() {
            "ASCII" | "USASCII" | "ISOIR6" => Self::Ascii,
            "UNICODEUTF8" | "UTF8" | "UNICODE" => Self::Utf8,
            "88591" | "ISO88591" => Self::Iso8859_1,
            "88592" | "ISO88592" => Self::Iso8859_2,
            "88593" | "ISO88593" => Self::Iso8859_3,
            "88594" | "ISO88594" => Self::Iso8859_4,
            "88595" | "ISO88595" => Self::Iso8859_5,
            "88596" | "ISO88596" => Self::Iso8859_6,
            "88597" | "ISO88597" => Self::Iso8859_7,
            "88598" | "ISO88598" => Self::Iso8859_8,
            "88599" | "ISO88599" => Self::Iso8859_9,
            "885915" | "ISO885915" => Self::Iso8859_15,
            "ISOIR87" | "ISOIR14" | "ISO2022JP" => Self::Iso2022Jp,
            "SHIFTJIS" | "SJIS" | "WINDOWS31J" | "MS932" => Self::ShiftJis,
            "GB180302000" | "GB18030" => Self::Gb18030,
            "BIG5" => Self::Big5,
            "KSX1001" | "EUCKR" => Self::KsX1001,
            "ISOIR159" => return Err(CharsetError::Unsupported("ISO IR159")),
            "CNS116431992" => return Err(CharsetError::Unsupported("CNS 11643-1992")),
            "UNICODEUTF16" | "UTF16" | "UNICODEUTF32" | "UTF32" => return Err(CharsetError::Wide),
            _ => return Err(CharsetError::Unknown),
        })
    }

    /// Reads the whole of MSH-18, given its repetitions: the first label that is stated. A Japanese message that leaves the first
    /// repetition empty and names ISO IR87 in the second switches between ASCII and JIS X 0208 by the escapes of ISO 2022,
    /// which [`Charset::Iso2022Jp`] reads. `None` when no label is stated.
    pub(crate) fn from_labels<'l>(
        mut labels: impl Iterator<Item = &'l str>,
    ) -> Result<Option<Self>, CharsetError> {
        match labels.find(|label| !label.trim().is_empty()) {
            Some(label) => Self::from_label(label).map(Some),
            None => Ok(None),
        }
    }

    /// Whether every ASCII byte means its ASCII character wherever it stands alone. The exception is ISO-2022-JP, whose escapes
    /// give ASCII bytes another meaning.
    pub(crate) fn reads_ascii_as_is(self, bytes: &[u8]) -> bool {
        self != Self::Iso2022Jp || !bytes.iter().any(|b| matches!(b, 0x1B | 0x0E | 0x0F))
    }

    /// Decodes, or `None` when the bytes are not valid.
    pub(crate) fn decode(self, bytes: &[u8]) -> Option<Cow<'_, str>> {
        match self {
            Self::Ascii => bytes.is_ascii().then(|| String::from_utf8_lossy(bytes)),
            Self::Utf8 => std::str::from_utf8(bytes).ok().map(Cow::Borrowed),
            Self::Iso8859_1 | Self::Iso8859_9 => Some(self.decode_latin(bytes)),
            _ => self.encoding()?.decode_without_bom_handling_and_without_replacement(bytes),
        }
    }

    /// Decodes with U+FFFD for what is not valid.
    pub(crate) fn decode_replacing(self, bytes: &[u8]) -> Cow<'_, str> {
        match (self, self.encoding()) {
            (Self::Ascii, _) => {
                bytes.iter().map(|&b| if b.is_ascii() { char::from(b) } else { '\u{FFFD}' }).collect()
            }
            (Self::Iso8859_1 | Self::Iso8859_9, _) => self.decode_latin(bytes),
            (_, Some(encoding)) => encoding.decode_without_bom_handling(bytes).0,
            (_, None) => String::from_utf8_lossy(bytes),
        }
    }

    /// Encodes, or `None` when a character does not exist in this set.
    pub(crate) fn encode(self, text: &str) -> Option<Cow<'_, [u8]>> {
        match self {
            Self::Utf8 => Some(Cow::Borrowed(text.as_bytes())),
            Self::Ascii => text.is_ascii().then_some(Cow::Borrowed(text.as_bytes())),
            Self::Iso8859_1 | Self::Iso8859_9 => text.chars().map(|c| self.latin_byte(c)).collect(),
            _ => {
                let (bytes, _, replaced) = self.encoding()?.encode(text);
                (!replaced).then_some(bytes)
            }
        }
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

    fn encoding(self) -> Option<&'static Encoding> {
        Some(match self {
            Self::Ascii | Self::Iso8859_1 | Self::Iso8859_9 => return None,
            Self::Utf8 => encoding_rs::UTF_8,
            Self::Iso8859_2 => encoding_rs::ISO_8859_2,
            Self::Iso8859_3 => encoding_rs::ISO_8859_3,
            Self::Iso8859_4 => encoding_rs::ISO_8859_4,
            Self::Iso8859_5 => encoding_rs::ISO_8859_5,
            Self::Iso8859_6 => encoding_rs::ISO_8859_6,
            Self::Iso8859_7 => encoding_rs::ISO_8859_7,
            Self::Iso8859_8 => encoding_rs::ISO_8859_8,
            Self::Iso8859_15 => encoding_rs::ISO_8859_15,
            Self::Iso2022Jp => encoding_rs::ISO_2022_JP,
            Self::ShiftJis => encoding_rs::SHIFT_JIS,
            Self::Gb18030 => encoding_rs::GB18030,
            Self::Big5 => encoding_rs::BIG5,
            Self::KsX1001 => encoding_rs::EUC_KR,
        })
    }
}

/// Where ISO 8859-9 differs from 8859-1.
const TURKISH: [(u8, char); 6] =
    [(0xD0, 'Ğ'), (0xDD, 'İ'), (0xDE, 'Ş'), (0xF0, 'ğ'), (0xFD, 'ı'), (0xFE, 'ş')];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latin_sets_round_trip_every_byte() {
        for charset in [Charset::Iso8859_1, Charset::Iso8859_9, Charset::Iso8859_2, Charset::Iso8859_15] {
            for byte in 0..=255u8 {
                let bytes = [byte];
                let text = charset.decode(&bytes).unwrap();
                assert_eq!(charset.encode(&text).as_deref(), Some(&bytes[..]), "{charset} {byte:02X}");
            }
        }
    }

    #[test]
    fn characters_outside_the_set_are_refused() {
        assert_eq!(Charset::Iso8859_1.encode("€"), None);
        assert_eq!(Charset::Iso8859_9.encode("ð"), None);
        assert_eq!(Charset::Ascii.encode("é"), None);
        assert_eq!(Charset::Iso2022Jp.encode("é"), None);
        assert_eq!(Charset::Iso8859_15.encode("€").as_deref(), Some(&[0xA4][..]));
    }

    #[test]
    fn every_label_is_read_back() {
        for label in [
            "ASCII",
            "UNICODE UTF-8",
            "8859/1",
            "8859/15",
            "ISO IR87",
            "SHIFT_JIS",
            "GB 18030-2000",
            "BIG-5",
            "KS X 1001",
        ] {
            assert_eq!(Charset::from_label(label).map(Charset::label), Ok(label));
        }
        assert_eq!(Charset::from_label("UNICODE UTF-16"), Err(CharsetError::Wide));
        assert_eq!(Charset::from_label("SMITH"), Err(CharsetError::Unknown));
    }
}
