//! What a scripted receiver has seen: numbers and control IDs, never a message.

use std::fmt;
use std::time::Duration;

use tokio::sync::watch;

/// So many control IDs are kept, and so much of each.
const MOST_IDS: usize = 10_000;
const LONGEST_ID: usize = 256;

/// What a scripted receiver has seen so far. Clones share it.
#[derive(Clone)]
pub struct Seen {
    record: watch::Sender<Record>,
}

#[derive(Default)]
struct Record {
    connections: usize,
    answers: usize,
    control_ids: Vec<String>,
}

impl Seen {
    /// Nothing yet.
    pub fn new() -> Self {
        Self { record: watch::Sender::new(Record::default()) }
    }

    /// How many connections were accepted.
    pub fn connections(&self) -> usize {
        self.record.borrow().connections
    }

    /// MSH-10 of each message, in the order in which they were read; empty for a block that is no message.
    pub fn control_ids(&self) -> Vec<String> {
        self.record.borrow().control_ids.clone()
    }

    /// Waits until so many messages were read; whether that came within this time.
    pub async fn messages(&self, count: usize, within: Duration) -> bool {
        self.until(within, |record| record.control_ids.len() >= count).await
    }

    /// Waits until so many connections were accepted; whether that came within this time.
    pub async fn connected(&self, count: usize, within: Duration) -> bool {
        self.until(within, |record| record.connections >= count).await
    }

    async fn until(&self, within: Duration, done: impl FnMut(&Record) -> bool) -> bool {
        let mut record = self.record.subscribe();
        matches!(tokio::time::timeout(within, record.wait_for(done)).await, Ok(Ok(_)))
    }

    pub(super) fn connection(&self) {
        self.record.send_modify(|record| record.connections += 1);
    }

    pub(super) fn message(&self, control_id: &str) {
        self.record.send_modify(|record| {
            if record.control_ids.len() < MOST_IDS {
                record.control_ids.push(control_id.chars().take(LONGEST_ID).collect());
            }
        });
    }

    /// Counts an answer and gives its number.
    pub(super) fn answer(&self) -> usize {
        self.record.send_modify(|record| record.answers += 1);
        self.record.borrow().answers
    }
}

impl Default for Seen {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Seen {
    /// Shows numbers, and no control ID.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let record = self.record.borrow();
        f.debug_struct("Seen")
            .field("connections", &record.connections)
            .field("messages", &record.control_ids.len())
            .finish_non_exhaustive()
    }
}
