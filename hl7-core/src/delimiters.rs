//! The five (since 2.7 six) characters that separate the parts of a message.

use crate::error::{ParseError, ParseErrorKind};
use crate::scan;

/// Stands for a delimiter that the message does not have. The byte 0xFF occurs nowhere in UTF-8 text, so a scan
/// for it finds nothing.
const NONE: u8 = 0xFF;

/// The delimiters of one message, from MSH-1 and MSH-2 (HL7 2.5.1, chapter 2, section 2.5.4).
///
/// All are ASCII characters that are neither letters, digits, spaces, quotation marks nor control characters, and no two are equal.
/// A message may leave out the later ones (`MSH|^~|`): it then has no such separator.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Delimiters {
    field: u8,
    component: u8,
    repetition: u8,
    escape: u8,
    subcomponent: u8,
    truncation: u8,
}

/// A level of the parts of a segment.
#[derive(Clone, Copy)]
pub(crate) enum Level {
    Field,
    Repetition,
    Component,
    Subcomponent,
}

impl Default for Delimiters {
    /// The recommended set: `|`, `^`, `~`, `\`, `&`, and no truncation character.
    fn default() -> Self {
        Self {
            field: b'|',
            component: b'^',
            repetition: b'~',
            escape: b'\\',
            subcomponent: b'&',
            truncation: NONE,
        }
    }
}

impl Delimiters {
    /// Delimiters for a new message: MSH-1, and MSH-2 in its order: component, repetition, escape, subcomponent and (2.7 and later)
    /// truncation character. The later ones may be left out.
    ///
    /// # Errors
    /// When one of them is a letter, a digit, a space, a control character or not ASCII, when two are the same, or when MSH-2 is empty or
    /// longer than five characters. The offset counts from the start of MSH.
    ///
    /// ```
    /// use hl7_core::Delimiters;
    /// assert_eq!(Delimiters::new('|', "^~\\&")?, Delimiters::default());
    /// assert_eq!(Delimiters::new('|', "^~\\|").unwrap_err().offset(), 7);
    /// # Ok::<(), hl7_core::ParseError>(())
    /// ```
    pub fn new(field: char, encoding: &str) -> Result<Self, ParseError> {
        match u8::try_from(field) {
            Ok(field) if is_delimiter(field) => Self::of_parts(field, encoding.as_bytes()),
            _ => Err(ParseError::new(ParseErrorKind::BadDelimiter, 3)),
        }
    }

    /// The characters of MSH-2: `^~\&`.
    pub fn encoding_characters(&self) -> String {
        let all = [self.component, self.repetition, self.escape, self.subcomponent, self.truncation];
        all.into_iter().filter_map(shown).collect()
    }

    /// Reads the delimiters from the start of an MSH, FHS or BHS segment, given whole and without its line end.
    pub(crate) fn of_header(segment: &str) -> Result<Self, ParseError> {
        let bytes = segment.as_bytes();
        let fault = |kind, at| Err(ParseError::new(kind, at));
        let Some(&field) = bytes.get(3) else {
            return fault(ParseErrorKind::MissingFieldSeparator, bytes.len());
        };
        if !is_delimiter(field) {
            return fault(ParseErrorKind::BadDelimiter, 3);
        }
        let rest = bytes.get(4..).unwrap_or_default();
        let encoding = rest.get(..scan::first(rest, field).unwrap_or(rest.len())).unwrap_or_default();
        Self::of_parts(field, encoding)
    }

    fn of_parts(field: u8, encoding: &[u8]) -> Result<Self, ParseError> {
        let fault = |kind, at| Err(ParseError::new(kind, at));
        if encoding.is_empty() {
            return fault(ParseErrorKind::MissingEncodingCharacters, 4);
        }
        if encoding.len() > 5 {
            return fault(ParseErrorKind::TooManyEncodingCharacters, 9);
        }
        let mut all = [NONE; 6];
        all[0] = field;
        for (slot, &byte) in encoding.iter().enumerate() {
            if !is_delimiter(byte) {
                return fault(ParseErrorKind::BadDelimiter, 4 + slot);
            }
            if all.contains(&byte) {
                return fault(ParseErrorKind::RepeatedDelimiter, 4 + slot);
            }
            all[slot + 1] = byte;
        }
        let [field, component, repetition, escape, subcomponent, truncation] = all;
        Ok(Self { field, component, repetition, escape, subcomponent, truncation })
    }

