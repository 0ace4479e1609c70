//! One task for each destination: it starts the turns of lanes that are due, on as many connections as the destination has.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep_until};

use crate::engine::{Engine, Stage, Target};
use crate::error::{StoreError, StoreErrorKind};
use crate::id::LaneId;
use crate::lane::{Done, Link, Turn};

/// How long a destination rests after its store was busy or had no room.
const STORE_PAUSE: Duration = Duration::from_secs(1);

pub(crate) struct Dispatch {
    engine: Arc<Engine>,
    target: Arc<Target>,
    /// Connections that no lane uses, at most as many as the destination has.
    idle: Vec<Link>,
    running: HashSet<LaneId>,
    turns: JoinSet<Ended>,
    /// Until when no turn starts, because the store could not serve one.
    rests: Option<Instant>,
}

struct Ended {
    lane: LaneId,
    tried: bool,
    done: Done,
}

impl Dispatch {
    pub(crate) fn new(engine: Arc<Engine>, target: Arc<Target>) -> Self {
        Self { engine, target, idle: Vec::new(), running: HashSet::new(), turns: JoinSet::new(), rests: None }
    }

    /// Runs until the sender or the destination ends or the store fails, and then waits for the turns that are under way.
    pub(crate) async fn run(mut self) {
        let (engine, target) = (Arc::clone(&self.engine), Arc::clone(&self.target));
        while !engine.is_stopping() && !target.is_ending() {
            let wait = match self.start_due().await {
                Ok(wait) => wait,
                Err(error) if error.is_passing() => Some(self.rest(&error)),
                Err(error) => {
                    self.give_up(&error);
                    break;
                }
            };
            // In this order, so that one run is like another with the same events.
            tokio::select! {
                biased;
                () = engine.stopped() => break,
                () = target.reached(Stage::Ending) => break,
                error = engine.failed() => {
                    self.give_up(&error);
                    break;
                }
                Some(ended) = self.turns.join_next() => {
                    if let Err(error) = self.ended(ended) {
                        self.give_up(&error);
                        break;
                    }
                }
                () = self.target.wake.notified() => {}
                () = until(wait) => {}
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
        let looked = Instant::now();
        if let Some(until) = self.rests.filter(|until| *until > looked) {
            return Ok(Some(until));
        }
        let free = self.target.gate().free(looked, self.idle.len());
        if free == 0 {
            return Ok(self.opens_at(looked));
        }
        let now = self.engine.now();
        let store = Arc::clone(&self.engine.store);
        let hurries = self.target.gate().take_hurry();
        if hurries {
            store.clamp(&self.target.name, now).await?;
        }
        let due = store.due(&self.target.name, now, self.running.len() + free).await?;
        let waiting: Vec<LaneId> =
            due.lanes.into_iter().filter(|lane| !self.running.contains(lane)).take(free).collect();
        for lane in waiting {
            self.start(lane);
        }
        let longest = self.target.longest();
        let next = due.next.unwrap_or(now + longest);
        let delay = next.duration_since(now).unwrap_or_default();
        if delay > longest {
            // The clock was set back: no retry is further off than the longest delay.
            store.clamp(&self.target.name, now + longest).await?;
        }
        let next = Instant::now() + delay.min(longest);
        Ok(Some(self.opens_at(looked).map_or(next, |opens| opens.min(next))))
    }

    /// When a lane may try to connect again, in an outage and unless one is trying.
    fn opens_at(&self, now: Instant) -> Option<Instant> {
        self.target.gate().opens_at().filter(|at| *at > now)
    }

    fn start(&mut self, lane: LaneId) {
        let link = self.idle.pop();
        let tried = self.target.gate().started(link.is_some());
        self.running.insert(lane);
        let (engine, target) = (Arc::clone(&self.engine), Arc::clone(&self.target));
        self.turns.spawn(async move {
            let done = Turn::new(&engine, &target, link).run(lane).await;
            Ended { lane, tried, done }
        });
    }

    fn ended(&mut self, ended: Result<Ended, JoinError>) -> Result<(), StoreError> {
        // Turns do not panic, and are aborted only together with this task.
        let Ok(Ended { lane, tried, done }) = ended else {
            return Err(StoreError::new(StoreErrorKind::Closed));
        };
        self.target.gate().ended(tried);
        self.running.remove(&lane);
        self.idle.extend(done.link);
        match done.result {
            Err(error) if error.is_passing() => {
                self.rest(&error);
                Ok(())
            }
            result => result,
        }
    }

    /// Starts no turn for a while. Gives until when.
    fn rest(&mut self, error: &StoreError) -> Instant {
        tracing::warn!(destination = self.target.name, code = error.code(), "the store cannot serve now");
        let until = Instant::now() + STORE_PAUSE;
        self.rests = Some(until);
        until
    }

    fn give_up(&self, error: &StoreError) {
        tracing::error!(
            destination = self.target.name,
            code = error.code(),
            "sending has ended: the store failed"
        );
    }
}

/// Until then; for ever without a time, because the end of a turn ends the wait.
async fn until(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}
