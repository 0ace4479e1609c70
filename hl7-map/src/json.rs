//! JSON (RFC 8259): a strict reader that keeps each number's source text and never shows what it read.

mod object;
mod places;
mod write;

use std::borrow::Cow;
use std::fmt;

pub(crate) use object::Object;
pub(crate) use places::{Node, Payload, Places};
pub(crate) use write::{push_number, push_string};

/// A JSON value.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Json<'a> {
    Null,
    Bool(bool),
    /// The number as written.
    Number(Cow<'a, str>),
    String(Cow<'a, str>),
    List(Vec<Json<'a>>),
    Object(Object<'a>),
}

impl<'a> Json<'a> {
    /// The value of this name, when this is an object that has it.
    pub(crate) fn member(&self, name: &str) -> Option<&Json<'a>> {
        match self {
            Json::Object(members) => members.get(name),
            _ => None,
        }
    }

    /// Whether both mean the same: members in any order, numbers by their text.
    pub(crate) fn means(&self, other: &Json<'_>) -> bool {
        match (self, other) {
            (Json::List(a), Json::List(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.means(b)),
            (Json::Object(a), Json::Object(b)) => {
                let same =
                    |(name, value): (&str, &Json<'_>)| b.get(name).is_some_and(|other| value.means(other));
                a.len() == b.len() && a.iter().all(same)
            }
            (Json::Number(a), Json::Number(b)) | (Json::String(a), Json::String(b)) => a == b,
            (Json::Bool(a), Json::Bool(b)) => a == b,
            (Json::Null, Json::Null) => true,
            _ => false,
        }
    }

    /// The value as JSON, in one line.
    pub(crate) fn shown(&self) -> String {
        let mut out = String::new();
        self.push(&mut out);
        out
    }

    fn push(&self, out: &mut String) {
        match self {
            Json::Null => out.push_str("null"),
            Json::Bool(yes) => out.push_str(if *yes { "true" } else { "false" }),
            Json::Number(text) => out.push_str(text),
            Json::String(text) => push_string(out, text),
            Json::List(items) => {
                for (n, item) in items.iter().enumerate() {
                    out.push(if n == 0 { '[' } else { ',' });
                    item.push(out);
                }
                out.push_str(if items.is_empty() { "[]" } else { "]" });
            }
            Json::Object(members) => {
                for (n, (name, value)) in members.iter().enumerate() {
                    out.push(if n == 0 { '{' } else { ',' });
                    push_string(out, name);
                    out.push(':');
                    value.push(out);
                }
                out.push_str(if members.len() == 0 { "{}" } else { "}" });
            }
        }
    }

    /// The `index`-th item, from 0, when this is a list that has it.
    pub(crate) fn item(&self, index: usize) -> Option<&Json<'a>> {
        match self {
            Json::List(items) => items.get(index),
            _ => None,
        }
    }
}

impl fmt::Debug for Json<'_> {
    /// Shows the kind only: the content may be a patient's.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Json::Null => f.write_str("Null"),
            Json::Bool(_) => f.write_str("Bool"),
            Json::Number(_) => f.write_str("Number"),
            Json::String(_) => f.write_str("String"),
            Json::List(items) => write!(f, "List({} items)", items.len()),
            Json::Object(members) => write!(f, "Object({} members)", members.len()),
        }
    }
}

/// What a payload may be at most.
#[derive(Clone, Copy, Debug)]
pub(crate) struct JsonLimits {
    pub(crate) bytes: usize,
    pub(crate) values: usize,
}

/// Lists and objects may be this deep in each other, as with most JSON readers; it bounds the stack that reading takes.
const MAX_DEPTH: usize = 128;

/// Why bytes are not JSON, and at which byte it shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct JsonFault {
    pub(crate) kind: JsonFaultKind,
    pub(crate) offset: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum JsonFaultKind {
    NotUtf8,
    Unexpected,
    EndsEarly,
    Trailing,
    Number,
    String,
    Escape,
    TooDeep,
    TooLong,
    TooMany,
}

