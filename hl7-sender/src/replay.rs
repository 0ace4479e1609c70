//! Dead letters that are sent after all: as they are, or as an edited copy.

use std::sync::Arc;

use hl7_core::Message;

use crate::digest;
use crate::enqueue::{self, About};
use crate::entry::Request;
use crate::error::{EnqueueError, EnqueueErrorKind, StoreError, StoreErrorKind};
use crate::event::EntryChange;
use crate::id::EntryId;
use crate::receipt::Receipt;
use crate::room::Place;
use crate::running::Running;
use crate::sender::Sender;

impl Sender {
    /// Puts dead letters at the ends of their lanes, in this order, as [`Sender::replay`] does. Gives what became of each.
    ///
    /// # Errors
    /// Of each as of [`Sender::replay`]; the others are replayed all the same.
    pub async fn replay_all(
        &self,
        ids: impl IntoIterator<Item = EntryId>,
    ) -> Vec<(EntryId, Result<(), StoreError>)> {
        let mut done = Vec::new();
        for id in ids {
            done.push((id, self.replay(&id).await));
        }
        done
    }

    /// Sends an edited copy of a dead letter, with its origin and to its destination: a new entry at the end of the lanes that the message as it is now
    /// stands in. It says of what it is a copy ([`crate::Status::copy_of`]). The dead letter stays one, and says what copies it has
    /// ([`crate::Status::copies`]).
    ///
    /// The copy is a request of its own, also when nothing was edited: each call sends one. Give the message another control ID where the receiver
    /// would take it for a repetition.
    ///
    /// # Errors
    /// As [`crate::NewEntry::enqueue`]; and when there is no such entry or it is no dead letter, with a [`EnqueueErrorKind::Store`] that is not indeterminate.
    pub async fn replay_edited(&self, id: &EntryId, message: &Message<'_>) -> Result<Receipt, EnqueueError> {
        if self.running().engine.is_stopping() {
            return Err(EnqueueError::new(EnqueueErrorKind::ShutDown));
        }
        let Some(original) = self.store().record(*id).await? else {
            return Err(StoreError::new(StoreErrorKind::NotFound).into());
        };
        let key = digest::of_parts("copy", &[&EntryId::random().to_bytes(), &EntryId::random().to_bytes()]);
        let entry = self.entry(message).origin(original.origin).to([original.destination]);
        let request = entry.known_as(key, key).into_request()?;
        let running = self.running();
        let place = running.room.take(request.weight()).await;
        running.unstoppable(keep(Arc::clone(running), *id, request, place)).await
    }
}

/// Stores the copy and wakes its destination.
async fn keep(
    running: Arc<Running>,
    of: EntryId,
    request: Request,
    _place: Option<Place>,
) -> Result<Receipt, EnqueueError> {
    let now = running.engine.now();
    let about = About::of(&request, now).copied_from(of);
    let stored = running.engine.vault.copy(of, request, now).await?;
    let receipts = enqueue::receipts(&running, vec![stored], Some(&about), EntryChange::Enqueued);
    receipts.into_iter().next().ok_or(EnqueueError::new(EnqueueErrorKind::NoDestination))
}
