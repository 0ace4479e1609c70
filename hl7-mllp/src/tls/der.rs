//! As much of DER as a certificate's names and dates need. Whatever does not fit is `None`.

/// A value with its tag.
#[derive(Clone, Copy)]
pub(crate) struct Value<'d> {
    pub(crate) tag: u8,
    pub(crate) content: &'d [u8],
    /// Tag and length included.
    pub(crate) whole: &'d [u8],
}

pub(crate) const OID: u8 = 0x06;
pub(crate) const SEQUENCE: u8 = 0x30;

/// Values one after the other.
#[derive(Clone, Copy)]
pub(crate) struct Values<'d> {
    rest: &'d [u8],
}

impl<'d> Values<'d> {
    pub(crate) fn of(bytes: &'d [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The values inside the next value, which has to have this tag.
    pub(crate) fn inside(&mut self, tag: u8) -> Option<Values<'d>> {
        self.next().filter(|value| value.tag == tag).map(|value| Self::of(value.content))
    }

    /// Passes over the next value if it has this tag.
    pub(crate) fn pass(&mut self, tag: u8) {
        if self.rest.first() == Some(&tag) {
            self.next();
        }
    }
}

impl<'d> Iterator for Values<'d> {
    type Item = Value<'d>;

    fn next(&mut self) -> Option<Value<'d>> {
        let value = value(self.rest);
        self.rest = value.and_then(|value| self.rest.get(value.whole.len()..)).unwrap_or_default();
        value
    }
}

fn value(bytes: &[u8]) -> Option<Value<'_>> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, head) = match first {
        0..=0x7F => (usize::from(first), 2),
        0x81..=0x83 => {
            let digits = rest.get(..usize::from(first & 0x7F))?;
            let length = digits.iter().fold(0, |length, &digit| length << 8 | usize::from(digit));
            (length, 2 + digits.len())
        }
        _ => return None,
    };
    let whole = bytes.get(..head + length)?;
    Some(Value { tag, content: whole.get(head..)?, whole })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_read_in_both_forms_and_what_is_cut_off_is_none() {
        let long = [&[0x04, 0x82, 0x01, 0x00][..], &[7; 256]].concat();
        let both = [&[0x30, 0x01, 0x05][..], &long].concat();
        let values: Vec<_> = Values::of(&both).collect();
        assert_eq!((values[0].tag, values[0].content, values[0].whole.len()), (SEQUENCE, &[5][..], 3));
        assert_eq!((values[1].tag, values[1].content.len(), values[1].whole.len()), (4, 256, 260));
        for end in 0..long.len() {
            assert!(value(&long[..end]).is_none());
        }
        assert!(value(&[0x30, 0x80, 0, 0]).is_none() && value(&[0x30, 0x84, 0, 0, 0, 0]).is_none());
        assert_eq!(Values::of(&[0x30, 0x05, 0]).count(), 0);
    }
}
