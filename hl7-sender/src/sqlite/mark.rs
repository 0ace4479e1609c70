//! How far a store has come, kept beside its file: so that a file that went back is noticed.

use crate::digest;

/// The highest number that a request of this store was given. It stands in the file `.lock`, which no backup holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Mark {
    /// Of the store's secret: another store is not the same one.
    store: u64,
    number: i64,
}

impl Mark {
    /// Of its text.
    pub(super) const LENGTH: usize = 49;

    pub(super) fn new(secret: &[u8], number: i64) -> Self {
        let hash = digest::of_parts("mark", &[secret]);
        let store = hash.iter().take(8).fold(0, |store, byte| (store << 8) | u64::from(*byte));
        Self { store, number }
    }

    pub(super) fn at(self, number: i64) -> Self {
        Self { number, ..self }
    }

    pub(super) fn number(self) -> i64 {
        self.number
    }

    pub(super) fn read(text: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(text).ok()?.strip_suffix('\n')?;
        let mut words = text.split(' ');
        let (name, store, number) = (words.next()?, words.next()?, words.next()?);
        let store = u64::from_str_radix(store, 16).ok()?;
        (name == "hl7-sender").then_some(Self { store, number: number.parse().ok()? })
    }

    pub(super) fn text(self) -> Vec<u8> {
        format!("hl7-sender {:016x} {:020}\n", self.store, self.number).into_bytes()
    }

    /// Whether a store that is here now lacks entries that the one of this mark had.
    pub(super) fn is_ahead_of(self, now: Self) -> bool {
        self.number > 0 && (self.store != now.store || self.number > now.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_read_as_it_was_written_and_nothing_else_is_one() {
        let mark = Mark::new(b"secret", 42);
        assert_eq!(mark.text().len(), Mark::LENGTH);
        assert_eq!(Mark::read(&mark.text()), Some(mark));
        assert_eq!(Mark::read(&Mark::new(b"", i64::MAX).text()).map(|mark| mark.number), Some(i64::MAX));
        for other in [&[0; Mark::LENGTH][..], b"", b"hl7-sender 1\n", b"hl7-sendex 0 1\n", &mark.text()[..40]]
        {
            assert_eq!(Mark::read(other), None);
        }
    }

    #[test]
    fn a_store_that_lacks_entries_or_is_another_is_behind() {
        let mark = |secret: &[u8], number| Mark::new(secret, number);
        assert!(mark(b"a", 2).is_ahead_of(mark(b"a", 1)));
        assert!(!mark(b"a", 2).is_ahead_of(mark(b"a", 2)));
        assert!(mark(b"a", 1).is_ahead_of(mark(b"b", 9)));
        assert!(!mark(b"a", 0).is_ahead_of(mark(b"b", 0)), "nothing was in it");
    }
}
