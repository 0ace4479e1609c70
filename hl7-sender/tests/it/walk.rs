//! A sender that is killed at each step of a message's way.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hl7_core::path;
use hl7_mllp::Client;
use hl7_sender::{
    Confirmation, ConnectFailure, Connection, Destination, Failure, FailureKind, Outgoing, Pending, Sender,
    SqliteStore, State, Transport,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::crash::{Child, say};
use crate::disk;
use crate::fickle::Fickle;
use crate::peer::{Folder, PATIENCE, Peer, ehr, message, quick};
use crate::steps::{self, At, SENDER, Step, Tally, die, is_here, reached, seeds, tell};

/// How often each run is killed.
const KILLS: usize = 2;
const LANES: usize = 3;

/// MLLP by the client of `hl7-mllp`, with a step between the answer and its use.
struct Watching(SocketAddr);

struct Line(Client);

impl Transport for Watching {
    fn connect(&self) -> Pending<'_, Result<Box<dyn Connection>, ConnectFailure>> {
        Box::pin(async {
            let client = Client::connect(self.0.to_string()).await;
            let line = client.map_err(|_| ConnectFailure::passing("X000"))?;
            Ok(Box::new(Line(line)) as Box<dyn Connection>)
        })
    }
}

impl Connection for Line {
    fn send<'a>(&'a mut self, message: Outgoing<'a>) -> Pending<'a, Result<Confirmation, Failure>> {
        Box::pin(async move {
            let answer = self.0.send_wire(message.bytes()).await;
            let answer = answer.map_err(|_| Failure::new("X001", FailureKind::Lost))?;
            reached(At::AckRead);
            Ok(Confirmation::Acknowledged(answer))
        })
    }
}

/// A wire inside the child: it forwards whole blocks, and ends the process in the middle of one or behind it.
pub(crate) async fn wire(listener: TcpListener, target: SocketAddr, there: [At; 2], back: [At; 2]) {
    while let Ok((from, _)) = listener.accept().await {
        tokio::spawn(async move {
            let Ok(to) = TcpStream::connect(target).await else { return };
            let ((from, to_from), (to, to_to)) = (from.into_split(), to.into_split());
            tokio::join!(forward(from, to_to, there), forward(to, to_from, back));
        });
    }
}

async fn forward(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    [part, full]: [At; 2],
) {
    let (mut block, mut bytes) = (Vec::new(), vec![0; 64 * 1024]);
    while let Ok(length @ 1..) = from.read(&mut bytes).await {
        block.extend_from_slice(&bytes[..length]);
        if !block.ends_with(b"\x1C\r") {
            continue;
        }
        if is_here(part) {
            let _ = to.write_all(&block[..block.len() / 2]).await;
            die();
        }
        if to.write_all(&block).await.is_err() {
            return;
        }
        if is_here(full) {
            die();
        }
        block.clear();
    }
}

/// What the child does: one message after the other from each task, each enqueued and, with one task alone, delivered before the next.
pub(crate) async fn walk(store: &Path) {
    let peer: SocketAddr = std::env::var("PEER").unwrap().parse().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    // The way back is the step `AckRead`.
    let nowhere = [At::PartAnswered, At::Answered];
    tokio::spawn(wire(listener, peer, [At::PartWritten, At::Written], nowhere));
    let firsts: Vec<usize> =
        std::env::var("FIRST").unwrap().split(',').map(|first| first.parse().unwrap()).collect();
    let destination = Destination::over("ehr", Watching(address)).lane_key(path!("PID-3.1")).retry(quick());
    let destination = destination.connections(firsts.len());
    if firsts.len() > 1 {
        // What the last run left is part of what is killed.
        steps::begin();
    }
    let store = Fickle::new(SqliteStore::open(store).await.unwrap(), &Arc::default());
    let sender = Sender::builder(store).destination(destination).start().await.unwrap();
    if let [first] = firsts[..] {
        until_all_settled(&sender).await;
        return walk_alone(&sender, first).await;
    }
    let walk = |(lane, first): (usize, usize)| {
        let sender = sender.clone();
        tokio::spawn(async move {
            for n in first.. {
                sender.enqueue("ehr", &numbered(lane, n)).await.unwrap();
                say(format_args!("{lane} {n}"));
            }
        })
    };
    for task in firsts.into_iter().enumerate().map(walk).collect::<Vec<_>>() {
        task.await.unwrap();
    }
}

async fn walk_alone(sender: &Sender, first: usize) {
    for n in first.. {
        if n == first + 1 {
            // The first one may be a repeat of a call that did not return.
            steps::begin();
        }
        let receipt = sender.enqueue("ehr", &numbered(0, n)).await.unwrap();
        say(format_args!("0 {n}"));
        receipt.outcome().await.unwrap();
    }
}

