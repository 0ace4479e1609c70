//! Two nodes back to back, over the client and the listener of `hl7-mllp` on streams in memory that break: what the second one keeps is what was enqueued
//! at the first one, once, in order.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hl7_core::path;
use hl7_mllp::{Client, SendError, SendErrorKind, Sent, Server};
use hl7_sender::{
    Confirmation, ConnectFailure, Connection, Destination, Failure, FailureKind, Intake, Outgoing, Pending,
    Router, State, Transport,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio::time::{sleep, timeout};

use super::book::{MOST, Name, patients};
use super::life::Life;
use super::node::{Node, Process};
use super::receiver::{ACK_TIMEOUT, Network, Receiver, Way};
use super::tally::Tally;
use super::world::retry;
use super::{LONGEST, in_simulated_time, people};

const MESSAGES: usize = 25;
/// Of so many pieces on the way one is cut, and one comes late.
const ODDS: u64 = 14;

struct Pair {
    first: Node,
    second: Node,
    /// Behind the second node.
    receiver: Receiver,
    rough: Arc<AtomicBool>,
}

/// The way of one process of the first node to the second node.
struct Street {
    pair: Arc<Pair>,
    life: Life,
}

struct Line {
    pair: Arc<Pair>,
    life: Life,
    client: Client,
}

impl Pair {
    fn new(seed: u64) -> Arc<Self> {
        let rough = Arc::new(AtomicBool::new(true));
        let [first, second] = [0, 1].map(|node| Node::new(seed * 2 + node, &rough));
        let receiver = Receiver::new(&Network::of(&second), "end", false);
        Arc::new(Self { first, second, receiver, rough })
    }

    async fn keeps(&self, id: &str) -> bool {
        self.second.records().await.iter().any(|record| record.control_id == id)
    }
}

impl Transport for Street {
    fn connect(&self) -> Pending<'_, Result<Box<dyn Connection>, ConnectFailure>> {
        Box::pin(async {
            sleep(Duration::from_millis(3)).await;
            self.life.goes_on().await;
            let Some(there) = self.pair.second.current() else {
                return Err(ConnectFailure::passing("X203"));
            };
            let (ours, from) = tokio::io::duplex(4096);
            let (to, theirs) = tokio::io::duplex(4096);
            tokio::spawn(serve(there.clone(), theirs));
            tokio::spawn(forward(Arc::clone(&self.pair), [self.life.clone(), there.life], from, to));
            let client = Client::builder().ack_timeout(ACK_TIMEOUT).reconnect(false).over(ours);
            let (pair, life) = (Arc::clone(&self.pair), self.life.clone());
            Ok(Box::new(Line { pair, life, client }) as Box<dyn Connection>)
        })
    }
}

/// What the second node does with a connection.
async fn serve(process: Process, stream: DuplexStream) {
    // A process that ends has no destinations any more.
    let Ok(intake) = Intake::new(&process.sender, Router::to(["end"])) else { return };
    let peer = "192.0.2.1:2575".parse().unwrap();
    let listener = Server::builder();
    let served = listener.serve_connection(stream, peer, intake.handler());
    process.life.unless_ended(served).await;
}

/// Until a side or its process ends, or the connection breaks: a message or an acknowledgment is cut off somewhere, or comes late.
async fn forward(pair: Arc<Pair>, lives: [Life; 2], mut from: DuplexStream, mut to: DuplexStream) {
    let (mut there, mut back) = (vec![0; 4096], vec![0; 4096]);
    let mut dice = pair.first.dice.of("connection");
    loop {
        let (read, bytes, onwards) = tokio::select! {
            biased;
            () = lives[0].ended() => return,
            () = lives[1].ended() => return,
            read = from.read(&mut there) => (read, &there, &mut to),
            read = to.read(&mut back) => (read, &back, &mut from),
        };
        let Ok(length @ 1..) = read else { return };
        let fate = if pair.rough.load(Ordering::Relaxed) { dice.u64(0..ODDS) } else { ODDS };
        let late = if fate == 1 { ACK_TIMEOUT.mul_f64(dice.f64() * 2.0) } else { Duration::ZERO };
        sleep(Duration::from_millis(dice.u64(1..8)) + late).await;
        let passes = if fate == 0 { dice.usize(0..length) } else { length };
        if onwards.write_all(&bytes[..passes]).await.is_err() || fate == 0 {
            return;
        }
    }
}

impl Connection for Line {
    fn send<'a>(&'a mut self, message: Outgoing<'a>) -> Pending<'a, Result<Confirmation, Failure>> {
        Box::pin(async move {
            let id = hl7_core::Message::from_bytes(message.bytes()).unwrap();
            let id = id.header().control_id().unwrap().raw().to_owned();
            let name = Name { to: "next".to_owned(), id };
            let book = &self.pair.first.book;
            if !self.client.is_open() {
                return Err(Failure::not_sent("X201"));
            }
            let attempt = book.wrote(&name);
            let sent = self.client.send_wire(message.bytes()).await;
            self.life.goes_on().await;
            match sent {
                Ok(acknowledgment) => {
                    if acknowledgment.code().is_positive() && self.pair.keeps(&name.id).await {
                        book.positive(&name, attempt);
                    }
                    Ok(Confirmation::Acknowledged(acknowledgment))
                }
                Err(why) => {
                    if why.sent() == Sent::No {
                        book.did_not_write(&name);
                    }
                    book.count(|tally| tally.outages += 1);
                    Err(failure(&why))
                }
            }
        })
    }
}

