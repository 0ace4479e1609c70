//! The XML that HAPI made of real messages: ours has the same elements with the same text, and HAPI's is read as the message it was made of.

use hl7_core::dictionary::Dictionary;
use hl7_core::{Charset, Message, ReadOptions};
use quick_xml::Reader;
use quick_xml::events::Event;

use super::{Case, Exclusion, judge};
use crate::corpus;

const HAPI: &[Exclusion] = &[
    Exclusion {
        cases: &["ruby-hl7/test_data__lotsunknowns.hl7"],
        why: "2.5.2: HAPI names the tenth segment with an ID OMG10, and leaves out what is in it; the ID is OMG",
    },
    Exclusion {
        cases: &[
            "ssmix2-japan/sampleData__000__000__0000001__20000401__OMP-11__0000001_20000401_OMP-11_123456789012345_20110701113813225_01_1",
        ],
        why: "2.15.9.18: MSH-18 names ISO IR 87, whose escapes HAPI takes for text",
    },
    Exclusion {
        cases: &[
            "hl7tools-dotnet/src__HL7Tools.Tests__EvaluatorTests__HL7V2__sample-messages__MFN-M02_Provider_Master_File.txt",
        ],
        why: "8.5.3.4: the data type of MFE-4 is stated in MFE-5, which is empty; HAPI takes CE",
    },
    Exclusion {
        cases: &["efferent/benchmarks__Sample-Orm.txt"],
        why: "2.7.5: \\X0D\\ and \\X0A\\ are escape sequences; HAPI writes them as text",
    },
    Exclusion {
        cases: &["hl7tools-dotnet/src__HL7Tools.Tests__EvaluatorTests__HL7V2__sample-messages__RDE^O01.txt"],
        why: "2.3, 4.4.2: the second component of TQ has no data type of its own; HAPI calls it CM_RI, the later versions RI",
    },
];

#[test]
fn hapi_s_xml() {
    let Some(folder) = corpus::folder() else { return };
    let written = folder.join("expected/hapi-oracle");
    let table = std::fs::read_to_string(written.join("hapi-oracle.tsv")).unwrap();
    let mut cases = Vec::new();
    for row in table.lines().skip(1) {
        let columns: Vec<_> = row.split('\t').collect();
        if columns[5].is_empty() {
            continue;
        }
        let read = std::fs::read(folder.join(columns[0])).unwrap();
        let xml = std::fs::read_to_string(written.join("xml").join(columns[5])).unwrap();
        cases.push(Case { name: columns[0].to_owned(), outcome: as_hapi(&read, &xml) });
    }
    judge("HAPI, XML", &cases, HAPI);
}

fn as_hapi(read: &[u8], xml: &str) -> Result<(), String> {
    let latin1 = || ReadOptions::new().charset(Charset::from_label("8859/1").unwrap()).read(read);
    let msg = Message::from_bytes(read).or_else(|_| latin1()).map_err(|error| error.to_string())?;
    let dictionary = Dictionary::of_message(&msg);
    let known = |(path, text): (String, String)| Some((known(dictionary, &path)?, text));
    let ours: Vec<_> =
        leaves(&msg.to_xml().map_err(|error| error.to_string())?).into_iter().filter_map(known).collect();
    let theirs = leaves(xml);
    match ours.iter().zip(&theirs).position(|(ours, theirs)| ours != theirs) {
        Some(at) => {
            let around =
                |of: &[(String, String)]| format!("{:?}", &of[at.saturating_sub(1)..of.len().min(at + 3)]);
            Err(format!("{at} is {}\n    HAPI {}", around(&ours), around(&theirs)))
        }
        None if ours.len() != theirs.len() => Err(format!("{} values, of HAPI {}", ours.len(), theirs.len())),
        // What HAPI wrote is the same message.
        None => {
            let again = Message::from_xml(xml).map_err(|error| error.to_string())?;
            let again: Vec<_> = leaves(&again.to_xml().unwrap()).into_iter().filter_map(known).collect();
            if again == theirs { Ok(()) } else { Err("HAPI's XML is read as another message".to_owned()) }
        }
    }
}

/// The path as HAPI has it. It leaves out parts that the data type does not have, which a receiver may ignore (2.6.2); ours keeps them.
fn known(dictionary: Dictionary, path: &str) -> Option<String> {
    let mut names = path.split('/');
    let mut known = names.next()?.to_owned();
    for name in names {
        let (id, number) = name.split_once('.').unwrap();
        let number: usize = number.parse().unwrap();
        match dictionary.data_type(id) {
            Some(kind) if kind.is_primitive() && number == 1 => continue,
            Some(kind) if number > kind.components().len() => return None,
            _ => known += &format!("/{name}"),
        }
    }
    Some(known)
}

/// The segments, and the values in them: `PID.3/CX.4/HD.1` and its text. What is empty is left out.
fn leaves(xml: &str) -> Vec<(String, String)> {
    let mut reader = Reader::from_str(xml);
    reader.config_mut().expand_empty_elements = true;
    let (mut leaves, mut open, mut groups): (_, Vec<String>, Vec<String>) =
        (Vec::new(), Vec::new(), Vec::new());
    let mut text = String::new();
    loop {
        match reader.read_event().unwrap() {
            Event::Eof => return leaves,
            Event::Start(start) if start.local_name().as_ref() == "escape" => {
                text += &format!("<{}>", start.attributes().next().unwrap().unwrap().value);
                open.push(String::new());
            }
            Event::Start(start) => {
                let name = start.local_name().as_ref().to_owned();
                text.clear();
                let is_group = groups.first().is_none_or(|root| name.starts_with(&format!("{root}.")));
                if is_group {
                    groups.push(name);
                } else {
                    // HAPI leaves out lines that are no segment.
                    if open.is_empty() && name != "Z.line" {
                        leaves.push((name.clone(), String::new()));
                    }
                    open.push(name);
                }
            }
            Event::End(_) => match open.pop() {
                Some(escape) if escape.is_empty() => {}
                Some(name) => {
                    // HAPI leaves out space around a value and begins a line at each escape sequence, where space can mean something (2.A.75, ST).
                    let value = std::mem::take(&mut text)
                        .split_whitespace()
                        .collect::<Vec<_>>()
                        .join(" ")
                        .replace("> ", ">")
                        .replace(" <", "<");
                    if !value.is_empty() && name != "Z.line" {
                        let path = open.iter().skip(1).chain([&name]).cloned().collect::<Vec<_>>();
                        leaves.push((path.join("/"), value));
                    }
                }
                None => drop(groups.pop()),
            },
            Event::Text(more) => text += &more.xml10_content(),
            Event::GeneralRef(reference) => match reference.resolve_char_ref().unwrap() {
                Some(character) => text.push(character),
                None => {
                    text += quick_xml::escape::resolve_predefined_entity(&reference.into_inner()).unwrap()
                }
            },
            _ => {}
        }
    }
}
