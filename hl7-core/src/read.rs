//! Reading: limits, character set, and the one pass that finds the segments.

use std::borrow::Cow;
use std::ops::Range;

use crate::charset::{Charset, CharsetError};
use crate::delimiters::Delimiters;
use crate::error::{ParseError, ParseErrorKind};
use crate::jis;
use crate::message::{Message, Origin, Span};
use crate::scan;

pub(crate) const BYTE_ORDER_MARK: &str = "\u{FEFF}";

/// How messages are read. The defaults are those of [`Message::parse`] and [`Message::from_bytes`].
///
/// ```
/// use hl7_core::{Charset, ReadOptions};
/// let options = ReadOptions::new().default_charset(Charset::Iso8859_1);
/// let msg = options.read(b"MSH|^~\\&|A\rPID|1||7||M\xFCller\r")?;
/// assert_eq!(msg.get(hl7_core::path!("PID-5")).unwrap().text(), "Müller");
/// assert_eq!(&*msg.to_bytes().unwrap(), b"MSH|^~\\&|A\rPID|1||7||M\xFCller\r");
/// # Ok::<(), hl7_core::ParseError>(())
/// ```
#[derive(Clone, Debug)]
pub struct ReadOptions {
    max_bytes: usize,
    max_segments: usize,
    default_charset: Charset,
    charset: Option<Charset>,
    undecodable: Undecodable,
}

/// What becomes of bytes that are not valid in the message's character set.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum Undecodable {
    /// The message is refused.
    #[default]
    Refuse,
    /// They read as U+FFFD. A segment that holds one can be written only while it is unedited.
    Replace,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self {
            max_bytes: Self::MAX_BYTES,
            max_segments: Self::MAX_SEGMENTS,
            default_charset: Charset::Utf8,
            charset: None,
            undecodable: Undecodable::Refuse,
        }
    }
}

impl<'a> Message<'a> {
    /// Parses text, borrowing it. Segments may end in CR, LF or CRLF, also mixed; a byte order mark and blank lines before MSH are
    /// passed over and kept.
    ///
    /// # Errors
    /// When the text is not one message: empty, no MSH first, unusable delimiters, a second MSH, or beyond the default limits
    /// of [`ReadOptions`].
    ///
    /// ```
    /// let msg = hl7_core::Message::parse("MSH|^~\\&|A\nPID|1\n")?;
    /// assert_eq!(msg.iter().count(), 2);
    /// # Ok::<(), hl7_core::ParseError>(())
    /// ```
    pub fn parse(text: &'a str) -> Result<Self, ParseError> {
        ReadOptions::new().parse(text)
    }

    /// Parses bytes, decoding them by MSH-18 (HL7 table 0211). Where MSH-18 is empty, UTF-8 is taken, of which ASCII is a part; for a
    /// sender that uses another set without saying so, see [`ReadOptions::default_charset`]. ASCII and UTF-8 are borrowed.
    ///
    /// # Errors
    /// As [`Message::parse`], and when the character set is not known or the bytes do not fit it.
    pub fn from_bytes(bytes: &'a [u8]) -> Result<Self, ParseError> {
        ReadOptions::new().read(bytes)
    }

    /// As [`Message::parse`], taking the text over without a copy.
    ///
    /// # Errors
    /// As [`Message::parse`]; the text is then dropped.
    ///
    /// ```
    /// let msg: hl7_core::Message<'static> = hl7_core::Message::parse_owned("MSH|^~\\&|A\r".to_owned())?;
    /// assert_eq!(msg.as_er7(), "MSH|^~\\&|A\r");
    /// # Ok::<(), hl7_core::ParseError>(())
    /// ```
    pub fn parse_owned(text: String) -> Result<Message<'static>, ParseError> {
        ReadOptions::new().parse_owned(text)
    }
}

impl ReadOptions {
    /// The default limit on length: 128 MiB. Documents embedded in OBX-5 reach tens of megabytes.
    pub const MAX_BYTES: usize = 128 * 1024 * 1024;
    /// The default limit on segments: one million, for which 8 MB are kept beside the text.
    pub const MAX_SEGMENTS: usize = 1_000_000;

    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Messages longer than `bytes`, as they came or as decoded text, are refused. 4 GiB is the most there can be.
    pub fn max_bytes(mut self, bytes: usize) -> Self {
        self.max_bytes = bytes.min(u32::MAX as usize);
        self
    }

    #[cfg(feature = "xml")]
    pub(crate) fn most_bytes(&self) -> usize {
        self.max_bytes
    }

    /// Messages with more segments are refused.
    pub fn max_segments(mut self, segments: usize) -> Self {
        self.max_segments = segments;
        self
    }

