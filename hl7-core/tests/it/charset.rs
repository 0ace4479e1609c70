//! Character sets: what MSH-18 names, bytes to text and back, and what cannot be read or written.

use hl7_core::{
    Charset, CharsetError, EncodeErrorKind, Message, ParseErrorKind, ReadOptions, Undecodable, path,
};
use proptest::prelude::*;

/// A message in the set of `label`, with `name` in PID-5.1 and `x` behind it.
fn message(label: &str, name: &[u8]) -> Vec<u8> {
    let mut bytes = format!("MSH|^~\\&|LAB|||||||||||||||{label}\rPID|1||7||").into_bytes();
    bytes.extend_from_slice(name);
    bytes.extend_from_slice(b"^x\r");
    bytes
}

/// PID-5.1 of such a message; that its neighbour is found shows that no byte of the name was taken for a delimiter.
fn name_of(bytes: &[u8]) -> Option<String> {
    let msg = Message::from_bytes(bytes).ok()?;
    assert_eq!(msg.get(path!("PID-5.2")).unwrap().text(), "x");
    Some(msg.get(path!("PID-5.1")).unwrap().text().into_owned())
}

/// The name written into a message of that set.
fn written(label: &str, name: &str) -> Result<Vec<u8>, EncodeErrorKind> {
    let bytes = message(label, b"");
    let mut msg = Message::from_bytes(&bytes).unwrap();
    msg.set(path!("PID-5.1"), name).unwrap();
    msg.to_bytes().map(std::borrow::Cow::into_owned).map_err(|error| error.kind().clone())
}

#[test]
fn every_set_is_read_and_written() {
    let cases: &[(&str, Charset, &[u8], &str)] = &[
        ("", Charset::Utf8, "Ł Ж 山".as_bytes(), "Ł Ж 山"),
        ("UNICODE UTF-8", Charset::Utf8, "Ł Ж 山".as_bytes(), "Ł Ж 山"),
        ("UNICODE", Charset::Utf8, "é".as_bytes(), "é"),
        ("ASCII", Charset::Ascii, b"Smith", "Smith"),
        ("ISO IR6", Charset::Ascii, b"Smith", "Smith"),
        ("8859/1", Charset::Iso8859_1, b"\xC5ngstr\xF6m \xFF", "Ångström ÿ"),
        ("8859/2", Charset::Iso8859_2, b"\xA3\xF3d\xBC \xC7\xFD\xFE", "Łódź Çýţ"),
        ("8859/3", Charset::Iso8859_3, b"\xA1o\xF5ra \xE6", "Ħoġra ĉ"),
        ("8859/4", Charset::Iso8859_4, b"\xD3\xBAni\xF1\xB9 \xD9", "Ķēniņš Ų"),
        ("8859/5", Charset::Iso8859_5, b"\xB6\xE3\xDA\xDE\xD2 \xF0", "Жуков №"),
        ("8859/6", Charset::Iso8859_6, b"\xD3\xE4\xEA\xE5", "سليم"),
        ("8859/7", Charset::Iso8859_7, b"\xCE\xDD\xED\xE7 \xBF", "Ξένη Ώ"),
        ("8859/8", Charset::Iso8859_8, b"\xF9\xF8\xE4", "שרה"),
        ("8859/9", Charset::Iso8859_9, b"G\xFCl\xFEah \xFD\xF0\xDD", "Gülşah ığİ"),
        ("8859/15", Charset::Iso8859_15, b"\xBCuvre \xA4 \xB4", "Œuvre € Ž"),
        // Second bytes that are | and \ in ASCII.
        ("SHIFT_JIS", Charset::ShiftJis, b"\x83|\x95\\\x94\\\x83\\ \xB1\xDD", "ポ表能ソ ｱﾝ"),
        ("GB 18030-2000", Charset::Gb18030, b"\xC1\xF5 \xFE\x9F\x954\xB25", "刘 䶮𠮷"),
        ("GB 18030-2000", Charset::Gb18030, b"\x84\x7C\x81\x5E", "剕乛"),
        ("BIG-5", Charset::Big5, b"\xB3\\\xA5\\\xBB\\", "許功蓋"),
        ("KS X 1001", Charset::KsX1001, b"\xB1\xE8\xC7\xD1\xB1\xDB", "김한글"),
        ("ISO IR14", Charset::JisX0201, b"\xD4\xCF\xC0\xDE", "ﾔﾏﾀﾞ"),
        ("ISO IR87", Charset::Iso2022Jp, b"\x1B$B;3ED\x1B(B \x1B$BB@O:\x1B(B", "山田 太郎"),
        ("~ISO IR87", Charset::Iso2022Jp, b"\x1B$B;3ED\x1B(B", "山田"),
        ("~ISOIR87", Charset::Iso2022Jp, b"\x1B$B;3ED\x1B(B", "山田"),
        ("ASCII~ISO IR87", Charset::Iso2022Jp, b"\x1B$B;3ED\x1B(B", "山田"),
        ("ISO IR6~ISO IR14~ISO IR87", Charset::Iso2022Jp, b"\x1B(I1\x1B$B;3\x1B(B", "ｱ山"),
        ("~ISO IR87~ISO IR159", Charset::Iso2022Jp, b"\x1B$B;3\x1B(J\\\x1B(B", "山¥"),
        // Kanji of which both bytes are delimiters in ASCII.
        ("~ISO IR87", Charset::Iso2022Jp, b"\x1B$B^|\x1B(B~\x1B$B&&\x1B(B", "滯~Ζ"),
    ];
    for &(label, charset, bytes, text) in cases {
        let whole = message(label, bytes);
        let msg = Message::from_bytes(&whole).unwrap_or_else(|error| panic!("{label}: {error}"));
        assert_eq!(msg.charset(), Ok(charset), "{label}");
        let raw = msg.get(path!("PID-5")).unwrap().raw();
        assert_eq!(raw, format!("{text}^x"), "{label}");
        assert_eq!(&*msg.to_bytes().unwrap(), whole, "{label}");
        if !text.contains('~') {
            assert_eq!(name_of(&whole).as_deref(), Some(text), "{label}");
            assert_eq!(written(label, text).as_deref(), Ok(whole.as_slice()), "{label}");
        }
    }
}

