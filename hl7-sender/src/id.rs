//! The names of entries and lanes.

use std::fmt;
use std::str::FromStr;
use std::time::{SystemTime, UNIX_EPOCH};

/// The name of one entry: the time it was made, in 48 bits, and 80 random bits, shown as 32 hexadecimal digits.
///
/// It says nothing else about the message and can be logged, put into an address or given to a caller. Names that are made one after the other are
/// near each other, which spares a store much work; who knows one cannot guess another.
///
/// ```
/// let id: hl7_sender::EntryId = "000102030405060708090a0b0c0d0e0f".parse()?;
/// assert_eq!(id.to_string(), "000102030405060708090a0b0c0d0e0f");
/// # Ok::<(), hl7_sender::NotAnEntryId>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EntryId([u8; 16]);

/// The name of one lane: a hash, keyed by a secret of the store, of the destination and the lane key's value.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LaneId([u8; 16]);

impl EntryId {
    /// A new one. Where the operating system gives no randomness, the weaker generator of this process is used: the name has to
    /// be unique, not secret.
    pub fn random() -> Self {
        let random = random().unwrap_or_else(|| fastrand::u128(..).to_be_bytes());
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let (time, random) = (since.as_millis() << 80, u128::from_be_bytes(random) & (u128::MAX >> 48));
        Self((time | random).to_be_bytes())
    }

    /// The name of these bits.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The bits.
    pub fn to_bytes(self) -> [u8; 16] {
        self.0
    }
}

impl LaneId {
    /// The name of these bits.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The bits.
    pub fn to_bytes(self) -> [u8; 16] {
        self.0
    }
}

/// Random bytes of the operating system.
pub(crate) fn random<const N: usize>() -> Option<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).ok().map(|()| bytes)
}

/// S131: a text is not 32 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("S131: not the name of an entry; give 32 hexadecimal digits")]
pub struct NotAnEntryId;

impl NotAnEntryId {
    /// The stable code, `S131`.
    pub fn code(self) -> &'static str {
        "S131"
    }

    /// What to do about it.
    pub fn suggestion(self) -> &'static str {
        "give 32 hexadecimal digits"
    }
}

impl FromStr for EntryId {
    type Err = NotAnEntryId;

    fn from_str(text: &str) -> Result<Self, NotAnEntryId> {
        if text.len() != 32 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(NotAnEntryId);
        }
        u128::from_str_radix(text, 16).map(|bits| Self(bits.to_be_bytes())).map_err(|_| NotAnEntryId)
    }
}

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Debug for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EntryId({self})")
    }
}

impl fmt::Display for LaneId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Debug for LaneId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LaneId({self})")
    }
}
