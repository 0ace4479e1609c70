//! A disk that fails: a flush, a write, for once or for a while.

use std::collections::HashSet;
use std::path::Path;
use std::time::Duration;

use hl7_sender::{EnqueueError, EnqueueErrorKind, Sender, SqliteStore, State};

use crate::crash::{Child, say};
use crate::disk;
use crate::peer::{Folder, PATIENCE, Peer, ehr, message, until};
use crate::steps::{seeds, tell};
use crate::walk::until_all_settled;

const MESSAGES: usize = 8;

/// What the child does: it opens the store, again when that fails, and enqueues, and says how each call ended.
pub(crate) async fn endure(store: &Path) {
    let address = std::env::var("PEER").unwrap().parse().unwrap();
    let opened = loop {
        match SqliteStore::open(store).await {
            Ok(store) => break store,
            Err(error) => say(format_args!("not opened {}", error.code())),
        }
    };
    let started = Sender::builder(opened).destination(ehr(address)).start().await;
    let sender = match started {
        Ok(sender) => sender,
        Err(error) => return say(format_args!("not started {}", error.code())),
    };
    for n in 0..MESSAGES {
        match sender.enqueue("ehr", &message(&format!("m-{n}"), "a")).await {
            Ok(receipt) => say(format_args!("kept {}", receipt.id())),
            Err(error) => say(format_args!("{} {n}", code(&error))),
        }
    }
    match tokio::time::timeout(Duration::from_millis(300), sender.failed()).await {
        Ok(fault) => say(format_args!("failed {}", fault.code())),
        Err(_) => until_all_settled(&sender).await,
    }
}

fn code(error: &EnqueueError) -> &'static str {
    match error.kind() {
        EnqueueErrorKind::Store(why) => why.code(),
        _ => error.code(),
    }
}

/// What one child said.
struct Heard {
    not_opened: Vec<String>,
    kept: Vec<String>,
    /// The codes of the calls that failed, and their numbers.
    refused: Vec<(String, usize)>,
    failed: Option<String>,
}

impl Heard {
    fn of(said: Vec<String>) -> Self {
        let mut heard = Self { not_opened: Vec::new(), kept: Vec::new(), refused: Vec::new(), failed: None };
        for line in said {
            let (first, last) = line.rsplit_once(' ').unwrap();
            match first {
                "not opened" | "not started" => heard.not_opened.push(last.to_owned()),
                "kept" => heard.kept.push(last.to_owned()),
                "failed" => heard.failed = Some(last.to_owned()),
                code => heard.refused.push((code.to_owned(), last.parse().unwrap())),
            }
        }
        heard
    }
}

/// Runs a child on a disk with this fault, and then the rest on a sound one: what was kept is there, whole, and comes in order and once, or twice where it was
/// under way.
async fn with_fault(library: &Path, fault: (&'static str, String)) -> Heard {
    let (peer, folder) = (Peer::accepting().await, Folder::in_memory());
    let what = format!("{fault:?}");
    let mut environment = disk::environment(library, &folder.store_path(), &[fault]);
    environment.push(("PEER", peer.address.to_string()));
    let heard = Heard::of(Child::start("endure", &folder.store_path(), &environment).output());

    let sender = folder.sender(ehr(peer.address)).await;
    until_all_settled(&sender).await;
    for id in &heard.kept {
        let status = sender.status(&id.parse().unwrap()).await.unwrap();
        assert_eq!(status.map(|status| status.state()), Some(State::Delivered), "{what}");
    }
    sender.shutdown(PATIENCE).await;
    let came = peer.control_ids();
    let mut known = HashSet::new();
    let firsts: Vec<_> = came.iter().filter(|id| known.insert(*id)).collect();
    assert!(firsts.is_sorted() && firsts.len() >= heard.kept.len(), "{what}: {came:?}");
    assert!(came.len() <= firsts.len() + 1, "{what}: {came:?}");
    for (code, n) in &heard.refused {
        // All other errors leave it open.
        assert!(code != "S006" || !known.contains(&format!("m-{n}")), "{what}: m-{n} was refused, and kept");
    }
    heard
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_52_a_flush_that_fails_once_ends_the_use_of_the_store_and_loses_nothing() {
    let Some(library) = disk::library() else { return };
    let (mut fenced, mut unopened) = (0, 0);
    // The first dozen are of the opening.
    for number in [2, 10, 13, 15, 16, 17, 20, 23, 26, 29] {
        let heard = with_fault(library, ("DISK_EIO", number.to_string())).await;
        if heard.not_opened.is_empty() && heard.failed.is_none() {
            continue;
        }
        unopened += usize::from(!heard.not_opened.is_empty());
        fenced += usize::from(heard.failed.is_some());
        // The first call that was refused, if it was not an outcome that failed, is the one whose commit failed; all later ones find the store closed.
        let codes: Vec<&str> = heard.refused.iter().map(|(code, _)| code.as_str()).collect();
        assert!(codes.iter().skip(1).all(|code| *code == "S103"), "flush {number}: {codes:?}");
        assert!(
            codes.first().is_none_or(|code| ["S102", "S103"].contains(code)),
            "flush {number}: {codes:?}"
        );
    }
    assert!(fenced >= 5 && unopened >= 1, "{fenced} fenced, {unopened} not opened");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_52_after_a_flush_that_failed_nothing_is_sent() {
    let Some(library) = disk::library() else { return };
    let (peer, folder) = (Peer::accepting().await, Folder::in_memory());
    let mut environment = disk::environment(library, &folder.store_path(), &[("DISK_EIO", "22".to_owned())]);
    environment.push(("PEER", peer.address.to_string()));
    let heard = Heard::of(Child::start("endure", &folder.store_path(), &environment).output());
    assert!(heard.failed.is_some());
    assert!(peer.bodies().len() < MESSAGES, "{:?}", peer.control_ids());
    let sender = folder.sender(ehr(peer.address)).await;
    for n in 0..MESSAGES {
        let receipt = sender.enqueue("ehr", &message(&format!("m-{n}"), "a")).await.unwrap();
        until(&sender, &receipt, |status| status.state() == State::Delivered).await;
    }
    let known: HashSet<String> = peer.control_ids().into_iter().collect();
    assert_eq!(known.len(), MESSAGES, "opened again, it goes on");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_53_a_disk_that_is_full_at_any_write_refuses_plainly_and_loses_nothing() {
    let Some(library) = disk::library() else { return };
    let (mut refused, mut runs) = (0, 0);
    for seed in seeds() {
        let mut rng = fastrand::Rng::with_seed(seed);
        for _ in 0..6 {
            let (from, times) = (rng.usize(0..250), rng.usize(1..40));
            let heard = with_fault(library, ("DISK_FULL", format!("{from} {times}"))).await;
            assert_eq!(heard.failed, None, "a full disk is no damage: from {from}, {times} times");
            let codes: HashSet<&str> = heard.refused.iter().map(|(code, _)| code.as_str()).collect();
            assert!(codes.iter().all(|code| *code == "S006"), "from {from}, {times} times: {codes:?}");
            assert!(
                heard.not_opened.iter().all(|code| code == "S118" || code == "S114"),
                "{:?}",
                heard.not_opened
            );
            refused += usize::from(!heard.refused.is_empty());
            runs += 1;
        }
    }
    tell(format_args!("a full disk: runs {runs}, of these {refused} with calls that were refused, lost 0"));
    assert!(refused > 0);
}
