//! The decoder against one that looks at a byte at a time and keeps everything.

use bytes::BytesMut;
use hl7_mllp::{DecodeErrorKind as K, DecoderOptions, encode};
use proptest::prelude::*;

use crate::codec::{Event, events};

/// The options of one case, which the options under test do not give out.
#[derive(Clone, Copy, Debug)]
struct Limits {
    block: usize,
    garbage: usize,
    alone: bool,
}

impl Limits {
    fn options(self) -> DecoderOptions {
        DecoderOptions::new()
            .max_block_bytes(self.block)
            .max_garbage_bytes(self.garbage)
            .end_block_alone(self.alone)
    }
}

enum State {
    Between { garbage: usize, may_be_cr: bool },
    Inside(Vec<u8>),
    Ending(Vec<u8>),
    Broken(usize),
}

/// What the stream means, by the table in the documentation of `Decoder`.
fn meaning(stream: &[u8], limits: Limits) -> Vec<Event> {
    let mut events = Vec::new();
    let mut state = State::Between { garbage: 0, may_be_cr: false };
    for (at, &byte) in stream.iter().enumerate() {
        let mut error = |kind, at: usize| events.push(Event::Error(kind, at as u64));
        state = match (state, byte) {
            (State::Between { .. } | State::Broken(_), 0x0B) => State::Inside(Vec::new()),
            (State::Between { may_be_cr: true, .. }, 0x0D) => State::Between { garbage: 0, may_be_cr: false },
            (State::Between { garbage, .. }, _) if garbage == limits.garbage => {
                error(K::TooMuchGarbage, at);
                State::Between { garbage: 0, may_be_cr: false }
            }
            (State::Between { garbage, .. }, _) => State::Between { garbage: garbage + 1, may_be_cr: false },
            (State::Broken(skipped), _) if skipped == limits.block => {
                error(K::TooMuchGarbage, at);
                State::Broken(0)
            }
            (State::Broken(skipped), _) => State::Broken(skipped + 1),
            (State::Inside(_), 0x0B) => {
                error(K::Restarted, at);
                State::Inside(Vec::new())
            }
            (State::Inside(content), 0x1C) if limits.alone => {
                events.push(Event::Block(content));
                State::Between { garbage: 0, may_be_cr: true }
            }
            (State::Inside(content), 0x1C) => State::Ending(content),
            (State::Inside(content), _) if content.len() == limits.block => {
                error(K::TooLong, at);
                State::Broken(1)
            }
            (State::Inside(mut content), _) => {
                content.push(byte);
                State::Inside(content)
            }
            (State::Ending(content), 0x0D) => {
                events.push(Event::Block(content));
                State::Between { garbage: 0, may_be_cr: false }
            }
            (State::Ending(_), 0x0B) => {
                error(K::BadEndBlock, at - 1);
                State::Inside(Vec::new())
            }
            (State::Ending(_), _) => {
                error(K::BadEndBlock, at - 1);
                // The byte behind the bad end block is the first of the rest.
                State::Broken(1)
            }
        };
    }
    let end = match state {
        State::Inside(_) | State::Ending(_) => Some(K::Truncated),
        State::Between { garbage, .. } if garbage > 0 => Some(K::NoStartBlock),
        _ => None,
    };
    events.extend(end.map(|kind| Event::Error(kind, stream.len() as u64)));
    events
}

fn byte() -> impl Strategy<Value = u8> {
    prop_oneof![Just(0x0B), Just(0x1C), Just(0x0D), Just(b'a'), any::<u8>()]
}

fn limits() -> impl Strategy<Value = Limits> {
    (1_usize..12, 0_usize..6, any::<bool>()).prop_map(|(block, garbage, alone)| Limits {
        block,
        garbage,
        alone,
    })
}

/// The stream cut at these places.
fn cut<'s>(stream: &'s [u8], sizes: &[usize]) -> Vec<&'s [u8]> {
    let mut rest = stream;
    let mut pieces = Vec::new();
    for &size in sizes {
        let (piece, behind) = rest.split_at(size.min(rest.len()));
        pieces.push(piece);
        rest = behind;
    }
    pieces.push(rest);
    pieces
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_stream_means_what_the_table_says(
        stream in prop::collection::vec(byte(), 0..80),
        limits in limits(),
        sizes in prop::collection::vec(0_usize..7, 0..40),
    ) {
        let expected = meaning(&stream, limits);
        prop_assert_eq!(&events(limits.options(), [&stream[..]]), &expected, "in one piece");
        prop_assert_eq!(&events(limits.options(), cut(&stream, &sizes)), &expected, "in pieces");
        prop_assert_eq!(&events(limits.options(), stream.chunks(1)), &expected, "byte by byte");
    }

    #[test]
    fn what_is_encoded_is_decoded(
        contents in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..60), 1..6),
        sizes in prop::collection::vec(1_usize..50, 0..20),
    ) {
        let mut stream = BytesMut::new();
        let mut expected = Vec::new();
        for content in contents {
            let breaks = content.iter().any(|byte| matches!(byte, 0x0B | 0x1C));
            prop_assert_eq!(encode(&content, &mut stream).is_err(), breaks);
            if !breaks {
                expected.push(Event::Block(content));
            }
        }
        prop_assert_eq!(events(DecoderOptions::new(), cut(&stream, &sizes)), expected);
    }
}
