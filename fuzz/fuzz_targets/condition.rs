//! Any text is a condition or refused; what is shown reads back, and asks any message the same.
#![no_main]

use hl7_core::{Condition, Message};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&str, &str)| {
    let (text, body) = input;
    let condition = match text.parse::<Condition>() {
        Ok(condition) => condition,
        Err(error) => {
            assert!(text.is_char_boundary(error.offset()), "a mistake stands at a character");
            return;
        }
    };
    let shown = condition.to_string();
    let again: Condition = shown.parse().expect("what is shown is a condition");
    assert!(again == condition, "what is shown is the same condition");
    let _ = format!("{condition:?}");
    assert!(condition.paths().count() > 0);
    let er7 = format!("MSH|^~\\&|A|B\rPID|1\r{body}");
    if let Ok(msg) = Message::parse(&er7) {
        let holds = condition.holds(&msg);
        assert_eq!(again.holds(&msg), holds);
        if let Ok(not) = format!("not ({shown})").parse::<Condition>() {
            assert_eq!(not.holds(&msg), !holds);
        }
    }
});
