//! Every fault that the doctor knows, with its stable code, what it is called, what is right, and what to do.

use super::finding::Severity;

/// What can be found. The rule is what the standard says, or what we recommend; empty where the fault speaks for itself.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) code: &'static str,
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

use Severity::{Error, Info, Warning};

// Faults of reaching the receiver.

pub(super) static NOT_AN_ADDRESS: Fault = fault(
    "D101",
    Error,
    ["the address is not of the form host:port", "", "give one such as ehr.example:2575"],
);
pub(super) static NOT_RESOLVED: Fault =
    fault("D102", Error, ["the host name could not be resolved", "", "check the name and the name server"]);
pub(super) static REFUSED: Fault = fault(
    "D103",
    Error,
    ["the connection was refused", "", "is the receiver running, and is this its port?"],
);
pub(super) static CONNECT_TIMED_OUT: Fault = fault(
    "D104",
    Error,
    ["no connection before the deadline", "", "is a firewall between here and the receiver?"],
);
pub(super) static UNREACHABLE: Fault = fault(
    "D105",
    Error,
    ["the host cannot be reached", "", "check the network and the route to the receiver"],
);
pub(super) static NOT_CONNECTED: Fault = fault(
    "D106",
    Error,
    ["the connection could not be made", "", "check the network, and whether this program may use it"],
);
pub(super) static CLOSES_AT_ONCE: Fault = fault(
    "D107",
    Error,
    [
        "the receiver closes the connection before anything is sent",
        "A receiver keeps a connection until the sender closes it.",
        "does the receiver allow this sender's address, and has it a connection free? does it expect TLS?",
    ],
);
pub(super) static GREETS: Fault = fault(
    "D108",
    Error,
    [
        "the receiver sends something before it was sent anything",
        "A receiver is silent until it has a message: a sender has to take what comes unasked for a late answer.",
        "turn the greeting off, or is this another service's port?",
    ],
);
pub(super) static OTHER_PROTOCOL: Fault = fault(
    "D109",
    Error,
    ["the receiver speaks another protocol", "", "is this the port of an MLLP receiver?"],
);

pub(super) static NO_SUCH_NAME: Fault = fault(
    "D110",
    Error,
    ["there is no such host name", "", "check its spelling, and that its zone still has it"],
);

// Faults of answering at all, and of keeping the connection.

pub(super) static UNANSWERED: Fault = fault(
    "D201",
    Error,
    [
        "no acknowledgment, and the connection stays open",
        "Every message is acknowledged.",
        "does the interface take messages of this type, and does it send acknowledgments at all?",
    ],
);
pub(super) static LATE: Fault = fault(
    "D202",
    Error,
    [
        "the acknowledgment comes after the deadline, on the same connection",
        "A late acknowledgment must not be taken for that of the next message, so the sender closes and sends again: a duplicate.",
        "answer sooner, before the message is worked on; or allow more time (--ack-timeout)",
    ],
);
pub(super) static CLOSED_UNANSWERED: Fault = fault(
    "D203",
    Error,
    [
        "the receiver closes the connection instead of answering",
        "A sender cannot know whether the message was taken.",
        "look into the receiver's log; it should answer AR where it refuses",
    ],
);
pub(super) static RESET_UNANSWERED: Fault = fault(
    "D204",
    Error,
    [
        "the receiver resets the connection instead of answering",
        "A sender cannot know whether the message was taken.",
        "look into the receiver's log: a crash, or a device between that cuts connections",
    ],
);
pub(super) static TAKES_NO_BYTES: Fault = fault(
    "D205",
    Error,
    [
        "the receiver takes no more bytes",
        "",
        "is it stuck or overloaded, or is the message longer than it allows?",
    ],
);
pub(super) static SLOW: Fault = fault(
    "D206",
    Warning,
    [
        "the acknowledgment takes more than half of the time allowed",
        "Under load it will come too late, and messages will be sent twice.",
        "answer when the message is stored, and work on it later",
    ],
);
pub(super) static CLOSES_AFTER_EACH: Fault = fault(
    "D207",
    Warning,
    [
        "the receiver closes the connection after each message",
        "A connection is kept open for many messages.",
        "let it keep the connection; until then each message costs a connection",
    ],
);
pub(super) static CLOSES_IDLE: Fault = fault(
    "D208",
    Warning,
    [
        "the receiver closes a connection on which nothing is sent for a moment",
        "A message that is written just then is of unknown fate.",
        "let it wait for minutes, or set no idle limit",
    ],
);
pub(super) static SECOND_UNANSWERED: Fault = fault(
    "D209",
    Error,
    [
        "a further message on the same connection is not answered",
        "A connection carries many messages, each acknowledged.",
        "does the receiver go on reading after it has answered?",
    ],
);
pub(super) static DEAD_AFTER_IDLE: Fault = fault(
    "D210",
    Error,
    [
        "a message after a pause is not answered",
        "",
        "is there a device between that forgets silent connections?",
    ],
);

