//! The way to the receiver.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use crate::proxy::Proxy;
use crate::resolver::{Resolver, SystemResolver};

/// How a connection finds the receiver and leaves this machine.
#[derive(Clone)]
pub(crate) struct Route {
    pub(crate) resolver: Arc<dyn Resolver>,
    pub(crate) source: Option<IpAddr>,
    pub(crate) interface: Option<String>,
    pub(crate) proxy: Option<Proxy>,
    #[cfg(feature = "tls")]
    pub(crate) tls: Option<crate::tls::ClientTls>,
}

impl Default for Route {
    fn default() -> Self {
        Self {
            resolver: Arc::new(SystemResolver),
            source: None,
            interface: None,
            proxy: None,
            #[cfg(feature = "tls")]
            tls: None,
        }
    }
}

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Route");
        shown.field("source", &self.source).field("interface", &self.interface).field("proxy", &self.proxy);
        #[cfg(feature = "tls")]
        shown.field("tls", &self.tls);
        shown.finish_non_exhaustive()
    }
}
