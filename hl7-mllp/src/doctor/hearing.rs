//! What came back for one message: the frame, the first answer, and what stands behind it.

use std::time::Duration;

use hl7_core::AckCode;

use super::answer::{self, Answer, Seen};
use super::fault::{self, Fault};
use super::frame::{self, End, Part};
use super::line::{Ending, Heard};
use super::question::Question;

/// What came of one message.
#[derive(Default)]
pub(super) struct Hearing {
    pub(super) faults: Vec<Seen>,
    /// Why there is no answer at all, where there is none.
    pub(super) silence: Option<&'static Fault>,
    pub(super) code: Option<AckCode>,
    pub(super) own_id: String,
    pub(super) took: Duration,
    /// The connection is over.
    pub(super) is_closed: bool,
    /// An application acknowledgment stands behind the accept acknowledgment.
    pub(super) is_both: bool,
}

impl Hearing {
    fn found(&mut self, fault: &'static Fault, seen: impl Into<String>) {
        self.faults.push((fault, seen.into()));
    }

    pub(super) fn silent(why: &'static Fault) -> Self {
        Self { silence: Some(why), is_closed: !why.is(&fault::UNANSWERED), ..Self::default() }
    }
}

/// Judges what was heard. `earlier` are the control IDs that were sent before on this connection.
pub(super) fn judge(heard: &Heard, question: &Question, earlier: &[String]) -> Hearing {
    if heard.bytes.is_empty() {
        return Hearing::silent(match heard.ending {
            Ending::Closed => &fault::CLOSED_UNANSWERED,
            Ending::Reset => &fault::RESET_UNANSWERED,
            Ending::Insecure(why) => fault::insecure(why),
            Ending::Open | Ending::TooMuch => &fault::UNANSWERED,
        });
    }
    let mut hearing = Hearing {
        took: heard.took.unwrap_or_default(),
        is_closed: heard.ending != Ending::Open,
        ..Hearing::default()
    };
    let parts = frame::parts(&heard.bytes);
    let mut parts = parts.as_slice();
    if let [Part::Outside(bytes), rest @ ..] = parts {
        let fault = before(bytes, rest.is_empty());
        hearing.found(fault, outside(bytes));
        if !fault.is(&fault::BYTES_BEFORE) {
            return hearing;
        }
        parts = rest;
    }
    match parts {
        _ if heard.ending == Ending::TooMuch => {
            hearing.found(&fault::ENDLESS, format!("{} bytes so far", heard.bytes.len()));
        }
        [Part::Block(content, end), behind @ ..] => {
            hearing.end(*end);
            hearing.content(answer::judge(content, question, earlier), behind, question, earlier);
        }
        [Part::Open(_), _, ..] => hearing.found(&fault::RESTARTED, ""),
        [Part::Open(content), ..] => {
            hearing
                .found(unfinished(content, heard.ending, question), format!("after {} bytes", content.len()));
        }
        _ => {}
    }
    hearing
}

/// Every whole block, judged as an answer to `question`.
pub(super) fn answers(heard: &Heard, question: &Question) -> Vec<Answer> {
    let blocks = frame::parts(&heard.bytes).into_iter().filter_map(|part| match part {
        Part::Block(content, _) => Some(answer::judge(content, question, &[])),
        Part::Open(_) | Part::Outside(_) => None,
    });
    blocks.collect()
}

impl Hearing {
    fn end(&mut self, end: End) {
        let seen = match end {
            End::Exact => return,
            End::Alone => "nothing",
            End::LineFeed => "a line feed",
            End::Other => "another byte",
        };
        self.found(&fault::END_WITHOUT_CR, format!("behind 0x1C: {seen}"));
    }

    fn content(&mut self, first: Answer, behind: &[Part<'_>], question: &Question, earlier: &[String]) {
        (self.code, self.own_id) = (first.code, first.own_id.clone());
        let Some(code) = first.code else { return self.faults.extend(first.faults) };
        let blocks = behind.iter().filter_map(|part| match part {
            Part::Block(content, _) => Some(answer::judge(content, question, earlier)),
            Part::Open(_) | Part::Outside(_) => None,
        });
        let more = blocks.map(|second| behind_it(code, &first, &second, question, earlier)).next();
        match more {
            Some(fault) if fault.is(&fault::COMMIT_THEN_APPLICATION) && question.is_enhanced => {
                self.is_both = true;
            }
            Some(fault) => return self.found(fault, ""),
            None if !behind.is_empty() => self.found(&fault::BYTES_BEHIND, ""),
            None if code == AckCode::CA && !question.is_enhanced => self.found(&fault::COMMIT_ALONE, ""),
            None => {}
        }
        self.faults.extend(first.faults);
    }
}

/// What a second block is.
fn behind_it(
    code: AckCode,
    first: &Answer,
    second: &Answer,
    question: &Question,
    earlier: &[String],
) -> &'static Fault {
    if earlier.contains(&first.control_id) || earlier.contains(&second.control_id) {
        return &fault::ANSWERS_EARLIER_AGAIN;
    }
    match second.code {
        Some(next) if second.control_id == question.control_id => {
            if code.is_commit() && !next.is_commit() {
                &fault::COMMIT_THEN_APPLICATION
            } else {
                &fault::ANSWERED_TWICE
            }
        }
        _ => &fault::ANOTHER_BLOCK,
    }
}

