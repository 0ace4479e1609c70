//! Any bytes are a message or refused; a message is read to its last leaf and written back as it was.
#![no_main]

use hl7_core::{Ack, AckCode, Msa, ReadOptions, Undecodable};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    for policy in [Undecodable::Refuse, Undecodable::Replace] {
        let Ok(msg) = ReadOptions::new().undecodable(policy).read(bytes) else { continue };
        assert_eq!(&*msg.to_bytes().expect("an unedited message is written as it was read"), bytes);
        for segment in msg.iter() {
            for field in segment.fields() {
                for repetition in field.repetitions() {
                    for component in repetition.components() {
                        component.subcomponents().for_each(|leaf| drop(leaf.text()));
                    }
                }
            }
        }
        let _ = format!("{msg:?}");
        let wire = Ack::to(&msg, AckCode::AE)
            .text("a text")
            .build()
            .to_wire()
            .expect("whatever is read is acknowledged");
        let ack = ReadOptions::new().undecodable(policy).read(&wire).expect("an acknowledgment is a message");
        let sent = msg.header().control_id().map_or("", |id| id.raw());
        assert_eq!(Msa::of(&ack).map(|msa| msa.control_id_raw()), Some(sent), "MSA-2 is MSH-10");
    }
});
