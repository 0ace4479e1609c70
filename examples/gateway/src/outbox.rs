//! `hl7-gateway outbox`: what an operator decides about messages, while no gateway runs on the same folder.

use std::time::Duration;

use hl7_sender::{EntryId, OpenErrorKind, Sender, SqliteStore, Status};

use crate::answer;
use crate::config::Config;
use crate::output;

/// What to do.
#[derive(clap::Subcommand)]
pub(crate) enum OutboxCommand {
    /// List messages, the newest first.
    List {
        /// Only those in this state: queued, sending, retrying, held, delivered or dead-lettered.
        #[arg(long)]
        state: Option<String>,
        /// At most this many.
        #[arg(long, default_value_t = 100)]
        limit: usize,
    },
    /// Let a held message be sent again; its lane flows on behind it.
    Release {
        /// The message's id.
        id: EntryId,
    },
    /// Give a held message up; its lane flows on without it.
    DeadLetter {
        /// The message's id.
        id: EntryId,
    },
    /// Send a dead letter again, behind what waits in its lane.
    Replay {
        /// The message's id.
        id: EntryId,
    },
}

/// Opens the outbox, does what is asked, and closes it.
///
/// # Errors
/// When a gateway has the outbox open, or the message is not in a state that allows it.
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
    let done = act(&sender, command).await.map_err(|why| format!("error: {why}"));
    sender.shutdown(Duration::from_secs(5)).await;
    done
}

async fn act(sender: &Sender, command: OutboxCommand) -> Result<(), hl7_sender::StoreError> {
    match command {
        OutboxCommand::List { state, limit } => {
            let recent = sender.recent(limit).await?;
            let wanted =
                |status: &&Status| state.as_deref().is_none_or(|state| status.state().as_str() == state);
            recent.iter().filter(wanted).for_each(show);
        }
        OutboxCommand::Release { id } => sender.release(&id).await?,
        OutboxCommand::DeadLetter { id } => sender.dead_letter(&id).await?,
        OutboxCommand::Replay { id } => sender.replay(&id).await?,
    }
    Ok(())
}

fn show(status: &Status) {
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