    /// The character set of messages whose MSH-18 is empty. UTF-8 unless stated.
    pub fn default_charset(mut self, charset: Charset) -> Self {
        self.default_charset = charset;
        self
    }

    /// The character set of all messages, whatever MSH-18 says: for a sender that states a wrong or unknown one.
    pub fn charset(mut self, charset: Charset) -> Self {
        self.charset = Some(charset);
        self
    }

    /// What becomes of bytes that are not valid. The message is refused unless stated.
    pub fn undecodable(mut self, policy: Undecodable) -> Self {
        self.undecodable = policy;
        self
    }

    /// Parses text; see [`Message::parse`].
    ///
    /// # Errors
    /// When the text is not one message or beyond a limit.
    pub fn parse<'a>(&self, text: &'a str) -> Result<Message<'a>, ParseError> {
        self.check_length(text.len())?;
        let (spans, delimiters) = self.segments(text)?;
        Ok(Message { text: Cow::Borrowed(text), spans, delimiters, read_in: None, origin: None })
    }

    /// Parses text, taking it over; see [`Message::parse_owned`].
    ///
    /// # Errors
    /// As [`ReadOptions::parse`].
    pub fn parse_owned(&self, text: String) -> Result<Message<'static>, ParseError> {
        self.check_length(text.len())?;
        let (spans, delimiters) = self.segments(&text)?;
        Ok(Message { text: Cow::Owned(text), spans, delimiters, read_in: None, origin: None })
    }

    /// Parses bytes, decoding them by MSH-18; see [`Message::from_bytes`].
    ///
    /// # Errors
    /// As [`ReadOptions::parse`], and when the character set is not known or the bytes do not fit it.
    pub fn read<'a>(&self, bytes: &'a [u8]) -> Result<Message<'a>, ParseError> {
        self.check_length(bytes.len())?;
        let charset = self.charset_of(bytes)?;
        if let Some(text) = borrowed(bytes, charset) {
            let mut message = self.parse(text)?;
            message.read_in = Some(charset);
            return Ok(message);
        }
        self.decode(bytes, charset)
    }

    fn check_length(&self, length: usize) -> Result<(), ParseError> {
        if length > self.max_bytes {
            return Err(ParseError::new(ParseErrorKind::TooLong, self.max_bytes));
        }
        Ok(())
    }

    /// The character set of the bytes: the one of all messages, by a byte order mark, by MSH-18, or the default.
    fn charset_of(&self, bytes: &[u8]) -> Result<Charset, ParseError> {
        let fault = |why, at| ParseError::new(ParseErrorKind::Charset(why), at);
        if matches!(bytes, [0xFE, 0xFF, ..] | [0xFF, 0xFE, ..] | [0, _, ..] | [_, 0, ..]) {
            return Err(fault(CharsetError::Wide, 0));
        }
        match self.charset {
            Some(charset) => return Ok(charset),
            None if bytes.starts_with(BYTE_ORDER_MARK.as_bytes()) => return Ok(Charset::Utf8),
            None => {}
        }
        let (start, header) = first_line(bytes);
        let stated = stated_charset(header);
        if hides_no_separator(header) {
            return stated
                .map(|set| set.unwrap_or(self.default_charset))
                .map_err(|(why, at)| fault(why, start + at));
        }
        self.agreeing_charset(header, stated).map_err(|(why, at)| fault(why, start + at))
    }

    /// The set that MSH-18 names when the header is read in that very set. A second byte of a character in the fields before it can be
    /// a field separator, so that looking at the bytes alone finds another field.
    fn agreeing_charset(&self, header: &[u8], stated: Stated) -> Result<Charset, (CharsetError, usize)> {
        let named_in = |set: Charset| set.decode(header).map(|text| stated_charset(text.as_bytes()));
        let by_bytes = stated.as_ref().ok().copied().flatten();
        let mut candidates = by_bytes.into_iter().chain(Charset::HIDE_DELIMITERS);
        if let Some(set) = candidates.find(|&set| named_in(set) == Some(Ok(Some(set)))) {
            return Ok(set);
        }
        match named_in(self.default_charset) {
            Some(Ok(None)) => return Ok(self.default_charset),
            Some(Err(why)) => return Err(why),
            _ => {}
        }
        let set = stated?.unwrap_or(self.default_charset);
        // Half a character before a separator makes one of the two: the fields would not be those that were sent.
        match stated_charset(set.decode_replacing(header).as_bytes()) {
            Ok(named) if named == by_bytes => Ok(set),
            _ => Err((CharsetError::Undecodable(set), set.first_fault(header).unwrap_or(0))),
        }
    }

    /// Decodes line by line: in every supported set a line end is a byte of its own, and each line starts in the initial state.
    fn decode<'a>(&self, bytes: &'a [u8], charset: Charset) -> Result<Message<'a>, ParseError> {
        let mut text = String::with_capacity(bytes.len() + bytes.len() / 2);
        // A byte order mark stands before the first line.
        let begin = if charset == Charset::Utf8 { mark_of(bytes) } else { 0 };
        let mut lines = Vec::new();
        let mut replaced = false;
        for (start, end) in lines_of(bytes) {
            let line = bytes.get(start..end).unwrap_or_default();
            match (charset.decode(line), self.undecodable) {
                (Some(decoded), _) => text.push_str(&decoded),
                (None, Undecodable::Replace) => {
                    text.push_str(&charset.decode_replacing(line));
                    replaced = true;
                }
                (None, Undecodable::Refuse) => {
                    let (why, at) = charset.refusal(line);
                    return Err(ParseError::new(ParseErrorKind::Charset(why), start + at));
                }
            }
            if end > start.max(begin) {
                lines.push(Some(Span { start: start.max(begin) as u32, end: end as u32 }));
            }
            if let Some(&line_end) = bytes.get(end) {
                text.push(char::from(line_end));
            }
            self.check_length(text.len())?;
            if lines.len() > self.max_segments {
                return Err(ParseError::new(ParseErrorKind::TooManySegments, start));
            }
        }
        let (spans, delimiters) = self.segments(&text)?;
        // A line that decodes to a byte order mark alone or to nothing would shift the two lists against each other.
        if spans.len() != lines.len() {
            return Err(ParseError::new(ParseErrorKind::Charset(CharsetError::Undecodable(charset)), 0));
        }
        let origin = Origin { bytes: Cow::Borrowed(bytes), spans: lines, whole: true, replaced };
        Ok(Message {
            text: Cow::Owned(text),
            spans,
            delimiters,
            read_in: Some(charset),
            origin: Some(Box::new(origin)),
        })
    }

    /// Finds the segments and reads the delimiters.
    fn segments(&self, text: &str) -> Result<(Vec<Span>, Delimiters), ParseError> {
        let bytes = text.as_bytes();
        let begin = mark_of(bytes);
        let blank = bytes.iter().skip(begin).position(|&byte| !is_line_end(byte));
        let Some(header) = blank.map(|blank| begin + blank) else {
            return Err(ParseError::new(ParseErrorKind::Empty, begin));
        };
        let rest = bytes.get(header..).unwrap_or_default();
        let end = header + memchr::memchr2(b'\r', b'\n', rest).unwrap_or(rest.len());
        // What does not start with a header is refused before anything else is looked at.
        let delimiters =
            delimiters_of(text.get(header..end).unwrap_or_default()).map_err(|error| error.behind(header))?;
        let mut spans = Vec::with_capacity(expected_segments(bytes.len()));
        let mut start = header;
        for end in memchr::memchr2_iter(b'\r', b'\n', bytes).chain([bytes.len()]) {
            if end > start {
                if spans.len() == self.max_segments {
                    return Err(ParseError::new(ParseErrorKind::TooManySegments, start));
                }
                if may_start_message(bytes, start) && start > header {
                    check_second(bytes, start..end, &delimiters)?;
                }
                spans.push(Span { start: start as u32, end: end as u32 });
            }
            // The line ends before the header are passed over.
            start = start.max(end + 1);
        }
        Ok((spans, delimiters))
    }
}

