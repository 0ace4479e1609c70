//! A value that is set is read back, in this message and in the one that its text makes.
#![no_main]

use hl7_core::{Message, Path};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&str, &str, &str)| {
    let (body, path, value) = input;
    let er7 = format!("MSH|^~\\&|A|B\rPID|1\r{body}");
    let (Ok(mut msg), Ok(path)) = (Message::parse(&er7), path.parse::<Path>()) else { return };
    let segments = msg.iter().len();
    if msg.set(&path, value).is_err() {
        assert_eq!(msg.as_er7(), er7, "what is refused changes nothing");
        return;
    }
    assert_eq!(msg.iter().len(), segments);
    let again = Message::parse(msg.as_er7()).expect("an edited message is a message");
    let read = |m: &Message<'_>| m.get(&path).map(|v| v.raw().to_owned());
    assert_eq!(read(&msg), read(&again));
});
