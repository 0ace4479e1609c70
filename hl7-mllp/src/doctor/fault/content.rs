//! Faults of what the answer says: its segments, MSA-2, refusals.

use super::{Fault, fault};
use crate::doctor::severity::Severity::{Error, Warning};

pub(in crate::doctor) static NOT_HL7: Fault = fault(
    "D401",
    Error,
    [
        "the answer is not an HL7 message",
        "An acknowledgment has an MSH and an MSA segment.",
        "is this the port of an HL7 v2 receiver?",
    ],
);
pub(in crate::doctor) static NO_MSA: Fault = fault(
    "D402",
    Error,
    [
        "the answer has no MSA segment",
        "MSA says which message is acknowledged, and how.",
        "let the receiver send MSA behind MSH",
    ],
);
pub(in crate::doctor) static REPEATED_MSA: Fault = fault(
    "D403",
    Error,
    [
        "the answer has more than one MSA segment",
        "Each message is acknowledged by an answer of its own.",
        "let the receiver answer each message",
    ],
);
pub(in crate::doctor) static UNKNOWN_CODE: Fault = fault(
    "D404",
    Error,
    [
        "MSA-1 is no code of table 0008",
        "MSA-1 is AA, AE, AR, CA, CE or CR.",
        "let the receiver use one of them",
    ],
);
pub(in crate::doctor) static SLOPPY_CODE: Fault = fault(
    "D405",
    Warning,
    [
        "MSA-1 is in lower case or has blanks around it",
        "MSA-1 is AA, AE, AR, CA, CE or CR, as it stands in table 0008.",
        "other senders may refuse it: let the receiver write it in capitals",
    ],
);
pub(in crate::doctor) static LINE_FEEDS: Fault = fault(
    "D406",
    Warning,
    [
        "segments of the answer end in a line feed",
        "A segment ends in a carriage return (0x0D) alone.",
        "other senders may find no MSA: let the receiver end segments with 0x0D",
    ],
);
pub(in crate::doctor) static CHARSET: Fault = fault(
    "D407",
    Warning,
    [
        "the answer cannot be read in the character set that it states",
        "MSH-18 states the character set; empty means ASCII, and is mostly read as UTF-8.",
        "let the receiver write in the character set that its MSH-18 names",
    ],
);
pub(in crate::doctor) static UNESCAPED_TEXT: Fault = fault(
    "D408",
    Warning,
    [
        "delimiters stand unescaped in a text of MSA",
        "A delimiter in a value is written as an escape sequence, such as \\F\\.",
        "let the receiver escape the texts that it puts into MSA-3",
    ],
);
pub(in crate::doctor) static NO_OWN_ID: Fault = fault(
    "D409",
    Warning,
    [
        "MSH-10 of the answer is empty",
        "Each message has a control ID, acknowledgments too.",
        "let the receiver number its answers",
    ],
);
pub(in crate::doctor) static CONSTANT_OWN_ID: Fault = fault(
    "D410",
    Warning,
    [
        "MSH-10 is the same in every answer",
        "MSH-10 names one message of its sender.",
        "let the receiver number its answers",
    ],
);
pub(in crate::doctor) static ECHO: Fault = fault(
    "D411",
    Error,
    [
        "the answer is the message itself",
        "An acknowledgment has an MSA segment.",
        "is this an echo service or a loop in the routing?",
    ],
);
pub(in crate::doctor) static RELEASE_2_ACK: Fault = fault(
    "D412",
    Error,
    [
        "the receiver answers with the commit acknowledgment of MLLP release 2 (0x06)",
        "In release 1 the answer is an HL7 acknowledgment.",
        "set both sides to the same release of MLLP",
    ],
);
pub(in crate::doctor) static RELEASE_2_NAK: Fault = fault(
    "D413",
    Error,
    [
        "the receiver answers with the negative commit acknowledgment of MLLP release 2 (0x15)",
        "In release 1 the answer is an HL7 acknowledgment.",
        "set both sides to the same release of MLLP, and look into the receiver's log for why it refuses",
    ],
);
pub(in crate::doctor) static ANSWERED_TWICE: Fault = fault(
    "D414",
    Error,
    [
        "one message is acknowledged twice",
        "In original mode one acknowledgment answers one message: the second would be taken for that of the next message.",
        "let the receiver, or an engine between, answer once",
    ],
);
pub(in crate::doctor) static COMMIT_THEN_APPLICATION: Fault = fault(
    "D415",
    Error,
    [
        "a message in original mode is answered in enhanced mode: an accept and an application acknowledgment",
        "Where MSH-15 and MSH-16 are empty there is one acknowledgment, AA, AE or AR.",
        "set the receiver to original mode, or let the sender fill MSH-15 and MSH-16",
    ],
);
pub(in crate::doctor) static COMMIT_ALONE: Fault = fault(
    "D416",
    Error,
    [
        "a message in original mode is answered with an accept acknowledgment alone",
        "Where MSH-15 and MSH-16 are empty the acknowledgment is AA, AE or AR.",
        "set the receiver to original mode, or let the sender fill MSH-15 and MSH-16",
    ],
);
pub(in crate::doctor) static ANSWERS_EARLIER_AGAIN: Fault = fault(
    "D417",
    Error,
    [
        "earlier messages of the connection are acknowledged again with a new one",
        "Each message is acknowledged once.",
        "does the receiver keep what it has read, and read it again?",
    ],
);
pub(in crate::doctor) static ANOTHER_BLOCK: Fault = fault(
    "D418",
    Error,
    [
        "another block stands behind the acknowledgment",
        "Between messages a receiver is silent.",
        "let the receiver send nothing that was not asked for",
    ],
);

