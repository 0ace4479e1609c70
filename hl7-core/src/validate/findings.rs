//! The findings of a message, up to a limit.

use super::{Finding, Severity};
use crate::ack::{Ack, AckCode};
use crate::message::Message;

/// What was found in a message, up to a limit, in the order of the checks: the first errors, and where they leave room the first of the others.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Findings {
    pub(super) list: Vec<Finding>,
    pub(super) more: usize,
    pub(super) worst: Option<Severity>,
    /// How many errors there were, those that are not listed included.
    pub(super) errors: usize,
    /// Whether one of them is that of the message's type, processing ID or version.
    pub(super) of_header: bool,
}

impl Findings {
    /// The findings.
    pub fn iter(&self) -> std::slice::Iter<'_, Finding> {
        self.list.iter()
    }

    /// How many are listed.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// How many more there were than are listed.
    pub fn more(&self) -> usize {
        self.more
    }

    /// The severity of the worst finding, those that are not listed included.
    pub fn worst(&self) -> Option<Severity> {
        self.worst
    }

    /// Whether there is no error. Warnings do not count.
    pub fn is_valid(&self) -> bool {
        self.worst < Some(Severity::Error)
    }

    /// The application's acknowledgment: AA without errors, AR where MSH-9, MSH-11 or MSH-12 is at fault, else AE
    /// (2.5.1, chapter 2, section 2.9.2.2). Errors and warnings become ERR as the message's version has it.
    ///
    /// ```
    /// use hl7_core::{Message, Validation, validate};
    /// let msg = Message::parse("MSH|^~\\&|A|B|C|D|2026||ADT^A08^ADT_A01|m-1|P|2.5.1\rEVN||2026\rPID|1||7^^^H||\rPV1|1|I\r")?;
    /// let ack = validate(&msg, &Validation::new()).ack(&msg).build();
    /// let error = "ERR||PID^1^5|101^Required field missing^HL70357|E||||a required field is empty (Patient Name)\r";
    /// assert!(ack.as_er7().ends_with(error), "{}", ack.as_er7());
    /// # Ok::<(), hl7_core::ParseError>(())
    /// ```
    pub fn ack<'m>(&self, message: &'m Message<'_>) -> Ack<'m> {
        self.answer(message, [AckCode::AA, AckCode::AE, AckCode::AR])
    }

    /// The accept acknowledgment of enhanced mode: CA, CE or CR, as [`Findings::ack`].
    pub fn commit_ack<'m>(&self, message: &'m Message<'_>) -> Ack<'m> {
        self.answer(message, [AckCode::CA, AckCode::CE, AckCode::CR])
    }

    fn answer<'m>(&self, message: &'m Message<'_>, [accept, error, reject]: [AckCode; 3]) -> Ack<'m> {
        let code = match (self.is_valid(), self.of_header) {
            (true, _) => accept,
            (false, false) => error,
            (false, true) => reject,
        };
        let told = self.list.iter().filter(|finding| finding.severity() > Severity::Information);
        told.fold(Ack::to(message, code), |ack, finding| {
            ack.error_of(finding.error_code(), finding.path(), finding.severity().letter(), finding.text())
        })
    }
}

/// Whether what is wrong is the message's type, processing ID or version.
pub(super) fn is_of_header(finding: &Finding) -> bool {
    finding.path().is_some_and(|path| path.segment_id() == "MSH" && matches!(path.field(), Some(9 | 11 | 12)))
}

impl<'f> IntoIterator for &'f Findings {
    type Item = &'f Finding;
    type IntoIter = std::slice::Iter<'f, Finding>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl IntoIterator for Findings {
    type Item = Finding;
    type IntoIter = std::vec::IntoIter<Finding>;

    fn into_iter(self) -> Self::IntoIter {
        self.list.into_iter()
    }
}
