//! Who uses the sender: a program that enqueues, and people who decide.

use std::sync::Arc;
use std::time::Duration;

use hl7_core::Message;
use hl7_sender::{EntryId, Receipt, Sender, State, Status};
use tokio::time::sleep;

use super::book::{Name, patients};
use super::node::{Node, Process};
use super::world::{RECEIVERS, World};

pub(super) const PATIENTS: [&str; 4] = ["a", "b", "c", "d"];

/// Enqueues so many messages, one after the other, each until it is kept.
pub(super) async fn enqueue(world: Arc<World>, messages: usize, mut dice: fastrand::Rng) {
    let mut before: Option<(String, Vec<&str>)> = None;
    for number in 0..messages {
        sleep(Duration::from_millis(dice.u64(0..500))).await;
        let id = next_id(number, &mut dice);
        let mut to = RECEIVERS.to_vec();
        dice.shuffle(&mut to);
        to.truncate(dice.usize(1..=RECEIVERS.len()));
        let begun = world.node.book.returned();
        for receipt in keep(&world.node, &id, &to).await {
            let name = Name { to: receipt.destination().to_owned(), id: id.clone() };
            world.node.book.accepted(&name, begun);
        }
        if let Some((id, to)) = before.filter(|_| dice.u64(0..10) == 0)
            && !keep(&world.node, &id, &to).await.iter().all(Receipt::is_repeat)
        {
            world.node.book.wrong(format!("{id} is kept twice"));
        }
        before = Some((id, to));
    }
}

/// One in ten is a merge.
pub(super) fn next_id(number: usize, dice: &mut fastrand::Rng) -> String {
    let mut patients = PATIENTS.to_vec();
    dice.shuffle(&mut patients);
    let merge = dice.u64(0..10) == 0;
    if merge {
        format!("{number}-{}+{}", patients[0], patients[1])
    } else {
        format!("{number}-{}", patients[0])
    }
}

/// Repeats the call until it returns `Ok`, over the ends of processes.
pub(super) async fn keep(node: &Node, id: &str, to: &[&str]) -> Vec<Receipt> {
    let message = message(id);
    loop {
        let Process { sender, life } = node.process().await;
        let kept = sender.entry(&message).to(to.iter().copied()).enqueue();
        if let Some(Ok(receipts)) = life.unless_ended(kept).await {
            return receipts;
        }
        sleep(Duration::from_millis(70)).await;
    }
}

pub(super) fn message(id: &str) -> Message<'static> {
    let patients = patients(id);
    let mut text = format!(
        "MSH|^~\\&|LAB|NORTH|EHR|SOUTH|20260102030405||ADT^A08^ADT_A01|{id}|P|2.5.1\rPID|1||{}^^^H^MR||Doe^Jo\r",
        patients[0]
    );
    if let Some(other) = patients.get(1) {
        text.push_str(&format!("MRG|{other}^^^H^MR\r"));
    }
    Message::parse(&text).unwrap().into_owned()
}

/// Decides this and that as long as anything goes wrong.
pub(super) async fn decide(world: Arc<World>, mut dice: fastrand::Rng) {
    while world.node.is_rough() {
        sleep(Duration::from_millis(dice.u64(0..700))).await;
        let process = world.node.process().await;
        let mut decision = dice.fork();
        process.life.unless_ended(decide_once(&world, &process, &mut decision)).await;
    }
}

