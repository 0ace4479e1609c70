//! What becomes of an entry after an attempt, by the destination's table and its caps.

use std::time::SystemTime;

use hl7_mllp::Acknowledgment;

use crate::action::Action;
use crate::destination::SettleOn;
use crate::entry::{Attempt, DeadLetterReason, End};
use crate::policy::{Answer, Policy};
use crate::retry::Retry;
use crate::transport::{Confirmation, Failure, FailureKind};

/// What a destination says of answers.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    pub(crate) policy: Policy,
    pub(crate) retry: Retry,
    pub(crate) settle_on: SettleOn,
}

/// What becomes of an entry, and what is put on record with it.
#[derive(Debug)]
pub(crate) struct Verdict {
    pub(crate) end: End,
    pub(crate) acknowledgment: Option<Vec<u8>>,
    pub(crate) failure: Option<&'static str>,
    pub(crate) rejected: bool,
}

impl Verdict {
    fn new(end: End) -> Self {
        Self { end, acknowledgment: None, failure: None, rejected: false }
    }
}

impl Rules {
    /// What becomes of an entry that was sent. `share` is the jitter, 0 to 1.
    pub(crate) fn judge(
        &self,
        attempt: &Attempt,
        sent: Result<Confirmation, Failure>,
        now: SystemTime,
        share: f64,
    ) -> Verdict {
        match sent {
            Ok(Confirmation::Acknowledged(ack)) => self.acknowledged(attempt, &ack, now, share),
            Ok(Confirmation::Taken { accept, code }) => self.taken(accept, code),
            Ok(Confirmation::Unconfirmed) => Verdict::new(End::Unconfirmed),
            Err(failure) => self.failed(attempt, failure, now, share),
        }
    }

    fn acknowledged(&self, attempt: &Attempt, ack: &Acknowledgment, now: SystemTime, share: f64) -> Verdict {
        let code = ack.code();
        Verdict {
            end: self.decide(attempt, code.into(), now, share),
            acknowledgment: Some(ack.bytes().to_vec()),
            failure: (!code.is_positive()).then(|| code.as_str()),
            rejected: !code.is_positive(),
        }
    }

    /// The receiver has the message, so that it is never sent again, whatever else was asked for.
    fn taken(&self, accept: Option<Acknowledgment>, code: &'static str) -> Verdict {
        let end = self.when_taken();
        let acknowledgment = accept.map(|ack| ack.bytes().to_vec());
        Verdict { acknowledgment, failure: Some(code), ..Verdict::new(end) }
    }

    /// What becomes of a message that the receiver has, when no more is heard of it.
    pub(crate) fn when_taken(&self) -> End {
        match self.settle_on {
            SettleOn::Accept => End::Deliver,
            SettleOn::Application => End::Unconfirmed,
        }
    }

    fn failed(&self, attempt: &Attempt, failure: Failure, now: SystemTime, share: f64) -> Verdict {
        let answer = answer_of(failure.kind());
        let end = match answer.map(|answer| self.decide(attempt, answer, now, share)) {
            None => End::Hold,
            Some(End::Retry(_)) if failure.is_lasting() => End::Retry(now + self.retry.rest_time()),
            Some(end) => end,
        };
        let rejected = answer.is_some_and(Answer::is_an_answer);
        Verdict { failure: Some(failure.code()), rejected, ..Verdict::new(end) }
    }

    fn decide(&self, attempt: &Attempt, answer: Answer, now: SystemTime, share: f64) -> End {
        match self.policy.action(answer) {
            None => End::Deliver,
            Some(Action::Hold) => End::Hold,
            Some(Action::Skip) => End::Skip,
            Some(Action::DeadLetter) => End::DeadLetter(reason(answer)),
            Some(Action::Retry) if is_used_up(&self.retry, attempt, answer) => used_up(&self.retry),
            Some(Action::Retry) => End::Retry(now + self.retry.delay(attempt.tries, share)),
        }
    }
}

/// The row of the table; `None` for a message that no connection can carry.
fn answer_of(kind: FailureKind) -> Option<Answer> {
    match kind {
        FailureKind::Unsendable => None,
        FailureKind::NoAnswer => Some(Answer::None),
        FailureKind::Garbled => Some(Answer::Garbled),
        FailureKind::NotSent | FailureKind::Lost => Some(Answer::Lost),
        FailureKind::NotTaken => Some(Answer::NotTaken),
        FailureKind::OtherProtocol => Some(Answer::OtherProtocol),
    }
}

/// Whether the entry is too old to be sent. A clock that was set back makes it no older.
pub(crate) fn is_too_old(retry: &Retry, attempt: &Attempt, now: SystemTime) -> bool {
    retry.is_too_old(now.duration_since(attempt.since).unwrap_or_default())
}

fn is_used_up(retry: &Retry, attempt: &Attempt, answer: Answer) -> bool {
    let rejected = answer.is_an_answer() && retry.rejections_used_up(attempt.rejections.saturating_add(1));
    rejected || retry.attempts_used_up(attempt.tries)
}

/// What becomes of an entry whose attempts were used up before this one, which ended with their processes: nobody judged them.
pub(crate) fn ends_unjudged(retry: &Retry, attempt: &Attempt) -> Option<End> {
    retry.attempts_used_up(attempt.tries.saturating_sub(1)).then(|| used_up(retry))
}

fn used_up(retry: &Retry) -> End {
    match retry.action_when_used_up() {
        Action::DeadLetter => End::DeadLetter(DeadLetterReason::UsedUp),
        Action::Skip => End::Skip,
        Action::Retry | Action::Hold => End::Hold,
    }
}

