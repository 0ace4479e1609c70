//! One lane's turn: its head is sent, settled, and the next one begun, as long as the lane flows.

use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::time::{Instant, sleep};
use tracing::Instrument as _;

use crate::caught::caught;
use crate::decision::{self, Verdict};
use crate::digest;
use crate::engine::{Engine, Stage, Target};
use crate::entry::{Accepted, Attempt, DeadLetterReason, End, Finished, INTERRUPTED, TOO_OLD};
use crate::error::StoreError;
use crate::event::{DestinationChange, EntryChange, EntryEvent};
use crate::gate::Rest;
use crate::id::{EntryId, LaneId};
use crate::seal::Shut;
use crate::span::Timed;
use crate::taken::{Accept, Taken};
use crate::tally::Entered;
use crate::transport::{Confirmation, ConnectFailure, Connection, Failure, FailureKind, Outgoing};
use crate::vault;

/// How many messages a lane sends before the others of its destination get their turn. Lanes that wait are served first then; a lane
/// alone goes on at once, on the same connection.
const TURN: usize = 256;
/// How long to wait before a store that had no room is asked again.
const STORE_PAUSE: Duration = Duration::from_secs(1);

/// How many entries one commit gives up for their age.
const EXPIRE_AT_ONCE: usize = 500;

/// S201: the stored message is not the one that was enqueued.
const ALTERED: &str = "S201";
/// S204: under way when the destination was removed or changed.
const CUT: &str = "S204";
/// S215: the transport, which is the program's own, panicked.
const PANICKED: &str = "S215";

/// A connection of a destination.
pub(crate) struct Link {
    connection: Box<dyn Connection>,
    /// Whether it has carried no message yet.
    fresh: bool,
    _counted: Entered,
}

pub(crate) struct Turn<'t> {
    engine: &'t Engine,
    target: &'t Target,
    link: Option<Link>,
}

/// How a turn ended: the connection, when it can be used again, and the store's error, if one ended it.
pub(crate) struct Done {
    pub(crate) link: Option<Link>,
    pub(crate) result: Result<(), StoreError>,
}

/// Why there is no connection.
enum Missing {
    Unreachable(Unreachable),
    /// The destination is given up meanwhile.
    Cut,
}

/// For this reason and for this long.
struct Unreachable {
    code: &'static str,
    delay: Duration,
}

/// What came of a message that was handed to a connection.
enum Came {
    Answer(Result<Confirmation, Failure>),
    /// The destination is given up meanwhile, and nobody knows how far the message came.
    Cut,
}

/// What is known of a message whose destination is given up.
fn cut(taken: &Taken) -> Came {
    match taken.said() {
        Some(accept) => Came::Answer(Ok(Confirmation::Taken { accept, code: CUT })),
        None => Came::Cut,
    }
}

/// What the receiver has said that it has is never sent again, whatever became of the rest.
fn settled(sent: Result<Confirmation, Failure>, taken: &Taken) -> Result<Confirmation, Failure> {
    match (sent, taken.said()) {
        (Err(failure), Some(accept)) => Ok(Confirmation::Taken { accept, code: failure.code() }),
        (sent, _) => sent,
    }
}

impl<'t> Turn<'t> {
    pub(crate) fn new(engine: &'t Engine, target: &'t Target, link: Option<Link>) -> Self {
        Self { engine, target, link }
    }

    /// Sends the lane's messages until it is empty, waits or is held, its turn is over, the store fails, or the sender ends.
    pub(crate) async fn run(mut self, lane: LaneId) -> Done {
        let result = self.flow(lane).await;
        Done { link: self.link, result }
    }

