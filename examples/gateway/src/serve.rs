//! Running a gateway: two listeners over one sender, until it is told to stop.

use std::io;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::config::Config;
use crate::gateway::{DRAIN, Gateway, StartError};
use crate::http;
use crate::status_page;
use crate::webhook;

/// A gateway that runs. [`Running::stop`] ends it; dropping it cuts requests off.
pub(crate) struct Running {
    pub(crate) gateway: Arc<Gateway>,
    stop: watch::Sender<bool>,
    listeners: Vec<tokio::task::JoinHandle<()>>,
}

/// Opens the outbox and starts serving on sockets that are bound already.
///
/// # Errors
/// When the data folder or the outbox cannot be used.
pub(crate) async fn start(
    config: Config,
    webhooks: TcpListener,
    status: TcpListener,
) -> Result<Running, StartError> {
    let (stop, stopped) = watch::channel(false);
    let gateway = Arc::new(Gateway::start(config, stopped.clone()).await?);
    let listeners = vec![
        tokio::spawn(http::serve(webhooks, webhook::router(Arc::clone(&gateway)), stopped.clone(), DRAIN)),
        tokio::spawn(http::serve(status, status_page::router(Arc::clone(&gateway)), stopped, DRAIN)),
    ];
    Ok(Running { gateway, stop, listeners })
}

impl Running {
    /// Takes no new requests, lets those under way end, then stops sending. What is not delivered stays in the outbox.
    pub(crate) async fn stop(self) {
        let _ = self.stop.send(true);
        for listener in self.listeners {
            let _ = listener.await;
        }
        self.gateway.sender.shutdown(DRAIN).await;
    }
}

/// Waits for Ctrl-C or a TERM signal.
pub(crate) async fn stop_signal() -> io::Result<()> {
    #[cfg(unix)]
    {
        let mut term = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
        tokio::select! {
            ctrl_c = tokio::signal::ctrl_c() => ctrl_c,
            _ = term.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await
}
