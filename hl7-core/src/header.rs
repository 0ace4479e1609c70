//! MSH by the names of its fields (HL7 2.5.1, chapter 2, section 2.15.9).

use crate::piece::Value;
use crate::segment::Segment;

/// The message header. Each reader gives `None` for a field that is absent or empty.
#[derive(Clone, Copy, Debug)]
pub struct Header<'m> {
    segment: Segment<'m>,
}

macro_rules! fields {
    ($($(#[$doc:meta])* $name:ident $field:literal $(. $component:literal)?;)*) => {
        impl<'m> Header<'m> {
            $(
                $(#[$doc])*
                pub fn $name(self) -> Option<Value<'m>> {
                    self.value($field, [$($component,)? 0][0])
                }
            )*
        }
    };
}

fields! {
    /// MSH-3.
    sending_application 3;
    /// MSH-4.
    sending_facility 4;
    /// MSH-5.
    receiving_application 5;
    /// MSH-6.
    receiving_facility 6;
    /// MSH-7, as sent; [`crate::typed::DateTime::of`] reads it.
    time 7;
    /// MSH-8, security.
    security 8;
    /// MSH-9.1, such as `ADT`.
    message_type 9 . 1;
    /// MSH-9.2, such as `A08`.
    trigger_event 9 . 2;
    /// MSH-9.3, such as `ADT_A01`.
    structure 9 . 3;
    /// MSH-10, which the acknowledgment repeats in MSA-2.
    control_id 10;
    /// MSH-11.1: `P` production, `T` training, `D` debugging.
    processing_id 11 . 1;
    /// MSH-12.1, such as `2.5.1`.
    version 12 . 1;
    /// MSH-13, of the sequence number protocol.
    sequence_number 13;
    /// MSH-14, the continuation pointer.
    continuation_pointer 14;
    /// MSH-15: when an accept acknowledgment is wanted (`AL`, `NE`, `ER`, `SU`).
    accept_ack 15;
    /// MSH-16: when an application acknowledgment is wanted.
    application_ack 16;
    /// MSH-17, a code of ISO 3166.
    country_code 17;
    /// MSH-18, all its repetitions (HL7 table 0211). What they come to says [`crate::Message::charset`].
    character_set 18;
    /// MSH-19.
    principal_language 19;
    /// MSH-20.
    character_set_handling 20;
    /// MSH-21, all its repetitions: the profiles that the message says it fits.
    message_profile 21;
}

impl<'m> Header<'m> {
    pub(crate) fn new(segment: Segment<'m>) -> Self {
        Self { segment }
    }

    fn value(self, field: usize, component: usize) -> Option<Value<'m>> {
        let field = self.segment.field(field)?;
        let value = match component {
            0 => field.value(),
            n => field.repetition(1)?.component(n)?.value(),
        };
        (!value.is_empty()).then_some(value)
    }
}
