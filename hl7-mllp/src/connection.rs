//! One connection of the listener: blocks in, the handler's replies out, one after the other.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use hl7_core::ReadOptions;
use tokio::sync::watch;
use tokio::time::{Instant, timeout, timeout_at};
use tracing::Instrument;
use tracing::field::Empty;

use crate::block::Block;
use crate::budget::Room;
use crate::codec::DecoderOptions;
use crate::codec_error::DecodeError;
use crate::commit::CommitBlock;
use crate::identity::PeerIdentity;
use crate::reply::Reply;
use crate::request::Request;
use crate::responder::{Received, Responder, Response};
use crate::server_meter::{self, ServerMeter};
use crate::wire::{PACE, Wire, deadline_in};

/// What holds for every connection of a listener.
#[derive(Clone, Debug)]
pub(crate) struct Terms {
    pub(crate) decoder: DecoderOptions,
    pub(crate) read: ReadOptions,
    pub(crate) release2: bool,
    pub(crate) block_timeout: Duration,
    pub(crate) max_block_time: Duration,
    pub(crate) idle_timeout: Duration,
    pub(crate) handler_timeout: Duration,
    pub(crate) write_timeout: Duration,
    pub(crate) keepalive: Option<Duration>,
    pub(crate) meter: ServerMeter,
}

/// Why a connection ended.
enum Ending {
    PeerClosed,
    Shutdown,
    Idle,
    SlowBlock,
    NoRoom,
    SlowReader,
    Refused,
    Broken(DecodeError),
    Lost(io::ErrorKind),
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PeerClosed => f.write_str("the peer closed it"),
            Self::Shutdown => f.write_str("shutdown"),
            Self::Idle => f.write_str("idle for too long"),
            Self::SlowBlock => f.write_str("a block did not come in time"),
            Self::NoRoom => f.write_str("no room for its block in time"),
            Self::SlowReader => f.write_str("a reply was not taken in time"),
            Self::Refused => f.write_str("closed without a reply"),
            Self::Broken(why) => write!(f, "{why}"),
            Self::Lost(why) => write!(f, "lost: {why}"),
        }
    }
}

pub(crate) struct Connection<'t> {
    wire: Wire,
    /// For the block that is read or answered.
    room: Room,
    peer: SocketAddr,
    identity: Option<Arc<PeerIdentity>>,
    terms: &'t Terms,
    shutdown: watch::Receiver<bool>,
    responder: Responder,
}

impl<'t> Connection<'t> {
    pub(crate) fn new(
        wire: Wire,
        room: Room,
        peer: SocketAddr,
        terms: &'t Terms,
        shutdown: watch::Receiver<bool>,
    ) -> Self {
        let responder = Responder::new(terms.read.clone(), terms.decoder.chosen_frame());
        let responder = if terms.release2 { responder.release2() } else { responder };
        Self { wire, room, peer, identity: None, terms, shutdown, responder }
    }

    /// With what the peer's certificate says.
    pub(crate) fn identified(mut self, identity: Option<Arc<PeerIdentity>>) -> Self {
        self.identity = identity;
        self
    }

    /// Answers blocks until the connection ends.
    pub(crate) async fn run<F, Fut>(mut self, handler: &F)
    where
        F: Fn(Request) -> Fut,
        Fut: Future<Output = Reply>,
    {
        loop {
            let step = match self.next_block().await {
                Ok(block) => self.exchange(block, handler).await,
                Err(ending) => Err(ending),
            };
            let shut = || if *self.shutdown.borrow() { Err(Ending::Shutdown) } else { Ok(()) };
            if let Err(ending) = step.and_then(|()| shut()) {
                let passed_over = self.wire.decoder().passed_over();
                tracing::debug!(peer = %self.peer, %ending, passed_over, "connection ends");
                return self.wire.close().await;
            }
        }
    }

