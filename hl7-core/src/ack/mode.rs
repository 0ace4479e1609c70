//! Which acknowledgments a message asks for.

use crate::header::Header;
use crate::piece::Value;

/// When an acknowledgment is wanted: MSH-15 or MSH-16 (HL7 table 0155).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum AckCondition {
    /// `AL`.
    Always,
    /// `NE`.
    Never,
    /// `ER`.
    OnError,
    /// `SU`.
    OnSuccess,
}

impl AckCondition {
    /// Whether an acknowledgment is wanted when the message was taken (`success`) or was not.
    pub fn wants(self, success: bool) -> bool {
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::OnError => !success,
            Self::OnSuccess => success,
        }
    }

    /// `None` for a field without a value. Any value that is not in the table counts as `AL`: an acknowledgment that nobody waits for
    /// does less harm than a sender that waits in vain.
    fn of(value: Option<Value<'_>>) -> Option<Self> {
        let text = value.filter(|value| !value.is_null())?.text();
        let is = |code: &str| text.trim().eq_ignore_ascii_case(code);
        match text.trim() {
            "" => None,
            _ if is("NE") => Some(Self::Never),
            _ if is("ER") => Some(Self::OnError),
            _ if is("SU") => Some(Self::OnSuccess),
            _ => Some(Self::Always),
        }
    }
}

/// Which acknowledgment tells a sender that its message was taken (HL7 2.5.1, chapter 2, sections 2.9.2 and 2.9.3).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum AckMode {
    /// Original mode: MSH-15 and MSH-16 have no value.
    Original,
    /// Enhanced mode with an accept acknowledgment: MSH-15 is `AL`, `SU` or `ER`.
    Accept,
    /// Enhanced mode without one: MSH-15 is `NE` or has no value, MSH-16 is `AL` or `SU`.
    Application,
}

impl AckMode {
    /// The mode that MSH asks for. `None` when no acknowledgment could ever say that the message was taken: in enhanced mode each of
    /// MSH-15 and MSH-16 has no value, is `NE` (never) or `ER` (on error only). Any other value counts as `AL`.
    ///
    /// ```
    /// use hl7_core::{AckMode, Message};
    /// let msg = Message::parse("MSH|^~\\&|A|B|||2026||ADT^A08|m-1|P|2.5.1|||AL|NE\r")?;
    /// assert_eq!(AckMode::of(msg.header()), Some(AckMode::Accept));
    /// assert!(msg.header().wants_accept(false) && !msg.header().wants_application(true));
    /// # Ok::<(), hl7_core::ParseError>(())
    /// ```
    pub fn of(header: Header<'_>) -> Option<Self> {
        if !header.is_enhanced() {
            return Some(Self::Original);
        }
        let application = header.application_condition().wants(true);
        match header.accept_condition() {
            AckCondition::Always | AckCondition::OnSuccess => Some(Self::Accept),
            AckCondition::OnError => application.then_some(Self::Accept),
            AckCondition::Never => application.then_some(Self::Application),
        }
    }
}

impl Header<'_> {
    /// Whether MSH-15 or MSH-16 has a value, which asks for enhanced mode (HL7 2.5.1, chapter 2, section 2.9.3).
    pub fn is_enhanced(self) -> bool {
        AckCondition::of(self.accept_ack()).is_some() || AckCondition::of(self.application_ack()).is_some()
    }

    /// When an accept (commit) acknowledgment is wanted: never in original mode, else by MSH-15, which counts as `NE` without a value.
    pub fn accept_condition(self) -> AckCondition {
        AckCondition::of(self.accept_ack()).unwrap_or(AckCondition::Never)
    }

    /// When an application acknowledgment is wanted: always in original mode, else by MSH-16, which counts as `NE` without a value.
    pub fn application_condition(self) -> AckCondition {
        let stated = AckCondition::of(self.application_ack());
        stated.unwrap_or(if self.is_enhanced() { AckCondition::Never } else { AckCondition::Always })
    }

    /// Whether an accept acknowledgment is wanted when the message was stored safely (`success`) or was not.
    pub fn wants_accept(self, success: bool) -> bool {
        self.accept_condition().wants(success)
    }

    /// Whether an application acknowledgment is wanted when the message was processed (`success`) or was not.
    pub fn wants_application(self, success: bool) -> bool {
        self.application_condition().wants(success)
    }
}
