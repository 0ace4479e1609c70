//! Any payload is mapped or refused, and what comes out is one message.
#![no_main]

use std::sync::LazyLock;
use std::time::SystemTime;

use hl7_core::Message;
use hl7_map::{Context, Mapping};
use libfuzzer_sys::fuzz_target;

static MAPPING: LazyLock<Mapping> = LazyLock::new(|| {
    Mapping::from_yaml(include_str!("../../examples/gateway/demo/crm-to-adt.yaml"))
        .expect("the demo's mapping loads")
});

fuzz_target!(|payload: &[u8]| {
    if let Ok(msg) = MAPPING.apply_json(payload, &Context::new("c1", SystemTime::UNIX_EPOCH)) {
        let wire = msg.to_wire().expect("a mapped message can be written");
        let again = Message::from_bytes(&wire).expect("a mapped message can be read");
        assert_eq!(again.iter().len(), msg.iter().len());
    }
});
