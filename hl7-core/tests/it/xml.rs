//! HL7 v2 XML, both ways.

mod attacks;

use hl7_core::dictionary::{Dictionary, Version};
use hl7_core::{Message, ReadOptions, XmlPlace};
use proptest::prelude::*;

use crate::corpus;

/// A place, its text, and whether it is null.
type Place = ([u32; 5], String, bool);

/// What a message says: its segments, and each place that is not empty.
fn content(msg: &Message<'_>) -> (Vec<String>, Vec<Place>) {
    let ids = msg.iter().map(|segment| segment.id().to_owned()).collect();
    let leaf = |leaf: hl7_core::Leaf<'_>| {
        let place = [leaf.segment, leaf.field, leaf.repetition, leaf.component, leaf.subcomponent];
        (place, leaf.value.text().into_owned(), leaf.value.is_null())
    };
    (ids, msg.leaves().filter(|leaf| !leaf.value.is_empty()).map(leaf).collect())
}

#[track_caller]
fn comes_back(msg: &Message<'_>) {
    let xml = msg.to_xml().unwrap();
    let again = Message::from_xml(&xml).unwrap();
    assert_eq!(content(&again), content(msg));
    let xml = again.to_xml().unwrap();
    assert_eq!(content(&Message::from_xml(&xml).unwrap()), content(msg));
}

#[test]
fn every_message_of_the_corpus_comes_back() {
    let (mut same, mut lines) = (0, 0);
    let present = corpus::each_file(|name, file| {
        for bytes in corpus::messages_of(file) {
            let Ok(msg) = Message::from_bytes(&bytes) else { continue };
            let xml = msg.to_xml().unwrap_or_else(|error| panic!("{name}: {error}"));
            let again = Message::from_xml(&xml).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(content(&again) == content(&msg), "{name}");
            same += 1;
            lines += usize::from(msg.iter().any(|segment| !segment.has_valid_id()));
        }
    });
    if present {
        let report =
            format!("XML: {same} messages come back, {lines} of them with lines that are no segment\n");
        let _ = std::io::Write::write_all(&mut std::io::stderr(), report.as_bytes());
        assert!(same > 2000 && lines > 10, "{report}");
    }
}

/// A message with every segment of the dictionary, and a value in every component of every field, of a version.
fn full(version: Version) -> String {
    let mut text = format!("MSH|^~\\&|A|B|C|D|20260101||ZZZ|1|P|{version}\r");
    for segment in Dictionary::of(version).segments().filter(|segment| segment.id() != "MSH") {
        text += segment.id();
        for field in segment.fields() {
            let components = field.data_type().into_iter().flat_map(|kind| kind.components());
            let parts: Vec<_> = components
                .map(|part| {
                    let parts = part.data_type().map_or(0, |kind| kind.components().len()).max(1);
                    (1..=parts).map(|n| format!("s{n}")).collect::<Vec<_>>().join("&")
                })
                .collect();
            text.push('|');
            text += &if parts.is_empty() { "v".to_owned() } else { parts.join("^") };
        }
        text.push('\r');
    }
    text
}

#[test]
fn every_structure_and_every_segment_comes_back() {
    for version in Version::ALL {
        comes_back(&Message::parse(&full(version)).unwrap());
        for structure in Dictionary::of(version).structures() {
            let mut ids = Vec::new();
            all_segments(structure.root(), &mut ids);
            let lines: String = ids.iter().map(|id| format!("{id}|1|a^b&c~\"\"\r")).collect();
            let header = format!("MSH|^~\\&|A|B|C|D|20260101||A^B^{}|1|P|{version}\r", structure.name());
            let text = header + &lines;
            let msg = Message::parse(&text).unwrap();
            let xml = msg.to_xml().unwrap();
            assert!(xml.contains(&format!("<{} xmlns=\"urn:hl7-org:v2xml\">", structure.name())));
            let again = Message::from_xml(&xml).unwrap();
            assert_eq!(again.as_er7(), text, "{version} {}", structure.name());
        }
    }
}

fn all_segments(group: hl7_core::dictionary::Group, ids: &mut Vec<&'static str>) {
    for part in group.parts() {
        match part.group() {
            Some(inner) => all_segments(inner, ids),
            None if part.is_open() => ids.push("ZZZ"),
            None if part.name() != "MSH" => ids.push(part.name()),
            None => {}
        }
    }
}

