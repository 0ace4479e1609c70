//! The end of a sender: one, however many ask for it.

use std::time::Duration;

use tokio::sync::{Mutex, MutexGuard, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

/// When it has to be over, and what is left to be ended.
#[derive(Default)]
pub(crate) struct Ending {
    /// The earliest time that was asked for; `None` as long as none was, or it lies beyond what the clock can tell.
    by: watch::Sender<Option<Instant>>,
    rest: Mutex<Rest>,
}

/// What is left. It is found here by the next one when who ends it is cut off.
#[derive(Default)]
pub(crate) struct Rest {
    /// They are taken out once they have ended.
    pub(crate) tasks: Vec<JoinHandle<()>>,
    pub(crate) is_over: bool,
}

impl Ending {
    /// Waits for one's turn, and with it for the end that another brings about.
    pub(crate) async fn turn(&self) -> MutexGuard<'_, Rest> {
        self.rest.lock().await
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
    pub(crate) async fn end_of(&self, task: &mut JoinHandle<()>) {
        tokio::select! {
            biased;
            _ = &mut *task => return,
            () = self.late() => task.abort(),
        }
        let _ = task.await;
    }
}
