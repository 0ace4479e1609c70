//! The client: one connection, one message at a time, and an honest word about each.

use std::fmt;
use std::time::Duration;

use bytes::BytesMut;
use hl7_core::{Header, Message};
use tokio::time::{Instant, timeout_at};

use crate::acknowledgment::Acknowledgment;
use crate::codec::DecoderOptions;
use crate::connect::{self, ConnectError};
use crate::exchange::{AckMode, Exchange, Step};
use crate::send_error::{SendError, SendErrorKind};
use crate::wire::{Silence, Wire, WriteFault, deadline_in};

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
/// - `Ok` holds an acknowledgment whose MSA-2 is the message's MSH-10 byte for byte and that came on the connection the message went
///   out on, in the time allowed. It may be negative.
/// - `Err` with [`crate::Sent::No`]: not one byte of the message left. With [`crate::Sent::Unknown`]: the receiver may have taken it, and
///   sending it again can make a duplicate. The client never sends again by itself.
/// - After any doubt the connection is closed, so that an answer that comes late reaches nobody.
/// - Dropping the future of a send before it is done closes the connection too.
///
/// In enhanced mode a send ends at the first acknowledgment, which is the accept acknowledgment (`CA`, `CE`, `CR`) where MSH-15 asks for
/// one. An application acknowledgment that follows on the same connection is found before the next send, which then fails with
/// `Unsolicited` and [`crate::Sent::No`].
pub struct Client {
    addr: String,
    options: ClientBuilder,
    /// `None` when closed. A send takes it out and puts it back only when all is well.
    wire: Option<Wire>,
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
        self.wire.is_some()
    }

    /// Connects anew, closing the connection there is. The name is resolved again.
    ///
    /// # Errors
    /// As [`Client::connect`]. The client is then closed.
    pub async fn reconnect(&mut self) -> Result<(), ConnectError> {
        self.wire = None;
        self.wire = Some(self.options.open(&self.addr).await?);
        Ok(())
    }

    /// Sends a message and waits for its acknowledgment.
    ///
    /// # Errors
    /// When no acknowledgment of this message was had. [`SendError::sent`] says whether anything was sent, [`Client::is_open`]
    /// whether the client can go on.
    pub async fn send(&mut self, message: &Message<'_>) -> Result<Acknowledgment, SendError> {
        let fault = |why| SendError::unsent(SendErrorKind::Unwritable(why));
        let (control_id, mode) = asked(message.header())?;
        let content = message.to_wire().map_err(fault)?;
        self.exchange(&content, &control_id, mode).await
    }

    /// Sends a message that is already in the form for sending ([`Message::to_wire`]), such as one that was stored. Its header is
    /// read; the rest goes out as it is.
    ///
    /// # Errors
    /// As [`Client::send`], and when the bytes do not start with a header that can be read.
    pub async fn send_wire(&mut self, content: &[u8]) -> Result<Acknowledgment, SendError> {
        let fault = |why| SendError::unsent(SendErrorKind::NotAMessage(why));
        let end = memchr::memchr2(b'\r', b'\n', content).unwrap_or(content.len());
        let header = Message::from_bytes(content.get(..end).unwrap_or_default()).map_err(fault)?;
        let (control_id, mode) = asked(header.header())?;
        self.exchange(content, &control_id, mode).await
    }

    async fn exchange(
        &mut self,
        content: &[u8],
        control_id: &str,
        mode: AckMode,
    ) -> Result<Acknowledgment, SendError> {
        let mut block = BytesMut::new();
        let fault = |why| SendError::unsent(SendErrorKind::Unframable(why));
        self.options.decoder.chosen_frame().encode(content, &mut block).map_err(fault)?;
        let Some(mut wire) = self.wire.take() else { return Err(SendError::unsent(SendErrorKind::Closed)) };
        let result = self.over(&mut wire, &block, control_id, mode).await;
        match &result {
            Ok(_) => self.wire = Some(wire),
            Err(why) => tracing::warn!(code = why.code(), sent = ?why.sent(), "connection given up"),
        }
        result
    }

    async fn over(
        &self,
        wire: &mut Wire,
        block: &[u8],
        control_id: &str,
        mode: AckMode,
    ) -> Result<Acknowledgment, SendError> {
        check_silence(wire)?;
        wire.write(block, self.options.write_timeout).await.map_err(write_error)?;
        let deadline = deadline_in(self.options.ack_timeout);
        let exchange = Exchange::new(control_id, mode, deadline.into_std());
        answer(wire, exchange, deadline).await
    }
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

/// The control ID and the acknowledgments that a header asks for.
fn asked(header: Header<'_>) -> Result<(String, AckMode), SendError> {
    let control_id = header.control_id().filter(|id| !id.is_null() && !id.raw().trim().is_empty());
    let Some(control_id) = control_id else { return Err(SendError::unsent(SendErrorKind::NoControlId)) };
    let Some(mode) = AckMode::of(header) else { return Err(SendError::unsent(SendErrorKind::NoAckAsked)) };
    Ok((control_id.raw().to_owned(), mode))
}