#[test]
fn values_are_written_as_the_encoding_syntax_says() {
    let text = "MSH|^~\\&|LAB|||D|2026||ORU^R01^ORU_R01|m<1>|P|2.5.1\rPID|1||7^^^H&1.2&ISO^MR~~8|\"\"|\rOBR|1||||\rOBX|1|CE|x||a^b||\\.br\\|\\H\\b\\N\\\u{1}|\t\\T\\ \\X0D\\ 50\\ \rZZ1|a^b&c|d\rNTE\r";
    let xml = Message::parse(text).unwrap().to_xml().unwrap();
    for expected in [
        "<ORU_R01 xmlns=\"urn:hl7-org:v2xml\">\n  <MSH>\n    <MSH.1>|</MSH.1>\n    <MSH.2>^~\\&amp;</MSH.2>\n",
        "<MSH.10>m&lt;1&gt;</MSH.10>",
        "<ORU_R01.PATIENT_RESULT>\n    <ORU_R01.PATIENT>\n      <PID>\n        <PID.1>1</PID.1>\n        <PID.3>\n",
        "<CX.4>\n            <HD.1>H</HD.1>\n            <HD.2>1.2</HD.2>",
        "</PID.3>\n        <PID.3/>\n        <PID.3>\n          <CX.1>8</CX.1>\n",
        "<PID.4>\n          <CX.1>\"\"</CX.1>".replace('"', "&quot;").as_str(),
        "<OBX.5>\n            <CE.1>a</CE.1>\n            <CE.2>b</CE.2>",
        "<OBX.7><escape V=\".br\"/></OBX.7>",
        "<OBX.8><escape V=\"H\"/>b<escape V=\"N\"/><escape V=\"X01\"/></OBX.8>",
        "<OBX.9>&#9;&amp; <escape V=\"X0D\"/> 50\\ </OBX.9>",
        "<UNKNOWN.2>\n              <UNKNOWN.1>b</UNKNOWN.1>\n              <UNKNOWN.2>c</UNKNOWN.2>",
        "<NTE/>\n",
    ] {
        assert!(xml.contains(expected), "{expected}\n{xml}");
    }
}

#[test]
fn xml_of_other_programs_is_read_by_its_numbers() {
    for namespace in ["", " xmlns='urn:hl7-org:v2xml'"] {
        let xml = format!(
            "\n<!-- c --><?xml-stylesheet href='a'?><ADT_A05{namespace}>\n<MSH><MSH.1>|</MSH.1><MSH.2>^~\\&amp;</MSH.2>
             <MSH.9><CM_MSG.1>ADT</CM_MSG.1><CM_MSG.2><![CDATA[A<8]]></CM_MSG.2></MSH.9></MSH>
             <ADT_A05.G><PID xsi:x='1'><PID.3>
               </PID.3><PID.5><XPN.1>O&apos;Brien &#x26; Sons</XPN.1></PID.5><PID.8> </PID.8><PID.9>
                 a <escape V='.br'/>
                 b</PID.9></PID></ADT_A05.G></ADT_A05><!-- end -->"
        );
        let msg = Message::from_xml(&xml).unwrap();
        let expected = "MSH|^~\\&|||||||ADT^A<8\rPID|||||O'Brien \\T\\ Sons||| |a \\.br\\b\r";
        assert_eq!(msg.as_er7(), expected, "the namespace may be missing, names and layout do not matter");
    }
    let prefixed = "<h:ACK xmlns:h='urn:hl7-org:v2xml'><h:MSH><h:MSH.3>A</h:MSH.3></h:MSH></h:ACK>";
    assert_eq!(Message::from_xml(prefixed).unwrap().as_er7(), "MSH|^~\\&|A\r");
}

