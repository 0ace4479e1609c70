//! Two nodes back to back, and a third behind them: acknowledgments are lost, connections reset, and the node in the middle is killed again and again. What
//! each node keeps is what was sent, once, in order.
//!
//! `HL7_SEEDS=n` runs the campaign over so many seeds instead of one, from `HL7_FIRST_SEED` on.

use std::collections::HashSet;
use std::fmt;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hl7_mllp::{Reply, Request, Server};
use hl7_sender::{Destination, Intake, Receipt, Router, Sender, SqliteStore, State};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::crash::{Child, say};
use crate::peer::{Folder, PATIENCE, control_id, ehr, message, nowhere, until, vacant};

const LANES: usize = 3;
const EACH: usize = 40;
const KILLS: usize = 3;
/// Of so many acknowledgments one is lost, and of so many messages one is cut off.
const ODDS: u64 = 12;

/// Forwards connections to another address, and breaks some of them.
struct Faults {
    address: SocketAddr,
    made: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Faults {
    async fn before(target: SocketAddr, seed: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let made = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&made);
        let task = tokio::spawn(async move {
            let mut rng = fastrand::Rng::with_seed(seed);
            while let Ok((from, _)) = listener.accept().await {
                let (count, rng) = (Arc::clone(&count), rng.fork());
                tokio::spawn(async move {
                    if let Ok(to) = TcpStream::connect(target).await {
                        forward(from, to, rng, &count).await;
                    }
                });
            }
        });
        Self { address, made, task }
    }
}

