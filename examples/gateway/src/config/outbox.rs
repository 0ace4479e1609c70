//! `outbox:`, how much it may hold, and for how long.

use std::time::Duration;

use hl7_sender::Builder;
use serde::Deserialize;
use serde_saphyr::Spanned;

use super::error::Problem;
use super::{Checker, duration};

/// The limits of the outbox; none where the library's own hold.
#[derive(Debug, Default)]
pub(crate) struct OutboxLimits {
    pub(crate) max_bytes: Option<u64>,
    pub(crate) keep_delivered: Option<Duration>,
    pub(crate) keep_dead_letters: Option<Duration>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    max_bytes: Option<Spanned<u64>>,
    #[serde(default, deserialize_with = "duration::deserialize_age")]
    keep_delivered: Option<Duration>,
    #[serde(default, deserialize_with = "duration::deserialize_age")]
    keep_dead_letters: Option<Duration>,
}

/// Below this there is no room for the tables and a few messages.
const LEAST: u64 = 1024 * 1024;
/// As much as SQLite's file can have.
const MOST: u64 = 1 << 47;

impl Checker {
    pub(super) fn outbox(&mut self, stated: Option<Spanned<Entry>>) -> OutboxLimits {
        let Some(stated) = stated else { return OutboxLimits::default() };
        let at = self.at(&stated);
        let Entry { max_bytes, keep_delivered, keep_dead_letters } = stated.value;
        let max_bytes = max_bytes.and_then(|n| self.number("G035", "max_bytes", &n, LEAST..=MOST));
        if keep_delivered.into_iter().chain(keep_dead_letters).any(|time| time < Builder::KEEP_DELIVERED) {
            let text = "messages are kept for seven days at least";
            let suggestion = "until then a repeated request is known; write 7d or longer";
            self.problems.push(Problem::new("G035", text).at(at).suggest(suggestion));
        }
        OutboxLimits { max_bytes, keep_delivered, keep_dead_letters }
    }
}
