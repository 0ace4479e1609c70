//! The decoder and the encoder, by tables.

use bytes::BytesMut;
use hl7_mllp::{
    CommitBlock, DecodeErrorKind as K, Decoder, DecoderOptions, EncodeErrorKind, Frame, FrameErrorKind,
    encode,
};

/// What came of a stream.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Event {
    Block(Vec<u8>),
    Error(K, u64),
}

/// Decodes `pieces` and the end behind them.
pub(crate) fn events<'p>(options: DecoderOptions, pieces: impl IntoIterator<Item = &'p [u8]>) -> Vec<Event> {
    let mut decoder = Decoder::new(options);
    let mut buf = BytesMut::new();
    let mut events = Vec::new();
    for piece in pieces {
        buf.extend_from_slice(piece);
        loop {
            match decoder.decode(&mut buf) {
                Ok(Some(block)) => events.push(Event::Block(block.content().to_vec())),
                Ok(None) => break,
                Err(why) => events.push(Event::Error(why.kind(), why.offset())),
            }
        }
    }
    events.extend(decoder.finish(&mut buf).err().map(|why| Event::Error(why.kind(), why.offset())));
    events
}

fn block(content: &str) -> Event {
    Event::Block(content.as_bytes().to_vec())
}

#[test]
fn blocks_are_found_however_the_stream_is_cut() {
    let table: [(&[&str], Vec<Event>); 12] = [
        (&["\x0Bhello\x1C\r"], vec![block("hello")]),
        (&["\x0Bhello\x1C\r\x0Bthere\x1C\r"], vec![block("hello"), block("there")]),
        (&["\x0Bhello\x1C", "\r"], vec![block("hello")]),
        (&["\x0Bhello", "\r", "world\x1C", "\r"], vec![block("hello\rworld")]),
        (&["\x0B\x1C\r"], vec![block("")]),
        (&["\r\n\x0Ba\x1C\r\r\n\x0Bb\x1C\r"], vec![block("a"), block("b")]),
        (&["\x0Bincomplete"], vec![Event::Error(K::Truncated, 11)]),
        (&["\x0Bhello\x1C\r\x0Bmore"], vec![block("hello"), Event::Error(K::Truncated, 13)]),
        (&["\x0Bmsg\x1C"], vec![Event::Error(K::Truncated, 5)]),
        (&["msg\x1C\r"], vec![Event::Error(K::NoStartBlock, 5)]),
        (&["\x0Ba\x1C\r\n"], vec![block("a"), Event::Error(K::NoStartBlock, 5)]),
        (&[""], vec![]),
    ];
    for (pieces, expected) in table {
        let got = events(DecoderOptions::new(), pieces.iter().map(|piece| piece.as_bytes()));
        assert_eq!(got, expected, "{pieces:?}");
    }
}

#[test]
fn a_broken_block_does_not_cost_the_next_one() {
    let table = [
        ("\x0Bold\x0Bnew\x1C\r", vec![Event::Error(K::Restarted, 4), block("new")]),
        (
            "\x0Ba\x0B\x0Bb\x1C\r",
            vec![Event::Error(K::Restarted, 2), Event::Error(K::Restarted, 3), block("b")],
        ),
        ("\x0Ba\x1Cb\x1C\r\x0Bc\x1C\r", vec![Event::Error(K::BadEndBlock, 2), block("c")]),
        ("\x0Ba\x1C\x1C\r\x0Bc\x1C\r", vec![Event::Error(K::BadEndBlock, 2), block("c")]),
        ("\x0Ba\x1C\x0Bc\x1C\r", vec![Event::Error(K::BadEndBlock, 2), block("c")]),
        ("\x0B12345678X\x1C\r\x0Bc\x1C\r", vec![Event::Error(K::TooLong, 9), block("c")]),
        ("garbage\x0Bc\x1C\r", vec![Event::Error(K::TooMuchGarbage, 4), block("c")]),
    ];
    let options = DecoderOptions::new().max_block_bytes(8).max_garbage_bytes(4);
    for (stream, expected) in table {
        assert_eq!(events(options, [stream.as_bytes()]), expected, "{stream:?}");
    }
}

