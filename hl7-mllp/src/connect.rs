//! Reaching a peer: its name is resolved anew each time, and all its addresses are tried within one deadline.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Instant, timeout_at};

use crate::connect_error::{ConnectError, ConnectErrorKind};
use crate::route::Route;
use crate::wire::deadline_in;

/// How many of a name's addresses are tried.
const MOST_ADDRESSES: usize = 16;
/// Probes that stay unanswered before a silent peer counts as gone.
#[cfg(any(target_os = "linux", target_os = "macos", target_os = "windows"))]
const KEEPALIVE_RETRIES: u32 = 4;

/// Connects to `addr`, through the route's proxy where it has one.
pub(crate) async fn connect(addr: &str, route: &Route, deadline: Instant) -> Result<TcpStream, ConnectError> {
    let Some(proxy) = &route.proxy else { return direct(addr, route, deadline).await };
    let (host, port) = host_and_port(addr)?;
    let reached = direct(proxy.address(), route, deadline).await;
    let mut stream = reached.map_err(|why| ConnectError::new(ConnectErrorKind::Proxy).because(why))?;
    // The answer of an HTTP proxy is read a byte at a time, and the request is one small write.
    let _ = stream.set_nodelay(true);
    match timeout_at(deadline, proxy.ask(&mut stream, host, port)).await {
        Ok(asked) => asked.map(|()| stream),
        Err(_) => Err(ConnectError::new(ConnectErrorKind::TimedOut)),
    }
}

/// Connects to the first address of `addr` that answers. An address that stays silent leaves the others their share of the time.
async fn direct(addr: &str, route: &Route, deadline: Instant) -> Result<TcpStream, ConnectError> {
    let timed_out = || ConnectError::new(ConnectErrorKind::TimedOut);
    let (host, port) = host_and_port(addr)?;
    let addresses = timeout_at(deadline, route.resolver.resolve(host, port)).await;
    let addresses = in_turn(addresses.map_err(|_| timed_out())?.map_err(ConnectError::of_the_name)?);
    let mut last = ConnectError::new(ConnectErrorKind::Dns);
    for (index, &address) in addresses.iter().enumerate() {
        let left = deadline.saturating_duration_since(Instant::now());
        let share = left / u32::try_from(addresses.len() - index).unwrap_or(1).max(1);
        match timeout_at(deadline_in(share), to_address(address, route)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(why)) => last = why,
            Err(_) => last = timed_out(),
        }
        tracing::debug!(%address, code = last.code(), "no connection to this address");
    }
    Err(last)
}

async fn to_address(address: SocketAddr, route: &Route) -> Result<TcpStream, ConnectError> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() };
    let socket = socket.map_err(ConnectError::of)?;
    let unusable = |why: io::Error| ConnectError::new(ConnectErrorKind::Source).because(why);
    if let Some(interface) = &route.interface {
        bind_interface(&socket, interface).map_err(unusable)?;
    }
    if let Some(source) = route.source {
        if source.is_ipv4() != address.is_ipv4() {
            return Err(
                ConnectError::new(ConnectErrorKind::Source).because("it is of another address family")
            );
        }
        socket.bind(SocketAddr::new(source, 0)).map_err(unusable)?;
    }
    socket.connect(address).await.map_err(ConnectError::of)
}

#[cfg(target_os = "linux")]
fn bind_interface(socket: &TcpSocket, interface: &str) -> io::Result<()> {
    SockRef::from(socket).bind_device(Some(interface.as_bytes()))
}

#[cfg(not(target_os = "linux"))]
fn bind_interface(_: &TcpSocket, _: &str) -> io::Result<()> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "only Linux binds a connection to an interface"))
}

/// The host, without the brackets of an IPv6 address, and the port.
pub(crate) fn host_and_port(addr: &str) -> Result<(&str, u16), ConnectError> {
    let bad = || ConnectError::new(ConnectErrorKind::Address);
    let (host, port) = addr.rsplit_once(':').ok_or_else(bad)?;
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let port = port.parse().map_err(|_| bad())?;
    if host.is_empty() { Err(bad()) } else { Ok((host, port)) }
}

/// As the resolver orders them, but the families by turns: where one of them leads nowhere, half of the time at most is lost.
fn in_turn(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first_is_v4 = addresses.first().is_some_and(SocketAddr::is_ipv4);
    let (ones, others): (Vec<_>, Vec<_>) = addresses.into_iter().partition(|it| it.is_ipv4() == first_is_v4);
    let (mut ones, mut others) = (ones.into_iter(), others.into_iter());
    let mut turns = Vec::new();
    loop {
        let turn = [ones.next(), others.next()];
        if turn == [None, None] || turns.len() >= MOST_ADDRESSES {
            turns.truncate(MOST_ADDRESSES);
            return turns;
        }
        turns.extend(turn.into_iter().flatten());
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_take_turns_and_there_is_an_end_of_them() {
        let of = |text: &str| text.split(' ').map(|it| it.parse().unwrap()).collect::<Vec<SocketAddr>>();
        let given = of("[::1]:1 [::2]:1 [::3]:1 1.1.1.1:1");
        assert_eq!(in_turn(given), of("[::1]:1 1.1.1.1:1 [::2]:1 [::3]:1"));
        let (one, other) = (of("[::1]:1"), of("1.1.1.1:1"));
        assert_eq!(in_turn([vec![one[0]; 40], vec![other[0]; 3]].concat()).len(), MOST_ADDRESSES);
        assert!(in_turn(Vec::new()).is_empty());
    }

    #[tokio::test]
    async fn fault_01_a_peer_that_is_gone_is_asked_after() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        prepare(&stream, Some(Duration::from_secs(60)));
        limit_unconfirmed(&stream, Duration::from_secs(30));
        let socket = SockRef::from(&stream);
        assert!(socket.keepalive().unwrap() && stream.nodelay().unwrap());
        #[cfg(target_os = "linux")]
        {
            assert_eq!(socket.tcp_keepalive_time().unwrap(), Duration::from_secs(60));
            assert_eq!(socket.tcp_keepalive_retries().unwrap(), KEEPALIVE_RETRIES);
            assert_eq!(socket.tcp_user_timeout().unwrap(), Some(Duration::from_secs(30)));
        }
    }

    #[test]
    fn an_address_is_a_host_and_a_port() {
        let of = |addr| host_and_port(addr).map_err(|why| why.code());
        assert_eq!(of("ehr.example:2575"), Ok(("ehr.example", 2575)));
        assert_eq!(of("[::1]:2575"), Ok(("::1", 2575)));
        for bad in ["ehr", "ehr:", "ehr:x", ":2575", "ehr:70000", "[]:1", ""] {
            assert_eq!(of(bad), Err("N201"), "{bad:?}");
        }
    }
}
