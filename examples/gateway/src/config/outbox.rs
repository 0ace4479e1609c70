//! `outbox:`, how much it may hold, and for how long.

use std::path::PathBuf;
use std::time::Duration;

use hl7_sender::{Builder, Key, KeyId, KeyRing};
use serde::Deserialize;
use serde_saphyr::Spanned;

use super::error::Problem;
use super::{Checker, duration};
use crate::secret::from_hex;

/// The limits of the outbox; none where the library's own hold.
#[derive(Debug, Default)]
pub(crate) struct OutboxLimits {
    pub(crate) max_bytes: Option<u64>,
    pub(crate) keep_delivered: Option<Duration>,
    pub(crate) keep_dead_letters: Option<Duration>,
    /// What messages are encrypted with.
    pub(crate) keys: Option<KeyRing>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    max_bytes: Option<Spanned<u64>>,
    #[serde(default, deserialize_with = "duration::deserialize_age")]
    keep_delivered: Option<Duration>,
    #[serde(default, deserialize_with = "duration::deserialize_age")]
    keep_dead_letters: Option<Duration>,
    keys_file: Option<Spanned<PathBuf>>,
}

/// Below this there is no room for the tables and a few messages.
const LEAST: u64 = 1024 * 1024;
/// As much as SQLite's file can have.
const MOST: u64 = 1 << 47;

impl Checker {
    pub(super) fn outbox(&mut self, stated: Option<Spanned<Entry>>) -> OutboxLimits {
        let Some(stated) = stated else { return OutboxLimits::default() };
        let at = self.at(&stated);
        let Entry { max_bytes, keep_delivered, keep_dead_letters, keys_file } = stated.value;
        let max_bytes = max_bytes.and_then(|n| self.number("G035", "max_bytes", &n, LEAST..=MOST));
        if keep_delivered.into_iter().chain(keep_dead_letters).any(|time| time < Builder::KEEP_DELIVERED) {
            let text = "messages are kept for seven days at least";
            let suggestion = "until then a repeated request is known; write 7d or longer";
            self.problems.push(Problem::new("G035", text).at(at).suggest(suggestion));
        }
        let keys = keys_file.and_then(|file| self.keys(&file));
        OutboxLimits { max_bytes, keep_delivered, keep_dead_letters, keys }
    }

    /// The first line's key seals; those of the others, which were first before, open.
    fn keys(&mut self, file: &Spanned<PathBuf>) -> Option<KeyRing> {
        let text = self.read(&file.value, self.at(file))?;
        let mut lines = text.lines().filter(|line| !line.trim().is_empty()).map(key);
        let first = lines.next().flatten().map(|(id, key)| KeyRing::new(id, key));
        let ring = lines.fold(first, |ring, next| {
            let (id, key) = next?;
            Some(ring?.with_former(id, key))
        });
        if ring.is_none() {
            let text = format!("{} does not hold keys", file.value.display());
            let suggestion =
                "each line is a name and 64 hexadecimal digits; `hl7-gateway keys outbox` makes one";
            self.problems.push(Problem::new("G036", text).at(self.at(file)).suggest(suggestion));
        }
        ring
    }
}

/// A name and a key.
fn key(line: &str) -> Option<(KeyId, Key)> {
    let (name, digits) = line.trim().split_once(' ')?;
    Some((name.parse().ok()?, Key::from_bytes(from_hex(digits.trim())?)))
}
