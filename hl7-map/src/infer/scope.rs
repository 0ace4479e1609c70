//! What can be read of the payload at a place: the values around the current item, and its lists.

use crate::json::Json;

/// The items around a place, the payload first and the current item last.
#[derive(Clone)]
pub(super) struct Chain<'j>(pub(super) Vec<&'j Json<'j>>);

/// A place of the payload as an expression says it, and where it is from the current item outwards.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Place {
    /// How many items outwards.
    pub(super) out: usize,
    pub(super) names: Vec<String>,
}

impl Place {
    /// `.a.b`, `^.a`, `.`.
    pub(super) fn shown(&self) -> String {
        let mut text = "^".repeat(self.out);
        text.push('.');
        let names: Vec<String> = self.names.iter().map(|name| step(name)).collect();
        text + &names.join(".")
    }
}

fn step(name: &str) -> String {
    let is_plain = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if is_plain {
        return name.to_owned();
    }
    let mut quoted = String::new();
    crate::json::push_string(&mut quoted, name);
    quoted
}

impl<'j> Chain<'j> {
    pub(super) fn of(payload: &'j Json<'j>) -> Self {
        Self(vec![payload])
    }

    pub(super) fn with(&self, item: &'j Json<'j>) -> Self {
        let mut items = self.0.clone();
        items.push(item);
        Self(items)
    }

    /// What stands at a place.
    pub(super) fn get(&self, place: &Place) -> Option<&'j Json<'j>> {
        let from = self.0.len().checked_sub(1 + place.out)?;
        place.names.iter().try_fold(*self.0.get(from)?, |value, name| value.member(name))
    }

    /// The text at a place: of a string, a number or a boolean. An empty one is none.
    pub(super) fn text(&self, place: &Place) -> Option<&'j str> {
        match self.get(place)? {
            Json::String(text) | Json::Number(text) => Some(text.as_ref()).filter(|text| !text.is_empty()),
            Json::Bool(word) => Some(word),
            _ => None,
        }
    }

    /// The items of a list at a place. What is not there is a list without any.
    pub(super) fn items(&self, place: &Place) -> Option<Vec<&'j Json<'j>>> {
        match self.get(place) {
            Some(Json::List(items)) => Some(items.iter().collect()),
            None | Some(Json::Null) => Some(Vec::new()),
            _ => None,
        }
    }
}

/// The places that hold a single value, and those that hold lists, in any of the samples.
pub(super) fn places(chains: &[Chain<'_>]) -> (Vec<Place>, Vec<Place>) {
    let (mut singles, mut lists) = (Vec::new(), Vec::new());
    for chain in chains {
        for (out, item) in chain.0.iter().rev().enumerate() {
            collect(item, &Place { out, names: Vec::new() }, &mut singles, &mut lists);
        }
    }
    for places in [&mut singles, &mut lists] {
        places.sort();
        places.dedup();
    }
    (singles, lists)
}

fn collect(value: &Json<'_>, at: &Place, singles: &mut Vec<Place>, lists: &mut Vec<Place>) {
    match value {
        Json::Object(members) => {
            for (name, member) in members.iter() {
                let mut inner = at.clone();
                inner.names.push(name.to_owned());
                collect(member, &inner, singles, lists);
            }
        }
        Json::List(_) => lists.push(at.clone()),
        Json::Null => {}
        _ => singles.push(at.clone()),
    }
}
