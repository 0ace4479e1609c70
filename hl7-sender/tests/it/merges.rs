//! Messages that stand in several lanes, lanes that are parked, edited copies, and what lasts over a restart.

use std::io::Write as _;
use std::time::Duration;

use hl7_core::{AckCode, Message, path};
use hl7_mllp::Client;
use hl7_mllp::scripted::{Receiver, Script};
use hl7_sender::{Destination, Outcome, SettleOn, State};

use crate::crash::Child;
use crate::peer::{
    Folder, PATIENCE, Peer, answer, delivered, ehr, message, nowhere, outcome, quick, state, until,
};

/// A merge of two patients.
pub(crate) fn merge(control_id: &str, into: &str, from: &str) -> Message<'static> {
    let text = format!(
        "MSH|^~\\&|LAB|NORTH|EHR|SOUTH|20260102030405||ADT^A40^ADT_A39|{control_id}|P|2.5.1\rPID|1||{into}^^^H^MR||Doe^Jo\rMRG|{from}^^^H^MR\r"
    );
    Message::parse(&text).unwrap().into_owned()
}

pub(crate) fn by_patients(destination: Destination) -> Destination {
    destination.lane_keys([path!("PID[*]-3.1"), path!("MRG[*]-1.1")])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_merge_goes_out_behind_the_messages_of_both_patients_and_before_those_that_follow() {
    let peer = Peer::accepting().await;
    let folder = Folder::new();
    let sender = folder.sender(by_patients(ehr(nowhere()))).await;
    let mut order = Vec::new();
    for n in 0..20 {
        for patient in ["a", "b"] {
            order.push(message(&format!("{patient}-{n}"), patient));
        }
        order.push(merge(&format!("merge-{n}"), "a", "b"));
    }
    let mut receipts = Vec::new();
    for msg in &order {
        receipts.push(sender.enqueue("ehr", msg).await.unwrap());
    }
    let mut lanes = Vec::new();
    for receipt in &receipts[..3] {
        lanes.push(receipt.status().await.unwrap().lanes().to_vec());
    }
    assert_eq!(lanes[2], [lanes[0][0], lanes[1][0]]);
    let many: String = (0..65).map(|n| format!("PID|1||p{n}\r")).collect();
    let many = Message::parse(&format!("MSH|^~\\&|A||||||ADT^A40|m|P|2.5.1\r{many}")).unwrap().into_owned();
    assert_eq!(sender.enqueue("ehr", &many).await.unwrap_err().code(), "S013");
    sender.shutdown(PATIENCE).await;

    let sender = folder.sender(by_patients(ehr(peer.address)).connections(4)).await;
    for receipt in &receipts {
        until(&sender, receipt, |status| status.state() == State::Delivered).await;
    }
    let came = peer.control_ids();
    assert_eq!(came.len(), order.len());
    let place = |id: &str| came.iter().position(|came| came == id).unwrap();
    for n in 0..20 {
        let merged = place(&format!("merge-{n}"));
        for patient in ["a", "b"] {
            assert!(place(&format!("{patient}-{n}")) < merged);
            assert!(n == 19 || merged < place(&format!("{patient}-{}", n + 1)));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_held_merge_holds_both_patients_and_nobody_else() {
    let peer = Peer::start(|request, _| {
        let bad = request.message().header().control_id().unwrap().raw() == "merge";
        answer(request, if bad { AckCode::AE } else { AckCode::AA })
    })
    .await;
    let folder = Folder::new();
    let sender = folder.sender(by_patients(ehr(peer.address)).connections(3)).await;
    let held = sender.enqueue("ehr", &merge("merge", "a", "b")).await.unwrap();
    let mut behind = Vec::new();
    for patient in ["a", "b"] {
        behind.push(sender.enqueue("ehr", &message(&format!("m-{patient}"), patient)).await.unwrap());
    }
    let other = sender.enqueue("ehr", &message("other", "c")).await.unwrap();
    delivered(&other).await;
    state(&sender, &held, State::Held).await;
    for receipt in &behind {
        assert_eq!(receipt.status().await.unwrap().attempts(), 0);
    }
    sender.dead_letter(&held.id()).await.unwrap();
    for receipt in &behind {
        delivered(receipt).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_parked_lane_stands_still_over_a_restart() {
    let peer = Peer::accepting().await;
    let folder = Folder::new();
    let sender = folder.sender(ehr(peer.address)).await;
    let lane = sender.lane_of("ehr", Some("a")).await.unwrap();
    assert!(sender.park_lane("ehr", &lane).await.unwrap());
    let parked = sender.enqueue("ehr", &message("m-1", "a")).await.unwrap();
    assert_eq!(parked.status().await.unwrap().lane(), lane);
    delivered(&sender.enqueue("ehr", &message("m-2", "b")).await.unwrap()).await;
    sender.shutdown(PATIENCE).await;

    let sender = folder.sender(ehr(peer.address)).await;
    delivered(&sender.enqueue("ehr", &message("m-3", "b")).await.unwrap()).await;
    let lanes = sender.lanes("ehr", 10).await.unwrap();
    assert_eq!(
        lanes.iter().map(|lane| (lane.lane, lane.open, lane.is_parked)).collect::<Vec<_>>(),
        [(lane, 1, true)]
    );
    assert_eq!(sender.status(&parked.id()).await.unwrap().unwrap().state(), State::Queued);
    assert!(sender.release_lane("ehr", &lane).await.unwrap());
    assert!(!sender.release_lane("ehr", &lane).await.unwrap());
    state(&sender, &parked, State::Delivered).await;
    assert_eq!(peer.control_ids(), ["m-2", "m-3", "m-1"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pause_lasts_over_a_restart_and_a_change() {
    let peer = Peer::accepting().await;
    let folder = Folder::new();
    let sender = folder.sender(ehr(peer.address)).await;
    assert!(sender.pause_destination("ehr").await.unwrap());
    sender.shutdown(PATIENCE).await;

    let sender = folder.sender(ehr(peer.address)).await;
    assert!(sender.destination("ehr").unwrap().is_paused());
    let waiting = sender.enqueue("ehr", &message("m-1", "a")).await.unwrap();
    sender.change_destination(ehr(peer.address), PATIENCE).await.unwrap();
    assert!(sender.destination("ehr").unwrap().is_paused());
    sender.remove_destination("ehr", PATIENCE).await.unwrap();
    sender.add_destination(ehr(peer.address)).await.unwrap();
    assert!(sender.destination("ehr").unwrap().is_paused() && peer.control_ids().is_empty());
    assert!(sender.resume_destination("ehr").await.unwrap());
    delivered(&waiting).await;
    sender.shutdown(PATIENCE).await;
    assert!(!folder.sender(ehr(peer.address)).await.destination("ehr").unwrap().is_paused());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edited_copy_goes_out_and_the_dead_letter_says_so() {
    let peer =
        Peer::start(|request, before| answer(request, if before < 2 { AckCode::CR } else { AckCode::AA }))
            .await;
    let folder = Folder::new();
    let sender = folder.sender(ehr(peer.address)).await;
    let msg = message("m-1", "a");
    let receipts = sender.entry(&msg).origin("orders").to(["ehr"]).enqueue().await.unwrap();
    let dead = &receipts[0];
    let other = sender.enqueue("ehr", &message("m-2", "a")).await.unwrap();
    outcome(dead).await;
    outcome(&other).await;

    let mut edited =
        Message::from_bytes(&sender.message(&dead.id()).await.unwrap().unwrap()).unwrap().into_owned();
    edited.set(path!("PID-5.1"), "Roe").unwrap();
    let copy = sender.replay_edited(&dead.id(), &edited).await.unwrap();
    assert!(!copy.is_repeat());
    delivered(&copy).await;
    let (status, original) = (copy.status().await.unwrap(), dead.status().await.unwrap());
    assert_eq!((status.copy_of(), status.origin()), (Some(dead.id()), Some("orders")));
    assert_eq!((original.state(), original.copies()), (State::DeadLettered, &[copy.id()][..]));
    assert_eq!(peer.bodies()[2], edited.to_wire().unwrap());
    // Each call sends one, and what is no dead letter has no copies.
    delivered(&sender.replay_edited(&dead.id(), &edited).await.unwrap()).await;
    let refused = sender.replay_edited(&copy.id(), &edited).await.unwrap_err();
    assert!(!refused.is_indeterminate());

    let all = sender.replay_all([dead.id(), copy.id(), other.id()]).await;
    assert_eq!(all.iter().map(|(_, done)| done.is_ok()).collect::<Vec<_>>(), [true, false, true]);
    delivered(dead).await;
    delivered(&other).await;
    assert_eq!(peer.control_ids(), ["m-1", "m-2", "m-1", "m-1", "m-1", "m-2"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_50_a_crash_between_both_acknowledgments_sends_nothing_again() {
    let receiver = Receiver::start(Script::commit_only()).await.unwrap();
    let folder = Folder::new();
    let text =
        "MSH|^~\\&|LAB|NORTH|EHR|SOUTH|20260102030405||ADT^A08^ADT_A01|m-1|P|2.5.1|||AL|AL\rPID|1||a\r";
    let sender = folder.sender(ehr(nowhere())).await;
    let receipt = sender.enqueue("ehr", &Message::parse(text).unwrap()).await.unwrap();
    sender.shutdown(PATIENCE).await;

    let environment = [("PEER", receiver.address().to_string())];
    let mut child = Child::start("settle", &folder.store_path(), &environment);
    child.hear(1);
    let conn = rusqlite::Connection::open(folder.store_path()).unwrap();
    let is_taken =
        || conn.query_row("SELECT taken IS NOT NULL FROM entry", [], |row| row.get::<_, bool>(0)).unwrap();
    tokio::time::timeout(PATIENCE, async {
        while !is_taken() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .unwrap();
    child.kill();
    drop(conn);

    let sender = folder.sender(settling(receiver.address().to_string())).await;
    let status = until(&sender, &receipt, |status| status.state().is_settled()).await;
    assert_eq!((status.state(), status.last_failure()), (State::Unconfirmed, Some("S206")));
    assert_eq!(status.last_acknowledgment().unwrap().code(), AckCode::CA);
    let again = sender.enqueue("ehr", &Message::parse(text).unwrap()).await.unwrap();
    assert!(again.is_repeat() && matches!(outcome(&again).await, Outcome::Unconfirmed));
    assert_eq!(receiver.control_ids(), ["m-1"], "it is not sent again");
}

/// One that waits for the application acknowledgment, for longer than any test takes.
pub(crate) fn settling(address: String) -> Destination {
    let client = Client::builder().application_timeout(PATIENCE * 10);
    let destination =
        Destination::mllp_with("ehr", address, client).lane_key(path!("PID-3.1")).retry(quick());
    destination.settle_on(SettleOn::Application)
}

/// What the child does.
pub(crate) async fn settle_for_ever(store: &std::path::Path) {
    let store = hl7_sender::SqliteStore::open(store).await.unwrap();
    let destination = settling(std::env::var("PEER").unwrap());
    let _sender = hl7_sender::Sender::builder(store).destination(destination).start().await.unwrap();
    crate::crash::say("started");
    std::future::pending::<()>().await;
}

const MESSAGES: usize = 200;
const KILLS: usize = 4;
/// How many patients there are, and connections.
const PATIENTS: usize = 5;
const CONNECTIONS: usize = 3;

/// The messages of a campaign, one in ten a merge of two patients; each with its patients.
fn campaign(messages: usize, seed: u64) -> Vec<(Message<'static>, Vec<usize>)> {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut one = |n: usize| {
        let (id, patient) = (format!("m-{n:05}"), random.usize(..PATIENTS));
        if random.u8(..10) > 0 {
            return (message(&id, &format!("p{patient}")), vec![patient]);
        }
        let other = (patient + random.usize(1..PATIENTS)) % PATIENTS;
        (merge(&id, &format!("p{patient}"), &format!("p{other}")), vec![patient, other])
    };
    (0..messages).map(&mut one).collect()
}

/// What the child does.
pub(crate) async fn deliver_for_ever(store: &std::path::Path) {
    let address = std::env::var("PEER").unwrap().parse().unwrap();
    let store = hl7_sender::SqliteStore::open(store).await.unwrap();
    let destination = by_patients(ehr(address)).connections(CONNECTIONS);
    let _sender = hl7_sender::Sender::builder(store).destination(destination).start().await.unwrap();
    crate::crash::say("started");
    std::future::pending::<()>().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_50_a_killed_sender_keeps_the_order_of_every_patient_of_a_merge() {
    let seed = std::env::var("HL7_FIRST_SEED").map_or(1, |seed| seed.parse().expect("a seed"));
    let scale = std::env::var("HL7_SEEDS").map_or(1, |seeds| seeds.parse().expect("a number of seeds"));
    // A long campaign is one long list: each kill finds another place in it.
    let (messages, most) = (MESSAGES * scale, KILLS * scale);
    let (peer, folder, campaign) = (Peer::accepting().await, Folder::new(), campaign(messages, seed));
    let sender = folder.sender(by_patients(ehr(nowhere()))).await;
    let mut receipts = Vec::new();
    for (msg, _) in &campaign {
        receipts.push(sender.enqueue("ehr", msg).await.unwrap());
    }
    sender.shutdown(PATIENCE).await;
    let mut kills = 0;
    while kills < most && peer.bodies().len() < campaign.len() {
        let mut child =
            Child::start("deliver-merges", &folder.store_path(), &[("PEER", peer.address.to_string())]);
        child.hear(1);
        tokio::time::sleep(Duration::from_millis(fastrand::u64(0..40))).await;
        child.kill();
        kills += 1;
    }
    assert!(kills > 1, "the child was never killed while it had work");
    let sender = folder.sender(by_patients(ehr(peer.address)).connections(CONNECTIONS)).await;
    for receipt in &receipts {
        until(&sender, receipt, |status| status.state() == State::Delivered).await;
    }
    let came = peer.control_ids();
    check_order(&came, &campaign, seed);
    let duplicates = came.len() - campaign.len();
    assert!(duplicates <= kills * CONNECTIONS, "{duplicates} duplicates by {kills} kills, seed {seed}");
    let line = format!(
        "merges: messages {}, kills {kills}, duplicates {duplicates}, lost 0, seed {seed}\n",
        campaign.len()
    );
    std::io::stderr().write_all(line.as_bytes()).unwrap();
}

/// Of each patient the first deliveries came in the order in which the messages were enqueued, and all of them.
fn check_order(came: &[String], campaign: &[(Message<'_>, Vec<usize>)], seed: u64) {
    let mut known = std::collections::HashSet::new();
    let firsts: Vec<&String> = came.iter().filter(|id| known.insert(*id)).collect();
    for patient in 0..PATIENTS {
        let of_patient = campaign.iter().filter(|(_, patients)| patients.contains(&patient));
        let sent: Vec<String> =
            of_patient.map(|(msg, _)| msg.header().control_id().unwrap().raw().to_owned()).collect();
        let came: Vec<_> = firsts.iter().copied().filter(|id| sent.contains(id)).collect();
        assert_eq!(came, sent.iter().collect::<Vec<_>>(), "seed {seed}");
    }
}
