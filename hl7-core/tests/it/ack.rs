//! Acknowledgments.

use std::time::{Duration, SystemTime};

use hl7_core::{
    Ack, AckCode, AckCondition, AckMode, Charset, Delimiters, ErrorCode, Message, Msa, Path, ReadOptions,
    ReportedError, Undecodable, path,
};

#[test]
fn an_acknowledgment_answers_in_the_sender_s_terms() {
    let msg =
        Message::parse("MSH#!@%*#LAB#NORTH#EHR#SOUTH#2026##ADT!A08!ADT_A01#m!1 #T#2.3\rPID#1\r").unwrap();
    let ack = Ack::to(&msg, AckCode::AE)
        .text("no such patient # 7")
        .error(ErrorCode::UnknownKeyIdentifier)
        .control_id("a9")
        .at("20260102030405")
        .build();
    assert_eq!(ack.delimiters().field(), '#');
    let value = |path: &hl7_core::Path| ack.get(path).map(|v| v.raw().to_owned());
    assert_eq!(value(path!("MSH-3")).as_deref(), Some("EHR"));
    assert_eq!(value(path!("MSH-5")).as_deref(), Some("LAB"));
    assert_eq!(value(path!("MSH-9")).as_deref(), Some("ACK!A08"));
    assert_eq!(value(path!("MSH-10")).as_deref(), Some("a9"));
    assert_eq!(value(path!("MSH-11")).as_deref(), Some("T"));
    assert_eq!(value(path!("MSH-12")).as_deref(), Some("2.3"));
    assert_eq!(value(path!("MSA-2")).as_deref(), Some("m!1 "), "MSH-10 comes back as it was sent");
    assert_eq!(ack.get(path!("MSA-3")).unwrap().text(), "no such patient # 7");
}

#[test]
fn an_acknowledgment_is_read_back() {
    let msg = Message::parse("MSH|^~\\&|LAB||||2026||ADT^A08|m1|P|2.5.1\r").unwrap();
    for code in [AckCode::AA, AckCode::AE, AckCode::AR, AckCode::CA, AckCode::CE, AckCode::CR] {
        let ack = Ack::to(&msg, code).build();
        let bytes = ack.to_wire().unwrap();
        let ack = Message::from_bytes(&bytes).unwrap();
        let msa = Msa::of(&ack).unwrap();
        assert_eq!((msa.code(), msa.control_id_raw()), (Some(code), "m1"));
    }
}

#[test]
fn the_time_is_the_clock_s_unless_given() {
    let msg = Message::parse("MSH|^~\\&|LAB||||2026||ADT^A08|m1|P|2.5.1\r").unwrap();
    let ack = Ack::to(&msg, AckCode::AA).build();
    let year = ack.get(path!("MSH-7")).unwrap().raw()[..4].parse::<u64>().unwrap();
    let days = SystemTime::UNIX_EPOCH.elapsed().unwrap_or(Duration::ZERO).as_secs() / 86_400;
    assert!((days / 366..=days / 365).contains(&(year - 1970)), "{year}");
}

#[test]
fn a_message_without_an_msa_acknowledges_nothing() {
    let msg = Message::parse("MSH|^~\\&|LAB||||2026||ADT^A08|m1|P|2.5.1\rPID|1\r").unwrap();
    assert!(Msa::of(&msg).is_none());
}

fn of_version(version: &str, build: impl FnOnce(Ack<'_>) -> Ack<'_>) -> Message<'static> {
    let er7 =
        format!("MSH|^~\\&|LAB|N|EHR|S|2026||ADT^A08^ADT_A01|m-1|P|{version}\rPID|1||7^^^H^SS~8^^^H^MR\r");
    let msg = Message::parse(&er7).unwrap();
    let ack = build(Ack::to(&msg, AckCode::AE).at("20260102")).build();
    let again = Message::parse(ack.as_er7()).unwrap();
    assert!(ack.iter().map(|s| s.raw()).eq(again.iter().map(|s| s.raw())), "the places of segments");
    ack
}