fn numbered(lane: usize, n: usize) -> hl7_core::Message<'static> {
    message(&name(lane, n), &format!("p{lane}"))
}

fn name(lane: usize, n: usize) -> String {
    format!("{lane}-{n:05}")
}

pub(crate) async fn until_all_settled(sender: &Sender) {
    let all = async {
        loop {
            let counts = sender.counts().await.unwrap();
            if counts.iter().all(|count| count.state().is_settled()) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(PATIENCE, all).await.expect("everything settled in time");
}

/// What the store's file says of every entry.
fn on_disk(store: &Path) -> HashMap<String, State> {
    let conn = rusqlite::Connection::open(store).unwrap();
    let verdict: String = conn.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(verdict, "ok");
    let sql = "SELECT control_id, state FROM entry e JOIN request r ON r.number = e.request";
    let Ok(mut select) = conn.prepare(sql) else { return HashMap::new() };
    let state = |number: i64| match number {
        0 => State::Queued,
        1 => State::Sending,
        2 => State::Retrying,
        4 => State::Delivered,
        other => panic!("state {other}"),
    };
    let rows = select.query_map([], |row| Ok((row.get(0)?, state(row.get(1)?)))).unwrap();
    rows.map(Result::unwrap).collect()
}

/// The site of one run: the receiver, the store, and how far each lane came.
struct Site {
    peer: Peer,
    folder: Folder,
    /// For each lane the number of the first message whose `enqueue` has not returned.
    firsts: Vec<usize>,
    /// How often a message may have been taken without the store knowing: it was under way when the process was killed.
    under_way: HashMap<String, usize>,
    kills: usize,
}

impl Site {
    async fn new(lanes: usize) -> Self {
        let (peer, folder) = (Peer::accepting().await, Folder::new());
        Self { peer, folder, firsts: vec![0; lanes], under_way: HashMap::new(), kills: 0 }
    }

    /// Runs a child until it is killed, and gives what is on the disk then.
    fn kill(&mut self, faults: &[(&'static str, String)]) -> HashMap<String, State> {
        let store = self.folder.store_path();
        let mut environment = match faults.iter().any(|(name, _)| name.starts_with("DISK")) {
            true => disk::environment(disk::library().unwrap(), &store, faults),
            false => faults.to_vec(),
        };
        let firsts: Vec<String> = self.firsts.iter().map(ToString::to_string).collect();
        environment.extend([("PEER", self.peer.address.to_string()), ("FIRST", firsts.join(","))]);
        let child = Child::start("walk", &store, &environment);
        for line in child.killed_by_itself() {
            let (lane, n) = line.split_once(' ').unwrap();
            self.firsts[lane.parse::<usize>().unwrap()] = n.parse::<usize>().unwrap() + 1;
        }
        self.kills += 1;
        let _ = std::fs::remove_file(store.with_file_name("armed"));
        let left = on_disk(&store);
        for (id, _) in left.iter().filter(|(_, state)| **state == State::Sending) {
            *self.under_way.entry(id.clone()).or_default() += 1;
        }
        let came: HashSet<String> = self.peer.control_ids().into_iter().collect();
        for (id, state) in &left {
            assert!(*state != State::Delivered || came.contains(id), "{id} is delivered, and never came");
        }
        left
    }

    /// Sends all that is left, and compares what came with what was enqueued.
    async fn settle(self, what: &str) -> Tally {
        let sender = self.folder.sender(ehr(self.peer.address).connections(LANES)).await;
        until_all_settled(&sender).await;
        sender.shutdown(PATIENCE).await;
        let came = self.peer.control_ids();
        let (mut messages, mut lost) = (0, 0);
        for (lane, first) in self.firsts.iter().enumerate() {
            let prefix = format!("{lane}-");
            let mut known = HashSet::new();
            let firsts: Vec<_> =
                came.iter().filter(|id| id.starts_with(&prefix) && known.insert(*id)).cloned().collect();
            // The one whose `enqueue` did not return may be there.
            let sent: Vec<_> =
                (0..(*first).max(firsts.len().min(first + 1))).map(|n| name(lane, n)).collect();
            lost += sent.iter().filter(|id| !known.contains(id)).count();
            assert_eq!(firsts, sent, "{what}: lane {lane}");
            messages += sent.len();
        }
        let mut times: HashMap<&String, usize> = HashMap::new();
        came.iter().for_each(|id| *times.entry(id).or_default() += 1);
        for (id, times) in times {
            let explained = self.under_way.get(id).copied().unwrap_or(0);
            assert!(
                times <= 1 + explained,
                "{what}: {id} came {times} times, and was under way {explained} times"
            );
        }
        Tally { runs: 1, messages, kills: self.kills, duplicates: came.len() - messages, lost }
    }
}

/// One lane, one message at a time: a kill finds the process in exactly one state.
async fn one_by_one(step: &Step, seed: u64) -> Tally {
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut site = Site::new(1).await;
    let mut again = 0;
    for _ in 0..KILLS {
        let nth = rng.usize(1..=4);
        let under_way = site.firsts[0] + nth;
        let left = site.kill(&step.environment(nth));
        let what = format!("{}, seed {seed}", step.name);
        assert_eq!(left.get(&name(0, under_way)).copied(), step.left, "{what}");
        let returned = if step.at == At::Keep || step.at == At::Kept { under_way } else { under_way + 1 };
        assert_eq!(site.firsts[0], returned, "{what}");
        again += usize::from(step.again);
    }
    let tally = site.settle(step.name).await;
    assert_eq!(tally.duplicates, again, "{}, seed {seed}", step.name);
    tally
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_50_a_kill_at_each_step_loses_nothing_and_doubles_only_what_was_written_and_not_settled() {
    let mut all = Tally::default();
    for step in &SENDER {
        if step.disk.is_some() && disk::library().is_none() {
            continue;
        }
        let mut of_step = Tally::default();
        for seed in seeds() {
            of_step.add(one_by_one(step, seed).await);
        }
        tell(format_args!("{}: {of_step}", step.name));
        all.add(of_step);
    }
    tell(format_args!("kills at each step: {all}"));
    assert_eq!(all.lost, 0);
}

/// Many lanes at once: a kill at any step of any of them, or at any change of any file.
async fn all_at_once(seed: u64, can_fail: bool) -> Tally {
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut site = Site::new(LANES).await;
    for _ in 0..KILLS {
        let faults = if can_fail && rng.bool() {
            vec![("DISK_KILL", rng.usize(0..600).to_string())]
        } else {
            let steps: Vec<&Step> = SENDER.iter().filter(|step| can_fail || step.disk.is_none()).collect();
            steps[rng.usize(0..steps.len())].environment(rng.usize(1..60))
        };
        site.kill(&faults);
    }
    site.settle(&format!("seed {seed}")).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_50_kills_amid_many_lanes_lose_nothing_and_double_only_what_was_under_way() {
    let can_fail = disk::library().is_some();
    let mut all = Tally::default();
    for seed in seeds() {
        all.add(all_at_once(seed, can_fail).await);
    }
    tell(format_args!("kills amid many lanes: {all}"));
    assert_eq!(all.lost, 0);
}

/// What the child does: it sends what there is, three times at most, until that kills it.
pub(crate) async fn poisoned(store: &Path) {
    steps::begin();
    let peer: SocketAddr = std::env::var("PEER").unwrap().parse().unwrap();
    let store = Fickle::new(SqliteStore::open(store).await.unwrap(), &Arc::default());
    let destination = Destination::over("ehr", Watching(peer)).lane_key(path!("PID-3.1"));
    let destination = destination.retry(quick().max_attempts(3));
    let _sender = Sender::builder(store).destination(destination).start().await.unwrap();
    std::future::pending::<()>().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_36_a_message_that_ends_its_sender_each_time_is_held_after_its_attempts() {
    let (peer, folder) = (Peer::accepting().await, Folder::new());
    let sender = folder.sender(ehr(crate::peer::nowhere())).await;
    let poison = sender.enqueue("ehr", &message("poison", "a")).await.unwrap();
    let behind = sender.enqueue("ehr", &message("behind", "a")).await.unwrap();
    sender.shutdown(PATIENCE).await;
    let step = SENDER.iter().find(|step| step.at == At::AckRead).unwrap();
    for kill in 1..=3 {
        let mut environment = step.environment(1);
        environment.push(("PEER", peer.address.to_string()));
        assert!(Child::start("poisoned", &folder.store_path(), &environment).killed_by_itself().is_empty());
        assert_eq!(peer.control_ids().len(), kill);
    }
    let sender = folder.sender(ehr(peer.address).retry(quick().max_attempts(3))).await;
    let held = crate::peer::state(&sender, &poison, State::Held).await;
    assert_eq!((held.attempts(), held.last_failure()), (3, Some("S203")));
    assert_eq!(peer.control_ids(), ["poison"; 3], "it is not written once more");
    let attempts = sender.attempts(&poison.id()).await.unwrap();
    let seen: Vec<_> =
        attempts.iter().map(|past| (past.number, past.failure.as_deref(), past.is_indeterminate())).collect();
    assert_eq!(seen, [1, 2, 3].map(|number| (number, Some("S203"), true)), "each of them is on record");
    assert_eq!(behind.id(), sender.recent(1).await.unwrap()[0].id());
    assert_eq!(
        sender.status(&behind.id()).await.unwrap().unwrap().state(),
        State::Queued,
        "its lane waits with it"
    );
}