impl JsonFaultKind {
    /// The stable code and the words for it.
    pub(crate) fn parts(self) -> (&'static str, &'static str) {
        match self {
            Self::NotUtf8 => ("M301", "the payload is not UTF-8"),
            Self::Unexpected => ("M302", "a character that JSON does not allow here"),
            Self::EndsEarly => ("M303", "the payload ends before the JSON value does"),
            Self::Trailing => ("M304", "something follows the JSON value"),
            Self::Number => ("M305", "this is not a JSON number"),
            Self::String => ("M306", "a string holds a control character that has to be escaped"),
            Self::Escape => ("M307", "this is not an escape sequence of JSON, or half of a surrogate pair"),
            Self::TooDeep => ("M308", "lists and objects lie more than 128 deep in each other"),
            Self::TooLong => ("M309", "the payload is longer than the limit"),
            Self::TooMany => ("M310", "the payload holds more values than the limit"),
        }
    }
}

/// Reads one JSON value that takes up all of `bytes`.
pub(crate) fn read(bytes: &[u8], limits: JsonLimits) -> Result<Json<'_>, JsonFault> {
    read_as(bytes, limits, |reader| reader.value(Want::All, &mut Payload::default()))
}

/// Reads one JSON value that takes up all of `bytes`, and keeps these places of it.
pub(crate) fn read_places<'a>(
    bytes: &'a [u8],
    limits: JsonLimits,
    places: &Places,
) -> Result<Payload<'a>, JsonFault> {
    read_as(bytes, limits, |reader| {
        reader.blanks();
        let mut payload = Payload::new(places, reader.peek() == Some(b'{'));
        reader.member(places.top(), &mut payload)?;
        Ok(payload)
    })
}

fn read_as<'a, T>(
    bytes: &'a [u8],
    limits: JsonLimits,
    read: impl FnOnce(&mut Reader<'a>) -> Read<T>,
) -> Read<T> {
    if bytes.len() > limits.bytes {
        return Err(JsonFault { kind: JsonFaultKind::TooLong, offset: limits.bytes });
    }
    let text = std::str::from_utf8(bytes)
        .map_err(|error| JsonFault { kind: JsonFaultKind::NotUtf8, offset: error.valid_up_to() })?;
    let mut reader = Reader { text, at: 0, depth: 0, left: limits.values };
    let value = read(&mut reader)?;
    reader.blanks();
    if reader.at < text.len() { reader.fault(JsonFaultKind::Trailing) } else { Ok(value) }
}

/// What is wanted of a value that is read.
#[derive(Clone, Copy)]
enum Want<'p> {
    All,
    /// Only that it is JSON. A list or an object is given as null.
    Nothing,
    /// The same, and what is kept of it.
    Parts(&'p Node),
}

/// The JSON string that `text` starts with, and how many bytes it takes.
pub(crate) fn leading_string(text: &str) -> Option<(Cow<'_, str>, usize)> {
    let mut reader = Reader { text, at: 0, depth: 0, left: 1 };
    let string = reader.string().ok()?;
    Some((string, reader.at))
}

/// Whether `text` is a JSON number.
pub(crate) fn is_number(text: &str) -> bool {
    let mut reader = Reader { text, at: 0, depth: 0, left: 1 };
    reader.number().is_ok() && reader.at == text.len()
}

/// Which bytes end a run of characters that mean themselves.
const ENDS_PLAIN: [bool; 256] = {
    let mut ends = [false; 256];
    let mut byte = 0;
    while byte < 0x20 {
        ends[byte] = true;
        byte += 1;
    }
    ends[b'"' as usize] = true;
    ends[b'\\' as usize] = true;
    ends
};

struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    /// How many values may still come.
    left: usize,
}

type Read<T> = Result<T, JsonFault>;

