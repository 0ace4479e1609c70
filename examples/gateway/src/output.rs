//! Standard output. One that is closed is no reason to fail: nobody reads any more.

use std::fmt::Display;
use std::io::{self, Write};

/// Writes a line.
pub(crate) fn line(text: impl Display) {
    let _ = writeln!(io::stdout().lock(), "{text}");
}

/// Writes a line to standard error.
pub(crate) fn complaint(text: impl Display) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}
