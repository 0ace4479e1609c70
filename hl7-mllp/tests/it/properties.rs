//! The decoder against one that looks at a byte at a time and keeps everything, and the exchange against its promise.

use std::time::{Duration, Instant};

use bytes::BytesMut;
use hl7_mllp::{AckMode, Block, DecodeErrorKind as K, DecoderOptions, Exchange, Frame, Step, encode};
use proptest::prelude::*;

use crate::codec::{Event, events};
use crate::peer::ack;

/// The options of one case, which the options under test do not give out.
#[derive(Clone, Copy, Debug)]
struct Limits {
    block: usize,
    garbage: usize,
    alone: bool,
    inside: bool,
    frame: Frame,
}

impl Limits {
    fn options(self) -> DecoderOptions {
        DecoderOptions::new()
            .max_block_bytes(self.block)
            .max_garbage_bytes(self.garbage)
            .end_block_alone(self.alone)
            .end_block_inside(self.inside)
            .frame(self.frame)
    }
}

enum State {
    Between { garbage: usize, may_be_cr: bool },
    Inside(Vec<u8>),
    Ending(Vec<u8>),
    Broken(usize),
}

/// A byte by what it does in this frame.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Start,
    End,
    Cr,
    Other,
}

fn kind(byte: u8, frame: Frame) -> Kind {
    match byte {
        b if b == frame.start() => Kind::Start,
        b if b == frame.end() => Kind::End,
        0x0D => Kind::Cr,
        _ => Kind::Other,
    }
}

/// What the stream means, by the tables in the documentation of `Decoder` and `DecoderOptions`.
fn meaning(stream: &[u8], limits: Limits) -> Vec<Event> {
    let mut events = Vec::new();
    let mut state = State::Between { garbage: 0, may_be_cr: false };
    for (at, &byte) in stream.iter().enumerate() {
        let mut error = |kind, at: usize| events.push(Event::Error(kind, at as u64));
        let kind = kind(byte, limits.frame);
        if let (State::Ending(content), true) = (&mut state, limits.inside && kind != Kind::Cr) {
            // The end block character was content after all.
            let mut content = std::mem::take(content);
            state = if content.len() == limits.block {
                error(K::TooLong, at - 1);
                State::Broken(1)
            } else {
                content.push(limits.frame.end());
                State::Inside(content)
            };
        }
        state = match (state, kind) {
            (State::Between { .. } | State::Broken(_), Kind::Start) => State::Inside(Vec::new()),
            (State::Between { may_be_cr: true, .. }, Kind::Cr) => {
                State::Between { garbage: 0, may_be_cr: false }
            }
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
            (State::Inside(_), Kind::Start) => {
                error(K::Restarted, at);
                State::Inside(Vec::new())
            }
            (State::Inside(content), Kind::End) if limits.alone => {
                events.push(Event::Block(content));
                State::Between { garbage: 0, may_be_cr: true }
            }
            (State::Inside(content), Kind::End) => State::Ending(content),
            (State::Inside(content), _) if content.len() == limits.block => {
                error(K::TooLong, at);
                State::Broken(1)
            }
            (State::Inside(mut content), _) => {
                content.push(byte);
                State::Inside(content)
            }
            (State::Ending(content), Kind::Cr) => {
                events.push(Event::Block(content));
                State::Between { garbage: 0, may_be_cr: false }
            }
            (State::Ending(_), Kind::Start) => {
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
    prop_oneof![
        3 => Just(0x0B),
        3 => Just(0x1C),
        3 => Just(0x0D),
        1 => Just(0x02),
        1 => Just(0x03),
        3 => Just(b'a'),
        1 => any::<u8>()
    ]
}

fn frame() -> impl Strategy<Value = Frame> {
    let frame = |start, end| Frame::new(start, end).unwrap();
    prop_oneof![
        3 => Just(Frame::default()),
        1 => Just(frame(0x02, 0x03)),
        1 => Just(frame(0x1C, 0x0B))
    ]
}

fn limits() -> impl Strategy<Value = Limits> {
    let parts = (1_usize..12, 0_usize..6, any::<bool>(), any::<bool>(), frame());
    parts.prop_map(|(block, garbage, alone, inside, frame)| Limits { block, garbage, alone, inside, frame })
}

/// An answer, and the control ID it names when it is an acknowledgment.
fn answer() -> impl Strategy<Value = (String, Option<&'static str>)> {
    let code = prop::sample::select(&["AA", "AE", "AR", "CA", "CE", "CR"][..]);
    let id = prop::sample::select(&["m-1", "m-10", "m-", "M-1", "m-1 ", "\"\"", ""][..]);
    prop_oneof![
        6 => (code, id).prop_map(|(code, id)| (ack(code, id), Some(id))),
        1 => Just(("\x06".to_owned(), None)),
        1 => Just(("\x15".to_owned(), None)),
        1 => Just(("fail".to_owned(), None))
    ]
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
    fn no_exchange_ends_well_without_an_acknowledgment_that_names_its_message(
        answers in prop::collection::vec(answer(), 1..5),
        mode in prop_oneof![Just(AckMode::Original), Just(AckMode::Accept), Just(AckMode::Application)],
        (two_phases, release2, lenient) in any::<(bool, bool, bool)>(),
    ) {
        let now = Instant::now();
        let mut exchange = Exchange::new("m-1", mode, now + Duration::from_secs(1));
        exchange = if two_phases { exchange.then_application(Duration::from_secs(1)) } else { exchange };
        exchange = if release2 { exchange.release2() } else { exchange };
        exchange = if lenient { exchange.missing_control_id_allowed() } else { exchange };
        let (mut ended, mut committed) = (false, false);
        for (content, id) in answers {
            let taken = exchange.is_taken();
            match exchange.handle_block(Block::new(content.into_bytes()), now) {
                Step::Done(_) | Step::Accepted(_) if ended => prop_assert!(false, "it had ended"),
                Step::Done(ack) | Step::Accepted(ack) if release2 && !committed => {
                    prop_assert!(false, "{ack:?} without a commit");
                }
                Step::Done(_) => {
                    prop_assert!(id == Some("m-1") || lenient && id == Some(""), "{id:?}");
                    ended = true;
                }
                Step::Accepted(_) => {
                    prop_assert!(id == Some("m-1") || lenient && id == Some(""), "{id:?}");
                    prop_assert!(exchange.is_taken());
                }
                Step::Committed => committed = true,
                Step::Refused(_) => ended = true,
                _ => {}
            }
            prop_assert!(exchange.is_taken() || !taken, "what was taken stays so");
        }
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