// Faults of the frame around the answer.

pub(super) static NO_START_BLOCK: Fault = fault(
    "D301",
    Error,
    [
        "the answer has no start block character (0x0B)",
        "A block is 0x0B, content, 0x1C, 0x0D.",
        "let the receiver frame its answers",
    ],
);
pub(super) static NO_END_BLOCK: Fault = fault(
    "D302",
    Error,
    [
        "the answer has no end block characters (0x1C 0x0D)",
        "A block is 0x0B, content, 0x1C, 0x0D.",
        "let the receiver end its answers with 0x1C 0x0D",
    ],
);
pub(super) static END_WITHOUT_CR: Fault = fault(
    "D303",
    Error,
    [
        "0x1C at the end of the answer has no 0x0D behind it",
        "A block is 0x0B, content, 0x1C, 0x0D.",
        "let the receiver send 0x0D behind 0x1C; a sender can be told to do without",
    ],
);
pub(super) static BYTES_BEFORE: Fault = fault(
    "D304",
    Warning,
    [
        "bytes stand before the start block of the answer",
        "Between blocks there is nothing.",
        "let the receiver send nothing outside of blocks",
    ],
);
pub(super) static BYTES_BEHIND: Fault = fault(
    "D305",
    Error,
    [
        "bytes stand behind the end of the answer",
        "Between blocks there is nothing. A sender has to take them for the beginning of another answer.",
        "let the receiver send nothing outside of blocks",
    ],
);
pub(super) static UNFINISHED: Fault = fault(
    "D306",
    Error,
    [
        "the answer stops in its middle, and the connection stays open",
        "",
        "does the receiver flush what it writes?",
    ],
);
pub(super) static CLOSED_INSIDE: Fault = fault(
    "D307",
    Error,
    [
        "the receiver closes the connection in the middle of its answer",
        "A part of an acknowledgment is none.",
        "does it close before all is written?",
    ],
);
pub(super) static RESET_INSIDE: Fault = fault(
    "D308",
    Error,
    [
        "the receiver resets the connection in the middle of its answer",
        "A part of an acknowledgment is none.",
        "does it close with bytes unread, or crash?",
    ],
);
pub(super) static ENDLESS: Fault = fault(
    "D309",
    Error,
    [
        "the answer does not end",
        "An acknowledgment has a few hundred bytes.",
        "is this the port of an HL7 receiver?",
    ],
);
pub(super) static RESTARTED: Fault = fault(
    "D310",
    Error,
    [
        "a start block character stands inside the answer",
        "0x0B only starts a block.",
        "escape it in values as \\X0B\\, or does the receiver begin its answer twice?",
    ],
);

// Faults of what the answer says.

