//! `hl7-gateway`: JSON webhooks become HL7 v2 messages, and messages come in over MLLP; all are delivered durably over MLLP.

mod answer;
mod certificates;
mod config;
mod demo;
mod destination;
mod endpoint;
mod gateway;
mod http;
mod impatient;
mod listener;
mod outbox;
mod output;
mod post;
mod problem;
mod refusal;
mod secret;
mod serve;
mod sockets;
mod status_page;
mod store;
mod webhook;

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::SystemTime;

use clap::{Parser, Subcommand};

use crate::config::Config;
use crate::outbox::OutboxCommand;
use crate::secret::Secret;
use crate::sockets::Sockets;

/// JSON webhooks become HL7 v2 messages, delivered durably over MLLP.
#[derive(Parser)]
#[command(name = "hl7-gateway", version, after_help = EXIT_CODES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str =
    "Exit codes: 0 done; 1 it could not be done; 2 wrong arguments; 3 the configuration has mistakes.";

#[derive(Subcommand)]
enum Command {
    /// Show one payload's whole way on this machine: webhook, mapping, outbox, MLLP, acknowledgment.
    Demo {
        /// End after the acknowledgment.
        #[arg(long)]
        once: bool,
        /// The folder for the outbox and the demo's files; a new one under the temporary folder when left out.
        #[arg(long, value_name = "FOLDER")]
        data: Option<PathBuf>,
    },
    /// Run the gateway until Ctrl-C or TERM.
    Serve {
        /// The configuration file.
        config: PathBuf,
    },
    /// Check a configuration and the mappings it names, and run the mappings' own tests.
    Check {
        /// The configuration file.
        config: PathBuf,
    },
    /// Print the URL of each workflow.
    Routes {
        /// The configuration file.
        config: PathBuf,
    },
    /// List and show messages; hold, release, cancel, give up and replay them, while no gateway runs.
    Outbox {
        /// The configuration file.
        config: PathBuf,
        #[command(subcommand)]
        command: OutboxCommand,
    },
    /// Webhook secrets, and keys of the outbox.
    Keys {
        #[command(subcommand)]
        command: Keys,
    },
}

#[derive(Subcommand)]
enum Keys {
    /// Make a secret, and the hash of it that goes into the configuration.
    New,
    /// Make a key for the outbox: the first line of the file that `outbox.keys_file` names.
    Outbox,
}

#[tokio::main]
async fn main() -> ExitCode {
    log_to_stderr();
    match Arguments::parse().command {
        Command::Demo { once, data } => finish(demo::run(data, once).await.map_err(|why| why.to_string())),
        Command::Serve { config } => match load(&config) {
            Ok(config) => finish(serve_until_stopped(config).await),
            Err(code) => code,
        },
        Command::Check { config } => match load(&config) {
            Ok(config) => finish(report(&config)),
            Err(code) => code,
        },
        Command::Routes { config } => match load(&config) {
            Ok(config) => finish(routes(config)),
            Err(code) => code,
        },
        Command::Outbox { config, command } => match load(&config) {
            Ok(config) => finish(outbox::run(config, command).await),
            Err(code) => code,
        },
        Command::Keys { command: Keys::New } => finish(new_secret()),
        Command::Keys { command: Keys::Outbox } => finish(new_outbox_key()),
    }
}

/// Logs hold names, codes and counts. `HL7_LOG` is `error`, `warn`, `info` (the default) or `debug`.
fn log_to_stderr() {
    let asked = std::env::var("HL7_LOG").ok().and_then(|level| level.parse().ok());
    let level: tracing::Level = asked.unwrap_or(tracing::Level::INFO);
    let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    tracing_subscriber::fmt().with_max_level(level).with_ansi(colours).with_writer(std::io::stderr).init();
}

fn load(file: &Path) -> Result<Config, ExitCode> {
    Config::load(file).map_err(|error| {
        output::complaint(error.to_string().trim_end());
        ExitCode::from(3)
    })
}

fn finish(done: Result<(), String>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            output::complaint(why);
            ExitCode::FAILURE
        }
    }
}

async fn serve_until_stopped(config: Config) -> Result<(), String> {
    let text = |why: std::io::Error| why.to_string();
    let sockets = Sockets::bind(&config).await?;
    certificates::note(&config);
    // Said once it is true, and of what the configuration is taken apart for.
    let announcement = sockets.announcement(&config).map_err(text)?;
    let mut running = serve::start(config, sockets).await.map_err(|why| why.to_string())?;
    announcement.iter().for_each(output::line);
    tokio::select! {
        stopped = serve::stop_signal() => stopped.map_err(text)?,
        why = running.failed() => return Err(format!("error: {why}")),
    }
    tracing::info!("stopping; a second signal ends it at once");
    tokio::select! {
        () = running.stop() => Ok(()),
        stopped = serve::stop_signal() => stopped.map_err(text),
    }
}

fn report(config: &Config) -> Result<(), String> {
    for workflow in &config.workflows {
        let tests = workflow.mapping.run_tests();
        output::line(format_args!(
            "{}: mapping {}, {} of its tests pass",
            workflow.name,
            workflow.mapping.name(),
            tests.passed()
        ));
        for warning in workflow.mapping.warnings().iter() {
            output::line(format_args!("{}: {warning}", workflow.name));
        }
    }
    for listener in &config.listeners {
        let secured = if listener.tls.is_some() { "over TLS" } else { "without TLS" };
        let to = listener.to.join(", ");
        output::line(format_args!("{}: listens at {} {secured}, to {to}", listener.name, listener.address));
    }
    for warning in certificates::warnings(config, SystemTime::now()) {
        output::line(format_args!("warning: {warning}"));
    }
    output::line(format_args!(
        "{} connections, {} workflows, {} listeners: no mistakes",
        config.connections.len(),
        config.workflows.len(),
        config.listeners.len()
    ));
    Ok(())
}

fn routes(config: Config) -> Result<(), String> {
    let listen = config.listen;
    gateway::make_private(&config.data).map_err(|why| why.to_string())?;
    let workflows = gateway::workflows(config.workflows, &config.data).map_err(|why| why.to_string())?;
    for workflow in workflows {
        output::line(format_args!("{}\thttp://{listen}{}", workflow.name, workflow.url_path()));
    }
    Ok(())
}

fn new_secret() -> Result<(), String> {
    let secret = Secret::generate().map_err(|why| why.to_string())?;
    output::line(format_args!("secret  {}", secret.reveal()));
    output::line(format_args!("hash    {}", secret.hash()));
    output::line(format_args!(
        "Give the secret to the caller; it is not kept. The hash goes into the workflow's `secrets`."
    ));
    Ok(())
}

/// It is named after the day, so that who rotates keys sees which is which.
fn new_outbox_key() -> Result<(), String> {
    let key = secret::random_hex::<32>().map_err(|why| why.to_string())?;
    let today = answer::rfc3339(SystemTime::now());
    output::line(format_args!("{} {key}", today.get(..10).unwrap_or("key")));
    Ok(())
}
