//! `retry:` of a connection: when a message is sent again, and when no more.

use std::time::Duration;

use hl7_sender::Retry;
use serde::Deserialize;
use serde_saphyr::Spanned;

use super::error::Problem;
use super::policy::Decision;
use super::{Checker, duration};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    #[serde(default, deserialize_with = "duration::deserialize")]
    first: Option<Duration>,
    #[serde(default, deserialize_with = "duration::deserialize")]
    max: Option<Duration>,
    #[serde(default, deserialize_with = "duration::deserialize")]
    rest: Option<Duration>,
    max_attempts: Option<Spanned<u64>>,
    max_rejections: Option<Spanned<u64>>,
    #[serde(default, deserialize_with = "duration::deserialize_age")]
    max_age: Option<Duration>,
    then: Option<Spanned<Decision>>,
}

impl Checker {
    pub(super) fn retry(&mut self, stated: Spanned<Entry>) -> Retry {
        let at = self.at(&stated);
        let entry = stated.value;
        let (first, max) = (entry.first.unwrap_or(Retry::FIRST), entry.max.unwrap_or(Retry::MAX));
        if first > max {
            let text = "the first delay of retry is longer than its max";
            let suggestion = format!("first is {first:?} and max {max:?} here; state both");
            self.problems.push(Problem::new("G027", text).at(at).suggest(suggestion));
        }
        let mut retry = Retry::new().first(first).max(max).max_age(entry.max_age);
        if let Some(rest) = entry.rest {
            retry = retry.rest(rest);
        }
        if let Some(most) = entry.max_attempts {
            retry = retry.max_attempts(self.number("G027", "max_attempts", &most, 1..=u32::MAX));
        }
        if let Some(most) = entry.max_rejections {
            retry = retry.max_rejections(self.number("G027", "max_rejections", &most, 1..=u32::MAX));
        }
        match entry.then {
            None => retry,
            Some(then) => self.used_up(retry, &then),
        }
    }

    fn used_up(&mut self, retry: Retry, then: &Spanned<Decision>) -> Retry {
        if then.value != Decision::Retry {
            return retry.used_up(then.value.into());
        }
        let text = "what comes when the attempts are used up cannot be another retry";
        let suggestion = "one of hold, dead-letter, skip; or leave the limit out";
        self.problems.push(Problem::new("G027", text).at(self.at(then)).suggest(suggestion));
        retry
    }
}
