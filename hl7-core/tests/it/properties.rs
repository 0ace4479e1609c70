//! Properties that hold for any input.

use hl7_core::{
    Ack, AckCode, Charset, Delimiters, Leaf, Message, Msa, Occurrence, Path, ReadOptions, RepetitionIndex,
    Undecodable, escape, unescape,
};
use proptest::prelude::*;

/// Text made of what messages are made of, so that most of it has structure.
fn body() -> impl Strategy<Value = String> {
    let atom = prop_oneof![
        8 => Just("|".to_owned()),
        4 => prop_oneof![Just("^"), Just("~"), Just("&"), Just("\\")].prop_map(str::to_owned),
        3 => prop_oneof![Just("\r"), Just("\n"), Just("\r\n")].prop_map(str::to_owned),
        3 => prop_oneof![Just("PID"), Just("OBX"), Just("MSH"), Just("ZZZ"), Just("\"\"")].prop_map(str::to_owned),
        2 => prop_oneof![Just("\\F\\"), Just("\\X0D\\"), Just("\\.br\\"), Just("\\X"), Just("\\.sp9\\")]
            .prop_map(str::to_owned),
        4 => "[A-Za-z0-9 ]{0,8}",
        1 => ".{0,4}",
    ];
    prop::collection::vec(atom, 0..60).prop_map(|atoms| atoms.concat())
}

fn place() -> impl Strategy<Value = Path> {
    ("(MSH|PID|OBX|ZZZ)(\\[[1-3]\\])?-[1-9](\\[[1-3]\\])?(\\.[1-4](\\.[1-3])?)?")
        .prop_map(|text| text.parse::<Path>().unwrap())
}

/// What MSH-18 says.
const LABELS: [&str; 8] =
    ["", "8859/1", "SHIFT_JIS", "GB 18030-2000", "BIG-5", "ISO IR87", "ISO IR14", "UNICODE UTF-8"];

/// Bytes of a control ID: characters of several sets, cut anywhere.
fn control_id() -> impl Strategy<Value = Vec<u8>> {
    let characters: [&[u8]; 10] = [
        b"\xFA\x54",
        b"\x83\x7C",
        b"\x81\x30\x81\x30",
        b"\xC3\xBC",
        b"\x1B(J",
        b"\x1B$B0!",
        b"\x1B(B",
        b"\x0E",
        b"\x0F",
        b"|",
    ];
    let part = prop_oneof![
        3 => "[A-Za-z0-9.-]{1,4}".prop_map(String::into_bytes),
        2 => (0x0Eu8..).prop_map(|byte| vec![byte]),
        2 => prop::sample::select(characters.to_vec()).prop_map(<[u8]>::to_vec),
    ];
    prop::collection::vec(part, 0..6).prop_map(|parts| parts.concat())
}

/// As [`place`], also with `[*]` and filters.
fn any_place() -> impl Strategy<Value = Path> {
    ("(PID|OBX|ZZZ)(\\[([1-3]|\\*)\\])?-[1-9](\\[([1-3]|\\*|2=c|1=a|2\\.2=f)\\])?(\\.[1-4](\\.[1-3])?)?")
        .prop_map(|text| text.parse::<Path>().unwrap())
}

/// The lines that are not blank.
fn lines(er7: &str) -> impl Iterator<Item = &str> {
    er7.split(['\r', '\n']).filter(|line| !line.is_empty())
}

/// What stands at a path, found by splitting the text at every delimiter.
fn split<'t>(er7: &'t str, path: &Path) -> Vec<&'t str> {
    let named = lines(er7).filter(|line| {
        line.strip_prefix(path.segment_id()).is_some_and(|rest| rest.is_empty() || rest.starts_with('|'))
    });
    let segments: Vec<_> = match path.occurrence() {
        Occurrence::First => named.take(1).collect(),
        Occurrence::Nth(n) => named.skip(n as usize - 1).take(1).collect(),
        _ => named.collect(),
    };
    let field = usize::from(path.field().unwrap());
    let fields = segments.into_iter().filter_map(|segment| segment.split('|').nth(field));
    fields.flat_map(|field| split_field(field, path)).collect()
}

