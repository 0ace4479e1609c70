//! What runs: the engine, the destinations with a task each, and their end.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use crate::dispatch::Dispatch;
use crate::engine::{Engine, Target};

/// A sender as long as it runs.
pub(crate) struct Running {
    pub(crate) engine: Arc<Engine>,
    pub(crate) max_message_bytes: usize,
    stop: watch::Sender<bool>,
    open: Mutex<HashMap<String, Open>>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

/// A destination and the task that serves it.
struct Open {
    target: Arc<Target>,
    task: JoinHandle<()>,
}

impl Running {
    pub(crate) fn new(engine: Arc<Engine>, stop: watch::Sender<bool>, max_message_bytes: usize) -> Self {
        Self { engine, max_message_bytes, stop, open: Mutex::default(), tasks: Mutex::default() }
    }

    /// Adds a task that ends with the sender.
    pub(crate) fn run(&self, task: JoinHandle<()>) {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner).push(task);
    }

    /// Serves a destination from now on.
    pub(crate) fn open(&self, target: Arc<Target>) {
        let task = tokio::spawn(Dispatch::new(Arc::clone(&self.engine), Arc::clone(&target)).run());
        self.lock().insert(target.name.clone(), Open { target, task });
    }

    pub(crate) fn target(&self, name: &str) -> Option<Arc<Target>> {
        self.lock().get(name).map(|open| Arc::clone(&open.target))
    }

    pub(crate) fn targets(&self) -> Vec<Arc<Target>> {
        self.lock().values().map(|open| Arc::clone(&open.target)).collect()
    }

    /// Ends everything, waits at most this long for what is under way, and closes the store.
    pub(crate) async fn end(&self, within: Duration) {
        self.stop.send_replace(true);
        let others = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        let served: Vec<_> = self.lock().drain().map(|(_, open)| open.task).collect();
        let deadline = Instant::now().checked_add(within);
        for task in served.into_iter().chain(others) {
            end_of(task, deadline).await;
        }
        self.engine.store.close().await;
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits for the end of a task, and brings it about when the time is over.
async fn end_of(mut task: JoinHandle<()>, deadline: Option<Instant>) {
    let Some(deadline) = deadline else {
        let _ = task.await;
        return;
    };
    if timeout_at(deadline, &mut task).await.is_err() {
        task.abort();
        let _ = task.await;
    }
}
