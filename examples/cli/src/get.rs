//! `hl7 get`: the values at a path.

use std::path::Path;

use crate::failure::Failure;
use crate::input;
use crate::output;

pub(crate) fn run(path: &hl7_core::Path, file: Option<&Path>, raw: bool) -> Result<(), Failure> {
    let mut found = false;
    input::each_message(file, |message| {
        for value in message.get_all(path).filter(|value| !value.is_empty()) {
            found = true;
            let text = if raw { value.raw().into() } else { value.text() };
            output::write(format!("{text}\n").as_bytes())?;
        }
        Ok(())
    })?;
    if found { Ok(()) } else { Err(Failure::no(format!("{path}: no value"))) }
}
