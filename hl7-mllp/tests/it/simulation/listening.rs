//! The listener against a sender that does not wait: every message is handled once, in order, and answered in order.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use hl7_mllp::{Reply, Request, Server};
use turmoil::net::TcpListener;

use super::sender::{self, Answers};
use super::{Network, PORT, network, seeds};

type Handled = Arc<Mutex<Vec<String>>>;

/// Serves connections with a handler that takes its time.
async fn listen(handled: Handled, seed: u64) -> turmoil::Result {
    let listener = TcpListener::bind(("0.0.0.0", PORT)).await?;
    loop {
        let (stream, peer) = listener.accept().await?;
        let (handled, dice) = (handled.clone(), Arc::new(Mutex::new(fastrand::Rng::with_seed(seed))));
        let handler = move |request: Request| {
            let (handled, dice) = (handled.clone(), dice.clone());
            async move {
                let pause = dice.lock().unwrap().u64(0..80);
                tokio::time::sleep(Duration::from_millis(pause)).await;
                let id = request.message().header().control_id().unwrap().raw().to_owned();
                handled.lock().unwrap().push(id);
                Reply::accept(&request)
            }
        };
        tokio::spawn(async move { Server::builder().serve_connection(stream, peer, handler).await });
    }
}

fn run(kind: Network, seed: u64) -> (Vec<String>, Answers) {
    let mut sim = network(kind, seed);
    let handled = Handled::default();
    let answers = Arc::new(Mutex::new(Answers::default()));
    let (known, told) = (handled.clone(), answers.clone());
    sim.host("ehr", move || listen(known.clone(), seed));
    sim.client("lab", sender::send_ahead(told, seed));
    sim.run().unwrap_or_else(|why| panic!("seed {seed}: {why}"));
    let (handled, answers) = (handled.lock().unwrap().clone(), answers.lock().unwrap().clone());
    (handled, answers)
}

#[test]
fn messages_sent_ahead_are_handled_once_and_answered_in_order() {
    let mut cut = 0;
    for kind in [Network::Calm, Network::Rough] {
        for seed in seeds() {
            let (handled, answers) = run(kind, seed);
            let sent: Vec<_> = (1..=sender::MESSAGES).map(|number| format!("m-{number}")).collect();
            assert!(sent.starts_with(&handled), "seed {seed}: handled {handled:?}");
            assert!(handled.starts_with(&answers.accepted), "seed {seed}: answered {:?}", answers.accepted);
            if kind == Network::Calm {
                assert_eq!(answers.accepted, sent, "seed {seed}");
            }
            cut += usize::from(answers.accepted != sent);
        }
    }
    assert!(cut > 0, "the rough network breaks some connections");
}
