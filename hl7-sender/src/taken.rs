//! What a connection learns of a message while it is still under way.

use std::sync::{Mutex, MutexGuard, PoisonError};

use hl7_mllp::Acknowledgment;
use tokio::sync::Notify;

/// Where a connection says that the receiver has the message, before the last answer came.
#[derive(Default)]
pub(crate) struct Taken {
    said: Mutex<Option<Accept>>,
    changed: Notify,
}

/// The accept acknowledgment, where one was had.
pub(crate) type Accept = Option<Acknowledgment>;

impl Taken {
    pub(crate) fn say(&self, accept: Option<&Acknowledgment>) {
        let mut said = self.lock();
        let before = said.take().flatten();
        *said = Some(accept.cloned().or(before));
        self.changed.notify_one();
    }

    /// What was said, if anything was.
    pub(crate) fn said(&self) -> Option<Accept> {
        self.lock().clone()
    }

    /// Ends when something was said that was not heard here before, and gives it.
    pub(crate) async fn next(&self) -> Accept {
        loop {
            self.changed.notified().await;
            if let Some(accept) = self.said() {
                return accept;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Accept>> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
