//! Connections on the way from accepted to secured. They hold none of the places of those that are served.

use std::net::SocketAddr;
use std::sync::Arc;

#[cfg(feature = "tls")]
use std::collections::VecDeque;
#[cfg(feature = "tls")]
use tokio::task::AbortHandle;
use tokio::task::JoinSet;

use crate::identity::PeerIdentity;
use crate::peers::Place;
use crate::stream::Stream;

/// A connection that can be served.
pub(crate) struct Secured {
    pub(crate) stream: Stream,
    pub(crate) peer: SocketAddr,
    pub(crate) identity: Option<Arc<PeerIdentity>>,
    /// Among the connections of its address, of which it is one from the start.
    pub(crate) place: Place,
}

/// The handshakes under way.
#[derive(Default)]
pub(crate) struct Handshakes {
    running: JoinSet<Option<Secured>>,
    /// The oldest first; some may have ended.
    #[cfg(feature = "tls")]
    order: VecDeque<AbortHandle>,
}

impl Handshakes {
    /// The next that is done well; never, when none is under way.
    pub(crate) async fn next(&mut self) -> Secured {
        loop {
            match self.running.join_next().await {
                Some(Ok(Some(secured))) => return secured,
                Some(_) => {}
                None => std::future::pending().await,
            }
        }
    }

    /// Begins one. When there are as many as are allowed the oldest is cut.
    #[cfg(feature = "tls")]
    pub(crate) fn begin(
        &mut self,
        most: usize,
        handshake: impl Future<Output = Option<Secured>> + Send + 'static,
    ) {
        self.order.retain(|handle| !handle.is_finished());
        while self.order.len() >= most {
            if let Some(oldest) = self.order.pop_front() {
                tracing::warn!("a handshake is cut: there are as many as are allowed");
                oldest.abort();
            }
        }
        self.order.push_back(self.running.spawn(handshake));
    }
}
