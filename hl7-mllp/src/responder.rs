//! The listener's side of one connection: which answer is due for what came, and what ends the connection. No input or output.

use std::fmt;

use bytes::BytesMut;
use hl7_core::{Message, ParseError, ReadOptions};

use crate::acknowledgment::Acknowledgment;
use crate::application::{ApplicationReply, Work};
use crate::block::Block;
use crate::codec_error::{DecodeErrorKind, EncodeError};
use crate::commit::CommitBlock;
use crate::frame::Frame;
use crate::reply::{Answer, Reply};
use crate::request::Request;

/// The most bytes that a header may have. An answer repeats much of it, and would take as much again outside every limit on blocks.
const LONGEST_HEADER: usize = 64 * 1024;

/// How often in a row a sender may break a block off and begin anew.
const MOST_RESTARTS: u32 = 16;

/// What a listener owes the sender of one connection.
///
/// Give it the blocks in order, and the handler's answer to each message before the next block; write what each [`Response`] holds.
///
/// | the handler's answer | release 1 | release 2 |
/// | --- | --- | --- |
/// | `AA`, `CA`, `AE`, any other content | that | 0x06, then that |
/// | `AR`, `CE`, `CR`, and any with [`Reply::not_taken`] | that | 0x15 alone |
/// | [`Reply::none`] | nothing | 0x06 |
/// | [`Reply::close`] | nothing, and the end | 0x15, and the end |
/// | a block that is no message | `AR` (`CR`), or the end where its header cannot be read | 0x15, and the end likewise |
/// | broken framing | the same, and the end | 0x15, and the end |
///
/// With [`Reply::then`] a positive answer is sent at once where MSH-15 asks for an accept acknowledgment, and the second one
/// ([`Responder::handle_application`]) where MSH-16 asks for it; in original mode the second is the only one. A negative answer is the last.
#[derive(Debug)]
pub struct Responder {
    read: ReadOptions,
    frame: Frame,
    release2: bool,
    /// Blocks begun anew since the last whole one.
    restarts: u32,
    /// Answers of release 2 that the sender has not confirmed. It need not: not every one does.
    unconfirmed: u32,
}

/// What a block is.
#[derive(Debug)]
#[non_exhaustive]
pub enum Received {
    /// A message for the handler, and its block.
    Message(Message<'static>, Block),
    /// Release 2: the sender confirms an answer, or refuses it. Nothing is due.
    Commit(CommitBlock),
    /// A header of more than 64 KiB, which no answer repeats: close the connection.
    Unanswerable,
    /// No message, and what is answered to it.
    Refused(ParseError, Response),
}

/// What to do on the connection.
#[derive(Default)]
pub struct Response {
    bytes: BytesMut,
    closes: bool,
    work: Option<Work>,
    fault: Option<EncodeError>,
}

impl Response {
    /// What to write, with its frame; empty when there is nothing.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether to close the connection behind it.
    pub fn closes(&self) -> bool {
        self.closes
    }

    /// Why an answer of the handler cannot be sent, where that is why the connection is closed.
    pub fn fault(&self) -> Option<EncodeError> {
        self.fault
    }

    /// The work whose end has to be awaited, and given to [`Responder::handle_application`], before the next block.
    pub fn take_work(&mut self) -> Option<impl Future<Output = ApplicationReply> + Send + use<>> {
        self.work.take()
    }
}

impl fmt::Debug for Response {
    /// Shows the size only: the content may be a patient's.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("bytes", &self.bytes.len())
            .field("closes", &self.closes)
            .field("work", &self.work.is_some())
            .finish_non_exhaustive()
    }
}

impl Responder {
    /// The listener's side of a new connection, which reads messages so and frames its answers so.
    pub fn new(read: ReadOptions, frame: Frame) -> Self {
        Self { read, frame, release2: false, restarts: 0, unconfirmed: 0 }
    }

    /// Speaks MLLP release 2.
    pub fn release2(mut self) -> Self {
        self.release2 = true;
        self
    }

    /// Takes the next block received.
    pub fn handle_block(&mut self, block: Block) -> Received {
        self.restarts = 0;
        if let Some(commit) = CommitBlock::of(&block).filter(|_| self.unconfirmed > 0) {
            self.unconfirmed -= 1;
            return Received::Commit(commit);
        }
        if header_length(block.content()) > LONGEST_HEADER {
            return Received::Unanswerable;
        }
        match self.read.read(block.content()).map(Message::into_owned) {
            Ok(message) => Received::Message(message, block),
            Err(why) => {
                let reply = Reply::to_unparsed(block.content(), &why);
                Received::Refused(why, self.first(reply.into_answer()))
            }
        }
    }

