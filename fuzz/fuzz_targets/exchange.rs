//! An exchange never ends well without an acknowledgment that names the message, however its blocks look and its answers are cut, and a
//! message that was taken stays so.
#![no_main]

use std::time::{Duration, Instant};

use bytes::BytesMut;
use hl7_core::AckMode;
use hl7_mllp::{Acknowledgment, Block, CommitBlock, Decoder, DecoderOptions, Exchange, Refusal, Step};
use libfuzzer_sys::fuzz_target;

const ID: &str = "m-1";

/// Pieces of answers, so that the fuzzer need not find the form of a message.
fn answer(choice: u8, rest: &[u8]) -> Vec<u8> {
    let codes = ["AA", "AE", "AR", "CA", "CE", "CR", "aa ", "XX"];
    let ids = [ID, "m-10", "", "M-1", "m-1 ", "\"\"", "m-1", "m-1"];
    let code = codes[usize::from(choice & 7)];
    let id = ids[usize::from(choice >> 3 & 7)];
    match choice >> 6 {
        0 => vec![0x06],
        1 => vec![0x15],
        2 => rest.to_vec(),
        _ => [format!("MSH|^~\\&|A\rMSA|{code}|{id}|").as_bytes(), rest, b"\r"].concat(),
    }
}

fn exchange(options: u8, start: Instant) -> Exchange {
    let mode = [AckMode::Original, AckMode::Accept, AckMode::Application][usize::from(options & 3).min(2)];
    let mut exchange = Exchange::new(ID, mode, start + Duration::from_secs(10));
    if options & 4 != 0 {
        exchange = exchange.then_application(Duration::from_secs(20));
    }
    if options & 8 != 0 {
        exchange = exchange.release2();
    }
    if options & 16 != 0 {
        exchange = exchange.missing_control_id_allowed();
    }
    exchange
}

/// Whether an acknowledgment may end or further an exchange with these options.
fn is_ours(ack: &Acknowledgment, options: u8) -> bool {
    ack.control_id() == ID || (ack.control_id().is_empty() && options & 16 != 0)
}

/// What an exchange says, in short, with the promises it has to keep.
fn run(options: u8, answers: &[(u8, u8, &[u8])]) -> Vec<String> {
    let start = Instant::now();
    let mut exchange = exchange(options, start);
    let (mut now, mut ended, mut committed, mut taken) = (start, false, false, false);
    let mut said = Vec::new();
    for (choice, seconds, rest) in answers {
        now += Duration::from_secs(u64::from(*seconds) / 16);
        let block = Block::new(answer(*choice, rest));
        let is_commit = CommitBlock::of(&block).is_some();
        let late = now >= exchange.deadline();
        let step = exchange.handle_block(block, now);
        assert!(!taken || exchange.is_taken(), "what was taken stays so");
        taken = exchange.is_taken();
        match &step {
            Step::Done(ack) | Step::Accepted(ack) => {
                assert!(!ended && !late && !is_commit && is_ours(ack, options));
                assert!(options & 8 == 0 || committed, "release 2 has a commit first");
                ended = matches!(step, Step::Done(_));
            }
            Step::Committed => {
                assert!(!ended && !late && !committed && is_commit && options & 8 != 0);
                committed = true;
            }
            Step::Refused(why) => {
                assert!(!late || ended || *why == Refusal::TimedOut);
                ended = true;
            }
            _ => assert!(!ended && !late),
        }
        let due = exchange.commit_due();
        assert!(due.is_none() || options & 8 != 0 && !is_commit);
        said.push(format!("{step:?} {due:?}"));
    }
    said
}

fuzz_target!(|input: (u8, Vec<(u8, u8, &[u8])>)| {
    let (options, answers) = input;
    run(options, &answers);
    // Whatever the answers hold, as a stream they come out as they went in.
    let mut stream = BytesMut::new();
    let sent: Vec<Vec<u8>> = answers.iter().map(|(choice, _, rest)| answer(*choice, rest)).collect();
    let framed: Vec<_> =
        sent.iter().filter(|content| hl7_mllp::encode(content, &mut stream).is_ok()).collect();
    let mut decoder = Decoder::new(DecoderOptions::new());
    for content in framed {
        let block = decoder.decode(&mut stream).expect("well framed").expect("whole");
        assert_eq!(block.content(), &content[..]);
    }
});
