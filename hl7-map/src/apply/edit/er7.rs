//! A new value as it stands in a message, with the message's delimiters.

use hl7_core::{Delimiters, Message, Path, RepetitionIndex};

use crate::leaf;
use crate::plan::{LineBreaks, SetRule};
use crate::value::{Fault, Value};

/// A value as it stands in a message with these delimiters; `None` when it is absent.
pub(super) fn of_value(value: Value<'_>, rule: &SetRule, d: Delimiters) -> Result<Option<String>, Fault> {
    let text = match value {
        Value::Absent => return Ok(None),
        Value::Null => return Ok(Some("\"\"".to_owned())),
        Value::Place(place) if reaches_out(place.raw(), &rule.target, d) => {
            return Err(Fault::not_single("several values"));
        }
        Value::Place(place) => return Ok(Some(place.into_raw().into_owned())),
        value => value.into_text()?.unwrap_or_default(),
    };
    if d.escape().is_none() && text.contains(|c| is_delimiter(c, d)) {
        return Err(Fault::new("M218", "the message has no escape character, which this value needs"));
    }
    let mut raw = String::with_capacity(text.len());
    leaf::push_with(&mut raw, &text, rule.line_breaks == LineBreaks::Formatted, d);
    Ok(Some(raw))
}

fn is_delimiter(c: char, d: Delimiters) -> bool {
    c == d.field() || c.is_control() || [d.component(), d.repetition(), d.subcomponent()].contains(&Some(c))
}

/// Whether ER7 holds a delimiter of the target's own level or one above.
fn reaches_out(raw: &str, target: &Path, d: Delimiters) -> bool {
    let whole_field = target.component().is_none() && target.repetition() == RepetitionIndex::Unstated;
    let own = [
        d.repetition().filter(|_| !whole_field),
        d.component().filter(|_| target.component().is_some()),
        d.subcomponent().filter(|_| target.subcomponent().is_some()),
    ];
    raw.contains(|c| own.contains(&Some(c)))
}

/// A repetition that was written with the default delimiters, in those of the message.
pub(super) fn of_repetition(raw: String, d: Delimiters) -> Result<String, Fault> {
    if d == Delimiters::default() {
        return Ok(raw);
    }
    of_segment(&format!("ZZZ|{raw}"), d).map(|segment| segment.get(4..).unwrap_or_default().to_owned())
}

/// A segment that was written with the default delimiters, in those of the message.
pub(super) fn of_segment(segment: &str, d: Delimiters) -> Result<String, Fault> {
    if d == Delimiters::default() {
        return Ok(segment.to_owned());
    }
    let text = format!("MSH|^~\\&|\r{segment}\r");
    let converted = Message::parse(&text).ok().and_then(|message| message.with_delimiters(d).ok());
    let line = converted.as_ref().and_then(|message| message.iter().nth(1));
    let lacks = || Fault::new("M218", "the message lacks a delimiter that this value needs");
    line.map(|line| line.raw().to_owned()).ok_or_else(lacks)
}
