//! SHA-256 over parts, each with its length before it, so that two lists of parts never hash alike by running together.

use sha2::{Digest as _, Sha256};

/// A SHA-256 value.
pub type Digest = [u8; 32];

/// The digest of the bytes alone, as `sha256sum` prints it.
pub(crate) fn of_bytes(bytes: &[u8]) -> Digest {
    Sha256::digest(bytes).into()
}

/// The digest of a purpose and its parts.
pub(crate) fn of_parts(purpose: &str, parts: &[&[u8]]) -> Digest {
    let mut hash = Sha256::new();
    for part in [purpose.as_bytes()].iter().chain(parts) {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_do_not_run_together() {
        assert_ne!(of_parts("k", &[b"ab", b"c"]), of_parts("k", &[b"a", b"bc"]));
        assert_ne!(of_parts("k", &[b"a"]), of_parts("l", &[b"a"]));
    }
}
