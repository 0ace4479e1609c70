//! Groups: every segment once, in its group, and found by its path.

mod generated;

use hl7_core::dictionary::{Dictionary, Version};
use hl7_core::{GroupPath, GroupPathError, Groups, Member, Message, Misplaced, SegmentGroup};

/// A message of 2.5.1 of `event` with these segments behind MSH, each with its place in MSH-1 order as field 1.
fn message(event: &str, segments: &str) -> String {
    let header = format!("MSH|^~\\&|A|B|C|D|20260101||{event}|1|P|2.5.1\r");
    let lines =
        segments.split_whitespace().enumerate().map(|(at, id)| format!("{id}|{}|x{}\r", at + 1, at + 1));
    header + &lines.collect::<String>()
}

/// `ORU_R01(MSH PATIENT_RESULT(PID))`.
fn shown(group: SegmentGroup<'_>) -> String {
    let members = group.members().map(|member| match member {
        Member::Segment(segment) => segment.id().to_owned(),
        Member::Group(group) => shown(group),
        _ => unreachable!(),
    });
    format!("{}({})", group.name(), members.collect::<Vec<_>>().join(" "))
}

fn misplaced(groups: &Groups<'_>) -> Vec<(usize, Misplaced)> {
    groups.misplaced().collect()
}

#[test]
fn segments_stand_in_the_groups_of_their_structure() {
    let cases = [
        (
            "ORU^R01^ORU_R01",
            "PID NTE PV1 ORC OBR NTE OBX NTE OBX SPM OBX OBR OBX PID OBR",
            "ORU_R01(MSH PATIENT_RESULT(PATIENT(PID NTE VISIT(PV1)) \
             ORDER_OBSERVATION(ORC OBR NTE OBSERVATION(OBX NTE) OBSERVATION(OBX) SPECIMEN(SPM OBX)) \
             ORDER_OBSERVATION(OBR OBSERVATION(OBX))) PATIENT_RESULT(PATIENT(PID) ORDER_OBSERVATION(OBR)))",
        ),
        (
            "ADT^A01^ADT_A01",
            "EVN PID PD1 ROL NK1 PV1 PV2 ROL OBX AL1 DG1 PR1 ROL PR1 IN1 IN2 ROL IN1 ACC",
            "ADT_A01(MSH EVN PID PD1 ROL NK1 PV1 PV2 ROL OBX AL1 DG1 PROCEDURE(PR1 ROL) PROCEDURE(PR1) \
             INSURANCE(IN1 IN2 ROL) INSURANCE(IN1) ACC)",
        ),
        (
            "ORM^O01^ORM_O01",
            "PID PV1 ORC OBR NTE OBX ORC RXO ORC",
            "ORM_O01(MSH PATIENT(PID PATIENT_VISIT(PV1)) \
             ORDER(ORC ORDER_DETAIL(OBRRQDRQ1RXOODSODT_SUPPGRP(OBR) NTE OBSERVATION(OBX))) \
             ORDER(ORC ORDER_DETAIL(OBRRQDRQ1RXOODSODT_SUPPGRP(RXO))) ORDER(ORC))",
        ),
        (
            "SIU^S12^SIU_S12",
            "SCH PID RGS AIS AIG AIL AIP AIP RGS AIS",
            "SIU_S12(MSH SCH PATIENT(PID) RESOURCES(RGS SERVICE(AIS) GENERAL_RESOURCE(AIG) LOCATION_RESOURCE(AIL) \
             PERSONNEL_RESOURCE(AIP) PERSONNEL_RESOURCE(AIP)) RESOURCES(RGS SERVICE(AIS)))",
        ),
        (
            "MFN^M02^MFN_M02",
            "MFI MFE STF PRA MFE STF ZZ1",
            "MFN_M02(MSH MFI MF_STAFF(MFE STF PRA) MF_STAFF(MFE STF ZZ1))",
        ),
    ];
    for (event, segments, expected) in cases {
        let er7 = message(event, segments);
        let msg = Message::parse(&er7).unwrap();
        let groups = msg.groups();
        assert_eq!(shown(groups.root()), expected, "{event}");
        assert_eq!(misplaced(&groups), [], "{event}");
    }
}

#[test]
fn an_order_is_told_from_an_earlier_one_by_what_follows() {
    // In ORDER_PRIOR the timing stands behind OBR, in ORDER before it (2.5.1, 4.4.8).
    let er7 = message("OML^O33^OML_O33", "PID SPM ORC TQ1 OBR ORC TQ1 OBR");
    let msg = Message::parse(&er7).unwrap();
    let orders: Vec<_> = msg.groups().all("ORDER").map(shown).collect();
    assert_eq!(orders, ["ORDER(ORC TIMING(TQ1) OBSERVATION_REQUEST(OBR))"; 2]);
}

type Reported = &'static [(usize, Misplaced)];

