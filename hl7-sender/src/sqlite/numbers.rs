//! The numbers of entries: those of one request stand together.

/// How many entries one request can have.
const EACH: i64 = 4096;

/// The first and the last number that an entry of the request can have.
pub(super) fn of(request: i64) -> (i64, i64) {
    let first = request.saturating_mul(EACH);
    (first, first.saturating_add(EACH - 1))
}

/// Whether so many entries have numbers from this one on.
pub(super) fn has_room(next: i64, entries: usize) -> bool {
    next % EACH != 0 && usize::try_from(EACH - next % EACH).is_ok_and(|left| entries <= left)
}

/// Whether one request can have so many entries.
pub(super) fn fit(entries: usize) -> bool {
    entries <= EACH as usize
}
