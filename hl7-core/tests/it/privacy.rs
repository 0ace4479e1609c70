//! A canary in every position of a message: no `Debug`, `Display` or error ever sings.

use std::fmt::{Debug, Display};

use hl7_core::typed::{
    Cwe, Cx, DataTypeError, Date, DateRange, DateTime, Ei, FamilyName, Hd, Number, SequenceId, StreetAddress,
    Time, Xad, Xpn,
};
use hl7_core::{
    Ack, AckCode, Charset, Condition, Delimiters, Message, Msa, Path, ReadOptions, Undecodable, Value,
};

const CANARY: &str = "TWEETY7";

fn silent(what: &str, text: &str) {
    assert!(!text.contains(CANARY), "{what}: {text}");
    // The bare letters too: an echo that cuts or escapes the value is a leak all the same.
    assert!(!text.to_uppercase().contains("TWEET"), "{what}: {text}");
}

fn silent_error<E: Debug + Display + std::error::Error>(what: &str, error: &E) {
    silent(what, &format!("{error:?} {error:#?} {error}"));
    let mut source = error.source();
    while let Some(inner) = source {
        silent(what, &format!("{inner:?} {inner}"));
        source = inner.source();
    }
}

/// Messages with the canary at each place between delimiters, at line starts, and in the header.
fn messages() -> Vec<String> {
    let template = "MSH|^~\\&|@|@|@|@|@|@|@^@^@|@|@|@|@|@|@|@|@|@\r@|1||@^@&@~@\\F\\@|@\rPID@|@\r@\rZ@@|@\rERR|@^@^@^@&@|@^@|@|@\r";
    let places: Vec<_> = template.match_indices('@').map(|(at, _)| at).collect();
    let mut all = vec![template.replace('@', CANARY)];
    for place in places {
        let (before, behind) = template.split_at(place);
        all.push(format!("{}{CANARY}{}", before.replace('@', "x"), behind[1..].replace('@', "x")));
    }
    all
}

/// Every data type of a value, and why it is none.
fn check_typed(value: Value<'_>) {
    fn scalar<T: Debug>(read: Result<T, DataTypeError>) {
        silent("data type", &format!("{read:?}"));
        if let Err(error) = read {
            silent_error("data type", &error);
        }
    }
    let composites: [&dyn Debug; 9] = [
        &Cx::of(value),
        &Ei::of(value),
        &Hd::of(value),
        &Cwe::of(value),
        &Xpn::of(value),
        &Xad::of(value),
        &FamilyName::of(value),
        &StreetAddress::of(value),
        &DateRange::of(value),
    ];
    silent("composite", &format!("{composites:?} {:?}", Cx::of(value).assigning_authority()));
    scalar(Date::of(value));
    scalar(Time::of(value));
    scalar(DateTime::of(value));
    scalar(Number::of(value));
    scalar(SequenceId::of(value));
}

fn check(msg: &Message<'_>) {
    silent("message", &format!("{msg:?} {msg:#?}"));
    silent("index", &format!("{:?}", msg.index()));
    silent("header", &format!("{:?}", msg.header()));
    silent("segments", &format!("{:?}", msg.into_iter()));
    let mut leaves = msg.leaves();
    silent("leaves", &format!("{leaves:?}"));
    while let Some(leaf) = leaves.next() {
        silent("leaf", &format!("{leaf:?} {leaves:?}"));
    }
    for segment in msg.iter() {
        silent("segment", &format!("{segment:?}"));
        for field in segment.fields() {
            silent("field", &format!("{field:?} {:?}", field.value()));
            check_typed(field.value());
            for repetition in field.repetitions() {
                silent("repetition", &format!("{repetition:?}"));
                for component in repetition.components() {
                    silent("component", &format!("{component:?}"));
                    for leaf in component.subcomponents() {
                        silent("subcomponent", &format!("{leaf:?}"));
                    }
                }
            }
        }
    }
    let encoding = Delimiters::new('#', "^").unwrap();
    for other in
        [msg.with_delimiters(encoding), msg.with_charset(Charset::Ascii), msg.with_charset(Charset::KsX1001)]
    {
        match other {
            Ok(other) => silent("converted", &format!("{other:?}")),
            Err(error) => silent_error("convert", &error),
        }
    }
    let ack = Ack::to(msg, AckCode::AA).text(CANARY);
    let place: Path = "PID-3[1=TWEETY7].1".parse().unwrap();
    let ack = ack.error_at(hl7_core::ErrorCode::DataTypeError, &place, CANARY);
    silent("ack builder", &format!("{ack:?}"));
    let ack = ack.build();
    silent("ack", &format!("{ack:?} {:?}", Msa::of(&ack)));
    for error in hl7_core::ReportedError::of(&ack).chain(hl7_core::ReportedError::of(msg)) {
        silent("reported error", &format!("{error:?} {:?} {:?}", error.location(), error.user_message()));
    }
    #[cfg(feature = "xml")]
    check_xml(msg);
    if let Err(error) = msg.charset() {
        silent_error("charset", &error);
    }
    if let Err(error) = msg.to_wire() {
        silent_error("encode", &error);
    }
}

