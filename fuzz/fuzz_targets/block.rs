//! Blocks come out the same however the stream is cut, and what is encoded is decoded.
#![no_main]

use bytes::BytesMut;
use hl7_mllp::{Decoder, DecoderOptions, encode};
use libfuzzer_sys::fuzz_target;

fn decode<'p>(pieces: impl Iterator<Item = &'p [u8]>) -> Vec<Result<Vec<u8>, &'static str>> {
    let mut decoder = Decoder::new(DecoderOptions::default().max_block_bytes(4096));
    let mut buffer = BytesMut::new();
    let mut all = Vec::new();
    for piece in pieces {
        buffer.extend_from_slice(piece);
        loop {
            match decoder.decode(&mut buffer) {
                Ok(Some(block)) => all.push(Ok(block.content().to_vec())),
                Ok(None) => break,
                Err(error) => all.push(Err(error.code())),
            }
            assert!(all.len() <= 100_000, "the decoder makes progress");
        }
    }
    all
}

fuzz_target!(|input: (u8, &[u8])| {
    let (size, stream) = input;
    let whole = decode(std::iter::once(stream));
    let cut = decode(stream.chunks(usize::from(size).max(1)));
    assert_eq!(whole, cut);
    let mut framed = BytesMut::new();
    if encode(stream, &mut framed).is_ok() && stream.len() <= 4096 {
        assert_eq!(decode(std::iter::once(&framed[..])), vec![Ok(stream.to_vec())]);
    }
});
