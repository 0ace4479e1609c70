//! What can go wrong, with a stable code and a place, and never with message content.

use std::fmt;

use crate::charset::{Charset, CharsetError};
use crate::path::Path;

/// Why a text is not a message: a kind, and the byte offset at which it shows.
#[derive(Clone, PartialEq, Eq)]
pub struct ParseError {
    kind: ParseErrorKind,
    offset: usize,
}

/// The kinds of [`ParseError`].
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum ParseErrorKind {
    /// C001: nothing, or only blank lines.
    Empty,
    /// C002: the first segment is not MSH.
    NoHeader,
    /// C003: the text starts with FHS or BHS: a file or batch of messages.
    Batch,
    /// C004: the text starts with the start block character 0x0B: an MLLP block with its frame.
    Framed,
    /// C005: the text looks like XML.
    Xml,
    /// C006: the text ends before MSH-1.
    MissingFieldSeparator,
    /// C007: MSH-2 is empty or missing.
    MissingEncodingCharacters,
    /// C008: MSH-2 has more than five characters.
    TooManyEncodingCharacters,
    /// C009: a delimiter is a letter, a digit, a space, a control character or not ASCII.
    BadDelimiter,
    /// C010: two delimiters are the same character.
    RepeatedDelimiter,
    /// C011: a second MSH segment: more than one message.
    SecondHeader,
    /// C012: longer than [`crate::ReadOptions::max_bytes`].
    TooLong,
    /// C013: more segments than [`crate::ReadOptions::max_segments`].
    TooManySegments,
    /// C014: the bytes cannot be read in the character set of MSH-18.
    Charset(CharsetError),
}

impl ParseError {
    pub(crate) fn new(kind: ParseErrorKind, offset: usize) -> Self {
        Self { kind, offset }
    }

    pub(crate) fn behind(mut self, bytes: usize) -> Self {
        self.offset += bytes;
        self
    }

    /// What is wrong.
    pub fn kind(&self) -> &ParseErrorKind {
        &self.kind
    }

    /// The byte of the input, from 0, at which the fault shows.
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// The stable code, `C001` to `C014`.
    pub fn code(&self) -> &'static str {
        self.parts().0
    }

    /// What to do about it.
    pub fn suggestion(&self) -> &'static str {
        self.parts().2
    }

    fn parts(&self) -> (&'static str, &'static str, &'static str) {
        use ParseErrorKind as K;
        match &self.kind {
            K::Empty => ("C001", "the message is empty", "give a message that starts with an MSH segment"),
            K::NoHeader => ("C002", "the first segment is not MSH", "a message starts with an MSH segment"),
            K::Batch => (
                "C003",
                "this is a batch or file (FHS or BHS), not one message",
                "split it at its MSH segments",
            ),
            K::Framed => {
                ("C004", "the text starts with an MLLP start block (0x0B)", "take the MLLP frame off first")
            }
            K::Xml => (
                "C005",
                "the text looks like XML, not like ER7",
                "convert it to ER7 (the pipe form) first, as hl7 convert --to er7 does",
            ),
            K::MissingFieldSeparator => {
                ("C006", "the message ends before MSH-1", "MSH is followed by the field separator, usually |")
            }
            K::MissingEncodingCharacters => {
                ("C007", "MSH-2 is missing", "state the encoding characters, usually ^~\\&")
            }
            K::TooManyEncodingCharacters => (
                "C008",
                "MSH-2 has more than five characters",
                "is the field separator behind MSH-2 missing?",
            ),
            K::BadDelimiter => (
                "C009",
                "a delimiter is a quotation mark or no ASCII punctuation character",
                "the usual ones are |^~\\&",
            ),
            K::RepeatedDelimiter => {
                ("C010", "two delimiters are the same character", "the usual ones are |^~\\&, each once")
            }
            K::SecondHeader => ("C011", "a second MSH segment", "split the text into its messages at MSH"),
            K::TooLong => (
                "C012",
                "the message is longer than the limit",
                "raise ReadOptions::max_bytes if it is meant to be",
            ),
            K::TooManySegments => (
                "C013",
                "the message has more segments than the limit",
                "raise ReadOptions::max_segments if it is meant to",
            ),
            K::Charset(why) => ("C014", "the bytes do not fit the character set", suggestion_for(why)),
        }
    }
}

fn suggestion_for(why: &CharsetError) -> &'static str {
    match why {
        CharsetError::Unknown | CharsetError::Unsupported(_) => {
            "have the sender name a set of table 0211, or state its set by ReadOptions::charset"
        }
        CharsetError::Wide => "have the sender send UTF-8",
        CharsetError::Undecodable(_) => {
            "state the sender's set by ReadOptions::default_charset where MSH-18 is empty, by ReadOptions::charset where it is wrong"
        }
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (code, what, suggestion) = self.parts();
        write!(f, "{code}: {what} (byte {})", self.offset)?;
        match &self.kind {
            ParseErrorKind::Charset(why) => write!(f, ": {why}"),
            _ => write!(f, "; {suggestion}"),
        }
    }
}

impl fmt::Debug for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ParseError").field("kind", &self.kind).field("offset", &self.offset).finish()
    }
}

impl std::error::Error for ParseError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.kind {
            ParseErrorKind::Charset(why) => Some(why),
            _ => None,
        }
    }
}

/// Why an edit was refused. The message is as it was.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EditError {
    kind: EditErrorKind,
    path: Option<Path>,
}

