//! From XML to a message.

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use super::er7::Er7;
use super::text::{forbidden_of, is_space, without_layout};
use super::{LINE, NAMESPACE, XmlError, XmlErrorKind};
use crate::delimiters::Delimiters;
use crate::message::Message;
use crate::read::ReadOptions;

/// How deep elements can stand in each other: some ten groups, and what is in a segment.
const MAX_DEPTH: usize = 32;

/// How many attributes an element can have: their names are kept until it ends, to find one that stands twice. HL7 v2 XML has one, and
/// schemas and namespaces are a few.
const MAX_ATTRIBUTES: usize = 64;

pub(super) fn read(xml: &str, options: &ReadOptions) -> Result<Message<'static>, XmlError> {
    let mut reader = Reader::from_str(xml);
    reader.config_mut().expand_empty_elements = true;
    let mut reading = Reading::new(options.most_bytes());
    loop {
        let offset = reader.buffer_position() as usize;
        let fault = |kind| XmlError::in_text(kind, xml, offset);
        let event = match reader.read_event() {
            Ok(Event::Eof) => break,
            Ok(event) => event,
            Err(_) => {
                return Err(XmlError::in_text(
                    XmlErrorKind::Malformed,
                    xml,
                    reader.error_position() as usize,
                ));
            }
        };
        reading.take(event).map_err(fault)?;
    }
    let end = |kind| XmlError::in_text(kind, xml, xml.len());
    let text = reading.end().map_err(end)?;
    options.parse_owned(text).map_err(|why| end(XmlErrorKind::Message(why)))
}

/// An element that is open.
enum Open {
    Message,
    Group,
    Segment(String),
    /// MSH.1 or MSH.2.
    Delimiter(usize),
    /// The same of another header, which does not state the message's delimiters.
    Literal(usize),
    Part(Part),
    /// A line that is no segment.
    Line,
    Escape,
}

/// A field's repetition, a component or a subcomponent.
struct Part {
    level: u8,
    /// Whether it has parts of its own.
    has_parts: bool,
}

const FIELD: u8 = 0;
const SUBCOMPONENT: u8 = 2;

struct Reading {
    open: Vec<Open>,
    is_over: bool,
    /// Whether the first segment is over.
    has_header: bool,
    /// What MSH.1 and MSH.2 say, until a field comes behind them.
    stated: [Option<String>; 2],
    er7: Option<Er7>,
    max_bytes: usize,
    /// The value of the part that is open: as it is to be sent, and the text behind that as it is meant.
    value: String,
    text: String,
}

type Taken = Result<(), XmlErrorKind>;

impl Reading {
    fn new(max_bytes: usize) -> Self {
        Self {
            open: Vec::new(),
            is_over: false,
            has_header: false,
            stated: [None, None],
            er7: None,
            max_bytes,
            value: String::new(),
            text: String::new(),
        }
    }

    fn take(&mut self, event: Event<'_>) -> Taken {
        match event {
            Event::Start(start) => self.start(&start),
            Event::End(_) => self.close(),
            Event::Text(text) => self.characters(&text.xml10_content()),
            Event::CData(text) => self.characters(&text.xml10_content()),
            Event::GeneralRef(reference) => {
                let meant = reference.resolve_char_ref().map_err(|_| XmlErrorKind::Malformed)?;
                let named = || predefined(&reference.into_inner());
                let character = meant.or_else(named).ok_or(XmlErrorKind::Declared)?;
                self.characters(character.encode_utf8(&mut [0; 4]))
            }
            Event::DocType(_) => Err(XmlErrorKind::Declared),
            _ => Ok(()),
        }
    }

    fn start(&mut self, start: &BytesStart<'_>) -> Taken {
        if self.open.len() >= MAX_DEPTH {
            return Err(XmlErrorKind::TooDeep);
        }
        for (index, attribute) in start.attributes().enumerate() {
            if index == MAX_ATTRIBUTES {
                return Err(XmlErrorKind::TooManyAttributes);
            }
            attribute.map_err(|_| XmlErrorKind::Malformed)?;
        }
        let name = start.local_name();
        let opened = self.opened(name.as_ref(), start)?;
        self.open.push(opened);
        Ok(())
    }

