//! The client: one connection, one message at a time, and an honest word about each.

use std::fmt;
use std::time::Duration;

use bytes::BytesMut;
use hl7_core::Message;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tracing::field::Empty;
use tracing::{Instrument, Span};

use crate::acknowledgment::Acknowledgment;
use crate::client_meter::ClientMeter;
use crate::codec::DecoderOptions;
use crate::connect;
use crate::connect_error::{ConnectError, ConnectErrorKind};
use crate::goal::{Both, Commit, First, Goal, Nothing};
use crate::identity::PeerIdentity;
use crate::route::Route;
use crate::send_error::{SendError, SendErrorKind, Sent};
use crate::sending::{Asked, SendTerms, Sending, Told};
use crate::stream::Stream;
use crate::tally::Entered;
use crate::two_phase::TwoPhase;
use crate::wire::{Wire, deadline_in};

/// A connection to a receiver.
///
/// ```no_run
/// # async fn example(msg: hl7_core::Message<'_>) -> Result<(), Box<dyn std::error::Error>> {
/// let mut client = hl7_mllp::Client::connect("ehr.example:2575").await?;
/// let ack = client.send(&msg).await?;
/// if !ack.code().is_positive() {
///     eprintln!("refused with {}", ack.code());
/// }
/// # Ok(())
/// # }
/// ```
///
/// # Guarantees
///
/// - `Ok` holds an acknowledgment whose MSA-2 is the message's MSH-10 byte for byte (or missing, with
///   [`ClientBuilder::missing_control_id`]) and that came on the connection the message went out on, in the time allowed. It may be negative.
/// - `Err` with [`crate::Sent::No`]: not one byte of the message left. With [`crate::Sent::Unknown`]: the receiver may have taken it, and
///   sending it again can make a duplicate. The client never sends such a message again by itself. Where it may connect anew
///   ([`ClientBuilder::reconnect`]) it does so only while nothing was sent. With [`crate::Sent::Taken`]: the receiver has said that it has
///   it, and it is never to be sent again.
/// - After any doubt the connection is closed, so that an answer that comes late reaches nobody.
/// - With TLS (feature `tls`) nothing is ever sent in plain text.
/// - Dropping the future of a send before it is done closes the connection too.
///
/// A receiver that refuses a message before all of it was sent, such as one that is too long for it, is heard: `Ok` holds its negative
/// acknowledgment, and the connection ends. One that accepts before it has all of it is not believed.
///
/// In enhanced mode [`Client::send`] ends at the first acknowledgment, which is the accept acknowledgment (`CA`, `CE`, `CR`) where MSH-15
/// asks for one. An application acknowledgment that follows on the same connection is found before the next send, which then fails with
/// `Unsolicited` and [`crate::Sent::No`]; or behind it, where it names another message and leaves that one `Unknown`. Where a receiver sends
/// it so, use [`Client::send_two_phase`], which waits for it.
pub struct Client {
    /// `None` when it was made over a stream.
    addr: Option<String>,
    options: ClientBuilder,
    /// `None` when closed. A send takes it out and puts it back only when all is well.
    open: Option<Open>,
}

/// A connection, and who is at its other end.
struct Open {
    wire: Wire,
    identity: Option<PeerIdentity>,
    span: Span,
    _counted: Entered,
}

impl Client {
    /// Connects to `host:port` with the defaults of [`ClientBuilder`].
    ///
    /// # Errors
    /// When the name is not resolved or no address of it answers in time.
    pub async fn connect(addr: impl Into<String>) -> Result<Self, ConnectError> {
        Self::builder().connect(addr).await
    }

    /// A client with other than the default deadlines and limits.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    /// Whether the client has its connection. The peer may have closed it since it was last used; the next send finds out
    /// before it sends.
    pub fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Who the receiver is, as its certificate says: for metrics of its expiry, for instance. `None` without TLS, and when closed.
    pub fn peer_identity(&self) -> Option<&PeerIdentity> {
        self.open.as_ref().and_then(|open| open.identity.as_ref())
    }

