//! What a listener has done, for metrics.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use hl7_core::AckCode;

use crate::tally::{Acks, Clocked, Codes, Count, Durations, Present};

/// Reads the counters of a listener, while it serves and after. Cloning it shares it.
#[derive(Clone, Default)]
pub struct ServerMeter {
    pub(crate) tally: Arc<ServerTally>,
}

#[derive(Default, Debug)]
pub(crate) struct ServerTally {
    pub(crate) open: Present,
    pub(crate) accepted: Count,
    pub(crate) refused: Count,
    #[cfg(feature = "tls")]
    pub(crate) handshake_errors: Codes,
    pub(crate) blocks: Count,
    pub(crate) bytes_received: Count,
    pub(crate) bytes_sent: Count,
    pub(crate) replies: Acks,
    pub(crate) unreadable: Count,
    pub(crate) framing_errors: Codes,
    pub(crate) handler_failures: Count,
    pub(crate) latency: Clocked,
}

/// What a listener has done so far. No number is about content.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
#[non_exhaustive]
pub struct ServerCounters {
    /// Connections that are served now.
    pub open: u64,
    /// Connections that were served, those of `open` included.
    pub accepted: u64,
    /// Connections that were closed at once because there were too many.
    pub refused: u64,
    /// TLS handshakes that failed, by code. Those that were cut to make room are not among them.
    pub handshake_errors: BTreeMap<&'static str, u64>,
    /// Whole blocks that were received.
    pub blocks: u64,
    /// Their bytes, without the frame.
    pub bytes_received: u64,
    /// The bytes of replies, with the frame.
    pub bytes_sent: u64,
    /// Replies by MSA-1, the listener's own included.
    pub replies: BTreeMap<&'static str, u64>,
    /// Blocks that were no message.
    pub unreadable: u64,
    /// Broken frames, by code.
    pub framing_errors: BTreeMap<&'static str, u64>,
    /// Messages whose handler panicked or took too long.
    pub handler_failures: u64,
    /// From the end of a block to the end of its reply.
    pub latency: Durations,
}

impl fmt::Debug for ServerMeter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerMeter").finish_non_exhaustive()
    }
}

impl ServerMeter {
    /// The counters as they stand.
    pub fn read(&self) -> ServerCounters {
        let tally = &self.tally;
        ServerCounters {
            open: tally.open.get(),
            accepted: tally.accepted.get(),
            refused: tally.refused.get(),
            #[cfg(feature = "tls")]
            handshake_errors: tally.handshake_errors.get(),
            #[cfg(not(feature = "tls"))]
            handshake_errors: BTreeMap::new(),
            blocks: tally.blocks.get(),
            bytes_received: tally.bytes_received.get(),
            bytes_sent: tally.bytes_sent.get(),
            replies: tally.replies.get(),
            unreadable: tally.unreadable.get(),
            framing_errors: tally.framing_errors.get(),
            handler_failures: tally.handler_failures.get(),
            latency: tally.latency.get(),
        }
    }
}

/// MSA-1 of a reply. Looked for and not parsed: a reply is looked at once a message, and may be anything.
pub(crate) fn msa_code(reply: &[u8]) -> Option<AckCode> {
    let at = memchr::memmem::find(reply, b"\rMSA")?;
    let code = reply.get(at + 5..at + 7)?;
    std::str::from_utf8(code).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_of_a_reply_is_found_or_it_has_none() {
        assert_eq!(msa_code(b"MSH|^~\\&|A\rMSA|AE|1\r"), Some(AckCode::AE));
        assert_eq!(msa_code(b"MSH#^~\\&#A\rMSA#CA#1\r"), Some(AckCode::CA));
        for none in [&b"MSH|^~\\&|A\r"[..], b"", b"MSH|\rMSA", b"MSH|\rMSA|ZZ|1", b"anything"] {
            assert_eq!(msa_code(none), None);
        }
    }
}
