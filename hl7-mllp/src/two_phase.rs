//! What came of a message in both phases of enhanced mode.

use crate::acknowledgment::Acknowledgment;
use crate::send_error::SendError;

/// Both acknowledgments of a message, from [`crate::Client::send_two_phase`]. The receiver has had the message: it is not to be sent again
/// unless one of them says so.
#[derive(Debug)]
#[non_exhaustive]
pub struct TwoPhase {
    /// The accept acknowledgment (`CA`, `CE`, `CR`); `None` where the message is acknowledged once only.
    pub accept: Option<Acknowledgment>,
    /// What came of the application acknowledgment.
    pub application: ApplicationOutcome,
}

/// What came of the application acknowledgment of a message.
#[derive(Debug)]
#[non_exhaustive]
pub enum ApplicationOutcome {
    /// It came: `AA`, `AE`, `AR`.
    Acknowledged(Acknowledgment),
    /// None is due: the message asks for none, or was not accepted.
    NotDue,
    /// It did not come in time or could not be read, and the client is closed. The message was taken ([`crate::Sent::Taken`]) and is not
    /// to be sent again. With `SU` or `ER` in MSH-16 a deadline that passed is no fault: the receiver answers on success or on error only.
    Missing(SendError),
}

impl TwoPhase {
    /// The one acknowledgment that there is: an accept acknowledgment without a second phase, or the application's without a first.
    pub(crate) fn once(ack: Acknowledgment) -> Self {
        if ack.code().is_commit() {
            return Self { accept: Some(ack), application: ApplicationOutcome::NotDue };
        }
        Self { accept: None, application: ApplicationOutcome::Acknowledged(ack) }
    }

    /// The acknowledgment that settles the message: the application's where it came, else the accept acknowledgment.
    pub fn last(&self) -> Option<&Acknowledgment> {
        match &self.application {
            ApplicationOutcome::Acknowledged(ack) => Some(ack),
            _ => self.accept.as_ref(),
        }
    }
}