    async fn flow(&mut self, lane: LaneId) -> Result<(), StoreError> {
        match self.connected().await {
            Err(Missing::Unreachable(why)) => return self.note_unreachable(lane, why).await,
            Err(Missing::Cut) => return Ok(()),
            Ok(link) => self.link = Some(link),
        }
        if self.target.is_idle() {
            return Ok(());
        }
        let mut next = self.engine.store.begin(lane).await?;
        let mut left = TURN;
        while let Some(attempt) = next {
            left -= 1;
            self.begun(&attempt);
            let timed = Timed::attempt(&attempt, self.target);
            let span = timed.span.clone();
            next = self.one(&attempt, left > 0, &timed).instrument(span).await?;
            if attempt.is_merge {
                // Other lanes may be due.
                self.target.wake.notify_one();
            }
        }
        Ok(())
    }

    fn begun(&self, attempt: &Attempt) {
        self.target.tally.attempts.add();
        let name = || Arc::clone(&self.target.tally.name);
        self.engine.tell(attempt.id, || EntryEvent::begun(attempt, name(), self.engine.now()));
    }

    /// One attempt from its first byte to its durable end, and the beginning of the next when the lane goes on.
    async fn one(
        &mut self,
        attempt: &Attempt,
        more: bool,
        timed: &Timed,
    ) -> Result<Option<Attempt>, StoreError> {
        let finished = self.attempt(attempt).await;
        timed.span.record("end", EntryChange::from(finished.end).as_str());
        timed.end(finished.failure);
        let goes_on = more && !self.engine.is_stopping() && !self.target.is_idle() && self.link.is_some();
        self.finish(attempt, finished, goes_on).await
    }

    /// The connection there is, or a new one.
    async fn connected(&mut self) -> Result<Link, Missing> {
        match self.link.take() {
            Some(link) => Ok(link),
            None => {
                let connection = self.new_connection().await?;
                let counted = self.target.tally.connections.enter();
                Ok(Link { connection, fresh: true, _counted: counted })
            }
        }
    }

    async fn new_connection(&self) -> Result<Box<dyn Connection>, Missing> {
        let target = self.target;
        let connected = tokio::select! {
            biased;
            connected = caught(async { target.transport.connect().await }) => {
                connected.unwrap_or(Err(ConnectFailure::doubtful(PANICKED)))
            }
            () = target.reached(Stage::Cut) => return Err(Missing::Cut),
        };
        let tally = &target.tally;
        if connected.is_ok() { &tally.connects } else { &tally.failed_connects }.add();
        connected.map_err(|why| Missing::Unreachable(self.unreachable(why)))
    }

    /// Keeps a connection that is of use, and notes what its use says of the receiver. Only a message that was written shows that the receiver is there:
    /// one that closes every connection at once, or refuses this side's certificate after the handshake, can be connected to.
    fn used(&mut self, mut link: Link, sent: &Result<Confirmation, Failure>) {
        match sent {
            Err(failure) if failure.is_lasting() => drop(self.unreachable(failure.of_connection())),
            Err(failure) if matches!(failure.kind(), FailureKind::NotSent | FailureKind::Unsendable) => {}
            _ if std::mem::take(&mut link.fresh) && self.target.gate().reached(Instant::now()) => {
                tracing::info!(destination = self.target.name, "reachable again");
                self.engine.tell_of(&self.target.tally.name, DestinationChange::Reachable);
                self.target.wake.notify_one();
            }
            _ => {}
        }
        self.link = sent.is_ok().then_some(link);
    }

    fn unreachable(&self, why: ConnectFailure) -> Unreachable {
        let (target, code) = (self.target, why.code());
        let rest = target.gate().unreachable(why, &target.rules.retry, Instant::now(), fastrand::f64());
        if rest.calls_for_help {
            tracing::error!(destination = target.name, code, delay = ?rest.delay, "no connection, and trying again does not help");
        } else {
            tracing::warn!(destination = target.name, code, delay = ?rest.delay, "no connection");
        }
        let Rest { delay, calls_for_help } = rest;
        let change = DestinationChange::Unreachable { code, retry_in: delay, calls_for_help };
        self.engine.tell_of(&target.tally.name, change);
        Unreachable { code, delay }
    }

