//! The named scripts: each a receiver as one meets them, with one fault.

use std::time::Duration;

use super::act::{Act, Order, Reading};
use super::answer::{Answer, ControlId};
use super::script::Script;

/// One after the other, with no pause to speak of.
const AT_ONCE: Duration = Duration::ZERO;

fn answering(name: &'static str, answer: Answer) -> Script {
    Script::each([Act::Send(answer)]).named(name)
}

fn doing(name: &'static str, acts: impl IntoIterator<Item = Act>) -> Script {
    Script::each(acts).named(name)
}

fn answer() -> Answer {
    Answer::proper()
}

/// Receivers that answer as the standard says, or nearly.
impl Script {
    /// Answers each message as the standard says.
    pub fn proper() -> Self {
        answering("proper", answer())
    }

    /// Answers properly, but only after this time. A time past the sender's deadline makes it a late acknowledgment, on the
    /// same connection.
    pub fn after(pause: Duration) -> Self {
        doing("late", [Act::Pause(pause), Act::Send(answer())])
    }

    /// Answers properly, a byte at a time.
    pub fn fragmenting() -> Self {
        answering("fragmenting", answer().in_pieces(1, AT_ONCE))
    }

    /// Answers `CA`, then the application acknowledgment, on the same connection, where MSH-15 asks for an accept acknowledgment; else
    /// as [`Script::proper`] would.
    pub fn commit_then_application() -> Self {
        doing("commit-then-application", [Act::Send(answer().code("CA")), Act::Send(answer().code("AA"))])
    }

    /// Answers with this code in MSA-1, whatever it is.
    pub fn code(code: &str) -> Self {
        answering("code", answer().code(code))
    }
}

/// Receivers that do not answer, or not all.
impl Script {
    /// Accepts the connection and the message, and says nothing.
    pub fn half_open() -> Self {
        doing("half-open", [Act::Hold])
    }

    /// Accepts the connection and closes it.
    pub fn closes_at_once() -> Self {
        Self::proper().opening([Act::Close]).named("closes-at-once")
    }

    /// Closes the connection instead of answering.
    pub fn closes_without_answer() -> Self {
        doing("closes-without-answer", [Act::Close])
    }

    /// Resets the connection when this many bytes of a message have come.
    pub fn resets_while_reading(bytes: usize) -> Self {
        doing("resets-while-reading", [Act::Reset]).reading(Reading::Bytes(bytes))
    }

    /// Resets the connection in the middle of the answer.
    pub fn resets_mid_ack() -> Self {
        // The pause lets the half arrive: a reset overtakes what was not read yet.
        let pause = Act::Pause(Duration::from_millis(30));
        doing("resets-mid-ack", [Act::Send(answer().half()), pause, Act::Reset])
    }

    /// Closes the connection in the middle of the answer.
    pub fn closes_mid_ack() -> Self {
        doing("closes-mid-ack", [Act::Send(answer().half()), Act::Close])
    }

    /// Resets the connection when all of the answer but its end is sent.
    pub fn resets_before_end() -> Self {
        let pause = Act::Pause(Duration::from_millis(30));
        doing("resets-before-end", [Act::Send(answer().end([])), pause, Act::Reset])
    }

    /// Closes the connection when all of the answer but its end is sent.
    pub fn closes_before_end() -> Self {
        doing("closes-before-end", [Act::Send(answer().end([])), Act::Close])
    }

    /// Closes TCP in the middle of the answer, without the end that TLS asks for.
    pub fn cuts_mid_ack() -> Self {
        doing("cuts-mid-ack", [Act::Send(answer().half()), Act::Cut])
    }

    /// Stops in the middle of the answer, and keeps the connection.
    pub fn stops_mid_ack() -> Self {
        doing("stops-mid-ack", [Act::Send(answer().half()), Act::Hold])
    }

    /// Answers, and closes the connection.
    pub fn closes_after_each() -> Self {
        doing("closes-after-each", [Act::Send(answer()), Act::Close])
    }

    /// Answers, and closes a connection on which nothing comes for so long.
    pub fn closes_idle(after: Duration) -> Self {
        Self::proper().idle(after).named("closes-idle")
    }

    /// Reads nothing, with a small window.
    pub fn reads_nothing() -> Self {
        doing("reads-nothing", []).reading(Reading::Nothing)
    }

    /// Answers the first message of a connection and no other.
    pub fn answers_once() -> Self {
        doing("answers-once", [Act::Send(answer()), Act::Hold])
    }
}

/// Receivers with a frame of their own.
impl Script {
    /// The answer has no start block character.
    pub fn no_start_block() -> Self {
        answering("no-start-block", answer().start([]))
    }

    /// The answer has no end block character.
    pub fn no_end_block() -> Self {
        answering("no-end-block", answer().end([]))
    }

    /// The end block character has no carriage return behind it.
    pub fn end_block_without_cr() -> Self {
        answering("end-block-without-cr", answer().end([0x1C]))
    }

