//! What one block of an answer says, judged against the message that it should answer.

use hl7_core::{AckCode, Message, Msa, ParseErrorKind, path, unescape};

use super::fault::{self, Fault};
use super::question::Question;
use crate::acknowledgment::{Acknowledgment, AcknowledgmentErrorKind};

/// A fault, and what was seen of it.
pub(super) type Seen = (&'static Fault, String);

/// The commit acknowledgments of MLLP release 2.
const COMMITTED: &[u8] = &[0x06];
const NOT_COMMITTED: &[u8] = &[0x15];

/// One block, judged.
#[derive(Default)]
pub(super) struct Answer {
    pub(super) faults: Vec<Seen>,
    pub(super) code: Option<AckCode>,
    /// MSA-2.
    pub(super) control_id: String,
    /// MSH-10 of the answer.
    pub(super) own_id: String,
}

impl Answer {
    fn only(fault: &'static Fault, seen: impl Into<String>) -> Self {
        Self { faults: vec![(fault, seen.into())], ..Self::default() }
    }
}

/// `earlier` are the control IDs that were sent before on this connection.
pub(super) fn judge(content: &[u8], question: &Question, earlier: &[String]) -> Answer {
    match content {
        COMMITTED => return Answer::only(&fault::RELEASE_2_ACK, ""),
        NOT_COMMITTED => return Answer::only(&fault::RELEASE_2_NAK, ""),
        _ => {}
    }
    match Acknowledgment::read(content) {
        Ok(ack) => of_acknowledgment(content, &ack, question, earlier),
        Err(why) => match why.kind() {
            AcknowledgmentErrorKind::NotAMessage(_) => Answer::only(&fault::NOT_HL7, shape(content)),
            AcknowledgmentErrorKind::NoMsa if is_echo(content, question) => Answer::only(&fault::ECHO, ""),
            AcknowledgmentErrorKind::NoMsa => Answer::only(&fault::NO_MSA, ""),
            AcknowledgmentErrorKind::RepeatedMsa => Answer::only(&fault::REPEATED_MSA, ""),
            AcknowledgmentErrorKind::UnknownCode => Answer::only(&fault::UNKNOWN_CODE, ""),
        },
    }
}

fn of_acknowledgment(
    content: &[u8],
    ack: &Acknowledgment,
    question: &Question,
    earlier: &[String],
) -> Answer {
    let message = ack.message();
    let own_id = message.get(path!("MSH-10")).map(|id| id.raw().to_owned()).unwrap_or_default();
    let mut faults: Vec<Seen> =
        id_fault(&question.control_id, ack.control_id(), earlier).into_iter().collect();
    let mut check = |found: bool, fault: &'static Fault| {
        if found {
            faults.push((fault, String::new()));
        }
    };
    let code = Msa::of(message).map_or("", Msa::code_raw);
    check(code != ack.code().as_str(), &fault::SLOPPY_CODE);
    check(memchr::memchr(b'\n', content).is_some(), &fault::LINE_FEEDS);
    check(!content.ends_with(b"\r") && !content.ends_with(b"\n"), &fault::LAST_SEGMENT_OPEN);
    check(!is_readable(content), &fault::CHARSET);
    check(has_bare_delimiters(message), &fault::UNESCAPED_TEXT);
    check(own_id.is_empty(), &fault::NO_OWN_ID);
    Answer { faults, code: Some(ack.code()), control_id: ack.control_id().to_owned(), own_id }
}

/// What MSA-2 should have been, and what it is like instead.
fn id_fault(sent: &str, got: &str, earlier: &[String]) -> Option<Seen> {
    let characters = got.chars().count();
    let cut = || format!("{characters} of {} characters came back", sent.chars().count());
    let found = |fault| Some((fault, String::new()));
    if got == sent {
        None
    } else if got.is_empty() {
        found(&fault::ID_MISSING)
    } else if earlier.iter().any(|id| id == got) {
        found(&fault::ID_PREVIOUS)
    } else if got.trim() == sent {
        found(&fault::ID_PADDED)
    } else if got.eq_ignore_ascii_case(sent) {
        found(&fault::ID_CASE)
    } else if is_unescaped(sent, got) {
        found(&fault::ID_UNESCAPED)
    } else if sent.starts_with(got) && characters >= 20 {
        Some((&fault::LONG_ID_CUT, cut()))
    } else if sent.starts_with(got) {
        Some((&fault::ID_CUT, cut()))
    } else {
        found(&fault::ID_OTHER)
    }
}

/// Whether the escape sequences of what was sent were undone, and the field perhaps cut at a bare delimiter.
fn is_unescaped(sent: &str, got: &str) -> bool {
    let plain = unescape(sent, &hl7_core::Delimiters::default());
    sent.contains('\\') && plain.starts_with(got)
}

fn is_echo(content: &[u8], question: &Question) -> bool {
    let read = Message::from_bytes(content);
    read.is_ok_and(|m| m.get(path!("MSH-10")).is_some_and(|id| id.raw() == question.control_id))
}

/// Whether the bytes are in the character set that MSH-18 states.
fn is_readable(content: &[u8]) -> bool {
    !matches!(Message::from_bytes(content), Err(why) if matches!(why.kind(), ParseErrorKind::Charset(_)))
}

/// MSA-3 is one text and MSA-4 a number; bare delimiters in the text make components and further fields of it.
fn has_bare_delimiters(message: &Message<'_>) -> bool {
    let Some(msa) = Msa::of(message) else { return false };
    let parts = msa.text().is_some_and(|text| {
        let d = message.delimiters();
        [d.component(), d.repetition()].into_iter().flatten().any(|delimiter| text.raw().contains(delimiter))
    });
    let number = msa.expected_sequence_number().map_or("", |value| value.raw());
    parts || !number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')
}

/// What an answer is like that is no HL7, without quoting it.
pub(super) fn shape(bytes: &[u8]) -> String {
    let start: Vec<u8> = bytes.iter().take(64).map(u8::to_ascii_lowercase).collect();
    let begins = |with: &[u8]| start.starts_with(with);
    let like = if begins(b"<?xml") || begins(b"<ack") {
        "XML"
    } else if begins(b"<!doctype html") || begins(b"<html") {
        "HTML"
    } else if begins(b"{") || begins(b"[") {
        "JSON"
    } else if bytes.is_empty() {
        "empty"
    } else {
        "neither XML nor JSON"
    };
    format!("{} bytes, {like}", bytes.len())
}
