//! Profiles at their edges: what many findings, large messages and odd places do to what is told.

use hl7_core::{Level, Message, Profile, Severity, Validation, validate};

const HEADER: &str = "MSH|^~\\&|A|B|C|D|2026||ADT^A08^ADT_A01|1|P|2.5.1\rEVN||2026\r";

fn shown(er7: &str, profile: &str) -> Vec<String> {
    let profile = Profile::from_yaml(profile).unwrap();
    let findings = validate(&Message::parse(er7).unwrap(), &profile);
    findings.iter().map(ToString::to_string).collect()
}

fn with_pid(pid: &str) -> String {
    format!("{HEADER}PID|{pid}\rPV1|1|I\r")
}

#[test]
fn no_number_of_warnings_hides_an_error() {
    let er7 = format!(
        "MSH|^~\\&|A|B|C|D|2026||ADT^A08^ADT_A01|1||2.5.1\rEVN||2026\rPID|1||7||Doe\rPV1|1|I\r{}",
        "ORC|NW\r".repeat(300)
    );
    let message = Message::parse(&er7).unwrap();
    let findings = validate(&message, &Validation::new());
    assert_eq!((findings.len(), findings.worst()), (100, Some(Severity::Error)));
    let errors: Vec<_> = findings.iter().filter(|found| found.severity() == Severity::Error).collect();
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert!(findings.ack(&message).build().as_er7().contains("\rMSA|AR|"), "MSH-11 is missing");
    assert!(findings.problem().unwrap().contains("1 error, the first at MSH[1]-11"));
    let none = validate(&message, &Validation::new().limit(0));
    assert_eq!((none.len(), none.more()), (0, findings.len() + findings.more()));
    assert!(none.ack(&message).build().as_er7().contains("\rMSA|AR|"), "whatever is listed");
    assert!(none.problem().unwrap().contains("\"1 error\""));
    let places: Vec<_> = findings.iter().map(|found| found.offset()).collect();
    assert!(places.windows(2).filter(|pair| pair[0] > pair[1]).count() <= 1, "in the order of the checks");
}

#[test]
fn a_bad_value_in_a_subcomponent_is_told_there() {
    let er7 = with_pid("1||7||Doe^^^^^^^^^20200101&May 4th");
    let found = validate(&Message::parse(&er7).unwrap(), &Validation::new().levels([Level::Type]));
    let found = found.iter().next().unwrap();
    assert_eq!(found.path().unwrap().to_string(), "PID[1]-5[1].10.2");
    assert!(er7[found.offset()..].starts_with("May 4th"));
}

#[test]
fn delimiters_alone_are_no_value() {
    let profile = "profile: p\nsegments: { PID: { fields: { 3: { usage: R, times: \"2..3\" }, 5: R, 8: X, 11: { components: { 3: R } } } } }";
    let found = shown(&with_pid("1||7~||~^|||^^|||a^b^&"), profile);
    let expected = ["V402 at PID[1]-3:", "V301 at PID[1]-5:", "V302 at PID[1]-11[1].3:"];
    let found: Vec<_> = found.iter().filter(|text| text.contains("profile")).collect();
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.starts_with(expected), "{found}");
    }
    let required = validate(&Message::parse(&with_pid("1||^^^||^")).unwrap(), &Validation::new());
    let missing = ["PID[1]-3", "PID[1]-5"];
    for path in missing {
        let is_told = |text: &String| text.starts_with(&format!("V301 at {path}:"));
        assert!(required.iter().map(ToString::to_string).any(|text| is_told(&text)), "{path}");
    }
}

