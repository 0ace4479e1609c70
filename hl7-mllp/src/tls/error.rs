//! Why certificates, keys and trust cannot be used as they were given.

use std::fmt;

type Source = Box<dyn std::error::Error + Send + Sync>;

/// Why there is no [`super::ClientTls`] or [`super::ServerTls`].
#[derive(Debug)]
pub struct TlsError {
    kind: TlsErrorKind,
    source: Option<Source>,
}

/// The kinds of [`TlsError`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum TlsErrorKind {
    /// N421: a file cannot be read, or is too long for what it should be; see `source`.
    File,
    /// N422: there is no certificate in what was given as such.
    NoCertificate,
    /// N423: there is no private key in what was given as one, or none that can be used.
    NoKey,
    /// N424: the key is not that of the certificate.
    KeyMismatch,
    /// N425: a certificate of an authority cannot be used.
    Authority,
    /// N426: neither an authority nor a pin is given, so that nobody could be trusted.
    NoTrust,
    /// N427: the cryptography provider has nothing for TLS 1.2 or 1.3.
    Provider,
}

impl TlsError {
    pub(crate) fn new(kind: TlsErrorKind) -> Self {
        Self { kind, source: None }
    }

    pub(crate) fn because(mut self, source: impl Into<Source>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What is wrong.
    pub fn kind(&self) -> TlsErrorKind {
        self.kind
    }

    /// The stable code, `N421` to `N427`.
    pub fn code(&self) -> &'static str {
        self.parts().0
    }

    /// What to do about it.
    pub fn suggestion(&self) -> &'static str {
        self.parts().2
    }

    fn parts(&self) -> (&'static str, &'static str, &'static str) {
        use TlsErrorKind as K;
        match self.kind {
            K::File => ("N421", "a file with certificates or a key cannot be read", "the source says why"),
            K::NoCertificate => {
                ("N422", "there is no certificate in it", "give PEM: -----BEGIN CERTIFICATE-----")
            }
            K::NoKey => (
                "N423",
                "there is no private key in it that can be used",
                "give PEM without a pass phrase: PKCS #8, PKCS #1 or SEC 1",
            ),
            K::KeyMismatch => {
                ("N424", "the key is not that of the certificate", "was only one of them renewed?")
            }
            K::Authority => ("N425", "the certificate of an authority cannot be used", "the source says why"),
            K::NoTrust => ("N426", "nobody could be trusted", "give an authority or a pin"),
            K::Provider => ("N427", "the cryptography does not do", "give a provider with TLS 1.2 or 1.3"),
        }
    }
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (code, what, suggestion) = self.parts();
        write!(f, "{code}: {what}; {suggestion}")
    }
}

impl std::error::Error for TlsError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|why| why as &(dyn std::error::Error + 'static))
    }
}
