//! What each function does to a value.

use std::borrow::Cow;

use jiff::tz::TimeZone;
use sha2::{Digest, Sha256};

use crate::budget::Budget;
use crate::date::{self, Moment, NotMoment};
use crate::decimal::{Decimal, NotDecimal};
use crate::plan::{Form, OffsetRule, OnMiss, Precision, Table};
use crate::value::{Fault, Value};

mod more;
mod typed;

pub(crate) use more::{empty, lookup, mask, name_part, outside, phone, unique, uuid5};
pub(crate) use typed::{raw, text, typed};

type Given<'v> = Result<Value<'v>, Fault>;

/// Applies `change` to a text, to each text of a list, and to each leaf of a place or its first one alone. Absent and HL7's null stay what
/// they are.
pub(crate) fn each_text<'v>(
    value: Value<'v>,
    budget: &Budget,
    first_leaf: bool,
    change: &mut dyn FnMut(Cow<'v, str>) -> Given<'v>,
) -> Given<'v> {
    match value {
        Value::Absent | Value::Null => Ok(value),
        Value::Text(text) | Value::Number(text) => one_text(text, budget, change),
        Value::Yes | Value::No => match value.into_text()? {
            Some(text) => one_text(text, budget, change),
            None => Ok(Value::Absent),
        },
        Value::Place(place) => {
            let mut leaf = |text| one_text(Cow::Owned(text), budget, change);
            place.map(first_leaf, &mut leaf, || Fault::not_single("a list"))
        }
        list if list.is_list() => {
            let mut changed = Vec::new();
            for item in list.into_items() {
                let item = match item {
                    Value::Text(text) => one_text(text, budget, change)?,
                    Value::Null => item,
                    Value::Place(_) | Value::Number(_) | Value::Yes | Value::No => {
                        each_text(item, budget, first_leaf, change)?
                    }
                    item if item.is_list() => return Err(Fault::not_single("a list in a list")),
                    _ => return Err(Fault::not_single("an object")),
                };
                let before = changed.len();
                changed.extend(item.into_items());
                budget.keep((changed.len() - before) * size_of::<Value<'_>>())?;
            }
            Ok(Value::List(changed))
        }
        _ => Err(Fault::not_single("an object")),
    }
}

/// Charges for reading the text and for keeping what is made of it.
pub(crate) fn one_text<'v>(
    text: Cow<'v, str>,
    budget: &Budget,
    change: &mut (impl FnMut(Cow<'v, str>) -> Given<'v> + ?Sized),
) -> Given<'v> {
    let read = text.len();
    let made = change(text)?;
    let owned = match &made {
        Value::Text(Cow::Owned(text)) | Value::Number(Cow::Owned(text)) => Some(text.len()),
        _ => None,
    };
    charge(budget, read, owned)?;
    Ok(made)
}

/// Charges for reading so many bytes and for keeping what was made of them.
pub(crate) fn charge(budget: &Budget, read: usize, made: Option<usize>) -> Result<(), Fault> {
    budget.text(read)?;
    let Some(made) = made else { return Ok(()) };
    budget.keep(made)?;
    budget.text(made)
}

