//! The outbox's file, opened with the limits and keys of the configuration: by the gateway and by the commands alike.

use std::path::{Path, PathBuf};

use hl7_sender::{Builder, OpenError, Sender, SqliteOptions, SqliteStore};

use crate::config::OutboxLimits;

/// Where the outbox is.
pub(crate) fn file(data: &Path) -> PathBuf {
    data.join("outbox.db")
}

/// Opens it.
///
/// # Errors
/// When another process has it open, or it cannot be used.
pub(crate) async fn open(data: &Path, limits: &OutboxLimits) -> Result<SqliteStore, OpenError> {
    let options = limits.max_bytes.into_iter().fold(SqliteOptions::new(), SqliteOptions::max_bytes);
    options.open(file(data)).await
}

/// A sender on it that has no destination yet.
pub(crate) fn sender(store: SqliteStore, limits: OutboxLimits) -> Builder {
    let builder = Sender::builder(store).keep_dead_letters(limits.keep_dead_letters);
    let builder = limits.keep_delivered.into_iter().fold(builder, Builder::keep_delivered);
    limits.keys.into_iter().fold(builder, Builder::encrypt)
}
