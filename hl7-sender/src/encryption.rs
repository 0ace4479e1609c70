//! Sealing by XChaCha20-Poly1305: authenticated, and with nonces so long that random ones never meet, however long a key is used.
//!
//! Sealed bytes are `MAGIC`, the format (1), the length of the key's name, the name, 24 bytes of nonce, and the encrypted text with its tag of 16 bytes.
//! All that stands before the text, and what it belongs to, is authenticated with it.

use chacha20poly1305::XChaCha20Poly1305;
use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use zeroize::Zeroizing;

use crate::digest;
use crate::id;
use crate::key::{Key, KeyId, Keys};
use crate::seal::{Cipher, MAGIC, Naming, Owner, Sealer, Shut};

const FORMAT: u8 = 1;
const NONCE: usize = 24;

/// Encryption by the program's keys.
pub(crate) struct Encryption {
    pub(crate) keys: Box<dyn Keys>,
}

/// What seals one text: with a nonce of its own, which is drawn before there is a text, so that sealing cannot fail for want of one.
struct Once {
    cipher: XChaCha20Poly1305,
    header: Vec<u8>,
    nonce: [u8; NONCE],
}

/// Sealed bytes, taken apart.
struct Parts<'a> {
    header: &'a [u8],
    key: KeyId,
    nonce: [u8; NONCE],
    text: &'a [u8],
}

impl Cipher for Encryption {
    fn sealer(&self) -> Option<Box<dyn Sealer>> {
        let current = self.keys.current();
        let key = self.keys.key(&current)?;
        Some(Box::new(Once { cipher: cipher(&key), header: header(&current)?, nonce: id::random()? }))
    }

    fn open(&self, owner: Owner<'_>, sealed: &[u8]) -> Result<Vec<u8>, Shut> {
        let parts = parts(sealed).ok_or(Shut::Misfit)?;
        let key = self.keys.key(&parts.key).ok_or(Shut::NoKey)?;
        let aad = authenticated(parts.header, owner);
        let payload = Payload { msg: parts.text, aad: &aad };
        cipher(&key).decrypt(&parts.nonce.into(), payload).map_err(|_| Shut::Misfit)
    }

    fn namings(&self) -> Option<Vec<Naming>> {
        let naming = |id| self.keys.key(&id).map(|key| naming(&key));
        let current = naming(self.keys.current())?;
        Some(std::iter::once(current).chain(self.keys.former().into_iter().filter_map(naming)).collect())
    }
}

impl Sealer for Once {
    fn seal(self: Box<Self>, owner: Owner<'_>, bytes: &[u8]) -> Option<Vec<u8>> {
        let aad = authenticated(&self.header, owner);
        // Only a text of more than 256 GiB is refused.
        let text = self.cipher.encrypt(&self.nonce.into(), Payload { msg: bytes, aad: &aad }).ok()?;
        Some([&self.header, &self.nonce[..], &text].concat())
    }
}

/// The key that seals is not the one that names, so that neither says anything of the other.
fn cipher(key: &Key) -> XChaCha20Poly1305 {
    let derived = Zeroizing::new(digest::of_parts("sealing key", &[key.bytes()]));
    XChaCha20Poly1305::new((&*derived).into())
}

fn naming(key: &Key) -> Naming {
    let derived = Zeroizing::new(digest::of_parts("naming key", &[key.bytes()]));
    Naming(Some(Box::new(move |name| digest::of_parts("keyed name", &[&*derived, name]))))
}

fn header(key: &KeyId) -> Option<Vec<u8>> {
    let name = key.as_str().as_bytes();
    let length = u8::try_from(name.len()).ok()?;
    Some([MAGIC, &[FORMAT, length], name].concat())
}

fn parts(sealed: &[u8]) -> Option<Parts<'_>> {
    let (format, rest) = sealed.strip_prefix(MAGIC)?.split_first()?;
    let (length, rest) = rest.split_first()?;
    let (name, rest) = rest.split_at_checked(usize::from(*length))?;
    let (nonce, text) = rest.split_at_checked(NONCE)?;
    let header = sealed.get(..sealed.len() - rest.len())?;
    let key = std::str::from_utf8(name).ok()?.parse().ok()?;
    (*format == FORMAT).then_some(Parts { header, key, nonce: nonce.try_into().ok()?, text })
}

fn authenticated(header: &[u8], owner: Owner<'_>) -> Vec<u8> {
    let (kind, name): (u8, &[u8]) = match &owner {
        Owner::Message(key) => (1, key.as_slice()),
        Owner::Answer(key) => (2, key.as_slice()),
        Owner::Acknowledgment(entry) => (3, &entry.to_bytes()),
    };
    [header, &[kind], name].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::EntryId;
    use crate::key::KeyRing;

    const TEXT: &[u8] = b"MSH|^~\\&|A\rPID|1||7\r";
    const OWNER: Owner<'_> = Owner::Message(&[1; 32]);

    fn ring(keys: &[(&str, u8)]) -> Option<Encryption> {
        let mut keys =
            keys.iter().map(|(id, bits)| Some((id.parse().ok()?, Key::from_bytes([*bits; Key::BYTES]))));
        let (id, key) = keys.next()??;
        let ring = KeyRing::new(id, key);
        let ring = keys.try_fold(ring, |ring, key| key.map(|(id, key)| ring.with_former(id, key)))?;
        Some(Encryption { keys: Box::new(ring) })
    }

    fn sealed(by: &Encryption) -> Option<Vec<u8>> {
        by.sealer()?.seal(OWNER, TEXT)
    }

    #[test]
    fn what_is_sealed_opens_with_its_key_and_for_its_owner_only() {
        let old = ring(&[("old", 1)]).expect("a ring");
        let sealed = sealed(&old).expect("sealed");
        assert_eq!(old.open(OWNER, &sealed).as_deref(), Ok(TEXT));
        let rotated = ring(&[("new", 2), ("old", 1)]).expect("a ring");
        assert_eq!(rotated.open(OWNER, &sealed).as_deref(), Ok(TEXT));
        let none = ring(&[("new", 2)]).expect("a ring");
        assert_eq!(none.open(OWNER, &sealed), Err(Shut::NoKey));
        let wrong = ring(&[("old", 3)]).expect("a ring");
        assert_eq!(wrong.open(OWNER, &sealed), Err(Shut::Misfit));
        let others = [
            Owner::Message(&[2; 32]),
            Owner::Answer(&[1; 32]),
            Owner::Acknowledgment(EntryId::from_bytes([1; 16])),
        ];
        for other in others {
            assert_eq!(old.open(other, &sealed), Err(Shut::Misfit));
        }
    }

    #[test]
    fn no_bit_can_be_changed_and_no_byte_cut_off() {
        let by = ring(&[("k", 1)]).expect("a ring");
        let sealed = sealed(&by).expect("sealed");
        for bit in 0..sealed.len() * 8 {
            let mut changed = sealed.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(by.open(OWNER, &changed).is_err(), "bit {bit}");
        }
        for length in 0..sealed.len() {
            assert!(by.open(OWNER, &sealed[..length]).is_err(), "{length} bytes");
        }
    }

    #[test]
    fn the_same_text_is_sealed_differently_each_time_and_named_alike() {
        let by = ring(&[("k", 1)]).expect("a ring");
        assert_ne!(sealed(&by), sealed(&by));
        let name = |by: &Encryption| by.namings().map(|all| all[0].name(&[5; 32]));
        assert_eq!(name(&by), name(&by));
        assert_ne!(name(&by), name(&ring(&[("k", 2)]).expect("a ring")));
        assert_ne!(name(&by), Some([5; 32]));
    }
}
