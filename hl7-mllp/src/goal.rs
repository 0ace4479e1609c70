//! What a send waits for.

use crate::acknowledgment::Acknowledgment;
use crate::send_error::SendError;
use crate::sending::{Asked, Sending, Told};
use crate::two_phase::{ApplicationOutcome, TwoPhase};

/// What a send waits for, once its block is written.
pub(crate) trait Goal: Copy + Send {
    type Got: Send;

    fn wait(self, sending: Sending<'_>) -> impl Future<Output = Result<Self::Got, SendError>> + Send;

    /// Why the connection cannot go on in spite of what was had.
    fn doubt(_: &Self::Got) -> Option<&SendError> {
        None
    }

    /// The acknowledgments that came, in their order.
    fn acks(got: &Self::Got) -> [Option<&Acknowledgment>; 2];
}

/// The first acknowledgment that decides.
#[derive(Clone, Copy)]
pub(crate) struct First<'a>(pub(crate) &'a Asked, pub(crate) Told<'a>);

/// Both acknowledgments of enhanced mode.
#[derive(Clone, Copy)]
pub(crate) struct Both<'a>(pub(crate) &'a Asked, pub(crate) Told<'a>);

/// The commit acknowledgment of release 2.
#[derive(Clone, Copy)]
pub(crate) struct Commit;

impl Goal for First<'_> {
    type Got = Acknowledgment;

    async fn wait(self, sending: Sending<'_>) -> Result<Acknowledgment, SendError> {
        sending.once(self.0, self.1).await
    }

    fn acks(got: &Acknowledgment) -> [Option<&Acknowledgment>; 2] {
        [Some(got), None]
    }
}

impl Goal for Both<'_> {
    type Got = TwoPhase;

    async fn wait(self, sending: Sending<'_>) -> Result<TwoPhase, SendError> {
        sending.both(self.0, self.1).await
    }

    fn doubt(got: &TwoPhase) -> Option<&SendError> {
        match &got.application {
            ApplicationOutcome::Missing(why) => Some(why),
            _ => None,
        }
    }

    fn acks(got: &TwoPhase) -> [Option<&Acknowledgment>; 2] {
        match &got.application {
            ApplicationOutcome::Acknowledged(ack) => [got.accept.as_ref(), Some(ack)],
            _ => [got.accept.as_ref(), None],
        }
    }
}

impl Goal for Commit {
    type Got = ();

    async fn wait(self, sending: Sending<'_>) -> Result<(), SendError> {
        sending.until_commit().await
    }

    fn acks(_: &()) -> [Option<&Acknowledgment>; 2] {
        [None, None]
    }
}

/// Nothing: the message asks for no acknowledgment.
#[derive(Clone, Copy)]
pub(crate) struct Nothing;

impl Goal for Nothing {
    type Got = ();

    async fn wait(self, sending: Sending<'_>) -> Result<(), SendError> {
        sending.unconfirmed()
    }

    fn acks(_: &()) -> [Option<&Acknowledgment>; 2] {
        [None, None]
    }
}
