//! `hl7 infer`: a draft of a mapping.

use std::path::PathBuf;

use clap::Args;
use hl7_map::{Draft, SamplePair, infer};

use crate::failure::Failure;
use crate::input;
use crate::output;

/// The samples, and where the draft goes.
#[derive(Args)]
pub(crate) struct Samples {
    /// A sample message; may be given several times, each with its payload.
    #[arg(long, value_name = "FILE", required = true)]
    hl7: Vec<PathBuf>,
    /// The payload that the message is to be made of; as many as messages, in the same order.
    #[arg(long, value_name = "FILE", required = true)]
    json: Vec<PathBuf>,
    /// Write the draft to this file, which must not be there yet, instead of standard output.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(crate) fn run(samples: &Samples) -> Result<(), Failure> {
    if samples.hl7.len() != samples.json.len() {
        return Err(Failure::arguments("error: give one --json for each --hl7, in the same order"));
    }
    let texts = |files: &[PathBuf]| files.iter().map(|file| input::text(file)).collect::<Result<Vec<_>, _>>();
    let (messages, payloads) = (texts(&samples.hl7)?, texts(&samples.json)?);
    let pairs: Vec<_> = messages.iter().zip(&payloads).map(|(hl7, json)| SamplePair { hl7, json }).collect();
    let draft = infer(&pairs).map_err(|why| Failure::mistake(format!("error: {why}")))?;
    match &samples.out {
        None => output::write(draft.yaml().as_bytes())?,
        Some(file) => {
            let made = std::fs::File::create_new(file);
            made.and_then(|mut made| std::io::Write::write_all(&mut made, draft.yaml().as_bytes())).map_err(
                |why| Failure::outside(format!("error: {} cannot be written: {why}", file.display())),
            )?;
        }
    }
    output::tell(&told(&draft));
    Ok(())
}

/// What a person has to look at.
fn told(draft: &Draft) -> String {
    let (same, all) = draft.reproduced();
    let sure = draft.lines().iter().filter(|line| line.confidence >= 0.9).count();
    let mut text = format!(
        "{} lines, {sure} of them sure; {same} of {all} values of the samples are made again; {} gaps\n",
        draft.lines().len(),
        draft.gaps().len()
    );
    for gap in draft.gaps() {
        text += &format!("TODO {} {}\n", gap.place, gap.name);
    }
    text
}