    /// Reads until there is a block. Between blocks the idle deadline holds and a shutdown ends the wait; inside one, the deadline
    /// for its next bytes.
    async fn next_block(&mut self) -> Result<Block, Ending> {
        let idle = deadline_in(self.terms.idle_timeout);
        let mut pace: Option<Pace> = None;
        loop {
            match self.wire.next_block() {
                Ok(Some(block)) => return Ok(block),
                Ok(None) => {}
                Err(why) => {
                    self.broken(why).await?;
                    continue;
                }
            }
            let read = if self.wire.decoder().is_between_blocks() {
                self.read_idle(idle).await?
            } else {
                if self.wait_for_room().await? {
                    pace = None;
                }
                let deadline = pace.get_or_insert_with(|| Pace::new(self.terms)).deadline();
                timeout_at(deadline, self.wire.read_some()).await.map_err(|_| Ending::SlowBlock)?
            };
            match read {
                Ok(0) => return Err(self.wire.finish().map_or_else(Ending::Broken, |()| Ending::PeerClosed)),
                Ok(bytes) => pace.iter_mut().for_each(|pace| pace.count(bytes)),
                Err(why) => return Err(Ending::Lost(why.kind())),
            }
        }
    }

    /// Waits until the next read has room among the blocks of all connections; says whether it had to.
    async fn wait_for_room(&mut self) -> Result<bool, Ending> {
        let bytes = self.wire.after_next_read();
        if self.room.try_grow(bytes) {
            return Ok(false);
        }
        match timeout(self.terms.block_timeout, self.room.grow(bytes)).await {
            Ok(()) => Ok(true),
            Err(_) => {
                tracing::warn!(peer = %self.peer, "no room for a long block: the others hold all there is");
                Err(Ending::NoRoom)
            }
        }
    }

    async fn read_idle(&mut self, idle: Instant) -> Result<io::Result<usize>, Ending> {
        tokio::select! {
            biased;
            _ = self.shutdown.wait_for(|&shut| shut) => Err(Ending::Shutdown),
            read = timeout_at(idle, self.wire.read_some()) => read.map_err(|_| Ending::Idle),
        }
    }

    /// Goes on behind a block that was broken off and begun anew. Any other fault is answered where it can be and ends the connection.
    async fn broken(&mut self, why: DecodeError) -> Result<(), Ending> {
        tracing::warn!(peer = %self.peer, code = why.code(), offset = why.offset(), "broken framing");
        self.terms.meter.tally.framing_errors.add(why.code());
        let beginning = self.wire.decoder().take_broken();
        let response = self.responder.handle_fault(why.kind(), beginning);
        let ends = response.closes();
        match self.send(response).await {
            Ok(()) | Err(Ending::Refused) if ends => Err(Ending::Broken(why)),
            sent => sent,
        }
    }

    /// Answers a block, and counts and tells how that went.
    async fn exchange<F, Fut>(&mut self, block: Block, handler: &F) -> Result<(), Ending>
    where
        F: Fn(Request) -> Fut,
        Fut: Future<Output = Reply>,
    {
        let (tally, bytes, begun) = (&self.terms.meter.tally, block.content().len(), Instant::now());
        tally.blocks.add(1);
        tally.bytes_received.add(bytes);
        let span = tracing::debug_span!("exchange", bytes, code = Empty, ms = Empty);
        let answered = self.answer(block, handler).instrument(span.clone()).await;
        let elapsed = begun.elapsed();
        tally.latency.add(elapsed);
        span.record("ms", elapsed.as_secs_f64() * 1000.0);
        answered
    }

    async fn answer<F, Fut>(&mut self, block: Block, handler: &F) -> Result<(), Ending>
    where
        F: Fn(Request) -> Fut,
        Fut: Future<Output = Reply>,
    {
        let bytes = block.content().len();
        match self.responder.handle_block(block) {
            Received::Message(message, block) => {
                let request = Request::of(message, block, self.peer, self.identity.clone());
                self.handle(request, handler).await
            }
            Received::Commit(commit) => {
                if commit == CommitBlock::Nak {
                    tracing::warn!(peer = %self.peer, "the sender refused an answer");
                }
                self.room.release();
                Ok(())
            }
            Received::Unanswerable => {
                tracing::warn!(peer = %self.peer, bytes, "a header that is too long");
                self.terms.meter.tally.unreadable.add(1);
                Err(Ending::Refused)
            }
            Received::Refused(why, response) => {
                tracing::warn!(peer = %self.peer, code = why.code(), bytes, "not a message");
                self.terms.meter.tally.unreadable.add(1);
                self.room.release();
                self.send(response).await
            }
        }
    }

