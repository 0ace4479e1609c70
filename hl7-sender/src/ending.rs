//! The end of a sender: one, however many ask for it.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

/// When it has to be over, and whether it is.
pub(crate) struct Ending {
    /// The earliest time that was asked for; `None` as long as none was, or it lies beyond what the clock can tell.
    by: watch::Sender<Option<Instant>>,
    /// Loses its sender when all is at its end.
    over: watch::Receiver<()>,
    begins: Mutex<Option<watch::Sender<()>>>,
}

impl Default for Ending {
    fn default() -> Self {
        let (begins, over) = watch::channel(());
        Self { by: watch::Sender::new(None), over, begins: Mutex::new(Some(begins)) }
    }
}

impl Ending {
    /// What the one who brings it about drops when it is over; `None` for all but the first.
    pub(crate) fn begin(&self) -> Option<watch::Sender<()>> {
        self.begins.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// What is under way is waited for at most this long from now on.
    pub(crate) fn hurry(&self, within: Duration) {
        let Some(at) = Instant::now().checked_add(within) else { return };
        self.by.send_if_modified(|by| {
            let is_earlier = by.is_none_or(|by| at < by);
            if is_earlier {
                *by = Some(at);
            }
            is_earlier
        });
    }

    /// Waits until the time is over.
    pub(crate) async fn late(&self) {
        let mut asked = self.by.subscribe();
        loop {
            let by = *asked.borrow_and_update();
            let over = async {
                match by {
                    Some(by) => sleep_until(by).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = over => return,
                // Its sender is here as long as this is waited for.
                _ = asked.changed() => {}
            }
        }
    }

    /// Waits for the end of a task, and brings it about when the time is over.
    pub(crate) async fn end_of(&self, mut task: JoinHandle<()>) {
        tokio::select! {
            biased;
            _ = &mut task => return,
            () = self.late() => task.abort(),
        }
        let _ = task.await;
    }

    /// Waits until all is at its end.
    pub(crate) async fn over(&self) {
        let mut over = self.over.clone();
        // An error says that the sender is gone, which is what is waited for.
        while over.changed().await.is_ok() {}
    }
}
