//! The exchange and the reading of acknowledgments, by tables.

use std::time::{Duration, Instant};

use hl7_core::{AckCode, Message};
use hl7_mllp::{AckMode, Acknowledgment, Block, Exchange, Refusal, Step};

use crate::peer::{ack, enhanced, message};

/// The outcome of an answer in short.
fn outcome(step: Step) -> String {
    match step {
        Step::Done(ack) => ack.code().to_string(),
        Step::Wait => "wait".to_owned(),
        Step::Refused(Refusal::TimedOut) => "late".to_owned(),
        Step::Refused(Refusal::NotAnAcknowledgment(why)) => why.code().to_owned(),
        Step::Refused(Refusal::MissingControlId) => "missing ID".to_owned(),
        Step::Refused(Refusal::OtherControlId) => "other ID".to_owned(),
        Step::Refused(Refusal::Repeated) => "repeated".to_owned(),
        other => format!("{other:?}"),
    }
}

fn answered(mode: AckMode, answers: &[&str]) -> Vec<String> {
    let now = Instant::now();
    let mut exchange = Exchange::new("m-1", mode, now + Duration::from_secs(30));
    let blocks = answers.iter().map(|answer| Block::new(answer.as_bytes().to_vec()));
    blocks.map(|block| outcome(exchange.handle_block(block, now))).collect()
}

#[test]
fn msa_2_decides_whose_acknowledgment_it_is() {
    let table = [
        ("m-1", "AA"),
        ("m-10", "other ID"),
        ("m-", "other ID"),
        ("M-1", "other ID"),
        ("m-1 ", "other ID"),
        (" m-1", "other ID"),
        ("m-1^", "other ID"),
        ("m-1&x", "other ID"),
        ("\"\"", "other ID"),
        ("", "missing ID"),
    ];
    for (id, expected) in table {
        assert_eq!(answered(AckMode::Original, &[&ack("AA", id)]), [expected], "MSA-2 {id:?}");
    }
    assert_eq!(answered(AckMode::Original, &["MSH|^~\\&|A\rMSA|AA\r"]), ["missing ID"]);
}

#[test]
fn fault_17_msa_1_is_read_with_patience() {
    for (code, expected) in [
        ("AA", "AA"),
        ("aa", "AA"),
        ("Aa", "AA"),
        ("AA ", "AA"),
        ("  CA  ", "CA"),
        ("ae", "AE"),
        ("A", "N024"),
        ("AAA", "N024"),
        ("A A", "N024"),
        ("OK", "N024"),
        ("", "N024"),
        ("AA^AE", "N024"),
    ] {
        assert_eq!(answered(AckMode::Original, &[&ack(code, "m-1")]), [expected], "MSA-1 {code:?}");
    }
    for line_end in ["\n", "\r\n", "\r\r"] {
        let answer = ack("AA", "m-1").replace('\r', line_end);
        assert_eq!(answered(AckMode::Original, &[&answer]), ["AA"], "lines that end in {line_end:?}");
    }
}

#[test]
fn any_message_with_an_msa_acknowledges() {
    for kind in ["ORR^O02", "MFK^M01", "RSP^K22", "ADT^A08"] {
        let answer = format!("MSH|^~\\&|A|B|C|D|20260102||{kind}|9|P|2.3\rMSA|AA|m-1\rQAK|1\r");
        assert_eq!(answered(AckMode::Original, &[&answer]), ["AA"], "{kind}");
    }
}

#[test]
fn fault_16_what_is_no_acknowledgment_is_refused() {
    for (answer, expected) in [
        ("", "N021"),
        ("fail", "N021"),
        ("<html><body>AA m-1</body></html>", "N021"),
        ("<ACK><MSA.1>AA</MSA.1><MSA.2>m-1</MSA.2></ACK>", "N021"),
        ("MSA|AA|m-1\r", "N021"),
        ("MSH|^~\\&|A\r", "N022"),
        ("MSH|^~\\&|A\rMSAX|AA|m-1\r", "N022"),
        ("MSH|^~\\&|A\rMSA|AE|m-1\rMSA|AA|m-1\r", "N023"),
        ("MSH|^~\\&|A\rMSA\r", "N024"),
    ] {
        assert_eq!(answered(AckMode::Original, &[answer]), [expected], "{answer:?}");
    }
}

#[test]
fn each_mode_waits_for_its_acknowledgment() {
    let table: [(AckMode, &[&str], &[&str]); 11] = [
        (AckMode::Original, &["AA"], &["AA"]),
        (AckMode::Original, &["CA"], &["CA"]),
        (AckMode::Original, &["AA", "AA"], &["AA", "repeated"]),
        (AckMode::Accept, &["CA"], &["CA"]),
        (AckMode::Accept, &["AE"], &["AE"]),
        (AckMode::Accept, &["CA", "AA"], &["CA", "repeated"]),
        (AckMode::Application, &["AA"], &["AA"]),
        (AckMode::Application, &["CA", "AA"], &["wait", "AA"]),
        (AckMode::Application, &["CA", "CA"], &["wait", "repeated"]),
        (AckMode::Application, &["CE", "AA"], &["CE", "repeated"]),
        (AckMode::Application, &["CR"], &["CR"]),
    ];
    for (mode, codes, expected) in table {
        let answers: Vec<String> = codes.iter().map(|code| ack(code, "m-1")).collect();
        let answers: Vec<&str> = answers.iter().map(String::as_str).collect();
        assert_eq!(answered(mode, &answers), expected, "{mode:?} {codes:?}");
    }
}

