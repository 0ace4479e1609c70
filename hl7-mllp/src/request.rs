//! A message that was received, as the handler gets it.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use hl7_core::Message;

use crate::block::Block;
use crate::identity::PeerIdentity;

/// A message and where it came from. Cloning it copies nothing.
#[derive(Clone)]
pub struct Request {
    parts: Arc<Parts>,
}

struct Parts {
    message: Message<'static>,
    bytes: Bytes,
    peer: SocketAddr,
    identity: Option<Arc<PeerIdentity>>,
}

impl Request {
    /// A message, the block it was read from, and the address it came from: for a [`crate::Responder`] of one's own, and for tests of
    /// handlers.
    pub fn new(message: Message<'static>, block: Block, peer: SocketAddr) -> Self {
        Self::of(message, block, peer, None)
    }

    /// The same, with what the sender's certificate says.
    pub(crate) fn of(
        message: Message<'static>,
        block: Block,
        peer: SocketAddr,
        identity: Option<Arc<PeerIdentity>>,
    ) -> Self {
        Self { parts: Arc::new(Parts { message, bytes: block.into_bytes(), peer, identity }) }
    }

    /// The message.
    pub fn message(&self) -> &Message<'static> {
        &self.parts.message
    }

    /// The bytes as received, without the frame.
    pub fn bytes(&self) -> &[u8] {
        &self.parts.bytes
    }

    /// The address of the sender.
    pub fn peer(&self) -> SocketAddr {
        self.parts.peer
    }

    /// Who the sender is, as its certificate says. `None` without TLS, and where it showed none.
    pub fn identity(&self) -> Option<&PeerIdentity> {
        self.parts.identity.as_deref()
    }
}

impl fmt::Debug for Request {
    /// Shows the sizes and the peer only: the content may be a patient's.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("message", &self.parts.message)
            .field("peer", &self.parts.peer)
            .finish_non_exhaustive()
    }
}
