//! Names to addresses: the system's way, or the program's own.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;

use tokio::net::lookup_host;

/// What a [`Resolver`] gives: the addresses, in the order in which they are to be tried.
pub type Resolving<'a> = Pin<Box<dyn Future<Output = Result<Vec<SocketAddr>, ResolveError>> + Send + 'a>>;

/// Finds the addresses of a host. It is asked at every connect and its answer is never kept, so that a receiver that moves is followed.
///
/// ```
/// use std::net::SocketAddr;
/// use hl7_mllp::{Resolver, Resolving};
///
/// struct Standby([SocketAddr; 2]);
///
/// impl Resolver for Standby {
///     fn resolve<'a>(&'a self, _host: &'a str, _port: u16) -> Resolving<'a> {
///         Box::pin(async { Ok(self.0.to_vec()) })
///     }
/// }
/// ```
pub trait Resolver: Send + Sync {
    /// The addresses of `host`, with this port. An IP address in place of a name comes here too.
    ///
    /// # Errors
    /// When there is no such name, or the answer is not to be had now; [`ResolveError`] tells the two apart.
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> Resolving<'a>;
}

/// Why a name has no addresses.
#[derive(Debug)]
pub struct ResolveError {
    exists: bool,
    source: Option<io::Error>,
}

impl ResolveError {
    /// The name servers say that there is no such name (NXDOMAIN), or none with an address.
    pub fn no_such_name() -> Self {
        Self { exists: false, source: None }
    }

    /// The name servers gave no answer (SERVFAIL, no network): a later attempt may have one.
    pub fn passing(source: io::Error) -> Self {
        Self { exists: true, source: Some(source) }
    }

    /// Whether a later attempt may succeed without anybody changing the name or the zone.
    pub fn is_passing(&self) -> bool {
        self.exists
    }

    pub(crate) fn into_source(self) -> Option<io::Error> {
        self.source
    }

    /// The system's words are all there is: the standard library hides the code of `getaddrinfo`.
    fn of_the_system(why: io::Error) -> Self {
        let words = why.to_string();
        let exists = !NO_SUCH_NAME.iter().any(|said| words.contains(said));
        Self { exists, source: Some(why) }
    }
}

/// What glibc, musl, macOS and Windows say of a name that is none.
const NO_SUCH_NAME: [&str; 6] = [
    "Name or service not known",
    "No address associated with hostname",
    "Name does not resolve",
    "Name has no usable address",
    "nodename nor servname provided, or not known",
    "No such host is known",
];

impl fmt::Display for ResolveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.exists { "the name servers gave no answer" } else { "there is no such name" })
    }
}

impl std::error::Error for ResolveError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|why| why as &(dyn std::error::Error + 'static))
    }
}

/// The system's resolver, hosts file and search domains included.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct SystemResolver;

impl Resolver for SystemResolver {
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> Resolving<'a> {
        Box::pin(async move {
            let found = lookup_host((host, port)).await.map_err(ResolveError::of_the_system)?;
            Ok(found.collect())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_none_is_told_from_a_passing_fault_by_the_systems_words() {
        let of = |words: &str| {
            let words = format!("failed to lookup address information: {words}");
            ResolveError::of_the_system(io::Error::other(words))
        };
        assert!(!of("Name or service not known").is_passing());
        assert!(!of("nodename nor servname provided, or not known").is_passing());
        assert!(of("Temporary failure in name resolution").is_passing());
        assert!(of("something new").is_passing(), "in doubt it is tried again");
    }
}
