//! A receiver that records what comes and answers as it is told, and what every test needs.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hl7_core::{AckCode, ErrorCode, Message};
use hl7_mllp::{Reply, Request, Server};
use hl7_sender::{Destination, Outcome, Receipt, Retry, Sender, SqliteStore, State, Status};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Long enough for a busy machine, and short against a test that hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Messages in the order in which they came.
pub(crate) type Seen = Arc<Mutex<Vec<Vec<u8>>>>;

pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    seen: Seen,
    task: JoinHandle<()>,
}

impl Peer {
    /// Answers each message as `answer` says, which is given the request and how many came before.
    pub(crate) async fn start(answer: impl Fn(&Request, usize) -> Reply + Send + Sync + 'static) -> Self {
        Self::start_at("127.0.0.1:0".parse().unwrap(), answer).await
    }

    pub(crate) async fn start_at(
        address: SocketAddr,
        answer: impl Fn(&Request, usize) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let server = Server::bind(address).await.unwrap();
        let address = server.local_addr().unwrap();
        let seen = Seen::default();
        let record = Arc::clone(&seen);
        let handler = move |request: Request| {
            let before = {
                let mut seen = record.lock().unwrap();
                seen.push(request.bytes().to_vec());
                seen.len() - 1
            };
            let reply = answer(&request, before);
            async move { reply }
        };
        let task = tokio::spawn(async move { server.serve(handler).await.unwrap() });
        Self { address, seen, task }
    }

    pub(crate) async fn accepting() -> Self {
        Self::start(|request, _| Reply::accept(request)).await
    }

    pub(crate) fn bodies(&self) -> Vec<Vec<u8>> {
        self.seen.lock().unwrap().clone()
    }

    /// The control IDs of what came, in order, repetitions included.
    pub(crate) fn control_ids(&self) -> Vec<String> {
        self.bodies().iter().map(|body| control_id(body)).collect()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub(crate) fn control_id(body: &[u8]) -> String {
    Message::from_bytes(body).unwrap().header().control_id().unwrap().raw().to_owned()
}

/// Answers with a code of table 0008.
pub(crate) fn answer(request: &Request, code: AckCode) -> Reply {
    match code {
        AckCode::AA => Reply::accept(request),
        AckCode::AE => Reply::error(request, ErrorCode::RequiredFieldMissing, "no"),
        AckCode::AR => Reply::reject(request, ErrorCode::ApplicationInternalError, "not now"),
        code => Reply::message(hl7_core::Ack::to(request.message(), code).build()),
    }
}

/// A message for a patient; only those of the same patient have an order.
pub(crate) fn message(control_id: &str, patient: &str) -> Message<'static> {
    let text = format!(
        "MSH|^~\\&|LAB|NORTH|EHR|SOUTH|20260102030405||ADT^A08^ADT_A01|{control_id}|P|2.5.1\rPID|1||{patient}^^^H^MR||Doe^Jo\r"
    );
    Message::parse(&text).unwrap().into_owned()
}

/// An address where nothing listens, and no test will: the port is not among those the system gives out.
pub(crate) fn nowhere() -> SocketAddr {
    "127.0.0.1:1".parse().unwrap()
}

/// An address where nothing listens yet: its port was just given back.
pub(crate) fn vacant() -> SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

pub(crate) fn ehr(address: SocketAddr) -> Destination {
    Destination::mllp("ehr", address.to_string())
        .lane_key(hl7_core::path!("PID-3.1"))
        .retry(quick())
        .ack_timeout(Duration::from_secs(5))
}

pub(crate) fn quick() -> Retry {
    Retry::new().first(Duration::from_millis(5)).max(Duration::from_millis(40))
}

pub(crate) struct Folder {
    dir: TempDir,
}

impl Folder {
    pub(crate) fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    /// One in memory, where there is such a place: what is not about the disk need not wait for it.
    pub(crate) fn in_memory() -> Self {
        Self { dir: tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap() }
    }

    pub(crate) fn store_path(&self) -> PathBuf {
        self.dir.path().join("outbox.db")
    }

    pub(crate) async fn store(&self) -> SqliteStore {
        SqliteStore::open(self.store_path()).await.unwrap()
    }

    pub(crate) async fn sender(&self, destination: Destination) -> Sender {
        Sender::builder(self.store().await).destination(destination).start().await.unwrap()
    }
}

pub(crate) async fn outcome(receipt: &Receipt) -> Outcome {
    timeout(PATIENCE, receipt.outcome()).await.expect("an outcome in time").unwrap()
}

pub(crate) async fn delivered(receipt: &Receipt) {
    let outcome = outcome(receipt).await;
    assert!(matches!(&outcome, Outcome::Delivered(ack) if ack.code().is_positive()), "{outcome:?}");
}

/// Waits until the entry is in this state.
pub(crate) async fn state(sender: &Sender, receipt: &Receipt, state: State) -> Status {
    until(sender, receipt, |status| status.state() == state).await
}

pub(crate) async fn until(sender: &Sender, receipt: &Receipt, enough: impl Fn(&Status) -> bool) -> Status {
    let look = async {
        loop {
            let status = sender.status(&receipt.id()).await.unwrap().unwrap();
            if enough(&status) {
                return status;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    timeout(PATIENCE, look).await.expect("the state in time")
}