#[test]
fn what_is_no_message_is_refused_with_a_code_and_a_place() {
    let message = |inside: &str| {
        format!("<ACK><MSH><MSH.1>|</MSH.1><MSH.2>^~\\&amp;</MSH.2><MSH.3>A</MSH.3></MSH>\n{inside}</ACK>")
    };
    let short = |inside: &str| format!("<ACK><MSH><MSH.1>|</MSH.1><MSH.2>^</MSH.2></MSH>\n{inside}</ACK>");
    let deep = "<G.A>".repeat(40) + &"</G.A>".repeat(40);
    let cases = [
        ("", "C301", 1),
        ("MSH|^~\\&|A", "C301", 1),
        ("<ACK>", "C301", 1),
        ("<ACK><MSH></ACK>", "C301", 1),
        (&(message("") + "<more/>"), "C301", 2),
        (&(message("") + "text"), "C301", 2),
        (&message("<PID a=1>"), "C301", 2),
        ("<!DOCTYPE ACK [<!ENTITY a 'b'>]><ACK/>", "C302", 1),
        (&message("<PID><PID.3>&a;</PID.3></PID>"), "C302", 2),
        ("<ACK/>", "C303", 1),
        ("<ACK><PID/></ACK>", "C303", 1),
        ("<html xmlns='http://www.w3.org/1999/xhtml'><MSH/></html>", "C303", 1),
        (&message("<patient/>"), "C304", 2),
        (&message("<PID><PV1.3/></PID>"), "C304", 2),
        (&message("<PID><PID.0/></PID>"), "C304", 2),
        ("<ACK><MSH><MSH.0/></MSH></ACK>", "C304", 1),
        (&message("<BHS><BHS.0/></BHS>"), "C304", 2),
        (&message("<PID><PID.1000/></PID>"), "C304", 2),
        (&message("<PID><PID.3><a/></PID.3></PID>"), "C304", 2),
        (&message("<PID><PID.3><CX.1><X.1><Y.2/></X.1></CX.1></PID.3></PID>"), "C304", 2),
        (&message("<PID><PID.3/><PID.2/></PID>"), "C305", 2),
        (&message("<PID><PID.3><CX.1/><CX.1/></PID.3></PID>"), "C305", 2),
        (&message("<PID><PID.3>a<CX.1/></PID.3></PID>"), "C306", 2),
        (&message("<PID><PID.3><CX.1/>a</PID.3></PID>"), "C306", 2),
        (&message("<PID>a</PID>"), "C306", 2),
        (&message("<PID><PID.3><escape/></PID.3></PID>"), "C307", 2),
        (&message("<PID><PID.3><escape V='a|b'/></PID.3></PID>"), "C307", 2),
        (&message("<PID><PID.3><escape V='Z&#13;'/></PID.3></PID>"), "C307", 2),
        (&message(&deep), "C308", 2),
        ("<ACK><MSH><MSH.1>||</MSH.1></MSH></ACK>", "C310", 1),
        ("<ACK><MSH><MSH.2>abc</MSH.2></MSH></ACK>", "C310", 1),
        ("<ACK><MSH><MSH.3>a</MSH.3><MSH.1>|</MSH.1></MSH></ACK>", "C310", 1),
        (&short("<PID><PID.3>a|b</PID.3></PID>"), "C311", 2),
        (&short("<PID><PID.3/><PID.3/></PID>"), "C311", 2),
        (&short("<PID><PID.3><CX.1><H.1/><H.2/></CX.1></PID.3></PID>"), "C311", 2),
        (&message("<MSH><MSH.1>|</MSH.1><MSH.2>^~\\&amp;</MSH.2></MSH>"), "C313", 2),
    ];
    for (xml, code, line) in cases {
        let error = Message::from_xml(xml).expect_err(xml);
        let XmlPlace::Text { line: found, offset, .. } = error.place() else { panic!("{error:?}") };
        assert_eq!((error.code(), found), (code, line), "{xml}: {error}");
        assert!(offset <= xml.len() && !error.suggestion().is_empty() && error.to_string().starts_with(code));
    }
}

#[test]
fn small_texts_do_not_become_large_messages() {
    let many = "<PID><PID.999/></PID>".repeat(200);
    let xml = format!("<ACK><MSH/>{many}</ACK>");
    let error = ReadOptions::new().max_bytes(100_000).read_xml(&xml).unwrap_err();
    assert_eq!(error.code(), "C309");
    assert!(ReadOptions::new().max_bytes(300_000).read_xml(&xml).is_ok());
    let error = ReadOptions::new().max_segments(100).read_xml(&xml).unwrap_err();
    assert_eq!(error.code(), "C313");
    let laughs =
        "<!DOCTYPE a [<!ENTITY a 'ha'><!ENTITY b '&a;&a;&a;'>]><ACK><MSH><MSH.3>&b;</MSH.3></MSH></ACK>";
    assert_eq!(Message::from_xml(laughs).unwrap_err().code(), "C302");
    let outside =
        "<!DOCTYPE a [<!ENTITY a SYSTEM 'file:///etc/hostname'>]><ACK><MSH><MSH.3>&a;</MSH.3></MSH></ACK>";
    assert_eq!(Message::from_xml(outside).unwrap_err().code(), "C302");
}

