//! explain: the standard, in the terminal.

use crate::hl7;

fn explained(arguments: &[&str]) -> String {
    let run = hl7(&[&["explain"], arguments].concat(), "");
    assert_eq!(run.code, 0, "{}", run.err);
    run.out
}

#[test]
fn a_field_is_explained_with_its_components() {
    let text = explained(&["PID-5"]);
    let start = "\
PID-5  Patient Name
  usage    required
  max      any number
  type     XPN Extended person name
  length   250
";
    assert!(text.starts_with(start), "{text}");
    assert!(text.contains("  PID-5.1   O  1  FN  194        Family Name\n"), "{text}");
}

#[test]
fn whatever_the_dictionary_knows_is_explained() {
    let cases = [
        (&["PID"][..], "PID  Patient Identification\n  PID-1 "),
        (&["XPN"], "XPN  Extended person name\n  XPN.1 "),
        (
            &["0001"],
            "0001  Administrative Sex\n  kind     user-defined: sites have their own codes\n  A  Ambiguous\n",
        ),
        (
            &["ADT_A01"],
            "ADT_A01\n  events   ADT^A01 ADT^A04 ADT^A08 ADT^A13\n  MSH        R  1  Message Header\n",
        ),
        (&["ADT^A08"], "ADT_A01\n"),
        (&["PID-5.1.1"], "PID-5.1.1  Surname\n"),
        (
            &["PID-7", "--version", "2.7"],
            "PID-7  Date/Time of Birth\n  usage    optional\n  max      1\n  type     DTM Date/Time\n",
        ),
    ];
    for (arguments, start) in cases {
        let text = explained(arguments);
        assert!(text.starts_with(start), "{arguments:?}: {text}");
    }
}

#[test]
fn explain_writes_json_on_request() {
    let page: serde_json::Value = serde_json::from_str(&explained(&["PID", "--json"])).unwrap();
    assert_eq!(page["name"], "Patient Identification");
    assert_eq!(page["parts"][4]["place"], "PID-5");
    assert_eq!(page["parts"][4]["type"], "XPN");
    let page: serde_json::Value = serde_json::from_str(&explained(&["0001", "--json"])).unwrap();
    assert_eq!(page["parts"][1], serde_json::json!({ "code": "F", "display": "Female" }));
}

#[test]
fn what_the_standard_does_not_have_is_a_no() {
    for what in ["ZZZ", "PID-99", "PID-5.99", "9999", "ADT_Z99", "", "pid"] {
        let run = hl7(&["explain", what], "");
        assert_eq!((run.code, run.out.as_str()), (1, ""), "{what}");
        assert!(run.err.contains("2.5.1 has no such"), "{}", run.err);
    }
    assert_eq!(hl7(&["explain", "PID", "--version", "2.9"], "").code, 2);
}
