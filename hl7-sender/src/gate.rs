//! How many lanes of a destination may start: its connections, and in an outage those that are still open and one lane that tries to
//! make a new one.

use std::time::Duration;

use tokio::time::Instant;

use crate::retry::Retry;

/// The state of a destination's connections. It reads no clock.
#[derive(Debug)]
pub(crate) struct Gate {
    connections: usize,
    running: usize,
    outage: Option<Outage>,
}

#[derive(Debug)]
struct Outage {
    failures: u32,
    until: Instant,
    /// Whether a lane is trying.
    tried: bool,
}

impl Gate {
    pub(crate) fn new(connections: usize) -> Self {
        Self { connections, running: 0, outage: None }
    }

    /// How many lanes may start now, with so many open connections that no lane uses. After a failed connection only those are to be had until the
    /// delay is over, and then one lane at a time tries to make another, until one succeeds.
    pub(crate) fn free(&self, now: Instant, idle: usize) -> usize {
        let free = self.connections.saturating_sub(self.running);
        match &self.outage {
            None => free,
            Some(outage) if outage.tried || now < outage.until => free.min(idle),
            Some(_) => free.min(idle.saturating_add(1)),
        }
    }

    /// When a lane may try again, in an outage.
    pub(crate) fn opens_at(&self) -> Option<Instant> {
        self.outage.as_ref().map(|outage| outage.until)
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

    /// A new connection was made: the outage is over. Whether there was one.
    pub(crate) fn reached(&mut self) -> bool {
        self.outage.take().is_some()
    }

    /// A connection could not be made. Gives the delay until the next try, which lanes that fail together share.
    pub(crate) fn unreachable(&mut self, retry: &Retry, now: Instant, share: f64) -> Duration {
        let (failures, tried) = match &self.outage {
            Some(outage) if now < outage.until => return outage.until - now,
            Some(outage) => (outage.failures.saturating_add(1), outage.tried),
            None => (1, false),
        };
        let delay = retry.delay(failures, share);
        self.outage = Some(Outage { failures, until: now + delay, tried });
        delay
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let delay = gate.unreachable(&retry, now, 1.0);
        assert_eq!(delay, Duration::from_secs(1));
        assert_eq!(gate.unreachable(&retry, now, 1.0), delay, "lanes that fail together count once");
        assert_eq!(gate.free(now, 0), 0);
        let later = now + delay;
        assert_eq!(gate.free(later, 0), 1);
        assert!(gate.started(false), "this lane tries");
        assert_eq!(gate.free(later, 0), 0);
        assert_eq!(gate.unreachable(&retry, later, 1.0), Duration::from_secs(2));
        gate.ended(true);
        assert_eq!(gate.free(later + Duration::from_secs(2), 0), 1);
        assert!(gate.reached());
        assert_eq!(gate.free(later, 0), 8);
    }

    #[test]
    fn in_an_outage_open_connections_are_used_and_a_new_one_is_tried() {
        let now = Instant::now();
        let mut gate = Gate::new(8);
        let later = now + gate.unreachable(&Retry::new(), now, 1.0);
        assert_eq!(gate.free(now, 2), 2);
        assert!(!gate.started(true) && !gate.started(true), "neither of them tries");
        assert_eq!((gate.free(now, 0), gate.free(later, 0)), (0, 1));
        assert!(gate.started(false), "the next one does");
        assert_eq!(gate.free(later, 0), 0);
    }
}
