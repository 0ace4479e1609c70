//! What runs: the engine, the destinations with a task each, and their end.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use crate::destination::Destination;
use crate::dispatch::Dispatch;
use crate::ending::Ending;
use crate::engine::{Engine, Stage, Target};
use crate::error::{StartError, StartErrorKind, StoreError};
use crate::event::{Board, DestinationChange, Events};
use crate::room::Room;
use crate::unstoppable::Unstoppable;

/// A sender as long as it runs.
pub(crate) struct Running {
    pub(crate) engine: Arc<Engine>,
    pub(crate) max_message_bytes: usize,
    /// For what is enqueued.
    pub(crate) room: Room,
    /// That it was started on. All its tasks run there: a caller's runtime may end before the sender does.
    runtime: Handle,
    stop: Arc<watch::Sender<bool>>,
    ending: Ending,
    open: Mutex<BTreeMap<String, Open>>,
    /// One change at a time, so that a destination is ended before another of its name is served.
    changing: tokio::sync::Mutex<()>,
    /// One pause or its end at a time, so that the run is as the record says.
    pausing: tokio::sync::Mutex<()>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
    /// Where subscribers come to, until the end.
    board: Mutex<Option<Board>>,
}

/// A destination and the task that serves it; none while the one before it ends.
struct Open {
    target: Arc<Target>,
    task: Option<JoinHandle<()>>,
}

/// Stops the sender when it is dropped.
struct StopGuard(Weak<watch::Sender<bool>>);

impl Drop for StopGuard {
    fn drop(&mut self) {
        if let Some(stop) = self.0.upgrade() {
            stop.send_replace(true);
        }
    }
}

impl Running {
    /// On the runtime that this is called on.
    pub(crate) fn new(
        engine: Arc<Engine>,
        stop: watch::Sender<bool>,
        board: Board,
        max_message_bytes: usize,
    ) -> Self {
        let (open, changing, pausing, tasks) = Default::default();
        Self {
            engine,
            max_message_bytes,
            room: Room::new(Room::BYTES),
            runtime: Handle::current(),
            stop: Arc::new(stop),
            ending: Ending::default(),
            open,
            changing,
            pausing,
            tasks,
            board: Mutex::new(Some(board)),
        }
    }

    /// What happens from now on; nothing after the end.
    pub(crate) fn events(&self) -> Events {
        self.board().as_ref().map_or_else(|| Board::new().events(), Board::events)
    }

