//! Certificate authorities and certificates for tests, made anew in each.

use std::path::Path;
use std::sync::Arc;

use hl7_mllp::tls::{
    ClientTls, ClientTlsBuilder, CryptoProvider, Fingerprint, Pem, ServerTls, ServerTlsBuilder,
};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use sha2::{Digest, Sha256};

pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

/// An authority, trusted where its certificate is given.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate and its key.
pub(crate) struct Issued {
    pub(crate) pem: String,
    pub(crate) key_pem: String,
    pub(crate) der: CertificateDer<'static>,
    key_der: Vec<u8>,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        params.distinguished_name.push(DnType::CommonName, "Test Authority");
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        Self { issuer }
    }

    pub(crate) fn pem(&self) -> Pem {
        Pem::bytes(self.text())
    }

    pub(crate) fn der(&self) -> CertificateDer<'static> {
        self.issuer.der().clone()
    }

    pub(crate) fn text(&self) -> String {
        self.issuer.pem()
    }

    /// A certificate for localhost.
    pub(crate) fn issue(&self) -> Issued {
        self.issue_with(|_| {})
    }

    /// A certificate for a sender of this name.
    pub(crate) fn issue_to(&self, name: &str) -> Issued {
        self.issue_with(|params| {
            params.subject_alt_names = vec![rcgen::SanType::DnsName(name.try_into().unwrap())];
            params.distinguished_name.push(DnType::CommonName, name);
        })
    }

    pub(crate) fn issue_with(&self, change: impl FnOnce(&mut CertificateParams)) -> Issued {
        let mut params = localhost();
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        issued(&certificate, &key)
    }
}

fn localhost() -> CertificateParams {
    CertificateParams::new(["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap()
}

pub(crate) fn self_signed() -> Issued {
    let key = KeyPair::generate().unwrap();
    issued(&localhost().self_signed(&key).unwrap(), &key)
}

fn issued(certificate: &rcgen::Certificate, key: &KeyPair) -> Issued {
    Issued {
        pem: certificate.pem(),
        key_pem: key.serialize_pem(),
        der: certificate.der().clone(),
        key_der: key.serialize_der(),
    }
}

impl Issued {
    pub(crate) fn chain(&self) -> Pem {
        Pem::bytes(&*self.pem)
    }

    pub(crate) fn key(&self) -> Pem {
        Pem::bytes(&*self.key_pem)
    }

    pub(crate) fn key_der(&self) -> PrivateKeyDer<'static> {
        PrivatePkcs8KeyDer::from(self.key_der.clone()).into()
    }

    pub(crate) fn fingerprint(&self) -> Fingerprint {
        Fingerprint::new(Sha256::digest(&self.der).into())
    }

    /// Writes both files into the folder, under these names.
    pub(crate) fn write(&self, folder: &Path, name: &str) {
        std::fs::write(folder.join(format!("{name}.pem")), &self.pem).unwrap();
        std::fs::write(folder.join(format!("{name}.key")), &self.key_pem).unwrap();
    }
}

/// A listener's side with this certificate.
pub(crate) fn serving(own: &Issued) -> ServerTlsBuilder {
    ServerTls::builder(provider(), own.chain(), own.key())
}

/// A client's side.
pub(crate) fn trusting(authority: &Authority) -> ClientTlsBuilder {
    ClientTls::builder(provider()).authority(authority.pem())
}
