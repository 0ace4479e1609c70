//! `hl7`: show, get, convert, send, listen and map HL7 v2 messages.

#![allow(clippy::print_stdout, clippy::print_stderr)] // a program talks to its user

mod convert;
mod failure;
mod get;
mod input;
mod listen;
mod map;
mod output;
mod send;
mod show;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};

use crate::failure::Failure;

/// HL7 v2 messages: show, get, convert, send, listen, map.
///
/// FILE is a file, or standard input when it is left out or `-`. A file may hold several messages, one after the other, bare or
/// in MLLP blocks.
#[derive(Parser)]
#[command(name = "hl7", version, after_help = EXIT_CODES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "\
Exit codes:
  0  done; a message that was sent was accepted
  1  the answer is no: no such place, a test fails, the receiver refused the message
  2  wrong arguments
  3  the input has mistakes: not a message, a mapping with mistakes, a payload that is refused
  4  a file or the network failed: for `send`, whether the message arrived may be unknown";

#[derive(Subcommand)]
enum Command {
    /// Show every value with its path.
    Show {
        /// The messages.
        file: Option<PathBuf>,
        /// Show lengths instead of values, but for the message's type, version, identifiers and addresses in MSH.
        #[arg(long)]
        mask: bool,
        /// A JSON array a message, one a line: path, text, and whether it is HL7's null.
        #[arg(long)]
        json: bool,
    },
    /// Print the values at a path, one a line.
    Get {
        #[arg(help = "Such as PID-5.1, OBX[2]-5, PID-3[*].1 or PID-3[5=MR].1")]
        path: hl7_core::Path,
        /// The messages.
        file: Option<PathBuf>,
        /// As sent, with escape sequences.
        #[arg(long)]
        raw: bool,
        /// A JSON array a message, one a line: path, text, raw, and whether it is HL7's null.
        #[arg(long, conflicts_with = "raw")]
        json: bool,
    },
    /// Write messages in another form.
    Convert {
        /// The form to write.
        #[arg(long, value_enum)]
        to: Form,
        /// The messages.
        file: Option<PathBuf>,
        /// End segments with a line feed, for reading, instead of the standard's carriage return.
        #[arg(long)]
        lines: bool,
    },
    /// Send messages over MLLP and print the acknowledgments.
    Send {
        /// HOST:PORT of the receiver.
        #[arg(long)]
        to: String,
        /// The messages.
        file: Option<PathBuf>,
        /// How long to wait for each acknowledgment, in seconds.
        #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3600))]
        ack_timeout: u64,
    },
    /// Receive messages over MLLP, print and acknowledge them.
    Listen {
        /// HOST:PORT to listen at.
        #[arg(default_value = "127.0.0.1:2575")]
        address: String,
        /// End after this many messages.
        #[arg(long)]
        count: Option<u64>,
        /// The acknowledgment code to answer with.
        #[arg(long, default_value = "AA")]
        answer: hl7_core::AckCode,
    },
    /// Mapping files: apply, check, test.
    Map {
        #[command(subcommand)]
        command: MapCommand,
    },
}

#[derive(Subcommand)]
enum MapCommand {
    /// Map a JSON payload and write the HL7 v2 message.
    Apply {
        /// The mapping file.
        mapping: PathBuf,
        /// The payload.
        payload: Option<PathBuf>,
        /// MSH-10, where the mapping does not set it. Random when left out.
        #[arg(long)]
        control_id: Option<String>,
        /// End segments with a line feed, for reading, instead of the standard's carriage return.
        #[arg(long)]
        lines: bool,
    },
    /// Report every mistake in mapping files, with line, column and a suggestion.
    Check {
        /// The mapping files.
        #[arg(required = true)]
        mappings: Vec<PathBuf>,
    },
    /// Run the tests that mapping files hold, and show what differs.
    Test {
        /// The mapping files.
        #[arg(required = true)]
        mappings: Vec<PathBuf>,
    },
}

/// A form of messages.
#[derive(Clone, Copy, ValueEnum)]
enum Form {
    /// The pipe form, every segment ended as the standard says.
    Er7,
}

fn form(raw: bool, json: bool) -> get::Form {
    match (raw, json) {
        (_, true) => get::Form::Json,
        (true, _) => get::Form::Raw,
        _ => get::Form::Text,
    }
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprint!("{}", failure.text());
            failure.exit_code()
        }
    }
}

fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Show { file, mask, json } => show::run(file.as_deref(), mask, json),
        Command::Get { path, file, raw, json } => get::run(&path, file.as_deref(), form(raw, json)),
        Command::Convert { to: Form::Er7, file, lines } => convert::run(file.as_deref(), lines),
        Command::Send { to, file, ack_timeout } => send::run(&to, file.as_deref(), ack_timeout),
        Command::Listen { address, count, answer } => listen::run(&address, count, answer),
        Command::Map { command } => match command {
            MapCommand::Apply { mapping, payload, control_id, lines } => {
                map::apply(&mapping, payload.as_deref(), control_id, lines)
            }
            MapCommand::Check { mappings } => map::check(&mappings),
            MapCommand::Test { mappings } => map::test(&mappings),
        },
    }
}