#[test]
fn limits_are_exact() {
    let options = DecoderOptions::new().max_block_bytes(8).max_garbage_bytes(4);
    assert_eq!(events(options, [&b"\x0B12345678\x1C\r"[..]]), [block("12345678")]);
    assert_eq!(events(options, [&b"1234\x0Ba\x1C\r"[..]]), [block("a")]);
    assert_eq!(events(options, [&b"12345\x0Ba\x1C\r"[..]]), [Event::Error(K::TooMuchGarbage, 4), block("a")]);
}

#[test]
fn an_end_block_without_carriage_return_is_a_tolerance() {
    let tolerant = DecoderOptions::new().end_block_alone(true);
    let table = [
        ("\x0Ba\x1C\x0Bb\x1C", vec![block("a"), block("b")]),
        ("\x0Ba\x1C\r\x0Bb\x1C\r", vec![block("a"), block("b")]),
        ("\x0Ba\x1Cb\x1C\r", vec![block("a"), Event::Error(K::NoStartBlock, 6)]),
    ];
    for (stream, expected) in table {
        assert_eq!(events(tolerant, [stream.as_bytes()]), expected, "{stream:?}");
        let bytes = stream.as_bytes().chunks(1);
        assert_eq!(events(tolerant, bytes), expected, "{stream:?} byte by byte");
    }
}

/// What `options` make of each stream, whole and byte by byte.
fn check(options: DecoderOptions, table: &[(&str, Vec<Event>)]) {
    for (stream, expected) in table {
        assert_eq!(&events(options, [stream.as_bytes()]), expected, "{stream:?}");
        let bytes = stream.as_bytes().chunks(1);
        assert_eq!(&events(options, bytes), expected, "{stream:?} byte by byte");
    }
}

#[test]
fn fault_38_an_end_block_character_inside_is_content_where_that_is_allowed() {
    let table = [
        ("\x0Ba\x1Cb\x1C\r\x0Bc\x1C\r", vec![block("a\x1Cb"), block("c")]),
        ("\x0Ba\x1C\x1C\r", vec![block("a\x1C")]),
        ("\x0B\x1C\x1C\x1C\x1C\r", vec![block("\x1C\x1C\x1C")]),
        ("\x0Ba\x1C\x0Bc\x1C\r", vec![Event::Error(K::Restarted, 3), block("c")]),
        ("\x0B1234567\x1C8\x1C\r\x0Bc\x1C\r", vec![Event::Error(K::TooLong, 9), block("c")]),
        ("\x0B12345678\x1Cx\x0Bc\x1C\r", vec![Event::Error(K::TooLong, 9), block("c")]),
        ("\x0B123456\x1C8\x1C\r", vec![block("123456\x1C8")]),
        ("\x0Ba\x1C", vec![Event::Error(K::Truncated, 3)]),
    ];
    let options = DecoderOptions::new().max_block_bytes(8);
    check(options.end_block_inside(true), &table);

    let alone = [("\x0Ba\x1C\x0Bb\x1Cc", vec![block("a"), block("b"), Event::Error(K::NoStartBlock, 7)])];
    check(options.end_block_inside(true).end_block_alone(true), &alone);
}

#[test]
fn fault_37_no_bytes_between_blocks_is_the_strictest() {
    let table = [
        ("\x0Ba\x1C\r\x0Bb\x1C\r", vec![block("a"), block("b")]),
        ("\x0Ba\x1C\r\n\x0Bb\x1C\r", vec![block("a"), Event::Error(K::TooMuchGarbage, 4), block("b")]),
        ("x", vec![Event::Error(K::TooMuchGarbage, 0)]),
    ];
    check(DecoderOptions::new().max_garbage_bytes(0), &table);
}

#[test]
fn block_characters_of_ones_own_frame_what_is_read_and_written() {
    let frame = Frame::new(0x02, 0x03).unwrap();
    let options = DecoderOptions::new().frame(frame).max_garbage_bytes(4);
    let table = [
        ("\x02a\x0B\x1C\rb\x03\r", vec![block("a\x0B\x1C\rb")]),
        ("\x02a\x02b\x03\r", vec![Event::Error(K::Restarted, 2), block("b")]),
        ("\x02a\x03b\x02c\x03\r", vec![Event::Error(K::BadEndBlock, 2), block("c")]),
        ("\x0Ba\x1C\r\x02b\x03\r", vec![block("b")]),
    ];
    check(options, &table);
    check(options.end_block_alone(true), &[("\x02a\x03\x02b\x03", vec![block("a"), block("b")])]);
    check(options.end_block_inside(true), &[("\x02a\x03b\x03\r", vec![block("a\x03b")])]);

    let mut out = BytesMut::new();
    frame.encode(b"a\x0Bb", &mut out).unwrap();
    assert_eq!(out, &b"\x02a\x0Bb\x03\r"[..]);
    for content in [&b"ab\x02"[..], b"ab\x03"] {
        let why = frame.encode(content, &mut out).unwrap_err();
        assert_eq!((why.kind(), why.offset()), (EncodeErrorKind::FrameByte, 2));
    }
}