pub(crate) fn upper(text: Cow<'_, str>) -> Given<'_> {
    let made = if text.is_ascii() { text.to_ascii_uppercase() } else { text.to_uppercase() };
    Ok(Value::text(Cow::Owned(made)))
}

pub(crate) fn lower(text: Cow<'_, str>) -> Given<'_> {
    let made = if text.is_ascii() { text.to_ascii_lowercase() } else { text.to_lowercase() };
    Ok(Value::text(Cow::Owned(made)))
}

pub(crate) fn trim(text: Cow<'_, str>) -> Given<'_> {
    Ok(Value::text(sliced(text, str::trim)))
}

/// The digits 0 to 9 alone.
pub(crate) fn digits(text: Cow<'_, str>) -> Given<'_> {
    if text.bytes().all(|b| b.is_ascii_digit()) {
        return Ok(Value::text(text));
    }
    let mut digits = String::with_capacity(text.len());
    push_digits(&mut digits, &text);
    Ok(Value::text(Cow::Owned(digits)))
}

pub(crate) fn push_digits(out: &mut String, text: &str) {
    out.extend(text.bytes().filter(u8::is_ascii_digit).map(char::from));
}

/// The first `count` characters.
pub(crate) fn left(text: Cow<'_, str>, count: usize) -> Given<'_> {
    let end = text.char_indices().nth(count).map_or(text.len(), |(at, _)| at);
    Ok(Value::text(sliced(text, |text| text.get(..end).unwrap_or_default())))
}

/// With `fill` in front until it has `width` characters.
pub(crate) fn pad(text: Cow<'_, str>, width: usize, fill: char) -> Given<'_> {
    let missing = width.saturating_sub(text.chars().count());
    if missing == 0 {
        return Ok(Value::text(text));
    }
    let mut out: String = std::iter::repeat_n(fill, missing).collect();
    out.push_str(&text);
    Ok(Value::text(Cow::Owned(out)))
}

pub(crate) fn replace<'v>(text: Cow<'v, str>, old: &str, new: &str, budget: &Budget) -> Given<'v> {
    let found = if old.is_empty() { 0 } else { text.matches(old).count() };
    if found == 0 {
        return Ok(Value::text(text));
    }
    budget.room_for(text.len().saturating_add(found.saturating_mul(new.len())))?;
    Ok(Value::text(Cow::Owned(text.replace(old, new))))
}

/// The parts between the separators that are not empty. Parts of a borrowed text are borrowed.
pub(crate) fn split<'v>(text: Cow<'v, str>, separator: &str, budget: &Budget) -> Given<'v> {
    if separator.is_empty() {
        return Ok(Value::List(vec![Value::text(text)]));
    }
    match text {
        Cow::Borrowed(text) => parts(text, separator, budget, Cow::Borrowed),
        Cow::Owned(text) => {
            budget.keep(text.len())?;
            parts(&text, separator, budget, |part| Cow::Owned(part.to_owned()))
        }
    }
}

fn parts<'t, 'v>(
    text: &'t str,
    separator: &str,
    budget: &Budget,
    part_of: fn(&'t str) -> Cow<'v, str>,
) -> Given<'v> {
    let mut parts = Vec::new();
    for part in text.split(separator).filter(|part| !part.is_empty()) {
        budget.step(1)?;
        budget.keep(size_of::<Value<'_>>())?;
        parts.push(Value::text(part_of(part)));
    }
    Ok(Value::List(parts))
}

pub(crate) fn join<'v>(value: Value<'v>, separator: &str, budget: &Budget) -> Given<'v> {
    if matches!(value, Value::Absent | Value::Null) {
        return Ok(value);
    }
    let mut out = String::new();
    for item in value.into_items() {
        let Some(text) = item.into_text()? else { continue };
        let more = separator.len().saturating_add(text.len());
        budget.text(more)?;
        budget.keep(more)?;
        if !out.is_empty() {
            out.push_str(separator);
        }
        out.push_str(&text);
    }
    Ok(Value::text(Cow::Owned(out)))
}

pub(crate) fn concat<'v>(text: Cow<'v, str>, more: &[Cow<'_, str>], budget: &Budget) -> Given<'v> {
    let length = more.iter().fold(text.len(), |sum, part| sum.saturating_add(part.len()));
    budget.room_for(length)?;
    let mut out = text.into_owned();
    out.reserve_exact(length - out.len());
    out.extend(more.iter().map(AsRef::as_ref));
    Ok(Value::text(Cow::Owned(out)))
}

pub(crate) fn table<'v>(text: Cow<'v, str>, table: &'v Table) -> Given<'v> {
    if let Some(to) = table.entry(&text) {
        return Ok(from_file(to));
    }
    missed(text, &table.on_miss, || {
        Fault::new("M201", format!("table `{}` has no entry for this value", table.name))
            .suggest("add the value to the table, or say what becomes of others with `on_miss`")
    })
}

/// What becomes of a text that a table or a lookup does not have.
pub(crate) fn missed<'v>(
    text: Cow<'v, str>,
    on_miss: &'v OnMiss,
    fault: impl FnOnce() -> Fault,
) -> Given<'v> {
    match on_miss {
        OnMiss::Keep => Ok(Value::text(text)),
        OnMiss::Drop => Ok(Value::Absent),
        OnMiss::Text(instead) => Ok(from_file(instead)),
        OnMiss::Error => Err(fault()),
    }
}

