//! Proxies that connections can be made through.

use std::fmt;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::connect_error::{ConnectError, ConnectErrorKind};
use crate::handshake::{Fault, Handshake};
use crate::http_connect::HttpConnect;
use crate::socks::Socks;

/// A proxy on the way to the receiver. It resolves the receiver's name; its own is resolved here, at every connect.
///
/// `Debug` shows neither its address nor its credentials.
#[derive(Clone)]
pub struct Proxy {
    protocol: Protocol,
    address: String,
    credentials: Option<(String, String)>,
}

#[derive(Clone, Copy, Debug)]
enum Protocol {
    Socks5,
    Http,
}

impl Proxy {
    /// A SOCKS5 proxy (RFC 1928) at `host:port`.
    pub fn socks5(address: impl Into<String>) -> Self {
        Self { protocol: Protocol::Socks5, address: address.into(), credentials: None }
    }

    /// An HTTP proxy at `host:port` that knows CONNECT. It is spoken to without TLS.
    pub fn http(address: impl Into<String>) -> Self {
        Self { protocol: Protocol::Http, address: address.into(), credentials: None }
    }

    /// The user and the password: RFC 1929 for SOCKS5, basic authentication for HTTP. Both travel to the proxy as they are.
    pub fn credentials(mut self, user: impl Into<String>, password: impl Into<String>) -> Self {
        self.credentials = Some((user.into(), password.into()));
        self
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Asks the proxy at the other end of `stream` for a connection to the receiver.
    pub(crate) async fn ask(
        &self,
        stream: &mut TcpStream,
        host: &str,
        port: u16,
    ) -> Result<(), ConnectError> {
        let mut handshake = self.handshake(host, port)?;
        let mut next = handshake.start();
        loop {
            stream.write_all(&next.write).await.map_err(lost)?;
            let mut bytes = vec![0; next.read];
            stream.read_exact(&mut bytes).await.map_err(lost)?;
            match handshake.handle(&bytes) {
                Ok(Some(more)) => next = more,
                Ok(None) => return Ok(()),
                Err(fault) => return Err(refused(fault)),
            }
        }
    }

    fn handshake(&self, host: &str, port: u16) -> Result<Box<dyn Handshake + Send>, ConnectError> {
        let credentials = self.credentials.as_ref().map(|(user, password)| (&**user, &**password));
        let handshake = match self.protocol {
            Protocol::Socks5 => Socks::new(host, port, credentials).map(|it| Box::new(it) as _),
            Protocol::Http => HttpConnect::new(host, port, credentials).map(|it| Box::new(it) as _),
        };
        let kind = if credentials.is_some() {
            ConnectErrorKind::ProxyCredentials
        } else {
            ConnectErrorKind::Address
        };
        handshake
            .ok_or_else(|| ConnectError::new(kind).because("they cannot be written in the proxy's protocol"))
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy").field("protocol", &self.protocol).finish_non_exhaustive()
    }
}

fn lost(why: std::io::Error) -> ConnectError {
    let kind = match why.kind() {
        std::io::ErrorKind::UnexpectedEof => ConnectErrorKind::NotAProxy,
        _ => ConnectErrorKind::ProxyRefused,
    };
    ConnectError::new(kind).because(why)
}

fn refused(fault: Fault) -> ConnectError {
    use ConnectErrorKind as K;
    match fault {
        Fault::Credentials => ConnectError::new(K::ProxyCredentials),
        Fault::Refused => ConnectError::new(K::Refused).because("the proxy says so"),
        Fault::Unreachable => ConnectError::new(K::Unreachable).because("the proxy says so"),
        Fault::Denied(number) => {
            ConnectError::new(K::ProxyRefused).because(format!("the proxy answered {number}"))
        }
        Fault::NotAProxy => ConnectError::new(K::NotAProxy),
    }
}
