//! Who waits for which entry.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

use crate::id::EntryId;

/// The waiting callers of this process. It holds as many entries as there are callers who wait.
#[derive(Default)]
pub(crate) struct Watch {
    waiting: Mutex<HashMap<EntryId, Waiting>>,
}

#[derive(Default)]
struct Waiting {
    callers: usize,
    changed: Arc<Notify>,
}

/// One caller's interest in an entry; it ends when this is dropped.
pub(crate) struct Watcher<'w> {
    watch: &'w Watch,
    id: EntryId,
    pub(crate) changed: Arc<Notify>,
}

impl Watch {
    pub(crate) fn on(&self, id: EntryId) -> Watcher<'_> {
        let mut waiting = self.lock();
        let place = waiting.entry(id).or_default();
        place.callers += 1;
        Watcher { watch: self, id, changed: Arc::clone(&place.changed) }
    }

    /// Something about the entry became durable.
    pub(crate) fn changed(&self, id: EntryId) {
        if let Some(place) = self.lock().get(&id) {
            place.changed.notify_waiters();
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<EntryId, Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Watcher<'_> {
    fn drop(&mut self) {
        let mut waiting = self.watch.lock();
        if let Some(place) = waiting.get_mut(&self.id) {
            place.callers -= 1;
            if place.callers == 0 {
                waiting.remove(&self.id);
            }
        }
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").field("entries", &self.lock().len()).finish()
    }
}