    async fn attempt(&mut self, attempt: &Attempt) -> Finished {
        if let Some(finished) = self.refuse(attempt, self.engine.now()) {
            return finished;
        }
        let vault = &self.engine.vault;
        match vault.body(attempt).and_then(|body| Ok((body, vault.ready()?))) {
            Err(shut) => self.shut(attempt, shut),
            Ok((body, ready)) => {
                let mut finished = self.deliver(attempt, &body).await;
                vault::seal_acknowledgment(&mut finished, ready);
                finished
            }
        }
    }

    async fn deliver(&mut self, attempt: &Attempt, body: &[u8]) -> Finished {
        match self.send(attempt, body).await {
            Err(Missing::Unreachable(why)) => {
                self.unsent(attempt, End::Retry(self.engine.now() + why.delay), why.code)
            }
            Err(Missing::Cut) => self.unsent(attempt, End::Retry(self.engine.now()), CUT),
            Ok((sent_at, Came::Cut)) => self.unfinished(attempt, sent_at),
            Ok((_, Came::Answer(Err(failure)))) if failure.kind() == FailureKind::Unsendable => {
                self.unsent(attempt, End::Hold, failure.code())
            }
            Ok((sent_at, Came::Answer(sent))) => {
                let at = self.engine.now();
                let verdict = self.target.rules.judge(attempt, sent, at, fastrand::f64());
                let Verdict { end, acknowledgment, failure, rejected } = verdict;
                Finished {
                    id: attempt.id,
                    end,
                    acknowledgment,
                    failure,
                    rejected,
                    sent_at: Some(sent_at),
                    at,
                }
            }
        }
    }

    /// Sends a message, and gives when it was written and what came of it. A connection that is found closed before anything was written is
    /// replaced once, at no cost to the message; when that happens to the new one too, the receiver counts as not reachable.
    async fn send(&mut self, attempt: &Attempt, body: &[u8]) -> Result<(SystemTime, Came), Missing> {
        let taken = Taken::default();
        let message = Outgoing::new(body, attempt.id, attempt.since).telling(&taken);
        let mut replaced = false;
        loop {
            let mut link = self.connected().await?;
            let (sent_at, began) = (self.engine.now(), Instant::now());
            let sent = tokio::select! {
                biased;
                sent = self.sent(&mut link, message, &taken, sent_at, attempt.id) => sent,
                () = self.target.reached(Stage::Cut) => return Ok((sent_at, cut(&taken))),
            };
            self.used(link, &sent);
            self.target.tally.answered(&sent, began.elapsed());
            match sent {
                Err(failure) if failure.kind() == FailureKind::NotSent => {
                    if replaced || failure.is_lasting() {
                        return Err(Missing::Unreachable(self.unreachable(failure.of_connection())));
                    }
                    replaced = true;
                }
                sent => return Ok((sent_at, Came::Answer(settled(sent, &taken)))),
            }
        }
    }

    /// Waits for the end of a send. That the receiver has the message is put on record when it says so, before its last answer.
    async fn sent(
        &self,
        link: &mut Link,
        message: Outgoing<'_>,
        taken: &Taken,
        sent_at: SystemTime,
        id: EntryId,
    ) -> Result<Confirmation, Failure> {
        let mut sending = pin!(caught(async { link.connection.send(message).await }));
        loop {
            tokio::select! {
                biased;
                sent = &mut sending => return sent.unwrap_or(Err(Failure::new(PANICKED, FailureKind::Lost))),
                accept = taken.next() => self.accepted(id, accept, sent_at).await,
            }
        }
    }

    async fn accepted(&self, id: EntryId, accept: Accept, sent_at: SystemTime) {
        let acknowledgment = accept.map(|accept| accept.bytes().to_vec());
        let (end, at) = (self.target.rules.when_taken(), self.engine.now());
        let accepted = Accepted { id, end, acknowledgment, sent_at, at };
        if let Err(error) = self.engine.vault.accepted(accepted).await {
            // What a fault means is found when the attempt ends.
            tracing::warn!(entry = %id, code = error.code(), "an accept acknowledgment is not on record");
        }
    }

