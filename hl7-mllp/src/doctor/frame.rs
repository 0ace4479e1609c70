//! What was heard, cut into blocks and what is none. Unlike the decoder this keeps every fault, to name it.

/// The start block character.
pub(super) const START: u8 = 0x0B;
/// The end block character.
pub(super) const END: u8 = 0x1C;
/// The carriage return behind it.
pub(super) const CR: u8 = 0x0D;

/// A part of what was heard.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Part<'a> {
    /// Bytes that belong to no block.
    Outside(&'a [u8]),
    /// A block with its end, exact or not.
    Block(&'a [u8], End),
    /// A block without its end: a start block or nothing follows.
    Open(&'a [u8]),
}

/// What stands where 0x1C 0x0D belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Exact,
    /// 0x1C and nothing behind it.
    Alone,
    /// 0x1C and a line feed.
    LineFeed,
    /// 0x1C and something else, which is not part of the block.
    Other,
}

/// All parts, in order.
pub(super) fn parts(mut bytes: &[u8]) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    while !bytes.is_empty() {
        let start = memchr::memchr(START, bytes).unwrap_or(bytes.len());
        let (outside, block) = bytes.split_at(start);
        if !outside.is_empty() {
            parts.push(Part::Outside(outside));
        }
        let Some(inside) = block.get(1..) else { break };
        let at = memchr::memchr2(START, END, inside).unwrap_or(inside.len());
        let (content, rest) = inside.split_at(at);
        if rest.first() != Some(&END) {
            parts.push(Part::Open(content));
            bytes = rest;
            continue;
        }
        let (end, frame) = match rest.get(1) {
            Some(&CR) => (End::Exact, 2),
            Some(b'\n') => (End::LineFeed, 2),
            None => (End::Alone, 1),
            Some(_) => (End::Other, 1),
        };
        parts.push(Part::Block(content, end));
        bytes = rest.get(frame..).unwrap_or_default();
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_has_its_part() {
        use Part::{Block, Open, Outside};
        let cases: [(&[u8], &[Part<'_>]); 9] = [
            (b"", &[]),
            (b"\x0Ba\x1C\r", &[Block(b"a", End::Exact)]),
            (b"\x0Ba\x1C\r\x0Bb\x1C\r", &[Block(b"a", End::Exact), Block(b"b", End::Exact)]),
            (b"\x0Ba\x1C", &[Block(b"a", End::Alone)]),
            (b"\x0Ba\x1C\n", &[Block(b"a", End::LineFeed)]),
            (b"\x0Ba\x1Cx", &[Block(b"a", End::Other), Outside(b"x")]),
            (b"x\x0Ba\x1C\ry", &[Outside(b"x"), Block(b"a", End::Exact), Outside(b"y")]),
            (b"\x0Ba", &[Open(b"a")]),
            (b"\x0Ba\x0Bb\x1C\r", &[Open(b"a"), Block(b"b", End::Exact)]),
        ];
        for (bytes, expected) in cases {
            assert_eq!(parts(bytes), expected, "{bytes:?}");
        }
    }
}