    /// A line feed stands where the carriage return of the end block belongs.
    pub fn end_block_with_lf() -> Self {
        answering("end-block-with-lf", answer().end([0x1C, b'\n']))
    }

    /// Some bytes stand before the start block character.
    pub fn garbage_before() -> Self {
        answering("garbage-before", answer().start(*b"# ok #\x0B"))
    }

    /// Some bytes stand behind the block.
    pub fn garbage_behind() -> Self {
        answering("garbage-behind", answer().end(*b"\x1C\r ok"))
    }

    /// The answer never ends.
    pub fn endless_ack() -> Self {
        doing("endless-ack", [Act::SendForEver])
    }

    /// A web server: answers in HTTP and closes.
    pub fn http() -> Self {
        let answer = Answer::bytes(*b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
        doing("http", [Act::Send(answer), Act::Close])
    }

    /// A telnet server: greets and asks for a name.
    pub fn telnet() -> Self {
        doing("telnet", [Act::Hold]).opening([Act::Send(Answer::bytes(*b"\xFF\xFD\x18\xFF\xFB\x01login: "))])
    }

    /// Greets with a line of text before it speaks MLLP.
    pub fn greets() -> Self {
        Self::proper().opening([Act::Send(Answer::bytes(*b"220 interface ready\r\n"))]).named("greets")
    }

    /// Answers with the commit acknowledgment of MLLP release 2.
    pub fn release_2_ack() -> Self {
        answering("release-2-ack", Answer::release_2_ack())
    }

    /// Answers with the negative commit acknowledgment of MLLP release 2.
    pub fn release_2_nak() -> Self {
        answering("release-2-nak", Answer::release_2_nak())
    }
}

/// Receivers whose answer names the wrong message, or none.
impl Script {
    /// MSA-2 is always the same.
    pub fn wrong_control_id() -> Self {
        answering("wrong-control-id", answer().control_id(ControlId::Text("1".to_owned())))
    }

    /// MSA-2 is missing.
    pub fn no_control_id() -> Self {
        answering("no-control-id", answer().control_id(ControlId::Missing))
    }

    /// MSA-2 is cut off after so many characters.
    pub fn cut_control_id(characters: usize) -> Self {
        answering("cut-control-id", answer().control_id(ControlId::First(characters)))
    }

    /// MSA-2 has a blank behind it.
    pub fn padded_control_id() -> Self {
        answering("padded-control-id", answer().control_id(ControlId::Padded))
    }

    /// MSA-2 is in lower case.
    pub fn lower_case_control_id() -> Self {
        answering("lower-case-control-id", answer().control_id(ControlId::LowerCase))
    }

    /// MSA-2 is in upper case.
    pub fn upper_case_control_id() -> Self {
        answering("upper-case-control-id", answer().control_id(ControlId::UpperCase))
    }

    /// MSA-2 has bare delimiters where MSH-10 has escape sequences.
    pub fn unescaped_control_id() -> Self {
        answering("unescaped-control-id", answer().control_id(ControlId::Unescaped))
    }

    /// Each answer names the message before.
    pub fn previous_control_id() -> Self {
        answering("previous-control-id", answer().control_id(ControlId::Previous))
    }

    /// Answers twice.
    pub fn answers_twice() -> Self {
        doing("answers-twice", [Act::Send(answer()), Act::Send(answer())])
    }

    /// Answers the earlier messages of the connection again with each new one.
    pub fn answers_all_again() -> Self {
        doing("answers-all-again", [Act::SendToAll(answer())])
    }

    /// Sends the message back.
    pub fn echoes() -> Self {
        answering("echoes", Answer::echo())
    }
}

/// Receivers whose answer is no acknowledgment, or one with mistakes.
impl Script {
    /// The answer has no MSA segment.
    pub fn no_msa() -> Self {
        answering("no-msa", answer().without_msa())
    }

    /// The answer is the word `fail`.
    pub fn says_fail() -> Self {
        answering("says-fail", Answer::content(*b"fail"))
    }

    /// The answer is a page for browsers.
    pub fn html() -> Self {
        answering("html", Answer::content(*b"<html><body>AA</body></html>"))
    }

    /// The answer is in XML.
    pub fn xml() -> Self {
        answering("xml", Answer::content(*b"<?xml version=\"1.0\"?><ACK><MSA><MSA.1>AA</MSA.1></MSA></ACK>"))
    }

    /// MSA-1 is in lower case.
    pub fn lower_case_code() -> Self {
        answering("lower-case-code", answer().code("aa"))
    }

    /// MSA-1 is `OK`.
    pub fn unknown_code() -> Self {
        answering("unknown-code", answer().code("OK"))
    }

    /// Lines end in LF.
    pub fn line_feeds() -> Self {
        answering("line-feeds", answer().line_end("\n"))
    }

