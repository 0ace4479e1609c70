//! The client against a receiver of any manners: what it says of a message is true.

use std::io::Write as _;
use std::sync::{Arc, Mutex};

use hl7_core::Message;
use hl7_mllp::{Client, ClientBuilder, Sent};
use turmoil::net::TcpStream;

use super::ledger::Ledger;
use super::receiver::{self, Manners};
use super::{ACK_TIMEOUT, Network, PORT, network, seeds};
use crate::peer::message;

/// How many messages a run sends. The control ID of the first is the start of those of the last.
const MESSAGES: usize = 12;
const MOST_ATTEMPTS: usize = 4;

/// What the client said of one attempt.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Said {
    Accepted,
    Refused,
    Unknown,
    NotSent,
}

type Attempts = Arc<Mutex<Vec<(String, Said)>>>;

/// Sends the messages one by one, each until it is answered or tried often enough.
async fn send(builder: ClientBuilder, attempts: Attempts) -> turmoil::Result {
    let mut client: Option<Client> = None;
    for number in 1..=MESSAGES {
        let id = format!("m-{number}");
        for _ in 0..MOST_ATTEMPTS {
            let said = attempt(&mut client, &builder, &id).await;
            attempts.lock().unwrap().push((id.clone(), said));
            if matches!(said, Said::Accepted | Said::Refused) {
                break;
            }
        }
    }
    Ok(())
}

async fn attempt(client: &mut Option<Client>, builder: &ClientBuilder, id: &str) -> Said {
    let mut current = match client.take() {
        Some(client) => client,
        None => {
            let connect = TcpStream::connect(("ehr", PORT));
            match tokio::time::timeout(ACK_TIMEOUT, connect).await {
                Ok(Ok(stream)) => builder.clone().over(stream),
                _ => return Said::NotSent,
            }
        }
    };
    let text = message(id);
    let sent = current.send(&Message::parse(&text).unwrap()).await;
    if let Err(why) = &sent {
        assert!(!current.is_open(), "after any doubt the connection goes: {why}");
    }
    let said = match sent {
        Ok(ack) if ack.code().is_positive() => Said::Accepted,
        Ok(_) => Said::Refused,
        Err(why) if why.sent() == Sent::No => Said::NotSent,
        Err(_) => Said::Unknown,
    };
    *client = Some(current).filter(Client::is_open);
    said
}

/// One run: what the client said, and what the receiver knows.
fn run(kind: Network, manners: Manners, seed: u64) -> (Vec<(String, Said)>, Ledger) {
    let mut sim = network(kind, seed);
    let ledger = Ledger::default();
    let attempts = Attempts::default();
    let (known, said) = (ledger.clone(), attempts.clone());
    sim.host("ehr", move || receiver::receive(manners, known.clone(), seed));
    let builder =
        Client::builder().ack_timeout(ACK_TIMEOUT).missing_control_id(manners == Manners::Anonymous);
    sim.client("lab", send(builder, said));
    sim.run().unwrap_or_else(|why| panic!("seed {seed}: {why}"));
    let attempts = attempts.lock().unwrap().clone();
    (attempts, ledger)
}

/// How often something was said, over a campaign.
#[derive(Default, Debug)]
struct Count {
    runs: usize,
    accepted: usize,
    refused: usize,
    unknown: usize,
    not_sent: usize,
}

impl Count {
    fn add(&mut self, said: Said) {
        match said {
            Said::Accepted => self.accepted += 1,
            Said::Refused => self.refused += 1,
            Said::Unknown => self.unknown += 1,
            Said::NotSent => self.not_sent += 1,
        }
    }
}

/// Runs every seed and checks each word of the client.
fn campaign(kind: Network, manners: Manners) -> Count {
    let mut count = Count::default();
    for seed in seeds() {
        let (attempts, ledger) = run(kind, manners, seed);
        count.runs += 1;
        for (id, said) in &attempts {
            count.add(*said);
            assert!(*said != Said::Accepted || ledger.of(id).accepted, "seed {seed}: {id} was not accepted");
            let sent = attempts.iter().filter(|(other, said)| other == id && *said != Said::NotSent).count();
            let seen = ledger.of(id).seen;
            assert!(seen <= sent, "seed {seed}: {id} came {seen} times and was sent {sent} times");
        }
    }
    let report =
        format!("simulation, {kind:?} network, {manners:?} receiver: {count:?}, falsely accepted: 0\n");
    let _ = std::io::stderr().write_all(report.as_bytes());
    count
}

#[test]
fn in_a_calm_network_every_message_is_accepted_at_once() {
    let count = campaign(Network::Calm, Manners::Proper);
    assert_eq!(count.accepted, count.runs * MESSAGES);
    assert_eq!(count.refused + count.unknown + count.not_sent, 0);
}

#[test]
fn a_hostile_receiver_is_never_said_to_have_accepted_what_it_did_not() {
    for kind in [Network::Calm, Network::Rough] {
        let count = campaign(kind, Manners::Hostile);
        assert!(count.accepted > 0 && count.refused > 0 && count.unknown > 0 && count.not_sent > 0);
    }
}

#[test]
fn a_receiver_that_names_no_message_is_believed_only_of_the_one_under_way() {
    let count = campaign(Network::Rough, Manners::Anonymous);
    assert!(count.accepted > 0 && count.unknown > 0);
}

#[test]
fn the_same_seed_gives_the_same_run() {
    for seed in seeds().take(5) {
        let run = || run(Network::Rough, Manners::Hostile, seed).0;
        assert_eq!(run(), run(), "seed {seed}");
    }
}
