//! One connection to the receiver: what is said, and what is heard and when. Bytes are not judged here.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, timeout, timeout_at};

use crate::connect;
use crate::connect_error::ConnectError;
use crate::route::Route;
use crate::wire::{PACE, deadline_in};

/// An acknowledgment has a few hundred bytes; so many are heard before it counts as endless.
const MOST_HEARD: usize = 256 * 1024;
/// What the system keeps for sending, so that a receiver that reads nothing is noticed.
const SEND_BUFFER: usize = 64 * 1024;

/// What carries a connection: TCP, or TLS over it.
trait Carrier: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Carrier for S {}

pub(super) struct Line {
    carrier: Box<dyn Carrier>,
    peer: Option<SocketAddr>,
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
}

/// Why something could not be said.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Unsaid {
    TimedOut,
    Lost,
}

impl Line {
    pub(super) async fn open(addr: &str, within: Duration) -> Result<Self, ConnectError> {
        let stream = connect::connect(addr, &Route::default(), deadline_in(within)).await?;
        connect::prepare(&stream, None);
        let _ = socket2::SockRef::from(&stream).set_send_buffer_size(SEND_BUFFER);
        let peer = stream.peer_addr().ok();
        Ok(Self { carrier: Box::new(stream), peer })
    }

    pub(super) fn peer(&self) -> Option<SocketAddr> {
        self.peer
    }

    /// Says it all. Each part of [`PACE`] bytes has the time `within`, so that a slow reader is no stuck one.
    pub(super) async fn say(&mut self, bytes: &[u8], within: Duration) -> Result<(), Unsaid> {
        for part in bytes.chunks(PACE) {
            let said = async {
                self.carrier.write_all(part).await?;
                self.carrier.flush().await
            };
            match timeout(within, said).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return Err(Unsaid::Lost),
                Err(_) => return Err(Unsaid::TimedOut),
            }
        }
        Ok(())
    }

    /// Listens until so many end blocks have come and then nothing for the time `quiet`; or the connection ends; or `within` is over.
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
                    if blocks > 0 && ends >= blocks {
                        heard.took.get_or_insert_with(|| begun.elapsed());
                        until = deadline_in(quiet);
                    }
                    continue;
                }
                Err(_) => heard.ending = Ending::Reset,
            }
            break;
        }
        heard
    }

    async fn read(&mut self, into: &mut Vec<u8>) -> io::Result<usize> {
        into.reserve(4096);
        self.carrier.read_buf(into).await
    }
}

/// How many end block characters are among the last `count` bytes.
fn ends_in(bytes: &[u8], count: usize) -> usize {
    let new = bytes.get(bytes.len().saturating_sub(count)..).unwrap_or_default();
    memchr::memchr_iter(crate::block::END, new).count()
}
