//! `hl7-gateway outbox`: what an operator decides about messages, while no gateway runs on the same folder.

use std::io::{self, Write as _};
use std::time::{Duration, SystemTime};

use hl7_sender::{EntryId, OpenErrorKind, Sender, SqliteStore, State, Status, StoreError};

use crate::answer;
use crate::config::Config;
use crate::output;

/// What to do.
#[derive(clap::Subcommand)]
pub(crate) enum OutboxCommand {
    /// List messages, the newest first.
    List {
        /// Only those in this state; looked for among the newest 10,000.
        #[arg(long, value_parser = state)]
        state: Option<State>,
        /// Only those for this connection.
        #[arg(long)]
        connection: Option<String>,
        /// Only those of this workflow or listener.
        #[arg(long)]
        origin: Option<String>,
        /// At most this many.
        #[arg(long, default_value_t = 100)]
        limit: usize,
    },
    /// Show what is known of one message.
    Show {
        /// The message's id.
        id: EntryId,
        /// Write the message itself to standard output, and nothing else. It is patients' data.
        #[arg(long)]
        message: bool,
    },
    /// Hold messages that wait: each stands where it is, and its lane behind it.
    Hold {
        /// The messages' ids.
        #[arg(required = true)]
        ids: Vec<EntryId>,
    },
    /// Let held messages be sent again; their lanes flow on behind them.
    Release {
        /// The messages' ids.
        #[arg(required = true)]
        ids: Vec<EntryId>,
    },
    /// Take messages back that wait or are held: they are not sent, or not again. Their lanes flow on.
    Cancel {
        /// The messages' ids.
        #[arg(required = true)]
        ids: Vec<EntryId>,
    },
    /// Give held messages up; their lanes flow on without them.
    DeadLetter {
        /// The messages' ids.
        #[arg(required = true)]
        ids: Vec<EntryId>,
    },
    /// Send dead letters again, each behind what waits in its lane, in the order given.
    Replay {
        /// The messages' ids.
        #[arg(required = true)]
        ids: Vec<EntryId>,
    },
}

/// A state is looked for among so many.
const SEARCHED: usize = 10_000;

const STATES: [State; 9] = [
    State::Queued,
    State::Sending,
    State::Retrying,
    State::Held,
    State::Delivered,
    State::DeadLettered,
    State::Unconfirmed,
    State::Skipped,
    State::Cancelled,
];

fn state(name: &str) -> Result<State, String> {
    let known = || STATES.map(State::as_str).join(", ");
    STATES.into_iter().find(|state| state.as_str() == name).ok_or_else(|| format!("one of {}", known()))
}

/// Opens the outbox, does what is asked, and closes it.
///
/// # Errors
/// When a gateway has the outbox open, or a message is not in a state that allows it.
pub(crate) async fn run(config: &Config, command: OutboxCommand) -> Result<(), String> {
    let file = config.data.join("outbox.db");
    if !file.exists() {
        return Err(format!("error[G022]: there is no outbox at {}", file.display()));
    }
    let store = SqliteStore::open(file).await.map_err(|why| match why.kind() {
        OpenErrorKind::Locked => "error[G023]: a gateway runs on this outbox; stop it first".to_owned(),
        _ => format!("error: {why}"),
    })?;
    // Without destinations nothing is sent.
    let sender = Sender::builder(store).start().await.map_err(|why| format!("error: {why}"))?;
    let done = act(&sender, command).await;
    sender.shutdown(Duration::from_secs(5)).await;
    done
}

async fn act(sender: &Sender, command: OutboxCommand) -> Result<(), String> {
    let text = |why: StoreError| format!("error: {why}");
    match command {
        OutboxCommand::List { state, connection, origin, limit } => {
            let found = found(sender, state, origin.as_deref()).await.map_err(text)?;
            let wanted =
                |status: &&Status| connection.as_deref().is_none_or(|name| status.destination() == name);
            found.iter().filter(wanted).take(limit).for_each(line);
            Ok(())
        }
        OutboxCommand::Show { id, message: true } => message(sender, &id).await,
        OutboxCommand::Show { id, message: false } => {
            let status = sender.status(&id).await.map_err(text)?.ok_or_else(|| none(&id))?;
            show(&status);
            Ok(())
        }
        OutboxCommand::Hold { ids } => each(&ids, |id| sender.hold(id)).await,
        OutboxCommand::Release { ids } => each(&ids, |id| sender.release(id)).await,
        OutboxCommand::Cancel { ids } => each(&ids, |id| sender.cancel(id)).await,
        OutboxCommand::DeadLetter { ids } => each(&ids, |id| sender.dead_letter(id)).await,
        OutboxCommand::Replay { ids } => each(&ids, |id| sender.replay(id)).await,
    }
}

