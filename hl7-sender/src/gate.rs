//! How many lanes of a destination may start: its connections, and in an outage those that are still open and one lane that tries to
//! make a new one.

use std::time::Duration;

use tokio::time::Instant;

use crate::retry::Retry;
use crate::transport::{ConnectFailure, Outlook};

/// After how many failures in a row a fault that mostly does not pass by itself is told: some half a minute with the default delays.
const PERSISTENT: u32 = 5;
/// After an outage a connection is made in so much time at the soonest: a receiver that has just come back, and what stands before it, is not stormed.
const APART: Duration = Duration::from_millis(100);
/// In so much time all connections of a destination can be there again.
const ALL_BACK: Duration = Duration::from_secs(5);

/// The state of a destination's connections. It reads no clock.
#[derive(Debug)]
pub(crate) struct Gate {
    connections: usize,
    running: usize,
    paused: bool,
    /// Whether what waits for its next attempt is to be tried now.
    hurries: bool,
    outage: Option<Outage>,
    /// When the last outage ended, while its connections come back one by one.
    back_since: Option<Instant>,
}

/// A destination that cannot be reached.
#[derive(Clone, Debug)]
pub(crate) struct Outage {
    pub(crate) code: &'static str,
    pub(crate) failures: u32,
    pub(crate) since: Instant,
    pub(crate) until: Instant,
    /// Whether a person has to help.
    pub(crate) needs_help: bool,
    /// Whether a lane is trying.
    tried: bool,
}

/// How long a destination rests after a failure.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Rest {
    pub(crate) delay: Duration,
    /// Whether a person has to help, which was not known before.
    pub(crate) calls_for_help: bool,
}

impl Gate {
    pub(crate) fn new(connections: usize) -> Self {
        Self { connections, running: 0, paused: false, hurries: false, outage: None, back_since: None }
    }

    /// How many lanes may start now, with so many open connections that no lane uses. After a failed connection only those are to be had until the
    /// delay is over, and then one lane at a time tries to make another, until one succeeds.
    pub(crate) fn free(&self, now: Instant, idle: usize) -> usize {
        if self.paused {
            return 0;
        }
        let free = self.connections.saturating_sub(self.running);
        match &self.outage {
            None => free.min(idle.saturating_add(self.new_ones(now, idle))),
            Some(outage) if outage.tried || now < outage.until => free.min(idle),
            Some(_) => free.min(idle.saturating_add(1)),
        }
    }

    /// When a lane may try again, in an outage, or make the next connection behind one.
    pub(crate) fn opens_at(&self, now: Instant) -> Option<Instant> {
        if self.paused {
            return None;
        }
        if let Some(outage) = &self.outage {
            return Some(outage.until);
        }
        let back = self.back(now);
        let since = self.back_since.filter(|_| back < self.connections)?;
        Some(since + self.apart() * u32::try_from(back).unwrap_or(u32::MAX))
    }

    /// How many connections can be made beside those there are.
    fn new_ones(&self, now: Instant, idle: usize) -> usize {
        self.back(now).saturating_sub(self.running.saturating_add(idle))
    }

    /// How many connections there may be: one when an outage ends, and one more each time.
    fn back(&self, now: Instant) -> usize {
        let Some(since) = self.back_since else { return self.connections };
        let more = now.saturating_duration_since(since).as_millis() / self.apart().as_millis().max(1);
        usize::try_from(more).unwrap_or(usize::MAX).saturating_add(1).min(self.connections)
    }

    fn apart(&self) -> Duration {
        (ALL_BACK / u32::try_from(self.connections).unwrap_or(u32::MAX).max(1)).min(APART)
    }

    /// A lane starts, on an open connection or without one. Gives whether it is the one that tries.
    pub(crate) fn started(&mut self, connected: bool) -> bool {
        self.running += 1;
        match &mut self.outage {
            Some(outage) if !connected => {
                outage.tried = true;
                true
            }
            _ => false,
        }
    }

