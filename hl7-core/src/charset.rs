//! Character sets, by their names in MSH-18 (HL7 table 0211).

use std::fmt;

/// A character set that messages are read and written in.
///
/// The sets of ISO 8859 are the standards' own, with the control characters of 0x80 to 0x9F, and not the Windows code pages that browsers
/// take them for. Shift-JIS is read and written as its extension windows-31J, Big5 and KS X 1001 are read with their usual extensions;
/// KS X 1001 is written without them. A character is written only if it reads back as the same one.
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
    JisX0201,
    /// JIS X 0201 and JIS X 0208, switched by the escapes of ISO 2022.
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

impl CharsetError {
    pub(crate) const JIS_X_0212: Self = Self::Unsupported("ISO IR159");
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
            Self::JisX0201 => "ISO IR14",
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
            "ISOIR14" | "JISX0201" => Self::JisX0201,
            "ISOIR87" | "ISO2022JP" | "JISX0208" | "JISX0202" | "JAS2020" => Self::Iso2022Jp,
            "SHIFTJIS" | "SJIS" | "WINDOWS31J" | "MS932" => Self::ShiftJis,
            "GB180302000" | "GB18030" => Self::Gb18030,
            "BIG5" => Self::Big5,
            "KSX1001" | "EUCKR" => Self::KsX1001,
            "ISOIR159" | "JISX0212" => return Err(CharsetError::JIS_X_0212),
            "CNS11643" | "CNS116431992" => return Err(CharsetError::Unsupported("CNS 11643-1992")),
            "UNICODEUTF16" | "UTF16" | "UNICODEUTF32" | "UTF32" => return Err(CharsetError::Wide),
            _ => return Err(CharsetError::Unknown),
        })
    }

    /// Reads the whole of MSH-18, given its repetitions: the first set that is stated, in which the message starts. A Japanese message
    /// starts in ASCII (stated or left empty) or JIS X 0201 and names ISO IR87 behind: it switches by the escapes of ISO 2022
    /// (HL7 2.5.1, chapter 2, section 2.15.9.18), which [`Charset::Iso2022Jp`] reads. Behind another set the escapes are not read, and
    /// sets that are named for `\C..\` and `\M..\` alone have to be known. `None` when no label is stated.
    pub(crate) fn from_labels<'l>(
        labels: impl Iterator<Item = &'l str>,
    ) -> Result<Option<Self>, CharsetError> {
        let mut stated = labels.filter(|label| !matches!(label.trim(), "" | "\"\"")).map(Self::from_label);
        let Some(first) = stated.next() else { return Ok(None) };
        let starts_single = matches!(first, Ok(Self::Ascii | Self::JisX0201) | Err(CharsetError::JIS_X_0212));
        let mut switches = false;
        for behind in stated {
            match behind {
                Ok(Self::JisX0201 | Self::Iso2022Jp) => switches = true,
                Ok(_) | Err(CharsetError::Unsupported(_)) => {}
                Err(why) => return Err(why),
            }
        }
        match switches {
            false => first.map(Some),
            true if starts_single || first == Ok(Self::Iso2022Jp) => Ok(Some(Self::Iso2022Jp)),
            true => first
                .and(Err(CharsetError::Unsupported("ISO IR87 behind a set other than ASCII or ISO IR14"))),
        }
    }
}
