//! validate: findings with a caret, as JSON, and as an exit code.

use crate::hl7;

const GOOD: &str = "MSH|^~\\&|A|B|C|D|20260102||ADT^A08^ADT_A01|1|P|2.5.1\rEVN||20260102\rPID|1||7^^^H^MR||Doe^Ann||19840701|F\rPV1|1|I\r";

fn bad() -> String {
    GOOD.replace("19840701", "May 4th")
}

#[test]
fn a_message_without_findings_is_valid() {
    let run = hl7(&["validate"], GOOD);
    assert_eq!((run.code, run.out.as_str()), (0, "no findings\n"), "{}", run.err);
}

#[test]
fn a_finding_stands_over_its_place_without_values() {
    let run = hl7(&["validate", "-"], &bad());
    let expected = "\
error: V501 at PID[1]-7[1].1: this is no value of the data type (DTM, T004: YYYY[MM[DD[HH[MM[SS[.S[S[S[S]]]]]]]]][+/-ZZZZ])
    PID|.||.^^^.^..||...^...||.......|.
                              ^
";
    assert_eq!((run.code, run.out.as_str()), (1, expected), "{}", run.err);
    let shown = hl7(&["validate", "--show-values"], &bad());
    assert!(shown.out.contains("    PID|1||7^^^H^MR||Doe^Ann||May 4th|F\n"), "{}", shown.out);
}

/// What a terminal would obey is marked, which is wider than it was.
#[test]
fn the_caret_stands_under_the_place_behind_what_is_marked() {
    let shown = hl7(&["validate", "--show-values"], &bad().replace("Doe", "D\u{202e}oe"));
    let lines: Vec<&str> = shown.out.lines().collect();
    let at = lines[2].find('^').unwrap();
    let behind: String = lines[1].chars().skip(at).collect();
    assert_eq!(behind, "May 4th|F", "{}", shown.out);
}

#[test]
fn levels_version_and_limit_are_the_caller_s() {
    assert_eq!(hl7(&["validate", "--level", "usage", "--level", "table"], &bad()).code, 0);
    assert_eq!(hl7(&["validate", "--level", "types"], &bad()).code, 2);
    assert_eq!(hl7(&["validate", "--version", "2.3.1"], &GOOD.replace("EVN||", "EVN|A08|")).code, 0);
    assert_eq!(hl7(&["validate", "--limit", "0"], &bad()).out, "and 1 more\n");
}

#[test]
fn findings_are_written_as_json_on_request() {
    let run = hl7(&["validate", "--json"], &format!("{GOOD}{}", bad()));
    let lines: Vec<serde_json::Value> =
        run.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0], serde_json::json!({ "valid": true, "findings": [], "more": 0 }));
    let finding = &lines[1]["findings"][0];
    assert_eq!((run.code, &lines[1]["valid"]), (1, &serde_json::json!(false)));
    assert_eq!(finding["code"], "V501");
    assert_eq!(finding["path"], "PID[1]-7[1].1");
    assert_eq!(finding["condition"], "102");
    assert!(!run.out.contains("May"));
    let shown = hl7(&["validate", "--json", "--show-values"], &bad());
    assert!(shown.out.contains("\"value\":\"May 4th\""), "{}", shown.out);
}

#[test]
fn what_is_no_message_is_no_input() {
    assert_eq!(hl7(&["validate"], "nothing").code, 3);
}

#[test]
fn a_profile_is_checked_beside_the_standard() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("site.yaml");
    let name = file.to_str().unwrap();
    std::fs::write(&file, "profile: site\nsegments: { PID: { fields: { 8: X } } }\nchecks: [ { code: S-1, text: no ward, require: PV1-3 } ]\n").unwrap();
    let run = hl7(&["validate", "--profile", name, "--level", "profile", "--level", "usage"], GOOD);
    assert_eq!(run.code, 1, "{}", run.err);
    assert!(
        run.out.contains("error: V305 at PID[1]-8: nothing may be valued here (profile, line 2)"),
        "{}",
        run.out
    );
    assert!(run.out.contains("error: V801 at PV1[1]-3: S-1: no ward"), "{}", run.out);
    let json = hl7(&["validate", "--profile", name, "--level", "profile", "--json"], GOOD);
    assert!(json.out.contains("\"rule\":\"S-1\""), "{}", json.out);
    std::fs::write(&file, "profile: site\nsegments: { PID: { feilds: {} } }\n").unwrap();
    let wrong = hl7(&["validate", "--profile", name], GOOD);
    assert_eq!((wrong.code, wrong.out.as_str()), (3, ""));
    assert!(wrong.err.contains("error[R005]") && wrong.err.contains(":2:20"), "{}", wrong.err);
    assert!(wrong.err.contains("^^^^^^ did you mean `fields`?"), "{}", wrong.err);
    assert_eq!(hl7(&["validate", "--profile", "none.yaml"], GOOD).code, 4);
}

#[test]
fn a_conformance_profile_is_a_profile_and_what_it_says_beyond_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("site.xml");
    let name = file.to_str().unwrap();
    let xml = r#"<ConformanceProfile HL7Version="2.5.1"><Messages><Message ID="m" Type="ADT" Event="A08" StructID="ADT_A01"><Segment Ref="PID" Usage="R" Min="1" Max="1"/></Message></Messages>
<Segments><Segment ID="PID" Name="PID"><Field Name="Set ID" Datatype="SI" Usage="X" Min="0" Max="1" MinLength="1" MaxLength="4"/><Field Name="ID" Datatype="CX" Usage="C" Min="0" Max="1"/></Segment></Segments></ConformanceProfile>"#;
    std::fs::write(&file, xml).unwrap();
    let run = hl7(&["validate", "--profile", name, "--level", "usage"], GOOD);
    assert_eq!(run.code, 1, "{}", run.err);
    assert!(
        run.out.contains("V305 at PID[1]-1: nothing may be valued here (profile, line 2)"),
        "{}",
        run.out
    );
    assert!(run.err.contains("not checked: the condition of PID-2 (line 2)"), "{}", run.err);
    let none = hl7(&["validate", "--profile", name, "--profile-message", "other"], GOOD);
    assert!(none.code == 3 && none.err.contains("R020"), "{}", none.err);
}
