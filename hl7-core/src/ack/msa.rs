//! The MSA segment.

use super::code::{AckCode, ErrorCode};
use crate::message::Message;
use crate::piece::Value;
use crate::segment::Segment;

/// The MSA segment of an acknowledgment, which is any message that has one: `ACK`, `ORR`, `RSP` ...
#[derive(Clone, Copy, Debug)]
pub struct Msa<'m> {
    segment: Segment<'m>,
}

impl<'m> Msa<'m> {
    /// The first MSA segment of a message.
    pub fn of(message: &'m Message<'_>) -> Option<Self> {
        message.iter().find(|segment| segment.id() == "MSA").map(|segment| Self { segment })
    }

    /// MSA-1, when it is a code of table 0008 (in either case, blanks around it passed over).
    pub fn code(self) -> Option<AckCode> {
        self.code_raw().parse().ok()
    }

    /// MSA-1 as sent.
    pub fn code_raw(self) -> &'m str {
        self.raw(1)
    }

    /// MSA-2: the control ID of the message that is acknowledged. `None` when absent or empty.
    pub fn control_id(self) -> Option<Value<'m>> {
        self.value(2)
    }

    /// MSA-2 as sent.
    pub fn control_id_raw(self) -> &'m str {
        self.raw(2)
    }

    /// MSA-3, a text for people. `None` when absent or empty.
    pub fn text(self) -> Option<Value<'m>> {
        self.value(3)
    }

    /// MSA-4, of the sequence number protocol. `None` when absent or empty.
    pub fn expected_sequence_number(self) -> Option<Value<'m>> {
        self.value(4)
    }

    /// MSA-6.1, an error condition of table 0357 (2.3 to 2.6; since 2.4 ERR is preferred). `None` when absent or none of those known.
    pub fn error_condition(self) -> Option<ErrorCode> {
        ErrorCode::of_number(&self.value(6)?.text())
    }

    fn raw(self, field: usize) -> &'m str {
        self.segment.field(field).map_or("", |field| field.raw())
    }

    fn value(self, field: usize) -> Option<Value<'m>> {
        self.segment.field(field).map(|field| field.value()).filter(|value| !value.is_empty())
    }
}
