//! What an acknowledgment, or none, means for a message: the destination's table and the decision.

use std::time::SystemTime;

use hl7_core::AckCode;

use crate::entry::{Attempt, DeadLetterReason, End};
use crate::retry::Retry;

/// What happens to a message that was acknowledged negatively.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Action {
    /// Sent again, the same bytes under the same control ID, after a delay.
    Retry,
    /// Its lane stands until someone decides: [`crate::Sender::release`] or [`crate::Sender::dead_letter`].
    Hold,
    /// It becomes a dead letter and its lane flows on.
    DeadLetter,
}

/// The actions of the negative codes. AA and CA always deliver.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Policy {
    ae: Action,
    ar: Action,
    ce: Action,
    cr: Action,
}

impl Default for Policy {
    /// AE says that the content is at fault: the next message of the lane may build upon it, so the lane stands. AR and CE are not the
    /// content's fault and may pass. CR says that the receiver will never take it.
    fn default() -> Self {
        Self { ae: Action::Hold, ar: Action::Retry, ce: Action::Retry, cr: Action::DeadLetter }
    }
}

impl Policy {
    /// Sets the action of a code; `false` for AA and CA, which have none.
    pub(crate) fn set(&mut self, code: AckCode, action: Action) -> bool {
        let place = match code {
            AckCode::AA | AckCode::CA => return false,
            AckCode::AE => &mut self.ae,
            AckCode::AR => &mut self.ar,
            AckCode::CE => &mut self.ce,
            AckCode::CR => &mut self.cr,
        };
        *place = action;
        true
    }

    fn action(&self, code: AckCode) -> Option<Action> {
        match code {
            AckCode::AA | AckCode::CA => None,
            AckCode::AE => Some(self.ae),
            AckCode::AR => Some(self.ar),
            AckCode::CE => Some(self.ce),
            AckCode::CR => Some(self.cr),
        }
    }

    /// What becomes of an entry whose attempt was acknowledged with `code`, or not at all. `share` is the jitter, 0 to 1.
    pub(crate) fn decide(
        &self,
        retry: &Retry,
        attempt: &Attempt,
        code: Option<AckCode>,
        now: SystemTime,
        share: f64,
    ) -> End {
        let rejected = match code.map(|code| self.action(code)) {
            Some(None) => return End::Deliver,
            Some(Some(Action::Hold)) => return End::Hold,
            Some(Some(Action::DeadLetter)) => return End::DeadLetter(DeadLetterReason::Refused),
            Some(Some(Action::Retry)) => retry.rejections_used_up(attempt.rejections.saturating_add(1)),
            None => false,
        };
        if rejected || retry.attempts_used_up(attempt.tries) {
            return match retry.action_when_used_up() {
                Action::DeadLetter => End::DeadLetter(DeadLetterReason::UsedUp),
                _ => End::Hold,
            };
        }
        End::Retry(now + retry.delay(attempt.tries, share))
    }
}

/// Whether the entry is too old to be sent. A clock that was set back makes it no older.
pub(crate) fn is_too_old(retry: &Retry, attempt: &Attempt, now: SystemTime) -> bool {
    retry.is_too_old(now.duration_since(attempt.since).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;
    use crate::id::{EntryId, LaneId};

    fn attempt(tries: u32, rejections: u32) -> Attempt {
        Attempt {
            id: EntryId::from_bytes([1; 16]),
            lane: LaneId::from_bytes([2; 16]),
            body: Vec::new(),
            digest: [0; 32],
            tries,
            rejections,
            since: UNIX_EPOCH,
        }
    }

    #[test]
    fn default_table() {
        let again = End::Retry(UNIX_EPOCH + Duration::from_secs(1));
        let table = [
            (Some(AckCode::AA), End::Deliver),
            (Some(AckCode::CA), End::Deliver),
            (Some(AckCode::AE), End::Hold),
            (Some(AckCode::AR), again),
            (Some(AckCode::CE), again),
            (Some(AckCode::CR), End::DeadLetter(DeadLetterReason::Refused)),
            (None, again),
        ];
        for (code, end) in table {
            let decided = Policy::default().decide(&Retry::new(), &attempt(1, 0), code, UNIX_EPOCH, 1.0);
            assert_eq!(decided, end, "{code:?}");
        }
    }

    #[test]
    fn caps() {
        let decide = |retry: &Retry, tries, rejections, code| {
            Policy::default().decide(retry, &attempt(tries, rejections), code, UNIX_EPOCH, 1.0)
        };
        let defaults = Retry::new();
        assert_eq!(decide(&defaults, 10, 9, Some(AckCode::AR)), End::Hold);
        assert!(matches!(decide(&defaults, 9, 8, Some(AckCode::AR)), End::Retry(_)));
        assert!(matches!(decide(&defaults, 1_000_000, 0, None), End::Retry(_)), "an outage has no cap");
        let three = Retry::new().max_attempts(3).used_up(Action::DeadLetter);
        assert_eq!(decide(&three, 3, 0, None), End::DeadLetter(DeadLetterReason::UsedUp));
        assert_eq!(decide(&three, 3, 0, Some(AckCode::AA)), End::Deliver);
        assert_eq!(decide(&three, 3, 0, Some(AckCode::AE)), End::Hold, "what the table says comes first");
    }

    #[test]
    fn positive_codes_cannot_be_set() {
        assert!(!Policy::default().set(AckCode::AA, Action::Retry));
        assert!(!Policy::default().set(AckCode::CA, Action::Hold));
    }
}
