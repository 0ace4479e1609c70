//! What can be asked of a destination.

use std::time::Duration;

use tokio::time::Instant;

use crate::engine::Target;
use crate::gate::Outage;

/// How a destination fares in this process.
#[derive(Clone, Debug)]
pub struct DestinationStatus {
    name: String,
    paused: bool,
    outage: Option<Outage>,
    at: Instant,
}

impl DestinationStatus {
    pub(crate) fn of(target: &Target, at: Instant) -> Self {
        let gate = target.gate();
        Self { name: target.name.clone(), paused: gate.is_paused(), outage: gate.outage().cloned(), at }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it was paused.
    pub fn is_paused(&self) -> bool {
        self.paused
    }

    /// Why no connection can be made, while that is so: a code of `hl7-mllp` (`N2..`, `N4..`), of this crate, or of the program's own transport.
    pub fn unreachable(&self) -> Option<&'static str> {
        self.outage.as_ref().map(|outage| outage.code)
    }

    /// How long it has been so.
    pub fn unreachable_for(&self) -> Option<Duration> {
        self.outage.as_ref().map(|outage| self.at.saturating_duration_since(outage.since))
    }

    /// How often in a row no connection was made.
    pub fn failures(&self) -> u32 {
        self.outage.as_ref().map_or(0, |outage| outage.failures)
    }

    /// Whether a person has to act, because trying again does not help: a certificate that has expired or is not trusted, this side's that was refused,
    /// an address or a proxy that is wrong, a name that there is not.
    pub fn needs_help(&self) -> bool {
        self.outage.as_ref().is_some_and(|outage| outage.needs_help)
    }

    /// How long it is until a connection is tried again.
    pub fn next_try_in(&self) -> Option<Duration> {
        self.outage.as_ref().map(|outage| outage.until.saturating_duration_since(self.at))
    }
}
