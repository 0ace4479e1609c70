//! `hl7`: show, get, explain, validate, convert, send, listen, infer and map HL7 v2 messages, and examine receivers.

mod convert;
mod doctor;
mod explain;
mod failure;
mod get;
mod infer;
mod input;
mod listen;
mod map;
mod output;
mod route;
mod send;
mod show;
mod split;
mod tls;
mod validate;
mod visible;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};

use crate::convert::Writing;
use crate::failure::Failure;
use crate::input::{Reading, Source};

/// HL7 v2 messages: show, get, explain, validate, convert, send, listen, map, infer; and receivers: doctor.
///
/// FILE is a file, or standard input when it is left out or `-`. A file may hold several messages, one after the other, bare or
/// in MLLP blocks. Between them blanks, line ends, byte order marks and the characters of the frame are passed over.
#[derive(Parser)]
#[command(name = "hl7", version, after_help = EXIT_CODES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "\
Exit codes:
  0  done; a message that was sent was accepted
  1  the answer is no: no such place, a test fails, a mapping drops the message, the
     receiver refused it, the doctor or validate found errors
  2  wrong arguments
  3  the input has mistakes: no message, a mapping with mistakes, a payload refused
  4  a file, the network or standard output failed; for `send`, whether the message
     arrived may be unknown
Of several mapping files the worst counts: the highest code.

Characters that a terminal would obey or not show (controls, turns of direction, no
width) are shown to a terminal as symbols or numbers. In a file or pipe they stand as
they are.";

#[derive(Subcommand)]
enum Command {
    /// Show every value with its path and its name in the standard.
    Show {
        #[command(flatten)]
        source: Source,
        /// Show lengths instead of values, but for the message's type, version, identifiers and addresses in MSH.
        #[arg(long)]
        mask: bool,
        /// A JSON array a message, one a line: path, text, and whether it is HL7's null.
        #[arg(long)]
        json: bool,
    },
    /// Print the values at a path, one a line.
    ///
    /// Of a value with parts the first is printed: name the part, or take the whole as sent with --raw. A line end inside a value is
    /// shown as its symbol; --raw and --json are exact.
    Get {
        #[arg(value_parser = get::value_path, help = "Such as PID-5.1, OBX[2]-5, PID-3[*].1 or PID-3[5=MR].1")]
        path: hl7_core::Path,
        #[command(flatten)]
        source: Source,
        /// As sent, with escape sequences.
        #[arg(long)]
        raw: bool,
        /// A JSON array a message, one a line: path, text, raw, and whether it is HL7's null.
        #[arg(long, conflicts_with = "raw")]
        json: bool,
    },
    /// Say what the standard has under a name: a segment, field, component, data type, structure, event or table.
    Explain {
        #[command(flatten)]
        explained: explain::Explained,
    },
    /// Check messages against the standard, and a profile: code, place and a caret, without values.
    ///
    /// Exit code 1 when there is an error; warnings and information alone are exit code 0.
    Validate {
        #[command(flatten)]
        validated: validate::Validated,
    },
    /// Write messages in another form. Input that begins with `<` is read as HL7 v2 XML.
    ///
    /// Of several messages the XML documents stand one after the other, each with its declaration; such a file is read too.
    Convert {
        /// The form to write.
        #[arg(long, value_name = "FORM", value_enum)]
        to: Form,
        #[command(flatten)]
        source: Source,
        #[command(flatten)]
        writing: Writing,
    },
    /// Send messages over MLLP and print the acknowledgments.
    Send {
        /// The receiver.
        #[arg(long, value_name = "HOST:PORT")]
        to: String,
        #[command(flatten)]
        source: Source,
        /// How long to wait for each acknowledgment.
        #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3600))]
        ack_timeout: u64,
        #[command(flatten)]
        tls: tls::Sending,
        #[command(flatten)]
        route: route::Route,
    },
    /// Receive messages over MLLP, print and acknowledge them.
    Listen {
        /// Where to listen.
        #[arg(value_name = "HOST:PORT", default_value = "127.0.0.1:2575")]
        address: String,
        /// End after this many messages.
        #[arg(long, value_name = "MESSAGES")]
        count: Option<u64>,
        /// The acknowledgment code to answer with.
        #[arg(long, value_name = "CODE", default_value = "AA")]
        answer: hl7_core::AckCode,
        #[command(flatten)]
        reading: Reading,
        #[command(flatten)]
        tls: tls::Listening,
    },
    /// Examine a receiver over MLLP: send it test messages and say what is wrong with it.
    ///
    /// About twenty well-formed messages are sent, of a patient who is none, with T (training) in MSH-11; the report says what
    /// their control IDs start with. Warnings alone are exit code 0.
    Doctor {
        #[command(flatten)]
        examined: doctor::Examined,
    },
    /// Draft a mapping from a sample message and the payload it is to be made of: a YAML file whose lines say how sure they are.
    ///
    /// What was not found is named on standard error, and stands as TODO in the draft.
    Infer {
        #[command(flatten)]
        samples: infer::Samples,
    },
    /// Mapping files: apply, check, test, explain; the schema of mapping files, and a payload that one takes.
    Map {
        #[command(subcommand)]
        command: MapCommand,
    },
}

