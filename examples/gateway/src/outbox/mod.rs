//! `hl7-gateway outbox`: what an operator decides about messages, while no gateway runs on the same folder.

mod show;
mod silent;

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use hl7_core::Message;
use hl7_sender::{
    Builder, EntryId, OpenErrorKind, Sender, SqliteStore, State, Status, Store as _, StoreError,
    StoreErrorKind,
};

use crate::config::{Config, Connection};
use crate::output;
use crate::store;

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
    /// Send an edited copy of a dead letter, which stays one: the message in a file, at the end of its lane.
    Copy {
        /// The dead letter's id.
        id: EntryId,
        /// A file with one message, such as one that `show --message` wrote; segments end in CR, LF or both.
        file: PathBuf,
    },
    /// List lanes that are parked or have something to send.
    Lanes {
        /// Only those of this connection.
        #[arg(long)]
        connection: Option<String>,
    },
    /// Park the lanes of messages, such as those of a patient: nothing in them goes out, whatever comes into them.
    Park {
        /// The messages' ids.
        #[arg(required = true)]
        ids: Vec<EntryId>,
    },
    /// Let the lanes of messages go that were parked.
    Unpark {
        /// The messages' ids.
        #[arg(required = true)]
        ids: Vec<EntryId>,
    },
    /// Pause a connection: nothing goes out over it until it is resumed, also after a start.
    Pause {
        /// The connection's name.
        connection: String,
    },
    /// Go on with a connection that was paused.
    Resume {
        /// The connection's name.
        connection: String,
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
pub(crate) async fn run(config: Config, command: OutboxCommand) -> Result<(), String> {
    let file = store::file(&config.data);
    if !file.exists() {
        return Err(format!("error[G022]: there is no outbox at {}", file.display()));
    }
    let store = store::open(&config.data, &config.outbox).await.map_err(|why| match why.kind() {
        OpenErrorKind::Locked => "error[G023]: a gateway runs on this outbox; stop it first".to_owned(),
        _ => format!("error: {why}"),
    })?;
    match command {
        OutboxCommand::Pause { connection } => return pause(&config, store, &connection, true).await,
        OutboxCommand::Resume { connection } => return pause(&config, store, &connection, false).await,
        _ => {}
    }
    // Without destinations nothing is sent. A new message needs one, for its lanes.
    let is_new = matches!(command, OutboxCommand::Copy { .. });
    let destinations = config.connections.iter().filter(|_| is_new).map(silent::destination);
    let builder = destinations.fold(store::sender(store, config.outbox), Builder::destination);
    let sender = builder.start().await.map_err(|why| format!("error: {why}"))?;
    let done = act(&config.connections, &sender, command).await;
    // Lanes that wait for a connection that never comes have nothing under way.
    sender.shutdown(if is_new { Duration::ZERO } else { Duration::from_secs(5) }).await;
    done
}

async fn act(connections: &[Connection], sender: &Sender, command: OutboxCommand) -> Result<(), String> {
    let text = |why: StoreError| format!("error: {why}");
    match command {
        OutboxCommand::List { state, connection, origin, limit } => {
            let found = found(sender, state, origin.as_deref()).await.map_err(text)?;
            let wanted =
                |status: &&Status| connection.as_deref().is_none_or(|name| status.destination() == name);
            found.iter().filter(wanted).take(limit).for_each(show::line);
            Ok(())
        }
        OutboxCommand::Show { id, message: true } => message(sender, &id).await,
        OutboxCommand::Show { id, message: false } => {
            let status = sender.status(&id).await.map_err(text)?.ok_or_else(|| none(&id))?;
            show::whole(&status);
            Ok(())
        }
        OutboxCommand::Hold { ids } => each(&ids, |id| sender.hold(id)).await,
        OutboxCommand::Release { ids } => each(&ids, |id| sender.release(id)).await,
        OutboxCommand::Cancel { ids } => each(&ids, |id| sender.cancel(id)).await,
        OutboxCommand::DeadLetter { ids } => each(&ids, |id| sender.dead_letter(id)).await,
        OutboxCommand::Replay { ids } => each(&ids, |id| sender.replay(id)).await,
        OutboxCommand::Copy { id, file } => copy(sender, &id, &file).await,
        OutboxCommand::Lanes { connection } => {
            lanes(connections, sender, connection.as_deref()).await.map_err(text)
        }
        OutboxCommand::Park { ids } => each(&ids, |id| park(sender, id, true)).await,
        OutboxCommand::Unpark { ids } => each(&ids, |id| park(sender, id, false)).await,
        // They are done without a sender.
        OutboxCommand::Pause { .. } | OutboxCommand::Resume { .. } => Ok(()),
    }
}

async fn copy(sender: &Sender, id: &EntryId, file: &Path) -> Result<(), String> {
    let name = file.display();
    let text = std::fs::read(file).map_err(|why| format!("error: {name} cannot be read: {why}"))?;
    let message = Message::from_bytes(&text).map_err(|why| format!("error: {name}: {why}"))?;
    let receipt = sender.replay_edited(id, &message).await.map_err(|why| format!("error: {why}"))?;
    output::line(receipt.id());
    Ok(())
}

async fn pause(config: &Config, store: SqliteStore, connection: &str, paused: bool) -> Result<(), String> {
    if !config.connections.iter().any(|known| known.name == connection) {
        return Err(format!("error: there is no connection {connection} in the configuration"));
    }
    let done = store.pause(connection, paused).await.map_err(|why| format!("error: {why}"));
    store.close().await;
    done
}

async fn lanes(
    connections: &[Connection],
    sender: &Sender,
    connection: Option<&str>,
) -> Result<(), StoreError> {
    let names = connections.iter().map(|known| known.name.as_str());
    for name in names.filter(|name| connection.is_none_or(|wanted| wanted == *name)) {
        sender.lanes(name, SEARCHED).await?.iter().for_each(|lane| show::lane(name, lane));
    }
    Ok(())
}

/// Parks all lanes that a message stands in, or lets them go.
async fn park(sender: &Sender, id: &EntryId, parked: bool) -> Result<(), StoreError> {
    let status = sender.status(id).await?.ok_or(StoreError::new(StoreErrorKind::NotFound))?;
    for lane in status.lanes() {
        match parked {
            true => sender.park_lane(status.destination(), lane).await?,
            false => sender.release_lane(status.destination(), lane).await?,
        };
    }
    Ok(())
}

async fn found(
    sender: &Sender,
    state: Option<State>,
    origin: Option<&str>,
) -> Result<Vec<Status>, StoreError> {
    let found = match (state, origin) {
        // Old ones that wait for a decision are found, however many came after them.
        (Some(State::DeadLettered), _) => sender.dead_letters(SEARCHED).await?,
        (Some(State::Held), _) => sender.held(SEARCHED).await?,
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