pub(in crate::doctor) static LAST_SEGMENT_OPEN: Fault = fault(
    "D419",
    Warning,
    [
        "the last segment of the answer has no carriage return behind it",
        "A segment ends in a carriage return, the last one too.",
        "let the receiver end each segment with 0x0D",
    ],
);

pub(in crate::doctor) static ID_MISSING: Fault = fault(
    "D501",
    Error,
    ["MSA-2 is missing", "MSA-2 repeats MSH-10 of the message.", "let the receiver copy MSH-10"],
);
pub(in crate::doctor) static ID_OTHER: Fault = fault(
    "D502",
    Error,
    [
        "MSA-2 names another message",
        "MSA-2 repeats MSH-10 of the message.",
        "let the receiver copy MSH-10; does it answer with an ID of its own?",
    ],
);
pub(in crate::doctor) static ID_CUT: Fault = fault(
    "D503",
    Error,
    [
        "MSA-2 is cut off",
        "MSA-2 repeats MSH-10 as it stands; 20 characters are allowed in every version.",
        "widen the receiver's field for MSH-10",
    ],
);
pub(in crate::doctor) static ID_PADDED: Fault = fault(
    "D504",
    Error,
    [
        "MSA-2 has blanks that MSH-10 has not",
        "MSA-2 repeats MSH-10 as it stands.",
        "does the receiver keep MSH-10 in a column of fixed width?",
    ],
);
pub(in crate::doctor) static ID_CASE: Fault = fault(
    "D505",
    Error,
    [
        "MSA-2 is in another case than MSH-10",
        "MSA-2 repeats MSH-10 as it stands.",
        "let the receiver leave the case alone",
    ],
);
pub(in crate::doctor) static ID_UNESCAPED: Fault = fault(
    "D506",
    Error,
    [
        "escape sequences of MSH-10 are not repeated in MSA-2 as they stand",
        "MSA-2 repeats MSH-10 as it stands; a bare delimiter cuts the field.",
        "let the receiver escape MSA-2 again; until then use control IDs without delimiters",
    ],
);
pub(in crate::doctor) static ID_PREVIOUS: Fault = fault(
    "D507",
    Error,
    [
        "MSA-2 names the message before",
        "Each acknowledgment names its own message.",
        "one answer behind: does an engine between send its queue of answers with a delay?",
    ],
);
pub(in crate::doctor) static LONG_ID_CUT: Fault = fault(
    "D508",
    Warning,
    [
        "MSA-2 is cut off where MSH-10 is longer than 20 characters",
        "MSH-10 has 20 characters up to version 2.6, and 199 from 2.7 on.",
        "keep control IDs to 20 characters",
    ],
);

pub(in crate::doctor) static ANSWERS_AE: Fault = fault(
    "D601",
    Error,
    [
        "the test message is answered AE",
        "",
        "look into the receiver's log, or give a message that it takes (--message)",
    ],
);
pub(in crate::doctor) static ANSWERS_AR: Fault = fault(
    "D602",
    Error,
    [
        "the test message is answered AR",
        "",
        "look into the receiver's log, or give a message that it takes (--message)",
    ],
);
pub(in crate::doctor) static ANSWERS_CE: Fault = fault(
    "D603",
    Error,
    [
        "the test message is answered CE",
        "Where MSH-15 and MSH-16 are empty the acknowledgment is AA, AE or AR.",
        "look into the receiver's log, or give a message that it takes (--message)",
    ],
);
pub(in crate::doctor) static ANSWERS_CR: Fault = fault(
    "D604",
    Error,
    [
        "the test message is answered CR",
        "Where MSH-15 and MSH-16 are empty the acknowledgment is AA, AE or AR.",
        "look into the receiver's log, or give a message that it takes (--message)",
    ],
);
pub(in crate::doctor) static VARIANT_REFUSED: Fault = fault(
    "D605",
    Warning,
    [
        "this message is refused, while the plain one is taken",
        "",
        "do not send what the receiver does not take, or let it be changed",
    ],
);
pub(in crate::doctor) static VARIANT_UNANSWERED: Fault = fault(
    "D606",
    Error,
    [
        "this message is not answered, while the plain one is",
        "Every message is acknowledged; one that is refused with a negative acknowledgment.",
        "look into the receiver's log; do not send what it does not answer",
    ],
);
pub(in crate::doctor) static ODD_VARIANT_UNANSWERED: Fault = fault(
    "D607",
    Warning,
    [
        "this message is not answered, while the plain one is",
        "Every message is acknowledged; one that is refused with a negative acknowledgment.",
        "do not send what the receiver does not answer",
    ],
);