#[derive(Subcommand)]
enum MapCommand {
    /// Map a JSON payload to an HL7 v2 message, or HL7 v2 messages to changed ones or to JSON, an object a line.
    Apply {
        /// The mapping file.
        mapping: PathBuf,
        /// The payload or the messages.
        #[command(flatten)]
        source: Source,
        /// MSH-10, where the mapping does not set it. Random when left out.
        #[arg(long)]
        control_id: Option<String>,
        /// End segments with a line feed, for reading, instead of the standard's carriage return.
        #[arg(long)]
        lines: bool,
    },
    /// Report every mistake in mapping files, with line, column and a suggestion. All files are looked at.
    Check {
        /// The mapping files.
        #[arg(value_name = "MAPPING", required = true)]
        mappings: Vec<PathBuf>,
    },
    /// Say for each field which line of the mapping made it of what, and by which steps; or why it is absent.
    Explain {
        /// The mapping file.
        mapping: PathBuf,
        /// The payload, or the messages. Standard input when left out.
        #[arg(long, value_name = "FILE")]
        payload: Option<PathBuf>,
        /// This field alone, such as PID-5, with all in it.
        #[arg(long, value_name = "PATH")]
        field: Option<String>,
        /// Show values, which may be a patient's.
        #[arg(long)]
        show_values: bool,
        /// A JSON object in place of text.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        reading: Reading,
    },
    /// Write the JSON Schema of mapping files, which an editor completes and names fields by.
    Schema {
        /// The version of HL7 that the mappings write.
        #[arg(long, value_name = "VERSION", default_value = "2.5.1")]
        hl7: String,
    },
    /// Write a payload with something for everything that a mapping reads.
    SampleBody {
        /// The mapping file.
        mapping: PathBuf,
        /// The JSON Schema of the payload in place of a payload.
        #[arg(long)]
        schema: bool,
    },
    /// Run the tests that mapping files hold, and show what differs. All files are looked at.
    Test {
        /// The mapping files.
        #[arg(value_name = "MAPPING", required = true)]
        mappings: Vec<PathBuf>,
    },
}

/// A form of messages.
#[derive(Clone, Copy, ValueEnum)]
enum Form {
    /// The pipe form, every segment ended as the standard says.
    Er7,
    /// HL7 v2 XML, in UTF-8.
    Xml,
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
            output::tell(failure.text());
            failure.exit_code()
        }
    }
}

fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Show { source, mask, json } => show::run(&source, mask, json),
        Command::Get { path, source, raw, json } => get::run(&path, &source, form(raw, json)),
        Command::Explain { explained } => explain::run(&explained),
        Command::Validate { validated } => validate::run(&validated),
        Command::Convert { to, source, writing } => convert::run(to, &source, &writing),
        Command::Send { to, source, ack_timeout, tls, route } => {
            send::run(&to, &source, ack_timeout, &tls, &route)
        }
        Command::Listen { address, count, answer, reading, tls } => {
            listen::run(&address, reading, count, answer, &tls)
        }
        Command::Doctor { examined } => doctor::run(examined),
        Command::Infer { samples } => infer::run(&samples),
        Command::Map { command } => match command {
            MapCommand::Apply { mapping, source, control_id, lines } => {
                map::apply(&mapping, &source, control_id, lines)
            }
            MapCommand::Explain { mapping, payload, field, show_values, json, reading } => {
                let source = Source { file: payload, reading };
                map::explain(&mapping, &source, &map::Told { field, show_values, json })
            }
            MapCommand::Schema { hl7 } => map::schema(&hl7),
            MapCommand::SampleBody { mapping, schema } => map::sample_body(&mapping, schema),
            MapCommand::Check { mappings } => map::check(&mappings),
            MapCommand::Test { mappings } => map::test(&mappings),
        },
    }
}
