//! Whatever is edited, the message stays one: its text makes the same segments again, what is refused changes nothing, and a value
//! that is set is read back.
#![no_main]

use hl7_core::{EditError, Message, Path, Position, RepetitionIndex};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&str, Vec<(u8, &str, &str)>)| {
    let (body, edits) = input;
    let er7 = format!("MSH|^~\\&|A|B\rPID|1\r{body}");
    let Ok(mut msg) = Message::parse(&er7) else { return };
    for (kind, path, text) in edits.into_iter().take(16) {
        let Ok(path) = path.parse::<Path>() else { continue };
        if let RepetitionIndex::Nth(1_000..) = path.repetition() {
            continue;
        }
        let before = msg.as_er7().to_owned();
        if edit(&mut msg, kind, &path, text).is_err() {
            assert_eq!(msg.as_er7(), before, "what is refused changes nothing");
        }
        let again = Message::parse(msg.as_er7()).expect("an edited message is a message");
        assert!(msg.iter().map(|s| s.raw()).eq(again.iter().map(|s| s.raw())));
    }
});

fn edit(msg: &mut Message<'_>, kind: u8, path: &Path, text: &str) -> Result<(), EditError> {
    let other = text.parse::<Path>().unwrap_or(*path);
    match kind % 12 {
        0 => msg.set_raw(path, text),
        1 => msg.remove(path).map(drop),
        2 => msg.insert_segment(Position::Before(path), text).map(drop),
        3 => msg.insert_segment(Position::After(path), text).map(drop),
        4 => msg.push_segment(text).map(drop),
        5 => msg.move_segment(path, Position::After(&other)),
        6 => msg.move_segment(path, Position::Before(&other)),
        7 => msg.insert_repetition(path, text),
        8 => msg.move_repetition(path, text.len() % 8),
        9 => msg.move_value(path, &other).map(drop),
        10 => {
            msg.set_each(path, |value| value.raw().len().is_multiple_of(2).then(|| text.to_owned())).map(drop)
        }
        _ => set(msg, path, text),
    }
}

fn set(msg: &mut Message<'_>, path: &Path, text: &str) -> Result<(), EditError> {
    msg.set(path, text)?;
    let read = msg.get(path).map(|value| value.text().into_owned());
    // A filter may no longer match what was set.
    let filtered = matches!(path.repetition(), RepetitionIndex::Where(_));
    assert!(filtered || read.as_deref() == Some(text));
    Ok(())
}
