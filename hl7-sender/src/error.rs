//! What can go wrong, one type for each operation, with a stable code, and never with message content.

mod backup;
mod enqueue;
mod intake;
mod open;
mod start;
mod store;

pub use backup::{BackupError, BackupErrorKind};
pub use enqueue::{EnqueueError, EnqueueErrorKind};
pub use intake::{IntakeError, IntakeErrorKind};
pub use open::{OpenError, OpenErrorKind};
pub use start::{StartError, StartErrorKind};
pub use store::{StoreError, StoreErrorKind};

/// `Display` of an error: its code, what is wrong, what to do, and where there is one the reason behind it.
macro_rules! display {
    ($error:ty, $self:ident => $why:expr) => {
        impl std::fmt::Display for $error {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                let (code, what, suggestion) = self.parts();
                write!(f, "{code}: {what}; {suggestion}")?;
                let $self = self;
                match $why {
                    Some(why) => write!(f, " ({why})"),
                    None => Ok(()),
                }
            }
        }
    };
}
use display;
