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
}

impl Default for Route {
    fn default() -> Self {
        Self { resolver: Arc::new(SystemResolver), source: None, interface: None, proxy: None }
    }
}

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Route")
            .field("source", &self.source)
            .field("interface", &self.interface)
            .field("proxy", &self.proxy)
            .finish_non_exhaustive()
    }
}
