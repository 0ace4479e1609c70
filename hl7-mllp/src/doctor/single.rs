//! The probes that need one message at a time: reaching the receiver, the plain message, its variants.

use std::time::{Duration, Instant, SystemTime};

use hl7_core::{AckCode, Path, path};
use tokio::time::sleep;

use super::examination::{Examination, Probed};
use super::fault::{self, Fault};
use super::frame::START;
use super::hearing::{self, Hearing};
use super::line::{Ending, Line};
use super::question::Question;

/// So much of a fragmented message goes out byte by byte, then in pieces of so many bytes.
const SINGLE_BYTES: usize = 24;
const PIECE: usize = 32;
const BETWEEN_PIECES: Duration = Duration::from_millis(3);

/// Time enough to have a certificate issued.
const SOON: Duration = Duration::from_secs(30 * 24 * 60 * 60);

impl Examination<'_> {
    /// A receiver says nothing before it is asked, and stays.
    pub(super) async fn reach(&mut self) -> Probed {
        let begun = Instant::now();
        let mut line = self.line().await?;
        let took = begun.elapsed();
        let heard = line.hear(0, self.doctor.quiet, self.doctor.quiet).await;
        if !heard.bytes.is_empty() {
            let greets = hearing::protocol(&heard.bytes).is_none();
            let fault = if greets { &fault::GREETS } else { &fault::OTHER_PROTOCOL };
            self.found(fault, hearing::outside(&heard.bytes));
        } else if let Ending::Insecure(why) = heard.ending {
            self.found(fault::insecure(why), "after the handshake");
        } else if heard.ending != Ending::Open {
            self.found(&fault::CLOSES_AT_ONCE, "");
        }
        let secured = line.not_after().map_or_else(String::new, |end| self.days_left(end));
        Ok(format!("connected after {} ms{secured}", took.as_millis()))
    }

    /// How long the receiver's certificate is valid, in words.
    fn days_left(&mut self, end: SystemTime) -> String {
        let left = end.duration_since(SystemTime::now()).unwrap_or_default();
        let days = format!("{} days", left.as_secs() / (24 * 60 * 60));
        if left < SOON {
            self.found(&fault::ENDS_SOON, &*days);
        }
        format!(", over TLS; the certificate is valid for {days}")
    }

    pub(super) async fn message(&mut self) -> Probed {
        let question = self.question(|questions| questions.plain())?;
        let mut line = self.line().await?;
        let mut hearing = self.ask(&mut line, &question, &[]).await;
        self.found_all(std::mem::take(&mut hearing.faults));
        if let Some(why) = hearing.silence {
            return Ok(self.silent(line, why).await);
        }
        let Some(code) = hearing.code else { return Ok("no acknowledgment".to_owned()) };
        if let Some(refusal) = refusal(code) {
            self.found(refusal, "");
        }
        self.pace(&hearing);
        Ok(format!("{code} after {} ms", hearing.took.as_millis()))
    }

    /// Late or never: the answer has the same time once more.
    async fn silent(&mut self, mut line: Line, why: &'static Fault) -> String {
        let allowed = self.doctor.ack_timeout;
        if why.is(&fault::UNANSWERED) {
            let late = line.hear(1, allowed, self.doctor.quiet).await;
            if let Some(more) = late.took {
                let after = (allowed + more).as_millis();
                self.found(
                    &fault::LATE,
                    format!("after {after} ms; {} ms were allowed", allowed.as_millis()),
                );
                return "late".to_owned();
            }
        }
        self.found(why, format!("within {} ms", allowed.as_millis()));
        "not answered".to_owned()
    }

    fn pace(&mut self, hearing: &Hearing) {
        if hearing.took > self.doctor.ack_timeout / 2 {
            self.found(&fault::SLOW, format!("{} ms", hearing.took.as_millis()));
        }
        if hearing.is_closed {
            self.closes = true;
            self.found(&fault::CLOSES_AFTER_EACH, "");
        }
    }

    pub(super) async fn control_ids(&mut self) -> Probed {
        let tails = [
            ("20 characters", id_of(20)),
            ("escape sequences", "&^".to_owned()),
            ("199 characters", id_of(199)),
        ];
        for (what, tail) in tails {
            let question = self.question(|questions| {
                let used = questions.prefix().len() + digits(questions.made() + 1) + 1;
                let room = tail.len().saturating_sub(used).max(5);
                questions.with_id(tail.get(..room).unwrap_or(&tail), &[])
            })?;
            let silent = if what == "20 characters" {
                &fault::VARIANT_UNANSWERED
            } else {
                &fault::ODD_VARIANT_UNANSWERED
            };
            self.variant(&format!("a control ID of {what}"), &question, silent).await?;
        }
        Ok("20 and 199 characters, escape sequences".to_owned())
    }

    /// MSH-18 says what the name is written in.
    pub(super) async fn charset(&mut self) -> Probed {
        let values: [(&'static Path, &str); 2] =
            [(path!("MSH-18"), "UNICODE UTF-8"), (path!("PID-5"), "ZOË^ÆØÅ ŁÓDŹ 山田")];
        let question = self.question(|questions| questions.changed(&values))?;
        let hearing =
            self.variant("letters outside ASCII, in UTF-8", &question, &fault::VARIANT_UNANSWERED).await?;
        Ok(coded("UTF-8", &hearing))
    }

    pub(super) async fn fragments(&mut self) -> Probed {
        let question = self.question(|questions| questions.plain())?;
        let mut line = self.line().await?;
        let bytes = question.framed();
        // The last piece is the last byte alone: the frame's end is cut in two.
        let (body, last) = bytes.split_at(bytes.len().saturating_sub(1));
        let (first, rest) = body.split_at(SINGLE_BYTES.min(body.len()));
        for piece in first.chunks(1).chain(rest.chunks(PIECE)) {
            if line.say(piece, self.doctor.ack_timeout).await.is_err() {
                break;
            }
            sleep(BETWEEN_PIECES).await;
        }
        let hearing = self.ask_with(&mut line, last, &question, &[]).await;
        let hearing = self.judged("in pieces", hearing, &fault::FRAGMENTS_UNANSWERED);
        Ok(coded("in pieces", &hearing))
    }

    /// Each way of asking, on a connection of its own.
    pub(super) async fn enhanced(&mut self) -> Probed {
        let mut notes = Vec::new();
        for (accept, application) in [("AL", "NE"), ("NE", "AL"), ("AL", "AL")] {
            let values: [(&'static Path, &str); 2] =
                [(path!("MSH-15"), accept), (path!("MSH-16"), application)];
            let question = self.question(|questions| questions.changed(&values))?;
            let what = format!("MSH-15 {accept}, MSH-16 {application}");
            let hearing = self.variant(&what, &question, &fault::ENHANCED_UNANSWERED).await?;
            if hearing.is_both {
                self.found(&fault::ENHANCED_BOTH, what);
            } else if accept == "AL" && hearing.code.is_some_and(|code| !code.is_commit()) {
                self.found(&fault::ENHANCED_IGNORED, what);
            }
            let both = if hearing.is_both { " and more" } else { "" };
            notes.push(coded(&format!("{accept}/{application}"), &hearing) + both);
        }
        Ok(notes.join(", "))
    }

    pub(super) async fn duplicate(&mut self) -> Probed {
        let question = self.question(|questions| questions.plain())?;
        let mut line = self.line().await?;
        let first = self.ask(&mut line, &question, &[]).await;
        if first.is_closed {
            line = self.line().await?;
        }
        let mut second = self.ask(&mut line, &question, &[]).await;
        if let Some(code) = second.code.take_if(|code| !code.is_positive()) {
            self.found(&fault::DUPLICATE_REFUSED, code.as_str());
            return Ok(format!("{code} the second time"));
        }
        let second = self.judged("the same message again", second, &fault::VARIANT_UNANSWERED);
        Ok(coded("the second time", &second))
    }
}

/// `what` and the code that it was answered with.
pub(super) fn coded(what: &str, hearing: &Hearing) -> String {
    match hearing.code {
        Some(code) => format!("{what}: {code}"),
        None => format!("{what}: no answer"),
    }
}

fn refusal(code: AckCode) -> Option<&'static Fault> {
    match code {
        AckCode::AA | AckCode::CA => None,
        AckCode::AE => Some(&fault::ANSWERS_AE),
        AckCode::AR => Some(&fault::ANSWERS_AR),
        AckCode::CE => Some(&fault::ANSWERS_CE),
        AckCode::CR => Some(&fault::ANSWERS_CR),
    }
}

/// So many characters for the end of a control ID.
fn id_of(characters: usize) -> String {
    "xY9z".chars().cycle().take(characters).collect()
}

fn digits(number: usize) -> usize {
    number.to_string().len()
}

/// The start of a block that is never ended.
pub(super) fn broken_off(question: &Question) -> Vec<u8> {
    [&[START], question.content.as_slice()].concat()
}
