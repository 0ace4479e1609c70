//! The keys of encryption, which the program gives.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use zeroize::Zeroizing;

use crate::shape;

/// The keys that messages are encrypted with. [`KeyRing`] holds them in memory; a program that has them elsewhere, such as in a key service, implements
/// this.
///
/// Each message asks for its key when it is kept and when it is sent: an answer that takes time is to be kept in memory.
///
/// To rotate, a new key becomes the current one and the old ones stay. A key can go when nothing that was sealed under it is kept any more: seven days
/// after the last of its messages was settled ([`crate::Builder::keep_delivered`]), and as long as there are dead letters of that time.
pub trait Keys: Send + Sync + 'static {
    /// The name of the key that seals what is kept from now on. It has to be there.
    fn current(&self) -> KeyId;

    /// The key of this name; `None` when it is not there. A name stands for one key for ever.
    fn key(&self, id: &KeyId) -> Option<Key>;

    /// The keys that were current before, as far as they are there: by them what was kept then is known again when it is repeated.
    fn former(&self) -> Vec<KeyId>;
}

/// The name of a key: one to 64 of `A-Z a-z 0-9 _ . -`. It is stored with what the key has sealed, readable, and shown.
///
/// ```
/// let id: hl7_sender::KeyId = "2026-01".parse()?;
/// assert!("a key".parse::<hl7_sender::KeyId>().is_err());
/// # let _ = id;
/// # Ok::<(), hl7_sender::NotAKeyId>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId(String);

impl KeyId {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for KeyId {
    type Err = NotAKeyId;

    fn from_str(text: &str) -> Result<Self, NotAKeyId> {
        if shape::is_name(text) { Ok(Self(text.to_owned())) } else { Err(NotAKeyId) }
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

/// S134: a text is not the name of a key.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("S134: not the name of a key; give one to 64 of A-Z a-z 0-9 _ . -")]
pub struct NotAKeyId;

impl NotAKeyId {
    /// The stable code, `S134`.
    pub fn code(self) -> &'static str {
        "S134"
    }

    /// What to do about it.
    pub fn suggestion(self) -> &'static str {
        "give one to 64 of A-Z a-z 0-9 _ . -"
    }
}

/// A key: 256 random bits. It is overwritten in memory when it is dropped, and shown nowhere.
#[derive(Clone)]
pub struct Key(Zeroizing<[u8; Key::BYTES]>);

impl Key {
    /// The length of a key.
    pub const BYTES: usize = 32;

    /// The key of these bits. They come from a source of randomness, not from a password.
    pub fn from_bytes(bytes: [u8; Key::BYTES]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    pub(crate) fn bytes(&self) -> &[u8; Key::BYTES] {
        &self.0
    }
}

impl fmt::Debug for Key {
    /// Shows nothing of it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}

/// Keys in memory: the current one, and those before it.
///
/// ```
/// use hl7_sender::{Key, KeyRing};
///
/// # fn read_secret(_: &str) -> [u8; 32] { [7; 32] }
/// let keys = KeyRing::new("2026-07".parse()?, Key::from_bytes(read_secret("2026-07")))
///     .with_former("2026-01".parse()?, Key::from_bytes(read_secret("2026-01")));
/// # let _ = keys;
/// # Ok::<(), hl7_sender::NotAKeyId>(())
/// ```
#[derive(Clone)]
pub struct KeyRing {
    current: KeyId,
    keys: BTreeMap<KeyId, Key>,
}

impl KeyRing {
    /// One key, which is the current one.
    pub fn new(id: KeyId, key: Key) -> Self {
        Self { current: id.clone(), keys: BTreeMap::from([(id, key)]) }
    }

    /// Adds a key that was current before. The current one stays what it is.
    pub fn with_former(mut self, id: KeyId, key: Key) -> Self {
        self.keys.entry(id).or_insert(key);
        self
    }
}

impl Keys for KeyRing {
    fn current(&self) -> KeyId {
        self.current.clone()
    }

    fn key(&self, id: &KeyId) -> Option<Key> {
        self.keys.get(id).cloned()
    }

    fn former(&self) -> Vec<KeyId> {
        self.keys.keys().filter(|id| **id != self.current).cloned().collect()
    }
}

impl fmt::Debug for KeyRing {
    /// Shows the names only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyRing").field("current", &self.current).field("former", &self.former()).finish()
    }
}