#[test]
fn the_form_is_that_of_the_message_s_version() {
    let before =
        "ERR|PID^1^3^101&Required field missing&HL70357&&the ID~^^^207&Application internal error&HL70357\r";
    let since = "ERR||PID^1^3^2^1|101^Required field missing^HL70357|E||||the ID\r\
                 ERR|||207^Application internal error^HL70357|E\r";
    let condition = "|||101^Required field missing^HL70357";
    let cases = [
        ("2.1", "ACK", "|why", "ERR|PID^1^3^101~^^^207\r"),
        ("2.2", "ACK", &format!("|why{condition}"), before),
        ("2.3", "ACK^A08", &format!("|why{condition}"), before),
        ("2.3.1", "ACK^A08^ACK", &format!("|why{condition}"), before),
        ("2.4", "ACK^A08^ACK", "|why", before),
        ("2.5", "ACK^A08^ACK", "|why", since),
        ("2.5.1^USA", "ACK^A08^ACK", "|why", since),
        ("2.6", "ACK^A08^ACK", "|why", since),
        ("2.7", "ACK^A08^ACK", "", &since.replace("||||the ID", "|||why|the ID")),
        ("2.8.2", "ACK^A08^ACK", "", &since.replace("||||the ID", "|||why|the ID")),
        ("", "ACK^A08^ACK", "|why", since),
        ("v2", "ACK^A08^ACK", "|why", since),
    ];
    for (version, message_type, in_msa, errors) in cases {
        let place: Path = "PID-3[5=MR].1".parse().unwrap();
        let ack = of_version(version, |ack| {
            ack.text("why")
                .error_at(ErrorCode::RequiredFieldMissing, &place, "the ID")
                .error(ErrorCode::ApplicationInternalError)
        });
        let header = format!("MSH|^~\\&|EHR|S|LAB|N|20260102||{message_type}|m-1|P|{version}\r");
        assert_eq!(ack.as_er7(), format!("{header}MSA|AE|m-1{in_msa}\r{errors}"), "{version}");
    }
}

#[test]
fn a_text_without_an_error_stands_where_the_version_has_room_for_it() {
    let text = |version| {
        let ack = of_version(version, |ack| ack.text("why"));
        ack.as_er7().split_once("MSA|AE|m-1").unwrap().1.to_owned()
    };
    assert_eq!(text("2.6"), "|why\r");
    assert_eq!(text("2.7"), "\rERR|||207^Application internal error^HL70357|E||||why\r");
    let msg = Message::parse("MSH|^~\\&|A||||||ADT^A08|m-1|P|2.8\r").unwrap();
    let ack = Ack::to(&msg, AckCode::AA).text("thanks").build();
    assert!(ack.as_er7().ends_with("MSA|AA|m-1\rERR|||0^Message accepted^HL70357|I||||thanks\r"));
    let ack = Ack::to(&msg, AckCode::AA).error(ErrorCode::ValueTooLong).build();
    assert!(ack.as_er7().ends_with("ERR|||104^Value too long^HL70357|W\r"));
}

#[test]
fn an_acknowledgment_uses_the_delimiters_there_are() {
    let built = |encoding: &str, version: &str| {
        let d = Delimiters::new('|', encoding).unwrap();
        let event = d.component().map_or(String::new(), |c| format!("{c}A08"));
        let msg = format!("MSH|{encoding}|A||||||ADT{event}|m-1|P|{version}\r");
        let msg = Message::parse(&msg).unwrap();
        let ack = Ack::to(&msg, AckCode::AE).text("a|b");
        let ack =
            ack.error(ErrorCode::DataTypeError).error_at(ErrorCode::DataTypeError, path!("PID-5"), "x^y");
        let ack = ack.build();
        assert!(Message::parse(ack.as_er7()).is_ok());
        ack.as_er7().split_once("MSA").unwrap().1.to_owned()
    };
    assert_eq!(
        built("!%*@", "2.4"),
        "|AE|m-1|a*F*b\rERR|!!!102@Data type error@HL70357%PID!1!5!102@Data type error@HL70357@@x^y\r"
    );
    assert_eq!(built("!", "2.4"), "|AE|m-1|a b\rERR|!!!102\r");
    assert_eq!(built("!", "2.3"), "|AE|m-1|a b|||102!Data type error!HL70357\rERR|!!!102\r");
}

#[test]
fn no_character_is_taken_for_a_delimiter_that_the_message_does_not_have() {
    let msg = Message::parse("MSH|^|A||||||ADT^A\u{ff}8|m-1|P|2.5\r").unwrap();
    let ack = Ack::to(&msg, AckCode::AA).build();
    assert_eq!(ack.get(path!("MSH-9.2")).unwrap().raw(), "A\u{ff}8");
}

