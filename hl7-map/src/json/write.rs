//! JSON as it is written.

/// Appends a string with its quotes.
pub(crate) fn push_string(out: &mut String, text: &str) {
    out.push('"');
    let mut plain = 0;
    for (at, byte) in text.bytes().enumerate() {
        let escape = match byte {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            b'\n' => "\\n",
            b'\r' => "\\r",
            b'\t' => "\\t",
            0..0x20 => "",
            _ => continue,
        };
        out.push_str(text.get(plain..at).unwrap_or_default());
        out.push_str(escape);
        if escape.is_empty() {
            out.push_str(&format!("\\u{byte:04x}"));
        }
        plain = at + 1;
    }
    out.push_str(text.get(plain..).unwrap_or_default());
    out.push('"');
}

/// Appends a number of HL7 (NM) as JSON has it: no `+`, no zeros in front, digits around the point. Every other digit stays.
pub(crate) fn push_number(out: &mut String, number: &str) {
    let unsigned = number.strip_prefix(['+', '-']).unwrap_or(number);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    if number.starts_with('-') {
        out.push('-');
    }
    let whole = whole.trim_start_matches('0');
    out.push_str(if whole.is_empty() { "0" } else { whole });
    if !fraction.is_empty() {
        out.push('.');
        out.push_str(fraction);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_keep_their_digits() {
        for (number, written) in [
            ("7.20", "7.20"),
            ("+7", "7"),
            ("007.10", "7.10"),
            ("-.5", "-0.5"),
            ("5.", "5"),
            ("000", "0"),
            ("-0", "-0"),
            ("12345678901234567890.123456789", "12345678901234567890.123456789"),
        ] {
            let mut out = String::new();
            push_number(&mut out, number);
            assert_eq!(out, written);
            assert!(crate::json::is_number(&out), "{out}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(text in "[\\PC\\x00-\\x1f\"\\\\]{0,20}") {
            let mut out = String::new();
            push_string(&mut out, &text);
            let limits = crate::json::JsonLimits { bytes: 1_000, values: 10 };
            let read = crate::json::read(out.as_bytes(), limits);
            prop_assert!(matches!(read, Ok(crate::json::Json::String(read)) if read == text));
        }
    }
}