fn check_silence(wire: &mut Wire) -> Result<(), SendError> {
    match wire.silence() {
        Silence::Kept => Ok(()),
        Silence::PeerClosed => Err(SendError::unsent(SendErrorKind::PeerClosed)),
        Silence::Unsolicited => Err(SendError::unsent(SendErrorKind::Unsolicited)),
        Silence::Broken(why) => Err(SendError::unsent(SendErrorKind::Lost).because(why)),
    }
}

fn write_error(fault: WriteFault) -> SendError {
    let kind = if fault.error.is_some() { SendErrorKind::Lost } else { SendErrorKind::WriteTimedOut };
    let error = if fault.written == 0 { SendError::unsent(kind) } else { SendError::unknown(kind) };
    match fault.error {
        Some(why) => error.because(why),
        None => error,
    }
}

/// Reads until the exchange ends.
async fn answer(
    wire: &mut Wire,
    mut exchange: Exchange,
    deadline: Instant,
) -> Result<Acknowledgment, SendError> {
    let broken = |why| SendError::unknown(SendErrorKind::BrokenFrame(why));
    loop {
        while let Some(block) = wire.next_block().map_err(broken)? {
            match exchange.handle_block(block, Instant::now().into_std()) {
                Step::Done(ack) => return Ok(ack),
                Step::Wait => {}
                Step::Refused(why) => return Err(SendError::refused(why)),
            }
        }
        match timeout_at(deadline, wire.read_some()).await {
            Err(_) => return Err(SendError::unknown(SendErrorKind::AckTimedOut)),
            Ok(Err(why)) => return Err(SendError::unknown(SendErrorKind::Lost).because(why)),
            Ok(Ok(0)) => {
                wire.finish().map_err(broken)?;
                return Err(SendError::unknown(SendErrorKind::Unanswered));
            }
            Ok(Ok(_)) => {}
        }
    }
}

/// The deadlines and limits of a [`Client`].
#[derive(Clone, Debug)]
pub struct ClientBuilder {
    connect_timeout: Duration,
    ack_timeout: Duration,
    write_timeout: Duration,
    decoder: DecoderOptions,
    keepalive: Option<Duration>,
}

impl Default for ClientBuilder {
    fn default() -> Self {
        Self {
            connect_timeout: Self::CONNECT_TIMEOUT,
            ack_timeout: Self::ACK_TIMEOUT,
            write_timeout: Self::WRITE_TIMEOUT,
            decoder: DecoderOptions::new().max_block_bytes(Self::MAX_ACK_BYTES),
            keepalive: Some(Self::KEEPALIVE),
        }
    }
}

impl ClientBuilder {
    /// The default deadline for connecting, name resolution and all addresses included: 10 seconds, room for three lost SYN packets.
    pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
    /// The default deadline for an acknowledgment: 30 seconds. Receivers that work before they answer take seconds; giving up too
    /// early makes duplicates, too late holds the queue behind a dead connection.
    pub const ACK_TIMEOUT: Duration = Duration::from_secs(30);
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
        self.ack_timeout = time;
        self
    }

    /// How long the peer may take for each 64 KiB of a message, and for the rest. On Linux it is also the time in which the peer's
    /// system has to confirm what was written.
    pub fn write_timeout(mut self, time: Duration) -> Self {
        self.write_timeout = time;
        self
    }

    /// The most bytes that an acknowledgment may have.
    pub fn max_ack_bytes(mut self, bytes: usize) -> Self {
        self.decoder = self.decoder.max_block_bytes(bytes);
        self
    }

    /// How the blocks of the receiver are found, [`ClientBuilder::max_ack_bytes`] included, and with which [`crate::Frame`] messages are
    /// sent.
    pub fn decoder(mut self, options: DecoderOptions) -> Self {
        self.decoder = options;
        self
    }

    /// The time of silence before TCP keepalive asks whether the peer is there; `None` turns it off.
    pub fn keepalive(mut self, time: Option<Duration>) -> Self {
        self.keepalive = time;
        self
    }

    /// Connects to `host:port`. The name is resolved now, and every address of it is tried.
    ///
    /// # Errors
    /// When the name is not resolved or no address of it answers in time.
    pub async fn connect(self, addr: impl Into<String>) -> Result<Client, ConnectError> {
        let addr = addr.into();
        let wire = self.open(&addr).await?;
        Ok(Client { addr, options: self, wire: Some(wire) })
    }

    async fn open(&self, addr: &str) -> Result<Wire, ConnectError> {
        let stream = connect::connect(addr, self.connect_timeout).await?;
        connect::prepare(&stream, self.keepalive);
        connect::limit_unconfirmed(&stream, self.write_timeout);
        Ok(Wire::new(stream, self.decoder))
    }
}