    /// Connects anew, closing the connection there is. The name is resolved again.
    ///
    /// # Errors
    /// As [`Client::connect`], and when the client was made over a stream. The client is then closed.
    pub async fn reconnect(&mut self) -> Result<(), ConnectError> {
        self.open = None;
        let Some(addr) = &self.addr else { return Err(ConnectError::new(ConnectErrorKind::NoAddress)) };
        self.open = Some(self.options.open(addr).await?);
        Ok(())
    }

    /// Reads the counters, of this client and of all others that were made with the same builder.
    pub fn meter(&self) -> ClientMeter {
        self.options.meter.clone()
    }

    /// Sends a message and waits for its acknowledgment.
    ///
    /// # Errors
    /// When no acknowledgment of this message was had. [`SendError::sent`] says whether anything was sent, [`Client::is_open`]
    /// whether the client can go on.
    pub async fn send(&mut self, message: &Message<'_>) -> Result<Acknowledgment, SendError> {
        let result = match wire_form(message) {
            Ok((content, asked)) => self.exchange(&content, First(&asked, None)).await,
            Err(why) => Err(why),
        };
        self.counted(result)
    }

    /// Sends a message that is already in the form for sending ([`Message::to_wire`]), such as one that was stored. Its header is
    /// read; the rest goes out as it is.
    ///
    /// # Errors
    /// As [`Client::send`], and when the bytes do not start with a header that can be read.
    pub async fn send_wire(&mut self, content: &[u8]) -> Result<Acknowledgment, SendError> {
        self.first(content, None).await
    }

    /// As [`Client::send_wire`], for who keeps a record of what must not be sent again: `taken` is called as soon as the receiver has said that it has the
    /// message, when its acknowledgment is yet to come. That is with the 0x06 of release 2, and without an acknowledgment.
    ///
    /// # Errors
    /// As [`Client::send_wire`].
    pub async fn send_wire_telling(
        &mut self,
        content: &[u8],
        taken: &(dyn Fn(Option<&Acknowledgment>) + Send + Sync),
    ) -> Result<Acknowledgment, SendError> {
        self.first(content, Some(taken)).await
    }

    async fn first(&mut self, content: &[u8], told: Told<'_>) -> Result<Acknowledgment, SendError> {
        let result = match Asked::of_wire(content) {
            Ok(asked) => self.exchange(content, First(&asked, told)).await,
            Err(why) => Err(why),
        };
        self.counted(result)
    }

