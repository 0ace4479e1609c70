//! `hl7 convert`: messages in another form.

use std::path::Path;

use crate::failure::Failure;
use crate::input;
use crate::output;

pub(crate) fn run(file: Option<&Path>, lines: bool) -> Result<(), Failure> {
    input::each_message(file, |message| {
        let wire = message.to_wire().map_err(|why| Failure::mistake(format!("error: {why}")))?;
        output::write(&if lines { output::as_lines(&wire) } else { wire })
    })
}
