//! Any message is changed in place, made into JSON, or refused; what comes out can be read.
#![no_main]

use std::sync::LazyLock;
use std::time::SystemTime;

use hl7_core::Message;
use hl7_map::{Applied, ApplyErrorKind, Context, Mapping};
use libfuzzer_sys::fuzz_target;

static MAPPINGS: LazyLock<[Mapping; 3]> = LazyLock::new(|| {
    [
        include_str!("../../hl7-map/examples/normalise-adt.yaml"),
        include_str!("../../hl7-map/examples/oru-to-json.yaml"),
        "{ map: all, from: hl7, to: json, emit: { name: PID-5, ids: 'PID-3[*].1', notes: 'NTE[*]-3' } }",
    ]
    .map(|text| Mapping::from_yaml(text).expect("the mapping loads"))
});

/// Reads JSON, whatever it holds.
static READER: LazyLock<Mapping> = LazyLock::new(|| {
    Mapping::from_yaml(
        "{ map: r, from: json, to: { hl7: 2.5.1, message: ADT^A08 }, emit: { PID: { 8: U } } }",
    )
    .expect("the mapping loads")
});

fuzz_target!(|data: &[u8]| {
    let Ok(message) = Message::from_bytes(data) else { return };
    let ctx = Context::new("c1", SystemTime::UNIX_EPOCH);
    for mapping in MAPPINGS.iter() {
        match mapping.apply_hl7(&message, &ctx) {
            Ok(Applied::Message(changed)) => {
                Message::parse(changed.as_er7()).expect("a changed message can be read");
            }
            Ok(Applied::Json(json)) => {
                let read = READER.apply_json(json.as_bytes(), &ctx);
                assert!(!read.is_err_and(|error| error.kind() == ApplyErrorKind::Json), "JSON is made");
            }
            _ => {}
        }
    }
});
