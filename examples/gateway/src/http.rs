//! The HTTP listener: a deadline for the head of each request, a limit on connections, an orderly end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;

use crate::impatient::Impatient;

/// Each connection costs a few kilobytes and a descriptor; more callers than this wait in the kernel's queue.
const MAX_CONNECTIONS: usize = 1_024;
/// A caller that takes longer for the head of its request, or that stays silent between two, is hung up on.
const HEAD_DEADLINE: Duration = Duration::from_secs(15);
/// A caller that does not read its answer for as long as this is hung up on.
const WRITE_DEADLINE: Duration = Duration::from_secs(10);
/// What accept() reports when descriptors run out passes by itself; trying again at once would only spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The head of a webhook's request is some hundred bytes.
const MAX_HEAD: usize = 16 * 1024;

/// Who is at the other end, for the log.
#[derive(Clone, Copy)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// Serves until `stop` changes, then lets requests that are under way end, for at most `drain`, and cuts off the rest.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    mut stop: watch::Receiver<bool>,
    drain: Duration,
) {
    let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = accept(&listener, &slots) => {
                let (stream, peer, slot) = accepted;
                let router = router.clone().layer(Extension(Peer(peer)));
                serve_connection(stream, router, &graceful, slot, &mut connections);
            }
            Some(_) = connections.join_next() => {}
            _ = stop.changed() => break,
        }
    }
    drop(listener);
    if tokio::time::timeout(drain, graceful.shutdown()).await.is_err() {
        tracing::warn!("requests were still under way when the gateway stopped");
    }
    connections.shutdown().await;
}

/// The next connection, once there is a slot for it.
async fn accept(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> (TcpStream, SocketAddr, OwnedSemaphorePermit) {
    loop {
        let Ok(slot) = Arc::clone(slots).acquire_owned().await else {
            // The semaphore is never closed.
            return std::future::pending().await;
        };
        match listener.accept().await {
            Ok((stream, peer)) => return (stream, peer, slot),
            Err(why) => {
                tracing::warn!(error = %why.kind(), "no connection could be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

fn serve_connection(
    stream: TcpStream,
    router: Router,
    graceful: &GracefulShutdown,
    slot: OwnedSemaphorePermit,
    connections: &mut JoinSet<()>,
) {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_DEADLINE)
        .max_headers(64)
        .max_buf_size(MAX_HEAD)
        .serve_connection(
            TokioIo::new(Impatient::new(stream, WRITE_DEADLINE)),
            TowerToHyperService::new(router),
        );
    let watched = graceful.watch(connection);
    connections.spawn(async move {
        // A caller that breaks off is its own affair; what it asked for is durable or was never answered.
        let _ = watched.await;
        drop(slot);
    });
}