/// What bytes in front of a start block are; `alone` where no block follows.
fn before(bytes: &[u8], alone: bool) -> &'static Fault {
    if bytes.starts_with(b"MSH") {
        &fault::NO_START_BLOCK
    } else if alone || protocol(bytes).is_some() {
        &fault::OTHER_PROTOCOL
    } else {
        &fault::BYTES_BEFORE
    }
}

/// The protocol that speaks so.
pub(super) fn protocol(bytes: &[u8]) -> Option<&'static str> {
    const STARTS: [(&[u8], &str); 6] = [
        (b"HTTP/", "HTTP"),
        (b"SSH-", "SSH"),
        (b"\xFF\xFD", "telnet"),
        (b"\xFF\xFB", "telnet"),
        (b"\x15\x03", "TLS"),
        (b"\x16\x03", "TLS"),
    ];
    STARTS.into_iter().find(|(start, _)| bytes.starts_with(start)).map(|(_, name)| name)
}

/// Bytes outside a block, without quoting them.
pub(super) fn outside(bytes: &[u8]) -> String {
    match protocol(bytes) {
        Some(name) => format!("{} bytes, like {name}", bytes.len()),
        None => format!("{} bytes", bytes.len()),
    }
}

fn unfinished(content: &[u8], ending: Ending, question: &Question) -> &'static Fault {
    let is_whole = || {
        let answer = answer::judge(content, question, &[]);
        content.ends_with(b"\r") && answer.code.is_some() && answer.control_id == question.control_id
    };
    match ending {
        Ending::Closed => &fault::CLOSED_INSIDE,
        Ending::Reset => &fault::RESET_INSIDE,
        Ending::Insecure(why) => fault::insecure(why),
        Ending::Open if is_whole() => &fault::NO_END_BLOCK,
        Ending::Open | Ending::TooMuch => &fault::UNFINISHED,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn question() -> Question {
        Question { control_id: "DrQ1".to_owned(), content: b"MSH|^~\\&|A".to_vec(), is_enhanced: false }
    }

    /// Pieces of answers, good and bad, in any order.
    fn pieces() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            Just(b"\x0B".to_vec()),
            Just(b"\x1C\r".to_vec()),
            Just(b"\x1C".to_vec()),
            Just(b"\r".to_vec()),
            Just(b"\x06".to_vec()),
            Just(b"MSH|^~\\&|A||||||ACK|x|T|2.5\r".to_vec()),
            Just(b"MSA|AA|DrQ1\r".to_vec()),
            Just(b"MSA|CA|DrQ1\r".to_vec()),
            Just(b"MSA|AA|CANARY\r".to_vec()),
            Just(b"CANARY".to_vec()),
            proptest::collection::vec(any::<u8>(), 0..8),
        ];
        proptest::collection::vec(piece, 1..12).prop_map(|pieces| pieces.concat())
    }

    fn ending() -> impl Strategy<Value = Ending> {
        prop_oneof![
            Just(Ending::Open),
            Just(Ending::Closed),
            Just(Ending::Reset),
            Just(Ending::TooMuch),
            Just(Ending::Insecure(crate::TlsFault::Truncated)),
        ]
    }

    proptest! {
        #[test]
        fn whatever_is_heard_is_called_something_and_not_quoted(bytes in pieces(), ending in ending()) {
            let heard = Heard { bytes, ending, took: None };
            let hearing = judge(&heard, &question(), &["earlier".to_owned()]);
            let named = hearing.silence.is_some() || !hearing.faults.is_empty();
            prop_assert!(named || hearing.code.is_some());
            for (_, seen) in &hearing.faults {
                prop_assert!(!seen.contains("CANARY"));
            }
            // Sound is only what is exactly so.
            if !named {
                prop_assert_eq!(heard.bytes.first(), Some(&0x0B));
                prop_assert!(heard.bytes.ends_with(b"\x1C\r"));
            }
        }
    }
}
