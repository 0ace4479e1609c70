//! Any text is a path or refused; a path is shown as it was read, and names the same place however it is read.
#![no_main]

use hl7_core::{Message, Path};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&str, &str)| {
    let (text, body) = input;
    let Ok(path) = text.parse::<Path>() else { return };
    assert_eq!(path.to_string(), text);
    let er7 = format!("MSH|^~\\&|A|B\rPID|1||7^^^H^MR~8\r{body}");
    if let Ok(msg) = Message::parse(&er7) {
        let first = msg.get(&path).map(|value| value.raw());
        assert_eq!(first, msg.get_all(&path).next().map(|value| value.raw()));
        assert_eq!(first, msg.index().get(&path).map(|value| value.raw()));
    }
});
