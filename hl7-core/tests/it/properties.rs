//! Properties that hold for any input.

use hl7_core::{
    Charset, Delimiters, Message, Occurrence, Path, ReadOptions, RepetitionIndex, Undecodable, escape,
    unescape,
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

proptest! {
    #[test]
    fn any_text_is_read_or_refused_and_written_back(body in body()) {
        let er7 = format!("MSH|^~\\&|A|B\r{body}");
        if let Ok(msg) = Message::parse(&er7) {
            prop_assert_eq!(msg.as_er7(), &er7);
            for segment in msg.iter() {
                let joined: Vec<_> = segment.fields().map(|f| f.raw()).collect();
                prop_assert!(joined.iter().all(|raw| segment.raw().contains(raw)));
                for field in segment.fields() {
                    let repetitions: Vec<_> = field.repetitions().map(|r| r.raw()).collect();
                    if segment.id() != "MSH" {
                        prop_assert_eq!(repetitions.join("~"), field.raw());
                    }
                }
            }
        }
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
    fn a_path_reads_what_walking_reads(body in body(), path in place()) {
        let er7 = format!("MSH|^~\\&|A|B\rPID|1\rOBX|1\r{body}");
        let Ok(msg) = Message::parse(&er7) else { return Ok(()) };
        let shown = path.to_string();
        // The same place through the general way, which looks at every repetition.
        if let (Occurrence::First, RepetitionIndex::Unstated, Some(_)) = (path.occurrence(), path.repetition(), path.component()) {
            let dash = shown.find('.').unwrap();
            let first: Path = format!("{}[1]{}", &shown[..dash], &shown[dash..]).parse().unwrap();
            let seen = |path: &Path| msg.get(path).map(|v| (v.raw().to_owned(), v.text().into_owned()));
            prop_assert_eq!(seen(&path), seen(&first));
        }
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