async fn decide_once(world: &World, process: &Process, dice: &mut fastrand::Rng) {
    let sender = &process.sender;
    let name = RECEIVERS[dice.usize(0..RECEIVERS.len())];
    match dice.u64(0..23) {
        0 | 1 => {
            if let Some(id) =
                one(sender, dice, |state| matches!(state, State::Queued | State::Retrying)).await
            {
                let _ = sender.hold(&id).await;
            }
        }
        2 => {
            if let Some(entry) = some(sender, dice, |_| true).await {
                let _ = sender.hold_lane(&entry.lane()).await;
            }
        }
        3..=7 => {
            if let Some(id) = one(sender, dice, |state| state == State::Held).await {
                let _ = sender.release(&id).await;
            }
        }
        8 => {
            if let Some(id) = one(sender, dice, |state| state == State::Held).await {
                let _ = sender.dead_letter(&id).await;
            }
        }
        9 => {
            if let Some(id) = one(sender, dice, |state| !state.is_settled()).await {
                let _ = sender.cancel(&id).await;
            }
        }
        10..=13 => {
            if let Some(id) = one(sender, dice, |state| state == State::DeadLettered).await {
                let _ = sender.replay(&id).await;
            }
        }
        14 => {
            let _ = sender.pause_destination(name).await;
            sleep(Duration::from_millis(dice.u64(0..900))).await;
            let _ = sender.resume_destination(name).await;
        }
        15 | 16 => {
            world.node.book.count(|tally| tally.changes += 1);
            let within = Duration::from_millis(dice.u64(0..900));
            let _ = sender.change_destination(world.destination(name, &process.life), within).await;
        }
        17 => {
            world.node.book.count(|tally| tally.changes += 1);
            let _ = sender.remove_destination(name, Duration::from_millis(dice.u64(0..900))).await;
            sleep(Duration::from_millis(dice.u64(0..900))).await;
            let _ = sender.add_destination(world.destination(name, &process.life)).await;
        }
        20 | 21 => {
            let patient = PATIENTS[dice.usize(0..PATIENTS.len())];
            if let Ok(lane) = sender.lane_of(name, Some(patient)).await {
                let _ = sender.park_lane(name, &lane).await;
                sleep(Duration::from_millis(dice.u64(0..1500))).await;
                let _ = sender.release_lane(name, &lane).await;
            }
        }
        22 => copy(world, sender, dice).await,
        18 => world.receivers[name].fails(Duration::from_millis(dice.u64(0..9000))),
        _ => world.node.set_clock(dice.i64(-900_000..900_000)),
    }
}

/// Sends an edited copy of a dead letter, for another patient.
async fn copy(world: &World, sender: &Sender, dice: &mut fastrand::Rng) {
    let Some(dead) = some(sender, dice, |state| state == State::DeadLettered).await else { return };
    let id = format!("copy{}-{}", dice.u16(..), PATIENTS[dice.usize(0..PATIENTS.len())]);
    let begun = world.node.book.returned();
    if let Ok(receipt) = sender.replay_edited(&dead.id(), &message(&id)).await {
        world.node.book.accepted(&Name { to: receipt.destination().to_owned(), id }, begun);
    }
}

async fn some(sender: &Sender, dice: &mut fastrand::Rng, is: impl Fn(State) -> bool) -> Option<Status> {
    let all = sender.recent(10_000).await.ok()?;
    let found: Vec<_> = all.into_iter().filter(|status| is(status.state())).collect();
    dice.choice(found)
}

async fn one(sender: &Sender, dice: &mut fastrand::Rng, is: impl Fn(State) -> bool) -> Option<EntryId> {
    some(sender, dice, is).await.map(|status| status.id())
}

/// When nothing goes wrong any more: lets everything go out that is held. Gives whether all is settled in time.
pub(super) async fn settle(world: &World) -> bool {
    for _ in 0..600 {
        sleep(Duration::from_secs(1)).await;
        let Process { sender, life } = world.node.process().await;
        if life.unless_ended(settle_once(&sender)).await == Some(true) {
            return true;
        }
    }
    false
}

async fn settle_once(sender: &Sender) -> bool {
    let Ok(all) = sender.recent(10_000).await else { return false };
    for status in all.iter().filter(|status| status.state() == State::Held) {
        let _ = sender.release(&status.id()).await;
    }
    for name in RECEIVERS {
        let _ = sender.resume_destination(name).await;
        for patient in PATIENTS {
            if let Ok(lane) = sender.lane_of(name, Some(patient)).await {
                let _ = sender.release_lane(name, &lane).await;
            }
        }
    }
    all.iter().all(|status| status.state().is_settled())
}
