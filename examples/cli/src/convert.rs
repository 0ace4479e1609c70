//! `hl7 convert`: messages in another form.

use crate::failure::Failure;
use crate::input::{self, Source};
use crate::output;

pub(crate) fn run(source: &Source, lines: bool) -> Result<(), Failure> {
    input::each_message(source, |message| {
        let wire = message.to_wire().map_err(|why| Failure::mistake(format!("error: {why}")))?;
        output::write(&if lines { output::as_lines(&wire) } else { wire })
    })
}
