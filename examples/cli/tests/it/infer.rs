//! infer: a draft of a mapping from samples.

use crate::hl7;

const MESSAGE: &str = "MSH|^~\\&|A|||C|2026||ADT^A04^ADT_A01|1|P|2.5.1\rPID|1||100042||Doe^Jane||19840703|F|||||||||||999887777\rPV1|1|O\r";
const PAYLOAD: &str =
    r#"{"mrn":"100042","lastName":"Doe","firstName":"Jane","dob":"1984-07-03","sex":"female"}"#;

#[test]
fn a_draft_is_a_mapping_that_checks_and_passes_its_test() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (message, payload) = (file("m.hl7", MESSAGE), file("p.json", PAYLOAD));
    let draft = folder.path().join("draft.yaml").to_str().unwrap().to_owned();
    let run = hl7(&["infer", "--hl7", &message, "--json", &payload, "--out", &draft], "");
    assert_eq!((run.code, run.out.as_str()), (0, ""), "{}", run.err);
    assert!(run.err.contains("TODO PID-19 SSN Number - Patient"), "{}", run.err);
    let tested = hl7(&["map", "test", &draft], "");
    assert_eq!(tested.code, 0, "{}{}", tested.out, tested.err);
    let applied = hl7(&["map", "apply", &draft, &payload], "");
    assert!(applied.out.contains("PID|1||100042||Doe^Jane||19840703|F"), "{}{}", applied.out, applied.err);
    let again = hl7(&["infer", "--hl7", &message, "--json", &payload, "--out", &draft], "");
    assert_eq!(again.code, 4, "a file that is there is not written over");
    let shown = hl7(&["infer", "--hl7", &message, "--json", &payload], "");
    assert_eq!(shown.out, std::fs::read_to_string(&draft).unwrap());
}

#[test]
fn samples_that_are_none_are_told_with_a_code() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.hl7").to_str().unwrap().to_owned();
    std::fs::write(&path, MESSAGE).unwrap();
    let wrong = hl7(&["infer", "--hl7", &path, "--json", &path], "");
    assert_eq!(wrong.code, 3);
    assert!(wrong.err.contains("M404") && !wrong.err.contains("Doe"), "{}", wrong.err);
    assert_eq!(hl7(&["infer", "--hl7", &path], "").code, 2);
    assert_eq!(hl7(&["infer", "--hl7", &path, "--json", &path, "--json", &path], "").code, 2);
}