#[test]
fn labels_as_senders_spell_them() {
    let cases = [
        ("ISO-8859-1", Charset::Iso8859_1),
        ("iso_8859-15", Charset::Iso8859_15),
        ("8859-2", Charset::Iso8859_2),
        ("utf8", Charset::Utf8),
        ("GB18030", Charset::Gb18030),
        ("Big5", Charset::Big5),
        ("KSX1001", Charset::KsX1001),
        ("Shift-JIS", Charset::ShiftJis),
        ("ISO-2022-JP", Charset::Iso2022Jp),
        ("JIS X 0202", Charset::Iso2022Jp),
    ];
    for (label, charset) in cases {
        assert_eq!(Charset::from_label(label), Ok(charset), "{label}");
        assert_eq!(Charset::from_label(charset.label()), Ok(charset), "{label}");
    }
}

#[test]
fn what_is_not_supported_is_refused_by_name() {
    let cases = [
        ("ISO IR159", "JIS X 0212, alone", CharsetError::Unsupported("ISO IR159")),
        ("~ISO IR159", "the same, as an alternate", CharsetError::Unsupported("ISO IR159")),
        ("CNS 11643-1992", "", CharsetError::Unsupported("CNS 11643-1992")),
        ("UNICODE UTF-16", "", CharsetError::Wide),
        ("UNICODE UTF-32", "", CharsetError::Wide),
        ("KLINGON", "", CharsetError::Unknown),
    ];
    for (label, what, error) in cases {
        let bytes = message(label, b"Smith");
        let refused = Message::from_bytes(&bytes).unwrap_err();
        assert_eq!(refused.kind(), &ParseErrorKind::Charset(error), "{label} {what}");
        assert_eq!(refused.offset(), bytes.windows(5).position(|w| w == b"|LAB|").unwrap() + 19, "{label}");
    }
    let wide: Vec<u8> = "MSH|^~\\&|A\r".encode_utf16().flat_map(u16::to_be_bytes).collect();
    let wider: Vec<u8> = "MSH|^~\\&|A\r".chars().flat_map(|c| u32::from(c).to_le_bytes()).collect();
    let marked = [b"\xFF\xFE".as_slice(), &wide].concat();
    let marked_wide = [b"\0\0\xFE\xFF".as_slice(), &wider].concat();
    for bytes in [wide, wider, marked, marked_wide] {
        assert_eq!(
            Message::from_bytes(&bytes).unwrap_err().kind(),
            &ParseErrorKind::Charset(CharsetError::Wide)
        );
    }
}