impl Drop for Faults {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Until one side ends, or a fault is made: a message or an acknowledgment is cut off somewhere, from its first byte to its last, and both sides are reset.
async fn forward(mut from: TcpStream, mut to: TcpStream, mut rng: fastrand::Rng, made: &AtomicUsize) {
    let (mut there, mut back) = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
    loop {
        let (read, bytes, onwards) = tokio::select! {
            read = from.read(&mut there) => (read, &there, &mut to),
            read = to.read(&mut back) => (read, &back, &mut from),
        };
        let Ok(length @ 1..) = read else { return };
        let breaks = rng.u64(0..ODDS) == 0;
        let passes = if breaks { rng.usize(0..length) } else { length };
        if onwards.write_all(&bytes[..passes]).await.is_err() {
            return;
        }
        if breaks {
            made.fetch_add(1, Ordering::Relaxed);
            let _ = (from.set_zero_linger(), to.set_zero_linger());
            return;
        }
    }
}

/// What the child in the middle does: it takes messages and sends them on, and keeps a copy for a receiver that is not there.
pub(crate) async fn relay_for_ever(store: &Path) {
    let address = |name| std::env::var(name).unwrap().parse::<SocketAddr>().unwrap();
    let store = SqliteStore::open(store).await.unwrap();
    let onwards = ehr(address("PEER")).connections(LANES);
    let copy = Destination::mllp("copy", nowhere().to_string());
    let sender = Sender::builder(store).destination(onwards).destination(copy).start().await.unwrap();
    let intake = Intake::new(&sender, Router::to(["ehr", "copy"])).unwrap();
    let server = bind(address("ADDRESS")).await;
    say("listens");
    server.serve(intake.handler()).await.unwrap();
}

/// Binds a port that was given back before; while nobody listened another program may have got it for a while.
pub(crate) async fn bind(address: SocketAddr) -> Server {
    let tries = async {
        loop {
            match Server::bind(address).await {
                Ok(server) => return server,
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    };
    tokio::time::timeout(PATIENCE, tries).await.expect("the port in time")
}

/// The last node: an intake whose acknowledgments are lost too, and a list of all that came.
struct Last {
    sender: Sender,
    came: Arc<Mutex<Vec<String>>>,
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Last {
    async fn start(folder: &Folder, seed: u64) -> Self {
        let sender = folder.sender(ehr(nowhere())).await;
        let handler = Intake::new(&sender, Router::to(["ehr"])).unwrap().handler();
        let (came, rng) = (Arc::default(), Mutex::new(fastrand::Rng::with_seed(seed)));
        let server = Server::bind("127.0.0.1:0").await.unwrap();
        let address = server.local_addr().unwrap();
        let list: Arc<Mutex<Vec<String>>> = Arc::clone(&came);
        let handler = move |request: Request| {
            list.lock().unwrap().push(control_id(request.bytes()));
            let loses = rng.lock().unwrap().u64(0..ODDS) == 0;
            let answer = handler(request);
            async move {
                let reply = answer.await;
                if loses { Reply::close() } else { reply }
            }
        };
        let task = tokio::spawn(async move { server.serve(handler).await.unwrap() });
        Self { sender, came, address, task }
    }

    async fn kept(&self) -> usize {
        self.sender.counts().await.unwrap().iter().map(|count| count.messages() as usize).sum()
    }
}

/// What happened, of one run or of all.
#[derive(Default)]
struct Tally {
    runs: usize,
    messages: usize,
    kills: usize,
    /// Acknowledgments and messages that were cut off on the way to the middle node.
    faults: usize,
    /// How often the first node sent a message again.
    repeats: usize,
    /// Deliveries to the last node beyond the first of each message.
    duplicates: usize,
    lost: usize,
}

impl Tally {
    fn add(&mut self, run: Self) {
        self.runs += run.runs;
        self.messages += run.messages;
        self.kills += run.kills;
        self.faults += run.faults;
        self.repeats += run.repeats;
        self.duplicates += run.duplicates;
        self.lost += run.lost;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { runs, messages, kills, faults, repeats, duplicates, lost } = self;
        write!(f, "runs {runs}, messages {messages}, kills {kills}, broken connections {faults}, ")?;
        write!(f, "sent again by the first node {repeats} and by the middle one {duplicates}, ")?;
        write!(f, "lost {lost}, effects {}", messages - lost)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_46_two_nodes_with_kills_and_lost_acknowledgments_have_as_many_effects_as_messages() {
    let number = |name: &str, otherwise| {
        std::env::var(name).ok().map_or(otherwise, |text| text.parse().expect("a number of seeds"))
    };
    let first = number("HL7_FIRST_SEED", 1);
    let mut all = Tally::default();
    for seed in first..first + number("HL7_SEEDS", 1) {
        let run = run(seed).await;
        assert!(run.faults > 0 && run.kills > 0, "seed {seed}: {run}");
        all.add(run);
    }
    writeln!(std::io::stderr(), "two nodes: {all}").unwrap();
    assert!(all.repeats > 0, "nothing was sent twice, so that nothing was shown");
    assert_eq!(all.lost, 0);
}

async fn run(seed: u64) -> Tally {
    let mut rng = fastrand::Rng::with_seed(seed);
    let [first, middle, last] = [Folder::new(), Folder::new(), Folder::new()];
    let end = Last::start(&last, rng.u64(..)).await;
    let address = vacant();
    let faults = Faults::before(address, rng.u64(..)).await;
    let to_middle = Destination::connections(ehr(faults.address), LANES);
    let sender = first.sender(to_middle).await;
    let receipts = enqueue(&sender).await;

    let environment = [("ADDRESS", address.to_string()), ("PEER", end.address.to_string())];
    let mut kills = 0;
    while kills < KILLS && end.kept().await < LANES * EACH {
        let mut child = Child::start("relay", &middle.store_path(), &environment);
        child.hear(1);
        tokio::time::sleep(Duration::from_millis(rng.u64(0..120))).await;
        child.kill();
        kills += 1;
    }
    let mut child = Child::start("relay", &middle.store_path(), &environment);
    child.hear(1);
    let mut repeats = 0;
    for receipt in &receipts {
        let status = until(&sender, receipt, |status| status.state() == State::Delivered).await;
        repeats += status.attempts() as usize - 1;
    }
    let through = async {
        while end.kept().await < LANES * EACH {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let arrived = tokio::time::timeout(PATIENCE, through).await;
    child.kill();
    let duplicates = check(seed, &middle.store_path(), &last.store_path(), &end.came.lock().unwrap());
    assert!(arrived.is_ok(), "seed {seed}: not everything arrived");
    let lost = LANES * EACH - end.kept().await;
    end.task.abort();
    // A store that is not closed keeps its place in this process's list, and the next run's file may have its inode.
    end.sender.shutdown(PATIENCE).await;
    sender.shutdown(PATIENCE).await;
    let faults = faults.made.load(Ordering::Relaxed);
    Tally { runs: 1, messages: LANES * EACH, kills, faults, repeats, duplicates, lost }
}

async fn enqueue(sender: &Sender) -> Vec<Receipt> {
    let mut receipts = Vec::new();
    for n in 0..EACH * LANES {
        let msg = message(&format!("{}-{:04}", n % LANES, n / LANES), &format!("p{}", n % LANES));
        receipts.push(sender.enqueue("ehr", &msg).await.unwrap());
    }
    receipts
}

/// Both nodes keep each message once, in its lane's order, and the last one got them first in that order. Gives how many it got again.
fn check(seed: u64, middle: &Path, last: &Path, came: &[String]) -> usize {
    let mut known = HashSet::new();
    let firsts: Vec<String> = came.iter().filter(|id| known.insert(*id)).cloned().collect();
    let copies = ("middle's copies", kept(middle, "copy"));
    for (place, found) in
        [("middle", kept(middle, "ehr")), copies, ("last", kept(last, "ehr")), ("wire", firsts)]
    {
        assert_eq!(found.len(), LANES * EACH, "seed {seed}: {place}");
        for lane in 0..LANES {
            let prefix = format!("{lane}-");
            let found: Vec<_> = found.iter().filter(|id| id.starts_with(&prefix)).cloned().collect();
            let sent: Vec<_> = (0..EACH).map(|n| format!("{lane}-{n:04}")).collect();
            assert_eq!(found, sent, "seed {seed}: {place}");
        }
    }
    came.len() - LANES * EACH
}

/// The control IDs of a store's entries for a destination, in the order in which they came.
fn kept(store: &Path, destination: &str) -> Vec<String> {
    let conn = rusqlite::Connection::open(store).unwrap();
    let mut select = conn
        .prepare(
            "SELECT control_id FROM entry e JOIN request r ON r.number = e.request
             WHERE destination = ?1 AND r.acknowledgment IS NOT NULL ORDER BY e.number",
        )
        .unwrap();
    select.query_map([destination], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}
