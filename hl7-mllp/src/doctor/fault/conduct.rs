//! Faults that show in the conduct of a connection, and the end of an examination.

use super::{Fault, fault};
use crate::doctor::severity::Severity::{Error, Info, Warning};

pub(in crate::doctor) static FRAGMENTS_UNANSWERED: Fault = fault(
    "D701",
    Error,
    [
        "a message that comes in small pieces is not answered",
        "TCP is a stream: a block can come in any number of pieces.",
        "let the receiver read until the end block; long messages and slow networks will fail",
    ],
);
pub(in crate::doctor) static PIPELINE_FIRST_ONLY: Fault = fault(
    "D702",
    Warning,
    [
        "of two messages sent without waiting only the first is answered",
        "",
        "send one message at a time and wait for its acknowledgment; the other is lost without a word",
    ],
);
pub(in crate::doctor) static PIPELINE_LAST_ONLY: Fault = fault(
    "D703",
    Warning,
    [
        "of two messages sent without waiting only the last is answered",
        "",
        "send one message at a time and wait for its acknowledgment",
    ],
);
pub(in crate::doctor) static PIPELINE_OUT_OF_ORDER: Fault = fault(
    "D704",
    Warning,
    [
        "two messages sent without waiting are answered in the wrong order",
        "Messages are worked on in the order in which they were sent.",
        "send one message at a time and wait for its acknowledgment",
    ],
);
pub(in crate::doctor) static PIPELINE_UNANSWERED: Fault = fault(
    "D705",
    Warning,
    [
        "two messages sent without waiting are not answered",
        "",
        "send one message at a time and wait for its acknowledgment",
    ],
);
pub(in crate::doctor) static ENHANCED_IGNORED: Fault = fault(
    "D706",
    Info,
    [
        "MSH-15 asks for an accept acknowledgment, and an application acknowledgment comes",
        "In enhanced mode the accept acknowledgment is CA, CE or CR.",
        "use original mode with this receiver",
    ],
);
pub(in crate::doctor) static ENHANCED_UNANSWERED: Fault = fault(
    "D707",
    Warning,
    [
        "a message in enhanced mode is not answered on this connection",
        "",
        "use original mode with this receiver; or does it send application acknowledgments over a connection of its own?",
    ],
);
pub(in crate::doctor) static ENHANCED_BOTH: Fault = fault(
    "D708",
    Info,
    [
        "the application acknowledgment follows the accept acknowledgment on the same connection",
        "It is a message of its own, mostly sent over a connection to the sender.",
        "ask for one of the two only",
    ],
);
pub(in crate::doctor) static DUPLICATE_REFUSED: Fault = fault(
    "D709",
    Warning,
    [
        "a message that is sent again is refused",
        "After a lost acknowledgment a sender sends again, with the same MSH-10: the answer is that of the first time.",
        "let the receiver acknowledge what it has already",
    ],
);
pub(in crate::doctor) static BROKEN_ACCEPTED: Fault = fault(
    "D710",
    Error,
    [
        "a block that was broken off is acknowledged: it and the next one became one message",
        "A new start block drops what came before it.",
        "a broken connection can mix two patients: let the receiver drop what has no end",
    ],
);
pub(in crate::doctor) static BROKEN_LOSES_NEXT: Fault = fault(
    "D711",
    Warning,
    [
        "a good block behind one that was broken off is not answered",
        "",
        "close the connection after a broken block",
    ],
);
pub(in crate::doctor) static BROKEN_CLOSES: Fault = fault(
    "D712",
    Info,
    ["the receiver closes the connection after a broken block", "", "nothing: a sender connects anew"],
);
pub(in crate::doctor) static TAKES_ANYTHING: Fault = fault(
    "D713",
    Error,
    [
        "a block that is no HL7 is accepted",
        "What is no message is refused, or the connection is closed.",
        "does the receiver look at what it acknowledges?",
    ],
);
pub(in crate::doctor) static SILENT_ON_ANYTHING: Fault = fault(
    "D714",
    Info,
    [
        "a block that is no HL7 is passed over in silence",
        "What is no message is refused, or the connection is closed.",
        "the sender finds out at its deadline",
    ],
);
pub(in crate::doctor) static TAKES_UNKNOWN_TYPE: Fault = fault(
    "D715",
    Warning,
    [
        "a message of a type that does not exist is accepted",
        "A message of an unknown type is answered AR.",
        "does the receiver look at MSH-9 before it acknowledges?",
    ],
);

pub(in crate::doctor) static OUT_OF_TIME: Fault =
    fault("D901", Warning, ["the examination ended at its deadline", "", "allow more time, or fewer probes"]);