    /// Sends a message and waits for both acknowledgments of enhanced mode on this connection: the accept acknowledgment, then, where
    /// MSH-16 asks for one, the application acknowledgment, for [`ClientBuilder::application_timeout`]. A message that asks for one of them
    /// only, or is in original mode, is done with that one.
    ///
    /// # Errors
    /// As [`Client::send`]. Once the message was accepted there is no error any more, and [`TwoPhase::application`] says what came of the
    /// second phase: the message is not to be sent again.
    ///
    /// ```no_run
    /// # async fn example(mut client: hl7_mllp::Client, msg: hl7_core::Message<'_>) -> Result<(), hl7_mllp::SendError> {
    /// use hl7_mllp::ApplicationOutcome;
    /// match client.send_two_phase(&msg).await?.application {
    ///     ApplicationOutcome::Acknowledged(ack) => println!("processed: {}", ack.code()),
    ///     ApplicationOutcome::Missing(why) => println!("taken, but not known to be processed: {why}"),
    ///     _ => println!("the accept acknowledgment is all there is"),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn send_two_phase(&mut self, message: &Message<'_>) -> Result<TwoPhase, SendError> {
        let result = match wire_form(message) {
            Ok((content, asked)) => self.exchange(&content, Both(&asked, None)).await,
            Err(why) => Err(why),
        };
        self.counted(result)
    }

    /// [`Client::send_two_phase`] for a message that is already in the form for sending, as in [`Client::send_wire`].
    ///
    /// # Errors
    /// As [`Client::send_two_phase`], and when the bytes do not start with a header that can be read.
    pub async fn send_wire_two_phase(&mut self, content: &[u8]) -> Result<TwoPhase, SendError> {
        self.both(content, None).await
    }

    /// As [`Client::send_wire_two_phase`], for who keeps a record of what must not be sent again: `taken` is called as soon as the receiver has said that it
    /// has the message, when its last acknowledgment is yet to come: with the 0x06 of release 2, and with the `CA`, which it is given.
    ///
    /// # Errors
    /// As [`Client::send_wire_two_phase`].
    pub async fn send_wire_two_phase_telling(
        &mut self,
        content: &[u8],
        taken: &(dyn Fn(Option<&Acknowledgment>) + Send + Sync),
    ) -> Result<TwoPhase, SendError> {
        self.both(content, Some(taken)).await
    }

    async fn both(&mut self, content: &[u8], told: Told<'_>) -> Result<TwoPhase, SendError> {
        let result = match Asked::of_wire(content) {
            Ok(asked) => self.exchange(content, Both(&asked, told)).await,
            Err(why) => Err(why),
        };
        self.counted(result)
    }

    /// Sends a message and waits for no acknowledgment: for one that asks for none (`NE` in MSH-15 and MSH-16, or `ER`). `Ok` says that the system
    /// has taken all of it, and nothing of the receiver. An acknowledgment that comes all the same makes the next send fail with
    /// [`SendErrorKind::Unsolicited`].
    ///
    /// # Errors
    /// When the message cannot be written, there is no connection, or it breaks before the system has taken all.
    pub async fn send_unconfirmed(&mut self, message: &Message<'_>) -> Result<(), SendError> {
        let fault = |why| SendError::unsent(SendErrorKind::Unwritable(why));
        match message.to_wire().map_err(fault) {
            Ok(content) => self.send_wire_unconfirmed(&content).await,
            Err(why) => self.counted(Err(why)),
        }
    }

    /// [`Client::send_unconfirmed`] for a message that is already in the form for sending.
    ///
    /// # Errors
    /// As [`Client::send_unconfirmed`].
    pub async fn send_wire_unconfirmed(&mut self, content: &[u8]) -> Result<(), SendError> {
        let result = self.exchange(content, Nothing).await;
        self.counted(result)
    }

    /// Release 2 only: sends any content, such as a document or a message that asks for no acknowledgment, and waits for the commit
    /// acknowledgment alone.
    ///
    /// # Errors
    /// When the content was not committed, which [`SendError::sent`] says more of; `NotRelease2` without [`ClientBuilder::release2`].
    pub async fn send_until_commit(&mut self, content: &[u8]) -> Result<(), SendError> {
        let result = match self.options.terms.release2 {
            true => self.exchange(content, Commit).await,
            false => Err(SendError::unsent(SendErrorKind::NotRelease2)),
        };
        self.counted(result)
    }

    async fn exchange<G: Goal>(&mut self, content: &[u8], goal: G) -> Result<G::Got, SendError> {
        let mut block = BytesMut::new();
        let fault = |why| SendError::unsent(SendErrorKind::Unframable(why));
        self.options.terms.decoder.chosen_frame().encode(content, &mut block).map_err(fault)?;
        let may_reconnect = self.options.reconnect && self.addr.is_some() && self.is_open();
        let result = match self.attempt(&block, goal).await {
            Err(why) if may_reconnect && is_worth_a_new_connection(&why) => {
                tracing::info!(code = why.code(), "connecting anew: nothing was sent");
                self.meter().tally.reconnects.add(1);
                self.attempt(&block, goal).await
            }
            other => other,
        };
        result.inspect(|got| self.count::<G>(got))
    }

    /// Counts what came, and the second phase that did not.
    fn count<G: Goal>(&self, got: &G::Got) {
        let tally = &self.options.meter.tally;
        for ack in G::acks(got).into_iter().flatten() {
            tally.acks.add(ack.code());
            tally.bytes_received.add(ack.bytes().len());
        }
        if let Some(why) = G::doubt(got) {
            tally.errors.add(why.code());
        }
    }

    fn counted<T>(&self, result: Result<T, SendError>) -> Result<T, SendError> {
        result.inspect_err(|why| self.options.meter.tally.errors.add(why.code()))
    }

    /// One try, over the connection there is or, where the client may, a new one.
    async fn attempt<G: Goal>(&mut self, block: &[u8], goal: G) -> Result<G::Got, SendError> {
        if self.open.is_none() && self.options.reconnect && self.addr.is_some() {
            self.reconnect().await.map_err(SendError::unconnected)?;
        }
        let Some(mut open) = self.open.take() else { return Err(SendError::unsent(SendErrorKind::Closed)) };
        let span = tracing::debug_span!(
            parent: &open.span, "exchange", bytes = block.len(), code = Empty, sent = Empty, ms = Empty
        );
        let begun = Instant::now();
        let result = self.over(&mut open.wire, block, goal).instrument(span.clone()).await;
        let elapsed = begun.elapsed();
        span.record("ms", elapsed.as_secs_f64() * 1000.0);
        if let Ok(got) = &result {
            self.options.meter.tally.latency.add(elapsed);
            G::acks(got).into_iter().flatten().for_each(|ack| {
                span.record("code", ack.code().as_str());
            });
        }
        match result.as_ref().map_or_else(Some, G::doubt) {
            None if open.wire.is_spent() || result.as_ref().is_ok_and(names_no_message::<G>) => {
                tracing::debug!(parent: &span, "connection not used again");
            }
            None => self.open = Some(open),
            Some(why) => {
                span.record("code", why.code()).record("sent", tracing::field::debug(why.sent()));
                tracing::warn!(parent: &span, code = why.code(), sent = ?why.sent(), "connection given up");
            }
        }
        result
    }

    async fn over<G: Goal>(&self, wire: &mut Wire, block: &[u8], goal: G) -> Result<G::Got, SendError> {
        let sending = Sending::begin(wire, &self.options.terms, block).await?;
        self.options.meter.tally.blocks.add(1);
        self.options.meter.tally.bytes_sent.add(block.len());
        goal.wait(sending).await
    }
}

