//! The shape of a name, and which texts of a message may be shown: those that have the shape of an identifier.

use hl7_core::Header;

/// Whether a byte can stand in a name: `A-Z a-z 0-9 _ . -`.
pub(crate) fn in_name(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-')
}

/// Whether the text is one to 64 of those.
pub(crate) fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(in_name)
}

/// The text, when it is one to forty of `A-Z a-z 0-9 _ . - ^`.
pub(crate) fn shown(text: &str) -> Option<&str> {
    let fits = |b: u8| in_name(b) || b == b'^';
    ((1..=40).contains(&text.len()) && text.bytes().all(fits)).then_some(text)
}

/// MSH-9 as `ADT^A08^ADT_A01`, when it has that shape.
pub(crate) fn message_type(header: Header<'_>) -> Option<String> {
    let parts = [header.message_type(), header.trigger_event(), header.structure()];
    let parts: Vec<&str> = parts.iter().flatten().map(|part| part.raw()).collect();
    shown(&parts.join("^")).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_identifiers_are_shown() {
        assert_eq!(shown("MSG-1.2_3^x"), Some("MSG-1.2_3^x"));
        for other in ["", "Doe, John", "a b", "é", "x|y", &"x".repeat(41)] {
            assert_eq!(shown(other), None);
        }
    }
}
