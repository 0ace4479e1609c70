//! The options of a client that concern the way to the receiver.

use std::net::IpAddr;
use std::sync::Arc;

use crate::client::ClientBuilder;
use crate::proxy::Proxy;
use crate::resolver::Resolver;

impl ClientBuilder {
    /// Who resolves names, at every connect. The system unless stated.
    pub fn resolver(mut self, resolver: impl Resolver + 'static) -> Self {
        self.route.resolver = Arc::new(resolver);
        self
    }

    /// The address of this machine to connect from, for receivers and firewalls that look at it. Addresses of the receiver that are of the
    /// other family are then of no use. The system chooses unless stated.
    pub fn source(mut self, address: IpAddr) -> Self {
        self.route.source = Some(address);
        self
    }

    /// The network interface to connect through, such as `eth1`, whatever the routes say. Linux only; elsewhere connecting fails with
    /// [`crate::ConnectErrorKind::Source`].
    pub fn interface(mut self, name: impl Into<String>) -> Self {
        self.route.interface = Some(name.into());
        self
    }

    /// The proxy to connect through. None unless stated: the environment's variables are not looked at.
    pub fn proxy(mut self, proxy: Proxy) -> Self {
        self.route.proxy = Some(proxy);
        self
    }

    /// Secures every connection. A receiver that cannot be spoken to securely is not spoken to. Its handshake is part of
    /// [`ClientBuilder::connect_timeout`].
    #[cfg(feature = "tls")]
    pub fn tls(mut self, tls: crate::tls::ClientTls) -> Self {
        self.route.tls = Some(tls);
        self
    }
}