    /// What an element is, by where it stands and its name.
    fn opened(&mut self, name: &str, start: &BytesStart<'_>) -> Result<Open, XmlErrorKind> {
        match self.open.last_mut() {
            None if self.is_over => Err(XmlErrorKind::Malformed),
            None => check_namespace(start).map(|()| Open::Message),
            Some(Open::Message | Open::Group) if name == LINE => match self.has_header {
                true => Ok(Open::Line),
                false => Err(XmlErrorKind::NoMessage),
            },
            Some(Open::Message | Open::Group) if name.contains('.') => Ok(Open::Group),
            Some(Open::Message | Open::Group) => self.segment(name),
            Some(Open::Segment(id)) => {
                let number = number(name).filter(|_| name.starts_with(&format!("{id}.")));
                let number = number.ok_or(XmlErrorKind::UnknownElement)?;
                match id.as_str() {
                    "MSH" if matches!(number, 1 | 2) && !self.has_header => self.delimiter(number),
                    "MSH" | "BHS" | "FHS" if matches!(number, 1 | 2) => Ok(Open::Literal(number)),
                    _ => self.field(number),
                }
            }
            Some(Open::Line) if name == "escape" => self.forbidden(start).map(|()| Open::Escape),
            Some(Open::Part(_)) if name == "escape" => self.escape(start).map(|()| Open::Escape),
            Some(Open::Part(part)) => {
                let level = part.level + 1;
                part.has_parts = true;
                self.part(name, level)
            }
            Some(Open::Delimiter(_) | Open::Literal(_) | Open::Line | Open::Escape) => {
                Err(XmlErrorKind::UnknownElement)
            }
        }
    }

    fn segment(&mut self, name: &str) -> Result<Open, XmlErrorKind> {
        let is_id = matches!(name.as_bytes(), [a, b, c] if a.is_ascii_uppercase()
            && [b, c].iter().all(|x| x.is_ascii_uppercase() || x.is_ascii_digit()));
        match &mut self.er7 {
            Some(er7) if is_id => er7.segment(name)?,
            None if name == "MSH" => {}
            None => return Err(XmlErrorKind::NoMessage),
            Some(_) => return Err(XmlErrorKind::UnknownElement),
        }
        Ok(Open::Segment(name.to_owned()))
    }

    fn delimiter(&mut self, number: usize) -> Result<Open, XmlErrorKind> {
        let comes_next = self.er7.is_none() && self.stated.iter().skip(number - 1).all(Option::is_none);
        if comes_next { Ok(Open::Delimiter(number)) } else { Err(XmlErrorKind::Delimiters) }
    }

    fn field(&mut self, number: usize) -> Result<Open, XmlErrorKind> {
        self.er7()?.field(number)?;
        Ok(Open::Part(Part { level: FIELD, has_parts: false }))
    }

    /// A component of a field, or what is in one.
    fn part(&mut self, name: &str, level: u8) -> Result<Open, XmlErrorKind> {
        let number = number(name).ok_or(XmlErrorKind::UnknownElement)?;
        self.pass_space()?;
        let er7 = self.er7()?;
        match level {
            ..SUBCOMPONENT => er7.component(number)?,
            SUBCOMPONENT => er7.subcomponent(number)?,
            // The data type of a subcomponent may have parts; a message can hold the first.
            _ if number == 1 => {}
            _ => return Err(XmlErrorKind::UnknownElement),
        }
        Ok(Open::Part(Part { level, has_parts: false }))
    }

    fn escape(&mut self, start: &BytesStart<'_>) -> Taken {
        let sequence = sequence(start)?;
        self.settle_text()?;
        let mut value = std::mem::take(&mut self.value);
        let done = self.er7()?.sequence(&mut value, &sequence);
        self.value = value;
        done
    }

    /// In a line: the character that XML cannot hold.
    fn forbidden(&mut self, start: &BytesStart<'_>) -> Taken {
        let character = forbidden_of(&sequence(start)?).ok_or(XmlErrorKind::BadEscape)?;
        self.text.push(character);
        Ok(())
    }

    fn characters(&mut self, text: &str) -> Taken {
        match self.open.last() {
            Some(Open::Part(_) | Open::Literal(_) | Open::Line) => self.text.push_str(text),
            Some(Open::Delimiter(number)) => {
                let number = number - 1;
                if let Some(stated) = self.stated.get_mut(number) {
                    stated.get_or_insert_default().push_str(text);
                }
            }
            _ if text.bytes().all(is_space) => {}
            None => return Err(XmlErrorKind::Malformed),
            Some(_) => return Err(XmlErrorKind::Mixed),
        }
        Ok(())
    }