pub(super) static NOT_HL7: Fault = fault(
    "D401",
    Error,
    [
        "the answer is not an HL7 message",
        "An acknowledgment has an MSH and an MSA segment.",
        "is this the port of an HL7 v2 receiver?",
    ],
);
pub(super) static NO_MSA: Fault = fault(
    "D402",
    Error,
    [
        "the answer has no MSA segment",
        "MSA says which message is acknowledged, and how.",
        "let the receiver send MSA behind MSH",
    ],
);
pub(super) static REPEATED_MSA: Fault = fault(
    "D403",
    Error,
    [
        "the answer has more than one MSA segment",
        "Each message is acknowledged by an answer of its own.",
        "let the receiver answer each message",
    ],
);
pub(super) static UNKNOWN_CODE: Fault = fault(
    "D404",
    Error,
    [
        "MSA-1 is no code of table 0008",
        "MSA-1 is AA, AE, AR, CA, CE or CR.",
        "let the receiver use one of them",
    ],
);
pub(super) static SLOPPY_CODE: Fault = fault(
    "D405",
    Warning,
    [
        "MSA-1 is in lower case or has blanks around it",
        "MSA-1 is AA, AE, AR, CA, CE or CR, as it stands in table 0008.",
        "other senders may refuse it: let the receiver write it in capitals",
    ],
);
pub(super) static LINE_FEEDS: Fault = fault(
    "D406",
    Warning,
    [
        "segments of the answer end in a line feed",
        "A segment ends in a carriage return (0x0D) alone.",
        "other senders may find no MSA: let the receiver end segments with 0x0D",
    ],
);
pub(super) static CHARSET: Fault = fault(
    "D407",
    Warning,
    [
        "the answer cannot be read in the character set that it states",
        "MSH-18 states the character set; empty means ASCII, and is mostly read as UTF-8.",
        "let the receiver write in the character set that its MSH-18 names",
    ],
);
pub(super) static UNESCAPED_TEXT: Fault = fault(
    "D408",
    Warning,
    [
        "delimiters stand unescaped in a text of MSA",
        "A delimiter in a value is written as an escape sequence, such as \\F\\.",
        "let the receiver escape the texts that it puts into MSA-3",
    ],
);
pub(super) static NO_OWN_ID: Fault = fault(
    "D409",
    Warning,
    [
        "MSH-10 of the answer is empty",
        "Each message has a control ID, acknowledgments too.",
        "let the receiver number its answers",
    ],
);
pub(super) static CONSTANT_OWN_ID: Fault = fault(
    "D410",
    Warning,
    [
        "MSH-10 is the same in every answer",
        "MSH-10 names one message of its sender.",
        "let the receiver number its answers",
    ],
);
pub(super) static ECHO: Fault = fault(
    "D411",
    Error,
    [
        "the answer is the message itself",
        "An acknowledgment has an MSA segment.",
        "is this an echo service or a loop in the routing?",
    ],
);
pub(super) static RELEASE_2_ACK: Fault = fault(
    "D412",
    Error,
    [
        "the receiver answers with the commit acknowledgment of MLLP release 2 (0x06)",
        "In release 1 the answer is an HL7 acknowledgment.",
        "set both sides to the same release of MLLP",
    ],
);
pub(super) static RELEASE_2_NAK: Fault = fault(
    "D413",
    Error,
    [
        "the receiver answers with the negative commit acknowledgment of MLLP release 2 (0x15)",
        "In release 1 the answer is an HL7 acknowledgment.",
        "set both sides to the same release of MLLP, and look into the receiver's log for why it refuses",
    ],
);
pub(super) static ANSWERED_TWICE: Fault = fault(
    "D414",
    Error,
    [
        "one message is acknowledged twice",
        "In original mode one acknowledgment answers one message: the second would be taken for that of the next message.",
        "let the receiver, or an engine between, answer once",
    ],
);
pub(super) static COMMIT_THEN_APPLICATION: Fault = fault(
    "D415",
    Error,
    [
        "a message in original mode is answered in enhanced mode: an accept and an application acknowledgment",
        "Where MSH-15 and MSH-16 are empty there is one acknowledgment, AA, AE or AR.",
        "set the receiver to original mode, or let the sender fill MSH-15 and MSH-16",
    ],
);
pub(super) static COMMIT_ALONE: Fault = fault(
    "D416",
    Error,
    [
        "a message in original mode is answered with an accept acknowledgment alone",
        "Where MSH-15 and MSH-16 are empty the acknowledgment is AA, AE or AR.",
        "set the receiver to original mode, or let the sender fill MSH-15 and MSH-16",
    ],
);
pub(super) static ANSWERS_EARLIER_AGAIN: Fault = fault(
    "D417",
    Error,
    [
        "earlier messages of the connection are acknowledged again with a new one",
        "Each message is acknowledged once.",
        "does the receiver keep what it has read, and read it again?",
    ],
);
pub(super) static ANOTHER_BLOCK: Fault = fault(
    "D418",
    Error,
    [
        "another block stands behind the acknowledgment",
        "Between messages a receiver is silent.",
        "let the receiver send nothing that was not asked for",
    ],
);

pub(super) static LAST_SEGMENT_OPEN: Fault = fault(
    "D419",
    Warning,
    [
        "the last segment of the answer has no carriage return behind it",
        "A segment ends in a carriage return, the last one too.",
        "let the receiver end each segment with 0x0D",
    ],
);

// Faults of MSA-2.

