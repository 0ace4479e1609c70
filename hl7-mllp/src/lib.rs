//! MLLP for HL7 v2: the block codec, a client that says what it knows, and a listener.
//!
//! ```
//! use hl7_core::Message;
//! use hl7_mllp::{Client, Reply, Request, Server};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let server = Server::bind("127.0.0.1:0").await?;
//! let addr = server.local_addr()?;
//! tokio::spawn(server.serve(|req: Request| async move { Reply::accept(&req) }));
//!
//! let msg = Message::parse("MSH|^~\\&|LAB|NORTH|EHR|NORTH|20260102030405||ADT^A08^ADT_A01|m-1|P|2.5.1\rPID|1||7\r")?;
//! let mut client = Client::connect(addr.to_string()).await?;
//! let ack = client.send(&msg).await?;
//! assert_eq!((ack.code().as_str(), ack.control_id()), ("AA", "m-1"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The words
//!
//! A *block* is a start block character (0x0B), *content*, an end block character (0x1C) and a carriage return. The content is one
//! message. An *acknowledgment* is a message with an MSA segment; MSA-2 repeats the *control ID* (MSH-10) of the message it
//! answers.
//!
//! # The layers
//!
//! [`Decoder`] and [`encode`] know blocks; [`Exchange`] knows which answer ends the wait for an acknowledgment, [`Responder`] which answer is
//! due to a sender. None does input or output, and the time is an argument. [`Client`] and [`Server`] are shells around them on tokio.
//!
//! # Connections
//!
//! A client resolves the receiver's name at every connect, by the system or by a [`Resolver`] of the program's own, and tries all its addresses
//! within one deadline. It can leave from a stated [address](ClientBuilder::source) or [interface](ClientBuilder::interface) and go through a
//! SOCKS5 or HTTP [`Proxy`]. With the feature `tls` the module `tls` secures both sides (`guide::tls` has every step). Streams that are no TCP connections are served by
//! [`ClientBuilder::over`] and [`ServerBuilder::serve_connection`].
//!
//! A [`Client`] has one connection and connects anew when it is told to, or by itself with [`ClientBuilder::reconnect`]. A [`ClientPool`] has
//! several.
//!
//! # Observation
//!
//! [`ClientMeter`] and [`ServerMeter`] read counters for metrics. `tracing` spans (level debug) tell of each `connection` (the peer's address) and of
//! each `exchange` in it (`bytes`, the `code` of the acknowledgment or error, `ms`).
//!
//! # Guarantees
//!
//! See [`guide::exchange`], which also gives each default and its reason, [`Client`] and [`Server`]. In short: a message counts as accepted only when an acknowledgment names it exactly, on the
//! connection it was sent on, in time; and an error says whether anything was sent.
//!
//! # Limits
//!
//! Every wait has a deadline and every buffer a limit: [`ClientBuilder`], [`ServerBuilder`], [`DecoderOptions`].
//!
//! # One acknowledgment or two
//!
//! [`Client::send`] ends at the first acknowledgment that decides. In enhanced mode with `AL` in MSH-15 and in MSH-16 a receiver sends two:
//! the accept acknowledgment (`CA`), with which the message is the receiver's and never to be sent again, and later the application
//! acknowledgment (`AA`, `AE`, `AR`). Where that one comes
//!
//! - on the same connection, [`Client::send_two_phase`] waits for it. After [`Client::send`] it makes the next send fail with
//!   [`SendErrorKind::Unsolicited`] and [`Sent::No`];
//! - on another connection, from the receiver to a [`Server`] of the sender's, [`ApplicationAcks`] joins the two.
//!
//! A message that asks for none is sent by [`Client::send_unconfirmed`].
//!
//! # Release 2
//!
//! MLLP release 2 puts a commit acknowledgment before everything else: [`CommitBlock`], [`ClientBuilder::release2`].
//!
//! # No patient data in diagnostics
//!
//! No `Debug`, `Display`, error or `tracing` event of this crate shows message content. To see it, ask for it:
//! [`Block::content`], [`Request::bytes`], [`Acknowledgment::bytes`], [`Acknowledgment::text`].

mod accepting;
mod acknowledgment;
mod application;
mod application_acks;
mod block;
mod budget;
mod client;
mod client_meter;
mod client_route;
mod codec;
mod codec_error;
mod commit;
mod connect;
mod connect_error;
mod connection;
mod decoder_options;
pub mod doctor;
mod exchange;
mod frame;
#[cfg(feature = "codec")]
mod framed;
mod goal;
pub mod guide;
mod handshake;
mod handshakes;
mod http_connect;
mod identity;
mod peers;
mod pool;
mod proxy;
mod reply;
mod request;
mod resolver;
mod responder;
mod route;
#[cfg(feature = "tls")]
mod rustls_fault;
#[cfg(feature = "test-util")]
pub mod scripted;
mod send_error;
mod sending;
mod sequence;
mod serve_error;
mod server;
mod server_meter;
mod silence;
mod socks;
mod stream;
mod tally;
#[cfg(feature = "tls")]
pub mod tls;
mod tls_fault;
mod tracker;
mod two_phase;
mod wire;

pub use acknowledgment::{Acknowledgment, AcknowledgmentError, AcknowledgmentErrorKind};
pub use application::ApplicationReply;
pub use application_acks::{AckExpired, ApplicationAcks, ExpectedAck};
pub use block::Block;
pub use client::{Client, ClientBuilder};
pub use client_meter::{ClientCounters, ClientMeter};
pub use codec::{Decoder, DecoderOptions};
pub use codec_error::{DecodeError, DecodeErrorKind, EncodeError, EncodeErrorKind};
pub use commit::CommitBlock;
pub use connect_error::{ConnectError, ConnectErrorKind};
pub use doctor::Doctor;
pub use exchange::{AckMode, Exchange, Refusal, Step};
pub use frame::{Frame, FrameError, FrameErrorKind, encode};
#[cfg(feature = "codec")]
pub use framed::{BlockCodec, CodecError};
pub use identity::{Fingerprint, FingerprintError, PeerIdentity};
pub use pool::ClientPool;
pub use proxy::Proxy;
pub use reply::Reply;
pub use request::Request;
pub use resolver::{ResolveError, Resolver, Resolving};
pub use responder::{Received, Responder, Response};
pub use send_error::{SendError, SendErrorKind, Sent};
pub use sequence::{Arrival, NoSequence, Sequence, SequenceSource, SequenceStep, SequenceTarget};
pub use serve_error::{BindError, BindErrorKind, ServeError, ServeErrorKind};
pub use server::{Server, ServerBuilder};
pub use server_meter::{ServerCounters, ServerMeter};
pub use tally::Durations;
pub use tls_fault::TlsFault;
pub use tracker::{AckTracker, ExpectError, ExpectErrorKind, Tracked};
pub use two_phase::{ApplicationOutcome, TwoPhase};
