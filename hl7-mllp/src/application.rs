//! What a handler answers when its work is done, behind the accept acknowledgment.

use std::fmt;
use std::pin::Pin;

use hl7_core::{Ack, AckCode, ErrorCode, Message};

use crate::block::CR;
use crate::request::Request;

/// The work that a handler has left when it has accepted a message, and what it answers then.
pub(crate) type Work = Pin<Box<dyn Future<Output = ApplicationReply> + Send>>;

/// The second answer to a [`Request`], given with [`crate::Reply::then`]: what became of the message that was accepted.
///
/// It is sent when the request asks for it: in original mode always, in enhanced mode by MSH-16 (`AL`, on success `SU`, on error `ER`).
pub struct ApplicationReply {
    content: Option<Vec<u8>>,
}

impl ApplicationReply {
    /// The message was processed: `AA`.
    pub fn accept(request: &Request) -> Self {
        Self::message(Ack::to(request.message(), AckCode::AA).build())
    }

    /// The content is at fault: `AE`, with an ERR segment, and `text` in MSA-3, where it travels to the sender and into its logs.
    pub fn error(request: &Request, code: ErrorCode, text: impl Into<String>) -> Self {
        Self::message(Ack::to(request.message(), AckCode::AE).error(code).text(text).build())
    }

    /// The message is refused, and its content is not why: `AR`, with an ERR segment, and `text` in MSA-3.
    pub fn reject(request: &Request, code: ErrorCode, text: impl Into<String>) -> Self {
        Self::message(Ack::to(request.message(), AckCode::AR).error(code).text(text).build())
    }

    /// Any message with an MSA of its own, such as a query response.
    pub fn message(message: Message<'static>) -> Self {
        Self { content: Some(wire_form(&message)) }
    }

    /// No answer on this connection: it comes another way, or never.
    pub fn none() -> Self {
        Self { content: None }
    }

    /// The work failed after the message was accepted: `AR` with code 207.
    pub(crate) fn failed(request: &Request) -> Self {
        let ack = Ack::to(request.message(), AckCode::AR).error(ErrorCode::ApplicationInternalError);
        Self::message(ack.build())
    }

    pub(crate) fn into_content(self) -> Option<Vec<u8>> {
        self.content
    }
}

impl fmt::Debug for ApplicationReply {
    /// Shows the size only: the content may be a patient's.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.content {
            Some(content) => write!(f, "ApplicationReply({} bytes)", content.len()),
            None => f.write_str("ApplicationReply(none)"),
        }
    }
}

/// In the message's own character set; in ASCII where that is not known or lacks a character, with `?` for the rest.
pub(crate) fn wire_form(message: &Message<'static>) -> Vec<u8> {
    message.to_wire().unwrap_or_else(|_| ascii(message))
}

fn ascii(message: &Message<'static>) -> Vec<u8> {
    let text =
        |raw: &str| -> Vec<u8> { raw.chars().map(|c| if c.is_ascii() { c as u8 } else { b'?' }).collect() };
    let mut out = Vec::with_capacity(message.as_er7().len());
    for segment in message.iter() {
        out.extend(text(segment.raw()));
        out.push(CR);
    }
    out
}
