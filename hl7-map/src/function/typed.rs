//! What a place of a message means by its data type.

use std::borrow::Cow;

use super::Given;
use crate::date::{Moment, NotMoment};
use crate::input::Place;
use crate::standard::{self, Composite, Version};
use crate::value::Value;

/// The place as it stands in the message, delimiters and escape sequences included.
pub(crate) fn raw(value: Value<'_>) -> Value<'_> {
    match value {
        Value::Place(place) => Value::text(place.into_raw()),
        Value::List(items) => Value::List(items.into_iter().map(raw).collect()),
        other => other,
    }
}

/// A text of lines: repetitions are lines, and a line ends in LF.
pub(crate) fn text(value: Value<'_>) -> Given<'_> {
    match value {
        Value::Place(place) => {
            let lines = place.repetitions().map(|line| line.into_text()).collect::<Result<Vec<_>, _>>()?;
            let lines: Vec<_> = lines.into_iter().map(Option::unwrap_or_default).collect();
            Ok(Value::text(with_line_feeds(Cow::Owned(lines.join("\n")))))
        }
        Value::Text(text) => Ok(Value::Text(with_line_feeds(text))),
        Value::List(items) => Ok(Value::List(items.into_iter().map(text).collect::<Result<_, _>>()?)),
        other => Ok(other.into_text()?.map_or(Value::Absent, Value::text)),
    }
}

fn with_line_feeds(text: Cow<'_, str>) -> Cow<'_, str> {
    if !text.contains('\r') {
        return text;
    }
    Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n"))
}

/// A value by its data type: numbers with their digits, dates as ISO 8601 has them, codes and other composites as objects, text as text.
/// Several repetitions are a list, of text its lines.
pub(crate) fn typed<'v>(value: Value<'v>, kind: &str, version: Version) -> Given<'v> {
    match value {
        Value::Place(place) if !matches!(kind, "TX" | "FT" | "ST") && place.repetitions().count() > 1 => {
            let items = place.repetitions().map(|one| typed(one, kind, version));
            Ok(Value::List(items.collect::<Result<_, _>>()?))
        }
        Value::List(items) => {
            let items = items.into_iter().map(|item| typed(item, kind, version));
            Ok(Value::List(items.collect::<Result<_, _>>()?))
        }
        Value::Absent | Value::Null => Ok(value),
        value => one(value, kind, version),
    }
}

fn one<'v>(value: Value<'v>, kind: &str, version: Version) -> Given<'v> {
    match kind {
        "NM" | "SI" => super::number(value.into_text()?.unwrap_or_default()),
        "DT" | "TS" | "DTM" => {
            let text = value.into_text()?.unwrap_or_default();
            let moment = Moment::of(&text).map_err(NotMoment::fault)?;
            Ok(Value::text(Cow::Owned(moment.as_iso())))
        }
        "TX" | "FT" | "ST" => text(value),
        "SN" => structured_number(value),
        _ => match standard::composite_of(kind) {
            Some(composite) => Ok(record(&value, composite, version)),
            None => match value {
                Value::Place(place) if place.has_parts() => Ok(Value::text(place.into_raw())),
                single => text(single),
            },
        },
    }
}

/// An object of a composite's parts by their names.
fn record<'v>(value: &Value<'v>, composite: &'static Composite, version: Version) -> Value<'v> {
    let parts = standard::parts_of(composite, version);
    let members = parts.filter_map(|(name, at)| {
        let part = part(&part(value, at.component), at.subcomponent);
        match part {
            Value::Null => Some((name, Value::Null)),
            part => {
                let text = part.into_text().ok().flatten()?;
                Some((name, Value::Text(Cow::Owned(text.into_owned()))))
            }
        }
    });
    Value::Record(members.collect())
}

/// `>^100`, `100^-^200`: comparator, number, separator, second number.
fn structured_number<'v>(value: Value<'v>) -> Given<'v> {
    let mut members = Vec::new();
    for (n, name) in (1..).zip(["comparator", "number", "separator", "second_number"]) {
        let Some(text) = part(&value, n).into_text()? else { continue };
        let text = Cow::Owned(text.into_owned());
        members.push((name, if n % 2 == 0 { super::number(text)? } else { Value::text(text) }));
    }
    Ok(Value::Record(members))
}

fn part<'v>(value: &Value<'v>, n: u16) -> Value<'v> {
    match value {
        Value::Place(place) => place.part(n.into()),
        other if n == 1 => other.clone(),
        _ => Value::Absent,
    }
}

impl<'v> Place<'v> {
    /// Whether it is divided.
    fn has_parts(&self) -> bool {
        !self.part(2).is_absent() || self.repetitions().count() > 1
    }
}
