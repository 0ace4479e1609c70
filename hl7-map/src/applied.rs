//! What a mapping makes of a message.

use hl7_core::Message;

/// What a mapping reads and what it gives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Direction {
    /// JSON comes in, a message goes out: [`Mapping::apply_json`](crate::Mapping::apply_json).
    JsonToHl7,
    /// A message comes in and goes out changed: [`Mapping::apply_hl7`](crate::Mapping::apply_hl7).
    Hl7InPlace,
}

/// What becomes of a message that a mapping was applied to.
#[derive(Debug)]
#[non_exhaustive]
pub enum Applied {
    /// The message, changed.
    Message(Message<'static>),
    /// The mapping says not to go on with the message (`drop_message`).
    Dropped {
        /// Why, in the words of the file.
        reason: String,
    },
}
