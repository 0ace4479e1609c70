//! Reads a message, edits it, and builds its acknowledgment.

#![allow(clippy::print_stdout)] // a program talks to its user

use hl7_core::{Ack, AckCode, Message, Path, path};

const TEXT: &str = "MSH|^~\\&|LAB|NORTH|EHR|NORTH|20260102030405||ORU^R01^ORU_R01|m-1|P|2.5.1\r\
    PID|1||7^^^NORTH^MR~000-00-0000^^^SSA^SS||Byrne \\T\\ Sons^Zoe\r\
    OBX|1|NM|2345-7^Glucose^LN||7.20|mmol/L\r\
    OBX|2|NM|2951-2^Sodium^LN||140|mmol/L\r";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let msg = Message::parse(TEXT)?; // borrows TEXT
    println!("control ID  {}", msg.header().control_id().map(|id| id.text()).unwrap_or_default());
    println!("family      {}", msg.get(path!("PID-5.1")).map(|value| value.text()).unwrap_or_default());
    for obx in msg.segments("OBX") {
        let name = obx.field(3).and_then(|field| field.repetition(1)).and_then(|r| r.component(2));
        let value = obx.field(5);
        println!(
            "{:<11} {}",
            name.map(|n| n.text()).unwrap_or_default(),
            value.map(|v| v.text()).unwrap_or_default()
        );
    }
    let social_security: Path = "PID-3[5=SS].1".parse()?; // a path known only at run time
    println!("SS          {}", msg.get(&social_security).map(|value| value.text()).unwrap_or_default());

    let mut msg = msg.into_owned();
    msg.set(path!("PID-5.1"), "Smith & Sons")?; // every other byte stays as it was
    println!("edited      {}", msg.get(path!("PID-5")).map(|value| value.raw()).unwrap_or_default());

    let ack = Ack::to(&msg, AckCode::AA).build();
    println!("answer      {}", ack.segments("MSA").next().map(|msa| msa.raw()).unwrap_or_default());
    Ok(())
}
