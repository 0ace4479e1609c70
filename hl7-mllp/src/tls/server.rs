//! The listener's side of TLS.

use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::sign::SingleCertAndKey;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::{TlsAcceptor, TlsStream};

use super::allow::{Admission, AllowList, Allowed};
use super::certificate;
use super::error::{TlsError, TlsErrorKind};
use super::pem::{self, Pem};
use super::reloading::Reloading;
use crate::codec::DecoderOptions;
use crate::identity::PeerIdentity;
use crate::rustls_fault::handshake_fault;
use crate::stream::Stream;
use crate::tls_fault::TlsFault;
use crate::wire::Wire;

/// How a listener secures its connections; see [`crate::ServerBuilder::tls`]. Cloning it shares it.
#[derive(Clone, Debug)]
pub struct ServerTls {
    setup: Arc<Reloading<Setup>>,
    allowed: Allowed,
    handshake_timeout: Duration,
    pub(crate) max_handshakes: usize,
}

/// What is made of the files.
struct Setup {
    config: Arc<ServerConfig>,
    not_after: Option<SystemTime>,
}

impl ServerTls {
    /// Begins with this cryptography, the listener's certificate, with those between it and the authority behind it, and its key.
    pub fn builder(provider: Arc<CryptoProvider>, chain: Pem, key: Pem) -> ServerTlsBuilder {
        ServerTlsBuilder {
            provider,
            own: [chain, key],
            client_authorities: Vec::new(),
            is_optional: false,
            allowed: None,
            handshake_timeout: ServerTlsBuilder::HANDSHAKE_TIMEOUT,
            max_handshakes: ServerTlsBuilder::MAX_HANDSHAKES,
        }
    }

    /// Until when the listener's certificate is valid.
    pub fn not_after(&self) -> Option<SystemTime> {
        self.setup.held().not_after
    }

    /// The code of the [`TlsError`] for which changed files are not in use; `None` when all is well.
    pub fn reload_fault(&self) -> Option<&'static str> {
        self.setup.fault()
    }

    /// Takes this list in place of the one there is, from the next connection on; `None` lets in whoever the authorities vouch for, without any
    /// nobody. Connections that stand go on. A listener that was made with neither authority nor list asks for no certificate, whatever is given here.
    pub fn allow(&self, list: impl Into<Option<AllowList>>) {
        self.allowed.set(list.into());
    }

    /// How long a handshake is left in peace when others wait for its place.
    pub(crate) fn grace(&self) -> Duration {
        self.handshake_timeout / 5
    }

    /// Secures a connection that was accepted.
    pub(crate) async fn secure(
        &self,
        tcp: TcpStream,
    ) -> Result<(Stream, Option<PeerIdentity>), (TlsFault, Option<io::Error>)> {
        let (why, tcp) = match timeout(self.handshake_timeout, self.handshake(tcp)).await {
            Ok(Ok(done)) => return Ok(done),
            Ok(Err(failed)) => failed,
            Err(_) => return Err((TlsFault::TimedOut, None)),
        };
        // In order, so that the sender learns why.
        Wire::new(Stream::Tcp(tcp), DecoderOptions::new()).close().await;
        Err((handshake_fault(&why), Some(why)))
    }

    async fn handshake(
        &self,
        tcp: TcpStream,
    ) -> Result<(Stream, Option<PeerIdentity>), (io::Error, TcpStream)> {
        let config = self.setup.current().await.config.clone();
        let stream = TlsAcceptor::from(config).accept(tcp).into_fallible().await?;
        let certificate = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
        let identity = certificate.and_then(|der| certificate::read(der));
        Ok((Stream::secure(TlsStream::Server(stream)), identity))
    }
}

/// Makes a [`ServerTls`].
#[derive(Debug)]
pub struct ServerTlsBuilder {
    provider: Arc<CryptoProvider>,
    own: [Pem; 2],
    client_authorities: Vec<Pem>,
    is_optional: bool,
    allowed: Option<AllowList>,
    handshake_timeout: Duration,
    max_handshakes: usize,
}

impl ServerTlsBuilder {
    /// The default deadline for a handshake: 10 seconds, which is many round trips of the slowest network.
    pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
    /// The default limit on handshakes under way: 128. A handshake takes milliseconds and some round trips.
    pub const MAX_HANDSHAKES: usize = 128;

