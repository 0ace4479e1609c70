//! Any bytes are a message or refused; a message is read to its last leaf and written back as it was.
#![no_main]

use hl7_core::{ReadOptions, Undecodable};
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
    }
});
