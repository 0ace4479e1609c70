//! The client's side of TLS.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use rustls::client::{ResolvesClientCert, Resumption};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::ServerName;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, SignatureScheme};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::{TlsConnector, TlsStream};

use super::certificate;
use super::error::{TlsError, TlsErrorKind};
use super::pem::{self, Pem};
use super::reloading::Reloading;
use super::trust::Trust;
use crate::connect_error::{ConnectError, ConnectErrorKind};
use crate::identity::{Fingerprint, PeerIdentity};
use crate::rustls_fault::handshake_fault;
use crate::stream::Stream;
use crate::tls_fault::TlsFault;

/// How a client secures its connections; see [`crate::ClientBuilder::tls`]. Cloning it shares it.
#[derive(Clone, Debug)]
pub struct ClientTls {
    setup: Arc<Reloading<Setup>>,
    server_name: Option<String>,
}

/// What is made of the files.
struct Setup {
    config: ClientConfig,
    not_after: Option<SystemTime>,
}

impl ClientTls {
    /// Begins with this cryptography. An authority or a pin has to follow.
    pub fn builder(provider: Arc<CryptoProvider>) -> ClientTlsBuilder {
        ClientTlsBuilder { provider, authorities: Vec::new(), pins: Vec::new(), own: None, server_name: None }
    }

    /// Until when the client's own certificate is valid; `None` where it has none.
    pub fn not_after(&self) -> Option<SystemTime> {
        self.setup.held().not_after
    }

    /// The code of the [`TlsError`] for which changed files are not in use; `None` when all is well.
    pub fn reload_fault(&self) -> Option<&'static str> {
        self.setup.fault()
    }

    /// Secures a connection to `host`.
    pub(crate) async fn secure(
        &self,
        tcp: TcpStream,
        host: &str,
        deadline: Instant,
    ) -> Result<(Stream, Option<PeerIdentity>), ConnectError> {
        let name = self.server_name.as_deref().unwrap_or(host).to_owned();
        let name = ServerName::try_from(name)
            .map_err(|why| ConnectError::new(ConnectErrorKind::Address).because(why))?;
        let failed = |fault| ConnectError::new(ConnectErrorKind::Tls(fault));
        match timeout_at(deadline, self.handshake(tcp, name)).await {
            Err(_) => Err(failed(TlsFault::TimedOut)),
            Ok(Err((fault, why))) => Err(failed(fault).because(why)),
            Ok(Ok(stream)) => {
                let identity = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
                let identity = identity.and_then(|der| certificate::read(der));
                Ok((Stream::secure(TlsStream::Client(stream)), identity))
            }
        }
    }

    async fn handshake(
        &self,
        tcp: TcpStream,
        name: ServerName<'static>,
    ) -> Result<tokio_rustls::client::TlsStream<TcpStream>, (TlsFault, io::Error)> {
        let mut config = self.setup.current().await.config.clone();
        let own = config.client_auth_cert_resolver.clone();
        let asked = Arc::new(Asked { own, asked: AtomicBool::new(false) });
        config.client_auth_cert_resolver = asked.clone();
        let connected = TlsConnector::from(Arc::new(config)).connect(name, tcp).await;
        connected.map_err(|why| (asked.judge(handshake_fault(&why)), why))
    }
}

/// The client's certificate, and whether the receiver asked for it.
#[derive(Debug)]
struct Asked {
    own: Arc<dyn ResolvesClientCert>,
    asked: AtomicBool,
}

impl Asked {
    /// In TLS 1.2 a receiver that misses a certificate says no more than that the handshake failed.
    fn judge(&self, fault: TlsFault) -> TlsFault {
        match fault {
            TlsFault::NothingInCommon if self.asked.load(Ordering::Relaxed) => TlsFault::CertificateRefused,
            other => other,
        }
    }
}

impl ResolvesClientCert for Asked {
    fn resolve(&self, authorities: &[&[u8]], schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.asked.store(true, Ordering::Relaxed);
        self.own.resolve(authorities, schemes)
    }

    fn has_certs(&self) -> bool {
        self.own.has_certs()
    }
}

/// Makes a [`ClientTls`].
#[derive(Debug)]
pub struct ClientTlsBuilder {
    provider: Arc<CryptoProvider>,
    authorities: Vec<Pem>,
    pins: Vec<Fingerprint>,
    own: Option<(Pem, Pem)>,
    server_name: Option<String>,
}

impl ClientTlsBuilder {
    /// Adds certificate authorities to trust: one or more certificates. Those of the system are not trusted unless given.
    pub fn authority(mut self, certificates: Pem) -> Self {
        self.authorities.push(certificates);
        self
    }

    /// Adds a certificate or a key that the receiver may have. Without an authority it takes the place of one, and of the server's name; with
    /// one, both have to hold. State the next certificate's pin too before the receiver renews.
    pub fn pin(mut self, fingerprint: Fingerprint) -> Self {
        self.pins.push(fingerprint);
        self
    }

    /// The certificate to show, with those between it and the authority behind it, and its key.
    pub fn certificate(mut self, chain: Pem, key: Pem) -> Self {
        self.own = Some((chain, key));
        self
    }

    /// The name that the receiver's certificate has to be for, and that is asked for in the handshake (SNI), where it is not the host that is
    /// connected to.
    pub fn server_name(mut self, name: impl Into<String>) -> Self {
        self.server_name = Some(name.into());
        self
    }

    /// Reads the files.
    ///
    /// # Errors
    /// When a file cannot be read or does not hold what it should, the key is not the certificate's, or nobody would be trusted.
    pub fn build(self) -> Result<ClientTls, TlsError> {
        let Self { provider, authorities, pins, own, server_name } = self;
        let authority_texts = authorities.len();
        let own = own.map(|(chain, key)| [chain, key]);
        let sources = authorities.into_iter().chain(own.into_iter().flatten()).collect();
        let make = move |texts: &[Vec<u8>]| {
            let (authorities, own) = texts.split_at_checked(authority_texts).unwrap_or_default();
            setup(authorities, own, &pins, &provider)
        };
        Ok(ClientTls { setup: Arc::new(Reloading::new(sources, Box::new(make))?), server_name })
    }
}

fn setup(
    authorities: &[Vec<u8>],
    own: &[Vec<u8>],
    pins: &[Fingerprint],
    provider: &Arc<CryptoProvider>,
) -> Result<Setup, TlsError> {
    let trust = Trust::new(pem::authorities(authorities)?, pins.to_vec(), provider.clone())?;
    let config = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|why| TlsError::new(TlsErrorKind::Provider).because(why))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(trust));
    let (mut config, not_after) = match own {
        [chain, key] => {
            let own = pem::certified_key(chain, key, provider)?;
            let not_after = own.cert.first().and_then(|der| certificate::read(der)).map(|it| it.not_after());
            (config.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(own))), not_after)
        }
        _ => (config.with_no_client_auth(), None),
    };
    config.resumption = Resumption::disabled();
    Ok(Setup { config, not_after })
}