impl<'a> Reader<'a> {
    fn fault<T>(&self, kind: JsonFaultKind) -> Read<T> {
        Err(JsonFault { kind, offset: self.at })
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// What stands where JSON wants something else.
    fn unexpected<T>(&self) -> Read<T> {
        let ended = self.at >= self.text.len();
        self.fault(if ended { JsonFaultKind::EndsEarly } else { JsonFaultKind::Unexpected })
    }

    fn value(&mut self, want: Want<'_>, payload: &mut Payload<'a>) -> Read<Json<'a>> {
        self.blanks();
        let Some(left) = self.left.checked_sub(1) else { return self.fault(JsonFaultKind::TooMany) };
        self.left = left;
        match self.peek() {
            Some(b'"') => self.string().map(Json::String),
            Some(b'-' | b'0'..=b'9') => self.number().map(|text| Json::Number(Cow::Borrowed(text))),
            Some(b'{') => self.nested(|reader| reader.object(want, payload)),
            Some(b'[') => self.nested(|reader| reader.list(want, payload)),
            Some(b't') => self.word("true", Json::Bool(true)),
            Some(b'f') => self.word("false", Json::Bool(false)),
            Some(b'n') => self.word("null", Json::Null),
            _ => self.unexpected(),
        }
    }

    fn word(&mut self, word: &str, value: Json<'a>) -> Read<Json<'a>> {
        for byte in word.bytes() {
            if self.peek() != Some(byte) {
                return self.unexpected();
            }
            self.at += 1;
        }
        Ok(value)
    }

    fn nested(&mut self, read: impl FnOnce(&mut Self) -> Read<Json<'a>>) -> Read<Json<'a>> {
        if self.depth == MAX_DEPTH {
            return self.fault(JsonFaultKind::TooDeep);
        }
        self.depth += 1;
        self.at += 1;
        let value = read(self);
        self.depth -= 1;
        value
    }

    fn list(&mut self, want: Want<'_>, payload: &mut Payload<'a>) -> Read<Json<'a>> {
        let mut items = Vec::new();
        let mut goes_on = !self.closes(b']');
        while goes_on {
            match want {
                Want::All => items.push(self.value(want, payload)?),
                // A name leads to no item.
                Want::Nothing | Want::Parts(_) => drop(self.value(Want::Nothing, payload)?),
            }
            goes_on = self.goes_on(b']')?;
        }
        Ok(if matches!(want, Want::All) { Json::List(items) } else { Json::Null })
    }

    fn object(&mut self, want: Want<'_>, payload: &mut Payload<'a>) -> Read<Json<'a>> {
        let mut members = Vec::new();
        let mut goes_on = !self.closes(b'}');
        while goes_on {
            let name = self.name()?;
            let part = match want {
                Want::Parts(node) => node.member(&name),
                Want::All | Want::Nothing => None,
            };
            match (want, part) {
                (Want::All, _) => members.push((name, self.value(want, payload)?)),
                (_, Some(part)) => self.member(part, payload)?,
                (_, None) => drop(self.value(Want::Nothing, payload)?),
            }
            goes_on = self.goes_on(b'}')?;
        }
        Ok(if matches!(want, Want::All) { Json::Object(Object::of(members)) } else { Json::Null })
    }

    /// A value that is kept, or parts of it.
    fn member(&mut self, node: &Node, payload: &mut Payload<'a>) -> Read<()> {
        if node.is_kept() {
            let value = self.value(Want::All, payload)?;
            payload.keep(node, value);
            return Ok(());
        }
        payload.forget(node);
        self.value(Want::Parts(node), payload).map(drop)
    }