#[test]
fn kanji_of_a_set_that_is_not_read_are_refused_or_replaced() {
    let bytes = message("~ISO IR87~ISO IR159", b"\x1B$(D|^|^\x1B(B\x1B$B;3\x1B(B");
    let refused = Message::from_bytes(&bytes).unwrap_err();
    assert_eq!(refused.kind(), &ParseErrorKind::Charset(CharsetError::Unsupported("ISO IR159")));
    let msg = ReadOptions::new().undecodable(Undecodable::Replace).read(&bytes).unwrap();
    let name = msg.get(path!("PID-5.1")).unwrap().text().into_owned();
    assert_eq!(name.trim_start_matches('\u{FFFD}'), "山");
    assert_eq!(msg.get(path!("PID-5.2")).unwrap().text(), "x");
}

#[test]
fn bytes_that_a_set_does_not_have_are_refused_or_replaced() {
    let cases: &[(&str, &[u8])] = &[
        ("", b"\x96"),
        ("UNICODE UTF-8", b"\xC3"),
        ("UNICODE UTF-8", b"\xED\xA0\x80"),
        ("ASCII", b"\xE9"),
        ("8859/3", b"\xA5"),
        ("8859/6", b"\xA1"),
        ("8859/7", b"\xD2"),
        ("8859/8", b"\xBF"),
        ("SHIFT_JIS", b"\x85\x40"),
        ("GB 18030-2000", b"\xFF"),
        ("BIG-5", b"\xFF"),
        ("KS X 1001", b"\xFF"),
        ("ISO IR14", b"\xE0"),
        ("ISO IR87", b"\x1B$B)!\x1B(B"),
        ("ISO IR87", b"\x1B$B;\x1B(B"),
        ("ISO IR87", b"\x1Bx"),
    ];
    for &(label, name) in cases {
        let bytes = message(label, name);
        let refused = Message::from_bytes(&bytes).unwrap_err();
        assert_eq!(refused.code(), "C014", "{label}");
        let place = if name.starts_with(b"\x1B$B") { 3 } else { 0 };
        assert_eq!(bytes[refused.offset() - place..][..name.len()], *name, "{label}");
        assert!(matches!(refused.kind(), ParseErrorKind::Charset(CharsetError::Undecodable(_))), "{label}");
        let mut msg = ReadOptions::new().undecodable(Undecodable::Replace).read(&bytes).unwrap();
        assert!(msg.get(path!("PID-5.1")).unwrap().text().starts_with('\u{FFFD}'), "{label}");
        assert_eq!(&*msg.to_bytes().unwrap(), bytes, "{label}");
        msg.set(path!("PID-8"), "F").unwrap();
        assert_eq!(msg.to_bytes().unwrap_err().kind(), &EncodeErrorKind::Replaced, "{label}");
    }
}

#[test]
fn every_byte_of_the_single_byte_sets_comes_back() {
    use Charset as C;
    let complete = [C::Iso8859_1, C::Iso8859_2, C::Iso8859_4, C::Iso8859_5, C::Iso8859_9, C::Iso8859_15];
    let with_gaps = [(C::Iso8859_3, 7), (C::Iso8859_6, 45), (C::Iso8859_7, 3), (C::Iso8859_8, 36)];
    let sets = complete.into_iter().map(|set| (set, 0)).chain(with_gaps);
    for (set, gaps) in sets {
        let mut unassigned = 0;
        for byte in (0x80..=0xFF_u8).chain(b'a'..=b'z') {
            let bytes = message(set.label(), &[byte]);
            match name_of(&bytes) {
                Some(text) => assert_eq!(written(set.label(), &text), Ok(bytes), "{set} {byte:02X}"),
                None => unassigned += 1,
            }
        }
        assert_eq!(unassigned, gaps, "{set}");
        // The control characters of ISO 6429, where browsers see other letters.
        assert_eq!(
            name_of(&message(set.label(), b"\x80\x96\x9F")).as_deref(),
            Some("\u{80}\u{96}\u{9F}"),
            "{set}"
        );
    }
}