fn reason(answer: Answer) -> DeadLetterReason {
    match answer {
        Answer::Code(_) | Answer::NotTaken => DeadLetterReason::Refused,
        Answer::None | Answer::Garbled | Answer::Lost | Answer::OtherProtocol => DeadLetterReason::Doubtful,
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use hl7_core::AckCode;

    use super::*;
    use crate::id::{EntryId, LaneId};

    fn attempt(tries: u32, rejections: u32) -> Attempt {
        Attempt {
            id: EntryId::from_bytes([1; 16]),
            lane: LaneId::from_bytes([2; 16]),
            is_merge: false,
            key: [0; 32],
            body: Vec::new(),
            digest: [0; 32],
            tries,
            rejections,
            since: UNIX_EPOCH,
        }
    }

    fn rules(policy: Policy) -> Rules {
        Rules { policy, retry: Retry::new(), settle_on: SettleOn::Accept }
    }

    /// What becomes of the first attempt.
    fn first(rules: &Rules, answer: Answer) -> End {
        rules.decide(&attempt(1, 0), answer, UNIX_EPOCH, 1.0)
    }

    fn codes(policy: Policy) -> [End; 4] {
        let rules = rules(policy);
        [AckCode::AE, AckCode::AR, AckCode::CE, AckCode::CR].map(|code| first(&rules, code.into()))
    }

    const AGAIN: fn() -> End = || End::Retry(UNIX_EPOCH + Duration::from_secs(1));
    const DEAD: End = End::DeadLetter(DeadLetterReason::Refused);

    #[test]
    fn default_table() {
        let table = [
            (Answer::Code(AckCode::AA), End::Deliver),
            (Answer::Code(AckCode::CA), End::Deliver),
            (Answer::Code(AckCode::AE), End::Hold),
            (Answer::Code(AckCode::AR), AGAIN()),
            (Answer::Code(AckCode::CE), AGAIN()),
            (Answer::Code(AckCode::CR), DEAD),
            (Answer::None, AGAIN()),
            (Answer::Garbled, AGAIN()),
            (Answer::Lost, AGAIN()),
            (Answer::NotTaken, AGAIN()),
            (Answer::OtherProtocol, End::Hold),
        ];
        for (answer, end) in table {
            assert_eq!(first(&rules(Policy::default()), answer), end, "{answer:?}");
        }
    }

    #[test]
    fn tables_of_engines() {
        assert_eq!(codes(Policy::mirth()), [AGAIN(), DEAD, AGAIN(), DEAD]);
        assert_eq!(codes(Policy::rhapsody()), [End::Hold, End::Hold, AGAIN(), DEAD]);
        assert_eq!(codes(Policy::intersystems()), [End::Hold, AGAIN(), End::Hold, AGAIN()]);
        assert_eq!(codes(Policy::intersystems_content_r()), [AGAIN(), End::Hold, AGAIN(), End::Hold]);
    }

    #[test]
    fn every_row_can_be_set_to_every_action() {
        let doubtful = End::DeadLetter(DeadLetterReason::Doubtful);
        let rows = [
            (Answer::Code(AckCode::AE), DEAD),
            (Answer::Code(AckCode::AR), DEAD),
            (Answer::Code(AckCode::CE), DEAD),
            (Answer::Code(AckCode::CR), DEAD),
            (Answer::NotTaken, DEAD),
            (Answer::None, doubtful),
            (Answer::Garbled, doubtful),
            (Answer::Lost, doubtful),
            (Answer::OtherProtocol, doubtful),
        ];
        for (answer, dead) in rows {
            let actions = [
                (Action::Retry, AGAIN()),
                (Action::Hold, End::Hold),
                (Action::Skip, End::Skip),
                (Action::DeadLetter, dead),
            ];
            for (action, end) in actions {
                let rules = rules(Policy::new().on(answer, action));
                assert_eq!(first(&rules, answer), end, "{answer:?} {action:?}");
            }
        }
    }

    #[test]
    fn caps() {
        let decide = |retry: &Retry, tries, rejections, answer| {
            let rules = Rules { retry: retry.clone(), ..rules(Policy::new()) };
            rules.decide(&attempt(tries, rejections), answer, UNIX_EPOCH, 1.0)
        };
        let defaults = Retry::new();
        for answer in [Answer::Code(AckCode::AR), Answer::Garbled, Answer::NotTaken] {
            assert_eq!(decide(&defaults, 10, 9, answer), End::Hold, "{answer:?}");
            assert!(matches!(decide(&defaults, 9, 8, answer), End::Retry(_)), "{answer:?}");
        }
        for outage in [Answer::None, Answer::Lost] {
            assert!(
                matches!(decide(&defaults, 1_000_000, 99, outage), End::Retry(_)),
                "an outage has no cap"
            );
        }
        let three = Retry::new().max_attempts(3).used_up(Action::DeadLetter);
        assert_eq!(decide(&three, 3, 0, Answer::Lost), End::DeadLetter(DeadLetterReason::UsedUp));
        assert_eq!(decide(&three, 3, 0, AckCode::AA.into()), End::Deliver);
        assert_eq!(decide(&three, 3, 0, AckCode::AE.into()), End::Hold, "what the table says comes first");
    }

    #[test]
    fn positive_codes_cannot_be_set() {
        assert!(Policy::new().on(AckCode::AA, Action::Retry).names_positive());
        assert!(Policy::new().on(AckCode::CA, Action::Hold).names_positive());
        assert!(!Policy::new().on(AckCode::CR, Action::Hold).names_positive());
    }
}
