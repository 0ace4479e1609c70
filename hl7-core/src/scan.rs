//! Finding the n-th delimiter of a piece of text: the one loop that reading a field costs.

const LOW: u64 = 0x7F7F_7F7F_7F7F_7F7F;
const ONES: u64 = 0x0101_0101_0101_0101;

/// The byte offset just behind the `n`-th `needle` of `hay`, or `None` when there are fewer. `n` of 0 is the start.
///
/// Whole words are counted eight bytes at a time; only the word in which the count is reached is looked at by byte.
pub(crate) fn behind_nth(hay: &[u8], needle: u8, n: usize) -> Option<usize> {
    if n == 0 {
        return Some(0);
    }
    let mut left = n;
    let mut words = hay.chunks_exact(8);
    let mut offset = 0;
    for word in words.by_ref() {
        let found = count_in_word(word, needle);
        if found >= left {
            return position_in(word, needle, left).map(|at| offset + at + 1);
        }
        left -= found;
        offset += 8;
    }
    position_in(words.remainder(), needle, left).map(|at| offset + at + 1)
}

/// Finds every place in a text where one of five bytes stands, eight bytes at a time.
#[derive(Clone)]
pub(crate) struct Marks<'t> {
    /// What was not looked at, but for the word at hand.
    rest: &'t [u8],
    /// Each needle in every byte.
    needles: [u64; 5],
    /// Where the word at hand starts.
    word: usize,
    marks: u64,
}

impl<'t> Marks<'t> {
    pub(crate) fn new(hay: &'t [u8], needles: [u8; 5]) -> Self {
        let needles = needles.map(|needle| ONES * u64::from(needle));
        let mut marks = Self { rest: hay, needles, word: 0, marks: 0 };
        marks.look();
        marks
    }

    /// Takes a word.
    #[inline]
    fn look(&mut self) {
        let word = match self.rest.split_first_chunk::<8>() {
            Some((word, rest)) => {
                self.rest = rest;
                *word
            }
            None => {
                let mut padded = [0; 8];
                padded.iter_mut().zip(self.rest).for_each(|(to, from)| *to = *from);
                self.rest = &[];
                padded
            }
        };
        let word = u64::from_le_bytes(word);
        self.marks = self.needles.iter().fold(0, |marks, needle| marks | zero_bytes(word ^ needle));
    }
}

impl Iterator for Marks<'_> {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        while self.marks == 0 {
            if self.rest.is_empty() {
                return None;
            }
            self.word += 8;
            self.look();
        }
        let at = self.word + self.marks.trailing_zeros() as usize / 8;
        self.marks &= self.marks - 1;
        Some(at)
    }
}

/// The top bit of each byte that is zero: no carry crosses a byte.
#[inline]
fn zero_bytes(word: u64) -> u64 {
    !(((word & LOW) + LOW) | word | LOW)
}

/// How many bytes of an eight-byte word equal `needle`.
fn count_in_word(word: &[u8], needle: u8) -> usize {
    found_in_word(word, needle).count_ones() as usize
}

/// The top bit of each byte of an eight-byte word that equals `needle`, the first byte lowest.
fn found_in_word(word: &[u8], needle: u8) -> u64 {
    let Ok(bytes) = <[u8; 8]>::try_from(word) else { return 0 };
    zero_bytes(u64::from_le_bytes(bytes) ^ (ONES * u64::from(needle)))
}

/// Appends where the first `most` of `needle` stand in `hay`, each as that many bytes behind `base`.
pub(crate) fn places(hay: &[u8], needle: u8, base: u32, most: usize, places: &mut Vec<u32>) {
    let end = places.len() + most;
    let mut words = hay.chunks_exact(8);
    let mut offset = base;
    for word in words.by_ref() {
        let mut marks = found_in_word(word, needle);
        while marks != 0 {
            places.push(offset + marks.trailing_zeros() / 8);
            marks &= marks - 1;
        }
        offset += 8;
        if places.len() >= end {
            return places.truncate(end);
        }
    }
    let rest = words.remainder().iter().zip(offset..).filter(|&(&byte, _)| byte == needle);
    places.extend(rest.map(|(_, at)| at));
    places.truncate(end);
}

/// Where the `n`-th (from 1) `needle` of `hay` stands.
fn position_in(hay: &[u8], needle: u8, n: usize) -> Option<usize> {
    let mut left = n;
    hay.iter().position(|&byte| {
        left -= usize::from(byte == needle);
        left == 0
    })
}

/// Where the first `needle` of `hay` stands: by byte at first (most fields are short), then by `memchr`.
pub(crate) fn first(hay: &[u8], needle: u8) -> Option<usize> {
    let head = hay.get(..SHORT).unwrap_or(hay);
    match head.iter().position(|&byte| byte == needle) {
        Some(at) => Some(at),
        None if head.len() == hay.len() => None,
        None => memchr::memchr(needle, hay.get(SHORT..)?).map(|at| at + SHORT),
    }
}

