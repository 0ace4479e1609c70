//! Any text is a message in XML or refused; what is read is written, and read again as the same message.
#![no_main]

use hl7_core::{Message, ReadOptions};
use libfuzzer_sys::fuzz_target;

fn values(msg: &Message<'_>) -> Vec<(u32, u32, u32, u32, u32, String)> {
    let valued = msg.leaves().filter(|leaf| !leaf.value.is_empty());
    valued
        .map(|at| {
            let text = at.value.text().into_owned();
            (at.segment, at.field, at.repetition, at.component, at.subcomponent, text)
        })
        .collect()
}

fuzz_target!(|text: &str| {
    let options = ReadOptions::new().max_bytes(1 << 20);
    for xml in [text, &format!("<ACK><MSH/><OBX><OBX.5>{text}</OBX.5></OBX></ACK>")] {
        match options.read_xml(xml) {
            Ok(msg) => {
                let again = msg.to_xml().expect("what was read has segments with IDs");
                assert_eq!(
                    values(&Message::from_xml(&again).expect("what was written is read")),
                    values(&msg)
                );
            }
            Err(error) => drop(format!("{error} {error:?} {}", error.suggestion())),
        }
    }
    if let Ok(msg) = options.parse(text)
        && let Ok(xml) = msg.to_xml()
    {
        let again = Message::from_xml(&xml).expect("what was written is read");
        assert_eq!(values(&again), values(&msg));
    }
});
