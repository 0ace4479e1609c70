//! The groups of hl7apy and of HAPI.

use hl7_core::{Charset, Member, Message, ReadOptions, SegmentGroup};
use serde_json::Value as Json;

use super::{Case, Exclusion, judge, recorded, same, text};
use crate::corpus;

const HL7APY: &[Exclusion] = &[
    Exclusion {
        cases: &["0", "19", "41", "122"],
        why: "2.5, 4.4.8 (OML^O33): in ORDER_PRIOR the TQ1 stands behind the OBR, in ORDER before it: an ORC and a TQ1 start an order",
    },
    Exclusion { cases: &["107"], why: "2.11: a message of a local structure keeps its segments" },
];

const HAPI: &[Exclusion] = &[
    Exclusion {
        cases: &[
            "hapi-literals/DefaultHapiContextTest.java.L176.hl7",
            "hapi-literals/EscapeTest.java.L114.hl7",
            "ms-fhir-converter/data__SampleData__Hl7v2__MDHHS-OML-O21-1.hl7",
            "ms-fhir-converter/data__SampleData__Hl7v2__ORU-R01-01.hl7",
            "ipf/modules__hl7-kotlin__src__test__resources__msg-03.hl7",
            "rethinkhealth/qa__fixtures__siu-s12-schedule.hl7",
        ],
        why: "2.12: what a structure requires is missing (MRG, PID, ORC, OBR, RGS): what belongs behind it still stands in its group",
    },
    Exclusion {
        cases: &["ruby-hl7/test_data__lotsunknowns.hl7"],
        why: "2.5.2: HAPI names the tenth segment with an ID OMG10; the ID is OMG",
    },
];

#[test]
fn hl7apy_s_group_trees() {
    let Some(file) = recorded("hl7apy-parse-structure.json") else { return };
    let grouped = |case: &Json| {
        let by_structure = !case["args"].to_string().contains("find_groups=False");
        text(case, "op") == "parse_message" && case["tree"].is_object() && by_structure
    };
    let case = |(index, case): (usize, &Json)| Case { name: index.to_string(), outcome: as_hl7apy(case) };
    let cases = file.as_array().unwrap().iter().enumerate().filter(|(_, it)| grouped(it)).map(case);
    judge("hl7apy, groups", &cases.collect::<Vec<_>>(), HL7APY);
}

fn as_hl7apy(case: &Json) -> Result<(), String> {
    let msg = Message::parse(text(case, "input")).map_err(|error| error.to_string())?;
    let groups = msg.groups();
    let (name, tree) = case["tree"].as_object().unwrap().iter().next().unwrap();
    same(&shown(groups.root()), &of_json(name, tree, name))
}

/// `ORU_R01(MSH PATIENT_RESULT(PID))`, of a tree in JSON, where groups have the name of the structure in front.
fn of_json(name: &str, tree: &Json, structure: &str) -> String {
    let own = name.strip_prefix(structure).and_then(|name| name.strip_prefix('_'));
    let name = if name == "None" { "" } else { own.unwrap_or(name) };
    let parts = tree.as_array().unwrap().iter().map(|part| match part {
        Json::String(id) => id.clone(),
        group => {
            let (name, tree) = group.as_object().unwrap().iter().next().unwrap();
            of_json(name, tree, structure)
        }
    });
    format!("{name}({})", parts.collect::<Vec<_>>().join(" "))
}

fn shown(group: SegmentGroup<'_>) -> String {
    let parts = group.members().filter_map(|member| match member {
        Member::Segment(segment) => segment.has_valid_id().then(|| segment.id().to_owned()),
        Member::Group(group) => Some(shown(group)),
        _ => unreachable!(),
    });
    format!("{}({})", group.name(), parts.collect::<Vec<_>>().join(" "))
}

#[test]
fn hapi_s_group_trees() {
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
    judge("HAPI, groups", &cases, HAPI);
}

fn as_hapi(read: &[u8], xml: &str) -> Result<(), String> {
    // Which characters a value has does not matter here.
    let latin1 = || ReadOptions::new().charset(Charset::from_label("8859/1").unwrap()).read(read);
    let msg = Message::from_bytes(read).or_else(|_| latin1()).map_err(|error| error.to_string())?;
    let expected = of_xml(xml);
    // The XML schemas of 2.3.1 name some groups by all their segments: of those only the shape is compared.
    let unnamed =
        expected.split('(').any(|name| name.len() > 5 && is_joined(name.rsplit(' ').next().unwrap()));
    let found = inside(&shown(msg.groups().root()), unnamed);
    same(&found, &inside(&expected, unnamed))
}

fn is_joined(name: &str) -> bool {
    name.len() >= 6
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && name.len().is_multiple_of(3)
        && SEGMENTS.contains(&&name[..3])
}

const SEGMENTS: [&str; 6] = ["PID", "PV1", "ORC", "OBR", "OBX", "PRB"];

/// A tree without the name of its structure, which HAPI takes from the event, without choices, which HAPI does not show in each version, and
/// without names of groups where those are joined ones.
fn inside(tree: &str, unnamed: bool) -> String {
    let mut open = Vec::new();
    let mut text = String::new();
    for token in tree.split_inclusive(['(', ')', ' ']) {
        let name = token.trim_end_matches(['(', ')', ' ']);
        if token.ends_with('(') {
            let choice = name == "CHOICE" || name.ends_with("_SUPPGRP");
            open.push(choice);
            match (choice, unnamed || open.len() == 1) {
                (true, _) => {}
                (false, true) => text += "(",
                (false, false) => text += &format!("{name}("),
            }
            continue;
        }
        text += name;
        match token.ends_with(')') {
            true if open.pop() == Some(true) => {}
            true => text += ")",
            false => text += " ",
        }
    }
    text.replace(" )", ")")
}

/// The groups and segments of an XML message: elements with a point in the name are values, but for groups, and a segment has none inside.
fn of_xml(xml: &str) -> String {
    let mut shown = String::new();
    let mut structure = String::new();
    for tag in xml.split('<').skip(1) {
        let name = tag.split(['>', ' ', '/', '\n']).next().unwrap();
        let (closing, name) = match tag.strip_prefix('/') {
            Some(rest) => (true, rest.split('>').next().unwrap()),
            None => (false, name),
        };
        if name.starts_with('?') || name.is_empty() {
            continue;
        }
        let own = name.split_once('.').map(|(_, own)| own);
        if structure.is_empty() {
            structure = name.to_owned();
            shown += &format!("{name}(");
        } else if name == structure {
            shown.truncate(shown.trim_end().len());
            shown.push(')');
        } else if let Some(own) = own.filter(|_| name.starts_with(&format!("{structure}."))) {
            if closing {
                shown.truncate(shown.trim_end().len());
                shown += ") ";
            } else {
                shown += &format!("{own}(");
            }
        } else if own.is_none() && !closing && name.len() == 3 {
            shown += &format!("{name} ");
        }
    }
    shown
}
