//! Processes that are killed at random moments.
//!
//! A child is this test binary again, told by the environment what to be.

use std::collections::{HashMap, HashSet};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{ChildStdout, Command, Stdio};
use std::time::Duration;

use hl7_sender::{EntryId, SqliteStore, State, Store};

use crate::peer::{Folder, PATIENCE, Peer, ehr, message, nowhere};
use hl7_sender::contract::{at, finished};

const ROLE: &str = "HL7_SENDER_TEST_CHILD";
const STORE: &str = "HL7_SENDER_TEST_STORE";
const LANES: usize = 3;

/// A child process; it is killed when this is dropped.
pub(crate) struct Child {
    process: std::process::Child,
    output: BufReader<ChildStdout>,
    heard: Vec<String>,
}

impl Child {
    pub(crate) fn start(role: &str, store: &Path, environment: &[(&str, String)]) -> Self {
        Self::spawn(Command::new(std::env::current_exe().unwrap()), role, store, environment)
    }

    /// The same, with the size of its files limited to so many blocks of 512 bytes; beyond, writing fails with EFBIG.
    pub(crate) fn start_with_small_files(
        role: &str,
        store: &Path,
        blocks: usize,
        environment: &[(&str, String)],
    ) -> Self {
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"")]);
        shell.arg(std::env::current_exe().unwrap());
        Self::spawn(shell, role, store, environment)
    }

    /// The same, on a disk of its own in memory, of so many MiB, which only the child sees. `None` where that cannot be had.
    pub(crate) fn start_on_small_disk(role: &str, folder: &Path, mebibytes: usize) -> Option<Self> {
        let mount = format!("mount -t tmpfs -o size={mebibytes}m,mode=700 tmpfs '{}'", folder.display());
        let works = |way: &Vec<&str>| {
            let tried = Command::new("unshare").args(way).args(["sh", "-c", &mount]).output();
            tried.is_ok_and(|output| output.status.success())
        };
        let way = [vec!["--mount"], vec!["--map-root-user", "--mount"]].into_iter().find(works)?;
        let mut unshare = Command::new("unshare");
        unshare.args(&way).args(["sh", "-c", &format!("{mount} && exec \"$0\" \"$@\"")]);
        unshare.arg(std::env::current_exe().unwrap());
        Some(Self::spawn(unshare, role, &folder.join("outbox.db"), &[]))
    }

    fn spawn(mut command: Command, role: &str, store: &Path, environment: &[(&str, String)]) -> Self {
        command.args(["--exact", "crash::child", "--nocapture", "--test-threads=1"]);
        command
            .env(ROLE, role)
            .env(STORE, store)
            .envs(environment.iter().map(|(name, value)| (*name, value)));
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn().unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        Self { process, output, heard: Vec::new() }
    }

    pub(crate) fn kill(&mut self) {
        // SIGKILL: nothing of the child runs after it.
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// What it said until it ended by itself.
    pub(crate) fn output(mut self) -> Vec<String> {
        self.hear_all();
        std::mem::take(&mut self.heard)
    }

    /// What it said until it was killed, not by this process.
    pub(crate) fn killed_by_itself(mut self) -> Vec<String> {
        use std::os::unix::process::ExitStatusExt as _;
        self.hear_all();
        let ended = self.process.wait().unwrap();
        assert_eq!(
            ended.signal(),
            Some(9),
            "it was to be killed, and ended: {ended}; {:?}",
            self.heard.last()
        );
        std::mem::take(&mut self.heard)
    }

    /// Waits until it has said this much.
    pub(crate) fn hear(&mut self, lines: usize) {
        while self.heard.len() < lines {
            assert!(self.hear_line(), "the child ended too early");
        }
    }

    fn hear_all(&mut self) {
        while self.hear_line() {}
    }

    /// Hears one line, if it was said in full.
    fn hear_line(&mut self) -> bool {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        let said = line.strip_prefix("> ").and_then(|line| line.strip_suffix('\n'));
        self.heard.extend(said.map(str::to_owned));
        line.ends_with('\n')
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

pub(crate) fn say(line: impl std::fmt::Display) {
    // In one write past the test harness, so that a line is said or not said.
    let line = format!("> {line}\n");
    std::io::stdout().lock().write_all(line.as_bytes()).unwrap();
    std::io::stdout().lock().flush().unwrap();
}

/// Not a test of its own: what a child does.
#[test]
fn child() {
    let (Ok(role), Some(store)) = (std::env::var(ROLE), std::env::var_os(STORE)) else { return };
    let store = PathBuf::from(store);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    // The harness has begun a line of its own.
    std::io::stdout().write_all(b"\n").unwrap();
    runtime.block_on(async {
        match role.as_str() {
            "open" => match SqliteStore::open(&store).await {
                Ok(_) => say("open"),
                Err(error) => say(error.code()),
            },
            "open-slowly" => {
                say("opens");
                let _store = SqliteStore::open(&store).await.unwrap();
                std::future::pending::<()>().await;
            }
            "relay" => crate::nodes::relay_for_ever(&store).await,
            "take" => crate::intake::take_for_ever(&store).await,
            "enqueue" => enqueue_for_ever(&store).await,
            "deliver" => deliver_for_ever(&store).await,
            "deliver-merges" => crate::merges::deliver_for_ever(&store).await,
            "settle" => crate::merges::settle_for_ever(&store).await,
            "endure" => crate::ailing::endure(&store).await,
            "gather" => crate::gather::gather(&store).await,
            "walk" => crate::walk::walk(&store).await,
            "poisoned" => crate::walk::poisoned(&store).await,
            "work" => crate::power::work(&store).await,
            "write-foreign" => crate::neighbours::write_foreign(&store),
            "read-long" => crate::neighbours::read_long(&store).await,
            "unwanted-reserve" => crate::room::unwanted_reserve(&store).await,
            "fill" => fill(&store).await,
            "fill-disk" => crate::room::fill_disk(&store).await,
            _ => unreachable!("no such role"),
        }
    });
}

/// Enqueues from several tasks, and says each entry once `enqueue` has returned.
async fn enqueue_for_ever(store: &Path) {
    let store = SqliteStore::open(store).await.unwrap();
    let sender = hl7_sender::Sender::builder(store).destination(ehr(nowhere())).start().await.unwrap();
    let run = std::env::var("RUN").unwrap();
    let tasks = (0..LANES).map(|lane| {
        let (sender, run) = (sender.clone(), run.clone());
        tokio::spawn(async move {
            for n in 0.. {
                let msg = message(&format!("{run}-{lane}-{n}"), &format!("p{lane}"));
                let receipt = sender.enqueue("ehr", &msg).await.unwrap();
                say(format_args!("{lane} {}", receipt.id()));
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
}

async fn deliver_for_ever(store: &Path) {
    let address = std::env::var("PEER").unwrap().parse().unwrap();
    let store = SqliteStore::open(store).await.unwrap();
    let destination = ehr(address).connections(LANES);
    let _sender = hl7_sender::Sender::builder(store).destination(destination).start().await.unwrap();
    say("started");
    std::future::pending::<()>().await;
}

/// Enqueues until that fails, and says how it failed, twice.
async fn fill(store: &Path) {
    let store = SqliteStore::open(store).await.unwrap();
    let sender = hl7_sender::Sender::builder(store).destination(ehr(nowhere())).start().await.unwrap();
    for n in 0.. {
        match sender.enqueue("ehr", &message(&format!("m-{n}"), "a")).await {
            Ok(receipt) => say(receipt.id()),
            Err(error) => {
                let hl7_sender::EnqueueErrorKind::Store(why) = error.kind() else { panic!("{error}") };
                say(format_args!("{} {}", error.is_indeterminate(), why.code()));
                break;
            }
        }
    }
    let again = sender.enqueue("ehr", &message("again", "a")).await.unwrap_err();
    let hl7_sender::EnqueueErrorKind::Store(why) = again.kind() else { panic!("{again}") };
    say(why.code());
    say(sender.recent(1).await.unwrap_err().code());
}

fn check_integrity(store: &Path) {
    let conn = rusqlite::Connection::open(store).unwrap();
    let verdict: String = conn.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(verdict, "ok");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_50_what_was_said_to_be_durable_survives_a_kill() {
    let folder = Folder::new();
    let mut said: HashMap<usize, Vec<EntryId>> = HashMap::new();
    for run in 0..10 {
        let environment = [("RUN", run.to_string())];
        let mut child = Child::start("enqueue", &folder.store_path(), &environment);
        child.hear(5);
        std::thread::sleep(Duration::from_millis(fastrand::u64(0..100)));
        child.kill();
        child.hear_all();
        for line in &child.heard {
            let (lane, id) = line.split_once(' ').unwrap();
            said.entry(lane.parse().unwrap()).or_default().push(id.parse().unwrap());
        }
        check_integrity(&folder.store_path());
        folder.store().await.close().await;
    }
    let store = folder.store().await;
    for ids in said.values() {
        let stored = drain(&store, ids[0]).await;
        let known: HashSet<_> = ids.iter().collect();
        let in_order: Vec<_> = stored.into_iter().filter(|id| known.contains(id)).collect();
        assert_eq!(&in_order, ids, "each entry is there, in the order in which it was enqueued");
    }
}

/// Takes everything out of the lane of this entry, in the lane's order.
async fn drain(store: &impl Store, id: EntryId) -> Vec<EntryId> {
    let lane = store.record(id).await.unwrap().unwrap().home();
    let mut order = Vec::new();
    let mut next = store.begin(lane).await.unwrap();
    while let Some(attempt) = next {
        order.push(attempt.id);
        next = store.finish(finished(attempt.id, hl7_sender::End::Deliver, at(0)), true).await.unwrap();
    }
    order
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_50_a_killed_sender_delivers_everything_in_order_in_the_end() {
    const EACH: usize = 400;
    let peer = Peer::accepting().await;
    let folder = Folder::new();
    let sender = folder.sender(ehr(nowhere())).await;
    let mut receipts = Vec::new();
    for n in 0..EACH * LANES {
        let msg = message(&format!("{}-{:04}", n % LANES, n / LANES), &format!("p{}", n % LANES));
        receipts.push(sender.enqueue("ehr", &msg).await.unwrap());
    }
    sender.shutdown(PATIENCE).await;

    let mut kills = 0;
    while kills < 10 && peer.bodies().len() < EACH * LANES {
        let environment = [("PEER", peer.address.to_string())];
        let mut child = Child::start("deliver", &folder.store_path(), &environment);
        child.hear(1);
        std::thread::sleep(Duration::from_millis(fastrand::u64(0..60)));
        child.kill();
        kills += 1;
        check_integrity(&folder.store_path());
    }
    assert!(kills > 1, "the child was never killed while it had work");
    let sender = folder.sender(ehr(peer.address).connections(LANES)).await;
    for receipt in &receipts {
        crate::peer::until(&sender, receipt, |status| status.state() == State::Delivered).await;
    }
    check_deliveries(&peer.control_ids(), EACH, kills);
}

/// Everything came, first deliveries in order, and no more duplicates than a kill of three connections can make.
fn check_deliveries(came: &[String], each: usize, kills: usize) {
    for lane in 0..LANES {
        let prefix = format!("{lane}-");
        let mut known = HashSet::new();
        let firsts: Vec<_> = came.iter().filter(|id| id.starts_with(&prefix) && known.insert(*id)).collect();
        let sent: Vec<_> = (0..each).map(|n| format!("{lane}-{n:04}")).collect();
        assert_eq!(firsts, sent.iter().collect::<Vec<_>>());
    }
    let duplicates = came.len() - each * LANES;
    assert!(duplicates <= kills * LANES, "{duplicates} duplicates by {kills} kills");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_52_a_failed_write_ends_the_use_of_the_store_until_it_is_opened_again() {
    let folder = Folder::new();
    let mut said = Child::start_with_small_files("fill", &folder.store_path(), 4000, &[]).output();
    let ends = said.split_off(said.len() - 3);
    assert_eq!(ends, ["true S102", "S103", "S103"]);
    assert!(said.len() > 10, "{} entries fit", said.len());

    check_integrity(&folder.store_path());
    let store = folder.store().await;
    for id in said {
        assert!(store.record(id.parse().unwrap()).await.unwrap().is_some());
    }
}
