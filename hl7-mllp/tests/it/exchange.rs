//! The exchange and the reading of acknowledgments, by tables.

use std::time::{Duration, Instant};

use hl7_core::{AckCode, Message};
use hl7_mllp::{AckMode, Acknowledgment, Block, CommitBlock, Exchange, Refusal, Step};

use crate::peer::{ack, enhanced, message};

/// The outcome of an answer in short.
fn outcome(step: Step) -> String {
    match step {
        Step::Done(ack) => ack.code().to_string(),
        Step::Wait => "wait".to_owned(),
        Step::Accepted(ack) => format!("accepted {}", ack.code()),
        Step::Committed => "committed".to_owned(),
        Step::Refused(Refusal::CommitRefused) => "commit refused".to_owned(),
        Step::Refused(Refusal::CommitMissing) => "no commit".to_owned(),
        Step::Refused(Refusal::UnexpectedCommit) => "a commit".to_owned(),
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

/// What an exchange of m-1 makes of these blocks, with whether the message is taken at the end.
fn told(exchange: impl FnOnce(Exchange) -> Exchange, mode: AckMode, answers: &[&str]) -> (String, bool) {
    let now = Instant::now();
    let mut exchange = exchange(Exchange::new("m-1", mode, now + Duration::from_secs(30)));
    let blocks = answers.iter().map(|answer| Block::new(answer.as_bytes().to_vec()));
    let outcomes: Vec<String> = blocks.map(|block| outcome(exchange.handle_block(block, now))).collect();
    (outcomes.join(", "), exchange.is_taken())
}

/// The answers in short: `AA` is that acknowledgment of m-1, `AA other` one of another message, `AA -` one without MSA-2.
fn answers(short: &str) -> Vec<String> {
    let answer = |word: &str| match word.split_once(' ') {
        _ if word.starts_with(['\x06', '\x15', 'M']) => word.to_owned(),
        Some((code, "-")) => ack(code, ""),
        Some((code, id)) => ack(code, id),
        None => ack(word, "m-1"),
    };
    short.split(", ").map(answer).collect()
}

#[test]
fn fault_21_both_phases_are_awaited_and_a_commit_settles_who_has_the_message() {
    use AckMode::{Accept, Application, Original};
    for (mode, short, expected, taken) in [
        (Accept, "CA, AA", "accepted CA, AA", true),
        (Accept, "CA, AE", "accepted CA, AE", true),
        (Accept, "CA, AR, AA", "accepted CA, AR, repeated", true),
        (Accept, "CA, CA", "accepted CA, repeated", true),
        (Accept, "CA, CE", "accepted CA, repeated", true),
        (Accept, "CA, AA m-2", "accepted CA, other ID", true),
        (Accept, "CA, AA -", "accepted CA, missing ID", true),
        (Accept, "CA, MSH|^~\\&|A\r", "accepted CA, N022", true),
        (Accept, "CE, AA", "CE, repeated", false),
        (Accept, "CR", "CR", false),
        (Accept, "AA, CA", "AA, repeated", false),
        (Application, "CA, AA", "accepted CA, AA", true),
        (Application, "AA", "AA", false),
        (Original, "CA", "CA", false),
    ] {
        let answers = answers(short);
        let answers: Vec<&str> = answers.iter().map(String::as_str).collect();
        let both = |exchange: Exchange| exchange.then_application(Duration::from_secs(60));
        assert_eq!(told(both, mode, &answers), (expected.to_owned(), taken), "{mode:?} {short:?}");
    }
}

#[test]
fn fault_21_each_phase_has_its_own_deadline() {
    let start = Instant::now();
    let after = |seconds| start + Duration::from_secs(seconds);
    let answer = |code| Block::new(ack(code, "m-1").into_bytes());
    let begun = || {
        let mut exchange =
            Exchange::new("m-1", AckMode::Accept, after(10)).then_application(Duration::from_secs(60));
        assert_eq!(outcome(exchange.handle_block(answer("CA"), after(9))), "accepted CA");
        assert_eq!(exchange.deadline(), after(69));
        exchange
    };
    assert_eq!(outcome(begun().handle_block(answer("AA"), after(68))), "AA");
    assert_eq!(outcome(begun().handle_block(answer("AA"), after(69))), "late");
    let mut timed = begun();
    assert_eq!(outcome(timed.handle_time(after(68))), "wait");
    assert_eq!(outcome(timed.handle_time(after(69))), "late");
    assert!(timed.is_taken(), "expired and still never to be sent again");

    let mut early = Exchange::new("m-1", AckMode::Accept, after(10)).then_application(Duration::MAX);
    assert_eq!(outcome(early.handle_block(answer("CA"), after(10))), "late");
    assert!(!early.is_taken(), "a late CA is none");
}

#[test]
fn fault_13_a_missing_msa_2_is_taken_only_when_that_is_allowed() {
    let lenient = Exchange::missing_control_id_allowed;
    for (short, expected) in [
        ("AA -", "AA"),
        ("AE -", "AE"),
        ("AA", "AA"),
        ("AA m-2", "other ID"),
        ("AA \"\"", "other ID"),
        ("AA -, AA -", "AA, repeated"),
    ] {
        let answers = answers(short);
        let answers: Vec<&str> = answers.iter().map(String::as_str).collect();
        assert_eq!(told(lenient, AckMode::Original, &answers).0, expected, "{short:?}");
    }
    assert_eq!(told(lenient, AckMode::Original, &["MSH|^~\\&|A\rMSA|AA\r"]).0, "AA");
}

#[test]
fn fault_23_and_24_release_2_has_a_commit_before_anything_else() {
    for (short, expected, taken) in [
        ("\x06, AA", "committed, AA", true),
        ("\x06, AE", "committed, AE", true),
        ("\x06, AA m-2", "committed, other ID", true),
        ("\x06, \x06", "committed, repeated", true),
        ("\x06, \x15", "committed, repeated", true),
        ("\x15, AA", "commit refused, repeated", false),
        ("AA, \x06", "no commit, repeated", false),
        ("MSH|^~\\&|A\r", "no commit", false),
        ("\x06\x06", "no commit", false),
    ] {
        let answers = answers(short);
        let answers: Vec<&str> = answers.iter().map(String::as_str).collect();
        let told = told(Exchange::release2, AckMode::Original, &answers);
        assert_eq!(told, (expected.to_owned(), taken), "{short:?}");
    }
    assert_eq!(told(|exchange| exchange, AckMode::Original, &["\x06"]), ("a commit".to_owned(), false));
    assert_eq!(told(|exchange| exchange, AckMode::Original, &["\x15"]), ("a commit".to_owned(), false));

    let both = |exchange: Exchange| exchange.release2().then_application(Duration::from_secs(1));
    let (ca, aa) = (ack("CA", "m-1"), ack("AA", "m-1"));
    assert_eq!(told(both, AckMode::Accept, &["\x06", &ca, &aa]).0, "committed, accepted CA, AA");
}

#[test]
fn fault_23_each_acknowledgment_of_release_2_is_confirmed_once() {
    let now = Instant::now();
    let mut exchange = Exchange::new("m-1", AckMode::Original, now + Duration::from_secs(1)).release2();
    exchange.handle_block(Block::new(&b"\x06"[..]), now);
    assert_eq!(exchange.commit_due(), None, "a commit is not confirmed");
    exchange.handle_block(Block::new(ack("AA", "m-1").into_bytes()), now);
    assert_eq!(exchange.commit_due(), Some(CommitBlock::Ack));
    assert_eq!(exchange.commit_due(), None);

    let mut only = Exchange::commit_only(now + Duration::from_secs(1));
    assert_eq!(outcome(only.handle_block(Block::new(&b"\x06"[..]), now)), "committed");
    assert_eq!(outcome(only.handle_block(Block::new(&b"\x06"[..]), now)), "repeated");
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
