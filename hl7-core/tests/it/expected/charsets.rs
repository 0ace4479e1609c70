//! Apache Camel: messages in the set that MSH-18 names.

use hl7_core::{Message, Path};
use serde_json::Value as Json;

use super::{Case, judge, recorded, same, text};

#[test]
fn camel_s_messages_are_read_in_the_set_of_msh_18() {
    let Some(file) = recorded("charset-msh18.json") else { return };
    let cases: Vec<_> = file["cases"].as_array().unwrap().iter().map(case).collect();
    judge("Camel, character sets", &cases, &[]);
}

fn case(case: &Json) -> Case {
    Case { name: text(case, "msh18").to_owned(), outcome: read_and_write(case) }
}

fn read_and_write(case: &Json) -> Result<(), String> {
    let bytes = hex(text(case, "bytes_hex"));
    let mut msg = Message::from_bytes(&bytes).map_err(|error| error.to_string())?;
    let path: Path = text(case, "path").replacen("-2", ".2", 1).parse().unwrap();
    let found = msg.get(&path).ok_or("nothing there")?.text().into_owned();
    same(&found, text(case, "expected"))?;
    // Written anew, not as it was read.
    msg.set(&path, "").and_then(|()| msg.set(&path, &found)).map_err(|error| error.to_string())?;
    let written = msg.to_bytes().map_err(|error| error.to_string())?;
    if *written == bytes { Ok(()) } else { Err("written otherwise".to_owned()) }
}

fn hex(digits: &str) -> Vec<u8> {
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.as_bytes().chunks(2).map(byte).collect()
}
