//! Validation: each code is found where it is, real messages have few findings, and nothing of a message shows.

mod answer;
mod generated;
mod real;

use std::collections::BTreeSet;

use hl7_core::dictionary::Version;
use hl7_core::{FindingCode, Level, Message, Severity, Validation, validate};
use proptest::prelude::*;

const ADT: [&str; 4] = [
    "MSH|^~\\&|A|B|C|D|20260102||ADT^A08^ADT_A01|1|P|2.5.1",
    "EVN||20260102",
    "PID|1||7^^^H^MR||Doe^Ann||19840701|F",
    "PV1|1|I",
];

/// The usual message with other lines: one that starts like a usual one takes its place, any other stands at the end.
fn adt(changes: &[&str]) -> String {
    let mut lines = ADT.map(str::to_owned).to_vec();
    for change in changes {
        match lines.iter_mut().find(|line| line.get(..3) == change.get(..3) && change.len() > 3) {
            Some(line) => *line = (*change).to_owned(),
            None => lines.push((*change).to_owned()),
        }
    }
    lines.join("\r") + "\r"
}

/// Code, path and offset of each finding.
fn found(er7: &str, validation: &Validation) -> Vec<(String, String, usize)> {
    let msg = Message::parse(er7).unwrap();
    let shown = |path: Option<&hl7_core::Path>| path.map(ToString::to_string).unwrap_or_default();
    validate(&msg, validation)
        .iter()
        .map(|finding| (finding.code().to_string(), shown(finding.path()), finding.offset()))
        .collect()
}

