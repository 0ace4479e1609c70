//! How long to wait before the next attempt, and when to stop.

use std::time::{Duration, SystemTime};

use crate::action::Action;

/// The longest delay that can be asked for. A lane that waits longer has been forgotten.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// When a message that was not delivered is sent again.
///
/// The delay doubles from `first` to `max`, and the time really waited is drawn evenly between nothing and that delay (*full jitter*), so that
/// lanes that failed together do not come back together.
///
/// ```
/// use std::time::Duration;
/// let retry = hl7_sender::Retry::new().first(Duration::from_millis(200)).max_attempts(20);
/// # let _ = retry;
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Retry {
    first: Duration,
    max: Duration,
    rest: Duration,
    max_attempts: Option<u32>,
    max_rejections: Option<u32>,
    max_age: Option<Duration>,
    used_up: Action,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            first: Self::FIRST,
            max: Self::MAX,
            rest: Self::REST,
            max_attempts: None,
            max_rejections: Some(Self::MAX_REJECTIONS),
            max_age: None,
            used_up: Action::Hold,
        }
    }
}

impl Retry {
    /// The default first delay: one second, which a restarted receiver often needs.
    pub const FIRST: Duration = Duration::from_secs(1);
    /// The default longest delay: one minute, so that a lane moves again soon after a long outage.
    pub const MAX: Duration = Duration::from_secs(60);
    /// The default rest after a fault that trying again does not mend: five minutes. Who renews a certificate need not restart anything, and a
    /// receiver's log is not flooded.
    pub const REST: Duration = Duration::from_secs(5 * 60);
    /// The default number of acknowledgments that ask for a retry: ten, some four minutes. A receiver that has refused a message ten times is not about to
    /// take it.
    pub const MAX_REJECTIONS: u32 = 10;

    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// The longest that the first delay can be. One second unless stated.
    pub fn first(mut self, delay: Duration) -> Self {
        self.first = delay;
        self
    }

    /// The longest that any delay can be, at most a day. One minute unless stated.
    pub fn max(mut self, delay: Duration) -> Self {
        self.max = delay;
        self
    }

    /// How long a destination rests that cannot be reached for a reason that stays until someone acts, such as an expired certificate, at most a
    /// day. Five minutes unless stated. [`crate::Sender::resume_destination`] ends it.
    pub fn rest(mut self, time: Duration) -> Self {
        self.rest = time;
        self
    }

    /// How often a message is written at most. No limit unless stated: a receiver that does not answer is an outage, and only this message's
    /// lane waits for it. With a limit, a message that breaks its receiver each time comes to a person's attention. Connections that could
    /// not be made do not count.
    pub fn max_attempts(mut self, attempts: impl Into<Option<u32>>) -> Self {
        self.max_attempts = attempts.into();
        self
    }

    /// How many answers may ask for a retry: by the default table AR, CE, 0x15 and what cannot be read as an acknowledgment of the message. Ten unless
    /// stated.
    pub fn max_rejections(mut self, rejections: impl Into<Option<u32>>) -> Self {
        self.max_rejections = rejections.into();
        self
    }

    /// How old a message may be when it is sent. Older ones become dead letters, also in an outage, and also when the system's clock was
    /// set forward. No limit unless stated.
    pub fn max_age(mut self, age: impl Into<Option<Duration>>) -> Self {
        self.max_age = age.into();
        self
    }

    /// What happens when the attempts or rejections are used up: [`Action::Hold`], which keeps the order, unless stated.
    pub fn used_up(mut self, action: Action) -> Self {
        self.used_up = action;
        self
    }

    pub(crate) fn is_usable(&self) -> bool {
        let none_is_zero = self.max_attempts != Some(0) && self.max_rejections != Some(0);
        let delays_fit = !self.first.is_zero() && self.first <= self.max && self.max <= LONGEST;
        let rests = !self.rest.is_zero() && self.rest <= LONGEST;
        delays_fit && rests && none_is_zero && self.used_up != Action::Retry
    }

    pub(crate) fn rest_time(&self) -> Duration {
        self.rest
    }

    pub(crate) fn longest(&self) -> Duration {
        self.max
    }

    pub(crate) fn attempts_used_up(&self, tries: u32) -> bool {
        self.max_attempts.is_some_and(|most| tries >= most)
    }

    pub(crate) fn rejections_used_up(&self, rejections: u32) -> bool {
        self.max_rejections.is_some_and(|most| rejections >= most)
    }

    pub(crate) fn is_too_old(&self, age: Duration) -> bool {
        self.max_age.is_some_and(|most| age >= most)
    }

    /// When the oldest message that may be sent now was enqueued; `None` when any age will do.
    pub(crate) fn oldest(&self, now: SystemTime) -> Option<SystemTime> {
        now.checked_sub(self.max_age?)
    }

    pub(crate) fn action_when_used_up(&self) -> Action {
        self.used_up
    }

    /// The delay after the `failures`-th failure in a row, `share` of it being waited (0 to 1). At least a millisecond.
    pub(crate) fn delay(&self, failures: u32, share: f64) -> Duration {
        let doublings = failures.saturating_sub(1).min(31);
        let longest = self.first.saturating_mul(1 << doublings).min(self.max);
        longest.mul_f64(share.clamp(0.0, 1.0)).max(Duration::from_millis(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_the_longest() {
        let retry = Retry::new();
        let seconds: Vec<u64> = (0..=9).map(|n| retry.delay(n, 1.0).as_secs()).collect();
        assert_eq!(seconds, [1, 1, 2, 4, 8, 16, 32, 60, 60, 60]);
        assert_eq!(retry.delay(u32::MAX, 0.5), Duration::from_secs(30));
        assert_eq!(retry.delay(3, 0.0), Duration::from_millis(1));
    }
}
