//! What an acknowledgment, or none, means for a message: the destination's table.

use std::fmt;

use hl7_core::AckCode;

use crate::action::Action;

/// What came of a message that was written, as the rows of a [`Policy`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Answer {
    /// An acknowledgment of this message, with this code. `AA` and `CA` deliver and have no row.
    Code(AckCode),
    /// None in time. The receiver may have the message.
    None,
    /// One that cannot be read, or of another message. The receiver may have the message.
    Garbled,
    /// The connection ended before one came. The receiver may have the message.
    Lost,
    /// 0x15 of MLLP release 2: not taken, and no more is said.
    NotTaken,
    /// One of the other release of MLLP than the destination is set to. The receiver may have the message.
    OtherProtocol,
}

impl From<AckCode> for Answer {
    fn from(code: AckCode) -> Self {
        Self::Code(code)
    }
}

impl Answer {
    /// Whether the receiver answered at all, so that it is no outage when it does so again and again.
    pub(crate) fn is_an_answer(self) -> bool {
        !matches!(self, Self::None | Self::Lost)
    }
}

/// What is done with a message that was not acknowledged positively, for each answer.
///
/// HL7 says of `AE` that the content is at fault and of `AR` that it is not, but engines differ, so there are tables for some of them. Each
/// can be changed row by row with [`Policy::on`].
///
/// | answer | default | [`mirth`](Policy::mirth) | [`rhapsody`](Policy::rhapsody) | [`intersystems`](Policy::intersystems) | [`intersystems_content_r`](Policy::intersystems_content_r) |
/// |---|---|---|---|---|---|
/// | AE | hold | retry | hold | hold | retry |
/// | AR | retry | dead letter | hold | retry | hold |
/// | CE | retry | retry | retry | hold | retry |
/// | CR | dead letter | dead letter | dead letter | retry | hold |
/// | none, garbled, lost, 0x15 | retry | retry | retry | retry | retry |
/// | of the other release of MLLP | hold | hold | hold | hold | hold |
///
/// A retry after an answer is bounded by [`crate::Retry::max_rejections`], all retries by [`crate::Retry::max_attempts`].
///
/// ```
/// use hl7_core::AckCode;
/// use hl7_sender::{Action, Answer, Policy};
/// let policy = Policy::mirth().on(AckCode::AR, Action::Skip).on(Answer::Garbled, Action::Hold);
/// # let _ = policy;
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Policy {
    actions: [Action; ROWS.len()],
    names_positive: bool,
}

/// The rows of the table, in the order in which their actions are kept.
const ROWS: [Answer; 9] = [
    Answer::Code(AckCode::AE),
    Answer::Code(AckCode::AR),
    Answer::Code(AckCode::CE),
    Answer::Code(AckCode::CR),
    Answer::None,
    Answer::Garbled,
    Answer::Lost,
    Answer::NotTaken,
    Answer::OtherProtocol,
];

impl Default for Policy {
    /// AE says that the content is at fault: the next message of the lane may build upon it, so the lane stands. AR and CE are not the
    /// content's fault and may pass. CR says that the receiver will never take it. Where it is not known whether the receiver has the message, it
    /// is sent again. A receiver of the other release of MLLP is a wrong setting, which a person has to put right.
    fn default() -> Self {
        Self { actions: [Action::Retry; ROWS.len()], names_positive: false }
            .on(AckCode::AE, Action::Hold)
            .on(AckCode::CR, Action::DeadLetter)
            .on(Answer::OtherProtocol, Action::Hold)
    }
}

impl Policy {
    /// The default table.
    pub fn new() -> Self {
        Self::default()
    }

    /// For Mirth Connect (NextGen Connect) with the answers it generates itself. `AR` says that a filter of the channel has turned the message away,
    /// and it would do so again: a dead letter, and the lane flows on. `AE` says that processing failed, which a destination behind it that is down
    /// does too: a retry, and after ten a hold.
    pub fn mirth() -> Self {
        Self::default().on(AckCode::AE, Action::Retry).on(AckCode::AR, Action::DeadLetter)
    }

    /// For Rhapsody with its filter for acknowledgments, whose negative answer to a message that fails validation is `AR` unless it is set otherwise:
    /// the content is at fault, so `AR` holds the lane as `AE` does.
    pub fn rhapsody() -> Self {
        Self::default().on(AckCode::AR, Action::Hold)
    }

    /// For InterSystems IRIS, HealthShare and Ensemble with the NACK error code `ContentE`, their default: E for faults of the content, R for faults of
    /// the system, which are expected to pass, with `A` and with commit codes (`C`) alike.
    pub fn intersystems() -> Self {
        Self::default().on(AckCode::CE, Action::Hold).on(AckCode::CR, Action::Retry)
    }

    /// For the same with the NACK error code `ContentR`, as earlier versions of Ensemble have it: R for faults of the content, E for faults of the
    /// system.
    pub fn intersystems_content_r() -> Self {
        Self::default()
            .on(AckCode::AE, Action::Retry)
            .on(AckCode::AR, Action::Hold)
            .on(AckCode::CE, Action::Retry)
            .on(AckCode::CR, Action::Hold)
    }

    /// Sets what is done after this answer. `AA` and `CA` cannot be set: a destination with such a table is refused.
    pub fn on(mut self, answer: impl Into<Answer>, action: Action) -> Self {
        match place(answer.into()).and_then(|place| self.actions.get_mut(place)) {
            Some(row) => *row = action,
            None => self.names_positive = true,
        }
        self
    }

    /// Whether the table names AA or CA.
    pub(crate) fn names_positive(&self) -> bool {
        self.names_positive
    }

    /// What is done; `None` delivers.
    pub(crate) fn action(&self, answer: Answer) -> Option<Action> {
        self.actions.get(place(answer)?).copied()
    }
}

/// Where the row of an answer is; `None` for AA and CA.
fn place(answer: Answer) -> Option<usize> {
    ROWS.iter().position(|row| *row == answer)
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(ROWS.iter().zip(&self.actions)).finish()
    }
}