/// That a line behind the first does not start another message. Apart from the loop over all lines, few of which come here.
#[cold]
fn check_second(bytes: &[u8], line: Range<usize>, delimiters: &Delimiters) -> Result<(), ParseError> {
    match starts_message(bytes.get(line.clone()), delimiters) {
        true => Err(ParseError::new(ParseErrorKind::SecondHeader, line.start)),
        false => Ok(()),
    }
}

/// The delimiters of the first segment, which has to be MSH.
fn delimiters_of(header: &str) -> Result<Delimiters, ParseError> {
    let kind = match header.as_bytes() {
        [b'M', b'S', b'H', ..] => return Delimiters::of_header(header),
        [b'F' | b'B', b'H', b'S', ..] => ParseErrorKind::Batch,
        [0x0B, ..] => ParseErrorKind::Framed,
        [b'<', ..] => ParseErrorKind::Xml,
        _ => ParseErrorKind::NoHeader,
    };
    Err(ParseError::new(kind, 0))
}

/// How many segments to make room for, so that the list is allocated once for messages as they are, and grows for a very long one.
fn expected_segments(length: usize) -> usize {
    const USUAL: usize = 40;
    const MOST: usize = 16 * 1024;
    (length / USUAL + 4).min(MOST)
}

/// Whether the first byte of a line is one that a header can start with, marks and blanks before it included.
fn may_start_message(bytes: &[u8], start: usize) -> bool {
    matches!(bytes.get(start), Some(b'M' | 0xEF | 0x0B | 0x1C | b' ' | b'\t'))
}

