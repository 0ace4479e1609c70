//! A power supply that is cut.
//!
//! One child works on a disk that is watched; its journal is cut at many places. What the disk had not flushed there is lost, kept or torn by chance, sector by sector.
//! From each the store is opened, and compared with what had been said until then. `HL7_SEEDS=n` runs so many journals.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use hl7_mllp::{Reply, Request, Server};
use hl7_sender::{EntryId, Sender, SqliteStore, State, Store as _};

use crate::crash::{Child, say};
use crate::disk::{self, Journal};
use crate::peer::{Folder, PATIENCE, control_id, ehr, message};
use crate::steps::{seeds, tell};
use hl7_sender::contract::at;

const LANES: usize = 3;
/// Enough for several checkpoints: SQLite makes one every thousand pages.
const EACH: usize = 50;
const CUTS: usize = 30;

/// What the child does, in two turns: it keeps messages, says so, sends them to a receiver of its own, and says what came and what was settled.
pub(crate) async fn work(path: &Path) {
    let server = Server::bind("127.0.0.1:0").await.unwrap();
    let address = server.local_addr().unwrap();
    let handler = |request: Request| async move {
        say(format_args!("came {}", control_id(request.bytes())));
        Reply::accept(&request)
    };
    tokio::spawn(server.serve(handler));
    for turn in 0..2 {
        let store = SqliteStore::open(path).await.unwrap();
        let sender =
            Sender::builder(store).destination(ehr(address).connections(LANES)).start().await.unwrap();
        let lane = |lane| {
            let sender = sender.clone();
            tokio::spawn(async move {
                for n in turn * EACH / 2..(turn + 1) * EACH / 2 {
                    let receipt = sender.enqueue("ehr", &long(lane, n)).await.unwrap();
                    say(format_args!("kept {lane}-{n:03} {}", receipt.id()));
                    if n % 4 == 0 {
                        receipt.outcome().await.unwrap();
                        say(format_args!("settled {lane}-{n:03} {}", receipt.id()));
                    }
                }
            })
        };
        for task in (0..LANES).map(lane).collect::<Vec<_>>() {
            task.await.unwrap();
        }
        crate::walk::until_all_settled(&sender).await;
        sender.shutdown(PATIENCE).await;
    }
}

/// A message of some 30 KB.
fn long(lane: usize, n: usize) -> hl7_core::Message<'static> {
    let text = message(&format!("{lane}-{n:03}"), &format!("p{lane}")).as_er7().to_owned();
    let note = format!("NTE|1||{}\r", "words and numbers ".repeat(1700));
    hl7_core::Message::parse(&format!("{text}{note}")).unwrap().into_owned()
}

/// What had been said until the power was lost.
#[derive(Default)]
struct Said {
    kept: HashMap<String, EntryId>,
    settled: HashSet<EntryId>,
    came: HashSet<String>,
}

impl Said {
    fn of<'s>(lines: impl Iterator<Item = &'s str>) -> Self {
        let mut said = Self::default();
        for line in lines {
            let words: Vec<&str> = line.split(' ').collect();
            match words[..] {
                ["kept", name, id] => drop(said.kept.insert(name.to_owned(), id.parse().unwrap())),
                ["settled", _, id] => drop(said.settled.insert(id.parse().unwrap())),
                ["came", name] => drop(said.came.insert(name.to_owned())),
                _ => panic!("{line}"),
            }
        }
        said
    }
}

fn journal() -> Option<Journal> {
    let folder = Folder::in_memory();
    let log = tempfile::NamedTempFile::new().unwrap();
    let faults = [("DISK_LOG", log.path().to_str().unwrap().to_owned())];
    let environment = disk::environment(disk::library()?, &folder.store_path(), &faults);
    let said = Child::start("work", &folder.store_path(), &environment).output();
    assert_eq!(said.iter().filter(|line| line.starts_with("kept")).count(), LANES * EACH);
    Some(Journal::read(log.path()))
}

/// What is wrong with a store that was left so; `Ok` gives how many entries are in it.
async fn look_into(files: &BTreeMap<String, Vec<u8>>, said: &Said) -> Result<usize, String> {
    let folder = Folder::in_memory();
    for (name, bytes) in files {
        std::fs::write(folder.store_path().with_file_name(name), bytes).unwrap();
    }
    let store =
        SqliteStore::open(folder.store_path()).await.map_err(|error| format!("not opened: {error}"))?;
    store.recover(at(0)).await.map_err(|error| error.to_string())?;
    for (name, id) in &said.kept {
        let record = store.record(*id).await.map_err(|error| error.to_string())?;
        let record = record.ok_or_else(|| format!("{name} was said to be kept, and is not there"))?;
        if said.settled.contains(id) && record.state != State::Delivered {
            return Err(format!("{name} was said to be delivered, and is {}", record.state));
        }
    }
    let all = store.recent(None, 10_000).await.map_err(|error| error.to_string())?;
    let mut last = HashMap::new();
    for record in all.iter().rev() {
        let (lane, n) = record.control_id.split_once('-').unwrap();
        let (lane, n): (usize, usize) = (lane.parse().unwrap(), n.parse().unwrap());
        let body = store.message(record.id).await.map_err(|error| error.to_string())?;
        if body.as_deref() != Some(long(lane, n).to_wire().unwrap().as_slice()) {
            return Err(format!("{} is not what was enqueued", record.control_id));
        }
        if record.state == State::Delivered && !said.came.contains(&record.control_id) {
            return Err(format!("{} is delivered, and never came", record.control_id));
        }
        if last.insert(lane, n).map_or(n != 0, |before| before + 1 != n) {
            return Err(format!("{} is out of order", record.control_id));
        }
    }
    store.close().await;
    Ok(all.len())
}

/// Cuts the power at so many places, and gives what was wrong with the stores that were left.
async fn cut(journal: &Journal, cuts: usize, rng: &mut fastrand::Rng) -> Vec<String> {
    let mut wrong = Vec::new();
    for _ in 0..cuts {
        let place = rng.usize(0..=journal.len());
        let files = journal.after_cut(place, rng);
        if let Err(why) = look_into(&files, &Said::of(journal.said(place))).await {
            wrong.push(format!("cut at {place} of {}: {why}", journal.len()));
        }
    }
    wrong
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_51_what_was_said_to_be_durable_survives_a_loss_of_power() {
    let mut cuts = 0;
    for seed in seeds() {
        let Some(journal) = journal() else { return };
        let wrong = cut(&journal, CUTS, &mut fastrand::Rng::with_seed(seed)).await;
        assert!(wrong.is_empty(), "seed {seed}: {wrong:#?}");
        cuts += CUTS;
    }
    tell(format_args!("loss of power: {cuts} cuts, {} messages each time, lost 0", LANES * EACH));
}

/// The test itself is tested: a store that flushed nothing would be caught.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_51_a_store_that_does_not_flush_is_found_out() {
    let Some(journal) = journal() else { return };
    let wrong = cut(&journal.without_flushes(), 20, &mut fastrand::Rng::with_seed(1)).await;
    assert!(wrong.iter().any(|why| why.contains("is not there")), "{wrong:#?}");
}
