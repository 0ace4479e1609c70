//! From a message to XML.

use super::text::is_allowed;
use super::{LINE, MOST, NAMESPACE, XmlError, XmlErrorKind};
use crate::delimiters::Delimiters;
use crate::dictionary::{DataType, Dictionary, SegmentDefinition};
use crate::escape::{self, Token};
use crate::groups::{Member, SegmentGroup};
use crate::message::Message;
use crate::piece::{Component, Repetition};
use crate::segment::Segment;

pub(super) fn write(message: &Message<'_>) -> Result<String, XmlError> {
    let groups = message.groups();
    let structure = groups.structure().map_or_else(|| root_name(message), |known| known.name().to_owned());
    let mut writer = Writer {
        out: String::with_capacity(message.as_er7().len() * 8),
        depth: 0,
        segments: 0,
        delimiters: message.delimiters(),
        is_replaced: message.origin.as_ref().is_some_and(|origin| origin.replaced),
        dictionary: Dictionary::of_message(message),
        structure: &structure,
    };
    writer.out.push_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    writer.open(&format!("{structure} xmlns=\"{NAMESPACE}\""));
    writer.members(groups.root())?;
    writer.close(&structure);
    Ok(writer.out)
}

/// Of a message whose structure is not known: what MSH-9 says, where that can be a name.
fn root_name(message: &Message<'_>) -> String {
    let header = message.header();
    let is_name = |name: &str| {
        name.starts_with(|first: char| first.is_ascii_alphabetic())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    let text = |value: Option<crate::piece::Value<'_>>| value.map_or(String::new(), |it| it.raw().to_owned());
    let (kind, event) = (text(header.message_type()), text(header.trigger_event()));
    let names = [text(header.structure()), format!("{kind}_{event}"), kind];
    names.into_iter().find(|name| is_name(name)).unwrap_or_else(|| "MESSAGE".to_owned())
}

struct Writer<'s> {
    out: String,
    depth: usize,
    segments: usize,
    delimiters: Delimiters,
    /// Whether bytes of the message were replaced when it was read.
    is_replaced: bool,
    dictionary: Dictionary,
    structure: &'s str,
}

