//! One lane's turn: its head is sent, settled, and the next one begun, as long as the lane flows.

use std::time::{Duration, SystemTime};

use hl7_mllp::Acknowledgment;
use tokio::time::{Instant, sleep};

use crate::digest;
use crate::engine::{Engine, Target};
use crate::entry::{Attempt, DeadLetterReason, End, Finished};
use crate::error::StoreError;
use crate::id::{EntryId, LaneId};
use crate::policy;
use crate::transport::{Connection, Failure, FailureKind};

/// How many messages a lane sends before the others of its destination get their turn. Lanes that wait are served first then; a lane
/// alone goes on at once, on the same connection.
const TURN: usize = 256;
/// How long to wait before a store that had no room is asked again.
const STORE_PAUSE: Duration = Duration::from_secs(1);

/// How many entries one commit gives up for their age.
const EXPIRE_AT_ONCE: usize = 500;

/// S201: the stored message is not the one that was enqueued.
const ALTERED: &str = "S201";
/// S202: older than the destination allows.
const TOO_OLD: &str = "S202";

pub(crate) struct Turn<'t> {
    engine: &'t Engine,
    target: &'t Target,
    connection: Option<Box<dyn Connection>>,
}

/// How a turn ended: the connection, when it can be used again, and the store's error, if one ended it.
pub(crate) struct Done {
    pub(crate) connection: Option<Box<dyn Connection>>,
    pub(crate) result: Result<(), StoreError>,
}

/// There is no connection, for this reason and for this long.
struct Unreachable {
    code: &'static str,
    delay: Duration,
}

impl<'t> Turn<'t> {
    pub(crate) fn new(
        engine: &'t Engine,
        target: &'t Target,
        connection: Option<Box<dyn Connection>>,
    ) -> Self {
        Self { engine, target, connection }
    }

    /// Sends the lane's messages until it is empty, waits or is held, its turn is over, the store fails, or the sender ends.
    pub(crate) async fn run(mut self, lane: LaneId) -> Done {
        let result = self.flow(lane).await;
        Done { connection: self.connection, result }
    }

    async fn flow(&mut self, lane: LaneId) -> Result<(), StoreError> {
        if let Err(why) = self.connect().await {
            return self.note_unreachable(lane, why).await;
        }
        let mut next = self.engine.store.begin(lane).await?;
        let mut left = TURN;
        while let Some(attempt) = next {
            left -= 1;
            self.engine.watch.changed(attempt.id);
            let finished = self.attempt(&attempt).await;
            let go_on = left > 0 && self.connection.is_some() && !self.engine.is_stopping();
            next = self.finish(finished, go_on).await?;
        }
        Ok(())
    }

