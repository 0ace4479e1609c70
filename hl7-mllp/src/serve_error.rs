//! Why a listener could not start, or ended other than in order.

use std::fmt;
use std::io;

/// Why a port could not be listened at.
#[derive(Debug)]
pub struct BindError {
    source: io::Error,
}

/// The kinds of [`BindError`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum BindErrorKind {
    /// N301: the address is in use.
    InUse,
    /// N302: the address is not this machine's, or not one at all.
    NotAvailable,
    /// N303: this user may not listen there.
    Forbidden,
    /// N304: another fault of the system; see `source`.
    Other,
}

impl BindError {
    pub(crate) fn new(source: io::Error) -> Self {
        Self { source }
    }

    /// What is wrong.
    pub fn kind(&self) -> BindErrorKind {
        match self.source.kind() {
            io::ErrorKind::AddrInUse => BindErrorKind::InUse,
            io::ErrorKind::AddrNotAvailable | io::ErrorKind::InvalidInput => BindErrorKind::NotAvailable,
            io::ErrorKind::PermissionDenied => BindErrorKind::Forbidden,
            _ => BindErrorKind::Other,
        }
    }

    /// The stable code, `N301` to `N304`.
    pub fn code(&self) -> &'static str {
        self.parts().0
    }

    /// What to do about it.
    pub fn suggestion(&self) -> &'static str {
        self.parts().2
    }

    fn parts(&self) -> (&'static str, &'static str, &'static str) {
        match self.kind() {
            BindErrorKind::InUse => {
                ("N301", "the address is in use", "does another process listen there already?")
            }
            BindErrorKind::NotAvailable => (
                "N302",
                "the address is not one of this machine",
                "give one such as 0.0.0.0:2575 or 127.0.0.1:2575",
            ),
            BindErrorKind::Forbidden => {
                ("N303", "this user may not listen there", "take a port above 1023, or ask for the right")
            }
            BindErrorKind::Other => {
                ("N304", "the address cannot be listened at", "the system's own error says more")
            }
        }
    }
}

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (code, what, suggestion) = self.parts();
        write!(f, "{code}: {what}; {suggestion}")
    }
}

impl std::error::Error for BindError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

/// Why serving ended other than in order.
#[derive(Debug)]
pub struct ServeError {
    kind: ServeErrorKind,
    source: Option<io::Error>,
}

/// The kinds of [`ServeError`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum ServeErrorKind {
    /// N311: the listening socket failed; see `source`.
    Listener,
    /// N312: so many connections were cut at the end of the time for shutdown. Messages that they were on are not answered.
    Undrained(usize),
}

impl ServeError {
    pub(crate) fn listener(source: io::Error) -> Self {
        Self { kind: ServeErrorKind::Listener, source: Some(source) }
    }

    pub(crate) fn undrained(connections: usize) -> Self {
        Self { kind: ServeErrorKind::Undrained(connections), source: None }
    }

    /// What is wrong.
    pub fn kind(&self) -> ServeErrorKind {
        self.kind
    }

    /// The stable code, `N311` or `N312`.
    pub fn code(&self) -> &'static str {
        match self.kind {
            ServeErrorKind::Listener => "N311",
            ServeErrorKind::Undrained(_) => "N312",
        }
    }

    /// What to do about it.
    pub fn suggestion(&self) -> &'static str {
        match self.kind {
            ServeErrorKind::Listener => "the system's own error says more; bind anew",
            ServeErrorKind::Undrained(_) => {
                "the senders send again; raise ServerBuilder::drain_timeout above the handler's time"
            }
        }
    }
}

impl fmt::Display for ServeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = self.code();
        match self.kind {
            ServeErrorKind::Listener => write!(f, "{code}: the listening socket failed")?,
            ServeErrorKind::Undrained(connections) => {
                write!(f, "{code}: {connections} connections were cut at shutdown")?;
            }
        }
        write!(f, "; {}", self.suggestion())
    }
}

impl std::error::Error for ServeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|why| why as &(dyn std::error::Error + 'static))
    }
}
