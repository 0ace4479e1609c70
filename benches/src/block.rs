//! The block decoder beside a bare memchr over the same bytes, and beside rivals.

use bytes::BytesMut;
use hl7_mllp::{Decoder, DecoderOptions};
use tokio_util::codec::Decoder as _;

use crate::measure::{compare, contender};

const PACKET: usize = 1460;
const MEGABYTE: usize = 1 << 20;

fn stream(bytes: usize) -> Vec<u8> {
    let mut stream = vec![0x0B];
    stream.extend(std::iter::repeat_n(*b"OBX|1|TX|a||text", bytes >> 4).flatten());
    stream.extend(b"\x1C\r");
    stream
}

/// End block characters without a carriage return: each ends a block or what is left of one.
fn flood(bytes: usize) -> Vec<u8> {
    let mut stream = vec![0x1C; bytes];
    stream[0] = 0x0B;
    stream
}

/// Start and end block characters in turn: each pair is an error of its own.
fn broken_blocks(bytes: usize) -> Vec<u8> {
    b"\x0B\x1Cx".iter().copied().cycle().take(bytes).collect()
}

fn decode(stream: &[u8]) -> usize {
    let mut decoder = Decoder::new(DecoderOptions::default());
    let mut buffer = BytesMut::new();
    let mut length = 0;
    for packet in stream.chunks(PACKET) {
        buffer.extend_from_slice(packet);
        loop {
            match decoder.decode(&mut buffer) {
                Ok(Some(block)) => length += block.content().len(),
                Ok(None) => break,
                Err(_) => length += 1,
            }
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

fn with_hl7_mllp_codec(stream: &[u8]) -> usize {
    let mut codec = hl7_mllp_codec::MllpCodec::new();
    let mut buffer = BytesMut::new();
    let mut length = 0;
    for packet in stream.chunks(PACKET) {
        buffer.extend_from_slice(packet);
        while let Ok(Some(block)) = codec.decode(&mut buffer) {
            length += block.len();
        }
    }
    length
}

fn with_mllp(stream: &[u8]) -> usize {
    let mut decoder = mllp::Decoder::with_max_frame_size(4 * MEGABYTE);
    let mut length = 0;
    for packet in stream.chunks(PACKET) {
        decoder.push(packet);
        while let Some(Ok(frame)) = decoder.next_frame() {
            length += frame.len();
        }
    }
    length
}

/// The codec's bars.
pub fn run() {
    let (one, two) = (stream(MEGABYTE), stream(2 * MEGABYTE));
    assert_eq!(decode(&two), two.len() - 3);
    compare(
        "A block of 2 MB in packets of 1,460 bytes: decode",
        vec![
            contender("hl7-mllp", || decode(&two)),
            contender("memchr over the bytes (bar 5x)", || memchr::memchr(0x1C, &two)),
            contender("packets copied together, then memchr", || by_hand(&two)),
            contender("hl7-mllp, 1 MB (bar 2.2x)", || decode(&one)),
            contender("packets copied together, 1 MB", || by_hand(&one)),
        ],
    );
    let quarter = stream(MEGABYTE / 4);
    assert_eq!(with_hl7_mllp_codec(&quarter), quarter.len() - 3);
    assert_eq!(with_mllp(&quarter), quarter.len() - 3);
    compare(
        "A block of 256 KB in packets of 1,460 bytes: decode, beside rivals (the work of some grows with the square)",
        vec![
            contender("hl7-mllp", || decode(&quarter)),
            contender("mllp 0.3.0", || with_mllp(&quarter)),
            contender("hl7-mllp-codec 0.4.0", || with_hl7_mllp_codec(&quarter)),
        ],
    );
    for (name, made) in
        [("A flood of 0x1C", flood as fn(usize) -> Vec<u8>), ("Broken blocks of three bytes", broken_blocks)]
    {
        let (one, two) = (made(MEGABYTE), made(2 * MEGABYTE));
        compare(
            &format!("{name}, 2 MB in packets of 1,460 bytes (linear)"),
            vec![
                contender("hl7-mllp", || decode(&two)),
                contender("hl7-mllp, 1 MB (bar 2.2x)", || decode(&one)),
            ],
        );
    }
}