/// A text of the mapping file: `""` is HL7's null there, as it is in a message.
pub(crate) fn from_file(text: &str) -> Value<'_> {
    if text == "\"\"" { Value::Null } else { Value::text(Cow::Borrowed(text)) }
}

pub(crate) fn as_date<'v>(text: &str, form: Form) -> Given<'v> {
    let mut date = String::with_capacity(8);
    push_date(&mut date, text)?;
    Ok(Value::text(Cow::Owned(in_form(date, form))))
}

/// HL7's DT.
pub(crate) fn push_date(out: &mut String, text: &str) -> Result<(), Fault> {
    Moment::of(text).map_err(NotMoment::fault)?.push_date(out);
    Ok(())
}

pub(crate) fn as_dtm<'v>(
    text: &str,
    precision: Precision,
    offset: OffsetRule,
    form: Form,
    zone: Option<&TimeZone>,
) -> Given<'v> {
    let mut dtm = String::with_capacity(24);
    push_dtm(&mut dtm, text, precision, offset, zone)?;
    Ok(Value::text(Cow::Owned(in_form(dtm, form))))
}

/// HL7's DTM.
pub(crate) fn push_dtm(
    out: &mut String,
    text: &str,
    precision: Precision,
    offset: OffsetRule,
    zone: Option<&TimeZone>,
) -> Result<(), Fault> {
    let moment = Moment::of(text).map_err(NotMoment::fault)?;
    if offset == OffsetRule::Needed && zone.is_none() && moment.lacks_offset() {
        return Err(no_offset());
    }
    moment.push_dtm(out, precision, zone)
}

fn in_form(hl7: String, form: Form) -> String {
    if form == Form::Iso { date::as_iso(&hl7).unwrap_or(hl7) } else { hl7 }
}

/// HL7's TM, or the time of day as ISO 8601 has it, of a time or of a date with a time. A date alone has none.
pub(crate) fn as_time<'v>(text: &str, form: Form) -> Given<'v> {
    let with_date = format!("2000-01-01T{}", text.strip_prefix('T').unwrap_or(text));
    let moment = Moment::of(text).ok().filter(Moment::has_time).or_else(|| Moment::of(&with_date).ok());
    match moment.map(|moment| moment.as_dtm(Precision::Fraction, None)) {
        None => Err(NotMoment::NoDate.fault()),
        Some(dtm) => {
            let dtm = dtm?;
            let time = match form {
                Form::Iso => date::as_iso(&dtm).and_then(|iso| iso.get(11..).map(str::to_owned)),
                Form::Hl7 => dtm.get(8..).map(str::to_owned),
            };
            Ok(Value::text(Cow::Owned(time.unwrap_or_default())))
        }
    }
}

fn no_offset() -> Fault {
    Fault::new("M219", "this time has no offset")
        .suggest("say in which zone it is with `zone_in`, or with `zone` for the whole file")
}

/// The same instant in another zone. A time without an offset is one of the file's zone.
pub(crate) fn to_zone<'v>(text: &str, to: &TimeZone, zone: Option<&TimeZone>) -> Given<'v> {
    let moment = Moment::of(text).map_err(NotMoment::fault)?;
    if moment.lacks_offset() && zone.is_none() {
        return Err(no_offset());
    }
    Ok(Value::text(Cow::Owned(moment.in_zone(to, zone)?)))
}

