//! Names of a file as they may be shown: on one line, and obeyed by no terminal.

use std::borrow::Cow;

/// `text` with a mark in place of each character that a terminal obeys or that reorders what is shown.
pub fn harmless(text: &str) -> Cow<'_, str> {
    if !text.contains(obeyed) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(|c| if obeyed(c) { char::REPLACEMENT_CHARACTER } else { c }).collect())
}

/// Control characters, line and paragraph separators, and the marks of writing direction.
pub fn obeyed(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61C}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::harmless;

    #[test]
    fn what_a_terminal_obeys_is_marked() {
        for (text, shown) in [
            ("sex", "sex"),
            ("Müller é", "Müller é"),
            ("\u{1b}[31m\r\n\t", "\u{fffd}[31m\u{fffd}\u{fffd}\u{fffd}"),
            ("\u{9b}2J\u{202e}x\u{2066}\u{2028}", "\u{fffd}2J\u{fffd}x\u{fffd}\u{fffd}"),
        ] {
            assert_eq!(harmless(text), shown);
        }
    }
}
