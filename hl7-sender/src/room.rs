//! Room for what waits for the store, which may hang.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What a call under way takes of the room, for each of so many bytes.
const SHARE: usize = 64 * 1024;

/// How much may wait for the store at a time. A call that is given up by its caller goes on, and keeps its room until the store has answered.
pub(crate) struct Room {
    left: Arc<Semaphore>,
    shares: u32,
}

/// A call's part of it.
pub(crate) type Place = OwnedSemaphorePermit;

impl Room {
    /// The default: 256 MiB, as much as a listener reads at a time.
    pub(crate) const BYTES: usize = 256 * 1024 * 1024;

    /// Room for so many bytes, each call counted in whole 64 KiB.
    pub(crate) fn new(bytes: usize) -> Self {
        let shares = (bytes / SHARE).clamp(1, Semaphore::MAX_PERMITS.min(u32::MAX as usize));
        Self { left: Arc::new(Semaphore::new(shares)), shares: u32::try_from(shares).unwrap_or(u32::MAX) }
    }

    /// Waits for room for so many bytes, or for all there is where that is less, in the order of asking. It is never closed.
    pub(crate) async fn take(&self, bytes: usize) -> Option<Place> {
        let shares = u32::try_from(bytes / SHARE + 1).map_or(self.shares, |shares| shares.min(self.shares));
        Arc::clone(&self.left).acquire_many_owned(shares).await.ok()
    }
}
