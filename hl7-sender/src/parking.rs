//! Lanes that stand still whatever comes into them.

use crate::entry::LaneRecord;
use crate::error::StoreError;
use crate::event::DestinationChange;
use crate::id::LaneId;
use crate::sender::{MAX_LIST, Sender};

impl Sender {
    /// Lanes of a destination that are parked or have something to send, at most `limit` and at most 10,000: parked ones first, then those that are held,
    /// under way, and due, the one that waits longest first.
    ///
    /// # Errors
    /// When the store fails or is closed.
    pub async fn lanes(&self, destination: &str, limit: usize) -> Result<Vec<LaneRecord>, StoreError> {
        self.store().lanes(destination, limit.min(MAX_LIST)).await
    }

    /// The lane of a destination's messages with this lane key value, written as in the message; without a value their common lane. It need not have
    /// messages. It is not checked that there is such a destination.
    ///
    /// # Errors
    /// When the store is closed.
    pub async fn lane_of(&self, destination: &str, key: Option<&str>) -> Result<LaneId, StoreError> {
        self.store().lane_of(destination, key).await
    }

    /// Parks a lane of a destination: none of its messages is begun until [`Sender::release_lane`], in this run and the next, whatever comes into it. A message
    /// that stands in other lanes too holds those up once it is their first. What is under way is finished. Gives whether the lane was not parked
    /// before.
    ///
    /// ```no_run
    /// # async fn example(sender: hl7_sender::Sender) -> Result<(), hl7_sender::StoreError> {
    /// let lane = sender.lane_of("ehr", Some("100042")).await?;
    /// sender.park_lane("ehr", &lane).await?; // nothing of this patient goes out
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// When the store fails or is closed.
    pub async fn park_lane(&self, destination: &str, lane: &LaneId) -> Result<bool, StoreError> {
        self.park(destination, *lane, true).await
    }

    /// Lets a lane go that was parked. An entry of it that is held by itself stays so. Gives whether the lane was parked.
    ///
    /// # Errors
    /// When the store fails or is closed.
    pub async fn release_lane(&self, destination: &str, lane: &LaneId) -> Result<bool, StoreError> {
        self.park(destination, *lane, false).await
    }

    async fn park(&self, destination: &str, lane: LaneId, parked: bool) -> Result<bool, StoreError> {
        let (sender, destination) = (self.clone(), destination.to_owned());
        // Carried out although the caller stops waiting.
        self.running()
            .unstoppable(async move {
                let changed = sender.store().park(&destination, lane, parked, sender.now()).await?;
                if changed {
                    let change =
                        if parked { DestinationChange::LaneParked } else { DestinationChange::LaneReleased };
                    sender.running().engine.tell_of(&destination.as_str().into(), change(lane));
                }
                if let Some(target) = sender.running().target(&destination) {
                    target.wake.notify_one();
                }
                Ok(changed)
            })
            .await
    }
}