/// The paths and what stands where each finding is.
#[test]
fn a_check_is_told_at_the_place_that_its_path_names() {
    let er7 = format!("{HEADER}PID|1||7||Doe\rPV1|1|I\rOBX|1|ST|K^first||x\rOBX|2|ST|K||y||||||F\r");
    for (path, told, behind) in [
        ("OBX[2]-3.2", "OBX[2]-3[1].2", "||y"),
        ("OBX[2]-5.2.2", "OBX[2]-5[1].2.2", "||||||F"),
        ("PID-8", "PID[1]-8", "\rPV1"),
        ("PID-3[2].1", "PID[1]-3[2].1", "||Doe"),
        ("EVN-7", "EVN[1]-7", "\rPID"),
    ] {
        let profile = format!("profile: p\nchecks: [ {{ code: C1, text: t, require: \"{path}\" }} ]");
        let profile = Profile::from_yaml(&profile).unwrap();
        let validation = Validation::new().profile(&profile).levels([Level::Profile]);
        let found = validate(&Message::parse(&er7).unwrap(), &validation);
        let found = found.iter().next().unwrap();
        assert_eq!(found.path().unwrap().to_string(), told);
        assert!(er7[found.offset()..].starts_with(behind), "{path}: {}", &er7[found.offset()..]);
    }
}

#[test]
fn the_level_of_structure_alone_finds_segments_out_of_place() {
    let profile =
        Profile::from_yaml("profile: p\nsegments: { ZPD: { after: PID, fields: { 1: ST } } }").unwrap();
    let er7 = format!("{HEADER}PID|1||7||Doe\rPV1|1|I\rZPD|x\r");
    let validation = Validation::new().profile(&profile).levels([Level::Structure]);
    let found = validate(&Message::parse(&er7).unwrap(), &validation);
    assert_eq!(found.iter().map(|found| found.code().as_str()).collect::<Vec<_>>(), ["V207"]);
}

#[test]
fn groups_are_those_of_the_version_that_is_validated_against() {
    let profile = "profile: p\nversion: \"2.5.1\"\nsegments: { PROCEDURE.ROL: { times: 0..2 } }";
    for stated in ["2.5.1", "2.2", "2.1"] {
        let roles = "ROL|1|AD|AT|x\r".repeat(4);
        let er7 = format!("{}PR1|1||99|x|2026\r{roles}", with_pid("1||7||Doe").replace("2.5.1", stated));
        let found = shown(&er7, profile);
        assert_eq!(found.iter().filter(|text| text.starts_with("V208")).count(), 1, "{stated}: {found:#?}");
    }
}

#[test]
fn what_a_profile_says_of_one_group_leaves_the_others_alone() {
    let profile = |group: &str| format!("profile: p\nsegments: {{ {group}.RXR: {{ times: \"1..*\" }} }}");
    let er7 = "MSH|^~\\&|A|B|C|D|2026||RDE^O11^RDE_O11|1|P|2.5.1\rPID|1||7||Doe\rORC|NW|1\rRXE|1|x|1||mg\r";
    let missing = |found: Vec<String>| found.iter().filter(|text| text.starts_with("V205 at RXR")).count();
    assert_eq!(missing(shown(er7, "profile: p")), 1);
    assert_eq!(missing(shown(er7, &profile("ORDER_DETAIL"))), 1);
    assert_eq!(missing(shown(er7, &profile("ORDER"))), 1, "by the profile");
}

#[test]
fn msa_6_is_the_first_error() {
    let er7 = "MSH|^~\\&|A|B|C|D|2026||ADT^A08|1|P|2.3\rZZZ|1\rNTE|1\rEVN||2026\rPID|1||7||\rPV1|1|I\r";
    let message = Message::parse(er7).unwrap();
    let findings = validate(&message, &Validation::new());
    assert_eq!(findings.iter().next().unwrap().severity(), Severity::Warning);
    let ack = findings.ack(&message).build();
    let first = findings.iter().find(|found| found.severity() == Severity::Error).unwrap();
    let msa = ack.as_er7().split('\r').nth(1).unwrap().to_owned();
    assert!(msa.contains(&format!("|{}^", first.error_code().number())), "{msa}");
}