/// Why there is no XML of a message, or no message of XML that is broken at any place.
#[cfg(feature = "xml")]
fn check_xml(msg: &Message<'_>) {
    let xml = match msg.to_xml() {
        Ok(xml) => xml,
        Err(error) => return silent_error("to XML", &error),
    };
    for (at, found) in xml.match_indices(['<', '>', '/', '.']) {
        let (before, behind) = (&xml[..at], &xml[at + found.len()..]);
        for broken in [format!("{before}{CANARY}{behind}"), format!("{before}&{CANARY};{found}{behind}")] {
            if let Err(error) = Message::from_xml(&broken) {
                silent_error("from XML", &error);
            }
        }
    }
}

#[test]
fn no_diagnostic_shows_message_content() {
    for er7 in messages() {
        match Message::parse(&er7) {
            Ok(msg) => {
                check(&msg);
                let mut msg = msg;
                for path in ["PID-3", "ZZZ-1", "MSH-2", "MSH-18", "PID-3[1=TWEETY7].1"] {
                    let path: Path = path.parse().unwrap();
                    silent("path", &format!("{path:?}"));
                    if let Err(error) = msg.set(&path, CANARY) {
                        silent_error("edit", &error);
                    }
                    if let Err(error) = msg.set_each(&path, |_| Some(CANARY.to_owned())) {
                        silent_error("edit of each", &error);
                    }
                }
            }
            Err(error) => silent_error("parse", &error),
        }
        for policy in [Undecodable::Refuse, Undecodable::Replace] {
            match ReadOptions::new().undecodable(policy).read(er7.as_bytes()) {
                Ok(msg) => check(&msg),
                Err(error) => silent_error("read", &error),
            }
        }
    }
}