/// Bytes after which a scan that looks at each byte gives way to `memchr`.
const SHORT: usize = 128;

/// Which bytes can be a delimiter: ASCII punctuation.
const MAY_DELIMIT: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 128 {
        table[byte] = (byte as u8).is_ascii_punctuation();
        byte += 1;
    }
    table
};

/// Where the first `needle` of `hay` stands, and whether none of `inner` stands before it. Where that takes a look at more than a
/// short piece, the second answer is no without a look.
pub(crate) fn first_and_plain(hay: &[u8], needle: u8, inner: [u8; 4]) -> (Option<usize>, bool) {
    let [a, b, c, d] = inner;
    let mut plain = true;
    let head = hay.get(..SHORT).unwrap_or(hay);
    for (at, &byte) in head.iter().enumerate() {
        if !MAY_DELIMIT[usize::from(byte)] {
            continue;
        }
        if byte == needle {
            return (Some(at), plain);
        }
        plain &= !(byte == a || byte == b || byte == c || byte == d);
    }
    match hay.get(SHORT..) {
        None | Some([]) => (None, plain),
        Some(tail) => (memchr::memchr(needle, tail).map(|at| at + SHORT), false),
    }
}

/// What [`nth_before`] finds.
pub(crate) enum Near {
    /// From here to there, and whether none of `inner` stands between.
    Found(usize, usize, bool),
    /// There are fewer parts.
    Absent,
    /// Not within a short distance: another way of looking is faster.
    Far,
}

/// The `n`-th part, from 1, between `needle` in what stands before the first of `ends`, in one pass.
pub(crate) fn nth_before(hay: &[u8], needle: u8, n: usize, ends: [u8; 2], inner: [u8; 2]) -> Near {
    let (mut start, mut left, mut plain) = (0, n, true);
    let head = hay.get(..SHORT).unwrap_or(hay);
    for (at, &byte) in head.iter().enumerate() {
        if !MAY_DELIMIT[usize::from(byte)] {
            continue;
        }
        if byte == ends[0] || byte == ends[1] {
            return if left == 1 { Near::Found(start, at, plain) } else { Near::Absent };
        }
        if byte == needle {
            if left == 1 {
                return Near::Found(start, at, plain);
            }
            (start, left, plain) = (at + 1, left - 1, true);
        }
        plain &= byte != inner[0] && byte != inner[1];
    }
    match head.len() == hay.len() {
        true if left == 1 => Near::Found(start, hay.len(), plain),
        true => Near::Absent,
        false => Near::Far,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn slow(hay: &[u8], needle: u8, n: usize) -> Option<usize> {
        if n == 0 {
            return Some(0);
        }
        hay.iter().enumerate().filter(|&(_, &b)| b == needle).nth(n - 1).map(|(at, _)| at + 1)
    }

    proptest! {
        #[test]
        fn agrees_with_the_plain_scan(hay in proptest::collection::vec(prop_oneof![Just(b'|'), Just(b'}'), any::<u8>()], 0..300), n in 0usize..60) {
            prop_assert_eq!(behind_nth(&hay, b'|', n), slow(&hay, b'|', n));
            prop_assert_eq!(first(&hay, b'|'), hay.iter().position(|&b| b == b'|'));
            let mut all = vec![0];
            places(&hay, b'|', 7, n, &mut all);
            let slow = hay.iter().zip(7..).filter(|&(&b, _)| b == b'|').map(|(_, at)| at).take(n);
            prop_assert!(all.into_iter().skip(1).eq(slow));
        }

        #[test]
        fn marks_are_every_place_of_each_needle(hay in proptest::collection::vec(prop_oneof![any::<u8>(), Just(b'|'), Just(b'~')], 0..80)) {
            let needles = [b'|', b'^', b'~', 0xFF, b'&'];
            let slow = hay.iter().enumerate().filter(|(_, byte)| needles.contains(byte)).map(|(at, _)| at);
            proptest::prop_assert!(Marks::new(&hay, needles).eq(slow));
        }

        #[test]
        fn plain_is_said_of_nothing_else(hay in proptest::collection::vec(prop_oneof![4 => any::<u8>(), 1 => Just(b'|'), 1 => Just(b'^')], 0..200)) {
            let (end, plain) = first_and_plain(&hay, b'|', *b"^~&\\");
            prop_assert_eq!(end, hay.iter().position(|&b| b == b'|'));
            let before = &hay[..end.unwrap_or(hay.len())];
            let inner = before.iter().any(|b| b"^~&\\".contains(b));
            let right = if before.len() < SHORT { plain != inner } else { !plain || !inner };
            prop_assert!(right);
        }
    }
}
