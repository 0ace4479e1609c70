//! What a handler answers, and what the listener answers by itself.

use std::fmt;

use hl7_core::{Ack, AckCode, AckCondition, ErrorCode, Header, Message, ParseError, ParseErrorKind, path};

use crate::application::{ApplicationReply, Work, wire_form};
use crate::codec_error::DecodeErrorKind;
use crate::request::Request;

/// The answer to a [`Request`].
///
/// [`Reply::accept`], [`Reply::error`] and [`Reply::reject`] follow the mode that the request asks for: the application codes `AA`, `AE`, `AR`,
/// or, where MSH-15 is valued and not `NE` (enhanced mode), the accept codes `CA`, `CE`, `CR`. Where MSH-15 is `ER` or `SU` and this outcome is
/// not asked for there, it is told as an application acknowledgment if MSH-16 asks for it, and else not at all (HL7 2.5.1, chapter 2,
/// section 2.9.3). A request that asks for no acknowledgment at all is answered with an application code, so that a sender that waits in
/// spite of what it wrote is not left without an answer; use [`Reply::none`] where that is not wanted.
///
/// An acknowledgment is a message too, and a handler that accepts what it gets acknowledges that as well: where two listeners are joined,
/// answer a message that has an MSA segment with [`Reply::none`].
///
/// A handler says `accept` only when it has the message in safe keeping: the sender then forgets it.
pub struct Reply {
    answer: Answer,
    work: Option<Work>,
}

/// What becomes of the connection.
pub(crate) enum Answer {
    /// Send this content as a block.
    Block(Vec<u8>),
    /// The same, of a message that was not taken, whatever its code says.
    Refusal(Vec<u8>),
    Nothing,
    Close,
}

impl Reply {
    /// The message is taken: `AA` or `CA`.
    pub fn accept(request: &Request) -> Self {
        let message = request.message();
        match code_for(message.header(), Outcome::Accept) {
            Some(code) => Self::of(Ack::to(message, code)),
            None => Self::none(),
        }
    }

    /// The content is at fault: `AE`; or the message could not be stored: `CE`. With an ERR segment, and `text` in MSA-3, where it
    /// travels to the sender and into its logs.
    pub fn error(request: &Request, code: ErrorCode, text: impl Into<String>) -> Self {
        Self::negative(request.message(), Outcome::Error, code, text)
    }

    /// The message is refused, and its content is not why: `AR` or `CR`. With an ERR segment, and `text` in MSA-3.
    pub fn reject(request: &Request, code: ErrorCode, text: impl Into<String>) -> Self {
        Self::negative(request.message(), Outcome::Reject, code, text)
    }

    /// Any message, such as one made with [`Ack`] or a query response with an MSA of its own.
    pub fn message(message: Message<'static>) -> Self {
        Self::of_message(&message)
    }

    /// Any content, as it is. Content that cannot stand in a block (empty, or with 0x0B or 0x1C) closes the connection.
    pub fn bytes(content: Vec<u8>) -> Self {
        Self::answering(Answer::Block(content))
    }

    /// Says that the message is nowhere in safe keeping. It matters for `AE` in MLLP release 2, which counts as taken with a fault of its content otherwise:
    /// with this, 0x15 is sent in its place.
    pub fn not_taken(mut self) -> Self {
        self.answer = match self.answer {
            Answer::Block(content) => Answer::Refusal(content),
            other => other,
        };
        self
    }

    /// The content of the block that is sent: of an acknowledgment to be kept, say. `None` for [`Reply::none`] and [`Reply::close`].
    pub fn content(&self) -> Option<&[u8]> {
        match &self.answer {
            Answer::Block(content) | Answer::Refusal(content) => Some(content),
            Answer::Nothing | Answer::Close => None,
        }
    }

    /// No answer. The connection stays open.
    pub fn none() -> Self {
        Self::answering(Answer::Nothing)
    }

    /// No answer, and the connection is closed: the sender has to take it that the message was not accepted.
    pub fn close() -> Self {
        Self::answering(Answer::Close)
    }

    /// This answer now, where MSH-15 asks for an accept acknowledgment, and the one that `work` gives when it is done, on the same
    /// connection, where MSH-16 asks for an application acknowledgment. In original mode only the second is sent.
    ///
    /// The connection takes its next message when the work is done, for which it has [`crate::ServerBuilder::handler_timeout`] anew. Work
    /// that panics or takes longer is answered with `AR` and code 207. With a negative answer, or [`Reply::close`], there is no work: it is
    /// dropped. Senders that look for the second answer on another connection are not to be answered so.
    ///
    /// ```
    /// # async fn store(_: &hl7_mllp::Request) {}
    /// # async fn process(_: &hl7_mllp::Request) -> bool { true }
    /// use hl7_core::ErrorCode;
    /// use hl7_mllp::{ApplicationReply, Reply, Request};
    ///
    /// async fn handle(req: Request) -> Reply {
    ///     store(&req).await; // before it is accepted
    ///     let accepted = Reply::accept(&req);
    ///     accepted.then(async move {
    ///         match process(&req).await {
    ///             true => ApplicationReply::accept(&req),
    ///             false => ApplicationReply::error(&req, ErrorCode::UnknownKeyIdentifier, "no such patient"),
    ///         }
    ///     })
    /// }
    /// # let _ = handle;
    /// ```
    pub fn then(mut self, work: impl Future<Output = ApplicationReply> + Send + 'static) -> Self {
        self.work = Some(Box::pin(work));
        self
    }