impl Writer<'_> {
    fn members(&mut self, group: SegmentGroup<'_>) -> Result<(), XmlError> {
        for member in group.members() {
            match member {
                Member::Segment(segment) => self.segment(segment)?,
                Member::Group(inner) => {
                    let name = format!("{}.{}", self.structure, inner.name());
                    self.open(&name);
                    self.members(inner)?;
                    self.close(&name);
                }
            }
        }
        Ok(())
    }

    fn segment(&mut self, segment: Segment<'_>) -> Result<(), XmlError> {
        self.segments += 1;
        if self.is_replaced && segment.raw().contains(char::REPLACEMENT_CHARACTER) {
            return Err(self.fault(XmlErrorKind::Replaced));
        }
        if !segment.has_valid_id() {
            self.line(segment.raw());
            return Ok(());
        }
        let id = segment.id();
        let is_valued = |field: &crate::piece::Field<'_>| !field.is_empty();
        if !segment.fields().any(|field| is_valued(&field)) {
            self.empty(id);
            return Ok(());
        }
        let definition = self.dictionary.segment(id);
        self.open(id);
        for (index, field) in segment.fields().enumerate().filter(|(_, field)| is_valued(field)) {
            let number = index + 1;
            self.check_number(number)?;
            let name = format!("{id}.{number}");
            if segment.is_header() && number <= 2 {
                self.literal(&name, field.raw())?;
                continue;
            }
            let kind = self.type_of(segment, definition, number);
            for repetition in field.repetitions() {
                self.repetition(&name, repetition, kind)?;
            }
        }
        self.close(id);
        Ok(())
    }

    /// A line that is no segment, as it came: nothing is an escape sequence in it, and one stands for a character that XML cannot hold.
    fn line(&mut self, raw: &str) {
        self.begin(LINE);
        for character in raw.chars() {
            match is_allowed(character) {
                true => self.push(character),
                false => self.hexadecimal(character),
            }
        }
        self.end(LINE);
    }

    fn check_number(&self, number: usize) -> Result<(), XmlError> {
        if number > MOST { Err(self.fault(XmlErrorKind::TooManyParts)) } else { Ok(()) }
    }

    /// The first or second field of a header, in which nothing is an escape sequence.
    fn literal(&mut self, name: &str, raw: &str) -> Result<(), XmlError> {
        if !raw.chars().all(is_allowed) {
            return Err(self.fault(XmlErrorKind::NoDelimiter));
        }
        self.begin(name);
        self.text(raw)?;
        self.end(name);
        Ok(())
    }

    /// The data type of a field; of one whose type the message states, that.
    fn type_of(
        &self,
        segment: Segment<'_>,
        definition: Option<SegmentDefinition>,
        number: usize,
    ) -> Option<DataType> {
        let stated_in = match (segment.id(), number) {
            ("OBX", 5) => 2,
            ("MFE", 4) => 5,
            _ => return definition?.field(number)?.data_type().filter(|kind| kind.id() != "varies"),
        };
        self.dictionary.data_type(segment.field(stated_in)?.raw())
    }

    fn repetition(
        &mut self,
        name: &str,
        repetition: Repetition<'_>,
        kind: Option<DataType>,
    ) -> Result<(), XmlError> {
        let components = || repetition.components().enumerate().filter(|(_, part)| !part.is_empty());
        let Some((_, first)) = components().next() else {
            self.empty(name);
            return Ok(());
        };
        if !is_composite(kind) && components().all(|(index, part)| index == 0 && is_single(part)) {
            return self.component(name, first, kind);
        }
        self.open(name);
        for (index, component) in components() {
            self.check_number(index + 1)?;
            let inner = kind.and_then(|kind| kind.component(index + 1)?.data_type());
            self.component(&element(kind, index), component, inner)?;
        }
        self.close(name);
        Ok(())
    }

    fn component(
        &mut self,
        name: &str,
        component: Component<'_>,
        kind: Option<DataType>,
    ) -> Result<(), XmlError> {
        let subcomponents = || component.subcomponents().enumerate().filter(|(_, part)| !part.is_empty());
        let Some((_, first)) = subcomponents().next() else {
            self.empty(name);
            return Ok(());
        };
        if !is_composite(kind) && is_single(component) {
            return self.leaf(name, first.raw());
        }
        self.open(name);
        for (index, subcomponent) in subcomponents() {
            self.check_number(index + 1)?;
            let inner = kind.and_then(|kind| kind.component(index + 1)?.data_type());
            self.subcomponent(&element(kind, index), subcomponent.raw(), inner)?;
        }
        self.close(name);
        Ok(())
    }

    /// A subcomponent has no parts in a message. Where its data type has some, as the TS in a DR, it is the first of them.
    fn subcomponent(&mut self, name: &str, raw: &str, kind: Option<DataType>) -> Result<(), XmlError> {
        let Some(kind) = kind.filter(|kind| !kind.is_primitive()) else { return self.leaf(name, raw) };
        self.open(name);
        self.subcomponent(
            &element(Some(kind), 0),
            raw,
            kind.component(1).and_then(|first| first.data_type()),
        )?;
        self.close(name);
        Ok(())
    }

    fn leaf(&mut self, name: &str, raw: &str) -> Result<(), XmlError> {
        self.begin(name);
        let delimiters = self.delimiters;
        for token in escape::tokens(raw, &delimiters) {
            match token {
                Token::Text(text) => self.text(text)?,
                Token::Sequence(body) => self.sequence(body),
            }
        }
        self.end(name);
        Ok(())
    }

    fn sequence(&mut self, body: &str) {
        let letter = match body.as_bytes() {
            // A character at the end of a value that says it was cut differs from one that is meant (2.7.1, 2.5.5.2).
            &[letter] if letter != b'P' => self.delimiters.of_escape_letter(letter),
            _ => None,
        };
        match letter {
            Some(delimiter) => self.push(delimiter),
            None => self.escape(body),
        }
    }

    fn escape(&mut self, body: &str) {
        self.out.push_str("<escape V=\"");
        body.chars().for_each(|character| self.push(character));
        self.out.push_str("\"/>");
    }

    fn text(&mut self, text: &str) -> Result<(), XmlError> {
        for character in text.chars() {
            if is_allowed(character) {
                self.push(character);
                continue;
            }
            if self.delimiters.escape().is_none() {
                return Err(self.fault(XmlErrorKind::NoDelimiter));
            }
            self.hexadecimal(character);
        }
        Ok(())
    }

    fn hexadecimal(&mut self, character: char) {
        let mut bytes = [0; 4];
        let hex: String =
            character.encode_utf8(&mut bytes).bytes().map(|byte| format!("{byte:02X}")).collect();
        self.escape(&format!("X{hex}"));
    }

    fn push(&mut self, character: char) {
        match character {
            '&' => self.out.push_str("&amp;"),
            '<' => self.out.push_str("&lt;"),
            '>' => self.out.push_str("&gt;"),
            '"' => self.out.push_str("&quot;"),
            // A reader of attributes makes a space of it.
            '\t' => self.out.push_str("&#9;"),
            other => self.out.push(other),
        }
    }

    fn fault(&self, kind: XmlErrorKind) -> XmlError {
        XmlError::of_segment(kind, self.segments)
    }

    fn open(&mut self, tag: &str) {
        self.indent();
        self.out.extend(["<", tag, ">\n"]);
        self.depth += 1;
    }

    fn close(&mut self, name: &str) {
        self.depth -= 1;
        self.indent();
        self.end(name);
    }

    fn empty(&mut self, name: &str) {
        self.indent();
        self.out.extend(["<", name, "/>\n"]);
    }

    fn begin(&mut self, name: &str) {
        self.indent();
        self.out.extend(["<", name, ">"]);
    }

    fn end(&mut self, name: &str) {
        self.out.extend(["</", name, ">\n"]);
    }

    fn indent(&mut self) {
        self.out.extend(std::iter::repeat_n("  ", self.depth));
    }
}

/// Whether nothing but its first subcomponent is valued.
fn is_single(component: Component<'_>) -> bool {
    component.subcomponents().skip(1).all(|part| part.is_empty())
}

fn is_composite(kind: Option<DataType>) -> bool {
    kind.is_some_and(|kind| !kind.is_primitive())
}

fn element(kind: Option<DataType>, index: usize) -> String {
    format!("{}.{}", kind.map_or("UNKNOWN", DataType::id), index + 1)
}
