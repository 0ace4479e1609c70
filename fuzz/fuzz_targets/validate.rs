//! Any message is validated, against the standard and against a profile, to the same findings each time; each stands in the message.
#![no_main]

use std::sync::LazyLock;

use hl7_core::{Against, Message, Profile, ReadOptions, Validation, validate};
use libfuzzer_sys::fuzz_target;

static PROFILE: LazyLock<Profile> = LazyLock::new(|| {
    let text = include_str!("../../hl7-core/profiles/north-adt.yaml")
        .replace("for: { MSH-9.1: ADT, MSH-4: [NORTH, NORTHEAST] }", "");
    Profile::from_yaml(&text).expect("a profile without mistakes")
});

fn check(msg: &Message<'_>, against: &impl Against) {
    let findings = validate(msg, against);
    for finding in &findings {
        assert!(finding.offset() <= msg.as_er7().len());
        drop(finding.to_string());
    }
    assert_eq!(findings.problem().is_some(), !findings.is_valid());
    drop(findings.ack(msg).build());
    assert_eq!(validate(msg, against), findings);
}

fuzz_target!(|bytes: &[u8]| {
    let Ok(msg) = ReadOptions::new().read(bytes) else { return };
    check(&msg, &Validation::new());
    check(&msg, &*PROFILE);
});