#[test]
fn reported_errors_are_read_in_both_shapes() {
    // The shape, then of each error: code, location, severity, text.
    type Error = (Option<ErrorCode>, Option<&'static str>, &'static str, &'static str);
    const MISSING: Option<ErrorCode> = Some(ErrorCode::RequiredFieldMissing);
    let cases: &[(&str, &[Error])] = &[
        ("ERR||PID^1^5^1^2^3|101^x^HL70357|W||||Name?", &[(MISSING, Some("PID[1]-5[1].2.3"), "W", "Name?")]),
        (
            "ERR||PID^1^5|101|E\rERR||OBX|207",
            &[
                (MISSING, Some("PID[1]-5"), "E", ""),
                (Some(ErrorCode::ApplicationInternalError), Some("OBX"), "", ""),
            ],
        ),
        (
            "ERR|PID^1^5^101&x&y~OBX^2^3^999",
            &[(MISSING, Some("PID[1]-5"), "", ""), (None, Some("OBX[2]-3"), "", "")],
        ),
        ("ERR|PID^^5^101&&&&Name?", &[(MISSING, Some("PID-5"), "", "Name?")]),
        ("ERR|PID^1^5^207|PID^1^5|101|E", &[(MISSING, Some("PID[1]-5"), "E", "")]),
        ("ERR|^^^101", &[(MISSING, None, "", "")]),
        ("ERR||SMITH^1^5|101", &[(MISSING, None, "", "")]),
        ("ERR||PID^x^5|101", &[(MISSING, None, "", "")]),
        ("ERR||PID^1^99999|101", &[(MISSING, None, "", "")]),
        ("ERR||PID^1^^2|101", &[(MISSING, None, "", "")]),
        ("ERR||PID^99999999999|101", &[(MISSING, None, "", "")]),
        ("ERR", &[]),
        ("ERR|", &[]),
        ("ERR|~", &[]),
        ("NTE|1", &[]),
    ];
    for (segments, expected) in cases {
        let er7 = format!("MSH|^~\\&|A\rMSA|AE|1\r{segments}\r");
        let msg = Message::parse(&er7).unwrap();
        let text =
            |value: Option<hl7_core::Value<'_>>| value.map_or(String::new(), |v| v.text().into_owned());
        let found: Vec<_> = ReportedError::of(&msg)
            .map(|e| {
                (e.code(), e.location().map(|p| p.to_string()), text(e.severity()), text(e.user_message()))
            })
            .collect();
        let expected: Vec<_> = expected
            .iter()
            .map(|(code, place, severity, text)| {
                (*code, place.map(str::to_owned), (*severity).to_owned(), (*text).to_owned())
            })
            .collect();
        assert_eq!(found, expected, "{segments}");
    }
}

#[test]
fn what_was_reported_is_read_back() {
    for version in ["2.3", "2.4", "2.5", "2.8"] {
        let ack = of_version(version, |ack| {
            let ack = ack.error_at(ErrorCode::TableValueNotFound, path!("OBX[2]-11"), "a & b");
            ack.error_at(ErrorCode::SegmentSequenceError, path!("PV1"), "")
        });
        let found: Vec<_> = ReportedError::of(&ack)
            .map(|e| {
                (
                    e.code().unwrap(),
                    e.location().unwrap().to_string(),
                    e.user_message().map(|v| v.text().into_owned()),
                )
            })
            .collect();
        let first = (ErrorCode::TableValueNotFound, "OBX[2]-11".to_owned(), Some("a & b".to_owned()));
        let second = (ErrorCode::SegmentSequenceError, "PV1[1]".to_owned(), None);
        assert_eq!(found, [first, second], "{version}");
        let condition = (version == "2.3").then_some(ErrorCode::TableValueNotFound);
        assert_eq!(Msa::of(&ack).unwrap().error_condition(), condition);
    }
}

#[test]
fn all_of_an_err_segment_is_read() {
    let er7 =
        "MSH|^~\\&|A\rMSA|AE|1||7\rERR||PID^1^5~PID^1^7|103^Table value not found|E|APP1^x|p|why|what\r";
    let msg = Message::parse(er7).unwrap();
    let error = ReportedError::of(&msg).next().unwrap();
    let raw = |value: Option<hl7_core::Value<'_>>| value.unwrap().raw().to_owned();
    assert_eq!(raw(error.code_value()), "103");
    assert_eq!(raw(error.code_text()), "Table value not found");
    assert_eq!(raw(error.application_code()), "APP1^x");
    assert_eq!(raw(error.diagnostic()), "why");
    let places: Vec<_> = error.locations().map(|place| place.to_string()).collect();
    assert_eq!(places, ["PID[1]-5", "PID[1]-7"]);
    assert_eq!(raw(Msa::of(&msg).unwrap().expected_sequence_number()), "7");
}

#[test]
fn any_message_with_an_msa_acknowledges() {
    for kind in ["ACK", "ORR^O02", "RSP^K22^RSP_K21", "MFK^M01"] {
        let er7 = format!("MSH|^~\\&|A|||||||{kind}|9|P|2.5\rMSA|AA|m-1\rQAK|1\r");
        let msg = Message::parse(&er7).unwrap();
        let msa = Msa::of(&msg).unwrap();
        assert_eq!((msa.code(), msa.control_id_raw()), (Some(AckCode::AA), "m-1"), "{kind}");
    }
}

#[test]
fn acknowledgments_are_wanted_as_the_header_says() {
    use AckCondition::{Always as AL, Never as NE, OnError as ER, OnSuccess as SU};
    // MSH-15, MSH-16: the conditions, and what tells the sender that its message was taken.
    let cases = [
        ("", "", NE, AL, Some(AckMode::Original)),
        ("\"\"", " ", NE, AL, Some(AckMode::Original)),
        ("AL", "", AL, NE, Some(AckMode::Accept)),
        ("AL", "NE", AL, NE, Some(AckMode::Accept)),
        ("SU", "AL", SU, AL, Some(AckMode::Accept)),
        ("ER", "AL", ER, AL, Some(AckMode::Accept)),
        ("ER", "SU", ER, SU, Some(AckMode::Accept)),
        ("ER", "NE", ER, NE, None),
        ("NE", "AL", NE, AL, Some(AckMode::Application)),
        ("", "SU", NE, SU, Some(AckMode::Application)),
        (" ne ", "al", NE, AL, Some(AckMode::Application)),
        ("NE", "ER", NE, ER, None),
        ("NE", "NE", NE, NE, None),
        ("NE", "", NE, NE, None),
        ("YES", "NE", AL, NE, Some(AckMode::Accept)),
    ];
    for (accept, application, on_accept, on_application, mode) in cases {
        let er7 = format!("MSH|^~\\&|A||||||ADT^A08|m|P|2.5|||{accept}|{application}\r");
        let msg = Message::parse(&er7).unwrap();
        let header = msg.header();
        let case = format!("{accept:?} {application:?}");
        assert_eq!(header.accept_condition(), on_accept, "{case}");
        assert_eq!(header.application_condition(), on_application, "{case}");
        assert_eq!(AckMode::of(header), mode, "{case}");
        assert_eq!(header.is_enhanced(), mode != Some(AckMode::Original), "{case}");
        for success in [true, false] {
            assert_eq!(header.wants_accept(success), on_accept.wants(success), "{case}");
            assert_eq!(header.wants_application(success), on_application.wants(success), "{case}");
        }
    }
    let wants = |condition: AckCondition| (condition.wants(true), condition.wants(false));
    assert_eq!([AL, NE, ER, SU].map(wants), [(true, true), (false, false), (false, true), (true, false)]);
}

/// A message in this set with these bytes as its control ID and as its sender.
fn in_set(label: &str, id: &[u8]) -> Vec<u8> {
    let parts: [&[u8]; 6] =
        [b"MSH|^~\\&|", id, b"|N|EHR|S|2026||ADT^A08|", id, b"|P|2.5.1||||||", label.as_bytes()];
    [&parts.concat()[..], b"\rPID|1\r"].concat()
}

#[test]
fn a_control_id_comes_back_in_the_bytes_it_was_sent_in() {
    let cases: [(&str, &[u8]); 8] = [
        ("SHIFT_JIS", b"m\xFA\x54"),  // encoded anew it would be 81 CA
        ("SHIFT_JIS", b"\x83\x7C-1"), // its second byte is a field separator
        ("BIG-5", b"\xA6\x7C1"),
        ("GB 18030-2000", b"\x81\x30\x81\x30"),
        ("KS X 1001", b"\xB0\xA1"),
        ("8859/1", b"m\xFC"),
        ("UNICODE UTF-8", "mü".as_bytes()),
        ("ASCII~ISO IR87", b"\x1B$B0!\x1B(B"),
    ];
    for (label, id) in cases {
        let bytes = in_set(label, id);
        let msg = ReadOptions::new().read(&bytes).unwrap();
        let wire =
            Ack::to(&msg, AckCode::AE).error(ErrorCode::DataTypeError).text("why").build().to_wire().unwrap();
        let lines: Vec<_> = wire.split(|&byte| byte == b'\r').collect();
        assert_eq!(lines[1], [b"MSA|AE|", id, b"|why"].concat(), "{label}");
        assert!(lines[0].starts_with(&[b"MSH|^~\\&|EHR|S|", id, b"|N|"].concat()), "{label}");
        let read = ReadOptions::new().read(&wire).unwrap();
        assert_eq!(
            Msa::of(&read).unwrap().control_id_raw(),
            msg.header().control_id().unwrap().raw(),
            "{label}"
        );
    }
}

#[test]
fn a_control_id_that_could_not_be_decoded_comes_back_as_it_was_sent() {
    for (label, id) in [("UNICODE UTF-8", &b"m\xFF1"[..]), ("SHIFT_JIS", b"m\xFF1"), ("ASCII", b"m\x80")] {
        let bytes = in_set(label, id);
        let msg = ReadOptions::new().undecodable(Undecodable::Replace).read(&bytes).unwrap();
        let mut ack =
            Ack::to(&msg, AckCode::AE).error_at(ErrorCode::DataTypeError, path!("MSH-10"), "why").build();
        let wire = ack.to_wire().unwrap();
        assert!(wire.windows(id.len() + 7).any(|part| part == [b"MSA|AE|", id].concat()), "{label}");
        ack.set(path!("MSA-3"), "more").unwrap();
        assert_eq!(ack.to_wire().unwrap_err().code(), "C202", "{label}: what was replaced is not written");
        ack.set(path!("MSA-2"), "x").unwrap();
        assert!(ack.to_wire().is_ok(), "{label}: nothing replaced is left in the line");
    }
}

#[test]
fn a_control_id_that_was_edited_comes_back_as_edited() {
    let bytes = in_set("SHIFT_JIS", b"m\xFA\x54");
    let mut msg = Message::from_bytes(&bytes).unwrap();
    msg.set(path!("MSH-10"), "n").unwrap();
    assert!(Ack::to(&msg, AckCode::AA).build().to_wire().unwrap().ends_with(b"MSA|AA|n\r"));
}

#[test]
fn a_text_that_the_sender_s_set_does_not_have_keeps_no_acknowledgment_back() {
    let cases =
        [("8859/1", "zu gro\u{df}, \u{17e}", &b"zu gro\xDF, ?"[..]), ("ASCII", "na\u{ef}ve", b"na?ve")];
    for (label, text, written) in cases {
        for version in ["2.3", "2.5.1", "2.7"] {
            let bytes = String::from_utf8(in_set(label, b"m1")).unwrap().replace("2.5.1", version);
            let msg = Message::from_bytes(bytes.as_bytes()).unwrap();
            let ack = Ack::to(&msg, AckCode::AE)
                .error_at(ErrorCode::DataTypeError, path!("PID-1"), text)
                .text(text);
            let wire = ack.build().to_wire().unwrap();
            let found = wire.windows(written.len()).filter(|&part| part == written).count();
            assert_eq!(found, 2, "{label} {version}");
        }
    }
}

#[test]
fn an_acknowledgment_can_be_sent_also_where_msh_18_names_no_known_set() {
    let text = "MSH|^~\\&|L||||2026||ADT^A08|m1|P|2.5.1||||||KLINGON\rPID|1\r";
    let from_text = Message::parse(text).unwrap();
    let latin = ReadOptions::new().charset(Charset::Iso8859_1).read(text.as_bytes()).unwrap();
    for (msg, label) in [(from_text, None), (latin, Some("KLINGON"))] {
        let ack = Ack::to(&msg, AckCode::AA).build();
        assert!(ack.to_wire().unwrap().ends_with(b"MSA|AA|m1\r"));
        assert_eq!(ack.get(path!("MSH-18")).map(|value| value.raw()), label);
    }
}

#[test]
fn a_text_of_two_quotes_is_no_null_in_an_acknowledgment() {
    for er7 in ["MSH|^~\\&|L||||2026||ADT^A08|m1|P|2.5.1\r", "MSH|^~|L||||2026||ADT^A08|m1|P|2.5.1\r"] {
        let msg = Message::parse(er7).unwrap();
        let ack = Ack::to(&msg, AckCode::AE)
            .text("\"\"")
            .error_at(ErrorCode::DataTypeError, path!("PID-1"), "\"\"")
            .control_id("\"\"")
            .build();
        for path in [path!("MSA-3"), path!("ERR-8"), path!("MSH-10")] {
            let value = ack.get(path).unwrap();
            assert!(!value.is_null() && !value.is_empty(), "{path}");
        }
    }
}
