//! Blocks come out the same however the stream is cut, with every combination of options, and what is encoded is decoded.
#![no_main]

use bytes::BytesMut;
use hl7_mllp::{Decoder, DecoderOptions, Frame};
use libfuzzer_sys::fuzz_target;

const LONGEST: usize = 256;

/// What came of the stream, with the places of the faults.
fn decode<'p>(
    options: DecoderOptions,
    pieces: impl Iterator<Item = &'p [u8]>,
) -> Vec<Result<Vec<u8>, (&'static str, u64)>> {
    let mut decoder = Decoder::new(options);
    let mut buffer = BytesMut::new();
    let mut all = Vec::new();
    for piece in pieces {
        buffer.extend_from_slice(piece);
        loop {
            match decoder.decode(&mut buffer) {
                Ok(Some(block)) => all.push(Ok(block.content().to_vec())),
                Ok(None) => break,
                Err(error) => all.push(Err((error.code(), error.offset()))),
            }
            assert!(all.len() <= 100_000, "the decoder makes progress");
        }
    }
    let end = decoder.finish(&mut buffer);
    all.extend(end.err().map(|error| Err((error.code(), error.offset()))));
    all
}

/// Pieces of these sizes, over and over.
fn cut<'s>(mut stream: &'s [u8], sizes: &'s [u8]) -> impl Iterator<Item = &'s [u8]> {
    let mut sizes = sizes.iter().copied().cycle();
    std::iter::from_fn(move || {
        let size = usize::from(sizes.next().unwrap_or(1)).max(1).min(stream.len());
        let (piece, rest) = stream.split_at(size);
        stream = rest;
        (!piece.is_empty()).then_some(piece)
    })
}

fuzz_target!(|input: (u8, [u8; 3], &[u8])| {
    let (choice, sizes, stream) = input;
    let own = Frame::new(0x02, 0x03).expect("two control characters");
    let frame = if choice & 4 == 0 { Frame::default() } else { own };
    let options = DecoderOptions::new()
        .frame(frame)
        .end_block_alone(choice & 1 != 0)
        .end_block_inside(choice & 2 != 0)
        .max_garbage_bytes(if choice & 8 == 0 { 16 } else { 0 })
        .max_block_bytes(LONGEST);
    let whole = decode(options, std::iter::once(stream));
    assert_eq!(whole, decode(options, cut(stream, &sizes)));
    let mut framed = BytesMut::new();
    if frame.encode(stream, &mut framed).is_ok() && stream.len() <= LONGEST {
        assert_eq!(decode(options, std::iter::once(&framed[..])), vec![Ok(stream.to_vec())]);
    }
});
