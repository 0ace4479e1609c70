//! The listener: takes connections, gives each message to the handler, and ends in order.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hl7_core::ReadOptions;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, ToSocketAddrs};
use tokio::sync::watch;
use tracing::Instrument;

use crate::accepting::{Accepting, Rules};
use crate::budget::Budget;
use crate::codec::DecoderOptions;
use crate::connection::{Connection, Terms};
use crate::reply::Reply;
use crate::request::Request;
use crate::serve_error::{BindError, ServeError};
use crate::server_meter::ServerMeter;
use crate::stream::Stream;
use crate::wire::Wire;

/// A listener on a TCP port.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let server = hl7_mllp::Server::bind("0.0.0.0:2575").await?;
/// server.serve(|req: hl7_mllp::Request| async move { hl7_mllp::Reply::accept(&req) }).await?;
/// # Ok(())
/// # }
/// ```
///
/// # Guarantees
///
/// - The handler gets whole messages only, those of one connection one at a time and in order; the next block is not read before the
///   reply to the last is written (both replies, with [`Reply::then`]), so that a sender that does not wait is slowed down by TCP.
/// - The blocks of all connections together take no more than [`ServerBuilder::max_total_block_bytes`], and 64 KiB for each connection.
/// - A positive reply is made by the handler and by nothing else.
/// - A handler that panics or takes too long is answered with `AR` (enhanced mode: `CE`) and error code 207 of table 0357, for
///   that message alone. It may have done its work before, so the sender's next attempt can be a duplicate.
/// - A block that is no message is answered with `AR` (`CR`) and the parser's code where its header can be read; where not, and after any
///   other fault of framing than a block begun anew, the connection is closed.
/// - Where it was given TLS (feature `tls`), no byte of a message is taken before the handshake is done and the sender's certificate, where one is
///   asked for, is found good.
pub struct Server {
    listener: TcpListener,
    options: ServerBuilder,
}

impl Server {
    /// Listens at `addr` with the defaults of [`ServerBuilder`].
    ///
    /// # Errors
    /// When the address is in use, not this machine's, or not permitted.
    pub async fn bind(addr: impl ToSocketAddrs) -> Result<Self, BindError> {
        Self::builder().bind(addr).await
    }

    /// A listener with other than the default deadlines and limits.
    pub fn builder() -> ServerBuilder {
        ServerBuilder::default()
    }

    /// The address it listens at, with the port that the system chose where it was bound to port 0.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Reads the counters. Take it before serving: it goes on to count then.
    pub fn meter(&self) -> ServerMeter {
        self.options.meter()
    }

    /// Serves until the future is dropped, which cuts every connection where it stands.
    ///
    /// # Errors
    /// When the listening socket itself fails. Faults of single connections, and having no free descriptors, are survived.
    pub async fn serve<F, Fut>(self, handler: F) -> Result<(), ServeError>
    where
        F: Fn(Request) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Reply> + Send + 'static,
    {
        self.serve_until(handler, std::future::pending()).await
    }

    /// Serves until `shutdown` is done. Then no connection is accepted any more, idle ones are closed, and each of the others is closed
    /// when the block that it is on is answered.
    ///
    /// # Errors
    /// As [`Server::serve`], and when connections had to be cut because they were not done within
    /// [`ServerBuilder::drain_timeout`].
    pub async fn serve_until<F, Fut>(
        self,
        handler: F,
        shutdown: impl Future<Output = ()>,
    ) -> Result<(), ServeError>
    where
        F: Fn(Request) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Reply> + Send + 'static,
    {
        let (signal, shut) = watch::channel(false);
        let mut accepting = Accepting::new(handler, self.options.rules(), shut);
        let ended = tokio::select! {
            ended = accepting.run(&self.listener) => ended,
            () = shutdown => Ok(()),
        };
        drop(self.listener);
        signal.send_replace(true);
        let drained = accepting.drain(self.options.drain_timeout).await;
        ended.and(drained)
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("options", &self.options).finish_non_exhaustive()
    }
}

/// The deadlines and limits of a [`Server`].
#[derive(Clone, Debug)]
pub struct ServerBuilder {
    terms: Terms,
    max_connections: usize,
    max_connections_per_peer: Option<usize>,
    max_total_block_bytes: usize,
    drain_timeout: Duration,
    #[cfg(feature = "tls")]
    tls: Option<crate::tls::ServerTls>,
}

