//! Who the peer is, as its certificate says.

use std::fmt;
use std::str::FromStr;
use std::time::SystemTime;

/// The SHA-256 of a certificate, or of its public key (SubjectPublicKeyInfo), which stays the same when the certificate is renewed over the
/// same key.
///
/// Read from 64 hexadecimal digits, with colons between the bytes or not, and shown as 64 small ones:
///
/// ```
/// use hl7_mllp::Fingerprint;
///
/// let shown = "ab".repeat(32);
/// let pin: Fingerprint = ["AB"; 32].join(":").parse()?;
/// assert_eq!(pin.to_string(), shown);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// `openssl x509 -in cert.pem -noout -fingerprint -sha256` shows that of a certificate.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint([u8; 32]);

/// The text is no [`Fingerprint`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FingerprintError;

impl Fingerprint {
    /// The fingerprint of these 32 bytes.
    pub const fn new(sha256: [u8; 32]) -> Self {
        Self(sha256)
    }

    /// Its bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl FromStr for Fingerprint {
    type Err = FingerprintError;

    fn from_str(text: &str) -> Result<Self, FingerprintError> {
        let digits: Option<Vec<u32>> = match text.len() {
            64 => text.chars().map(|digit| digit.to_digit(16)).collect(),
            95 if text.split(':').all(|byte| byte.len() == 2) => {
                text.chars().filter(|&digit| digit != ':').map(|digit| digit.to_digit(16)).collect()
            }
            _ => None,
        };
        let bytes: Vec<u8> = digits
            .ok_or(FingerprintError)?
            .chunks(2)
            .filter_map(|pair| u8::try_from(pair.iter().fold(0, |byte, digit| byte * 16 + digit)).ok())
            .collect();
        bytes.try_into().map(Self).map_err(|_| FingerprintError)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for FingerprintError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a SHA-256 fingerprint: 64 hexadecimal digits, with colons between the bytes or not")
    }
}

impl std::error::Error for FingerprintError {}

/// What the peer's certificate says of it. The peer has shown in the handshake that it has the key.
///
/// The names are as the certificate holds them, which was checked against a certificate authority unless the certificate is pinned.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PeerIdentity {
    pub(crate) common_name: Option<String>,
    pub(crate) names: Vec<String>,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) key_fingerprint: Fingerprint,
    pub(crate) not_before: SystemTime,
    pub(crate) not_after: SystemTime,
}

impl PeerIdentity {
    /// The common name (CN) of the subject. Names to decide by are in [`PeerIdentity::names`].
    pub fn common_name(&self) -> Option<&str> {
        self.common_name.as_deref()
    }

    /// The subject alternative names: DNS names, IP addresses, URIs and mail addresses.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The SHA-256 of the certificate.
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// The SHA-256 of its public key.
    pub fn key_fingerprint(&self) -> Fingerprint {
        self.key_fingerprint
    }

    /// Since when the certificate is valid.
    pub fn not_before(&self) -> SystemTime {
        self.not_before
    }

    /// Until when the certificate is valid.
    pub fn not_after(&self) -> SystemTime {
        self.not_after
    }

    #[cfg(feature = "tls")]
    /// Whether this is the certificate or the key of the fingerprint.
    pub(crate) fn is(&self, fingerprint: &Fingerprint) -> bool {
        self.fingerprint == *fingerprint || self.key_fingerprint == *fingerprint
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_read_in_both_spellings_and_in_no_other() {
        let plain = "0123456789abcdefABCDEF0000000000000000000000000000000000000000ff";
        let colons: Vec<String> =
            plain.as_bytes().chunks(2).map(|pair| String::from_utf8_lossy(pair).into_owned()).collect();
        let one: Fingerprint = plain.parse().unwrap();
        assert_eq!(one, colons.join(":").parse().unwrap());
        assert_eq!(one.to_string(), plain.to_lowercase());
        assert_eq!((one.as_bytes()[0], one.as_bytes()[31]), (0x01, 0xFF));
        for bad in ["", "ab", &plain[1..], &format!("{plain}0"), &plain.replace('0', "g"), &colons.join("-")]
        {
            assert_eq!(bad.parse::<Fingerprint>(), Err(FingerprintError), "{bad:?}");
        }
        assert!(":".repeat(95).parse::<Fingerprint>().is_err());
    }
}
