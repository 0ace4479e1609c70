//! Which receivers a client trusts.

use std::sync::Arc;
use std::time::Duration;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

use super::certificate;
use super::error::{TlsError, TlsErrorKind};
use crate::identity::{Fingerprint, PeerIdentity};

/// Authorities, pins, or both.
#[derive(Debug)]
pub(crate) struct Trust {
    authorities: Option<Arc<WebPkiServerVerifier>>,
    pins: Vec<Fingerprint>,
    provider: Arc<CryptoProvider>,
}

impl Trust {
    pub(crate) fn new(
        authorities: RootCertStore,
        pins: Vec<Fingerprint>,
        provider: Arc<CryptoProvider>,
    ) -> Result<Self, TlsError> {
        if authorities.is_empty() {
            return match pins.is_empty() {
                true => Err(TlsError::new(TlsErrorKind::NoTrust)),
                false => Ok(Self { authorities: None, pins, provider }),
            };
        }
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(authorities), provider.clone());
        let verifier = verifier.build().map_err(|why| TlsError::new(TlsErrorKind::Authority).because(why))?;
        Ok(Self { authorities: Some(verifier), pins, provider })
    }

    fn check_pins(&self, identity: &PeerIdentity) -> Result<(), CertificateError> {
        if self.pins.is_empty() || self.pins.iter().any(|pin| identity.is(pin)) {
            return Ok(());
        }
        Err(CertificateError::ApplicationVerificationFailure)
    }
}

impl ServerCertVerifier for Trust {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let identity = certificate::read(end_entity).ok_or(CertificateError::BadEncoding)?;
        match &self.authorities {
            Some(verifier) => {
                verifier.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)?;
            }
            None => check_dates(&identity, now)?,
        }
        self.check_pins(&identity)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

pub(crate) fn check_dates(identity: &PeerIdentity, now: UnixTime) -> Result<(), CertificateError> {
    let now = std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(now.as_secs());
    if now > identity.not_after() {
        return Err(CertificateError::Expired);
    }
    if now < identity.not_before() {
        return Err(CertificateError::NotValidYet);
    }
    Ok(())
}
