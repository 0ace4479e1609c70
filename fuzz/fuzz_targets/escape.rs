//! What is escaped reads back as it was, holds no delimiter, and any text is unescaped without a panic.
#![no_main]

use hl7_core::{Delimiters, escape, unescape};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let delimiters = Delimiters::default();
    let escaped = escape(text, &delimiters).into_owned();
    assert!(!escaped.contains(['|', '^', '~', '&', '\r', '\n', '\u{b}', '\u{1c}']));
    assert_eq!(unescape(&escaped, &delimiters), text);
    let _ = unescape(text, &delimiters);
});
