//! Webhook secrets: 256 random bits, of which only the SHA-256 is kept.
//!
//! A fast hash is enough because secrets are generated, never chosen: there is nothing to guess.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

/// What a caller sends behind `Bearer`. Shown once, when it is made.
pub(crate) struct Secret(String);

impl Secret {
    /// A new one, of 256 random bits.
    pub(crate) fn generate() -> Result<Self, getrandom::Error> {
        Ok(Self(random_hex::<32>()?))
    }

    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }

    pub(crate) fn hash(&self) -> SecretHash {
        SecretHash::of(self.0.as_bytes())
    }
}

/// The SHA-256 of a secret, as configurations name it: `sha256:` and 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct SecretHash([u8; 32]);

impl SecretHash {
    pub(crate) fn of(secret: &[u8]) -> Self {
        Self(Sha256::digest(secret).into())
    }

    /// Compares in constant time.
    pub(crate) fn is(&self, other: &Self) -> Choice {
        self.0.ct_eq(&other.0)
    }
}

impl fmt::Display for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sha256:")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash(..)")
    }
}

impl FromStr for SecretHash {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const SHAPE: &str = "a secret is given as its hash: sha256: and 64 hexadecimal digits; `hl7-gateway keys new` makes both";
        let digits = text.trim().strip_prefix("sha256:").ok_or(SHAPE)?;
        from_hex(digits).map(Self).ok_or(SHAPE)
    }
}

/// `N` bytes of twice as many hexadecimal digits.
pub(crate) fn from_hex<const N: usize>(digits: &str) -> Option<[u8; N]> {
    if digits.len() != 2 * N || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, at) in bytes.iter_mut().zip((0..).step_by(2)) {
        *byte = digits.get(at..at + 2).and_then(|two| u8::from_str_radix(two, 16).ok())?;
    }
    Some(bytes)
}

/// `N` random bytes as hexadecimal digits.
pub(crate) fn random_hex<const N: usize>() -> Result<String, getrandom::Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_reads_back_as_it_is_shown() {
        let secret = Secret::generate().unwrap();
        let hash = secret.hash();
        assert_eq!(hash.to_string().parse::<SecretHash>(), Ok(hash));
        assert!(bool::from(hash.is(&SecretHash::of(secret.reveal().as_bytes()))));
        assert!(!bool::from(hash.is(&SecretHash::of(b"another"))));
        assert!(!format!("{hash:?}").contains(&hash.to_string()[7..15]));
    }

    #[test]
    fn anything_else_is_not_a_hash() {
        for text in
            ["", "secret", "sha256:", "sha256:12", &format!("sha256:{}", "g".repeat(64)), &"a".repeat(64)]
        {
            assert!(text.parse::<SecretHash>().is_err(), "{text}");
        }
    }
}