    /// Accepts, or rejects as out of order, with this MSA-4.
    pub(crate) fn in_sequence(request: &Request, accepts: bool, expected: Option<String>) -> Self {
        let message = request.message();
        let outcome = if accepts { Outcome::Accept } else { Outcome::Reject };
        let Some(code) = code_for(message.header(), outcome) else { return Self::none() };
        let ack = match accepts {
            true => Ack::to(message, code),
            false => Ack::to(message, code).text("another sequence number is expected"),
        };
        let mut built = ack.build();
        let set = expected.map_or(Ok(()), |number| built.set(path!("MSA-4"), &number));
        if set.is_err() {
            return Self::close();
        }
        Self::of_message(&built)
    }

    /// The handler failed: the fault is neither the content's nor the sender's. `AR`, or `CE`, with code 207.
    pub(crate) fn failed(request: &Request) -> Self {
        let message = request.message();
        let code = if wants_accept(message.header()) { AckCode::CE } else { AckCode::AR };
        Self::of(Ack::to(message, code).error(ErrorCode::ApplicationInternalError))
    }

    /// The block is no message. Where its header can be read it is refused with the reason; where not, nobody can be told,
    /// and the connection is closed.
    pub(crate) fn to_unparsed(content: &[u8], why: &ParseError) -> Self {
        let code = match why.kind() {
            ParseErrorKind::Charset(_) => ErrorCode::DataTypeError,
            _ => ErrorCode::SegmentSequenceError,
        };
        Self::to_header_of(content, code, why.to_string())
    }

    /// The block was broken; `content` is its beginning.
    pub(crate) fn to_broken(content: &[u8], why: DecodeErrorKind) -> Self {
        let (code, what, _) = why.parts();
        if memchr::memchr2(b'\r', b'\n', content).is_none() {
            return Self::close();
        }
        Self::to_header_of(content, ErrorCode::ApplicationInternalError, format!("{code}: {what}"))
    }

    pub(crate) fn into_answer(self) -> Answer {
        self.answer
    }

    pub(crate) fn into_parts(self) -> (Answer, Option<Work>) {
        (self.answer, self.work)
    }

    fn to_header_of(content: &[u8], code: ErrorCode, text: String) -> Self {
        let blank = |byte: &u8| matches!(byte, b'\r' | b'\n');
        let start = content.iter().position(|byte| !blank(byte)).unwrap_or(0);
        let line = content.get(start..).unwrap_or_default();
        let line = line.split(blank).next().unwrap_or_default();
        let line = String::from_utf8_lossy(line);
        match Message::parse(&line) {
            Ok(header) => Self::negative(&header, Outcome::Reject, code, text),
            Err(_) => Self::close(),
        }
    }

    fn negative(message: &Message<'_>, outcome: Outcome, code: ErrorCode, text: impl Into<String>) -> Self {
        match code_for(message.header(), outcome) {
            Some(answer) => Self::of(Ack::to(message, answer).error(code).text(text)),
            None => Self::none(),
        }
    }

    fn of(ack: Ack<'_>) -> Self {
        Self::of_message(&ack.build())
    }

    fn of_message(message: &Message<'static>) -> Self {
        Self::answering(Answer::Block(wire_form(message)))
    }

    fn answering(answer: Answer) -> Self {
        Self { answer, work: None }
    }
}

impl fmt::Debug for Reply {
    /// Shows the size only: the content may be a patient's.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.answer {
            Answer::Block(content) | Answer::Refusal(content) => write!(f, "Reply({} bytes)", content.len()),
            Answer::Nothing => f.write_str("Reply(none)"),
            Answer::Close => f.write_str("Reply(close)"),
        }
    }
}

#[derive(Clone, Copy)]
enum Outcome {
    Accept,
    Error,
    Reject,
}

/// Whether MSH asks for an accept acknowledgment, be it only on success or on error.
fn wants_accept(header: Header<'_>) -> bool {
    header.accept_condition() != AckCondition::Never
}

/// The code of the acknowledgment that is due for an outcome; `None` when none is.
fn code_for(header: Header<'_>, outcome: Outcome) -> Option<AckCode> {
    let success = matches!(outcome, Outcome::Accept);
    let (accept, application) = match outcome {
        Outcome::Accept => (AckCode::CA, AckCode::AA),
        Outcome::Error => (AckCode::CE, AckCode::AE),
        Outcome::Reject => (AckCode::CR, AckCode::AR),
    };
    if header.wants_accept(success) {
        return Some(accept);
    }
    let asks_for_none = !wants_accept(header) && header.application_condition() == AckCondition::Never;
    (header.wants_application(success) || asks_for_none).then_some(application)
}