    /// The last segment has no carriage return behind it.
    pub fn open_last_segment() -> Self {
        answering("open-last-segment", answer().open_last_segment())
    }

    /// The text of the answer is in ISO 8859-1 while its MSH-18 says UTF-8.
    pub fn wrong_charset() -> Self {
        answering("wrong-charset", answer().charset("UNICODE UTF-8").text(*b"\xFCbernommen"))
    }

    /// The text of the answer holds bare delimiters.
    pub fn unescaped_text() -> Self {
        answering("unescaped-text", answer().text(*b"stored |^~\\& done"))
    }

    /// MSH-10 of each answer is the word `ACK`.
    pub fn constant_own_id() -> Self {
        answering("constant-own-id", answer().own_id("ACK"))
    }

    /// Takes every message but answers `AE`.
    pub fn application_error() -> Self {
        Self::code("AE").named("application-error")
    }

    /// Answers `AR`.
    pub fn application_reject() -> Self {
        Self::code("AR").named("application-reject")
    }

    /// Answers `CE`.
    pub fn commit_error() -> Self {
        Self::code("CE").named("commit-error")
    }

    /// Answers `CR`.
    pub fn commit_reject() -> Self {
        Self::code("CR").named("commit-reject")
    }

    /// Answers `CA` and nothing more, whatever was asked for.
    pub fn commit_only() -> Self {
        Self::code("CA").named("commit-only")
    }

    /// Answers `AA`, whatever is sent, HL7 or not.
    pub fn takes_everything() -> Self {
        Self::code("AA").takes_anything().named("takes-everything")
    }
}

/// Receivers that read in a way of their own.
impl Script {
    /// Of what one read brings, only the first message is taken.
    pub fn drops_what_is_behind() -> Self {
        Self::proper().reading(Reading::FirstOfRead).named("drops-what-is-behind")
    }

    /// A message has to come in one piece.
    pub fn reads_in_one_piece() -> Self {
        Self::proper().reading(Reading::ReadIsBlock).named("reads-in-one-piece")
    }

    /// A block that was broken off and the next one become one message.
    pub fn merges_blocks() -> Self {
        Self::proper().reading(Reading::Merging).named("merges-blocks")
    }

    /// Messages that came without waiting are answered in the wrong order.
    pub fn answers_out_of_order() -> Self {
        Self::proper().order(Order::Reversed).named("answers-out-of-order")
    }

    /// Of messages that came without waiting, only the last is answered.
    pub fn answers_the_last() -> Self {
        Self::proper().order(Order::Last).named("answers-the-last")
    }
}

impl Script {
    /// Every named script with a fault, and those without (`proper`, `fragmenting`). `late` is a time past the deadline of the sender
    /// that is to be tested, and `idle` one that a connection is to be kept without a message.
    pub fn catalogue(late: Duration, idle: Duration) -> Vec<Self> {
        let mut all = vec![Self::after(late), Self::closes_idle(idle), Self::cut_control_id(8)];
        all.push(Self::resets_while_reading(20));
        let named: [fn() -> Self; 53] = [
            Self::proper,
            Self::fragmenting,
            Self::commit_then_application,
            Self::half_open,
            Self::closes_at_once,
            Self::closes_without_answer,
            Self::resets_mid_ack,
            Self::closes_mid_ack,
            Self::resets_before_end,
            Self::closes_before_end,
            Self::cuts_mid_ack,
            Self::stops_mid_ack,
            Self::closes_after_each,
            Self::reads_nothing,
            Self::answers_once,
            Self::no_start_block,
            Self::no_end_block,
            Self::end_block_without_cr,
            Self::end_block_with_lf,
            Self::garbage_before,
            Self::garbage_behind,
            Self::endless_ack,
            Self::http,
            Self::telnet,
            Self::greets,
            Self::release_2_ack,
            Self::release_2_nak,
            Self::wrong_control_id,
            Self::no_control_id,
            Self::padded_control_id,
            Self::lower_case_control_id,
            Self::upper_case_control_id,
            Self::unescaped_control_id,
            Self::previous_control_id,
            Self::answers_twice,
            Self::answers_all_again,
            Self::echoes,
            Self::no_msa,
            Self::says_fail,
            Self::html,
            Self::xml,
            Self::lower_case_code,
            Self::unknown_code,
            Self::line_feeds,
            Self::open_last_segment,
            Self::wrong_charset,
            Self::unescaped_text,
            Self::constant_own_id,
            Self::application_error,
            Self::application_reject,
            Self::commit_error,
            Self::commit_reject,
            Self::commit_only,
        ];
        let reading: [fn() -> Self; 6] = [
            Self::takes_everything,
            Self::drops_what_is_behind,
            Self::reads_in_one_piece,
            Self::merges_blocks,
            Self::answers_out_of_order,
            Self::answers_the_last,
        ];
        all.extend(named.iter().chain(&reading).map(|script| script()));
        all
    }
}