#[test]
fn characters_a_set_does_not_have_are_not_written() {
    let cases = [
        ("ASCII", "é"),
        ("8859/1", "€"),
        ("8859/1", "Š"),
        ("8859/9", "ð"),
        ("8859/15", "¤"),
        ("8859/5", "é"),
        // Not as a backslash and a tilde, which would be delimiters.
        ("SHIFT_JIS", "1,000¥"),
        ("SHIFT_JIS", "‾"),
        // Not as another character of the same look or width.
        ("SHIFT_JIS", "−"),
        ("ISO IR87", "−"),
        ("ISO IR87", "é"),
        ("ISO IR14", "山"),
        ("ISO IR14", "¥"),
        ("BIG-5", "한"),
        // In windows-949, not in KS X 1001.
        ("KS X 1001", "똠"),
        ("KS X 1001", "é"),
    ];
    for (label, name) in cases {
        assert!(matches!(written(label, name), Err(EncodeErrorKind::NotInCharset(_))), "{label} {name}");
    }
}

#[test]
fn extensions_in_use_are_read() {
    assert_eq!(name_of(&message("KS X 1001", b"\x8C\x63")).as_deref(), Some("똠"));
    assert_eq!(name_of(&message("SHIFT_JIS", b"\x87\x40\xFB\xFC")).as_deref(), Some("①髙"));
    // Escape behind escape, katakana as one byte each or shifted, and a sender that ends a line in kanji.
    assert_eq!(name_of(&message("~ISO IR87", b"\x1B$B\x1B(B\xD4\xCF")).as_deref(), Some("ﾔﾏ"));
    let shifted = message("ISO IR14", b"A\x1B)I\x0E123\x0FB");
    assert_eq!(name_of(&shifted).as_deref(), Some("AｱｲｳB"));
    let bytes = b"MSH|^~\\&|A|||||||||||||||~ISO IR87\rNTE|1||\x1B$B;3\rPID|1||7||x\r";
    let msg = Message::from_bytes(bytes).unwrap();
    assert_eq!(msg.get(path!("NTE-3")).unwrap().text(), "山");
    assert_eq!(msg.get(path!("PID-5")).unwrap().text(), "x");
}

#[test]
fn msh_18_is_found_behind_characters_that_hold_a_separator() {
    let header = |application: &[u8], country: &str, label: &str| {
        [b"MSH|^~\\&|", application, "|".repeat(14).as_bytes(), country.as_bytes(), b"|", label.as_bytes()]
            .concat()
    };
    let cases: &[(&[u8], &str, &str, Charset)] = &[
        (b"\x83|", "JPN", "SHIFT_JIS", Charset::ShiftJis),
        (b"\x83|\x83|\x83|", "", "SHIFT_JIS", Charset::ShiftJis),
        (b"\x84|", "CHN", "GB 18030-2000", Charset::Gb18030),
        (b"\x1B$B^|^|\x1B(B", "JPN", "~ISO IR87", Charset::Iso2022Jp),
        (b"\xC5", "SWE", "8859/1", Charset::Iso8859_1),
    ];
    for &(application, country, label, charset) in cases {
        let bytes = header(application, country, label);
        let msg = Message::from_bytes(&bytes).unwrap_or_else(|error| panic!("{label}: {error}"));
        assert_eq!(msg.charset(), Ok(charset));
        assert_eq!(msg.get(path!("MSH-17")).unwrap().raw(), country);
        assert_eq!(msg.get(path!("MSH-18")).unwrap().raw(), label);
    }
    for country in ["", "JPN"] {
        let bytes = header(b"\x83|\x83|", country, "");
        let msg = ReadOptions::new().default_charset(Charset::ShiftJis).read(&bytes).unwrap();
        assert_eq!(msg.get(path!("MSH-3")).unwrap().text(), "ポポ");
    }
}

