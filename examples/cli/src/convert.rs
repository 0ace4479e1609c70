//! `hl7 convert`: messages in another form.

use clap::Args;
use hl7_core::{Charset, Delimiters, Message};

use crate::Form;
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

pub(crate) fn run(to: Form, source: &Source, writing: &Writing) -> Result<(), Failure> {
    if matches!(to, Form::Xml) && (writing.lines || writing.to_charset.is_some()) {
        return Err(Failure::arguments("error: --lines and --to-charset are of the pipe form; XML is UTF-8"));
    }
    input::each_message_or_xml(source, |message| {
        let delimited = writing.delimiters.map(|delimiters| message.with_delimiters(delimiters)).transpose();
        let delimited = delimited.map_err(mistake)?;
        let message = delimited.as_ref().unwrap_or(message);
        match to {
            Form::Er7 => writing.er7(message),
            Form::Xml => output::write(message.to_xml().map_err(mistake)?.as_bytes()),
        }
    })
}

impl Writing {
    fn er7(&self, message: &Message<'_>) -> Result<(), Failure> {
        let wire = match self.to_charset {
            Some(charset) => message.with_charset(charset).and_then(|message| message.to_wire()),
            None => message.to_wire(),
        };
        let wire = wire.map_err(mistake)?;
        output::write(&if self.lines { output::as_lines(&wire) } else { wire })
    }
}

fn mistake(why: impl std::fmt::Display) -> Failure {
    Failure::mistake(format!("error: {why}"))
}

fn delimiters(text: &str) -> Result<Delimiters, String> {
    let mut characters = text.chars();
    let field = characters.next().ok_or("give MSH-1 and MSH-2, such as |^~\\&")?;
    Delimiters::new(field, characters.as_str()).map_err(|why| why.to_string())
}
