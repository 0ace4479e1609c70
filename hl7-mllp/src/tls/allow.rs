//! Which senders a listener takes messages from.

use std::sync::{Arc, PoisonError, RwLock};

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};

use super::certificate;
use super::trust::check_dates;
use crate::identity::{Fingerprint, PeerIdentity};

/// The certificates that a listener takes, of those that its authorities have issued. Where it has no authority the fingerprints take the place of
/// one, and names, for which nobody vouches, count for nothing.
///
/// ```
/// use hl7_mllp::tls::AllowList;
///
/// let list = AllowList::new().name("lab.example").fingerprint("ab".repeat(32).parse()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default, Debug)]
pub struct AllowList {
    names: Vec<String>,
    fingerprints: Vec<Fingerprint>,
}

impl AllowList {
    /// A list with nobody on it.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds whoever has this subject alternative name: a DNS name, an IP address, a URI or a mail address, whole and without regard to case. A
    /// wildcard is a name like any other.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.names.push(name.into());
        self
    }

    /// Adds the certificate, or all certificates of the key, with this fingerprint.
    pub fn fingerprint(mut self, fingerprint: Fingerprint) -> Self {
        self.fingerprints.push(fingerprint);
        self
    }

    pub(crate) fn has_names(&self) -> bool {
        !self.names.is_empty()
    }

    fn pins(&self, identity: &PeerIdentity) -> bool {
        self.fingerprints.iter().any(|it| identity.is(it))
    }

    fn names(&self, identity: &PeerIdentity) -> bool {
        let is_named = |name: &String| self.names.iter().any(|listed| listed.eq_ignore_ascii_case(name));
        identity.names().iter().any(is_named)
    }
}

/// The list of a listener, which may change while it runs.
#[derive(Clone, Default, Debug)]
pub(crate) struct Allowed {
    list: Arc<RwLock<Option<AllowList>>>,
}

impl Allowed {
    pub(crate) fn set(&self, list: Option<AllowList>) {
        *self.list.write().unwrap_or_else(PoisonError::into_inner) = list;
    }

    /// Whether one that an authority vouches for may come in.
    fn holds(&self, identity: &PeerIdentity) -> bool {
        let list = self.list.read().unwrap_or_else(PoisonError::into_inner);
        list.as_ref().is_none_or(|list| list.pins(identity) || list.names(identity))
    }

    /// Whether one that nobody vouches for may come in.
    fn pins(&self, identity: &PeerIdentity) -> bool {
        let list = self.list.read().unwrap_or_else(PoisonError::into_inner);
        list.as_ref().is_some_and(|list| list.pins(identity))
    }
}

/// The authorities' word where there are any, and the list's.
#[derive(Debug)]
pub(crate) struct Admission {
    pub(crate) authorities: Option<Arc<dyn ClientCertVerifier>>,
    pub(crate) allowed: Allowed,
    pub(crate) is_optional: bool,
    pub(crate) provider: Arc<CryptoProvider>,
}

impl ClientCertVerifier for Admission {
    fn client_auth_mandatory(&self) -> bool {
        !self.is_optional
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.authorities.as_ref().map_or(&[], |authorities| authorities.root_hint_subjects())
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let identity = certificate::read(end_entity).ok_or(CertificateError::BadEncoding)?;
        let is_allowed = match &self.authorities {
            Some(authorities) => {
                authorities.verify_client_cert(end_entity, intermediates, now)?;
                self.allowed.holds(&identity)
            }
            None => {
                check_dates(&identity, now)?;
                self.allowed.pins(&identity)
            }
        };
        match is_allowed {
            true => Ok(ClientCertVerified::assertion()),
            // The sender is told "access denied".
            false => Err(CertificateError::ApplicationVerificationFailure.into()),
        }
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
