//! A mapping: JSON in, HL7 v2 out, and a payload that it refuses.

#![allow(clippy::print_stdout)] // a program talks to its user

use std::time::SystemTime;

use hl7_map::{Context, Mapping};

const MAPPING: &str = r#"
map: visit-to-adt
from: json
to: { hl7: "2.5.1", message: ADT^A08 }
tables:
  sex: { map: { female: F, male: M } }
require: [ .mrn ]
emit:
  MSH: { 3: CRM, 5: EHR, 7: .at | dtm }
  PID:
    3: { identifier: { id: .mrn, type: MR } }
    5: { name: { family: .family, given: .given } }
    8: .gender | table sex
"#;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mapping = Mapping::from_yaml(MAPPING)?; // every mistake at once, with line and column
    let context = Context::new("m-1", SystemTime::now());
    let payload =
        r#"{ "at": "2026-01-02T03:04:05Z", "mrn": "7", "family": "Byrne & Sons", "gender": "female" }"#;
    let msg = mapping.apply_json(payload.as_bytes(), &context)?;
    msg.iter().for_each(|segment| println!("{}", segment.raw()));

    if let Err(error) = mapping.apply_json(br#"{ "gender": "martian" }"#, &context) {
        for refusal in error.iter() {
            println!("{} {}: {}", refusal.code(), refusal.source().unwrap_or_default(), refusal.message());
        }
    }
    Ok(())
}
