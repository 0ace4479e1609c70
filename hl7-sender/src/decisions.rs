//! What a person decides about entries. Each decision is carried out although the caller stops waiting.

use crate::entry::DeadLetterReason;
use crate::error::StoreError;
use crate::event::EntryChange;
use crate::id::{EntryId, LaneId};
use crate::sender::Sender;

impl Sender {
    /// Puts a dead letter at the end of its lane, to be sent with the control ID it had.
    ///
    /// # Errors
    /// When there is no such entry, when it is no dead letter, and when the store fails or is closed.
    pub async fn replay(&self, id: &EntryId) -> Result<(), StoreError> {
        let id = *id;
        self.decide(id, EntryChange::Replayed, move |sender| async move {
            sender.store().replay(id, sender.now()).await
        })
        .await
    }

    /// Holds an entry that waits, wherever it stands in its lane: what is before it goes out, it and what is behind it wait for
    /// [`Sender::release`], [`Sender::cancel`] or [`Sender::dead_letter`].
    ///
    /// # Errors
    /// When there is no such entry, when it is settled, held or being sent, and when the store fails or is closed.
    pub async fn hold(&self, id: &EntryId) -> Result<(), StoreError> {
        let id = *id;
        self.decide(id, EntryChange::Held, move |sender| async move { sender.store().hold(id).await }).await
    }

    /// Holds a lane at its first entry that waits, and gives that one: [`Sender::release`] takes it. A message that is being sent is finished. `None` when
    /// no entry of the lane waits: then there is nothing to hold, and a message that is enqueued later goes out. [`Sender::park_lane`] stops those too.
    ///
    /// # Errors
    /// When the store fails or is closed.
    pub async fn hold_lane(&self, lane: &LaneId) -> Result<Option<EntryId>, StoreError> {
        let (sender, lane) = (self.clone(), *lane);
        self.running()
            .unstoppable(async move {
                let held = sender.store().hold_lane(lane).await?;
                if let Some(id) = &held {
                    // It is held whether or not it can be looked at.
                    let record = sender.store().record(*id).await.ok().flatten();
                    let destination = record.map(|record| record.destination).unwrap_or_default();
                    sender.decided(id, &destination, EntryChange::Held);
                }
                Ok(held)
            })
            .await
    }

    /// Takes an entry back that waits or is held: it is not sent, or not again, and ends as [`crate::Outcome::Cancelled`]. Its lane flows on. One that was
    /// sent before, and waits for its next attempt, may have been taken by the receiver.
    ///
    /// # Errors
    /// When there is no such entry, when it is settled or being sent, and when the store fails or is closed.
    pub async fn cancel(&self, id: &EntryId) -> Result<(), StoreError> {
        let id = *id;
        self.decide(id, EntryChange::Cancelled, move |sender| async move {
            sender.store().cancel(id, sender.now()).await
        })
        .await
    }

    /// Sends a held entry, its attempts and rejections counted anew: now, or when those before it in its lane are settled.
    ///
    /// # Errors
    /// When there is no such entry, when it is not held, and when the store fails or is closed.
    pub async fn release(&self, id: &EntryId) -> Result<(), StoreError> {
        let id = *id;
        self.decide(id, EntryChange::Released, move |sender| async move {
            sender.store().release(id, sender.now()).await
        })
        .await
    }

    /// Makes a held entry a dead letter, so that its lane flows on.
    ///
    /// # Errors
    /// When there is no such entry, when it is not held, and when the store fails or is closed.
    pub async fn dead_letter(&self, id: &EntryId) -> Result<(), StoreError> {
        let id = *id;
        self.decide(id, EntryChange::DeadLettered(DeadLetterReason::Chosen), move |sender| async move {
            sender.store().dead_letter(id, sender.now()).await
        })
        .await
    }

    /// Makes a decision durable, and then tells of it and wakes the destination that it gives.
    async fn decide<F, D>(&self, id: EntryId, change: EntryChange, decision: D) -> Result<(), StoreError>
    where
        F: Future<Output = Result<String, StoreError>> + Send + 'static,
        D: FnOnce(Self) -> F + Send + 'static,
    {
        let sender = self.clone();
        self.running()
            .unstoppable(async move {
                let destination = decision(sender.clone()).await?;
                sender.decided(&id, &destination, change);
                Ok(())
            })
            .await
    }

    fn decided(&self, id: &EntryId, destination: &str, change: EntryChange) {
        let engine = &self.running().engine;
        let Some(target) = self.running().target(destination) else {
            return engine.tell_change(*id, &destination.into(), change);
        };
        target.tally.decided(change);
        engine.tell_change(*id, &target.tally.name, change);
        target.wake.notify_one();
    }
}
