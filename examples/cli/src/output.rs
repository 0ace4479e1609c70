//! Writing to standard output.

use std::io::{self, Write};

use crate::failure::Failure;

/// Writes bytes to standard output, whole.
///
/// # Errors
/// When standard output is closed.
pub(crate) fn write(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)
        .and_then(|()| out.flush())
        .map_err(|why| Failure::outside(format!("error: standard output: {why}")))
}

/// A message in wire form as lines that a terminal shows.
pub(crate) fn as_lines(wire: &[u8]) -> Vec<u8> {
    wire.iter().map(|&byte| if byte == b'\r' { b'\n' } else { byte }).collect()
}

/// Text that a terminal shows on one line and does not obey: control characters become visible.
pub(crate) fn one_line(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\u{0}'..='\u{1F}' => char::from_u32(0x2400 + c as u32).unwrap_or('\u{FFFD}'),
            '\u{7F}'..='\u{9F}' => '\u{2421}',
            c => c,
        })
        .collect()
}
