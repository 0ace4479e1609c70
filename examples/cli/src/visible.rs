//! Text made harmless: what a terminal would obey, or not show, becomes visible.

/// Control characters, those that turn the direction of writing, and those of no width. Combining marks and variation selectors are
/// left alone: they are part of names.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}' | '\u{180E}'
            | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{FEFF}'
            | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFB}' | '\u{1BCA0}'..='\u{1BCA3}' | '\u{1D173}'..='\u{1D17A}'
            | '\u{E0000}'..='\u{E007F}')
}

fn push(shown: &mut String, c: char) {
    match c {
        '\u{0}'..='\u{1F}' => shown.push(char::from_u32(0x2400 + c as u32).unwrap_or('\u{FFFD}')),
        '\u{7F}' => shown.push('\u{2421}'),
        c if is_hidden(c) => shown.push_str(&format!("<U+{:04X}>", c as u32)),
        c => shown.push(c),
    }
}

/// The text on one line.
pub(crate) fn one_line(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut shown, c| {
        push(&mut shown, c);
        shown
    })
}

/// The text with its lines: CR, LF and CRLF end one.
pub(crate) fn lines(text: &str) -> String {
    let lines = text.replace("\r\n", "\n").replace('\r', "\n");
    lines.split('\n').map(one_line).collect::<Vec<_>>().join("\n")
}

/// The text as it is, but for its line ends, so that it stays on one line.
pub(crate) fn without_line_ends(text: &str) -> String {
    text.replace('\r', "\u{240D}").replace('\n', "\u{240A}")
}

/// JSON text that reads as the same values, with escapes for what would not be seen.
pub(crate) fn json(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if is_hidden(c) {
            c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| shown.push_str(&format!("\\u{unit:04x}")));
        } else {
            shown.push(c);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_terminal_obeys_is_left() {
        let cases = [
            ("a\u{1B}[31mb", "a\u{241B}[31mb"),
            ("a\rb\nc\td", "a\u{240D}b\u{240A}c\u{2409}d"),
            ("\u{7F}\u{9B}2J", "\u{2421}<U+009B>2J"),
            ("\u{202E}evil\u{2066}", "<U+202E>evil<U+2066>"),
            ("Do\u{200B}e\u{FEFF}\u{E0041}", "Do<U+200B>e<U+FEFF><U+E0041>"),
            ("Zoë e\u{301} 葛\u{E0100} |^~\\&", "Zoë e\u{301} 葛\u{E0100} |^~\\&"),
        ];
        for (text, expected) in cases {
            assert_eq!(one_line(text), expected);
            assert!(!one_line(text).chars().any(is_hidden));
        }
    }

    #[test]
    fn lines_stay_lines() {
        assert_eq!(lines("MSH|a\r\nPID|\u{1B}c\rZ\n\n"), "MSH|a\nPID|\u{241B}c\nZ\n\n");
        assert_eq!(without_line_ends("a\r\nb\u{1B}"), "a\u{240D}\u{240A}b\u{1B}");
    }

    #[test]
    fn json_reads_as_the_same() {
        let value = serde_json::json!({ "text": "a\u{9B}\u{7F}\u{202E}\u{E0041}\u{1B}\n\u{2028}\"\\ é" });
        let shown = json(&value.to_string());
        assert!(!shown.chars().any(is_hidden), "{shown}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), value);
    }
}
