//! Cutting an input into its messages, bare or in MLLP blocks. No byte is lost but blanks, line ends, byte order marks and the
//! characters of the frame between messages.

use bytes::BytesMut;
use hl7_mllp::{DecodeError, Decoder, DecoderOptions};

const START_BLOCK: u8 = 0x0B;
const END_BLOCK: u8 = 0x1C;
const BYTE_ORDER_MARK: &[u8] = "\u{FEFF}".as_bytes();

/// One message of an input, or what stands in its place.
pub(crate) struct Part<'i> {
    /// Where it starts in the input.
    pub(crate) offset: usize,
    pub(crate) bytes: &'i [u8],
    /// Whether a byte order mark before it says that it is UTF-8.
    pub(crate) utf8: bool,
}

/// The messages of an input, in order; one part at least.
///
/// # Errors
/// When the input starts with a block and the framing of it, or of one behind it, is broken.
pub(crate) fn messages(input: &[u8]) -> Result<Vec<Part<'_>>, DecodeError> {
    let (before, _) = input.split_at(passed_over(input));
    if before.contains(&START_BLOCK) { blocks(input) } else { Ok(bare(input, 0)) }
}

/// The contents of MLLP blocks, and the bare messages between them.
fn blocks(input: &[u8]) -> Result<Vec<Part<'_>>, DecodeError> {
    // What stands between blocks is judged here, and how long a message may be by its parser.
    let options = DecoderOptions::new().max_block_bytes(input.len()).max_garbage_bytes(input.len());
    let mut decoder = Decoder::new(options);
    let mut rest = BytesMut::from(input);
    let (mut parts, mut end) = (Vec::new(), 0);
    while let Some(block) = decoder.decode(&mut rest)? {
        let behind = input.len() - rest.len();
        let offset = behind - block.content().len() - 2;
        let between = slice(input, end, offset - 1);
        parts.extend(strays(between, end));
        parts.push(Part {
            offset,
            bytes: slice(input, offset, behind - 2),
            utf8: between.ends_with(BYTE_ORDER_MARK),
        });
        end = behind;
    }
    if !decoder.is_between_blocks() {
        decoder.finish(&mut rest)?;
    }
    parts.extend(strays(slice(input, end, input.len()), end));
    Ok(parts)
}

/// What stands outside blocks and is more than blanks: bare messages, or something for the parser to judge.
fn strays(between: &[u8], offset: usize) -> Vec<Part<'_>> {
    if passed_over(between) == between.len() { Vec::new() } else { bare(between, offset) }
}

/// Cuts at each line that starts a message. What else stands before the first one is a part, for the parser to judge.
fn bare(input: &[u8], offset: usize) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let (mut start, mut line_start, mut stood) = (0, 0, false);
    for line in input.split_inclusive(|b| is_line_end(*b)) {
        let ahead = passed_over(line);
        let text = slice(line, ahead, line.len());
        if stood && starts_message(text) {
            parts.push(part(slice(input, start, line_start), offset + start));
            start = line_start;
        }
        stood |= !text.is_empty();
        line_start += line.len();
    }
    parts.push(part(slice(input, start, input.len()), offset + start));
    parts
}

fn part(whole: &[u8], start: usize) -> Part<'_> {
    let (before, message) = whole.split_at(passed_over(whole));
    if !starts_message(message) {
        return Part { offset: start, bytes: whole, utf8: false };
    }
    Part { offset: start + before.len(), bytes: without_end(message), utf8: has_mark(before) }
}

/// A message without the lines behind it that are passed over, and without its end block.
fn without_end(mut message: &[u8]) -> &[u8] {
    loop {
        let end = message.iter().rposition(|b| !is_line_end(*b)).map_or(0, |at| at + 1);
        let text = slice(message, 0, end);
        let line_start = text.iter().rposition(|b| is_line_end(*b)).map_or(0, |at| at + 1);
        let line = slice(text, line_start, text.len());
        if line_start == 0 || passed_over(line) < line.len() {
            return text.strip_suffix(&[END_BLOCK]).unwrap_or(text);
        }
        message = slice(text, 0, line_start);
    }
}

/// How many bytes at the start are blanks, line ends, byte order marks or characters of the frame.
fn passed_over(bytes: &[u8]) -> usize {
    let mut rest = bytes;
    loop {
        rest = match rest {
            [b' ' | b'\t' | b'\r' | b'\n' | START_BLOCK | END_BLOCK, behind @ ..] => behind,
            _ => match rest.strip_prefix(BYTE_ORDER_MARK) {
                Some(behind) => behind,
                None => return bytes.len() - rest.len(),
            },
        };
    }
}

fn has_mark(bytes: &[u8]) -> bool {
    bytes.windows(BYTE_ORDER_MARK.len()).any(|window| window == BYTE_ORDER_MARK)
}

fn starts_message(line: &[u8]) -> bool {
    matches!(line, [b'M', b'S', b'H', separator, next, ..] if separator.is_ascii_punctuation() && next.is_ascii_punctuation())
}

