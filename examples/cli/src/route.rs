//! The way from here to a receiver.

use std::net::IpAddr;

use clap::Args;
use hl7_mllp::{ClientBuilder, Proxy};

use crate::failure::Failure;

/// Where the proxy's password comes from: arguments can be seen by everybody on the machine.
const PASSWORD: &str = "HL7_PROXY_PASSWORD";

#[derive(Args)]
pub(crate) struct Route {
    /// Connect through this proxy, which also resolves the receiver's name.
    #[arg(long, value_name = "socks5://HOST:PORT | http://HOST:PORT", value_parser = proxy, help_heading = "Route")]
    proxy: Option<Proxy>,
    /// The user for the proxy. The password is taken from the environment: HL7_PROXY_PASSWORD.
    #[arg(long, value_name = "NAME", requires = "proxy", help_heading = "Route")]
    proxy_user: Option<String>,
    /// Connect from this address of the machine.
    #[arg(long = "from", value_name = "ADDRESS", help_heading = "Route")]
    from: Option<IpAddr>,
    /// Connect through this network interface (Linux).
    #[arg(long, value_name = "NAME", help_heading = "Route")]
    interface: Option<String>,
}

impl Route {
    pub(crate) fn apply(&self, mut client: ClientBuilder) -> Result<ClientBuilder, Failure> {
        if let Some(proxy) = self.proxy.clone() {
            client = client.proxy(match &self.proxy_user {
                None => proxy,
                Some(user) => proxy.credentials(user, password()?),
            });
        }
        if let Some(address) = self.from {
            client = client.source(address);
        }
        if let Some(name) = &self.interface {
            client = client.interface(name);
        }
        Ok(client)
    }
}

fn password() -> Result<String, Failure> {
    std::env::var(PASSWORD)
        .map_err(|_| Failure::outside(format!("error: the environment has no {PASSWORD} for --proxy-user")))
}

fn proxy(text: &str) -> Result<Proxy, String> {
    let is_address = |address: &str| address.contains(':') && !address.contains(['/', '@']);
    match text.split_once("://") {
        Some(("socks5", address)) if is_address(address) => Ok(Proxy::socks5(address)),
        Some(("http", address)) if is_address(address) => Ok(Proxy::http(address)),
        _ => Err("give socks5://HOST:PORT or http://HOST:PORT, and the user with --proxy-user".to_owned()),
    }
}