    /// MSH-1, between fields: `|`.
    pub fn field(&self) -> char {
        char::from(self.field)
    }

    /// The first character of MSH-2, between components: `^`.
    pub fn component(&self) -> Option<char> {
        shown(self.component)
    }

    /// The second character of MSH-2, between repetitions: `~`.
    pub fn repetition(&self) -> Option<char> {
        shown(self.repetition)
    }

    /// The third character of MSH-2, around escape sequences: `\`.
    pub fn escape(&self) -> Option<char> {
        shown(self.escape)
    }

    /// The fourth character of MSH-2, between subcomponents: `&`.
    pub fn subcomponent(&self) -> Option<char> {
        shown(self.subcomponent)
    }

    /// The fifth character of MSH-2 (2.7 and later), at the end of a cut value: `#`.
    pub fn truncation(&self) -> Option<char> {
        shown(self.truncation)
    }

    /// The same, without a truncation character.
    #[cfg(feature = "xml")]
    pub(crate) fn without_truncation(self) -> Self {
        Self { truncation: NONE, ..self }
    }

    /// What separates the parts of this level.
    pub(crate) fn between(&self, level: Level) -> u8 {
        match level {
            Level::Field => self.field,
            Level::Repetition => self.repetition,
            Level::Component => self.component,
            Level::Subcomponent => self.subcomponent,
        }
    }

    /// What a part of this level may hold that means something: the delimiters of the levels below, and the escape character.
    pub(crate) fn inside(&self, level: Level) -> [u8; 4] {
        match level {
            Level::Field => [self.repetition, self.component, self.subcomponent, self.escape],
            Level::Repetition => [NONE, self.component, self.subcomponent, self.escape],
            Level::Component => [NONE, NONE, self.subcomponent, self.escape],
            Level::Subcomponent => [NONE, NONE, NONE, self.escape],
        }
    }

    pub(crate) fn field_byte(&self) -> u8 {
        self.field
    }
    pub(crate) fn component_byte(&self) -> u8 {
        self.component
    }
    /// Whether a field, or a part of one, holds anything but separators.
    pub(crate) fn leave_something(&self, raw: &str) -> bool {
        let separators = [self.repetition, self.component, self.subcomponent];
        raw.bytes().any(|byte| !separators.contains(&byte))
    }
    pub(crate) fn repetition_byte(&self) -> u8 {
        self.repetition
    }
    pub(crate) fn escape_byte(&self) -> u8 {
        self.escape
    }
    pub(crate) fn subcomponent_byte(&self) -> u8 {
        self.subcomponent
    }

    /// The escape letter that stands for `byte` when it is one of these delimiters (chapter 2, section 2.7.1).
    pub(crate) fn escape_letter(&self, byte: u8) -> Option<char> {
        match byte {
            NONE => None,
            _ if byte == self.field => Some('F'),
            _ if byte == self.component => Some('S'),
            _ if byte == self.subcomponent => Some('T'),
            _ if byte == self.repetition => Some('R'),
            _ if byte == self.escape => Some('E'),
            _ if byte == self.truncation => Some('P'),
            _ => None,
        }
    }

    /// The delimiter that an escape letter stands for, when the message has it.
    pub(crate) fn of_escape_letter(&self, letter: u8) -> Option<char> {
        match letter {
            b'F' => Some(self.field()),
            b'S' => self.component(),
            b'T' => self.subcomponent(),
            b'R' => self.repetition(),
            b'E' => self.escape(),
            b'P' => self.truncation(),
            _ => None,
        }
    }
}

fn shown(byte: u8) -> Option<char> {
    (byte != NONE).then(|| char::from(byte))
}

/// The quotation mark is none: two of them are HL7's null, whatever the delimiters.
fn is_delimiter(byte: u8) -> bool {
    byte.is_ascii_punctuation() && byte != b'"'
}