    /// Takes a fault of framing, and the beginning of the block that was dropped. A block broken off and begun anew is passed over a
    /// few times; any other fault ends the connection, because the sender waits for an answer to what was dropped.
    pub fn handle_fault(&mut self, why: DecodeErrorKind, beginning: Option<Block>) -> Response {
        self.restarts += 1;
        if why == DecodeErrorKind::Restarted && self.restarts <= MOST_RESTARTS {
            return Response::default();
        }
        let answer = match beginning {
            Some(block) => Reply::to_broken(block.content(), why).into_answer(),
            None => Answer::Close,
        };
        Response { closes: true, ..self.first(answer) }
    }

    /// Takes the handler's answer to the last message.
    pub fn handle_reply(&mut self, request: &Request, reply: Reply) -> Response {
        let (answer, work) = reply.into_parts();
        let Some(work) = work.filter(|_| may_go_on(&answer)) else { return self.first(answer) };
        let accept_is_due = request.message().header().accept_condition().wants(true);
        let now = if accept_is_due { answer } else { Answer::Nothing };
        let response = self.first(now);
        Response { work: Some(work).filter(|_| !response.closes), ..response }
    }

    /// Says that the handler failed: the fault is neither the content's nor the sender's.
    pub fn handle_failure(&mut self, request: &Request) -> Response {
        self.first(Reply::failed(request).into_answer())
    }

    /// Takes the answer of [`Response::take_work`]; `None` when it failed.
    pub fn handle_application(&mut self, request: &Request, reply: Option<ApplicationReply>) -> Response {
        let reply = reply.unwrap_or_else(|| ApplicationReply::failed(request));
        let header = request.message().header();
        let is_due = |content: &Vec<u8>| header.wants_application(is_positive(content));
        let mut response = Response::default();
        if let Some(content) = reply.into_content().filter(is_due) {
            self.content(&content, &mut response);
        }
        response
    }

    /// The first answer to a block, with the commit acknowledgment of release 2 before it.
    fn first(&mut self, answer: Answer) -> Response {
        let mut response = Response { closes: matches!(answer, Answer::Close), ..Response::default() };
        let taken = !self.release2 || may_be_committed(&answer);
        if self.release2 {
            self.commit(taken, &mut response);
        }
        let (Answer::Block(content) | Answer::Refusal(content)) = answer else { return response };
        if taken {
            self.content(&content, &mut response);
        }
        if self.release2 && response.fault.is_some() {
            response.bytes.clear();
            self.commit(false, &mut response);
        }
        response
    }

    fn commit(&self, taken: bool, response: &mut Response) {
        let commit = if taken { CommitBlock::Ack } else { CommitBlock::Nak };
        commit.encode(self.frame, &mut response.bytes);
    }

    /// Adds an answer as a block. One that cannot be framed ends the connection.
    fn content(&mut self, content: &[u8], response: &mut Response) {
        match self.frame.encode(content, &mut response.bytes) {
            Ok(()) => self.unconfirmed = self.unconfirmed.saturating_add(u32::from(self.release2)),
            Err(why) => {
                response.closes = true;
                response.fault = Some(why);
            }
        }
    }
}

fn is_positive(content: &[u8]) -> bool {
    Acknowledgment::read(content).map_or(true, |ack| ack.code().is_positive())
}

/// The length of the first line that is not blank.
fn header_length(content: &[u8]) -> usize {
    let is_end = |byte: &u8| matches!(byte, b'\r' | b'\n');
    let start = content.iter().position(|byte| !is_end(byte)).unwrap_or(content.len());
    let rest = content.get(start..).unwrap_or_default();
    memchr::memchr2(b'\r', b'\n', rest).unwrap_or(rest.len())
}

/// Whether a second answer can follow this one.
fn may_go_on(answer: &Answer) -> bool {
    match answer {
        Answer::Block(content) => is_positive(content),
        Answer::Nothing => true,
        Answer::Refusal(_) | Answer::Close => false,
    }
}

/// Whether an answer says that the message was taken, be it with a fault of its content.
fn may_be_committed(answer: &Answer) -> bool {
    use hl7_core::AckCode as C;
    match answer {
        Answer::Block(content) => {
            Acknowledgment::read(content).map_or(true, |ack| matches!(ack.code(), C::AA | C::CA | C::AE))
        }
        Answer::Nothing => true,
        Answer::Refusal(_) | Answer::Close => false,
    }
}