impl Default for ServerBuilder {
    fn default() -> Self {
        let terms = Terms {
            decoder: DecoderOptions::default(),
            read: ReadOptions::default(),
            release2: false,
            block_timeout: Self::BLOCK_TIMEOUT,
            max_block_time: Self::MAX_BLOCK_TIME,
            idle_timeout: Self::IDLE_TIMEOUT,
            handler_timeout: Self::HANDLER_TIMEOUT,
            write_timeout: Self::WRITE_TIMEOUT,
            keepalive: Some(Self::KEEPALIVE),
            meter: ServerMeter::default(),
        };
        Self {
            terms,
            max_connections: Self::MAX_CONNECTIONS,
            max_connections_per_peer: None,
            max_total_block_bytes: Self::MAX_TOTAL_BLOCK_BYTES,
            drain_timeout: Self::DRAIN_TIMEOUT,
            #[cfg(feature = "tls")]
            tls: None,
        }
    }
}

impl ServerBuilder {
    /// The default limit on connections: 1,024, the usual limit on a process's descriptors. An interface engine has tens.
    pub const MAX_CONNECTIONS: usize = 1024;
    /// The default limit on the blocks of all connections together: 256 MiB, which is 16 of the greatest length, on a machine that has a
    /// gigabyte to spare.
    pub const MAX_TOTAL_BLOCK_BYTES: usize = 256 * 1024 * 1024;
    /// The default deadline for each 64 KiB of a block: 30 seconds, so at least 2 KiB a second, and 30 seconds in all for a short one.
    pub const BLOCK_TIMEOUT: Duration = Duration::from_secs(30);
    /// The default deadline for a whole block: 10 minutes, in which the longest one comes at 28 KiB a second.
    pub const MAX_BLOCK_TIME: Duration = Duration::from_secs(10 * 60);
    /// The default time a connection may be idle: an hour. Senders keep theirs open through quiet hours; one that was forgotten
    /// gives its place back.
    pub const IDLE_TIMEOUT: Duration = Duration::from_secs(60 * 60);
    /// The default deadline for the handler: 60 seconds. Most senders have given up before.
    pub const HANDLER_TIMEOUT: Duration = Duration::from_secs(60);
    /// The default deadline for each 64 KiB of a reply to be taken: 30 seconds.
    pub const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
    /// The default time for connections to end at shutdown: 30 seconds, which most service managers wait.
    pub const DRAIN_TIMEOUT: Duration = Duration::from_secs(30);
    /// The default time of silence before TCP keepalive asks whether the peer is there: 60 seconds, below what firewalls keep.
    pub const KEEPALIVE: Duration = Duration::from_secs(60);