pub(super) static ID_MISSING: Fault = fault(
    "D501",
    Error,
    ["MSA-2 is missing", "MSA-2 repeats MSH-10 of the message.", "let the receiver copy MSH-10"],
);
pub(super) static ID_OTHER: Fault = fault(
    "D502",
    Error,
    [
        "MSA-2 names another message",
        "MSA-2 repeats MSH-10 of the message.",
        "let the receiver copy MSH-10; does it answer with an ID of its own?",
    ],
);
pub(super) static ID_CUT: Fault = fault(
    "D503",
    Error,
    [
        "MSA-2 is cut off",
        "MSA-2 repeats MSH-10 as it stands; 20 characters are allowed in every version.",
        "widen the receiver's field for MSH-10",
    ],
);
pub(super) static ID_PADDED: Fault = fault(
    "D504",
    Error,
    [
        "MSA-2 has blanks that MSH-10 has not",
        "MSA-2 repeats MSH-10 as it stands.",
        "does the receiver keep MSH-10 in a column of fixed width?",
    ],
);
pub(super) static ID_CASE: Fault = fault(
    "D505",
    Error,
    [
        "MSA-2 is in another case than MSH-10",
        "MSA-2 repeats MSH-10 as it stands.",
        "let the receiver leave the case alone",
    ],
);
pub(super) static ID_UNESCAPED: Fault = fault(
    "D506",
    Error,
    [
        "escape sequences of MSH-10 are not repeated in MSA-2 as they stand",
        "MSA-2 repeats MSH-10 as it stands; a bare delimiter cuts the field.",
        "let the receiver escape MSA-2 again; until then use control IDs without delimiters",
    ],
);
pub(super) static ID_PREVIOUS: Fault = fault(
    "D507",
    Error,
    [
        "MSA-2 names the message before",
        "Each acknowledgment names its own message.",
        "one answer behind: does an engine between send its queue of answers with a delay?",
    ],
);
pub(super) static LONG_ID_CUT: Fault = fault(
    "D508",
    Warning,
    [
        "MSA-2 is cut off where MSH-10 is longer than 20 characters",
        "MSH-10 has 20 characters up to version 2.6, and 199 from 2.7 on.",
        "keep control IDs to 20 characters",
    ],
);

// Refusals.

pub(super) static ANSWERS_AE: Fault = fault(
    "D601",
    Error,
    [
        "the test message is answered AE",
        "",
        "look into the receiver's log, or give a message that it takes (--message)",
    ],
);
pub(super) static ANSWERS_AR: Fault = fault(
    "D602",
    Error,
    [
        "the test message is answered AR",
        "",
        "look into the receiver's log, or give a message that it takes (--message)",
    ],
);
pub(super) static ANSWERS_CE: Fault = fault(
    "D603",
    Error,
    [
        "the test message is answered CE",
        "Where MSH-15 and MSH-16 are empty the acknowledgment is AA, AE or AR.",
        "look into the receiver's log, or give a message that it takes (--message)",
    ],
);
pub(super) static ANSWERS_CR: Fault = fault(
    "D604",
    Error,
    [
        "the test message is answered CR",
        "Where MSH-15 and MSH-16 are empty the acknowledgment is AA, AE or AR.",
        "look into the receiver's log, or give a message that it takes (--message)",
    ],
);
pub(super) static VARIANT_REFUSED: Fault = fault(
    "D605",
    Warning,
    [
        "this message is refused, while the plain one is taken",
        "",
        "do not send what the receiver does not take, or let it be changed",
    ],
);
pub(super) static VARIANT_UNANSWERED: Fault = fault(
    "D606",
    Error,
    [
        "this message is not answered, while the plain one is",
        "Every message is acknowledged; one that is refused with a negative acknowledgment.",
        "look into the receiver's log; do not send what it does not answer",
    ],
);
pub(super) static ODD_VARIANT_UNANSWERED: Fault = fault(
    "D607",
    Warning,
    [
        "this message is not answered, while the plain one is",
        "Every message is acknowledged; one that is refused with a negative acknowledgment.",
        "do not send what the receiver does not answer",
    ],
);

// Faults that show in the conduct of a connection.