/// Whether an acknowledgment had no MSA-2. One more on the same connection could be taken for the next message's.
fn names_no_message<G: Goal>(got: &G::Got) -> bool {
    G::acks(got).into_iter().flatten().any(|ack| ack.control_id().is_empty())
}

/// Whether the connection was of no use before anything was sent, as one is that the peer has closed since. A refusal is not: a
/// new connection would hear it again.
fn is_worth_a_new_connection(why: &SendError) -> bool {
    use SendErrorKind as K;
    why.sent() == Sent::No && matches!(why.kind(), K::PeerClosed | K::Unsolicited | K::Lost)
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("addr", &self.addr)
            .field("options", &self.options)
            .field("is_open", &self.is_open())
            .finish()
    }
}

/// The message as it is sent, and what it asks for.
fn wire_form(message: &Message<'_>) -> Result<(Vec<u8>, Asked), SendError> {
    let fault = |why| SendError::unsent(SendErrorKind::Unwritable(why));
    let asked = Asked::of(message.header())?;
    Ok((message.to_wire().map_err(fault)?, asked))
}

/// The deadlines and limits of a [`Client`].
#[derive(Clone, Debug)]
pub struct ClientBuilder {
    connect_timeout: Duration,
    terms: SendTerms,
    keepalive: Option<Duration>,
    reconnect: bool,
    pub(crate) route: Route,
    pub(crate) meter: ClientMeter,
}

impl Default for ClientBuilder {
    fn default() -> Self {
        let terms = SendTerms {
            decoder: DecoderOptions::new().max_block_bytes(Self::MAX_ACK_BYTES),
            ack_timeout: Self::ACK_TIMEOUT,
            application_timeout: Self::APPLICATION_TIMEOUT,
            write_timeout: Self::WRITE_TIMEOUT,
            release2: false,
            missing_control_id: false,
        };
        Self {
            connect_timeout: Self::CONNECT_TIMEOUT,
            terms,
            keepalive: Some(Self::KEEPALIVE),
            reconnect: false,
            route: Route::default(),
            meter: ClientMeter::default(),
        }
    }
}