/// Whether a line is a header, also behind a byte order mark, the bytes of an MLLP frame and blanks, which stand between messages that were
/// put into one file.
fn starts_message(line: Option<&[u8]>, at_hand: &Delimiters) -> bool {
    let mut rest = line.unwrap_or_default();
    loop {
        rest = match rest {
            [0xEF, 0xBB, 0xBF, rest @ ..] | [0x0B | 0x1C | b' ' | b'\t', rest @ ..] => rest,
            rest => return is_header(rest, at_hand.field_byte()),
        };
    }
}

/// Whether a line is MSH with MSH-1 and the whole of MSH-2; or MSH, the separator of the message at hand and something like MSH-2, which is
/// the header of the next message and broken. Anything else that starts like it is a broken line, and kept as one.
fn is_header(line: &[u8], separator_at_hand: u8) -> bool {
    let Some((separator, rest)) = line.strip_prefix(b"MSH").and_then(|rest| rest.split_first()) else {
        return false;
    };
    let encoding =
        rest.iter().take(6).take_while(|&byte| byte.is_ascii_punctuation() && byte != separator).count();
    let ends = rest.get(encoding).is_none_or(|next| next == separator);
    let whole = encoding <= 5 && ends;
    separator.is_ascii_punctuation() && encoding > 0 && (whole || *separator == separator_at_hand)
}

/// What MSH-18 says: a set, nothing, or what is wrong with it and where.
type Stated = Result<Option<Charset>, (CharsetError, usize)>;

fn stated_charset(header: &[u8]) -> Stated {
    let Some((field, at)) = field_18(header) else { return Ok(None) };
    let labels = String::from_utf8_lossy(field);
    let repetition = header.get(5).map_or('~', |&b| char::from(b));
    Charset::from_labels(labels.split(repetition)).map_err(|why| (why, at))
}

/// Whether every byte that looks like a separator is one: in ASCII, and without the escapes and shifts of ISO 2022. Bytes beyond ASCII can
/// be UTF-8 by chance.
fn hides_no_separator(header: &[u8]) -> bool {
    header.is_ascii() && !jis::switches(header)
}

/// MSH-18 of a header, found by MSH-1 alone, and its offset.
fn field_18(header: &[u8]) -> Option<(&[u8], usize)> {
    let separator = *header.get(3)?;
    let start = scan::behind_nth(header, separator, 17)?;
    let rest = header.get(start..)?;
    Some((rest.get(..scan::first(rest, separator).unwrap_or(rest.len()))?, start))
}

/// The first line that is not blank, and where it starts.
fn first_line(bytes: &[u8]) -> (usize, &[u8]) {
    let start = bytes.iter().position(|b| !is_line_end(*b)).unwrap_or(0);
    let rest = bytes.get(start..).unwrap_or_default();
    let end = memchr::memchr2(b'\r', b'\n', rest).unwrap_or(rest.len());
    (start, rest.get(..end).unwrap_or_default())
}

/// The bytes as text, when they are the same thing.
fn borrowed(bytes: &[u8], charset: Charset) -> Option<&str> {
    let same = match charset {
        Charset::Utf8 => true,
        _ => bytes.is_ascii() && charset.reads_ascii_as_is(bytes),
    };
    if same { std::str::from_utf8(bytes).ok() } else { None }
}

/// The lines as (start, end), the end being that of the bytes or the place of a line end; blank ones included.
fn lines_of(bytes: &[u8]) -> impl Iterator<Item = (usize, usize)> + '_ {
    let mut start = 0;
    memchr::memchr2_iter(b'\r', b'\n', bytes)
        .chain([bytes.len()])
        .map(move |end| (std::mem::replace(&mut start, end + 1), end))
}

/// The length of the byte order mark that the bytes start with.
fn mark_of(bytes: &[u8]) -> usize {
    if bytes.starts_with(BYTE_ORDER_MARK.as_bytes()) { BYTE_ORDER_MARK.len() } else { 0 }
}

fn is_line_end(byte: u8) -> bool {
    matches!(byte, b'\r' | b'\n')
}