    /// A lane ends, the one that tried or another.
    pub(crate) fn ended(&mut self, tried: bool) {
        self.running = self.running.saturating_sub(1);
        if let (true, Some(outage)) = (tried, &mut self.outage) {
            outage.tried = false;
        }
    }

    /// A new connection is of use: the outage is over. Whether there was one.
    pub(crate) fn reached(&mut self, now: Instant) -> bool {
        let was_out = self.outage.take().is_some();
        if was_out {
            self.back_since = Some(now);
        }
        was_out
    }

    /// A connection could not be made. Gives the delay until the next try, which lanes that fail together share. What trying again does not put
    /// right is tried after the long rest.
    pub(crate) fn unreachable(
        &mut self,
        failure: ConnectFailure,
        retry: &Retry,
        now: Instant,
        share: f64,
    ) -> Rest {
        let lasting = failure.outlook() == Outlook::Lasting;
        let before = self.outage.take();
        let resting = before.as_ref().filter(|outage| now < outage.until && (outage.needs_help || !lasting));
        if let Some(outage) = resting {
            let delay = outage.until - now;
            self.outage = before;
            return Rest { delay, calls_for_help: false };
        }
        let failures = before.as_ref().map_or(0, |outage| outage.failures).saturating_add(1);
        let persists = failure.outlook() == Outlook::Doubtful && failures >= PERSISTENT;
        let needs_help = lasting || persists;
        let delay = if lasting { retry.rest_time() } else { retry.delay(failures, share) };
        let outage = Outage {
            code: failure.code(),
            failures,
            since: before.as_ref().map_or(now, |outage| outage.since),
            until: now + delay,
            needs_help,
            tried: before.as_ref().is_some_and(|outage| outage.tried),
        };
        self.outage = Some(outage);
        Rest { delay, calls_for_help: needs_help && !before.is_some_and(|outage| outage.needs_help) }
    }

    /// The outage, if there is one.
    pub(crate) fn outage(&self) -> Option<&Outage> {
        self.outage.as_ref()
    }

    /// Starts no lane any more, until it is resumed.
    pub(crate) fn pause(&mut self) {
        self.paused = true;
    }

    /// Starts lanes again, and in an outage tries now.
    pub(crate) fn resume(&mut self, now: Instant) {
        self.paused = false;
        if let Some(outage) = &mut self.outage {
            outage.until = outage.until.min(now);
            self.hurries = true;
        }
    }

    /// Whether what waits for its next attempt is to be tried now; once.
    pub(crate) fn take_hurry(&mut self) -> bool {
        std::mem::take(&mut self.hurries)
    }