impl ClientBuilder {
    /// The default deadline for connecting, with name resolution, all addresses, a proxy and a TLS handshake: 10 seconds, room for three lost
    /// SYN packets.
    pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
    /// The default deadline for an acknowledgment: 30 seconds. Receivers that work before they answer take seconds; giving up too
    /// early makes duplicates, too late holds the queue behind a dead connection.
    pub const ACK_TIMEOUT: Duration = Duration::from_secs(30);
    /// The default deadline for an application acknowledgment behind the accept acknowledgment: 90 seconds, more than the 60 that a listener
    /// of this crate gives its handler, so that its word of a handler that took too long still comes.
    pub const APPLICATION_TIMEOUT: Duration = Duration::from_secs(90);
    /// The default deadline for each 64 KiB of a message to be taken: 30 seconds, so at least 2 KiB a second.
    pub const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
    /// The default limit on an acknowledgment: 1 MiB, far above any that is one.
    pub const MAX_ACK_BYTES: usize = 1024 * 1024;
    /// The default time of silence before TCP keepalive asks whether the peer is there: 60 seconds, below what firewalls keep.
    pub const KEEPALIVE: Duration = Duration::from_secs(60);

    /// How long connecting may take in all.
    pub fn connect_timeout(mut self, time: Duration) -> Self {
        self.connect_timeout = time;
        self
    }

    /// How long an acknowledgment may take, from the end of the message to the end of the acknowledgment.
    pub fn ack_timeout(mut self, time: Duration) -> Self {
        self.terms.ack_timeout = time;
        self
    }

    /// How long an application acknowledgment may take in [`Client::send_two_phase`], from the accept acknowledgment on.
    pub fn application_timeout(mut self, time: Duration) -> Self {
        self.terms.application_timeout = time;
        self
    }

    /// Whether the receiver speaks MLLP release 2: it answers each block with a commit acknowledgment (0x06, or 0x15 when it has not
    /// taken it) before anything else, and the client confirms each acknowledgment so. Off unless stated: release 1 is what is in use.
    pub fn release2(mut self, spoken: bool) -> Self {
        self.terms.release2 = spoken;
        self
    }

    /// Whether an acknowledgment without MSA-2 counts as the one of the message under way. Off unless stated: only for receivers that
    /// never fill it. One with another message's control ID is refused all the same. The connection ends behind such an acknowledgment,
    /// because another one on it could be taken for the next message's: connect anew ([`Client::reconnect`]), or let the client do it
    /// ([`ClientBuilder::reconnect`]).
    pub fn missing_control_id(mut self, allowed: bool) -> Self {
        self.terms.missing_control_id = allowed;
        self
    }

    /// How long the peer may take for each 64 KiB of a message, and for the rest. On Linux it is also the time in which the peer's
    /// system has to confirm what was written.
    pub fn write_timeout(mut self, time: Duration) -> Self {
        self.terms.write_timeout = time;
        self
    }

    /// The most bytes that an acknowledgment may have.
    pub fn max_ack_bytes(mut self, bytes: usize) -> Self {
        self.terms.decoder = self.terms.decoder.max_block_bytes(bytes);
        self
    }

    /// How the blocks of the receiver are found, [`ClientBuilder::max_ack_bytes`] included, and with which [`crate::Frame`] messages are
    /// sent.
    pub fn decoder(mut self, options: DecoderOptions) -> Self {
        self.terms.decoder = options;
        self
    }

    /// The time of silence before TCP keepalive asks whether the peer is there; `None` turns it off.
    pub fn keepalive(mut self, time: Option<Duration>) -> Self {
        self.keepalive = time;
        self
    }

    /// Whether a send makes a connection where there is none, and once more where the one there is turns out to be of no use before a byte was
    /// sent: closed by the peer since the last message, or with something on it that was not asked for. That one new connection is counted in
    /// [`crate::ClientCounters::reconnects`] and logged, and nothing is ever sent twice.
    ///
    /// Off unless stated: whoever keeps messages, as hl7-sender does, wants to know of every attempt.
    pub fn reconnect(mut self, reconnect: bool) -> Self {
        self.reconnect = reconnect;
        self
    }

