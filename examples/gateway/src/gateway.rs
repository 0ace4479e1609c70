//! The gateway: workflows and listeners over one durable sender.

use std::io;
use std::path::Path;
use std::time::Duration;

use hl7_map::Mapping;
use hl7_sender::{Builder, Sender};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};

use crate::config::{Config, Connection, ListenerConfig, WorkflowConfig};
use crate::destination::{AcksByListener, application_acks, destination};
use crate::endpoint;
use crate::listener::{self, Listener, Port};
use crate::secret::SecretHash;
use crate::store;

/// What runs: the workflows, the listeners and the sender that they share.
pub(crate) struct Gateway {
    pub(crate) workflows: Vec<Workflow>,
    pub(crate) listeners: Vec<Listener>,
    pub(crate) connections: Vec<Connection>,
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
    Listener(String, hl7_sender::IntakeError),
}

impl std::fmt::Display for StartError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Folder(folder, why) => {
                write!(f, "error[G020]: the data folder {folder} cannot be used: {why}")
            }
            Self::Store(why) => write!(f, "error: {why}"),
            Self::Sender(why) => write!(f, "error: {why}"),
            Self::Listener(name, why) => write!(f, "error: listener {name}: {why}"),
        }
    }
}

impl Gateway {
    /// Opens the outbox and starts delivering what is in it. The sockets are those of the listeners, in their order; each is given back as a port to serve.
    pub(crate) async fn start(
        config: Config,
        sockets: Vec<TcpListener>,
        stop: watch::Receiver<bool>,
    ) -> Result<(Self, Vec<Port>), StartError> {
        let Config { data, max_body, outbox, connections, workflows: configs, listeners, .. } = config;
        let folder = |why| StartError::Folder(data.display().to_string(), why);
        make_private(&data).map_err(folder)?;
        let workflows = workflows(configs, &data).map_err(folder)?;
        let store = store::open(&data, &outbox).await.map_err(StartError::Store)?;
        let acks = application_acks(&connections);
        let destinations = connections.iter().map(|connection| destination(connection, &acks));
        let builder = destinations.fold(store::sender(store, outbox), Builder::destination);
        let sender = builder.start().await.map_err(StartError::Sender)?;
        note_stranded(&sender, &connections).await;
        let (listeners, ports) = open(listeners, sockets, &sender, &acks)?;
        let mapping_slots = Semaphore::new(std::thread::available_parallelism().map_or(1, usize::from));
        let gateway = Self { workflows, listeners, connections, sender, max_body, stop, mapping_slots };
        Ok((gateway, ports))
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

fn open(
    configs: Vec<ListenerConfig>,
    sockets: Vec<TcpListener>,
    sender: &Sender,
    acks: &AcksByListener,
) -> Result<(Vec<Listener>, Vec<Port>), StartError> {
    let mut all = (Vec::new(), Vec::new());
    for (config, socket) in configs.into_iter().zip(sockets) {
        let name = config.name.clone();
        let acks = acks.get(&name).cloned();
        let opened =
            listener::open(config, socket, sender, acks).map_err(|why| StartError::Listener(name, why))?;
        all.0.push(opened.listener);
        all.1.push(opened.port);
    }
    Ok(all)
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

/// The folder holds patients' data: it is made readable for its owner alone. One that exists stays as it is.
pub(crate) fn make_private(folder: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// How long a stopping gateway waits for requests and blocks that are under way, and then for acknowledgments.
pub(crate) const DRAIN: Duration = Duration::from_secs(10);
