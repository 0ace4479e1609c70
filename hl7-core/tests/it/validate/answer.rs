//! Acknowledgments made from findings, as each version has them.

use hl7_core::{Message, Validation, validate};

fn message(version: &str, name: &str) -> String {
    format!(
        "MSH|^~\\&|A|B|C|D|2026||ADT^A08^ADT_A01|1|P|{version}\rEVN|A08|2026\rPID|1||7^^^H||{name}||2026\rPV1|1|I\r"
    )
}

/// MSA and what follows it, of the acknowledgment and of the accept acknowledgment.
fn answers(er7: &str) -> [String; 2] {
    let msg = Message::parse(er7).unwrap();
    let findings = validate(&msg, &Validation::new());
    [findings.ack(&msg), findings.commit_ack(&msg)].map(|ack| {
        let ack = ack.build();
        ack.iter().skip(1).map(|segment| format!("{}\n", segment.raw())).collect()
    })
}

#[test]
fn a_message_without_errors_is_accepted() {
    for version in ["2.3.1", "2.4", "2.5.1", "2.6"] {
        assert_eq!(answers(&message(version, "Doe")), ["MSA|AA|1\n", "MSA|CA|1\n"], "{version}");
    }
}

#[test]
fn an_error_becomes_err_as_the_version_has_it() {
    let text = "a required field is empty (Patient Name)";
    let cases = [
        (
            "2.3.1",
            format!(
                "MSA|AE|1||||101^Required field missing^HL70357\nERR|PID^1^5^101&Required field missing&HL70357&&{text}\n"
            ),
        ),
        ("2.4", format!("MSA|AE|1\nERR|PID^1^5^101&Required field missing&HL70357&&{text}\n")),
        ("2.5.1", format!("MSA|AE|1\nERR||PID^1^5|101^Required field missing^HL70357|E||||{text}\n")),
    ];
    for (version, expected) in cases {
        let [ack, commit] = answers(&message(version, ""));
        assert_eq!(ack, expected, "{version}");
        assert_eq!(commit, expected.replace("AE", "CE"), "{version}");
    }
}

#[test]
fn a_warning_is_told_and_refuses_nothing() {
    let er7 = message("2.5.1", "Doe").replace("PID|1|", "PID|1^2|");
    let expected = "MSA|AA|1\nERR||PID^1^1^1^2|102^Data type error^HL70357|W||||the data type has no such component (SI)\n";
    assert_eq!(answers(&er7)[0], expected);
}

#[test]
fn a_header_that_does_not_say_what_the_message_is_is_rejected() {
    let er7 = message("2.5.1", "Doe").replace("ADT^A08^ADT_A01", "");
    let [ack, commit] = answers(&er7);
    assert!(ack.starts_with("MSA|AR|1\nERR||MSH^1^9|101^"), "{ack}");
    assert!(commit.starts_with("MSA|CR|1\n"), "{commit}");
}
