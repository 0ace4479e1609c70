//! One run: a node with its receivers.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use hl7_core::{AckCode, path};
use hl7_sender::{Action, Destination, Policy, Retry};

use super::book::MOST;
use super::life::Life;
use super::node::Node;
use super::receiver::{Network, Receiver, Way};

/// The receivers. The second names no message in its acknowledgments.
pub(super) const RECEIVERS: [&str; 3] = ["ehr", "lab", "old"];

pub(super) struct World {
    pub(super) node: Node,
    pub(super) receivers: BTreeMap<&'static str, Receiver>,
}

impl World {
    pub(super) fn new(seed: u64) -> Arc<Self> {
        let node = Node::new(seed, &Arc::new(AtomicBool::new(true)));
        let network = Network::of(&node);
        let receiver = |name| (name, Receiver::new(&network, name, name == "lab"));
        Arc::new(Self { receivers: RECEIVERS.into_iter().map(receiver).collect(), node })
    }

    pub(super) async fn live(self: Arc<Self>) {
        let all = |life: &Life| RECEIVERS.iter().map(|name| self.destination(name, life)).collect();
        self.node.live(all).await;
    }

    /// A destination, set in one of the ways that there are.
    pub(super) fn destination(&self, name: &str, life: &Life) -> Destination {
        let mut dice = self.node.dice.of(("destination", name));
        let way = Way { receiver: self.receivers[name].clone(), life: life.clone() };
        let policy = [
            Policy::new(),
            Policy::rhapsody(),
            Policy::intersystems(),
            Policy::new().on(AckCode::AE, Action::DeadLetter).on(AckCode::CE, Action::Skip),
        ];
        let retry = match name {
            "old" => retry().max_attempts(4).used_up(Action::DeadLetter).max_age(Duration::from_secs(600)),
            _ => retry(),
        };
        Destination::over(name, way)
            .lane_keys([path!("PID[*]-3.1"), path!("MRG[*]-1.1")])
            .connections(dice.usize(1..=MOST))
            .policy(dice.choice(&policy).unwrap().clone())
            .retry(retry)
    }
}

pub(super) fn retry() -> Retry {
    Retry::new().first(Duration::from_millis(100)).max(Duration::from_secs(4)).rest(Duration::from_secs(20))
}