    fn close(&mut self) -> Taken {
        match self.open.pop() {
            Some(Open::Part(part)) if part.has_parts => self.pass_space()?,
            Some(Open::Part(_)) => self.leaf()?,
            Some(Open::Delimiter(number)) => {
                if let Some(stated) = self.stated.get_mut(number - 1) {
                    stated.get_or_insert_default();
                }
            }
            Some(Open::Literal(number)) => {
                let text = std::mem::take(&mut self.text);
                self.er7()?.literal(number, &text)?;
            }
            Some(Open::Line) => {
                let text = std::mem::take(&mut self.text);
                self.er7()?.line(without_layout(&text))?;
            }
            // MSH may have no other fields.
            Some(Open::Segment(_)) => {
                self.er7()?;
                self.has_header = true;
            }
            _ => self.is_over = self.open.is_empty(),
        }
        Ok(())
    }

    fn leaf(&mut self) -> Taken {
        self.settle_text()?;
        let value = std::mem::take(&mut self.value);
        self.er7()?.value(&value)
    }

    /// Text beside elements is space.
    fn pass_space(&mut self) -> Taken {
        if !self.value.is_empty() || !self.text.bytes().all(is_space) {
            return Err(XmlErrorKind::Mixed);
        }
        self.text.clear();
        Ok(())
    }

    /// Writes the text as it is to be sent, without space at its ends that breaks a line: that is how the XML is laid out.
    fn settle_text(&mut self) -> Taken {
        let (mut value, text) = (std::mem::take(&mut self.value), std::mem::take(&mut self.text));
        self.er7()?.escape(&mut value, without_layout(&text))?;
        self.value = value;
        Ok(())
    }

    /// The message as far as it is written; MSH is begun with what is stated.
    fn er7(&mut self) -> Result<&mut Er7, XmlErrorKind> {
        if self.er7.is_none() {
            let [field, encoding] = &self.stated;
            let mut field = field.as_deref().unwrap_or("|").chars();
            let (Some(separator), None) = (field.next(), field.next()) else {
                return Err(XmlErrorKind::Delimiters);
            };
            let encoding = encoding.as_deref().unwrap_or("^~\\&");
            let delimiters = Delimiters::new(separator, encoding).map_err(|_| XmlErrorKind::Delimiters)?;
            self.er7 = Some(Er7::new(delimiters, self.max_bytes));
        }
        self.er7.as_mut().ok_or(XmlErrorKind::NoMessage)
    }

    fn end(self) -> Result<String, XmlErrorKind> {
        match self.er7 {
            _ if !self.is_over => Err(XmlErrorKind::Malformed),
            Some(er7) => Ok(er7.end()),
            None => Err(XmlErrorKind::NoMessage),
        }
    }
}

/// The root may name the namespace, and no other as its own.
fn check_namespace(root: &BytesStart<'_>) -> Taken {
    let name = root.name();
    let prefix = name.prefix();
    let own = match &prefix {
        Some(prefix) => format!("xmlns:{}", prefix.as_ref()),
        None => "xmlns".to_owned(),
    };
    for attribute in root.attributes().flatten() {
        if attribute.key.as_ref() == own && attribute.value != NAMESPACE {
            return Err(XmlErrorKind::NoMessage);
        }
    }
    Ok(())
}

/// The number of `PID.5` and `CX.1`.
fn number(name: &str) -> Option<usize> {
    let (_, digits) = name.rsplit_once('.')?;
    let is_number = digits.len() <= 3 && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.parse().ok()).flatten()
}

fn predefined(name: &str) -> Option<char> {
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        _ => return None,
    })
}

/// The attribute V.
fn sequence(start: &BytesStart<'_>) -> Result<String, XmlErrorKind> {
    let value = start.attributes().find_map(|attribute| {
        let attribute = attribute.ok().filter(|attribute| attribute.key.as_ref() == "V")?;
        attribute.normalized_value(XmlVersion::Implicit1_0).ok().map(|value| value.into_owned())
    });
    value.ok_or(XmlErrorKind::BadEscape)
}