#[test]
fn characters_that_cannot_frame_a_block_are_refused() {
    for (start, end, kind, code) in [
        (b'{', 0x1C, FrameErrorKind::NoControlCharacter, "N013"),
        (0x0B, b'}', FrameErrorKind::NoControlCharacter, "N013"),
        (0x0B, 0xFF, FrameErrorKind::NoControlCharacter, "N013"),
        (0x0D, 0x1C, FrameErrorKind::Reserved, "N014"),
        (0x0B, 0x0A, FrameErrorKind::Reserved, "N014"),
        (0x06, 0x1C, FrameErrorKind::Reserved, "N014"),
        (0x0B, 0x15, FrameErrorKind::Reserved, "N014"),
        (0x0B, 0x0B, FrameErrorKind::Same, "N015"),
    ] {
        let why = Frame::new(start, end).unwrap_err();
        assert_eq!((why.kind(), why.code()), (kind, code), "{start:#x} {end:#x}");
    }
    assert_eq!(Frame::new(0x0B, 0x1C).unwrap(), Frame::default());
    assert!(Frame::new(0x00, 0x7F).is_ok());
}

#[test]
fn fault_23_commit_acknowledgments_are_blocks_of_one_byte() {
    for (commit, bytes) in [(CommitBlock::Ack, b"\x0B\x06\x1C\r"), (CommitBlock::Nak, b"\x0B\x15\x1C\r")] {
        let mut buf = BytesMut::new();
        commit.encode(Frame::default(), &mut buf);
        assert_eq!(buf, &bytes[..]);
        let block = Decoder::new(DecoderOptions::new()).decode(&mut buf).unwrap().unwrap();
        assert_eq!(CommitBlock::of(&block), Some(commit));
    }
    for content in [&b""[..], b"\x06\x06", b"\x15\r", b"\x07", b"MSH|^~\\&|A\r"] {
        assert_eq!(CommitBlock::of(&hl7_mllp::Block::new(content)), None, "{content:?}");
    }
}

#[test]
fn a_block_is_had_without_a_copy() {
    let mut buf = BytesMut::new();
    encode(&[b'x'; 10_000], &mut buf).unwrap();
    let at = buf.as_ptr() as usize;
    let block = Decoder::new(DecoderOptions::new()).decode(&mut buf).unwrap().unwrap();
    assert_eq!(block.content().as_ptr() as usize, at + 1);
}

#[test]
fn what_was_passed_over_is_counted() {
    let mut decoder = Decoder::new(DecoderOptions::new());
    let mut buf = BytesMut::from(&b"abc\x0Ba\x1C\r\n\x0Bb\x1C\r"[..]);
    while decoder.decode(&mut buf).unwrap().is_some() {}
    assert_eq!(decoder.passed_over(), 4);
}

#[test]
fn the_beginning_of_a_broken_block_is_kept_once() {
    let mut decoder = Decoder::new(DecoderOptions::new());
    let mut buf = BytesMut::from(&b"\x0BMSH|^~\\&|A\x1Cx"[..]);
    decoder.decode(&mut buf).unwrap_err();
    assert_eq!(decoder.take_broken().unwrap().content(), b"MSH|^~\\&|A");
    assert_eq!(decoder.take_broken(), None);
}

#[test]
fn content_that_would_break_its_frame_is_refused() {
    let mut out = BytesMut::from(&b"before"[..]);
    for (content, kind, offset) in [
        (&b""[..], EncodeErrorKind::Empty, 0),
        (b"MSH\x0B", EncodeErrorKind::FrameByte, 3),
        (b"MSH|\x1C\r", EncodeErrorKind::FrameByte, 4),
        (b"\x1C", EncodeErrorKind::FrameByte, 0),
    ] {
        let why = encode(content, &mut out).unwrap_err();
        assert_eq!((why.kind(), why.offset()), (kind, offset));
        assert_eq!(out, &b"before"[..]);
    }
}