pub(super) static FRAGMENTS_UNANSWERED: Fault = fault(
    "D701",
    Error,
    [
        "a message that comes in small pieces is not answered",
        "TCP is a stream: a block can come in any number of pieces.",
        "let the receiver read until the end block; long messages and slow networks will fail",
    ],
);
pub(super) static PIPELINE_FIRST_ONLY: Fault = fault(
    "D702",
    Warning,
    [
        "of two messages sent without waiting only the first is answered",
        "",
        "send one message at a time and wait for its acknowledgment; the other is lost without a word",
    ],
);
pub(super) static PIPELINE_LAST_ONLY: Fault = fault(
    "D703",
    Warning,
    [
        "of two messages sent without waiting only the last is answered",
        "",
        "send one message at a time and wait for its acknowledgment",
    ],
);
pub(super) static PIPELINE_OUT_OF_ORDER: Fault = fault(
    "D704",
    Warning,
    [
        "two messages sent without waiting are answered in the wrong order",
        "Messages are worked on in the order in which they were sent.",
        "send one message at a time and wait for its acknowledgment",
    ],
);
pub(super) static PIPELINE_UNANSWERED: Fault = fault(
    "D705",
    Warning,
    [
        "two messages sent without waiting are not answered",
        "",
        "send one message at a time and wait for its acknowledgment",
    ],
);
pub(super) static ENHANCED_IGNORED: Fault = fault(
    "D706",
    Info,
    [
        "MSH-15 asks for an accept acknowledgment, and an application acknowledgment comes",
        "In enhanced mode the accept acknowledgment is CA, CE or CR.",
        "use original mode with this receiver",
    ],
);
pub(super) static ENHANCED_UNANSWERED: Fault = fault(
    "D707",
    Warning,
    [
        "a message in enhanced mode is not answered on this connection",
        "",
        "use original mode with this receiver; or does it send application acknowledgments over a connection of its own?",
    ],
);
pub(super) static ENHANCED_BOTH: Fault = fault(
    "D708",
    Info,
    [
        "the application acknowledgment follows the accept acknowledgment on the same connection",
        "It is a message of its own, mostly sent over a connection to the sender.",
        "ask for one of the two only",
    ],
);
pub(super) static DUPLICATE_REFUSED: Fault = fault(
    "D709",
    Warning,
    [
        "a message that is sent again is refused",
        "After a lost acknowledgment a sender sends again, with the same MSH-10: the answer is that of the first time.",
        "let the receiver acknowledge what it has already",
    ],
);
pub(super) static BROKEN_ACCEPTED: Fault = fault(
    "D710",
    Error,
    [
        "a block that was broken off is acknowledged: it and the next one became one message",
        "A new start block drops what came before it.",
        "a broken connection can mix two patients: let the receiver drop what has no end",
    ],
);
pub(super) static BROKEN_LOSES_NEXT: Fault = fault(
    "D711",
    Warning,
    [
        "a good block behind one that was broken off is not answered",
        "",
        "close the connection after a broken block",
    ],
);
pub(super) static BROKEN_CLOSES: Fault = fault(
    "D712",
    Info,
    ["the receiver closes the connection after a broken block", "", "nothing: a sender connects anew"],
);
pub(super) static TAKES_ANYTHING: Fault = fault(
    "D713",
    Error,
    [
        "a block that is no HL7 is accepted",
        "What is no message is refused, or the connection is closed.",
        "does the receiver look at what it acknowledges?",
    ],
);
pub(super) static SILENT_ON_ANYTHING: Fault = fault(
    "D714",
    Info,
    [
        "a block that is no HL7 is passed over in silence",
        "What is no message is refused, or the connection is closed.",
        "the sender finds out at its deadline",
    ],
);
pub(super) static TAKES_UNKNOWN_TYPE: Fault = fault(
    "D715",
    Warning,
    [
        "a message of a type that does not exist is accepted",
        "A message of an unknown type is answered AR.",
        "does the receiver look at MSH-9 before it acknowledges?",
    ],
);

// The end of an examination.

pub(super) static OUT_OF_TIME: Fault =
    fault("D901", Warning, ["the examination ended at its deadline", "", "allow more time, or fewer probes"]);

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

    #[test]
    fn each_code_is_used_once() {
        let mut codes: Vec<&str> = ALL.iter().map(|fault| fault.code).collect();
        assert!(codes.is_sorted());
        codes.dedup();
        assert_eq!(codes.len(), ALL.len());
        assert!(ALL.iter().all(|fault| !fault.what.is_empty() && !fault.suggestion.is_empty()));
    }
}
