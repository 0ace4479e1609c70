//! The errors that an acknowledgment reports.

use std::fmt;

use super::code::ErrorCode;
use crate::message::Message;
use crate::path::Path;
use crate::piece::{Component, Repetition, Value};
use crate::segment::Segment;

/// One error of an acknowledgment: an ERR segment of version 2.5 and later, or a repetition of ERR-1 of the versions before
/// (HL7 2.4 and 2.5, chapter 2, segment ERR). Which of the two is told from the segment, as not all senders state their version rightly.
///
/// ```
/// use hl7_core::{ErrorCode, Message, ReportedError, path};
/// let before = Message::parse("MSH|^~\\&|A\rMSA|AE|1\rERR|PID^1^5^101&Required field missing&HL70357\r")?;
/// let since = Message::parse("MSH|^~\\&|A\rMSA|AE|1\rERR||PID^1^5|101^Required field missing^HL70357|E||||Name?\r")?;
/// for ack in [before, since] {
///     let error = ReportedError::of(&ack).next().unwrap();
///     assert_eq!(error.code(), Some(ErrorCode::RequiredFieldMissing));
///     assert_eq!(error.location(), Some(*path!("PID[1]-5")));
/// }
/// # Ok::<(), hl7_core::ParseError>(())
/// ```
#[derive(Clone, Copy)]
pub struct ReportedError<'m> {
    shape: Shape<'m>,
}

#[derive(Clone, Copy)]
enum Shape<'m> {
    /// The repetition of ERR-1: segment ID, sequence, field, code.
    CodeAndLocation(Repetition<'m>),
    /// The segment: location, code, severity ... from ERR-2 on.
    Segment(Segment<'m>),
}

impl<'m> ReportedError<'m> {
    /// The errors of a message, in order.
    pub fn of(message: &'m Message<'_>) -> impl Iterator<Item = ReportedError<'m>> {
        message.segments("ERR").flat_map(|segment| {
            let since_2_5 = segment.fields().skip(1).any(|field| !field.is_empty());
            let whole = since_2_5.then_some(Shape::Segment(segment));
            let first = segment.field(1).filter(|_| !since_2_5);
            let repetitions = first.into_iter().flat_map(|field| field.repetitions());
            let filled = repetitions.filter(|repetition| !repetition.is_empty());
            whole.into_iter().chain(filled.map(Shape::CodeAndLocation)).map(|shape| ReportedError { shape })
        })
    }

    /// The condition of table 0357, when it is one that is known.
    pub fn code(self) -> Option<ErrorCode> {
        ErrorCode::of_number(&self.code_value()?.text())
    }

    /// The code as sent: ERR-3.1, before 2.5 ERR-1.4.1.
    pub fn code_value(self) -> Option<Value<'m>> {
        self.coded(1)
    }

    /// The text of the code: ERR-3.2, before 2.5 ERR-1.4.2.
    pub fn code_text(self) -> Option<Value<'m>> {
        self.coded(2)
    }

    /// The first place that is named: ERR-2, before 2.5 the first three components of ERR-1. `None` when none is, or one that is no place.
    pub fn location(self) -> Option<Path> {
        self.locations().next()
    }

    /// All places that are named.
    pub fn locations(self) -> impl Iterator<Item = Path> {
        let (one, many) = match self.shape {
            Shape::CodeAndLocation(repetition) => (place(repetition, 3), None),
            Shape::Segment(segment) => (None, segment.field(2)),
        };
        let many = many.into_iter().flat_map(|field| field.repetitions());
        one.into_iter().chain(many.filter_map(|repetition| place(repetition, 6)))
    }

    /// ERR-4 (2.5 and later): `E` error, `W` warning, `I` information, `F` fatal (table 0516).
    pub fn severity(self) -> Option<Value<'m>> {
        self.field(4)
    }

    /// ERR-5.1 (2.5 and later), the application's own code.
    pub fn application_code(self) -> Option<Value<'m>> {
        self.field(5)
    }

    /// ERR-7 (2.5 and later), a text for those who look for the cause.
    pub fn diagnostic(self) -> Option<Value<'m>> {
        self.field(7)
    }

    /// ERR-8, a text for users; before 2.5 ERR-1.4.5, the alternate text of the code.
    pub fn user_message(self) -> Option<Value<'m>> {
        match self.shape {
            Shape::CodeAndLocation(_) => self.coded(5),
            Shape::Segment(_) => self.field(8),
        }
    }

    fn coded(self, part: usize) -> Option<Value<'m>> {
        let value = match self.shape {
            Shape::CodeAndLocation(repetition) => repetition.component(4)?.subcomponent(part)?.value(),
            Shape::Segment(segment) => segment.field(3)?.repetition(1)?.component(part)?.value(),
        };
        (!value.is_empty()).then_some(value)
    }

    fn field(self, field: usize) -> Option<Value<'m>> {
        match self.shape {
            Shape::CodeAndLocation(_) => None,
            Shape::Segment(segment) => segment.field(field).map(|f| f.value()).filter(|v| !v.is_empty()),
        }
    }
}

/// Segment ID, its number, field, repetition, component, subcomponent: the first `parts` of them.
fn place(repetition: Repetition<'_>, parts: usize) -> Option<Path> {
    let mut components = repetition.components().take(parts);
    let id = components.next()?.text();
    let mut numbers = [0; 5];
    for (number, component) in numbers.iter_mut().zip(components) {
        *number = number_of(component)?;
    }
    Path::of_location(id.trim().as_bytes(), numbers)
}

/// 0 for a component without a value.
fn number_of(component: Component<'_>) -> Option<u32> {
    match component.text().trim() {
        "" | "\"\"" => Some(0),
        text => text.parse().ok(),
    }
}

impl fmt::Debug for ReportedError<'_> {
    /// Shows the known code only: the rest may name a patient.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReportedError").field("code", &self.code()).finish_non_exhaustive()
    }
}
