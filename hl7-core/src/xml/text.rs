//! The characters of XML, and what text in it means.

/// Whether XML 1.0 can hold the character (section 2.2).
pub(super) fn is_allowed(character: char) -> bool {
    !matches!(character, '\0'..='\u{8}' | '\u{A}'..='\u{1F}' | '\u{FFFE}' | '\u{FFFF}')
}

/// Space of XML (section 2.3).
pub(super) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

pub(super) fn without_layout(text: &str) -> &str {
    let is_space = |character: char| character.is_ascii() && is_space(character as u8);
    let breaks = |space: &str| space.contains('\n');
    let begun = text.trim_start_matches(is_space);
    let text = if text.strip_suffix(begun).is_some_and(breaks) { begun } else { text };
    let ended = text.trim_end_matches(is_space);
    if text.strip_prefix(ended).is_some_and(breaks) { ended } else { text }
}

/// The character that hexadecimal data stand for, when a line can hold it and XML cannot: U+001C of `X1C`.
pub(super) fn forbidden_of(body: &str) -> Option<char> {
    let digits = body.strip_prefix('X').filter(|digits| digits.len() <= 6)?;
    let digits: Vec<u32> = digits.chars().map(|digit| digit.to_digit(16)).collect::<Option<_>>()?;
    let bytes = digits.chunks(2).map(|pair| match pair {
        [high, low] => u8::try_from(high * 16 + low).ok(),
        _ => None,
    });
    let text = String::from_utf8(bytes.collect::<Option<_>>()?).ok()?;
    let mut characters = text.chars();
    let character = characters.next().filter(|c| !is_allowed(*c) && !matches!(c, '\r' | '\n'))?;
    characters.next().is_none().then_some(character)
}