#[test]
fn a_severity_reaches_segments_that_the_profile_describes() {
    let profile = |severity: &str| {
        format!(
            "profile: p\nseverities: {{ V304: {severity} }}\nsegments: {{ ZPD: {{ after: PID, fields: {{ 1: ST }} }} }}"
        )
    };
    let er7 = format!("{HEADER}PID|1||7||Doe\rZPD|x|extra\rPV1|1|I\r");
    let found = |severity: &str| {
        let profile = Profile::from_yaml(&profile(severity)).unwrap();
        let found = validate(&Message::parse(&er7).unwrap(), &profile);
        found.iter().find(|found| found.code().as_str() == "V304").map(|found| found.severity())
    };
    assert_eq!(
        (found("error"), found("information"), found("off")),
        (Some(Severity::Error), Some(Severity::Information), None)
    );
}

/// A type that the profile gives is looked at in place of the standard's.
#[test]
fn a_field_of_another_type_is_the_profile_s() {
    let er7 = with_pid("1||7||Doe||some time in May");
    assert!(shown(&er7, "profile: p").iter().any(|text| text.starts_with("V501 at PID[1]-7")));
    assert_eq!(shown(&er7, "profile: p\nsegments: { PID: { fields: { 7: ST } } }"), [""; 0]);
    let wrong = shown(&with_pid("1||7|x|Doe"), "profile: p\nsegments: { PID: { fields: { 4: NM } } }");
    assert!(wrong.iter().any(|text| text.starts_with("V501 at PID[1]-4[1]")), "{wrong:#?}");
}

/// What is asked grows with the square of these; what is looked at does not. The time is not measured: with a limit missing, this takes minutes.
#[test]
fn conditions_look_at_so_much_and_no_more() {
    let lines = |n: usize| (1..=n).map(|n| format!("OBX|{n}|ST|K||x||||||F\r")).collect::<String>();
    let repetitions = |n: usize| vec!["7"; n].join("~");
    let usage =
        "profile: p\nsegments: { OBX: { fields: { 5: { usage: { when: 'OBX[*]-11 == X', then: R } } } } }";
    let inner = "profile: p\nsegments: { PID: { fields: { 3: { components: { 1: { usage: { when: 'PID-3[*].1 == X', then: R } } } } } } }";
    let each = "profile: p\nchecks: [ { code: C1, text: t, each: OBX, assert: 'not PID-3[*].1 == X' } ]";
    for (profile, er7, is_cut) in [
        (usage, format!("{}{}", with_pid("1||7||Doe"), lines(100)), false),
        (usage, format!("{}{}", with_pid("1||7||Doe"), lines(20_000)), true),
        (inner, with_pid(&format!("1||{}||Doe", repetitions(100))), false),
        (inner, with_pid(&format!("1||{}||Doe", repetitions(20_000))), true),
        (each, format!("{}{}", with_pid(&format!("1||{}||Doe", repetitions(100))), lines(100)), false),
        (each, format!("{}{}", with_pid(&format!("1||{}||Doe", repetitions(100_000))), lines(3_000)), true),
    ] {
        let profile = Profile::from_yaml(profile).unwrap();
        let validation = Validation::new().profile(&profile).levels([Level::Usage, Level::Profile]);
        let found = validate(&Message::parse(&er7).unwrap(), &validation);
        assert_eq!(found.iter().any(|found| found.code().as_str() == "V803"), is_cut, "{} bytes", er7.len());
    }
}

/// As above: each of these findings has a path, and none is counted from the start of the message.
#[test]
fn any_number_of_findings_can_be_listed() {
    let lines: String = (0..60_000).map(|_| "OBX|1|ST|||x\r").collect();
    let er7 = format!("{}{lines}", with_pid("1||7||Doe"));
    let found = validate(&Message::parse(&er7).unwrap(), &Validation::new().limit(usize::MAX));
    let last = found.iter().rfind(|found| found.code().as_str() == "V301").unwrap();
    assert_eq!(last.path().unwrap().to_string(), "OBX[60000]-11");
}
