//! The sockets of a gateway. They are bound before anything else, so that a second gateway changes nothing.

use std::io;
use std::net::SocketAddr;

use tokio::net::TcpListener;

use crate::config::Config;

/// Bound, and not served yet.
pub(crate) struct Sockets {
    /// None where there is no workflow.
    pub(crate) webhooks: Option<TcpListener>,
    pub(crate) status: TcpListener,
    /// In the order of the configuration.
    pub(crate) listeners: Vec<TcpListener>,
}

impl Sockets {
    /// Binds every address of a configuration.
    ///
    /// # Errors
    /// When one is taken or not ours; the error names it and the key that it comes from.
    pub(crate) async fn bind(config: &Config) -> Result<Self, String> {
        let webhooks = match config.workflows.is_empty() {
            true => None,
            false => Some(bind("listen", config.listen).await?),
        };
        let status = bind("status", config.status).await?;
        let mut listeners = Vec::new();
        for listener in &config.listeners {
            listeners.push(bind(&format!("listeners.{}", listener.name), listener.address).await?);
        }
        Ok(Self { webhooks, status, listeners })
    }

    /// Binds the same, each at a free port of its address where its own is taken.
    ///
    /// # Errors
    /// When an address is not ours.
    pub(crate) async fn bind_somewhere(config: &Config) -> io::Result<Self> {
        let webhooks = Some(bind_or_any(config.listen).await?);
        let status = bind_or_any(config.status).await?;
        let mut listeners = Vec::new();
        for listener in &config.listeners {
            listeners.push(bind_or_any(listener.address).await?);
        }
        Ok(Self { webhooks, status, listeners })
    }

    /// Says where everything is served, a line each, and warns of what travels there in clear.
    ///
    /// # Errors
    /// When the system does not say.
    pub(crate) fn announcement(&self, config: &Config) -> io::Result<Vec<String>> {
        let mut lines = Vec::new();
        for (socket, listener) in self.listeners.iter().zip(&config.listeners) {
            let (address, secured) = (socket.local_addr()?, listener.tls.is_some());
            let how = if secured { "MLLP over TLS" } else { "MLLP" };
            lines.push(format!("listener {} at {address} ({how})", listener.name));
            if !secured && !address.ip().is_loopback() {
                tracing::warn!(listener = %listener.name, "messages are taken without TLS on {address}");
            }
        }
        let page = self.status.local_addr()?;
        lines.push(match self.webhooks.as_ref().map(TcpListener::local_addr).transpose()? {
            None => format!("status page on http://{page}/"),
            Some(listen) => format!("webhooks on http://{listen}, status page on http://{page}/"),
        });
        if !config.listen.ip().is_loopback() && self.webhooks.is_some() {
            let listen = config.listen;
            tracing::warn!("webhooks are served without TLS on {listen}: put a TLS proxy in front of it");
        }
        Ok(lines)
    }
}

async fn bind(key: &str, address: SocketAddr) -> Result<TcpListener, String> {
    let failed = |why| format!("error[G021]: {key}: {address}: {why}");
    TcpListener::bind(address).await.map_err(failed)
}

async fn bind_or_any(address: SocketAddr) -> io::Result<TcpListener> {
    match TcpListener::bind(address).await {
        Err(why) if why.kind() == io::ErrorKind::AddrInUse => TcpListener::bind((address.ip(), 0)).await,
        bound => bound,
    }
}
