//! One connection of the listener: blocks in, the handler's replies out, one after the other.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::time::Duration;

use bytes::BytesMut;
use hl7_core::ReadOptions;
use tokio::sync::watch;
use tokio::time::{Instant, timeout, timeout_at};

use crate::block::Block;
use crate::budget::Room;
use crate::codec::DecoderOptions;
use crate::codec_error::{DecodeError, DecodeErrorKind};
use crate::reply::{Answer, Reply};
use crate::request::Request;
use crate::wire::{PACE, Wire, deadline_in};

/// How often in a row a sender may break a block off and begin anew.
const MOST_RESTARTS: u32 = 16;

/// What holds for every connection of a listener.
#[derive(Clone, Debug)]
pub(crate) struct Terms {
    pub(crate) decoder: DecoderOptions,
    pub(crate) read: ReadOptions,
    pub(crate) block_timeout: Duration,
    pub(crate) idle_timeout: Duration,
    pub(crate) handler_timeout: Duration,
    pub(crate) write_timeout: Duration,
    pub(crate) keepalive: Option<Duration>,
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
    terms: &'t Terms,
    shutdown: watch::Receiver<bool>,
    /// Blocks begun anew since the last whole one.
    restarts: u32,
}

impl<'t> Connection<'t> {
    pub(crate) fn new(
        wire: Wire,
        room: Room,
        peer: SocketAddr,
        terms: &'t Terms,
        shutdown: watch::Receiver<bool>,
    ) -> Self {
        Self { wire, room, peer, terms, shutdown, restarts: 0 }
    }

    /// Answers blocks until the connection ends.
    pub(crate) async fn run<F, Fut>(mut self, handler: &F)
    where
        F: Fn(Request) -> Fut,
        Fut: Future<Output = Reply>,
    {
        loop {
            let step = match self.next_block().await {
                Ok(block) => self.answer(block, handler).await,
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
                Ok(Some(block)) => {
                    self.restarts = 0;
                    return Ok(block);
                }
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
                let deadline = pace.get_or_insert_with(|| Pace::new(self.terms.block_timeout)).deadline;
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

    /// Goes on behind a block that was broken off and begun anew. Any other fault is answered where it can be and ends the
    /// connection, because the sender waits for an answer to what was dropped.
    async fn broken(&mut self, why: DecodeError) -> Result<(), Ending> {
        tracing::warn!(peer = %self.peer, code = why.code(), offset = why.offset(), "broken framing");
        let broken = self.wire.decoder().take_broken();
        self.restarts += 1;
        if why.kind() == DecodeErrorKind::Restarted && self.restarts <= MOST_RESTARTS {
            return Ok(());
        }
        if let Some(block) = broken {
            self.send(Reply::to_broken(block.content(), why.kind())).await?;
        }
        Err(Ending::Broken(why))
    }

    async fn answer<F, Fut>(&mut self, block: Block, handler: &F) -> Result<(), Ending>
    where
        F: Fn(Request) -> Fut,
        Fut: Future<Output = Reply>,
    {
        let parsed = self.terms.read.read(block.content()).map(hl7_core::Message::into_owned);
        let reply = match parsed {
            Ok(message) => {
                let request = Request::new(message, block, self.peer);
                handled(handler, request, self.terms.handler_timeout).await
            }
            Err(why) => {
                tracing::warn!(peer = %self.peer, code = why.code(), bytes = block.content().len(), "not a message");
                let reply = Reply::to_unparsed(block.content(), &why);
                drop(block);
                reply
            }
        };
        self.room.release();
        self.send(reply).await
    }

    async fn send(&mut self, reply: Reply) -> Result<(), Ending> {
        let content = match reply.into_answer() {
            Answer::Block(content) => content,
            Answer::Nothing => return Ok(()),
            Answer::Close => return Err(Ending::Refused),
        };
        let mut framed = BytesMut::new();
        if let Err(why) = self.terms.decoder.chosen_frame().encode(&content, &mut framed) {
            tracing::error!(peer = %self.peer, code = why.code(), "the reply cannot be sent");
            return Err(Ending::Refused);
        }
        let written = self.wire.write(&framed, self.terms.write_timeout).await;
        written.map_err(|fault| fault.error.map_or(Ending::SlowReader, |why| Ending::Lost(why.kind())))
    }
}

/// The handler's reply; where it panics or takes too long, the one that says so.
async fn handled<F, Fut>(handler: &F, request: Request, within: Duration) -> Reply
where
    F: Fn(Request) -> Fut,
    Fut: Future<Output = Reply>,
{
    let given = request.clone();
    match timeout(within, caught(handler, given)).await {
        Ok(Some(reply)) => return reply,
        Ok(None) => tracing::error!(peer = %request.peer(), "the handler panicked"),
        Err(_) => tracing::error!(peer = %request.peer(), "the handler took too long"),
    }
    Reply::failed(&request)
}

/// Runs the handler; `None` when it panics. Its panic message is not looked at: it may quote the message.
async fn caught<F, Fut>(handler: &F, request: Request) -> Option<Reply>
where
    F: Fn(Request) -> Fut,
    Fut: Future<Output = Reply>,
{
    let future = std::panic::catch_unwind(AssertUnwindSafe(|| handler(request))).ok()?;
    let mut future = pin!(future);
    std::future::poll_fn(|context| {
        let polled = std::panic::catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context)));
        match polled {
            Ok(poll) => poll.map(Some),
            Err(_) => std::task::Poll::Ready(None),
        }
    })
    .await
}

/// The deadline inside a block: every [`PACE`] bytes, and the rest, have to come in time.
struct Pace {
    within: Duration,
    deadline: Instant,
    bytes: usize,
}

impl Pace {
    fn new(within: Duration) -> Self {
        Self { within, deadline: deadline_in(within), bytes: 0 }
    }

    fn count(&mut self, bytes: usize) {
        self.bytes += bytes;
        if self.bytes >= PACE {
            self.bytes = 0;
            self.deadline = deadline_in(self.within);
        }
    }
}