/// Code, path, what stands where it was found, and the message.
type Case = (&'static str, &'static str, &'static str, String);

fn cases() -> Vec<Case> {
    let header = |message_type: &str, version: &str| {
        format!("MSH|^~\\&|A|B|C|D|20260102||{message_type}|1|P|{version}")
    };
    let without =
        |id: &str| ADT.iter().filter(|line| !line.starts_with(id)).map(|line| format!("{line}\r")).collect();
    let oru =
        format!("{}\rPID|1||7||Doe\rOBR|1|||K\rOBX|1|XX|K||5||||||F\r", header("ORU^R01^ORU_R01", "2.5.1"));
    let empty_oru = format!("{}\r", header("ORU^R01^ORU_R01", "2.5.1"));
    vec![
        ("V101", "", "lost text", adt(&["lost text"])),
        ("V102", "PID[1]-5[1].1.1", "Doe\\T", adt(&["PID|1||7||Doe\\T^Ann"])),
        ("V103", "MSH[1]-12[1].1", "2.z", adt(&[&header("ADT^A08^ADT_A01", "2.z")])),
        ("V201", "MSH[1]-9", "ADT^Z99", adt(&[&header("ADT^Z99^ADT_Z99", "2.5.1")])),
        ("V202", "TXA[1]", "TXA|1", adt(&["TXA|1|CN|AP||||||||||A1|||||LA"])),
        ("V203", "PV1[2]", "PV1|2|O", adt(&["PV1|1|I\rPV1|2|O"])),
        ("V204", "PD1[1]", "PD1|", adt(&["PD1||x"])),
        ("V205", "EVN[1]", "MSH", without("EVN")),
        ("V206", "OBR[1]", "MSH", empty_oru),
        ("V301", "PID[1]-5", "|", adt(&["PID|1||7^^^H^MR|||"])),
        ("V301", "PID[1]-5", "\r", adt(&["PID|1||7^^^H^MR"])),
        ("V302", "PID[1]-3[1].1", "^^^H", adt(&["PID|1||^^^H^MR||Doe"])),
        ("V303", "EVN[1]-1", "A08", { adt(&[&header("ADT^A08^ADT_A01", "2.7"), "EVN|A08|20260102"]) }),
        ("V304", "PV1[1]-55", "x", adt(&[&format!("PV1|1|I{}x", "|".repeat(53))])),
        ("V401", "PID[1]-7[2]", "19840702", adt(&["PID|1||7||Doe||19840701~19840702"])),
        ("V501", "PID[1]-7[1].1", "May", adt(&["PID|1||7||Doe||May"])),
        ("V501", "PID[1]-1[1]", "one", adt(&["PID|one||7||Doe"])),
        ("V502", "OBX[1]-2[1]", "XX", oru),
        ("V503", "PID[1]-1[1].2", "2", adt(&["PID|1^2||7||Doe"])),
        ("V503", "PID[1]-3[2].11", "x", adt(&["PID|1||7~8^^^^^^^^^^x||Doe"])),
        ("V503", "PID[1]-5[1].2.2", "x", adt(&["PID|1||7||Doe^Ann&x"])),
        (
            "V601",
            "MSH[1]-10[1]",
            "123456789012345678901",
            adt(&["MSH|^~\\&|A|B|C|D|20260102||ADT^A08^ADT_A01|123456789012345678901|P|2.5.1"]),
        ),
        ("V701", "PID[1]-3[1].3", "XXX", adt(&["PID|1||7^1^XXX^H^MR||Doe"])),
        ("V702", "PID[1]-8[1]", "X", adt(&["PID|1||7||Doe|||X"])),
    ]
}

#[test]
fn the_usual_message_has_no_findings() {
    assert_eq!(found(&adt(&[]), &Validation::new()), []);
    for version in Version::ALL.into_iter().filter(|version| *version >= Version::V2_3_1) {
        assert!(
            validate(&Message::parse(&adt(&[])).unwrap(), &Validation::new().version(version)).is_valid()
        );
    }
}

#[test]
fn each_code_is_found_at_its_place_and_by_its_level_alone() {
    let mut codes = BTreeSet::new();
    for (code, path, starts, er7) in cases() {
        let all = found(&er7, &Validation::new());
        let it = all.iter().find(|(found, at, _)| (found.as_str(), at.as_str()) == (code, path));
        let (_, _, offset) = it.unwrap_or_else(|| panic!("{code} at {path}: {all:?}"));
        assert!(er7[*offset..].starts_with(starts), "{code}: {:?}", &er7[*offset..]);
        let known = FindingCode::ALL.into_iter().find(|known| known.as_str() == code).unwrap();
        let alone = found(&er7, &Validation::new().levels([known.level()]));
        assert_eq!(alone, all.into_iter().filter(|(found, ..)| found[..2] == code[..2]).collect::<Vec<_>>());
        codes.insert(known);
    }
    let of_standard = FindingCode::ALL.into_iter().filter(|code| !code.is_of_profile());
    assert!(codes.into_iter().eq(of_standard));
}

#[test]
fn every_code_is_documented_as_it_is() {
    let source = include_str!("../../src/validate/finding.rs");
    for code in FindingCode::ALL {
        let severity = if code == FindingCode::Rule { "as stated" } else { code.severity().name() };
        let row = format!("/// | {code} | {} | {severity} |", code.level());
        assert!(source.contains(&row), "{row}");
    }
}

#[test]
fn no_level_finds_nothing() {
    for (.., er7) in cases() {
        assert_eq!(found(&er7, &Validation::new().levels([])), []);
    }
}

#[test]
fn a_message_of_an_unknown_structure_is_checked_field_by_field() {
    let er7 = "MSH|^~\\&|A|B|C|D|20260102||ZZZ^Z01^ZZZ_Z01|1|P|2.5.1\rPID|x||7||Doe\rZPD|anything\r";
    let codes: Vec<_> = found(er7, &Validation::new()).into_iter().map(|(code, ..)| code).collect();
    assert_eq!(codes, ["V201", "V701", "V701", "V701", "V501"]);
}

#[test]
fn the_type_of_obx_5_is_that_of_obx_2() {
    let numeric = |kind: &str| {
        let er7 = format!(
            "MSH|^~\\&|A|B|C|D|2026||ORU^R01^ORU_R01|1|P|2.5.1\rPID|1||7||Doe\rOBR|1|||K\rOBX|1|{kind}|K||high||||||F\r"
        );
        found(&er7, &Validation::new().levels([Level::Type])).len()
    };
    assert_eq!([numeric("NM"), numeric("ST"), numeric("CE"), numeric("")], [1, 0, 0, 0]);
}

#[test]
fn null_is_a_value() {
    let er7 = adt(&["PID|1||7^^^H^MR||\"\"||\"\"|\"\""]);
    assert_eq!(found(&er7, &Validation::new()), []);
}

#[test]
fn the_version_may_be_the_caller_s() {
    let er7 = adt(&["EVN|A08|20260102"]);
    assert_eq!(found(&er7, &Validation::new()), []);
    let newer = found(&er7, &Validation::new().version(Version::V2_7).levels([Level::Usage]));
    assert_eq!(newer[0].0, "V303");
}

#[test]
fn findings_behind_the_limit_are_counted() {
    let lines: String = (0..50).map(|_| "lost text\r").collect();
    let er7 = adt(&[]) + &lines;
    let msg = Message::parse(&er7).unwrap();
    let findings = validate(&msg, &Validation::new().limit(7));
    assert_eq!((findings.len(), findings.more()), (7, 43));
    let none = validate(&msg, &Validation::new().limit(0));
    assert_eq!((none.len(), none.more(), none.worst()), (0, 50, Some(Severity::Error)));
    assert!(!none.is_valid());
}

#[test]
fn nothing_of_a_message_shows() {
    for (.., er7) in cases() {
        let er7 = er7.replace("Doe", "CANARY").replace("lost text", "CANARY text").replace("XXX", "CANARY");
        let msg = Message::parse(&er7).unwrap();
        let findings = validate(&msg, &Validation::new());
        let mut shown = format!("{findings:?}");
        findings.iter().for_each(|finding| shown += &format!("{finding} {}", finding.text()));
        assert!(!shown.contains("CANARY"), "{shown}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_message_is_validated_and_every_offset_is_in_it(
        lines in proptest::collection::vec("(MSH|PID|OBX|OBR|EVN|ZZZ|[A-Z]{2}.)[|^~&\\\\\"A-Z0-9é]{0,60}", 0..12),
        version in "2\\.[1-8]",
    ) {
        let er7 = format!("MSH|^~\\&|A|B|C|D|2026||ORU^R01|1|P|{version}\r{}\r", lines.join("\r"));
        if let Ok(msg) = Message::parse(&er7) {
            for finding in validate(&msg, &Validation::new()) {
                prop_assert!(er7.is_char_boundary(finding.offset()));
                if let Some(path) = finding.path() {
                    prop_assert_eq!(path.to_string().parse::<hl7_core::Path>().unwrap(), *path);
                }
            }
        }
    }
}
