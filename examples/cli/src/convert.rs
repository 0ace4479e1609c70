//! `hl7 convert`: messages in another form.

use clap::Args;
use hl7_core::{Charset, Delimiters, EncodeError, Message};

use crate::failure::Failure;
use crate::input::{self, Source};
use crate::output;

/// How messages are written.
#[derive(Args)]
pub(crate) struct Writing {
    /// End segments with a line feed, for reading, instead of the standard's carriage return.
    #[arg(long)]
    lines: bool,
    /// Write in this character set, by its name in HL7 table 0211, and name it in MSH-18. As it was read when left out.
    #[arg(long, value_name = "LABEL", value_parser = input::charset)]
    to_charset: Option<Charset>,
    /// Write with these delimiters: MSH-1 and MSH-2, such as '|^~\&'. As they were read when left out.
    #[arg(long, value_name = "CHARACTERS", value_parser = delimiters)]
    delimiters: Option<Delimiters>,
}

pub(crate) fn run(source: &Source, writing: &Writing) -> Result<(), Failure> {
    input::each_message(source, |message| {
        let wire = writing.wire(message).map_err(|why| Failure::mistake(format!("error: {why}")))?;
        output::write(&if writing.lines { output::as_lines(&wire) } else { wire })
    })
}

impl Writing {
    fn wire(&self, message: &Message<'_>) -> Result<Vec<u8>, EncodeError> {
        let delimited = self.delimiters.map(|delimiters| message.with_delimiters(delimiters)).transpose()?;
        let message = delimited.as_ref().unwrap_or(message);
        match self.to_charset {
            Some(charset) => message.with_charset(charset)?.to_wire(),
            None => message.to_wire(),
        }
    }
}

fn delimiters(text: &str) -> Result<Delimiters, String> {
    let mut characters = text.chars();
    let field = characters.next().ok_or("give MSH-1 and MSH-2, such as |^~\\&")?;
    Delimiters::new(field, characters.as_str()).map_err(|why| why.to_string())
}
