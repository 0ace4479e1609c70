//! Which senders a listener takes messages from.

use std::sync::{Arc, PoisonError, RwLock};

use rustls::client::danger::HandshakeSignatureValid;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};

use super::certificate;
use crate::identity::{Fingerprint, PeerIdentity};

/// The certificates that a listener takes, of those that its authorities have issued.
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

    fn holds(&self, identity: &PeerIdentity) -> bool {
        let is_named = |name: &String| self.names.iter().any(|listed| listed.eq_ignore_ascii_case(name));
        identity.names().iter().any(is_named) || self.fingerprints.iter().any(|it| identity.is(it))
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

    fn holds(&self, identity: &PeerIdentity) -> bool {
        let list = self.list.read().unwrap_or_else(PoisonError::into_inner);
        list.as_ref().is_none_or(|list| list.holds(identity))
    }
}

/// The authorities' word, and then the list's.
#[derive(Debug)]
pub(crate) struct Admission {
    pub(crate) authorities: Arc<dyn ClientCertVerifier>,
    pub(crate) allowed: Allowed,
}

impl ClientCertVerifier for Admission {
    fn offer_client_auth(&self) -> bool {
        self.authorities.offer_client_auth()
    }

    fn client_auth_mandatory(&self) -> bool {
        self.authorities.client_auth_mandatory()
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.authorities.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let verified = self.authorities.verify_client_cert(end_entity, intermediates, now)?;
        let identity = certificate::read(end_entity).ok_or(CertificateError::BadEncoding)?;
        match self.allowed.holds(&identity) {
            true => Ok(verified),
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
        self.authorities.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.authorities.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.authorities.supported_verify_schemes()
    }
}
