//! The listener at work: accepts, secures, counts and serves connections.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tracing::Instrument;

use crate::budget::Budget;
use crate::connect;
use crate::connection::{Connection, Terms};
use crate::handshakes::{Handshakes, Secured};
use crate::peers::Peers;
use crate::reply::Reply;
use crate::request::Request;
use crate::serve_error::ServeError;
use crate::stream::Stream;
use crate::wire::{Wire, deadline_in};

/// The first pause after a failed accept, and the longest.
const ACCEPT_PAUSE: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(1));

/// What a listener goes by.
pub(crate) struct Rules {
    pub(crate) terms: Arc<Terms>,
    pub(crate) max_connections: usize,
    pub(crate) max_connections_per_peer: Option<usize>,
    pub(crate) budget: Budget,
    #[cfg(feature = "tls")]
    pub(crate) tls: Option<crate::tls::ServerTls>,
}

pub(crate) struct Accepting<F> {
    handler: Arc<F>,
    rules: Rules,
    peers: Peers,
    handshakes: Handshakes,
    connections: JoinSet<()>,
    shut: watch::Receiver<bool>,
}

/// What a listener waits for.
enum Event {
    Accepted(io::Result<(TcpStream, SocketAddr)>),
    /// A handshake has ended.
    Secured(Option<Secured>),
}

impl<F, Fut> Accepting<F>
where
    F: Fn(Request) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Reply> + Send + 'static,
{
    pub(crate) fn new(handler: F, rules: Rules, shut: watch::Receiver<bool>) -> Self {
        Self {
            handler: Arc::new(handler),
            rules,
            peers: Peers::default(),
            handshakes: Handshakes::default(),
            connections: JoinSet::new(),
            shut,
        }
    }

    pub(crate) async fn run(&mut self, listener: &TcpListener) -> Result<(), ServeError> {
        let mut pause = ACCEPT_PAUSE.0;
        loop {
            let room_at = self.room_at();
            let event = tokio::select! {
                accepted = accept(listener, room_at) => Event::Accepted(accepted),
                secured = self.handshakes.next() => Event::Secured(secured),
                Some(_) = self.connections.join_next() => continue,
            };
            match event {
                Event::Secured(None) => {}
                Event::Secured(Some(secured)) => self.serve(secured),
                Event::Accepted(Ok((stream, peer))) => {
                    pause = ACCEPT_PAUSE.0;
                    self.admit(stream, peer);
                }
                Event::Accepted(Err(why)) if is_of_one_connection(&why) => {}
                Event::Accepted(Err(why)) if is_of_the_socket(&why) => {
                    return Err(ServeError::listener(why));
                }
                Event::Accepted(Err(why)) => {
                    tracing::error!(error = %why, "no connection can be accepted for now");
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(ACCEPT_PAUSE.1);
                }
            }
        }
    }

    /// Until when the next connection has to wait, if it has to.
    #[cfg(feature = "tls")]
    fn room_at(&mut self) -> Option<Instant> {
        let tls = self.rules.tls.as_ref()?;
        self.handshakes.room_at(tls.max_handshakes, tls.grace())
    }

    #[cfg(not(feature = "tls"))]
    fn room_at(&mut self) -> Option<Instant> {
        None
    }

    /// Takes the connection on, or closes it at once when there are too many.
    fn admit(&mut self, stream: TcpStream, peer: SocketAddr) {
        if self.is_full(peer) {
            return;
        }
        let most = self.rules.max_connections_per_peer.unwrap_or(usize::MAX);
        let Some(place) = self.peers.admit(peer.ip(), most) else {
            self.rules.terms.meter.tally.refused.add(1);
            tracing::warn!(%peer, "connection refused: the peer has as many as are allowed");
            return;
        };
        connect::prepare(&stream, self.rules.terms.keepalive);
        #[cfg(feature = "tls")]
        if let Some(tls) = self.rules.tls.clone() {
            let meter = self.rules.terms.meter.clone();
            return self.handshakes.begin(tls.max_handshakes, async move {
                match tls.secure(stream).await {
                    Ok((stream, identity)) => {
                        Some(Secured { stream, peer, identity: identity.map(Arc::new), place })
                    }
                    Err((fault, why)) => {
                        meter.tally.handshake_errors.add(fault.code());
                        let error = why.map(tracing::field::display);
                        tracing::warn!(%peer, code = fault.code(), error, "no secure connection");
                        None
                    }
                }
            });
        }
        self.serve(Secured { stream: Stream::Tcp(stream), peer, identity: None, place });
    }

    fn is_full(&mut self, peer: SocketAddr) -> bool {
        while self.connections.try_join_next().is_some() {}
        let is_full = self.connections.len() >= self.rules.max_connections;
        if is_full {
            self.rules.terms.meter.tally.refused.add(1);
            tracing::warn!(%peer, "connection refused: there are as many as are allowed");
        }
        is_full
    }

    fn serve(&mut self, secured: Secured) {
        let Secured { stream, peer, identity, place } = secured;
        // There may have been room when its handshake began.
        if self.is_full(peer) {
            return;
        }
        let room = self.rules.budget.room();
        let (handler, terms, shut) = (self.handler.clone(), self.rules.terms.clone(), self.shut.clone());
        self.rules.terms.meter.tally.accepted.add(1);
        let counted = self.rules.terms.meter.tally.open.enter();
        let span = tracing::debug_span!("connection", %peer);
        let served = async move {
            tracing::debug!(%peer, "connection opened");
            let wire = Wire::new(stream, terms.decoder);
            let connection = Connection::new(wire, room, peer, &terms, shut);
            connection.identified(identity).run(&*handler).await;
            drop((place, counted));
        };
        self.connections.spawn(served.instrument(span));
    }

    /// Waits for the connections to end; cuts those that do not in time. Handshakes are cut at once.
    pub(crate) async fn drain(self, within: Duration) -> Result<(), ServeError> {
        let mut connections = self.connections;
        drop(self.handshakes);
        let deadline = deadline_in(within);
        loop {
            match tokio::time::timeout_at(deadline, connections.join_next()).await {
                Ok(Some(_)) => {}
                Ok(None) => return Ok(()),
                Err(_) => break,
            }
        }
        let cut = connections.len();
        connections.shutdown().await;
        Err(ServeError::undrained(cut))
    }
}

/// The next connection. Those that have to wait do so with the system, like all that come while the listener is busy.
async fn accept(listener: &TcpListener, room_at: Option<Instant>) -> io::Result<(TcpStream, SocketAddr)> {
    if let Some(room_at) = room_at {
        tokio::time::sleep_until(room_at).await;
    }
    listener.accept().await
}

/// Whether a failed accept concerns the connection that was to be had and no other.
fn is_of_one_connection(why: &io::Error) -> bool {
    use io::ErrorKind as K;
    matches!(why.kind(), K::ConnectionAborted | K::ConnectionReset | K::ConnectionRefused | K::Interrupted)
}

/// Whether the listening socket is of no use any more.
fn is_of_the_socket(why: &io::Error) -> bool {
    matches!(why.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::NotConnected)
}
