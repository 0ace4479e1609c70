//! What waits for a destination.

use std::collections::BTreeMap;
use std::time::SystemTime;

use crate::entry::{Count, State};
use crate::error::StoreError;
use crate::sender::Sender;

/// What waits for a destination, as it was durable when asked.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
#[non_exhaustive]
pub struct Backlog {
    /// Entries that wait for their turn.
    pub queued: u64,
    /// Entries whose attempt is under way.
    pub sending: u64,
    /// Entries that wait for their next attempt.
    pub retrying: u64,
    /// Entries that wait for a person.
    pub held: u64,
    /// When the oldest of those that are the first of their lanes was enqueued.
    pub oldest: Option<SystemTime>,
}

impl Backlog {
    /// How many entries are not settled.
    pub fn open(&self) -> u64 {
        self.queued + self.sending + self.retrying + self.held
    }

    fn add(&mut self, count: &Count) {
        match count.state() {
            State::Queued => self.queued += count.messages(),
            State::Sending => self.sending += count.messages(),
            State::Retrying => self.retrying += count.messages(),
            State::Held => self.held += count.messages(),
            _ => {}
        }
    }
}

impl Sender {
    /// What waits, by destination: of each that the sender has, and of others for which something waits. For gauges; it costs no more for a longer backlog.
    ///
    /// # Errors
    /// When the store fails or is closed.
    pub async fn backlog(&self) -> Result<BTreeMap<String, Backlog>, StoreError> {
        let targets = self.running().targets();
        let mut all: BTreeMap<String, Backlog> =
            targets.iter().map(|target| (target.name.clone(), Backlog::default())).collect();
        for count in self.store().counts().await?.iter().filter(|count| !count.state().is_settled()) {
            all.entry(count.destination().to_owned()).or_default().add(count);
        }
        for (name, backlog) in &mut all {
            if backlog.open() > 0 {
                backlog.oldest = self.store().oldest(name).await?;
            }
        }
        Ok(all)
    }
}
