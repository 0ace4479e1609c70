//! The probes that need several messages on one connection.

use super::examination::{Examination, Probed, Skipped};
use super::fault::{self, Fault};
use super::hearing;
use super::line::Ending;
use super::question::Question;
use super::single;

const CLOSES: Skipped = Skipped("the receiver closes the connection after each message");
const MESSAGES: usize = 3;

impl Examination<'_> {
    pub(super) async fn again(&mut self) -> Probed {
        if self.closes {
            return Err(CLOSES);
        }
        let mut line = self.line().await?;
        let (mut earlier, mut own_ids) = (Vec::new(), Vec::new());
        for number in 1..=MESSAGES {
            let question = self.question(|questions| questions.plain())?;
            let hearing = self.ask(&mut line, &question, &earlier).await;
            let hearing = self.judged(&format!("message {number}"), hearing, &fault::SECOND_UNANSWERED);
            if hearing.silence.is_some() {
                return Ok(format!("message {number} not answered"));
            }
            own_ids.push(hearing.own_id);
            earlier.push(question.control_id);
        }
        let first = own_ids.first().filter(|id| !id.is_empty());
        if first.is_some() && own_ids.iter().all(|id| Some(id) == first) {
            self.found(&fault::CONSTANT_OWN_ID, "");
        }
        Ok(format!("{MESSAGES} messages on one connection"))
    }

    pub(super) async fn pipelining(&mut self) -> Probed {
        if self.closes {
            return Err(CLOSES);
        }
        let first = self.question(|questions| questions.plain())?;
        let second = self.question(|questions| questions.plain())?;
        let mut line = self.line().await?;
        let both = [first.framed(), second.framed()].concat();
        let _ = line.say(&both, self.doctor.ack_timeout).await;
        let heard = line.hear(2, self.doctor.ack_timeout * 2, self.doctor.quiet).await;
        let answers = hearing::answers(&heard, &first);
        let at = |question: &Question| answers.iter().position(|a| a.control_id == question.control_id);
        let fault = match (at(&first), at(&second)) {
            (Some(one), Some(two)) if one < two => return Ok("both answered, in order".to_owned()),
            (Some(_), Some(_)) => &fault::PIPELINE_OUT_OF_ORDER,
            (Some(_), None) => &fault::PIPELINE_FIRST_ONLY,
            (None, Some(_)) => &fault::PIPELINE_LAST_ONLY,
            (None, None) => &fault::PIPELINE_UNANSWERED,
        };
        self.found(fault, ending(heard.ending));
        Ok(format!("{} of 2 answered", answers.len().min(2)))
    }

    pub(super) async fn idle(&mut self) -> Probed {
        if self.closes {
            return Err(CLOSES);
        }
        let (before, after) =
            (self.question(|questions| questions.plain())?, self.question(|questions| questions.plain())?);
        let mut line = self.line().await?;
        let hearing = self.ask(&mut line, &before, &[]).await;
        if self.judged("before the pause", hearing, &fault::VARIANT_UNANSWERED).silence.is_some() {
            return Ok("not answered".to_owned());
        }
        let pause = self.doctor.idle;
        let heard = line.hear(0, pause, pause).await;
        if !heard.bytes.is_empty() {
            self.found(&fault::ANOTHER_BLOCK, "in the pause");
        }
        if heard.ending != Ending::Open {
            self.found(&fault::CLOSES_IDLE, format!("within {} ms", pause.as_millis()));
            return Ok("closed".to_owned());
        }
        let hearing = self.ask(&mut line, &after, &[before.control_id]).await;
        let hearing = self.judged("after the pause", hearing, &fault::DEAD_AFTER_IDLE);
        Ok(single::coded(&format!("after {} ms", pause.as_millis()), &hearing))
    }
}

fn ending(ending: Ending) -> &'static str {
    let fault: &'static Fault = match ending {
        Ending::Open => return "the connection stays open",
        Ending::Closed => return "the connection is closed",
        Ending::Reset => return "the connection is reset",
        Ending::TooMuch => &fault::ENDLESS,
        Ending::Insecure(why) => fault::insecure(why),
    };
    fault.what
}