#[test]
fn msh_15_and_msh_16_choose_the_mode() {
    let table = [
        ("", "", Some(AckMode::Original)),
        ("AL", "", Some(AckMode::Accept)),
        ("AL", "NE", Some(AckMode::Accept)),
        ("AL", "AL", Some(AckMode::Accept)),
        ("SU", "NE", Some(AckMode::Accept)),
        ("ER", "AL", Some(AckMode::Accept)),
        ("NE", "AL", Some(AckMode::Application)),
        ("ne", "al", Some(AckMode::Application)),
        ("", "AL", Some(AckMode::Application)),
        ("NE", "SU", Some(AckMode::Application)),
        ("NE", "NE", None),
        ("NE", "", None),
        ("", "NE", None),
        ("ER", "NE", None),
        ("ER", "ER", None),
        ("NE", "ER", None),
    ];
    for (accept, application, expected) in table {
        let text = enhanced("m-1", accept, application);
        let message = Message::parse(&text).unwrap();
        assert_eq!(AckMode::of(message.header()), expected, "{accept:?} {application:?}");
    }
}

#[test]
fn fault_11_an_acknowledgment_at_the_deadline_is_late() {
    let start = Instant::now();
    let deadline = start + Duration::from_secs(1);
    let answer = || Block::new(ack("AA", "m-1").into_bytes());
    let exchange = || Exchange::new("m-1", AckMode::Original, deadline);
    let just_before = deadline - Duration::from_nanos(1);
    assert_eq!(outcome(exchange().handle_block(answer(), just_before)), "AA");
    assert_eq!(outcome(exchange().handle_block(answer(), deadline)), "late");

    let mut timed = exchange();
    assert_eq!(outcome(timed.handle_time(just_before)), "wait");
    assert_eq!(outcome(timed.handle_time(deadline)), "late");
    assert_eq!(outcome(timed.handle_block(answer(), start)), "repeated");
}

#[test]
fn an_acknowledgment_reads_back_from_its_bytes() {
    let text = message("m-1");
    let bytes = hl7_core::Ack::to(&Message::parse(&text).unwrap(), AckCode::AE).text("why").build();
    let first = Acknowledgment::read(&bytes.to_wire().unwrap()).unwrap();
    let again = Acknowledgment::read(first.bytes()).unwrap();
    assert_eq!((again.code(), again.control_id()), (AckCode::AE, "m-1"));
    assert_eq!(again.text().as_deref(), Some("why"));
    assert_eq!(again.message().as_er7(), bytes.as_er7());
}

#[test]
fn the_text_is_had_from_where_it_stands() {
    for (segments, expected) in [
        ("MSA|AE|1|a \\T\\ b", Some("a & b")),
        ("MSA|AE|1||||207", None),
        ("MSA|AE|1\rERR||PID^1|101^Required field missing^HL70357|E||||no PID-3", Some("no PID-3")),
        ("MSA|AE|1\rERR||PID^1|101^Required field missing^HL70357|E|||diagnosis", Some("diagnosis")),
        ("MSA|AE|1|\"\"\rERR||PID^1|101^Required field missing^HL70357|E", Some("Required field missing")),
        ("MSA|AE|1\rERR||PID^1|101|E", Some("101")),
        ("MSA|AE|1\rERR|PID^1^5^101&Required field missing&HL70357", Some("Required field missing")),
    ] {
        let ack = Acknowledgment::read(format!("MSH|^~\\&|A\r{segments}\r").as_bytes()).unwrap();
        assert_eq!(ack.text().as_deref(), expected, "{segments:?}");
    }
}

#[test]
fn a_text_in_an_unknown_character_set_does_not_undo_an_acknowledgment() {
    for header in
        [&b"MSH|^~\\&|A"[..], b"MSH|^~\\&|A||||||||||||||||KLINGON", b"MSH|^~\\&|A||||||||||||||||ASCII"]
    {
        let bytes = [header, b"\rMSA|AA|m-1|M\xFCller\r"].concat();
        let ack = Acknowledgment::read(&bytes).unwrap();
        assert_eq!((ack.code(), ack.control_id()), (AckCode::AA, "m-1"));
        assert_eq!(ack.bytes(), bytes);
    }
    let wrong = Block::new(&b"MSH|^~\\&|A\rMSA|AA|m\xFC1\r"[..]);
    let now = Instant::now();
    let mut exchange = Exchange::new("m\u{FFFD}1", AckMode::Original, now + Duration::from_secs(1));
    assert_eq!(outcome(exchange.handle_block(wrong, now)), "other ID");
}