fn is_line_end(byte: u8) -> bool {
    matches!(byte, b'\r' | b'\n')
}

fn slice(bytes: &[u8], start: usize, end: usize) -> &[u8] {
    bytes.get(start..end).unwrap_or_default()
}

/// The XML documents of a text, one after the other: each but the first begins with a declaration on a line of its own.
pub(crate) fn documents(text: &str) -> impl Iterator<Item = &str> {
    let starts = text.match_indices("\n<?xml ").map(|(at, _)| at + 1);
    let ends = starts.clone().chain([text.len()]);
    std::iter::once(0).chain(starts).zip(ends).filter_map(|(start, end)| text.get(start..end))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The parts as offset and text, with `+` before one that a byte order mark says is UTF-8.
    fn cut(input: &str) -> Vec<(usize, String)> {
        let parts = messages(input.as_bytes()).unwrap();
        let text = |part: &Part<'_>| {
            format!("{}{}", if part.utf8 { "+" } else { "" }, std::str::from_utf8(part.bytes).unwrap())
        };
        parts.iter().map(|part| (part.offset, text(part))).collect()
    }

    #[test]
    fn messages_are_cut_at_their_headers() {
        let table: &[(&str, &[(usize, &str)])] = &[
            ("", &[(0, "")]),
            ("\r\n \r\n", &[(0, "\r\n \r\n")]),
            ("MSH|^A\r\nPID|1\r\n\r\nMSH|^B\nMSHX\n", &[(0, "MSH|^A\r\nPID|1"), (17, "MSH|^B\nMSHX")]),
            ("\r\nMSH|^A\r", &[(2, "MSH|^A")]),
            // What stands before the first header is not lost.
            ("junk\rMSH|^A\r", &[(0, "junk\r"), (5, "MSH|^A")]),
            (" PID|1\rMSH|^A\r", &[(0, " PID|1\r"), (7, "MSH|^A")]),
            // Blanks that end a value stay.
            ("MSH|^A \r  \r\tMSH|^B", &[(0, "MSH|^A "), (12, "MSH|^B")]),
        ];
        for (input, expected) in table {
            let expected: Vec<_> = expected.iter().map(|(at, text)| (*at, (*text).to_owned())).collect();
            assert_eq!(cut(input), expected, "{input:?}");
        }
    }

    #[test]
    fn headers_behind_marks_frames_and_blanks_are_found() {
        for before in ["", "\u{FEFF}", "\u{B}", "\u{1C}", "\u{1C}\r", " ", "\t", "\r\n \u{1C}\r\n \u{B}"] {
            let offset = "MSH|^A\rPID|1\r".len() + before.len();
            let mark = if before == "\u{FEFF}" { "+" } else { "" };
            let expected = vec![(0, "MSH|^A\rPID|1".to_owned()), (offset, format!("{mark}MSH|^B\rPID|2"))];
            for end in ["", "\r", "\r\u{1C}\r\n", "\u{1C}\r"] {
                assert_eq!(
                    cut(&format!("MSH|^A\rPID|1\r{before}MSH|^B\rPID|2{end}")),
                    expected,
                    "{before:?} {end:?}"
                );
            }
        }
        assert_eq!(
            cut("\u{FEFF}MSH|^A\r\n\u{FEFF}MSH|^B\r\n"),
            [(3, "+MSH|^A".to_owned()), (14, "+MSH|^B".to_owned())]
        );
    }

    #[test]
    fn blocks_know_their_place_and_nothing_between_them_is_lost() {
        let one = |text: &str| text.to_owned();
        assert_eq!(
            cut("\u{B}MSH|^A\r\u{1C}\r\u{B}MSH|^B\r\u{1C}\r\n"),
            [(1, one("MSH|^A\r")), (11, one("MSH|^B\r"))]
        );
        assert_eq!(
            cut("\u{FEFF}\u{B}MSH|^A\u{1C}\r\nMSH|^B\r\u{B}MSH|^C\u{1C}\rjunk"),
            [(4, one("+MSH|^A")), (13, one("MSH|^B")), (21, one("MSH|^C")), (29, one("junk"))]
        );
        for broken in ["\u{B}MSH|^A\r", "\u{B}MSH|^A\r\u{B}MSH|^B\r\u{1C}\r", "\u{B}MSH|^A\u{1C}B\u{1C}\r"] {
            assert!(messages(broken.as_bytes()).is_err(), "{broken:?}");
        }
    }

    #[test]
    fn the_work_grows_with_the_length_of_the_input() {
        let blank_lines = "\r\n".repeat(300_000);
        let began = std::time::Instant::now();
        // A look back over the blank lines at each header would be 180 thousand million looks.
        let input = format!("{blank_lines}{}{blank_lines}", "MSH|^A\r".repeat(300_000));
        assert_eq!(cut(&input).len(), 300_000);
        assert!(began.elapsed().as_secs() < 20, "{:?}", began.elapsed());
    }
}
