//! A script: what a receiver does on each of its connections.

use std::time::Duration;

use super::act::{Act, Order, Reading};

/// What a scripted receiver does on a connection: the acts of its opening, then, for each message it takes, those of a turn.
#[derive(Clone, Debug)]
pub struct Script {
    pub(super) name: &'static str,
    pub(super) opening: Vec<Act>,
    pub(super) turn: Vec<Act>,
    pub(super) reading: Reading,
    pub(super) order: Order,
    pub(super) takes_anything: bool,
    pub(super) idle: Duration,
}

impl Script {
    /// The time without a byte after which a connection is closed, where the script says nothing else: a minute, longer than tests wait.
    pub const IDLE: Duration = Duration::from_secs(60);

    /// A script that does this for each message.
    pub fn each(turn: impl IntoIterator<Item = Act>) -> Self {
        Self {
            name: "custom",
            opening: Vec::new(),
            turn: turn.into_iter().collect(),
            reading: Reading::Blocks,
            order: Order::AsSent,
            takes_anything: false,
            idle: Self::IDLE,
        }
    }

    /// Does this first on each connection.
    pub fn opening(mut self, acts: impl IntoIterator<Item = Act>) -> Self {
        self.opening = acts.into_iter().collect();
        self
    }

    /// Reads so.
    pub fn reading(mut self, reading: Reading) -> Self {
        self.reading = reading;
        self
    }

    /// Answers messages that came without waiting in this order.
    pub fn order(mut self, order: Order) -> Self {
        self.order = order;
        self
    }

    /// Plays the turn for blocks that are no HL7 too; without this they close the connection.
    pub fn takes_anything(mut self) -> Self {
        self.takes_anything = true;
        self
    }

    /// Closes a connection on which nothing comes for so long.
    pub fn idle(mut self, time: Duration) -> Self {
        self.idle = time;
        self
    }

    /// Its name in the catalogue, such as `half-open`; `custom` for others.
    pub fn name(&self) -> &'static str {
        self.name
    }

    pub(super) fn named(mut self, name: &'static str) -> Self {
        self.name = name;
        self
    }
}
