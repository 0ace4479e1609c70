//! What stands between the engine and its store where messages are encrypted: sealing, opening, and the names of requests. Without encryption
//! everything passes as it is.

#![cfg_attr(not(feature = "encryption"), allow(dead_code))] // what only a cipher uses

use std::borrow::Cow;

use crate::digest::Digest;
use crate::error::{StoreError, StoreErrorKind};
use crate::id::EntryId;

/// What sealed bytes begin with. A message begins with `MSH`, so that one is never taken for the other.
pub(crate) const MAGIC: &[u8] = b"\0HL7s";

/// What sealed bytes belong to. They open for it and for nothing else.
#[derive(Clone, Copy)]
pub(crate) enum Owner<'a> {
    /// The message of the request with this key.
    Message(&'a Digest),
    /// What the message that came in with this key was answered.
    Answer(&'a Digest),
    /// What the receiver answered an entry.
    Acknowledgment(EntryId),
}

/// Why sealed bytes do not open.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Shut {
    /// S207: their key is not there.
    NoKey,
    /// S208: not with their key: it is another one than it was, or they belong to something else.
    Misfit,
}

/// Seals one text, and cannot fail any more.
pub(crate) trait Sealer: Send + Sync {
    fn seal(self: Box<Self>, owner: Owner<'_>, bytes: &[u8]) -> Option<Vec<u8>>;
}

/// How messages are encrypted.
pub(crate) trait Cipher: Send + Sync {
    /// What seals under the current key; `None` when there is none.
    fn sealer(&self) -> Option<Box<dyn Sealer>>;
    fn open(&self, owner: Owner<'_>, sealed: &[u8]) -> Result<Vec<u8>, Shut>;
    /// What makes names, under the current key first, then under those before it; `None` when a key is missing.
    fn namings(&self) -> Option<Vec<Naming>>;
}

/// How the names of requests are kept: keyed, so that no guess at a message can be compared with them, or as they are.
pub(crate) struct Naming(pub(crate) Option<Keyed>);

/// Makes a keyed name.
pub(crate) type Keyed = Box<dyn Fn(&Digest) -> Digest + Send + Sync>;

/// The encryption of a sender, if it has one.
#[derive(Default)]
pub(crate) struct Seals(Option<Box<dyn Cipher>>);

/// What will seal an acknowledgment. It is had before a message is sent, so that what is answered can be kept.
pub(crate) struct Ready(Option<Box<dyn Sealer>>);

impl Seals {
    #[cfg(feature = "encryption")]
    pub(crate) fn by(cipher: impl Cipher + 'static) -> Self {
        Self(Some(Box::new(cipher)))
    }

    /// Whether everything passes as it is.
    pub(crate) fn is_off(&self) -> bool {
        self.0.is_none()
    }

    pub(crate) fn ready(&self) -> Result<Ready, Shut> {
        match &self.0 {
            None => Ok(Ready(None)),
            Some(cipher) => cipher.sealer().map(|sealer| Ready(Some(sealer))).ok_or(Shut::NoKey),
        }
    }

    /// The bytes as they were before they were sealed. What was kept without encryption is as it is.
    pub(crate) fn open<'a>(&self, owner: Owner<'_>, kept: &'a [u8]) -> Result<Cow<'a, [u8]>, Shut> {
        match &self.0 {
            _ if !kept.starts_with(MAGIC) => Ok(Cow::Borrowed(kept)),
            None => Err(Shut::NoKey),
            Some(cipher) => cipher.open(owner, kept).map(Cow::Owned),
        }
    }

    /// The namings under which a request can be on record, that of new ones first.
    pub(crate) fn namings(&self) -> Result<Vec<Naming>, Shut> {
        let mut namings = match &self.0 {
            None => Vec::new(),
            Some(cipher) => cipher.namings().ok_or(Shut::NoKey)?,
        };
        namings.push(Naming(None));
        Ok(namings)
    }
}

impl Ready {
    /// The bytes as they are to be kept; none are where they cannot be sealed.
    pub(crate) fn seal(self, owner: Owner<'_>, bytes: Vec<u8>) -> Option<Vec<u8>> {
        match self.0 {
            None => Some(bytes),
            Some(sealer) => sealer.seal(owner, &bytes),
        }
    }
}

impl Naming {
    pub(crate) fn name(&self, digest: &Digest) -> Digest {
        match &self.0 {
            None => *digest,
            Some(keyed) => keyed(digest),
        }
    }
}

impl Shut {
    /// The stable code.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::NoKey => "S207",
            Self::Misfit => "S208",
        }
    }
}

impl From<Shut> for StoreError {
    fn from(_: Shut) -> Self {
        Self::new(StoreErrorKind::Sealed)
    }
}
