//! The life of a simulated process: once it has ended, nothing of it goes on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

/// A process. A clone is the same one.
#[derive(Clone, Default)]
pub(super) struct Life {
    over: Arc<AtomicBool>,
    // Those who wait are told in the order in which they came, as by no other means of tokio.
    ends: Arc<Notify>,
}

impl Life {
    /// As SIGKILL does: what is being done stands still for ever.
    pub(super) fn end(&self) {
        self.over.store(true, Ordering::Relaxed);
        self.ends.notify_waiters();
    }

    pub(super) async fn ended(&self) {
        if !self.over.load(Ordering::Relaxed) {
            self.ends.notified().await;
        }
    }

    /// Goes on if the process lives, and never otherwise.
    pub(super) async fn goes_on(&self) {
        if self.over.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
    }

    /// What comes of it, unless the process ends first.
    pub(super) async fn unless_ended<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.ended() => None,
            done = work => Some(done),
        }
    }
}