#[test]
fn a_line_that_only_begins_like_a_header_comes_back() {
    comes_back(&Message::parse("MSH|^~&;\\|A&H\\&b|&.sk2&\r").unwrap());
    comes_back(&Message::parse("MSH|^|O&|A|\t\t%|\u{7f}b\r").unwrap());
    comes_back(&Message::parse("MSH|}^\\||A\rMSH|PID^x|A|B\rMSH\rMSH|\rBHS||b\rBHS|a^b|c\r").unwrap());
}

#[test]
fn bytes_are_read_by_their_mark_or_declaration() {
    let xml = |encoding: &str| {
        format!("<?xml version='1.0' encoding='{encoding}'?><A><MSH><MSH.3>\u{e9}</MSH.3></MSH></A>")
    };
    let latin: Vec<u8> = xml("ISO-8859-1").chars().map(|c| u8::try_from(c).unwrap()).collect();
    let utf16: Vec<u8> = xml("UTF-16").encode_utf16().flat_map(u16::to_le_bytes).collect();
    for bytes in [
        xml("utf-8").into_bytes(),
        ["\u{FEFF}".as_bytes(), xml("UTF-8").as_bytes()].concat(),
        xml("").replace(" encoding=''", "").into_bytes(),
        latin,
        [b"\xFF\xFE".to_vec(), utf16].concat(),
    ] {
        assert_eq!(Message::from_xml_bytes(&bytes).unwrap().as_er7(), "MSH|^~\\&|\u{e9}\r");
    }
    for (bytes, line, column) in [
        (xml("no-such-set").into_bytes(), 1, 1),
        (b"\xFE\xFF\xD8".to_vec(), 1, 1),
        (b"<?xml encoding='".to_vec(), 1, 1),
        (b"<A>\n <MSH>\xFF".to_vec(), 2, 7),
    ] {
        let error = Message::from_xml_bytes(&bytes).unwrap_err();
        let XmlPlace::Text { line: l, column: c, .. } = error.place() else { panic!("{error:?}") };
        assert_eq!((error.code(), l, c), ("C317", line, column));
    }
    assert_eq!(Message::from_xml_bytes(b"").unwrap_err().code(), "C301");
}

#[test]
fn a_cut_value_stays_one() {
    let er7 = "MSH|^~\\&#|A\rNTE|1||cut#|a\\P\\b\rZAA|#~\\P\\\r";
    let xml = Message::parse(er7).unwrap().to_xml().unwrap();
    assert!(xml.contains("cut#<") && xml.contains("a<escape V=\"P\"/>b"), "{xml}");
    assert_eq!(Message::from_xml(&xml).unwrap().as_er7(), er7);
}

#[test]
fn what_was_replaced_when_it_was_read_is_not_written() {
    let options = ReadOptions::new().undecodable(hl7_core::Undecodable::Replace);
    let msg = options.read(b"MSH|^~\\&|A\rPID|\xFF\r").unwrap();
    let error = msg.to_xml().unwrap_err();
    assert_eq!((error.code(), error.place()), ("C316", XmlPlace::Segment(2)));
    assert!(Message::parse("MSH|^~\\&|A\rPID|\u{FFFD}\r").unwrap().to_xml().is_ok());
}

