//! Why a message has no XML form, or a text is not one.

use std::fmt;

use crate::error::ParseError;

/// Why a message could not be written as XML, or XML not read as a message: a kind, and where it shows. It holds nothing of the message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct XmlError {
    kind: XmlErrorKind,
    place: XmlPlace,
}

/// Where a fault shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum XmlPlace {
    /// In the XML: the byte from 0, the line and the column from 1. A column counts characters.
    Text {
        /// The byte, from 0.
        offset: usize,
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
    },
    /// In the message: which of its segments, from 1.
    Segment(usize),
}

/// The kinds of [`XmlError`].
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum XmlErrorKind {
    /// C301: not well-formed XML.
    Malformed,
    /// C302: a document type declaration, or an entity other than the five of XML. They can make a small text a large one and read other
    /// files, and no HL7 message needs them.
    Declared,
    /// C303: the first segment is not MSH, or the elements are of another namespace than `urn:hl7-org:v2xml`.
    NoMessage,
    /// C304: an element that is no group, segment, field or component where it stands.
    UnknownElement,
    /// C305: a field or component stands behind a later one, or a component twice.
    OutOfOrder,
    /// C306: text where only elements can stand.
    Mixed,
    /// C307: an `escape` element without a `V` that is an escape sequence.
    BadEscape,
    /// C308: elements inside each other more than 32 deep.
    TooDeep,
    /// C309: the message is longer than [`crate::ReadOptions::max_bytes`].
    TooLong,
    /// C310: MSH.1 and MSH.2 are not delimiters, or do not stand first in MSH.
    Delimiters,
    /// C311: the message states no delimiter or escape character that this needs.
    NoDelimiter,
    /// C313: what was read is no message.
    Message(ParseError),
    /// C314: an element with more than 64 attributes.
    TooManyAttributes,
    /// C315: a segment, repetition or component of a message that is to be written has more than 999 parts.
    TooManyParts,
    /// C316: bytes were replaced when the message was read, so the text is not what was sent.
    Replaced,
    /// C317: the bytes do not fit the encoding that the XML declares, or it is not known.
    Encoding,
}

impl XmlError {
    pub(super) fn of_segment(kind: XmlErrorKind, number: usize) -> Self {
        Self { kind, place: XmlPlace::Segment(number) }
    }

    pub(super) fn in_text(kind: XmlErrorKind, xml: &str, offset: usize) -> Self {
        let mut offset = offset.min(xml.len());
        while !xml.is_char_boundary(offset) {
            offset -= 1;
        }
        let before = xml.get(..offset).unwrap_or_default();
        let line = 1 + before.bytes().filter(|byte| *byte == b'\n').count();
        let column = 1 + before.rsplit('\n').next().unwrap_or_default().chars().count();
        Self { kind, place: XmlPlace::Text { offset, line, column } }
    }

    /// What is wrong.
    pub fn kind(&self) -> &XmlErrorKind {
        &self.kind
    }

    /// Where it shows.
    pub fn place(&self) -> XmlPlace {
        self.place
    }

    /// The stable code, `C301` to `C317`; C312 is not given.
    pub fn code(&self) -> &'static str {
        self.parts().0
    }

    /// What to do about it.
    pub fn suggestion(&self) -> &'static str {
        self.parts().2
    }

    fn parts(&self) -> (&'static str, &'static str, &'static str) {
        use XmlErrorKind as K;
        match &self.kind {
            K::Malformed => ("C301", "this is not well-formed XML", "check it with an XML tool"),
            K::Declared => {
                ("C302", "a document type or an entity of one's own", "write the characters themselves")
            }
            K::NoMessage => (
                "C303",
                "this is no HL7 v2 message in XML",
                "the root holds an MSH element first, in urn:hl7-org:v2xml",
            ),
            K::UnknownElement => (
                "C304",
                "an element that has no place here",
                "the names are as ORU_R01.PATIENT_RESULT, OBX, OBX.5 and CX.1",
            ),
            K::OutOfOrder => {
                ("C305", "an element behind a later one", "write fields and components in their order")
            }
            K::Mixed => ("C306", "text beside elements", "put the text into the element of a component"),
            K::BadEscape => {
                ("C307", "an escape element that is none", "give the sequence as its V, such as V=\".br\"")
            }
            K::TooDeep => ("C308", "elements more than 32 deep", "an HL7 message needs no more than 20"),
            K::TooLong => (
                "C309",
                "the message is longer than the limit",
                "raise ReadOptions::max_bytes if it is meant to be",
            ),
            K::Delimiters => {
                ("C310", "MSH.1 and MSH.2 are no delimiters", "the usual ones are | and ^~\\&, first in MSH")
            }
            K::NoDelimiter => (
                "C311",
                "the message states no delimiter or escape character for this",
                "state all encoding characters in MSH-2, usually ^~\\&",
            ),
            K::Replaced => (
                "C316",
                "bytes that could not be decoded were replaced when the message was read",
                "read it in the character set of its sender",
            ),
            K::Encoding => ("C317", "the bytes do not fit the encoding of the XML", "write it in UTF-8"),
            K::TooManyParts => ("C315", "more than 999 parts", "is a separator missing or repeated?"),
            K::Message(_) => ("C313", "what the elements hold is no message", "see the cause"),
            K::TooManyAttributes => (
                "C314",
                "an element with more than 64 attributes",
                "leave them out: only V of escape is read",
            ),
        }
    }
}

impl fmt::Display for XmlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (code, what, suggestion) = self.parts();
        write!(f, "{code}: {what} ")?;
        match self.place {
            XmlPlace::Text { line, column, .. } => write!(f, "(line {line}, column {column})")?,
            XmlPlace::Segment(number) => write!(f, "(segment {number})")?,
        }
        match &self.kind {
            XmlErrorKind::Message(why) => write!(f, ": {why}"),
            _ => write!(f, "; {suggestion}"),
        }
    }
}

impl std::error::Error for XmlError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.kind {
            XmlErrorKind::Message(why) => Some(why),
            _ => None,
        }
    }
}