    /// Makes a connection unless there is one.
    async fn connect(&mut self) -> Result<&mut Box<dyn Connection>, Unreachable> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => match self.target.transport.connect().await {
                Ok(connection) => {
                    if self.target.gate().reached() {
                        tracing::info!(destination = self.target.name, "reachable again");
                    }
                    self.target.wake.notify_one();
                    connection
                }
                Err(code) => return Err(self.unreachable(code)),
            },
        };
        Ok(self.connection.insert(connection))
    }

    fn unreachable(&self, code: &'static str) -> Unreachable {
        let delay = self.target.gate().unreachable(&self.target.retry, Instant::now(), fastrand::f64());
        tracing::warn!(destination = self.target.name, code, ?delay, "no connection");
        Unreachable { code, delay }
    }

    async fn attempt(&mut self, attempt: &Attempt) -> Finished {
        if let Some(finished) = self.refuse(attempt, self.engine.now()) {
            return finished;
        }
        match self.send(&attempt.body).await {
            Err(why) => self.put_off(attempt, why),
            Ok((sent_at, Ok(acknowledgment))) => {
                let code = acknowledgment.code();
                let failure = (!code.is_positive()).then(|| code.as_str());
                let finished = self.decided(attempt, Some(code), sent_at, failure);
                Finished { acknowledgment: Some(acknowledgment.bytes().to_vec()), ..finished }
            }
            Ok((_, Err(failure))) if failure.kind == FailureKind::Unsendable => {
                self.unsent(attempt, End::Hold, failure.code)
            }
            Ok((sent_at, Err(failure))) => self.decided(attempt, None, sent_at, Some(failure.code)),
        }
    }

    /// Sends a message, and gives when it was written and what came of it. A connection that is found closed before anything was written is
    /// replaced once, at no cost to the message; when that happens to the new one too, the receiver counts as not reachable.
    async fn send(
        &mut self,
        body: &[u8],
    ) -> Result<(SystemTime, Result<Acknowledgment, Failure>), Unreachable> {
        let engine = self.engine;
        let mut replaced = false;
        loop {
            let connection = self.connect().await?;
            let sent_at = engine.now();
            let failure = match connection.send(body).await {
                Ok(acknowledgment) => return Ok((sent_at, Ok(acknowledgment))),
                Err(failure) => failure,
            };
            self.connection = None;
            match failure.kind {
                FailureKind::NotSent if replaced => return Err(self.unreachable(failure.code)),
                FailureKind::NotSent => replaced = true,
                FailureKind::Unknown | FailureKind::Unsendable => return Ok((sent_at, Err(failure))),
            }
        }
    }

    /// What is never written: altered bytes, and what is too old.
    fn refuse(&self, attempt: &Attempt, now: SystemTime) -> Option<Finished> {
        if digest::of_bytes(&attempt.body) != attempt.digest {
            tracing::error!(destination = self.target.name, entry = %attempt.id, code = ALTERED, "altered in the store; held");
            return Some(self.unsent(attempt, End::Hold, ALTERED));
        }
        policy::is_too_old(&self.target.retry, attempt, now)
            .then(|| self.unsent(attempt, End::DeadLetter(DeadLetterReason::TooOld), TOO_OLD))
    }

    fn decided(
        &self,
        attempt: &Attempt,
        code: Option<hl7_core::AckCode>,
        sent_at: SystemTime,
        failure: Option<&'static str>,
    ) -> Finished {
        let at = self.engine.now();
        let end = self.target.policy.decide(&self.target.retry, attempt, code, at, fastrand::f64());
        Finished { id: attempt.id, end, acknowledgment: None, failure, sent_at: Some(sent_at), at }
    }

    fn unsent(&self, attempt: &Attempt, end: End, code: &'static str) -> Finished {
        let at = self.engine.now();
        Finished { id: attempt.id, end, acknowledgment: None, failure: Some(code), sent_at: None, at }
    }

    fn put_off(&self, attempt: &Attempt, why: Unreachable) -> Finished {
        self.unsent(attempt, End::Retry(self.engine.now() + why.delay), why.code)
    }

    /// Makes the end durable. A store without room is asked until it has some: what is known of a delivery is not thrown away.
    async fn finish(&self, finished: Finished, go_on: bool) -> Result<Option<Attempt>, StoreError> {
        loop {
            match self.engine.store.finish(finished.clone(), go_on).await {
                Err(error) if error.is_passing() => {
                    tracing::warn!(code = error.code(), "an outcome waits for the store");
                    sleep(STORE_PAUSE).await;
                }
                Err(error) => return Err(error),
                Ok(next) => {
                    self.report(finished.id, &finished);
                    return Ok(next);
                }
            }
        }
    }

    fn report(&self, id: EntryId, finished: &Finished) {
        let end = match finished.end {
            End::Deliver => "delivered",
            End::Retry(_) => "retrying",
            End::Hold => "held",
            End::DeadLetter(_) => "dead-lettered",
        };
        tracing::debug!(destination = self.target.name, entry = %id, end, failure = finished.failure, "attempt ended");
        self.engine.watch.changed(id);
    }

    /// Gives up what is too old, in every lane of the destination, because in an outage only one is tried at a time.
    async fn expire(&self) -> Result<(), StoreError> {
        let now = self.engine.now();
        let Some(oldest) = self.target.retry.oldest(now) else { return Ok(()) };
        while !self.engine.is_stopping() {
            let expired = self.engine.store.expire(&self.target.name, oldest, now, EXPIRE_AT_ONCE).await?;
            if expired.is_empty() {
                break;
            }
            tracing::warn!(
                destination = self.target.name,
                entries = expired.len(),
                code = TOO_OLD,
                "dead-lettered"
            );
            expired.into_iter().for_each(|id| self.engine.watch.changed(id));
        }
        Ok(())
    }

    async fn note_unreachable(&self, lane: LaneId, why: Unreachable) -> Result<(), StoreError> {
        match self.expire().await {
            // The next try does it.
            Err(error) if error.is_passing() => {}
            done => done?,
        }
        let next = self.engine.now() + why.delay;
        match self.engine.store.unreachable(lane, why.code, next).await {
            Ok(Some(id)) => self.engine.watch.changed(id),
            Ok(None) => {}
            // The note is for people; without room it is left out.
            Err(error) if error.is_passing() => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }
}