#[test]
fn no_refused_edit_shows_what_it_was_given() {
    use hl7_core::{EditError, Position, path};

    let filter: Path = "PID-3[1=TWEETY7]".parse().unwrap();
    let raw = format!("{CANARY}|{CANARY}\r");
    type Edit<'e> = &'e dyn Fn(&mut Message<'_>) -> Option<EditError>;
    let edits: [(&str, Edit<'_>); 8] = [
        ("C108", &|msg| msg.push_segment(CANARY).err()),
        ("C108", &|msg| msg.insert_segment(Position::Before(path!("PID")), &raw).err()),
        ("C109", &|msg| msg.push_segment(&format!("MSH|{CANARY}")).err()),
        ("C110", &|msg| msg.set_raw(&filter, &raw).err()),
        ("C102", &|msg| msg.move_segment(path!("ZZZ"), Position::End).err()),
        ("C103", &|msg| msg.move_repetition(&filter, 2).err()),
        ("C112", &|msg| msg.insert_repetition(&filter, CANARY).err()),
        ("C112", &|msg| msg.move_value(path!("PID-5"), path!("PID-3[*]")).err()),
    ];
    for (code, edit) in edits {
        let mut msg = Message::parse("MSH|^~\\&|A\rPID|1||7~8||TWEETY7\r").unwrap();
        let error = edit(&mut msg).unwrap();
        assert_eq!(error.code(), code);
        silent_error("edit", &error);
    }
    silent("position", &format!("{:?}", Position::After(&filter)));
}

#[test]
fn no_builder_shows_what_it_builds() {
    let builder = Message::builder(CANARY, CANARY, CANARY).sending(CANARY, CANARY).control_id(CANARY);
    let builder = builder.segment(format!("PID|{CANARY}")).set(hl7_core::path!("PID-5"), CANARY);
    silent("builder", &format!("{builder:?}"));
    silent("built", &format!("{:?}", builder.clone().build()));
    silent_error("build", &builder.clone().segment(CANARY).build().unwrap_err());
    silent_error("build", &builder.set_raw(hl7_core::path!("PID-5"), "TWEETY7|").build().unwrap_err());
    silent_error("delimiters", &Delimiters::new('|', CANARY).unwrap_err());
}

#[test]
fn no_error_shows_what_it_was_given() {
    let broken = [
        CANARY.to_owned(),
        format!("MSH{CANARY}"),
        format!("MSH|{CANARY}|"),
        format!("MSH|^~\\&|A\r{CANARY}\rMSH|^~\\&|{CANARY}"),
        format!("MSH|^~\\&|A|||||||||||||||{CANARY}"),
        format!("<{CANARY}>"),
    ];
    for text in broken {
        for result in [Message::parse(&text), Message::from_bytes(text.as_bytes())] {
            if let Err(error) = result {
                silent_error("parse", &error);
            }
        }
        if let Err(error) = text.parse::<Path>() {
            silent_error("path", &error);
        }
        if let Err(error) = text.parse::<AckCode>() {
            silent_error("ack code", &error);
        }
    }
}

#[test]
fn no_diagnostic_shows_what_a_condition_compares_with() {
    let read = [
        "PID-5.1 == TWEETY7",
        "PID-5.1 in (TWEETY7 \"TWEETY7\" PID-3[1=TWEETY7].1)",
        "PID-3[1=TWEETY7].1 and not (PID-5 matches \"TWEETY7.*\" or PID-8 > TWEETY7)",
    ];
    for text in read {
        let condition: Condition = text.parse().unwrap();
        silent("condition", &format!("{condition:?} {condition:#?}"));
        assert!(format!("{condition:?}").starts_with("Condition(PID-"), "paths are shown");
    }
    let refused = [
        "TWEETY7",
        "TWEETY7-5 == F",
        "PID-5 TWEETY7",
        "PID-5 = TWEETY7",
        "PID-5 == TWEETY7,",
        "PID-5 == \"TWEETY7",
        "PID-5 == PID-3[1=TWEETY7",
        "PID-5 in (TWEETY7",
        "PID-5 in TWEETY7",
        "PID-5 matches TWEETY7",
        "PID-5 matches \"(?P<TWEETY7\"",
        "PID-5 matches \"[[:TWEETY7:]]\"",
        "(PID-5 == TWEETY7",
    ];
    for text in refused {
        silent_error("condition error", &text.parse::<Condition>().map(|c| c.to_string()).unwrap_err());
    }
}

/// A canary of digits, since what is read as a date, a time or a number holds nothing else.
#[test]
fn no_value_that_was_read_shows_itself() {
    let mute = |shown: String| {
        assert!(!["1984", "0703", "8407", "0715"].iter().any(|part| shown.contains(part)), "{shown}")
    };
    let time = DateTime::parse("19840703071559.8407-0715").unwrap();
    mute(format!("{time:?} {:#?} {:?} {:?}", time.date(), time.time(), time.offset()));
    mute(format!("{:?}", (Number::parse("1984"), SequenceId::parse("1984"))));
    let er7 = "MSH|^~\\&|19840703\rPID|1||19840703^^^1984&0703\r";
    let msg = Message::parse(er7).unwrap();
    let cx = Cx::of(msg.get(hl7_core::path!("PID-3")).unwrap());
    mute(format!("{:?} {cx:?} {:?}", msg.index(), cx.assigning_authority()));
    for text in ["1984070307155999", "19840703071599", "19840703x", "19841984"] {
        mute(format!("{} {:?}", DateTime::parse(text).unwrap_err(), DateTime::parse(text).unwrap_err()));
        if let Err(error) = Number::parse(text) {
            mute(format!("{error} {error:?}"));
        }
    }
}
