//! Running a gateway: its listeners over one sender, until it is told to stop.

use std::io;
use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::config::Config;
use crate::gateway::{DRAIN, Gateway, StartError};
use crate::http;
use crate::listener::Port;
use crate::sockets::Sockets;
use crate::status_page;
use crate::webhook;

/// A gateway that runs. [`Running::stop`] ends it; dropping it cuts requests off.
pub(crate) struct Running {
    pub(crate) gateway: Arc<Gateway>,
    stop: watch::Sender<bool>,
    served: Vec<JoinHandle<()>>,
    failures: mpsc::Receiver<String>,
}

/// Opens the outbox and starts serving.
///
/// # Errors
/// When the data folder or the outbox cannot be used.
pub(crate) async fn start(config: Config, sockets: Sockets) -> Result<Running, StartError> {
    let (stop, stopped) = watch::channel(false);
    let (tell, failures) = mpsc::channel(1);
    let (gateway, ports) = Gateway::start(config, sockets.listeners, stopped.clone()).await?;
    let gateway = Arc::new(gateway);
    let page = status_page::router(Arc::clone(&gateway));
    let mut served = vec![tokio::spawn(http::serve(sockets.status, page, stopped.clone(), DRAIN))];
    if let Some(webhooks) = sockets.webhooks {
        let routes = webhook::router(Arc::clone(&gateway));
        served.push(tokio::spawn(http::serve(webhooks, routes, stopped.clone(), DRAIN)));
    }
    served
        .extend(ports.into_iter().map(|port| tokio::spawn(serve_port(port, stopped.clone(), tell.clone()))));
    Ok(Running { gateway, stop, served, failures })
}

async fn serve_port(port: Port, stop: watch::Receiver<bool>, tell: mpsc::Sender<String>) {
    if let Err(why) = port.serve(stop).await {
        // When another failure waits to be told, that one is enough.
        let _ = tell.try_send(why);
    }
}

impl Running {
    /// Takes nothing new, lets what is under way end, then stops sending. What is not delivered stays in the outbox.
    ///
    /// It takes twice [`DRAIN`] at most, and what the store needs to close.
    pub(crate) async fn stop(self) {
        let _ = self.stop.send(true);
        for served in self.served {
            let _ = served.await;
        }
        self.gateway.sender.shutdown(DRAIN).await;
    }

    /// Waits until the outbox or a listener is out of use. Nothing mends it but a new start: whoever supervises the gateway is to give it that.
    pub(crate) async fn failed(&mut self) -> String {
        tokio::select! {
            why = self.gateway.sender.failed() => format!("the outbox failed: {why}"),
            Some(why) = self.failures.recv() => why,
        }
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