    /// Connects to `host:port`. The name is resolved now, and every address of it is tried.
    ///
    /// # Errors
    /// When the name is not resolved or no address of it answers in time.
    pub async fn connect(self, addr: impl Into<String>) -> Result<Client, ConnectError> {
        let addr = addr.into();
        let open = self.open(&addr).await?;
        Ok(Client { addr: Some(addr), options: self, open: Some(open) })
    }

    /// A client over a stream that stands already, such as a tunnel, a Unix socket or a TLS stream of another library. It cannot connect anew,
    /// and the options of connecting do not concern it.
    ///
    /// Whether the peer has closed is asked of the stream, so a stream that knows late makes a send end in [`crate::Sent::Unknown`] where TCP
    /// would say [`crate::Sent::No`].
    ///
    /// The stream is used as it is. Where `ClientBuilder::tls` asks for TLS, which is made on connections of this crate's own, the client
    /// is closed from the start, so that nothing goes out in plain text.
    pub fn over(self, stream: impl AsyncRead + AsyncWrite + Send + 'static) -> Client {
        if self.asks_for_tls() {
            tracing::error!("a stream of the program's is not secured by this client");
            return Client { addr: None, options: self, open: None };
        }
        let open = self.opened(Stream::other(stream), None, tracing::debug_span!("connection"));
        Client { addr: None, options: self, open: Some(open) }
    }

    #[cfg(feature = "tls")]
    fn asks_for_tls(&self) -> bool {
        self.route.tls.is_some()
    }

    #[cfg(not(feature = "tls"))]
    fn asks_for_tls(&self) -> bool {
        false
    }

    /// A client that connects with its first message, if it may.
    pub(crate) fn unconnected(self, addr: impl Into<String>) -> Client {
        Client { addr: Some(addr.into()), options: self, open: None }
    }

    async fn open(&self, addr: &str) -> Result<Open, ConnectError> {
        let opened = self.connected(addr).await;
        if let Err(why) = &opened {
            self.meter.tally.connect_errors.add(why.code());
            tracing::debug!(code = why.code(), "no connection");
        }
        opened
    }

    async fn connected(&self, addr: &str) -> Result<Open, ConnectError> {
        let deadline = self.connect_deadline();
        let stream = self.reached(addr, deadline).await?;
        let peer = stream.peer_addr().ok().map(tracing::field::display);
        let span = tracing::debug_span!("connection", peer);
        let (stream, identity) = self.secured(stream, addr, deadline).instrument(span.clone()).await?;
        Ok(self.opened(stream, identity, span))
    }

    pub(crate) fn connect_deadline(&self) -> Instant {
        deadline_in(self.connect_timeout)
    }

    pub(crate) async fn reached(&self, addr: &str, deadline: Instant) -> Result<TcpStream, ConnectError> {
        let stream = connect::connect(addr, &self.route, deadline).await?;
        connect::prepare(&stream, self.keepalive);
        connect::limit_unconfirmed(&stream, self.terms.write_timeout);
        Ok(stream)
    }

    fn opened(&self, stream: Stream, identity: Option<PeerIdentity>, span: Span) -> Open {
        self.meter.tally.connects.add(1);
        let wire = Wire::new(stream, self.terms.decoder);
        Open { wire, identity, span, _counted: self.meter.tally.open.enter() }
    }

    #[cfg(feature = "tls")]
    pub(crate) async fn secured(
        &self,
        tcp: TcpStream,
        addr: &str,
        deadline: Instant,
    ) -> Result<(Stream, Option<PeerIdentity>), ConnectError> {
        match &self.route.tls {
            None => Ok((Stream::Tcp(tcp), None)),
            Some(tls) => tls.secure(tcp, connect::host_and_port(addr)?.0, deadline).await,
        }
    }

    #[cfg(not(feature = "tls"))]
    pub(crate) async fn secured(
        &self,
        tcp: TcpStream,
        _: &str,
        _: Instant,
    ) -> Result<(Stream, Option<PeerIdentity>), ConnectError> {
        Ok((Stream::Tcp(tcp), None))
    }
}