    /// What is never written: altered bytes, what is too old, and what ended this process as often as it may be sent.
    fn refuse(&self, attempt: &Attempt, now: SystemTime) -> Option<Finished> {
        if digest::of_bytes(&attempt.body) != attempt.digest {
            tracing::error!(destination = self.target.name, entry = %attempt.id, code = ALTERED, "altered in the store; held");
            return Some(self.unsent(attempt, End::Hold, ALTERED));
        }
        let retry = &self.target.rules.retry;
        if decision::is_too_old(retry, attempt, now) {
            return Some(self.unsent(attempt, End::DeadLetter(DeadLetterReason::TooOld), TOO_OLD));
        }
        decision::ends_unjudged(retry, attempt).map(|end| self.unsent(attempt, end, INTERRUPTED))
    }

    /// What cannot be read, or whose acknowledgment could not be kept, is not sent.
    fn shut(&self, attempt: &Attempt, shut: Shut) -> Finished {
        let code = shut.code();
        tracing::error!(destination = self.target.name, entry = %attempt.id, code, "its key is not there, or another one; held");
        self.unsent(attempt, End::Hold, code)
    }

    /// The receiver may have it: the attempt counts, and it goes out again.
    fn unfinished(&self, attempt: &Attempt, sent_at: SystemTime) -> Finished {
        self.target.tally.unknown.add();
        let again = End::Retry(self.engine.now());
        Finished { sent_at: Some(sent_at), ..self.unsent(attempt, again, CUT) }
    }

    fn unsent(&self, attempt: &Attempt, end: End, code: &'static str) -> Finished {
        let at = self.engine.now();
        let (id, failure) = (attempt.id, Some(code));
        Finished { id, end, acknowledgment: None, failure, rejected: false, sent_at: None, at }
    }

    /// Makes the end durable. A store without room is asked until it has some: what is known of a delivery is not thrown away.
    async fn finish(
        &self,
        attempt: &Attempt,
        finished: Finished,
        go_on: bool,
    ) -> Result<Option<Attempt>, StoreError> {
        loop {
            match self.engine.store.finish(finished.clone(), go_on).await {
                Err(error) if error.is_passing() => {
                    tracing::warn!(code = error.code(), "an outcome waits for the store");
                    sleep(STORE_PAUSE).await;
                }
                Err(error) => return Err(error),
                Ok(next) => {
                    self.report(attempt, &finished);
                    return Ok(next);
                }
            }
        }
    }

    fn report(&self, attempt: &Attempt, finished: &Finished) {
        let (id, tally, failure) = (finished.id, &self.target.tally, finished.failure);
        let end = EntryChange::from(finished.end).as_str();
        tracing::debug!(destination = self.target.name, entry = %id, end, failure, "attempt ended");
        tally.ended(attempt, finished);
        self.engine.tell(id, || EntryEvent::ended(attempt, Arc::clone(&tally.name), finished));
    }

    /// Gives up what is too old, in every lane of the destination, because in an outage only one is tried at a time.
    async fn expire(&self) -> Result<(), StoreError> {
        let now = self.engine.now();
        let Some(oldest) = self.target.rules.retry.oldest(now) else { return Ok(()) };
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
            expired.into_iter().for_each(|id| self.expired(id));
        }
        Ok(())
    }

    fn expired(&self, id: EntryId) {
        let (tally, change) = (&self.target.tally, EntryChange::DeadLettered(DeadLetterReason::TooOld));
        tally.decided(change);
        tally.failures.add(TOO_OLD);
        self.engine.tell(id, || {
            EntryEvent::of(id, Arc::clone(&tally.name), change, Some(TOO_OLD), self.engine.now())
        });
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