    fn board(&self) -> MutexGuard<'_, Option<Board>> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs this as a task that ends with the sender.
    pub(crate) fn run(&self, task: impl Future<Output = ()> + Send + 'static) {
        let task = self.spawn(task);
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner).push(task);
    }

    /// Ends the sender when its runtime does, which drops this task.
    pub(crate) fn end_with_runtime(&self) {
        let guard = StopGuard(Arc::downgrade(&self.stop));
        let engine = Arc::clone(&self.engine);
        self.run(async move {
            let _guard = guard;
            engine.stopped().await;
        });
    }

    /// Runs this in a task of its own, which goes on when the caller's runtime ends.
    pub(crate) fn spawn<T: Send + 'static>(
        &self,
        task: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<T> {
        self.runtime.spawn(task)
    }

    /// Runs this where it is awaited, and to its end when it is not awaited any more.
    pub(crate) fn unstoppable<T: Send + 'static>(
        &self,
        future: impl Future<Output = T> + Send + 'static,
    ) -> Unstoppable<T> {
        Unstoppable::new(&self.runtime, future)
    }

    /// Serves a destination from now on.
    pub(crate) fn open(&self, target: &Arc<Target>) {
        let dispatch = Dispatch::new(Arc::clone(&self.engine), Arc::clone(target));
        // What is under way when the sender is dropped is told too.
        let board = self.board().clone();
        let task = self.spawn(async move {
            let _board = board;
            dispatch.run().await;
        });
        self.put(target, Some(task));
    }

    /// Adds a destination.
    pub(crate) async fn add(&self, destination: Destination) -> Result<(), StartError> {
        let _one = self.begin_change().await?;
        if self.target(&destination.name).is_some() {
            return Err(StartError::new(StartErrorKind::RepeatedName));
        }
        let target = Arc::new(Target::new(destination, &self.engine.tallies));
        self.take_pause(&target).await?;
        self.open(&target);
        self.engine.tell_of(&target.tally.name, DestinationChange::Added);
        Ok(())
    }

    /// Puts a destination in the place of the one of its name, once that has ended.
    pub(crate) async fn replace(&self, destination: Destination, within: Duration) -> Result<(), StartError> {
        let _one = self.begin_change().await?;
        if self.target(&destination.name).is_none() {
            return Err(StartError::new(StartErrorKind::UnknownName));
        }
        let target = Arc::new(Target::new(destination, &self.engine.tallies));
        let before = {
            // What is paused or resumed meanwhile finds the old one or the new one, and both are as it says.
            let _one = self.pausing.lock().await;
            self.take_pause(&target).await?;
            self.put(&target, None)
        };
        self.close(before, within).await;
        self.open(&target);
        self.engine.tell_of(&target.tally.name, DestinationChange::Changed);
        Ok(())
    }

    /// Removes a destination.
    pub(crate) async fn remove(&self, name: &str, within: Duration) -> Result<(), StartError> {
        let _one = self.begin_change().await?;
        let before = self.lock().remove(name);
        if before.is_none() {
            return Err(StartError::new(StartErrorKind::UnknownName));
        }
        self.close(before, within).await;
        self.engine.tallies.remove(name);
        self.engine.tell_of(&name.into(), DestinationChange::Removed);
        Ok(())
    }

    /// Pauses a destination, in this run and on record. Whether there is such a one.
    pub(crate) async fn pause(&self, name: &str) -> Result<bool, StoreError> {
        let _one = self.pausing.lock().await;
        let Some(target) = self.target(name) else { return Ok(false) };
        target.gate().pause();
        self.engine.store.pause(name, true).await?;
        self.engine.tell_of(&target.tally.name, DestinationChange::Paused);
        Ok(true)
    }

    /// Goes on with it.
    pub(crate) async fn resume(&self, name: &str) -> Result<bool, StoreError> {
        let _one = self.pausing.lock().await;
        let Some(target) = self.target(name) else { return Ok(false) };
        self.engine.store.pause(name, false).await?;
        target.gate().resume(Instant::now());
        self.engine.tell_of(&target.tally.name, DestinationChange::Resumed);
        target.wake.notify_one();
        Ok(true)
    }

    /// A destination that is paused on record is paused from the start.
    async fn take_pause(&self, target: &Target) -> Result<(), StartError> {
        if self.engine.store.paused().await?.contains(&target.name) {
            target.gate().pause();
        }
        Ok(())
    }

    async fn begin_change(&self) -> Result<tokio::sync::MutexGuard<'_, ()>, StartError> {
        // Who comes after the end does not wait for a change that is still being made.
        self.check_running()?;
        let guard = self.changing.lock().await;
        self.check_running().map(|()| guard)
    }

    fn check_running(&self) -> Result<(), StartError> {
        if self.engine.is_stopping() { Err(StartError::new(StartErrorKind::ShutDown)) } else { Ok(()) }
    }

    fn put(&self, target: &Arc<Target>, task: Option<JoinHandle<()>>) -> Option<Open> {
        self.lock().insert(target.name.clone(), Open { target: Arc::clone(target), task })
    }

    /// Ends a destination: what is under way is waited for, then given up and put back. How long that takes is the store's affair.
    async fn close(&self, open: Option<Open>, within: Duration) {
        let Some(Open { target, task: Some(mut task) }) = open else { return };
        target.end(Stage::Ending);
        if timeout(within, &mut task).await.is_err() {
            target.end(Stage::Cut);
            let _ = task.await;
        }
    }

    pub(crate) fn target(&self, name: &str) -> Option<Arc<Target>> {
        self.lock().get(name).map(|open| Arc::clone(&open.target))
    }

    pub(crate) fn targets(&self) -> Vec<Arc<Target>> {
        self.lock().values().map(|open| Arc::clone(&open.target)).collect()
    }

    /// Ends everything, waits at most this long for what is under way, and closes the store. It goes on when its caller stops waiting; who asks again waits
    /// for the same end, and the earliest time that was asked for counts.
    pub(crate) async fn end(self: &Arc<Self>, within: Duration) {
        self.ending.hurry(within);
        self.stop.send_replace(true);
        let running = Arc::clone(self);
        let ended = self.spawn(async move { running.end_all().await }).await;
        if ended.is_err() {
            // The runtime is gone, and with it what was under way.
            self.end_all().await;
        }
    }

    /// One at a time does this, and goes on where another was cut off.
    async fn end_all(&self) {
        let mut rest = self.ending.turn().await;
        if rest.is_over {
            return;
        }
        // A change that is being made has its own time. When that is longer, what it waits for is found at the next start.
        let _one = tokio::select! {
            biased;
            one = self.changing.lock() => Some(one),
            () = self.ending.late() => None,
        };
        rest.tasks.append(&mut self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        let open = std::mem::take(&mut *self.lock());
        rest.tasks.extend(open.into_values().filter_map(|open| open.task));
        while let Some(task) = rest.tasks.last_mut() {
            self.ending.end_of(task).await;
            rest.tasks.pop();
        }
        self.engine.store.close().await;
        *self.board() = None;
        rest.is_over = true;
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