#[test]
fn a_sender_s_set_can_be_the_default_or_stand_above_msh_18() {
    let unstated = message("", b"M\xFCller");
    let latin = ReadOptions::new().default_charset(Charset::Iso8859_1);
    assert_eq!(latin.read(&unstated).unwrap().get(path!("PID-5.1")).unwrap().text(), "Müller");
    let stated = message("8859/2", b"\xA3");
    assert_eq!(latin.read(&stated).unwrap().get(path!("PID-5.1")).unwrap().text(), "Ł");

    for label in ["ASCII", "WINDOWS LATIN", "UNICODE UTF-16"] {
        let wrong = message(label, b"M\xFCller");
        let msg = ReadOptions::new().charset(Charset::Iso8859_1).read(&wrong).unwrap();
        assert_eq!(msg.get(path!("PID-5.1")).unwrap().text(), "Müller", "{label}");
        let mut msg = msg;
        msg.set(path!("PID-5.1"), "Möller").unwrap();
        assert_eq!(&*msg.to_bytes().unwrap(), message(label, b"M\xF6ller"), "{label}");
    }
}

#[test]
fn a_byte_order_mark_says_utf_8_whatever_msh_18_says() {
    for label in ["", "8859/1", "UNICODE UTF-8"] {
        let bytes = [b"\xEF\xBB\xBF".as_slice(), &message(label, "é".as_bytes())].concat();
        assert_eq!(name_of(&bytes).as_deref(), Some("é"), "{label}");
        assert_eq!(&*Message::from_bytes(&bytes).unwrap().to_bytes().unwrap(), bytes);
    }
}

#[test]
fn a_new_msh_18_writes_the_whole_message_in_the_new_set() {
    let sets = ["8859/1", "8859/9", "8859/15", "UNICODE UTF-8", "GB 18030-2000"];
    for (from, to) in sets.iter().flat_map(|from| sets.iter().map(move |to| (from, to))) {
        let first = written(from, "Müller é").unwrap_or_default();
        let Ok(mut msg) = Message::from_bytes(&first) else { panic!("{from}: not written") };
        msg.set(path!("MSH-18"), to).unwrap();
        assert_eq!(msg.to_wire(), Ok(written(to, "Müller é").unwrap()), "{from} to {to}");
    }
}

#[test]
fn a_message_cut_at_any_byte_is_read_or_refused() {
    let samples: &[(&str, &[u8])] = &[
        ("UNICODE UTF-8", "é\\T\\山&𠮷~ü\\X41\\".as_bytes()),
        ("8859/7", b"\xCE\\.br\\\xDD"),
        ("SHIFT_JIS", b"\x83|\x95\\\\F\\\xB1"),
        ("GB 18030-2000", b"\xFE\x9F\x954\xB25\\E\\"),
        ("BIG-5", b"\xB3\\\xA5\\\\T\\"),
        ("KS X 1001", b"\xB1\xE8\xC7\xD1"),
        ("~ISO IR87", b"\x1B$B^|;3\x1B(J\\\x1B(I1\x1B(B\xB1"),
    ];
    for &(label, name) in samples {
        let whole = message(label, name);
        for cut in 0..whole.len() {
            for part in [&whole[..cut], &whole[cut..]] {
                for policy in [Undecodable::Refuse, Undecodable::Replace] {
                    let Ok(msg) = ReadOptions::new().undecodable(policy).read(part) else { continue };
                    assert_eq!(&*msg.to_bytes().unwrap(), part, "{label} cut at {cut}");
                    let leaves = msg
                        .iter()
                        .flat_map(|segment| segment.fields())
                        .flat_map(|field| field.repetitions())
                        .flat_map(|repetition| repetition.components())
                        .flat_map(|component| component.subcomponents());
                    assert!(leaves.map(|leaf| leaf.text().len()).sum::<usize>() <= 3 * part.len());
                }
            }
        }
    }
}