#[test]
fn what_has_no_place_stays_where_it_stands_and_is_reported() {
    use Misplaced as M;
    let cases: [(&str, &str, Reported); 5] = [
        ("EVN PID PV1 PD1", "ADT_A01(MSH EVN PID PV1 PD1)", &[(4, M::OutOfOrder)]),
        ("EVN PID PV1 PV1", "ADT_A01(MSH EVN PID PV1 PV1)", &[(4, M::Repeated)]),
        ("EVN PID TXA PV1", "ADT_A01(MSH EVN PID TXA PV1)", &[(3, M::NotInStructure)]),
        ("EVN PID PV1 IN1 EVN IN2", "ADT_A01(MSH EVN PID PV1 INSURANCE(IN1 EVN IN2))", &[(5, M::OutOfOrder)]),
        ("EVN PID ZPD PV1 IN1 ZIN IN2", "ADT_A01(MSH EVN PID ZPD PV1 INSURANCE(IN1 ZIN IN2))", &[]),
    ];
    for (segments, expected, reported) in cases {
        let er7 = message("ADT^A01^ADT_A01", segments);
        let msg = Message::parse(&er7).unwrap();
        let groups = msg.groups();
        assert_eq!(shown(groups.root()), expected, "{segments}");
        assert_eq!(misplaced(&groups), reported, "{segments}");
    }
}

#[test]
fn lines_that_are_no_segment_stay_too() {
    let er7 = "MSH|^~\\&|A||||2026||ADT^A01^ADT_A01|1|P|2.5.1\rEVN|1\rgarbage\rPID|1\rIN1|1\r  \rIN2|1\r";
    let msg = Message::parse(er7).unwrap();
    let groups = msg.groups();
    assert_eq!(groups.all("INSURANCE").next().unwrap().segment_count(), 3);
    assert_eq!(misplaced(&groups), []);
}

#[test]
fn a_group_without_what_starts_it_is_known_by_its_segments() {
    let er7 = message("ORU^R01^ORU_R01", "PID OBX OBX");
    let msg = Message::parse(&er7).unwrap();
    let expected =
        "ORU_R01(MSH PATIENT_RESULT(PATIENT(PID) ORDER_OBSERVATION(OBSERVATION(OBX) OBSERVATION(OBX))))";
    assert_eq!(shown(msg.groups().root()), expected);
}

#[test]
fn the_structure_is_found_by_name_or_by_event() {
    let cases = [
        ("ADT^A08^ADT_A01", Some("ADT_A01")),
        ("ADT^A08^ADT_A08", Some("ADT_A01")),
        ("ADT^A08", Some("ADT_A01")),
        ("ADT^Z99^ADT_A08", Some("ADT_A01")),
        ("ACK", Some("ACK")),
        ("ACK^A08", Some("ACK")),
        ("ADT", None),
        ("ZZZ^Z01^ZZZ_Z01", None),
        ("", None),
    ];
    for (stated, expected) in cases {
        let er7 = message(stated, "EVN PID");
        let msg = Message::parse(&er7).unwrap();
        assert_eq!(msg.structure().map(|structure| structure.name()), expected, "{stated}");
        assert_eq!(msg.groups().structure().map(|structure| structure.name()), expected, "{stated}");
    }
}

#[test]
fn a_message_without_a_structure_is_grouped_at_an_anchor() {
    let er7 = message("ZZZ^Z01", "PID OBR OBX OBX OBR OBX ZZZ");
    let msg = Message::parse(&er7).unwrap();
    assert_eq!(shown(msg.groups().root()), "(MSH PID OBR OBX OBX OBR OBX ZZZ)");
    let groups = msg.groups_at("OBR");
    assert_eq!(shown(groups.root()), "(MSH PID OBR(OBR OBX OBX) OBR(OBR OBX ZZZ))");
    let path: GroupPath = "OBR[2].OBX-1".parse().unwrap();
    assert_eq!(groups.get(&path).unwrap().text(), "6");
}

#[test]
fn paths_find_what_stands_in_an_instance_and_nothing_else() {
    let er7 = message("ORU^R01^ORU_R01", "PID OBR OBX OBX OBR NTE PID OBR OBX");
    let msg = Message::parse(&er7).unwrap();
    let groups = msg.groups();
    let at = |path: &str| {
        let path: GroupPath = path.parse().unwrap();
        path.check(groups.structure().unwrap()).unwrap();
        groups.get_all(&path).map(|value| value.text().into_owned()).collect::<Vec<_>>().join(" ")
    };
    let cases = [
        ("ORDER_OBSERVATION.OBX-1", "3"),
        ("ORDER_OBSERVATION[1].OBX[2]-1", "4"),
        ("ORDER_OBSERVATION[1].OBX[*]-1", "3 4"),
        ("ORDER_OBSERVATION[2].OBX-1", ""),
        ("ORDER_OBSERVATION[3].OBX-1", "9"),
        ("ORDER_OBSERVATION[*].OBX-1", "3 9"),
        ("ORDER_OBSERVATION[4].OBX-1", ""),
        ("PATIENT_RESULT[2].ORDER_OBSERVATION[1].OBX-2", "x9"),
        ("PATIENT_RESULT[2].ORDER_OBSERVATION[2].OBX-1", ""),
        ("PATIENT_RESULT[*].ORDER_OBSERVATION[*].OBSERVATION[2].OBX-1", "4"),
        ("PATIENT_RESULT[2].PATIENT.PID-1", "7"),
        ("OBX[3]-1", "9"),
        ("PATIENT_RESULT.OBX[3]-1", ""),
    ];
    for (path, expected) in cases {
        assert_eq!(at(path), expected, "{path}");
    }
}

