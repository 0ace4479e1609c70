//! Why no connection was had.

use std::fmt;
use std::io;

use crate::resolver::ResolveError;
use crate::tls_fault::TlsFault;

type Source = Box<dyn std::error::Error + Send + Sync>;

/// Why no connection was had. No byte of a message was sent.
#[derive(Debug)]
pub struct ConnectError {
    kind: ConnectErrorKind,
    source: Option<Source>,
}

/// The kinds of [`ConnectError`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum ConnectErrorKind {
    /// N201: the address is not of the form `host:port`.
    Address,
    /// N202: the name could not be resolved for now, or to no address.
    Dns,
    /// N203: every address refused the connection, or the last one did.
    Refused,
    /// N204: no connection before the deadline.
    TimedOut,
    /// N205: the host or its network cannot be reached.
    Unreachable,
    /// N206: another fault of the system; see `source`.
    Other,
    /// N207: there is no such name. Told from N202 as far as the system tells; in doubt it is N202.
    NoSuchName,
    /// N208: the source address or the interface cannot be used; see `source`.
    Source,
    /// N209: the proxy could not be reached; `source` is the [`ConnectError`] that says why.
    Proxy,
    /// N210: the proxy asks for other credentials, or for some.
    ProxyCredentials,
    /// N211: the proxy did not make the connection; see `source` for its answer.
    ProxyRefused,
    /// N212: what answers at the proxy's address is no such proxy.
    NotAProxy,
    /// N213: the client was made over a stream, which cannot be connected anew.
    NoAddress,
    /// N401 to N414: there is no secure connection.
    Tls(TlsFault),
}

impl ConnectError {
    pub(crate) fn new(kind: ConnectErrorKind) -> Self {
        Self { kind, source: None }
    }

    pub(crate) fn because(mut self, source: impl Into<Source>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// A fault of the system while connecting.
    pub(crate) fn of(error: io::Error) -> Self {
        let kind = match error.kind() {
            io::ErrorKind::ConnectionRefused => ConnectErrorKind::Refused,
            io::ErrorKind::TimedOut => ConnectErrorKind::TimedOut,
            io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkUnreachable
            | io::ErrorKind::NetworkDown
            | io::ErrorKind::AddrNotAvailable => ConnectErrorKind::Unreachable,
            _ => ConnectErrorKind::Other,
        };
        Self::new(kind).because(error)
    }

    pub(crate) fn of_the_name(why: ResolveError) -> Self {
        let kind = if why.is_passing() { ConnectErrorKind::Dns } else { ConnectErrorKind::NoSuchName };
        Self { kind, source: why.into_source().map(Into::into) }
    }

    /// What is wrong.
    pub fn kind(&self) -> ConnectErrorKind {
        self.kind
    }

    /// The stable code, `N201` to `N213`, or that of the [`TlsFault`].
    pub fn code(&self) -> &'static str {
        self.kind.code()
    }

    /// What to do about it.
    pub fn suggestion(&self) -> &'static str {
        self.kind.parts().2
    }
}

type Parts = (&'static str, &'static str, &'static str);

impl ConnectErrorKind {
    /// Whether a later attempt may succeed without anybody changing anything. Where not, whoever retries should ask for help and not hurry: a
    /// wrong name, proxy or certificate is not put right by trying again.
    pub fn is_passing(self) -> bool {
        use ConnectErrorKind as K;
        match self {
            K::Dns | K::Refused | K::TimedOut | K::Unreachable | K::Other | K::Proxy | K::ProxyRefused => {
                true
            }
            K::Tls(fault) => fault.is_passing(),
            K::Address | K::NoSuchName | K::Source | K::ProxyCredentials | K::NotAProxy | K::NoAddress => {
                false
            }
        }
    }

    pub(crate) fn code(self) -> &'static str {
        self.parts().0
    }

    pub(crate) fn parts(self) -> Parts {
        of_the_network(self).or_else(|| of_the_way(self)).unwrap_or_default()
    }
}

fn of_the_network(kind: ConnectErrorKind) -> Option<Parts> {
    use ConnectErrorKind as K;
    Some(match kind {
        K::Address => {
            ("N201", "the address is not of the form host:port", "give one such as ehr.example:2575")
        }
        K::Dns => ("N202", "the host name could not be resolved", "check the name and the name server"),
        K::Refused => {
            ("N203", "the connection was refused", "is the receiver running, and is this its port?")
        }
        K::TimedOut => {
            ("N204", "no connection before the deadline", "is a firewall between here and the receiver?")
        }
        K::Unreachable => {
            ("N205", "the host cannot be reached", "check the network and the route to the receiver")
        }
        K::Other => ("N206", "the connection could not be made", "the system's own error says more"),
        K::NoSuchName => {
            ("N207", "there is no such host name", "check its spelling, and that its zone still has it")
        }
        _ => return None,
    })
}

fn of_the_way(kind: ConnectErrorKind) -> Option<Parts> {
    use ConnectErrorKind as K;
    Some(match kind {
        K::Source => (
            "N208",
            "the source address or interface cannot be used",
            "give an address or an interface of this machine, of the receiver's address family",
        ),
        K::Proxy => ("N209", "the proxy could not be reached", "check the proxy's address"),
        K::ProxyCredentials => {
            ("N210", "the proxy does not take these credentials", "check the proxy's user and password")
        }
        K::ProxyRefused => {
            ("N211", "the proxy did not make the connection", "does it allow this receiver and port?")
        }
        K::NotAProxy => (
            "N212",
            "no such proxy answers there",
            "check the proxy's address and whether it is SOCKS5 or HTTP",
        ),
        K::NoAddress => ("N213", "the client has a stream and no address", "make a client over a new stream"),
        K::Tls(fault) => fault.parts(),
        _ => return None,
    })
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (code, what, suggestion) = self.kind.parts();
        write!(f, "{code}: {what}; {suggestion}")
    }
}

impl std::error::Error for ConnectError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|why| why as &(dyn std::error::Error + 'static))
    }
}
