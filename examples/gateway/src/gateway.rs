//! The gateway: workflows over one durable sender.

use std::io;
use std::path::Path;
use std::time::Duration;

use hl7_map::Mapping;
use hl7_sender::{Destination, Sender, SqliteStore};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};
use tokio::sync::{Semaphore, watch};

use crate::config::{Config, Connection, WorkflowConfig};
use crate::endpoint;
use crate::secret::SecretHash;

/// What runs: the workflows and the sender that they share.
pub(crate) struct Gateway {
    pub(crate) workflows: Vec<Workflow>,
    pub(crate) sender: Sender,
    pub(crate) max_body: usize,
    /// Turns true when the gateway is told to stop.
    pub(crate) stop: watch::Receiver<bool>,
    /// Mappings run as many at a time as there are processors.
    pub(crate) mapping_slots: Semaphore,
}

/// One workflow, ready to run.
pub(crate) struct Workflow {
    pub(crate) name: String,
    pub(crate) endpoint: String,
    pub(crate) mapping: Mapping,
    pub(crate) to: String,
    endpoint_hash: [u8; 32],
    secrets: Vec<SecretHash>,
}

/// Why a gateway does not start.
#[derive(Debug)]
pub(crate) enum StartError {
    Folder(String, io::Error),
    Store(hl7_sender::OpenError),
    Sender(hl7_sender::StartError),
}

impl std::fmt::Display for StartError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Folder(folder, why) => {
                write!(f, "error[G020]: the data folder {folder} cannot be used: {why}")
            }
            Self::Store(why) => write!(f, "error: {why}"),
            Self::Sender(why) => write!(f, "error: {why}"),
        }
    }
}

impl Gateway {
    /// Opens the outbox and starts delivering what is in it.
    pub(crate) async fn start(config: Config, stop: watch::Receiver<bool>) -> Result<Self, StartError> {
        make_private(&config.data)
            .map_err(|why| StartError::Folder(config.data.display().to_string(), why))?;
        let workflows = workflows(config.workflows, &config.data)
            .map_err(|why| StartError::Folder(config.data.display().to_string(), why))?;
        let store = SqliteStore::open(config.data.join("outbox.db")).await.map_err(StartError::Store)?;
        let mut sender = Sender::builder(store);
        for connection in &config.connections {
            sender = sender.destination(destination(connection));
        }
        let sender = sender.start().await.map_err(StartError::Sender)?;
        note_stranded(&sender, &config.connections).await;
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let mapping_slots = Semaphore::new(processors);
        Ok(Self { workflows, sender, max_body: config.max_body, stop, mapping_slots })
    }

    /// The workflow whose URL id is `endpoint` and one of whose secrets is `secret`.
    ///
    /// Takes as long for an unknown id as for a wrong secret: every workflow is compared, in constant time.
    pub(crate) fn authorize(&self, endpoint: &str, secret: Option<&str>) -> Option<&Workflow> {
        let endpoint: [u8; 32] = Sha256::digest(endpoint.as_bytes()).into();
        let given = SecretHash::of(secret.unwrap_or_default().as_bytes());
        let mut found = None;
        for workflow in &self.workflows {
            let fits = workflow.endpoint_hash.ct_eq(&endpoint) & workflow.knows(&given);
            if bool::from(fits) {
                found = Some(workflow);
            }
        }
        found.filter(|_| secret.is_some())
    }
}

impl Workflow {
    fn knows(&self, given: &SecretHash) -> Choice {
        self.secrets.iter().fold(Choice::from(0), |known, secret| known | secret.is(given))
    }

    /// The path of the workflow's URL.
    pub(crate) fn url_path(&self) -> String {
        format!("/w/{}", self.endpoint)
    }
}

/// The URL ids of the workflows, made and kept where the configuration names none.
pub(crate) fn workflows(configs: Vec<WorkflowConfig>, data: &Path) -> io::Result<Vec<Workflow>> {
    let ready = |config: WorkflowConfig| {
        let endpoint = match config.endpoint {
            Some(id) => id,
            None => endpoint::of_workflow(data, &config.name)?,
        };
        Ok(Workflow {
            endpoint_hash: Sha256::digest(endpoint.as_bytes()).into(),
            name: config.name,
            endpoint,
            mapping: config.mapping,
            to: config.to,
            secrets: config.secrets,
        })
    };
    configs.into_iter().map(ready).collect()
}

/// Says which messages wait for a connection that the configuration no longer has: they would wait for ever.
async fn note_stranded(sender: &Sender, connections: &[Connection]) {
    // A store that cannot be read says so when it is used.
    let counts = sender.counts().await.unwrap_or_default();
    let known = |name: &str| connections.iter().any(|connection| connection.name == name);
    for count in counts.iter().filter(|c| !c.state().is_settled() && !known(c.destination())) {
        tracing::error!(
            code = "G025",
            connection = count.destination(),
            messages = count.messages(),
            "messages wait for a connection that is not in the configuration; add it again"
        );
    }
}

fn destination(connection: &Connection) -> Destination {
    let mut destination = Destination::mllp(connection.name.as_str(), connection.mllp.as_str());
    if let Some(path) = &connection.lane_key {
        destination = destination.lane_key(path);
    }
    if let Some(count) = connection.connections {
        destination = destination.connections(count);
    }
    if let Some(within) = connection.ack_timeout {
        destination = destination.ack_timeout(within);
    }
    for (code, action) in &connection.on {
        destination = destination.on(*code, *action);
    }
    if let Some(within) = connection.connect_timeout {
        destination = destination.connect_timeout(within);
    }
    destination
}

/// The folder holds patients' data: it is made readable for its owner alone. One that exists stays as it is.
pub(crate) fn make_private(folder: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// How long a stopping gateway waits for acknowledgments that are under way.
pub(crate) const DRAIN: Duration = Duration::from_secs(10);
