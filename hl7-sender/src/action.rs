//! What can be done with a message that was not acknowledged positively.

/// What happens to a message that was not acknowledged positively.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Action {
    /// Sent again, the same bytes under the same control ID, after a delay.
    Retry,
    /// Its lane stands until someone decides: [`crate::Sender::release`] or [`crate::Sender::dead_letter`].
    Hold,
    /// It becomes a dead letter and its lane flows on.
    DeadLetter,
    /// It is passed over and its lane flows on: nobody is asked to look at it, as for a dead letter. It is kept on record as
    /// [`crate::State::Skipped`], with the answer, as long as a delivered one.
    Skip,
}
