//! The probes that send what a receiver can stumble over.

use hl7_core::{Path, path};

use super::examination::{Examination, Probed};
use super::fault;
use super::frame::{CR, END, START};
use super::hearing;
use super::line::Ending;
use super::single::{broken_off, coded};

const LARGE: usize = 1024 * 1024;

impl Examination<'_> {
    pub(super) async fn line_feeds(&mut self) -> Probed {
        let mut question = self.question(|questions| questions.plain())?;
        question.content.iter_mut().filter(|byte| **byte == CR).for_each(|byte| *byte = b'\n');
        let mut line = self.line().await?;
        let mut hearing = self.ask(&mut line, &question, &[]).await;
        // Many receivers answer with the line ends that they were sent.
        hearing.faults.retain(|(fault, _)| !fault.is(&fault::LINE_FEEDS));
        let hearing = self.judged("lines that end in LF", hearing, &fault::ODD_VARIANT_UNANSWERED);
        Ok(coded("LF", &hearing))
    }

    /// A refusal is right here, and no finding.
    pub(super) async fn unknown_type(&mut self) -> Probed {
        let values: [(&'static Path, &str); 1] = [(path!("MSH-9"), "ZZZ^Z99")];
        let question = self.question(|questions| questions.changed(&values))?;
        let mut line = self.line().await?;
        let mut hearing = self.ask(&mut line, &question, &[]).await;
        let note = coded("ZZZ^Z99", &hearing);
        if hearing.code.take().is_some_and(|code| code.is_positive()) {
            self.found(&fault::TAKES_UNKNOWN_TYPE, "");
        }
        self.judged("a type that does not exist", hearing, &fault::ODD_VARIANT_UNANSWERED);
        Ok(note)
    }

    /// A refusal is right here, and so is a closed connection.
    pub(super) async fn not_hl7(&mut self) -> Probed {
        let question = self.question(|questions| questions.plain())?;
        let mut line = self.line().await?;
        let block = [&[START], &b"This is not HL7."[..], &[END, CR]].concat();
        let _ = line.say(&block, self.doctor.ack_timeout).await;
        let heard = line.hear(1, self.doctor.ack_timeout, self.doctor.quiet).await;
        let codes: Vec<_> =
            hearing::answers(&heard, &question).into_iter().filter_map(|answer| answer.code).collect();
        if codes.iter().any(|code| code.is_positive()) {
            self.found(&fault::TAKES_ANYTHING, "");
        } else if codes.is_empty() && heard.ending == Ending::Open {
            self.found(&fault::SILENT_ON_ANYTHING, "");
        }
        Ok(match codes.first() {
            Some(code) => format!("answered {code}"),
            None if heard.ending == Ending::Open => "passed over".to_owned(),
            None => "closed".to_owned(),
        })
    }

    /// Two patients must not become one.
    pub(super) async fn broken_block(&mut self) -> Probed {
        let broken = self.question(|questions| questions.plain())?;
        let good = self.question(|questions| questions.plain())?;
        let mut line = self.line().await?;
        let _ = line.say(&[broken_off(&broken), good.framed()].concat(), self.doctor.ack_timeout).await;
        let heard = line.hear(1, self.doctor.ack_timeout, self.doctor.quiet).await;
        let accepted = hearing::answers(&heard, &broken)
            .iter()
            .any(|a| a.control_id == broken.control_id && a.code.is_some_and(|code| code.is_positive()));
        if accepted {
            self.found(&fault::BROKEN_ACCEPTED, "");
            return Ok("the broken one was accepted".to_owned());
        }
        if hearing::answers(&heard, &good).iter().any(|a| a.control_id == good.control_id) {
            return Ok("the good one was answered".to_owned());
        }
        let stays = heard.ending == Ending::Open;
        self.found(if stays { &fault::BROKEN_LOSES_NEXT } else { &fault::BROKEN_CLOSES }, "");
        Ok("neither was accepted".to_owned())
    }

    pub(super) async fn large(&mut self) -> Probed {
        let mut question = self.question(|questions| questions.plain())?;
        question.content.extend_from_slice(b"NTE|1||");
        question.content.resize(question.content.len() + LARGE, b'x');
        question.content.push(CR);
        let mut line = self.line().await?;
        let mut hearing = self.ask(&mut line, &question, &[]).await;
        let takes_none = hearing.silence.take_if(|why| why.is(&fault::TAKES_NO_BYTES)).is_some();
        if takes_none {
            self.found(&fault::TAKES_NO_BYTES, "in a message of 1 MiB");
        }
        if takes_none || self.has_found(&fault::UNANSWERED) {
            return Ok(coded("1 MiB", &hearing));
        }
        let hearing = self.judged("a message of 1 MiB", hearing, &fault::ODD_VARIANT_UNANSWERED);
        Ok(coded("1 MiB", &hearing))
    }
}
