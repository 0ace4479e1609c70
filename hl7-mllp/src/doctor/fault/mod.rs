//! Every fault that the doctor knows, with its stable code, what it is called, what is right, and what to do.

mod conduct;
mod content;
mod frame;
mod reach;
mod secure;

use super::severity::Severity;

pub(super) use conduct::*;
pub(super) use content::*;
pub(super) use frame::*;
pub(super) use reach::*;
pub(super) use secure::*;

/// What can be found. The rule is what the standard says, or what we recommend; empty where the fault speaks for itself.
#[derive(Debug)]
pub(super) struct Fault {
    pub(in crate::doctor) code: &'static str,
    pub(super) severity: Severity,
    pub(super) what: &'static str,
    pub(super) rule: &'static str,
    pub(super) suggestion: &'static str,
}

impl Fault {
    pub(super) fn is(&self, other: &Self) -> bool {
        self.code == other.code
    }
}

const fn fault(code: &'static str, severity: Severity, texts: [&'static str; 3]) -> Fault {
    let [what, rule, suggestion] = texts;
    Fault { code, severity, what, rule, suggestion }
}

/// All of them.
#[cfg(test)]
pub(super) static ALL: &[&Fault] = &[
    &NOT_AN_ADDRESS,
    &NOT_RESOLVED,
    &REFUSED,
    &CONNECT_TIMED_OUT,
    &UNREACHABLE,
    &NOT_CONNECTED,
    &CLOSES_AT_ONCE,
    &GREETS,
    &OTHER_PROTOCOL,
    &NO_SUCH_NAME,
    &EXPIRED,
    &NOT_YET_VALID,
    &UNKNOWN_ISSUER,
    &WRONG_NAME,
    &NOT_PINNED,
    &BAD_CERTIFICATE,
    &CERTIFICATE_REFUSED,
    &NO_CERTIFICATE,
    &NOT_TLS,
    &NOTHING_IN_COMMON,
    &TRUNCATED,
    &HANDSHAKE_TIMED_OUT,
    &HANDSHAKE_LOST,
    &NOT_SECURE,
    &ENDS_SOON,
    &UNANSWERED,
    &LATE,
    &CLOSED_UNANSWERED,
    &RESET_UNANSWERED,
    &TAKES_NO_BYTES,
    &SLOW,
    &CLOSES_AFTER_EACH,
    &CLOSES_IDLE,
    &SECOND_UNANSWERED,
    &DEAD_AFTER_IDLE,
    &NO_START_BLOCK,
    &NO_END_BLOCK,
    &END_WITHOUT_CR,
    &BYTES_BEFORE,
    &BYTES_BEHIND,
    &UNFINISHED,
    &CLOSED_INSIDE,
    &RESET_INSIDE,
    &ENDLESS,
    &RESTARTED,
    &NOT_HL7,
    &NO_MSA,
    &REPEATED_MSA,
    &UNKNOWN_CODE,
    &SLOPPY_CODE,
    &LINE_FEEDS,
    &CHARSET,
    &UNESCAPED_TEXT,
    &NO_OWN_ID,
    &CONSTANT_OWN_ID,
    &ECHO,
    &RELEASE_2_ACK,
    &RELEASE_2_NAK,
    &ANSWERED_TWICE,
    &COMMIT_THEN_APPLICATION,
    &COMMIT_ALONE,
    &ANSWERS_EARLIER_AGAIN,
    &ANOTHER_BLOCK,
    &LAST_SEGMENT_OPEN,
    &ID_MISSING,
    &ID_OTHER,
    &ID_CUT,
    &ID_PADDED,
    &ID_CASE,
    &ID_UNESCAPED,
    &ID_PREVIOUS,
    &LONG_ID_CUT,
    &ANSWERS_AE,
    &ANSWERS_AR,
    &ANSWERS_CE,
    &ANSWERS_CR,
    &VARIANT_REFUSED,
    &VARIANT_UNANSWERED,
    &ODD_VARIANT_UNANSWERED,
    &FRAGMENTS_UNANSWERED,
    &PIPELINE_FIRST_ONLY,
    &PIPELINE_LAST_ONLY,
    &PIPELINE_OUT_OF_ORDER,
    &PIPELINE_UNANSWERED,
    &ENHANCED_IGNORED,
    &ENHANCED_UNANSWERED,
    &ENHANCED_BOTH,
    &DUPLICATE_REFUSED,
    &BROKEN_ACCEPTED,
    &BROKEN_LOSES_NEXT,
    &BROKEN_CLOSES,
    &TAKES_ANYTHING,
    &SILENT_ON_ANYTHING,
    &TAKES_UNKNOWN_TYPE,
    &OUT_OF_TIME,
];

#[cfg(test)]
mod tests {
    use super::ALL;

    /// The table of the documentation is this one.
    #[test]
    fn the_documents_list_every_code() {
        let rows =
            ALL.iter().map(|fault| format!("| `{}` | {} | {} |\n", fault.code, fault.severity, fault.what));
        let table: String = rows.collect();
        assert!(include_str!("codes.md").ends_with(&table), "codes.md has to end with:\n{table}");
    }

    #[test]
    fn each_code_is_used_once() {
        let mut codes: Vec<&str> = ALL.iter().map(|fault| fault.code).collect();
        assert!(codes.is_sorted());
        codes.dedup();
        assert_eq!(codes.len(), ALL.len());
        assert!(ALL.iter().all(|fault| !fault.what.is_empty() && !fault.suggestion.is_empty()));
    }
}
