//! How an entry ended, of its status, and the names of ends.

use crate::receipt::Outcome;
use crate::status::Status;

impl Status {
    /// How it ended, as [`crate::Receipt::outcome`] tells it; `None` while it is not settled.
    pub fn outcome(&self) -> Option<Outcome> {
        Outcome::of(self)
    }
}

impl Outcome {
    /// The stable name: `delivered`, `taken`, `dead-lettered`, `unconfirmed`, `skipped` or `cancelled`.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Delivered(_) => "delivered",
            Self::Taken => "taken",
            Self::DeadLettered(_) => "dead-lettered",
            Self::Unconfirmed => "unconfirmed",
            Self::Skipped => "skipped",
            Self::Cancelled => "cancelled",
        }
    }
}
