//! One answer of a scripted receiver: what it says, how it is framed, in which pieces it goes out.

use std::fmt;
use std::time::Duration;

use super::header::Header;
use super::{END, START};

/// An answer to a message. [`Answer::proper`] is as the standard says; each method plants one fault.
///
/// ```
/// use hl7_mllp::scripted::{Act, Answer, ControlId, Script};
/// let cut_off = Answer::proper().control_id(ControlId::First(8)).code("AE");
/// let script = Script::each([Act::Send(cut_off)]);
/// # let _ = script;
/// ```
#[derive(Clone)]
pub struct Answer {
    content: Content,
    code: Option<String>,
    control_id: ControlId,
    own_id: Option<String>,
    charset: Option<String>,
    text: Vec<u8>,
    line_end: String,
    start: Vec<u8>,
    end: Vec<u8>,
    last_is_open: bool,
    half: bool,
    pieces: Option<(usize, Duration)>,
}

#[derive(Clone)]
enum Content {
    Acknowledgment,
    WithoutMsa,
    TheMessage,
    Bytes(Vec<u8>),
}

/// What stands in MSA-2.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ControlId {
    /// MSH-10 of the message as it stands.
    Echo,
    /// Nothing.
    Missing,
    /// This, whatever the message's is.
    Text(String),
    /// The first so many characters of MSH-10.
    First(usize),
    /// MSH-10 with a blank behind it.
    Padded,
    /// MSH-10 in lower case.
    LowerCase,
    /// MSH-10 in upper case.
    UpperCase,
    /// MSH-10 with the escape sequences of the delimiters undone and not made again.
    Unescaped,
    /// MSH-10 of the message before on this connection; of this one where there is none.
    Previous,
}

impl Answer {
    /// An acknowledgment as the standard says: `AA`, or `CA` where MSH-15 asks for an accept acknowledgment; `AR` or `CR` for a
    /// message type of the site's own (`Z..`); MSA-2 as sent; the message's delimiters, version and processing ID.
    pub fn proper() -> Self {
        Self {
            content: Content::Acknowledgment,
            code: None,
            control_id: ControlId::Echo,
            own_id: None,
            charset: None,
            text: Vec::new(),
            line_end: "\r".to_owned(),
            start: vec![START],
            end: END.to_vec(),
            last_is_open: false,
            half: false,
            pieces: None,
        }
    }

    /// A block with this content, which may be no HL7 at all.
    pub fn content(content: impl Into<Vec<u8>>) -> Self {
        Self { content: Content::Bytes(content.into()), ..Self::proper() }
    }

    /// These bytes and no frame.
    pub fn bytes(bytes: impl Into<Vec<u8>>) -> Self {
        Self { start: Vec::new(), end: Vec::new(), ..Self::content(bytes) }
    }

    /// The message itself.
    pub fn echo() -> Self {
        Self { content: Content::TheMessage, ..Self::proper() }
    }

    /// The commit acknowledgment of MLLP release 2: a block with 0x06 alone.
    pub fn release_2_ack() -> Self {
        Self::content([0x06])
    }

    /// The negative one: a block with 0x15 alone.
    pub fn release_2_nak() -> Self {
        Self::content([0x15])
    }

    /// This in MSA-1.
    pub fn code(mut self, code: &str) -> Self {
        self.code = Some(code.to_owned());
        self
    }

    /// This in MSA-2.
    pub fn control_id(mut self, id: ControlId) -> Self {
        self.control_id = id;
        self
    }

    /// This in MSH-10 of the answer, instead of one that is never repeated.
    pub fn own_id(mut self, id: &str) -> Self {
        self.own_id = Some(id.to_owned());
        self
    }

    /// This in MSH-18 of the answer.
    pub fn charset(mut self, label: &str) -> Self {
        self.charset = Some(label.to_owned());
        self
    }

    /// These bytes in MSA-3, as they are.
    pub fn text(mut self, text: impl Into<Vec<u8>>) -> Self {
        self.text = text.into();
        self
    }

    /// No MSA segment.
    pub fn without_msa(mut self) -> Self {
        self.content = Content::WithoutMsa;
        self
    }

    /// This between and behind segments.
    pub fn line_end(mut self, line_end: &str) -> Self {
        self.line_end = line_end.to_owned();
        self
    }

