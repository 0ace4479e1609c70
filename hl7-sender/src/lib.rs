//! A durable, ordered, retrying sender of HL7 v2 messages.

mod destination;
mod digest;
mod dispatch;
mod engine;
mod enqueue;
mod entry;
mod error;
mod gate;
mod id;
mod lane;
mod policy;
mod receipt;
mod retry;
mod sender;
mod shape;
#[cfg(feature = "sqlite")]
mod sqlite;
mod status;
mod store;
mod transport;
mod watch;

pub use destination::{Destination, LaneKey};
pub use digest::Digest;
pub use enqueue::NewEntry;
pub use entry::{
    Attempt, Count, DeadLetterReason, Delivery, Due, End, Enqueued, Finished, Record, Request, State, Stored,
};
pub use error::{
    EnqueueError, EnqueueErrorKind, OpenError, OpenErrorKind, StartError, StartErrorKind, StoreError,
    StoreErrorKind,
};
pub use id::{EntryId, LaneId, NotAnEntryId};
pub use policy::Action;
pub use receipt::{Outcome, Receipt};
pub use retry::Retry;
pub use sender::{Builder, Sender};
#[cfg(feature = "sqlite")]
pub use sqlite::{SqliteOptions, SqliteStore};
pub use status::Status;
pub use store::Store;
