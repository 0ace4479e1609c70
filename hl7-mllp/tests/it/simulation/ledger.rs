//! What really happened, told by those who did it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// The receiver's side of a run.
#[derive(Clone, Default)]
pub(super) struct Ledger {
    entries: Arc<Mutex<HashMap<String, Entry>>>,
}

#[derive(Clone, Copy, Default)]
pub(super) struct Entry {
    /// How often the message came.
    pub(super) seen: usize,
    /// Whether it was accepted, and that said.
    pub(super) accepted: bool,
}

impl Ledger {
    pub(super) fn saw(&self, id: &str) {
        self.entries.lock().unwrap().entry(id.to_owned()).or_default().seen += 1;
    }

    pub(super) fn accepted(&self, id: &str) {
        self.entries.lock().unwrap().entry(id.to_owned()).or_default().accepted = true;
    }

    pub(super) fn of(&self, id: &str) -> Entry {
        self.entries.lock().unwrap().get(id).copied().unwrap_or_default()
    }
}
