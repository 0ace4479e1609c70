//! One text, or a list of them.

use std::fmt;

use serde::de::{Deserialize, Deserializer, SeqAccess, Visitor};
use serde_saphyr::Spanned;

use super::Checker;
use super::error::Place;

/// What may be written as `one` or as `[ one, another ]`.
pub(super) enum Several {
    One(String),
    Many(Vec<Spanned<String>>),
}

impl<'de> Deserialize<'de> for Several {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Either)
    }
}

struct Either;

impl<'de> Visitor<'de> for Either {
    type Value = Several;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text or a list of texts")
    }

    fn visit_str<E>(self, text: &str) -> Result<Several, E> {
        Ok(Several::One(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Several, A::Error> {
        let mut all = Vec::new();
        while let Some(one) = list.next_element()? {
            all.push(one);
        }
        Ok(Several::Many(all))
    }
}

impl Checker {
    /// The texts with their places.
    pub(super) fn several(&self, stated: Option<Spanned<Several>>) -> Vec<(String, Place)> {
        let Some(stated) = stated else { return Vec::new() };
        let at = self.at(&stated);
        match stated.value {
            Several::One(text) => vec![(text, at)],
            Several::Many(all) => all.into_iter().map(|one| (one.value.clone(), self.at(&one))).collect(),
        }
    }
}
