//! Reading messages and payloads from files or standard input.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use bytes::BytesMut;
use hl7_core::Message;
use hl7_mllp::{Decoder, DecoderOptions};

use crate::failure::Failure;

/// More than any one message should be; a larger file is not what this tool is for.
const MAX_INPUT: u64 = 256 * 1024 * 1024;

/// The name a user knows an input by.
pub(crate) fn name(file: Option<&Path>) -> String {
    match stated(file) {
        Some(file) => file.display().to_string(),
        None => "standard input".to_owned(),
    }
}

fn stated(file: Option<&Path>) -> Option<&Path> {
    file.filter(|file| *file != Path::new("-"))
}

/// All bytes of `file`, or of standard input.
///
/// # Errors
/// When it cannot be read or is longer than 256 MiB.
pub(crate) fn bytes(file: Option<&Path>) -> Result<Vec<u8>, Failure> {
    let failed = |why: io::Error| Failure::outside(format!("error: {} cannot be read: {why}", name(file)));
    let mut bytes = Vec::new();
    let read = match stated(file) {
        Some(path) => File::open(path).map_err(failed)?.take(MAX_INPUT + 1).read_to_end(&mut bytes),
        None => io::stdin().lock().take(MAX_INPUT + 1).read_to_end(&mut bytes),
    };
    read.map_err(failed)?;
    if bytes.len() as u64 > MAX_INPUT {
        return Err(Failure::outside(format!("error: {} is longer than {MAX_INPUT} bytes", name(file))));
    }
    Ok(bytes)
}

/// All text of a file.
///
/// # Errors
/// As [`bytes()`], and when it is not UTF-8.
pub(crate) fn text(file: &Path) -> Result<String, Failure> {
    String::from_utf8(bytes(Some(file))?)
        .map_err(|_| Failure::mistake(format!("error: {} is not UTF-8 text", name(Some(file)))))
}

/// Calls `each` with every message of the input, in order.
///
/// # Errors
/// When there is no message, at the first part that is none, and at the first failure of `each`.
pub(crate) fn each_message(
    file: Option<&Path>,
    mut each: impl FnMut(&Message<'_>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let bytes = bytes(file)?;
    let parts = if bytes.starts_with(b"\x0B") { blocks(&bytes, &name(file))? } else { split(&bytes) };
    for (offset, part) in parts {
        let message = Message::from_bytes(&part).map_err(|why| {
            Failure::mistake(format!(
                "error: {}, the message that starts at byte {offset}: {why}",
                name(file)
            ))
        })?;
        each(&message)?;
    }
    Ok(())
}

/// The contents of MLLP blocks.
fn blocks(bytes: &[u8], name: &str) -> Result<Vec<(usize, Vec<u8>)>, Failure> {
    let failed = |why: hl7_mllp::DecodeError| Failure::mistake(format!("error: {name}: {why}"));
    let mut decoder = Decoder::new(DecoderOptions::default());
    let mut rest = BytesMut::from(bytes);
    let mut blocks = Vec::new();
    while let Some(block) = decoder.decode(&mut rest).map_err(failed)? {
        blocks.push((1, block.content().to_vec()));
    }
    decoder.finish(&mut rest).map_err(failed)?;
    Ok(blocks)
}

/// Cuts at each line that starts a message. What stands before the first one stays with it, for the parser to judge.
fn split(bytes: &[u8]) -> Vec<(usize, Vec<u8>)> {
    let mut starts = vec![0];
    let mut line_start = 0;
    for line in bytes.split_inclusive(|b| matches!(b, b'\r' | b'\n')) {
        let earlier = bytes.get(..line_start).unwrap_or_default();
        if starts_message(line) && earlier.iter().any(|b| !b.is_ascii_whitespace()) {
            starts.push(line_start);
        }
        line_start += line.len();
    }
    let ends = starts.iter().skip(1).copied().chain([bytes.len()]).collect::<Vec<_>>();
    starts
        .into_iter()
        .zip(ends)
        .map(|(start, end)| (start, bytes.get(start..end).unwrap_or_default().to_vec()))
        .collect()
}

fn starts_message(line: &[u8]) -> bool {
    matches!(line, [b'M', b'S', b'H', separator, next, ..] if separator.is_ascii_punctuation() && next.is_ascii_punctuation())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_cut_at_their_headers() {
        let file = b"MSH|^~\\&|A\r\nPID|1\r\n\r\nMSH|^~\\&|B\nMSHX\n";
        let parts: Vec<_> = split(file);
        assert_eq!(parts.len(), 2);
        assert_eq!(parts[0], (0, b"MSH|^~\\&|A\r\nPID|1\r\n\r\n".to_vec()));
        assert_eq!(parts[1], (21, b"MSH|^~\\&|B\nMSHX\n".to_vec()));
    }

    #[test]
    fn what_stands_before_the_first_header_is_not_lost() {
        assert_eq!(split(b"\r\nMSH|^~\\&|A\r").len(), 1);
        assert_eq!(split(b"junk\rMSH|^~\\&|A\r").len(), 2);
        assert_eq!(split(b""), vec![(0, Vec::new())]);
    }
}
