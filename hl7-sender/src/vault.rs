//! The store as the engine uses it: what goes in is sealed, what comes out is opened, where messages are encrypted.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::SystemTime;

use crate::digest::{self, Digest};
use crate::entry::{Accepted, Attempt, Enqueued, Finished, Record, Request, Stored};
use crate::error::StoreError;
use crate::id::EntryId;
use crate::inbound::{Answered, Inbound, Received};
use crate::seal::{Naming, Owner, Ready, Seals, Shut};
use crate::status::Status;
use crate::store::AnyStore;

pub(crate) struct Vault {
    store: Arc<dyn AnyStore>,
    seals: Seals,
}

impl Vault {
    pub(crate) fn new(store: Arc<dyn AnyStore>, seals: Seals) -> Self {
        Self { store, seals }
    }

    /// Whether what is new can be sealed.
    pub(crate) fn check(&self) -> Result<(), Shut> {
        self.seals.ready().map(drop)
    }

    /// Keeps a request; see [`crate::Store::enqueue`].
    pub(crate) async fn enqueue(&self, request: Request, now: SystemTime) -> Result<Enqueued, StoreError> {
        let naming = self.naming(&request.key).await?;
        self.store.enqueue(self.sealed(request, &naming)?, now).await
    }

    /// Keeps what came in; see [`crate::Store::receive`].
    pub(crate) async fn receive(&self, inbound: Inbound, now: SystemTime) -> Result<Received, StoreError> {
        let naming = self.naming(&inbound.request.key).await?;
        let key = naming.name(&inbound.request.key);
        let acknowledgment = self.seal(Owner::Answer(&key), inbound.acknowledgment)?;
        let request = self.sealed(inbound.request, &naming)?;
        let inbound = Inbound { request, name: naming.name(&inbound.name), acknowledgment, ..inbound };
        Ok(match self.store.receive(inbound, now).await? {
            Received::Repeat(answered) => Received::Repeat(self.opened(&key, answered)),
            received => received,
        })
    }

    /// Keeps an edited copy; see [`crate::Store::copy`]. Its key is a new one.
    pub(crate) async fn copy(
        &self,
        of: EntryId,
        request: Request,
        now: SystemTime,
    ) -> Result<Stored, StoreError> {
        self.store.copy(of, self.sealed(request, &Naming(None))?, now).await
    }

    /// Notes that a message is in the receiver's safe keeping; see [`crate::Store::accepted`]. An acknowledgment that cannot be sealed is left out.
    pub(crate) async fn accepted(&self, accepted: Accepted) -> Result<(), StoreError> {
        let owner = Owner::Acknowledgment(accepted.id);
        let acknowledgment = accepted.acknowledgment.and_then(|bytes| self.seal(owner, bytes).ok());
        self.store.accepted(Accepted { acknowledgment, ..accepted }).await
    }

    /// What a message that came in before was answered; see [`crate::Store::answered`].
    pub(crate) async fn answered(&self, key: &Digest) -> Result<Option<Answered>, StoreError> {
        for naming in self.seals.namings()? {
            let key = naming.name(key);
            if let Some(answered) = self.store.answered(key).await? {
                return Ok(Some(self.opened(&key, answered)));
            }
        }
        Ok(None)
    }

    /// The message of an entry, in wire form.
    pub(crate) async fn message(&self, id: EntryId) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(record) = self.store.record(id).await? else { return Ok(None) };
        let Some(kept) = self.store.message(id).await? else { return Ok(None) };
        Ok(Some(self.seals.open(Owner::Message(&record.key), &kept)?.into_owned()))
    }

    /// The message of an attempt, in wire form.
    pub(crate) fn body<'a>(&self, attempt: &'a Attempt) -> Result<Cow<'a, [u8]>, Shut> {
        self.seals.open(Owner::Message(&attempt.key), &attempt.body)
    }

    /// What will seal the acknowledgment of an attempt.
    pub(crate) fn ready(&self) -> Result<Ready, Shut> {
        self.seals.ready()
    }

    /// Where an entry stands. An acknowledgment that does not open is left out, and that is noted.
    pub(crate) fn status(&self, mut record: Record) -> Status {
        let Some(kept) = record.acknowledgment.take() else { return Status::new(record) };
        match self.seals.open(Owner::Acknowledgment(record.id), &kept) {
            Ok(opened) => {
                record.acknowledgment = Some(opened.into_owned());
                Status::new(record)
            }
            Err(_) => Status::shut(record),
        }
    }

    /// How the request is named, or would be: as it was when it was first kept.
    async fn naming(&self, key: &Digest) -> Result<Naming, StoreError> {
        let mut namings = self.seals.namings()?.into_iter();
        let current = namings.next().unwrap_or(Naming(None));
        for former in namings {
            if self.store.is_known(former.name(key)).await? {
                return Ok(former);
            }
        }
        Ok(current)
    }

    fn sealed(&self, mut request: Request, naming: &Naming) -> Result<Request, StoreError> {
        if self.seals.is_off() {
            return Ok(request);
        }
        request.key = naming.name(&request.key);
        request.fingerprint = naming.name(&request.fingerprint);
        let plain = std::mem::take(&mut request.body);
        request.body = self.seal(Owner::Message(&request.key), plain)?;
        request.digest = digest::of_bytes(&request.body);
        Ok(request)
    }

    fn seal(&self, owner: Owner<'_>, bytes: Vec<u8>) -> Result<Vec<u8>, Shut> {
        self.seals.ready()?.seal(owner, bytes).ok_or(Shut::NoKey)
    }

    /// An answer that does not open counts as damaged, and the same message is answered afresh.
    fn opened(&self, key: &Digest, answered: Answered) -> Answered {
        let acknowledgment = self.seals.open(Owner::Answer(key), &answered.acknowledgment);
        Answered { acknowledgment: acknowledgment.unwrap_or_default().into_owned(), ..answered }
    }
}

/// Seals what an entry was answered.
pub(crate) fn seal_acknowledgment(finished: &mut Finished, ready: Ready) {
    let acknowledgment = finished.acknowledgment.take();
    let owner = Owner::Acknowledgment(finished.id);
    finished.acknowledgment = acknowledgment.and_then(|bytes| ready.seal(owner, bytes));
}