fn split_field<'t>(field: &'t str, path: &Path) -> Vec<&'t str> {
    let wanted = |repetition: &&str| match path.repetition() {
        RepetitionIndex::Where(filter) => {
            let component = repetition.split('^').nth(usize::from(filter.component()) - 1);
            let leaf = component
                .and_then(|c| c.split('&').nth(filter.subcomponent().map_or(0, usize::from).max(1) - 1));
            leaf.is_some_and(|leaf| unescape(leaf, &Delimiters::default()) == filter.text())
        }
        _ => true,
    };
    let repetitions: Vec<_> = match path.repetition() {
        RepetitionIndex::Unstated if path.component().is_none() => return vec![field],
        RepetitionIndex::Unstated => field.split('~').take(1).collect(),
        RepetitionIndex::Nth(n) => field.split('~').skip(n as usize - 1).take(1).collect(),
        _ => field.split('~').filter(wanted).collect(),
    };
    let part = |text: &'t str, separator: char, n: Option<u16>| match n {
        Some(n) => text.split(separator).nth(usize::from(n) - 1),
        None => Some(text),
    };
    let component = |text| part(text, '^', path.component());
    repetitions
        .into_iter()
        .filter_map(component)
        .filter_map(|text| part(text, '&', path.subcomponent()))
        .collect()
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused_and_written_back(body in body()) {
        let er7 = format!("MSH|^~\\&|A|B\r{body}");
        let Ok(msg) = Message::parse(&er7) else { return Ok(()) };
        prop_assert_eq!(msg.as_er7(), &er7);
        prop_assert_eq!(&*msg.to_bytes().unwrap(), er7.as_bytes());
        prop_assert!(msg.iter().map(|segment| segment.raw()).eq(lines(&er7)), "every line is a segment");
        for segment in msg.iter() {
            let fields: Vec<_> = segment.fields().map(|field| field.raw()).collect();
            let joined = match (segment.id(), fields.split_first()) {
                ("MSH", Some((_, behind))) => format!("MSH|{}", behind.join("|")),
                _ => [&[segment.raw().split('|').next().unwrap()], &fields[..]].concat().join("|"),
            };
            prop_assert_eq!(joined, segment.raw(), "fields with separators between are the segment");
            for field in segment.fields().skip(2 * usize::from(segment.id() == "MSH")) {
                let repetitions: Vec<_> = field.repetitions().map(|r| r.raw()).collect();
                prop_assert_eq!(repetitions.join("~"), field.raw());
                for repetition in field.repetitions() {
                    let components: Vec<_> = repetition.components().map(|c| c.raw()).collect();
                    prop_assert_eq!(components.join("^"), repetition.raw());
                    for component in repetition.components() {
                        let leaves: Vec<_> = component.subcomponents().map(|s| s.raw()).collect();
                        prop_assert_eq!(leaves.join("&"), component.raw());
                    }
                }
            }
        }
    }

    #[test]
    fn the_leaves_are_those_of_walking_all_levels(body in body(), encoding in "(\\^~\\\\&|\\^~\\\\|\\^~|\\^|\\^~\\\\&#)") {
        let er7 = format!("MSH|{encoding}|A^B|B\r{body}");
        let Ok(msg) = Message::parse(&er7) else { return Ok(()) };
        let mut walked = Vec::new();
        for (segment, s) in msg.iter().enumerate() {
            for (field, f) in s.fields().enumerate() {
                for (repetition, r) in f.repetitions().enumerate() {
                    for (component, c) in r.components().enumerate() {
                        for (leaf, l) in c.subcomponents().enumerate() {
                            walked.push(([segment, field + 1, repetition + 1, component + 1, leaf + 1], l.raw(), l.text()));
                        }
                    }
                }
            }
        }
        let seen = |l: Leaf<'_>| {
            let place = [l.segment, l.field, l.repetition, l.component, l.subcomponent].map(|n| n as usize);
            (place, l.value.raw().to_owned(), l.value.text().into_owned())
        };
        let walked = walked.into_iter().map(|(place, raw, text)| (place, raw.to_owned(), text.into_owned()));
        let walked: Vec<_> = walked.collect();
        prop_assert_eq!(msg.leaves().map(seen).collect::<Vec<_>>(), walked.clone(), "all at once");
        let mut leaves = msg.leaves();
        prop_assert_eq!(std::iter::from_fn(|| leaves.next()).map(seen).collect::<Vec<_>>(), walked, "one by one");
    }

    #[test]
    fn any_bytes_are_read_or_refused_in_any_set(bytes in prop::collection::vec(any::<u8>(), 0..200), set in 0..6) {
        let labels = ["", "8859/1", "SHIFT_JIS", "GB 18030-2000", "BIG-5", "ISO IR87"];
        let mut message = format!("MSH|^~\\&|A|||||||||||||||{}|\rPID|", labels[set as usize]).into_bytes();
        message.extend_from_slice(&bytes);
        for policy in [Undecodable::Refuse, Undecodable::Replace] {
            if let Ok(msg) = ReadOptions::new().undecodable(policy).read(&message) {
                prop_assert_eq!(&*msg.to_bytes().unwrap(), &message);
            }
        }
        let _ = ReadOptions::new().default_charset(Charset::Iso8859_15).read(&bytes);
    }

    #[test]
    fn any_message_that_is_read_can_be_acknowledged(id in control_id(), set in 0..LABELS.len()) {
        let message = [b"MSH|^~\\&|A|||||||", &id[..], b"||||||||", LABELS[set].as_bytes(), b"|\rPID|1\r"].concat();
        for policy in [Undecodable::Refuse, Undecodable::Replace] {
            let options = ReadOptions::new().undecodable(policy);
            let Ok(msg) = options.read(&message) else { continue };
            let wire = Ack::to(&msg, AckCode::AA).text("a text").build().to_wire().unwrap();
            let ack = options.read(&wire).unwrap();
            let sent = msg.header().control_id().map_or("", |id| id.raw());
            prop_assert_eq!(Msa::of(&ack).unwrap().control_id_raw(), sent);
            if msg.header().control_id().is_some() && !id.contains(&0x1B) && !id.contains(&0x0E) && !id.contains(&b'|') {
                let msa = wire.split(|&byte| byte == b'\r').nth(1).unwrap();
                prop_assert!(msa.starts_with(&[b"MSA|AA|", &id[..]].concat()), "byte for byte");
            }
        }
    }

    #[test]
    fn a_path_reads_what_splitting_reads(body in body(), path in any_place()) {
        let er7 = format!("MSH|^~\\&|A|B\rPID|1\rOBX|1||a~b^c~d^e&f\r{body}");
        let Ok(msg) = Message::parse(&er7) else { return Ok(()) };
        let expected = split(&er7, &path);
        let found: Vec<_> = msg.get_all(&path).map(|value| value.raw()).collect();
        prop_assert_eq!(&found, &expected, "{}", path);
        prop_assert_eq!(msg.get(&path).map(|value| value.raw()), expected.first().copied(), "{}", path);
        let texts = msg.get_all(&path).map(|value| value.text().into_owned());
        let leaf = |raw: &str| unescape(raw.split(['~', '^', '&']).next().unwrap(), &Delimiters::default()).into_owned();
        prop_assert!(texts.eq(expected.iter().map(|raw| leaf(raw))), "{}", path);
        prop_assert!(msg.index().get_all(&path).map(|value| value.raw()).eq(expected));
    }

    #[test]
    fn what_is_set_is_read_back_and_the_rest_stays(body in body(), path in place(), text in "[^\u{0}]{0,12}") {
        let er7 = format!("MSH|^~\\&|A|B\rPID|1\rOBX|1\r{body}");
        let Ok(mut msg) = Message::parse(&er7) else { return Ok(()) };
        let segments = msg.iter().len();
        if msg.set(&path, &text).is_err() {
            prop_assert_eq!(msg.as_er7(), &er7);
            return Ok(());
        }
        prop_assert_eq!(msg.iter().len(), segments);
        let read = msg.get(&path).map(|v| v.text().into_owned()).unwrap_or_default();
        // MSH-18 may make the message unreadable as it stands; that is refused by set itself.
        prop_assert_eq!(&read, &text);
        let again = Message::parse(msg.as_er7()).unwrap();
        prop_assert_eq!(again.iter().len(), segments);
        prop_assert_eq!(again.get(&path).map(|v| v.text().into_owned()).unwrap_or_default(), read);
        let changed = msg.iter().zip(Message::parse(&er7).unwrap().iter()).filter(|(a, b)| a.raw() != b.raw()).count();
        prop_assert!(changed <= 1);
    }

    #[test]
    fn an_edit_leaves_the_bytes_of_other_segments(
        values in prop::collection::vec(control_id(), 1..4),
        set in 0..LABELS.len(),
        mark in any::<bool>(),
        path in "(PID|OBX)-[1-3](\\[[12]\\])?(\\.[12])?",
        text in "[a-z|^]{0,3}",
    ) {
        let lines = values.iter().flat_map(|value| [[b"\rPID|", &value[..], b"|a^b"].concat(), [b"\rOBX|", &value[..]].concat()].concat());
        let header = format!("MSH|^~\\&|A|||||||||||||||{}", LABELS[set]);
        let er7 = [header.as_bytes(), &lines.collect::<Vec<_>>(), b"\r"].concat();
        // A mark that contradicts MSH-18 is believed, and not sent.
        let mark = mark && matches!(LABELS[set], "" | "UNICODE UTF-8");
        let bytes = [if mark { "\u{FEFF}".as_bytes() } else { b"" }, &er7].concat();
        let path: Path = path.parse().unwrap();
        for policy in [Undecodable::Refuse, Undecodable::Replace] {
            let Ok(mut msg) = ReadOptions::new().undecodable(policy).read(&bytes) else { continue };
            msg.set(&path, &text).unwrap();
            // The edited segment may hold replaced bytes, or characters of JIS that are not written.
            let Ok(wire) = msg.to_wire() else { continue };
            prop_assert_eq!(&msg.to_bytes().unwrap()[bytes.len() - er7.len()..], &wire[..]);
            let (before, after) = (er7.split(|&byte| byte == b'\r'), wire.split(|&byte| byte == b'\r'));
            prop_assert_eq!(before.clone().count(), after.clone().count());
            let changed: Vec<_> = before.zip(after).filter(|(before, after)| before != after).collect();
            prop_assert!(changed.iter().all(|(before, _)| before.starts_with(path.segment_id().as_bytes())));
            prop_assert!(changed.len() <= 1);
            let again = ReadOptions::new().undecodable(policy).read(&wire).unwrap();
            prop_assert_eq!(again.get(&path).map(|value| value.text().into_owned()).unwrap_or_default(), text.clone());
        }
    }

    #[test]
    fn what_is_sent_is_read_as_it_was_meant(body in body(), mark in any::<bool>()) {
        let er7 = format!("{}MSH|^~\\&|A|B\r{body}", if mark { "\u{FEFF}" } else { "" });
        let Ok(msg) = Message::parse(&er7) else { return Ok(()) };
        let sent = msg.to_wire().unwrap();
        let read = Message::from_bytes(&sent).unwrap();
        prop_assert!(msg.iter().map(|s| s.raw()).eq(read.iter().map(|s| s.raw())));
        prop_assert_eq!(read.to_wire().unwrap(), sent.as_slice());
        prop_assert!(!sent.contains(&b'\n'));
    }

    #[test]
    fn escaping_is_undone_by_unescaping(text in any::<String>()) {
        let delimiters = Delimiters::default();
        let escaped = escape(&text, &delimiters).into_owned();
        let special = ['|', '^', '~', '&', '\r', '\n', '\u{b}', '\u{1c}'];
        prop_assert!(!escaped.contains(special));
        prop_assert_eq!(unescape(&escaped, &delimiters), text);
    }

    #[test]
    fn a_path_reads_back_as_it_is_shown(path in place()) {
        prop_assert_eq!(path.to_string().parse::<Path>().unwrap(), path);
    }

    #[test]
    fn any_text_is_a_path_or_refused(text in any::<String>()) {
        if let Ok(path) = text.parse::<Path>() {
            prop_assert_eq!(path.to_string(), text);
        }
    }
}
