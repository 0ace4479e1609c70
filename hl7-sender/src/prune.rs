//! Removing what is settled and whose time is over, as far as the clock can be trusted.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::time::{Instant, sleep};

use crate::engine::Engine;
use crate::error::StoreError;

/// How often settled entries whose time is over are removed.
const EVERY: Duration = Duration::from_secs(3600);
/// How many requests one commit removes, so that removal delays nobody for long.
const AT_ONCE: usize = 500;
/// By how much the clock may differ from what it should show. Corrections by time servers are far below.
const JUMP: Duration = Duration::from_secs(24 * 3600);
/// How long the clock has to run evenly after a jump before it is believed: time enough to notice and to correct it.
const PROBATION: Duration = Duration::from_secs(24 * 3600);

/// How long settled entries are kept.
#[derive(Clone, Copy)]
pub(crate) struct Keep {
    pub(crate) delivered: Duration,
    /// For ever unless stated.
    pub(crate) dead_letters: Option<Duration>,
}

/// Removes what is settled and whose time is over, at the start and every hour, until the sender ends.
pub(crate) async fn run(engine: Arc<Engine>, keep: Keep) {
    let mut trust = match newest(&engine).await {
        Ok(newest) => Trust::new(newest, engine.now(), Instant::now()),
        Err(error) => return tracing::warn!(code = error.code(), "nothing is removed"),
    };
    while !engine.is_stopping() {
        if trust.look(engine.now(), Instant::now()) {
            remove(&engine, keep).await;
        } else {
            tracing::warn!("the clock has jumped: nothing is removed until it has run evenly for a day");
        }
        tokio::select! {
            biased;
            () = sleep(EVERY) => {}
            () = engine.stopped() => {}
        }
    }
}

/// The last time that is on record for the newest entry.
async fn newest(engine: &Engine) -> Result<Option<SystemTime>, StoreError> {
    let newest = engine.store.recent(None, 1).await?.into_iter().next();
    Ok(newest.and_then(|entry| entry.settled_at.max(entry.sent_at).max(Some(entry.enqueued_at))))
}

async fn remove(engine: &Engine, keep: Keep) {
    let now = engine.now();
    let before = |keep| now.checked_sub(keep).unwrap_or(SystemTime::UNIX_EPOCH);
    let delivered = before(keep.delivered);
    let dead_letters = keep.dead_letters.map_or(SystemTime::UNIX_EPOCH, before);
    let mut removed = 0;
    while !engine.is_stopping() {
        match engine.store.prune(delivered, dead_letters, AT_ONCE).await {
            Ok(requests) => {
                removed += requests;
                if requests < AT_ONCE {
                    break;
                }
            }
            Err(error) => {
                tracing::warn!(code = error.code(), "not everything whose time is over was removed");
                break;
            }
        }
    }
    if removed > 0 {
        tracing::info!(messages = removed, "settled messages whose time was over were removed");
    }
}

/// Compares the clock with one that only runs forward. It reads neither.
struct Trust {
    clock: SystemTime,
    at: Instant,
    /// When the clock jumped, until it is believed again.
    jumped: Option<Instant>,
}

impl Trust {
    /// A clock that is far ahead of the newest time on record may be right, after a long pause, or wrong.
    fn new(newest: Option<SystemTime>, clock: SystemTime, at: Instant) -> Self {
        let ahead = newest.and_then(|newest| clock.duration_since(newest).ok()).unwrap_or_default();
        Self { clock, at, jumped: (ahead > JUMP).then_some(at) }
    }

    /// Whether the clock can be believed.
    fn look(&mut self, clock: SystemTime, now: Instant) -> bool {
        let expected = self.clock + now.duration_since(self.at);
        let apart = clock.duration_since(expected).unwrap_or_else(|before| before.duration());
        if apart > JUMP {
            *self = Self { clock, at: now, jumped: Some(now) };
        }
        if self.jumped.is_some_and(|jumped| now.duration_since(jumped) >= PROBATION) {
            self.jumped = None;
        }
        self.jumped.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);
    const DAY: Duration = Duration::from_secs(24 * 3600);

    fn base() -> SystemTime {
        SystemTime::UNIX_EPOCH + 1000 * DAY
    }

    #[test]
    fn an_even_clock_is_believed() {
        let start = Instant::now();
        for newest in [None, Some(base()), Some(base() - 20 * HOUR), Some(base() + 99 * DAY)] {
            let mut trust = Trust::new(newest, base(), start);
            for hours in 0..100 {
                assert!(trust.look(base() + hours * HOUR, start + hours * HOUR));
            }
        }
    }

    #[test]
    fn fault_58_a_clock_far_ahead_at_the_start_has_to_run_evenly_first() {
        let start = Instant::now();
        let mut trust = Trust::new(Some(base() - 2 * DAY), base(), start);
        assert!(!trust.look(base(), start));
        assert!(!trust.look(base() + 23 * HOUR, start + 23 * HOUR));
        assert!(trust.look(base() + 24 * HOUR, start + 24 * HOUR));
    }

    #[test]
    fn fault_58_a_clock_that_jumps_is_not_believed_for_a_day() {
        let start = Instant::now();
        let mut trust = Trust::new(None, base(), start);
        assert!(trust.look(base() + HOUR, start + HOUR));
        assert!(!trust.look(base() + 90 * DAY, start + 2 * HOUR), "forward");
        assert!(!trust.look(base() + 90 * DAY + 20 * HOUR, start + 22 * HOUR));
        assert!(!trust.look(base() + 23 * HOUR, start + 23 * HOUR), "and back");
        assert!(!trust.look(base() + 46 * HOUR, start + 46 * HOUR));
        assert!(trust.look(base() + 47 * HOUR, start + 47 * HOUR));
    }
}
