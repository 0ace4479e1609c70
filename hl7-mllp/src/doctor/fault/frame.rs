//! Faults of the frame around the answer.

use super::{Fault, fault};
use crate::doctor::severity::Severity::{Error, Warning};

pub(in crate::doctor) static NO_START_BLOCK: Fault = fault(
    "D301",
    Error,
    [
        "the answer has no start block character (0x0B)",
        "A block is 0x0B, content, 0x1C, 0x0D.",
        "let the receiver frame its answers",
    ],
);
pub(in crate::doctor) static NO_END_BLOCK: Fault = fault(
    "D302",
    Error,
    [
        "the answer has no end block characters (0x1C 0x0D)",
        "A block is 0x0B, content, 0x1C, 0x0D.",
        "let the receiver end its answers with 0x1C 0x0D",
    ],
);
pub(in crate::doctor) static END_WITHOUT_CR: Fault = fault(
    "D303",
    Error,
    [
        "0x1C at the end of the answer has no 0x0D behind it",
        "A block is 0x0B, content, 0x1C, 0x0D.",
        "let the receiver send 0x0D behind 0x1C; a sender can be told to do without",
    ],
);
pub(in crate::doctor) static BYTES_BEFORE: Fault = fault(
    "D304",
    Warning,
    [
        "bytes stand before the start block of the answer",
        "Between blocks there is nothing.",
        "let the receiver send nothing outside of blocks",
    ],
);
pub(in crate::doctor) static BYTES_BEHIND: Fault = fault(
    "D305",
    Error,
    [
        "bytes stand behind the end of the answer",
        "Between blocks there is nothing. A sender has to take them for the beginning of another answer.",
        "let the receiver send nothing outside of blocks",
    ],
);
pub(in crate::doctor) static UNFINISHED: Fault = fault(
    "D306",
    Error,
    [
        "the answer stops in its middle, and the connection stays open",
        "",
        "does the receiver flush what it writes?",
    ],
);
pub(in crate::doctor) static CLOSED_INSIDE: Fault = fault(
    "D307",
    Error,
    [
        "the receiver closes the connection in the middle of its answer",
        "A part of an acknowledgment is none.",
        "does it close before all is written?",
    ],
);
pub(in crate::doctor) static RESET_INSIDE: Fault = fault(
    "D308",
    Error,
    [
        "the receiver resets the connection in the middle of its answer",
        "A part of an acknowledgment is none.",
        "does it close with bytes unread, or crash?",
    ],
);
pub(in crate::doctor) static ENDLESS: Fault = fault(
    "D309",
    Error,
    [
        "the answer does not end",
        "An acknowledgment has a few hundred bytes.",
        "is this the port of an HL7 receiver?",
    ],
);
pub(in crate::doctor) static RESTARTED: Fault = fault(
    "D310",
    Error,
    [
        "a start block character stands inside the answer",
        "0x0B only starts a block.",
        "escape it in values as \\X0B\\, or does the receiver begin its answer twice?",
    ],
);