    /// Adds certificate authorities of senders: from now on a sender has to show a certificate of one of them (mutual TLS). Without any, no
    /// certificate is asked for.
    pub fn client_authority(mut self, certificates: Pem) -> Self {
        self.client_authorities.push(certificates);
        self
    }

    /// Lets in a sender without a certificate too. The handler sees it: [`crate::Request::identity`] is `None`. One that is shown has to
    /// be good all the same.
    pub fn client_certificate_is_optional(mut self) -> Self {
        self.is_optional = true;
        self
    }

    /// Only these certificates, of those of [`ServerTlsBuilder::client_authority`]. Without an authority the listener asks for a certificate too, and its
    /// fingerprint has to be on the list: so senders with certificates that they signed themselves are let in.
    pub fn allow(mut self, list: AllowList) -> Self {
        self.allowed = Some(list);
        self
    }

    /// How long a handshake may take.
    pub fn handshake_timeout(mut self, time: Duration) -> Self {
        self.handshake_timeout = time;
        self
    }

    /// The most handshakes under way at a time. Connections count among [`crate::ServerBuilder::max_connections`] only when theirs is done. One more
    /// waits for a place. When none becomes free the one that has been under way longest is cut, once it has had a fifth of
    /// [`ServerTlsBuilder::handshake_timeout`]: those who do not go on hold up nobody for long, and when many honest senders come at a time none is cut.
    pub fn max_handshakes(mut self, handshakes: usize) -> Self {
        self.max_handshakes = handshakes.max(1);
        self
    }

    /// Reads the files.
    ///
    /// # Errors
    /// When a file cannot be read or does not hold what it should, the key is not the certificate's, or there is names on the list and no authority that
    /// vouches for them.
    pub fn build(self) -> Result<ServerTls, TlsError> {
        let asks = self.allowed.is_some() || !self.client_authorities.is_empty();
        if self.client_authorities.is_empty() && self.allowed.as_ref().is_some_and(AllowList::has_names) {
            return Err(TlsError::new(TlsErrorKind::NoTrust));
        }
        let allowed = Allowed::default();
        allowed.set(self.allowed);
        let (provider, is_optional, list) = (self.provider, self.is_optional, allowed.clone());
        let make = move |texts: &[Vec<u8>]| {
            let [chain, key, authorities @ ..] = texts else {
                return Err(TlsError::new(TlsErrorKind::NoCertificate));
            };
            let admission = match asks {
                true => Some(admission(authorities, is_optional, &list, &provider)?),
                false => None,
            };
            setup([chain, key], admission, &provider)
        };
        let sources = self.own.into_iter().chain(self.client_authorities).collect();
        Ok(ServerTls {
            setup: Arc::new(Reloading::new(sources, Box::new(make))?),
            allowed,
            handshake_timeout: self.handshake_timeout,
            max_handshakes: self.max_handshakes,
        })
    }
}

fn setup(
    [chain, key]: [&[u8]; 2],
    admission: Option<Admission>,
    provider: &Arc<CryptoProvider>,
) -> Result<Setup, TlsError> {
    let config = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|why| TlsError::new(TlsErrorKind::Provider).because(why))?;
    let config = match admission {
        None => config.with_no_client_auth(),
        Some(admission) => config.with_client_cert_verifier(Arc::new(admission)),
    };
    let own = pem::certified_key(chain, key, provider)?;
    let not_after = own.cert.first().and_then(|der| certificate::read(der)).map(|it| it.not_after());
    let mut config = config.with_cert_resolver(Arc::new(SingleCertAndKey::from(own)));
    // Every connection shows its certificate anew: no session outlives the permission it was made under.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(Setup { config: Arc::new(config), not_after })
}

fn admission(
    authorities: &[Vec<u8>],
    is_optional: bool,
    allowed: &Allowed,
    provider: &Arc<CryptoProvider>,
) -> Result<Admission, TlsError> {
    let authorities = match authorities {
        [] => None,
        some => {
            let roots = Arc::new(pem::authorities(some)?);
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider.clone()).build();
            Some(verifier.map_err(|why| TlsError::new(TlsErrorKind::Authority).because(why))?)
        }
    };
    Ok(Admission { authorities, allowed: allowed.clone(), is_optional, provider: provider.clone() })
}
