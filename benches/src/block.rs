//! The block decoder beside a bare memchr over the same bytes.

use bytes::BytesMut;
use hl7_mllp::{Decoder, DecoderOptions};

use crate::measure::{compare, contender};

const PACKET: usize = 1460;

fn stream(megabytes: usize) -> Vec<u8> {
    let mut bytes = vec![0x0B];
    bytes.extend(std::iter::repeat_n(*b"OBX|1|TX|a||text", megabytes << 16).flatten());
    bytes.extend(b"\x1C\r");
    bytes
}

fn decode(stream: &[u8]) -> usize {
    let mut decoder = Decoder::new(DecoderOptions::default());
    let mut buffer = BytesMut::new();
    let mut length = 0;
    for packet in stream.chunks(PACKET) {
        buffer.extend_from_slice(packet);
        while let Ok(Some(block)) = decoder.decode(&mut buffer) {
            length += block.content().len();
        }
    }
    length
}

/// Copies the packets together, as any receiver has to, and looks for the end block.
fn by_hand(stream: &[u8]) -> usize {
    let mut buffer = BytesMut::new();
    for packet in stream.chunks(PACKET) {
        buffer.extend_from_slice(packet);
    }
    memchr::memchr(0x1C, &buffer).unwrap_or_default()
}

/// The codec's bars.
pub fn run() {
    let (one, two) = (stream(1), stream(2));
    assert_eq!(decode(&two), two.len() - 3);
    compare(
        "A block of 2 MB in packets of 1,460 bytes: decode",
        vec![
            contender("hl7-mllp", || decode(&two)),
            contender("memchr over the bytes (bar 5x)", || memchr::memchr(0x1C, &two)),
            contender("packets copied together, then memchr", || by_hand(&two)),
            contender("hl7-mllp, 1 MB (bar 2.2x)", || decode(&one)),
        ],
    );
}
