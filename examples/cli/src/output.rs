//! Writing to standard output and standard error. A closed one is no panic.

use std::io::{self, IsTerminal, Write};

use crate::failure::Failure;
use crate::visible;

/// Writes bytes to standard output as they are.
///
/// # Errors
/// When they cannot all be written.
pub(crate) fn write(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(bytes).and_then(|()| out.flush()).map_err(|why| match why.kind() {
        io::ErrorKind::BrokenPipe => Failure::closed(),
        _ => Failure::outside(format!("error: standard output: {why}")),
    })
}

/// Writes lines of text to standard output: as they are, or harmless when it is a terminal.
///
/// # Errors
/// As [`write()`].
pub(crate) fn write_lines(text: &str) -> Result<(), Failure> {
    if is_terminal() { write(visible::lines(text).as_bytes()) } else { write(text.as_bytes()) }
}

/// Writes a message to standard output, a segment a line, and `end` behind it: in its own bytes, or, when standard output is a
/// terminal, as harmless text.
///
/// # Errors
/// As [`write()`].
pub(crate) fn write_message(er7: &str, bytes: &[u8], end: &str) -> Result<(), Failure> {
    if is_terminal() {
        return write(format!("{}{end}", visible::lines(er7)).as_bytes());
    }
    write(&[&as_lines(bytes), end.as_bytes()].concat())
}

pub(crate) fn is_terminal() -> bool {
    io::stdout().is_terminal()
}

/// Writes to standard error. When that cannot be written to, there is nobody to tell.
pub(crate) fn tell(text: &str) {
    let mut err = io::stderr().lock();
    let shown = if err.is_terminal() { visible::lines(text) } else { text.to_owned() };
    let _ = err.write_all(shown.as_bytes());
}

/// A message in wire form as lines: CR and CRLF become LF.
pub(crate) fn as_lines(wire: &[u8]) -> Vec<u8> {
    let mut lines = Vec::with_capacity(wire.len());
    let mut last = 0;
    for &byte in wire {
        match (last, byte) {
            (b'\r', b'\n') => {}
            (_, b'\r') => lines.push(b'\n'),
            (_, byte) => lines.push(byte),
        }
        last = byte;
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_end_becomes_a_line_feed() {
        assert_eq!(as_lines(b"a\rb\r\nc\n\r\rd\xFC"), b"a\nb\nc\n\n\nd\xFC");
    }
}