    /// Gives a message to the handler, and its answers to the sender: one, or two with the work between them.
    async fn handle<F, Fut>(&mut self, request: Request, handler: &F) -> Result<(), Ending>
    where
        F: Fn(Request) -> Fut,
        Fut: Future<Output = Reply>,
    {
        let given = request.clone();
        let mut response = match self.in_time(|| handler(given)).await {
            Some(reply) => self.responder.handle_reply(&request, reply),
            None => self.responder.handle_failure(&request),
        };
        if let Some(work) = response.take_work() {
            self.send(response).await?;
            let reply = self.in_time(|| work).await;
            response = self.responder.handle_application(&request, reply);
        }
        drop(request);
        self.room.release();
        self.send(response).await
    }

    /// What the handler gives; `None` when it panics or takes too long.
    async fn in_time<Fut: Future>(&self, begin: impl FnOnce() -> Fut) -> Option<Fut::Output> {
        match timeout(self.terms.handler_timeout, caught(begin)).await {
            Ok(Some(given)) => return Some(given),
            Ok(None) => tracing::error!(peer = %self.peer, "the handler panicked"),
            Err(_) => tracing::error!(peer = %self.peer, "the handler took too long"),
        }
        self.terms.meter.tally.handler_failures.add(1);
        None
    }

    async fn send(&mut self, response: Response) -> Result<(), Ending> {
        if let Some(why) = response.fault() {
            tracing::error!(peer = %self.peer, code = why.code(), "the reply cannot be sent");
        }
        let tally = &self.terms.meter.tally;
        if let Some(code) = server_meter::msa_code(response.bytes()) {
            tally.replies.add(code);
            tracing::Span::current().record("code", code.as_str());
        }
        tally.bytes_sent.add(response.bytes().len());
        let written = self.wire.write(response.bytes(), self.terms.write_timeout).await;
        written.map_err(|fault| fault.error.map_or(Ending::SlowReader, |why| Ending::Lost(why.kind())))?;
        if response.closes() { Err(Ending::Refused) } else { Ok(()) }
    }
}

/// Runs what the handler does; `None` when it panics. Its panic message is not looked at: it may quote the message.
async fn caught<Fut: Future>(begin: impl FnOnce() -> Fut) -> Option<Fut::Output> {
    let mut future = Contained(Some(Box::pin(contained(begin)?)));
    std::future::poll_fn(|context| match contained(|| future.poll(context)) {
        Some(poll) => poll.map(Some),
        None => std::task::Poll::Ready(None),
    })
    .await
}

/// What `work` gives; `None` when it panics. What it panics with may do so again when it is dropped.
fn contained<T>(work: impl FnOnce() -> T) -> Option<T> {
    match std::panic::catch_unwind(AssertUnwindSafe(work)) {
        Ok(given) => Some(given),
        Err(panic) => {
            if let Err(another) = std::panic::catch_unwind(AssertUnwindSafe(|| drop(panic))) {
                std::mem::forget(another);
            }
            None
        }
    }
}

/// A future of the handler's, whose panics stay with it also when it is dropped.
struct Contained<Fut>(Option<Pin<Box<Fut>>>);

impl<Fut: Future> Contained<Fut> {
    fn poll(&mut self, context: &mut std::task::Context<'_>) -> std::task::Poll<Fut::Output> {
        match &mut self.0 {
            Some(future) => future.as_mut().poll(context),
            None => std::task::Poll::Pending,
        }
    }
}

impl<Fut> Drop for Contained<Fut> {
    fn drop(&mut self) {
        let future = self.0.take();
        contained(|| drop(future));
    }
}

/// The deadlines inside a block: every [`PACE`] bytes, and the rest, have to come in time, and the whole too.
struct Pace {
    within: Duration,
    deadline: Instant,
    latest: Instant,
    bytes: usize,
}

impl Pace {
    fn new(terms: &Terms) -> Self {
        let within = terms.block_timeout;
        Self { within, deadline: deadline_in(within), latest: deadline_in(terms.max_block_time), bytes: 0 }
    }

    fn deadline(&self) -> Instant {
        self.deadline.min(self.latest)
    }

    fn count(&mut self, bytes: usize) {
        self.bytes += bytes;
        if self.bytes >= PACE {
            self.bytes = 0;
            self.deadline = deadline_in(self.within);
        }
    }
}
