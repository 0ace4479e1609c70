//! Any text is a profile or refused with places in it; what is read validates any message.
#![no_main]

use hl7_core::{Message, Profile, validate};
use libfuzzer_sys::fuzz_target;

const MESSAGE: &str = "MSH|^~\\&|A|NORTH|C|D|2026||ADT^A08^ADT_A01|1|P|2.5.1\rEVN||2026\rPID|1||7^^^H&1^MR~8||Doe^Ann||1984|F\rZPT|1|CAT\rPV1|1|I\rOBX|1|NM|K||x\rOBX|2|NM|K||5\r";

fuzz_target!(|text: &str| {
    match Profile::from_yaml(text) {
        Ok(profile) => {
            let msg = Message::parse(MESSAGE).expect("a message");
            for finding in &validate(&msg, &profile) {
                drop(finding.to_string());
            }
        }
        Err(errors) => {
            assert!(errors.iter().all(|error| error.line() > 0 && error.column() > 0));
            drop(errors.render("profile.yaml", text));
        }
    }
});