fn failure(why: &SendError) -> Failure {
    let kind = match why.kind() {
        _ if why.sent() == Sent::No => FailureKind::NotSent,
        SendErrorKind::AckTimedOut | SendErrorKind::WriteTimedOut => FailureKind::NoAnswer,
        SendErrorKind::OtherControlId | SendErrorKind::NotAnAcknowledgment(_) => FailureKind::Garbled,
        _ => FailureKind::Lost,
    };
    Failure::new(why.code(), kind)
}

async fn first(pair: Arc<Pair>) {
    let destination = |life: &Life| {
        let street = Street { pair: Arc::clone(&pair), life: life.clone() };
        vec![laned(Destination::over("next", street))]
    };
    pair.first.live(destination).await;
}

async fn second(pair: Arc<Pair>) {
    let destination = |life: &Life| {
        let way = Way { receiver: pair.receiver.clone(), life: life.clone() };
        vec![laned(Destination::over("end", way))]
    };
    pair.second.live(destination).await;
}

fn laned(destination: Destination) -> Destination {
    destination.lane_keys([path!("PID[*]-3.1"), path!("MRG[*]-1.1")]).connections(MOST).retry(retry())
}

async fn enqueue(pair: &Pair, dice: &mut fastrand::Rng) -> Vec<String> {
    let mut ids = Vec::new();
    for number in 0..MESSAGES {
        sleep(Duration::from_millis(dice.u64(0..500))).await;
        let id = people::next_id(number, dice);
        let begun = pair.first.book.returned();
        people::keep(&pair.first, &id, &["next"]).await;
        pair.first.book.accepted(&Name { to: "next".to_owned(), id: id.clone() }, begun);
        ids.push(id);
    }
    ids
}

/// Waits until the first node has nothing open any more. What the receiver refused for good waits at the second.
async fn settle(pair: &Pair) {
    pair.rough.store(false, Ordering::Relaxed);
    loop {
        sleep(Duration::from_secs(1)).await;
        let records = pair.first.records().await;
        if records.iter().all(|record| record.state == State::Delivered) {
            return;
        }
        let process = pair.first.process().await;
        for record in records.iter().filter(|record| record.state == State::Held) {
            let _ = process.life.unless_ended(process.sender.release(&record.id)).await;
        }
    }
}

/// The second node keeps each message once, and those of a patient in their order.
async fn check(pair: &Pair, sent: &[String]) {
    let mut kept: Vec<_> = pair.second.records().await.into_iter().map(|record| record.control_id).collect();
    kept.reverse();
    for patient in people::PATIENTS {
        let of = |ids: &[String]| {
            ids.iter().filter(|id| patients(id).contains(&patient)).cloned().collect::<Vec<_>>()
        };
        if of(&kept) != of(sent) {
            pair.second.book.wrong(format!("of {patient} {:?} were sent and {:?} kept", of(sent), of(&kept)));
        }
    }
}

/// What happened at both nodes, a hash of all of it, and what was wrong.
fn run(seed: u64) -> (Tally, u64) {
    let (tally, hash, wrong, trace) = in_simulated_time(seed, async {
        let pair = Pair::new(seed);
        tokio::spawn(first(Arc::clone(&pair)));
        tokio::spawn(second(Arc::clone(&pair)));
        let mut dice = fastrand::Rng::with_seed(seed);
        let work = async {
            let sent = enqueue(&pair, &mut dice).await;
            settle(&pair).await;
            check(&pair, &sent).await;
        };
        if timeout(LONGEST, work).await.is_err() {
            pair.first.book.wrong("it stands still");
        }
        let (mut tally, hash, mut wrong) = pair.first.book.close();
        let (at_second, other_hash, also_wrong) = pair.second.book.close();
        tally.kills += at_second.kills;
        tally.shutdowns += at_second.shutdowns;
        tally.store_faults += at_second.store_faults;
        tally.runs = 1;
        tally.effects = at_second.messages;
        wrong.extend(also_wrong);
        let trace =
            [pair.first.book.trace(), vec!["-- second".to_owned()], pair.second.book.trace()].concat();
        (tally, hash ^ other_hash.rotate_left(1), wrong, trace)
    });
    assert!(wrong.is_empty(), "seed {seed}: {wrong:#?}\n{}", trace.join("\n"));
    (tally, hash)
}

#[test]
fn fault_46_two_nodes_over_streams_that_break_have_as_many_effects_as_messages() {
    let mut all = Tally::default();
    for seed in super::seeds() {
        all.add(&run(seed).0);
    }
    super::say("simulation of two nodes", &all);
    assert_eq!(all.effects, all.messages);
    assert!(
        all.writes > all.messages && all.outages > 0,
        "nothing was sent twice, so that nothing was shown"
    );
}

#[test]
fn the_same_seed_gives_the_same_run() {
    for seed in super::seeds().take(10) {
        assert_eq!(run(seed), run(seed), "seed {seed}");
    }
}
