//! One task for each destination: it starts the turns of lanes that are due, on as many connections as the destination has.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep_until};

use crate::engine::{Engine, Target};
use crate::error::{StoreError, StoreErrorKind};
use crate::id::LaneId;
use crate::lane::Turn;
use crate::transport::Connection;

/// How long to wait before a store that was busy is asked again.
const STORE_PAUSE: Duration = Duration::from_secs(1);

pub(crate) struct Dispatch {
    engine: Arc<Engine>,
    target: Arc<Target>,
    /// Connections that no lane uses, at most as many as the destination has.
    idle: Vec<Box<dyn Connection>>,
    running: HashSet<LaneId>,
    turns: JoinSet<Ended>,
}

struct Ended {
    lane: LaneId,
    tried: bool,
    result: Result<Option<Box<dyn Connection>>, StoreError>,
}

impl Dispatch {
    pub(crate) fn new(engine: Arc<Engine>, target: Arc<Target>) -> Self {
        Self { engine, target, idle: Vec::new(), running: HashSet::new(), turns: JoinSet::new() }
    }

    /// Runs until the sender ends or the store fails, and then waits for the turns that are under way.
    pub(crate) async fn run(mut self) {
        let engine = Arc::clone(&self.engine);
        while !engine.is_stopping() {
            let wait = match self.start_due().await {
                Ok(wait) => wait,
                Err(error) if error.is_passing() => Some(Instant::now() + STORE_PAUSE),
                Err(error) => {
                    self.give_up(&error);
                    break;
                }
            };
            tokio::select! {
                () = self.target.wake.notified() => {}
                () = until(wait) => {}
                () = engine.stopped() => break,
                Some(ended) = self.turns.join_next() => {
                    if let Err(error) = self.ended(ended) {
                        self.give_up(&error);
                        break;
                    }
                }
            }
        }
        while let Some(ended) = self.turns.join_next().await {
            if let Err(error) = self.ended(ended) {
                self.give_up(&error);
            }
        }
    }

    /// Starts what can start. Gives when to look again at the latest; `None` when that has to wait for a turn to end.
    async fn start_due(&mut self) -> Result<Option<Instant>, StoreError> {
        let free = self.target.gate().free(Instant::now());
        if free == 0 {
            let opens_at = self.target.gate().opens_at();
            return Ok(opens_at.filter(|at| *at > Instant::now()));
        }
        let now = self.engine.now();
        let store = Arc::clone(&self.engine.store);
        let due = store.due(&self.target.name, now, self.running.len() + free).await?;
        let waiting: Vec<LaneId> =
            due.lanes.into_iter().filter(|lane| !self.running.contains(lane)).take(free).collect();
        for lane in waiting {
            self.start(lane);
        }
        let longest = self.target.retry.longest();
        let next = due.next.unwrap_or(now + longest);
        let delay = next.duration_since(now).unwrap_or_default();
        if delay > longest {
            // The clock was set back: no retry is further off than the longest delay.
            store.clamp(&self.target.name, now + longest).await?;
        }
        Ok(Some(Instant::now() + delay.min(longest)))
    }

    fn start(&mut self, lane: LaneId) {
        let tried = self.target.gate().started();
        self.running.insert(lane);
        let (engine, target) = (Arc::clone(&self.engine), Arc::clone(&self.target));
        let connection = self.idle.pop();
        self.turns.spawn(async move {
            let result = Turn::new(&engine, &target, connection).run(lane).await;
            Ended { lane, tried, result }
        });
    }

    fn ended(&mut self, ended: Result<Ended, JoinError>) -> Result<(), StoreError> {
        // Turns do not panic, and are aborted only together with this task.
        let Ok(ended) = ended else { return Err(StoreError::new(StoreErrorKind::Closed)) };
        self.target.gate().ended(ended.tried);
        self.running.remove(&ended.lane);
        match ended.result {
            Ok(connection) => self.idle.extend(connection),
            Err(error) if error.is_passing() => {
                tracing::warn!(destination = self.target.name, code = error.code(), "the store is busy");
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn give_up(&self, error: &StoreError) {
        tracing::error!(
            destination = self.target.name,
            code = error.code(),
            "sending has ended: the store failed"
        );
        self.engine.watch.all_changed();
    }
}

/// Until then; for ever without a time, because the end of a turn ends the wait.
async fn until(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}