pub(crate) fn add_days<'v>(text: &str, days: i32) -> Given<'v> {
    let moment = Moment::of(text).map_err(NotMoment::fault)?;
    Ok(Value::text(Cow::Owned(moment.plus_days(days)?)))
}

/// A time without an offset is one of this zone.
pub(crate) fn zone_in<'v>(text: &str, zone: &TimeZone) -> Given<'v> {
    let moment = Moment::of(text).map_err(NotMoment::fault)?;
    Ok(Value::text(Cow::Owned(moment.with_offset_of(zone)?)))
}

/// A number as HL7's NM has it: the digits as they came, an exponent written out, and digits around a point.
pub(crate) fn number(text: Cow<'_, str>) -> Given<'_> {
    let number = decimal(&text)?;
    let bare_point = text.ends_with('.') || text.trim_start_matches(['+', '-']).starts_with('.');
    if bare_point || text.contains(['e', 'E']) {
        return Ok(Value::Number(Cow::Owned(number.to_string())));
    }
    Ok(Value::Number(text))
}

pub(crate) fn round<'v>(text: &str, places: usize) -> Given<'v> {
    Ok(Value::Number(Cow::Owned(decimal(text)?.rounded(places).to_string())))
}

fn decimal(text: &str) -> Result<Decimal, Fault> {
    Decimal::of(text).map_err(|why| match why {
        NotDecimal::NoNumber => Fault::new("M204", "this is not a number"),
        NotDecimal::Exponent => Fault::new("M204", "this number has an exponent beyond 60 or below -60"),
    })
}

/// Yes or no: `true` and `false` in JSON, `Y` and `N` in a message.
pub(crate) fn yes_or_no<'v>(text: &str) -> Given<'v> {
    match text.to_ascii_lowercase().as_str() {
        "y" | "yes" | "true" | "t" | "1" => Ok(Value::Yes),
        "n" | "no" | "false" | "f" | "0" => Ok(Value::No),
        _ => Err(Fault::new("M221", "this is neither yes nor no")
            .suggest("the forms are Y, yes, true, T and 1, and N, no, false, F and 0")),
    }
}

/// The number of a list's items, or of a text's characters.
pub(crate) fn len(value: Value<'_>) -> Given<'_> {
    let count = match value {
        Value::Absent | Value::Null => return Ok(value),
        Value::Text(text) | Value::Number(text) => text.chars().count(),
        Value::Place(place) => place.into_text().chars().count(),
        list if list.is_list() => list.into_items().count(),
        _ => return Err(Fault::not_single("an object")),
    };
    Ok(Value::Number(Cow::Owned(count.to_string())))
}

pub(crate) fn first(value: Value<'_>) -> Given<'_> {
    Ok(value.into_items().next().unwrap_or(Value::Absent))
}

pub(crate) fn last(value: Value<'_>) -> Given<'_> {
    Ok(value.into_items().into_last().unwrap_or(Value::Absent))
}

/// The first `length` hexadecimal digits of the text's SHA-256.
pub(crate) fn hash<'v>(text: &str, length: usize) -> Given<'v> {
    let mut out = String::with_capacity(length);
    push_hash(&mut out, text, length);
    Ok(Value::text(Cow::Owned(out)))
}

pub(crate) fn push_hash(out: &mut String, text: &str, length: usize) {
    let digest = Sha256::digest(text.as_bytes());
    let digits = digest.iter().flat_map(|byte| [byte >> 4, byte & 0xF]);
    out.extend(digits.take(length).map(|digit| char::from(b"0123456789abcdef"[usize::from(digit)])));
}

/// A part of a text, borrowed where the text was.
fn sliced<'v>(text: Cow<'v, str>, part: impl Fn(&str) -> &str) -> Cow<'v, str> {
    match text {
        Cow::Owned(text) => Cow::Owned(part(&text).to_owned()),
        Cow::Borrowed(text) => Cow::Borrowed(part(text)),
    }
}
