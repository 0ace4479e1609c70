//! Any text is a mapping or is refused with reasons that can be shown, and a mapping takes any input: a message comes out, or an error.
//!
//! The text goes up to a NUL; the input follows.
#![no_main]

use std::time::SystemTime;

use hl7_core::Message;
use hl7_map::{Context, Direction, Mapping};
use libfuzzer_sys::fuzz_target;

const PAYLOAD: &str =
    r#"{"id":"1","list":[{"a":"x|^~\\&\r\n","n":-1.50},null,[]],"on":true,"day":"2026-03-29T02:30:00"}"#;
const MESSAGE: &str = "MSH|^~\\&|A|B|||20260101||ORU^R01|1|P|2.5.1\rPID|1||6^^^X^SS~7^^^X^MR||Doe^Ann\rOBR|1\rOBX|1|NM|||1\rNTE|1||x\\F\\";

fuzz_target!(|data: &[u8]| {
    let end = data.iter().position(|&byte| byte == 0);
    let (text, input) = data.split_at(end.unwrap_or(data.len()));
    let input = input.get(1..).unwrap_or_default();
    let Ok(text) = std::str::from_utf8(text) else { return };
    match Mapping::from_yaml(text) {
        Ok(mapping) => {
            let _ = mapping.run_tests();
            apply(&mapping, input);
        }
        Err(errors) => assert!(!errors.render("m.yaml", text).is_empty(), "a refusal gives its reason"),
    }
});

fn apply(mapping: &Mapping, input: &[u8]) {
    let ctx = Context::new("c1", SystemTime::UNIX_EPOCH).max_steps(200_000).max_output_bytes(100_000);
    if mapping.direction() == Direction::JsonToHl7 {
        for payload in [PAYLOAD.as_bytes(), input] {
            if let Ok(msg) = mapping.apply_json(payload, &ctx) {
                Message::parse(msg.as_er7()).expect("a mapped message can be read");
            }
            let _ = mapping.explain_json(payload, &ctx);
        }
        return;
    }
    let given = std::str::from_utf8(input).ok().and_then(|text| Message::parse(text).ok());
    for message in Message::parse(MESSAGE).ok().iter().chain(&given) {
        let _ = mapping.apply_hl7(message, &ctx);
        let _ = mapping.explain_hl7(message, &ctx);
    }
}
