//! JSON (RFC 8259): a strict reader that keeps each number's source text and never shows what it read.

mod object;
mod places;
mod read;
mod write;

use std::borrow::Cow;
use std::fmt;

pub(crate) use object::Object;
pub(crate) use places::{Payload, Places};
pub(crate) use read::{is_number, leading_string, read, read_places};
pub(crate) use write::{push_number, push_string};

/// A JSON value.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Json<'a> {
    Null,
    /// `true` or `false`, as written.
    Bool(&'static str),
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

    /// Whether it counts as missing: null and the empty text do.
    pub(crate) fn is_absent(&self) -> bool {
        match self {
            Json::Null => true,
            Json::Number(text) | Json::String(text) => text.is_empty(),
            Json::Bool(_) | Json::List(_) | Json::Object(_) => false,
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
            Json::Bool(word) => out.push_str(word),
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
                // Of a name that stands twice the later value counts.
                let counts = |(name, value): &(&str, &Json<'a>)| {
                    members.get(name).is_some_and(|found| std::ptr::eq(found, *value))
                };
                for (n, (name, value)) in members.iter().filter(counts).enumerate() {
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
