//! A value on its way from the payload to the message.

use std::borrow::Cow;
use std::{fmt, slice, vec};

use crate::input::{Lines, Place};
use crate::json::Json;

/// What an expression gives. JSON's missing, `null` and `""` are all [`Value::Absent`].
#[derive(Clone)]
pub(crate) enum Value<'v> {
    Absent,
    /// HL7's null, `""`.
    Null,
    /// Never empty.
    Text(Cow<'v, str>),
    /// A list or an object of the payload.
    Json(&'v Json<'v>),
    /// A list that a function made, or that stands at several places of a message.
    List(Vec<Value<'v>>),
    /// What stands at a place of a message, where it has several leaves or escape sequences.
    Place(Place<'v>),
    /// Segments of a message.
    Lines(Lines<'v>),
    /// A number of JSON, as it was written.
    Number(Cow<'v, str>),
    Yes,
    No,
    /// An object that a function made.
    Record(Vec<(&'static str, Value<'v>)>),
}

/// Why an expression gives no value. It says what is wrong, never with which value. It is small, because every value on its way is handed
/// on beside it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Fault(Box<Parts>);

/// What a fault says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Parts {
    pub(crate) code: &'static str,
    pub(crate) message: Cow<'static, str>,
    pub(crate) suggestion: Option<Cow<'static, str>>,
}

impl Fault {
    pub(crate) fn new(code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Parts { code, message: message.into(), suggestion: None }))
    }

    pub(crate) fn suggest(mut self, suggestion: impl Into<Cow<'static, str>>) -> Self {
        self.0.suggestion = Some(suggestion.into());
        self
    }

    pub(crate) fn code(&self) -> &'static str {
        self.0.code
    }

    pub(crate) fn into_parts(self) -> Parts {
        *self.0
    }

    /// M203.
    pub(crate) fn not_single(kind: &str) -> Self {
        Self::new("M203", format!("a single value is needed here, and this is {kind}"))
            .suggest("take a part of it, loop over it with `each`, or use `join`, `first` or `last`")
    }
}

impl<'v> Value<'v> {
    pub(crate) fn of(json: &'v Json<'v>) -> Self {
        match json {
            Json::Null => Value::Absent,
            Json::Bool(word) => Value::Text(Cow::Borrowed(word)),
            Json::Number(text) | Json::String(text) => Value::text(Cow::Borrowed(text)),
            Json::List(_) | Json::Object(_) => Value::Json(json),
        }
    }

    /// A text; an empty one is absent.
    pub(crate) fn text(text: Cow<'v, str>) -> Self {
        if text.is_empty() { Value::Absent } else { Value::Text(text) }
    }

    /// A list; one without items is absent.
    pub(crate) fn of_list(items: Vec<Value<'v>>) -> Self {
        if items.is_empty() { Value::Absent } else { Value::List(items) }
    }

    pub(crate) fn is_absent(&self) -> bool {
        matches!(self, Value::Absent)
    }

    /// The items of a list that are present; a single value is a list of one.
    pub(crate) fn into_items(self) -> Items<'v> {
        match self {
            Value::Absent => Items::Single(None),
            Value::Json(Json::List(items)) => Items::Json(items.iter()),
            Value::List(items) => Items::Made(items.into_iter()),
            single => Items::Single(Some(single)),
        }
    }

    /// How much there is to go through: the items of a list, and texts in parts of some bytes.
    pub(crate) fn size(&self) -> usize {
        match self {
            Value::Text(text) => text.len() / 16,
            Value::Json(Json::List(items)) => items.len(),
            Value::List(items) => items.len(),
            Value::Place(place) => place.raw().len() / 16,
            Value::Lines(lines) => lines.len(),
            Value::Number(text) => text.len() / 16,
            Value::Record(members) => members.len(),
            Value::Absent | Value::Null | Value::Json(_) | Value::Yes | Value::No => 0,
        }
    }

    /// Whether it is a list, so that functions on text work on each of its items.
    pub(crate) fn is_list(&self) -> bool {
        matches!(self, Value::Json(Json::List(_)) | Value::List(_))
    }

    /// The text of a single value: `None` when absent.
    pub(crate) fn into_text(self) -> Result<Option<Cow<'v, str>>, Fault> {
        match self {
            Value::Absent => Ok(None),
            Value::Null => Ok(Some(Cow::Borrowed("\"\""))),
            Value::Text(text) => Ok(Some(text)),
            Value::Place(place) => Ok(Some(place.into_text()).filter(|text| !text.is_empty())),
            Value::Number(text) => Ok(Some(text)),
            Value::Yes => Ok(Some(Cow::Borrowed("Y"))),
            Value::No => Ok(Some(Cow::Borrowed("N"))),
            Value::Lines(_) => Err(Fault::not_single("a segment")),
            Value::Record(_) => Err(Fault::not_single("an object")),
            Value::Json(Json::Object(_)) => Err(Fault::not_single("an object")),
            Value::Json(_) | Value::List(_) => Err(Fault::not_single("a list")),
        }
    }
}

/// The present items of a value, one after the other.
pub(crate) enum Items<'v> {
    Single(Option<Value<'v>>),
    Json(slice::Iter<'v, Json<'v>>),
    Made(vec::IntoIter<Value<'v>>),
}

impl<'v> Items<'v> {
    /// The last item.
    pub(crate) fn into_last(self) -> Option<Value<'v>> {
        match self {
            Items::Single(single) => single,
            Items::Json(items) => items.rev().map(Value::of).find(|item| !item.is_absent()),
            Items::Made(items) => items.last(),
        }
    }
}

impl<'v> Iterator for Items<'v> {
    type Item = Value<'v>;

    fn next(&mut self) -> Option<Value<'v>> {
        match self {
            Items::Single(single) => single.take(),
            Items::Json(items) => items.map(Value::of).find(|item| !item.is_absent()),
            Items::Made(items) => items.next(),
        }
    }
}

impl fmt::Debug for Value<'_> {
    /// Shows the kind only: the content may be a patient's.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Value::Absent => "Absent",
            Value::Null => "Null",
            Value::Text(_) => "Text",
            Value::Json(_) => "Json",
            Value::List(_) => "List",
            Value::Place(_) => "Place",
            Value::Lines(_) => "Lines",
            Value::Number(_) => "Number",
            Value::Yes | Value::No => "Bool",
            Value::Record(_) => "Record",
        })
    }
}