async fn found(
    sender: &Sender,
    state: Option<State>,
    origin: Option<&str>,
) -> Result<Vec<Status>, StoreError> {
    let found = match (state, origin) {
        // Old ones that wait for a decision are found, however many came after them.
        (Some(State::DeadLettered), _) => sender.dead_letters(SEARCHED).await?,
        (_, Some(origin)) => sender.recent_of(origin, SEARCHED).await?,
        (_, None) => sender.recent(SEARCHED).await?,
    };
    let wanted = |status: &Status| {
        state.is_none_or(|state| status.state() == state)
            && origin.is_none_or(|origin| status.origin() == Some(origin))
    };
    Ok(found.into_iter().filter(wanted).collect())
}

/// Does it to each, also when one fails.
///
/// # Errors
/// With a line for each that failed.
async fn each<'a, F>(ids: &'a [EntryId], mut act: impl FnMut(&'a EntryId) -> F) -> Result<(), String>
where
    F: Future<Output = Result<(), StoreError>>,
{
    let mut failed = Vec::new();
    for id in ids {
        if let Err(why) = act(id).await {
            failed.push(format!("error: {id}: {why}"));
        }
    }
    if failed.is_empty() { Ok(()) } else { Err(failed.join("\n")) }
}

async fn message(sender: &Sender, id: &EntryId) -> Result<(), String> {
    let message = sender.message(id).await.map_err(|why| format!("error: {why}"))?;
    let message = message.ok_or_else(|| none(id))?;
    let written = io::stdout().lock().write_all(&message);
    written.map_err(|why| format!("error: standard output: {why}"))
}

fn none(id: &EntryId) -> String {
    format!("error: {id}: there is no such message, or no more")
}

fn line(status: &Status) {
    let acknowledgment = status.last_acknowledgment();
    output::line(format_args!(
        "{}  {}  {:<13} {} -> {}  {}  {} attempts  {} {}",
        status.id(),
        answer::rfc3339(status.enqueued_at()),
        status.state(),
        status.origin().unwrap_or("-"),
        status.destination(),
        status.message_type().unwrap_or("-"),
        status.attempts(),
        acknowledgment.as_ref().map_or("-", |ack| ack.code().as_str()),
        status.last_failure().unwrap_or(""),
    ));
}

fn show(status: &Status) {
    let row = |name: &str, value: &str| output::line(format_args!("{name:<18}{value}"));
    let time = |at: Option<SystemTime>| at.map_or_else(|| "-".to_owned(), answer::rfc3339);
    row("id", &status.id().to_string());
    row("origin", status.origin().unwrap_or("-"));
    row("connection", status.destination());
    row("lane", &status.lane().to_string());
    row("type", status.message_type().unwrap_or("-"));
    row("control ID", status.control_id().unwrap_or("-"));
    row("bytes", &status.size().to_string());
    row("state", status.state().as_str());
    row("outcome", status.outcome().map_or("-", |outcome| outcome.as_str()));
    row("reason", status.dead_letter_reason().map_or("-", |reason| reason.code()));
    row("attempts", &status.attempts().to_string());
    row("acknowledgments", &status.answers().to_string());
    row("last code", status.last_acknowledgment().as_ref().map_or("-", |ack| ack.code().as_str()));
    row("last failure", status.last_failure().unwrap_or("-"));
    row("accepted", &time(Some(status.enqueued_at())));
    row("sent", &time(status.sent_at()));
    row("answered", &time(status.answered_at()));
    row("next attempt", &time(status.next_attempt_at()));
    row("settled", &time(status.settled_at()));
}
