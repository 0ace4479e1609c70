//! Any text is a mapping or refused with places in it; what loads is tried on a payload and on a message, explained, and runs its tests.
#![no_main]

use std::time::UNIX_EPOCH;

use hl7_core::Message;
use hl7_map::{Context, Mapping};
use libfuzzer_sys::fuzz_target;

const PAYLOAD: &[u8] = br#"{"id":"7","patient":{"name":{"family":"Doe|^~","given":null},"dob":"1984-07-03","ids":[{"v":"1","s":"MR"},{"v":2}]},"orders":[{"code":"GLU","results":[{"value":7.20},{"value":"high"}]}]}"#;
const MESSAGE: &str = "MSH|^~\\&|A|B|C|D|2026||ORU^R01^ORU_R01|1|P|2.5.1\rPID|1||7^^^H&1^MR~8||Doe^Ann||1984|F\rOBR|1|p1||GLU\rOBX|1|NM|K||7.20\rNTE|1||\\.br\\x\rOBX|2|ST|K||\"\"\r";

fuzz_target!(|text: &str| {
    let mapping = match Mapping::from_yaml(text) {
        Ok(mapping) => mapping,
        Err(errors) => {
            assert!(errors.iter().all(|error| error.line() > 0 && error.column() > 0));
            drop(errors.render("mapping.yaml", text));
            return;
        }
    };
    let ctx =
        Context::new("1", UNIX_EPOCH).max_steps(100_000).max_output_bytes(1 << 20).max_working_bytes(1 << 22);
    let message = Message::parse(MESSAGE).expect("a message");
    drop(mapping.apply_json(PAYLOAD, &ctx));
    drop(mapping.explain_json(PAYLOAD, &ctx));
    drop(mapping.apply_hl7(&message, &ctx));
    drop(mapping.explain_hl7(&message, &ctx));
    drop(mapping.sample_payload());
    drop(mapping.payload_schema());
    let _ = mapping.run_tests().failed();
});
