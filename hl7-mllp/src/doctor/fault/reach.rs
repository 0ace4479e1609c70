//! Faults of reaching the receiver, of answering at all, and of keeping the connection.

use super::{Fault, fault};
use crate::doctor::severity::Severity::{Error, Warning};

pub(in crate::doctor) static NOT_AN_ADDRESS: Fault = fault(
    "D101",
    Error,
    ["the address is not of the form host:port", "", "give one such as ehr.example:2575"],
);
pub(in crate::doctor) static NOT_RESOLVED: Fault =
    fault("D102", Error, ["the host name could not be resolved", "", "check the name and the name server"]);
pub(in crate::doctor) static REFUSED: Fault = fault(
    "D103",
    Error,
    ["the connection was refused", "", "is the receiver running, and is this its port?"],
);
pub(in crate::doctor) static CONNECT_TIMED_OUT: Fault = fault(
    "D104",
    Error,
    ["no connection before the deadline", "", "is a firewall between here and the receiver?"],
);
pub(in crate::doctor) static UNREACHABLE: Fault = fault(
    "D105",
    Error,
    ["the host cannot be reached", "", "check the network and the route to the receiver"],
);
pub(in crate::doctor) static NOT_CONNECTED: Fault = fault(
    "D106",
    Error,
    ["the connection could not be made", "", "check the network, and whether this program may use it"],
);
pub(in crate::doctor) static CLOSES_AT_ONCE: Fault = fault(
    "D107",
    Error,
    [
        "the receiver closes the connection before anything is sent",
        "A receiver keeps a connection until the sender closes it.",
        "does the receiver allow this sender's address, and has it a connection free? does it expect TLS?",
    ],
);
pub(in crate::doctor) static GREETS: Fault = fault(
    "D108",
    Error,
    [
        "the receiver sends something before it was sent anything",
        "A receiver is silent until it has a message: a sender has to take what comes unasked for a late answer.",
        "turn the greeting off, or is this another service's port?",
    ],
);
pub(in crate::doctor) static OTHER_PROTOCOL: Fault = fault(
    "D109",
    Error,
    ["the receiver speaks another protocol", "", "is this the port of an MLLP receiver?"],
);

pub(in crate::doctor) static NO_SUCH_NAME: Fault = fault(
    "D110",
    Error,
    ["there is no such host name", "", "check its spelling, and that its zone still has it"],
);

pub(in crate::doctor) static UNANSWERED: Fault = fault(
    "D201",
    Error,
    [
        "no acknowledgment, and the connection stays open",
        "Every message is acknowledged.",
        "does the interface take messages of this type, and does it send acknowledgments at all?",
    ],
);
pub(in crate::doctor) static LATE: Fault = fault(
    "D202",
    Error,
    [
        "the acknowledgment comes after the deadline, on the same connection",
        "A late acknowledgment must not be taken for that of the next message, so the sender closes and sends again: a duplicate.",
        "answer sooner, before the message is worked on; or allow more time (--ack-timeout)",
    ],
);
pub(in crate::doctor) static CLOSED_UNANSWERED: Fault = fault(
    "D203",
    Error,
    [
        "the receiver closes the connection instead of answering",
        "A sender cannot know whether the message was taken.",
        "look into the receiver's log; it should answer AR where it refuses",
    ],
);
pub(in crate::doctor) static RESET_UNANSWERED: Fault = fault(
    "D204",
    Error,
    [
        "the receiver resets the connection instead of answering",
        "A sender cannot know whether the message was taken.",
        "look into the receiver's log: a crash, or a device between that cuts connections",
    ],
);
pub(in crate::doctor) static TAKES_NO_BYTES: Fault = fault(
    "D205",
    Error,
    [
        "the receiver takes no more bytes",
        "",
        "is it stuck or overloaded, or is the message longer than it allows?",
    ],
);
pub(in crate::doctor) static SLOW: Fault = fault(
    "D206",
    Warning,
    [
        "the acknowledgment takes more than half of the time allowed",
        "Under load it will come too late, and messages will be sent twice.",
        "answer when the message is stored, and work on it later",
    ],
);
pub(in crate::doctor) static CLOSES_AFTER_EACH: Fault = fault(
    "D207",
    Warning,
    [
        "the receiver closes the connection after each message",
        "A connection is kept open for many messages.",
        "let it keep the connection; until then each message costs a connection",
    ],
);
pub(in crate::doctor) static CLOSES_IDLE: Fault = fault(
    "D208",
    Warning,
    [
        "the receiver closes a connection on which nothing is sent for a moment",
        "A message that is written just then is of unknown fate.",
        "let it wait for minutes, or set no idle limit",
    ],
);
pub(in crate::doctor) static SECOND_UNANSWERED: Fault = fault(
    "D209",
    Error,
    [
        "a further message on the same connection is not answered",
        "A connection carries many messages, each acknowledged.",
        "does the receiver go on reading after it has answered?",
    ],
);
pub(in crate::doctor) static DEAD_AFTER_IDLE: Fault = fault(
    "D210",
    Error,
    [
        "a message after a pause is not answered",
        "",
        "is there a device between that forgets silent connections?",
    ],
);
