//! The `tracing` spans of this crate: names of entries and codes, never content.

use tokio::time::Instant;
use tracing::Span;
use tracing::field::{Empty, debug};

use crate::engine::Target;
use crate::entry::{Attempt, Request};
use crate::id::EntryId;
use crate::receipt::Receipt;

/// A span, and when it began.
pub(crate) struct Timed {
    pub(crate) span: Span,
    began: Instant,
}

impl Timed {
    fn new(span: Span) -> Self {
        Self { span, began: Instant::now() }
    }

    /// Of a message that is enqueued.
    pub(crate) fn enqueue(request: &Request) -> Self {
        let bytes = request.body.len();
        Self::new(tracing::debug_span!(
            "enqueue",
            bytes,
            entries = Empty,
            repeats = Empty,
            code = Empty,
            ms = Empty
        ))
    }

    /// Of a message that came in and is stored.
    pub(crate) fn receive(request: &Request) -> Self {
        let bytes = request.body.len();
        Self::new(tracing::debug_span!(
            "receive",
            bytes,
            entries = Empty,
            repeat = Empty,
            code = Empty,
            ms = Empty
        ))
    }

    /// Of an attempt.
    pub(crate) fn attempt(attempt: &Attempt, target: &Target) -> Self {
        Self::new(tracing::debug_span!(
            "attempt", destination = target.name, entry = %attempt.id, lane = %attempt.lane,
            attempt = attempt.tries, bytes = attempt.body.len(), end = Empty, code = Empty, ms = Empty
        ))
    }

    /// Notes which entries it was about.
    pub(crate) fn note_entries(&self, receipts: &[Receipt]) {
        if !self.span.is_disabled() {
            let entries: Vec<EntryId> = receipts.iter().map(Receipt::id).collect();
            self.span.record("entries", debug(entries));
        }
    }

    /// Notes the end, with the code of what went wrong.
    pub(crate) fn end(&self, code: Option<&'static str>) {
        self.span.record("code", code).record("ms", self.began.elapsed().as_secs_f64() * 1000.0);
    }
}