/// The kinds of [`EditError`].
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum EditErrorKind {
    /// C101: the path names no field.
    NoField,
    /// C102: the message has no such segment.
    NoSegment,
    /// C103: no repetition matches the path's filter.
    NoRepetition,
    /// C104: MSH-1 and MSH-2 state the delimiters and are not values.
    Delimiters,
    /// C105: the message has no delimiter for this level (a short MSH-2), or no escape character for a value that needs one.
    NoDelimiter,
    /// C106: MSH-18 would name a character set that is not known.
    Charset(CharsetError),
    /// C107: the edit would write more than an edit may (128 MiB), or the message would be longer than a message can be (4 GiB).
    TooLong,
    /// C108: the text is no segment: an ID, then the field separator or nothing, without line ends.
    BadSegment,
    /// C109: MSH stands first and once: nothing can stand before it, and it can neither be removed, moved nor inserted; nor can the
    /// headers and trailers of batches be inserted.
    Header,
    /// C110: the raw text reaches beyond its place: it holds a delimiter of the place's level or above, a line end or a framing character.
    OutOfPlace,
    /// C111: the path names a place of another level than this edit is for.
    WrongLevel,
    /// C112: the path names several places, and one is wanted.
    Several,
    /// C113: a new message needs a value here: MSH-9.1, MSH-10 or MSH-12.
    Required,
}

impl EditError {
    pub(crate) fn new(kind: EditErrorKind, path: &Path) -> Self {
        Self::at(kind, Some(*path))
    }

    pub(crate) fn at(kind: EditErrorKind, path: Option<Path>) -> Self {
        Self { kind, path }
    }

    /// What is wrong.
    pub fn kind(&self) -> &EditErrorKind {
        &self.kind
    }

    /// The place that was to be edited; `None` for the end of the message.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_ref()
    }

    /// The stable code, `C101` to `C113`.
    pub fn code(&self) -> &'static str {
        self.parts().0
    }

    fn parts(&self) -> (&'static str, &'static str) {
        use EditErrorKind as K;
        match self.kind {
            K::NoField => ("C101", "the path names a segment; name a field of it"),
            K::NoSegment => ("C102", "the message has no such segment"),
            K::NoRepetition => ("C103", "no repetition matches the filter"),
            K::Delimiters => ("C104", "MSH-1 and MSH-2 state the delimiters and cannot be set as values"),
            K::NoDelimiter => ("C105", "MSH-2 of this message states no delimiter for this"),
            K::Charset(_) => ("C106", "MSH-18 would name a character set that is not known"),
            K::TooLong => {
                ("C107", "this would write more than 128 MiB at once, or make a message longer than 4 GiB")
            }
            K::BadSegment => {
                ("C108", "a segment is an ID such as NTE, then the field separator or nothing, in one line")
            }
            K::Header => (
                "C109",
                "MSH stands first and once, and headers and trailers of batches are not part of a message",
            ),
            K::OutOfPlace => (
                "C110",
                "the text holds a delimiter of this level or above, a line end or a framing character",
            ),
            K::WrongLevel => ("C111", "the path names a place of another level than this edit is for"),
            K::Several => ("C112", "the path names several places; name one"),
            K::Required => ("C113", "a new message needs a value here"),
        }
    }
}

impl fmt::Display for EditError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (code, what) = self.parts();
        match &self.path {
            Some(path) => write!(f, "{code}: {}: {what}", path.without_filter()),
            None => write!(f, "{code}: {what}"),
        }
    }
}

impl std::error::Error for EditError {}

/// Why a message cannot be written as bytes, in a character set or with delimiters.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EncodeError {
    kind: EncodeErrorKind,
    segment: usize,
}

/// The kinds of [`EncodeError`].
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum EncodeErrorKind {
    /// C201: a character does not exist in the message's character set.
    NotInCharset(Charset),
    /// C202: bytes were replaced when the message was read, so the text is not what was sent.
    Replaced,
    /// C203: MSH-18 names a character set that is not known or not supported.
    Charset(CharsetError),
    /// C204: with these delimiters the segment cannot be written: one that it needs is not among them.
    Delimiters,
    /// C205: the message would be longer than a message can be (4 GiB).
    TooLong,
}

impl EncodeError {
    pub(crate) fn new(kind: EncodeErrorKind, segment: usize) -> Self {
        Self { kind, segment }
    }

    /// What is wrong.
    pub fn kind(&self) -> &EncodeErrorKind {
        &self.kind
    }

    /// The segment concerned, from 1.
    pub fn segment(&self) -> usize {
        self.segment
    }

    /// The stable code, `C201` to `C205`.
    pub fn code(&self) -> &'static str {
        match self.kind {
            EncodeErrorKind::NotInCharset(_) => "C201",
            EncodeErrorKind::Replaced => "C202",
            EncodeErrorKind::Charset(_) => "C203",
            EncodeErrorKind::Delimiters => "C204",
            EncodeErrorKind::TooLong => "C205",
        }
    }
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: segment {}: ", self.code(), self.segment)?;
        match self.kind {
            EncodeErrorKind::NotInCharset(charset) => write!(
                f,
                "a character does not exist in {charset}; set MSH-18 to a character set that has it, such as UNICODE UTF-8"
            ),
            EncodeErrorKind::Replaced => {
                f.write_str("bytes that could not be decoded were replaced when the message was read")
            }
            EncodeErrorKind::Charset(why) => write!(f, "{why}"),
            EncodeErrorKind::Delimiters => f.write_str("these delimiters lack one that it needs"),
            EncodeErrorKind::TooLong => f.write_str("the message would be longer than 4 GiB"),
        }
    }
}

impl std::error::Error for EncodeError {}
