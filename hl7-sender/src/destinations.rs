//! The destinations of a sender while it runs: looked at, paused, added, changed and removed.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::destination::Destination;
use crate::destination_status::DestinationStatus;
use crate::error::{StartError, StartErrorKind, StoreError, StoreErrorKind};
use crate::running::Running;
use crate::sender::Sender;

impl Sender {
    /// What the sender can say of its destinations, in the order of their names.
    pub fn destinations(&self) -> Vec<DestinationStatus> {
        let now = Instant::now();
        let targets = self.running().targets().into_iter();
        let mut all: Vec<_> = targets.map(|target| DestinationStatus::of(&target, now)).collect();
        all.sort_by(|one, other| one.name().cmp(other.name()));
        all
    }

    /// The same of one; `None` when there is none of this name.
    pub fn destination(&self, name: &str) -> Option<DestinationStatus> {
        self.running().target(name).map(|target| DestinationStatus::of(&target, Instant::now()))
    }

    /// Begins no more message for a destination until [`Sender::resume_destination`], in this run and the next. Those under way are finished, new ones are
    /// kept and wait. Gives whether there is such a destination.
    ///
    /// # Errors
    /// When the store fails or is closed. In this run the destination is paused all the same.
    pub async fn pause_destination(&self, name: &str) -> Result<bool, StoreError> {
        let (running, name) = (Arc::clone(self.running()), name.to_owned());
        self.in_turn(async move { running.pause(&name).await }).await
    }

    /// Goes on with a destination that was paused. One that cannot be reached is tried now, with all that waits for its next attempt there, whatever rest it
    /// was given. Gives whether there is such a destination.
    ///
    /// # Errors
    /// When the store fails or is closed. The destination stays paused then.
    pub async fn resume_destination(&self, name: &str) -> Result<bool, StoreError> {
        let (running, name) = (Arc::clone(self.running()), name.to_owned());
        self.in_turn(async move { running.resume(&name).await }).await
    }

    /// Adds a destination. Entries that wait under its name go out at once, in the lanes they were enqueued for, unless a destination of this name was paused.
    ///
    /// # Errors
    /// When it is not usable, when there is one of this name, when the store fails, and when the sender was shut down.
    pub async fn add_destination(&self, destination: Destination) -> Result<(), StartError> {
        destination.check().map_err(StartError::new)?;
        self.change(|running| async move { running.add(destination).await }).await
    }

    /// Puts a destination in the place of the one of its name. From now on messages are enqueued for the new one. The old one begins no message any more;
    /// those under way are finished, at most within this time, or put back, and then the new one goes on with what waits. Nothing is lost, and no lane
    /// is served by both.
    ///
    /// A message that is put back was written, perhaps in full, and goes out again with the code `S204`: it can be a duplicate. Entries stay in the lanes they
    /// were enqueued for: with another lane key there is no order between those before the change and those after it. What is paused stays so.
    ///
    /// It is carried out although the caller stops waiting.
    ///
    /// # Errors
    /// When it is not usable, when there is none of this name, when the store fails, and when the sender was shut down.
    pub async fn change_destination(
        &self,
        destination: Destination,
        within: Duration,
    ) -> Result<(), StartError> {
        destination.check().map_err(StartError::new)?;
        self.change(move |running| async move { running.replace(destination, within).await }).await
    }

    /// Removes a destination: nothing is enqueued for it any more, and no message begun. Those under way are finished, at most within this time, or put back
    /// as in [`Sender::change_destination`]. What is not settled stays in the store and waits until a destination of this name is added, in this run or another;
    /// a caller who waits for its outcome goes on waiting.
    ///
    /// It is carried out although the caller stops waiting.
    ///
    /// # Errors
    /// When there is none of this name, and when the sender was shut down.
    pub async fn remove_destination(&self, name: &str, within: Duration) -> Result<(), StartError> {
        let name = name.to_owned();
        self.change(move |running| async move { running.remove(&name, within).await }).await
    }

    /// Does this in a task of its own: who keeps the call and does not poll it holds up no other.
    async fn in_turn(
        &self,
        pause: impl Future<Output = Result<bool, StoreError>> + Send + 'static,
    ) -> Result<bool, StoreError> {
        self.running().spawn(pause).await.unwrap_or(Err(StoreError::new(StoreErrorKind::Closed)))
    }

    /// Makes a change in a task of its own: half of one would leave a destination that nobody serves.
    async fn change<F>(&self, change: impl FnOnce(Arc<Running>) -> F) -> Result<(), StartError>
    where
        F: Future<Output = Result<(), StartError>> + Send + 'static,
    {
        let changed = self.running().spawn(change(Arc::clone(self.running())));
        // The task does not panic; it is dropped with its runtime.
        changed.await.unwrap_or(Err(StartError::new(StartErrorKind::ShutDown)))
    }
}
