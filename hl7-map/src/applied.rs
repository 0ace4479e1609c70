//! What a mapping makes of a message.

use std::fmt;

use hl7_core::Message;

/// What a mapping reads and what it gives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Direction {
    /// JSON comes in, a message goes out: [`Mapping::apply_json`](crate::Mapping::apply_json).
    JsonToHl7,
    /// A message comes in and goes out changed: [`Mapping::apply_hl7`](crate::Mapping::apply_hl7).
    Hl7InPlace,
    /// A message comes in, JSON goes out: [`Mapping::apply_hl7`](crate::Mapping::apply_hl7).
    Hl7ToJson,
}

/// What becomes of a message that a mapping was applied to.
#[non_exhaustive]
pub enum Applied {
    /// The message, changed.
    Message(Message<'static>),
    /// JSON, in one line: an object.
    Json(String),
    /// The mapping says not to go on with the message (`drop_message`).
    Dropped {
        /// Why, in the words of the file.
        reason: String,
    },
}

impl fmt::Debug for Applied {
    /// Shows what it is and how large: the content may be a patient's.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Applied::Message(message) => write!(f, "{message:?}"),
            Applied::Json(json) => write!(f, "Json({} bytes)", json.len()),
            Applied::Dropped { reason } => write!(f, "Dropped({reason})"),
        }
    }
}