    /// Nothing behind the last segment.
    pub fn open_last_segment(mut self) -> Self {
        self.last_is_open = true;
        self
    }

    /// These bytes where the start block character belongs.
    pub fn start(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.start = bytes.into();
        self
    }

    /// These bytes where the end block character and the carriage return belong.
    pub fn end(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.end = bytes.into();
        self
    }

    /// Only the first half of it all.
    pub fn half(mut self) -> Self {
        self.half = true;
        self
    }

    /// In pieces of so many bytes, with a pause behind each.
    pub fn in_pieces(mut self, bytes: usize, pause: Duration) -> Self {
        self.pieces = Some((bytes.max(1), pause));
        self
    }

    pub(super) fn pieces(&self) -> Option<(usize, Duration)> {
        self.pieces
    }

    /// The bytes of the answer number `count` of this peer, to `message`; `before` is the one before it on the connection.
    pub(super) fn written(&self, message: &Header, before: Option<&Header>, count: usize) -> Vec<u8> {
        let content = match &self.content {
            Content::Bytes(bytes) => bytes.clone(),
            Content::TheMessage => message.content().to_vec(),
            Content::WithoutMsa => self.header(message, count).into_bytes(),
            Content::Acknowledgment => {
                [self.header(message, count).into_bytes(), self.msa(message, before)].concat()
            }
        };
        let mut all = [self.start.as_slice(), &content, &self.end].concat();
        if self.half {
            all.truncate(all.len() / 2);
        }
        all
    }

    fn header(&self, message: &Header, count: usize) -> String {
        let component = message.field(2).chars().next().unwrap_or('^');
        let kind = format!("ACK{component}{}{component}ACK", message.trigger());
        let own = self.own_id.clone().unwrap_or_else(|| format!("peer-{count}"));
        let mut fields = vec![
            "MSH",
            message.field(2),
            message.field(5),
            message.field(6),
            message.field(3),
            message.field(4),
            "20260102030406",
            "",
            &kind,
            &own,
            message.field(11),
            message.field(12),
        ];
        if let Some(charset) = &self.charset {
            fields.extend(["", "", "", "", "", charset]);
        }
        format!("{}{}", message.joined(&fields), self.line_end)
    }

    fn msa(&self, message: &Header, before: Option<&Header>) -> Vec<u8> {
        let id = self.control_id.text(message.control_id(), before.map(Header::control_id));
        let code = self.code.as_deref().unwrap_or(message.proper_code());
        let segment = message.joined(&["MSA", code, &id]).into_bytes();
        let text = if self.text.is_empty() { Vec::new() } else { message.joined(&["", ""]).into_bytes() };
        let end = if self.last_is_open { "" } else { &self.line_end };
        [&segment, &text, &self.text, end.as_bytes()].concat()
    }
}

impl ControlId {
    fn text(&self, sent: &str, before: Option<&str>) -> String {
        match self {
            Self::Echo => sent.to_owned(),
            Self::Missing => String::new(),
            Self::Text(text) => text.clone(),
            Self::First(most) => sent.chars().take(*most).collect(),
            Self::Padded => format!("{sent} "),
            Self::LowerCase => sent.to_lowercase(),
            Self::UpperCase => sent.to_uppercase(),
            Self::Unescaped => unescaped(sent),
            Self::Previous => before.unwrap_or(sent).to_owned(),
        }
    }
}

fn unescaped(text: &str) -> String {
    let pairs = [("\\F\\", "|"), ("\\S\\", "^"), ("\\T\\", "&"), ("\\R\\", "~"), ("\\E\\", "\\")];
    pairs.iter().fold(text.to_owned(), |text, (sequence, delimiter)| text.replace(sequence, delimiter))
}

impl fmt::Debug for Answer {
    /// Leaves out what is said: it may be a real answer that a test repeats.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("half", &self.half)
            .field("pieces", &self.pieces)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for ControlId {
    /// Leaves the ID out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Echo => "Echo",
            Self::Missing => "Missing",
            Self::Text(_) => "Text",
            Self::First(_) => "First",
            Self::Padded => "Padded",
            Self::LowerCase => "LowerCase",
            Self::UpperCase => "UpperCase",
            Self::Unescaped => "Unescaped",
            Self::Previous => "Previous",
        })
    }
}
