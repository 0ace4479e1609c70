//! `hl7 doctor`: examines a receiver and says what is wrong with it.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use hl7_core::Message;
use hl7_mllp::doctor::{Probe, ProcessingId, Report, Severity};
use hl7_mllp::{Client, Doctor};

use crate::failure::Failure;
use crate::input::{self, Reading, Source};
use crate::output;
use crate::route::Route;
use crate::tls;

/// What is examined, and how.
#[derive(Args)]
pub(crate) struct Examined {
    /// The receiver. It gets test messages: make sure that it may.
    #[arg(value_name = "HOST:PORT")]
    address: String,
    /// One JSON object instead of lines for people.
    #[arg(long)]
    json: bool,
    /// How long each acknowledgment may take.
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=3600))]
    ack_timeout: u64,
    /// Try only this, and what has to come first; may be given several times.
    ///
    /// Well-formed messages: reach, message, again, control-ids, charset, fragments, pipelining, idle, enhanced, duplicate. What a
    /// receiver can stumble over: line-feeds, unknown-type, not-hl7, broken-block, large.
    #[arg(long, value_name = "PROBE")]
    probe: Vec<Probe>,
    /// Try everything, also what a receiver can stumble over: no receiver in production.
    #[arg(long, conflicts_with = "probe")]
    all: bool,
    /// Send the first message of this file, with other control IDs, instead of one of our own.
    #[arg(long, value_name = "FILE")]
    message: Option<PathBuf>,
    /// MSH-11 of the test messages.
    #[arg(long, value_name = "ID", value_enum, default_value = "T")]
    processing_id: Processing,
    #[command(flatten)]
    reading: Reading,
    #[command(flatten)]
    tls: tls::Sending,
    #[command(flatten)]
    route: Route,
}

#[derive(Clone, Copy, ValueEnum)]
enum Processing {
    /// Training
    #[value(name = "T")]
    Training,
    /// Debugging
    #[value(name = "D")]
    Debugging,
    /// Production: the receiver takes the messages for real ones
    #[value(name = "P")]
    Production,
}

impl From<Processing> for ProcessingId {
    fn from(id: Processing) -> Self {
        match id {
            Processing::Training => Self::Training,
            Processing::Debugging => Self::Debugging,
            Processing::Production => Self::Production,
        }
    }
}

pub(crate) fn run(examined: Examined) -> Result<(), Failure> {
    let mut client = examined.route.apply(Client::builder())?;
    if let Some(tls) = examined.tls.read()? {
        client = client.tls(tls);
    }
    let mut doctor = Doctor::new()
        .client(client)
        .ack_timeout(Duration::from_secs(examined.ack_timeout))
        .processing_id(examined.processing_id.into());
    if examined.all {
        doctor = doctor.probes(Probe::all());
    } else if !examined.probe.is_empty() {
        doctor = doctor.probes(examined.probe);
    }
    if let Some(file) = examined.message {
        doctor = doctor.message(first(file, examined.reading)?);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|why| Failure::outside(format!("error: {why}")))?;
    let report = runtime.block_on(doctor.examine(&examined.address));
    let text = if examined.json { report.to_json() + "\n" } else { report.to_string() };
    output::write_lines(&text)?;
    verdict(&report)
}

fn first(file: PathBuf, reading: Reading) -> Result<Message<'static>, Failure> {
    let source = Source { file: Some(file), reading };
    let mut first = None;
    input::each_message(&source, |message| {
        first.get_or_insert_with(|| message.clone().into_owned());
        Ok(())
    })?;
    first.ok_or_else(|| Failure::mistake("error: there is no message"))
}

/// A receiver that is not there is a failure of the network; one with errors is an answer.
fn verdict(report: &Report) -> Result<(), Failure> {
    let error = report.findings().iter().find(|finding| finding.severity() == Severity::Error);
    match error {
        Some(finding) if report.peer().is_none() => Err(Failure::outside(format!("error: {finding}"))),
        Some(_) => Err(Failure::told()),
        None => Ok(()),
    }
}
