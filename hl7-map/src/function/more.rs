//! Functions on phone numbers, names, identifiers and lists, and those of the embedding program.

use std::borrow::Cow;
use std::collections::HashSet;

use sha1::{Digest, Sha1};

use super::{Given, missed};
use crate::budget::Budget;
use crate::plan::{NamePart, OnMiss};
use crate::sources::{Function, Lookup};
use crate::value::{Fault, Value};

/// The items of a list, each text once.
pub(crate) fn unique<'v>(value: Value<'v>, budget: &Budget) -> Given<'v> {
    if !value.is_list() {
        return Ok(value);
    }
    let mut seen = HashSet::new();
    let mut items = Vec::new();
    for item in value.into_items() {
        let Some(text) = item.into_text()? else { continue };
        budget.text(text.len())?;
        budget.keep(text.len() + 2 * size_of::<Value<'_>>())?;
        if seen.insert(text.clone()) {
            items.push(Value::Text(text));
        }
    }
    Ok(Value::of_list(items))
}

/// One of these texts is absent; without any, blanks are.
pub(crate) fn empty<'v>(text: Cow<'v, str>, absent: &[Cow<'_, str>]) -> Given<'v> {
    let is_absent = if absent.is_empty() { text.trim().is_empty() } else { absent.contains(&text) };
    Ok(if is_absent { Value::Absent } else { Value::Text(text) })
}

/// All but the last `shown` characters as `*`.
pub(crate) fn mask<'v>(text: &str, shown: usize) -> Given<'v> {
    let hidden = text.chars().count().saturating_sub(shown);
    let masked = text.chars().enumerate().map(|(at, c)| if at < hidden { '*' } else { c });
    Ok(Value::text(Cow::Owned(masked.collect())))
}

/// The UUID of version 5 (RFC 9562) of a text in a namespace, which is a UUID itself.
pub(crate) fn uuid5<'v>(text: &str, namespace: &str) -> Given<'v> {
    let digits: Vec<u8> = namespace
        .chars()
        .filter(|c| *c != '-')
        .filter_map(|c| c.to_digit(16).map(|digit| digit as u8))
        .collect();
    if digits.len() != 32 || namespace.len() != 36 {
        return Err(Fault::new("M223", "the namespace of `uuid5` is no UUID"));
    }
    let mut hash = Sha1::new();
    for pair in digits.chunks(2) {
        hash.update([pair.iter().fold(0, |byte, digit| byte << 4 | digit)]);
    }
    hash.update(text.as_bytes());
    let mut out = String::with_capacity(36);
    for (at, byte) in hash.finalize().into_iter().take(16).enumerate() {
        let byte = match at {
            6 => byte & 0x0F | 0x50,
            8 => byte & 0x3F | 0x80,
            _ => byte,
        };
        if matches!(at, 4 | 6 | 8 | 10) {
            out.push('-');
        }
        out.push_str(&format!("{byte:02x}"));
    }
    Ok(Value::text(Cow::Owned(out)))
}

/// The digits of a phone number, with the `+` of an international one; what follows an `x` or `ext` is not among them.
pub(crate) fn phone<'v>(text: &str) -> Given<'v> {
    let number = text.find(['x', 'X', 'e', 'E']).and_then(|at| text.get(..at)).unwrap_or(text);
    let mut out = String::with_capacity(number.len());
    if number.trim_start().starts_with('+') {
        out.push('+');
    }
    out.extend(number.chars().filter(char::is_ascii_digit));
    Ok(Value::text(Cow::Owned(out)))
}

/// A part of `Family, Given Middle` or `Given Middle Family`.
pub(crate) fn name_part<'v>(text: &str, part: NamePart) -> Given<'v> {
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let (family, given) = match text.split_once(',') {
        Some((family, given)) => (words(family).join(" "), words(given)),
        None => {
            let mut words = words(text);
            (words.pop().unwrap_or_default(), words)
        }
    };
    let (first, rest) = given
        .split_first()
        .map_or((String::new(), String::new()), |(first, rest)| (first.clone(), rest.join(" ")));
    Ok(Value::text(Cow::Owned(match part {
        NamePart::Family => family,
        NamePart::Given => first,
        NamePart::Middle => rest,
    })))
}

/// What a lookup of the embedding program gives.
pub(crate) fn lookup<'v>(text: Cow<'v, str>, lookup: &Lookup, on_miss: &'v OnMiss) -> Given<'v> {
    match lookup(&text) {
        Some(found) => Ok(Value::text(Cow::Owned(found))),
        None => missed(text, on_miss, || {
            Fault::new("M222", "the lookup does not have this value")
                .suggest("say what becomes of others: `lookups: { NAME: { on_miss: drop } }`")
        }),
    }
}

/// What a function of the embedding program gives.
pub(crate) fn outside<'v>(text: &str, function: &Function, arguments: &[Cow<'_, str>]) -> Given<'v> {
    let arguments: Vec<&str> = arguments.iter().map(AsRef::as_ref).collect();
    match function(text, &arguments) {
        Ok(found) => Ok(found.map_or(Value::Absent, |found| Value::text(Cow::Owned(found)))),
        Err(why) => Err(Fault::new("M224", why)),
    }
}
