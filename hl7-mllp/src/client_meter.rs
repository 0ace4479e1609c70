//! What clients have done, for metrics.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::tally::{Acks, Clocked, Codes, Count, Durations, Present};

/// Reads the counters of all clients that were made with one [`crate::ClientBuilder`], its clones included. Cloning it shares it.
#[derive(Clone, Default)]
pub struct ClientMeter {
    pub(crate) tally: Arc<ClientTally>,
}

#[derive(Default, Debug)]
pub(crate) struct ClientTally {
    pub(crate) open: Present,
    pub(crate) connects: Count,
    pub(crate) connect_errors: Codes,
    pub(crate) reconnects: Count,
    pub(crate) blocks: Count,
    pub(crate) bytes_sent: Count,
    pub(crate) bytes_received: Count,
    pub(crate) acks: Acks,
    pub(crate) errors: Codes,
    pub(crate) latency: Clocked,
}

/// What clients have done so far. No number is about content.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
#[non_exhaustive]
pub struct ClientCounters {
    /// Connections that are open now.
    pub open: u64,
    /// Connections that were made.
    pub connects: u64,
    /// Connections that could not be made, by code; TLS handshakes are those from N401 on.
    pub connect_errors: BTreeMap<&'static str, u64>,
    /// Connections that a send made anew by itself because nothing had been sent; see [`crate::ClientBuilder::reconnect`].
    pub reconnects: u64,
    /// Messages that were written to the end.
    pub blocks: u64,
    /// Their bytes, with the frame.
    pub bytes_sent: u64,
    /// The bytes of acknowledgments, without the frame.
    pub bytes_received: u64,
    /// Acknowledgments by MSA-1.
    pub acks: BTreeMap<&'static str, u64>,
    /// Sends without an acknowledgment, by code.
    pub errors: BTreeMap<&'static str, u64>,
    /// From the first byte of a message to the end of its acknowledgment.
    pub latency: Durations,
}

impl fmt::Debug for ClientMeter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientMeter").finish_non_exhaustive()
    }
}

impl ClientMeter {
    /// The counters as they stand.
    pub fn read(&self) -> ClientCounters {
        let tally = &self.tally;
        ClientCounters {
            open: tally.open.get(),
            connects: tally.connects.get(),
            connect_errors: tally.connect_errors.get(),
            reconnects: tally.reconnects.get(),
            blocks: tally.blocks.get(),
            bytes_sent: tally.bytes_sent.get(),
            bytes_received: tally.bytes_received.get(),
            acks: tally.acks.get(),
            errors: tally.errors.get(),
            latency: tally.latency.get(),
        }
    }
}
