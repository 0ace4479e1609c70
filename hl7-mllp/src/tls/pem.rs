//! Certificates and keys in PEM.

use std::fmt;
use std::io::Read as _;
use std::path::PathBuf;

use rustls::RootCertStore;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use super::error::{TlsError, TlsErrorKind};

/// The most bytes of a file. All public authorities together take a quarter of a megabyte.
const MOST_BYTES: u64 = 4 * 1024 * 1024;

/// PEM text, in a file or in memory. A file is read again when it has changed, at each connection.
#[derive(Clone)]
pub struct Pem {
    place: Place,
}

#[derive(Clone)]
enum Place {
    File(PathBuf),
    Memory(Vec<u8>),
}

impl Pem {
    /// The text in this file.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self { place: Place::File(path.into()) }
    }

    /// This text.
    pub fn bytes(text: impl Into<Vec<u8>>) -> Self {
        Self { place: Place::Memory(text.into()) }
    }

    pub(crate) fn is_file(&self) -> bool {
        matches!(self.place, Place::File(_))
    }

    pub(crate) fn read(&self) -> Result<Vec<u8>, TlsError> {
        let path = match &self.place {
            Place::Memory(text) => return Ok(text.clone()),
            Place::File(path) => path,
        };
        let fault = |why: std::io::Error| {
            TlsError::new(TlsErrorKind::File).because(format!("{}: {why}", path.display()))
        };
        let mut text = Vec::new();
        let file = std::fs::File::open(path).map_err(fault)?;
        file.take(MOST_BYTES + 1).read_to_end(&mut text).map_err(fault)?;
        if text.len() as u64 > MOST_BYTES {
            return Err(fault(std::io::ErrorKind::FileTooLarge.into()));
        }
        Ok(text)
    }
}

impl fmt::Debug for Pem {
    /// Shows the file's name, and of text in memory nothing.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::File(path) => f.debug_tuple("File").field(path).finish(),
            Place::Memory(_) => f.write_str("Memory"),
        }
    }
}

pub(crate) fn certificates(text: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let none = || TlsError::new(TlsErrorKind::NoCertificate);
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text).collect();
    // Its errors can quote what they read, which can be a key.
    let certificates = read.map_err(|_| none())?;
    if certificates.is_empty() { Err(none()) } else { Ok(certificates) }
}

pub(crate) fn authorities(texts: &[Vec<u8>]) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for text in texts {
        for certificate in certificates(text)? {
            let fault = |why: rustls::Error| TlsError::new(TlsErrorKind::Authority).because(why);
            roots.add(certificate).map_err(fault)?;
        }
    }
    Ok(roots)
}

pub(crate) fn certified_key(
    chain: &[u8],
    key: &[u8],
    provider: &CryptoProvider,
) -> Result<CertifiedKey, TlsError> {
    let chain = certificates(chain)?;
    let no_key = |_| TlsError::new(TlsErrorKind::NoKey);
    let key = PrivateKeyDer::from_pem_slice(key).map_err(no_key)?;
    CertifiedKey::from_der(chain, key, provider).map_err(|why| match why {
        rustls::Error::InconsistentKeys(_) => TlsError::new(TlsErrorKind::KeyMismatch),
        rustls::Error::InvalidCertificate(_) => TlsError::new(TlsErrorKind::NoCertificate).because(why),
        _ => TlsError::new(TlsErrorKind::NoKey),
    })
}
