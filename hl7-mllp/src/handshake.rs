//! What the handshakes with proxies have in common. None of them reads a byte more than the proxy's answer, so that what
//! follows belongs to the connection.

/// The talk with a proxy before the connection stands.
pub(crate) trait Handshake {
    fn start(&mut self) -> Next;

    /// Takes exactly the bytes that were asked for; `None` when the connection stands.
    fn handle(&mut self, bytes: &[u8]) -> Result<Option<Next>, Fault>;
}

/// What to write, and how many bytes to read then.
pub(crate) struct Next {
    pub(crate) write: Vec<u8>,
    pub(crate) read: usize,
}

/// Why the proxy made no connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fault {
    /// The proxy takes no such credentials, or asks for some.
    Credentials,
    /// The receiver refused the proxy.
    Refused,
    /// The proxy cannot reach the receiver.
    Unreachable,
    /// The proxy says no, with this number of its protocol.
    Denied(u16),
    /// What answers is no such proxy.
    NotAProxy,
}
