//! Connections on the way from accepted to secured. They hold none of the places of those that are served.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::task::JoinSet;
#[cfg(feature = "tls")]
use {std::collections::VecDeque, std::time::Duration, tokio::task::AbortHandle, tokio::time::Instant};

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
    order: VecDeque<(Instant, AbortHandle)>,
}

impl Handshakes {
    /// The next that ends, with a connection if it ends well; never, when none is under way.
    pub(crate) async fn next(&mut self) -> Option<Secured> {
        match self.running.join_next().await {
            Some(ended) => ended.ok().flatten(),
            None => std::future::pending().await,
        }
    }

    /// When there is room for one more among `most`: now, or when the oldest has had its time of `grace`.
    #[cfg(feature = "tls")]
    pub(crate) fn room_at(&mut self, most: usize, grace: Duration) -> Option<Instant> {
        self.order.retain(|(_, handle)| !handle.is_finished());
        if self.order.len() < most {
            return None;
        }
        self.order.front().map(|(begun, _)| *begun + grace)
    }

    /// Begins one. When there are as many as are allowed the oldest is cut.
    #[cfg(feature = "tls")]
    pub(crate) fn begin(
        &mut self,
        most: usize,
        handshake: impl Future<Output = Option<Secured>> + Send + 'static,
    ) {
        self.order.retain(|(_, handle)| !handle.is_finished());
        while self.order.len() >= most {
            if let Some((_, oldest)) = self.order.pop_front() {
                tracing::warn!("a handshake is cut: there are as many as are allowed");
                oldest.abort();
            }
        }
        self.order.push_back((Instant::now(), self.running.spawn(handshake)));
    }
}