    pub(crate) fn is_paused(&self) -> bool {
        self.paused
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REFUSED: fn() -> ConnectFailure = || ConnectFailure::passing("N203");
    const EXPIRED: fn() -> ConnectFailure = || ConnectFailure::lasting("N401");

    #[test]
    fn connections_bound_the_lanes() {
        let now = Instant::now();
        let mut gate = Gate::new(2);
        assert_eq!(gate.free(now, 0), 2);
        gate.started(false);
        gate.started(true);
        assert_eq!(gate.free(now, 0), 0);
        gate.ended(false);
        assert_eq!(gate.free(now, 1), 1);
    }

    #[test]
    fn fault_34_an_outage_admits_one_lane_at_a_time() {
        let now = Instant::now();
        let retry = Retry::new();
        let mut gate = Gate::new(8);
        let delay = gate.unreachable(REFUSED(), &retry, now, 1.0).delay;
        assert_eq!(delay, Duration::from_secs(1));
        let again = gate.unreachable(REFUSED(), &retry, now, 1.0).delay;
        assert_eq!(again, delay, "lanes that fail together count once");
        assert_eq!(gate.free(now, 0), 0);
        let later = now + delay;
        assert_eq!(gate.free(later, 0), 1);
        assert!(gate.started(false), "this lane tries");
        assert_eq!(gate.free(later, 0), 0);
        assert_eq!(gate.unreachable(REFUSED(), &retry, later, 1.0).delay, Duration::from_secs(2));
        gate.ended(true);
        assert_eq!(gate.free(later + Duration::from_secs(2), 0), 1);
        assert!(gate.reached(later));
        assert!(!gate.reached(later), "once");
    }

    #[test]
    fn fault_35_after_an_outage_connections_come_back_one_by_one() {
        let now = Instant::now();
        let mut gate = Gate::new(8);
        gate.unreachable(REFUSED(), &Retry::new(), now, 1.0);
        gate.started(false);
        gate.reached(now);
        assert_eq!((gate.free(now, 0), gate.opens_at(now)), (0, Some(now + APART)));
        assert_eq!(gate.free(now + APART, 0), 1);
        gate.started(false);
        assert_eq!(gate.free(now + APART, 0), 0);
        assert_eq!(gate.free(now + APART, 1), 1, "one that is there is used");
        assert_eq!(gate.opens_at(now + APART), Some(now + 2 * APART));
        assert_eq!((gate.free(now + 7 * APART, 0), gate.opens_at(now + 7 * APART)), (6, None));
        let mut many = Gate::new(1000);
        many.unreachable(REFUSED(), &Retry::new(), now, 1.0);
        many.reached(now);
        assert_eq!(many.free(now + ALL_BACK, 0), 1000);
    }

    #[test]
    fn in_an_outage_open_connections_are_used_and_a_new_one_is_tried() {
        let now = Instant::now();
        let mut gate = Gate::new(8);
        let later = now + gate.unreachable(REFUSED(), &Retry::new(), now, 1.0).delay;
        assert_eq!(gate.free(now, 2), 2);
        assert!(!gate.started(true) && !gate.started(true), "neither of them tries");
        assert_eq!((gate.free(now, 0), gate.free(later, 0)), (0, 1));
        assert!(gate.started(false), "the next one does");
        assert_eq!(gate.free(later, 0), 0);
    }

    #[test]
    fn fault_30_what_does_not_mend_itself_rests_long_and_calls_for_help_once() {
        let now = Instant::now();
        let retry = Retry::new();
        let mut gate = Gate::new(8);
        gate.unreachable(REFUSED(), &retry, now, 1.0);
        let rest = gate.unreachable(EXPIRED(), &retry, now, 0.0);
        assert_eq!(rest, Rest { delay: Retry::REST, calls_for_help: true }, "no jitter makes it short");
        let just_before = now + Retry::REST - Duration::from_millis(1);
        assert_eq!(gate.free(just_before, 0), 0);
        let again = gate.unreachable(EXPIRED(), &retry, now + Retry::REST, 0.0);
        assert_eq!(again, Rest { delay: Retry::REST, calls_for_help: false });
        assert_eq!(gate.outage().map(|outage| (outage.code, outage.needs_help)), Some(("N401", true)));
        gate.resume(just_before);
        assert_eq!(gate.free(just_before, 0), 1, "who has mended it need not wait");
        assert!(gate.take_hurry() && !gate.take_hurry());
    }

    #[test]
    fn fault_05_a_name_that_stays_unknown_calls_for_help_once_and_is_tried_on() {
        let mut now = Instant::now();
        let retry = Retry::new();
        let mut gate = Gate::new(1);
        let calls: Vec<bool> = (0..7)
            .map(|_| {
                let rest = gate.unreachable(ConnectFailure::doubtful("N207"), &retry, now, 1.0);
                assert!(rest.delay <= Retry::MAX);
                now += rest.delay;
                rest.calls_for_help
            })
            .collect();
        assert_eq!(calls, [false, false, false, false, true, false, false]);
    }

    #[test]
    fn paused_starts_nothing() {
        let now = Instant::now();
        let mut gate = Gate::new(2);
        gate.pause();
        assert_eq!((gate.free(now, 2), gate.opens_at(now), gate.is_paused()), (0, None, true));
        gate.resume(now);
        assert_eq!(gate.free(now, 0), 2);
    }
}