fn any_set() -> impl Strategy<Value = (&'static str, String)> {
    let of = |label, letters: &'static str| letters.prop_map(move |text| (label, text));
    prop_oneof![
        of("", "\\PC{0,20}"),
        of("8859/1", "[ -~à-ÿ]{0,20}"),
        of("8859/2", "[ -~ĄąŁłŠšŻżČč]{0,20}"),
        of("8859/5", "[ -~А-я]{0,20}"),
        of("8859/6", "[ -~ء-غ]{0,20}"),
        of("8859/7", "[ -~Α-Ρα-ω]{0,20}"),
        of("8859/8", "[ -~א-ת]{0,20}"),
        of("8859/9", "[ -~ğĞıİşŞ]{0,20}"),
        of("8859/15", "[ -~€ŠšŽžŒœŸ]{0,20}"),
        of("ISO IR14", "[ -~ｦ-ﾟ]{0,20}"),
        of("~ISO IR87", "[ -~ｦ-ﾟぁ-んァ-ヶ一-鿿¥‾]{0,20}"),
        of("SHIFT_JIS", "[ -~ｦ-ﾟぁ-んァ-ヶ一-鿿]{0,20}"),
        of("GB 18030-2000", "\\PC{0,20}"),
        of("BIG-5", "[ -~一-鿿]{0,20}"),
        of("KS X 1001", "[ -~가-힣]{0,20}"),
    ]
}

proptest! {
    /// Two values side by side, so that a set left switched at the end of the first would show in the second.
    #[test]
    fn what_is_written_in_a_set_is_read_as_the_same_text((label, text) in any_set()) {
        let bytes = message(label, b"");
        let mut msg = Message::from_bytes(&bytes).unwrap();
        msg.set(path!("PID-5.1"), &text).unwrap();
        msg.set(path!("PID-9.3"), &text).unwrap();
        match msg.to_wire() {
            Ok(sent) => {
                let read = Message::from_bytes(&sent).unwrap();
                for place in [path!("PID-5.1"), path!("PID-9.3")] {
                    prop_assert_eq!(&read.get(place).unwrap().text(), &text, "{}", label);
                }
                prop_assert_eq!(read.get(path!("PID-5.2")).unwrap().text(), "x");
            }
            Err(error) => prop_assert!(matches!(error.kind(), EncodeErrorKind::NotInCharset(_))),
        }
    }
}