#[test]
fn group_paths_are_read_and_shown() {
    for text in ["PID-5", "A[2].B[*].OBX[1]-5[2].1.1", "VISIT.PV1", "X.PID-3[4.2=1.2-3].1", "MF.MFE[*]-1"] {
        assert_eq!(text.parse::<GroupPath>().unwrap().to_string(), text);
    }
}

#[test]
fn group_paths_are_refused_with_place_and_suggestion() {
    let long = format!("{}.OBX-1", "A".repeat(65));
    let deep = format!("{}OBX-1", "A.".repeat(17));
    let cases = [
        (".OBX-1", "G001", 0),
        ("ORDER..OBX-1", "G001", 6),
        ("ORDER OBSERVATION.OBX-1", "G001", 5),
        ("ORDER[0].OBX-1", "G002", 5),
        ("ORDER[01].OBX-1", "G002", 5),
        ("ORDER[+1].OBX-1", "G002", 5),
        ("ORDER[].OBX-1", "G002", 5),
        ("ORDER[1.OBX-1", "G002", 5),
        ("ORDER[99999999].OBX-1", "G002", 5),
        ("ORDER", "G004", 3),
        ("ORDER[2].OBX-0", "G004", 13),
        ("ORDER[2].", "G004", 9),
        (long.as_str(), "G003", 0),
        (deep.as_str(), "G003", 32),
    ];
    for (text, code, offset) in cases {
        let error = text.parse::<GroupPath>().unwrap_err();
        assert_eq!((error.code(), error.offset()), (code, offset), "{text}");
        assert!(error.to_string().starts_with(code) && !error.suggestion().is_empty(), "{error}");
    }
}

#[test]
fn group_paths_are_checked_against_a_structure() {
    let structure = Dictionary::of(Version::V2_5_1).structure("ORU_R01").unwrap();
    let check = |text: &str| text.parse::<GroupPath>().unwrap().check(structure);
    let refused = |text: &str| -> GroupPathError { check(text).unwrap_err() };
    assert_eq!(check("ORDER_OBSERVATION[2].ZZZ-1"), Ok(()));
    let error = refused("PATIENT_RESULT.ORDER_OBSERVATON[2].OBX-5");
    assert_eq!((error.code(), error.offset()), ("G005", 15));
    assert_eq!(error.suggestion(), "did you mean ORDER_OBSERVATION?");
    let error = refused("PATIENT[1].OBX-5");
    assert_eq!((error.code(), error.offset()), ("G006", 11));
    let error = refused("VISIT.PV3-5");
    assert_eq!(error.suggestion(), "did you mean PV1?");
    assert_eq!(refused("ORDER_OBSERVATION.PATIENT.PID-3").code(), "G005");
}

#[test]
fn the_tree_goes_up_as_it_goes_down() {
    let er7 = message("ORU^R01^ORU_R01", "PID OBR OBX");
    let msg = Message::parse(&er7).unwrap();
    let groups = msg.groups();
    let mut names = Vec::new();
    let mut group = groups.group_of(3);
    while let Some(at) = group {
        names.push(format!("{}[{}]", at.name(), at.number()));
        group = at.parent();
    }
    assert_eq!(names, ["OBSERVATION[1]", "ORDER_OBSERVATION[1]", "PATIENT_RESULT[1]", "ORU_R01[1]"]);
    assert!(groups.group_of(4).is_none());
}

#[test]
fn diagnostics_hold_no_content() {
    let msg = Message::parse("MSH|^~\\&|A\rCAN|ARY\rCANARY\r").unwrap();
    let groups = msg.groups_at("CAN");
    let shown = format!("{groups:?} {:?} {:?}", groups.root(), groups.all("CAN").next());
    assert!(!shown.contains("CAN"), "{shown}");
    let path: GroupPath = "A.PID-3[1=CANARY].1".parse().unwrap();
    assert!(!format!("{path:?}").contains("CANARY"));
    let refused = "CANARY CANARY.PID-3".parse::<GroupPath>().unwrap_err();
    assert!(!format!("{refused} {refused:?}").contains("CANARY"));
}