    /// The name of a member and the colon behind it.
    fn name(&mut self) -> Read<Cow<'a, str>> {
        self.blanks();
        let name = self.string()?;
        self.blanks();
        if self.peek() != Some(b':') {
            return self.unexpected();
        }
        self.at += 1;
        Ok(name)
    }

    /// Steps over `close` when it comes next.
    fn closes(&mut self, close: u8) -> bool {
        self.blanks();
        let closes = self.peek() == Some(close);
        self.at += usize::from(closes);
        closes
    }

    /// Steps over a comma (true) or over `close` (false).
    fn goes_on(&mut self, close: u8) -> Read<bool> {
        if self.closes(close) {
            return Ok(false);
        }
        if self.peek() != Some(b',') {
            return self.unexpected();
        }
        self.at += 1;
        Ok(true)
    }

    fn number(&mut self) -> Read<&'a str> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'0'..=b'9')) {
            return self.fault(JsonFaultKind::Number);
        }
        Ok(self.text.get(start..self.at).unwrap_or_default())
    }

    /// One digit or more.
    fn digits(&mut self) -> Read<()> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        match self.at > start {
            true => Ok(()),
            false if self.at >= self.text.len() => self.fault(JsonFaultKind::EndsEarly),
            false => self.fault(JsonFaultKind::Number),
        }
    }

    /// A string, from its opening quote on. Without an escape it is borrowed.
    fn string(&mut self) -> Read<Cow<'a, str>> {
        if self.peek() != Some(b'"') {
            return self.unexpected();
        }
        self.at += 1;
        let plain = self.plain()?;
        if self.peek() == Some(b'"') {
            self.at += 1;
            return Ok(Cow::Borrowed(plain));
        }
        let mut out = plain.to_owned();
        loop {
            self.escape(&mut out)?;
            out.push_str(self.plain()?);
            if self.peek() == Some(b'"') {
                self.at += 1;
                return Ok(Cow::Owned(out));
            }
        }
    }

    /// The characters up to the next quote or backslash.
    fn plain(&mut self) -> Read<&'a str> {
        let start = self.at;
        let rest = self.text.as_bytes().get(start..).unwrap_or_default();
        let length = rest.iter().position(|&byte| ENDS_PLAIN[usize::from(byte)]);
        self.at += length.unwrap_or(rest.len());
        match self.peek() {
            Some(b'"' | b'\\') => Ok(self.text.get(start..self.at).unwrap_or_default()),
            Some(_) => self.fault(JsonFaultKind::String),
            None => self.fault(JsonFaultKind::EndsEarly),
        }
    }

    fn escape(&mut self, out: &mut String) -> Read<()> {
        let letter = self.text.as_bytes().get(self.at + 1).copied();
        let meant = match letter {
            Some(c @ (b'"' | b'\\' | b'/')) => char::from(c),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{C}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode(out),
            Some(_) => return self.fault(JsonFaultKind::Escape),
            None => return self.fault(JsonFaultKind::EndsEarly),
        };
        out.push(meant);
        self.at += 2;
        Ok(())
    }

    /// `\uXXXX`, or two of them that make one character.
    fn unicode(&mut self, out: &mut String) -> Read<()> {
        let high = self.hex(self.at + 2)?;
        let (code, length) = match high {
            0xD800..=0xDBFF => {
                let low = match self.text.as_bytes().get(self.at + 6..self.at + 8) {
                    Some(b"\\u") => self.hex(self.at + 8)?,
                    _ => 0,
                };
                if !(0xDC00..=0xDFFF).contains(&low) {
                    return self.fault(JsonFaultKind::Escape);
                }
                (0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00), 12)
            }
            _ => (high, 6),
        };
        let Some(c) = char::from_u32(code) else { return self.fault(JsonFaultKind::Escape) };
        out.push(c);
        self.at += length;
        Ok(())
    }

    fn hex(&self, start: usize) -> Read<u32> {
        let Some(digits) = self.text.as_bytes().get(start..start + 4) else {
            return self.fault(JsonFaultKind::EndsEarly);
        };
        let mut code = 0;
        for &digit in digits {
            let Some(value) = char::from(digit).to_digit(16) else {
                return self.fault(JsonFaultKind::Escape);
            };
            code = code * 16 + value;
        }
        Ok(code)
    }
}