    /// The most connections at a time; one more is closed at once, so that its sender tries again later.
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.max_connections = connections;
        self
    }

    /// The most connections at a time from one address; one more is closed at once. No limit unless stated: an interface engine
    /// has a connection for each feed, and whole networks stand behind one address.
    pub fn max_connections_per_peer(mut self, connections: usize) -> Self {
        self.max_connections_per_peer = Some(connections);
        self
    }

    /// The most bytes that the blocks of all connections may have together, from their first byte until the handler is done with them.
    ///
    /// A connection that has no room does not read on, so that TCP slows its sender down. When it gets none for the time of
    /// [`ServerBuilder::block_timeout`], it is closed without a reply, and its sender tries again. One block of the greatest length always has
    /// room, so that the blocks that wait go on one by one, and not all wait for each other.
    ///
    /// Blocks of up to 32 KiB are not counted (the first 64 KiB that a connection has to keep), so that they come through in between. Nor is
    /// what a block becomes: as a message its text is there a second time, and what the handler keeps of it is the handler's.
    pub fn max_total_block_bytes(mut self, bytes: usize) -> Self {
        self.max_total_block_bytes = bytes;
        self
    }

    /// The most content that a block may have; see [`DecoderOptions::max_block_bytes`]. A longer one is answered with `AR` (`CR`) where
    /// its header can be read, and the connection is closed.
    pub fn max_block_bytes(mut self, bytes: usize) -> Self {
        self.terms.decoder = self.terms.decoder.max_block_bytes(bytes);
        self
    }

    /// How blocks are found, [`ServerBuilder::max_block_bytes`] included.
    pub fn decoder(mut self, options: DecoderOptions) -> Self {
        self.terms.decoder = options;
        self
    }

    /// How messages are read: their character set where MSH-18 is empty, and limits.
    pub fn read(mut self, options: ReadOptions) -> Self {
        self.terms.read = options;
        self
    }

    /// Whether senders speak MLLP release 2: each block is answered with a commit acknowledgment before anything else; see
    /// [`crate::Responder`]. Off unless stated: release 1 is what is in use.
    pub fn release2(mut self, spoken: bool) -> Self {
        self.terms.release2 = spoken;
        self
    }

    /// How long the sender may take for each 64 KiB of a block once it has begun, and for the rest.
    pub fn block_timeout(mut self, time: Duration) -> Self {
        self.terms.block_timeout = time;
        self
    }

    /// How long a block may take in all, however steadily it comes.
    pub fn max_block_time(mut self, time: Duration) -> Self {
        self.terms.max_block_time = time;
        self
    }

    /// How long a connection may stay without a block. Bytes outside a block do not count.
    pub fn idle_timeout(mut self, time: Duration) -> Self {
        self.terms.idle_timeout = time;
        self
    }

    /// How long the handler may take for one message, and the work of [`Reply::then`] anew. Its future is dropped then.
    pub fn handler_timeout(mut self, time: Duration) -> Self {
        self.terms.handler_timeout = time;
        self
    }

    /// How long the sender may take to read each 64 KiB of a reply, and the rest.
    pub fn write_timeout(mut self, time: Duration) -> Self {
        self.terms.write_timeout = time;
        self
    }

    /// How long connections may take to end at shutdown.
    pub fn drain_timeout(mut self, time: Duration) -> Self {
        self.drain_timeout = time;
        self
    }

    /// The time of silence before TCP keepalive asks whether the peer is there; `None` turns it off.
    pub fn keepalive(mut self, time: Option<Duration>) -> Self {
        self.terms.keepalive = time;
        self
    }

    /// Secures every connection. A sender that does not speak TLS is closed.
    #[cfg(feature = "tls")]
    pub fn tls(mut self, tls: crate::tls::ServerTls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Reads the counters of all that is served with this builder and its clones.
    pub fn meter(&self) -> ServerMeter {
        self.terms.meter.clone()
    }

    /// Serves one connection over a stream that stands already, until it ends: a tunnel, a Unix socket, a listener of the program's own.
    /// `peer` is what [`Request::peer`] gives. Dropping the future cuts the connection.
    ///
    /// The limits on connections are then the program's, and [`ServerBuilder::max_total_block_bytes`] holds for this connection alone. The stream
    /// is used as it is: where `ServerBuilder::tls` asks for TLS, which is made on connections of this crate's own, it is closed at once.
    pub async fn serve_connection<F, Fut>(
        &self,
        stream: impl AsyncRead + AsyncWrite + Send + 'static,
        peer: SocketAddr,
        handler: F,
    ) where
        F: Fn(Request) -> Fut,
        Fut: Future<Output = Reply>,
    {
        #[cfg(feature = "tls")]
        if self.tls.is_some() {
            self.terms.meter.tally.refused.add(1);
            return tracing::error!(%peer, "a stream of the program's is not secured by this listener");
        }
        let wire = Wire::new(Stream::other(stream), self.terms.decoder);
        // The sender stays, so that no shutdown is heard.
        let (_never, shut) = watch::channel(false);
        let tally = &self.terms.meter.tally;
        tally.accepted.add(1);
        let _counted = tally.open.enter();
        let connection = Connection::new(wire, self.budget().room(), peer, &self.terms, shut);
        connection.run(&handler).instrument(tracing::debug_span!("connection", %peer)).await;
    }

    /// A listener on a socket that listens already, such as one that the service manager opened.
    pub fn listen(self, listener: TcpListener) -> Server {
        Server { listener, options: self }
    }

    fn rules(&self) -> Rules {
        Rules {
            terms: Arc::new(self.terms.clone()),
            max_connections: self.max_connections,
            max_connections_per_peer: self.max_connections_per_peer,
            budget: self.budget(),
            #[cfg(feature = "tls")]
            tls: self.tls.clone(),
        }
    }

    fn budget(&self) -> Budget {
        Budget::new(self.max_total_block_bytes, self.terms.decoder.longest_block())
    }

    /// Listens at `addr`.
    ///
    /// # Errors
    /// When the address is in use, not this machine's, or not permitted.
    pub async fn bind(self, addr: impl ToSocketAddrs) -> Result<Server, BindError> {
        let listener = TcpListener::bind(addr).await.map_err(BindError::new)?;
        Ok(Server { listener, options: self })
    }
}
