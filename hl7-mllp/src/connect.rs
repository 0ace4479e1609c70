//! Reaching a peer: its name is resolved anew each time, and all its addresses are tried within one deadline.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout_at};

use crate::wire::deadline_in;

/// How many of a name's addresses are tried.
const MOST_ADDRESSES: usize = 16;
/// Probes that stay unanswered before a silent peer counts as gone.
#[cfg(any(target_os = "linux", target_os = "macos", target_os = "windows"))]
const KEEPALIVE_RETRIES: u32 = 4;

/// Why no connection was had. Nothing was sent.
#[derive(Debug)]
pub struct ConnectError {
    kind: ConnectErrorKind,
    source: Option<io::Error>,
}

/// The kinds of [`ConnectError`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum ConnectErrorKind {
    /// N201: the address is not of the form `host:port`.
    Address,
    /// N202: the name could not be resolved, or to no address.
    Dns,
    /// N203: every address refused the connection, or the last one did.
    Refused,
    /// N204: no connection before the deadline.
    TimedOut,
    /// N205: the host or its network cannot be reached.
    Unreachable,
    /// N206: another fault of the system; see `source`.
    Other,
}

impl ConnectError {
    fn new(kind: ConnectErrorKind, source: Option<io::Error>) -> Self {
        Self { kind, source }
    }

    fn of(error: io::Error) -> Self {
        let kind = match error.kind() {
            io::ErrorKind::ConnectionRefused => ConnectErrorKind::Refused,
            io::ErrorKind::TimedOut => ConnectErrorKind::TimedOut,
            io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkUnreachable
            | io::ErrorKind::NetworkDown
            | io::ErrorKind::AddrNotAvailable => ConnectErrorKind::Unreachable,
            _ => ConnectErrorKind::Other,
        };
        Self::new(kind, Some(error))
    }

    /// What is wrong.
    pub fn kind(&self) -> ConnectErrorKind {
        self.kind
    }

    /// The stable code, `N201` to `N206`.
    pub fn code(&self) -> &'static str {
        self.parts().0
    }

    /// What to do about it.
    pub fn suggestion(&self) -> &'static str {
        self.parts().2
    }

    fn parts(&self) -> (&'static str, &'static str, &'static str) {
        match self.kind {
            ConnectErrorKind::Address => {
                ("N201", "the address is not of the form host:port", "give one such as ehr.example:2575")
            }
            ConnectErrorKind::Dns => {
                ("N202", "the host name could not be resolved", "check the name and the name server")
            }
            ConnectErrorKind::Refused => {
                ("N203", "the connection was refused", "is the receiver running, and is this its port?")
            }
            ConnectErrorKind::TimedOut => {
                ("N204", "no connection before the deadline", "is a firewall between here and the receiver?")
            }
            ConnectErrorKind::Unreachable => {
                ("N205", "the host cannot be reached", "check the network and the route to the receiver")
            }
            ConnectErrorKind::Other => {
                ("N206", "the connection could not be made", "the system's own error says more")
            }
        }
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (code, what, suggestion) = self.parts();
        write!(f, "{code}: {what}; {suggestion}")
    }
}

impl std::error::Error for ConnectError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|why| why as &(dyn std::error::Error + 'static))
    }
}

/// Connects to the first address of `addr` that answers. An address that stays silent leaves the others their share of the time.
pub(crate) async fn connect(addr: &str, within: Duration) -> Result<TcpStream, ConnectError> {
    let deadline = deadline_in(within);
    let timed_out = || ConnectError::new(ConnectErrorKind::TimedOut, None);
    let addresses = timeout_at(deadline, resolve(addr)).await.map_err(|_| timed_out())??;
    let mut last = ConnectError::new(ConnectErrorKind::Dns, None);
    for (index, address) in addresses.iter().enumerate() {
        let left = deadline.saturating_duration_since(Instant::now());
        let share = left / u32::try_from(addresses.len() - index).unwrap_or(1).max(1);
        match timeout_at(deadline_in(share), TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(why)) => last = ConnectError::of(why),
            Err(_) => last = timed_out(),
        }
        tracing::debug!(%address, code = last.code(), "no connection to this address");
    }
    Err(last)
}

async fn resolve(addr: &str) -> Result<Vec<SocketAddr>, ConnectError> {
    let kind = |error: &io::Error| match error.kind() {
        io::ErrorKind::InvalidInput => ConnectErrorKind::Address,
        _ => ConnectErrorKind::Dns,
    };
    match lookup_host(addr).await {
        Ok(addresses) => Ok(addresses.take(MOST_ADDRESSES).collect()),
        Err(why) => Err(ConnectError::new(kind(&why), Some(why))),
    }
}

/// Sets what every MLLP connection needs: small messages leave at once, and a peer that is gone is noticed.
pub(crate) fn prepare(stream: &TcpStream, keepalive: Option<Duration>) {
    let _ = stream.set_nodelay(true);
    let Some(idle) = keepalive else { return };
    let probes = TcpKeepalive::new().with_time(idle);
    #[cfg(any(target_os = "linux", target_os = "macos", target_os = "windows"))]
    let probes = probes.with_interval((idle / 4).max(Duration::from_secs(1))).with_retries(KEEPALIVE_RETRIES);
    // A system that cannot do this still has the deadlines.
    let _ = SockRef::from(stream).set_tcp_keepalive(&probes);
}

/// How long written bytes may stay unconfirmed by the peer's system before the connection counts as broken.
#[cfg_attr(not(target_os = "linux"), allow(unused_variables))]
pub(crate) fn limit_unconfirmed(stream: &TcpStream, time: Duration) {
    #[cfg(target_os = "linux")]
    let _ = SockRef::from(stream).set_tcp_user_timeout(Some(time));
}
