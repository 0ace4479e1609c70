//! A scripted receiver on a loopback port.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;

use super::act::Reading;
use super::perform::{Ending, perform};
use super::script::Script;
use super::seen::Seen;

/// The window of a receiver that reads nothing.
const SMALL_WINDOW: u32 = 4096;
/// How long a connection that was closed in order is still read.
const LINGER: Duration = Duration::from_millis(200);

/// A receiver that plays a script on each connection. It ends, and cuts its connections, when it is dropped.
///
/// What it has seen is asked of it as of [`Seen`].
#[derive(Debug)]
pub struct Receiver {
    address: SocketAddr,
    seen: Seen,
    accepting: JoinHandle<()>,
}

impl Receiver {
    /// Starts one at a loopback port that the system chooses.
    ///
    /// # Errors
    /// When the system gives no port.
    pub async fn start(script: Script) -> io::Result<Self> {
        Self::start_at(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), [script]).await
    }

    /// The same over TLS, with the certificate and the demands of `config`; a connection that fails at its handshake is not counted.
    ///
    /// # Errors
    /// As [`Receiver::start`].
    #[cfg(feature = "tls")]
    pub async fn start_tls(script: Script, config: Arc<rustls::ServerConfig>) -> io::Result<Self> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self::listening(address, vec![script], Security::Tls(config.into())).await
    }

    /// Starts one at this address that plays the first script on the first connection, the second on the second and so on, and the last
    /// one on all that follow.
    ///
    /// # Errors
    /// When there is no script, or the address cannot be listened at.
    pub async fn start_at(
        address: SocketAddr,
        scripts: impl IntoIterator<Item = Script>,
    ) -> io::Result<Self> {
        Self::listening(address, scripts.into_iter().collect(), Security::None).await
    }

    async fn listening(address: SocketAddr, scripts: Vec<Script>, security: Security) -> io::Result<Self> {
        let scripts: Vec<Arc<Script>> = scripts.into_iter().map(Arc::new).collect();
        let Some(last) = scripts.last().cloned() else { return Err(io::ErrorKind::InvalidInput.into()) };
        let listener = listener(address, &last)?;
        let (address, seen) = (listener.local_addr()?, Seen::new());
        let accepting = tokio::spawn(accept(listener, scripts, last, security, seen.clone()));
        Ok(Self { address, seen, accepting })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Deref for Receiver {
    type Target = Seen;

    fn deref(&self) -> &Seen {
        &self.seen
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

fn listener(address: SocketAddr, script: &Script) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    if script.reading == Reading::Nothing {
        socket.set_recv_buffer_size(SMALL_WINDOW)?;
    }
    socket.bind(address)?;
    socket.listen(128)
}

/// What a receiver puts over TCP.
#[derive(Clone)]
enum Security {
    None,
    #[cfg(feature = "tls")]
    Tls(tokio_rustls::TlsAcceptor),
}

async fn accept(
    listener: TcpListener,
    scripts: Vec<Arc<Script>>,
    last: Arc<Script>,
    security: Security,
    seen: Seen,
) {
    let mut connections = JoinSet::new();
    let mut scripts = scripts.into_iter();
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
        };
        let Ok((stream, _)) = stream else { return };
        let script = scripts.next().unwrap_or_else(|| last.clone());
        let (seen, security) = (seen.clone(), security.clone());
        connections.spawn(async move { serve(stream, &script, &security, &seen).await });
    }
}

async fn serve(mut stream: TcpStream, script: &Script, security: &Security, seen: &Seen) {
    let _ = stream.set_nodelay(true);
    match security {
        Security::None => {
            let ending = perform(&mut stream, script, seen).await;
            end(stream, ending).await;
        }
        #[cfg(feature = "tls")]
        Security::Tls(acceptor) => {
            let Ok(mut stream) = acceptor.accept(stream).await else { return };
            let ending = perform(&mut stream, script, seen).await;
            if ending == Ending::Close {
                let _ = stream.shutdown().await;
            }
            end(stream.into_inner().0, ending).await;
        }
    }
}

async fn end(stream: TcpStream, ending: Ending) {
    match ending {
        Ending::Reset => {
            let _ = socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO));
        }
        Ending::Close | Ending::Cut | Ending::Gone => close(stream).await,
    }
}

/// Sends the end of the stream. What still comes is dropped for a moment: closing over unread bytes would be a reset.
async fn close(mut stream: TcpStream) {
    let mut sink = [0; 4096];
    let drain = async {
        if stream.shutdown().await.is_ok() {
            while matches!(stream.read(&mut sink).await, Ok(bytes) if bytes > 0) {}
        }
    };
    let _ = timeout(LINGER, drain).await;
}
