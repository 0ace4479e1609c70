//! One connection to the receiver: what is said, and what is heard and when. Bytes are not judged here.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout, timeout_at};

use super::frame::END;
use crate::client::ClientBuilder;
use crate::connect_error::ConnectError;
use crate::identity::PeerIdentity;
use crate::stream::Stream;
use crate::tls_fault::TlsFault;
use crate::wire::{PACE, deadline_in};

/// An acknowledgment has a few hundred bytes; so many are heard before it counts as endless.
const MOST_HEARD: usize = 256 * 1024;
/// What the system keeps for sending, so that a receiver that reads nothing is noticed.
const SEND_BUFFER: usize = 64 * 1024;

pub(super) struct Line {
    stream: Stream,
    peer: Option<SocketAddr>,
    identity: Option<PeerIdentity>,
}

/// What was heard in one go.
pub(super) struct Heard {
    pub(super) bytes: Vec<u8>,
    pub(super) ending: Ending,
    /// From the end of what was said to the last end block that was waited for.
    pub(super) took: Option<Duration>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Ending {
    /// The connection is open and silent.
    Open,
    Closed,
    Reset,
    TooMuch,
    /// The secure connection has a fault: an alert, or an end that is none of TLS.
    Insecure(TlsFault),
}

/// Why something could not be said.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Unsaid {
    TimedOut,
    Lost,
}

impl Line {
    pub(super) async fn open(addr: &str, client: &ClientBuilder) -> Result<Self, ConnectError> {
        let deadline = client.connect_deadline();
        let tcp = client.reached(addr, deadline).await?;
        let _ = socket2::SockRef::from(&tcp).set_send_buffer_size(SEND_BUFFER);
        let peer = tcp.peer_addr().ok();
        let (stream, identity) = client.secured(tcp, addr, deadline).await?;
        Ok(Self { stream, peer, identity })
    }

    pub(super) fn peer(&self) -> Option<SocketAddr> {
        self.peer
    }

    /// Until when the receiver's certificate is valid, where it has one.
    pub(super) fn not_after(&self) -> Option<SystemTime> {
        self.identity.as_ref().map(PeerIdentity::not_after)
    }

    /// Says it all. Each part of [`PACE`] bytes has the time `within`, so that a slow reader is no stuck one.
    pub(super) async fn say(&mut self, bytes: &[u8], within: Duration) -> Result<(), Unsaid> {
        for part in bytes.chunks(PACE) {
            let said = async {
                self.stream.write_all(part).await?;
                self.stream.flush().await
            };
            match timeout(within, said).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return Err(Unsaid::Lost),
                Err(_) => return Err(Unsaid::TimedOut),
            }
        }
        Ok(())
    }

    /// Listens until so many end blocks have come, and for the time `quiet` more; or the connection ends; or `within` is over.
    pub(super) async fn hear(&mut self, blocks: usize, within: Duration, quiet: Duration) -> Heard {
        let begun = Instant::now();
        let mut heard = Heard { bytes: Vec::new(), ending: Ending::Open, took: None };
        let (mut ends, mut until) = (0, deadline_in(if blocks == 0 { quiet } else { within }));
        while let Ok(read) = timeout_at(until, self.read(&mut heard.bytes)).await {
            match read {
                Ok(0) => heard.ending = Ending::Closed,
                Ok(_) if heard.bytes.len() > MOST_HEARD => heard.ending = Ending::TooMuch,
                Ok(bytes) => {
                    ends += ends_in(&heard.bytes, bytes);
                    if blocks > 0 && ends >= blocks && heard.took.is_none() {
                        heard.took = Some(begun.elapsed());
                        until = deadline_in(quiet);
                    }
                    continue;
                }
                Err(why) => heard.ending = self.stream.fault(&why).map_or(Ending::Reset, Ending::Insecure),
            }
            break;
        }
        heard
    }

    async fn read(&mut self, into: &mut Vec<u8>) -> io::Result<usize> {
        into.reserve(4096);
        self.stream.read_buf(into).await
    }
}

/// How many end block characters are among the last `count` bytes.
fn ends_in(bytes: &[u8], count: usize) -> usize {
    let new = bytes.get(bytes.len().saturating_sub(count)..).unwrap_or_default();
    memchr::memchr_iter(END, new).count()
}