#[test]
fn lines_that_are_no_segment_come_back_as_they_were() {
    let er7 = "MSH|^~\\&|A||||2026||ORU^R01^ORU_R01|1|P|2.5.1\rPID|1\rpid|2^\\F\\<&\u{1C}\u{FFFF}\t\\X1C\\\r  \r|x|\rOBR|4\r\u{1C}\r";
    let xml = Message::parse(er7).unwrap().to_xml().unwrap();
    for expected in [
        "<Z.line>pid|2^\\F\\&lt;&amp;<escape V=\"X1C\"/><escape V=\"XEFBFBF\"/>&#9;\\X1C\\</Z.line>\n",
        "<Z.line>  </Z.line>\n      <Z.line>|x|</Z.line>\n    </ORU_R01.PATIENT>\n",
        "<Z.line><escape V=\"X1C\"/></Z.line>",
    ] {
        assert!(xml.contains(expected), "{expected}\n{xml}");
    }
    assert_eq!(Message::from_xml(&xml).unwrap().as_er7(), er7);
    let line = |inside: &str| Message::from_xml(&format!("<A><MSH/><Z.line>{inside}</Z.line></A>"));
    assert_eq!(line("\n    a b\n  ").unwrap().as_er7(), "MSH|^~\\&\ra b\r");
    for (inside, code) in [
        ("PID|1", "C304"),
        ("MSH|^~\\&amp;|B", "C304"),
        ("", "C304"),
        ("a\nb", "C304"),
        ("<PID/>", "C304"),
        ("<escape V='X0D'/>", "C307"),
        ("<escape V='X41'/>", "C307"),
        ("<escape V='X1C1C'/>", "C307"),
        ("<escape V='X1'/>", "C307"),
        ("<escape V='X+1'/>", "C307"),
        ("<escape V='\u{e9}\u{e9}'/>", "C307"),
        ("<escape V='X\u{e9}1'/>", "C307"),
        ("<escape/>", "C307"),
    ] {
        assert_eq!(line(inside).unwrap_err().code(), code, "{inside}");
    }
    assert_eq!(Message::from_xml("<A><Z.line>a</Z.line><MSH/></A>").unwrap_err().code(), "C303");
}

#[test]
fn what_xml_cannot_hold_is_refused() {
    let msg = Message::parse("MSH|^~|\u{1}\r").unwrap();
    let error = msg.to_xml().unwrap_err();
    assert_eq!((error.code(), error.place()), ("C311", XmlPlace::Segment(1)));
    let msg = Message::parse("MSH|^~\\&|A\rFHS|a\u{1}|b\r").unwrap();
    assert_eq!(msg.to_xml().unwrap_err().code(), "C311");
    let many = |count| format!("MSH|^~\\&|A\rPID|{}x\rZAA|{}x\r", "^".repeat(count), "|".repeat(count));
    comes_back(&Message::parse(&many(998)).unwrap());
    let error = Message::parse(&many(999)).unwrap().to_xml().unwrap_err();
    assert_eq!((error.code(), error.place()), ("C315", XmlPlace::Segment(2)));
}

proptest! {
    #[test]
    fn any_value_in_any_place_comes_back(
        values in prop::collection::vec("[ -~\u{e9}\u{1f600}\u{1}\t]{0,12}", 1..12),
        ids in prop::collection::vec(prop::sample::select(vec!["PID", "OBX", "ZZ1", "NTE", "MRG", "OBR"]), 1..6),
        version in prop::sample::select(Version::ALL.to_vec()),
    ) {
        let lines: String = ids.iter().map(|id| format!("{id}|{}\r", values.join("|"))).collect();
        let text = format!("MSH|^~\\&|A|B|C|D|20260101||ORU^R01|1|P|{version}\r{lines}");
        comes_back(&Message::parse(&text).unwrap());
    }

    #[test]
    fn any_text_is_read_or_refused(xml in "(<|>|/|=|'|&|;|!|\\[|\\?|-| |ACK|MSH|PID|\\.[0-9]|escape|V|\\||a|xmlns|\n){0,60}") {
        let _ = Message::from_xml(&xml);
        let _ = Message::from_xml(&format!("<ACK><MSH/><PID>{xml}</PID></ACK>"));
    }

    #[test]
    fn any_bytes_are_read_or_refused(
        start in prop::sample::select(vec![&b""[..], b"\xFF\xFE", b"\xFE\xFF", b"\xEF\xBB\xBF", b"<?xml encoding='", b"<?xml encoding='SHIFT_JIS'?><A>"]),
        bytes in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        if let Err(error) = Message::from_xml_bytes(&[start, bytes.as_slice()].concat()) {
            prop_assert!(error.to_string().starts_with(error.code()));
        }
    }
}