#[test]
fn an_edit_of_msh_18_that_changes_nothing_leaves_every_byte() {
    let latin = ReadOptions::new().default_charset(Charset::Iso8859_1);
    let stated = ReadOptions::new().charset(Charset::Iso8859_1);
    let plain = b"MSH|^~\\&|A\rPID|||||M\xFCller\r";
    let ascii = b"MSH|^~\\&|A|||||||||||||||ASCII\rPID|||||M\xFCller\r";
    let unknown = b"MSH|^~\\&|A|||||||||||||||BOGUS\rPID|||||M\xFCller\r";
    for (options, bytes) in [(&latin, &plain[..]), (&stated, &ascii[..]), (&stated, &unknown[..])] {
        let msg = options.read(bytes).unwrap();
        let edits: [fn(&mut Message<'_>) -> usize; 3] = [
            |msg| msg.remove(path!("MSH-18[2]")).unwrap(),
            |msg| msg.remove(path!("MSH-18.2")).unwrap(),
            |msg| msg.set_each(path!("MSH-18"), |_| None).unwrap(),
        ];
        for edit in edits {
            let mut msg = msg.clone();
            assert_eq!(edit(&mut msg), 0);
            assert_eq!((msg.charset().unwrap(), &*msg.to_bytes().unwrap()), (Charset::Iso8859_1, bytes));
        }
    }
    // The same set again: what was not edited is written as it was read.
    let bytes = b"MSH|^~\\&|A|||||||||||||||SHIFT_JIS\rPID|\xFA\x54\r";
    let mut msg = Message::from_bytes(bytes).unwrap();
    msg.set(path!("MSH-18"), "SHIFT_JIS").unwrap();
    assert_eq!(&*msg.to_bytes().unwrap(), bytes);
}

#[test]
fn a_byte_order_mark_stays_before_what_could_not_be_decoded() {
    let replacing = ReadOptions::new().undecodable(Undecodable::Replace);
    let bytes = b"\xEF\xBB\xBFMSH|^~\\&|A\rPID|\xFF\rPV1|a\r";
    let mut msg = replacing.read(bytes).unwrap();
    assert_eq!(msg.to_wire().unwrap(), &bytes[3..], "no byte order mark is sent");
    msg.set(path!("PV1-1"), "b").unwrap();
    assert_eq!(&*msg.to_bytes().unwrap(), b"\xEF\xBB\xBFMSH|^~\\&|A\rPID|\xFF\rPV1|b\r");
    let apart = b"\xEF\xBB\xBF\rMSH|^~\\&|A\rPID|\xFF\r";
    assert_eq!(&*replacing.read(apart).unwrap().to_bytes().unwrap(), apart);
}

#[test]
fn shifts_of_iso_2022_are_read_and_written_one_by_one() {
    for label in ["~ISO IR87", "ISO IR14"] {
        let header = format!("MSH|^~\\&|A|||||||\x0Fm1||||||||{label}\r");
        let bytes = [header.as_bytes(), b"PID|a\x0Fb|c\r"].concat();
        let mut msg = Message::from_bytes(&bytes).unwrap();
        assert_eq!(&*msg.to_bytes().unwrap(), bytes);
        assert_eq!(msg.get(path!("PID-1")).unwrap().text(), "ab");
        assert!(hl7_core::Ack::to(&msg, hl7_core::AckCode::AA).build().to_wire().is_ok());
        msg.set(path!("PID-2"), "d").unwrap();
        assert_eq!(&*msg.to_bytes().unwrap(), [header.as_bytes(), b"PID|ab|d\r"].concat());
    }
}

#[test]
fn half_a_character_takes_nothing_of_what_stands_behind_it() {
    let bytes = b"MSH|^~\\&|A|||||||||||||||~ISO IR87\rPID|1|\x1B$B0\x1B(B|x|y\r";
    let msg = ReadOptions::new().undecodable(Undecodable::Replace).read(bytes).unwrap();
    let texts: Vec<_> = msg.segments("PID").flat_map(|pid| pid.fields()).map(|field| field.text()).collect();
    assert_eq!(texts, ["1", "\u{FFFD}", "x", "y"]);
}

#[test]
fn a_second_set_that_would_not_be_read_is_an_error() {
    let code = |label: &str| {
        let bytes = [b"MSH|^~\\&|A|||||||||||||||", label.as_bytes(), b"\rPID|1|\x1B$B0|\x1B(B|x\r"].concat();
        Message::from_bytes(&bytes).map(|msg| msg.charset().unwrap()).map_err(|error| error.code())
    };
    assert_eq!(code("8859/1~ISO IR87"), Err("C014"));
    assert_eq!(code("8859/1~BOGUS"), Err("C014"));
    assert_eq!(code("ISO IR14~ISO IR87"), Ok(Charset::Iso2022Jp));
    let mut msg = Message::parse("MSH|^~\\&|A|||||||||||||||8859/1\r").unwrap();
    assert_eq!(msg.set(path!("MSH-18[2]"), "bogus").unwrap_err().code(), "C106");
}

#[test]
fn a_header_that_is_utf_8_by_chance_is_read_in_the_set_it_names() {
    // In Shift-JIS the third byte is the second half of a character.
    let bytes = b"MSH|^~\\&|\xC3\x83\x7C|B|C|D|2026||ADT^A08|m-1|P|2.5.1||||||SHIFT_JIS\r";
    let msg = Message::from_bytes(bytes).unwrap();
    assert_eq!((msg.charset(), msg.header().control_id().unwrap().raw()), (Ok(Charset::ShiftJis), "m-1"));
    // The same label where a separator hides in the default set.
    let hidden = b"MSH|^~\\&|\x83||||||||||||||||BOGUS\r";
    let japanese = ReadOptions::new().default_charset(Charset::ShiftJis);
    assert_eq!(japanese.read(hidden).unwrap_err().code(), "C014");
}
