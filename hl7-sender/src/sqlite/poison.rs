//! Why a store is out of use.

use std::sync::OnceLock;

use crate::error::StoreError;

/// The first fault of a store, which ends its use. SQLite itself would let the next commit succeed, although what the failed flush covered may be gone.
#[derive(Default)]
pub(super) struct Poison(OnceLock<StoreError>);

impl Poison {
    /// Puts the store out of use when this is a fault.
    pub(super) fn note(&self, error: &StoreError) {
        if error.is_fault() && self.0.set(*error).is_ok() {
            tracing::error!(
                code = error.code(),
                detail = error.detail(),
                "the store failed and is out of use"
            );
        }
    }

    /// What every call gets once the store is out of use.
    pub(super) fn refusal(&self) -> Option<StoreError> {
        self.0.get().map(|first| StoreError::after(*first))
    }

    pub(super) fn is_set(&self) -> bool {
        self.0.get().is_some()
    }
}
