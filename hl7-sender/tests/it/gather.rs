//! A listener that is killed at each step between a message's arrival and its acknowledgment.

use std::net::SocketAddr;
use std::path::Path;

use hl7_mllp::Server;
use hl7_sender::{Intake, Receipt, Router, Sender, SqliteStore, State};
use tokio::net::TcpListener;

use crate::crash::{Child, say};
use crate::disk;
use crate::fickle::Fickle;
use crate::peer::{Folder, PATIENCE, ehr, message, nowhere, until, vacant};
use crate::steps::{self, At, LISTENER, Step, Tally, seeds, tell};
use crate::walk::wire;

const MESSAGES: usize = 12;
const KILLS: usize = 2;

/// What the child does.
pub(crate) async fn gather(store: &Path) {
    let address: SocketAddr = std::env::var("ADDRESS").unwrap().parse().unwrap();
    let store = Fickle::new(SqliteStore::open(store).await.unwrap(), &Default::default());
    let sender = Sender::builder(store).destination(ehr(nowhere())).start().await.unwrap();
    let intake = Intake::new(&sender, Router::to(["ehr"])).unwrap();
    // Nothing is sent on: no other commit than that of a message comes to the disk.
    sender.pause_destination("ehr").await.unwrap();
    let server = Server::bind("127.0.0.1:0").await.unwrap();
    let behind = server.local_addr().unwrap();
    tokio::spawn(server.serve(intake.handler()));
    steps::begin();
    // The way in is the sender's part.
    let elsewhere = [At::PartWritten, At::Written];
    let listener = again(address).await;
    say("listens");
    wire(listener, behind, elsewhere, [At::PartAnswered, At::Answered]).await;
}

/// Binds a port that was given back before.
async fn again(address: SocketAddr) -> TcpListener {
    let bind = async {
        loop {
            match TcpListener::bind(address).await {
                Ok(listener) => return listener,
                Err(_) => tokio::time::sleep(std::time::Duration::from_millis(20)).await,
            }
        }
    };
    tokio::time::timeout(PATIENCE, bind).await.expect("the port in time")
}

/// The control IDs of what the listener keeps, in their order.
fn kept(store: &Path) -> Vec<String> {
    let conn = rusqlite::Connection::open(store).unwrap();
    let sql = "SELECT control_id FROM entry e JOIN request r ON r.number = e.request ORDER BY e.number";
    let Ok(mut select) = conn.prepare(sql) else { return Vec::new() };
    select.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

fn killed_at(step: &Step, nth: usize, store: &Path, address: SocketAddr) {
    let mut environment = match step.disk {
        Some(_) => disk::environment(disk::library().unwrap(), store, &step.environment(nth)),
        None => step.environment(nth),
    };
    environment.push(("ADDRESS", address.to_string()));
    Child::start("gather", store, &environment).killed_by_itself();
    let _ = std::fs::remove_file(store.with_file_name("armed"));
}

async fn run(step: &Step, seed: u64) -> Tally {
    let mut rng = fastrand::Rng::with_seed(seed);
    let (here, there) = (Folder::new(), Folder::new());
    let address = vacant();
    let sender = here.sender(ehr(address)).await;
    let mut receipts: Vec<Receipt> = Vec::new();
    for n in 0..MESSAGES {
        receipts.push(sender.enqueue("ehr", &message(&format!("m-{n:02}"), "a")).await.unwrap());
    }
    let what = format!("{}, seed {seed}", step.name);
    let mut before = 0;
    for _ in 0..KILLS {
        let nth = rng.usize(1..=4);
        killed_at(step, nth, &there.store_path(), address);
        let now = kept(&there.store_path()).len();
        let least = before + nth - 1;
        // What was kept and not answered comes first again, and is one of the `nth`.
        let came_again = before > 0 && step.left.is_some();
        let is_kept = usize::from(step.left.is_some() && !came_again);
        assert!(
            now == least + is_kept || (came_again && now == least + 1),
            "{what}: {now}, and before {before}"
        );
        before = now;
    }
    let child = Child::start("gather", &there.store_path(), &[("ADDRESS", address.to_string())]);
    let mut written = 0;
    for receipt in &receipts {
        let status = until(&sender, receipt, |status| status.state() == State::Delivered).await;
        written += status.attempts() as usize;
    }
    drop(child);
    sender.shutdown(PATIENCE).await;
    assert!(!step.again || written > MESSAGES, "{what}: nothing came again");
    let found = kept(&there.store_path());
    let sent: Vec<_> = (0..MESSAGES).map(|n| format!("m-{n:02}")).collect();
    assert_eq!(found, sent, "{what}: effects are as many as messages");
    Tally { runs: 1, messages: MESSAGES, kills: KILLS, duplicates: written - MESSAGES, lost: 0 }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_46_a_listener_killed_at_each_step_keeps_every_message_once() {
    let mut all = Tally::default();
    for step in LISTENER.iter().filter(|step| step.disk.is_none() || disk::library().is_some()) {
        let mut of_step = Tally::default();
        for seed in seeds() {
            of_step.add(run(step, seed).await);
        }
        all.add(of_step);
    }
    let Tally { runs, messages, kills, duplicates, .. } = all;
    tell(format_args!(
        "listener killed at each step: runs {runs}, messages {messages}, kills {kills}, sent again {duplicates}, effects {messages}, lost 0"
    ));
}
